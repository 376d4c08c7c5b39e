/*
 * scheduler.c
 *		A database's scheduler: it knows what is due, and starts workers.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "ingest/base/attempt.h"
#include "ingest/base/home.h"
#include "ingest/base/row.h"
#include "ingest/event/alert.h"
#include "ingest/job/process.h"
#include "ingest/job/queue.h"
#include "ingest/job/schedule.h"
#include "ingest/job/service.h"
#include "ingest/job/upkeep.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

extern PGDLLEXPORT void ingest_scheduler_main(Datum arg);

/* What fails or waits is said in the log no more often than this */
#define BETWEEN_WARNINGS (5 * USECS_PER_MINUTE)
#define BETWEEN_UPKEEPS USECS_PER_HOUR
#define BETWEEN_LOOKS USECS_PER_MINUTE /* at how fresh copies are */

typedef struct Waiting
{
	Oid owner;
	int32 priority;
	double waited;
	int64 wanted;
	bool can_login;
} Waiting;

ROW_SHAPE(waiting_shape, Waiting, FIELD(OID, Waiting, owner), FIELD(INT4, Waiting, priority),
		  FIELD(FLOAT8, Waiting, waited), FIELD(INT8, Waiting, wanted), FIELD(BOOL, Waiting, can_login));

/* Whose jobs could begin; beyond the end of SPI, which frees its answers */
typedef struct Demands
{
	MemoryContext context;
	int n;
	Demand *demands;
	bool cannot_login;
} Demands;

/* Who wants workers, and how many: told to the processes' shared memory, where turns are decided */
static void
look_at_queue(void *arg)
{
	static Prepared statement = {"SELECT * FROM ingest_internal.demand()"};
	Demands *d = arg;
	TimestampTz now = GetCurrentTimestamp();
	int n;
	Waiting *waiting = prepared_structs(&statement, NULL, &waiting_shape, &n);

	d->demands = MemoryContextAlloc(d->context, sizeof(Demand) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		Waiting *w = &waiting[i];

		if (w->can_login)
			d->demands[d->n++] = (Demand){MyDatabaseId, w->owner, w->priority,
										  now - (TimestampTz) (w->waited * USECS_PER_SEC), (int) w->wanted};
		else
			d->cannot_login = true;
	}
}

/* What is due goes into the queue */
static void
put_due(void *arg)
{
	schedule_due();
}

/* What a crash left is put right */
static void
care(void *arg)
{
	queue_care();
}

/* What a worker took and did not begin is for others */
static void
take_back(void *arg)
{
	queue_take_back();
}

/* Who did not hear that the time is over is ended */
static void
end_overdue(void *arg)
{
	queue_end_overdue();
}

/* Which copies are older than they may be */
static void
look_at_freshness(void *arg)
{
	repo_run("SELECT ingest_internal.check_freshness()");
}

/* What nobody does, and so nobody says */
static void
look_for_alerts(void *arg)
{
	alerts_look();
	services_look();
}

/* Other extensions' processes are started, or ended */
static void
keep_services(void *arg)
{
	services_keep();
}

/* What a scheduler does, each part by itself: one that fails keeps no other from being done */
typedef struct Part
{
	const char *what;
	void (*function)(void *arg);
	TimestampTz between;
	TimestampTz done;
	TimestampTz warned;
} Part;

/*
 * One part of a round, if it is time for it; one that fails keeps no other from being done, and is told of now
 * and then
 */
static void
do_part(Part *part, void *arg)
{
	TimestampTz now = GetCurrentTimestamp();
	Failure failure;

	/* what was done at a moment that is yet to come was done before the clock went back */
	if (now >= part->done && now < part->done + part->between)
		return;
	part->done = now;
	if (attempt_and_commit(part->function, arg, &failure) || now < part->warned + BETWEEN_WARNINGS)
		return;
	part->warned = now;
	ereport(LOG, (errmsg("ingest: the scheduler could not %s: %s", part->what, failure_text(&failure))));
}

/*
 * One after the other, each for the owner whose turn it is then, until all have what they can use or there is
 * no room
 */
static void
start_workers(const Demands *d)
{
	for (;;)
	{
		const Demand *next = NULL;
		double first = 0;

		for (int i = 0; i < d->n; i++)
		{
			const Demand *w = &d->demands[i];
			double turn = process_turn_of_owner(w);

			if (process_rests(w->role) || process_idle_workers(w->role) >= w->count || (next && turn <= first))
				continue;
			next = w;
			first = turn;
		}
		if (next == NULL || !process_start(WORKER, MyDatabaseId, next->role))
			break;
	}
}

/* What an attempt does to learn whether the repository is this database's own */
static void
at_home(void *arg)
{
	*(bool *) arg = home_is_ours();
}

/* Looks at what there is to do; false if there is no extension here any more */
static bool
tick(Demands *d)
{
	static Part due = {"put into the queue what is due", put_due};
	static Part caring = {"look after the queue", care};
	static Part ending = {"end what has exceeded its timeout", end_overdue};
	static Part taking_back = {"give what waits behind long jobs to other workers", take_back};
	static Part freshness = {"check how fresh copies are", look_at_freshness, BETWEEN_LOOKS};
	static Part alerts = {"look for what is not being done", look_for_alerts, BETWEEN_LOOKS};
	static Part looking = {"look at the queue", look_at_queue};
	static Part serving = {"keep services running", keep_services};
	static Part homing = {"see whether the repository is at home", at_home};
	bool home = false;
	bool there;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	there = process_finds_extension();
	PopActiveSnapshot();
	if (!there)
	{
		CommitTransactionCommand();
		return false;
	}
	pgstat_report_activity(STATE_RUNNING, "ingest: looking for work");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	sql_settings();
	MemoryContextSwitchTo(d->context);
	do_part(&homing, &home);
	/* a copy that nobody has told to go on, or where nothing was done yet, stands still */
	if (home && engine_enabled)
	{
		do_part(&due, NULL);
		do_part(&ending, NULL);
		do_part(&caring, NULL);
		do_part(&taking_back, NULL);
		do_part(&freshness, NULL);
		do_part(&alerts, NULL);
		do_part(&looking, d);
		do_part(&serving, NULL);
	}
	else
		services_end();
	SPI_finish();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	process_demand(d->demands, d->n);
	return true;
}

/*
 * The process of a database that knows what is due: it ends when the extension goes, and is started again by the
 * launcher
 */
void
ingest_scheduler_main(Datum arg)
{
	TimestampTz warned = 0,
				kept_up = GetCurrentTimestamp();
	bool known = false; /* that the extension is here */
	Oid database,
		role;

	process_enter(arg, &database, &role);
	process_signals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	SetConfigOption("lock_timeout", LOCK_TIMEOUT_OF_OURS, PGC_USERSET, PGC_S_SESSION);
	/*
	 * plans are kept, since planning is what a round would cost: one that was made for an empty queue must do
	 * for a full one
	 */
	SetConfigOption("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION);
	PortalContext = AllocSetContextCreate(TopMemoryContext, "ingest scheduler", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		Demands d = {AllocSetContextCreate(TopMemoryContext, "ingest tick", ALLOCSET_DEFAULT_SIZES)};
		TimestampTz now;
		bool here = tick(&d);

		if (!here || !known)
			process_extension_is_here(here);
		if (!here)
		{
			services_end();
			proc_exit(0);
		}
		known = true;
		now = GetCurrentTimestamp();
		if (d.cannot_login && now > warned + BETWEEN_WARNINGS)
		{
			warned = now;
			ereport(LOG,
					(errmsg("ingest: jobs are waiting whose owner cannot log in"),
					 errhint("ALTER ROLE ... LOGIN, or let another role own them.")));
		}
		MemoryContextSwitchTo(d.context);
		start_workers(&d);
		if (engine_enabled)
		{
			(void) process_start(PUBLISHER, MyDatabaseId, InvalidOid);
			if (now > kept_up + BETWEEN_UPKEEPS && process_start(UPKEEP, MyDatabaseId, InvalidOid))
				kept_up = now;
		}
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextDelete(d.context);
		process_nap(naptime * 1000L);
	}
}
