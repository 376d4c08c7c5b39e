/*
 * reading.h
 *		The rows of heaps, block by block, into one sketch for each column.
 */
#ifndef PROFILE_READING_H
#define PROFILE_READING_H

#include "postgres.h"

#include "access/tableam.h"
#include "ingest_profile/sketch.h"
#include "storage/buf.h"

#define MOST_PINS 16 /* half of the ring of buffers that reads of large tables go through */

/* One column while it is read */
typedef struct ReadColumn
{
	Sketch *sketch;
	AttrNumber attnum; /* in the relation that is being read */
	int n;
	Datum *values;
} ReadColumn;

typedef struct Reading
{
	int n;
	ReadColumn *columns;
	int64 rows;
	int in_block;
	int npins;
	int most_pins;
	Buffer pins[MOST_PINS];
	MemoryContext block; /* what a block's values need: reset with it */
} Reading;

/* What is known of a column before anything is read */
typedef struct ReadType
{
	Oid typid;
	Oid collation;
} ReadType;

extern void reading_begin(Reading *r, const ReadType *types, int n, MemoryContext context);
extern void reading_relation(Reading *r, Relation rel, const AttrNumber *attnums, TableScanDesc scan);

#endif /* PROFILE_READING_H */
