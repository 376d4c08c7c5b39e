/*
 * worker.c
 *		The launcher, schedulers and workers.
 *
 * With shared_preload_libraries = 'ingest': one launcher, which knows databases; a
 * scheduler in each that has the extension, which knows what is due; and workers, each of
 * which connects as the owner of the jobs that it does, so that no job has more rights
 * than its owner.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "ingest/base/attempt.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/event/publisher.h"
#include "ingest/job/job.h"
#include "ingest/job/queue.h"
#include "ingest/base/sql.h"
#include "ingest/job/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define MAX_PROCESSES 128

typedef enum Kind
{
	NOTHING,
	SCHEDULER,
	WORKER
} Kind;

typedef struct Process
{
	Kind kind;
	Oid database;
	Oid role;
	pid_t pid; /* 0: about to start */
	TimestampTz since;
} Process;

typedef struct Shared
{
	LWLock *lock;
	Latch *launcher;
	Process processes[MAX_PROCESSES];
	/* a database that somebody drops or renames is left alone for a while */
	Oid banned;
	TimestampTz banned_until;
} Shared;

static Shared *shared = NULL;

static int max_workers = 4;
static int naptime = 1;
static int discovery = 10;
static int event_retention = 7 * 24 * 60;
static int run_retention = 30 * 24 * 60;

static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;
static ProcessUtility_hook_type previous_utility = NULL;

extern PGDLLEXPORT void ingest_launcher_main(Datum arg);
extern PGDLLEXPORT void ingest_scheduler_main(Datum arg);
extern PGDLLEXPORT void ingest_worker_main(Datum arg);

SQL_FUNCTION(ingest_launcher_runs);

/* -- shared memory -- */

static void
request(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Shared)));
	RequestNamedLWLockTranche("ingest", 1);
}

static void
startup(void)
{
	bool found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("ingest", sizeof(Shared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(Shared));
		shared->lock = &(GetNamedLWLockTranche("ingest"))->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

static void
set_launcher_latch(void)
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

			publisher_interrupt();
			if (proc)
				SetLatch(&proc->procLatch);
		}
	}
	LWLockRelease(shared->lock);
}

static bool wake_at_commit = false;

static void
at_commit(XactEvent event, void *arg)
{
	if (wake_at_commit && event == XACT_EVENT_COMMIT)
		set_launcher_latch();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		wake_at_commit = false;
}

void
worker_wake(void)
{
	static bool registered = false;

	if (shared == NULL)
		return;
	if (!registered)
		RegisterXactCallback(at_commit, NULL);
	registered = true;
	wake_at_commit = true;
}

/* A slot, or -1 if there is none or the database has its scheduler */
static int
reserve(Kind kind, Oid database, Oid role)
{
	int slot = -1,
		workers = 0;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_PROCESSES; i++)
	{
		Process *p = &shared->processes[i];

		/* one that never came up */
		if (p->kind != NOTHING && p->pid == 0 && p->since < GetCurrentTimestamp() - 10 * USECS_PER_SEC)
			p->kind = NOTHING;
		if (p->kind == NOTHING && slot < 0)
			slot = i;
		if (p->kind == WORKER)
			workers++;
		if (p->kind == SCHEDULER && kind == SCHEDULER && p->database == database)
		{
			LWLockRelease(shared->lock);
			return -1;
		}
	}
	if ((kind == WORKER && workers >= max_workers) || (database == shared->banned && GetCurrentTimestamp() < shared->banned_until))
		slot = -1;
	if (slot >= 0)
	{
		Process process = {kind, database, role, 0, GetCurrentTimestamp()};

		shared->processes[slot] = process;
	}
	LWLockRelease(shared->lock);
	return slot;
}

static int my_slot = -1;

static void
leave(int code, Datum arg)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (my_slot >= 0 && shared->processes[my_slot].pid == MyProcPid)
		shared->processes[my_slot].kind = NOTHING;
	LWLockRelease(shared->lock);
}

static Process
enter(int slot)
{
	Process process;

	my_slot = slot;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->processes[slot].pid = MyProcPid;
	process = shared->processes[slot];
	LWLockRelease(shared->lock);
	before_shmem_exit(leave, 0);
	return process;
}

static int
count_workers(Oid database, Oid role)
{
	int n = 0;

	LWLockAcquire(shared->lock, LW_SHARED);
	for (int i = 0; i < MAX_PROCESSES; i++)
	{
		Process *p = &shared->processes[i];

		if (p->kind == WORKER && p->database == database && p->role == role)
			n++;
	}
	LWLockRelease(shared->lock);
	return n;
}

/* -- starting -- */

static bool
start(Kind kind, Oid database, Oid role)
{
	static TimestampTz warned = 0;
	BackgroundWorker worker = {0};
	int slot = reserve(kind, database, role);

	if (slot < 0)
		return false;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "ingest", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, kind == SCHEDULER ? "ingest_scheduler_main" : "ingest_worker_main", sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "ingest %s", kind == SCHEDULER ? "scheduler" : "worker");
	strlcpy(worker.bgw_type, worker.bgw_name, BGW_MAXLEN);
	worker.bgw_main_arg = Int32GetDatum(slot);
	if (RegisterDynamicBackgroundWorker(&worker, NULL))
		return true;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->processes[slot].kind = NOTHING;
	LWLockRelease(shared->lock);
	if (GetCurrentTimestamp() > warned + 5 * USECS_PER_MINUTE)
	{
		warned = GetCurrentTimestamp();
		ereport(LOG,
				(errmsg("ingest: no background worker is free"),
				 errhint("Raise max_worker_processes.")));
	}
	return false;
}

static void
handle_signals(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
}

static void
nap(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* -- the launcher -- */

static void
forget_launcher(int code, Datum arg)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = NULL;
	LWLockRelease(shared->lock);
}

static List *
databases(MemoryContext context)
{
	List *list = NIL;
	Relation rel;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (database->datallowconn && !database->datistemplate)
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			list = lappend_oid(list, database->oid);
			MemoryContextSwitchTo(old);
		}
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	return list;
}

void
ingest_launcher_main(Datum arg)
{
	MemoryContext context;
	TimestampTz looked = 0;

	handle_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	context = AllocSetContextCreate(TopMemoryContext, "ingest launcher", ALLOCSET_SMALL_SIZES);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = MyLatch;
	/* whatever a crash left */
	memset(shared->processes, 0, sizeof(shared->processes));
	LWLockRelease(shared->lock);
	before_shmem_exit(forget_launcher, 0);
	for (;;)
	{
		ListCell *lc;

		/* woken: an extension may have been created just now */
		if (GetCurrentTimestamp() >= looked + 200 * INT64CONST(1000))
		{
			looked = GetCurrentTimestamp();
			foreach (lc, databases(context))
				(void) start(SCHEDULER, lfirst_oid(lc), InvalidOid);
			MemoryContextReset(context);
		}
		nap(discovery * 1000L);
	}
}

/* -- a scheduler -- */

static bool
extension_is_there(void)
{
	return OidIsValid(get_extension_oid("ingest", true)) && SearchSysCacheExists1(NAMESPACENAME, CStringGetDatum("ingest")) && version_fits(LOG);
}

/* Hourly: what nobody needs any more */
static void
tidy(void)
{
	repo_run("SELECT ingest_internal.prune($1::float8 * interval '1 min', $2::float8 * interval '1 min')",
			 arg_datum(FLOAT8OID, Float8GetDatum(event_retention), false), arg_datum(FLOAT8OID, Float8GetDatum(run_retention), false));
}

typedef struct Owner
{
	Oid role;
	int wanted; /* workers */
	bool can_login;
} Owner;

typedef struct Tick
{
	bool tidy;
	bool look; /* at freshness */
	MemoryContext context;
	int n_owners;
	Owner *owners; /* whose jobs are due */
} Tick;

static void
tick(void *arg)
{
	Tick *t = arg;
	Rows *rows;

	(void) queue_due();
	queue_care();
	if (t->look)
		repo_run("SELECT ingest.check_freshness()");
	if (t->tidy)
		tidy();
	rows = repo_rows("SELECT r.oid, least(count(*), 64), r.rolcanlogin FROM (SELECT owner FROM ingest.queue WHERE worker IS NULL AND run_at <= now() LIMIT 1000) q "
					 "JOIN pg_roles r ON r.oid = q.owner GROUP BY r.oid, r.rolcanlogin ORDER BY 2 DESC");
	/* beyond the end of SPI, which frees its answers */
	t->owners = MemoryContextAlloc(t->context, sizeof(Owner) * Max(rows->n, 1));
	for (uint64 i = 0; i < rows->n; i++)
		t->owners[t->n_owners++] = (Owner){to_oid(rows->v[i][0]), to_int4(rows->v[i][1]), to_bool(rows->v[i][2])};
}

static void
at_home(void *arg)
{
	*(bool *) arg = home_is_ours();
}

void
ingest_scheduler_main(Datum arg)
{
	Process me;
	TimestampTz tidied = GetCurrentTimestamp();
	TimestampTz warned = 0,
				looked = GetCurrentTimestamp();

	me = enter(DatumGetInt32(arg));
	handle_signals();
	BackgroundWorkerInitializeConnectionByOid(me.database, InvalidOid, 0);
	publisher_enter();
	PortalContext = AllocSetContextCreate(TopMemoryContext, "ingest scheduler", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		Tick t = {0};
		Failure failure;
		bool there;
		bool home = false;
		MemoryContext context = AllocSetContextCreate(TopMemoryContext, "ingest tick", ALLOCSET_DEFAULT_SIZES);

		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		there = extension_is_there();
		PopActiveSnapshot();
		if (!there)
		{
			CommitTransactionCommand();
			proc_exit(0);
		}
		pgstat_report_activity(STATE_RUNNING, "ingest: looking for work");
		SPI_connect_ext(SPI_OPT_NONATOMIC);
		sql_settings();
		MemoryContextSwitchTo(context);
		t.context = context;
		t.tidy = GetCurrentTimestamp() > tidied + USECS_PER_HOUR;
		if (t.tidy)
			tidied = GetCurrentTimestamp();
		t.look = GetCurrentTimestamp() > looked + USECS_PER_MINUTE;
		if (t.look)
			looked = GetCurrentTimestamp();
		if (!attempt_and_commit(at_home, &home, &failure) || !home)
		{
			/* a copy that nobody has told to go on, or where nothing was done yet */
			SPI_finish();
			CommitTransactionCommand();
			pgstat_report_activity(STATE_IDLE, NULL);
			MemoryContextSwitchTo(TopMemoryContext);
			MemoryContextDelete(context);
			publisher_nap(naptime * 1000L);
			continue;
		}
		if (!attempt_and_commit(tick, &t, &failure))
			ereport(LOG, (errmsg("ingest: the scheduler failed: %s", failure_text(&failure))));
		SPI_finish();
		CommitTransactionCommand();
		pgstat_report_stat(true);
		pgstat_report_activity(STATE_IDLE, NULL);
		for (int i = 0; i < t.n_owners; i++)
		{
			Owner *owner = &t.owners[i];

			if (!owner->can_login && GetCurrentTimestamp() > warned + 5 * USECS_PER_MINUTE)
			{
				warned = GetCurrentTimestamp();
				ereport(LOG,
						(errmsg("ingest: jobs wait whose owner cannot log in"),
						 errhint("ALTER ROLE … LOGIN, or let another role own them.")));
			}
			for (int n = count_workers(me.database, owner->role); owner->can_login && n < owner->wanted; n++)
			{
				if (!start(WORKER, me.database, owner->role))
					break;
			}
		}
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextDelete(context);
		publisher_nap(naptime * 1000L);
	}
}

/* -- a worker -- */

void
ingest_worker_main(Datum arg)
{
	Process me = enter(DatumGetInt32(arg));
	int idle = 0;

	handle_signals();
	BackgroundWorkerInitializeConnectionByOid(me.database, me.role, 0);
	pgstat_report_appname("ingest worker");
	PortalContext = AllocSetContextCreate(TopMemoryContext, "ingest worker", ALLOCSET_DEFAULT_SIZES);
	/* a moment's wait saves starting another */
	while (idle < 20)
	{
		int64 done = 0;

		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (!extension_is_there())
			proc_exit(0);
		SPI_connect_ext(SPI_OPT_NONATOMIC);
		sql_settings();
		pgstat_report_activity(STATE_RUNNING, "ingest: working");
		done = jobs_work(0, 0);
		SPI_finish();
		CommitTransactionCommand();
		MemoryContextReset(PortalContext);
		pgstat_report_stat(true);
		pgstat_report_activity(STATE_IDLE, NULL);
		idle = done > 0 ? 0 : idle + 1;
		nap(50);
	}
	proc_exit(0);
}

/* -- databases that go -- */

static bool
may_create_databases(void)
{
	HeapTuple tuple;
	bool may = superuser();

	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	if (HeapTupleIsValid(tuple))
	{
		may = may || ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
		ReleaseSysCache(tuple);
	}
	return may;
}

/* May the caller drop or rename the database, or copy it?  Who may not stops nobody. */
static bool
may_have(Oid database, bool as_template)
{
	HeapTuple tuple;
	bool may;

	if (database_ownercheck(database, GetUserId()))
		return true;
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	may = HeapTupleIsValid(tuple) && as_template && ((Form_pg_database) GETSTRUCT(tuple))->datistemplate;
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return may;
}

/* Nobody of ours may be in a database that is dropped, renamed or copied */
static void
make_way(const char *name, bool as_template)
{
	Oid database = get_database_oid(name, true);

	if (!OidIsValid(database) || shared == NULL || !may_have(database, as_template))
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->banned = database;
	shared->banned_until = GetCurrentTimestamp() + 10 * USECS_PER_SEC;
	LWLockRelease(shared->lock);
	for (int tries = 0; tries < 100; tries++)
	{
		int n = 0;

		LWLockAcquire(shared->lock, LW_SHARED);
		for (int i = 0; i < MAX_PROCESSES; i++)
		{
			Process *p = &shared->processes[i];

			if (p->kind == NOTHING || p->database != database)
				continue;
			n++;
			if (p->pid != 0)
				kill(p->pid, SIGTERM);
		}
		LWLockRelease(shared->lock);
		if (n == 0)
			return;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(50 * 1000);
	}
}

static void
utility(PlannedStmt *pstmt, const char *query, bool read_only, ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *env,
		DestReceiver *dest, QueryCompletion *completion)
{
	Node *parsetree = pstmt->utilityStmt;
	/* looked at now: a procedure that commits may free the statement before it returns */
	bool creates_us = IsA(parsetree, CreateExtensionStmt) && strcmp(castNode(CreateExtensionStmt, parsetree)->extname, "ingest") == 0;

	if (IsA(parsetree, DropdbStmt))
		make_way(castNode(DropdbStmt, parsetree)->dbname, false);
	else if (IsA(parsetree, RenameStmt) && castNode(RenameStmt, parsetree)->renameType == OBJECT_DATABASE)
		make_way(castNode(RenameStmt, parsetree)->subname, false);
	else if (IsA(parsetree, CreatedbStmt) && may_create_databases())
	{
		ListCell *lc;

		foreach (lc, castNode(CreatedbStmt, parsetree)->options)
		{
			DefElem *option = lfirst_node(DefElem, lc);

			if (strcmp(option->defname, "template") == 0 && option->arg && IsA(option->arg, String))
				make_way(strVal(option->arg), true);
		}
	}
	if (previous_utility)
		previous_utility(pstmt, query, read_only, context, params, env, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only, context, params, env, dest, completion);
	if (creates_us)
		worker_wake();
}

bool
worker_launcher_runs(void)
{
	return shared != NULL && shared->launcher != NULL;
}

/* launcher_runs(): whether jobs are done by themselves */
Datum
ingest_launcher_runs(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(worker_launcher_runs());
}

/* -- settings -- */

void
worker_settings(void)
{
	BackgroundWorker launcher = {0};

	DefineCustomIntVariable("ingest.max_workers", "Jobs that run at once in background workers.", NULL, &max_workers, 4, 0, 64, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest.naptime", "How often schedules are looked at.", NULL, &naptime, 1, 1, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest.discovery", "How often databases are looked through for the extension.", NULL, &discovery, 10, 1, 3600, PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("ingest.event_retention", "How long events are kept, and longer for consumers that have not read them.", NULL, &event_retention,
							7 * 24 * 60, 1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest.run_retention", "How long runs, their logs and profiles are kept.", NULL, &run_retention, 30 * 24 * 60, 1, INT_MAX, PGC_SIGHUP,
							GUC_UNIT_MIN, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ingest");
	/* pg_upgrade starts servers in which nobody may do anything */
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	previous_request = shmem_request_hook;
	shmem_request_hook = request;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
	launcher.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	launcher.bgw_start_time = BgWorkerStart_RecoveryFinished;
	launcher.bgw_restart_time = 1;
	strlcpy(launcher.bgw_library_name, "ingest", sizeof(launcher.bgw_library_name));
	strlcpy(launcher.bgw_function_name, "ingest_launcher_main", sizeof(launcher.bgw_function_name));
	strlcpy(launcher.bgw_name, "ingest launcher", sizeof(launcher.bgw_name));
	strlcpy(launcher.bgw_type, "ingest launcher", sizeof(launcher.bgw_type));
	RegisterBackgroundWorker(&launcher);
}
