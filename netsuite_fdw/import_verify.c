/*
 * import_verify.c
 *		What is known of tables is verified by asking the account.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "netsuite_fdw/import_verify.h"
#include "netsuite_fdw/page.h"
#include "netsuite_fdw/range.h"

#define PROBE_COLUMNS 60 /* asked for in one query */
#define PROBE_ROWS 50    /* whose values may correct a type */
#define LOOK_ROWS 1000   /* whose columns are taken for the table's */

/* Some columns of a table, asked for together */
typedef struct Probe
{
	ImportTable *table;
	List *columns;
	Request *request;
} Probe;

/* Ask for the columns; a patient probe does not take a few failures for an answer */
static void
send_probe(Client *client, Probe *probe, bool patient, MemoryContext context)
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
	probe->request->impatient = !patient;
	request_start(probe->request);
}

/* An integer as NetSuite shows a number: what is written otherwise, such as 007, is a text that would not come back */
static bool
is_integer(const char *text)
{
	const char *digits = text + (*text == '-');

	if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits) || (*digits == '0' && text[1] != '\0'))
		return false;
	errno = 0;
	(void) strtoi64(text, NULL, 10);
	return errno == 0;
}

static bool
all_integers(Json *items, const char *name, bool *any)
{
	for (int i = 0; i < json_count(items); i++)
	{
		const char *value = json_text(json_item(items, i), name);

		CHECK_FOR_INTERRUPTS();
		if (value == NULL)
			continue;
		*any = true;
		if (!is_integer(value))
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
		/* that some values are digits says nothing of the column's type there where nobody declares one */
		c->guessed |= !any || !integers;
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
		name = import_lowered(pnstrdup(start, end - start));
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

/*
 * The list {id=id, t.name=name} of an error, in lower case.  NULL if it is empty,
 * visibly cut short or of another form.
 */
static char *
available_list(const char *detail)
{
	static const char mark[] = "Available identifiers are:";
	const char *start = detail ? strstr(detail, mark) : NULL;
	const char *end;
	char *list;

	if (start == NULL)
		return NULL;
	start += strlen(mark);
	start += strspn(start, " ");
	end = *start == '{' ? strchr(start, '}') : NULL;
	if (end == NULL)
		return NULL;
	list = import_lowered(pnstrdup(start, end - start + 1));
	if (strspn(list, "{}abcdefghijklmnopqrstuvwxyz0123456789_.=, ") != strlen(list) ||
		strstr(list, "..") != NULL || strpbrk(list, "abcdefghijklmnopqrstuvwxyz_") == NULL)
		return NULL;
	return list;
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

static List *
head(List *list, int from, int to)
{
	List *part = NIL;

	for (int i = from; i < to; i++)
		part = lappend(part, list_nth(list, i));
	return part;
}

/* A probe for a part of another one's columns, under way */
static Probe *
probe_part(Client *client, Probe *whole, int from, int to, bool patient, MemoryContext context)
{
	Probe *part = palloc0(sizeof(Probe));

	part->table = whole->table;
	part->columns = head(whole->columns, from, to);
	send_probe(client, part, patient, context);
	return part;
}

/*
 * Drop what an error names; true if that was anything.  What its list lacks is
 * asked for by itself, all at once: nothing shows that the list is whole.
 */
static bool
drop_named(Client *client, Probe *probe, List **probes, MemoryContext context)
{
	const char *detail = probe->request->detail;
	ImportColumn *named = named_column(probe, detail);
	char *list = available_list(detail);
	List *rest = NIL;

	if (named == NULL)
		return false;
	/* of something else, if it knows the column that is unknown */
	if (list && is_available(list, named->name))
		list = NULL;
	for (int i = 0; i < list_length(probe->columns); i++)
	{
		ImportColumn *c = list_nth(probe->columns, i);

		if (c == named)
			c->dropped = true;
		else if (list && !is_available(list, c->name))
			*probes = lappend(*probes, probe_part(client, probe, i, i + 1, false, context));
		else
			rest = lappend(rest, c);
	}
	probe->columns = rest;
	return true;
}

static void
skip_table(ImportTable *t, Request *request)
{
	t->missing = true;
	t->problem = pstrdup(request->detail ? request->detail : "no reason was given");
}

static bool
hides_table(Request *request)
{
	int sqlstate = request_sqlstate(request);

	return sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE || sqlstate == ERRCODE_FDW_TABLE_NOT_FOUND;
}

/* Was this query refused for good?  A language that was not named is nobody's refusal. */
static bool
refused_query(Request *request)
{
	return request_refused(request) && request_sqlstate(request) != ERRCODE_FDW_OPTION_NAME_NOT_FOUND;
}

/* May a column be to blame?  Some answer 500 for ever; anything else but a refusal fails the import. */
static bool
may_be_column(Request *request)
{
	return request->http->status == 500 || refused_query(request);
}

/* Does the account answer a query of the table that asks for none of its columns?  Skips it if not. */
static bool
table_answers(Client *client, ImportTable *t, MemoryContext context)
{
	Request *request = request_new(client, context);
	bool answers;

	request_query(request, psprintf("SELECT COUNT(*) AS n FROM %s t", t->name), 1, 0);
	request_start(request);
	answers = request_settle(request);
	if (!answers && !refused_query(request))
		request_raise(request);
	if (!answers)
		skip_table(t, request);
	request_stop(request);
	return answers;
}

/*
 * A column that was asked for alone did not come, and the error does not name it.
 * It is to blame only if its table answers without it; and for a failure, which
 * may be passing, if it fails again then, asked patiently.
 */
static void
judge_alone(Client *client, Probe *probe, MemoryContext context)
{
	ImportColumn *c = linitial(probe->columns);
	Request *request = probe->request;

	if (!probe->table->answers || !request_refused(request))
		probe->table->answers = table_answers(client, probe->table, context);
	if (!probe->table->answers)
		return;
	if (!request_refused(request))
	{
		Probe *again = probe_part(client, probe, 0, 1, true, context);

		request = again->request;
		if (request_settle(request))
		{
			correct_types(again);
			return;
		}
		if (!may_be_column(request))
			request_raise(request);
		if (!request_refused(request))
			c->problem = pstrdup(request->detail ? request->detail : "no reason was given");
	}
	c->dropped = true;
}

/* Judge a probe; new ones are added to the list */
static List *
judge(Client *client, Probe *probe, List *probes, MemoryContext context)
{
	Request *request = probe->request;
	int n = list_length(probe->columns);

	if (request->state == REQUEST_DONE)
	{
		correct_types(probe);
		return probes;
	}
	if (!may_be_column(request))
		request_raise(request);
	if (probe->table->missing)
		return probes;
	if (hides_table(request))
	{
		skip_table(probe->table, request);
		return probes;
	}
	/* only a refusal is believed what it names */
	if (request_refused(request) && drop_named(client, probe, &probes, context))
	{
		n = list_length(probe->columns);
		return n == 0 ? probes : lappend(probes, probe_part(client, probe, 0, n, false, context));
	}
	if (n == 1)
	{
		judge_alone(client, probe, context);
		return probes;
	}
	/* the error names nothing: halve */
	probes = lappend(probes, probe_part(client, probe, n / 2, n, false, context));
	return lappend(probes, probe_part(client, probe, 0, n / 2, false, context));
}

/* Ask for all columns of all tables and drop what the account does not have */
void
import_verify(Client *client, List *tables, MemoryContext context)
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
			send_probe(client, probe, false, context);
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
	Json *item;  /* the row that is looked at */
	int members; /* that it has */
	bool nulls;  /* a row shows a column that has no value there */
} Look;

static void
add_seen(const char *name, Json *value, void *arg)
{
	Look *look = arg;
	ImportColumn *c;
	bool any = false;

	CHECK_FOR_INTERRUPTS();
	if (strcmp(name, "links") == 0)
		return;
	look->members++;
	look->nulls |= json_text(look->item, name) == NULL;
	c = import_add_column(look->table, name, 's', NULL, false);
	if (c == NULL)
		return;
	/* all values are looked at once, when the first one is met */
	c->guessed = true;
	if (all_integers(look->items, name, &any) && any)
		c->type = 'i';
}

/*
 * The columns that rows show; true if there can be no others: each row shows each
 * of them, also where it has no value.  Most accounts leave those out.
 */
static bool
add_all_seen(ImportTable *t, Json *items)
{
	Look look = {.table = t, .items = items};
	int least = PG_INT32_MAX;

	for (int i = 0; i < json_count(items); i++)
	{
		look.item = json_item(items, i);
		look.members = 0;
		json_visit(look.item, add_seen, &look);
		least = Min(least, look.members);
	}
	return look.nulls && least == list_length(t->columns);
}

/* Some tables' columns are what rows happened to show: nothing says that these are all */
static void
tell_looked(int n, const char *names)
{
	if (n > 0)
		ereport(WARNING,
				(errmsg_plural("columns may be missing from %d table that nothing describes",
							   "columns may be missing from %d tables that nothing describes", n, n),
				 errdetail_internal("For each, only columns that have a value in these rows are known: %s.", names),
				 errhint("Add columns that you know of by ALTER FOREIGN TABLE, or let the role read the metadata catalogue and import again.")));
}

/* A table that nothing is known of: its columns are those that a look shows */
void
import_look(Client *client, List *tables, MemoryContext context)
{
	StringInfoData names;
	int n = 0;
	ListCell *lc;

	initStringInfo(&names);
	foreach (lc, tables)
	{
		ImportTable *t = lfirst(lc);
		Request *request;
		ReplyPage page;
		Json *items;

		if (t->columns != NIL)
			continue;
		request = request_new(client, context);
		request_query(request, psprintf("SELECT * FROM %s", t->name), LOOK_ROWS, 0);
		request_start(request);
		request_settle(request);
		if (request->state != REQUEST_DONE)
		{
			if (!request_refused(request) || request_sqlstate(request) == ERRCODE_FDW_OPTION_NAME_NOT_FOUND)
				request_raise(request);
			skip_table(t, request);
			continue;
		}
		items = page_describe(&page, request_json(request), LOOK_ROWS, 0);
		if (add_all_seen(t, items) || t->columns == NIL)
			continue;
		appendStringInfo(&names, "%s%s (%s%d)", n++ > 0 ? ", " : "", t->name,
						 page_more_follow(&page, LOOK_ROWS, 0) ? "the first " : "all ", page.nrows);
	}
	tell_looked(n, names.data);
}
