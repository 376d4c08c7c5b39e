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

#include "access/xact.h"
#include "ingest/base/sql.h"
#include "ingest/event/owner.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

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

bool
event_owner_is_known(Oid role)
{
	return list_member_oid(known, role);
}

void
event_owner_know(Oid role)
{
	static bool registered = false;
	MemoryContext old;

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
	old = MemoryContextSwitchTo(TopMemoryContext);
	known = lappend_oid(known, role);
	MemoryContextSwitchTo(old);
}
