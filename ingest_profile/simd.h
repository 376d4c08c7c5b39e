/*
 * simd.h
 *		Sixteen tags at once, and short texts sixteen bytes at a time.
 *
 * SSE2 is part of every x86-64 and NEON of every 64-bit ARM, so nothing is asked
 * at run time.  Elsewhere, and with -DNO_SIMD, words of 64 bits and the loops over
 * bytes in pattern.c do the same: what they find is equal, bit by bit.
 */
#ifndef PROFILE_SIMD_H
#define PROFILE_SIMD_H

#include "postgres.h"

#include "ingest_profile/hash.h"

#define SIMD_BYTES 64 /* of a text: one bit of a mask for each */
#define SIMD_TAGS 16

#define CLASS_UNDERSCORE 'U' /* _ stands for white space; no letter but A, a and u stands for a class */

#if defined(__SSE2__) && defined(__x86_64__) && !defined(NO_SIMD)
#define HAVE_SIMD_CLASSIFY
#include <emmintrin.h>

/* Which of sixteen tags are this one: a bit for each, the first in the lowest */
static inline uint32
simd_match(const uint16 *tags, uint16 tag)
{
	__m128i wanted = _mm_set1_epi16((short) tag);
	__m128i first = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *) tags), wanted);
	__m128i second = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *) (tags + 8)), wanted);

	return (uint32) _mm_movemask_epi8(_mm_packs_epi16(first, second));
}

#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(NO_SIMD)
#include <arm_neon.h>

static inline uint32
simd_match(const uint16 *tags, uint16 tag)
{
	static const uint16 bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
	uint16x8_t wanted = vdupq_n_u16(tag);
	uint16x8_t of = vld1q_u16(bits);
	uint16x8_t first = vandq_u16(vceqq_u16(vld1q_u16(tags), wanted), of);
	uint16x8_t second = vandq_u16(vceqq_u16(vld1q_u16(tags + 8), wanted), of);

	return (uint32) vaddvq_u16(first) | (uint32) vaddvq_u16(second) << 8;
}

#elif !defined(WORDS_BIGENDIAN)

/* Four tags in each word */
static inline uint32
simd_match(const uint16 *tags, uint16 tag)
{
	const uint64 each = UINT64CONST(0x0001000100010001);
	const uint64 low = UINT64CONST(0x7fff7fff7fff7fff);
	uint32 found = 0;

	for (int i = 0; i < SIMD_TAGS; i += 4)
	{
		uint64 word;

		memcpy(&word, tags + i, sizeof(word));
		word ^= tag * each;
		/* the top bit of each place that is zero, and then those bits side by side */
		word = ~(((word & low) + low) | word | low);
		found |= (uint32) (((word >> 15) * UINT64CONST(0x0001000200040008)) >> 48 & 15) << i;
	}
	return found;
}

#else

static inline uint32
simd_match(const uint16 *tags, uint16 tag)
{
	uint32 found = 0;

	for (int i = 0; i < SIMD_TAGS; i++)
		found |= (uint32) (tags[i] == tag) << i;
	return found;
}
#endif

#ifdef HAVE_SIMD_CLASSIFY

/* One bit a byte, the first byte in the lowest; and its class */
typedef struct ByteMasks
{
	uint64 starts; /* of runs of one class */
	unsigned char classes[SIMD_BYTES];
} ByteMasks;

/* 0xff where first <= byte <= last */
static inline __m128i
simd_between(__m128i bytes, unsigned char first, unsigned char last)
{
	__m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8((char) first));

	return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8((char) (last - first))), above);
}

static inline __m128i
simd_replace(__m128i bytes, __m128i where, char with)
{
	return _mm_or_si128(_mm_andnot_si128(where, bytes), _mm_and_si128(where, _mm_set1_epi8(with)));
}

/* Sixteen bytes, or what there is of them: nothing behind the text is read */
static inline __m128i
simd_load(const unsigned char *s, int len)
{
	const char *p = (const char *) s;

	if (len >= 16)
		return _mm_loadu_si128((const __m128i *) s);
	if (len > 8)
		return _mm_set_epi64x((int64) hash_load(p + 8, len - 8), (int64) hash_load(p, 8));
	return _mm_cvtsi64_si128((int64) hash_load(p, len));
}

/* What a text has of each kind, wherever; false if it is not ASCII */
static inline bool
simd_survey(const unsigned char *s, int len, bool *upper, bool *lower, bool *control)
{
	/* behind a short text stand digits */
	static const char behind[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
									'0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0'};
	__m128i all = _mm_setzero_si128();
	__m128i uppers = all;
	__m128i lowers = all;
	__m128i controls = all;

	for (int i = 0; i < len; i += 16)
	{
		__m128i bytes;

		if (len < 16)
			bytes = _mm_or_si128(simd_load(s, len), _mm_loadu_si128((const __m128i *) (behind + 16 - len)));
		else
			/* the last sixteen, whatever was seen of them before */
			bytes = _mm_loadu_si128((const __m128i *) (s + Min(i, len - 16)));
		all = _mm_or_si128(all, bytes);
		uppers = _mm_or_si128(uppers, simd_between(bytes, 'A', 'Z'));
		lowers = _mm_or_si128(lowers, simd_between(bytes, 'a', 'z'));
		controls = _mm_or_si128(controls, _mm_or_si128(simd_between(bytes, 0, 31), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(127))));
	}
	*upper = _mm_movemask_epi8(uppers) != 0;
	*lower = _mm_movemask_epi8(lowers) != 0;
	*control = _mm_movemask_epi8(controls) != 0;
	return _mm_movemask_epi8(all) == 0;
}

/* Are so many classes the same?  Behind them there are as many zeros as fill sixteen */
static inline bool
simd_equal(const unsigned char *a, const unsigned char *b, int len)
{
	for (int i = 0; i < len; i += 16)
	{
		__m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *) (a + i)), _mm_loadu_si128((const __m128i *) (b + i)));

		if (_mm_movemask_epi8(same) != 0xffff)
			return false;
	}
	return true;
}

/* The classes of a text of at most SIMD_BYTES, all ASCII */
static inline void
simd_classify(const unsigned char *s, int len, ByteMasks *m)
{
	uint64 valid = len == SIMD_BYTES ? ~UINT64CONST(0) : (UINT64CONST(1) << len) - 1;
	__m128i last = _mm_setzero_si128();

	m->starts = 0;
	for (int i = 0; i < len; i += 16)
	{
		__m128i bytes = simd_load(s + i, len - i);
		__m128i upper = simd_between(bytes, 'A', 'Z');
		__m128i lower = simd_between(bytes, 'a', 'z');
		__m128i space = _mm_or_si128(simd_between(bytes, '\t', '\r'), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')));
		__m128i class = simd_replace(bytes, upper, 'A');
		__m128i before;

		class = simd_replace(class, lower, 'a');
		class = simd_replace(class, simd_between(bytes, '0', '9'), '9');
		class = simd_replace(class, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')), CLASS_UNDERSCORE);
		class = simd_replace(class, space, '_');
		before = _mm_or_si128(_mm_slli_si128(class, 1), _mm_srli_si128(last, 15));
		last = class;
		_mm_storeu_si128((__m128i *) (m->classes + i), class);
		m->starts |= (uint64) (~_mm_movemask_epi8(_mm_cmpeq_epi8(class, before)) & 0xffff) << i;
	}
	m->starts = (m->starts | 1) & valid;
}
#endif

#endif /* PROFILE_SIMD_H */
