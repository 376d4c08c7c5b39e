/*
 * parquet_column.c
 *		A column of a group of rows that is being written: its values, its dictionary, its bounds.
 *
 * Values are numbers of a dictionary's as long as that is likely to be shorter; then the dictionary is given up, and
 * they stand one behind the other.  Bounds are taken when the group is whole: of a dictionary's values each once.
 */
#include "postgres.h"

#include <math.h>

#include "common/hashfn.h"
#include "files_fdw/parquet_column.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#define MOST_DICTIONARY (1024 * 1024) /* bytes */
#define TRIAL 4096                    /* values after which a dictionary of almost all of them is given up */
#define PAGE_BYTES (1024 * 1024)
#define FIRST_SLOTS 1024

/* -- buffers -- */

void
parquet_buffer_grow(ParquetBuffer *b, size_t n)
{
	size_t room = Max(b->room * 2, 1024);

	while (room < b->len + n)
		room *= 2;
	b->data = b->data ? repalloc_huge(b->data, room) : MemoryContextAllocHuge(b->context, room);
	b->room = room;
}

static void
buffer_drop(ParquetBuffer *b)
{
	if (b->data)
		pfree(b->data);
	b->data = NULL;
	b->len = b->room = 0;
}

/* What is empty keeps some memory for the next group, but not what a few long values took */
static void
buffer_reset(ParquetBuffer *b)
{
	if (b->room > 4 * PAGE_BYTES)
		buffer_drop(b);
	b->len = 0;
}

/* -- values -- */

void
parquet_column_init(WrittenColumn *c, const WrittenLeaf *leaf)
{
	memset(c, 0, sizeof(WrittenColumn));
	c->leaf = *leaf;
	/* a boolean is held as a byte */
	c->width = leaf->type == PARQUET_BOOLEAN ? 1 : parquet_width(leaf->type, leaf->length);
	c->defined.context = c->plain.context = c->codes.context = c->starts.context = CurrentMemoryContext;
	c->coded = leaf->type != PARQUET_BOOLEAN;
}

void
parquet_column_reset(WrittenColumn *c)
{
	c->rows = c->values = c->entries = 0;
	buffer_reset(&c->defined);
	buffer_reset(&c->plain);
	buffer_reset(&c->codes);
	buffer_reset(&c->starts);
	c->coded = c->leaf.type != PARQUET_BOOLEAN;
	if (c->slots)
		memset(c->slots, 0, sizeof(uint32) * c->nslots);
}

size_t
parquet_column_held(const WrittenColumn *c)
{
	return c->defined.len + c->plain.len + c->codes.len;
}

/* Values that stand one behind the other have their lengths before them where these differ */
static void
put_plain(WrittenColumn *c, const void *value, size_t len)
{
	if (c->width == 0)
	{
		uint32 n = (uint32) len;

		parquet_buffer_put(&c->plain, &n, sizeof(n));
	}
	parquet_buffer_put(&c->plain, value, len);
}

/* -- the dictionary -- */

static const char *
entry(const WrittenColumn *c, uint32 code, size_t *len)
{
	const char *at = c->plain.data + ((const uint32 *) c->starts.data)[code];
	uint32 n;

	if (c->width > 0)
	{
		*len = c->width;
		return at;
	}
	memcpy(&n, at, sizeof(n));
	*len = n;
	return at + sizeof(n);
}

static inline uint32
hash_value(const WrittenColumn *c, const void *value, size_t len)
{
	if (c->width == 4)
	{
		uint32 x;

		memcpy(&x, value, 4);
		return murmurhash32(x);
	}
	if (c->width == 8)
	{
		uint64 x;

		memcpy(&x, value, 8);
		return (uint32) ((x * UINT64CONST(0x9e3779b97f4a7c15)) >> 32);
	}
	return hash_bytes(value, (int) len);
}

static void
rehash(WrittenColumn *c)
{
	int n = c->nslots ? c->nslots * 2 : FIRST_SLOTS;

	if (c->slots)
		pfree(c->slots);
	c->slots = MemoryContextAllocZero(c->plain.context, sizeof(uint32) * n);
	c->nslots = n;
	for (int i = 0; i < c->entries; i++)
	{
		size_t len;
		const char *value = entry(c, i, &len);
		uint32 slot = hash_value(c, value, len) & (n - 1);

		while (c->slots[slot] != 0)
			slot = (slot + 1) & (n - 1);
		c->slots[slot] = i + 1;
	}
}

/* The dictionary is given up: what was coded stands in plain form from now on */
static void
decode(WrittenColumn *c)
{
	ParquetBuffer dictionary = c->plain;
	const uint32 *codes = (const uint32 *) c->codes.data;
	ParquetBuffer plain = {.context = dictionary.context};

	for (int i = 0; i < c->values; i++)
	{
		size_t len;
		const char *value = entry(c, codes[i], &len);
		size_t before = c->width > 0 ? 0 : sizeof(uint32);

		parquet_buffer_put(&plain, value - before, len + before);
	}
	buffer_drop(&dictionary);
	c->plain = plain;
	c->coded = false;
	c->codes.len = c->starts.len = 0;
	c->entries = 0;
}

/* Is it the value that came before?  Columns often have runs */
static inline bool
is_last(const WrittenColumn *c, const void *value, size_t len, uint32 *code)
{
	size_t n;
	const char *last;

	if (c->codes.len == 0)
		return false;
	memcpy(code, c->codes.data + c->codes.len - sizeof(uint32), sizeof(uint32));
	last = entry(c, *code, &n);
	return n == len && memcmp(last, value, len) == 0;
}

/* The number of a value in the dictionary, which it joins if it is not there */
static uint32
code_of(WrittenColumn *c, const void *value, size_t len)
{
	uint32 slot;
	uint32 start;

	if (c->entries * 2 >= c->nslots)
		rehash(c);
	slot = hash_value(c, value, len) & (c->nslots - 1);
	while (c->slots[slot] != 0)
	{
		size_t n;
		const char *there = entry(c, c->slots[slot] - 1, &n);

		if (n == len && memcmp(there, value, len) == 0)
			return c->slots[slot] - 1;
		slot = (slot + 1) & (c->nslots - 1);
	}
	start = (uint32) c->plain.len;
	put_plain(c, value, len);
	parquet_buffer_put(&c->starts, &start, sizeof(start));
	c->slots[slot] = ++c->entries;
	return c->entries - 1;
}

void
parquet_put_null(WrittenColumn *c)
{
	static const char no = 0;

	parquet_buffer_put(&c->defined, &no, 1);
	c->rows++;
}

void
parquet_put(WrittenColumn *c, const void *value, size_t len)
{
	static const char yes = 1;

	parquet_buffer_put(&c->defined, &yes, 1);
	c->rows++;
	if (c->coded && (c->plain.len + len > MOST_DICTIONARY || (c->values == TRIAL && c->entries > TRIAL / 4 * 3)))
		decode(c);
	if (c->coded)
	{
		uint32 code;

		if (!is_last(c, value, len, &code))
			code = code_of(c, value, len);
		parquet_buffer_put(&c->codes, &code, sizeof(code));
	}
	else
		put_plain(c, value, len);
	c->values++;
}

/* -- bounds -- */

static int
compare_decimals(const char *a, const char *b, size_t len)
{
	if ((signed char) a[0] != (signed char) b[0])
		return (signed char) a[0] < (signed char) b[0] ? -1 : 1;
	return memcmp(a + 1, b + 1, len - 1);
}

static int
compare_bytes(const char *a, size_t na, const char *b, size_t nb)
{
	int order = memcmp(a, b, Min(na, nb));

	return order != 0 ? order : na < nb ? -1
							: na > nb   ? 1
										: 0;
}

#define COMPARE_AS(type) \
	do \
	{ \
		type x; \
		type y; \
		memcpy(&x, a, sizeof(type)); \
		memcpy(&y, b, sizeof(type)); \
		return x < y ? -1 : x > y ? 1 \
								  : 0; \
	} while (0)

static int
compare_values(const WrittenLeaf *leaf, const char *a, size_t na, const char *b, size_t nb)
{
	if (leaf->order == PARQUET_ORDER_BYTES)
		return compare_bytes(a, na, b, nb);
	if (leaf->order == PARQUET_ORDER_DECIMAL)
		return compare_decimals(a, b, na);
	switch (leaf->type)
	{
		case PARQUET_BOOLEAN:
			return *a - *b;
		case PARQUET_INT32:
			COMPARE_AS(int32);
		case PARQUET_INT64:
			COMPARE_AS(int64);
		case PARQUET_FLOAT:
			COMPARE_AS(float);
		default:
			COMPARE_AS(double);
	}
}

static double
as_double(const WrittenLeaf *leaf, const char *value)
{
	float f;
	double d;

	if (leaf->type == PARQUET_FLOAT)
	{
		memcpy(&f, value, sizeof(f));
		return f;
	}
	memcpy(&d, value, sizeof(d));
	return d;
}

static void
keep_double(const WrittenLeaf *leaf, ParquetBound *bound, double d)
{
	float f = (float) d;

	if (leaf->type == PARQUET_FLOAT)
		memcpy(bound->data, &f, sizeof(f));
	else
		memcpy(bound->data, &d, sizeof(d));
}

static bool
is_floating(const WrittenLeaf *leaf)
{
	return leaf->type == PARQUET_FLOAT || leaf->type == PARQUET_DOUBLE;
}

/* Bytes of so many characters as fit whole */
static int
whole_characters(const char *text, int most)
{
	int n = 0;

	for (;;)
	{
		int len = pg_utf_mblen((const unsigned char *) text + n);

		if (n + len > most)
			return n;
		n += len;
	}
}

/* The shortest text that is greater than all that begin with this one; false: there is none */
static bool
text_above(char *text, int *len)
{
	while (*len > 0)
	{
		int at = *len - 1;
		pg_wchar c;
		unsigned char next[5];

		while (at > 0 && ((unsigned char) text[at] & 0xc0) == 0x80)
			at--;
		c = utf8_to_unicode((unsigned char *) text + at) + 1;
		/* no character is a half of a pair */
		if (c >= 0xd800 && c <= 0xdfff)
			c = 0xe000;
		if (c <= 0x10ffff)
		{
			int n;

			unicode_to_utf8(c, next);
			n = pg_utf_mblen(next);
			/* it may take a byte more than the one before */
			if (at + n <= PARQUET_BOUND_BYTES)
			{
				memcpy(text + at, next, n);
				*len = at + n;
				return true;
			}
		}
		*len = at;
	}
	return false;
}

static bool
bytes_above(char *data, int *len)
{
	for (; *len > 0; (*len)--)
	{
		if ((unsigned char) data[*len - 1] != 0xff)
		{
			data[*len - 1]++;
			return true;
		}
	}
	return false;
}

/* What is too long is cut, and then less, or made greater */
static void
keep_bound(const WrittenLeaf *leaf, ParquetBound *bound, const char *value, size_t len, bool above)
{
	bound->known = bound->exact = true;
	bound->len = (int) Min(len, PARQUET_BOUND_BYTES);
	if (len > PARQUET_BOUND_BYTES)
	{
		bound->exact = false;
		if (leaf->text)
			bound->len = whole_characters(value, PARQUET_BOUND_BYTES);
	}
	memcpy(bound->data, value, bound->len);
	if (!bound->exact && above)
		bound->known = leaf->text ? text_above(bound->data, &bound->len) : bytes_above(bound->data, &bound->len);
}

/* The next of the values that stand in plain form */
static inline const char *
next_value(const WrittenColumn *c, const char **at, size_t *len)
{
	const char *value = *at;
	uint32 n;

	if (c->width > 0)
	{
		*len = c->width;
		*at += c->width;
		return value;
	}
	memcpy(&n, value, sizeof(n));
	*len = n;
	*at += sizeof(n) + n;
	return value + sizeof(n);
}

/* Least and greatest value; false: there is none, or one that nobody knows where to put */
static bool
extremes(const WrittenColumn *c, const char **min, size_t *min_len, const char **max, size_t *max_len)
{
	const char *at = c->plain.data;
	int n = c->coded ? c->entries : c->values;

	if (n == 0 || c->leaf.order == PARQUET_ORDER_NONE)
		return false;
	*min = *max = next_value(c, &at, min_len);
	*max_len = *min_len;
	if (is_floating(&c->leaf) && isnan(as_double(&c->leaf, *min)))
		return false;
	for (int i = 1; i < n; i++)
	{
		size_t len;
		const char *value = next_value(c, &at, &len);

		if (is_floating(&c->leaf) && isnan(as_double(&c->leaf, value)))
			return false;
		if (compare_values(&c->leaf, value, len, *min, *min_len) < 0)
		{
			*min = value;
			*min_len = len;
		}
		else if (compare_values(&c->leaf, value, len, *max, *max_len) > 0)
		{
			*max = value;
			*max_len = len;
		}
	}
	return true;
}

static void
take_bounds(const WrittenColumn *c, ParquetBounds *bounds)
{
	const char *min;
	const char *max;
	size_t min_len;
	size_t max_len;

	memset(bounds, 0, sizeof(ParquetBounds));
	bounds->rows = c->rows;
	bounds->nulls = c->rows - c->values;
	if (!extremes(c, &min, &min_len, &max, &max_len))
		return;
	keep_bound(&c->leaf, &bounds->min, min, min_len, false);
	keep_bound(&c->leaf, &bounds->max, max, max_len, true);
	/* the two zeros are equal: whoever knows them apart must find both within */
	if (is_floating(&c->leaf) && as_double(&c->leaf, min) == 0)
		keep_double(&c->leaf, &bounds->min, -0.0);
	if (is_floating(&c->leaf) && as_double(&c->leaf, max) == 0)
		keep_double(&c->leaf, &bounds->max, 0.0);
}

void
parquet_bounds_add(ParquetBounds *all, const ParquetBounds *more, const WrittenLeaf *leaf)
{
	bool first = all->rows == all->nulls;

	/* nothing but nulls says nothing of values */
	if (more->rows > more->nulls)
	{
		if (first)
		{
			all->min = more->min;
			all->max = more->max;
		}
		else
		{
			if (!more->min.known)
				all->min.known = false;
			else if (all->min.known &&
					 compare_values(leaf, more->min.data, more->min.len, all->min.data, all->min.len) < 0)
				all->min = more->min;
			if (!more->max.known)
				all->max.known = false;
			else if (all->max.known &&
					 compare_values(leaf, more->max.data, more->max.len, all->max.data, all->max.len) > 0)
				all->max = more->max;
		}
	}
	all->rows += more->rows;
	all->nulls += more->nulls;
}

/* -- pages -- */

/* Bits that numbers of the dictionary take */
static int
code_bits(const WrittenColumn *c)
{
	return c->entries <= 1 ? 1 : 32 - __builtin_clz((uint32) c->entries - 1);
}

/* Would all values one behind the other be shorter than the dictionary with its numbers? */
static bool
is_longer(const WrittenColumn *c)
{
	const uint32 *codes = (const uint32 *) c->codes.data;
	size_t coded = c->plain.len + (size_t) c->values * code_bits(c) / 8;
	size_t plain = (size_t) c->values * c->width;

	for (int i = 0; c->width == 0 && i < c->values; i++)
	{
		size_t len;

		(void) entry(c, codes[i], &len);
		plain += len + sizeof(uint32);
	}
	return coded >= plain;
}

void
parquet_column_finish(WrittenColumn *c, ParquetBounds *bounds)
{
	take_bounds(c, bounds);
	if (c->coded && (c->values == 0 || is_longer(c)))
		decode(c);
}

bool
parquet_column_cut(const WrittenColumn *c, ParquetPageCut *cut)
{
	const char *defined = c->defined.data;
	size_t bytes = 0;

	cut->first_row += cut->rows;
	cut->first_value += cut->values;
	cut->from = cut->to;
	cut->rows = cut->values = 0;
	if (cut->first_row >= c->rows)
		return false;
	for (int row = cut->first_row; row < c->rows && bytes < PAGE_BYTES; row++)
	{
		cut->rows++;
		if (!defined[row])
			continue;
		cut->values++;
		if (c->coded)
			bytes += 4;
		else if (c->width > 0)
			bytes += c->width;
		else
		{
			uint32 n;

			memcpy(&n, c->plain.data + cut->from + bytes, sizeof(n));
			bytes += sizeof(n) + n;
		}
	}
	cut->to = c->coded ? cut->from : cut->from + bytes;
	return true;
}

static void
put_varint(ParquetBuffer *out, uint32 value)
{
	unsigned char bytes[5];
	int n = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (unsigned char) (value | 0x80);
	bytes[n++] = (unsigned char) value;
	parquet_buffer_put(out, bytes, n);
}

/* Numbers of so many bits one behind the other, in eights */
static void
put_packed(ParquetBuffer *out, const uint32 *numbers, int n, int bits)
{
	int eights = (n + 7) / 8;
	uint64 held = 0;
	int nheld = 0;
	char *to;

	if (n == 0)
		return;
	put_varint(out, (uint32) eights << 1 | 1);
	if (out->len + (size_t) eights * bits + 8 > out->room)
		parquet_buffer_grow(out, (size_t) eights * bits + 8);
	to = out->data + out->len;
	for (int i = 0; i < eights * 8; i++)
	{
		held |= (uint64) (i < n ? numbers[i] : 0) << nheld;
		for (nheld += bits; nheld >= 8; nheld -= 8)
		{
			*to++ = (char) held;
			held >>= 8;
		}
	}
	out->len = to - out->data;
}

/* Runs of one number, and between them numbers in eights: Parquet's hybrid of both */
static void
put_runs(ParquetBuffer *out, const uint32 *numbers, int n, int bits)
{
	int start = 0; /* of what is to be packed */

	for (int i = 0; i < n;)
	{
		int run = 1;
		int fill = (8 - (i - start) % 8) % 8;

		while (i + run < n && numbers[i + run] == numbers[i])
			run++;
		if (run - fill < 8)
		{
			i += run;
			continue;
		}
		put_packed(out, numbers + start, i + fill - start, bits);
		put_varint(out, (uint32) (run - fill) << 1);
		parquet_buffer_put(out, &numbers[i], (bits + 7) / 8);
		i += run;
		start = i;
	}
	put_packed(out, numbers + start, n - start, bits);
}

/* Which rows of the page have a value; its length stands before it */
static void
put_defined(const WrittenColumn *c, const ParquetPageCut *cut, ParquetBuffer *out)
{
	size_t at = out->len;
	uint32 len = 0;

	parquet_buffer_put(out, &len, sizeof(len));
	if (cut->values == cut->rows)
	{
		static const char one = 1;

		put_varint(out, (uint32) cut->rows << 1);
		parquet_buffer_put(out, &one, 1);
	}
	else
	{
		uint32 *levels = palloc(sizeof(uint32) * cut->rows);

		for (int i = 0; i < cut->rows; i++)
			levels[i] = (uint32) c->defined.data[cut->first_row + i];
		put_runs(out, levels, cut->rows, 1);
		pfree(levels);
	}
	len = (uint32) (out->len - at - sizeof(len));
	memcpy(out->data + at, &len, sizeof(len));
}

static void
put_truths(ParquetBuffer *out, const char *truths, int n)
{
	for (int i = 0; i < n; i += 8)
	{
		char byte = 0;

		for (int j = 0; j < 8 && i + j < n; j++)
			byte |= (char) (truths[i + j] << j);
		parquet_buffer_put(out, &byte, 1);
	}
}

void
parquet_column_page(const WrittenColumn *c, const ParquetPageCut *cut, ParquetBuffer *out)
{
	out->len = 0;
	put_defined(c, cut, out);
	if (c->coded)
	{
		char bits = (char) code_bits(c);

		parquet_buffer_put(out, &bits, 1);
		put_runs(out, (const uint32 *) c->codes.data + cut->first_value, cut->values, bits);
	}
	else if (c->leaf.type == PARQUET_BOOLEAN)
		put_truths(out, c->plain.data + cut->from, cut->values);
	else if (cut->to > cut->from)
		parquet_buffer_put(out, c->plain.data + cut->from, cut->to - cut->from);
}
