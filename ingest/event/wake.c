/*
 * wake.c
 *		Who is woken when events commit.
 */
#include "postgres.h"

#include "access/xact.h"
#include "ingest/base/compat.h"
#include "ingest/event/wake.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

SQL_FUNCTION(ingest_wake_services);

/* Of all databases of the cluster; whoever finds no place looks by itself now and then */
#define MOST_READERS 128

typedef struct Reader
{
	pg_atomic_uint32 database; /* InvalidOid: free */
	Latch *latch;
} Reader;

typedef struct Readers
{
	LWLock *lock;       /* who enters and leaves */
	pg_atomic_uint32 n; /* places that were ever taken: nobody looks beyond */
	Reader readers[MOST_READERS];
} Readers;

static Readers *shared = NULL;
static Reader *mine = NULL;

static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;

/* -- waking -- */

void
wake_readers(void)
{
	uint32 n = shared ? pg_atomic_read_u32(&shared->n) : 0;

	for (uint32 i = 0; i < n; i++)
	{
		Reader *reader = &shared->readers[i];
		Latch *latch = reader->latch;

		/* a process that left meanwhile leaves its latch to another one, which looks up for nothing */
		if (pg_atomic_read_u32(&reader->database) == MyDatabaseId && latch)
			SetLatch(latch);
	}
}

static bool expected = false; /* in this transaction */

/* Readers look after the commit, when there is something to see */
static void
at_end(XactEvent event, void *arg)
{
	if (expected && event == XACT_EVENT_COMMIT)
		wake_readers();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		expected = false;
}

void
wake_expect(void)
{
	static bool registered = false;

	if (!registered)
		RegisterXactCallback(at_end, NULL);
	registered = true;
	expected = true;
}

/* wake_services(): when this transaction commits, services of this database that wait for events look */
Datum
ingest_wake_services(PG_FUNCTION_ARGS)
{
	wake_expect();
	PG_RETURN_VOID();
}

/* -- who is woken -- */

/* The place is free, and nobody sets a latch that is gone */
static void
wake_leave(int code, Datum arg)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	pg_atomic_write_u32(&mine->database, InvalidOid);
	mine->latch = NULL;
	LWLockRelease(shared->lock);
}

bool
wake_enter(void)
{
	if (shared == NULL || mine)
		return mine != NULL;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (uint32 i = 0; i < MOST_READERS && mine == NULL; i++)
	{
		Reader *reader = &shared->readers[i];

		if (reader->latch)
			continue;
		mine = reader;
		reader->latch = MyLatch;
		pg_atomic_write_u32(&reader->database, MyDatabaseId);
		if (pg_atomic_read_u32(&shared->n) <= i)
			pg_atomic_write_u32(&shared->n, i + 1);
	}
	LWLockRelease(shared->lock);
	if (mine)
		before_shmem_exit(wake_leave, 0);
	return mine != NULL;
}

/* -- shared memory -- */

/* Room for the readers, asked for while the server starts */
static void
wake_request(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Readers)));
	RequestNamedLWLockTranche("ingest readers", 1);
}

/* No readers, or those that another process knows */
static void
wake_startup(void)
{
	bool found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("ingest readers", sizeof(Readers), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(Readers));
		shared->lock = &(GetNamedLWLockTranche("ingest readers"))->lock;
		pg_atomic_init_u32(&shared->n, 0);
		for (int i = 0; i < MOST_READERS; i++)
			pg_atomic_init_u32(&shared->readers[i].database, InvalidOid);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* The hooks by which that room is made */
void
wake_settings(void)
{
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	previous_request = shmem_request_hook;
	shmem_request_hook = wake_request;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = wake_startup;
}
