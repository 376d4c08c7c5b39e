/*
 * netsuite_fdw.c
 *		Handler and SQL functions.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/event_trigger.h"
#include "common/function.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "netsuite_fdw/catalog.h"
#include "netsuite_fdw/compat.h"
#include "netsuite_fdw/decode.h"
#include "netsuite_fdw/governor.h"
#include "netsuite_fdw/import.h"
#include "netsuite_fdw/netsuite_fdw.h"
#include "netsuite_fdw/plan.h"
#include "netsuite_fdw/range.h"
#include "netsuite_fdw/scan.h"
#include "netsuite_fdw/trait.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

SQL_FUNCTION(netsuite_fdw_handler);
SQL_FUNCTION_OF_ANY_VERSION(netsuite_fdw_comment);
SQL_FUNCTION(netsuite_server_time);
SQL_FUNCTION(netsuite_moment);
SQL_FUNCTION(netsuite_wall_clock);
SQL_FUNCTION(netsuite_governance);
SQL_FUNCTION(netsuite_query);
SQL_FUNCTION(netsuite_tables);

void
_PG_init(void)
{
	governor_init();
}

Datum
netsuite_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	plan_routine(routine);
	scan_routine(routine);
	routine->ImportForeignSchema = import_schema;
	PG_RETURN_POINTER(routine);
}

/* -- comments from descriptions -- */

static const char *
description_of(List *defs)
{
	ListCell *lc;

	foreach (lc, defs)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "description") == 0)
			return defGetString(def);
	}
	return NULL;
}

static void
comment_on(Oid relid)
{
	ForeignTable *table = GetForeignTable(relid);
	ForeignDataWrapper *fdw = GetForeignDataWrapper(GetForeignServer(table->serverid)->fdwid);
	const char *text = description_of(table->options);
	int natts = relation_natts(relid);

	if (strcmp(fdw->fdwname, "netsuite_fdw") != 0)
		return;
	if (text)
		CreateComments(relid, RelationRelationId, 0, text);
	for (int attnum = 1; attnum <= natts; attnum++)
	{
		if ((text = description_of(GetForeignColumnOptions(relid, attnum))) != NULL)
			CreateComments(relid, RelationRelationId, attnum, text);
	}
}

/* Event trigger: descriptions of new foreign tables and columns become comments */
Datum
netsuite_fdw_comment(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("netsuite_fdw_comment can only be called as an event trigger")));
	/* everybody's commands go on */
	if (!version_fits(WARNING))
		PG_RETURN_NULL();
	SPI_connect();
	if (SPI_execute("SELECT DISTINCT objid FROM pg_catalog.pg_event_trigger_ddl_commands() "
					"WHERE object_type = 'foreign table'",
					true, 0) == SPI_OK_SELECT)
	{
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool isnull;

			comment_on(DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
													  1, &isnull)));
		}
	}
	SPI_finish();
	PG_RETURN_NULL();
}

/* -- functions on a server -- */

/* The caller's client for a server, which must be one of ours */
Client *
client_by_name(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	ForeignDataWrapper *fdw = GetForeignDataWrapper(server->fdwid);
	AclResult acl = server_aclcheck(server->serverid, GetUserId());

	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_SERVER, name);
	if (strcmp(fdw->fdwname, "netsuite_fdw") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is not a server of netsuite_fdw", name)));
	return client_get(server->serverid, GetUserId());
}

Datum
netsuite_server_time(PG_FUNCTION_ARGS)
{
	Client *client = client_by_name(NameStr(*PG_GETARG_NAME(0)));

	client_hold(client, CurrentMemoryContext);
	PG_RETURN_TIMESTAMPTZ(server_time(client, CurrentMemoryContext));
}

/* The moment at which the account's clock shows a time, as datetime columns are read */
Datum
netsuite_moment(PG_FUNCTION_ARGS)
{
	Client *client = client_by_name(NameStr(*PG_GETARG_NAME(0)));

	client_hold(client, CurrentMemoryContext);
	PG_RETURN_TIMESTAMPTZ(wall_moment(PG_GETARG_TIMESTAMP(1), trait_zone(client)));
}

/* The time that the account's clock shows at a moment */
Datum
netsuite_wall_clock(PG_FUNCTION_ARGS)
{
	Client *client = client_by_name(NameStr(*PG_GETARG_NAME(0)));
	TimestampTz moment = PG_GETARG_TIMESTAMPTZ(1);
	Timestamp wall;
	struct pg_tm tm;
	fsec_t fsec;
	int tz;

	client_hold(client, CurrentMemoryContext);
	if (TIMESTAMP_NOT_FINITE(moment))
		PG_RETURN_TIMESTAMP(moment);
	if (timestamp2tm(moment, &tz, &tm, &fsec, NULL, trait_zone(client)) != 0 ||
		tm2timestamp(&tm, fsec, NULL, &wall) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	PG_RETURN_TIMESTAMP(wall);
}

Datum
netsuite_governance(PG_FUNCTION_ARGS)
{
	Client *client = client_by_name(NameStr(*PG_GETARG_NAME(0)));
	Request *request = request_new(client, CurrentMemoryContext);
	Json *body;
	Datum result;

	request_get(request, "/services/rest/system/v1/governanceLimits", "application/json");
	request->what = "read the governance limits";
	request_start(request);
	request_wait(request);
	body = request_json(request);
	if (body == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_REPLY_HANDLE),
				 errmsg("server \"%s\" did not answer with JSON", client_options(client)->name)));
	result = DirectFunctionCall1(jsonb_in, CStringGetDatum(json_print(body)));
	request_stop(request);
	PG_RETURN_DATUM(result);
}

/* -- netsuite_query -- */

/* Parameters as literals: ? in the query is replaced outside of strings and comments */
static char *
bind_params(const char *q, ArrayType *params)
{
	StringInfoData out;
	Datum *values = NULL;
	bool *nulls = NULL;
	int n = 0;
	int used = 0;

	if (params)
		deconstruct_array(params, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	initStringInfo(&out);
	for (const char *p = q; *p; p++)
	{
		if (*p == '\'')
		{
			do
				appendStringInfoChar(&out, *p++);
			while (*p && *p != '\'');
			if (*p == '\0')
				break;
			appendStringInfoChar(&out, *p);
		}
		else if (*p == '?')
		{
			if (used >= n)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("the query has more parameters than the %d given", n)));
			if (nulls[used])
				appendStringInfoString(&out, "NULL");
			else
			{
				char *quoted = TextDatumGetCString(values[used]);

				appendStringInfoChar(&out, '\'');
				for (; *quoted; quoted++)
				{
					if (*quoted == '\'')
						appendStringInfoChar(&out, '\'');
					appendStringInfoChar(&out, *quoted);
				}
				appendStringInfoChar(&out, '\'');
			}
			used++;
		}
		else
			appendStringInfoChar(&out, *p);
	}
	if (used < n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d parameters were given but the query has %d", n, used)));
	return out.data;
}

static void
name_row(void *arg)
{
	errcontext("row " INT64_FORMAT " of the query", *(int64 *) arg);
}

/* Put a page's items, the first of which is number row + 1, each with memory of its own */
static void
put_items(ReturnSetInfo *rsinfo, Json *items, int64 row)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "netsuite query row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	ErrorContextCallback callback;
	bool isnull = false;

	callback.callback = name_row;
	callback.arg = &row;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	for (int i = 0; i < json_count(items); i++)
	{
		Json *item = json_item(items, i);
		Datum value;

		CHECK_FOR_INTERRUPTS();
		row++;
		json_remove(item, "links");
		value = DirectFunctionCall1(jsonb_in, CStringGetDatum(json_print(item)));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
		MemoryContextReset(scratch);
	}
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/* Does the query itself, not one of its subqueries, have an ORDER BY? */
static bool
is_ordered(const char *q)
{
	int depth = 0;
	bool quoted = false;

	for (const char *p = q; *p; p++)
	{
		if (*p == '\'')
			quoted = !quoted;
		else if (!quoted && *p == '(')
			depth++;
		else if (!quoted && *p == ')')
			depth--;
		else if (!quoted && depth == 0 && pg_strncasecmp(p, "order", 5) == 0 &&
				 p > q && strchr(" \t\n\r)", p[-1]) && p[5] && strchr(" \t\n\r", p[5]))
			return true;
	}
	return false;
}

/* Offsets count rows: they must have an order, and their number must not change */
static void
check_next_page(const char *q, const ReplyPage *page, int64 *total)
{
	if (!is_ordered(q))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
				 errmsg("the query has more than one page but no order, so pages would repeat and lose rows"),
				 errhint("Add ORDER BY with a unique key and ASC or DESC.")));
	if (*total >= 0 && page->total >= 0 && page->total != *total)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("rows of the query changed while they were read"),
				 errhint("Repeat the query, or read it as a foreign table with options query and key.")));
	*total = Max(*total, page->total);
}

/* Rows of any SuiteQL text as jsonb, one page after the other */
Datum
netsuite_query(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Client *client;
	char *q;
	MemoryContext context;
	int64 offset = 0;
	int64 total = -1;
	bool more = true;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("server and query must not be null")));
	client = client_by_name(NameStr(*PG_GETARG_NAME(0)));
	q = bind_params(text_to_cstring(PG_GETARG_TEXT_PP(1)),
					PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	while (more)
	{
		Request *request;
		Json *body;
		Json *items;
		MemoryContext old;
		ReplyPage page;
		int limit = client_options(client)->page_size;
		int n;

		context = AllocSetContextCreate(CurrentMemoryContext, "netsuite query page",
										ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(context);
		request = request_new(client, context);
		request_query(request, q, limit, offset);
		request->max_body = (size_t) client_options(client)->max_buffered;
		request_start(request);
		request_wait(request);
		body = request_json(request);
		items = json_member(body, "items");
		if (items == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_REPLY_HANDLE),
					 errmsg("NetSuite's reply holds no rows")));
		n = json_count(items);
		page_describe(&page, n, json_text(body, "totalResults"), json_text(body, "hasMore"));
		more = n > 0 && page_more_follow(&page, limit, offset);
		/* a short page that says nothing of others is the last */
		if (n < limit && page.total < 0 && page.more == MORE_UNKNOWN)
			more = false;
		if (more || offset > 0)
			check_next_page(q, &page, &total);
		put_items(rsinfo, items, offset);
		offset += limit;
		if (more && offset >= Min(ROW_CAP, PAGE_CAP * limit))
			ereport(ERROR,
					(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
					 errmsg("the query has more rows than NetSuite's 100,000"),
					 errhint("Narrow the query, or read it as a foreign table with options query and key.")));
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
	return (Datum) 0;
}

Datum
netsuite_tables(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Client *client = client_by_name(NameStr(*PG_GETARG_NAME(0)));
	ListCell *lc;

	client_hold(client, CurrentMemoryContext);
	InitMaterializedSRF(fcinfo, 0);
	foreach (lc, import_tables(client, true))
	{
		ImportTable *t = lfirst(lc);
		const CatalogTable *known = catalog_find(t->name);
		const char *texts[7] = {t->name, t->source, t->key, t->comment, known ? known->changed : NULL,
								known ? known->parent : NULL, known ? known->parent_column : NULL};
		Datum values[7] = {0};
		bool nulls[7] = {0};

		if (strncmp(t->name, "customrecord_", strlen("customrecord_")) == 0)
			texts[4] = "lastmodified";
		for (int i = 0; i < lengthof(texts); i++)
		{
			nulls[i] = texts[i] == NULL;
			values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
