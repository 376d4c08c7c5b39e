/*
 * outlier.h
 *		Findings of outliers(): each has a condition that selects its rows, and was counted by it.
 */
#ifndef PROFILE_OUTLIER_H
#define PROFILE_OUTLIER_H

#include "postgres.h"

#include "funcapi.h"
#include "ingest_profile/table.h"

#define MOST_FINDINGS 64 /* of a kind */

typedef struct OutlierSearch
{
	ReturnSetInfo *result;
	Profiled *p;
	Sketch *s;
	Oid relation;
	char *column; /* quoted */
	char *text;   /* it as a text whose = is that of bytes */
	double values;
} OutlierSearch;

extern bool outlier_report(OutlierSearch *o, const char *kind, const char *detail, const char *where, double most);
extern char *outlier_equals(const OutlierSearch *o, const char *text);
extern char *outlier_text_in_c(const OutlierSearch *o);
extern bool outlier_special_number(double x);

/* far.c: numbers and dates */
extern void outlier_far_values(OutlierSearch *o);
/* crowd.c: many of them, and what made them */
typedef struct Scaled Scaled;
/* spelling.c: texts that are nearly others */
extern void outlier_spellings(OutlierSearch *o);
/* disguise.c: shapes, units and what stands for a missing value */
extern void outlier_shapes(OutlierSearch *o);
extern void outlier_forms(OutlierSearch *o);
extern void outlier_placeholders(OutlierSearch *o);
/* dependency.c: what another column says */
extern void outlier_dependencies(OutlierSearch *o);

#endif /* PROFILE_OUTLIER_H */
