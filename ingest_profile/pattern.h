/*
 * pattern.h
 *		What texts look like: lengths, case, blanks, and shapes such as A{2}9{7}.
 */
#ifndef PROFILE_PATTERN_H
#define PROFILE_PATTERN_H

#include "postgres.h"

#include "ingest_profile/bytes.h"
#include "ingest_profile/frequent.h"

#define TEXT_EMPTY 0x0001
#define TEXT_BLANK 0x0002 /* white space only */
#define TEXT_LEADING 0x0004
#define TEXT_TRAILING 0x0008
#define TEXT_UPPER 0x0010 /* has letters, all upper case */
#define TEXT_LOWER 0x0020
#define TEXT_MIXED 0x0040
#define TEXT_NON_ASCII 0x0080
#define TEXT_ODD 0x0100        /* control characters, invisible ones, signs of a wrong encoding */
#define TEXT_UNMEASURED 0x0200 /* its length is not known */

#define SHAPES 256          /* counted exactly */
#define SHAPES_FREQUENT 48  /* in the stored form when there were more */
#define SHAPE_EXAMPLES 6144 /* bytes of examples in the stored form */
#define SHAPE_RUNS 24       /* of a text that its shape tells apart */
#define SHAPE_BYTES 96      /* of a shape as text */
#define EXAMPLE_BYTES 96
#define SHAPES_USELESS 32 /* purges after which most shapes must have come once */
#define SHAPE_STRIDE 16

#define LENGTHS_EXACT 64 /* a histogram: each length up to this, then powers of two */
#define LENGTH_BUCKETS (LENGTHS_EXACT + 26)

typedef struct Shape
{
	uint64 hash;
	int64 count;
	char *mask;    /* NULL: seen once among many, not written out */
	char *example; /* NULL: no room for it in a stored form */
	bool cut;
} Shape;

typedef struct Patterns
{
	MemoryContext context;
	int64 texts;
	int64 chars;
	int64 empties;
	int64 blanks;
	int64 leading;
	int64 trailing;
	int64 upper;
	int64 lower;
	int64 mixed;
	int64 non_ascii;
	int64 odd;
	int64 min_length;
	int64 max_length;
	int64 lengths[LENGTH_BUCKETS];
	int nshapes;
	bool has_shapes;
	bool shapes_exact;
	int64 shape_offset; /* as in Set */
	int64 unlooked;     /* texts whose shape was not looked at */
	bool guessed;       /* of a giant the length is that of its beginning, extrapolated */
	int stride;         /* one of so many new texts has its shape looked at */
	int purges;
	int allocated; /* of shapes; a power of two */
	Shape *shapes;
	uint16 *slots;          /* four for each of them */
	struct ShapeMemo *memo; /* shapes met lately; NULL: none yet */
} Patterns;

extern void pattern_setup(void);
extern TextFacts text_facts(Patterns *p, const char *text, int len, uint64 hash);
extern Patterns *patterns_new(MemoryContext context, bool has_shapes);
extern void patterns_add(Patterns *p, const TextFacts *facts, const char *text, int len, int64 count);
extern void patterns_know(Patterns *p, const TextFacts *facts, const char *text, int len);
extern void patterns_add_length(Patterns *p, int64 length, int64 count);
extern void patterns_merge(Patterns *into, const Patterns *from);
extern Shape **patterns_ranked(const Patterns *p, int *n);
extern void patterns_write(StringInfo out, const Patterns *p, bool whole);
extern Patterns *patterns_read(Reader *in, MemoryContext context, int version);

#endif /* PROFILE_PATTERN_H */
