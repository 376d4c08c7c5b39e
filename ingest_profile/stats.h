/*
 * stats.h
 *		Reading a sketch: figures under plain names, and lists.
 */
#ifndef PROFILE_STATS_H
#define PROFILE_STATS_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "ingest_profile/sketch.h"
#include "funcapi.h"

typedef struct Figure
{
	const char *name;
	char *text; /* NULL: does not apply */
} Figure;

#define FIGURES 96

typedef struct Figures
{
	int n;
	Figure items[FIGURES];
} Figures;

typedef struct TopValue
{
	char *text;
	int64 count; /* at least */
	int64 most;  /* at most */
} TopValue;

extern void figures_put(Figures *f, const char *name, char *text);
extern char *figure_of(const Figures *f, const char *name);
extern void sketch_figures(Sketch *s, const char *column, const char *schema, Figures *f);
/* The schema of the function that was called, quoted */
extern char *extension_schema(FunctionCallInfo fcinfo);
extern HeapTuple figures_tuple(const Figures *f, AttInMetadata *meta);
extern TopValue *sketch_top(Sketch *s, int wanted, int *n);
extern char *sketch_quantile_text(Sketch *s, const Distribution *d, double q);
extern char *number_text(double value);
extern Datum text_or_null(const char *text, bool *null);
/* How many rows an argument asks for, which is at least one */
extern int wanted_rows(FunctionCallInfo fcinfo, int arg, const char *what);

#endif /* PROFILE_STATS_H */
