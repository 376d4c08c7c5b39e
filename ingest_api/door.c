/*
 * door.c
 *		Who acts: the one room in which somebody becomes somebody else.
 *
 * Functions that write the extension's tables and that users may call are declared with
 * ingest_api_door as their C function.  It calls their twin in ingest_api_internal, which
 * has the caller as its first argument and runs as the owner of the tables.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_namespace.h"
#include "common/function.h"
#include "common/twin.h"
#include "ingest_api/door.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/syscache.h"

SQL_FUNCTION(ingest_api_door);

/* Whoever has not ended a transaction keeps nobody waiting for longer */
#define LONGEST_WAIT_MS 10000
#define LONGEST_WAIT "10s"

void
become_role(Oid role, Identity *saved)
{
	GetUserIdAndSecContext(&saved->user, &saved->context);
	saved->level = NewGUCNestLevel();
	SetUserIdAndSecContext(role, saved->context | SECURITY_LOCAL_USERID_CHANGE);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
become_engine(Identity *saved)
{
	HeapTuple tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum("ingest_api"));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("the schema ingest_api is gone"),
				 errhint("CREATE EXTENSION ingest_api.")));
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	become_role(owner, saved);
}

void
become_again(const Identity *saved)
{
	AtEOXact_GUC(false, saved->level);
	SetUserIdAndSecContext(saved->user, saved->context);
}

Datum
ingest_api_door(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, FUNC_MAX_ARGS);
	Identity caller;
	Datum result;

	twin_call(fcinfo, call);
	become_engine(&caller);
	if (LockTimeout == 0 || LockTimeout > LONGEST_WAIT_MS)
		(void) set_config_option("lock_timeout", LONGEST_WAIT, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	/* an error takes all of it back, the identity too */
	result = FunctionCallInvoke(call);
	become_again(&caller);
	fcinfo->isnull = call->isnull;
	return result;
}
