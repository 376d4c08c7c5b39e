/*
 * stage.h
 *		Rows that were read, before they are written.
 */
#ifndef INGEST_STAGE_H
#define INGEST_STAGE_H

#include "ingest/sync/merge.h"

extern void stage_create(Copy *copy);
extern void stage_drop(Copy *copy);
/* Rows of the source under a condition, into the stage: how many */
/* All rows of the source that meet a condition, which may be empty, into a table: an error if some were kept back */
extern int64 stage_read(Copy *copy, const char *into, const char *list, const char *where);
extern int64 stage_fetch(Copy *copy, const char *where);
/* The same, but rows that do not fit are rejected: whole ranges are halved until the row is found */
extern int64 stage_fetch_isolating(Copy *copy, const char *where);
/* How large it is, and what decides how its rows are joined */
extern void stage_analyze(Copy *copy);

#endif /* INGEST_STAGE_H */
