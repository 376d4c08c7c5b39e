/*
 * grid.h
 *		Counters of frequent values, sixteen to a bucket.
 *
 * While a sketch is counting and its set cannot hold every value any more, the
 * counters stand here: a value's bucket and its place in it are found by one
 * comparison of sixteen tags.  A full bucket makes room by itself: the least of
 * its counts is subtracted from all of them (Misra-Gries), and what that took
 * in all is the bucket's offset.  So a value here came at least count and at
 * most count + offset times, and one that is not here at most offset times.
 *
 * Most values come once and are gone with the next purge, so what a slot has to
 * know of its value is not written before that comes again.  From then on its rows
 * are not accounted for in patterns and quantiles until it leaves.  How many those
 * are need not be counted: count + offset - base - 1.
 */
#ifndef PROFILE_GRID_H
#define PROFILE_GRID_H

#include "postgres.h"

#include "ingest_profile/frequent.h"
#include "ingest_profile/simd.h"
#include "ingest_profile/type.h"
#include "port/pg_bitutils.h"

#define GRID_WIDTH SIMD_TAGS
#define GRID_BUCKETS 256
#define GRID_SLOTS (GRID_BUCKETS * GRID_WIDTH)

/* What a new value needs of it takes four lines of the cache at most */
typedef struct Bucket
{
	uint16 tags[GRID_WIDTH];
	int64 offset;
	uint16 used;  /* a bit for each place */
	uint16 known; /* its value came again: what the grid has of the slot is there */
	uint16 kept;  /* its text is kept, or need not be */
	char unused[18];
	uint32 rests[GRID_WIDTH]; /* of the hash, what bucket and tag do not tell; NO_REST: free */
	int64 counts[GRID_WIDTH];
} Bucket;

#define NO_REST 0xffffffff

typedef struct Grid
{
	MemoryContext context;
	bool has_texts; /* the key does not tell the value */
	Bucket *buckets;
	void *allocated;  /* where they begin is at the start of a cache line */
	int64 *bases;     /* of each slot, as all that follows */
	int64 *keys;      /* of a class that has keys */
	TextFacts *facts; /* of another one */
	char **values;    /* these three only if has_texts */
	uint8 *value_lens;
	bool *cut;
} Grid;

/* A value loses its counter; so many rows of it are not accounted for */
typedef void (*GridCallback)(void *arg, int slot, int64 rows);

extern Grid *grid_new(MemoryContext context, ValueClass class, int64 offset);
extern void grid_free(Grid *grid);
extern void grid_insert(Grid *grid, uint64 hash, GridCallback leaving, void *arg);
extern void grid_take(Grid *grid, const Entry *e, int64 unaccounted, GridCallback leaving, void *arg);
extern void grid_keep_value(Grid *grid, int slot, const char *value, Size len, bool cut);
extern void grid_give(Grid *grid, Set *set, GridCallback leaving, void *arg);

static inline Bucket *
grid_bucket(const Grid *grid, uint64 hash)
{
	return &grid->buckets[hash >> 56];
}

/* The tag is what follows the bucket's number in a hash */
static inline uint16
grid_tag(uint64 hash)
{
	return (uint16) (hash >> 40);
}

/* And that is the end of it */
static inline uint32
grid_rest(uint64 hash)
{
	return (uint32) (hash >> HASH_SHIFT) & 0xffffff;
}

static inline uint64
grid_hash(const Grid *grid, const Bucket *b, int place)
{
	return (uint64) (b - grid->buckets) << 56 | (uint64) b->tags[place] << 40 | (uint64) b->rests[place] << HASH_SHIFT;
}

/* The place of a hash; -1 if it is not there */
static inline int
grid_place(const Bucket *b, uint64 hash)
{
	/* of those with its tag; mostly there is one or none */
	for (uint32 found = simd_match(b->tags, grid_tag(hash)); found != 0; found &= found - 1)
	{
		int place = pg_rightmost_one_pos32(found);

		if (b->rests[place] == grid_rest(hash))
			return place;
	}
	return -1;
}

static inline int
grid_slot(const Grid *grid, const Bucket *b, int place)
{
	return (int) (b - grid->buckets) * GRID_WIDTH + place;
}

/* A value that came again: until now its bucket has not been purged, or it would be gone */
static inline void
grid_know(Grid *grid, Bucket *b, int place, int64 key, const TextFacts *facts)
{
	int slot = grid_slot(grid, b, place);

	b->known |= 1 << place;
	grid->bases[slot] = b->offset;
	if (grid->keys)
		grid->keys[slot] = key;
	else
		grid->facts[slot] = *facts;
	if (!grid->has_texts)
		b->kept |= 1 << place;
}

static inline bool
grid_knows(const Bucket *b, int place)
{
	return b->known >> place & 1;
}

/* Is a value's text worth keeping by now?  Not of one that may be gone with the next few */
static inline bool
grid_wants_text(const Bucket *b, int place)
{
	return !(b->kept >> place & 1) && b->counts[place] > 1 && 8 * b->counts[place] >= b->offset;
}

#endif /* PROFILE_GRID_H */
