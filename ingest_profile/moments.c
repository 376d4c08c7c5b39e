/*
 * moments.c
 *		Power sums about a shift, merged by Pébay's formulas (Formulas for robust,
 *		one-pass parallel computation of covariances and arbitrary-order
 *		statistical moments, 2008); sums that are exact.
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hash.h"
#include "ingest_profile/moments.h"
#include "utils/float.h"
#include "utils/memutils.h"

/* -- numerics, as they are stored since 8.3 -- */

Digits
numeric_digits(Numeric value)
{
	const char *data = VARDATA_ANY(value);
	int bytes = (int) VARSIZE_ANY_EXHDR(value);
	uint16 header;
	Digits d = {0};

	memcpy(&header, data, 2);
	if ((header & 0xc000) == 0xc000)
	{
		d.special = true;
		d.nan = (header & 0xf000) == 0xc000;
		d.negative = (header & 0xf000) == 0xf000;
	}
	else if (header & 0x8000)
	{
		d.negative = (header & 0x2000) != 0;
		d.scale = (header & 0x1f80) >> 7;
		d.weight = (header & 0x0040 ? ~0x003f : 0) | (header & 0x003f);
		d.at = data + 2;
		d.n = (bytes - 2) / 2;
	}
	else
	{
		int16 weight;

		memcpy(&weight, data + 2, 2);
		d.negative = (header & 0xc000) == 0x4000;
		d.scale = header & 0x3fff;
		d.weight = weight;
		d.at = data + 4;
		d.n = (bytes - 4) / 2;
	}
	while (d.n > 0 && digit_of(&d, d.n - 1) == 0)
		d.n--;
	return d;
}

#define LARGEST_POWER 70 /* of 10000 */
#define LEAST_DOUBLE 4.9406564584124654e-324

double
digits_to_double(const Digits *d)
{
	static const double powers[] = {1, 1e4, 1e8, 1e12, 1e16, 1e20};
	int used = Min(d->n, 5);
	double x = 0;
	int exponent = d->weight - used + 1;

	if (d->special)
		return d->nan ? get_float8_nan() : d->negative ? -get_float8_infinity()
													   : get_float8_infinity();
	for (int i = 0; i < used; i++)
		x = x * 10000 + digit_of(d, i);
	if (exponent > 0)
		x *= exponent < lengthof(powers) ? powers[exponent] : pow(10, 4.0 * exponent);
	else if (exponent < 0)
	{
		/* so that no power is beyond a double */
		for (; exponent < -LARGEST_POWER; exponent += LARGEST_POWER)
			x /= pow(10, 4 * LARGEST_POWER);
		x /= -exponent < lengthof(powers) ? powers[-exponent] : pow(10, -4.0 * exponent);
	}
	/* what is nearer to zero than any double is not zero */
	if (x == 0 && d->n > 0)
		x = LEAST_DOUBLE;
	return d->negative ? -x : x;
}

/*
 * Integers as hash_integer() has them, else the digits without padding.  Sign and weight are mixed before a digit
 * meets them: side by side in one word they would cancel, and 5.46 be -4.46.
 */
uint64
digits_hash(const Digits *d)
{
	uint64 h;

	if (d->special)
		return hash_salted(d->nan ? 1 : 2 + d->negative, SALT_FLOAT);
	if (d->n == 0)
		return hash_integer(0);
	if (d->n <= d->weight + 1 && d->weight <= 4)
	{
		int128 value = 0;

		for (int i = 0; i <= d->weight; i++)
			value = value * 10000 + (i < d->n ? digit_of(d, i) : 0);
		if (d->negative)
			value = -value;
		if (value >= PG_INT64_MIN && value <= PG_INT64_MAX)
			return hash_integer((int64) value);
	}
	h = hash_fold(HASH_K0 ^ (uint64) (d->weight * 2 + d->negative), HASH_K2 ^ (uint64) digit_of(d, 0));
	for (int i = 1; i < d->n; i++)
		h = hash_fold(h ^ (uint64) digit_of(d, i), HASH_K1);
	return hash_finish(h);
}

/* -- adding -- */

/* Numbers are added up by 2^9, by themselves, before their sum is added to the others' */
#define RECENT_SHIFT 9

static pg_noinline void
add_recent(Moments *m)
{
	for (int i = 0; i < lengthof(m->power); i++)
	{
		m->power[i] += m->recent[i];
		m->recent[i] = 0;
	}
}

void
moments_add(Moments *m, double x, int64 count)
{
	double d;
	double w;

	m->negatives += x < 0 ? count : 0;
	if (isnan(x) || isinf(x))
	{
		m->nans += isnan(x) ? count : 0;
		m->infinities += isinf(x) ? count : 0;
		return;
	}
	if (!m->shifted)
	{
		m->shifted = true;
		m->shift = x;
	}
	m->n += count;
	m->zeros += x == 0 ? count : 0;
	d = x - m->shift;
	w = (double) count;
	m->recent[0] += w * d;
	w *= d;
	m->recent[1] += w * d;
	w *= d;
	m->recent[2] += w * d;
	m->recent[3] += w * d * d;
	if (((uint64) (m->n - count) ^ (uint64) m->n) >> RECENT_SHIFT)
		add_recent(m);
}

#define LANES 4 /* sums side by side, for none of them to wait for the last addition to it */

static bool
all_finite(const double *x, int n)
{
	double lanes[LANES] = {0};

	/* what is not gives NaN */
	for (int i = 0; i + LANES <= n; i += LANES)
	{
		for (int j = 0; j < LANES; j++)
			lanes[j] += x[i + j] * 0;
	}
	for (int i = n & ~(LANES - 1); i < n; i++)
		lanes[0] += x[i] * 0;
	return lanes[0] + lanes[1] + lanes[2] + lanes[3] == 0;
}

/* One row each */
void
moments_add_many(Moments *m, const double *x, int n)
{
	double sums[lengthof(m->recent)][LANES] = {0};
	bool finite = all_finite(x, n);

	while (n > 0 && (n % LANES != 0 || !m->shifted || !finite))
		moments_add(m, x[--n], 1);
	for (int i = 0; i < n; i += LANES)
	{
		for (int j = 0; j < LANES; j++)
		{
			double d = x[i + j] - m->shift;
			double d2 = d * d;

			sums[0][j] += d;
			sums[1][j] += d2;
			sums[2][j] += d2 * d;
			sums[3][j] += d2 * d2;
		}
	}
	for (int i = 0; i < n; i++)
	{
		m->zeros += x[i] == 0;
		m->negatives += x[i] < 0;
	}
	for (int k = 0; k < lengthof(m->recent); k++)
		m->recent[k] += (sums[k][0] + sums[k][1]) + (sums[k][2] + sums[k][3]);
	if (((uint64) m->n ^ (uint64) (m->n + n)) >> RECENT_SHIFT)
		add_recent(m);
	m->n += n;
}

/* A finite number beyond what a double holds: it is counted and summed, but its powers are not known */
void
moments_add_huge(Moments *m, bool negative, int64 count)
{
	m->n += count;
	m->negatives += negative ? count : 0;
	m->shifted = true;
	for (int i = 0; i < 4; i++)
		m->power[i] = get_float8_nan();
}

/* Every piece but the top one between 0 and 2^32 */
static void
carry_floats(FloatSum *sum)
{
	for (int i = 0; i + 1 < FLOAT_PIECES; i++)
	{
		sum->piece[i + 1] += sum->piece[i] >> 32;
		sum->piece[i] &= 0xffffffff;
	}
	sum->uncarried = 0;
}

/* The sum without its sign, which is told */
static bool
take_sign(FloatSum *sum)
{
	carry_floats(sum);
	if (sum->piece[FLOAT_PIECES - 1] >= 0)
		return false;
	for (int i = 0; i < FLOAT_PIECES; i++)
		sum->piece[i] = -sum->piece[i];
	carry_floats(sum);
	return true;
}

static FloatSum *
ready_floats(Moments *m, MemoryContext context)
{
	if (m->floats == NULL)
		m->floats = MemoryContextAllocZero(context, sizeof(FloatSum));
	return m->floats;
}

/* A mantissa so many times, from a piece's bit on */
static inline void
add_pieces(int64 *piece, uint64 mantissa, uint32 times, int shift, bool negative)
{
	unsigned __int128 bits = ((unsigned __int128) mantissa * times) << shift;

	for (int i = 0; i < 4; i++)
	{
		int64 part = (int64) (uint32) bits;

		piece[i] += negative ? -part : part;
		bits >>= 32;
	}
}

void
moments_add_float(Moments *m, MemoryContext context, double x, int64 count)
{
	FloatSum *sum = ready_floats(m, context);
	uint64 bits;
	uint64 mantissa;
	int place;

	if (isnan(x) || isinf(x))
		return;
	memcpy(&bits, &x, 8);
	mantissa = bits & UINT64CONST(0x000fffffffffffff);
	place = (int) (bits >> 52) & 0x7ff;
	if (place > 0)
	{
		mantissa |= UINT64CONST(1) << 52;
		place--;
	}
	add_pieces(&sum->piece[place >> 5], mantissa, (uint32) count, place & 31, x < 0);
	if (unlikely(count >> 32 != 0))
		add_pieces(&sum->piece[(place >> 5) + 1], mantissa, (uint32) (count >> 32), place & 31, x < 0);
	if (++sum->uncarried >= FLOAT_UNCARRIED)
		carry_floats(sum);
}

/* The sum of floats, rounded once: so much times 2 to the exponent */
double
moments_float_sum(const Moments *m, int *exponent)
{
	FloatSum sum;
	unsigned __int128 bits = 0;
	bool negative;
	bool more = false;
	int top = FLOAT_PIECES - 1;

	*exponent = 0;
	if (m->floats == NULL)
		return 0;
	sum = *m->floats;
	negative = take_sign(&sum);
	while (top > 2 && sum.piece[top] == 0)
		top--;
	for (int i = 0; i < 3; i++)
		bits = bits << 32 | (uint64) sum.piece[top - i];
	for (int i = 0; i < top - 2; i++)
		more = more || sum.piece[i] != 0;
	*exponent = 32 * (top - 2) + FLOAT_UNIT;
	/* what is below has a say only where the rest lies halfway between two doubles */
	return (negative ? -1 : 1) * (double) (bits | (more ? 1 : 0));
}

static void
ready_digits(Moments *m, MemoryContext context)
{
	if (m->digits != NULL)
		return;
	m->digits = MemoryContextAllocZero(context, (SUM_HIGHEST - SUM_LOWEST + 1) * sizeof(int64));
	m->lowest = SUM_HIGHEST;
	m->highest = SUM_LOWEST;
}

/* Keep every digit within four places, but the top one */
static void
carry(Moments *m)
{
	for (int w = m->lowest; w < SUM_HIGHEST; w++)
	{
		int64 *digit = &m->digits[w - SUM_LOWEST];
		int64 over = *digit / 10000;

		if (over == 0 && w > m->highest)
			break;
		*digit -= over * 10000;
		digit[1] += over;
		if (over != 0 && w + 1 > m->highest)
			m->highest = w + 1;
	}
}

static void
add_digit(Moments *m, int weight, int64 digit, int64 count)
{
	int64 *place = &m->digits[weight - SUM_LOWEST];
	int64 product;

	if (pg_mul_s64_overflow(digit, count, &product) || pg_add_s64_overflow(*place, product, place))
		m->inexact = true;
	else if (*place > PG_INT64_MAX / 2 || *place < PG_INT64_MIN / 2)
		carry(m);
}

void
moments_add_numeric(Moments *m, MemoryContext context, Numeric value, int64 count)
{
	Digits d = numeric_digits(value);

	if (d.special)
		return;
	m->scale = Max(m->scale, d.scale);
	if (d.n == 0)
		return;
	/* room for carries above */
	if (d.weight > SUM_LARGEST || d.weight - d.n + 1 < SUM_LOWEST)
	{
		m->inexact = true;
		return;
	}
	ready_digits(m, context);
	m->highest = Max(m->highest, d.weight);
	m->lowest = Min(m->lowest, d.weight - d.n + 1);
	for (int i = 0; i < d.n; i++)
		add_digit(m, d.weight - i, d.negative ? -digit_of(&d, i) : digit_of(&d, i), count);
}

/* A sum of numbers whose last digit, of base 10000, has a weight; small enough for no place to overflow */
void
moments_add_scaled(Moments *m, MemoryContext context, int128 sum, int weight)
{
	if (sum == 0)
		return;
	ready_digits(m, context);
	m->lowest = Min(m->lowest, weight);
	for (; sum != 0; sum /= 10000)
	{
		m->highest = Max(m->highest, weight);
		add_digit(m, weight++, (int64) (sum % 10000), 1);
	}
}

/* -- reading -- */

Central
moments_central(const Moments *m)
{
	Central c = {0};
	double power[lengthof(m->power)];
	double a;

	if (m->n == 0)
		return c;
	for (int i = 0; i < lengthof(power); i++)
		power[i] = m->power[i] + m->recent[i];
	c.n = (double) m->n;
	a = power[0] / c.n;
	c.mean = m->shift + a;
	c.m2 = power[1] - c.n * a * a;
	c.m3 = power[2] - 3 * a * power[1] + 2 * c.n * a * a * a;
	c.m4 = power[3] - 4 * a * power[2] + 6 * a * a * power[1] - 3 * c.n * a * a * a * a;
	/* below zero only by rounding; what is not known stays unknown */
	c.m2 = c.m2 < 0 ? 0 : c.m2;
	c.m4 = c.m4 < 0 ? 0 : c.m4;
	return c;
}

/* Take over central moments as power sums about a shift */
static void
set_central(Moments *m, const Central *c, double shift)
{
	double a = c->mean - shift;

	m->shifted = true;
	m->shift = shift;
	memset(m->recent, 0, sizeof(m->recent));
	m->power[0] = c->n * a;
	m->power[1] = c->m2 + c->n * a * a;
	m->power[2] = c->m3 + 3 * a * c->m2 + c->n * a * a * a;
	m->power[3] = c->m4 + 4 * a * c->m3 + 6 * a * a * c->m2 + c->n * a * a * a * a;
}

static Central
combine(const Central *a, const Central *b)
{
	Central c;
	double d = b->mean - a->mean;

	if (a->n == 0)
		return *b;
	if (b->n == 0)
		return *a;
	c.n = a->n + b->n;
	c.mean = a->mean + d * b->n / c.n;
	c.m2 = a->m2 + b->m2 + d * d * a->n * b->n / c.n;
	c.m3 = a->m3 + b->m3 + d * d * d * a->n * b->n * (a->n - b->n) / (c.n * c.n) +
		   3 * d * (a->n * b->m2 - b->n * a->m2) / c.n;
	c.m4 = a->m4 + b->m4 +
		   d * d * d * d * a->n * b->n * (a->n * a->n - a->n * b->n + b->n * b->n) / (c.n * c.n * c.n) +
		   6 * d * d * (a->n * a->n * b->m2 + b->n * b->n * a->m2) / (c.n * c.n) +
		   4 * d * (a->n * b->m3 - b->n * a->m3) / c.n;
	return c;
}

void
moments_merge(Moments *into, const Moments *from, MemoryContext context)
{
	Central a = moments_central(into);
	Central b = moments_central(from);
	Central c = combine(&a, &b);

	into->n += from->n;
	into->zeros += from->zeros;
	into->negatives += from->negatives;
	into->nans += from->nans;
	into->infinities += from->infinities;
	if (into->n > 0)
		set_central(into, &c, c.mean);
	into->integer += from->integer;
	if (from->floats != NULL)
	{
		FloatSum *sum = ready_floats(into, context);
		FloatSum other = *from->floats;

		carry_floats(sum);
		carry_floats(&other);
		for (int i = 0; i < FLOAT_PIECES; i++)
			sum->piece[i] += other.piece[i];
		carry_floats(sum);
	}
	into->inexact = into->inexact || from->inexact;
	into->scale = Max(into->scale, from->scale);
	if (from->digits == NULL)
		return;
	ready_digits(into, context);
	into->lowest = Min(into->lowest, from->lowest);
	into->highest = Max(into->highest, from->highest);
	for (int w = from->lowest; w <= from->highest; w++)
		add_digit(into, w, from->digits[w - SUM_LOWEST], 1);
}

char *
int128_text(int128 value)
{
	char buffer[48];
	char *p = buffer + sizeof(buffer) - 1;
	bool negative = value < 0;
	unsigned __int128 rest = negative ? -(unsigned __int128) value : (unsigned __int128) value;

	*p = '\0';
	do
	{
		*--p = '0' + (int) (rest % 10);
		rest /= 10;
	} while (rest != 0);
	if (negative)
		*--p = '-';
	return pstrdup(p);
}

/* The exact sum of numerics as text; NULL if it is not known exactly */
char *
moments_sum_text(const Moments *m)
{
	Moments copy = *m;
	StringInfoData text;
	bool negative;
	int first;
	int scale_digits = (m->scale + 3) / 4;

	if (m->inexact)
		return NULL;
	initStringInfo(&text);
	if (m->digits == NULL)
	{
		appendStringInfoString(&text, "0");
		if (m->scale > 0)
			appendStringInfo(&text, ".%0*d", m->scale, 0);
		return text.data;
	}
	copy.digits = palloc((SUM_HIGHEST - SUM_LOWEST + 1) * sizeof(int64));
	memcpy(copy.digits, m->digits, (SUM_HIGHEST - SUM_LOWEST + 1) * sizeof(int64));
	carry(&copy);
	first = copy.highest;
	while (first > copy.lowest && copy.digits[first - SUM_LOWEST] == 0)
		first--;
	/* all digits of the sign of the first */
	negative = copy.digits[first - SUM_LOWEST] < 0;
	for (int w = copy.lowest; w <= first; w++)
	{
		int64 *digit = &copy.digits[w - SUM_LOWEST];

		if (negative)
			*digit = -*digit;
	}
	for (int w = copy.lowest; w < first; w++)
	{
		int64 *digit = &copy.digits[w - SUM_LOWEST];

		if (*digit < 0)
		{
			*digit += 10000;
			digit[1]--;
		}
	}
	if (negative)
		appendStringInfoChar(&text, '-');
	if (first < 0)
		appendStringInfoChar(&text, '0');
	for (int w = first; w >= 0; w--)
		appendStringInfo(&text, w == first ? "%d" : "%04d", (int) copy.digits[w - SUM_LOWEST]);
	if (m->scale > 0)
	{
		appendStringInfoChar(&text, '.');
		for (int w = -1; w >= -scale_digits; w--)
			appendStringInfo(&text, "%04d", w >= SUM_LOWEST && w <= first ? (int) copy.digits[w - SUM_LOWEST] : 0);
		text.len -= scale_digits * 4 - m->scale;
		text.data[text.len] = '\0';
	}
	pfree(copy.digits);
	return text.data;
}

/* -- stored form -- */

/* The pieces from the lowest to the highest that are not zero */
static void
write_floats(StringInfo out, const FloatSum *floats)
{
	FloatSum sum = {0};
	int first = 0;
	int end = FLOAT_PIECES;
	bool negative;

	if (floats != NULL)
		sum = *floats;
	negative = take_sign(&sum);
	while (end > 0 && sum.piece[end - 1] == 0)
		end--;
	while (first < end && sum.piece[first] == 0)
		first++;
	put_count(out, first);
	put_count(out, end - first);
	put_byte(out, negative);
	for (int i = first; i < end; i++)
		put_count(out, sum.piece[i]);
}

static void
read_floats(Reader *in, Moments *m, MemoryContext context)
{
	int first = (int) take_count_to(in, FLOAT_PIECES);
	int n = (int) take_count_to(in, FLOAT_PIECES - first);
	bool negative = take_byte(in) != 0;

	if (n == 0)
		return;
	ready_floats(m, context);
	for (int i = first; i < first + n; i++)
	{
		/* the top one is what other sums may be added to */
		int64 piece = take_count_to(in, i < FLOAT_PIECES - 1 ? PG_UINT32_MAX : PG_INT32_MAX);

		m->floats->piece[i] = negative ? -piece : piece;
	}
}

/* Before version 3: a double, with what rounding lost */
static void
read_rounded(Reader *in, Moments *m, MemoryContext context)
{
	double total = take_double(in);
	double lost = take_double(in);

	if (total == 0 && lost == 0)
		return;
	moments_add_float(m, context, total, 1);
	moments_add_float(m, context, lost, 1);
	/* it was beyond a double on the way: not known */
	if (isnan(total) || isinf(total))
		m->inexact = true;
}

void
moments_write(StringInfo out, const Moments *m)
{
	Central c = moments_central(m);
	const int64 counts[] = {m->n, m->zeros, m->negatives, m->nans, m->infinities};

	for (int i = 0; i < lengthof(counts); i++)
		put_count(out, counts[i]);
	put_double(out, c.mean);
	put_double(out, c.m2);
	put_double(out, c.m3);
	put_double(out, c.m4);
	put_word(out, (uint64) m->integer, 8);
	put_word(out, (uint64) (m->integer >> 64), 8);
	write_floats(out, m->floats);
	put_byte(out, m->inexact);
	put_count(out, m->scale);
	put_byte(out, m->digits != NULL);
	if (m->digits == NULL)
		return;
	put_signed(out, m->lowest);
	put_signed(out, m->highest);
	for (int w = m->lowest; w <= m->highest; w++)
		put_signed(out, m->digits[w - SUM_LOWEST]);
}

void
moments_read(Reader *in, Moments *m, MemoryContext context, int version)
{
	int64 *const counts[] = {&m->n, &m->zeros, &m->negatives, &m->nans, &m->infinities};
	Central c;
	uint64 low;

	memset(m, 0, sizeof(*m));
	for (int i = 0; i < lengthof(counts); i++)
		*counts[i] = take_rows(in);
	c.n = (double) m->n;
	c.mean = take_double(in);
	c.m2 = take_double(in);
	c.m3 = take_double(in);
	c.m4 = take_double(in);
	if (m->n > 0)
		set_central(m, &c, c.mean);
	low = take_word(in, 8);
	m->integer = (int128) ((unsigned __int128) take_word(in, 8) << 64 | low);
	/* no more than so many of the largest integers come to */
	if (m->integer > (int128) m->n * PG_INT64_MAX || m->integer < (int128) m->n * PG_INT64_MIN)
		report_damage();
	if (version < 3)
		read_rounded(in, m, context);
	else
		read_floats(in, m, context);
	if (take_byte(in) != 0)
		m->inexact = true;
	m->scale = (int) take_count_to(in, 16383);
	if (take_byte(in) == 0)
		return;
	ready_digits(m, context);
	m->lowest = (int) take_signed(in);
	m->highest = (int) take_signed(in);
	if (m->lowest < SUM_LOWEST || m->highest > SUM_HIGHEST || m->lowest > m->highest)
		report_damage();
	for (int w = m->lowest; w <= m->highest; w++)
	{
		int64 digit = take_signed(in);

		if (digit > PG_INT64_MAX / 2 || digit < PG_INT64_MIN / 2)
			report_damage();
		m->digits[w - SUM_LOWEST] = digit;
	}
}
