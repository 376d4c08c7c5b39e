/*
 * owner.c
 *		Names of those whose events are in the outbox.
 *
 * A number means another role, or none, after a restore, and a name in each event
 * would make each larger and had to follow when a role is renamed.  So names are in a
 * table of their own, with a row for each role whose events there are, and a session asks
 * once for each role, not for each event.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "ingest/base/sql.h"
#include "ingest/event/owner.h"
#include "nodes/pg_list.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Roles of which this session knows that their names are kept */
static List *known = NIL;
static bool known_is_new = false; /* of one of them since this transaction */

void
event_owners_forget(void)
{
	list_free(known);
	known = NIL;
}

/* What an aborted transaction wrote is not there, and what a prepared one did may not come to be */
static void
owners_at_end(XactEvent event, void *arg)
{
	if (known_is_new && (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE))
		event_owners_forget();
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		known_is_new = false;
}

/* Nor what an aborted subtransaction did */
static void
owners_at_savepoint(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (known_is_new && event == SUBXACT_EVENT_ABORT_SUB)
		event_owners_forget();
}

/* A session asks once for each role, and has better things to do than to plan a statement for it */
static bool
is_written(Oid role)
{
	Oid relid = get_relname_relid("event_owner", get_namespace_oid("ingest", false));
	Relation rel;
	Snapshot now;
	ScanKeyData key;
	SysScanDesc scan;
	bool found;

	if (!OidIsValid(relid))
		return false;
	rel = table_open(relid, AccessShareLock);
	now = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(rel, InvalidOid, false, now, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	UnregisterSnapshot(now);
	table_close(rel, AccessShareLock);
	return found;
}

/* From now on */
static void
owner_is_known(Oid role)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	known = lappend_oid(known, role);
	MemoryContextSwitchTo(old);
}

bool
event_owner_is_known(Oid role)
{
	if (list_member_oid(known, role))
		return true;
	if (!is_written(role))
		return false;
	owner_is_known(role);
	return true;
}

void
event_owner_know(Oid role)
{
	static bool registered = false;

	if (event_owner_is_known(role))
		return;
	if (!registered)
	{
		RegisterXactCallback(owners_at_end, NULL);
		RegisterSubXactCallback(owners_at_savepoint, NULL);
	}
	registered = true;
	known_is_new = true;
	repo_run("SELECT ingest_internal.event_owner_know($1)", arg_oid(role));
	owner_is_known(role);
}
