/*
 * job.c
 *		What a job does.
 *
 * An SQL job and its end are one transaction: it is done exactly once.  Crawls and syncs
 * commit as they go and can be begun again at any point.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/repository/access.h"
#include "ingest/repository/crawl.h"
#include "ingest/job/job.h"
#include "ingest/job/queue.h"
#include "ingest/repository/run.h"
#include "ingest/base/sql.h"
#include "ingest/sync/sync.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "postmaster/bgworker.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* Entries that are taken at once: each is still a transaction of its own */
#define AT_ONCE 16

SQL_FUNCTION(ingest_work);
SQL_FUNCTION(ingest_run_job);
SQL_FUNCTION(ingest_cancel);

typedef struct Job
{
	int64 id;
	char name[NAMEDATALEN * 2];
	char kind[16];
	char *argument;
	int max_attempts;
	int64 timeout_ms;
} Job;

typedef struct Doing
{
	int64 worker;
	int64 only_job;
	Entry entries[AT_ONCE];
	int n;
	int room;
	Entry *entry;
	Job *job;
	Failure failure;
} Doing;

static void
read_job(Job *job, int64 id)
{
	Rows *rows = repo_rows("SELECT name, kind, argument, max_attempts, extract(epoch FROM timeout) * 1000 FROM ingest.job WHERE id = $1", arg_int8(id));

	if (rows->n == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("job %lld is gone", (long long) id)));
	job->id = id;
	strlcpy(job->name, first_row(rows)[0], sizeof(job->name));
	strlcpy(job->kind, first_row(rows)[1], sizeof(job->kind));
	if (job->argument)
		pfree(job->argument);
	job->argument = MemoryContextStrdup(TopMemoryContext, first_row(rows)[2]);
	job->max_attempts = to_int4(first_row(rows)[3]);
	job->timeout_ms = (int64) strtod(first_row(rows)[4], NULL);
}

/* -- kinds -- */

static void
take_entries(void *arg)
{
	Doing *d = arg;

	d->n = queue_take(d->worker, d->only_job, d->entries, d->room);
}

static void
run_succeeded(const Doing *d, TimestampTz started)
{
	static Prepared statement = {"INSERT INTO ingest.run (job, kind, source, attempt, state, started_at, finished_at, pid, role, role_name, phase) "
								 "VALUES ($1, $2, $3, $4, 'succeeded', $5, clock_timestamp(), $6, $7, $8, 'done')",
								 8,
								 {INT8OID, TEXTOID, INT4OID, INT4OID, TIMESTAMPTZOID, INT4OID, OIDOID, NAMEOID}};
	Datum values[8] = {Int64GetDatum(d->job->id), CStringGetTextDatum(d->job->kind), Int32GetDatum(d->entry->source), Int32GetDatum(d->entry->attempts),
					   TimestampTzGetDatum(started), Int32GetDatum(MyProcPid), ObjectIdGetDatum(GetUserId()),
					   DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetUserId(), false)))};

	prepared_run(&statement, values, d->entry->source ? NULL : "  n     ", 0);
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
	if (d->entry->source)
		breaker_note(d->entry->source, NULL);
	if (!queue_done(d->entry, d->worker))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("job \"%s\" was taken over by another worker", d->job->name)));
}

static void
finish_procedure(void *arg)
{
	Doing *d = arg;

	breaker_note(d->entry->source, NULL);
	(void) queue_done(d->entry, d->worker);
}

static void
note_failure(void *arg)
{
	Doing *d = arg;
	char *run = repo_value("SELECT id FROM ingest.run WHERE job = $1 AND attempt = $2 AND pid = $3 AND state IN ('failed', 'cancelled') AND started_at > now() - interval '1 day' "
						   "ORDER BY id DESC LIMIT 1",
						   arg_int8(d->job->id), arg_int8(d->entry->attempts), arg_int8(MyProcPid));

	/* crawls and syncs write down their own */
	if (strcmp(d->job->kind, "crawl") != 0 && strcmp(d->job->kind, "sync") != 0)
	{
		Run *made = run_begin(d->job->kind, d->job->name, NULL, d->entry->source, 0);

		run_fail(made, &d->failure);
		run = psprintf("%lld", (long long) made->id);
	}
	breaker_note(d->entry->source, &d->failure);
	queue_failed(d->entry, d->worker, d->job->name, d->job->max_attempts, &d->failure, to_int8(run));
}

/* A column that is not there any more: look again, and try once more */
static bool
sync_with_look(const char *name, Failure *failure)
{
	Rows *rows;

	if (sync_run(name, failure))
		return true;
	/* or an error that its wrapper has no better code for */
	if (strcmp(failure_class(failure), "schema") != 0 && strcmp(failure->sqlstate, "HV000") != 0)
		return false;
	rows = repo_rows("SELECT d.name, t.name FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id JOIN ingest.data_source d ON d.id = s.source WHERE s.name = $1",
					 arg_text(name));
	return rows->n > 0 && crawl(first_row(rows)[0], &first_row(rows)[1], 1, false, failure) && sync_run(name, failure);
}

static void
find_job(void *arg)
{
	Doing *d = arg;

	if (d->job->id != d->entry->job)
		read_job(d->job, d->entry->job);
}

static void
release_entry(void *arg)
{
	Doing *d = arg;

	queue_release(d->entry, d->worker);
}

static void
do_entry(Doing *d)
{
	Failure again;
	bool ok;

	run_job = d->entry->job;
	run_attempt = d->entry->attempts;
	ok = attempt(find_job, d, &d->failure);
	/* elsewhere the session's own statement_timeout holds */
	if (ok && AmBackgroundWorkerProcess())
		enable_timeout_after(STATEMENT_TIMEOUT, (int) Min(d->job->timeout_ms, INT_MAX));
	if (ok && strcmp(d->job->kind, "crawl") == 0)
		ok = crawl(d->job->argument, NULL, 0, true, &d->failure) && attempt_and_commit(finish_procedure, d, &d->failure);
	else if (ok && strcmp(d->job->kind, "sync") == 0)
		ok = sync_with_look(d->job->argument, &d->failure) && attempt_and_commit(finish_procedure, d, &d->failure);
	else if (ok)
		ok = attempt_and_commit(do_statement, d, &d->failure);
	if (AmBackgroundWorkerProcess())
		disable_timeout(STATEMENT_TIMEOUT, false);
	if (!ok && !attempt_and_commit(note_failure, d, &again))
		ereport(WARNING, (errmsg("the failure of job \"%s\" could not be written down: %s", d->job->name, again.message)));
	run_job = 0;
	run_attempt = 1;
}

static bool
take_some(Doing *d)
{
	if (!attempt_and_commit(take_entries, d, &d->failure))
		failure_rethrow(&d->failure);
	return d->n > 0;
}

int64
jobs_work(int64 only_job, int64 limit)
{
	MemoryContext keep = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(keep, "ingest job", ALLOCSET_DEFAULT_SIZES);
	Job job = {0};
	Doing d = {.only_job = only_job, .job = &job};
	int64 done = 0;
	volatile int64 worker = queue_worker();

	d.worker = worker;
	PG_TRY();
	{
		for (;;)
		{
			d.room = limit > 0 ? Min(AT_ONCE, limit - done) : AT_ONCE;
			if (d.room <= 0 || !take_some(&d))
				break;
			for (int i = 0; i < d.n; i++, done++)
			{
				Failure ignored;

				MemoryContextSwitchTo(context);
				MemoryContextReset(context);
				d.entry = &d.entries[i];
				/* asked to stop: the rest is for others */
				if (ProcDiePending)
				{
					(void) attempt_and_commit(release_entry, &d, &ignored);
					continue;
				}
				do_entry(&d);
			}
			MemoryContextSwitchTo(keep);
		}
	}
	PG_FINALLY();
	{
		queue_worker_end(worker);
	}
	PG_END_TRY();
	MemoryContextDelete(context);
	return done;
}

static void
care(void *arg)
{
	queue_care();
}

/* CALL work(max_jobs bigint): what is due of one's own, here and now */
Datum
ingest_work(PG_FUNCTION_ARGS)
{
	int64 limit = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	int64 done;
	Failure failure;

	procedure_begin(fcinfo, "ingest.work");
	if (!attempt_and_commit(care, NULL, &failure))
		failure_rethrow(&failure);
	done = jobs_work(0, limit);
	ereport(NOTICE, (errmsg("jobs done: %lld", (long long) done)));
	procedure_end();
	PG_RETURN_VOID();
}

typedef struct Putting
{
	char *name;
	int64 id;
	int64 before;
} Putting;

static void
put(void *arg)
{
	Putting *putting = arg;
	Rows *job;

	queue_care();
	user_run("SELECT ingest.enqueue($1)", arg_text(putting->name));
	job = repo_rows("SELECT id, owner FROM ingest.job WHERE name = $1", arg_text(putting->name));
	if (job->n == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("job \"%s\" is gone", putting->name)));
	putting->id = to_int8(first_row(job)[0]);
	/* a job does what its owner may do, in a session of the owner's */
	if (to_oid(first_row(job)[1]) != GetUserId())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("job \"%s\" runs as its owner, in a session of the owner's", putting->name),
				 errhint("SELECT ingest.enqueue('%s') leaves it to a worker.", putting->name)));
	putting->before = to_int8(repo_value("SELECT coalesce(max(id), 0) FROM ingest.run"));
}

/* CALL run_job(name text): as its schedule would, in this session; an error if it fails */
Datum
ingest_run_job(PG_FUNCTION_ARGS)
{
	Putting putting = {required_text(0)};
	Failure failure;
	Rows *rows;

	procedure_begin(fcinfo, "ingest.run_job");
	if (!attempt_and_commit(put, &putting, &failure))
		failure_rethrow(&failure);
	(void) jobs_work(putting.id, 1);
	rows = repo_rows("SELECT state, error, error_hint FROM ingest.run WHERE job = $1 AND id > $2 ORDER BY id DESC LIMIT 1", arg_int8(putting.id), arg_int8(putting.before));
	if (rows->n > 0 && strcmp(first_row(rows)[0], "succeeded") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OPERATOR_INTERVENTION),
				 errmsg("job \"%s\" %s: %s", putting.name, first_row(rows)[0], first_row(rows)[1]),
				 first_row(rows)[2] ? errhint("%s", first_row(rows)[2]) : 0));
	if (rows->n == 0)
		ereport(NOTICE,
				(errmsg("job \"%s\" was not begun, and waits in the queue", putting.name),
				 errdetail("Its source is paused, its breaker is open or as many jobs run on it as may, or a job that it depends on is not done.")));
	procedure_end();
	PG_RETURN_VOID();
}

/* cancel(run bigint): by the rights of the caller on the process */
Datum
ingest_cancel(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	char *number = PG_ARGISNULL(0) ? NULL : psprintf("%lld", (long long) PG_GETARG_INT64(0));
	Rows *run = repo_rows("SELECT r.pid, r.role, r.role_name, r.state, r.started_at, ingest_internal.acts_for($2, r.role) OR ingest_internal.sees_source($2, r.source) "
						  "FROM ingest.run r WHERE r.id = $1",
						  number ? arg_int8(PG_GETARG_INT64(0)) : arg_null(INT8OID), arg_oid(GetUserId()));
	bool cancelled = false;

	if (run->n == 0 || !to_bool(first_row(run)[5]))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no run %s", number ? number : "null"),
				 errhint("SELECT run FROM ingest.run_status lists them.")));
	require_owner(to_oid(first_row(run)[1]), first_row(run)[2], "run", number);
	if (strcmp(first_row(run)[3], "running") == 0 && first_row(run)[0])
		cancelled = to_bool(own_value("SELECT pg_cancel_backend(a.pid) FROM pg_stat_activity a WHERE a.pid = $1 AND a.backend_start <= $2::timestamptz",
									  arg_int8(to_int8(first_row(run)[0])), arg_text(first_row(run)[4])));
	if (!cancelled)
		ereport(NOTICE, (errmsg("run %s does not run: it is %s", number, first_row(run)[3])));
	audit("cancel", number, NULL, NULL);
	sql_end(level);
	PG_RETURN_BOOL(cancelled);
}
