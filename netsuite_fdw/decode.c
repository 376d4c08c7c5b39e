/*
 * decode.c
 *		The hot path: a page of JSON into Datums without a tree in between.
 *
 * page_next() decodes row by row what page_frame() has found whole.  Keys are
 * expected in the order of the query's columns, null ones being left out, so that
 * finding a column is one memcmp; any other order and any case of letters is
 * understood as well, only slower.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "netsuite_fdw/decode.h"
#include "netsuite_fdw/jsontext.h"
#include "common/stored_numeric.h"
#include "netsuite_fdw/reason.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#define ARENA_SIZE 16384
#define SHOWN_BYTES 60 /* of a value, in messages */

/* -- messages -- */

/* A value as JSON has it, without the escapes that stand for the character behind them */
static void
append_clipped(StringInfo out, const char *text, int len)
{
	int shown = pg_encoding_mbcliplen(PG_UTF8, text, len, SHOWN_BYTES);

	for (int i = 0; i < shown; i++)
	{
		bool escape = text[i] == '\\' && i + 1 < shown && (text[i + 1] == '"' || text[i + 1] == '\\' || text[i + 1] == '/');
		/* never hand invalid bytes to the client; the page is UTF-8 only if checked */
		unsigned char c = escape ? text[++i] : text[i];

		appendStringInfoChar(out, c < ' ' || c == 127 ? ' ' : c);
	}
	if (shown < len)
		appendStringInfoString(out, "...");
}

static void seek_key(Decoder *d);

/* Names the place of a value that cannot be used */
static void
place(void *arg)
{
	Decoder *d = arg;
	StringInfoData text;

	if (d->at == NULL)
		return;
	seek_key(d);
	initStringInfo(&text);
	appendStringInfo(&text, "column \"%s\" of foreign table \"%s\"", d->at->label, d->relation);
	for (int i = 0; i < d->nkeys && d->key_seen[i]; i++)
		appendStringInfo(&text, "%s" INT64_FORMAT, i == 0 ? ", key " : ", ", d->key[i]);
	if (d->value != NULL && d->page->valid_utf8 && GetDatabaseEncoding() == PG_UTF8)
	{
		appendStringInfoString(&text, ", value \"");
		append_clipped(&text, d->value, d->value_len);
		appendStringInfoChar(&text, '"');
	}
	errcontext("%s", text.data);
	pfree(text.data);
}

static void refuse(const char *message) __attribute__((noreturn));
static void refuse_malformed(void) __attribute__((noreturn));

static void
refuse(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("%s", message)));
}

static void
refuse_malformed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_REPLY_HANDLE),
			 errmsg("NetSuite's reply holds malformed JSON")));
}

/* -- memory of a row -- */

/* Small values come from an arena that the next row reuses */
static inline void *
row_alloc(Decoder *d, Size size)
{
	Size used = d->arena_used;

	size = MAXALIGN(size);
	if (used + size > ARENA_SIZE)
		return MemoryContextAllocHuge(CurrentMemoryContext, size);
	d->arena_used = used + size;
	return d->arena + used;
}

/* -- text -- */

/* A \u escape at p (after the u), perhaps a surrogate pair; returns past it */
static const char *
unescape_unicode(const char *p, const char *end, char **out)
{
	int code = end - p >= 4 ? hex4(p) : -1;

	if (code < 0)
		refuse_malformed();
	p += 4;
	if (code == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("text with the character \\u0000 cannot be stored in PostgreSQL")));
	if (code >= 0xD800 && code <= 0xDFFF)
	{
		int low = -1;

		if (code < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u')
			low = hex4(p + 2);
		if (low < 0xDC00 || low > 0xDFFF)
			ereport(ERROR,
					(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
					 errmsg("text holds half of a surrogate pair")));
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
		p += 6;
	}
	unicode_to_utf8(code, (unsigned char *) *out);
	*out += pg_utf_mblen((unsigned char *) *out);
	return p;
}

/* Resolve escapes into out, which is as large as the text; returns the length */
static int
unescape(const char *p, const char *end, char *out)
{
	char *start = out;

	while (p < end)
	{
		const char *backslash = memchr(p, '\\', end - p);
		Size plain = (backslash ? backslash : end) - p;

		memcpy(out, p, plain);
		out += plain;
		p += plain;
		if (backslash == NULL)
			break;
		if (++p >= end)
			refuse_malformed();
		switch (*p++)
		{
			case '"':
				*out++ = '"';
				break;
			case '\\':
				*out++ = '\\';
				break;
			case '/':
				*out++ = '/';
				break;
			case 'b':
				*out++ = '\b';
				break;
			case 'f':
				*out++ = '\f';
				break;
			case 'n':
				*out++ = '\n';
				break;
			case 'r':
				*out++ = '\r';
				break;
			case 't':
				*out++ = '\t';
				break;
			case 'u':
				p = unescape_unicode(p, end, &out);
				break;
			default:
				refuse_malformed();
		}
	}
	return out - start;
}

/* Text in the server's encoding at least pad bytes into its memory */
static char *
to_server(Decoder *d, const char *text, int len, bool escaped, int pad, int *out_len)
{
	char *result = row_alloc(d, (Size) len + pad + 1);

	if (escaped)
		len = unescape(text, text + len, result + pad);
	else
		memcpy(result + pad, text, len);
	if (!d->page->valid_utf8)
		pg_verify_mbstr(PG_UTF8, result + pad, len, false);
	if (GetDatabaseEncoding() != PG_UTF8)
	{
		char *converted;

		result[pad + len] = '\0';
		converted = pg_any_to_server(result + pad, len, PG_UTF8);
		if (converted != result + pad)
		{
			len = strlen(converted);
			result = palloc((Size) len + pad + 1);
			memcpy(result + pad, converted, len);
		}
	}
	result[pad + len] = '\0';
	*out_len = len;
	return result;
}

static Datum
text_datum(Decoder *d, const char *text, int len, bool escaped)
{
	char *result;

	if (len > MaxAllocSize - VARHDRSZ - 1)
		refuse("text is longer than PostgreSQL can store");
	result = to_server(d, text, len, escaped, VARHDRSZ, &len);
	SET_VARSIZE(result, len + VARHDRSZ);
	return PointerGetDatum(result);
}

/* Whatever else the type: its own input function */
static Datum
input_datum(Decoder *d, DecodeColumn *c, const char *text, int len, bool escaped)
{
	char *copy = to_server(d, text, len, escaped, 0, &len);

	return InputFunctionCall(&c->input, copy, c->ioparam, c->typmod);
}

/* -- numbers -- */

/*
 * A number's text, as NetSuite may write one: numeric_in() itself takes NaN and
 * infinity, which no condition that is sent reckons with, and from PostgreSQL 16
 * on 0x1F and 1_000, too.
 */
static char *
number_text(Decoder *d, const char *text, int len, bool escaped)
{
	char *copy = to_server(d, text, len, escaped, 0, &len);

	if (strspn(copy, "+-.0123456789eE \t\r\n") != len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "numeric", copy)));
	return copy;
}

/* Plain integers of up to 18 digits; anything else is left to the caller */
static inline bool
parse_plain_int(const char *p, int len, int64 *result)
{
	bool negative = *p == '-';
	int64 value = 0;

	p += negative;
	len -= negative;
	if (len < 1 || len > 18)
		return false;
	for (int i = 0; i < len; i++)
	{
		unsigned digit = (unsigned char) p[i] - '0';

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	*result = negative ? -value : value;
	return true;
}

/* Integers in any spelling, 5.0 and 1E3 too; fractions are refused */
static int64
parse_int(Decoder *d, const char *text, int len, bool escaped)
{
	int64 result;
	Datum number;

	if (parse_plain_int(text, len, &result))
		return result;
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(number_text(d, text, len, escaped)),
								 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	result = DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, number,
										  DirectFunctionCall1(int8_numeric, Int64GetDatum(result)))))
		refuse("a number with a fraction does not fit an integer column");
	return result;
}

static Datum
numeric_datum(Decoder *d, DecodeColumn *c, const char *text, int len, bool escaped)
{
	const char *p = text;
	const char *end = text + len;
	bool negative = len > 0 && *p == '-';
	uint64 magnitude = 0;
	int digits = 0;
	int scale = -1;

	p += negative;
	for (; p < end; p++)
	{
		unsigned digit = (unsigned char) *p - '0';

		if (digit <= 9)
		{
			magnitude = magnitude * 10 + digit;
			digits++;
			scale += scale >= 0;
		}
		else if (*p == '.' && scale < 0)
			scale = 0;
		else
			break;
	}
	if (p < end || digits == 0 || digits > 15 || c->typmod >= 0)
		return InputFunctionCall(&c->input, number_text(d, text, len, escaped), c->ioparam, c->typmod);
	return build_numeric(row_alloc(d, BUILT_SIZE), magnitude, negative, Max(scale, 0));
}

static int64
in_range(int64 value, int64 low, int64 high, const char *type)
{
	if (value < low || value > high)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value " INT64_FORMAT " is out of range for type %s", value, type)));
	return value;
}

/* T and F, as the other side compares them; JSON's own true and false were made the same before */
static Datum
bool_datum(const char *text, int len)
{
	if (len == 1 && *text == 'T')
		return BoolGetDatum(true);
	if (len == 1 && *text == 'F')
		return BoolGetDatum(false);
	refuse("a boolean must be T or F");
	return (Datum) 0;
}

/* -- dates -- */

static inline int
two(const char *p)
{
	unsigned a = (unsigned char) p[0] - '0';
	unsigned b = (unsigned char) p[1] - '0';

	return a > 9 || b > 9 ? -1 : (int) (a * 10 + b);
}

/* YYYY-MM-DD at p as a Julian day */
static bool
parse_day(const char *p, int *julian)
{
	int century = two(p);
	int year = two(p + 2);
	int month = two(p + 5);
	int day = two(p + 8);

	if (century < 0 || year < 0 || p[4] != '-' || p[7] != '-' || month < 1 || month > 12 || day < 1)
		return false;
	year += century * 100;
	if (year == 0 || day > day_tab[isleap(year)][month - 1])
		return false;
	*julian = date2j(year, month, day);
	return true;
}

/* YYYY-MM-DD HH:MI:SS, and nothing else: display formats are never guessed at */
bool
parse_seconds(const char *p, int len, Timestamp *result)
{
	int julian;
	int hour;
	int minute;
	int second;

	if (len != 19 || !parse_day(p, &julian) || p[10] != ' ' || p[13] != ':' || p[16] != ':')
		return false;
	hour = two(p + 11);
	minute = two(p + 14);
	second = two(p + 17);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	*result = (int64) (julian - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY +
			  ((hour * 60 + minute) * 60 + second) * USECS_PER_SEC;
	return true;
}

#define MONTHS 512 /* direct-mapped cache of zone offsets */

typedef struct MonthOffset
{
	int month;   /* year * 12 + month, 0 for none */
	bool steady; /* no transition within or near */
	int west;    /* seconds */
} MonthOffset;

static void
take_apart(Timestamp wall, struct pg_tm *tm)
{
	fsec_t fsec;

	if (timestamp2tm(wall, NULL, tm, &fsec, NULL, NULL) != 0)
		refuse("timestamp out of range");
}

/* Seconds west of a wall clock in a zone, whether the zone has it or skips it */
static int
west_of(Timestamp wall, pg_tz *zone)
{
	struct pg_tm tm;

	take_apart(wall, &tm);
	return DetermineTimeZoneOffset(&tm, zone);
}

/* Wall clock in a zone to universal time; refuses times that the zone skips */
TimestampTz
wall_moment(Timestamp wall, pg_tz *zone)
{
	struct pg_tm tm;
	struct pg_tm back;
	fsec_t fsec;
	int tz;
	TimestampTz result;

	if (TIMESTAMP_NOT_FINITE(wall))
		return wall;
	take_apart(wall, &tm);
	result = wall + (int64) DetermineTimeZoneOffset(&tm, zone) * USECS_PER_SEC;
	if (timestamp2tm(result, &tz, &back, &fsec, NULL, zone) != 0 ||
		back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min || back.tm_mday != tm.tm_mday)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_FIELD_OVERFLOW),
				 errmsg("this time of day does not exist in time zone \"%s\"",
						pg_get_timezone_name(zone)),
				 errhint("The account shows its datetimes in another zone: set server option timezone; netsuite_check() measures it.")));
	return result;
}

static TimestampTz
to_utc(Decoder *d, Timestamp wall)
{
	int day = (int) (wall / USECS_PER_DAY) - (wall < 0);
	int year;
	int month;
	int mday;
	MonthOffset *slot;

	if (d->zone_fixed)
		return wall - d->zone_offset * USECS_PER_SEC;
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	slot = &d->months[(year * 12 + month) % MONTHS];
	if (slot->month != year * 12 + month)
	{
		Timestamp start = (int64) (date2j(year, month, 1) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
		/* two days to spare on both sides, for any offset; they need not exist there */
		int first = west_of(start - 2 * USECS_PER_DAY, d->zone);
		int last = west_of(start + 33 * USECS_PER_DAY, d->zone);
		pg_time_t from;
		pg_time_t boundary;
		long before;
		long after;
		int dst_before;
		int dst_after;

		from = timestamptz_to_time_t(start - 3 * USECS_PER_DAY);
		slot->month = year * 12 + month;
		slot->west = first;
		slot->steady = first == last &&
					   (pg_next_dst_boundary(&from, &before, &dst_before, &boundary, &after, &dst_after,
											 d->zone) == 0 ||
						boundary > from + 37 * SECS_PER_DAY);
	}
	if (slot->steady)
		return wall + (int64) slot->west * USECS_PER_SEC;
	return wall_moment(wall, d->zone);
}

static Datum
date_datum(DecodeColumn *c, const char *text, int len)
{
	int julian;

	/* a time of day behind the date is of no account */
	if ((len != 10 && len != 19) || !parse_day(text, &julian))
		refuse("a date must come as YYYY-MM-DD");
	julian -= POSTGRES_EPOCH_JDATE;
	if (c->midnight)
	{
		Timestamp midnight = (int64) julian * USECS_PER_DAY;

		/* date_trunc's, also where there is none: then it is the moment of the change */
		return TimestampTzGetDatum(midnight + (int64) west_of(midnight, session_timezone) * USECS_PER_SEC);
	}
	return DateADTGetDatum(julian);
}

static Datum
timestamp_datum(Decoder *d, DecodeColumn *c, const char *text, int len)
{
	Timestamp wall;

	if (!parse_seconds(text, len, &wall))
		refuse("a datetime must come as YYYY-MM-DD HH:MI:SS");
	if (c->kind == VALUE_TIMESTAMPTZ)
		return TimestampTzGetDatum(to_utc(d, wall));
	return TimestampGetDatum(wall);
}

/* -- a value -- */

static Datum
datum_of(Decoder *d, DecodeColumn *c, const char *text, int len, bool escaped)
{
	d->at = c;
	d->value = text;
	d->value_len = len;
	/* the others see to escapes themselves */
	if (escaped && (c->kind == VALUE_BOOL || c->kind == VALUE_DATE || c->kind == VALUE_TIMESTAMP || c->kind == VALUE_TIMESTAMPTZ))
		text = to_server(d, text, len, true, 0, &len);
	switch (c->kind)
	{
		case VALUE_TEXT:
			return text_datum(d, text, len, escaped);
		case VALUE_INT8:
			return Int64GetDatum(parse_int(d, text, len, escaped));
		case VALUE_NUMERIC:
			return numeric_datum(d, c, text, len, escaped);
		case VALUE_BOOL:
			return bool_datum(text, len);
		case VALUE_DATE:
			return date_datum(c, text, len);
		case VALUE_TIMESTAMP:
		case VALUE_TIMESTAMPTZ:
			return timestamp_datum(d, c, text, len);
		case VALUE_INT4:
			return Int32GetDatum(in_range(parse_int(d, text, len, escaped), PG_INT32_MIN, PG_INT32_MAX, "integer"));
		case VALUE_INT2:
			return Int16GetDatum(in_range(parse_int(d, text, len, escaped), PG_INT16_MIN, PG_INT16_MAX, "smallint"));
		case VALUE_INPUT:
			break;
	}
	return input_datum(d, c, text, len, escaped);
}

/* -- keys of items -- */

/* Is this the column's name and the quote behind it?  Most differ in eight bytes. */
static inline bool
is_column(const DecodeColumn *c, const char *name)
{
	uint64 first;

	memcpy(&first, name, sizeof(first));
	return ((first ^ c->token_first) & c->token_mask) == 0 &&
		   (c->token_len <= 8 || memcmp(name + 8, c->token + 8, c->token_len - 8) == 0);
}

/* Set what is_column compares */
static void
set_token(DecodeColumn *c)
{
	char head[8] = {0};
	char mask[8] = {0};

	memcpy(head, c->token, Min(c->token_len, 8));
	memset(mask, 0xff, Min(c->token_len, 8));
	memcpy(&c->token_first, head, 8);
	memcpy(&c->token_mask, mask, 8);
}

/* A key that is not where it was expected: any order, any case of letters.  Its column, -1 or NAME_MALFORMED. */
static int
find_column(Decoder *d, const char *name, const char *name_end, bool escaped)
{
	char plain[NAMEDATALEN];
	int len = escaped ? plain_name(name, name_end, plain, sizeof(plain)) : (int) (name_end - name);

	if (len == NAME_MALFORMED)
		return NAME_MALFORMED;
	if (escaped)
		name = plain;
	for (int i = 0; i < d->ncolumns; i++)
	{
		DecodeColumn *c = &d->columns[i];

		if (c->token_len - 1 == len && pg_strncasecmp(c->token, name, len) == 0)
		{
			/* remember the spelling, so that the next row is fast again */
			if (!escaped)
			{
				memcpy(c->token, name, len);
				set_token(c);
			}
			return i;
		}
	}
	return -1;
}

/*
 * Find what is missing of the key of the row being read, which may stand behind
 * the value that cannot be used.  For messages: never throws.
 */
static void
seek_key(Decoder *d)
{
	const char *end = d->page->items_end + 1;
	const char *p = skip_space(d->row + 1);

	while (*p == '"')
	{
		const char *name = p + 1;
		bool escaped = false;
		const char *name_end = string_end(name, end, &escaped);
		const char *text = name_end ? skip_space(name_end + 1) : NULL;
		int found;

		if (text == NULL || *text++ != ':')
			return;
		text = skip_space(text);
		p = skip_value(text, end);
		if (p == NULL)
			return;
		found = find_column(d, name, name_end, escaped);
		if (found >= 0 && d->columns[found].key >= 0 && !d->key_seen[d->columns[found].key])
			d->key_seen[d->columns[found].key] = read_whole_number(text, p, &d->key[d->columns[found].key]);
		p = skip_space(p);
		if (*p == ',')
			p = skip_space(p + 1);
	}
}

static void
store(Decoder *d, DecodeColumn *c, const char *text, int len, bool escaped, Datum *values,
	  bool *nulls)
{
	if (c->key >= 0)
	{
		d->at = c;
		d->value = text;
		d->value_len = len;
		d->key[c->key] = parse_int(d, text, len, escaped);
		d->key_seen[c->key] = true;
	}
	if (c->target < 0 || values == NULL)
		return;
	values[c->target] = datum_of(d, c, text, len, escaped);
	nulls[c->target] = false;
}

/* A null that comes as a member; the last of two counts */
static void
store_null(Decoder *d, DecodeColumn *c, bool *nulls)
{
	if (c->key >= 0)
		d->key_seen[c->key] = false;
	if (c->target >= 0 && nulls != NULL)
		nulls[c->target] = true;
}

/*
 * The name of a member at p (after the quote): its column, from the expected one
 * on, or -1.  Returns past it.
 */
static inline const char *
read_name(Decoder *d, const char *name, const char *end, int expected, int *found)
{
	const char *name_end;
	bool escaped = false;

	for (int i = expected; i < d->ncolumns; i++)
	{
		if (is_column(&d->columns[i], name))
		{
			*found = i;
			return name + d->columns[i].token_len;
		}
	}
	name_end = string_end(name, end, &escaped);
	if (name_end == NULL)
		refuse_malformed();
	*found = find_column(d, name, name_end, escaped);
	if (*found == NAME_MALFORMED)
		refuse_malformed();
	return name_end + 1;
}

/* A member's value, as it stands in the page */
typedef struct Member
{
	const char *text;
	int len;
	bool escaped;
	bool null;
} Member;

/* The value at p; returns past it */
static inline const char *
read_member(const char *p, const char *end, Member *m)
{
	m->escaped = false;
	if (*p == '"')
	{
		m->text = ++p;
		p = string_end(p, end, &m->escaped);
		if (p == NULL)
			refuse_malformed();
		m->len = p - m->text;
		/* the empty string is null there */
		m->null = m->len == 0;
		return p + 1;
	}
	m->text = p;
	p = skip_value(p, end);
	if (p == NULL)
		refuse_malformed();
	m->len = p - m->text;
	m->null = m->len == 4 && memcmp(m->text, "null", 4) == 0;
	/* T and F to SuiteQL, however they are written: whatever the column here is, it gets the same */
	if ((m->len == 4 && memcmp(m->text, "true", 4) == 0) || (m->len == 5 && memcmp(m->text, "false", 5) == 0))
	{
		m->text = *m->text == 't' ? "T" : "F";
		m->len = 1;
	}
	return p;
}

/* Read one row that begins at p; returns past it */
const char *
page_read_row(Decoder *d, const char *p, Datum *values, bool *nulls)
{
	const char *end = d->page->items_end + 1;
	int expected = 0;

	p = skip_space(p + 1);
	while (*p != '}')
	{
		int found;
		Member m;

		if (*p != '"')
			refuse_malformed();
		p = skip_space(read_name(d, p + 1, end, expected, &found));
		if (*p++ != ':')
			refuse_malformed();
		p = read_member(skip_space(p), end, &m);
		if (found >= 0)
		{
			if (m.null)
				store_null(d, &d->columns[found], nulls);
			else
				store(d, &d->columns[found], m.text, m.len, m.escaped, values, nulls);
			expected = found + 1;
		}
		p = skip_space(p);
		if (*p == ',')
			p = skip_space(p + 1);
		else if (*p != '}')
			refuse_malformed();
	}
	return p + 1;
}

/* An average is its sum divided here, as PostgreSQL's own would; a count is a number, whatever is counted */
static void
divide(Decoder *d, Datum *values, bool *nulls)
{
	for (int i = 0; i < d->ncolumns; i++)
	{
		DecodeColumn *c = &d->columns[i];

		if (c->divides == DIVIDES_NOTHING)
			continue;
		if (nulls[c->target])
			ereport(ERROR,
					(errcode(ERRCODE_FDW_REPLY_HANDLE),
					 errmsg("NetSuite did not count the rows of foreign table \"%s\"", d->relation)));
		if (c->divides == COUNT_ALONE)
			continue;
		if (nulls[c->divides] || DatumGetInt64(values[c->target]) == 0)
			nulls[c->divides] = true;
		else
			values[c->divides] = DirectFunctionCall2(
				numeric_div, values[c->divides],
				DirectFunctionCall1(int8_numeric, values[c->target]));
	}
}

static void
begin_row(Decoder *d, const ReplyPage *page, const char *row)
{
	d->page = page;
	d->row = row;
	d->arena_used = 0;
	d->at = NULL;
	d->value = NULL;
	memset(d->key_seen, 0, sizeof(d->key_seen));
}

static void
need_key(Decoder *d)
{
	for (int i = 0; i < d->ncolumns; i++)
	{
		DecodeColumn *c = &d->columns[i];

		if (c->key >= 0 && !d->key_seen[c->key])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a row of foreign table \"%s\" has no value in column \"%s\" of its key",
							d->relation, c->label),
					 errhint("Set table option key to columns that are never null and together unique.")));
	}
}

/* The next row of a page; false at its end */
bool
page_next(Decoder *d, ReplyPage *page, Datum *values, bool *nulls)
{
	ErrorContextCallback callback;
	const char *p = page->next;

	if (p == NULL || *p != '{')
		return false;
	begin_row(d, page, p);
	memset(nulls, true, sizeof(bool) * d->ntargets);
	callback.callback = place;
	callback.arg = d;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	p = d->tolerant ? reason_read_row(d, p, values, nulls) : page_read_row(d, p, values, nulls);
	divide(d, values, nulls);
	d->at = NULL;
	need_key(d);
	error_context_stack = callback.previous;
	p = skip_space(p);
	page->next = *p == ',' ? skip_space(p + 1) : p;
	return true;
}

/* The key of a page's last row; false if it has no row */
bool
page_last_key(Decoder *d, ReplyPage *page, int64 *key)
{
	ErrorContextCallback callback;

	if (page->nrows == 0)
		return false;
	begin_row(d, page, page->last_row);
	callback.callback = place;
	callback.arg = d;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	page_read_row(d, page->last_row, NULL, NULL);
	d->at = NULL;
	need_key(d);
	error_context_stack = callback.previous;
	memcpy(key, d->key, sizeof(int64) * d->nkeys);
	return true;
}

/* -- setting up -- */

static ValueKind
kind_of(Oid type, int32 typmod)
{
	switch (type)
	{
		case BOOLOID:
			return VALUE_BOOL;
		case INT2OID:
			return VALUE_INT2;
		case INT4OID:
			return VALUE_INT4;
		case INT8OID:
			return VALUE_INT8;
		case NUMERICOID:
			return VALUE_NUMERIC;
		case TEXTOID:
			return VALUE_TEXT;
		case VARCHAROID:
			return typmod < 0 ? VALUE_TEXT : VALUE_INPUT;
		case DATEOID:
			return VALUE_DATE;
		case TIMESTAMPOID:
			return typmod < 0 ? VALUE_TIMESTAMP : VALUE_INPUT;
		case TIMESTAMPTZOID:
			return VALUE_TIMESTAMPTZ;
		default:
			return VALUE_INPUT;
	}
}

Decoder *
decoder_new(int ncolumns, int ntargets, const char *relation, pg_tz *zone)
{
	Decoder *d = palloc0(sizeof(Decoder));

	d->ncolumns = ncolumns;
	d->columns = palloc0(sizeof(DecodeColumn) * Max(ncolumns, 1));
	d->ntargets = ntargets;
	d->error_target = -1;
	d->relation = relation;
	d->zone = zone;
	d->zone_fixed = zone == NULL || pg_get_timezone_offset(zone, &d->zone_offset);
	if (!d->zone_fixed)
		d->months = palloc0(sizeof(MonthOffset) * MONTHS);
	d->arena = palloc(ARENA_SIZE);
	return d;
}

void
decoder_column(Decoder *d, int i, const char *name, Oid type, int32 typmod, int target,
			   const char *label)
{
	DecodeColumn *c = &d->columns[i];
	Oid input;

	c->name = pstrdup(name);
	c->token = psprintf("%s\"", name);
	c->token_len = strlen(c->token);
	set_token(c);
	c->type = type;
	c->typmod = typmod;
	c->kind = kind_of(type, typmod);
	c->target = target;
	c->key = -1;
	c->divides = DIVIDES_NOTHING;
	c->label = pstrdup(label);
	getTypeInputInfo(type, &input, &c->ioparam);
	fmgr_info(input, &c->input);
	/* what is not PostgreSQL's own, or looks at more than the text, may hold something when it fails */
	d->strange |= c->kind == VALUE_INPUT && (type >= FirstGenbkiObjectId || func_volatile(input) != PROVOLATILE_IMMUTABLE);
}
