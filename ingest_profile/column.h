/*
 * column.h
 *		Many values of a column at once.
 */
#ifndef PROFILE_COLUMN_H
#define PROFILE_COLUMN_H

#include "postgres.h"

#include "ingest_profile/sketch.h"

#define BLOCK_VALUES 512
#define HELD_VALUES 256
#define HELD_BYTES 16384 /* of values that are not passed by value */

/* Values of one state of an aggregate until there are enough to be added at once */
typedef struct Held
{
	int n;
	int bytes;
	Datum values[HELD_VALUES];
	char data[HELD_BYTES];
} Held;

/* None of them null */
extern void column_add(Sketch *s, const Datum *values, int n);

/* The same, later */
extern void column_hold(Sketch *s, Datum value);
extern void column_release(Sketch *s);

#endif /* PROFILE_COLUMN_H */
