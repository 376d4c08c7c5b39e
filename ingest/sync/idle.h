/*
 * idle.h
 *		Is there anything to do?
 */
#ifndef INGEST_IDLE_H
#define INGEST_IDLE_H

#include "ingest/sync/sync.h"

/* What an incremental run need not read */
typedef struct Idle
{
	bool changes;
	bool deletions;
} Idle;

/* Before the clock is asked */
extern Idle idle_ask(Sync *sync, bool feed);
/* Once the clock is asked: does it bear out what idle_ask was told? */
extern bool idle_holds(const Sync *sync);

#endif /* INGEST_IDLE_H */
