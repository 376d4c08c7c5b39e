/*
 * sample.h
 *		The values with the least hashes: a sample of the distinct ones.
 *
 * Two columns that share values share them here too, so overlap can be
 * estimated from two samples alone.  The first few keep their text.
 */
#ifndef PROFILE_SAMPLE_H
#define PROFILE_SAMPLE_H

#include "postgres.h"

#include "ingest_profile/bytes.h"
#include "ingest_profile/hash.h"

#define SAMPLE_HASHES 1024
#define SAMPLE_SHIFT 24 /* what a hash of 64 bits need not have to be told from a thousand others */
#define SAMPLE_VALUES 128
#define SAMPLE_BYTES 128 /* of a value */
#define SAMPLE_LATELY 2048
#define SAMPLE_TEXT_BYTES 12288 /* of all values in the stored form */

typedef struct Sampled
{
	uint64 hash;
	char *value; /* NULL: not among the first few */
	int len;
	bool cut;
} Sampled;

typedef struct Sample
{
	MemoryContext context;
	int n;
	int allocated;
	bool tidy;
	uint64 below;       /* only hashes below this one can belong here */
	uint64 value_below; /* and those below this one keep their text */
	Sampled *items;
	uint32 lately[SAMPLE_LATELY]; /* tags of hashes that were put lately, to meet repeats cheaply */
} Sample;

/* Can a hash be left out, because it is too large or was put just now? */
static inline bool
sample_passes_over(Sample *sample, uint64 hash)
{
	uint32 *lately;

	if (hash > sample->below)
		return true;
	lately = &sample->lately[(hash >> HASH_SHIFT) & (SAMPLE_LATELY - 1)];
	if (*lately == (uint32) (hash >> 28))
		return true;
	*lately = (uint32) (hash >> 28);
	return false;
}

extern Sample *sample_new(MemoryContext context);
extern void sample_put(Sample *sample, uint64 hash, const char *value, Size len, bool cut);
extern void sample_tidy(Sample *sample);
extern void sample_merge(Sample *into, Sample *from);
/* with the texts of at most so many, and about so many bytes of them */
extern void sample_write(StringInfo out, Sample *sample, int values, int room);
extern Sample *sample_read(Reader *in, MemoryContext context, int version);

#endif /* PROFILE_SAMPLE_H */
