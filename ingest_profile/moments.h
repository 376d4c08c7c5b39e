/*
 * moments.h
 *		Exact sums, and mean, variance, skewness and kurtosis.
 */
#ifndef PROFILE_MOMENTS_H
#define PROFILE_MOMENTS_H

#include "postgres.h"

#include "ingest_profile/bytes.h"
#include "utils/numeric.h"

/* Base-10000 digits of an exact sum, from lowest weight upwards */
#define SUM_LOWEST (-256) /* 1024 decimals */
#define SUM_LARGEST 255   /* 1024 digits before the point, of one number */
#define SUM_HIGHEST 263   /* and room for the carries of all there can be */

/*
 * The exact sum of floats: a fixed-point number as wide as doubles are, in pieces of 32 bits that may overlap until
 * they are carried (Neal, Fast exact summation using small and large superaccumulators, 2015).  So it does not depend
 * on the order, nor on what cancels.
 */
#define FLOAT_PIECES 70
#define FLOAT_UNIT (-1074) /* the exponent of the lowest bit: the least double there is */
#define FLOAT_UNCARRIED (1 << 28)

typedef struct FloatSum
{
	int uncarried; /* numbers since carries were made */
	int64 piece[FLOAT_PIECES];
} FloatSum;

typedef struct Moments
{
	int64 n; /* finite numbers */
	int64 zeros;
	int64 negatives;
	int64 nans;
	int64 infinities;
	bool shifted;
	double shift;     /* what is subtracted, so that powers stay small */
	double power[4];  /* sums of (x - shift) ^ 1 .. 4, but for the last few numbers' */
	double recent[4]; /* and theirs: what rounding takes from a sum grows with how often it is added to */
	int128 integer;   /* exact sum of integers */
	FloatSum *floats; /* NULL: none yet */
	bool inexact;     /* a numeric was too long for the exact sum */
	int lowest;       /* weights in use, if any */
	int highest;
	int64 *digits; /* NULL: none yet */
	int scale;     /* decimals of the sum as shown */
} Moments;

/* What the four sums come to */
typedef struct Central
{
	double n;
	double mean;
	double m2; /* sums of powers about the mean */
	double m3;
	double m4;
} Central;

extern void moments_add(Moments *m, double x, int64 count);
extern void moments_add_many(Moments *m, const double *x, int n);
extern void moments_add_huge(Moments *m, bool negative, int64 count);
extern void moments_add_float(Moments *m, MemoryContext context, double x, int64 count);
extern void moments_add_numeric(Moments *m, MemoryContext context, Numeric value, int64 count);
extern void moments_add_scaled(Moments *m, MemoryContext context, int128 sum, int weight);
extern Central moments_central(const Moments *m);
extern void moments_merge(Moments *into, const Moments *from, MemoryContext context);
extern char *moments_sum_text(const Moments *m);
extern double moments_float_sum(const Moments *m, int *exponent);
extern char *int128_text(int128 value);
extern void moments_write(StringInfo out, const Moments *m);
extern void moments_read(Reader *in, Moments *m, MemoryContext context, int version);

/* Reading a numeric without a call */
typedef struct Digits
{
	bool special; /* NaN or infinite */
	bool nan;
	bool negative;
	int weight;
	int scale;
	int n;
	const char *at; /* n int16, perhaps unaligned */
} Digits;

extern Digits numeric_digits(Numeric value);
extern double digits_to_double(const Digits *d);
extern uint64 digits_hash(const Digits *d);

static inline int
digit_of(const Digits *d, int i)
{
	int16 digit;

	memcpy(&digit, d->at + 2 * i, 2);
	return digit;
}

#endif /* PROFILE_MOMENTS_H */
