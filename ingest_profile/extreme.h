/*
 * extreme.h
 *		The least and the greatest value, of any type with a btree order.
 */
#ifndef PROFILE_EXTREME_H
#define PROFILE_EXTREME_H

#include "postgres.h"

#include "ingest_profile/bytes.h"
#include "ingest_profile/type.h"
#include "port/pg_bswap.h"

#define EXTREME_BYTES 1024  /* of a value that are compared */
#define EXTREME_STORED 256  /* of a text that are stored */
#define EXTREME_DIGITS 2100 /* of a numeric's text: 1,024 digits on either side of the point */

typedef struct Extreme
{
	bool set;
	bool lost;   /* not known: values met that could not be compared */
	bool cut;    /* text is only the beginning */
	bool known;  /* value is there, and not only its text; a Datum of 0 is a value as well */
	int64 key;   /* if the class has one; else the length, for shortest and longest */
	Datum value; /* numerics and other types, a copy */
	char *text;  /* texts and bytes; others as stored */
	int len;
} Extreme;

/* A value to compare with */
typedef struct Candidate
{
	bool known;
	int64 key;
	Datum value;
	const char *text;
	int len;
} Candidate;

extern bool extreme_offer(Extreme *e, ColumnType *type, MemoryContext context, const Candidate *c, int wanted);
extern void extreme_take_length(Extreme *e, MemoryContext context, int64 length, const char *text, int len, bool cut);
extern void extreme_merge(Extreme *into, const Extreme *from, ColumnType *type, MemoryContext context, int wanted);
extern char *extreme_text(const Extreme *e, ColumnType *type);
extern void extreme_write(StringInfo out, const Extreme *e, ColumnType *type, bool whole);
extern void extreme_read(Reader *in, Extreme *e, ColumnType *type, MemoryContext context, bool whole);

/* The first eight bytes as a number that sorts as they do */
static inline uint64
first_bytes(const char *text)
{
	uint64 word;

	memcpy(&word, text, 8);
#ifndef WORDS_BIGENDIAN
	word = pg_bswap64(word);
#endif
	return word;
}

/* The shortest (wanted < 0) or the longest text; of those that are as long as each other the same one in every order */
static inline void
extreme_offer_length(Extreme *e, MemoryContext context, int64 length, const char *text, int len, bool cut, int wanted)
{
	if (e->set && (wanted < 0 ? length > e->key : length < e->key))
		return;
	if (e->set && length == e->key && Min(len, e->len) >= 8 && first_bytes(text) > first_bytes(e->text))
		return;
	extreme_take_length(e, context, length, text, len, cut);
}

#endif /* PROFILE_EXTREME_H */
