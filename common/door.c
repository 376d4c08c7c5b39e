/*
 * door.c
 *		Who acts.
 *
 * EXTENSION_NAME, from the control file, comes from the Makefile of the extension that
 * this is compiled for.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "common/door.h"
#include "common/twin.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/* Whoever has not ended a transaction keeps nobody waiting for longer */
#define LONGEST_WAIT_MS 10000
#define LONGEST_WAIT "10s"

#define PATH "pg_catalog, pg_temp"

void
become(Oid role, int more, Identity *saved)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->level = NewGUCNestLevel();
	SetUserIdAndSecContext(role, saved->context | SECURITY_LOCAL_USERID_CHANGE | more);
	/* who was within it already pays nothing */
	if (strcmp(namespace_search_path, PATH) != 0)
		(void) set_config_option("search_path", PATH, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
become_engine(Identity *saved)
{
	HeapTuple tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum(EXTENSION_NAME));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("the schema " EXTENSION_NAME " is gone"),
				 errhint("CREATE EXTENSION " EXTENSION_NAME ".")));
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	become(owner, 0, saved);
}

void
become_again(const Identity *saved)
{
	AtEOXact_GUC(false, saved->level);
	SetUserIdAndSecContext(saved->user, saved->context);
}

Datum
door_call(FunctionCallInfo fcinfo)
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
