/*
 * crawl.h
 *		What a source holds, and what changed since the last look.
 */
#ifndef INGEST_CRAWL_H
#define INGEST_CRAWL_H

#include "postgres.h"

#include "ingest/base/attempt.h"

/* In a procedure or a worker: commits after each few tables; false, and why, if it failed */
extern bool crawl(const char *source, char **tables, int n_tables, bool count_rows, Failure *failure);

#endif /* INGEST_CRAWL_H */
