/*
 * stats.c
 *		What all backends asked of each server, day by day.
 */
#include "postgres.h"

#include "common/function.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "netsuite_fdw/compat.h"
#include "netsuite_fdw/governor.h"
#include "netsuite_fdw/option.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(netsuite_stats);

#define N_COLUMNS 9

/* The account's slots, as they are now; null for a day that is over */
static void
add_slots(const Tally *t, Datum *values, bool *nulls)
{
	const ServerOptions *o = server_options(t->server);
	AccountKey key = governor_account(o->base_url, o->account);
	int in_use = 0;
	int slots = governor_allowed(&key, o->max_concurrency, &in_use);
	bool now = t->day == (int32) (GetCurrentTimestamp() / USECS_PER_DAY) && slots >= 0;

	values[7] = Int32GetDatum(in_use);
	values[8] = Int32GetDatum(slots);
	nulls[7] = nulls[8] = !now;
}

static void
put_tally(ReturnSetInfo *out, const Tally *t, const char *server)
{
	Datum values[N_COLUMNS];
	bool nulls[N_COLUMNS] = {false};
	NameData name;

	namestrcpy(&name, server);
	values[0] = NameGetDatum(&name);
	values[1] = DateADTGetDatum(t->day);
	values[2] = Int64GetDatum(t->requests);
	values[3] = Int64GetDatum(t->retries);
	values[4] = Int64GetDatum(t->refusals);
	values[5] = Int64GetDatum(t->bytes);
	values[6] = Float8GetDatum(t->waited_us / 1000000.0);
	add_slots(t, values, nulls);
	tuplestore_putvalues(out->setResult, out->setDesc, values, nulls);
}

/* One row per server and day, of servers that the caller may use */
Datum
netsuite_stats(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *out = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell *lc;

	if (!governor_runs())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("netsuite_fdw is not loaded by the server, so nothing is counted for all sessions"),
				 errhint("Add netsuite_fdw to shared_preload_libraries and restart PostgreSQL.")));
	InitMaterializedSRF(fcinfo, 0);
	foreach (lc, governor_tallies())
	{
		const Tally *t = lfirst(lc);
		ForeignServer *server = GetForeignServerExtended(t->server, FSV_MISSING_OK);

		if (server != NULL && server_aclcheck(t->server, GetUserId()) == ACLCHECK_OK)
			put_tally(out, t, server->servername);
	}
	return (Datum) 0;
}
