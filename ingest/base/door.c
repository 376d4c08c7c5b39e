/*
 * door.c
 *		Who acts: the one room in which somebody becomes somebody else.
 *
 * Functions that write the engine's tables and that users may call are declared with
 * ingest_door as their C function.  It calls their twin in ingest_internal, which has
 * the caller as its first argument and runs as the engine: who asks is taken from
 * here, where nobody can say it for him, and the twin decides whether he may.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "common/twin.h"
#include "ingest/base/compat.h"
#include "ingest/base/door.h"
#include "ingest/base/home.h"
#include "ingest/base/sql.h"
#include "ingest/base/words.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

SQL_FUNCTION(ingest_door);

/* -- who -- */

Oid
engine_role(void)
{
	HeapTuple tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum("ingest"));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("the schema ingest is gone"),
				 errhint("CREATE EXTENSION ingest.")));
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * The subtransaction in which an owner became a guest in the session of somebody else.  An error leaves it standing,
 * but whoever goes on after one has ended that subtransaction.
 */
static SubTransactionId guest = InvalidSubTransactionId;

/* A search_path that nobody can put anything into, until become_again */
static void
pin_path(Identity *saved)
{
	saved->level = NewGUCNestLevel();
	(void) set_config_option("search_path", PINNED_PATH, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* A trigger that ran meanwhile may have set another search_path, whose operators would be the engine's */
void
become_engine(Identity *saved)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->guest = guest;
	saved->level = 0;
	SetUserIdAndSecContext(engine_role(), saved->context | SECURITY_LOCAL_USERID_CHANGE);
	if (strcmp(namespace_search_path, PINNED_PATH) != 0)
		pin_path(saved);
}

/*
 * What their triggers and functions set is gone when it is the caller again: no setting of theirs stays in the
 * session
 */
void
become_owner(Oid owner, Identity *saved)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->guest = guest;
	saved->level = NewGUCNestLevel();
	if (owner == saved->user)
		return;
	SetUserIdAndSecContext(owner, saved->context | SECURITY_LOCAL_USERID_CHANGE);
	guest = GetCurrentSubTransactionId();
}

void
become_restricted(Oid owner, Identity *saved)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->guest = guest;
	SetUserIdAndSecContext(owner, saved->context | SECURITY_RESTRICTED_OPERATION);
	pin_path(saved);
}

void
become_again(const Identity *saved)
{
	if (saved->level > 0)
		AtEOXact_GUC(false, saved->level);
	SetUserIdAndSecContext(saved->user, saved->context);
	guest = saved->guest;
}

/* -- what a guest may not do -- */

static ProcessUtility_hook_type previous_utility = NULL;

/* What changes the session, and is not undone with the transaction */
static const char *
changes_session(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_PrepareStmt:
			return "PREPARE";
		case T_DeallocateStmt:
			return "DEALLOCATE";
		case T_DeclareCursorStmt:
			return "DECLARE CURSOR";
		case T_ClosePortalStmt:
			return "CLOSE";
		case T_ListenStmt:
			return "LISTEN";
		case T_UnlistenStmt:
			return "UNLISTEN";
		case T_DiscardStmt:
			return "DISCARD";
		case T_LoadStmt:
			return "LOAD";
		default:
			return NULL;
	}
}

/*
 * Where PostgreSQL's own security-restricted operation cannot hold an owner's triggers and functions, since stages are
 * temporary tables: whose session it is will run what is prepared under a name that its program uses.
 */
static void
door_utility(PlannedStmt *pstmt, const char *query, bool read_only, ProcessUtilityContext context, ParamListInfo params,
			 QueryEnvironment *env, DestReceiver *dest, QueryCompletion *completion)
{
	bool has_guest = guest != InvalidSubTransactionId && IsTransactionState() && SubTransactionIsActive(guest);
	const char *what = has_guest ? changes_session(pstmt->utilityStmt) : NULL;

	if (what)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s is not allowed in triggers and functions of a copy in the session of another role", what),
				 errhint("Have it done by the copy's owner, as a job or after SET ROLE.")));
	if (previous_utility)
		previous_utility(pstmt, query, read_only, context, params, env, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only, context, params, env, dest, completion);
}

/* The next transaction counts its subtransactions from the beginning */
static void
forget_guest(XactEvent event, void *arg)
{
	guest = InvalidSubTransactionId;
}

void
door_begin(void)
{
	RegisterXactCallback(forget_guest, NULL);
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = door_utility;
}

/*
 * Within PG_CATCH: the error again without its context, and in words.  What the engine
 * did to find out that something is wrong helps nobody who meets the message.
 */
void
rethrow_plain(MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	error->context = NULL;
	error_in_words(error);
	ReThrowError(error);
}

/* -- functions -- */

Datum
ingest_door(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	MemoryContext context = CurrentMemoryContext;
	Identity caller;
	volatile Datum result = (Datum) 0;
	int level;

	twin_call(fcinfo, call);
	level = sql_begin();
	(void) home_era();
	SPI_finish();
	become_engine(&caller);
	PG_TRY();
	{
		result = FunctionCallInvoke(call);
	}
	PG_CATCH();
	{
		rethrow_plain(context);
	}
	PG_END_TRY();
	become_again(&caller);
	settings_end(level);
	fcinfo->isnull = call->isnull;
	return result;
}
