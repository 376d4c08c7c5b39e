/*
 * publisher.c
 *		Who says by NOTIFY that there are events.
 *
 * A transaction that wrote events sets a mark in shared memory when it has committed,
 * and wakes the publisher if it is the first to do so.  The publisher takes the mark
 * away, then says in a transaction of its own which id was drawn last: whoever set the
 * mark before is told of, and whoever sets it later wakes it again.  What is said is
 * a hint.  The mark outlives a publisher, so that the next one says what that one
 * owed.
 *
 * Where none runs the transaction says it itself, once, however many events it wrote.
 * It cannot where it is prepared; COMMIT PREPARED wakes the publisher instead.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "ingest/base/home.h"
#include "ingest/base/sql.h"
#include "ingest/event/outbox.h"
#include "ingest/event/publisher.h"
#include "ingest/event/wake.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* So many databases of a cluster have a publisher; in others the transactions say it themselves */
#define MOST_DATABASES 128
/* Never said more often than this: bounds transactions and the listeners' work, and stays far below 10 ms */
#define BETWEEN_US (2 * INT64CONST(1000))
/* How long the publisher waits after it could not say something */
#define AFTER_FAILURE_MS 1000

typedef struct Board
{
	pg_atomic_uint32 database; /* InvalidOid: free */
	pg_atomic_uint32 marked;   /* 1: there is something to say */
	Latch *latch;              /* of whoever says it; NULL: nobody does now */
} Board;

typedef struct Boards
{
	LWLock *lock; /* who enters and leaves */
	Board boards[MOST_DATABASES];
} Boards;

static Boards *boards = NULL;

typedef enum NotifyMode
{
	NOTIFY_OFF,
	NOTIFY_COMMIT
} NotifyMode;

static const struct config_enum_entry notify_modes[] = {
	{"off", NOTIFY_OFF, false}, {"commit", NOTIFY_COMMIT, false}, {NULL, 0, false}};
static int notify_mode = NOTIFY_COMMIT; /* ingest.notify */

static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;
static ProcessUtility_hook_type previous_utility = NULL;

/* -- shared memory -- */

/* Room for the boards, asked for while the server starts */
static void
boards_request(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Boards)));
	RequestNamedLWLockTranche("ingest publisher", 1);
}

/* Empty boards, or those that another process made */
static void
boards_startup(void)
{
	bool found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	boards = ShmemInitStruct("ingest publisher", sizeof(Boards), &found);
	if (!found)
	{
		memset(boards, 0, sizeof(Boards));
		boards->lock = &(GetNamedLWLockTranche("ingest publisher"))->lock;
		for (int i = 0; i < MOST_DATABASES; i++)
		{
			pg_atomic_init_u32(&boards->boards[i].database, InvalidOid);
			pg_atomic_init_u32(&boards->boards[i].marked, 0);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

/* That of this database, if somebody says what is marked there or has done so */
static Board *
my_board(void)
{
	static int last = 0;

	if (boards == NULL || !OidIsValid(MyDatabaseId))
		return NULL;
	if (pg_atomic_read_u32(&boards->boards[last].database) == MyDatabaseId)
		return &boards->boards[last];
	for (int i = 0; i < MOST_DATABASES; i++)
	{
		if (pg_atomic_read_u32(&boards->boards[i].database) == MyDatabaseId)
		{
			last = i;
			return &boards->boards[i];
		}
	}
	return NULL;
}

/* May be called where nothing may fail: after a commit */
static void
board_mark(Board *board)
{
	Latch *latch;

	if (pg_atomic_exchange_u32(&board->marked, 1) != 0)
		return;
	/* a process that left meanwhile leaves its latch to another one, which looks up for nothing */
	latch = board->latch;
	if (latch)
		SetLatch(latch);
}

/* -- who wrote events -- */

static bool expected = false; /* in this transaction */
static int32 expected_era = 0;

/* A notification's payload: no type and no subject, since everybody hears it */
static char *
what_to_say(int32 era, int64 id)
{
	StringInfoData payload;

	json_open(&payload);
	json_int8(&payload, "era", era);
	json_int8(&payload, "id", id);
	return json_close(&payload);
}

/* Before the commit by NOTIFY where nobody does that for us, after it by the publisher */
static void
at_end(XactEvent event, void *arg)
{
	Board *board;

	if (!expected)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			board = my_board();
			if (notify_mode == NOTIFY_COMMIT && (board == NULL || board->latch == NULL) && event_outbox_is_there())
				Async_Notify(EVENT_CHANNEL, what_to_say(expected_era, event_horizon().id));
			break;
		case XACT_EVENT_COMMIT:
			expected = false;
			board = my_board();
			if (board && notify_mode != NOTIFY_OFF)
				board_mark(board);
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			expected = false;
			break;
		default:
			break;
	}
}

void
publisher_expect(int32 era)
{
	static bool registered = false;

	if (!registered)
		RegisterXactCallback(at_end, NULL);
	registered = true;
	expected = true;
	expected_era = era;
	wake_expect();
}

/* COMMIT PREPARED commits what another session did */
static void
publisher_utility(PlannedStmt *pstmt, const char *query, bool read_only, ProcessUtilityContext context,
				  ParamListInfo params, QueryEnvironment *env, DestReceiver *dest, QueryCompletion *completion)
{
	bool committed_now = IsA(pstmt->utilityStmt, TransactionStmt) &&
						 castNode(TransactionStmt, pstmt->utilityStmt)->kind == TRANS_STMT_COMMIT_PREPARED;
	Board *board;

	if (previous_utility)
		previous_utility(pstmt, query, read_only, context, params, env, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only, context, params, env, dest, completion);
	/* whether it had events nobody knows any more */
	board = committed_now ? my_board() : NULL;
	if (board)
		board_mark(board);
	if (committed_now)
		wake_readers();
}

/* -- who says it -- */

static Board *mine = NULL;

/* The board has no publisher any more */
static void
publisher_leave(int code, Datum arg)
{
	LWLockAcquire(boards->lock, LW_EXCLUSIVE);
	if (mine->latch == MyLatch)
		mine->latch = NULL;
	LWLockRelease(boards->lock);
}

/* Boards of databases that are gone by now: nobody ever says what is marked there */
static void
free_boards(void)
{
	Oid databases[MOST_DATABASES];

	/* no catalogue is read under a lock that those who commit may wait for */
	for (int i = 0; i < MOST_DATABASES; i++)
		databases[i] = pg_atomic_read_u32(&boards->boards[i].database);
	StartTransactionCommand();
	for (int i = 0; i < MOST_DATABASES; i++)
	{
		if (OidIsValid(databases[i]) && SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(databases[i])))
			databases[i] = InvalidOid;
	}
	CommitTransactionCommand();
	LWLockAcquire(boards->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MOST_DATABASES; i++)
	{
		Board *board = &boards->boards[i];

		if (OidIsValid(databases[i]) && board->latch == NULL && pg_atomic_read_u32(&board->database) == databases[i])
			pg_atomic_write_u32(&board->database, InvalidOid);
	}
	LWLockRelease(boards->lock);
}

void
publisher_enter(void)
{
	Board *free_one = NULL;

	if (boards == NULL)
		return;
	free_boards();
	LWLockAcquire(boards->lock, LW_EXCLUSIVE);
	mine = my_board();
	for (int i = 0; i < MOST_DATABASES && mine == NULL; i++)
	{
		Board *board = &boards->boards[i];

		if (pg_atomic_read_u32(&board->database) == InvalidOid)
		{
			free_one = board;
			break;
		}
		/* else one of a database whose publisher has gone, and owes nothing */
		if (board->latch == NULL && pg_atomic_read_u32(&board->marked) == 0)
			free_one = board;
	}
	if (mine == NULL && free_one)
	{
		mine = free_one;
		pg_atomic_write_u32(&mine->database, MyDatabaseId);
		/* what was committed while another database's publisher took the board that was ours is said with the first */
		(void) pg_atomic_exchange_u32(&mine->marked, 1);
	}
	if (mine)
		mine->latch = MyLatch;
	LWLockRelease(boards->lock);
	if (mine)
		before_shmem_exit(publisher_leave, 0);
}

/* In a transaction of its own, whose loss in a crash would lose nothing: listeners were disconnected as well */
static void
say_now(void)
{
	int level;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	level = sql_begin();
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	if (event_outbox_is_there() && home_is_ours())
		Async_Notify(EVENT_CHANNEL, what_to_say(home_era(), event_horizon().id));
	sql_end(level);
	CommitTransactionCommand();
}

/* False if it could not be said, as when a listener that is stuck has filled the queue: the mark stands again */
static bool
say(void)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		say_now();
		done = true;
	}
	PG_CATCH();
	{
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		(void) pg_atomic_exchange_u32(&mine->marked, 1);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return done;
}

void
publisher_say_for(long ms)
{
	static TimestampTz said = 0;
	TimestampTz until = GetCurrentTimestamp() + ms * INT64CONST(1000);

	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		TimestampTz next = until;

		if (mine && pg_atomic_read_u32(&mine->marked) != 0)
		{
			if (now >= said + BETWEEN_US)
			{
				/* first: what is marked from here on is said next time */
				(void) pg_atomic_exchange_u32(&mine->marked, 0);
				said = say() ? now : now + AFTER_FAILURE_MS * INT64CONST(1000);
				continue;
			}
			next = Min(next, said + BETWEEN_US);
		}
		if (now >= until)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Max((next - now + 999) / 1000, 1),
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}

/* -- settings -- */

/* ingest.notify, and the hooks by which boards are made and commits are seen */
void
publisher_settings(void)
{
	DefineCustomEnumVariable(
		"ingest.notify", "Whether NOTIFY announces that there are events.",
		"commit: after the commit by a process of the database, or where none runs, in the transaction. off: never.",
		&notify_mode, NOTIFY_COMMIT, notify_modes, PGC_SUSET, 0, NULL, NULL, NULL);
	wake_settings();
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	previous_request = shmem_request_hook;
	shmem_request_hook = boards_request;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = boards_startup;
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = publisher_utility;
}
