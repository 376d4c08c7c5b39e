/*
 * lock.h
 *		Locks of the engine's own, which nobody else can take.
 *
 * Advisory locks are anybody's.  These are locks on objects of a class that only the
 * engine's C knows how to name: the table ingest.installation, with a number and a kind.
 */
#ifndef INGEST_LOCK_H
#define INGEST_LOCK_H

#include "postgres.h"

typedef enum LockKind
{
	LOCK_CRAWL = 1, /* a source is being crawled: its number */
	LOCK_SYNC,      /* a group of syncs is being run: its root's number */
	LOCK_WORKER,    /* a worker lives: its number */
	LOCK_TAKE,      /* who takes jobs on sources, one at a time: 0 */
	LOCK_PARTITION, /* who makes the days of the history, one at a time: 0 */
	LOCK_RUN,       /* a run is under way: its number */
	LOCK_EXPORT     /* an export is being run: its number */
} LockKind;

/* Until it is released or the session ends; false if somebody has it */
extern bool session_lock(LockKind kind, uint32 id);
extern void session_unlock(LockKind kind, uint32 id);
/* By whomever */
extern bool session_lock_is_held(LockKind kind, uint32 id);
/* Until the transaction ends; waits */
extern void transaction_lock(LockKind kind, uint32 id);
/* The class by which pg_locks shows them: classid; objid is the number, objsubid the kind */
extern Oid lock_class(void);

#endif /* INGEST_LOCK_H */
