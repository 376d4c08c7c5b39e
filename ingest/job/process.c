/*
 * process.c
 *		The engine's processes: who there is, whose turn it is, waking.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/extension.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/sql.h"
#include "ingest/job/deadline.h"
#include "ingest/job/process.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define MAX_PROCESSES 128
/* The other places are for schedulers and workers, however many sessions call ingest.work() */
#define MOST_SESSIONS (MAX_PROCESSES / 4)
#define MAX_GROUPS 512
#define MAX_DEMANDS 256
#define MAX_WITHOUT 256

/* One that was registered and never came up */
#define START_TIMEOUT (10 * USECS_PER_SEC)
/* A database that somebody drops or renames is left alone for so long */
#define BAN (10 * USECS_PER_SEC)
/* Whoever is in it is waited for for 5 s: then the server says that it is in use */
#define MAKE_WAY_TRIES 100
#define MAKE_WAY_PAUSE_US 50000
/* Longer than this, and what a process took besides is for others */
#define MOMENT (200 * INT64CONST(1000))
/* A worker does not give way to one that is merely next before it was of some use itself */
#define QUANTUM USECS_PER_SEC
/* A job that goes on for so long after its deadline has not heard that it was cancelled, nor lost its connections */
#define OVERDUE (3 * DEADLINE_GRACE_MS * INT64CONST(1000))
/* Nor does its process end */
#define DEAF (DEADLINE_GRACE_MS * INT64CONST(1000))
#define SECONDS_PER_POINT 60.0
/*
 * A role whose workers cannot work, by its own settings or rights, has the next one after 1 s, 2 s, 4 s and so
 * on up to this: 2^5
 */
#define MOST_REST_DOUBLINGS 5
/* Between owners no more points count than these: nobody's jobs stand before everybody else's for days */
#define MOST_POINTS 15

typedef struct Process
{
	ProcessKind kind;
	Oid database;
	Oid role;
	pid_t pid;         /* 0: about to start */
	uint32 number;     /* of whoever has this place: another one's, and it is not yours */
	TimestampTz since; /* when it was registered */
	TimestampTz busy;  /* when it began the job that it is at */
	bool at_work;      /* it has such a job */
	int64 entry;       /* its entry, and who has taken it */
	int64 worker;
	TimestampTz deadline; /* of that job; 0: none */
	TimestampTz told;     /* when it was told to end, since it went on for long after that */
	int n_waiting;        /* entries that it took and has not begun */
	int64 waiting[MOST_AT_ONCE];
} Process;

/* A role's jobs on a source, or all of them: when one was last begun, or ended where the role is meant */
#define ALL_SOURCES (-1)
typedef struct TurnGroup
{
	Oid database;
	Oid role;
	int32 source;
	TimestampTz served;
	int failures;           /* workers of the role in a row that ended with an error and had done nothing */
	TimestampTz not_before; /* it has no other one before this */
} TurnGroup;

typedef struct Shared
{
	LWLock *lock;
	Latch *launcher;
	uint32 last_number;
	Process processes[MAX_PROCESSES];
	TurnGroup groups[MAX_GROUPS];
	Demand demands[MAX_DEMANDS]; /* count 0: none */
	Oid banned;
	TimestampTz banned_until;
	Oid without[MAX_WITHOUT]; /* databases in which a scheduler did not find the extension */
} Shared;

static Shared *shared = NULL;
/* of a session without shared memory: whose turn it is among its own */
static TurnGroup own_groups[MAX_GROUPS];

int max_workers = 4;
int naptime = 1;
bool engine_enabled = true;

/* -- shared memory -- */

/* How much room they need */
Size
process_memory(void)
{
	return MAXALIGN(sizeof(Shared));
}

/* Empty, or what another process made */
void
process_memory_begin(void)
{
	bool found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("ingest", sizeof(Shared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(Shared));
		shared->lock = &(GetNamedLWLockTranche("ingest"))->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Whether background workers do what is queued: not without preloading, and not on a standby */
bool
process_launcher_runs(void)
{
	return shared != NULL && shared->launcher != NULL;
}

/* It has ended, or died */
static void
forget_launcher(int code, Datum arg)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = NULL;
	LWLockRelease(shared->lock);
}

/* What runs goes on: a crash would have made the memory anew */
void
process_launcher_enter(void)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = MyLatch;
	LWLockRelease(shared->lock);
	before_shmem_exit(forget_launcher, 0);
}

/* -- coming and going -- */

static Process *my_place = NULL;
static uint32 my_number;
static bool was_of_use = false; /* it has done a job */

/* below, with the other turns */
static void owner_was_served(void);
static void owner_rests(void);
static bool rests(Oid database, Oid role);

/* A place that is ours as long as its number is; the lock is held */
static bool
is_mine(void)
{
	return my_place && my_place->number == my_number && my_place->pid == MyProcPid;
}

/* One whose process never came counts as free after a while */
static Process *
free_place(void)
{
	TimestampTz now = GetCurrentTimestamp();
	Process *place = NULL;

	for (int i = 0; i < MAX_PROCESSES; i++)
	{
		Process *p = &shared->processes[i];

		if (p->kind != NOTHING && p->pid == 0 && p->since < now - START_TIMEOUT)
			p->kind = NOTHING;
		if (p->kind == NOTHING && place == NULL)
			place = p;
	}
	return place;
}

/* Of any database or role, where that is InvalidOid */
static int
count_kind(ProcessKind kind, Oid database, Oid role)
{
	int n = 0;

	for (int i = 0; i < MAX_PROCESSES; i++)
	{
		Process *p = &shared->processes[i];

		n += p->kind == kind && (!OidIsValid(database) || p->database == database) &&
			 (!OidIsValid(role) || p->role == role);
	}
	return n;
}

int
process_count(ProcessKind kind, Oid database, Oid role)
{
	int n;

	LWLockAcquire(shared->lock, LW_SHARED);
	n = count_kind(kind, database, role);
	LWLockRelease(shared->lock);
	return n;
}

int
process_idle_workers(Oid role)
{
	int n = 0;

	LWLockAcquire(shared->lock, LW_SHARED);
	for (int i = 0; i < MAX_PROCESSES; i++)
	{
		Process *p = &shared->processes[i];

		n += p->kind == WORKER && p->database == MyDatabaseId && p->role == role && !p->at_work;
	}
	LWLockRelease(shared->lock);
	return n;
}

/* The lock is held.  NULL: no room, or the database has its one already, or is to be left alone */
static Process *
reserve(ProcessKind kind, Oid database, Oid role)
{
	Process *place = free_place();
	TimestampTz now = GetCurrentTimestamp();

	if (place == NULL || (database == shared->banned && now < shared->banned_until))
		return NULL;
	if (kind == WORKER ? rests(database, role) || count_kind(WORKER, InvalidOid, InvalidOid) >= max_workers
					   : count_kind(kind, database, kind == SERVICE ? role : InvalidOid) > 0)
		return NULL;
	memset(place, 0, sizeof(Process));
	place->kind = kind;
	place->database = database;
	place->role = role;
	place->number = ++shared->last_number;
	place->since = now;
	return place;
}

static const struct
{
	const char *name;
	const char *function;
} kinds[] = {
	[SCHEDULER] = {"ingest scheduler", "ingest_scheduler_main"},
	[WORKER] = {"ingest worker", "ingest_worker_main"},
	[UPKEEP] = {"ingest upkeep", "ingest_upkeep_main"},
	[PUBLISHER] = {"ingest publisher", "ingest_publisher_main"},
	[SERVICE] = {"ingest service", "ingest_service_main"},
};

/*
 * Registers the worker for a place that is taken already; it is told the place's number, by which one that comes
 * late sees that it is not its any more
 */
static bool
start_at(Process *place, uint32 number)
{
	static TimestampTz warned = 0;
	BackgroundWorker worker = {0};
	ProcessKind kind = place->kind;
	TimestampTz now;

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "ingest", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, kinds[kind].function, sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, kinds[kind].name, BGW_MAXLEN);
	strlcpy(worker.bgw_type, kinds[kind].name, BGW_MAXLEN);
	worker.bgw_main_arg = Int32GetDatum(place - shared->processes);
	memcpy(worker.bgw_extra, &number, sizeof(number));
	if (RegisterDynamicBackgroundWorker(&worker, NULL))
		return true;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (place->number == number)
		place->kind = NOTHING;
	LWLockRelease(shared->lock);
	now = GetCurrentTimestamp();
	if (now > warned + 5 * USECS_PER_MINUTE)
	{
		warned = now;
		ereport(LOG,
				(errmsg("ingest: no background worker is free"),
				 errhint("Raise max_worker_processes.")));
	}
	return false;
}

bool
process_start(ProcessKind kind, Oid database, Oid role)
{
	Process *place;
	uint32 number = 0;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	place = reserve(kind, database, role);
	if (place)
		number = place->number;
	LWLockRelease(shared->lock);
	return place && start_at(place, number);
}

/* The scheduler of this database, and the launcher, which may have to start one */
static void
wake_now(void)
{
	LWLockAcquire(shared->lock, LW_SHARED);
	if (shared->launcher)
		SetLatch(shared->launcher);
	for (int i = 0; i < MAX_PROCESSES; i++)
	{
		Process *p = &shared->processes[i];

		if (p->kind == SCHEDULER && p->database == MyDatabaseId && p->pid != 0)
		{
			PGPROC *proc = BackendPidGetProc(p->pid);

			if (proc)
				SetLatch(&proc->procLatch);
		}
	}
	LWLockRelease(shared->lock);
}

/* At the end of a process, however it ends: its place is free, and an owner whose worker failed at once rests */
static void
leave(int code, Datum arg)
{
	bool had_place;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	had_place = is_mine() && my_place->kind == WORKER;
	owner_was_served();
	if (had_place && code != 0 && !was_of_use)
		owner_rests();
	if (is_mine())
	{
		my_place->kind = NOTHING;
		/* what waits here is for a scheduler to say */
		if (DatumGetBool(arg))
			for (int i = 0; i < MAX_DEMANDS; i++)
				if (shared->demands[i].database == MyDatabaseId)
					shared->demands[i].count = 0;
	}
	my_place = NULL;
	LWLockRelease(shared->lock);
	/* somebody may wait for it */
	if (had_place)
		wake_now();
}

void
process_enter(Datum place, Oid *database, Oid *role)
{
	Process *p = &shared->processes[DatumGetInt32(place)];
	bool mine;
	ProcessKind kind;

	memcpy(&my_number, MyBgworkerEntry->bgw_extra, sizeof(my_number));
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	mine = p->number == my_number && p->kind != NOTHING;
	if (mine)
	{
		p->pid = MyProcPid;
		my_place = p;
	}
	kind = p->kind;
	*database = p->database;
	*role = p->role;
	LWLockRelease(shared->lock);
	if (!mine)
		proc_exit(0);
	before_shmem_exit(leave, BoolGetDatum(kind == SCHEDULER));
}

void
process_end(ProcessKind kind, Oid database, Oid role)
{
	LWLockAcquire(shared->lock, LW_SHARED);
	for (int i = 0; i < MAX_PROCESSES; i++)
	{
		Process *p = &shared->processes[i];

		if (p->kind == kind && p->database == database && p->role == role && p->pid != 0)
			(void) kill(p->pid, SIGTERM);
	}
	LWLockRelease(shared->lock);
}

void
process_session_enter(void)
{
	static bool registered = false;
	Process *place;

	if (shared == NULL || my_place != NULL)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	/* one without a place works as well, but gives nothing back before it has done it */
	place = count_kind(SESSION, InvalidOid, InvalidOid) < MOST_SESSIONS ? free_place() : NULL;
	if (place)
	{
		memset(place, 0, sizeof(Process));
		place->kind = SESSION;
		place->database = MyDatabaseId;
		place->role = GetUserId();
		place->pid = MyProcPid;
		place->number = my_number = ++shared->last_number;
		my_place = place;
	}
	LWLockRelease(shared->lock);
	if (!registered)
		before_shmem_exit(leave, BoolGetDatum(false));
	registered = true;
}

void
process_session_leave(void)
{
	if (my_place && my_place->kind == SESSION)
		leave(0, BoolGetDatum(false));
}

void
process_make_way(Oid database)
{
	if (shared == NULL)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->banned = database;
	shared->banned_until = GetCurrentTimestamp() + BAN;
	LWLockRelease(shared->lock);
	for (int tries = 0; tries < MAKE_WAY_TRIES; tries++)
	{
		int n = 0;

		LWLockAcquire(shared->lock, LW_SHARED);
		for (int i = 0; i < MAX_PROCESSES; i++)
		{
			Process *p = &shared->processes[i];

			if (p->kind == NOTHING || p->kind == SESSION || p->database != database)
				continue;
			n++;
			if (p->pid != 0)
				kill(p->pid, SIGTERM);
		}
		LWLockRelease(shared->lock);
		if (n == 0)
			return;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(MAKE_WAY_PAUSE_US);
	}
}

void
process_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
}

void
process_look_up(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

void
process_nap(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	process_look_up();
}

bool
process_finds_extension(void)
{
	return OidIsValid(get_extension_oid("ingest", true)) &&
		   SearchSysCacheExists1(NAMESPACENAME, CStringGetDatum("ingest")) && version_fits(LOG);
}

bool
process_looks_for_extension(void)
{
	bool there;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	there = process_finds_extension();
	PopActiveSnapshot();
	CommitTransactionCommand();
	return there;
}

/* -- databases without the extension -- */

/* Where it is written down that a database is without the extension */
static Oid *
without(Oid database)
{
	for (int i = 0; i < MAX_WITHOUT; i++)
	{
		if (shared->without[i] == database)
			return &shared->without[i];
	}
	return NULL;
}

void
process_extension_is_here(bool here)
{
	Oid *place;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	place = without(MyDatabaseId);
	if (here && place)
		*place = InvalidOid;
	/* if there are more of them, the others are looked into as often as before */
	else if (!here && place == NULL && (place = without(InvalidOid)) != NULL)
		*place = MyDatabaseId;
	LWLockRelease(shared->lock);
}

bool
process_is_without_extension(Oid database)
{
	bool is;

	LWLockAcquire(shared->lock, LW_SHARED);
	is = without(database) != NULL;
	LWLockRelease(shared->lock);
	return is;
}

/* -- waking -- */

static bool wake_at_commit = false;
static bool extension_comes = false;

/* Whoever does jobs sees nothing before the commit, so it is woken after it */
static void
at_commit(XactEvent event, void *arg)
{
	if (extension_comes && event == XACT_EVENT_COMMIT)
		process_extension_is_here(true);
	if (wake_at_commit && event == XACT_EVENT_COMMIT)
		wake_now();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		wake_at_commit = extension_comes = false;
}

void
process_extension_comes(void)
{
	process_wake();
	extension_comes = true;
}

void
process_wake(void)
{
	static bool registered = false;

	if (shared == NULL)
		return;
	if (!registered)
		RegisterXactCallback(at_commit, NULL);
	registered = true;
	wake_at_commit = true;
}

/* -- turns -- */

/* The group's place, or the one that was served longest ago, which is given to it; the lock is held */
static TurnGroup *
group_of(Oid database, Oid role, int32 source, bool make)
{
	TurnGroup *groups = shared ? shared->groups : own_groups;
	TurnGroup *oldest = groups;

	for (int i = 0; i < MAX_GROUPS; i++)
	{
		TurnGroup *g = &groups[i];

		if (g->role == role && g->source == source && g->database == database)
			return g;
		if (g->served < oldest->served)
			oldest = g;
	}
	if (!make)
		return NULL;
	*oldest = (TurnGroup){database, role, source};
	return oldest;
}

/* Waiting counts from when one of the group was last begun: else who has many would have the oldest for ever */
static double
turn_of(Oid database, Oid role, int32 source, int priority, TimestampTz since, TimestampTz now)
{
	TurnGroup *group = group_of(database, role, source, false);

	if (group && group->served > since)
		since = group->served;
	return priority * SECONDS_PER_POINT + (now - since) / (double) USECS_PER_SEC;
}

/*
 * Of an owner, whatever its jobs work on.  While a worker is an owner's, that owner is being served: it does not wait,
 * however long its jobs are, and each worker is worth a point of priority to those who have fewer.  Where waiting
 * counted from the last begin, who fills all workers with jobs of an hour would be next at the end of each.
 */
static double
turn_of_owner(const Demand *d, TimestampTz now)
{
	int workers = count_kind(WORKER, d->database, d->role) -
				  (is_mine() && my_place->role == d->role && my_place->database == d->database);
	int points = Max(Min(d->priority, MOST_POINTS), -MOST_POINTS) - workers;

	return turn_of(d->database, d->role, ALL_SOURCES, points, workers > 0 ? now : d->since, now);
}

/* Up to now, by this worker: from now on it waits.  The lock is held. */
static void
owner_was_served(void)
{
	if (is_mine() && my_place->kind == WORKER)
		group_of(my_place->database, my_place->role, ALL_SOURCES, true)->served = GetCurrentTimestamp();
}

/* Whether workers of a role failed so often of late that none is started */
static bool
rests(Oid database, Oid role)
{
	TurnGroup *group = group_of(database, role, ALL_SOURCES, false);

	return group && group->failures > 0 && GetCurrentTimestamp() < group->not_before;
}

/* Its next worker would end in the same way at once, and the one after that: nobody else would come to anything */
static void
owner_rests(void)
{
	TurnGroup *group = group_of(my_place->database, my_place->role, ALL_SOURCES, true);

	group->not_before =
		GetCurrentTimestamp() + (INT64CONST(1) << Min(group->failures, MOST_REST_DOUBLINGS)) * USECS_PER_SEC;
	group->failures++;
}

/* Without preloading there is nobody to share with */
static void
lock_turns(LWLockMode mode)
{
	if (shared)
		LWLockAcquire(shared->lock, mode);
}

/* Likewise */
static void
unlock_turns(void)
{
	if (shared)
		LWLockRelease(shared->lock);
}

double
process_turn_of_owner(const Demand *demand)
{
	double turn;

	lock_turns(LW_SHARED);
	turn = turn_of_owner(demand, GetCurrentTimestamp());
	unlock_turns();
	return turn;
}

double
process_turn(Oid role, int32 source, int priority, double waited_s)
{
	TimestampTz now = GetCurrentTimestamp();
	double turn;

	lock_turns(LW_SHARED);
	turn = turn_of(MyDatabaseId, role, source, priority, now - (TimestampTz) (waited_s * USECS_PER_SEC), now);
	unlock_turns();
	return turn;
}

void
process_was_of_use(void)
{
	if (was_of_use || my_place == NULL || my_place->kind != WORKER)
		return;
	was_of_use = true;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (is_mine())
		group_of(my_place->database, my_place->role, ALL_SOURCES, true)->failures = 0;
	LWLockRelease(shared->lock);
}

bool
process_rests(Oid role)
{
	bool is;

	lock_turns(LW_SHARED);
	is = rests(MyDatabaseId, role);
	unlock_turns();
	return is;
}

void
process_served(Oid role, int32 source)
{
	TimestampTz now = GetCurrentTimestamp();

	lock_turns(LW_EXCLUSIVE);
	group_of(MyDatabaseId, role, source, true)->served = now;
	group_of(MyDatabaseId, role, ALL_SOURCES, true)->served = now;
	if (shared)
		for (int i = 0; i < MAX_DEMANDS; i++)
		{
			Demand *d = &shared->demands[i];

			if (d->count > 0 && d->database == MyDatabaseId && d->role == role)
				d->count--;
		}
	unlock_turns();
}

void
process_demand(const Demand *demands, int n)
{
	int k = 0;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_DEMANDS; i++)
	{
		Demand *d = &shared->demands[i];

		if (d->count > 0 && d->database != MyDatabaseId)
			continue;
		d->count = 0;
		if (k < n)
			*d = demands[k++];
	}
	LWLockRelease(shared->lock);
}

bool
process_gives_way(TimestampTz alive_since)
{
	TimestampTz now = GetCurrentTimestamp();
	Demand *next = NULL;
	Demand *mine = NULL;
	Process *place = NULL;
	double first = 0;
	uint32 number = 0;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	owner_was_served();
	for (int i = 0; i < MAX_DEMANDS; i++)
	{
		Demand *d = &shared->demands[i];
		double turn;

		if (d->count <= 0)
			continue;
		if (d->database == MyDatabaseId && my_place && d->role == my_place->role)
		{
			mine = d;
			continue;
		}
		if (rests(d->database, d->role))
			continue;
		turn = turn_of_owner(d, now);
		if (next == NULL || turn > first)
		{
			next = d;
			first = turn;
		}
	}
	if (next && mine &&
		(first <= turn_of_owner(mine, now) ||
		 (next->priority <= mine->priority && now < alive_since + QUANTUM)))
		next = NULL;
	if (next && is_mine() && count_kind(WORKER, InvalidOid, InvalidOid) >= max_workers)
	{
		my_place->kind = LEAVING;
		place = reserve(WORKER, next->database, next->role);
		if (place)
		{
			number = place->number;
			next->count--;
		}
		else
			my_place->kind = WORKER;
	}
	LWLockRelease(shared->lock);
	/* if there is no room for another process yet, a scheduler starts it when this one has gone */
	if (place)
		(void) start_at(place, number);
	return place != NULL;
}

/* -- what was taken and has not begun -- */

void
process_took(const int64 *entries, int n)
{
	if (my_place == NULL)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	my_place->at_work = n > 0;
	my_place->n_waiting = n;
	for (int i = 0; i < n; i++)
		my_place->waiting[i] = entries[i];
	my_place->busy = GetCurrentTimestamp();
	LWLockRelease(shared->lock);
}

bool
process_begins(int64 entry)
{
	bool begins = false;

	if (my_place == NULL)
		return true;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < my_place->n_waiting && !begins; i++)
	{
		if (my_place->waiting[i] != entry)
			continue;
		my_place->waiting[i] = my_place->waiting[--my_place->n_waiting];
		begins = true;
	}
	my_place->busy = GetCurrentTimestamp();
	LWLockRelease(shared->lock);
	return begins;
}

/* -- jobs that do not end -- */

void
process_deadline(int64 entry, int64 worker, TimestampTz deadline)
{
	if (my_place == NULL)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	my_place->entry = entry;
	my_place->worker = worker;
	my_place->deadline = deadline;
	LWLockRelease(shared->lock);
}

/*
 * Nothing that a process of ours may do without a crash of all ends one that waits in a library for what is no
 * connection
 */
static bool
give_up(Process *p, TimestampTz now)
{
	bool given = p->told != 0 && p->told < now - DEAF && p->kind == WORKER;

	if (given)
		p->kind = LEAVING;
	return given;
}

int
process_end_overdue(Overdue *overdue, int room)
{
	TimestampTz now = GetCurrentTimestamp();
	pid_t given_up = 0;
	int n = 0;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_PROCESSES && n < room; i++)
	{
		Process *p = &shared->processes[i];

		if (p->kind != WORKER || p->database != MyDatabaseId || p->pid == 0 || p->deadline == 0 ||
			p->deadline > now - OVERDUE)
			continue;
		overdue[n++] = (Overdue){p->entry, p->worker};
		(void) kill(p->pid, SIGTERM);
		if (p->told == 0)
			p->told = now;
		if (give_up(p, now))
			given_up = p->pid;
	}
	LWLockRelease(shared->lock);
	if (given_up)
		ereport(LOG, (errmsg("ingest: worker %d has not ended long after its job's timeout: another one takes its "
							 "place",
							 (int) given_up),
					  errhint("It is waiting in a library that ignores signals. Only a restart of the server can end "
							  "it.")));
	return n;
}

int
process_take_back(int64 *entries, int room)
{
	TimestampTz now = GetCurrentTimestamp();
	int n = 0;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_PROCESSES; i++)
	{
		Process *p = &shared->processes[i];

		if (p->kind == NOTHING || p->database != MyDatabaseId || p->busy > now - MOMENT)
			continue;
		while (p->n_waiting > 0 && n < room)
			entries[n++] = p->waiting[--p->n_waiting];
	}
	LWLockRelease(shared->lock);
	return n;
}
