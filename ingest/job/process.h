/*
 * process.h
 *		The engine's processes: who there is, whose turn it is, waking.
 *
 * What they know of each other stands in shared memory, where the library is preloaded.
 * Without it there are sessions that call ingest.work(), each for itself.
 */
#ifndef INGEST_PROCESS_H
#define INGEST_PROCESS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/latch.h"

typedef enum ProcessKind
{
	NOTHING,
	SCHEDULER, /* of a database: knows what is due */
	WORKER,    /* of a database and a role: does that role's jobs */
	UPKEEP,    /* of a database: deletes what nobody needs any more */
	PUBLISHER, /* of a database: says by NOTIFY that there are events */
	SERVICE,   /* of a database: another extension's, by the number that service.c knows it by */
	SESSION,   /* somebody's, in ingest.work() */
	LEAVING    /* gave its place to another one, and is about to go */
} ProcessKind;

/* Entries that one process takes at once, if they are short */
#define MOST_AT_ONCE 16

/* -- settings -- */

extern int max_workers;
extern int naptime;
/* ingest.enabled: whether anything is done by itself in this cluster */
extern bool engine_enabled;

/* -- shared memory -- */

extern Size process_memory(void);
extern void process_memory_begin(void);
extern bool process_launcher_runs(void);
extern void process_launcher_enter(void);

/* -- coming and going -- */

/* Registers a background worker; false if there is no room for one */
extern bool process_start(ProcessKind kind, Oid database, Oid role);
/* Of a background worker that was just started: what it is to be; ends it if its place was given away meanwhile */
extern void process_enter(Datum place, Oid *database, Oid *role);
/* Asks one to end */
extern void process_end(ProcessKind kind, Oid database, Oid role);
/* Of a session; nothing happens without shared memory */
extern void process_session_enter(void);
extern void process_session_leave(void);
extern int process_count(ProcessKind kind, Oid database, Oid role);
/* Workers of a role here that look for something to do, or will when they have started */
extern int process_idle_workers(Oid role);
/* Nobody of ours may be in a database that is dropped, renamed, moved or copied: asks them to go, and waits */
extern void process_make_way(Oid database);
extern void process_signals(void);
/* Between jobs: is the process to end, or are its settings others now? */
extern void process_look_up(void);
/* Until the latch is set or the time is over */
extern void process_nap(long ms);
/* Is the extension here, and of this library's version? */
extern bool process_finds_extension(void);
/* The same in a transaction of its own */
extern bool process_looks_for_extension(void);

/* -- databases without the extension -- */

/* What a scheduler found in its database: where there is no extension it is looked for less and less often */
extern void process_extension_is_here(bool here);
extern bool process_is_without_extension(Oid database);
/* When this transaction commits, there will be one here, and whoever hands out work looks */
extern void process_extension_comes(void);

/* -- waking -- */

/* When this transaction commits, whoever hands out work here looks */
extern void process_wake(void);

/* -- turns -- */

/*
 * Who has waited longest of those whose jobs are most urgent; a minute of waiting counts as much as a point of
 * priority
 */
extern double process_turn(Oid role, int32 source, int priority, double waited_s);
/* A job of this role on this source, 0 for none, was just begun */
extern void process_served(Oid role, int32 source);

/* This worker has done a job: it can work */
extern void process_was_of_use(void);
/* The role's last workers could not: the next one is started later */
extern bool process_rests(Oid role);

typedef struct Demand
{
	Oid database;
	Oid role;
	int priority;      /* of the most urgent one */
	TimestampTz since; /* the oldest waits since */
	int count;         /* jobs that could begin now */
} Demand;

/* The same between owners, in which each worker that one has already counts as a point less */
extern double process_turn_of_owner(const Demand *demand);
/* What waits in this database, for workers of other databases too; replaces what was said before */
extern void process_demand(const Demand *demands, int n);
/*
 * Is another role's job more urgent, or is it its turn, and no worker free? Then this one's place is its, and
 * this one must end.
 */
extern bool process_gives_way(TimestampTz alive_since);

/* -- what was taken and has not begun -- */

/* This process took these entries; none: it is idle */
extern void process_took(const int64 *entries, int n);
/* Begin one: false if it was given to others */
extern bool process_begins(int64 entry);
/*
 * Entries of processes of this database that are at another job for longer than a moment: they are the caller's
 * to free
 */
extern int process_take_back(int64 *entries, int room);

/* -- jobs that do not end -- */

/* This process is at an entry, which that worker took, and should be done with it then; 0: it is done */
extern void process_deadline(int64 entry, int64 worker, TimestampTz deadline);

typedef struct Overdue
{
	int64 entry;
	int64 worker;
} Overdue;

/* Ends workers of this database that are at a job for long after its deadline: what they are at */
extern int process_end_overdue(Overdue *overdue, int room);

#endif /* INGEST_PROCESS_H */
