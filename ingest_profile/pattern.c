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

/* What there is to know of a text */
TextFacts
text_facts(const Patterns *p, const char *text, int len, uint64 hash)
{
	const unsigned char *s = (const unsigned char *) text;
	TextFacts facts = {0};
	unsigned all = 0;
	int follows = 0;
	int spaces = 0;

	for (int i = 0; i < len; i++)
	{
		unsigned marks = marks_of[s[i]];

		all |= marks;
		follows += (marks & MARK_FOLLOWS) != 0;
		spaces += (marks & MARK_SPACE) != 0;
	}
	facts.chars = len - follows;
	if (len == 0)
		facts.flags = TEXT_EMPTY;
	else if (spaces == len)
		facts.flags = TEXT_BLANK;
	else
	{
		if (marks_of[s[0]] & MARK_SPACE)
			facts.flags |= TEXT_LEADING;
		if (marks_of[s[len - 1]] & MARK_SPACE)
			facts.flags |= TEXT_TRAILING;
		if ((all & (MARK_UPPER | MARK_LOWER)) == MARK_UPPER)
			facts.flags |= TEXT_UPPER;
		else if ((all & (MARK_UPPER | MARK_LOWER)) == MARK_LOWER)
			facts.flags |= TEXT_LOWER;
		else if (all & MARK_UPPER)
			facts.flags |= TEXT_MIXED;
	}
	if (all & MARK_HIGH)
	{
		facts.flags |= TEXT_NON_ASCII;
		if (GetDatabaseEncoding() != PG_UTF8)
			facts.chars = pg_mbstrlen_with_len(text, len);
		else if (has_odd(s, len))
			facts.flags |= TEXT_ODD;
	}
	if (all & MARK_CONTROL)
		facts.flags |= TEXT_ODD;
	if (p->has_shapes && ((hash >> 24) & (p->stride - 1)) == 0)
	{
		facts.shape = shape_hash(s, len);
		facts.stride = p->stride;
	}
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
		appendStringInfoCharMacro(&mask, class < ' ' || class == 127 ? '?' : class);
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
	if (has_shapes)
		p->shapes = MemoryContextAllocZero(context, 2 * SHAPES * sizeof(Shape));
	return p;
}

/* -- shapes -- */

#define SLOT_MASK (4 * SHAPES - 1)

static void
index_shape(Patterns *p, int number)
{
	int i = (int) (p->shapes[number].hash >> 20) & SLOT_MASK;

	while (p->slots[i] != 0)
		i = (i + 1) & SLOT_MASK;
	p->slots[i] = number + 1;
}

static Shape *
find_shape(Patterns *p, uint64 hash)
{
	for (int i = (int) (hash >> 20) & SLOT_MASK; p->slots[i] != 0; i = (i + 1) & SLOT_MASK)
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
	memset(p->slots, 0, sizeof(p->slots));
	for (int i = 0; i < kept; i++)
		index_shape(p, i);
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
		shape = &p->shapes[p->nshapes];
		memset(shape, 0, sizeof(*shape));
		shape->hash = hash;
		index_shape(p, p->nshapes++);
	}
	shape->count += count;
	/* most shapes of free text are seen once: those need no mask */
	if (shape->mask == NULL && text != NULL && (shape->count > 1 || (p->purges == 0 && p->nshapes <= SHAPES_STORED)))
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
		add_shape(p, facts->shape, text, len, count * facts->stride);
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
	for (int i = 0; i < from->nshapes; i++)
	{
		const Shape *shape = &from->shapes[i];

		add_shape(into, shape->hash, NULL, 0, shape->count);
		if (shape->mask != NULL)
		{
			Shape *here = find_shape(into, shape->hash);

			if (here->mask == NULL)
			{
				here->mask = copy_of(into->context, shape->mask, (int) strlen(shape->mask));
				here->example = copy_of(into->context, shape->example, (int) strlen(shape->example));
				here->cut = shape->cut;
			}
		}
	}
}

/* -- stored form -- */

void
patterns_write(StringInfo out, const Patterns *p)
{
	const int64 counts[] = {p->texts, p->chars, p->empties, p->blanks, p->leading, p->trailing,
							p->upper, p->lower, p->mixed, p->non_ascii, p->odd,
							p->min_length + 1, p->max_length + 1};
	int used = LENGTH_BUCKETS;
	int n;
	Shape **ranked = patterns_ranked(p, &n);
	int64 offset = p->shape_offset;
	int64 noise = p->shapes_exact ? 0 : p->texts / 4000;
	int stored = 0;

	for (int i = 0; i < lengthof(counts); i++)
		put_count(out, counts[i]);
	while (used > 0 && p->lengths[used - 1] == 0)
		used--;
	put_count(out, used);
	for (int i = 0; i < used; i++)
		put_count(out, p->lengths[i]);
	put_byte(out, p->has_shapes);
	/* those that were written out, few enough of them, and more than noise where they are many */
	while (stored < Min(n, SHAPES_STORED) && ranked[stored]->mask != NULL && ranked[stored]->count > noise)
		stored++;
	put_byte(out, p->shapes_exact && stored == n);
	if (stored < n)
		offset += ranked[stored]->count;
	put_count(out, offset);
	put_count(out, stored);
	for (int i = 0; i < stored; i++)
	{
		put_word(out, ranked[i]->hash, 8);
		put_count(out, ranked[i]->count);
		put_byte(out, ranked[i]->cut);
		put_text(out, ranked[i]->mask, strlen(ranked[i]->mask));
		put_text(out, ranked[i]->example, strlen(ranked[i]->example));
	}
	pfree(ranked);
}

Patterns *
patterns_read(Reader *in, MemoryContext context)
{
	Patterns *p = patterns_new(context, true);
	int64 *const counts[] = {&p->texts, &p->chars, &p->empties, &p->blanks, &p->leading, &p->trailing,
							 &p->upper, &p->lower, &p->mixed, &p->non_ascii, &p->odd,
							 &p->min_length, &p->max_length};
	int used;
	int n;
	int len;

	for (int i = 0; i < lengthof(counts); i++)
		*counts[i] = take_count_to(in, counts[i] == &p->texts ? in->rows : MOST_ROWS);
	p->min_length--;
	p->max_length--;
	used = (int) take_count_to(in, LENGTH_BUCKETS);
	for (int i = 0; i < used; i++)
		p->lengths[i] = take_rows(in);
	p->has_shapes = take_byte(in) != 0;
	p->shapes_exact = take_byte(in) != 0;
	p->shape_offset = take_rows(in);
	n = (int) take_count_to(in, SHAPES_STORED);
	for (int i = 0; i < n; i++)
	{
		Shape *shape = &p->shapes[i];

		shape->hash = take_word(in, 8);
		shape->count = take_rows(in);
		shape->cut = take_byte(in) != 0;
		shape->mask = take_string(in, SHAPE_BYTES + 16, context, &len);
		shape->example = take_string(in, EXAMPLE_BYTES, context, &len);
		if (find_shape(p, shape->hash) != NULL)
			report_damage();
		index_shape(p, p->nshapes++);
	}
	return p;
}
