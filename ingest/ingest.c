/*
 * ingest.c
 *		The library: settings, the launcher, and what guests may not do.
 */
#include "postgres.h"

#include "fmgr.h"
#include "ingest/base/door.h"
#include "ingest/event/event.h"
#include "ingest/job/launcher.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	door_begin();
	/* the last one says that there are no more settings */
	event_settings();
	launcher_settings();
}
