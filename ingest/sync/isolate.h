/*
 * isolate.h
 *		The stage into the copy, whatever some of its rows are.
 */
#ifndef INGEST_ISOLATE_H
#define INGEST_ISOLATE_H

#include "ingest/sync/merge.h"

/* Rows that do not fit are rejected one by one; operation: what new rows are in history */
extern void merge_stage(Copy *copy, const char *operation);

#endif /* INGEST_ISOLATE_H */
