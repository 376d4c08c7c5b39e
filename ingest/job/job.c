/*
 * job.c
 *		What a job does.
 *
 * An SQL job and its end are one transaction: it is done exactly once.  Crawls and syncs
 * commit as they go and can be begun again at any point.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/export/export.h"
#include "ingest/repository/access.h"
#include "ingest/repository/crawl.h"
#include "ingest/job/job.h"
#include "ingest/base/row.h"
#include "ingest/job/breaker.h"
#include "ingest/job/deadline.h"
#include "ingest/job/process.h"
#include "ingest/job/queue.h"
#include "ingest/job/watch.h"
#include "ingest/repository/run.h"
#include "ingest/base/sql.h"
#include "ingest/sync/sync.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/portal.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "postmaster/bgworker.h"
#include "utils/timestamp.h"

/*
 * So many entries are taken at once that all of them are done after about this; each is still a transaction of
 * its own
 */
#define A_BATCH_US 50000.0
/*
 * Between jobs a worker of this age ends, and another one takes its place: so no connection to a source is idle
 * for longer
 */
#define LONGEST_LIFE USECS_PER_MINUTE

SQL_FUNCTION(ingest_work);
SQL_FUNCTION(ingest_cancel);

typedef struct Job
{
	int64 id;
	char *name;
	char *kind;
	char *argument;
	int32 max_attempts;
	double timeout_ms;
	char *timeout;
} Job;

ROW_SHAPE(job_shape, Job, FIELD(INT8, Job, id), FIELD(TEXT, Job, name), FIELD(TEXT, Job, kind),
		  FIELD(TEXT, Job, argument), FIELD(INT4, Job, max_attempts), FIELD(FLOAT8, Job, timeout_ms),
		  FIELD(TEXT, Job, timeout));

typedef struct Doing
{
	int64 worker;
	int64 only_job;
	Entry entries[MOST_AT_ONCE];
	int n;
	int room;
	Entry *entry;
	Job *job;
	MemoryContext job_context; /* what is known of the job: of one that is done many times, read once */
	Failure failure;
} Doing;

/* The job of an entry as it is now: it may have been replaced since it was queued */
static void
read_job(Doing *d)
{
	MemoryContext old;

	MemoryContextReset(d->job_context);
	d->job = NULL;
	old = MemoryContextSwitchTo(d->job_context);
	d->job = repo_struct(job_shape, "SELECT * FROM ingest_internal.job_to_do($1)", arg_int8(d->entry->job));
	MemoryContextSwitchTo(old);
	if (d->job == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("job %lld is gone", (long long) d->entry->job)));
}

/* -- kinds -- */

/* What an attempt does to take entries */
static void
take_entries(void *arg)
{
	Doing *d = arg;

	d->n = queue_take(d->worker, d->only_job, d->entries, d->room);
}

/* A run's row by one prepared statement, at its end: of a job of a millisecond it is most of the work */
static void
run_succeeded(const Doing *d, TimestampTz started)
{
	static Prepared statement = {"INSERT INTO ingest.run (job, kind, source, attempt, state, started_at, finished_at, "
								 "pid, role, role_name, phase) "
								 "VALUES ($1, $2, $3, $4, 'succeeded', $5, clock_timestamp(), $6, $7, $8, 'done')",
								 8,
								 {INT8OID, TEXTOID, INT4OID, INT4OID, TIMESTAMPTZOID, INT4OID, OIDOID, NAMEOID}};
	static Prepared alert = {"SELECT 1 FROM ingest.alert WHERE job = $1 AND closed_at IS NULL LIMIT 1", 1, {INT8OID}};
	Datum values[8] = {Int64GetDatum(d->job->id),
					   CStringGetTextDatum(d->job->kind),
					   Int32GetDatum(d->entry->source),
					   Int32GetDatum(d->entry->attempts),
					   TimestampTzGetDatum(started),
					   Int32GetDatum(MyProcPid),
					   ObjectIdGetDatum(GetUserId()),
					   DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetUserId(), false)))};

	prepared_run(&statement, values, d->entry->source ? NULL : "  n     ", 0);
	if (prepared_finds(&alert, values))
		repo_run("SELECT ingest_internal.alert_job_over($1)", arg_int8(d->job->id));
}

/* Done and gone in the transaction of what it did */
static void
do_statement(void *arg)
{
	Doing *d = arg;
	TimestampTz started = GetCurrentTimestamp();
	int code;

	if (strcmp(d->job->kind, "sql") == 0)
	{
		bool pushed = !ActiveSnapshotSet();

		if (pushed)
			PushActiveSnapshot(GetTransactionSnapshot());
		sql_settings_of_user();
		code = SPI_execute(d->job->argument, false, 0);
		if (pushed)
			PopActiveSnapshot();
		if (code < 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("job \"%s\" cannot be run: %s", d->job->name, SPI_result_code_string(code)),
					 errhint("Its statement must not control transactions.")));
		if (SPI_tuptable)
			SPI_freetuptable(SPI_tuptable);
		sql_settings();
	}
	else if (strcmp(d->job->kind, "check") == 0)
		user_run("SELECT FROM ingest.check_source($1)", arg_text(d->job->argument));
	else if (strcmp(d->job->kind, "profile") == 0)
		user_run("SELECT ingest.profile($1::regclass)", arg_text(d->job->argument));
	else
		user_run("SELECT FROM ingest.check_quality($1::regclass)", arg_text(d->job->argument));
	/* profiles and rules write down their own run */
	if (strcmp(d->job->kind, "sql") == 0 || strcmp(d->job->kind, "check") == 0)
		run_succeeded(d, started);
	if (strcmp(d->job->kind, "check") == 0)
		repo_run("SELECT ingest_internal.check_run_found($1, $2::integer)", arg_int8(d->job->id),
				 arg_int8(d->entry->source));
	if (d->entry->source)
		breaker_note(d->entry->source, NULL);
	if (!queue_done(d->entry, d->worker))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("job \"%s\" was taken over by another worker", d->job->name)));
}

/*
 * A sync or crawl has committed by itself: its entry goes after it, and is done again if the process dies in
 * between
 */
static void
finish_procedure(void *arg)
{
	Doing *d = arg;

	breaker_note(d->entry->source, NULL);
	(void) queue_done(d->entry, d->worker);
}

/* A source or a copy that was paused after the job was taken, too */
static bool
is_busy(const Doing *d)
{
	return failure_is_busy(&d->failure) ||
		   (d->failure.sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE &&
			repo_value("SELECT 1 FROM ingest_internal.stands_still($1)", arg_int8(d->job->id)) != NULL);
}

/* What failed is put back, tried again or given up; what is busy only waits */
static void
note_failure(void *arg)
{
	Doing *d = arg;
	bool by_itself = strcmp(d->job->kind, "crawl") == 0 || strcmp(d->job->kind, "sync") == 0 ||
					 strcmp(d->job->kind, "export") == 0;
	int64 run;

	if (is_busy(d))
	{
		queue_postpone(d->entry, d->worker, d->failure.message);
		return;
	}
	if (by_itself)
		run = to_int8(repo_value("SELECT ingest_internal.failed_run($1, $2, $3)", arg_int8(d->job->id),
								 arg_int4(d->entry->attempts), arg_int4(MyProcPid)));
	else
	{
		Run *made = run_begin(d->job->kind, d->job->name, NULL, d->entry->source, 0);

		run_fail(made, &d->failure);
		run = made->id;
	}
	breaker_note(d->entry->source, &d->failure);
	queue_failed(d->entry, d->worker, d->job->name, d->job->max_attempts, &d->failure, run);
}

typedef struct TableThere
{
	char *source;
	char *table_name;
} TableThere;

ROW_SHAPE(table_there_shape, TableThere, FIELD(TEXT, TableThere, source), FIELD(TEXT, TableThere, table_name));

/* A column that is not there any more: look again, and try once more */
static bool
sync_with_look(const char *name, Failure *failure)
{
	TableThere *table;

	if (sync_run(name, failure))
		return true;
	/* or an error that its wrapper has no better code for */
	if (strcmp(failure_class(failure), "schema") != 0 && failure->sqlerrcode != ERRCODE_FDW_ERROR)
		return false;
	table = repo_struct(table_there_shape, "SELECT * FROM ingest_internal.table_of_sync($1)", arg_text(name));
	return table && crawl(table->source, &table->table_name, 1, false, failure) && sync_run(name, failure);
}

/* Entries of one job, one after the other, read it once */
static void
find_job(void *arg)
{
	Doing *d = arg;

	if (d->job == NULL || d->job->id != d->entry->job)
		read_job(d);
}

/* The job itself, in a transaction of its own or in several */
static bool
do_job(Doing *d)
{
	Job *job = d->job;

	if (strcmp(job->kind, "crawl") == 0)
		return crawl(job->argument, NULL, 0, true, &d->failure) && attempt_and_commit(finish_procedure, d, &d->failure);
	if (strcmp(job->kind, "sync") == 0)
		return sync_with_look(job->argument, &d->failure) && attempt_and_commit(finish_procedure, d, &d->failure);
	if (strcmp(job->kind, "export") == 0)
		return export_run(job->argument, &d->failure) && attempt_and_commit(finish_procedure, d, &d->failure);
	if (strcmp(job->kind, "watch") == 0)
		return watch_for_a_while(job->argument, &d->failure) && attempt_and_commit(finish_procedure, d, &d->failure);
	return attempt_and_commit(do_statement, d, &d->failure);
}

/* The deadline is known to the scheduler, too, which ends a process that does not hear it */
static bool
do_job_in_time(Doing *d)
{
	int ms = (int) Min(d->job->timeout_ms, (double) INT_MAX);
	char *words = psprintf("job \"%s\" did not finish within its timeout of %s", d->job->name, d->job->timeout);
	volatile bool ok = false;

	process_deadline(d->entry->id, d->worker, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms));
	deadline_begin(ms, words);
	PG_TRY();
	{
		ok = do_job(d);
	}
	PG_FINALLY();
	{
		deadline_end();
		process_deadline(0, 0, 0);
	}
	PG_END_TRY();
	return ok;
}

/* One entry from its beginning to its end, whatever comes of it */
static void
do_entry(Doing *d)
{
	Failure again;
	bool ok;

	run_job = d->entry->job;
	run_attempt = d->entry->attempts;
	ok = attempt_or_cancel(find_job, d, &d->failure) && do_job_in_time(d);
	if (!ok && d->job && !attempt_and_commit(note_failure, d, &again))
		ereport(WARNING,
				(errmsg("the failure of job \"%s\" could not be recorded: %s", d->job->name, again.message)));
	run_job = 0;
	run_attempt = 1;
}

/* -- one job after another -- */

/* The next entries, which the scheduler hears of, so that it can take back what is not begun */
static bool
take_some(Doing *d)
{
	int64 ids[MOST_AT_ONCE];

	if (!attempt_and_commit(take_entries, d, &d->failure))
		failure_rethrow(&d->failure);
	for (int i = 0; i < d->n; i++)
		ids[i] = d->entries[i].id;
	process_took(ids, d->n);
	return d->n > 0;
}

/* What an attempt does to give an entry back */
static void
release_entry(void *arg)
{
	Doing *d = arg;

	queue_release(&d->entry->id, 1, d->worker);
}

/*
 * What a job left in the session is gone before the next one: DISCARD ALL without the plans, which cost much and know
 * nothing of the job.  The lock by which others see that this worker lives is one of those that go, and is taken anew.
 */
static void
clean_session(void *arg)
{
	Doing *d = arg;

	PortalHashTableDeleteAll();
	SetPGVariable("session_authorization", NIL, false);
	ResetAllOptions();
	DropAllPreparedStatements();
	LockReleaseAll(USER_LOCKMETHOD, true);
	queue_worker_again(d->worker);
	ResetTempTableNamespace();
	ResetSequenceCaches();
}

/* All that were taken, one after the other: how many were done */
static int
do_batch(Doing *d, MemoryContext context)
{
	int done = 0;

	for (int i = 0; i < d->n; i++)
	{
		Failure failure;

		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
		d->entry = &d->entries[i];
		/* one that waited for long was given to others */
		if (!process_begins(d->entry->id))
			continue;
		/* asked to stop: the rest is for others */
		if (ProcDiePending)
		{
			(void) attempt_and_commit(release_entry, d, &failure);
			continue;
		}
		do_entry(d);
		done++;
		if (AmBackgroundWorkerProcess() && !attempt_and_commit(clean_session, d, &failure))
			ereport(FATAL, (errmsg("the session cannot be used again after a job: %s", failure.message)));
	}
	return done;
}

/* turns: gives its place to another role when it is that one's turn, and then tells so */
static int64
work(int64 only_job, int64 limit, bool *turns, TimestampTz alive_since)
{
	MemoryContext keep = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(keep, "ingest job", ALLOCSET_DEFAULT_SIZES);
	Doing d = {.only_job = only_job, .room = 1};
	volatile int64 done = 0;
	volatile int64 worker = queue_worker();
	/* it was started for a job, and has looked for it */
	static bool looked = false;

	d.worker = worker;
	d.job_context = AllocSetContextCreate(keep, "ingest job to do", ALLOCSET_SMALL_SIZES);
	PG_TRY();
	{
		for (;;)
		{
			TimestampTz began;
			int n;

			if (turns)
				process_look_up();
			if (turns && looked &&
				(process_gives_way(alive_since) || GetCurrentTimestamp() > alive_since + LONGEST_LIFE))
			{
				*turns = true;
				break;
			}
			looked = true;
			if (limit > 0)
				d.room = Min(d.room, limit - done);
			if (d.room <= 0 || !take_some(&d))
				break;
			began = GetCurrentTimestamp();
			n = do_batch(&d, context);
			if (n > 0)
				process_was_of_use();
			done += n;
			/* short ones are taken by the dozen */
			d.room = (int) Max(1.0, Min(MOST_AT_ONCE, A_BATCH_US * Max(n, 1) / Max(GetCurrentTimestamp() - began, 1)));
			MemoryContextSwitchTo(keep);
		}
	}
	PG_FINALLY();
	{
		process_took(NULL, 0);
		queue_worker_end(worker);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(keep);
	MemoryContextDelete(d.job_context);
	MemoryContextDelete(context);
	return done;
}

bool
jobs_work_by_turns(TimestampTz alive_since, int64 *done)
{
	bool gave_way = false;

	*done = work(0, 0, &gave_way, alive_since);
	return gave_way;
}

int64
jobs_work(int64 only_job, int64 limit)
{
	volatile int64 done = 0;

	process_session_enter();
	PG_TRY();
	{
		done = work(only_job, limit, NULL, 0);
	}
	PG_FINALLY();
	{
		process_session_leave();
	}
	PG_END_TRY();
	return done;
}

/* What an attempt does to look after the queue */
static void
care(void *arg)
{
	queue_care();
}

typedef struct Putting
{
	char *name;
	int64 id;
	int64 before;
} Putting;

typedef struct PutJob
{
	int64 id;
	Oid owner;
} PutJob;

ROW_SHAPE(put_job_shape, PutJob, FIELD(INT8, PutJob, id), FIELD(OID, PutJob, owner));

/* Into the queue, so that limits, dependencies and breakers count for it as for any job */
static void
put(void *arg)
{
	Putting *putting = arg;
	PutJob *job;

	queue_care();
	user_run("SELECT ingest.enqueue($1)", arg_text(putting->name));
	job = repo_struct(put_job_shape, "SELECT id, owner FROM ingest.job WHERE name = $1", arg_text(putting->name));
	if (job == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("job \"%s\" is gone", putting->name)));
	putting->id = job->id;
	/* a job does what its owner may do, in a session of the owner's */
	if (job->owner != GetUserId())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("job \"%s\" runs as its owner, in a session of the owner's", putting->name),
				 errhint("SELECT ingest.enqueue(%s) leaves it to a worker.", quote_literal_cstr(putting->name))));
	putting->before = to_int8(repo_value("SELECT coalesce(max(id), 0) FROM ingest.run"));
}

typedef struct RunAfter
{
	char *state;
	char *error;
	char *error_hint;
} RunAfter;

ROW_SHAPE(run_after_shape, RunAfter, FIELD(TEXT, RunAfter, state), FIELD(TEXT, RunAfter, error),
		  FIELD(TEXT, RunAfter, error_hint));

/* One job, as its schedule would have it done, in this session; an error if it fails */
static void
work_on(char *name)
{
	Putting putting = {name};
	Failure failure;
	RunAfter *after;

	if (!attempt_and_commit(put, &putting, &failure))
		failure_rethrow(&failure);
	(void) jobs_work(putting.id, 1);
	after = repo_struct(run_after_shape, "SELECT * FROM ingest_internal.run_after($1, $2)", arg_int8(putting.id),
						arg_int8(putting.before));
	if (after && strncmp(after->state, "succeeded", strlen("succeeded")) != 0)
		ereport(ERROR, (errcode(ERRCODE_OPERATOR_INTERVENTION),
						errmsg("job \"%s\" %s: %s", putting.name, after->state,
							   after->error ? after->error : "no error is known"),
						after->error_hint ? errhint("%s", after->error_hint) : 0));
	if (after == NULL &&
		repo_value("SELECT 1 FROM ingest.queue WHERE job = $1 AND worker IS NOT NULL", arg_int8(putting.id)))
		ereport(NOTICE,
				(errmsg("job \"%s\" is already being run by a worker", putting.name),
				 errhint("SELECT * FROM ingest.job_status WHERE job = %s.", quote_literal_cstr(putting.name))));
	else if (after == NULL)
		ereport(NOTICE, (errmsg("job \"%s\" was not begun, and waits in the queue", putting.name),
						 errdetail("Its source is paused, its breaker is open, the maximum number of jobs is running "
								   "on it, or a job that it depends on is not done.")));
}

/* What is due of one's own, here and now */
static void
work_through(int64 limit)
{
	int64 done;
	Failure failure;

	if (!attempt_and_commit(care, NULL, &failure))
		failure_rethrow(&failure);
	done = jobs_work(0, limit);
	ereport(NOTICE, (errmsg("jobs done: %lld", (long long) done)));
}

/* CALL work(job text, max_jobs bigint) */
Datum
ingest_work(PG_FUNCTION_ARGS)
{
	char *job = text_or_null(0);
	int64 limit = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);

	if (job && limit != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_jobs cannot be given together with a job"),
				 errhint("CALL ingest.work(%s).", quote_literal_cstr(job))));
	/* as pg_cron calls it, also in a copy of the cluster */
	if (!engine_enabled)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no jobs are run here, since ingest.enabled is off"),
						errhint("ALTER SYSTEM RESET ingest.enabled, then SELECT pg_reload_conf().")));
	procedure_begin(fcinfo, "ingest.work");
	if (job)
		work_on(job);
	else
		work_through(limit);
	procedure_end();
	PG_RETURN_VOID();
}

typedef struct RunToCancel
{
	int32 pid;
	Oid role;
	char *role_name;
	char *state;
	char *started_at;
} RunToCancel;

ROW_SHAPE(run_to_cancel_shape, RunToCancel, FIELD(INT4, RunToCancel, pid), FIELD(OID, RunToCancel, role),
		  FIELD(TEXT, RunToCancel, role_name), FIELD(TEXT, RunToCancel, state), FIELD(TEXT, RunToCancel, started_at));

/* cancel(run bigint): by the rights of the caller on the process */
Datum
ingest_cancel(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	char *number = PG_ARGISNULL(0) ? NULL : psprintf("%lld", (long long) PG_GETARG_INT64(0));
	RunToCancel *run = repo_struct(run_to_cancel_shape, "SELECT * FROM ingest_internal.run_to_cancel($1, $2)",
								   arg_oid(GetUserId()), number ? arg_int8(PG_GETARG_INT64(0)) : arg_null(INT8OID));
	bool cancelled = false;

	if (run == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no run %s", number ? number : "null"),
				 errhint("SELECT run FROM ingest.run_status lists them.")));
	require_owner(run->role, run->role_name, "run", number);
	if (strcmp(run->state, "running") == 0 && run->pid != 0)
		cancelled = to_bool(own_value("SELECT pg_cancel_backend(a.pid) FROM pg_stat_activity a "
									  "WHERE a.pid = $1 AND a.backend_start <= $2::timestamptz",
									  arg_int4(run->pid), arg_text(run->started_at)));
	if (!cancelled)
		ereport(NOTICE, (errmsg("run %s is not running: it is %s", number, run->state)));
	audit("cancel", number, NULL, NULL);
	sql_end(level);
	PG_RETURN_BOOL(cancelled);
}
