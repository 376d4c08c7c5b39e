/*
 * batch.h
 *		One transaction of a run: rows, history, events and the checkpoint.
 */
#ifndef INGEST_BATCH_H
#define INGEST_BATCH_H

#include "ingest/base/attempt.h"
#include "ingest/sync/idle.h"
#include "ingest/sync/window.h"

/* keys of changed parents in one query for their children: NetSuite takes 1000 arguments */
#define PARENTS_AT_ONCE 500

/* A range of the key that a load reads; low inclusive, high exclusive, NULL: open */
typedef struct Range
{
	int32 n;
	char *low, *high;
	bool done;
} Range;

typedef struct Batch
{
	Sync *s;
	Run *run;
	Failure failure;
	const char *where;
	const char *operation;
	const char *value;    /* the watermark that the batch reaches */
	const Window *window; /* that it reads */
	int range;
	const char *low, *high;
	bool plain; /* a first load into an empty copy */
	Range *ranges;
	int n_ranges;
	char **conditions; /* of ranges of rows that have a value in a column that came */
	int n_conditions;
	Window *windows;
	int n_windows;
	bool long_load; /* so much later that there is more to read */
	Idle idle;      /* what need not be read */
} Batch;

/* One transaction; false: undone, and why is in the batch */
extern bool batch_step(Batch *b, void (*function)(void *));
/* The columns as they are now, and locked as they are until the batch is committed */
extern void batch_enter(Sync *s, Run *run);
/* What a batch did goes to history and events, and its rows' children follow */
extern void batch_settle(Batch *b, const Strings *touched);
/* Assignments to sync_state, with arguments from $3 on; 40001 if another run took over */
extern void batch_checkpoint(Sync *s, const char *assignments, int nargs, const SqlArg *args);
/* Keys of parents that changed are written down for children that do not follow now; what was is done */
extern void batch_owe(const Sync *s, const Strings *parents);
extern void batch_pay_owed(void *arg);
extern void batch_rows_event(Sync *s, Run *run, int64 inserted, int64 updated, int64 deleted);
/* n of the strings as an array of a type, in SQL */
/* The condition that a column has one of n of the strings */
extern char *batch_among(const char *column, const Strings *strings, int from, int n, const char *type);
extern char *batch_array(const Strings *strings, int from, int n, const char *type);

#endif /* INGEST_BATCH_H */
