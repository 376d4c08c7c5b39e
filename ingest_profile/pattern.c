/*
 * pattern.c
 *		One pass over a text tells its length in characters, its case, its blanks
 *		and a hash of its shape.
 *
 * A shape is the sequence of runs of a class: A upper case, a lower case,
 * 9 digits, _ white space, u letters beyond ASCII; other characters stand for
 * themselves.  After SHAPE_RUNS runs it ends in three dots.
 */
#include "postgres.h"

#include "ingest_profile/hash.h"
#include "ingest_profile/pattern.h"
#include "ingest_profile/simd.h"
#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

/* Per byte: its class as the character that stands for it, and its flags */
static unsigned char class_of[256];
static unsigned char marks_of[256];

#define MARK_UPPER 1
#define MARK_LOWER 2
#define MARK_HIGH 4     /* beyond ASCII */
#define MARK_CONTROL 8  /* or a byte that may begin something out of place */
#define MARK_FOLLOWS 16 /* continues a UTF-8 character */
#define MARK_SPACE 32

void
pattern_setup(void)
{
	for (int b = 0; b < 256; b++)
	{
		class_of[b] = b;
		if (b >= 'A' && b <= 'Z')
		{
			class_of[b] = 'A';
			marks_of[b] = MARK_UPPER;
		}
		else if (b >= 'a' && b <= 'z')
		{
			class_of[b] = 'a';
			marks_of[b] = MARK_LOWER;
		}
		else if (b >= '0' && b <= '9')
			class_of[b] = '9';
		else if (b == ' ' || (b >= '\t' && b <= '\r'))
		{
			class_of[b] = '_';
			marks_of[b] = MARK_SPACE | (b == ' ' ? 0 : MARK_CONTROL);
		}
		else if (b == '_')
			class_of[b] = CLASS_UNDERSCORE;
		else if (b < ' ' || b == 127)
			marks_of[b] = MARK_CONTROL;
		else if (b >= 128)
		{
			class_of[b] = 'u';
			marks_of[b] = MARK_HIGH | ((b & 0xc0) == 0x80 ? MARK_FOLLOWS : 0);
		}
	}
}

/* Characters beyond ASCII that hardly belong into data: UTF-8 only */
static bool
has_odd(const unsigned char *s, int len)
{
	for (int i = 0; i + 1 < len; i++)
	{
		unsigned a = s[i];
		unsigned b = s[i + 1];
		unsigned c = i + 2 < len ? s[i + 2] : 0;

		if (a < 0x80)
			continue;
		/* C1 controls, no-break space, soft hyphen */
		if (a == 0xc2 && (b < 0xa1 || b == 0xad))
			return true;
		/* UTF-8 taken for Latin-1: a capital A or I with accent before a high sign */
		if (a == 0xc3 && (b == 0x83 || b == 0x82) && (c == 0xc2 || c == 0xc3 || c == 0xe2))
			return true;
		/* zero width, direction marks, line separators, byte order mark, replacement */
		if (a == 0xe2 && b == 0x80 && ((c >= 0x8b && c <= 0x8f) || (c >= 0xa8 && c <= 0xae)))
			return true;
		if (a == 0xe2 && b == 0x81 && c >= 0xa0 && c <= 0xaf)
			return true;
		if (a == 0xef && ((b == 0xbb && c == 0xbf) || (b == 0xbf && c == 0xbd)))
			return true;
	}
	return false;
}

static inline uint64
mix_run(uint64 h, unsigned char class, int run)
{
	h = (h ^ ((uint64) run << 8 | class)) * HASH_K2;
	return h ^ (h >> 29);
}

/* The shape alone, run by run */
static uint64
shape_hash(const unsigned char *s, int len)
{
	uint64 h = HASH_K1;
	int runs = 0;
	int i = 0;

	while (i < len && runs < SHAPE_RUNS)
	{
		unsigned char class = class_of[s[i]];
		int start = i;
		int follows = 0;

		do
		{
			follows += (marks_of[s[i]] & MARK_FOLLOWS) != 0;
			i++;
		} while (i < len && class_of[s[i]] == class);
		h = mix_run(h, class, i - start - follows);
		runs++;
	}
	return mix_run(h, i < len ? 1 : 0, 0) | 1;
}

#ifdef HAVE_SIMD_CLASSIFY
/* The same from the starts of its runs */
static uint64
shape_hash_of_masks(const ByteMasks *m, int len)
{
	uint64 starts = m->starts;
	uint64 h = HASH_K1;

	for (int runs = 0; starts != 0 && runs < SHAPE_RUNS; runs++)
	{
		int start = pg_rightmost_one_pos64(starts);
		int end;

		starts &= starts - 1;
		end = starts != 0 ? pg_rightmost_one_pos64(starts) : len;
		h = mix_run(h, m->classes[start], end - start);
	}
	return mix_run(h, starts != 0 ? 1 : 0, 0) | 1;
}

/* Most columns have few shapes, and what makes one is looked at faster than it is hashed */
#define MEMOS 16

typedef struct ShapeMemo
{
	uint64 shape;
	int len;
	unsigned char classes[SIMD_BYTES];
} ShapeMemo;

static uint64
shape_of_ascii(Patterns *p, const unsigned char *s, int len)
{
	ByteMasks m;
	ShapeMemo *memo;

	simd_classify(s, len, &m);
	if (p->memo == NULL)
		p->memo = MemoryContextAllocZero(p->context, MEMOS * sizeof(ShapeMemo));
	memo = &p->memo[(m.starts * HASH_K0 + (uint64) len * HASH_K2) >> 60];
	if (memo->shape != 0 && memo->len == len && simd_equal(memo->classes, m.classes, len))
		return memo->shape;
	memo->shape = shape_hash_of_masks(&m, len);
	memo->len = len;
	memcpy(memo->classes, m.classes, TYPEALIGN(16, len));
	return memo->shape;
}
#endif

/* Case and blanks, from the marks of all its bytes */
static uint16
flags_of(const unsigned char *s, int len, unsigned all, bool blank)
{
	uint16 flags = 0;

	if (len == 0)
		flags = TEXT_EMPTY;
	else if (blank)
		flags = TEXT_BLANK;
	else
	{
		if (marks_of[s[0]] & MARK_SPACE)
			flags |= TEXT_LEADING;
		if (marks_of[s[len - 1]] & MARK_SPACE)
			flags |= TEXT_TRAILING;
		if ((all & (MARK_UPPER | MARK_LOWER)) == MARK_UPPER)
			flags |= TEXT_UPPER;
		else if ((all & (MARK_UPPER | MARK_LOWER)) == MARK_LOWER)
			flags |= TEXT_LOWER;
		else if (all & MARK_UPPER)
			flags |= TEXT_MIXED;
	}
	if (all & MARK_CONTROL)
		flags |= TEXT_ODD;
	return flags;
}

static inline bool
looks_at_shape(const Patterns *p, uint64 hash)
{
	return p->has_shapes && ((hash >> 24) & (p->stride - 1)) == 0;
}

/* What there is to know of a text */
TextFacts
text_facts(Patterns *p, const char *text, int len, uint64 hash)
{
	const unsigned char *s = (const unsigned char *) text;
	TextFacts facts = {0};
	unsigned all = 0;
	int follows = 0;
	int spaces = 0;
#ifdef HAVE_SIMD_CLASSIFY
	bool upper;
	bool lower;
	bool control;

	if (simd_survey(s, len, &upper, &lower, &control))
	{
		while (spaces < len && (marks_of[s[spaces]] & MARK_SPACE))
			spaces++;
		all = (upper ? MARK_UPPER : 0) | (lower ? MARK_LOWER : 0) | (control ? MARK_CONTROL : 0);
		facts.chars = len;
		facts.flags = flags_of(s, len, all, spaces == len);
		if (looks_at_shape(p, hash))
			facts.shape = len <= SIMD_BYTES ? shape_of_ascii(p, s, len) : shape_hash(s, len);
		return facts;
	}
#endif
	for (int i = 0; i < len; i++)
	{
		unsigned marks = marks_of[s[i]];

		all |= marks;
		follows += (marks & MARK_FOLLOWS) != 0;
		spaces += (marks & MARK_SPACE) != 0;
	}
	facts.chars = len - follows;
	facts.flags = flags_of(s, len, all, spaces == len);
	if (all & MARK_HIGH)
	{
		facts.flags |= TEXT_NON_ASCII;
		if (GetDatabaseEncoding() != PG_UTF8)
			facts.chars = pg_mbstrlen_with_len(text, len);
		else if (has_odd(s, len))
			facts.flags |= TEXT_ODD;
	}
	if (looks_at_shape(p, hash))
		facts.shape = shape_hash(s, len);
	return facts;
}

/* A shape as text, in the current context */
static char *
shape_mask(const char *text, int len)
{
	const unsigned char *s = (const unsigned char *) text;
	StringInfoData mask;
	int runs = 0;
	int i = 0;

	initStringInfo(&mask);
	while (i < len && runs < SHAPE_RUNS && mask.len < SHAPE_BYTES - 16)
	{
		unsigned char class = class_of[s[i]];
		int n = 0;

		for (; i < len && class_of[s[i]] == class; i++)
			n += (marks_of[s[i]] & MARK_FOLLOWS) == 0;
		/* what also means something in a pattern has a backslash in front */
		if (class == CLASS_UNDERSCORE || class == '{' || class == '}' || class == '\\')
			appendStringInfoChar(&mask, '\\');
		appendStringInfoCharMacro(&mask, class == CLASS_UNDERSCORE ? '_' : class < ' ' || class == 127 ? '?'
																									   : class);
		if (n != 1)
			appendStringInfo(&mask, "{%d}", n);
		runs++;
	}
	if (i < len)
		appendStringInfoString(&mask, "...");
	return mask.data;
}

Patterns *
patterns_new(MemoryContext context, bool has_shapes)
{
	Patterns *p = MemoryContextAllocZero(context, sizeof(Patterns));

	p->context = context;
	p->min_length = -1;
	p->max_length = -1;
	p->has_shapes = has_shapes;
	p->shapes_exact = true;
	p->stride = 1;
	return p;
}

/* -- shapes -- */

#define FEW_SHAPES 8

static void
index_shape(Patterns *p, int number)
{
	int mask = 4 * p->allocated - 1;
	int i = (int) (p->shapes[number].hash >> 20) & mask;

	while (p->slots[i] != 0)
		i = (i + 1) & mask;
	p->slots[i] = number + 1;
}

static void
index_shapes(Patterns *p)
{
	memset(p->slots, 0, 4 * p->allocated * sizeof(uint16));
	for (int i = 0; i < p->nshapes; i++)
		index_shape(p, i);
}

/* Room for one more; there are never more than SHAPES */
static void
grow_shapes(Patterns *p)
{
	p->allocated = p->allocated == 0 ? FEW_SHAPES : Min(4 * p->allocated, SHAPES);
	if (p->shapes == NULL)
		p->shapes = MemoryContextAlloc(p->context, p->allocated * sizeof(Shape));
	else
	{
		p->shapes = repalloc(p->shapes, p->allocated * sizeof(Shape));
		pfree(p->slots);
	}
	p->slots = MemoryContextAlloc(p->context, 4 * p->allocated * sizeof(uint16));
	index_shapes(p);
}

static Shape *
find_shape(Patterns *p, uint64 hash)
{
	int mask = 4 * p->allocated - 1;

	if (p->nshapes == 0)
		return NULL;
	for (int i = (int) (hash >> 20) & mask; p->slots[i] != 0; i = (i + 1) & mask)
	{
		Shape *shape = &p->shapes[p->slots[i] - 1];

		if (shape->hash == hash)
			return shape;
	}
	return NULL;
}

typedef Shape *ShapePointer;

#define ST_SORT sort_shapes
#define ST_ELEMENT_TYPE ShapePointer
#define ST_COMPARE(a, b) compare_shapes(*(a), *(b))
#define ST_SCOPE static
#define ST_DEFINE
static inline int
compare_shapes(const Shape *a, const Shape *b)
{
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->hash < b->hash ? -1 : a->hash > b->hash;
}
#include "lib/sort_template.h"

Shape **
patterns_ranked(const Patterns *p, int *n)
{
	Shape **ranked = palloc(Max(p->nshapes, 1) * sizeof(Shape *));

	for (int i = 0; i < p->nshapes; i++)
		ranked[i] = &p->shapes[i];
	sort_shapes(ranked, p->nshapes);
	*n = p->nshapes;
	return ranked;
}

static void
drop_shape(Shape *shape)
{
	if (shape->mask)
		pfree(shape->mask);
	if (shape->example)
		pfree(shape->example);
}

/* The count that is exceeded by at most keep shapes */
static int64
least_to_keep(const Patterns *p, int keep)
{
	int64 least = p->shapes[0].count;
	int at_least = 0;
	int n;
	Shape **ranked;

	/* mostly many have come once only: then there is nothing to sort */
	for (int i = 0; i < p->nshapes; i++)
		least = Min(least, p->shapes[i].count);
	for (int i = 0; i < p->nshapes; i++)
		at_least += p->shapes[i].count == least;
	if (p->nshapes - at_least <= keep)
		return least;
	ranked = patterns_ranked(p, &n);
	least = ranked[keep]->count;
	pfree(ranked);
	return least;
}

/* Make room: subtract the count of the keep-th, as frequent.c does */
static void
purge_shapes(Patterns *p, int keep)
{
	int64 least = least_to_keep(p, keep);
	int kept = 0;

	for (int i = 0; i < p->nshapes; i++)
	{
		Shape *shape = &p->shapes[i];

		if (shape->count <= least)
		{
			drop_shape(shape);
			continue;
		}
		shape->count -= least;
		p->shapes[kept++] = *shape;
	}
	p->nshapes = kept;
	p->shape_offset += least;
	p->shapes_exact = false;
	/* free text: no need to look at every shape that will not come again */
	if (++p->purges == SHAPES_USELESS)
		p->stride = SHAPE_STRIDE;
	index_shapes(p);
}

static char *
copy_of(MemoryContext context, const char *text, int len)
{
	char *copy = MemoryContextAlloc(context, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static void
write_out(Patterns *p, Shape *shape, const char *text, int len)
{
	MemoryContext old = MemoryContextSwitchTo(p->context);

	shape->mask = shape_mask(text, len);
	MemoryContextSwitchTo(old);
	shape->cut = len > EXAMPLE_BYTES;
	shape->example = copy_of(p->context, text, text_fit(text, len, EXAMPLE_BYTES));
}

static void
add_shape(Patterns *p, uint64 hash, const char *text, int len, int64 count)
{
	Shape *shape = find_shape(p, hash);

	if (shape == NULL)
	{
		if (p->nshapes == SHAPES)
			purge_shapes(p, SHAPES / 2);
		else if (p->nshapes == p->allocated)
			grow_shapes(p);
		shape = &p->shapes[p->nshapes];
		memset(shape, 0, sizeof(*shape));
		shape->hash = hash;
		index_shape(p, p->nshapes++);
	}
	shape->count += count;
	/* most shapes of free text are seen once: those need no mask */
	if (shape->mask == NULL && text != NULL && (shape->count > 1 || p->shapes_exact))
		write_out(p, shape, text, len);
}

/* Write a text's shape out while the whole text is at hand; its rows are counted later */
void
patterns_know(Patterns *p, const TextFacts *facts, const char *text, int len)
{
	Shape *shape;

	if (facts->shape == 0)
		return;
	add_shape(p, facts->shape, text, len, 0);
	shape = find_shape(p, facts->shape);
	if (shape->mask == NULL)
		write_out(p, shape, text, len);
}

/* -- lengths -- */

static int
length_bucket(int64 length)
{
	int bucket;

	if (length <= LENGTHS_EXACT)
		return (int) Max(length, 0);
	bucket = LENGTHS_EXACT + pg_leftmost_one_pos64((uint64) length) - 5;
	return Min(bucket, LENGTH_BUCKETS - 1);
}

void
patterns_add_length(Patterns *p, int64 length, int64 count)
{
	p->texts += count;
	p->chars += length * count;
	if (p->min_length < 0 || length < p->min_length)
		p->min_length = length;
	if (length > p->max_length)
		p->max_length = length;
	p->lengths[length_bucket(length)] += count;
}

/* So many rows with a text of these facts; the text itself may be gone */
void
patterns_add(Patterns *p, const TextFacts *facts, const char *text, int len, int64 count)
{
	patterns_add_length(p, facts->chars, count);
	if (facts->flags != 0)
	{
		p->empties += facts->flags & TEXT_EMPTY ? count : 0;
		p->blanks += facts->flags & TEXT_BLANK ? count : 0;
		p->leading += facts->flags & TEXT_LEADING ? count : 0;
		p->trailing += facts->flags & TEXT_TRAILING ? count : 0;
		p->upper += facts->flags & TEXT_UPPER ? count : 0;
		p->lower += facts->flags & TEXT_LOWER ? count : 0;
		p->mixed += facts->flags & TEXT_MIXED ? count : 0;
		p->non_ascii += facts->flags & TEXT_NON_ASCII ? count : 0;
		p->odd += facts->flags & TEXT_ODD ? count : 0;
	}
	if (facts->shape != 0)
		add_shape(p, facts->shape, text, len, count);
	else
		p->unlooked += count;
}

void
patterns_merge(Patterns *into, const Patterns *from)
{
	into->texts += from->texts;
	into->chars += from->chars;
	into->empties += from->empties;
	into->blanks += from->blanks;
	into->leading += from->leading;
	into->trailing += from->trailing;
	into->upper += from->upper;
	into->lower += from->lower;
	into->mixed += from->mixed;
	into->non_ascii += from->non_ascii;
	into->odd += from->odd;
	if (into->min_length < 0 || (from->min_length >= 0 && from->min_length < into->min_length))
		into->min_length = from->min_length;
	into->max_length = Max(into->max_length, from->max_length);
	for (int i = 0; i < LENGTH_BUCKETS; i++)
		into->lengths[i] += from->lengths[i];
	into->shapes_exact = into->shapes_exact && from->shapes_exact;
	into->shape_offset += from->shape_offset;
	into->unlooked += from->unlooked;
	into->guessed = into->guessed || from->guessed;
	into->stride = Max(into->stride, from->stride);
	into->purges = Max(into->purges, from->purges);
	for (int i = 0; i < from->nshapes; i++)
	{
		const Shape *shape = &from->shapes[i];

		add_shape(into, shape->hash, NULL, 0, shape->count);
		if (shape->mask != NULL)
		{
			Shape *here = find_shape(into, shape->hash);

			if (here->mask == NULL)
				here->mask = copy_of(into->context, shape->mask, (int) strlen(shape->mask));
			if (here->example == NULL && shape->example != NULL)
			{
				here->example = copy_of(into->context, shape->example, (int) strlen(shape->example));
				here->cut = shape->cut;
			}
		}
	}
}

/* -- stored form -- */

#define SHAPE_CUT 1
#define SHAPE_MASK 2
#define SHAPE_EXAMPLE 4

static void
write_shape(StringInfo out, const Shape *shape, bool with_example)
{
	with_example = with_example && shape->example != NULL;
	put_word(out, shape->hash, 8);
	put_count(out, shape->count);
	put_byte(out, (shape->cut ? SHAPE_CUT : 0) | (shape->mask ? SHAPE_MASK : 0) | (with_example ? SHAPE_EXAMPLE : 0));
	if (shape->mask)
		put_text(out, shape->mask, strlen(shape->mask));
	if (with_example)
		put_text(out, shape->example, strlen(shape->example));
}

/* All shapes while they are exact; else those that were written out, few enough of them, and more than noise */
static int
shapes_to_store(const Patterns *p, Shape **ranked, int n)
{
	int64 noise = p->texts / 4000;
	int stored = 0;

	if (p->shapes_exact)
		return n;
	while (stored < Min(n, SHAPES_FREQUENT) && ranked[stored]->mask != NULL && ranked[stored]->count > noise)
		stored++;
	return stored;
}

/* Whole: nothing is left out, and counting may go on */
void
patterns_write(StringInfo out, const Patterns *p, bool whole)
{
	const int64 counts[] = {p->texts, p->chars, p->empties, p->blanks, p->leading, p->trailing,
							p->upper, p->lower, p->mixed, p->non_ascii, p->odd,
							p->min_length + 1, p->max_length + 1};
	int used = LENGTH_BUCKETS;
	int n;
	Shape **ranked = patterns_ranked(p, &n);
	int stored = whole ? n : shapes_to_store(p, ranked, n);
	int room = whole ? PG_INT32_MAX : SHAPE_EXAMPLES;

	for (int i = 0; i < lengthof(counts); i++)
		put_count(out, counts[i]);
	while (used > 0 && p->lengths[used - 1] == 0)
		used--;
	put_count(out, used);
	for (int i = 0; i < used; i++)
		put_count(out, p->lengths[i]);
	put_byte(out, (p->has_shapes ? 1 : 0) | (p->guessed ? 2 : 0));
	put_byte(out, p->shapes_exact);
	put_count(out, p->unlooked);
	put_count(out, p->stride);
	put_count(out, p->purges);
	put_count(out, Min(p->shape_offset + (stored < n ? ranked[stored]->count : 0), p->texts));
	put_count(out, stored);
	for (int i = 0; i < stored; i++)
	{
		write_shape(out, ranked[i], room > 0);
		if (room > 0 && ranked[i]->example)
			room -= (int) strlen(ranked[i]->example);
	}
	pfree(ranked);
}

static void
read_shape(Reader *in, Patterns *p, int version)
{
	Shape *shape;
	uint64 hash = take_word(in, 8);
	int64 count = take_rows(in);
	unsigned marks = take_byte(in);
	int len;

	if (version < 3)
		marks = (marks ? SHAPE_CUT : 0) | SHAPE_MASK | SHAPE_EXAMPLE;
	if (find_shape(p, hash) != NULL)
		report_damage();
	if (p->nshapes == p->allocated)
		grow_shapes(p);
	shape = &p->shapes[p->nshapes];
	memset(shape, 0, sizeof(*shape));
	shape->hash = hash;
	shape->count = version < 3 ? Min(count, p->texts) : count;
	shape->cut = (marks & SHAPE_CUT) != 0;
	if (marks & SHAPE_MASK)
		shape->mask = take_string(in, SHAPE_BYTES + 16, p->context, &len);
	if (marks & SHAPE_EXAMPLE)
		shape->example = take_string(in, EXAMPLE_BYTES, p->context, &len);
	index_shape(p, p->nshapes++);
}

Patterns *
patterns_read(Reader *in, MemoryContext context, int version)
{
	Patterns *p = patterns_new(context, true);
	int64 *const counts[] = {&p->texts, &p->chars, &p->empties, &p->blanks, &p->leading, &p->trailing,
							 &p->upper, &p->lower, &p->mixed, &p->non_ascii, &p->odd,
							 &p->min_length, &p->max_length};
	unsigned marks;
	int used;
	int n;

	for (int i = 0; i < lengthof(counts); i++)
		*counts[i] = take_count_to(in, counts[i] == &p->texts ? in->rows : MOST_ROWS);
	p->min_length--;
	p->max_length--;
	used = (int) take_count_to(in, LENGTH_BUCKETS);
	for (int i = 0; i < used; i++)
		p->lengths[i] = take_rows(in);
	marks = take_byte(in);
	p->has_shapes = (marks & 1) != 0;
	p->guessed = (marks & 2) != 0;
	p->shapes_exact = take_byte(in) != 0;
	if (version >= 3)
	{
		p->unlooked = take_rows(in);
		p->stride = (int) take_count_to(in, SHAPE_STRIDE);
		p->purges = (int) take_count_to(in, PG_INT32_MAX / 2);
		/* a mask of bits is made of it */
		if (p->stride != 1 && p->stride != SHAPE_STRIDE)
			report_damage();
	}
	p->shape_offset = take_rows(in);
	n = (int) take_count_to(in, SHAPES);
	for (int i = 0; i < n; i++)
		read_shape(in, p, version);
	return p;
}
