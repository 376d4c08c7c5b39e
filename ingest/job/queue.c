/*
 * queue.c
 *		Jobs to be done: taking them, giving them back.
 *
 * Entries are taken with SKIP LOCKED in a short transaction.  Who took one holds a lock
 * of its session for as long as it lives, so that a death shows at once and a slow
 * statement is not mistaken for one; the lease in the row tells people the same.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "ingest/base/lock.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/event/event.h"
#include "ingest/job/breaker.h"
#include "ingest/job/process.h"
#include "ingest/job/queue.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#define LEASE "30 s"
/* Full jitter: any time up to the limit, so that many do not come back together */
#define LONGEST_DELAY_S 180.0
/* What was busy is looked at again after this and up to as much again */
#define BUSY_DELAY_S 5.0

int64
queue_worker(void)
{
	int64 worker = to_int8(repo_value("SELECT nextval('ingest.worker_seq')"));

	(void) session_lock(LOCK_WORKER, (uint32) worker);
	return worker;
}

void
queue_worker_again(int64 worker)
{
	(void) session_lock(LOCK_WORKER, (uint32) worker);
}

void
queue_worker_end(int64 worker)
{
	session_unlock(LOCK_WORKER, (uint32) worker);
}

/* -- taking -- */

ROW_SHAPE(entry_shape, Entry, FIELD(INT8, Entry, id), FIELD(INT8, Entry, job), FIELD(INT4, Entry, source),
		  FIELD(INT4, Entry, attempts));

/* $1 owner, $2 how many, $3 worker, $4 job or 0 */
#define TAKE(of_source) \
	"WITH t AS (SELECT t.id FROM ingest_internal.takeable t WHERE t.owner = $1 AND t.source " of_source \
	" AND ($4 = 0 OR t.job = $4) " \
	"ORDER BY t.source, t.turn, t.id LIMIT $2 FOR UPDATE SKIP LOCKED) " \
	"UPDATE ingest.queue q SET worker = $3, attempts = q.attempts + 1, lease_until = now() + interval '" LEASE \
	"', put_back = NULL " \
	"FROM t WHERE q.id = t.id RETURNING q.id, q.job, q.source, q.attempts"

/* Of one source, or without any (0): locks what it takes, and passes over what others are taking */
static int
take(int32 source, int64 worker, int64 only_job, Entry *entries, int room)
{
	static Prepared plain = {TAKE("IS NULL"), 4, {OIDOID, INT8OID, INT8OID, INT8OID}};
	static Prepared on_source = {TAKE("= $5"), 5, {OIDOID, INT8OID, INT8OID, INT8OID, INT4OID}};
	Datum values[5] = {ObjectIdGetDatum(GetUserId()), Int64GetDatum(source ? 1 : room), Int64GetDatum(worker),
					   Int64GetDatum(only_job), Int32GetDatum(source)};
	int n;

	prepared_run(source ? &on_source : &plain, values, NULL, 0);
	n = SPI_processed;
	for (int i = 0; i < n; i++)
		row_read(&entry_shape, SPI_tuptable, i, &entries[i]);
	SPI_freetuptable(SPI_tuptable);
	if (n > 0)
		process_served(GetUserId(), source);
	return n;
}

/* The next entry on each source of one's own, 0 for none */
typedef struct Head
{
	int32 source;
	int32 priority;
	double waited; /* seconds */
	double turn;
} Head;

ROW_SHAPE(head_shape, Head, FIELD(INT4, Head, source), FIELD(INT4, Head, priority), FIELD(FLOAT8, Head, waited));

/* The greatest first */
static int
by_turn(const void *a, const void *b)
{
	double x = ((const Head *) a)->turn,
		   y = ((const Head *) b)->turn;

	return x > y ? -1 : x < y;
}

/* Most jobs of SQL are on none, and need no look at sources */
static bool
any_on_a_source(void)
{
	static Prepared statement = {
		"SELECT 1 FROM ingest.queue WHERE worker IS NULL AND owner = $1 AND source IS NOT NULL LIMIT 1", 1, {OIDOID}};
	Datum value = ObjectIdGetDatum(GetUserId());

	return prepared_finds(&statement, &value);
}

int
queue_take(int64 worker, int64 only_job, Entry *entries, int room)
{
	static Prepared statement = {"SELECT source, priority, waited FROM ingest_internal.heads($1)", 1, {OIDOID}};
	Datum me = ObjectIdGetDatum(GetUserId());
	Head *heads;
	int n_heads,
		n = 0;
	bool locked = false;

	if (!any_on_a_source())
		return take(0, worker, only_job, entries, room);
	prepared_run(&statement, &me, NULL, 0);
	n_heads = SPI_processed;
	heads = palloc(sizeof(Head) * Max(n_heads, 1));
	for (int i = 0; i < n_heads; i++)
	{
		row_read(&head_shape, SPI_tuptable, i, &heads[i]);
		heads[i].turn = process_turn(GetUserId(), heads[i].source, heads[i].priority, heads[i].waited);
	}
	SPI_freetuptable(SPI_tuptable);
	qsort(heads, n_heads, sizeof(Head), by_turn);
	for (int i = 0; i < n_heads && n == 0; i++)
	{
		if (heads[i].source && !locked)
		{
			/* one at a time decides, so that limits hold */
			transaction_lock(LOCK_TAKE, 0);
			breakers_half_open();
			locked = true;
		}
		n = take(heads[i].source, worker, only_job, entries, room);
	}
	return n;
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

/* Numbers of entries as bigint[] */
static SqlArg
arg_entries(const int64 *entries, int n)
{
	Datum *values = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(entries[i]);
	return arg_datum(
		INT8ARRAYOID,
		PointerGetDatum(construct_array(values, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)), false);
}

void
queue_release(const int64 *entries, int n, int64 worker)
{
	repo_run("SELECT ingest_internal.give_back($1, $2)", arg_entries(entries, n), arg_int8(worker));
}

void
queue_take_back(void)
{
	int64 entries[MOST_AT_ONCE * 8];
	int n = process_take_back(entries, lengthof(entries));

	if (n > 0)
		repo_run("SELECT ingest_internal.give_back($1)", arg_entries(entries, n));
}

/* A job is given up: a dead letter, an event for its owner, an alert */
static void
bury(int64 job, int attempts, int64 run, const char *name, const char *reason)
{
	char *owner = repo_value("SELECT ingest_internal.bury($1, $2, $3, $4)", arg_int8(job), arg_int4(attempts),
							 arg_int8(run), arg_text(reason));
	StringInfoData json;

	json_open(&json);
	json_text(&json, "job", name);
	json_int8(&json, "attempts", attempts);
	json_text(&json, "reason", reason);
	event_emit_for(to_oid(owner), "ingest.job.dead", name, json_close(&json));
}

/* To be tried again after a while */
static void
put_back(const Entry *entry, int64 worker, double delay_s, const char *reason)
{
	repo_run("SELECT ingest_internal.put_back($1, $2, $3, $4)", arg_int8(entry->id), arg_int8(worker),
			 arg_float8(delay_s), arg_text(reason));
}

void
queue_postpone(const Entry *entry, int64 worker, const char *reason)
{
	put_back(entry, worker, BUSY_DELAY_S * (1 + pg_prng_double(&pg_global_prng_state)), reason);
}

void
queue_failed(const Entry *entry, int64 worker, const char *name, int max_attempts, const Failure *failure, int64 run)
{
	double limit = Min(LONGEST_DELAY_S, pow(2.0, entry->attempts));

	if (failure_may_pass(failure) && entry->attempts < max_attempts)
		put_back(entry, worker, limit * pg_prng_double(&pg_global_prng_state), NULL);
	else if (queue_done(entry, worker) && strcmp(failure_class(failure), "cancelled") != 0)
		bury(entry->job, entry->attempts, run, name, failure_text(failure));
}

/* -- looking after -- */

typedef struct Orphan
{
	int64 id;
	int64 job;
	int32 attempts;
	char *name;
	bool last; /* it was tried as often as it may */
} Orphan;

ROW_SHAPE(orphan_shape, Orphan, FIELD(INT8, Orphan, id), FIELD(INT8, Orphan, job), FIELD(INT4, Orphan, attempts),
		  FIELD(TEXT, Orphan, name), FIELD(BOOL, Orphan, last));

/* What workers were at that were told to end: the scheduler remembers, to say so when they have */
static Overdue overdue[MOST_AT_ONCE * 8];
static int n_overdue = 0;

void
queue_end_overdue(void)
{
	Overdue more[lengthof(overdue)];
	int n = process_end_overdue(more, lengthof(more));

	for (int i = 0; i < n && n_overdue < lengthof(overdue); i++)
	{
		bool known = false;

		for (int k = 0; k < n_overdue; k++)
			known = known || overdue[k].entry == more[i].entry;
		if (!known)
			overdue[n_overdue++] = more[i];
	}
}

typedef struct Ended
{
	int64 id;
	int64 job;
	int32 source;
	int32 attempts;
	bool lives;
	char *name;
	int32 max_attempts;
	char *timeout;
	char *kind;
	Oid owner;
} Ended;

ROW_SHAPE(ended_shape, Ended, FIELD(INT8, Ended, id), FIELD(INT8, Ended, job), FIELD(INT4, Ended, source),
		  FIELD(INT4, Ended, attempts), FIELD(BOOL, Ended, lives), FIELD(TEXT, Ended, name),
		  FIELD(INT4, Ended, max_attempts), FIELD(TEXT, Ended, timeout), FIELD(TEXT, Ended, kind),
		  FIELD(OID, Ended, owner));

/* True if there is nothing left to note: seen in the books, since what is written here may be undone */
static bool
note_overdue(const Overdue *o)
{
	Ended *ended = repo_struct(ended_shape, "SELECT * FROM ingest_internal.overdue($1, $2, $3, $4)", arg_int8(o->entry),
							   arg_int8(o->worker), arg_oid(lock_class()), arg_int4(LOCK_WORKER));
	Failure failure = {.sqlerrcode = ERRCODE_QUERY_CANCELED, .sqlstate = "57014", .timed_out = true};
	Entry entry;
	StringInfoData json;
	int64 run;

	if (ended == NULL)
		return true;
	if (ended->lives)
		return false;
	entry = (Entry){ended->id, ended->job, ended->source, ended->attempts};
	failure.message =
		psprintf("job \"%s\" did not finish within its timeout of %s, nor did it stop: its worker was ended",
				 ended->name,
				 ended->timeout);
	run = to_int8(repo_value("SELECT ingest_internal.run_ended($1, $2, $3, $4, $5)", arg_int8(entry.job),
							 arg_int4(entry.attempts), arg_text(failure.sqlstate), arg_text(failure_class(&failure)),
							 arg_text(failure.message)));
	repo_run("SELECT ingest_internal.alert_run($1)", arg_int8(run));
	json_open(&json);
	json_int8(&json, "run", run);
	json_text(&json, "kind", ended->kind);
	json_text(&json, "name", ended->name);
	json_text(&json, "sqlstate", failure.sqlstate);
	json_text(&json, "class", failure_class(&failure));
	json_text(&json, "error", failure.message);
	json_text(&json, "detail", failure.detail);
	json_text(&json, "hint", failure.hint);
	event_emit_for(ended->owner, "ingest.run.failed", ended->name, json_close(&json));
	queue_failed(&entry, o->worker, ended->name, ended->max_attempts, &failure, run);
	return false;
}

/* Gives their entries, which are no orphans even if a worker dies just now */
static SqlArg
note_all_overdue(void)
{
	int64 entries[lengthof(overdue)];
	int left = 0;

	for (int i = 0; i < n_overdue; i++)
	{
		if (!note_overdue(&overdue[i]))
			overdue[left++] = overdue[i];
	}
	n_overdue = left;
	for (int i = 0; i < left; i++)
		entries[i] = overdue[i].entry;
	return arg_entries(entries, left);
}

void
queue_care(void)
{
	static Prepared dead_runs = {"SELECT 1 FROM ingest.run WHERE state = 'running' AND "
								 "ingest_internal.state_of_run(id, state, pid) = 'lost' LIMIT 1"};
	static Prepared taken = {"SELECT 1 FROM ingest.queue WHERE worker IS NOT NULL LIMIT 1"};
	SqlArg ending = note_all_overdue();
	Orphan *orphans;
	int n;

	if (prepared_finds(&dead_runs, NULL))
		repo_run("SELECT ingest_internal.runs_died()");
	if (!prepared_finds(&taken, NULL))
		return;
	repo_run("SELECT ingest_internal.renew_leases($1, $2, '" LEASE "')", arg_oid(lock_class()), arg_int4(LOCK_WORKER));
	orphans = repo_structs(orphan_shape, &n, "SELECT * FROM ingest_internal.free_orphans($1, $2, $3)",
						   arg_oid(lock_class()), arg_int4(LOCK_WORKER), ending);
	for (int i = 0; i < n; i++)
	{
		repo_run("SELECT ingest_internal.run_lost($1)", arg_int8(orphans[i].job));
		if (!orphans[i].last)
			continue;
		/* one that takes its worker with it each time */
		repo_run("DELETE FROM ingest.queue WHERE id = $1", arg_int8(orphans[i].id));
		bury(orphans[i].job, orphans[i].attempts, 0, orphans[i].name,
			 psprintf("its worker died %d times", orphans[i].attempts));
	}
}
