/*
 * changes.h
 *		What changed since the last run: by the source's clock, and by its feed of deletions.
 */
#ifndef INGEST_CHANGES_H
#define INGEST_CHANGES_H

#include "ingest/sync/batch.h"

/* Is there a feed of deletions to read, given a clock? */
extern bool changes_has_feed(const Sync *s);
/* What changed since the last run, or since the load began */
extern bool changes_catch_up(Batch *b);

/* An anomaly: the newest cursor there is a time that has not come yet */
extern void changes_tell_ahead(Batch *b, const char *ahead);

#endif /* INGEST_CHANGES_H */
