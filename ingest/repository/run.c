/*
 * run.c
 *		What is done, how far it is, how it ended.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/lock.h"
#include "ingest/base/sql.h"
#include "ingest/event/event.h"
#include "ingest/repository/run.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

SQL_FUNCTION(ingest_state_of_run);

int64 run_job = 0;
int run_attempt = 1;

#define ID_OR_NULL(id) ((id) != 0 ? arg_int8(id) : arg_null(INT8OID))

/*
 * A run that is under way is held by a lock of its process' session, which ends with it: a number of a process is given
 * again to another one.
 */
static List *ended = NIL; /* runs that are over when their transaction is */

/* The session keeps a lock for as long as the run lives: whoever can take it knows that the process is gone */
static void
hold(int64 run)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	ListCell *lc;

	foreach (lc, ended)
		session_unlock(LOCK_RUN, (uint32) lfirst_int(lc));
	list_free(ended);
	ended = NIL;
	(void) session_lock(LOCK_RUN, (uint32) run);
	MemoryContextSwitchTo(old);
}

/* That lock is let go with the next run, when what the run did has committed */
static void
will_end(const Run *run)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	ended = lappend_int(ended, (int) (uint32) run->id);
	MemoryContextSwitchTo(old);
}

/* The run as everybody sees it who looks now, whatever this transaction sees */
static bool
runs_by_now(int64 id)
{
	Oid relid = get_relname_relid("run", get_namespace_oid("ingest", false));
	Oid index = get_relname_relid("run_pkey", get_namespace_oid("ingest", false));
	Relation relation = table_open(relid, AccessShareLock);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	bool isnull,
		runs = false;
	SysScanDesc scan;
	HeapTuple tuple;
	ScanKeyData key;

	ScanKeyInit(&key, get_attnum(relid, "id"), BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	scan = systable_beginscan(relation, index, true, snapshot, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		runs = strcmp(TextDatumGetCString(
						  heap_getattr(tuple, get_attnum(relid, "state"), RelationGetDescr(relation), &isnull)),
					  "running") == 0;
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(relation, AccessShareLock);
	return runs;
}

/*
 * state_of_run(run, state, pid): lost, if it is said to run and nobody runs it.  It may have ended since that was said:
 * then it ran when what is seen was written, and so it is told.
 */
Datum
ingest_state_of_run(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(2) && strcmp(text_to_cstring(PG_GETARG_TEXT_PP(1)), "running") == 0 &&
		!RecoveryInProgress() && !home_is_elsewhere() && !session_lock_is_held(LOCK_RUN, (uint32) PG_GETARG_INT64(0)) &&
		runs_by_now(PG_GETARG_INT64(0)))
		PG_RETURN_TEXT_P(cstring_to_text("lost"));
	PG_RETURN_DATUM(PG_GETARG_DATUM(1));
}

/* Written down and locked before anything else is done */
Run *
run_begin(const char *kind, const char *subject, const char *source, int32 source_id, int32 sync_id)
{
	Run *run = palloc0(sizeof(Run));

	run->kind = kind;
	run->subject = subject;
	run->source = source;
	run->id = to_int8(
		repo_value("SELECT ingest_internal.run_begins($1, $2, $3::integer, $4::integer, $5::integer, $6::integer, $7)",
				   arg_text(kind), ID_OR_NULL(run_job), ID_OR_NULL(source_id), ID_OR_NULL(sync_id),
				   arg_int8(run_attempt), arg_int8(MyProcPid), arg_oid(GetUserId())));
	hold(run->id);
	return run;
}

/* To be committed with what was done */
void
run_progress(Run *run, const char *phase, int64 expected)
{
	repo_run("SELECT ingest_internal.run_moves($1, $2, $3, $4, $5, $6, $7, $8)", arg_int8(run->id), arg_text(phase),
			 expected >= 0 ? arg_int8(expected) : arg_null(INT8OID), arg_int8(run->read), arg_int8(run->inserted),
			 arg_int8(run->updated), arg_int8(run->deleted), arg_int8(run->rejected));
	run->total_read += run->read;
	run->total_inserted += run->inserted;
	run->total_updated += run->updated;
	run->total_deleted += run->deleted;
	run->total_rejected += run->rejected;
	run->read = run->inserted = run->updated = run->deleted = run->rejected = 0;
}

/* What is worth knowing after the run, and is no error */
void
run_log(const Run *run, const char *level, const char *message, const char *detail)
{
	repo_run("SELECT ingest_internal.run_says($1, $2, $3, $4)", arg_int8(run->id), arg_text(level), arg_text(message),
			 arg_jsonb(detail));
}

/* In the transaction of the last thing that it did */
void
run_succeed(Run *run)
{
	repo_run("SELECT ingest_internal.run_succeeded($1, $2::text[])", arg_int8(run->id), arg_text(run->left_out));
	will_end(run);
}

/* With its event: nothing that the failed transaction counted was done */
void
run_fail(Run *run, const Failure *failure)
{
	const char *class = failure_class(failure);
	bool cancelled = strcmp(class, "cancelled") == 0;
	StringInfoData json;

	run->read = run->inserted = run->updated = run->deleted = run->rejected = 0;
	repo_run("SELECT ingest_internal.run_failed($1, $2, $3, $4, $5, $6, $7)", arg_int8(run->id),
			 arg_text(cancelled ? "cancelled" : "failed"), arg_text(failure->sqlstate), arg_text(class),
			 arg_text(failure->message), arg_text(failure->detail), arg_text(failure->hint));
	will_end(run);
	json_open(&json);
	json_int8(&json, "run", run->id);
	json_text(&json, "kind", run->kind);
	json_text(&json, "name", run->subject);
	json_text(&json, "sqlstate", failure->sqlstate);
	json_text(&json, "class", class);
	json_text(&json, "error", failure->message);
	json_text(&json, "detail", failure->detail);
	json_text(&json, "hint", failure->hint);
	event_emit(cancelled ? "ingest.run.cancelled" : "ingest.run.failed", run->source, run->subject, json_close(&json));
}
