/*
 * run.c
 *		What is done, how far it is, how it ended.
 */
#include "postgres.h"

#include "ingest/event/event.h"
#include "ingest/repository/run.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"

int64 run_job = 0;
int run_attempt = 1;

#define ID_OR_NULL(id) ((id) != 0 ? arg_int8(id) : arg_null(INT8OID))

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

void
run_log(const Run *run, const char *level, const char *message, const char *detail)
{
	repo_run("SELECT ingest_internal.run_says($1, $2, $3, $4)", arg_int8(run->id), arg_text(level), arg_text(message),
			 arg_jsonb(detail));
}

void
run_succeed(Run *run)
{
	repo_run("SELECT ingest_internal.run_succeeded($1)", arg_int8(run->id));
}

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
