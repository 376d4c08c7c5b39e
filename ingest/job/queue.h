/*
 * queue.h
 *		Jobs to be done: taking them, giving them back.
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
/* The same lock, after all locks of the session went */
extern void queue_worker_again(int64 worker);
extern void queue_worker_end(int64 worker);
/* Up to so many entries of the current user, one if it works on a source; of one job only if that is not 0 */
extern int queue_take(int64 worker, int64 only_job, Entry *entries, int room);
/* Done: false if it is not ours any more */
extern bool queue_done(const Entry *entry, int64 worker);
/* Failed: later again, or never */
extern void queue_failed(const Entry *entry, int64 worker, const char *name, int max_attempts, const Failure *failure,
						 int64 run);
/* Not done, since something is in use or stands still: later again, as if it had not been tried */
extern void queue_postpone(const Entry *entry, int64 worker, const char *reason);
/* Not begun: whoever is next may have them */
extern void queue_release(const int64 *entries, int n, int64 worker);
/* What processes took that are at a long job is free again */
extern void queue_take_back(void);
/* Workers whose job goes on for long after its timeout are told to end, which queue_care writes down when they have */
extern void queue_end_overdue(void);
/* Entries whose worker is gone are free again; leases of the living are renewed */
extern void queue_care(void);

#endif /* INGEST_QUEUE_H */
