/*
 * ingest.c
 *		The library: settings and the launcher.
 */
#include "postgres.h"

#include "fmgr.h"
#include "ingest/event/event.h"
#include "ingest/job/launcher.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	/* the last one says that there are no more settings */
	event_settings();
	launcher_settings();
}
