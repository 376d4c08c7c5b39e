/*
 * hash.h
 *		48-bit hashes of values in a canonical form.
 *
 * Values that different types spell alike hash alike where that helps to find
 * keys: int 42, numeric 42.0 and text '42'; a uuid and its text; a date and the
 * timestamp of its midnight.  The same on every platform, since sketches are
 * stored and merged elsewhere.  Never 0, which marks an empty slot.
 */
#ifndef PROFILE_HASH_H
#define PROFILE_HASH_H

#include "postgres.h"

#include <math.h>

#include "port/pg_bswap.h"

/* 48 bits tell apart what there can be, and take less room */
#define HASH_SHIFT 16
#define HASH_MASK (~(uint64) 0 << HASH_SHIFT)

#define HASH_K0 UINT64CONST(0x9e3779b97f4a7c15)
#define HASH_K1 UINT64CONST(0xa0761d6478bd642f)
#define HASH_K2 UINT64CONST(0xe7037ed1a0b428db)

#define SALT_TIME UINT64CONST(0x51ab1e0dd0c0ffee)
#define SALT_INSTANT UINT64CONST(0x7f4a11ed7c15beef)
#define SALT_FLOAT UINT64CONST(0x0ddba11fa57f00d5)
#define SALT_BOOL UINT64CONST(0xb001b001b001b001)

/* Both halves of a 128-bit product, folded */
static inline uint64
hash_fold(uint64 a, uint64 b)
{
	unsigned __int128 product = (unsigned __int128) a * b;

	return (uint64) product ^ (uint64) (product >> 64);
}

static inline uint64
hash_finish(uint64 h)
{
	h ^= h >> 33;
	h *= UINT64CONST(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64CONST(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	h &= HASH_MASK;
	return h ? h : ~HASH_MASK + 1;
}

static inline uint64
hash_integer(int64 value)
{
	return hash_finish((uint64) value + HASH_K0);
}

static inline uint64
hash_salted(uint64 value, uint64 salt)
{
	return hash_finish((value ^ salt) * HASH_K1 + HASH_K0);
}

static inline uint64
hash_load_4(const char *p)
{
	uint32 word;

	memcpy(&word, p, 4);
#ifdef WORDS_BIGENDIAN
	word = pg_bswap32(word);
#endif
	return word;
}

/* One to eight bytes, the first in the lowest.  Halves that overlap agree where they do: no call, no loop */
static inline uint64
hash_load(const char *p, int n)
{
	uint64 word;

	if (n == 8)
	{
		memcpy(&word, p, 8);
#ifdef WORDS_BIGENDIAN
		word = pg_bswap64(word);
#endif
		return word;
	}
	if (n >= 4)
		return hash_load_4(p) | hash_load_4(p + n - 4) << (8 * (n - 4));
	return (uint64) (unsigned char) p[0] | (uint64) (unsigned char) p[n / 2] << (8 * (n / 2)) |
		   (uint64) (unsigned char) p[n - 1] << (8 * (n - 1));
}

static inline uint64
hash_bytes_of(const char *p, Size len)
{
	uint64 h = HASH_K0 ^ len;

	while (len > 16)
	{
		h = hash_fold(hash_load(p, 8) ^ HASH_K1, hash_load(p + 8, 8) ^ h);
		p += 16;
		len -= 16;
	}
	if (len > 8)
		h = hash_fold(hash_load(p, 8) ^ HASH_K1, hash_load(p + 8, (int) len - 8) ^ h);
	else if (len == 8)
		h = hash_fold(hash_load(p, 8) ^ HASH_K2, h);
	else if (len > 0)
		h = hash_fold(hash_load(p, (int) len) ^ HASH_K2, h);
	return hash_finish(h);
}

/* Bytes that may be zero: hash_bytes_of() takes 'x' and a zero behind it for one with another byte before */
static inline uint64
hash_binary(const char *p, Size len)
{
	return hash_finish(hash_bytes_of(p, len) ^ len * HASH_K1);
}

/* Text as hash_integer() would spell it: no plus, no leading zero, at most 18 digits */
static inline bool
hash_as_integer(const char *p, Size len, int64 *value)
{
	bool negative = len > 1 && *p == '-';
	int64 n = 0;
	Size i = negative ? 1 : 0;

	if (len - i == 0 || len - i > 18 || p[i] < '0' || p[i] > '9' ||
		(p[i] == '0' && (len - i > 1 || negative)))
		return false;
	for (; i < len; i++)
	{
		unsigned digit = (unsigned char) p[i] - '0';

		if (digit > 9)
			return false;
		n = n * 10 + digit;
	}
	*value = negative ? -n : n;
	return true;
}

static inline uint64
hash_text(const char *p, Size len)
{
	int64 value;

	if (hash_as_integer(p, len, &value))
		return hash_integer(value);
	/* not what hash_bytes_of() has for no bytes, which is '0' as well; no text is spelt as this integer */
	if (len == 0)
		return hash_finish(HASH_K2);
	return hash_bytes_of(p, len);
}

/* Whole numbers as integers have it */
static inline uint64
hash_double(double x)
{
	uint64 bits;

	if (x == rint(x) && fabs(x) < 9e18)
		return hash_integer((int64) x);
	if (isnan(x))
		return hash_salted(1, SALT_FLOAT);
	if (isinf(x))
		return hash_salted(x < 0 ? 3 : 2, SALT_FLOAT);
	memcpy(&bits, &x, 8);
	/* the least numbers of all, whose bits are what stands for NaN and infinities above */
	return hash_salted(bits, bits <= 3 ? ~SALT_FLOAT : SALT_FLOAT);
}

/* A value of which only the beginning was read */
static inline uint64
hash_giant(uint64 beginning, int64 full)
{
	return hash_finish(beginning ^ (uint64) full);
}

/* A row by the hashes of its values, one after the other: h begins as HASH_K0 */
static inline uint64
hash_next(uint64 h, uint64 value, int place)
{
	return hash_fold(h ^ value, HASH_K1 + place);
}

/* Not a hash: a small generator for compactions, seeded from the content */
static inline uint64
random_next(uint64 *state)
{
	uint64 x = *state += HASH_K0;

	x = (x ^ (x >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

#endif /* PROFILE_HASH_H */
