/*
 * service.c
 *		Services: processes of other extensions, kept running by a database's scheduler.
 *
 * The table belongs to a superuser, since what stands there runs as one.  The engine's
 * role may read it and no more, and so nothing of the engine's stands between the table
 * and this file: it is read by a statement of its own, as the superuser that the
 * scheduler is.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/event/wake.h"
#include "ingest/job/process.h"
#include "ingest/job/service.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

extern PGDLLEXPORT void ingest_service_main(Datum arg);
SQL_FUNCTION(ingest_service_lives);

/* Of all databases of the cluster */
#define MOST_SERVICES 128
/* One that lived for less has failed: the next begins later, and later still */
#define GOOD_LIFE USECS_PER_MINUTE
#define FIRST_DELAY USECS_PER_SEC
#define LONGEST_DELAY (5 * USECS_PER_MINUTE)
#define MOST_DOUBLINGS 10 /* which is longer than that already */
/* What fails is said in the log no more often than this */
#define BETWEEN_WARNINGS (5 * USECS_PER_MINUTE)
/* How often it is asked whether the extension of one that runs is still there */
#define BETWEEN_LOOKS (10 * USECS_PER_SEC)

/* A process of process.h has the number of its slot in place of a role; the first is 1 */
typedef struct Slot
{
	Oid database; /* InvalidOid: free */
	char name[NAMEDATALEN];
	char library[NAMEDATALEN];
	char function[NAMEDATALEN];
	bool wake_on_events;
	TimestampTz begun;  /* when its process was started; 0: none is */
	TimestampTz next;   /* not before */
	int failures;       /* in a row */
	TimestampTz alive;  /* when it last gave a sign of life; 0: it never did */
	TimestampTz wanted; /* since when it is to run */
} Slot;

typedef struct Slots
{
	LWLock *lock;
	Slot slots[MOST_SERVICES];
} Slots;

static Slots *shared = NULL;
static Oid my_number = InvalidOid; /* in a service's process: of its slot */
static int service_alert = 120;    /* ingest.service_alert, seconds */

static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;

/* -- what is to run -- */

typedef struct Service
{
	char *name;
	char *library;
	char *function;
	bool wake_on_events;
} Service;

ROW_SHAPE(service_shape, Service, FIELD(TEXT, Service, name), FIELD(TEXT, Service, library),
		  FIELD(TEXT, Service, function), FIELD(BOOL, Service, wake_on_events));

/*
 * Those that are to run.  What ALTER DATABASE says of a setting counts as it is now, not as it was when this process
 * began.
 */
#define WANTED \
	"SELECT s.name, s.library, s.function, s.wake_on_events FROM ingest.service s WHERE s.enabled AND (s.setting IS " \
	"NULL OR coalesce((SELECT substr(o, length(s.setting) + 2) FROM pg_db_role_setting r, unnest(r.setconfig) o " \
	"WHERE r.setdatabase = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND r.setrole = 0 " \
	"AND starts_with(o, s.setting || '=')), current_setting(s.setting, true)) <> '') ORDER BY s.name"

/* A table, and a superuser's: nobody else can have put a row or a rule there */
static bool
table_is_sound(void)
{
	Oid relation = get_relname_relid("service", get_namespace_oid("ingest", false));
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool sound = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		sound = form->relkind == RELKIND_RELATION && superuser_arg(form->relowner);
		ReleaseSysCache(tuple);
	}
	if (!sound)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the table ingest.service does not belong to a superuser: no service is started"),
				 errhint("ALTER TABLE ingest.service OWNER TO a superuser, after a look at its rows.")));
	return sound;
}

/* No path: a library is one that is installed */
static bool
is_bare_name(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > 0 && n < NAMEDATALEN && name[n] == '\0';
}

/* Is the library one of an extension that is installed here?  Says why not in the log */
static bool
may_run(const Service *s)
{
	static TimestampTz warned = 0;
	TimestampTz now = GetCurrentTimestamp();
	bool bare = is_bare_name(s->library) && is_bare_name(s->function) && strlen(s->name) < NAMEDATALEN;
	bool may =
		bare &&
		own_value("SELECT true FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid "
				  "AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' "
				  "WHERE p.probin IN ($1, '$libdir/' || $1) LIMIT 1",
				  arg_text(s->library)) != NULL;

	if (!may && now > warned + BETWEEN_WARNINGS)
	{
		warned = now;
		ereport(LOG, (errmsg("ingest: service \"%s\" is not started", s->name),
					  bare ? errdetail("No extension that is installed here has the library \"%s\".", s->library)
						   : errdetail(
								 "Its library must be the bare name of one in $libdir, its function a C function's.")));
	}
	return may;
}

/* -- slots; the lock is held -- */

/* Whether there is a process for it */
static bool
runs(const Slot *slot)
{
	return process_count(SERVICE, slot->database, (Oid) (slot - shared->slots + 1)) > 0;
}

/* Its own, or a free one; none if all are taken */
static Slot *
slot_of(const char *name)
{
	Slot *slot = NULL;

	for (int i = 0; i < MOST_SERVICES; i++)
	{
		Slot *s = &shared->slots[i];

		if (s->database == MyDatabaseId && strcmp(s->name, name) == 0)
			return s;
		/* one of a database that has gone is free as well */
		if (slot == NULL &&
			(s->database == InvalidOid || (s->begun < GetCurrentTimestamp() - 2 * LONGEST_DELAY && !runs(s))))
			slot = s;
	}
	return slot;
}

/* Whether the row says what it said when the process was started */
static bool
is_same(const Slot *slot, const Service *s)
{
	return slot->database == MyDatabaseId && strcmp(slot->name, s->name) == 0 &&
		   strcmp(slot->library, s->library) == 0 && strcmp(slot->function, s->function) == 0 &&
		   slot->wake_on_events == s->wake_on_events;
}

/* Its process has ended: when may the next begin? */
static void
note_end(Slot *slot, TimestampTz now)
{
	int64 delay;

	slot->failures = now - slot->begun > GOOD_LIFE ? 0 : slot->failures + 1;
	delay = FIRST_DELAY << Min(slot->failures, MOST_DOUBLINGS);
	slot->next = now + Min(delay, LONGEST_DELAY);
	slot->begun = 0;
}

/* Is it this service's turn to begin?  Then its slot is ready for process_start */
static Oid
begin_slot(const Service *s)
{
	TimestampTz now = GetCurrentTimestamp();
	Slot *slot;
	Oid number = InvalidOid;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot = slot_of(s->name);
	if (slot && !is_same(slot, s))
	{
		/* what ran before under this name was told to end */
		if (!runs(slot))
		{
			memset(slot, 0, sizeof(Slot));
			slot->database = MyDatabaseId;
			strlcpy(slot->name, s->name, NAMEDATALEN);
			strlcpy(slot->library, s->library, NAMEDATALEN);
			strlcpy(slot->function, s->function, NAMEDATALEN);
			slot->wake_on_events = s->wake_on_events;
			slot->wanted = now;
		}
		else
			slot = NULL;
	}
	if (slot && !runs(slot))
	{
		if (slot->begun != 0)
			note_end(slot, now);
		if (now >= slot->next)
			number = slot - shared->slots + 1;
	}
	LWLockRelease(shared->lock);
	return number;
}

/* If there is room for one more process, and it has rested long enough after its last end */
static void
start(const Service *s)
{
	Oid number = begin_slot(s);

	if (!OidIsValid(number) || !may_run(s) || !process_start(SERVICE, MyDatabaseId, number))
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->slots[number - 1].begun = GetCurrentTimestamp();
	LWLockRelease(shared->lock);
}

/* -- keeping them -- */

/* Ends those of this database that are none of these */
static void
end_others(const Service *wanted, int n)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MOST_SERVICES; i++)
	{
		Slot *slot = &shared->slots[i];
		bool is_wanted = false;

		for (int k = 0; k < n && !is_wanted; k++)
			is_wanted = is_same(slot, &wanted[k]);
		if (slot->database != MyDatabaseId || is_wanted)
			continue;
		if (runs(slot))
			process_end(SERVICE, MyDatabaseId, i + 1);
		else
			slot->database = InvalidOid;
	}
	LWLockRelease(shared->lock);
}

void
services_keep(void)
{
	static TimestampTz looked = 0;
	TimestampTz now = GetCurrentTimestamp();
	Service *services;
	int n;
	int may = 0;

	if (shared == NULL || !table_is_sound())
		return;
	services = own_structs(service_shape, &n, WANTED);
	if (now > looked + BETWEEN_LOOKS)
	{
		looked = now;
		for (int i = 0; i < n; i++)
			if (may_run(&services[i]))
				services[may++] = services[i];
		n = may;
	}
	end_others(services, n);
	for (int i = 0; i < n; i++)
		start(&services[i]);
}

void
services_end(void)
{
	if (shared)
		end_others(NULL, 0);
}

/* -- those that do nothing -- */

/* One that has never given a sign of life need not, as long as it runs.  0: all is well; else since when it is not */
static TimestampTz
silent_since(const Slot *slot)
{
	TimestampTz since = Max(slot->alive, slot->wanted);

	if (slot->alive == 0 && runs(slot))
		return 0;
	return GetCurrentTimestamp() - since > service_alert * USECS_PER_SEC ? since : 0;
}

/* The same of what is to run, which may have no slot yet */
static TimestampTz
silence_of(const Service *s)
{
	TimestampTz since = 0;

	LWLockAcquire(shared->lock, LW_SHARED);
	for (int i = 0; i < MOST_SERVICES; i++)
		if (is_same(&shared->slots[i], s))
			since = silent_since(&shared->slots[i]);
	LWLockRelease(shared->lock);
	return since;
}

void
services_look(void)
{
	Service *services;
	int n;

	if (shared == NULL)
		return;
	services = own_structs(service_shape, &n, WANTED);
	for (int i = 0; i < n; i++)
	{
		TimestampTz since = 0;

		/* one whose extension is gone is nobody's */
		if (may_run(&services[i]))
			since = silence_of(&services[i]);
		if (since != 0)
			repo_run("SELECT ingest_internal.alert_service($1, $2 * interval '1 s')", arg_text(services[i].name),
					 arg_float8((GetCurrentTimestamp() - since) / USECS_PER_SEC));
		else
			repo_run("SELECT ingest_internal.alert_service($1, NULL)", arg_text(services[i].name));
	}
}

/* service_lives() */
Datum
ingest_service_lives(PG_FUNCTION_ARGS)
{
	if (OidIsValid(my_number) && shared)
	{
		LWLockAcquire(shared->lock, LW_EXCLUSIVE);
		shared->slots[my_number - 1].alive = GetCurrentTimestamp();
		LWLockRelease(shared->lock);
	}
	PG_RETURN_VOID();
}

/* -- a service's process -- */

/*
 * Loads the library that the row names and runs its function there, as the cluster's first superuser: only
 * superusers write such rows
 */
void
ingest_service_main(Datum arg)
{
	Oid database,
		number;
	Slot slot;
	void (*function)(Datum);

	process_enter(arg, &database, &number);
	process_signals();
	LWLockAcquire(shared->lock, LW_SHARED);
	slot = shared->slots[number - 1];
	LWLockRelease(shared->lock);
	my_number = number;
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	SetConfigOption("application_name", slot.name, PGC_USERSET, PGC_S_OVERRIDE);
	pgstat_report_appname(slot.name);
	if (slot.database != database || !process_looks_for_extension())
		proc_exit(0);
	if (slot.wake_on_events)
		(void) wake_enter();
	function = load_external_function(psprintf("$libdir/%s", slot.library), slot.function, true, NULL);
	function((Datum) 0);
	proc_exit(0);
}

/* -- shared memory -- */

/* Room for the slots, asked for while the server starts */
static void
service_request(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Slots)));
	RequestNamedLWLockTranche("ingest services", 1);
}

/* Empty, or what another process made */
static void
service_startup(void)
{
	bool found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("ingest services", sizeof(Slots), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(Slots));
		shared->lock = &(GetNamedLWLockTranche("ingest services"))->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

/* The hooks by which that room is made */
void
service_settings(void)
{
	DefineCustomIntVariable("ingest.service_alert",
							"How long a service may give no sign of life before there is an alert.", NULL,
							&service_alert, 120, 1, INT_MAX / 1000, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	previous_request = shmem_request_hook;
	shmem_request_hook = service_request;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = service_startup;
}
