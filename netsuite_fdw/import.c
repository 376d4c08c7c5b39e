/*
 * import.c
 *		IMPORT FOREIGN SCHEMA: gather what is known of tables and columns from
 *		the dictionary, the metadata catalogue, custom fields and custom records;
 *		verify it by asking; write CREATE FOREIGN TABLE.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/defrem.h"
#include "common/address.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "netsuite_fdw/catalog.h"
#include "netsuite_fdw/form.h"
#include "netsuite_fdw/import.h"
#include "netsuite_fdw/import_verify.h"
#include "netsuite_fdw/page.h"
#include "netsuite_fdw/range.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define LOOK_ROWS 1000 /* of a page */
#define CATALOG_PATH "/services/rest/record/v1/metadata-catalog"

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
		import_add_column(t, word, *type, NULL, false);
	}
}

static void
add_dictionary(List **tables)
{
	int n;
	const CatalogTable *known = catalog_list(&n);

	for (int i = 0; i < n; i++)
		add_columns(import_add(tables, known[i].name, known[i].comment, known[i].key, "dictionary",
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

/* The rows' key: integers that rise from row to row, and from page to page */
static int64
last_key(const char *what, Json *items, const char *key, int64 last)
{
	for (int i = 0; i < json_count(items); i++)
	{
		const char *text = json_text(json_item(items, i), key);
		char *end = NULL;
		int64 value;

		errno = 0;
		value = text ? strtoi64(text, &end, 10) : 0;
		if (text == NULL || end == text || *end != '\0' || errno != 0 || value <= last)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_REPLY_HANDLE),
					 errmsg("%s cannot be read page by page", what),
					 last == PG_INT64_MIN
						 ? errdetail("NetSuite shows %s \"%s\" in a row, where integers are expected.", key,
									 text ? text : "")
						 : errdetail("NetSuite shows %s \"%s\" in a row after " INT64_FORMAT
									 ", where larger integers are expected.",
									 key, text ? text : "", last)));
		last = value;
	}
	return last;
}

/* Rows of a query with an integer column to page by; those so far, with a notice, if it is refused */
static List *
rows_of(Client *client, const char *what, const char *select, const char *key, MemoryContext context)
{
	List *rows = NIL;
	int64 last = PG_INT64_MIN;
	int64 total = -1;
	bool more = true;

	while (more)
	{
		Request *request = request_new(client, context);
		char *behind = rows ? psprintf(" WHERE %s > " INT64_FORMAT, key, last) : "";
		ReplyPage page;
		Json *items;

		request_query(request, psprintf("%s%s ORDER BY %s ASC", select, behind, key), LOOK_ROWS, 0);
		request_start(request);
		request_settle(request);
		if (request_refused(request))
		{
			ereport(NOTICE,
					(errmsg("%s of server \"%s\" cannot be read", what, client_options(client)->name),
					 request->detail ? errdetail_internal("%s", request->detail) : 0));
			return rows;
		}
		if (request->state != REQUEST_DONE)
			request_raise(request);
		items = page_describe(&page, request_json(request), LOOK_ROWS, 0);
		last = last_key(what, items, key, last);
		for (int i = 0; i < page.nrows; i++)
			rows = lappend(rows, json_item(items, i));
		total = Max(total, page.total);
		more = page.nrows > 0 && page_more_follow(&page, LOOK_ROWS, 0);
		if (!more && list_length(rows) < total)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_REPLY_HANDLE),
					 errmsg("NetSuite returned fewer %s than there are", what),
					 errdetail("It returned %d, and says that more follow.", list_length(rows))));
	}
	return rows;
}

static void
add_custom_records(Client *client, List **tables, MemoryContext context)
{
	ListCell *lc;

	foreach (lc, rows_of(client, "custom record types", "SELECT internalid, scriptid, name, description FROM customrecordtype",
						 "internalid", context))
	{
		Json *row = lfirst(lc);
		const char *script = json_text(row, "scriptid");
		const char *label = json_text(row, "description") ? json_text(row, "description")
														  : json_text(row, "name");
		ImportTable *t;

		if (script == NULL || !import_is_name(import_lowered(script)) || import_find(*tables, import_lowered(script)))
			continue;
		t = import_add(tables, import_lowered(script), label, "id", "custom record", true);
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
	List *rows = rows_of(client, "custom fields", "SELECT internalid, scriptid, name, fieldvaluetype, description FROM customfield",
						 "internalid", context);

	foreach (lc, rows)
	{
		Json *row = lfirst(lc);
		const char *script = json_text(row, "scriptid");
		char *name;

		CHECK_FOR_INTERRUPTS();
		if (script == NULL)
			continue;
		name = import_lowered(script);
		foreach (lt, tables)
		{
			ImportTable *t = lfirst(lt);
			const CatalogTable *known = catalog_find(t->name);
			const char *prefix = known ? known->custom_prefix : NULL;

			/* custrecord_asset_serial belongs to customrecord_asset */
			if (t->custom && strncmp(t->name, "customrecord", 12) == 0)
				prefix = psprintf("custrecord%s", t->name + 12);
			if (prefix && strncmp(name, prefix, strlen(prefix)) == 0)
				import_add_column(t, name, field_type(json_text(row, "fieldvaluetype")),
								  json_text(row, "description") ? json_text(row, "description")
																: json_text(row, "name"),
								  true);
		}
	}
}

/* -- the metadata catalogue -- */

/* What to do without what NetSuite fails to tell */
typedef enum Missing
{
	MISSING_FAILS,    /* there is no way round */
	MISSING_REFUSED,  /* unless it is asked for */
	MISSING_ACCEPTED, /* as here */
} Missing;

/*
 * NetSuite fails to tell what it might tell the next time: what is imported
 * without it would look whole.  Only who asks for that gets it.
 */
static void
miss(Request *request, Missing missing, const char *what)
{
	if (request_refused(request))
		return;
	if (request->outcome == OUTCOME_LOGIN || request->outcome == OUTCOME_NO_MEMORY)
		request_raise(request);
	if (missing != MISSING_ACCEPTED)
		ereport(ERROR,
				(errcode(request_sqlstate(request)),
				 errmsg("NetSuite fails to show %s on server \"%s\"", what, client_options(request->client)->name),
				 request->detail ? errdetail_internal("%s", request_words(request)) : 0,
				 missing == MISSING_FAILS ? errhint("Try again later.")
										  : errhint("Try again later; to import what is available without it, use "
													"OPTIONS (incomplete 'true').")));
}

/* Names of all record types; NIL if the role may not see them */
static List *
record_types(Client *client, Missing missing, MemoryContext context)
{
	Request *request = request_new(client, context);
	Json *items;
	List *names = NIL;

	request_get(request, CATALOG_PATH, "application/json");
	request_start(request);
	request_settle(request);
	if (request->state != REQUEST_DONE)
	{
		miss(request, missing, "the metadata catalogue");
		ereport(request_refused(request) ? NOTICE : WARNING,
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
	import_add_column(table, name, type, comment, json_true(json_member(property, "x-ns-custom-field")));
}

/* Ask for the schemas of the record types that live in the tables, several at once */
static void
add_schemas(Client *client, List *tables, List *records, Missing missing, MemoryContext context)
{
	List *requests = NIL;
	List *owners = NIL;
	Request *refused = NULL;
	ListCell *lc;
	ListCell *lo;

	foreach (lc, records)
	{
		const char *record = lfirst(lc);
		const CatalogTable *known = catalog_of_record(record);
		ImportTable *t = import_find(tables, known ? known->name : import_lowered(record));
		Request *request;

		if (t == NULL)
			continue;
		request = request_new(client, context);
		request_get(request, psprintf(CATALOG_PATH "/%s", address_escape(record)),
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
		else if (!request_refused(request))
		{
			miss(request, missing, psprintf("the description of table \"%s\"", ((ImportTable *) lfirst(lo))->name));
			ereport(WARNING,
					(errmsg("table \"%s\" is imported without what only its record type's description provides: "
							"NetSuite fails to show it",
							((ImportTable *) lfirst(lo))->name),
					 request->detail ? errdetail_internal("%s", request->detail) : 0));
		}
		else if (request->http->status != 400 && request->http->status != 404 && refused == NULL)
			refused = request;
	}
	/* 400 and 404: the account has no such record type */
	if (refused != NULL)
		ereport(NOTICE,
				(errmsg("descriptions of record types on server \"%s\" cannot be read; columns that only they "
						"describe may be missing",
						client_options(client)->name),
				 refused->detail ? errdetail_internal("%s", refused->detail) : 0));
}

/* Record types that the dictionary does not know may be tables of their own */
static void
add_records(List **tables, List *records)
{
	ListCell *lc;

	foreach (lc, records)
	{
		char *name = import_lowered(lfirst(lc));

		if (catalog_of_record(lfirst(lc)) == NULL && import_is_name(name) &&
			import_find(*tables, name) == NULL)
			import_add(tables, name, NULL, "id", "metadata catalogue",
					   strncmp(name, "customrecord", 12) == 0);
	}
}

/* -- what tables there are -- */

/* Every table that the account may have, for netsuite_tables() */
List *
import_tables(Client *client, bool custom)
{
	List *tables = NIL;
	MemoryContext context = CurrentMemoryContext;
	List *records = record_types(client, MISSING_FAILS, context);

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
	Missing missing;
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
	ImportOptions o = {.include_custom = true, .verify = true, .missing = MISSING_REFUSED, .types = TYPES_NATIVE};
	ListCell *lc;

	foreach (lc, defs)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "include_custom") == 0)
			o.include_custom = defGetBoolean(def);
		else if (strcmp(def->defname, "verify") == 0)
			o.verify = defGetBoolean(def);
		else if (strcmp(def->defname, "incomplete") == 0)
			o.missing = defGetBoolean(def) ? MISSING_ACCEPTED : MISSING_REFUSED;
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
					 errhint("Valid options in this context are: include_custom, verify, incomplete, types, metadata")));
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

		if (!import_is_name(name))
			ereport(NOTICE,
					(errmsg("table \"%s\" is skipped: no table of SuiteQL has such a name", name),
					 errhint("Names are imported in lower case, of letters, digits and underscores.")));
		else if (import_find(*tables, name) == NULL)
			import_add(tables, name, NULL, NULL, "asked for", false);
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
				if (strcmp(import_lowered(lfirst(lr)), t->name) == 0)
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
		if (n == MaxHeapAttributeNumber)
		{
			ereport(WARNING,
					(errmsg("table \"%s\" has more than the %d columns that a table can have", t->name, n),
					 errdetail("Column \"%s\" and those after it are left out.", c->name),
					 errhint("Create a second foreign table with the others.")));
			break;
		}
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

/* Name a table's columns that are left out */
static int
name_dropped(ImportTable *t, StringInfo names)
{
	const char *problem = NULL;
	StringInfoData broken;
	int n = 0;
	ListCell *lc;

	initStringInfo(&broken);
	foreach (lc, t->columns)
	{
		ImportColumn *c = lfirst(lc);

		if (!c->dropped)
			continue;
		if (c->problem)
		{
			appendStringInfo(&broken, "%s%s", problem ? ", " : "", c->name);
			problem = c->problem;
			continue;
		}
		appendStringInfo(names, "%s%s", n++ > 0 ? ", " : names->len > 0 ? psprintf("; %s: ", t->name)
																		: psprintf("%s: ", t->name),
						 c->name);
	}
	if (problem)
		ereport(WARNING,
				(errmsg("table \"%s\" is imported without columns that NetSuite fails to show: %s", t->name, broken.data),
				 errdetail_internal("%s", problem)));
	return n;
}

/* No column is lost without a word */
static void
tell_dropped(List *tables)
{
	StringInfoData names;
	int n = 0;
	ListCell *lc;

	initStringInfo(&names);
	foreach (lc, tables)
	{
		if (!((ImportTable *) lfirst(lc))->missing)
			n += name_dropped(lfirst(lc), &names);
	}
	if (n > 0)
		ereport(NOTICE,
				(errmsg_plural("%d column that the account does not show is left out",
							   "%d columns that the account does not show are left out", n, n),
				 errdetail_internal("%s", names.data)));
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
					(errmsg("table \"%s\" is skipped: the account does not have it, or the role cannot see it", t->name),
					 t->problem ? errdetail_internal("%s", t->problem) : 0));
		else
			ereport(NOTICE,
					(errmsg("table \"%s\" is skipped: none of its columns is known", t->name)));
	}
	tell_dropped(tables);
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
		records = record_types(client, o.missing, context);
	add_records(&tables, records);
	add_listed(stmt, &tables);
	tables = filter(stmt, tables, o.include_custom);
	add_schemas(client, tables, records_of(tables, records), o.missing, context);
	if (o.include_custom)
		add_custom_fields(client, tables, context);
	import_look(client, tables, context);
	if (o.verify)
		import_verify(client, tables, context);
	return statements(tables, stmt->server_name, &o);
}
