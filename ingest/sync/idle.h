/*
 * idle.h
 *		Is there anything to do?
 */
#ifndef INGEST_IDLE_H
#define INGEST_IDLE_H

#include "ingest/sync/sync.h"

/* What one question told of the time since the watermark */
typedef struct Idle
{
	bool known;     /* it told: this run takes no clock, and the watermark stays */
	bool changes;   /* no row changed */
	bool deletions; /* nothing was deleted, or there is no feed to read */
} Idle;

extern Idle idle_ask(Sync *sync, bool feed);

/* A moment that no feed reaches */
#define IDLE_NO_END "9999-12-30 00:00:00+00"
/* What a run without a clock leaves behind: the next one must ask it */
#define IDLE_CHECKPOINT "clock_at = NULL"

#endif /* INGEST_IDLE_H */
