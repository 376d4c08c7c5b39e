/*
 * observe.h
 *		A value as it is read from its datum.
 */
#ifndef PROFILE_OBSERVE_H
#define PROFILE_OBSERVE_H

#include "postgres.h"

#include "ingest_profile/sketch.h"

typedef struct Observation
{
	uint64 hash;
	int64 key;
	Datum value;
	const char *text; /* texts and bytes as they are, other types by their output */
	int len;          /* of what is looked at */
	int64 length;     /* bytes, elements of an array; -1: does not apply */
	int64 full;       /* bytes of the whole value */
	Digits digits;
	TextFacts facts;
} Observation;

/* observe.c */
extern void observe(Sketch *s, Datum value, Observation *o);
extern void observe_more(Sketch *s, Observation *o);
extern const char *observed_text(Sketch *s, const Observation *o, int *len);

/* sketch.c: what column.c needs of it */
extern void sketch_count(Sketch *s);
extern void sketch_leave(void *arg, int slot, int64 rows);
extern void sketch_offer(Sketch *s, const Observation *o);
extern void sketch_sample_value(Sketch *s, const Observation *o);
extern void sketch_keep_text(Sketch *s, int slot, const Observation *o);

#endif /* PROFILE_OBSERVE_H */
