/*
 * sketch.h
 *		Everything worth knowing about a column, in bounded memory.
 */
#ifndef PROFILE_SKETCH_H
#define PROFILE_SKETCH_H

#include "postgres.h"

#include "ingest_profile/distinct.h"
#include "ingest_profile/extreme.h"
#include "ingest_profile/frequent.h"
#include "ingest_profile/moments.h"
#include "ingest_profile/pattern.h"
#include "ingest_profile/quantile.h"
#include "ingest_profile/sample.h"
#include "ingest_profile/type.h"

#define GIANT_BYTES (256 * 1024) /* of a value that are looked at */

typedef struct Sketch
{
	MemoryContext context;
	ColumnType type;
	bool outdated; /* written when different values of its type could have the same hash */
	int64 rows;
	int64 nulls;
	Set set;
	struct Grid *grid; /* the set's counters while rows are counted; NULL: they are in the set */
	struct Held *held; /* values that are not counted yet; NULL: none */
	Hll *hll;          /* these three from the moment on when the set */
	Kll *kll;          /* cannot hold every value any more; */
	Sample *sample;    /* kll only if the class has keys */
	Moments moments;
	Patterns *patterns; /* texts; lengths only of bytes, arrays and documents */
	Extreme min;
	Extreme max;
	Extreme shortest;
	Extreme longest;
} Sketch;

extern Sketch *sketch_new(MemoryContext context, Oid typid, Oid collation);
extern void sketch_add(Sketch *s, Datum value);
extern void sketch_settle(Sketch *s);
extern void sketch_rank_entry(Sketch *s, Entry *e);
extern void sketch_merge(Sketch *into, Sketch *from);
extern uint64 sketch_hash_of_key(ValueClass class, int64 key);
extern char *sketch_entry_text(const Sketch *s, const Entry *entry);

/* form.c: as it is stored and sent */
extern bytea *sketch_write(Sketch *s);
extern Sketch *sketch_read(const char *data, Size len, MemoryContext context);
extern bytea *sketch_write_whole(Sketch *s);
extern Sketch *sketch_read_whole(const char *data, Size len, MemoryContext context);
extern Sketch *sketch_of_datum(Datum value);
extern void sketch_require_current(const Sketch *s);

/* What follows from the parts */
extern double sketch_distinct(const Sketch *s, double *error);
extern Distribution sketch_distribution(Sketch *s);
extern Sample *sketch_sample(Sketch *s);

#endif /* PROFILE_SKETCH_H */
