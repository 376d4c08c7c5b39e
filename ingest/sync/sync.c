/*
 * sync.c
 *		Keeping copies current.
 *
 * A run is a row of batches, each of which is a transaction that holds rows, history,
 * events and the checkpoint: whatever ends the process, the next run goes on from
 * there.  A table and its children (the lines of headers) are one group that one
 * process at a time works on; what changes in the parent and its children commits
 * together.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "ingest/base/argument.h"
#include "ingest/repository/anomaly.h"
#include "ingest/base/compat.h"
#include "ingest/base/lock.h"
#include "ingest/repository/access.h"
#include "ingest/event/event.h"
#include "ingest/sync/changes.h"
#include "ingest/sync/describe.h"
#include "ingest/sync/load.h"
#include "ingest/sync/pieces.h"
#include "ingest/sync/pseudonym.h"
#include "ingest/sync/reconcile.h"
#include "ingest/sync/shape.h"
#include "ingest/sync/isolate.h"
#include "ingest/sync/stage.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

SQL_FUNCTION(ingest_sync);
SQL_FUNCTION(ingest_redrive);

/* A load that took longer is followed by what changed meanwhile */
#define LONG_LOAD (30 * USECS_PER_SEC)

/* -- a run -- */

/* What no cursor tells: rows that are gone, or changed without a new cursor */
static void
reconcile_if_due(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings touched = {0};

	char *began;

	if (!reconcile_is_due(s))
		return;
	began = repo_value("SELECT clock_timestamp()");
	batch_enter(s, b->run);
	if (s->n_followers > 0)
		s->copy.touched = &touched;
	reconcile(s, b->run);
	batch_settle(b, &touched);
	repo_run("SELECT ingest_internal.sync_marks_compared($1, $2::timestamptz)", arg_int4(s->id), arg_text(began));
	batch_checkpoint(s, "last_reconcile = clock_timestamp(), mismatches = 0", 0, NULL);
	s->compared = true;
	run_progress(b->run, "reconciled", -1);
}

/* Columns first: all that follows is said in terms of them */
static void
prepare(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	MemoryContext old;

	s->copy.run = b->run;
	shape_follow(s);
	describe_copy(s->id, s->copy.target);
	batch_enter(s, b->run);
	if (s->pseudonymise.n > 0 &&
		to_bool(repo_value("SELECT ingest_internal.sync_note_pseudonym_key($1, $2)", arg_int4(s->id),
						   arg_text(pseudonym_key_hash(s)))))
		s->reload = true;
	if (!sync_is_in_pieces(s))
		b->idle = idle_ask(s, changes_has_feed(s));
	if (!sync_is_in_pieces(s) && !b->idle.known)
	{
		old = MemoryContextSwitchTo(s->context);
		window_clock(s);
		MemoryContextSwitchTo(old);
		window_mark(s);
	}
	run_progress(b->run, "columns agree", -1);
}

/* With the last transaction, so that whoever hears it sees the rows */
static void
announce_completed(const Sync *s, const Run *run)
{
	char *watermark = repo_value("SELECT ingest_internal.open_watermark(watermark) FROM ingest.sync_state WHERE sync = "
								 "$1",
								 arg_int4(s->id));
	char *state = repo_value("SELECT ingest_internal.state_in_words(state, left_out) FROM ingest.run WHERE id = $1",
							 arg_int8(run->id));
	StringInfoData json;

	json_open(&json);
	json_text(&json, "sync", s->name);
	json_text(&json, "target", s->copy.target);
	json_int8(&json, "run", run->id);
	json_int8(&json, "read", run->total_read);
	json_int8(&json, "inserted", run->total_inserted);
	json_int8(&json, "updated", run->total_updated);
	json_int8(&json, "deleted", run->total_deleted);
	json_int8(&json, "rejected", run->total_rejected);
	json_text(&json, "watermark", watermark);
	json_text(&json, "state", state);
	json_raw(&json, "left_out",
			 repo_value("SELECT coalesce(to_jsonb($1::text[]), '[]')", arg_text(run->left_out)));
	event_emit("ingest.sync.completed", s->source->name, s->name, json_close(&json));
}

/* The run got to its end: with what is still owed, or with nothing left out */
static void
succeed(Sync *s, Run *run)
{
	repo_run("SELECT ingest_internal.sync_note_kept($1, $2, $3)", arg_int4(s->id), arg_bool(s->compared),
			 arg_bool(s->kept));
	run->left_out =
		repo_value("SELECT ingest_internal.sync_left_out($1, $2)", arg_int4(s->id), arg_bool(s->ahead));
	run_succeed(run);
}

/* From here on the copy is as current as it says */
static void
finish(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Run *run = b->run;
	bool changed = run->total_inserted + run->total_updated + run->total_deleted > 0;

	if (!sync_is_in_pieces(s))
		reconcile_count(s, run, changed, b->idle.known);
	if (s->newest)
		repo_run("SELECT ingest_internal.sync_note_newest($1, $2::timestamptz)", arg_int4(s->id), arg_text(s->newest));
	repo_run("SELECT ingest_internal.sync_note_lineage($1, $2, $3, $4, $5)", arg_int4(s->id),
			 run_job ? arg_int8(run_job) : arg_null(INT8OID), arg_int8(run->id),
			 arg_texts(s->copy.columns, s->copy.n_columns), arg_bool(changed));
	batch_checkpoint(s, "last_success = clock_timestamp()", 0, NULL);
	succeed(s, run);
	announce_completed(s, run);
	stage_drop(&s->copy);
}

/* A higher epoch: whoever had the sync before cannot commit any more */
static void
take_over(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	MemoryContext old;

	/* whoever had it is gone, since the lock is ours */
	s->epoch = to_int8(repo_value("SELECT ingest_internal.sync_take_over($1)", arg_int4(s->id)));
	old = MemoryContextSwitchTo(s->context);
	b->run = run_begin("sync", s->name, s->source->name, s->source->id, s->id);
	MemoryContextSwitchTo(old);
}

/* Before reading: what is committed later belongs to the next run */
static void
ask_clock(void *arg)
{
	Batch *b = arg;
	MemoryContext old = MemoryContextSwitchTo(b->s->context);

	window_clock(b->s);
	MemoryContextSwitchTo(old);
	window_mark(b->s);
}

/* For batch_step() */
static void
profile(void *arg)
{
	Batch *b = arg;

	profile_after(b->s, b->run);
}

/* A long load ends long after its watermark: the copy is to be current when the run ends */
static bool
load_and_catch_up(Batch *b)
{
	TimestampTz began = GetCurrentTimestamp();

	if (!load_run(b))
		return false;
	if (sync_is_full(b->s) || !(b->long_load || GetCurrentTimestamp() > began + LONG_LOAD))
		return true;
	return batch_step(b, ask_clock) && changes_catch_up(b);
}

/* By cursor and key; rows may be gone */
static bool
is_incremental(const Sync *s)
{
	return strcmp(s->mode, "incremental") == 0;
}

/* The steps of a run, each a transaction */
static bool
work(Batch *b)
{
	Sync *s = b->s;

	if (!batch_step(b, prepare))
		return false;
	if (sync_is_in_pieces(s))
	{
		if (!pieces_run(b))
			return false;
	}
	else if (strcmp(s->phase, "ready") != 0 || s->reload || sync_is_full(s))
	{
		if (!load_and_catch_up(b))
			return false;
	}
	else if (!changes_catch_up(b) || ((is_incremental(s) || s->cursor) && !batch_step(b, reconcile_if_due)))
		return false;
	if ((!sync_is_in_pieces(s) && !load_new_columns(b)) || (s->parent && !batch_step(b, batch_pay_owed)) ||
		!batch_step(b, finish))
		return false;
	/* what follows does not make the run a failure: the copy is current */
	if (strcmp(s->profile, "none") != 0 && b->run->total_inserted + b->run->total_updated + b->run->total_deleted > 0)
		return batch_step(b, profile);
	return true;
}

/* What went wrong, in a transaction of its own */
static void
write_failure(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	StringInfoData json;

	run_fail(b->run, &b->failure);
	if (!failure_stops(&b->failure))
		return;
	repo_run("SELECT ingest_internal.sync_stop($1, $2)", arg_int4(s->id), arg_text(failure_text(&b->failure)));
	json_open(&json);
	json_text(&json, "sync", s->name);
	json_int8(&json, "run", b->run->id);
	json_text(&json, "reason", b->failure.message);
	json_text(&json, "hint", b->failure.hint);
	event_emit("ingest.sync.stopped", s->source->name, s->name, json_close(&json));
	anomaly_raise(s, b->run, "schema", "error", NULL, b->failure.message, NULL);
}

/* A failure is written down in a transaction of its own */
static bool
run_one(Sync *s, Failure *failure)
{
	Batch b = {s};

	if (batch_step(&b, take_over) && work(&b))
		return true;
	*failure = b.failure;
	if (b.run)
	{
		Batch again = b;

		if (!batch_step(&again, write_failure))
			ereport(WARNING, (errmsg("the failure of run %lld could not be recorded: %s", (long long) b.run->id,
									 again.failure.message)));
	}
	return false;
}

/* The group's root: its lock is the group's */
static int32
root_of(const char *name)
{
	char *root = repo_value("SELECT ingest_internal.sync_root($1)", arg_text(name));

	if (root == NULL)
		sync_refuse_unknown(name);
	return to_int4(root);
}

/* A table, then its children: a parent that failed leaves them alone, a child does not */
static bool
run_group(Sync *s, Failure *failure)
{
	bool ok = run_one(s, failure);

	for (int i = 0; ok && i < s->n_children; i++)
	{
		Failure other = {0};

		if (!run_group(s->children[i], &other))
			*failure = other;
	}
	return ok && failure->message == NULL;
}

/* Busy or paused is told to whoever called, and is no failure of the sync */
static void
refuse_unless_active(const Sync *s)
{
	if (s->source->paused)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("source \"%s\" is paused", s->source->name),
				 errhint("SELECT ingest.resume(%s).", quote_literal_cstr(s->source->name))));
	if (strcmp(s->state, "active") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("sync \"%s\" is %s", s->name, s->state),
				 s->state_reason ? errdetail("%s", s->state_reason) : 0,
				 errhint("SELECT ingest.resume(sync => %s).", quote_literal_cstr(s->name))));
}

typedef struct Starting
{
	const char *name;
	bool any_state;
	int32 root;
	bool locked;
	Sync *s;
} Starting;

/* Find it, take its group's lock */
static void
start(void *arg)
{
	Starting *starting = arg;
	int32 root = root_of(starting->name);

	starting->s = sync_by_name(starting->name);
	if (!starting->any_state)
		refuse_unless_active(starting->s);
	if (!session_lock(LOCK_SYNC, root))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("sync \"%s\" is already running", starting->name),
				 errhint("SELECT * FROM ingest.run_status shows how far it is; ingest.cancel(run) stops it.")));
	starting->root = root;
	starting->locked = true;
	/* what was read before the lock was ours may be old */
	starting->s = sync_by_id(starting->s->id);
}

/* Parent and children are one: they commit together, so one lock is for all */
static bool
with_group(Starting *starting, bool (*function)(Sync *, Failure *), Failure *failure)
{
	volatile bool ok = false;

	if (!attempt_and_commit(start, starting, failure))
	{
		if (starting->locked)
			session_unlock(LOCK_SYNC, starting->root);
		return false;
	}
	PG_TRY();
	{
		memset(failure, 0, sizeof(Failure));
		ok = function(starting->s, failure);
	}
	PG_FINALLY();
	{
		session_unlock(LOCK_SYNC, starting->root);
	}
	PG_END_TRY();
	return ok;
}

bool
sync_run(const char *name, Failure *failure)
{
	Starting starting = {name};

	return with_group(&starting, run_group, failure);
}

/* The newest run of all, before this session begins one */
static int64
last_run(void)
{
	return to_int8(repo_value("SELECT coalesce(max(id), 0) FROM ingest.run"));
}

/* What the runs did that this session began since, and what they left out */
static void
say_what_was_done(const char *name, int64 since)
{
	Rows *lines = repo_rows("SELECT * FROM ingest_internal.sync_report($1, pg_backend_pid(), $2)", arg_text(name),
							arg_int8(since));

	for (uint64 i = 0; i < lines->n; i++)
		ereport(NOTICE, (errmsg("%s", lines->v[i][0])));
}

/* CALL sync(name text) */
Datum
ingest_sync(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	Failure failure;
	int64 since;
	bool ok;

	procedure_begin(fcinfo, "ingest.sync");
	since = last_run();
	ok = sync_run(name, &failure);
	/* of a group, what was done before one of it failed */
	say_what_was_done(name, since);
	if (!ok)
		failure_rethrow(&failure);
	procedure_end();
	PG_RETURN_VOID();
}

/* -- rejected rows once more -- */

/* By key, a part at a time; what still does not fit stays rejected */
static void
merge_rejected(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Rows *rows;

	batch_enter(s, b->run);
	rows =
		repo_rows("SELECT * FROM ingest_internal.sync_rejected_values($1, $2)", arg_int4(s->id), arg_text(s->key.v[0]));
	for (uint64 i = 0; i < rows->n; i += PARENTS_AT_ONCE)
	{
		Strings keys = {0};

		for (uint64 k = i; k < Min(rows->n, i + PARENTS_AT_ONCE); k++)
			strings_add(&keys, rows->v[k][0]);
		user_run(psprintf("DELETE FROM %s", s->copy.stage));
		stage_fetch_isolating(&s->copy, batch_among(s->copy.key[0], &keys, 0, keys.n, s->copy.key_types[0]));
		merge_stage(&s->copy, "insert");
	}
	/* those that are gone at the source need no mending */
	repo_run("SELECT ingest_internal.sync_resolve($1, $2, NULL, $3)", arg_int4(s->id), arg_int8(b->run->id),
			 arg_text(s->key.v[0]));
	merge_flush(&s->copy);
	batch_rows_event(s, b->run, b->run->inserted, b->run->updated, 0);
	run_progress(b->run, "redriven", -1);
	succeed(s, b->run);
}

/* A run of its own, so that its rows are counted */
static bool
redrive(Sync *s, Failure *failure)
{
	Batch b = {s};
	bool ok = batch_step(&b, take_over);

	/* of pieces whole ones are read again */
	if (ok && sync_is_in_pieces(s))
		ok = batch_step(&b, prepare) && batch_step(&b, pieces_reject_again) && pieces_run(&b) && batch_step(&b, finish);
	else if (ok)
		ok = batch_step(&b, merge_rejected);
	if (ok)
		return true;
	*failure = b.failure;
	if (b.run)
		(void) batch_step(&b, write_failure);
	return false;
}

/* CALL redrive(name text): rejected rows are read and merged again */
Datum
ingest_redrive(PG_FUNCTION_ARGS)
{
	Starting starting = {required_text(0), true};
	Failure failure;
	int64 since;

	procedure_begin(fcinfo, "ingest.redrive");
	since = last_run();
	if (!with_group(&starting, redrive, &failure))
		failure_rethrow(&failure);
	say_what_was_done(starting.name, since);
	procedure_end();
	PG_RETURN_VOID();
}
