/*
 * door.c
 *		Who acts: the one room in which somebody becomes somebody else.
 *
 * Functions that write the extension's tables and that users may call are declared with
 * ingest_delivery_door as their C function.  It calls their twin in
 * ingest_delivery_internal, which has the caller as its first argument and runs as the
 * owner of the tables: who asks is taken from here, where nobody can say it for him.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "common/function.h"
#include "common/twin.h"
#include "fmgr.h"
#include "ingest_delivery/door.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

SQL_FUNCTION(ingest_delivery_door);

/* Whoever has not ended a transaction keeps nobody waiting for longer */
#define LONGEST_WAIT_MS 10000
#define LONGEST_WAIT "10s"

static void
become(Oid role, int more, Identity *saved)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->level = NewGUCNestLevel();
	SetUserIdAndSecContext(role, saved->context | SECURITY_LOCAL_USERID_CHANGE | more);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
become_engine(Identity *saved)
{
	HeapTuple tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum("ingest_delivery"));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("the schema ingest_delivery is gone"),
				 errhint("CREATE EXTENSION ingest_delivery.")));
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	become(owner, 0, saved);
}

void
become_owner(Oid owner, Identity *saved)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(owner)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the owner of the sink does not exist any more"),
				 errhint("Drop the sink; a role that may read its events makes it again.")));
	become(owner, SECURITY_RESTRICTED_OPERATION, saved);
}

void
become_again(const Identity *saved)
{
	AtEOXact_GUC(false, saved->level);
	SetUserIdAndSecContext(saved->user, saved->context);
}

/* -- functions -- */

Datum
ingest_delivery_door(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	MemoryContext context = CurrentMemoryContext;
	Identity caller;
	volatile Datum result = (Datum) 0;

	twin_call(fcinfo, call);
	become_engine(&caller);
	if (LockTimeout == 0 || LockTimeout > LONGEST_WAIT_MS)
		(void) set_config_option("lock_timeout", LONGEST_WAIT, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	PG_TRY();
	{
		result = FunctionCallInvoke(call);
	}
	PG_CATCH();
	{
		/* what was done to find out that something is wrong helps nobody who meets the message */
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		error->context = NULL;
		ReThrowError(error);
	}
	PG_END_TRY();
	become_again(&caller);
	fcinfo->isnull = call->isnull;
	return result;
}
