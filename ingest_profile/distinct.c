/*
 * distinct.c
 *		HyperLogLog.
 *
 * The estimator is Otmar Ertl's "improved raw estimator" (New cardinality
 * estimation algorithms for HyperLogLog sketches, 2017): no tables of bias, no
 * thresholds.
 */
#include "postgres.h"

#include <math.h>

#include "ingest_profile/distinct.h"

static uint8
least_register(const Hll *hll)
{
	uint8 least = HLL_LARGEST;

	for (int i = 0; i < HLL_REGISTERS; i++)
		least = Min(least, hll->registers[i]);
	return least;
}

/* Once all registers are high, most hashes can be told to raise none without a look at it */
void
hll_add_many(Hll *hll, const uint64 *hashes, int n)
{
	uint64 most;

	hll->added += n;
	if (hll->added > HLL_REGISTERS)
	{
		hll->least = least_register(hll);
		hll->added = 0;
	}
	/* a rank above least has at least so many zeros in front; a branch that goes either way often would cost more */
	most = hll->least < 3 ? PG_UINT64_MAX : PG_UINT64_MAX >> hll->least;
	for (int i = 0; i < n; i++)
	{
		if (hashes[i] << HLL_BITS <= most)
			hll_add(hll, hashes[i]);
	}
}

void
hll_merge(Hll *into, const Hll *from)
{
	for (int i = 0; i < HLL_REGISTERS; i++)
		into->registers[i] = Max(into->registers[i], from->registers[i]);
}

static double
sigma(double x)
{
	double y = 1;
	double z = x;
	double before;

	if (x == 1)
		return HUGE_VAL;
	do
	{
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z != before);
	return z;
}

static double
tau(double x)
{
	double y = 1;
	double z = 1 - x;
	double before;

	if (x == 0 || x == 1)
		return 0;
	do
	{
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

double
hll_estimate(const Hll *hll)
{
	double m = HLL_REGISTERS;
	int of_rank[HLL_LARGEST + 1] = {0};
	double z;

	for (int i = 0; i < HLL_REGISTERS; i++)
		of_rank[hll->registers[i]]++;
	z = m * tau(1 - of_rank[HLL_LARGEST] / m);
	for (int k = HLL_LARGEST - 1; k >= 1; k--)
		z = 0.5 * (z + of_rank[k]);
	z += m * sigma(of_rank[0] / m);
	return m * m / (2 * M_LN2) / z;
}

/* -- stored form: three bits a register above a base, the rest apart -- */

#define PLAIN_BITS 3
#define PLAIN_VALUES ((1 << PLAIN_BITS) - 1) /* the last value marks an exception */

/* The base that leaves the fewest exceptions */
static int
best_base(const Hll *hll, int *exceptions)
{
	int of_rank[HLL_LARGEST + 1] = {0};
	int best = 0;
	int best_within = -1;

	for (int i = 0; i < HLL_REGISTERS; i++)
		of_rank[hll->registers[i]]++;
	for (int base = 0; base <= HLL_LARGEST; base++)
	{
		int within = 0;

		for (int k = base; k < base + PLAIN_VALUES && k <= HLL_LARGEST; k++)
			within += of_rank[k];
		if (within > best_within)
		{
			best = base;
			best_within = within;
		}
	}
	*exceptions = HLL_REGISTERS - best_within;
	return best;
}

static bool
is_plain(int value, int base)
{
	return value >= base && value < base + PLAIN_VALUES;
}

void
hll_write(StringInfo out, const Hll *hll)
{
	int exceptions;
	int base = best_base(hll, &exceptions);

	put_byte(out, base);
	for (int i = 0; i < HLL_REGISTERS; i += 8)
	{
		uint32 word = 0;

		for (int j = 0; j < 8; j++)
		{
			int value = hll->registers[i + j];

			word |= (uint32) (is_plain(value, base) ? value - base : PLAIN_VALUES) << (PLAIN_BITS * j);
		}
		put_word(out, word, PLAIN_BITS);
	}
	for (int i = 0; i < HLL_REGISTERS; i++)
	{
		if (!is_plain(hll->registers[i], base))
			put_byte(out, hll->registers[i]);
	}
}

void
hll_read(Reader *in, Hll *hll)
{
	unsigned base = take_byte(in);

	hll->least = 0;
	hll->added = 0;
	for (int i = 0; i < HLL_REGISTERS; i += 8)
	{
		uint32 word = (uint32) take_word(in, PLAIN_BITS);

		for (int j = 0; j < 8; j++)
		{
			uint32 value = (word >> (PLAIN_BITS * j)) & PLAIN_VALUES;

			hll->registers[i + j] = value == PLAIN_VALUES ? UINT8_MAX : base + value;
		}
	}
	for (int i = 0; i < HLL_REGISTERS; i++)
	{
		if (hll->registers[i] == UINT8_MAX)
			hll->registers[i] = take_byte(in);
		if (hll->registers[i] > HLL_LARGEST)
			report_damage();
	}
}
