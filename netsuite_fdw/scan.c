/*
 * scan.c
 *		Executor: begin, iterate, re-scan, end, explain, analyze.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/explain.h"
#include "common/pg_prng.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "netsuite_fdw/client.h"
#include "netsuite_fdw/cursor.h"
#include "netsuite_fdw/decode.h"
#include "netsuite_fdw/deparse.h"
#include "netsuite_fdw/digits.h"
#include "netsuite_fdw/literal.h"
#include "netsuite_fdw/plan.h"
#include "netsuite_fdw/scan.h"
#include "netsuite_fdw/zone.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"

typedef struct ScanInfo
{
	List *plan;
	Client *client;
	Decoder *decoder;
	Cursor *cursor;        /* NULL until the first row is wanted */
	MemoryContext context; /* of the cursor and its query */
	RequestStats stats;
	List *values; /* ExprStates of holes */
	Oid *types;
	pg_tz *zone;
	int natts;  /* of the scan's tuple */
	Datum *row; /* decoded values, if more than those */
	bool *nulls;
	List *proof; /* that sums are exact, or NIL */
	bool remembered;
} ScanInfo;

static Oid
user_of(ForeignScanState *node)
{
#if PG_VERSION_NUM >= 160000
	ForeignScan *fs = (ForeignScan *) node->ss.ps.plan;

	return OidIsValid(fs->checkAsUser) ? fs->checkAsUser : GetUserId();
#else
	ForeignScan *fs = (ForeignScan *) node->ss.ps.plan;
	int rti = fs->scan.scanrelid > 0 ? fs->scan.scanrelid : bms_next_member(fs->fs_relids, -1);
	RangeTblEntry *rte = exec_rt_fetch(rti, node->ss.ps.state);

	return OidIsValid(rte->checkAsUser) ? rte->checkAsUser : GetUserId();
#endif
}

static int
item_int(List *list, int n)
{
	return intVal(list_nth(list, n));
}

static const char *
item_text(List *list, int n)
{
	String *s = list_nth(list, n);

	return s ? strVal(s) : NULL;
}

/* Does any column or condition depend on the account's zone? */
static bool
needs_zone(List *plan)
{
	ListCell *lc;

	foreach (lc, list_nth(plan, PLAN_COLUMNS))
	{
		if (item_int(lfirst(lc), COLUMN_TYPE) == TIMESTAMPTZOID &&
			!item_int(lfirst(lc), COLUMN_MIDNIGHT))
			return true;
	}
	foreach (lc, list_nth(plan, PLAN_HOLES))
	{
		if (needs_account_zone((RemoteForm) item_int(lfirst(lc), HOLE_FORM)))
			return true;
	}
	return false;
}

static Decoder *
make_decoder(List *plan, int natts, pg_tz *zone)
{
	List *columns = list_nth(plan, PLAN_COLUMNS);
	int ntargets = natts;
	Decoder *d;
	ListCell *lc;

	foreach (lc, columns)
		ntargets = Max(ntargets, item_int(lfirst(lc), COLUMN_TARGET) + 1);
	d = decoder_new(list_length(columns), ntargets, item_text(plan, PLAN_RELATION), zone);
	d->nkeys = list_length(list_nth(plan, PLAN_KEYS));
	d->error_target = item_int(plan, PLAN_ERROR);
	d->tolerant = d->error_target >= 0;
	foreach (lc, columns)
	{
		List *c = lfirst(lc);
		int i = foreach_current_index(lc);

		decoder_column(d, i, item_text(c, COLUMN_NAME), (Oid) item_int(c, COLUMN_TYPE),
					   item_int(c, COLUMN_TYPMOD), item_int(c, COLUMN_TARGET),
					   item_text(c, COLUMN_LABEL));
		d->columns[i].key = item_int(c, COLUMN_KEY);
		d->columns[i].divides = item_int(c, COLUMN_DIVIDES);
		if (item_int(c, COLUMN_MIDNIGHT))
		{
			d->columns[i].midnight = true;
			d->columns[i].kind = VALUE_DATE;
		}
	}
	return d;
}

/* A plan that was made before the session's zone was set to one that skipped a day cannot be used */
static void
refuse_zone(const char *relation)
{
	ResetPlanCache();
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("the plan for foreign table \"%s\" does not hold in time zone \"%s\", which skipped a day", relation, pg_get_timezone_name(session_timezone)),
			 errhint("Repeat the query: it will be planned again.")));
}

static void
netsuiteBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *fs = (ForeignScan *) node->ss.ps.plan;
	ScanInfo *s = palloc0(sizeof(ScanInfo));
	ListCell *lc;

	node->fdw_state = s;
	s->plan = fs->fdw_private;
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	s->client = client_get((Oid) item_int(s->plan, PLAN_SERVER), user_of(node));
	client_hold(s->client, CurrentMemoryContext);
	if (item_int(s->plan, PLAN_DAYS) && zone_skips_days(session_timezone))
		refuse_zone(item_text(s->plan, PLAN_RELATION));
	if (needs_zone(s->plan))
		s->zone = trait_zone(s->client);
	s->natts = node->ss.ss_ScanTupleSlot->tts_tupleDescriptor->natts;
	s->decoder = make_decoder(s->plan, s->natts, s->zone);
	if (fs->scan.scanrelid == 0)
		s->proof = list_nth(s->plan, PLAN_PROOF);
	if (s->decoder->ntargets > s->natts)
	{
		s->row = palloc(sizeof(Datum) * s->decoder->ntargets);
		s->nulls = palloc(sizeof(bool) * s->decoder->ntargets);
	}
	s->context = AllocSetContextCreate(CurrentMemoryContext, "netsuite scan",
									   ALLOCSET_DEFAULT_SIZES);
	s->values = ExecInitExprList(fs->fdw_exprs, &node->ss.ps);
	s->types = palloc(sizeof(Oid) * Max(list_length(fs->fdw_exprs), 1));
	foreach (lc, fs->fdw_exprs)
		s->types[foreach_current_index(lc)] = exprType(lfirst(lc));
}

/* What of the query has no holes */
static void
plan_spec(List *plan, CursorSpec *spec)
{
	ListCell *lc;

	memset(spec, 0, sizeof(CursorSpec));
	foreach (lc, list_nth(plan, PLAN_KEYS))
		spec->keys[spec->nkeys++] = strVal(lfirst(lc));
	spec->key_unique = item_int(plan, PLAN_KEY_UNIQUE);
	spec->ordered = item_int(plan, PLAN_ORDERED);
	spec->wanted = item_int(plan, PLAN_WANTED);
}

/* The query with the values of now */
static void
fill_spec(ForeignScanState *node, CursorSpec *spec)
{
	ScanInfo *s = node->fdw_state;
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	int n = Max(list_length(s->values), 1);
	HoleValues v = {list_nth(s->plan, PLAN_HOLES), palloc(sizeof(Datum) * n), palloc(sizeof(bool) * n), s->types, s->zone};
	ListCell *lc;

	foreach (lc, s->values)
	{
		int i = foreach_current_index(lc);

		v.values[i] = ExecEvalExpr((ExprState *) lfirst(lc), econtext, &v.nulls[i]);
	}
	spec->select = fill_pieces(list_nth(s->plan, PLAN_SELECT), &v);
	spec->where = fill_pieces(list_nth(s->plan, PLAN_WHERE), &v);
	spec->group = fill_pieces(list_nth(s->plan, PLAN_GROUP), &v);
	spec->order = fill_pieces(list_nth(s->plan, PLAN_ORDER), &v);
}

/* The query as EXPLAIN shows it; the numbers of values that are no parameters follow those that are */
static void
show_spec(ForeignScan *fs, CursorSpec *spec)
{
	List *plan = fs->fdw_private;
	List *holes = list_nth(plan, PLAN_HOLES);
	int *numbers = palloc0(sizeof(int) * Max(list_length(fs->fdw_exprs), 1));
	int last = 0;
	ListCell *lc;

	foreach (lc, fs->fdw_exprs)
		last = Max(last, parameter_number(lfirst(lc)));
	spec->select = show_pieces(list_nth(plan, PLAN_SELECT), holes, fs->fdw_exprs, numbers, &last);
	spec->where = show_pieces(list_nth(plan, PLAN_WHERE), holes, fs->fdw_exprs, numbers, &last);
	spec->group = show_pieces(list_nth(plan, PLAN_GROUP), holes, fs->fdw_exprs, numbers, &last);
	spec->order = show_pieces(list_nth(plan, PLAN_ORDER), holes, fs->fdw_exprs, numbers, &last);
}

/* How large the answer may be, if it is a whole table that will be read to its end */
static TableSize
guess_size(List *plan)
{
	Oid relid = (Oid) item_int(plan, PLAN_REMEMBER);
	CursorSpec keys;
	int attnums[MAX_KEYS];

	if (OidIsValid(relid) && item_int(plan, PLAN_ALL) && table_keys(relid, &keys, attnums))
		return size_guess(relid, attnums[0]);
	return (TableSize){.rows = -1};
}

static void
open_cursor(ForeignScanState *node)
{
	ScanInfo *s = node->fdw_state;
	MemoryContext old = MemoryContextSwitchTo(s->context);
	CursorSpec spec;

	plan_spec(s->plan, &spec);
	fill_spec(node, &spec);
	if (node->ss.ss_currentRelation)
		spec.from = table_from(RelationGetRelid(node->ss.ss_currentRelation));
	spec.guess = guess_size(s->plan);
	s->cursor = cursor_open(s->client, &spec, s->decoder, &s->stats);
	MemoryContextSwitchTo(old);
}

/* The total of a scan without conditions is the table's row count; at its end the key is known, too */
static void
remember(ScanInfo *s, bool end)
{
	Oid relid = (Oid) item_int(s->plan, PLAN_REMEMBER);
	int64 low;
	int64 high;

	if (cursor_total(s->cursor) < 0)
		return;
	s->remembered = true;
	if (!OidIsValid(relid))
		return;
	size_remember_rows(relid, (double) cursor_total(s->cursor));
	if (end && cursor_ends(s->cursor, &low, &high))
		size_remember_keys(relid, low, high);
}

static TupleTableSlot *
netsuiteIterateForeignScan(ForeignScanState *node)
{
	ScanInfo *s = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	Datum *values = s->row ? s->row : slot->tts_values;
	bool *nulls = s->row ? s->nulls : slot->tts_isnull;

	if (s->cursor == NULL)
		open_cursor(node);
	ExecClearTuple(slot);
	if (!cursor_next(s->cursor, values, nulls))
	{
		remember(s, true);
		return slot;
	}
	if (!s->remembered)
		remember(s, false);
	if (s->proof)
		digits_check(s->client, s->proof, item_text(s->plan, PLAN_RELATION), values, nulls);
	if (s->row)
	{
		memcpy(slot->tts_values, values, sizeof(Datum) * s->natts);
		memcpy(slot->tts_isnull, nulls, sizeof(bool) * s->natts);
	}
	return ExecStoreVirtualTuple(slot);
}

static void
netsuiteReScanForeignScan(ForeignScanState *node)
{
	ScanInfo *s = node->fdw_state;

	if (s->cursor == NULL)
		return;
	if (node->ss.ps.chgParam != NULL && s->values != NIL)
	{
		MemoryContextReset(s->context);
		s->cursor = NULL;
	}
	else
		cursor_rewind(s->cursor);
}

static void
netsuiteEndForeignScan(ForeignScanState *node)
{
	ScanInfo *s = node->fdw_state;

	if (s && s->context)
		MemoryContextDelete(s->context);
}

/* -- EXPLAIN -- */

static void
netsuiteExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	ScanInfo *s = node->fdw_state;
	CursorSpec spec;

	if (es->verbose)
	{
		plan_spec(s->plan, &spec);
		show_spec((ForeignScan *) node->ss.ps.plan, &spec);
		ExplainPropertyText("SuiteQL", cursor_first_query(&spec), es);
		ExplainPropertyText("Paging", cursor_paging(&spec, server_options((Oid) item_int(s->plan, PLAN_SERVER))), es);
	}
	if (es->analyze)
	{
		ExplainPropertyInteger("Requests", NULL, s->stats.requests, es);
		ExplainPropertyInteger("Retries", NULL, s->stats.retries, es);
		ExplainPropertyInteger("Bytes", NULL, s->stats.bytes, es);
		if (es->timing)
			ExplainPropertyFloat("Wait", "ms", s->stats.wait_us / 1000.0, 1, es);
	}
}

/* -- ANALYZE -- */

typedef struct Sample
{
	Relation relation;
	Client *client;
	Decoder *decoder;
	CursorSpec spec;
	RequestStats stats;
	HeapTuple *rows;
	int nrows;
	int nbad; /* rows that do not fit are left out */
	int wanted;
} Sample;

/* Read rows under a condition into the sample */
static void
sample_part(Sample *s, const char *where, int64 wanted)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "netsuite sample",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext row_context = AllocSetContextCreate(context, "netsuite sample row",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum *values = palloc(sizeof(Datum) * s->decoder->ntargets);
	bool *nulls = palloc(sizeof(bool) * s->decoder->ntargets);
	CursorSpec spec = s->spec;
	Cursor *cursor;
	int64 n = 0;

	spec.where = where;
	spec.wanted = wanted;
	cursor = cursor_open(s->client, &spec, s->decoder, &s->stats);
	MemoryContextSwitchTo(row_context);
	while (n < wanted && s->nrows < s->wanted && cursor_next(cursor, values, nulls))
	{
		MemoryContextSwitchTo(old);
		if (s->decoder->bad)
			s->nbad++;
		else
			s->rows[s->nrows++] = heap_form_tuple(RelationGetDescr(s->relation), values, nulls);
		MemoryContextSwitchTo(row_context);
		MemoryContextReset(row_context);
		n++;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Number of rows, and the ends of the leading key */
static int64
sample_bounds(Sample *s, int64 *low, int64 *high)
{
	const char *key = s->spec.nkeys > 0 ? s->spec.keys[0] : "1";
	Request *request = request_new(s->client, CurrentMemoryContext);
	Json *items;
	Json *row;
	int64 n = -1;

	request_query(request, psprintf("SELECT COUNT(*) AS n, MIN(%s) AS lo, MAX(%s) AS hi FROM %s", key, key, table_from(RelationGetRelid(s->relation))), 1, 0);
	request_start(request);
	request_wait(request);
	items = json_member(request_json(request), "items");
	if (json_count(items) == 1)
	{
		row = json_item(items, 0);
		n = json_text(row, "n") ? strtoll(json_text(row, "n"), NULL, 10) : -1;
		*low = json_text(row, "lo") ? strtoll(json_text(row, "lo"), NULL, 10) : 0;
		*high = json_text(row, "hi") ? strtoll(json_text(row, "hi"), NULL, 10) : 0;
	}
	request_stop(request);
	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_REPLY_HANDLE),
				 errmsg("NetSuite did not count the rows of foreign table \"%s\"", RelationGetRelationName(s->relation))));
	return n;
}

/* Does a table have columns that are read in the account's zone? */
static bool
has_moments(TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->atttypid == TIMESTAMPTZOID && !TupleDescAttr(desc, i)->attisdropped)
			return true;
	}
	return false;
}

static void
sample_columns(Sample *s)
{
	Oid relid = RelationGetRelid(s->relation);
	TupleDesc desc = RelationGetDescr(s->relation);
	int attnums[MAX_KEYS];
	StringInfoData select;
	int n = 0;

	table_keys(relid, &s->spec, attnums);
	s->decoder = decoder_new(desc->natts, desc->natts, RelationGetRelationName(s->relation),
							 has_moments(desc) ? trait_zone(s->client) : NULL);
	s->decoder->nkeys = s->spec.nkeys;
	s->decoder->tolerant = true;
	initStringInfo(&select);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);
		char *name = psprintf("c%d", i + 1);

		if (a->attisdropped || is_error_column(relid, i + 1))
			continue;
		appendStringInfoString(&select, n > 0 ? ", " : "SELECT ");
		appendStringInfo(&select, "%s AS %s", deparse_column_output(relid, i + 1), name);
		decoder_column(s->decoder, n, name, decoded_type(a->atttypid), a->atttypmod, i, NameStr(a->attname));
		for (int k = 0; k < s->spec.nkeys; k++)
		{
			if (attnums[k] == i + 1)
				s->decoder->columns[n].key = k;
		}
		n++;
	}
	s->decoder->ncolumns = n;
	s->spec.from = table_from(relid);
	appendStringInfo(&select, " FROM %s", s->spec.from);
	s->spec.select = select.data;
}

/* A key that lies so far behind the lowest; keys may be further apart than an integer says */
static int64
key_within(int64 low, int64 high, double distance)
{
	double key = (double) low + distance;

	return key >= (double) high ? high : key <= (double) low ? low
															 : (int64) key;
}

/*
 * Sample by key: the range of the key is cut into strata, each of which gives a
 * page from a random place on.  Small tables are read whole.
 */
static int
netsuite_acquire_sample(Relation relation, int elevel, HeapTuple *rows, int targrows,
						double *totalrows, double *totaldeadrows)
{
	Sample s = {.relation = relation, .rows = rows, .wanted = targrows};
	int64 low = 0;
	int64 high = 0;
	int64 n;
	int page;

	s.client = client_get(GetForeignServerIdByRelId(RelationGetRelid(relation)), GetUserId());
	client_hold(s.client, CurrentMemoryContext);
	sample_columns(&s);
	n = sample_bounds(&s, &low, &high);
	page = client_options(s.client)->page_size;
	if (s.decoder->ncolumns == 0)
		n = 0;
	else if (n <= targrows || s.spec.nkeys == 0 || high <= low)
		sample_part(&s, NULL, targrows);
	else
	{
		int strata = Max(1, targrows / page);
		double width = ((double) high - low + 1) / strata;

		for (int i = 0; i < strata; i++)
		{
			int64 start = key_within(low, high, width * (i + pg_prng_double(&pg_global_prng_state) / 2));
			int64 end = key_within(low, high, width * (i + 1));

			sample_part(&s, psprintf("%s >= " INT64_FORMAT " AND %s %s " INT64_FORMAT, s.spec.keys[0], start, s.spec.keys[0], end == high ? "<=" : "<", end), page);
		}
	}
	size_remember_rows(RelationGetRelid(relation), (double) n);
	ereport(elevel,
			(errmsg("\"%s\": table contains " INT64_FORMAT " rows; %d rows in sample",
					RelationGetRelationName(relation), n, s.nrows),
			 s.nbad > 0 ? errdetail("%d rows with values that do not fit their columns were left out.", s.nbad) : 0));
	*totalrows = (double) n;
	*totaldeadrows = 0;
	return s.nrows;
}

static bool
netsuiteAnalyzeForeignTable(Relation relation, AcquireSampleRowsFunc *func, BlockNumber *totalpages)
{
	*func = netsuite_acquire_sample;
	/* a page of rows stands for a block */
	*totalpages = 1;
	return true;
}

void
scan_routine(FdwRoutine *routine)
{
	routine->BeginForeignScan = netsuiteBeginForeignScan;
	routine->IterateForeignScan = netsuiteIterateForeignScan;
	routine->ReScanForeignScan = netsuiteReScanForeignScan;
	routine->EndForeignScan = netsuiteEndForeignScan;
	routine->ExplainForeignScan = netsuiteExplainForeignScan;
	routine->AnalyzeForeignTable = netsuiteAnalyzeForeignTable;
}
