/*
 * hash_test.c
 *		Values that differ in little have different hashes: by sign, scale, shift,
 *		neighbours, prefixes, places.  A family of n values makes n (n - 1) / 2
 *		pairs, of which chance makes one in 2^48 collide (2^64 of shapes).
 *
 * hash_test N: N values of each family (20,000: 2 * 10^8 pairs each).
 */
#include "postgres.h"

#include <math.h>

#include "ingest_profile/hash.h"
#include "ingest_profile/moments.h"
#include "ingest_profile/pattern.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "test/fuzz/standins.h"

#undef printf
#undef snprintf
#undef qsort

unsigned char *
pg_do_encoding_conversion(unsigned char *src, int len, int src_encoding, int dest_encoding)
{
	(void) len, (void) src_encoding, (void) dest_encoding;
	return src;
}

int
pg_mbcliplen(const char *mbstr, int len, int limit)
{
	(void) mbstr;
	return Min(len, limit);
}

int
pg_mbstrlen_with_len(const char *mbstr, int limit)
{
	(void) mbstr;
	return limit;
}

#define BY_SIGN(i) ((i) &1 ? -1 : 1)

/* -- families: the i-th value's hash; no value comes twice -- */

static uint64
integers(uint64 i)
{
	return hash_integer(BY_SIGN(i) * (int64) (i / 2 + 1));
}

static uint64
integers_by_powers(uint64 i)
{
	return hash_integer((int64) ((i / 40 << 20) + (i % 40) * UINT64CONST(0x0000040000000000)));
}

static uint64
shifted_integers(uint64 i)
{
	/* odd ones, so that no shift of one is another */
	return hash_integer((int64) ((2 * (i / 32) + 1) << (i % 32)));
}

static uint64
halves(uint64 i)
{
	return hash_double(BY_SIGN(i) * ((double) (i / 2) + 0.5));
}

static uint64
cents(uint64 i)
{
	return hash_double(BY_SIGN(i) * (double) (i / 2 + 1) / 100);
}

static uint64
neighbouring_doubles(uint64 i)
{
	uint64 bits = UINT64CONST(0x3ff0000000000001) + i / 2 + ((i & 1) << 63);
	double x;

	memcpy(&x, &bits, 8);
	return hash_double(x);
}

static uint64
least_doubles(uint64 i)
{
	uint64 bits = i / 2 + 1 + ((i & 1) << 63);
	double x;

	memcpy(&x, &bits, 8);
	return hash_double(x);
}

static uint64
doubles_by_exponent(uint64 i)
{
	return hash_double(BY_SIGN(i) * ldexp((double) (2 * (i / 3600) + 1), (int) (i / 2 % 1800) - 1000));
}

static uint64
moments(uint64 i)
{
	return hash_salted((uint64) (BY_SIGN(i) * (int64) (i / 2 + 1)), SALT_INSTANT);
}

static uint64
days(uint64 i)
{
	return hash_salted((uint64) (BY_SIGN(i) * (int64) (i / 2 + 1)) * UINT64CONST(86400000000), SALT_INSTANT);
}

static uint64
hours(uint64 i)
{
	return hash_salted(i * UINT64CONST(3600000000), SALT_TIME);
}

/* -- numerics -- */

static uint64
numeric(bool negative, int weight, const int16 *digits, int n)
{
	Digits d = {.negative = negative, .weight = weight, .n = n, .at = (const char *) digits};

	return digits_hash(&d);
}

static uint64
fractions_of_both_signs(uint64 i)
{
	int16 digits[] = {1 + i / 2 / 99 % 9999, 1 + i / 2 % 99, 1 + i / 2 / 99 / 9999};

	return numeric(i & 1, 0, digits, 3);
}

static uint64
digits_at_every_place(uint64 i)
{
	int16 digits[] = {1 + i / 2 / 60};

	return numeric(i & 1, (int) (i / 2 % 60) - 30, digits, 1);
}

static uint64
two_digits_at_every_place(uint64 i)
{
	int16 digits[] = {1 + i / 2 / 40 % 9999, 1 + i / 2 / 40 / 9999};

	return numeric(i & 1, (int) (i / 2 % 40) - 41, digits, 2);
}

static uint64
zeros_between(uint64 i)
{
	int16 digits[12] = {1 + i / 2 / 9 % 9999};
	int n = 2 + i / 2 % 9;

	digits[n - 1] = 1 + i / 2 / 9 / 9999;
	return numeric(i & 1, -1, digits, n);
}

static uint64
long_numerics(uint64 i)
{
	int16 digits[20];

	for (int k = 0; k < lengthof(digits); k++)
		digits[k] = 7;
	digits[i % 20] = 1 + (int16) (8 + i / 20 % 9990);
	digits[(i % 20 + 7) % 20] = (int16) (8 + i / 20 / 9990 % 9990);
	return numeric(false, 9, digits, lengthof(digits));
}

/* -- texts and bytes -- */

static uint64
numbered(uint64 i)
{
	char text[32];

	return hash_text(text, snprintf(text, sizeof(text), "SO%08u", (unsigned) i));
}

static uint64
numbers_as_texts(uint64 i)
{
	char text[32];

	return hash_text(text, snprintf(text, sizeof(text), "%0*u", 12 + (int) (i % 13), (unsigned) (i / 13)));
}

static uint64
numbered_in_front(uint64 i)
{
	char text[64];

	return hash_text(text, snprintf(text, sizeof(text), "%u of the first memorandum on lines", (unsigned) i));
}

/* Of each length to 1,000 the text and every place in it, by some letters */
static uint64
prefixes(uint64 i)
{
	char text[1100];
	int len = 1 + (int) (i % 1000);

	memset(text, 'a', len);
	text[i / 1000 / 24 % len] = (char) ('b' + i / 1000 % 24);
	if (i / 1000 >= (uint64) len * 24)
		return 0; /* they begin again */
	return hash_text(text, len);
}

static uint64
repeated(uint64 i)
{
	char text[520];
	int len = 0;

	for (uint64 n = 0; n <= i / 4096 % 64; n++)
		len += snprintf(text + len, 9, "%c%c%c%05u", (int) ('a' + i % 16), (int) ('a' + i / 16 % 16), (int) ('a' + i / 256 % 16), (unsigned) (i / 262144));
	return hash_text(text, len);
}

static uint64
swapped_words(uint64 i)
{
	char text[40];

	/* two words of eight bytes in both orders */
	if (i & 1)
		return hash_text(text, snprintf(text, sizeof(text), "%08u%08x%08x", 17, (unsigned) (i / 2) | 0x80000000, 0xabcdef));
	return hash_text(text, snprintf(text, sizeof(text), "%08x%08u%08x", (unsigned) (i / 2) | 0x80000000, 17, 0xabcdef));
}

static uint64
hexadecimal(uint64 i)
{
	char text[40];

	return hash_text(text, snprintf(text, sizeof(text), "%08x-0000-4000-8000-%012llx", (unsigned) (i % 256), (unsigned long long) (i / 256) << 13));
}

static uint64
bytes_with_zeros(uint64 i)
{
	char bytes[64] = {0};

	bytes[i % 24] = (char) (1 + i / 24 % 255);
	return hash_binary(bytes, 24 + i / 24 / 255 % 40);
}

static uint64
counters_as_bytes(uint64 i)
{
	char bytes[24] = {0};

	memcpy(bytes + 8 * (i % 3), &(uint64){i / 3 + 1}, 8);
	return hash_binary(bytes, sizeof(bytes));
}

static uint64
giants(uint64 i)
{
	return hash_giant(hash_integer((int64) (i / 1000)), 262145 + (int64) (i % 1000));
}

/* -- rows and shapes -- */

static uint64
rows_of_two(uint64 i)
{
	return hash_finish(hash_next(hash_next(HASH_K0, hash_integer((int64) (i % 1000)), 0), hash_integer((int64) (i / 1000)), 1));
}

static uint64
rows_of_texts(uint64 i)
{
	char a[16];
	char b[16];
	uint64 h = hash_next(HASH_K0, hash_bytes_of(a, snprintf(a, sizeof(a), "%u", (unsigned) (i / 3000))), 0);

	return hash_finish(hash_next(hash_next(h, hash_bytes_of(b, snprintf(b, sizeof(b), "%u", (unsigned) (i % 3000))), 1), hash_bytes_of("x", 1), 2));
}

static uint64
shapes(uint64 i)
{
	static Patterns patterns = {.has_shapes = true, .stride = 1};
	static const char classes[] = "Aa9 -";
	char text[200];
	int len = 0;
	int before = -1;

	/* runs of a class and a length; of the same class there are not two side by side */
	for (uint64 rest = i + 1; rest != 0; rest /= 20)
	{
		int class = (int) (rest % 4);

		class += class >= before && before >= 0 ? 1 : 0;
		for (uint64 n = 0; n <= rest / 4 % 5; n++)
			text[len++] = classes[class];
		before = class;
	}
	return text_facts(&patterns, text, len, 0).shape;
}

static const struct
{
	const char *name;
	uint64 (*hash)(uint64 i);
	uint64 most; /* values there are */
} families[] = {
	{"integers of both signs", integers, PG_INT64_MAX},
	{"integers by powers of two", integers_by_powers, PG_INT64_MAX},
	{"integers shifted", shifted_integers, PG_INT64_MAX},
	{"halves", halves, PG_INT64_MAX},
	{"cents", cents, PG_INT64_MAX},
	{"neighbouring doubles", neighbouring_doubles, PG_INT64_MAX},
	{"the least doubles", least_doubles, PG_INT64_MAX},
	{"doubles of every exponent", doubles_by_exponent, PG_INT64_MAX},
	{"moments", moments, PG_INT64_MAX},
	{"days", days, 200000000},
	{"hours", hours, PG_INT64_MAX},
	{"fractions of both signs", fractions_of_both_signs, 1000000000},
	{"a digit at every place", digits_at_every_place, 9999 * 120},
	{"two digits at every place", two_digits_at_every_place, 1000000000},
	{"zeros between digits", zeros_between, 1000000000},
	{"one and two digits of twenty", long_numerics, 1000000000},
	{"texts that are numbered", numbered, 100000000},
	{"numbers as texts", numbers_as_texts, 1000000000},
	{"numbers before a text", numbered_in_front, 1000000000},
	{"prefixes", prefixes, 1000000000},
	{"repeated pieces", repeated, 1000000000},
	{"swapped words", swapped_words, 1000000000},
	{"uuids", hexadecimal, 1000000000},
	{"bytes with zeros", bytes_with_zeros, 24 * 255 * 40},
	{"counters as bytes", counters_as_bytes, 1000000000},
	{"giants", giants, 1000000000},
	{"rows of two numbers", rows_of_two, 1000000000},
	{"rows of texts", rows_of_texts, 1000000000},
	{"shapes", shapes, 1000000000},
};

static int
compare(const void *a, const void *b)
{
	uint64 x = *(const uint64 *) a;
	uint64 y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void) data, (void) size;
	return 0;
}

int
main(int argc, char **argv)
{
	uint64 wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;
	int failures = 0;

	pattern_setup();
	for (int f = 0; f < lengthof(families); f++)
	{
		uint64 most = Min(wanted, families[f].most);
		uint64 *hashes = malloc(most * sizeof(uint64));
		uint64 n = 0;
		int collisions = 0;
		double pairs;
		double expected;

		for (uint64 i = 0; i < most; i++)
		{
			uint64 h = families[f].hash(i);

			if (h != 0)
				hashes[n++] = h;
		}
		qsort(hashes, n, sizeof(uint64), compare);
		for (uint64 i = 1; i < n; i++)
			collisions += hashes[i] == hashes[i - 1];
		pairs = (double) n * (double) (n - 1) / 2;
		expected = pairs / (families[f].hash == shapes ? 9.2e18 : 2.8e14);
		/* more than chance would make in one of a million runs */
		if (collisions > expected + 5 * sqrt(expected) + 1)
			failures++;
		printf("%sok %d - %s: %.3g pairs, %d collisions, %.2g expected\n", collisions > expected + 5 * sqrt(expected) + 1 ? "not " : "", f + 1, families[f].name, pairs, collisions, expected);
		free(hashes);
	}
	printf("1..%d\n", (int) lengthof(families));
	return failures > 0;
}
