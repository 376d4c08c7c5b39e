/*
 * job.h
 *		What a job does.
 */
#ifndef INGEST_JOB_H
#define INGEST_JOB_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Work on the current user's entries until there are none: how many.  only_job: of that one alone, 0 for any */
extern int64 jobs_work(int64 only_job, int64 limit);
/*
 * The same as a background worker, which is clean after each job; true: it gave its place to another role's and
 * must end
 */
extern bool jobs_work_by_turns(TimestampTz alive_since, int64 *done);

#endif /* INGEST_JOB_H */
