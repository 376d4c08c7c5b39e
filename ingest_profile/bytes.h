/*
 * bytes.h
 *		Reading and writing the stored form, byte by byte, the same everywhere.
 *
 * A reader never goes beyond its end: it reports a damaged value instead.
 */
#ifndef PROFILE_BYTES_H
#define PROFILE_BYTES_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

typedef struct Reader
{
	const unsigned char *at;
	const unsigned char *end;
	int encoding; /* of its texts */
	int64 rows;   /* that it may speak of */
} Reader;

/* More than any table has; so sums of a few such numbers are numbers still */
#define MOST_ROWS (PG_INT64_MAX / 1024)

extern char *take_string(Reader *in, Size limit, MemoryContext context, int *len);
extern void report_damage(void) __attribute__((noreturn));

static inline void
put_byte(StringInfo out, unsigned value)
{
	appendStringInfoCharMacro(out, (char) value);
}

/* So much of a text as fits, whole characters only */
static inline int
text_fit(const char *text, Size len, int limit)
{
	return len <= (Size) limit ? (int) len : pg_mbcliplen(text, (int) Min(len, (Size) limit + MAX_MULTIBYTE_CHAR_LEN), limit);
}

/* Seven bits a byte, the lowest first */
static inline void
put_count(StringInfo out, uint64 value)
{
	while (value >= 0x80)
	{
		put_byte(out, (unsigned) (value & 0x7f) | 0x80);
		value >>= 7;
	}
	put_byte(out, (unsigned) value);
}

/* Small for small absolute values */
static inline void
put_signed(StringInfo out, int64 value)
{
	put_count(out, ((uint64) value << 1) ^ (uint64) (value >> 63));
}

static inline void
put_word(StringInfo out, uint64 value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		put_byte(out, (unsigned) (value >> (8 * i)) & 0xff);
}

static inline void
put_double(StringInfo out, double value)
{
	uint64 bits;

	memcpy(&bits, &value, 8);
	put_word(out, bits, 8);
}

static inline void
put_text(StringInfo out, const char *text, Size len)
{
	put_count(out, len);
	appendBinaryStringInfo(out, text, (int) len);
}

static inline unsigned
take_byte(Reader *in)
{
	if (in->at >= in->end)
		report_damage();
	return *in->at++;
}

static inline uint64
take_count(Reader *in)
{
	uint64 value = 0;

	for (int shift = 0; shift < 64; shift += 7)
	{
		unsigned byte = take_byte(in);

		value |= (uint64) (byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	report_damage();
}

/* A number of rows or of things that cannot be more than limit */
static inline int64
take_count_to(Reader *in, int64 limit)
{
	uint64 value = take_count(in);

	if (value > (uint64) limit)
		report_damage();
	return (int64) value;
}

static inline int64
take_rows(Reader *in)
{
	return take_count_to(in, in->rows);
}

static inline int64
take_signed(Reader *in)
{
	uint64 value = take_count(in);

	return (int64) (value >> 1) ^ -(int64) (value & 1);
}

static inline uint64
take_word(Reader *in, int bytes)
{
	uint64 value = 0;

	for (int i = 0; i < bytes; i++)
		value |= (uint64) take_byte(in) << (8 * i);
	return value;
}

static inline double
take_double(Reader *in)
{
	uint64 bits = take_word(in, 8);
	double value;

	memcpy(&value, &bits, 8);
	return value;
}

/* Bytes in place; *len of them */
static inline const char *
take_text(Reader *in, Size limit, int *len)
{
	const char *text;

	*len = (int) take_count_to(in, (int64) Min(limit, (Size) (in->end - in->at)));
	text = (const char *) in->at;
	if (*len > in->end - in->at)
		report_damage();
	in->at += *len;
	return text;
}

#endif /* PROFILE_BYTES_H */
