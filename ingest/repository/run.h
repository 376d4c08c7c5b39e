/*
 * run.h
 *		What is done, how far it is, how it ended.
 */
#ifndef INGEST_RUN_H
#define INGEST_RUN_H

#include "postgres.h"

#include "ingest/base/attempt.h"

typedef struct Run
{
	int64 id;
	const char *kind;
	const char *subject;                              /* the source, sync, table or job that it is about */
	const char *source;                               /* name of the source, or NULL */
	int64 read, inserted, updated, deleted, rejected; /* since the last run_progress */
	const char *left_out;                             /* an array literal; NULL: nothing */
	int64 total_read, total_inserted, total_updated, total_deleted, total_rejected;
} Run;

/* The job that the worker is at, for runs that it begins; 0: none */
extern int64 run_job;
extern int run_attempt;

extern Run *run_begin(const char *kind, const char *subject, const char *source, int32 source_id, int32 sync_id);
extern void run_progress(Run *run, const char *phase, int64 expected);
extern void run_log(const Run *run, const char *level, const char *message, const char *detail);
extern void run_succeed(Run *run);
extern void run_fail(Run *run, const Failure *failure);

#endif /* INGEST_RUN_H */
