/*
 * held.h
 *		Deletions that a foreign key of the user's stands in the way of.
 */
#ifndef INGEST_HELD_H
#define INGEST_HELD_H

#include "ingest/sync/sync.h"

/* Once more, when what belongs to the rows was looked at; what then still has to stay is told */
extern void held_delete(Sync *s, Run *run);

#endif /* INGEST_HELD_H */
