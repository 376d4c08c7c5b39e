/*
 * piece.h
 *		One piece of a copy.
 */
#ifndef INGEST_PIECE_H
#define INGEST_PIECE_H

#include "ingest/sync/batch.h"

/* One that is to be read */
typedef struct Piece
{
	char *piece;
	char *version; /* as it was listed */
	char *extent;  /* likewise, or NULL */
	int64 bytes;
	bool was_here;     /* rows of it may be in the copy */
	char *read_extent; /* and as it is here, or NULL */
	char *prefix;
	/* what became of it */
	bool is_read, is_part, went_straight;
	int64 rows, rejected;
	char *new_prefix;
} Piece;

/* What an error of reading a piece means */
typedef enum PieceFault
{
	PIECE_FAILED, /* of this piece alone */
	PIECE_WAITS,  /* somebody is at work on it: the next run */
	PIECE_DRIFTS, /* the table is to be crawled: others first */
	PIECE_ENDS    /* no piece could be read */
} PieceFault;

extern PieceFault piece_fault(const Failure *failure);
/* Into the stage, or straight into the copy; an error if it cannot be read */
extern void piece_read(Sync *s, Piece *piece);
/* It is here: written down */
extern void piece_done(const Sync *s, const Run *run, const Piece *piece);
/* It could not be read: written down and told; one of many needs no anomaly of its own */
extern void piece_failed(Sync *s, Run *run, const Piece *piece, const Failure *failure, PieceFault fault,
						 bool with_anomaly);

#endif /* INGEST_PIECE_H */
