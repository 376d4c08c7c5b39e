/*
 * import.c
 *		IMPORT FOREIGN SCHEMA: gather what is known of tables and columns from
 *		the dictionary, the metadata catalogue, custom fields and custom records;
 *		verify it by asking; write CREATE FOREIGN TABLE.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "netsuite_fdw/catalog.h"
#include "netsuite_fdw/form.h"
#include "netsuite_fdw/import.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define CATALOG_PATH "/services/rest/record/v1/metadata-catalog"
#define PROBE_COLUMNS 60 /* asked for in one query */
#define PROBE_ROWS 50    /* whose values may correct a type */

/* -- lists of tables and columns -- */

static ImportTable *
find_table(List *tables, const char *name)
{
	ListCell *lc;

	foreach (lc, tables)
	{
		ImportTable *t = lfirst(lc);

		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

static ImportTable *
add_table(List **tables, const char *name, const char *comment, const char *key,
		  const char *source, bool custom)
{
	ImportTable *t = palloc0(sizeof(ImportTable));

	t->name = pstrdup(name);
	t->comment = comment ? pstrdup(comment) : NULL;
	t->key = key ? pstrdup(key) : NULL;
	t->source = pstrdup(source);
	t->custom = custom;
	*tables = lappend(*tables, t);
	return t;
}

static char *
lowered(const char *text)
{
	char *result = pstrdup(text);

	for (char *p = result; *p; p++)
		*p = pg_tolower((unsigned char) *p);
	return result;
}

static bool
is_identifier(const char *name)
{
	const char *p = name;

	if (!((*p >= 'a' && *p <= 'z') || *p == '_') || strlen(name) >= NAMEDATALEN)
		return false;
	for (; *p; p++)
	{
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
			return false;
	}
	return true;
}

/* Add a column unless it is there; what came first knows the type better.  Gives the new one, or NULL. */
static ImportColumn *
add_column(ImportTable *t, const char *mixed, char type, const char *comment, bool custom)
{
	char *name = lowered(mixed);
	ImportColumn *c;
	ListCell *lc;

	if (!is_identifier(name))
		return NULL;
	foreach (lc, t->columns)
	{
		c = lfirst(lc);
		if (strcmp(c->name, name) == 0)
		{
			if (c->comment == NULL && comment)
				c->comment = pstrdup(comment);
			return NULL;
		}
	}
	c = palloc0(sizeof(ImportColumn));
	c->name = name;
	c->type = type;
	c->comment = comment ? pstrdup(comment) : NULL;
	c->custom = custom;
	t->columns = lappend(t->columns, c);
	return c;
}

/* Columns written as in the dictionary: "id i, name s" */
static void
add_columns(ImportTable *t, const char *text)
{
	char *copy = pstrdup(text);
	char *save;

	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save))
	{
		char *type;

		while (*word == ' ')
			word++;
		type = strchr(word, ' ');
		*type++ = '\0';
		add_column(t, word, *type, NULL, false);
	}
}

static void
add_dictionary(List **tables)
{
	int n;
	const CatalogTable *known = catalog_list(&n);

	for (int i = 0; i < n; i++)
		add_columns(add_table(tables, known[i].name, known[i].comment, known[i].key, "dictionary",
							  false),
					known[i].columns);
}

/* -- asking -- */

/* Drive requests until all are settled; the list holds Request pointers */
static void
wait_for_all(Client *client, List *requests)
{
	ListCell *lc;

	foreach (lc, requests)
	{
		request_settle(lfirst(lc));
	}
}

/* Rows of a query with an integer column to page by; NULL if it is refused */
static List *
rows_of(Client *client, const char *select, const char *key, MemoryContext context)
{
	List *rows = NIL;
	char *last = NULL;

	for (;;)
	{
		Request *request = request_new(client, context);
		Json *body;
		Json *items;
		int n;

		request_query(request, psprintf("%s%s%s ORDER BY %s ASC", select, last ? psprintf(" WHERE %s > ", key) : "", last ? last : "", key), 1000, 0);
		request_start(request);
		request_settle(request);
		if (request->state == REQUEST_FAILED && request->http->failure == HTTP_OK &&
			(request->http->status == 400 || request->http->status == 403))
			return rows;
		if (request->state != REQUEST_DONE)
			request_raise(request);
		body = request_json(request);
		items = json_member(body, "items");
		n = json_count(items);
		for (int i = 0; i < n; i++)
			rows = lappend(rows, json_item(items, i));
		if (n == 0 || (n < 1000 && !json_true(json_member(body, "hasMore"))))
			return rows;
		last = pstrdup(json_text(llast(rows), key));
	}
}

static void
add_custom_records(Client *client, List **tables, MemoryContext context)
{
	ListCell *lc;

	foreach (lc, rows_of(client, "SELECT internalid, scriptid, name, description FROM customrecordtype",
						 "internalid", context))
	{
		Json *row = lfirst(lc);
		const char *script = json_text(row, "scriptid");
		const char *label = json_text(row, "description") ? json_text(row, "description")
														  : json_text(row, "name");
		ImportTable *t;

		if (script == NULL || !is_identifier(lowered(script)) || find_table(*tables, lowered(script)))
			continue;
		t = add_table(tables, lowered(script), label, "id", "custom record", true);
		add_columns(t, "id i, name s, externalid s, isinactive b, owner i, created t, lastmodified t");
	}
}

static const struct
{
	const char *words;
	char type;
} field_types[] = {
	{"Integer Number", 'i'},
	{"Decimal Number", 'n'},
	{"Currency", 'n'},
	{"Percent", 'n'},
	{"Check Box", 'b'},
	{"Date", 'd'},
	{"Date/Time", 't'},
	{"List/Record", 'r'},
};

static char
field_type(const char *words)
{
	for (int i = 0; words && i < lengthof(field_types); i++)
	{
		if (pg_strcasecmp(words, field_types[i].words) == 0)
			return field_types[i].type;
	}
	return 's';
}

/* Custom fields go to the tables whose prefix they bear */
static void
add_custom_fields(Client *client, List *tables, MemoryContext context)
{
	ListCell *lc;
	ListCell *lt;
	List *rows = rows_of(client, "SELECT internalid, scriptid, name, fieldvaluetype, description FROM customfield",
						 "internalid", context);

	foreach (lc, rows)
	{
		Json *row = lfirst(lc);
		const char *script = json_text(row, "scriptid");
		char *name;

		if (script == NULL)
			continue;
		name = lowered(script);
		foreach (lt, tables)
		{
			ImportTable *t = lfirst(lt);
			const CatalogTable *known = catalog_find(t->name);
			const char *prefix = known ? known->custom_prefix : NULL;

			/* custrecord_asset_serial belongs to customrecord_asset */
			if (t->custom && strncmp(t->name, "customrecord", 12) == 0)
				prefix = psprintf("custrecord%s", t->name + 12);
			if (prefix && strncmp(name, prefix, strlen(prefix)) == 0)
				add_column(t, name, field_type(json_text(row, "fieldvaluetype")),
						   json_text(row, "description") ? json_text(row, "description")
														 : json_text(row, "name"),
						   true);
		}
	}
}

/* -- the metadata catalogue -- */

/* Names of all record types; NIL if the role may not see them */
static List *
record_types(Client *client, MemoryContext context)
{
	Request *request = request_new(client, context);
	Json *items;
	List *names = NIL;

	request_get(request, CATALOG_PATH, "application/json");
	request_start(request);
	request_settle(request);
	if (request->state != REQUEST_DONE)
	{
		ereport(NOTICE,
				(errmsg("the metadata catalogue of server \"%s\" cannot be read; only known tables are imported",
						client_options(client)->name),
				 request->detail ? errdetail_internal("%s", request->detail) : 0));
		return NIL;
	}
	items = json_member(request_json(request), "items");
	for (int i = 0; i < json_count(items); i++)
	{
		const char *name = json_text(json_item(items, i), "name");

		if (name)
			names = lappend(names, pstrdup(name));
	}
	return names;
}

static char
schema_type(Json *property)
{
	const char *type = json_text(property, "type");
	const char *format = json_text(property, "format");
	Json *inner = json_member(property, "properties");

	if (json_member(property, "$ref") || type == NULL)
		return 0;
	if (strcmp(type, "integer") == 0)
		return 'i';
	if (strcmp(type, "number") == 0)
		return 'n';
	if (strcmp(type, "boolean") == 0)
		return 'b';
	if (strcmp(type, "string") == 0)
		return format && strcmp(format, "date") == 0 ? 'd' : format && strcmp(format, "date-time") == 0 ? 't'
																										: 's';
	if (json_member(inner, "id"))
		return 'r';
	if (json_member(inner, "items"))
		return 's'; /* a multi-select comes as a list in a text */
	return 0;
}

/* A column from a property of a record type's JSON schema */
static void
add_property(const char *name, Json *property, void *table)
{
	char type = schema_type(property);
	const char *comment = json_text(property, "description") ? json_text(property, "description") : json_text(property, "title");

	if (type == 0 || strcmp(name, "links") == 0 || strcmp(name, "refName") == 0)
		return;
	if (strcmp(name, "id") == 0)
		type = 'i';
	add_column(table, name, type, comment, json_true(json_member(property, "x-ns-custom-field")));
}

/* Ask for the schemas of the record types that live in the tables, several at once */
static void
add_schemas(Client *client, List *tables, List *records, MemoryContext context)
{
	List *requests = NIL;
	List *owners = NIL;
	ListCell *lc;
	ListCell *lo;

	foreach (lc, records)
	{
		const char *record = lfirst(lc);
		const CatalogTable *known = catalog_of_record(record);
		ImportTable *t = find_table(tables, known ? known->name : lowered(record));
		Request *request;

		if (t == NULL)
			continue;
		request = request_new(client, context);
		request_get(request, psprintf(CATALOG_PATH "/%s", http_escape(record)),
					"application/schema+json");
		request_start(request);
		requests = lappend(requests, request);
		owners = lappend(owners, t);
	}
	wait_for_all(client, requests);
	forboth(lc, requests, lo, owners)
	{
		Request *request = lfirst(lc);

		if (request->state == REQUEST_DONE)
			json_visit(json_member(request_json(request), "properties"), add_property, lfirst(lo));
	}
}

/* Record types that the dictionary does not know may be tables of their own */
static void
add_records(List **tables, List *records)
{
	ListCell *lc;

	foreach (lc, records)
	{
		char *name = lowered(lfirst(lc));

		if (catalog_of_record(lfirst(lc)) == NULL && is_identifier(name) &&
			find_table(*tables, name) == NULL)
			add_table(tables, name, NULL, "id", "metadata catalogue",
					  strncmp(name, "customrecord", 12) == 0);
	}
}

/* -- verifying by asking -- */

/* Some columns of a table, asked for together */
typedef struct Probe
{
	ImportTable *table;
	List *columns;
	Request *request;
} Probe;

static void
send_probe(Client *client, Probe *probe, MemoryContext context)
{
	StringInfoData q;
	ListCell *lc;

	initStringInfo(&q);
	foreach (lc, probe->columns)
		appendStringInfo(&q, "%st.%s", q.len > 0 ? ", " : "SELECT ",
						 ((ImportColumn *) lfirst(lc))->name);
	appendStringInfo(&q, " FROM %s t", probe->table->name);
	probe->request = request_new(client, context);
	request_query(probe->request, q.data, PROBE_ROWS, 0);
	probe->request->impatient = true;
	request_start(probe->request);
}

static bool
all_integers(Json *items, const char *name, bool *any)
{
	for (int i = 0; i < json_count(items); i++)
	{
		const char *value = json_text(json_item(items, i), name);
		char *end;

		if (value == NULL)
			continue;
		*any = true;
		errno = 0;
		(void) strtoll(value, &end, 10);
		if (end == value || *end != '\0' || errno != 0)
			return false;
	}
	return true;
}

/* The values show which references and ids are numbers */
static void
correct_types(Probe *probe)
{
	Json *items = json_member(request_json(probe->request), "items");
	ListCell *lc;

	if (json_count(items) == 0)
		return;
	foreach (lc, probe->columns)
	{
		ImportColumn *c = lfirst(lc);
		bool any = false;
		bool integers;

		if (c->type != 'i' && c->type != 'r')
			continue;
		integers = all_integers(items, c->name, &any);
		c->guessed = !any || !integers;
		if (!integers)
			c->type = 's';
		else if (c->type == 'r')
			c->type = any || c->custom ? 'i' : 's';
	}
}

/* The column that an error names, or NULL */
static ImportColumn *
named_column(Probe *probe, const char *detail)
{
	static const char *const marks[] = {"Field '", "Unknown identifier '"};

	for (int i = 0; detail && i < lengthof(marks); i++)
	{
		const char *start = strstr(detail, marks[i]);
		const char *end;
		char *name;
		ListCell *lc;

		if (start == NULL)
			continue;
		start += strlen(marks[i]);
		end = strchr(start, '\'');
		if (end == NULL)
			continue;
		name = lowered(pnstrdup(start, end - start));
		if (strrchr(name, '.'))
			name = strrchr(name, '.') + 1;
		foreach (lc, probe->columns)
		{
			if (strcmp(((ImportColumn *) lfirst(lc))->name, name) == 0)
				return lfirst(lc);
		}
	}
	return NULL;
}

/* Does a list such as {id=id, t.name=name} name the column? */
static bool
is_available(const char *list, const char *name)
{
	int len = strlen(name);

	for (const char *p = list; (p = strstr(p, name)) != NULL; p += len)
	{
		char before = p == list ? ' ' : p[-1];
		char after = p[len];

		if (strchr(" {,.=", before) && (after == '\0' || strchr(" },=", after)))
			return true;
	}
	return false;
}

/* Drop what an error names, or lists as not available; true if that was anything */
static bool
drop_named(Probe *probe, const char *detail)
{
	ImportColumn *named = named_column(probe, detail);
	const char *available = detail ? strstr(detail, "Available identifiers are:") : NULL;
	List *rest = NIL;
	char *list;
	ListCell *lc;

	if (named == NULL)
		return false;
	list = available ? lowered(available + strlen("Available identifiers are:")) : NULL;
	foreach (lc, probe->columns)
	{
		ImportColumn *c = lfirst(lc);

		if (c == named || (list && strchr(list, '{') && !is_available(list, c->name)))
			c->dropped = true;
		else
			rest = lappend(rest, c);
	}
	probe->columns = rest;
	return true;
}

static List *
head(List *list, int from, int to)
{
	List *part = NIL;

	for (int i = from; i < to; i++)
		part = lappend(part, list_nth(list, i));
	return part;
}

static void
skip_table(ImportTable *t, Request *request)
{
	t->missing = true;
	t->problem = pstrdup(request->detail ? request->detail : "no reason was given");
}

/* Judge a probe; new ones are added to the list */
static List *
judge(Client *client, Probe *probe, List *probes, MemoryContext context)
{
	Request *request = probe->request;
	int n = list_length(probe->columns);
	Probe *half;

	if (request->state == REQUEST_DONE)
	{
		correct_types(probe);
		return probes;
	}
	/* anything but a refusal of this query fails the import */
	if (request->http->failure != HTTP_OK ||
		(request->http->status != 400 && request->http->status != 403 && request->http->status != 500))
		request_raise(request);
	if (request->http->status == 403 ||
		(request->detail && strstr(request->detail, "Record '") && strstr(request->detail, "not found")))
	{
		skip_table(probe->table, request);
		return probes;
	}
	if (!drop_named(probe, request->detail))
	{
		/* the error names nothing: halve */
		if (n == 1)
		{
			((ImportColumn *) linitial(probe->columns))->dropped = true;
			return probes;
		}
		half = palloc0(sizeof(Probe));
		half->table = probe->table;
		half->columns = head(probe->columns, n / 2, n);
		send_probe(client, half, context);
		probes = lappend(probes, half);
		probe->columns = head(probe->columns, 0, n / 2);
	}
	if (probe->columns != NIL && !probe->table->missing)
	{
		half = palloc0(sizeof(Probe));
		*half = *probe;
		send_probe(client, half, context);
		probes = lappend(probes, half);
	}
	return probes;
}

/* Ask for all columns of all tables and drop what the account does not have */
static void
verify(Client *client, List *tables, MemoryContext context)
{
	List *probes = NIL;
	ListCell *lc;

	foreach (lc, tables)
	{
		ImportTable *t = lfirst(lc);
		int n = list_length(t->columns);

		for (int from = 0; from < n; from += PROBE_COLUMNS)
		{
			Probe *probe = palloc0(sizeof(Probe));

			probe->table = t;
			probe->columns = head(t->columns, from, Min(n, from + PROBE_COLUMNS));
			send_probe(client, probe, context);
			probes = lappend(probes, probe);
		}
	}
	/* the list grows while it is read */
	for (int i = 0; i < list_length(probes); i++)
	{
		Probe *probe = list_nth(probes, i);

		request_settle(probe->request);
		probes = judge(client, probe, probes, context);
		request_stop(probe->request);
	}
}

typedef struct Look
{
	ImportTable *table;
	Json *items;
} Look;

static void
add_seen(const char *name, Json *value, void *arg)
{
	Look *look = arg;
	bool any = false;
	bool integers = all_integers(look->items, name, &any);

	ImportColumn *c = NULL;

	if (strcmp(name, "links") != 0)
		c = add_column(look->table, name, integers && any ? 'i' : 's', NULL, false);
	if (c)
		c->guessed = true;
}

/* A table that nothing is known of: its columns are those that a look shows */
static void
look_at_tables(Client *client, List *tables, MemoryContext context)
{
	ListCell *lc;

	foreach (lc, tables)
	{
		ImportTable *t = lfirst(lc);
		Request *request;
		Json *items;

		if (t->columns != NIL)
			continue;
		request = request_new(client, context);
		request_query(request, psprintf("SELECT * FROM %s", t->name), 1000, 0);
		request_start(request);
		request_settle(request);
		if (request->state != REQUEST_DONE)
		{
			if (request->http->failure != HTTP_OK || request->http->status >= 500 ||
				request->http->status == 401)
				request_raise(request);
			skip_table(t, request);
			continue;
		}
		items = json_member(request_json(request), "items");
		for (int i = 0; i < json_count(items); i++)
		{
			Look look = {t, items};

			json_visit(json_item(items, i), add_seen, &look);
		}
	}
}

/* -- what tables there are -- */

/* Every table that the account may have, for netsuite_tables() */
List *
import_tables(Client *client, bool custom)
{
	List *tables = NIL;
	MemoryContext context = CurrentMemoryContext;
	List *records = record_types(client, context);

	add_dictionary(&tables);
	if (custom)
		add_custom_records(client, &tables, context);
	add_records(&tables, records);
	return tables;
}

/* -- options -- */

typedef struct ImportOptions
{
	bool include_custom;
	bool verify;
	bool error; /* a column that says why a row does not fit */
	enum
	{
		TYPES_NATIVE, /* datetimes as timestamptz */
		TYPES_LOCAL,  /* as timestamp, wall clock of the account */
		TYPES_TEXT    /* everything but keys as text */
	} types;
} ImportOptions;

static ImportOptions
read_options(List *defs)
{
	ImportOptions o = {.include_custom = true, .verify = true, .types = TYPES_NATIVE};
	ListCell *lc;

	foreach (lc, defs)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "include_custom") == 0)
			o.include_custom = defGetBoolean(def);
		else if (strcmp(def->defname, "verify") == 0)
			o.verify = defGetBoolean(def);
		else if (strcmp(def->defname, "metadata") == 0)
		{
			if (strcmp(defGetString(def), "error") != 0)
				ereport(ERROR,
						(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						 errmsg("invalid value for option \"%s\": \"%s\"", def->defname, defGetString(def)),
						 errhint("The valid value is error: a column _error that says why a row does not fit.")));
			o.error = true;
		}
		else if (strcmp(def->defname, "types") == 0)
		{
			const char *value = defGetString(def);

			if (strcmp(value, "native") == 0)
				o.types = TYPES_NATIVE;
			else if (strcmp(value, "local") == 0)
				o.types = TYPES_LOCAL;
			else if (strcmp(value, "text") == 0)
				o.types = TYPES_TEXT;
			else
				ereport(ERROR,
						(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
						 errmsg("invalid value for option \"%s\": \"%s\"", def->defname, value),
						 errhint("Valid values are native (datetimes as timestamptz), local (as timestamp) and text.")));
		}
		else
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					 errmsg("invalid option \"%s\"", def->defname),
					 errhint("Valid options in this context are: include_custom, verify, types, metadata")));
	}
	return o;
}

/* -- which of them are wanted -- */

static bool
is_listed(List *list, const char *name)
{
	ListCell *lc;

	foreach (lc, list)
	{
		if (strcmp(lfirst_node(RangeVar, lc)->relname, name) == 0)
			return true;
	}
	return false;
}

static List *
filter(ImportForeignSchemaStmt *stmt, List *tables, bool custom)
{
	List *wanted = NIL;
	ListCell *lc;

	foreach (lc, tables)
	{
		ImportTable *t = lfirst(lc);
		bool listed = is_listed(stmt->table_list, t->name);

		if ((stmt->list_type == FDW_IMPORT_SCHEMA_LIMIT_TO && !listed) ||
			(stmt->list_type == FDW_IMPORT_SCHEMA_EXCEPT && listed))
			continue;
		if (t->custom && !custom && stmt->list_type != FDW_IMPORT_SCHEMA_LIMIT_TO)
			continue;
		wanted = lappend(wanted, t);
	}
	return wanted;
}

/* Tables named in LIMIT TO that nothing knows of are tried all the same */
static void
add_listed(ImportForeignSchemaStmt *stmt, List **tables)
{
	ListCell *lc;

	if (stmt->list_type != FDW_IMPORT_SCHEMA_LIMIT_TO)
		return;
	foreach (lc, stmt->table_list)
	{
		const char *name = lfirst_node(RangeVar, lc)->relname;

		if (is_identifier(name) && find_table(*tables, name) == NULL)
			add_table(tables, name, NULL, NULL, "asked for", false);
	}
}

/* Record types whose schemas may know columns of the wanted tables */
static List *
records_of(List *tables, List *known_records)
{
	List *records = NIL;
	ListCell *lc;

	foreach (lc, tables)
	{
		ImportTable *t = lfirst(lc);
		const CatalogTable *known = catalog_find(t->name);
		char *copy;
		char *save;

		if (known && known->records)
		{
			copy = pstrdup(known->records);
			for (char *word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save))
				records = lappend(records, word);
		}
		else if (known == NULL)
		{
			ListCell *lr;
			char *record = t->name;

			foreach (lr, known_records)
			{
				if (strcmp(lowered(lfirst(lr)), t->name) == 0)
					record = lfirst(lr);
			}
			records = lappend(records, record);
		}
	}
	return records;
}

/* -- CREATE FOREIGN TABLE -- */

static const char *
sql_type(ImportColumn *c, bool is_key, ImportOptions *o)
{
	if (o->types == TYPES_TEXT && !(is_key && c->type == 'i'))
		return "text";
	switch (c->type)
	{
		case 'i':
			return "bigint";
		case 'n':
			return "numeric";
		case 'b':
			return "boolean";
		case 'd':
			return "date";
		case 't':
			return o->types == TYPES_LOCAL ? "timestamp" : "timestamptz";
		default:
			return "text";
	}
}

/*
 * What the column is there, where the dictionary does not say so itself; NULL if
 * that is not known.  Its type here does not tell.
 */
static const char *
declared_type(ImportColumn *c, const CatalogTable *known)
{
	char letter = c->type == 'r' ? 'i' : c->type;

	return c->guessed || (known && catalog_column(known, c->name) == letter) ? NULL : remote_type_name(letter);
}

static bool
names_column(const char *list, const char *name)
{
	int len = strlen(name);

	for (const char *p = list; p && (p = strstr(p, name)) != NULL; p += len)
	{
		if ((p == list || p[-1] == ' ' || p[-1] == ',') &&
			(p[len] == '\0' || p[len] == ',' || p[len] == ' '))
			return true;
	}
	return false;
}

/* A key counts only if all its columns are there */
static bool
key_is_whole(ImportTable *t)
{
	char *copy = t->key ? pstrdup(t->key) : NULL;
	char *save;

	if (copy == NULL)
		return false;
	for (char *word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save))
	{
		bool found = false;
		ListCell *lc;

		foreach (lc, t->columns)
		{
			ImportColumn *c = lfirst(lc);

			found |= !c->dropped && strcmp(c->name, word) == 0;
		}
		if (!found)
			return false;
	}
	return true;
}

static void
append_options(StringInfo sql, const char *remote_type, const char *comment)
{
	bool commented = comment && *comment;

	if (remote_type == NULL && !commented)
		return;
	appendStringInfoString(sql, " OPTIONS (");
	if (remote_type)
		appendStringInfo(sql, "remote_type %s", quote_literal_cstr(remote_type));
	if (commented)
		appendStringInfo(sql, "%sdescription %s", remote_type ? ", " : "", quote_literal_cstr(comment));
	appendStringInfoChar(sql, ')');
}

static char *
create_statement(ImportTable *t, const char *server, ImportOptions *o)
{
	StringInfoData sql;
	int n = 0;
	bool keyed = key_is_whole(t);
	const CatalogTable *known = catalog_find(t->name);
	ListCell *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (", quote_identifier(t->name));
	foreach (lc, t->columns)
	{
		ImportColumn *c = lfirst(lc);
		bool is_key = names_column(t->key, c->name) ||
					  (known && known->pages_by && strcmp(known->pages_by, c->name) == 0);

		if (c->dropped || (c->custom && !o->include_custom))
			continue;
		appendStringInfo(&sql, "%s%s %s", n++ > 0 ? ", " : "", quote_identifier(c->name),
						 sql_type(c, is_key, o));
		append_options(&sql, declared_type(c, known), c->comment);
	}
	if (o->error && n > 0)
		appendStringInfoString(&sql, ", _error jsonb OPTIONS (metadata 'error')");
	appendStringInfo(&sql, ") SERVER %s OPTIONS (\"table\" %s", quote_identifier(server),
					 quote_literal_cstr(t->name));
	if (keyed)
		appendStringInfo(&sql, ", key %s", quote_literal_cstr(t->key));
	if (t->comment && *t->comment)
		appendStringInfo(&sql, ", description %s", quote_literal_cstr(t->comment));
	appendStringInfoChar(&sql, ')');
	return n > 0 ? sql.data : NULL;
}

static List *
statements(List *tables, const char *server, ImportOptions *o)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, tables)
	{
		ImportTable *t = lfirst(lc);
		char *sql = t->missing ? NULL : create_statement(t, server, o);

		if (sql)
			result = lappend(result, sql);
		else if (t->missing)
			ereport(NOTICE,
					(errmsg("table \"%s\" is skipped: the role cannot see it", t->name),
					 t->problem ? errdetail_internal("%s", t->problem) : 0));
		else
			ereport(NOTICE,
					(errmsg("table \"%s\" is skipped: none of its columns is known", t->name)));
	}
	return result;
}

List *
import_schema(ImportForeignSchemaStmt *stmt, Oid serverid)
{
	Client *client = client_get(serverid, GetUserId());
	ImportOptions o = read_options(stmt->options);
	MemoryContext context = CurrentMemoryContext;
	List *tables = NIL;
	List *records = NIL;

	if (strcmp(stmt->remote_schema, "suiteql") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
				 errmsg("schema \"%s\" does not exist on server \"%s\"", stmt->remote_schema,
						stmt->server_name),
				 errhint("NetSuite's tables are in schema suiteql.")));
	client_hold(client, context);
	add_dictionary(&tables);
	if (o.include_custom || stmt->list_type == FDW_IMPORT_SCHEMA_LIMIT_TO)
		add_custom_records(client, &tables, context);
	/* the whole catalogue may take minutes: only when all tables are wanted */
	if (stmt->list_type != FDW_IMPORT_SCHEMA_LIMIT_TO)
		records = record_types(client, context);
	add_records(&tables, records);
	add_listed(stmt, &tables);
	tables = filter(stmt, tables, o.include_custom);
	add_schemas(client, tables, records_of(tables, records), context);
	if (o.include_custom)
		add_custom_fields(client, tables, context);
	look_at_tables(client, tables, context);
	if (o.verify)
		verify(client, tables, context);
	return statements(tables, stmt->server_name, &o);
}
