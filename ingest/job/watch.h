/*
 * watch.h
 *		Sources that say when something may have changed.
 */
#ifndef INGEST_WATCH_H
#define INGEST_WATCH_H

#include "ingest/base/attempt.h"

/* Listens to a source for a while, and enqueues its syncs; inside a procedure or a worker */
extern bool watch_for_a_while(const char *source, Failure *failure);

#endif /* INGEST_WATCH_H */
