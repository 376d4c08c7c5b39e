/*
 * launcher.c
 *		The launcher: it knows databases, and starts a scheduler in each that has the extension.
 *
 * With shared_preload_libraries = 'ingest' there is one launcher, a scheduler in each
 * database, which knows what is due, and workers, each of which connects as the owner of
 * the jobs that it does, so that no job has more rights than its owner.
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
#include "ingest/base/compat.h"
#include "ingest/job/launcher.h"
#include "ingest/job/process.h"
#include "ingest/job/service.h"
#include "ingest/job/upkeep.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

extern PGDLLEXPORT void ingest_launcher_main(Datum arg);

SQL_FUNCTION(ingest_launcher_runs);

static int discovery = 10; /* ingest.discovery, seconds */

/* Woken again and again, it looks no more often than this */
#define BETWEEN_LOOKS (200 * INT64CONST(1000))
/* After this it tries again where there was no room for a scheduler */
#define AFTER_NO_ROOM_MS 1000L

static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;
static ProcessUtility_hook_type previous_utility = NULL;

/* -- databases that come -- */

/* All that take connections, in memory that outlives the transaction */
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

/* When it was last tried to look into a database, and how often in a row that was for nothing */
typedef struct Tried
{
	Oid database;
	TimestampTz at;
	int misses;
} Tried;

/* A database without the extension is looked into less and less often, up to so many times ingest.discovery: 2^6 */
#define MOST_DOUBLINGS 6

/* Who was tried longest ago comes first, so that each has its turn where there is room for few */
static int
by_age(const ListCell *a, const ListCell *b)
{
	const Tried *x = lfirst(a),
				*y = lfirst(b);

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Those that are there, who waited longest first: if there is not room for all, each has its turn */
static List *
databases_by_age(List *before, MemoryContext context)
{
	List *now = databases(context);
	List *result = NIL;
	ListCell *d;
	MemoryContext old = MemoryContextSwitchTo(context);

	foreach (d, now)
	{
		Tried *tried = palloc0(sizeof(Tried));
		ListCell *b;

		tried->database = lfirst_oid(d);
		foreach (b, before)
		{
			if (((Tried *) lfirst(b))->database == tried->database)
				*tried = *(Tried *) lfirst(b);
		}
		result = lappend(result, tried);
	}
	list_sort(result, by_age);
	MemoryContextSwitchTo(old);
	return result;
}

/* CREATE EXTENSION tells of itself, so there is nothing to be found here but what was missed */
static bool
can_wait(Tried *tried)
{
	if (!process_is_without_extension(tried->database))
		tried->misses = 0;
	/* a moment that is yet to come was before the clock went back */
	return tried->misses > 0 && tried->at <= GetCurrentTimestamp() &&
		   GetCurrentTimestamp() <
			   tried->at + ((int64) discovery << Min(tried->misses, MOST_DOUBLINGS)) * USECS_PER_SEC;
}

/* False: there was no room for all */
static bool
look_into(List *databases)
{
	ListCell *d;

	foreach (d, databases)
	{
		Tried *tried = lfirst(d);

		if (process_count(SCHEDULER, tried->database, InvalidOid) > 0 || can_wait(tried))
			continue;
		if (!process_start(SCHEDULER, tried->database, InvalidOid))
			return false;
		tried->at = GetCurrentTimestamp();
		tried->misses++;
	}
	return true;
}

/* Starts a scheduler in each database that has the extension, and looks for new ones */
void
ingest_launcher_main(Datum arg)
{
	MemoryContext context = NULL;
	List *known = NIL;
	TimestampTz looked = 0;
	bool room = true;

	process_signals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	process_launcher_enter();
	for (;;)
	{
		/* woken: an extension may have been created just now */
		if (GetCurrentTimestamp() >= looked + BETWEEN_LOOKS || GetCurrentTimestamp() < looked)
		{
			MemoryContext before = context;

			looked = GetCurrentTimestamp();
			context = AllocSetContextCreate(TopMemoryContext, "ingest launcher", ALLOCSET_SMALL_SIZES);
			known = databases_by_age(known, context);
			if (before)
				MemoryContextDelete(before);
			room = look_into(known);
		}
		process_nap(room ? discovery * 1000L : AFTER_NO_ROOM_MS);
	}
}

/* launcher_runs(): whether jobs are done by themselves */
Datum
ingest_launcher_runs(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(process_launcher_runs());
}

/* -- databases that go -- */

/* Who may not copy a database anyway keeps no scheduler from its work */
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

/*
 * Before the statement, since the server refuses while somebody is connected; for those alone whom it will not
 * refuse
 */
static void
make_way(const char *name, bool as_template)
{
	Oid database = get_database_oid(name, true);

	if (OidIsValid(database) && may_have(database, as_template))
		process_make_way(database);
}

/* The value of an option of a command, if it is given as a name */
static char *
option_of(List *options, const char *name)
{
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, name) == 0 && option->arg && IsA(option->arg, String))
			return strVal(option->arg);
	}
	return NULL;
}

/* The server refuses these while somebody is in the database */
static void
make_way_for(Node *statement)
{
	if (IsA(statement, DropdbStmt))
		make_way(castNode(DropdbStmt, statement)->dbname, false);
	else if (IsA(statement, RenameStmt) && castNode(RenameStmt, statement)->renameType == OBJECT_DATABASE)
		make_way(castNode(RenameStmt, statement)->subname, false);
	else if (IsA(statement, AlterDatabaseStmt) &&
			 option_of(castNode(AlterDatabaseStmt, statement)->options, "tablespace"))
		make_way(castNode(AlterDatabaseStmt, statement)->dbname, false);
	else if (IsA(statement, CreatedbStmt) && may_create_databases())
	{
		char *template = option_of(castNode(CreatedbStmt, statement)->options, "template");

		if (template)
			make_way(template, true);
	}
}

/* Looks at what is done to databases and extensions before it is done, and after */
static void
utility(PlannedStmt *pstmt, const char *query, bool read_only, ProcessUtilityContext context, ParamListInfo params,
		QueryEnvironment *env, DestReceiver *dest, QueryCompletion *completion)
{
	Node *statement = pstmt->utilityStmt;
	/* looked at now: a procedure that commits may free the statement before it returns */
	bool extensions_change =
		IsA(statement, CreateExtensionStmt) ||
		(IsA(statement, DropStmt) && castNode(DropStmt, statement)->removeType == OBJECT_EXTENSION);

	make_way_for(statement);
	if (previous_utility)
		previous_utility(pstmt, query, read_only, context, params, env, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only, context, params, env, dest, completion);
	/* this one, by name or with another one that requires it; or one with a service came or went */
	if (extensions_change && OidIsValid(get_extension_oid("ingest", true)))
		process_extension_comes();
	else if (extensions_change)
		process_wake();
}

/* -- settings -- */

/* Room for the processes, asked for while the server starts */
static void
request(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(process_memory());
	RequestNamedLWLockTranche("ingest", 1);
}

/* And made */
static void
startup(void)
{
	if (previous_startup)
		previous_startup();
	process_memory_begin();
}

void
launcher_settings(void)
{
	BackgroundWorker launcher = {0};

	DefineCustomIntVariable("ingest.max_workers", "Maximum number of jobs that run at the same time in background "
												  "workers.",
							NULL, &max_workers, 4,
							0, 64, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("ingest.enabled", "Whether anything runs by itself: schedules, jobs, services.",
							 "Turn it off in a copy of a cluster's files, which cannot be told from the cluster.",
							 &engine_enabled, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest.naptime", "How often schedules are looked at.", NULL, &naptime, 1, 1, 3600,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest.discovery", "How often databases are searched for the extension.", NULL,
							&discovery, 10, 1, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	upkeep_settings();
	service_settings();
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
