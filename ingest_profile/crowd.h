/*
 * crowd.h
 *		Many values that lie elsewhere than the others do, and what made them.
 */
#ifndef PROFILE_CROWD_H
#define PROFILE_CROWD_H

#include "postgres.h"

#include "ingest_profile/outlier.h"

#define CROWD_SHARE 0.32 /* of the values; more are a kind of their own */

/* Values in order with the rows that they stand for, as logarithms if they are judged so */
typedef struct Scaled
{
	int n;
	double *x;
	double *rows;
	double total;
	bool logs;
} Scaled;

#define CROWD_BELOW 1
#define CROWD_ABOVE 2

extern double scaled_quantile(const Scaled *s, double q);
extern Scaled scaled_part(const Scaled *s, double low, double high);
extern double scaled_tail_bound(const Scaled *s, bool above);
extern bool far_report(OutlierSearch *o, const Scaled *s, bool above, double bound, const char *kind, const char *method, double most);
extern bool far_is_other_range(const OutlierSearch *o, const Scaled *s, const Scaled *far);
extern char *far_literal(const OutlierSearch *o, double x);

extern int crowd_report(OutlierSearch *o, const Scaled *s, double low, double high, bool units);
extern bool crowd_around_constant(OutlierSearch *o, const Distribution *d);
extern bool crowd_off_sequence(OutlierSearch *o, const Distribution *d);

#endif /* PROFILE_CROWD_H */
