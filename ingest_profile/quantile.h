/*
 * quantile.h
 *		Quantiles of 64-bit keys: KLL with a sampler below.
 */
#ifndef PROFILE_QUANTILE_H
#define PROFILE_QUANTILE_H

#include "postgres.h"

#include "ingest_profile/bytes.h"

#define KLL_SIZE 400
#define KLL_LEVELS 10

typedef struct KllLevel
{
	int n;
	int allocated;
	int64 *items;
} KllLevel;

/*
 * Items of level i stand for 2^(shift + i) values each.  Below level 0 one of
 * every 2^shift values is taken, whichever it may be.
 */
typedef struct Kll
{
	MemoryContext context;
	int shift;
	int nlevels;
	KllLevel levels[KLL_LEVELS];
	int64 total;     /* weight of all values */
	int64 candidate; /* of the block that is being sampled ... */
	int64 pending;   /* ... and the weight that it stands for */
	uint64 random;
} Kll;

/* Keys with their weights, in order */
typedef struct Weighted
{
	int64 key;
	double weight;
} Weighted;

typedef struct Distribution
{
	int n;
	Weighted *items;
	double total;
} Distribution;

extern Kll *kll_new(MemoryContext context, uint64 seed);
extern void kll_add(Kll *kll, int64 key, int64 weight);
extern void kll_add_many(Kll *kll, const int64 *keys, int n);
extern void kll_merge(Kll *into, const Kll *from);
extern Distribution kll_distribution(const Kll *kll, int room);
extern void kll_write(StringInfo out, const Kll *kll);
extern Kll *kll_read(Reader *in, MemoryContext context);
extern void distribution_sort(Distribution *d);
extern int64 distribution_quantile(const Distribution *d, double q);
extern double distribution_below(const Distribution *d, int64 key, bool inclusive);

#endif /* PROFILE_QUANTILE_H */
