/*
 * door.c
 *		Who acts for a sink.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "common/function.h"
#include "ingest_delivery/door.h"
#include "miscadmin.h"
#include "utils/syscache.h"

SQL_FUNCTION(ingest_delivery_door);

void
become_owner(Oid owner, Identity *saved)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(owner)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the owner of the sink no longer exists"),
				 errhint("Drop the sink; a role that may read its events can create it again.")));
	become(owner, SECURITY_RESTRICTED_OPERATION, saved);
}

Datum
ingest_delivery_door(PG_FUNCTION_ARGS)
{
	return door_call(fcinfo);
}
