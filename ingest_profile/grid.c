/*
 * grid.c
 *		Misra-Gries counters in buckets of sixteen.
 */
#include "postgres.h"

#include "ingest_profile/bytes.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/grid.h"
#include "utils/memutils.h"

#define ST_SORT sort_uppers
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b) (*(a) > *(b) ? -1 : *(a) < *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define CACHE_LINE 64
#define FULL 0xffff

/* Values that are not here may have come so often before */
Grid *
grid_new(MemoryContext context, ValueClass class, int64 offset)
{
	Grid *grid = MemoryContextAllocZero(context, sizeof(Grid));

	grid->context = context;
	grid->has_texts = !class_key_is_value(class);
	grid->allocated = MemoryContextAllocZero(context, GRID_BUCKETS * sizeof(Bucket) + CACHE_LINE);
	grid->buckets = (Bucket *) TYPEALIGN(CACHE_LINE, grid->allocated);
	grid->bases = MemoryContextAlloc(context, GRID_SLOTS * sizeof(int64));
	if (class_has_key(class))
		grid->keys = MemoryContextAlloc(context, GRID_SLOTS * sizeof(int64));
	else
		grid->facts = MemoryContextAlloc(context, GRID_SLOTS * sizeof(TextFacts));
	if (grid->has_texts)
	{
		grid->values = MemoryContextAlloc(context, GRID_SLOTS * sizeof(char *));
		grid->value_lens = MemoryContextAlloc(context, GRID_SLOTS);
		grid->cut = MemoryContextAlloc(context, GRID_SLOTS * sizeof(bool));
	}
	for (int i = 0; i < GRID_BUCKETS; i++)
	{
		grid->buckets[i].offset = offset;
		memset(grid->buckets[i].rests, 0xff, sizeof(grid->buckets[i].rests));
	}
	return grid;
}

/* The texts that are kept are the set's: grid_give() has handed them on */
void
grid_free(Grid *grid)
{
	pfree(grid->allocated);
	pfree(grid->bases);
	if (grid->keys)
		pfree(grid->keys);
	if (grid->facts)
		pfree(grid->facts);
	if (grid->has_texts)
	{
		pfree(grid->values);
		pfree(grid->value_lens);
		pfree(grid->cut);
	}
	pfree(grid);
}

/* Rows of a value that are not accounted for */
static int64
rows_of(const Grid *grid, const Bucket *b, int place)
{
	return grid_knows(b, place) ? b->counts[place] + b->offset - grid->bases[grid_slot(grid, b, place)] - 1 : 0;
}

/* A value that is known leaves */
static void
let_go(Grid *grid, Bucket *b, int place, GridCallback leaving, void *arg)
{
	int slot = grid_slot(grid, b, place);
	int64 rows = rows_of(grid, b, place);

	if (rows > 0)
		leaving(arg, slot, rows);
	if (grid->has_texts && (b->kept >> place & 1))
		pfree(grid->values[slot]);
}

/* Make room in a full bucket */
static void
purge(Grid *grid, Bucket *b, GridCallback leaving, void *arg)
{
	int64 least = b->counts[0];
	uint32 gone = 0;

	for (int i = 1; i < GRID_WIDTH && least > 1; i++)
		least = Min(least, b->counts[i]);
	for (int i = 0; i < GRID_WIDTH; i++)
		b->counts[i] -= least;
	b->offset += least;
	for (int i = 0; i < GRID_WIDTH; i++)
	{
		gone |= (uint32) (b->counts[i] == 0) << i;
		b->rests[i] |= b->counts[i] == 0 ? NO_REST : 0;
	}
	for (uint32 known = gone & b->known; known != 0; known &= known - 1)
		let_go(grid, b, pg_rightmost_one_pos32(known), leaving, arg);
	b->used &= ~gone;
	b->known &= ~gone;
	b->kept &= ~gone;
}

/* The first place that is free, where a hash has a counter from now on */
static inline int
take_place(Grid *grid, Bucket *b, uint64 hash, GridCallback leaving, void *arg)
{
	int place;

	if (b->used == FULL)
		purge(grid, b, leaving, arg);
	place = pg_rightmost_one_pos32(~(uint32) b->used);
	b->tags[place] = grid_tag(hash);
	b->rests[place] = grid_rest(hash);
	b->counts[place] = 1;
	b->used |= 1 << place;
	return place;
}

/* A counter for a hash that has none; its one row is accounted for */
void
grid_insert(Grid *grid, uint64 hash, GridCallback leaving, void *arg)
{
	take_place(grid, grid_bucket(grid, hash), hash, leaving, arg);
}

/* An entry of a set, with a copy of its text */
void
grid_take(Grid *grid, const Entry *e, int64 unaccounted, GridCallback leaving, void *arg)
{
	Bucket *b = grid_bucket(grid, e->hash);
	int place = take_place(grid, b, e->hash, leaving, arg);
	int slot = grid_slot(grid, b, place);

	grid_know(grid, b, place, e->key, &e->facts);
	b->counts[place] = e->count;
	grid->bases[slot] = b->offset + e->count - 1 - unaccounted;
	if (grid->has_texts && e->value != NULL)
		grid_keep_value(grid, slot, e->value, e->value_len, e->cut);
}

void
grid_keep_value(Grid *grid, int slot, const char *value, Size len, bool cut)
{
	int fit = text_fit(value, len, VALUE_BYTES);
	char *copy = MemoryContextAlloc(grid->context, fit + 1);

	memcpy(copy, value, fit);
	copy[fit] = '\0';
	grid->values[slot] = copy;
	grid->value_lens[slot] = (uint8) fit;
	grid->cut[slot] = cut || len > VALUE_BYTES;
	grid->buckets[slot / GRID_WIDTH].kept |= 1 << slot % GRID_WIDTH;
}

/* How often a value can have come that the set will not have: one not known, or more than it has room for */
static int64
floor_of(const Grid *grid, bool *all)
{
	int64 *uppers = palloc(GRID_SLOTS * sizeof(int64));
	int64 least = 0;
	int n = 0;

	for (int i = 0; i < GRID_BUCKETS; i++)
	{
		const Bucket *b = &grid->buckets[i];

		least = Max(least, b->offset + (b->used != b->known));
		for (int j = 0; j < GRID_WIDTH; j++)
		{
			if (grid_knows(b, j))
				uppers[n++] = b->counts[j] + b->offset;
		}
	}
	*all = n <= SET_COUNTERS;
	if (!*all)
	{
		sort_uppers(uppers, n);
		least = Max(least, uppers[SET_COUNTERS]);
	}
	pfree(uppers);
	return least;
}

static void
give_place(Grid *grid, const Bucket *b, int place, Set *set)
{
	int slot = grid_slot(grid, b, place);
	Entry *e = set_insert(set, grid_hash(grid, b, place));

	e->count = b->counts[place];
	if (grid->keys)
	{
		e->key = grid->keys[slot];
		e->unranked = rows_of(grid, b, place);
	}
	else
		e->facts = grid->facts[slot];
	if (grid->has_texts && (b->kept >> place & 1))
	{
		e->value = grid->values[slot];
		e->value_len = grid->value_lens[slot];
		e->cut = grid->cut[slot];
	}
}

/*
 * The counters, into an empty set: no more of them than it holds, those that can have come most.  Rows that were not
 * accounted for are told, but those of classes with keys that stay: they are the entry's.
 */
void
grid_give(Grid *grid, Set *set, GridCallback leaving, void *arg)
{
	bool all;

	set->offset = floor_of(grid, &all);
	for (int i = 0; i < GRID_BUCKETS; i++)
	{
		Bucket *b = &grid->buckets[i];

		for (int j = 0; j < GRID_WIDTH; j++)
		{
			if (!grid_knows(b, j))
				continue;
			if (!all && b->counts[j] + b->offset <= set->offset)
			{
				let_go(grid, b, j, leaving, arg);
				continue;
			}
			if (grid->facts && rows_of(grid, b, j) > 0)
				leaving(arg, grid_slot(grid, b, j), rows_of(grid, b, j));
			give_place(grid, b, j, set);
		}
	}
}
