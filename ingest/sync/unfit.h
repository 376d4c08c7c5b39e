/*
 * unfit.h
 *		Rows that do not fit into the copy.
 */
#ifndef INGEST_UNFIT_H
#define INGEST_UNFIT_H

#include "ingest/base/attempt.h"
#include "ingest/sync/merge.h"

/* Puts a row aside: its key and what is in it as JSON, as far as they are known */
extern void unfit_reject(Copy *copy, const char *key, const char *content, const Failure *failure);
/* The same for the rows of a SELECT, which gives key and content; how many */
extern int unfit_reject_all(Copy *copy, const char *select, const Failure *failure);
/* An error if too many rows of this run were put aside */
extern void unfit_check(Copy *copy);
extern void unfit_rethrow_unless_data(const Failure *failure);

#endif /* INGEST_UNFIT_H */
