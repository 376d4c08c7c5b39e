/*
 * parquet_decode.c
 *		Encodings of Parquet's values and levels.
 */
#include "postgres.h"

#include "common/attribute.h"
#include "files_fdw/parquet_decode.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"

#define NEVER_MORE (1 << 20) /* values of a block of differences */

/* -- bits -- */

/* Eight bytes, or those that there are */
static inline uint64
load64(const uint8 *p, const uint8 *end)
{
	uint64 word = 0;

	if (end - p >= 8)
		memcpy(&word, p, 8);
	else if (p < end)
		memcpy(&word, p, end - p);
#ifdef WORDS_BIGENDIAN
	word = pg_bswap64(word);
#endif
	return word;
}

/* Up to 64 bits from a bit on; the caller has seen that they are there */
static inline uint64
take_bits(const uint8 *p, const uint8 *end, uint64 bit, int width)
{
	const uint8 *at = p + (bit >> 3);
	int shift = (int) (bit & 7);
	uint64 word = load64(at, end) >> shift;

	if (shift + width > 64)
		word |= (uint64) at[8] << (64 - shift);
	return width == 64 ? word : word & ((UINT64CONST(1) << width) - 1);
}

static inline bool
has_bits(const uint8 *p, const uint8 *end, uint64 bit, uint64 n)
{
	return bit + n <= (uint64) (end - p) * 8;
}

static bool
take_varint(const uint8 **at, const uint8 *end, uint64 *value)
{
	*value = 0;
	for (int shift = 0; shift < 70 && *at < end; shift += 7)
	{
		uint8 b = *(*at)++;

		if (shift < 64)
			*value |= (uint64) (b & 0x7f) << shift;
		if ((b & 0x80) == 0)
			return true;
	}
	return false;
}

/* -- runs and packed bits -- */

void
rle_begin(RleDecoder *d, const void *data, size_t n, int width)
{
	*d = (RleDecoder){.at = data, .end = (const uint8 *) data + n, .width = width};
	if (width < 0 || width > 32)
		d->fault = "values are packed to more than 32 bits";
}

/* A run of one value, or eight packed ones or a multiple; at the end there may be fewer bytes than that */
static void
next_run(RleDecoder *d)
{
	uint64 head;
	int bytes = (d->width + 7) / 8;

	if (!take_varint(&d->at, d->end, &head))
	{
		d->fault = "runs of values end too early";
		return;
	}
	if ((head >> 1) > PG_INT32_MAX / 8)
	{
		d->fault = "a run of values is too long";
		return;
	}
	if (head & 1)
	{
		uint64 size = (head >> 1) * d->width;

		d->packed = (uint32) (head >> 1) * 8;
		d->bits = d->at;
		d->bit = 0;
		d->at += Min(size, (uint64) (d->end - d->at));
		if (d->packed == 0)
			d->fault = "a run of values is empty";
		return;
	}
	d->run = (uint32) (head >> 1);
	if (d->end - d->at < bytes || d->run == 0)
	{
		d->fault = d->run == 0 ? "a run of values is empty" : "runs of values end too early";
		return;
	}
	d->value = (uint32) load64(d->at, d->at + bytes);
	d->at += bytes;
}

static inline int
packed_now(RleDecoder *d, int n)
{
	int some = (int) Min(d->packed, (uint32) n);

	if (!has_bits(d->bits, d->at, d->bit, (uint64) some * d->width))
		d->fault = "packed values end too early";
	return some;
}

void
rle_read(RleDecoder *d, uint32 *out, int n)
{
	while (n > 0 && d->fault == NULL)
	{
		int some;

		if (d->run > 0)
		{
			some = (int) Min(d->run, (uint32) n);
			for (int i = 0; i < some; i++)
				out[i] = d->value;
			d->run -= some;
		}
		else if (d->packed > 0)
		{
			const uint8 *bits = d->bits;
			const uint8 *end = d->at;
			uint64 bit = d->bit;
			uint64 mask = (UINT64CONST(1) << d->width) - 1;
			int width = d->width;

			some = packed_now(d, n);
			if (d->fault)
				break;
			for (int i = 0; i < some; i++, bit += width)
				out[i] = (uint32) ((load64(bits + (bit >> 3), end) >> (bit & 7)) & mask);
			d->bit = bit;
			d->packed -= some;
		}
		else
		{
			next_run(d);
			continue;
		}
		out += some;
		n -= some;
	}
	if (n > 0)
		memset(out, 0, sizeof(uint32) * n);
}

void
rle_read_levels(RleDecoder *d, uint8 *out, int n, int most)
{
	while (n > 0 && d->fault == NULL)
	{
		int some;

		if (d->run > 0)
		{
			some = (int) Min(d->run, (uint32) n);
			if (d->value > (uint32) most)
				d->fault = "a level is higher than its column's";
			memset(out, (int) Min(d->value, (uint32) most), some);
			d->run -= some;
		}
		else if (d->packed > 0)
		{
			some = packed_now(d, n);
			if (d->fault)
				break;
			for (int i = 0; i < some; i++, d->bit += d->width)
			{
				out[i] = (uint8) take_bits(d->bits, d->at, d->bit, d->width);
				if (out[i] > most)
					d->fault = "a level is higher than its column's";
			}
			d->packed -= some;
		}
		else
		{
			next_run(d);
			continue;
		}
		out += some;
		n -= some;
	}
}

/* -- differences -- */

void
delta_begin(DeltaDecoder *d, const void *data, size_t n)
{
	uint64 block;
	uint64 minis;
	uint64 total;
	uint64 first;

	*d = (DeltaDecoder){.at = data, .end = (const uint8 *) data + n};
	if (!take_varint(&d->at, d->end, &block) || !take_varint(&d->at, d->end, &minis) ||
		!take_varint(&d->at, d->end, &total) || !take_varint(&d->at, d->end, &first))
	{
		d->fault = "the head of differences ends too early";
		return;
	}
	if (block == 0 || block > NEVER_MORE || minis == 0 || minis > block || block % minis != 0 ||
		(block / minis) % 8 != 0 || total > PG_INT32_MAX)
	{
		d->fault = "the head of differences is not valid";
		return;
	}
	d->block = (int) block;
	d->minis = (int) minis;
	d->per_mini = (int) (block / minis);
	d->total = d->left = (int64) total;
	d->value = (first >> 1) ^ -(first & 1);
	d->mini = d->minis;
}

/* The next miniblock, and the block where it is its first */
static void
next_mini(DeltaDecoder *d)
{
	uint64 size;

	if (d->mini == d->minis)
	{
		uint64 min;

		if (!take_varint(&d->at, d->end, &min) || d->end - d->at < d->minis)
		{
			d->fault = "differences end too early";
			return;
		}
		d->min = (min >> 1) ^ -(min & 1);
		d->widths = d->at;
		d->at += d->minis;
		d->mini = 0;
	}
	if (d->widths[d->mini] > 64)
	{
		d->fault = "differences are packed to more than 64 bits";
		return;
	}
	size = (uint64) d->per_mini / 8 * d->widths[d->mini];
	d->bits = d->at;
	d->bit = 0;
	d->mini_left = d->per_mini;
	/* what is behind the last value may be left out */
	d->at += Min(size, (uint64) (d->end - d->at));
}

void
delta_read(DeltaDecoder *d, int64 *out, int n)
{
	for (int i = 0; i < n;)
	{
		int width;
		int some;

		if (d->fault || d->left == 0)
		{
			if (d->fault == NULL)
				d->fault = "there are fewer differences than values";
			memset(out + i, 0, sizeof(int64) * (n - i));
			return;
		}
		if (d->left == 1)
		{
			out[i++] = (int64) d->value;
			d->left--;
			continue;
		}
		if (d->mini_left == 0)
		{
			next_mini(d);
			continue;
		}
		width = d->widths[d->mini];
		some = (int) Min(Min(d->mini_left, n - i), d->left - 1);
		if (!has_bits(d->bits, d->at, d->bit, (uint64) some * width))
		{
			d->fault = "differences end too early";
			continue;
		}
		for (int k = 0; k < some; k++, d->bit += width)
		{
			out[i++] = (int64) d->value;
			d->value += d->min + (width ? take_bits(d->bits, d->at, d->bit, width) : 0);
		}
		d->left -= some;
		d->mini_left -= some;
		if (d->mini_left == 0)
			d->mini++;
	}
}

const uint8 *
delta_end(DeltaDecoder *d, int64 most)
{
	int64 left = d->left;

	if (d->fault == NULL && left > most)
		d->fault = "there are more differences than values";
	/* the first value is in the head */
	for (left--; left > 0 && d->fault == NULL; left -= d->per_mini)
	{
		CHECK_FOR_INTERRUPTS();
		next_mini(d);
		d->mini_left = 0;
		d->mini++;
	}
	return d->at;
}

/* -- values -- */

bool
values_can_be(int type, int encoding)
{
	switch (encoding)
	{
		case PARQUET_PLAIN:
			return true;
		case PARQUET_RLE:
			return type == PARQUET_BOOLEAN;
		case PARQUET_DELTA_BINARY_PACKED:
			return type == PARQUET_INT32 || type == PARQUET_INT64;
		case PARQUET_DELTA_LENGTH_BYTE_ARRAY:
			return type == PARQUET_BYTE_ARRAY;
		case PARQUET_DELTA_BYTE_ARRAY:
			return type == PARQUET_BYTE_ARRAY || type == PARQUET_FIXED;
		case PARQUET_BYTE_STREAM_SPLIT:
			return type == PARQUET_INT32 || type == PARQUET_INT64 || type == PARQUET_FLOAT || type == PARQUET_DOUBLE ||
				   type == PARQUET_FIXED;
		default:
			return false;
	}
}

static void
begin_truths(ValueDecoder *d)
{
	uint32 n = 0;

	if (d->end - d->at >= 4)
		n = (uint32) load64(d->at, d->at + 4);
	if (d->end - d->at < 4 || n > (uint64) (d->end - d->at - 4))
		d->fault = "booleans end too early";
	else
		rle_begin(&d->rle, d->at + 4, n, 1);
}

void
values_begin(ValueDecoder *d, int type, int length, int encoding, const uint8 *data, size_t n, int64 most)
{
	d->type = type;
	d->length = parquet_width(type, length);
	d->encoding = encoding;
	d->at = data;
	d->end = data + n;
	d->bit = 0;
	d->last_len = 0;
	d->given = 0;
	d->fault = NULL;
	switch (encoding)
	{
		case PARQUET_RLE:
			begin_truths(d);
			break;
		case PARQUET_DELTA_BINARY_PACKED:
			delta_begin(&d->delta, data, n);
			break;
		case PARQUET_DELTA_BYTE_ARRAY:
			delta_begin(&d->delta, data, n);
			{
				DeltaDecoder ahead = d->delta;

				d->at = delta_end(&ahead, most);
				d->fault = ahead.fault;
			}
			pg_fallthrough;
		case PARQUET_DELTA_LENGTH_BYTE_ARRAY:
			delta_begin(&d->lengths, d->at, d->end - d->at);
			{
				DeltaDecoder ahead = d->lengths;

				d->at = delta_end(&ahead, most);
				if (d->fault == NULL)
					d->fault = ahead.fault;
			}
			break;
		case PARQUET_BYTE_STREAM_SPLIT:
			d->count = (int64) (n / d->length);
			break;
		default:
			break;
	}
}

static void
too_early(ValueDecoder *d)
{
	if (d->fault == NULL)
		d->fault = "values end too early";
}

static int
read_plain_truths(ValueDecoder *d, uint8 *out, int n)
{
	if (!has_bits(d->at, d->end, d->bit, n))
	{
		too_early(d);
		return 0;
	}
	for (int i = 0; i < n; i++, d->bit++)
		out[i] = (d->at[d->bit >> 3] >> (d->bit & 7)) & 1;
	return n;
}

static int
read_rle_truths(ValueDecoder *d, uint8 *out, int n)
{
	rle_read_levels(&d->rle, out, n, 1);
	d->fault = d->rle.fault;
	return d->fault ? 0 : n;
}

static int
read_plain_numbers(ValueDecoder *d, void *out, int n)
{
	size_t size = (size_t) n * d->length;

	if ((size_t) (d->end - d->at) < size)
	{
		too_early(d);
		return 0;
	}
	memcpy(out, d->at, size);
	d->at += size;
#ifdef WORDS_BIGENDIAN
	for (int i = 0; i < n; i++)
	{
		if (d->length == 4)
			((uint32 *) out)[i] = pg_bswap32(((uint32 *) out)[i]);
		else
			((uint64 *) out)[i] = pg_bswap64(((uint64 *) out)[i]);
	}
#endif
	return n;
}

static int
read_plain_slices(ValueDecoder *d, Slice *out, int n)
{
	for (int i = 0; i < n; i++)
	{
		uint32 len = (uint32) d->length;

		if (d->type == PARQUET_BYTE_ARRAY)
		{
			if (d->end - d->at < 4)
			{
				too_early(d);
				return 0;
			}
			len = (uint32) load64(d->at, d->at + 4);
			d->at += 4;
		}
		if (len > (size_t) (d->end - d->at))
		{
			too_early(d);
			return 0;
		}
		out[i] = (Slice){(const char *) d->at, len};
		d->at += len;
	}
	return n;
}

static int
read_deltas(ValueDecoder *d, ParquetValues out, int n)
{
	int64 some[256];

	if (d->type == PARQUET_INT64)
		delta_read(&d->delta, out.i64, n);
	for (int i = 0; d->type == PARQUET_INT32 && i < n; i += lengthof(some))
	{
		int k = Min(n - i, lengthof(some));

		delta_read(&d->delta, some, k);
		for (int j = 0; j < k; j++)
			out.i32[i + j] = (int32) some[j];
	}
	d->fault = d->delta.fault;
	return d->fault ? 0 : n;
}

static bool
next_length(ValueDecoder *d, DeltaDecoder *lengths, size_t most, size_t *len)
{
	int64 value;

	delta_read(lengths, &value, 1);
	if (lengths->fault || value < 0 || (uint64) value > most)
	{
		d->fault = lengths->fault ? lengths->fault : "a value is longer than its page";
		return false;
	}
	*len = (size_t) value;
	return true;
}

static int
read_delta_lengths(ValueDecoder *d, Slice *out, int n)
{
	for (int i = 0; i < n; i++)
	{
		size_t len;

		if (!next_length(d, &d->lengths, d->end - d->at, &len))
			return 0;
		out[i] = (Slice){(const char *) d->at, (uint32) len};
		d->at += len;
	}
	return n;
}

/* Room for the last value; it is no longer than all that its page has */
static void
keep_last(ValueDecoder *d, size_t len)
{
	if (len <= d->last_room && d->last != NULL)
		return;
	d->last_room = len * 2 + 64;
	d->last = d->last ? repalloc_huge(d->last, d->last_room)
					  : MemoryContextAllocHuge(CurrentMemoryContext, d->last_room);
}

static char *
keep_scratch(ValueDecoder *d, size_t n)
{
	if (n > d->scratch_room)
	{
		if (d->scratch)
			pfree(d->scratch);
		d->scratch_room = n;
		d->scratch = MemoryContextAllocHuge(CurrentMemoryContext, n);
	}
	return d->scratch;
}

/* A value is what it has in common with the last one, and the rest */
static int
read_delta_strings(ValueDecoder *d, Slice *out, int n)
{
	char *to = keep_scratch(d, d->most);
	size_t used = 0;

	for (int i = 0; i < n; i++)
	{
		DeltaDecoder prefixes = d->delta;
		DeltaDecoder lengths = d->lengths;
		size_t prefix;
		size_t len;

		if (!next_length(d, &d->delta, d->last_len, &prefix) || !next_length(d, &d->lengths, d->end - d->at, &len))
			return 0;
		if (used + prefix + len > d->most)
		{
			if (i > 0)
			{
				d->delta = prefixes;
				d->lengths = lengths;
				return i;
			}
			to = keep_scratch(d, prefix + len);
		}
		if (d->type == PARQUET_FIXED && prefix + len != d->length)
		{
			d->fault = "a value's length is not that of its column";
			return 0;
		}
		keep_last(d, prefix + len);
		memcpy(d->last + prefix, d->at, len);
		d->at += len;
		d->last_len = prefix + len;
		memcpy(to + used, d->last, d->last_len);
		out[i] = (Slice){to + used, (uint32) d->last_len};
		used += d->last_len;
		if (used > d->most)
			return i + 1;
	}
	return n;
}

/* The first bytes of all values, then the second ones */
static int
read_split(ValueDecoder *d, ParquetValues out, int n)
{
	bool slices = d->type == PARQUET_FIXED;
	uint8 *to = out.any;

	if (d->given + n > d->count)
	{
		too_early(d);
		return 0;
	}
	if (slices)
	{
		n = (int) Max(Min((size_t) n, d->most / d->length), 1);
		to = (uint8 *) keep_scratch(d, (size_t) n * d->length);
	}
	for (int b = 0; b < d->length; b++)
	{
		const uint8 *from = d->at + (int64) b * d->count + d->given;
#ifdef WORDS_BIGENDIAN
		int place = slices ? b : d->length - 1 - b;
#else
		int place = b;
#endif

		for (int i = 0; i < n; i++)
			to[(size_t) i * d->length + place] = from[i];
	}
	for (int i = 0; slices && i < n; i++)
		out.slices[i] = (Slice){(char *) to + (size_t) i * d->length, (uint32) d->length};
	d->given += n;
	return n;
}

int
values_read(ValueDecoder *d, ParquetValues out, int n)
{
	if (d->fault || n == 0)
		return 0;
	switch (d->encoding)
	{
		case PARQUET_RLE:
			return read_rle_truths(d, out.truths, n);
		case PARQUET_DELTA_BINARY_PACKED:
			return read_deltas(d, out, n);
		case PARQUET_DELTA_LENGTH_BYTE_ARRAY:
			return read_delta_lengths(d, out.slices, n);
		case PARQUET_DELTA_BYTE_ARRAY:
			return read_delta_strings(d, out.slices, n);
		case PARQUET_BYTE_STREAM_SPLIT:
			return read_split(d, out, n);
		default:
			break;
	}
	switch (d->type)
	{
		case PARQUET_BOOLEAN:
			return read_plain_truths(d, out.truths, n);
		case PARQUET_INT32:
		case PARQUET_INT64:
		case PARQUET_FLOAT:
		case PARQUET_DOUBLE:
			return read_plain_numbers(d, out.any, n);
		default:
			return read_plain_slices(d, out.slices, n);
	}
}
