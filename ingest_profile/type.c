/*
 * type.c
 *		What a type's values are to a sketch, and how its keys and texts compare.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/hsearch.h"
#include "utils/varlena.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

static ValueClass
class_of(Oid base)
{
	switch (base)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
			return CLASS_INTEGER;
		case FLOAT4OID:
		case FLOAT8OID:
			return CLASS_FLOAT;
		case NUMERICOID:
			return CLASS_NUMERIC;
		case BOOLOID:
			return CLASS_BOOLEAN;
		case DATEOID:
			return CLASS_DATE;
		case TIMESTAMPOID:
			return CLASS_TIMESTAMP;
		case TIMESTAMPTZOID:
			return CLASS_TIMESTAMPTZ;
		case TIMEOID:
			return CLASS_TIME;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case CHAROID:
		case JSONOID:
		case XMLOID:
			return CLASS_TEXT;
		case BYTEAOID:
			return CLASS_BYTES;
		default:
			return CLASS_OTHER;
	}
}

static char *
qualified_collation(Oid collation)
{
	HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char *name;

	if (!HeapTupleIsValid(tuple))
		return "";
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->collnamespace), NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

/* All about a type, in the current context */
void
column_type_init(ColumnType *type, Oid typid, Oid collation)
{
	TypeCacheEntry *cache;
	Oid output;
	char align;

	memset(type, 0, sizeof(*type));
	type->declared = typid;
	type->base = getBaseType(typid);
	type->class = class_of(type->base);
	type->name = format_type_be_qualified(typid);
	if (strncmp(type->name, "pg_catalog.", 11) == 0)
		type->name += 11;
	type->collation = OidIsValid(collation) ? collation : get_typcollation(type->base);
	if (!OidIsValid(type->collation) && type->class == CLASS_TEXT)
		type->collation = C_COLLATION_OID;
	type->collation_name = "";
	if (OidIsValid(type->collation))
		type->collation_name = qualified_collation(type->collation);
	get_typlenbyvalalign(type->base, &type->typlen, &type->typbyval, &align);
	type->blank_padded = type->base == BPCHAROID;
	type->is_real = type->base == FLOAT4OID;
	type->is_name = type->base == NAMEOID;
	type->is_cstring_like = type->base == CHAROID;
	type->is_json = type->base == JSONOID || type->base == JSONBOID || type->base == XMLOID;
	type->is_array = type_is_array(type->base);
	getTypeOutputInfo(type->base, &output, &type->is_varlena);
	fmgr_info(output, &type->output);
	cache = lookup_type_cache(type->base, TYPECACHE_CMP_PROC_FINFO);
	type->ordered = OidIsValid(cache->cmp_proc);
	if (type->ordered)
		fmgr_info(cache->cmp_proc, &type->compare);
	type->resolved = true;
}

/* Find a stored sketch's type in this database; what is found lives in the context */
bool
column_type_resolve(ColumnType *type, MemoryContext context)
{
	MemoryContext old;
	Oid typid;
	int32 typmod;
	Oid collation = InvalidOid;
	ColumnType found;

	if (type->resolved)
		return true;
	if (!parse_type_or_null(type->name, &typid, &typmod))
		return false;
	if (type->collation_name[0] != '\0')
		collation = get_collation_oid(names_of(type->collation_name), true);
	old = MemoryContextSwitchTo(context);
	column_type_init(&found, typid, collation);
	MemoryContextSwitchTo(old);
	if (found.class != type->class)
		return false;
	*type = found;
	return true;
}

/*
 * A value as text, the same in every session: ISO dates, UTC, all digits.  Its
 * hash is taken from that, so it must not depend on what a session likes to see.
 */
char *
column_type_output(ColumnType *type, Datum value)
{
	int date_style = DateStyle;
	int interval_style = IntervalStyle;
	int digits = extra_float_digits;
	pg_tz *zone = session_timezone;
	char *text = NULL;

	PG_TRY();
	{
		DateStyle = USE_ISO_DATES;
		IntervalStyle = INTSTYLE_POSTGRES;
		extra_float_digits = 1;
		session_timezone = pg_tzset("UTC");
		text = OutputFunctionCall(&type->output, value);
	}
	PG_FINALLY();
	{
		DateStyle = date_style;
		IntervalStyle = interval_style;
		extra_float_digits = digits;
		session_timezone = zone;
	}
	PG_END_TRY();
	return text;
}

/* -- keys -- */

/* The order of doubles as the order of integers */
int64
key_of_double(double value)
{
	int64 bits;

	if (value == 0)
		value = 0; /* -0 */
	if (isnan(value))
		return PG_INT64_MAX;
	memcpy(&bits, &value, 8);
	return bits < 0 ? (int64) ((uint64) PG_INT64_MIN - (uint64) bits) : bits;
}

double
double_of_key(int64 key)
{
	int64 bits = key < 0 ? (int64) ((uint64) PG_INT64_MIN - (uint64) key) : key;
	double value;

	memcpy(&value, &bits, 8);
	return value;
}

/* A key as the number to reckon with: dates in days, times in seconds */
double
number_of_key(ValueClass class, int64 key)
{
	switch (class)
	{
		case CLASS_FLOAT:
		case CLASS_NUMERIC:
			return double_of_key(key);
		case CLASS_TIMESTAMP:
		case CLASS_TIMESTAMPTZ:
			if (key == PG_INT64_MIN)
				return -get_float8_infinity();
			if (key == PG_INT64_MAX)
				return get_float8_infinity();
			return (double) key / USECS_PER_SEC;
		case CLASS_TIME:
			return (double) key / USECS_PER_SEC;
		case CLASS_DATE:
			if (key == PG_INT32_MIN)
				return -get_float8_infinity();
			if (key == PG_INT32_MAX)
				return get_float8_infinity();
			return (double) key;
		default:
			return (double) key;
	}
}

static char *
text_of_timestamp(int64 key, bool with_zone)
{
	struct pg_tm tm;
	fsec_t fsec;
	char buffer[MAXDATELEN + 1];

	if (TIMESTAMP_NOT_FINITE(key))
		return pstrdup(key < 0 ? "-infinity" : "infinity");
	if (timestamp2tm(key, NULL, &tm, &fsec, NULL, NULL) != 0)
		return pstrdup("out of range");
	tm.tm_isdst = 0; /* else no zone is written */
	EncodeDateTime(&tm, fsec, with_zone, 0, NULL, USE_ISO_DATES, buffer);
	return pstrdup(buffer);
}

static char *
text_of_time(TimeADT time)
{
	struct pg_tm tm;
	fsec_t fsec;
	char buffer[MAXDATELEN + 1];

	time2tm(time, &tm, &fsec);
	EncodeTimeOnly(&tm, fsec, false, 0, USE_ISO_DATES, buffer);
	return pstrdup(buffer);
}

static char *
text_of_date(DateADT date)
{
	struct pg_tm tm;
	char buffer[MAXDATELEN + 1];

	memset(&tm, 0, sizeof(tm));
	if (DATE_NOT_FINITE(date))
		return pstrdup(date < 0 ? "-infinity" : "infinity");
	if (!IS_VALID_DATE(date))
		return pstrdup("out of range");
	j2date(date + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	EncodeDateOnly(&tm, USE_ISO_DATES, buffer);
	return pstrdup(buffer);
}

/* A number's key with so many decimals, if a double tells that many digits; how long it is, 0 if it does not */
int
decimal_text(int64 key, int scale, char *text)
{
	static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	double x = key == PG_INT64_MAX ? get_float8_nan() : double_of_key(key);
	double digits;
	uint64 rest;
	char *p = text;
	char reversed[DECIMAL_BYTES];
	int n = 0;

	if (scale < 0 || scale >= lengthof(powers) || isnan(x) || fabs(x) >= 1e15)
		return 0;
	digits = rint(fabs(x) * powers[scale]);
	/* both are whole numbers that doubles hold, so this is the double nearest to the decimal */
	if (digits >= 1e15 || digits / powers[scale] != fabs(x))
		return 0;
	rest = (uint64) digits;
	do
	{
		reversed[n++] = '0' + (int) (rest % 10);
		rest /= 10;
		if (n == scale)
			reversed[n++] = '.';
	} while (rest != 0 || (scale > 0 && n < scale + 2));
	if (x < 0)
		*p++ = '-';
	while (n > 0)
		*p++ = reversed[--n];
	return (int) (p - text);
}

/* A double that a numeric came to may be some units off: fifteen digits that are as near are likelier to be the numeric */
static char *
numeric_text(double x)
{
	char *text = psprintf("%.15g", x);
	int64 key = key_of_double(x);
	int64 rounded = key_of_double(strtod(text, NULL));
	char buffer[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (rounded <= key + 8 && rounded >= key - 8)
		return text;
	double_to_shortest_decimal_buf(x, buffer);
	return pstrdup(buffer);
}

/* A key as text: ISO dates, timestamps with time zone in UTC */
char *
text_of_key(const ColumnType *type, int64 key)
{
	char buffer[DOUBLE_SHORTEST_DECIMAL_LEN];

	switch (type->class)
	{
		case CLASS_FLOAT:
		case CLASS_NUMERIC:
			if (key == PG_INT64_MAX)
				return pstrdup("NaN");
			if (isinf(double_of_key(key)))
				return pstrdup(key < 0 ? "-Infinity" : "Infinity");
			if (type->class == CLASS_NUMERIC)
				return numeric_text(double_of_key(key));
			if (type->is_real)
				float_to_shortest_decimal_buf((float) double_of_key(key), buffer);
			else
				double_to_shortest_decimal_buf(double_of_key(key), buffer);
			return pstrdup(buffer);
		case CLASS_BOOLEAN:
			return pstrdup(key ? "true" : "false");
		case CLASS_DATE:
			return text_of_date((DateADT) key);
		case CLASS_TIMESTAMP:
			return text_of_timestamp(key, false);
		case CLASS_TIMESTAMPTZ:
			return text_of_timestamp(key, true);
		case CLASS_TIME:
			if (key < 0 || key > USECS_PER_DAY)
				return pstrdup("out of range");
			return text_of_time(key);
		default:
			return psprintf(INT64_FORMAT, key);
	}
}

/* -- texts -- */

/*
 * strcoll() costs as much as all else together.  In most collations two texts
 * of letters and digits are ordered by the primary weight of the first place
 * where they differ.  That holds if no two letters make one element of the
 * collation (as "ch" did in Spanish), which is found out by asking it.
 */
typedef struct Collating
{
	Oid collation; /* hash key */
	bool bytewise;
	bool simple;
	unsigned char rank[128]; /* primary weight of letters and digits; 0: unknown */
} Collating;

static HTAB *collatings = NULL;

static const char alphanumeric[] = "0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ";

static int
slow_compare(const char *a, int alen, const char *b, int blen, Oid collation)
{
	return varstr_cmp(a, alen, b, blen, collation);
}

/* Does every pair that begins with c sort between c and the next letter, d? */
static bool
pairs_within(char c, char d, Oid collation)
{
	char pair[2] = {c, 0};

	for (const char *x = alphanumeric; *x; x++)
	{
		pair[1] = *x;
		if (slow_compare(pair, 2, &c, 1, collation) <= 0 ||
			(d != 0 && slow_compare(pair, 2, &d, 1, collation) >= 0))
			return false;
	}
	return true;
}

/* Do letters and digits keep their order behind any other ASCII character? */
static bool
pairs_behind_others(const char *order, int n, const Collating *c)
{
	for (int x = ' '; x < 127; x++)
	{
		char a[2] = {(char) x, 0};
		char b[2] = {(char) x, 0};

		if (strchr(alphanumeric, x) != NULL)
			continue;
		for (int i = 1; i < n; i++)
		{
			a[1] = order[i - 1];
			b[1] = order[i];
			if (c->rank[(unsigned char) a[1]] < c->rank[(unsigned char) b[1]] &&
				slow_compare(a, 2, b, 2, c->collation) >= 0)
				return false;
		}
	}
	return true;
}

/* Ranks of letters and digits in a collation; simple stays false if they do not tell */
static void
learn(Collating *c)
{
	char order[sizeof(alphanumeric)];
	int n = sizeof(alphanumeric) - 1;
	int rank = 0;

	c->simple = false;
	memset(c->rank, 0, sizeof(c->rank));
	memcpy(order, alphanumeric, n);
	for (int i = 1; i < n; i++)
	{
		char x = order[i];
		int j = i;

		for (; j > 0 && slow_compare(&order[j - 1], 1, &x, 1, c->collation) > 0; j--)
			order[j] = order[j - 1];
		order[j] = x;
	}
	for (int i = 0; i < n; i++)
	{
		bool same = i > 0 && pg_tolower((unsigned char) order[i]) == pg_tolower((unsigned char) order[i - 1]);

		if (!same)
			rank++;
		c->rank[(unsigned char) order[i]] = rank;
	}
	for (int i = 0; i < n; i++)
	{
		int next = i + 1;

		while (next < n && c->rank[(unsigned char) order[next]] == c->rank[(unsigned char) order[i]])
			next++;
		if (!pairs_within(order[i], next < n ? order[next] : 0, c->collation))
			return;
	}
	if (!pairs_behind_others(order, n, c))
		return;
	/* 10 digits and 26 letters, or 52 where each case has a weight of its own */
	c->simple = rank == 36 || rank == 62;
}

static Collating *
collating_of(Oid collation)
{
	Collating *c;
	bool found;

	if (collatings == NULL)
	{
		HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(Collating)};

		collatings = hash_create("ingest_profile collations", 8, &control, HASH_ELEM | HASH_BLOBS);
	}
	c = hash_search(collatings, &collation, HASH_ENTER, &found);
	if (!found)
	{
		c->simple = false;
		c->bytewise = collation_is_c(collation);
		if (!c->bytewise)
			learn(c);
	}
	return c;
}

/* Order by the first place where letters or digits differ; 0 if that does not decide */
static int
quick_compare(const unsigned char *a, int alen, const unsigned char *b, int blen, const unsigned char *rank)
{
	int n = Min(alen, blen);
	int p = 0;

#define RANK(text, i) ((text)[i] < 128 ? rank[(text)[i]] : 0)
	while (p + 8 <= n && memcmp(a + p, b + p, 8) == 0)
		p += 8;
	while (p < n && a[p] == b[p])
		p++;
	/* what stands before and behind must be plain, too: accents may combine */
	if (p > 0 && a[p - 1] >= 128)
		return 0;
	if ((p + 1 < alen && a[p + 1] >= 128) || (p + 1 < blen && b[p + 1] >= 128))
		return 0;
	if (p == n)
	{
		if (alen == blen || RANK(alen > blen ? a : b, p) == 0)
			return 0;
		return alen < blen ? -1 : 1;
	}
	return (RANK(a, p) == 0 || RANK(b, p) == 0) ? 0 : (int) RANK(a, p) - (int) RANK(b, p);
#undef RANK
}

static const Collating *
order_of(Oid collation)
{
	static Collating *last = NULL;

	if (last == NULL || last->collation != collation)
		last = collating_of(collation);
	return last;
}

/* As the collation orders them */
int
text_compare(const char *a, int alen, const char *b, int blen, Oid collation)
{
	const Collating *c = order_of(collation);
	int order;

	if (c->simple &&
		(order = quick_compare((const unsigned char *) a, alen, (const unsigned char *) b, blen, c->rank)) != 0)
		return order;
	return slow_compare(a, alen, b, blen, collation);
}

/* Two texts, low before high, and the first place where they differ */
TextRange
text_range(const char *low, int low_len, const char *high, int high_len, Oid collation)
{
	const Collating *c = order_of(collation);
	TextRange r = {.start = low, .place = 0};
	int n = Min(low_len, high_len);

	while (r.place < n && low[r.place] == high[r.place])
		r.place++;
	if (r.place == n || (!c->bytewise && !c->simple))
		return r;
	if (c->bytewise)
	{
		r.low = (unsigned char) low[r.place];
		r.high = (unsigned char) high[r.place];
	}
	/* as quick_compare() has it: what stands beside must be plain, and both must be letters or digits */
	else if (!IS_HIGHBIT_SET(low[r.place]) && !IS_HIGHBIT_SET(high[r.place]) &&
			 (r.place == 0 || !IS_HIGHBIT_SET(low[r.place - 1])) &&
			 (r.place + 1 >= low_len || !IS_HIGHBIT_SET(low[r.place + 1])) &&
			 (r.place + 1 >= high_len || !IS_HIGHBIT_SET(high[r.place + 1])) &&
			 c->rank[(unsigned char) low[r.place]] != 0 && c->rank[(unsigned char) high[r.place]] != 0)
	{
		r.rank = c->rank;
		r.low = c->rank[(unsigned char) low[r.place]];
		r.high = c->rank[(unsigned char) high[r.place]];
	}
	return r;
}

/*
 * Does reading a value of the type run nobody's code?  A sketch is anybody's text: it
 * may name any type, and the checks of domains, which anybody makes, would run as
 * whoever merges it.  Base types and their parts are superusers'.
 */
bool
type_reads_safely(Oid typid)
{
	TupleDesc desc;
	bool safe = true;

	check_stack_depth();
	if (!OidIsValid(typid))
		return true;
	switch (get_typtype(typid))
	{
		case TYPTYPE_BASE:
			return type_reads_safely(get_element_type(typid));
		case TYPTYPE_ENUM:
			return true;
		case TYPTYPE_RANGE:
			return type_reads_safely(get_range_subtype(typid));
		case TYPTYPE_MULTIRANGE:
			return type_reads_safely(get_multirange_range(typid));
		case TYPTYPE_COMPOSITE:
			desc = lookup_rowtype_tupdesc(typid, -1);
			for (int i = 0; i < desc->natts && safe; i++)
				safe = TupleDescAttr(desc, i)->attisdropped || type_reads_safely(TupleDescAttr(desc, i)->atttypid);
			ReleaseTupleDesc(desc);
			return safe;
		default:
			return false;
	}
}
