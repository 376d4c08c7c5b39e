/*
 * publish.c
 *		The process that says by NOTIFY that there are events.
 *
 * It does nothing else: whoever listens is told within milliseconds, however long the
 * scheduler looks at its queue or waits for a lock or a disk.  The scheduler starts it;
 * where there is no room for it, the transactions that wrote the events say it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "ingest/event/publisher.h"
#include "ingest/job/process.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/snapmgr.h"

extern PGDLLEXPORT void ingest_publisher_main(Datum arg);

/* How often it looks whether the extension is still there */
#define BETWEEN_LOOKS_MS 10000

/* The process of a database that says that there are events, as long as the extension is there */
void
ingest_publisher_main(Datum arg)
{
	Oid database,
		role;

	process_enter(arg, &database, &role);
	process_signals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	if (!process_looks_for_extension())
		proc_exit(0);
	publisher_enter();
	do
		publisher_say_for(BETWEEN_LOOKS_MS);
	while (process_looks_for_extension());
	proc_exit(0);
}
