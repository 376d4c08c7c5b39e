/*
 * consumer.h
 *		Reading between two snapshots, wherever the position is kept.
 */
#ifndef INGEST_CONSUMER_H
#define INGEST_CONSUMER_H

#include "postgres.h"

#include "tcop/dest.h"
#include "utils/tuplestore.h"

/* A row of ingest.subscription: its columns say what each is */
typedef struct Position
{
	int32 era;
	char *seen;
	char *open;
	int64 last_id;
	int64 final_id;
	int32 floor_era;
	int64 floor_id;
	int32 next_era;
	char *next_xid;
	int64 next_id;
	int64 drawn_id;
	char *types;
	Oid owner;
	/* not of the row: */
	int32 last_era; /* of the cluster that the era is of */
	bool is_here;   /* and that cluster is this one */
	bool moved;     /* from what is stored */
	bool carried;   /* by the reader, see place.c */
} Position;

/* Rows go into the caller's result, and nowhere else */
typedef struct Receiver
{
	DestReceiver pub;
	Tuplestorestate *store;
	int64 last_id;
} Receiver;

extern void receive_startup(DestReceiver *self, int operation, TupleDesc desc);
extern void receive_end(DestReceiver *self);

/* Which eras belong to the same cluster */
extern void position_place(Position *p, int32 now);
/* Finds the next events, moves the position there: false if there are none */
extern bool position_find(Position *p, int32 now, int64 limit, Receiver *receiver);

/* A snapshot as text that sees no more, and that a place can hold */
extern char *place_snapshot(const char *snapshot);

#endif /* INGEST_CONSUMER_H */
