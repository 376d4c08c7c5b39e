/*
 * queue.h
 *		Jobs to be done: taking them, giving them back, breakers.
 */
#ifndef INGEST_QUEUE_H
#define INGEST_QUEUE_H

#include "postgres.h"

#include "ingest/base/attempt.h"

typedef struct Entry
{
	int64 id;
	int64 job;
	int32 source; /* 0: none */
	int attempts;
} Entry;

/* A number that others can see is alive: a lock of the session */
extern int64 queue_worker(void);
extern void queue_worker_end(int64 worker);
/* Up to so many entries of the current user; of one job only if that is not 0 */
extern int queue_take(int64 worker, int64 only_job, Entry *entries, int room);
/* Done: false if it is not ours any more */
extern bool queue_done(const Entry *entry, int64 worker);
/* Failed: later again, or never */
extern void queue_failed(const Entry *entry, int64 worker, const char *name, int max_attempts, const Failure *failure, int64 run);
extern void queue_release(const Entry *entry, int64 worker);
/* How a job on a source went, for its breaker: NULL, well */
extern void breaker_note(int32 source, const Failure *failure);
/* Entries whose worker is gone are free again; leases of the living are renewed */
extern void queue_care(void);
extern int queue_due(void);

#define LEASE "30 s"

#endif /* INGEST_QUEUE_H */
