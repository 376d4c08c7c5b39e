/*
 * jsontext.h
 *		Steps through the text of JSON, for pages and their rows.
 */
#ifndef NETSUITE_JSONTEXT_H
#define NETSUITE_JSONTEXT_H

#include "postgres.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define NAME_MALFORMED (-2)

extern const char *skip_container(const char *p, const char *end);
extern const char *skip_value(const char *p, const char *end);
extern int hex4(const char *p);
extern int plain_name(const char *p, const char *end, char *out, int size);
extern bool read_whole_number(const char *text, const char *end, int64 *number);

/*
 * From within a string to its closing quote; NULL if there is none.  Pages end
 * in HTTP_TEXT_SLACK zero bytes, so reading a block past the end is harmless.
 */
static inline const char *
string_end(const char *p, const char *end, bool *escaped)
{
	for (;;)
	{
#ifdef __SSE2__
		__m128i block = _mm_loadu_si128((const __m128i *) p);
		int mask = _mm_movemask_epi8(_mm_or_si128(
			_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
			_mm_cmpeq_epi8(block, _mm_set1_epi8('\\'))));

		if (mask == 0)
		{
			p += 16;
			if (p >= end)
				return NULL;
			continue;
		}
		p += __builtin_ctz(mask);
#else
		while (p < end && *p != '"' && *p != '\\')
			p++;
#endif
		if (p >= end)
			return NULL;
		if (*p == '"')
			return p;
		*escaped = true;
		p += 2;
		if (p >= end)
			return NULL;
	}
}

static inline const char *
skip_space(const char *p)
{
	while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
		p++;
	return p;
}

#endif /* NETSUITE_JSONTEXT_H */
