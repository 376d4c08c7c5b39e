/*
 * reconcile.h
 *		A copy held against its source: what no feed and no stamp told.
 */
#ifndef INGEST_RECONCILE_H
#define INGEST_RECONCILE_H

#include "ingest/sync/sync.h"

extern bool reconcile_is_due(Sync *sync);
/* Compare ranges of keys, and read again those that differ */
extern void reconcile(Sync *sync, Run *run);
/* May so many rows be gone? */
extern bool reconcile_may_go(Sync *sync, int64 n);
/* Rows of the copy inside a condition on t that the stage has not: gone, unless too many are */
extern void reconcile_delete_missing(Sync *sync, const char *scope);
/* So many rows are there: does the copy lack more than may be gone? Then nothing is deleted in this run */
extern void reconcile_brake(Sync *sync, int64 there);
/* May what was read replace all? */
extern bool reconcile_may_replace(Sync *sync);
extern void reconcile_replace_keyless(Sync *sync);
/* Count the copy */
extern void reconcile_recount(Sync *sync);
/* Counts and sums of keys held against the source's, where that computes them */
extern void reconcile_count(Sync *sync, Run *run, bool changed, bool said_nothing);

#endif /* INGEST_RECONCILE_H */
