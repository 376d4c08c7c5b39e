/*
 * job.h
 *		What a job does.
 */
#ifndef INGEST_JOB_H
#define INGEST_JOB_H

#include "postgres.h"

/* Work on the current user's entries until there are none: how many.  only_job: of that one alone, 0 for any */
extern int64 jobs_work(int64 only_job, int64 limit);

#endif /* INGEST_JOB_H */
