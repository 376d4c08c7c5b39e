/*
 * queue.c
 *		Jobs to be done: taking them, giving them back, breakers.
 *
 * Entries are taken with SKIP LOCKED in a short transaction.  Who took one holds a lock
 * of its session for as long as it lives, so that a death shows at once and a slow
 * statement is not mistaken for one; the lease in the row tells people the same.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "common/pg_prng.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/base/lock.h"
#include "ingest/job/cron.h"
#include "ingest/event/event.h"
#include "ingest/job/queue.h"
#include "ingest/base/sql.h"
#include "ingest/job/worker.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

SQL_FUNCTION(ingest_wake);
SQL_FUNCTION(ingest_next_due);

int64
queue_worker(void)
{
	int64 worker = to_int8(repo_value("SELECT nextval('ingest.worker_seq')"));

	(void) session_lock(LOCK_WORKER, (uint32) worker);
	return worker;
}

void
queue_worker_end(int64 worker)
{
	session_unlock(LOCK_WORKER, (uint32) worker);
}

/* -- taking -- */

#define WAITS \
	"NOT EXISTS (SELECT FROM ingest.job_dependency d WHERE d.job = q.job AND (EXISTS (SELECT FROM ingest.queue p WHERE p.job = d.depends_on) " \
	"OR (SELECT r.state FROM ingest.run r WHERE r.job = d.depends_on ORDER BY r.id DESC LIMIT 1) IN ('failed', 'lost')))"

static int
take(Prepared *statement, int64 worker, int64 only_job, Entry *entries, int room)
{
	Datum values[4] = {ObjectIdGetDatum(GetUserId()), Int64GetDatum(room), Int64GetDatum(worker),
					   Int64GetDatum(only_job)};
	int n;

	prepared_run(statement, values, NULL, 0);
	n = SPI_processed;
	for (int i = 0; i < n; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull;
		Datum source;

		entries[i].id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
		entries[i].job = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull));
		source = SPI_getbinval(tuple, desc, 3, &isnull);
		entries[i].source = isnull ? 0 : DatumGetInt32(source);
		entries[i].attempts = DatumGetInt32(SPI_getbinval(tuple, desc, 4, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return n;
}

#define TAKE(condition) \
	"WITH c AS (SELECT q.id FROM ingest.queue q WHERE q.worker IS NULL AND q.run_at <= now() AND q.owner = $1 AND ($4 = 0 OR q.job = $4) AND " condition \
	" ORDER BY q.priority DESC, q.run_at, q.id LIMIT $2 FOR UPDATE OF q SKIP LOCKED) " \
	"UPDATE ingest.queue q SET worker = $3, attempts = q.attempts + 1, lease_until = now() + interval '" LEASE "' FROM c WHERE q.id = c.id " \
	"RETURNING q.id, q.job, q.source, q.attempts"

#define OPEN_NO_MORE "c.state = 'open' AND now() >= c.opened_at + c.open_for"

/* Breakers whose time is over let one job try */
static void
breakers_half_open(void)
{
	Rows *rows = repo_rows("UPDATE ingest.circuit c SET state = 'half-open', probes = 0, changed_at = now() FROM ingest.data_source d "
						   "WHERE d.id = c.source AND " OPEN_NO_MORE " RETURNING d.name");

	for (uint64 i = 0; i < rows->n; i++)
		event_emit("ingest.circuit.half_open", rows->v[i][0], rows->v[i][0], psprintf("{\"source\": %s}", repo_value("SELECT to_jsonb($1)", arg_text(rows->v[i][0]))));
}

int
queue_take(int64 worker, int64 only_job, Entry *entries, int room)
{
	static Prepared plain = {TAKE("q.source IS NULL AND " WAITS), 4, {OIDOID, INT8OID, INT8OID, INT8OID}};
	static Prepared with_source = {TAKE("q.source IS NOT NULL AND " WAITS " AND EXISTS (SELECT FROM ingest.data_source d JOIN ingest.circuit c ON c.source = d.id "
										"WHERE d.id = q.source AND d.state = 'active' AND c.state <> 'open' AND "
										"(SELECT count(*) FROM ingest.queue p WHERE p.source = q.source AND p.worker IS NOT NULL) < CASE c.state WHEN 'closed' THEN d.max_parallel ELSE 1 END)"),
								   4,
								   {OIDOID, INT8OID, INT8OID, INT8OID}};
	static Prepared any_source = {"SELECT 1 FROM ingest.queue WHERE worker IS NULL AND source IS NOT NULL AND run_at <= now() LIMIT 1", 0, {0}};
	int n = 0;

	prepared_run(&any_source, NULL, NULL, 1);
	if (SPI_processed > 0)
	{
		/* one at a time decides, so that limits hold */
		transaction_lock(LOCK_TAKE, 0);
		breakers_half_open();
		n = take(&with_source, worker, only_job, entries, 1);
	}
	return n > 0 ? n : take(&plain, worker, only_job, entries, room);
}

/* -- giving back -- */

bool
queue_done(const Entry *entry, int64 worker)
{
	static Prepared statement = {"DELETE FROM ingest.queue WHERE id = $1 AND worker = $2", 2, {INT8OID, INT8OID}};
	Datum values[2] = {Int64GetDatum(entry->id), Int64GetDatum(worker)};

	prepared_run(&statement, values, NULL, 0);
	return SPI_processed == 1;
}

/* Untouched: whoever is next may have it */
void
queue_release(const Entry *entry, int64 worker)
{
	repo_run("UPDATE ingest.queue SET worker = NULL, lease_until = NULL, attempts = attempts - 1 WHERE id = $1 AND worker = $2", arg_int8(entry->id), arg_int8(worker));
}

static bool
is_worth_retrying(const Failure *failure)
{
	const char *class = failure_class(failure);

	return strcmp(class, "passing") == 0 || strcmp(class, "throttled") == 0;
}

static void
bury(int64 job, int attempts, int64 run, const char *name, const char *reason)
{
	StringInfoData json;

	repo_run("INSERT INTO ingest.dead_letter (job, attempts, run, reason) VALUES ($1, $2, $3, $4)", arg_int8(job), arg_int8(attempts),
			 run ? arg_int8(run) : arg_null(INT8OID), arg_text(reason));
	json_open(&json);
	json_text(&json, "job", name);
	json_int8(&json, "attempts", attempts);
	json_text(&json, "reason", reason);
	event_emit_for(to_oid(repo_value("SELECT owner FROM ingest.job WHERE id = $1", arg_int8(job))), "ingest.job.dead", name, json_close(&json));
}

void
queue_failed(const Entry *entry, int64 worker, const char *name, int max_attempts, const Failure *failure, int64 run)
{
	if (is_worth_retrying(failure) && entry->attempts < max_attempts)
	{
		/* full jitter: any time up to the limit, so that many do not come back together */
		double limit = Min(180.0, pow(2.0, entry->attempts));

		repo_run("UPDATE ingest.queue SET worker = NULL, lease_until = NULL, run_at = clock_timestamp() + $3::float8 * interval '1 s' WHERE id = $1 AND worker = $2",
				 arg_int8(entry->id), arg_int8(worker),
				 arg_datum(FLOAT8OID, Float8GetDatum(limit * pg_prng_double(&pg_global_prng_state)), false));
		return;
	}
	if (queue_done(entry, worker) && strcmp(failure_class(failure), "cancelled") != 0)
		bury(entry->job, entry->attempts, run, name, failure_text(failure));
}

/* -- breakers -- */

static void
breaker_event(const char *source, const char *state, const char *reason)
{
	StringInfoData json;

	json_open(&json);
	json_text(&json, "source", source);
	json_text(&json, "reason", reason);
	event_emit(psprintf("ingest.circuit.%s", state), source, source, json_close(&json));
}

void
breaker_note(int32 source, const Failure *failure)
{
	bool failed = failure != NULL;
	Rows *rows;

	/* what is our own fault says nothing of the source */
	if (source == 0 || (failed && !is_worth_retrying(failure) && strcmp(failure_class(failure), "login") != 0))
		return;
	rows = repo_rows("WITH old AS (SELECT c.*, (c.outcomes || NOT $2)[greatest(1, cardinality(c.outcomes) - 18):] AS now FROM ingest.circuit c WHERE c.source = $1 FOR UPDATE), "
					 "next AS (SELECT *, CASE WHEN state = 'closed' AND $2 AND cardinality(now) >= 5 AND (SELECT count(*) FROM unnest(now) o WHERE NOT o) * 2 >= cardinality(now) THEN 'open' "
					 "WHEN state = 'half-open' AND $2 THEN 'open' WHEN state = 'half-open' AND probes >= 2 THEN 'closed' ELSE state END AS to_state FROM old) "
					 "UPDATE ingest.circuit c SET state = n.to_state, outcomes = CASE WHEN n.to_state = 'closed' AND n.state <> 'closed' THEN '{}' ELSE n.now END, "
					 "probes = CASE WHEN n.state = 'half-open' AND NOT $2 THEN n.probes + 1 ELSE 0 END, "
					 "open_for = CASE WHEN n.state = 'half-open' AND n.to_state = 'open' THEN least(n.open_for * 2, '15 min') WHEN n.to_state = 'closed' THEN '30 s' ELSE n.open_for END, "
					 "opened_at = CASE WHEN n.to_state = 'open' AND n.state <> 'open' THEN clock_timestamp() ELSE n.opened_at END, "
					 "changed_at = CASE WHEN n.to_state <> n.state THEN clock_timestamp() ELSE n.changed_at END, reason = CASE WHEN n.to_state = 'open' THEN coalesce($3, n.reason) END "
					 "FROM next n, ingest.data_source d WHERE c.source = n.source AND d.id = c.source RETURNING d.name, n.state, n.to_state",
					 arg_int8(source), arg_bool(failed), arg_text(failed ? failure->message : NULL));
	if (rows->n == 0 || strcmp(first_row(rows)[1], first_row(rows)[2]) == 0)
		return;
	breaker_event(first_row(rows)[0], strcmp(first_row(rows)[2], "open") == 0 ? "opened" : "closed", failed ? failure->message : NULL);
}

/* -- looking after -- */

#define IS_ALIVE \
	"EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'object' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) " \
	"AND l.classid = $1 AND l.objid = (q.worker % 4294967296)::oid AND l.objsubid = $2 AND l.granted)"

void
queue_care(void)
{
	Rows *rows;

	if (repo_value("SELECT 1 FROM ingest.queue WHERE worker IS NOT NULL LIMIT 1") == NULL)
		return;
	repo_run("UPDATE ingest.queue q SET lease_until = now() + interval '" LEASE "' WHERE q.worker IS NOT NULL AND q.lease_until < now() + interval '" LEASE "' / 2 AND " IS_ALIVE,
			 arg_oid(lock_class()), arg_int8(LOCK_WORKER));
	rows = repo_rows("WITH dead AS (SELECT q.id FROM ingest.queue q WHERE q.worker IS NOT NULL AND NOT " IS_ALIVE " FOR UPDATE SKIP LOCKED), "
					 "free AS (UPDATE ingest.queue q SET worker = NULL, lease_until = NULL FROM dead WHERE q.id = dead.id RETURNING q.id, q.job, q.attempts) "
					 "SELECT f.id, f.job, f.attempts, j.name, f.attempts >= j.max_attempts FROM free f JOIN ingest.job j ON j.id = f.job",
					 arg_oid(lock_class()), arg_int8(LOCK_WORKER));
	for (uint64 i = 0; i < rows->n; i++)
	{
		int64 job = to_int8(rows->v[i][1]);

		repo_run("UPDATE ingest.run SET state = 'lost', finished_at = clock_timestamp(), error = 'its worker died' WHERE job = $1 AND state = 'running'", arg_int8(job));
		if (!to_bool(rows->v[i][4]))
			continue;
		/* one that takes its worker with it each time */
		repo_run("DELETE FROM ingest.queue WHERE id = $1", arg_int8(to_int8(rows->v[i][0])));
		bury(job, to_int4(rows->v[i][2]), 0, rows->v[i][3], psprintf("its worker died %s times", rows->v[i][2]));
	}
}

/* Put what is due into the queue; one that is there already is not put twice */
int
queue_due(void)
{
	Rows *rows = repo_rows("SELECT id, name, schedule, now() FROM ingest.job WHERE enabled AND scheduler = 'launcher' AND next_due <= now() FOR UPDATE SKIP LOCKED");

	for (uint64 i = 0; i < rows->n; i++)
	{
		repo_run("INSERT INTO ingest.queue (job, owner, source, priority, dedupe) SELECT id, owner, source, priority, 'job ' || id FROM ingest.job WHERE id = $1 "
				 "ON CONFLICT (dedupe) DO NOTHING",
				 arg_int8(to_int8(rows->v[i][0])));
		/* times that were missed are run once */
		repo_run("UPDATE ingest.job SET next_due = ingest.next_due(schedule, now()) WHERE id = $1", arg_int8(to_int8(rows->v[i][0])));
	}
	return rows->n;
}

typedef struct Reading
{
	char *text;
	Datum interval;
} Reading;

static void
read_interval(void *arg)
{
	Reading *reading = arg;

	reading->interval = DirectFunctionCall3(interval_in, CStringGetDatum(reading->text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/* next_due(schedule text, after timestamptz): by cron's five fields or an interval */
Datum
ingest_next_due(PG_FUNCTION_ARGS)
{
	char *schedule = text_to_cstring(PG_GETARG_TEXT_PP(0));
	TimestampTz after = PG_GETARG_TIMESTAMPTZ(1);
	TimestampTz next;

	if (cron_next(schedule, after, &next))
		PG_RETURN_TIMESTAMPTZ(next);
	if (strspn(schedule, "0123456789*/,- ") == strlen(schedule) && strchr(schedule, ' '))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no schedule that is ever due", schedule),
				 errhint("Five fields, minute hour day month weekday, as \"*/15 * * * *\"; or an interval, as \"15 min\".")));
	{
		Reading reading = {schedule};
		Failure failure;
		TimestampTz due;

		if (!attempt(read_interval, &reading, &failure))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is no schedule", schedule),
					 errhint("Five fields, minute hour day month weekday, as \"*/15 * * * *\"; or an interval, as \"15 min\".")));
		due = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(after), reading.interval));
		if (due <= after)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the interval of a schedule must be positive")));
		PG_RETURN_TIMESTAMPTZ(due);
	}
}

/* wake(): after this transaction commits, whoever does jobs looks */
Datum
ingest_wake(PG_FUNCTION_ARGS)
{
	worker_wake();
	PG_RETURN_VOID();
}

/* -- schedules -- */

SQL_FUNCTION(ingest_schedule);
SQL_FUNCTION(ingest_unschedule);
SQL_FUNCTION(ingest_drop_job);

/* The number of a job that the caller may change, locked */
static char *
owned_job(const char *name)
{
	return repo_value("SELECT id FROM ingest_internal.own_job($1, $2)", arg_oid(GetUserId()), arg_text(name));
}

static bool
has_pg_cron(void)
{
	return own_value("SELECT 1 FROM pg_extension WHERE extname = 'pg_cron'") != NULL;
}

/* An interval as cron's five fields, where they can say it */
static char *
as_cron(const char *schedule)
{
	TimestampTz ignored;
	char *cron;

	if (cron_next(schedule, GetCurrentTimestamp(), &ignored))
		return pstrdup(schedule);
	cron = repo_value("SELECT CASE WHEN s < 3600 AND s % 60 = 0 AND 3600 % s = 0 THEN format('*/%s * * * *', s / 60) "
					  "WHEN s = 3600 THEN '0 * * * *' WHEN s < 86400 AND s % 3600 = 0 AND 86400 % s = 0 THEN format('0 */%s * * *', s / 3600) "
					  "WHEN s = 86400 THEN '0 0 * * *' END FROM (SELECT extract(epoch FROM $1::interval)::bigint AS s) x",
					  arg_text(schedule));
	if (cron == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pg_cron cannot keep the interval \"%s\"", schedule),
				 errhint("Give cron's five fields, or minutes that divide an hour, or hours that divide a day.")));
	return cron;
}

static void
unschedule(const char *id)
{
	if (has_pg_cron() && user_value("SELECT jobid FROM cron.job WHERE jobname = 'ingest job ' || $1", arg_text(id)))
		user_run("SELECT cron.unschedule('ingest job ' || $1)", arg_text(id));
	repo_run("UPDATE ingest.job SET schedule = NULL, scheduler = NULL, next_due = NULL WHERE id = $1", arg_int8(to_int8(id)));
}

/* schedule(job, schedule) */
Datum
ingest_schedule(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	char *schedule = required_text(1);
	int level = sql_begin();
	char *id = owned_job(name);
	const char *keeper = "launcher";

	/* is it one? */
	(void) repo_value("SELECT ingest.next_due($1, now())", arg_text(schedule));
	unschedule(id);
	if (has_pg_cron())
	{
		keeper = "pg_cron";
		user_run("SELECT cron.schedule('ingest job ' || $1, $2, format('CALL ingest.run_job(%L)', $3))", arg_text(id), arg_text(as_cron(schedule)), arg_text(name));
	}
	else if (!worker_launcher_runs())
		ereport(WARNING,
				(errmsg("nobody keeps the schedule of job \"%s\" yet", name),
				 errhint("Set shared_preload_libraries = 'ingest' and restart, or install pg_cron and schedule it again.")));
	repo_run("UPDATE ingest.job SET schedule = $2, scheduler = $3, next_due = CASE WHEN $3 = 'launcher' THEN ingest.next_due($2, now()) END WHERE id = $1",
			 arg_int8(to_int8(id)), arg_text(schedule), arg_text(keeper));
	audit("schedule", name, NULL, repo_value("SELECT to_jsonb($1)", arg_text(schedule)));
	sql_end(level);
	PG_RETURN_TEXT_P(cstring_to_text(keeper));
}

/* unschedule(job) */
Datum
ingest_unschedule(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	int level = sql_begin();
	char *id = owned_job(name);

	if (repo_value("SELECT schedule FROM ingest.job WHERE id = $1", arg_int8(to_int8(id))) == NULL)
		ereport(NOTICE, (errmsg("job \"%s\" has no schedule", name)));
	unschedule(id);
	audit("unschedule", name, NULL, NULL);
	sql_end(level);
	PG_RETURN_VOID();
}

/* drop_job(name) */
Datum
ingest_drop_job(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	int level = sql_begin();
	char *id = owned_job(name);

	unschedule(id);
	repo_run("DELETE FROM ingest.job WHERE id = $1", arg_int8(to_int8(id)));
	audit("drop_job", name, NULL, NULL);
	sql_end(level);
	PG_RETURN_VOID();
}
