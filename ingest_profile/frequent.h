/*
 * frequent.h
 *		The values seen most, and all of them while they are few.
 *
 * One table of hash -> count serves exact distinct counts, frequencies and
 * entropy while it holds every value; then it turns into Misra-Gries counters
 * that are purged by their median.  It is also a cache in front of the other
 * parts of a sketch: a repeated value costs one look here, and is accounted
 * for elsewhere by its pending count, later.
 */
#ifndef PROFILE_FREQUENT_H
#define PROFILE_FREQUENT_H

#include "postgres.h"

#include "ingest_profile/hash.h"

#define SET_EXACT 2048    /* distinct values counted exactly */
#define SET_COUNTERS 1024 /* counters after that */
#define SET_STORED 256    /* of them in the stored form */
#define VALUE_BYTES 128   /* of a value that are kept */

/* What a text looks like; enough to account for it again without the text */
typedef struct TextFacts
{
	uint64 shape; /* 0: not looked at */
	uint32 chars;
	uint16 flags; /* TEXT_... */
} TextFacts;

typedef struct Entry
{
	uint64 hash;
	int64 count;   /* at least so often */
	int64 pending; /* rows not yet accounted for in moments and patterns */
	int64 key;     /* if the class has one */
	union
	{
		TextFacts facts; /* of a text */
		int64 unranked;  /* of a class with keys: rows that are not in the quantiles' sketch */
	};
	char *value; /* its text, or the first VALUE_BYTES of it; NULL: not kept */
	uint8 value_len;
	bool cut;    /* there is more of it */
	bool direct; /* too large to be accounted for later */
	bool scaled; /* of a numeric: its key with so many decimals is its text */
	uint8 scale;
} Entry;

typedef struct Set
{
	MemoryContext context;
	MemoryContext values; /* where texts are kept, so that all can go at once; NULL: none yet */
	bool exact;           /* it holds every value */
	int n;
	int limit;
	int64 offset; /* a value not here came at most so often; one here, so much more often */
	int mask;
	uint32 *slots; /* upper half: tag of the hash; lower: number of the entry + 1 */
	Entry *entries;
} Set;

typedef void (*EntryCallback)(void *arg, Entry *entry);

extern void set_init(Set *set, MemoryContext context);
extern Entry *set_insert(Set *set, uint64 hash);
extern void set_relax(Set *set, EntryCallback leaving, void *arg);
extern void set_make_counters(Set *set);
extern void set_release(Set *set);
extern void set_purge(Set *set, int keep, EntryCallback leaving, void *arg);
extern void set_keep_value(Set *set, Entry *entry, const char *value, Size len);
extern Entry **set_ranked(const Set *set, int *n);

static inline Entry *
set_find(const Set *set, uint64 hash)
{
	uint32 tag = (uint32) (hash >> 48) << 16;

	for (int i = (int) (hash >> HASH_SHIFT) & set->mask;; i = (i + 1) & set->mask)
	{
		uint32 slot = set->slots[i];

		if (slot == 0)
			return NULL;
		if ((slot & 0xffff0000) == tag)
		{
			Entry *entry = &set->entries[(slot & 0xffff) - 1];

			if (entry->hash == hash)
				return entry;
		}
	}
}

#endif /* PROFILE_FREQUENT_H */
