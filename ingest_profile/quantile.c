/*
 * quantile.c
 *		KLL (Karnin, Lang, Liberty: Optimal quantile approximation in streams,
 *		2016), at most KLL_LEVELS levels high: what would lie below them is
 *		replaced by sampling one of every 2^shift values.
 *
 * The top level holds KLL_SIZE items, each level below two thirds of the one
 * above.  A full level is sorted, and every other item, the odd or the even
 * ones, moves up with twice the weight.  Rank error at most 0.9 % of the rows
 * over all ranks with 99 % confidence.
 */
#include "postgres.h"

#include <math.h>

#include "ingest_profile/hash.h"
#include "ingest_profile/quantile.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#define ST_SORT sort_keys
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_weighted
#define ST_ELEMENT_TYPE Weighted
#define ST_COMPARE(a, b) ((a)->key < (b)->key ? -1 : (a)->key > (b)->key)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static int
capacity(const Kll *kll, int level)
{
	static const int of_depth[KLL_LEVELS] = {KLL_SIZE, 266, 178, 118, 80, 52, 36, 24, 16, 10};

	return of_depth[kll->nlevels - 1 - level];
}

Kll *
kll_new(MemoryContext context, uint64 seed)
{
	Kll *kll = MemoryContextAllocZero(context, sizeof(Kll));

	kll->context = context;
	kll->nlevels = 1;
	kll->random = seed;
	return kll;
}

static void
push(Kll *kll, int level, int64 key)
{
	KllLevel *l = &kll->levels[level];

	if (l->n == l->allocated)
	{
		int n = Max(64, l->allocated * 2);

		if (l->items == NULL)
			l->items = MemoryContextAlloc(kll->context, n * sizeof(int64));
		else
			l->items = repalloc(l->items, n * sizeof(int64));
		l->allocated = n;
	}
	l->items[l->n++] = key;
}

/* Half of a level moves up; an odd item stays */
static void
halve(Kll *kll, int level)
{
	KllLevel *l = &kll->levels[level];
	int n = l->n & ~1;
	int odd = (int) (random_next(&kll->random) & 1);

	sort_keys(l->items, l->n);
	for (int i = 0; i < n; i += 2)
		push(kll, level + 1, l->items[i + odd]);
	if (l->n > n)
		l->items[0] = l->items[n];
	l->n -= n;
}

static void add_light(Kll *kll, int64 key, int64 weight);

/* The lowest level goes: its items are sampled from now on */
static void
drop_lowest(Kll *kll)
{
	KllLevel lowest = kll->levels[0];

	for (int i = 0; i + 1 < kll->nlevels; i++)
		kll->levels[i] = kll->levels[i + 1];
	memset(&kll->levels[kll->nlevels - 1], 0, sizeof(KllLevel));
	kll->nlevels = Max(kll->nlevels - 1, 1);
	kll->shift++;
	for (int i = 0; i < lowest.n; i++)
		add_light(kll, lowest.items[i], INT64CONST(1) << (kll->shift - 1));
	if (lowest.items)
		pfree(lowest.items);
}

/* Make every level fit */
static void
kll_compact(Kll *kll)
{
	for (;;)
	{
		int level = 0;

		while (level < kll->nlevels && kll->levels[level].n < capacity(kll, level))
			level++;
		if (level == kll->nlevels)
			return;
		if (level + 1 == kll->nlevels)
		{
			if (kll->nlevels == KLL_LEVELS)
			{
				drop_lowest(kll);
				continue;
			}
			kll->nlevels++;
		}
		halve(kll, level);
	}
}

/* Weight below that of level 0: one of the values of a block stands for all */
static void
add_light(Kll *kll, int64 key, int64 weight)
{
	int64 block = INT64CONST(1) << kll->shift;
	int64 sum = kll->pending + weight;

	if (sum <= block)
	{
		if (kll->pending == 0 || (int64) (random_next(&kll->random) % (uint64) sum) < weight)
			kll->candidate = key;
		kll->pending = sum;
		if (sum == block)
		{
			kll->pending = 0;
			push(kll, 0, kll->candidate);
		}
		return;
	}
	/* the two do not fit together: the heavier goes up, as often as its share says */
	if (weight > kll->pending)
	{
		int64 heavy = key;

		key = kll->candidate;
		kll->candidate = heavy;
		sum = kll->pending;
		kll->pending = weight;
		weight = sum;
	}
	if ((int64) (random_next(&kll->random) & (uint64) (block - 1)) < kll->pending)
		push(kll, 0, kll->candidate);
	kll->candidate = key;
	kll->pending = weight;
}

void
kll_add(Kll *kll, int64 key, int64 weight)
{
	int level;

	kll->total += weight;
	if (weight == 1 && kll->shift == 0)
		push(kll, 0, key);
	else if (weight < (INT64CONST(1) << kll->shift))
		add_light(kll, key, weight);
	else
	{
		/* by its binary digits */
		while (weight >= (INT64CONST(1) << kll->shift))
		{
			level = pg_leftmost_one_pos64((uint64) weight) - kll->shift;
			while (level >= KLL_LEVELS)
			{
				drop_lowest(kll);
				level--;
			}
			while (level >= kll->nlevels)
				kll->nlevels++;
			push(kll, level, key);
			weight -= INT64CONST(1) << (kll->shift + level);
		}
		if (weight > 0)
			add_light(kll, key, weight);
	}
	if (kll->levels[0].n >= capacity(kll, 0))
		kll_compact(kll);
}

/* Keys of one row each: one random number for as many as belong to one block */
void
kll_add_many(Kll *kll, const int64 *keys, int n)
{
	kll->total += n;
	while (n > 0)
	{
		int64 block = INT64CONST(1) << kll->shift;
		int m = 1;

		if (kll->shift == 0)
			push(kll, 0, keys[0]);
		else
		{
			uint64 random = random_next(&kll->random);
			int64 sum;

			m = (int) Min(block - kll->pending, n);
			sum = kll->pending + m;
			/* any of them is as likely to stand for all as the next */
			random = sum == block ? random & (uint64) (block - 1) : random % (uint64) sum;
			if (random < (uint64) m)
				kll->candidate = keys[random];
			kll->pending = sum;
			if (sum == block)
			{
				kll->pending = 0;
				push(kll, 0, kll->candidate);
			}
		}
		if (kll->levels[0].n >= capacity(kll, 0))
			kll_compact(kll);
		keys += m;
		n -= m;
	}
}

void
kll_merge(Kll *into, const Kll *from)
{
	int64 total = into->total + from->total;

	while (into->shift < from->shift)
		drop_lowest(into);
	for (int i = from->nlevels - 1; i >= 0; i--)
	{
		for (int j = 0; j < from->levels[i].n; j++)
		{
			kll_add(into, from->levels[i].items[j], INT64CONST(1) << (from->shift + i));
			if (into->levels[into->nlevels - 1].n >= capacity(into, into->nlevels - 1))
				kll_compact(into);
		}
	}
	if (from->pending > 0)
		kll_add(into, from->candidate, from->pending);
	kll_compact(into);
	into->total = total;
}

/* -- reading -- */

void
distribution_sort(Distribution *d)
{
	d->total = 0;
	sort_weighted(d->items, d->n);
	for (int i = 0; i < d->n; i++)
		d->total += d->items[i].weight;
}

/* The items, not sorted yet, and room for some more */
Distribution
kll_distribution(const Kll *kll, int room)
{
	Distribution d = {0};
	int n = 1 + room;

	for (int i = 0; i < kll->nlevels; i++)
		n += kll->levels[i].n;
	d.items = palloc(n * sizeof(Weighted));
	for (int i = 0; i < kll->nlevels; i++)
	{
		for (int j = 0; j < kll->levels[i].n; j++)
			d.items[d.n++] = (Weighted){kll->levels[i].items[j], ldexp(1, kll->shift + i)};
	}
	if (kll->pending > 0)
		d.items[d.n++] = (Weighted){kll->candidate, (double) kll->pending};
	return d;
}

/* The least key with at least a share q of the weight at or below it */
int64
distribution_quantile(const Distribution *d, double q)
{
	double wanted = q * d->total;
	double sum = 0;

	for (int i = 0; i < d->n; i++)
	{
		sum += d->items[i].weight;
		if (sum >= wanted && sum > 0)
			return d->items[i].key;
	}
	return d->items[d->n - 1].key;
}

/* Share of the weight below a key, or up to it */
double
distribution_below(const Distribution *d, int64 key, bool inclusive)
{
	double sum = 0;

	for (int i = 0; i < d->n && (d->items[i].key < key || (inclusive && d->items[i].key == key)); i++)
		sum += d->items[i].weight;
	return d->total > 0 ? sum / d->total : 0;
}

/* -- stored form: each level sorted, as differences -- */

void
kll_write(StringInfo out, const Kll *kll)
{
	put_count(out, kll->total);
	put_byte(out, kll->shift);
	put_byte(out, kll->nlevels);
	put_count(out, kll->pending);
	put_signed(out, kll->candidate);
	for (int i = 0; i < kll->nlevels; i++)
	{
		const KllLevel *l = &kll->levels[i];
		uint64 before = 0;

		if (l->n > 0)
			sort_keys(l->items, l->n);
		put_count(out, l->n);
		for (int j = 0; j < l->n; j++)
		{
			/* the first as it is, wrapping; then only steps upwards */
			if (j == 0)
				put_signed(out, l->items[0]);
			else
				put_count(out, (uint64) l->items[j] - before);
			before = (uint64) l->items[j];
		}
	}
}

Kll *
kll_read(Reader *in, MemoryContext context)
{
	Kll *kll = kll_new(context, 0);

	kll->total = take_rows(in);
	kll->shift = take_byte(in);
	kll->nlevels = take_byte(in);
	if (kll->shift > 50 || kll->nlevels < 1 || kll->nlevels > KLL_LEVELS)
		report_damage();
	kll->pending = take_count_to(in, INT64CONST(1) << kll->shift);
	kll->candidate = take_signed(in);
	for (int i = 0; i < kll->nlevels; i++)
	{
		int n = (int) take_count_to(in, 4 * KLL_SIZE);
		uint64 key = 0;

		for (int j = 0; j < n; j++)
		{
			key = j == 0 ? (uint64) take_signed(in) : key + take_count(in);
			push(kll, i, (int64) key);
		}
	}
	kll->random = (uint64) kll->total * HASH_K1 + (uint64) kll->candidate;
	return kll;
}
