/*
 * netsuite_fdw.c
 *		Handler and SQL functions.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "commands/event_trigger.h"
#include "common/azure.h"
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
#include "netsuite_fdw/literal.h"
#include "netsuite_fdw/netsuite_fdw.h"
#include "netsuite_fdw/plan.h"
#include "netsuite_fdw/range.h"
#include "netsuite_fdw/scan.h"
#include "netsuite_fdw/suiteql.h"
#include "netsuite_fdw/trait.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
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
	azure_settings();
	MarkGUCPrefixReserved("netsuite_fdw");
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

/* A server that the caller may use, and that must be one of ours */
Oid
server_by_name(const char *name)
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
	return server->serverid;
}

/* The caller's client for it */
Client *
client_by_name(const char *name)
{
	return client_get(server_by_name(name), GetUserId());
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

/* The query as a table's is sent: well formed, without comments */
static char *
plain_query(const char *text)
{
	const char *problem = NULL;
	char *plain = suiteql_plain(text, true, &problem);

	if (plain == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query is not well formed"),
				 errdetail_internal("%s", problem)));
	return plain;
}

/* Parameters as literals: ? in a well-formed query is replaced outside of quotes and comments */
static char *
bind_params(const char *q, ArrayType *params)
{
	const char *next;
	StringInfoData out;
	Datum *values = NULL;
	bool *nulls = NULL;
	int n = 0;
	int used = 0;

	if (params)
		deconstruct_array(params, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	initStringInfo(&out);
	for (const char *p = q; *p; p = next)
	{
		SuiteqlPiece piece;

		next = suiteql_next(p, &piece);
		if (piece != SUITEQL_SIGN || *p != '?')
		{
			appendBinaryStringInfo(&out, p, next - p);
			continue;
		}
		if (used >= n)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the query has more parameters than the %d given", n)));
		if (nulls[used])
			appendStringInfoString(&out, "NULL");
		else
			append_text_literal(&out, TextDatumGetCString(values[used]));
		used++;
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

/* Put a page's items from number first on, which is row + 1 of the query, each with memory of its own */
static void
put_items(ReturnSetInfo *rsinfo, Json *items, int first, int64 row)
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
	for (int i = first; i < json_count(items); i++)
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

/* A query that is read page by page */
typedef struct QueryRead
{
	Client *client;
	const char *text;
	int limit;    /* of the page to ask for */
	int64 offset; /* its first row, a multiple of limit */
	int skip;     /* rows at its start that were read before */
	int longest;  /* rows of the longest page */
	int64 read;   /* rows read */
	int64 total;  /* rows of the query, by the replies; -1 if they do not tell */
} QueryRead;

static char *
count_query(const QueryRead *r)
{
	return psprintf("SELECT COUNT(*) AS n FROM (%s) q", r->text);
}

/*
 * Offsets count rows: they must have an order.  True if there is no need of one,
 * since the rows that are here are all, whatever the reply says: the account
 * counts them.
 */
static bool
ends_without_order(const QueryRead *r)
{
	if (suiteql_is_ordered(r->text))
		return false;
	if (r->offset == 0 && client_count_if_any(r->client, count_query(r)) == r->read)
		return true;
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
			 errmsg("the query has more than one page but no order, so pages would repeat and lose rows"),
			 errhint("Add ORDER BY with a unique key and ASC or DESC.")));
}

/* And their number must not change */
static void
check_total(QueryRead *r, const ReplyPage *page)
{
	if (r->total >= 0 && page->total >= 0 && page->total != r->total)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("rows of the query changed while they were read"),
				 errhint("Repeat the query, or read it as a foreign table with options query and key.")));
	r->total = Max(r->total, page->total);
}

/*
 * No more rows come, though a reply said that there are more, or others may
 * follow: are they all here?  The account counts them.  Stuck: pages are too
 * short to go on by offsets.
 */
static void
prove_whole(const QueryRead *r, bool stuck)
{
	int64 n = client_count(r->client, count_query(r), NULL);

	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_REPLY_HANDLE),
				 errmsg("NetSuite did not count the rows of the query"),
				 errdetail("It gave " INT64_FORMAT " rows, and a reply that says there are more.", r->read),
				 errhint("Repeat the query, or read it as a foreign table with options query and key.")));
	if (stuck && n > r->read)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
				 errmsg("the query has " INT64_FORMAT " rows, which NetSuite cannot page", n),
				 errdetail("It returns no page of more than %d rows, and no more than %d pages.", r->longest, PAGE_CAP),
				 errhint("Narrow the query, or read it as a foreign table with options query and key.")));
	if (n != r->read)
		ereport(ERROR,
				(errcode(n > r->read ? ERRCODE_FDW_REPLY_HANDLE : ERRCODE_T_R_SERIALIZATION_FAILURE),
				 n > r->read ? errmsg("NetSuite returned fewer rows than the query has")
							 : errmsg("rows of the query changed while they were read"),
				 errdetail("It gave " INT64_FORMAT " rows, and counts " INT64_FORMAT ".", r->read, n),
				 errhint("Repeat the query, or read it as a foreign table with options query and key.")));
}

/*
 * Where the next page begins.  An offset is a multiple of the limit: behind a
 * page that was short, pages are as short, and the first of them may begin with
 * rows that are here already.
 */
static void
place_next(QueryRead *r, int came)
{
	int size = client_options(r->client)->page_size;

	if (r->read >= Min(ROW_CAP, PAGE_CAP * (int64) size))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
				 errmsg("the query has more rows than NetSuite's 100,000"),
				 errhint("Narrow the query, or read it as a foreign table with options query and key.")));
	if (came < r->limit)
		r->limit = came;
	/* no more than PAGE_CAP pages */
	r->limit = (int) Max(r->limit, r->read / PAGE_CAP + 1);
	r->skip = (int) (r->read % r->limit);
	r->offset = r->read - r->skip;
}

/* Read a page; false if it was the last */
static bool
read_page(QueryRead *r, ReturnSetInfo *rsinfo)
{
	Request *request = request_new(r->client, CurrentMemoryContext);
	ReplyPage page;
	Json *items;
	int64 read = r->read;
	bool follow; /* the reply says that rows follow */

	request_query(request, r->text, r->limit, r->offset);
	request->max_body = (size_t) client_options(r->client)->max_buffered;
	request_start(request);
	request_wait(request);
	items = page_describe(&page, request_json(request), r->limit, r->offset);
	check_total(r, &page);
	r->read = Max(read, r->offset + page.nrows);
	r->longest = Max(r->longest, page.nrows);
	/* behind the last row hasMore alone is not believed: the page has none */
	follow = (page.more == MORE_YES && page.nrows > 0) || r->total > r->read;
	if ((follow || (r->offset > 0 && r->read > read)) && ends_without_order(r))
	{
		put_items(rsinfo, items, r->skip, read);
		return false;
	}
	if (r->read == read)
	{
		bool stuck = page.nrows > 0 && r->limit > r->longest;

		/* the end, unless it is a page that could not reach beyond the last one */
		if (follow || stuck)
			prove_whole(r, stuck);
		return false;
	}
	put_items(rsinfo, items, r->skip, read);
	if (!follow && !page_more_follow(&page, r->limit, r->offset))
		return false;
	place_next(r, page.nrows);
	return true;
}

/* Rows of any SuiteQL text as jsonb, one page after the other */
Datum
netsuite_query(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	QueryRead r = {.total = -1};
	bool more = true;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("server and query must not be null")));
	r.client = client_by_name(NameStr(*PG_GETARG_NAME(0)));
	r.text = bind_params(plain_query(text_to_cstring(PG_GETARG_TEXT_PP(1))),
						 PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2));
	r.limit = client_options(r.client)->page_size;
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	while (more)
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "netsuite query page",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);

		more = read_page(&r, rsinfo);
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
