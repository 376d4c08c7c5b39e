/*
 * frequent.c
 *		Exact counts, then Misra-Gries counters.
 *
 * Purging subtracts the median count from every counter and drops those that
 * reach nothing (Anderson et al., A high-performance algorithm for identifying
 * frequent items in data streams, 2017): a count falls short by at most
 * rows / (SET_COUNTERS / 2), and by how much at most is kept in offset.
 */
#include "postgres.h"

#include "ingest_profile/bytes.h"
#include "ingest_profile/frequent.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#define ST_SORT sort_counts
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b) (*(a) > *(b) ? -1 : *(a) < *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

typedef Entry *EntryPointer;

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE EntryPointer
#define ST_COMPARE(a, b) compare_entries(*(a), *(b))
#define ST_SCOPE static
#define ST_DEFINE
static inline int
compare_entries(const Entry *a, const Entry *b)
{
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->hash < b->hash ? -1 : a->hash > b->hash;
}
#include "lib/sort_template.h"

#define FIRST_SIZE 32

static void
index_entry(Set *set, int number)
{
	uint64 hash = set->entries[number].hash;
	int i = (int) (hash >> HASH_SHIFT) & set->mask;

	while (set->slots[i] != 0)
		i = (i + 1) & set->mask;
	set->slots[i] = (uint32) (hash >> 48) << 16 | (uint32) (number + 1);
}

static void
index_all(Set *set)
{
	memset(set->slots, 0, (set->mask + 1) * sizeof(uint32));
	for (int i = 0; i < set->n; i++)
		index_entry(set, i);
}

/* Small at first: tables have many columns of few values */
void
set_init(Set *set, MemoryContext context)
{
	memset(set, 0, sizeof(*set));
	set->context = context;
	set->exact = true;
	set->limit = FIRST_SIZE;
	set->mask = 2 * FIRST_SIZE - 1;
	set->slots = MemoryContextAllocZero(context, (set->mask + 1) * sizeof(uint32));
	set->entries = MemoryContextAlloc(context, set->limit * sizeof(Entry));
}

static void
grow(Set *set, int limit)
{
	set->limit = limit;
	set->mask = 2 * set->limit - 1;
	if (set->slots != NULL)
		pfree(set->slots);
	set->slots = MemoryContextAlloc(set->context, (set->mask + 1) * sizeof(uint32));
	if (set->entries != NULL)
		set->entries = repalloc(set->entries, set->limit * sizeof(Entry));
	else
		set->entries = MemoryContextAlloc(set->context, set->limit * sizeof(Entry));
	index_all(set);
}

/* A new entry for a hash that is not here; NULL if the set is full */
Entry *
set_insert(Set *set, uint64 hash)
{
	Entry *entry;

	if (set->n == set->limit)
	{
		if (!set->exact || set->limit >= SET_EXACT)
			return NULL;
		grow(set, Min(set->limit * 4, SET_EXACT));
	}
	entry = &set->entries[set->n];
	memset(entry, 0, sizeof(*entry));
	entry->hash = hash;
	index_entry(set, set->n++);
	return entry;
}

/* Subtract from all counts what leaves at most keep entries */
void
set_purge(Set *set, int keep, EntryCallback leaving, void *arg)
{
	int64 counts[SET_EXACT];
	int64 least;
	int kept = 0;
	bool alike = true;

	if (set->n <= keep)
		return;
	counts[keep] = 0;
	for (int i = 0; i < set->n; i++)
	{
		counts[i] = set->entries[i].count;
		alike = alike && counts[i] == set->entries[0].count;
	}
	if (!alike)
		sort_counts(counts, set->n);
	least = counts[keep];
	for (int i = 0; i < set->n; i++)
	{
		Entry *entry = &set->entries[i];

		if (entry->count <= least)
		{
			if (leaving)
				leaving(arg, entry);
			if (entry->value)
				pfree(entry->value);
			continue;
		}
		entry->count -= least;
		set->entries[kept++] = *entry;
	}
	set->n = kept;
	set->offset += least;
	index_all(set);
}

/* What is here are counters from now on; no more of them than there may be */
void
set_make_counters(Set *set)
{
	if (set->limit < SET_COUNTERS)
		grow(set, SET_COUNTERS);
	set->exact = false;
	set->limit = SET_COUNTERS;
	set->mask = 2 * SET_COUNTERS - 1;
	index_all(set);
}

/* Its entries are elsewhere from now on, and their texts copied; set_make_counters() makes room for them again */
void
set_release(Set *set)
{
	pfree(set->slots);
	pfree(set->entries);
	if (set->values != NULL)
		MemoryContextDelete(set->values);
	set->values = NULL;
	set->slots = NULL;
	set->entries = NULL;
	set->exact = false;
	set->n = 0;
	set->limit = 0;
}

/* From every value to the frequent ones */
void
set_relax(Set *set, EntryCallback leaving, void *arg)
{
	set->exact = false;
	set_purge(set, SET_COUNTERS / 2, leaving, arg);
	set_make_counters(set);
}

void
set_keep_value(Set *set, Entry *entry, const char *value, Size len)
{
	entry->cut = len > VALUE_BYTES;
	entry->value_len = (uint8) text_fit(value, len, VALUE_BYTES);
	if (set->values == NULL)
		set->values = AllocSetContextCreate(set->context, "profiled values", ALLOCSET_SMALL_SIZES);
	entry->value = MemoryContextAlloc(set->values, entry->value_len + 1);
	memcpy(entry->value, value, entry->value_len);
	entry->value[entry->value_len] = '\0';
}

/* Entries by their counts, the largest first; ties by hash, so that it repeats */
Entry **
set_ranked(const Set *set, int *n)
{
	Entry **ranked = palloc(Max(set->n, 1) * sizeof(Entry *));

	for (int i = 0; i < set->n; i++)
		ranked[i] = &set->entries[i];
	sort_entries(ranked, set->n);
	*n = set->n;
	return ranked;
}
