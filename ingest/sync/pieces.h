/*
 * pieces.h
 *		Copies of what comes in pieces, such as files: only pieces that are other ones are read.
 */
#ifndef INGEST_PIECES_H
#define INGEST_PIECES_H

#include "ingest/sync/batch.h"

/* Lists them, reads those that are new or others, deletes the rows of those that are gone */
extern bool pieces_run(Batch *b);
/* Those that have rejected rows are to be read again, for batch_step() */
extern void pieces_reject_again(void *arg);
/* What the next run would do with how many pieces */
extern Rows *pieces_explained(Sync *s);

#endif /* INGEST_PIECES_H */
