/*
 * distinct.h
 *		How many different values: HyperLogLog with 2^14 registers.
 */
#ifndef PROFILE_DISTINCT_H
#define PROFILE_DISTINCT_H

#include "postgres.h"

#include "ingest_profile/bytes.h"
#include "port/pg_bitutils.h"

#define HLL_BITS 14
#define HLL_REGISTERS (1 << HLL_BITS)
#define HLL_LARGEST (64 - HLL_BITS + 1)
/* standard deviation of the estimate, relative: 1.04 / sqrt(registers) */
#define HLL_ERROR 0.008125

typedef struct Hll
{
	uint8 registers[HLL_REGISTERS];
	uint8 least; /* no register is below it, as far as was looked */
	int added;   /* since then */
} Hll;

static inline void
hll_add(Hll *hll, uint64 hash)
{
	uint32 place = (uint32) (hash >> (64 - HLL_BITS));
	uint64 rest = hash << HLL_BITS;
	uint8 rank = rest ? 64 - pg_leftmost_one_pos64(rest) : HLL_LARGEST;

	if (rank > hll->registers[place])
		hll->registers[place] = rank;
}

extern void hll_add_many(Hll *hll, const uint64 *hashes, int n);
extern void hll_merge(Hll *into, const Hll *from);
extern double hll_estimate(const Hll *hll);
extern void hll_write(StringInfo out, const Hll *hll);
extern void hll_read(Reader *in, Hll *hll);

#endif /* PROFILE_DISTINCT_H */
