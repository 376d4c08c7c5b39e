/*
 * parquet_snappy.c
 *		Pages that are packed with snappy.
 *
 * The library copies by calls of memmove(), which take two thirds of its time.  Here bytes are copied sixteen at a
 * time, with what stands behind them, as long as there is room for that; what follows writes over it.
 */
#include "postgres.h"

#include "files_fdw/parquet_snappy.h"

#define MOST_COPY 64 /* bytes of a copy */
#define WIDE 16      /* bytes that are copied at once */

/* What is read, and what was made */
typedef struct Snappy
{
	const uint8 *at;
	const uint8 *end;
	uint8 *start;
	uint8 *to;
	uint8 *to_end;
} Snappy;

static bool
read_size(Snappy *s, size_t *size)
{
	*size = 0;
	for (int shift = 0; shift < 35 && s->at < s->end; shift += 7)
	{
		uint8 b = *s->at++;

		*size |= (size_t) (b & 0x7f) << shift;
		if ((b & 0x80) == 0)
			return *size <= PG_UINT32_MAX;
	}
	return false;
}

/* A number of up to four bytes, which are there */
static inline uint32
read_number(const uint8 *p, int bytes)
{
	uint32 n = 0;

	for (int i = 0; i < bytes; i++)
		n |= (uint32) p[i] << (8 * i);
	return n;
}

/* Bytes as they are */
static inline bool
take_literal(Snappy *s, uint32 tag)
{
	size_t len = (tag >> 2) + 1;

	if (len <= WIDE && s->end - s->at >= WIDE && s->to_end - s->to >= WIDE)
	{
		memcpy(s->to, s->at, WIDE);
		s->at += len;
		s->to += len;
		return true;
	}
	if (len > 60)
	{
		int bytes = (int) len - 60;

		if (s->end - s->at < bytes)
			return false;
		len = (size_t) read_number(s->at, bytes) + 1;
		s->at += bytes;
	}
	if (len > (size_t) (s->end - s->at) || len > (size_t) (s->to_end - s->to))
		return false;
	memcpy(s->to, s->at, len);
	s->at += len;
	s->to += len;
	return true;
}

/* Bytes that were made before, which may reach into those that are made now */
static inline bool
take_copy(Snappy *s, size_t len, size_t back)
{
	uint8 *to = s->to;
	const uint8 *from = to - back;

	if (back - 1 >= (size_t) (to - s->start) || len > (size_t) (s->to_end - to))
		return false;
	s->to += len;
	if (back >= WIDE && s->to_end - to >= MOST_COPY)
	{
		memcpy(to, from, WIDE);
		for (size_t i = WIDE; i < len; i += WIDE)
			memcpy(to + i, from + i, WIDE);
	}
	else if (back >= 8 && s->to_end - to >= MOST_COPY)
	{
		for (size_t i = 0; i < len; i += 8)
			memcpy(to + i, from + i, 8);
	}
	else
	{
		for (size_t i = 0; i < len; i++)
			to[i] = from[i];
	}
	return true;
}

static inline bool
take_any_copy(Snappy *s, uint32 tag)
{
	/* bytes behind the tag */
	static const int bytes_of[] = {0, 1, 2, 4};
	int bytes = bytes_of[tag & 3];
	size_t len = (tag >> 2) + 1;
	size_t back;

	if (s->end - s->at < bytes)
		return false;
	back = read_number(s->at, bytes);
	s->at += bytes;
	if (bytes == 1)
	{
		len = ((tag >> 2) & 7) + 4;
		back |= (size_t) (tag >> 5) << 8;
	}
	return take_copy(s, len, back);
}

bool
snappy_unpack(const uint8 *from, size_t n, uint8 *to, size_t size)
{
	Snappy s = {.at = from, .end = from + n, .start = to, .to = to, .to_end = to + size};
	size_t said;

	if (!read_size(&s, &said) || said != size)
		return false;
	while (s.at < s.end)
	{
		uint32 tag = *s.at++;
		bool good = (tag & 3) == 0 ? take_literal(&s, tag) : take_any_copy(&s, tag);

		if (!good)
			return false;
	}
	return s.to == s.to_end;
}
