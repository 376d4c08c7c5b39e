/*
 * load.h
 *		Reading everything: first loads, reloads, full replacement, columns that came.
 */
#ifndef INGEST_LOAD_H
#define INGEST_LOAD_H

#include "ingest/sync/batch.h"

/* Begins a load, or goes on with one that was interrupted */
extern bool load_run(Batch *b);
/* Older rows that have a value in a column that came: no stamp tells of them */
extern bool load_new_columns(Batch *b);

#endif /* INGEST_LOAD_H */
