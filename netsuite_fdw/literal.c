/*
 * literal.c
 *		Values from here as SuiteQL.
 *
 * NetSuite's dates end with 9999-12-31 and its numbers have some 38 digits.  A
 * value beyond is not one of theirs, so it is never put in place of one: what it
 * is compared with is less or greater, all of it, and equal to none.  "x = x"
 * then says true and "x <> x" false, and both are null where x is null.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/attribute.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "netsuite_fdw/compat.h"
#include "netsuite_fdw/literal.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#define MAX_IN 1000      /* arguments that NetSuite takes in one IN */
#define MAX_DIGITS 38    /* that Oracle's numbers hold at least */
#define MAX_EXPONENT 120 /* of their first and last digit */

#define FIRST_DAY (-730119)              /* 0001-01-01 */
#define LAST_DAY 2921939                 /* 9999-12-31 */
#define JULIAN_END (GREGORIAN_FROM - 10) /* 1582-10-05: from here on there are no days there */

/* -- literals -- */

void
append_text_literal(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '\'');
	for (; *text; text++)
	{
		if (*text == '\'')
			appendStringInfoChar(out, '\'');
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, '\'');
}

static void
append_day(StringInfo out, int64 day)
{
	int year;
	int month;
	int mday;

	j2date((int) (day + POSTGRES_EPOCH_JDATE), &year, &month, &mday);
	appendStringInfo(out, "TO_DATE('%04d-%02d-%02d','YYYY-MM-DD')", year, month, mday);
}

static void
append_second(StringInfo out, Timestamp wall)
{
	int64 day = wall / USECS_PER_DAY - (wall % USECS_PER_DAY < 0);
	int second = (int) ((wall - day * USECS_PER_DAY) / USECS_PER_SEC);
	int year;
	int month;
	int mday;

	j2date((int) (day + POSTGRES_EPOCH_JDATE), &year, &month, &mday);
	appendStringInfo(out, "TO_DATE('%04d-%02d-%02d %02d:%02d:%02d','YYYY-MM-DD HH24:MI:SS')",
					 year, month, mday, second / 3600, second / 60 % 60, second % 60);
}

/* Does a number keep all its digits there? */
bool
is_sound_number(Numeric number)
{
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
	char *point = strchr(text, '.');
	int whole = 0;
	int first = -1;
	int last = -1;
	int n = 0;

	if (numeric_is_nan(number) || numeric_is_inf(number))
		return false;
	for (char *p = text; *p; p++)
	{
		if (*p < '0' || *p > '9')
			continue;
		if (*p != '0')
		{
			first = first < 0 ? n : first;
			last = n;
		}
		whole += point == NULL || p < point;
		n++;
	}
	return first < 0 || (last - first < MAX_DIGITS && whole - first <= MAX_EXPONENT &&
						 last - whole < MAX_EXPONENT);
}

bool
is_sound_day(int64 day)
{
	return day >= FIRST_DAY && day <= LAST_DAY && (day < JULIAN_END || day >= GREGORIAN_FROM);
}

static void
append_number(StringInfo out, Datum value, Oid type)
{
	switch (type)
	{
		case INT2OID:
			appendStringInfo(out, "%d", DatumGetInt16(value));
			break;
		case INT4OID:
			appendStringInfo(out, "%d", DatumGetInt32(value));
			break;
		case INT8OID:
			appendStringInfo(out, INT64_FORMAT, DatumGetInt64(value));
			break;
		default:
			appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(numeric_out, value)));
	}
}

/* A value by itself; shippable.c lets pass only what has a literal */
void
append_value(StringInfo out, const Value *value)
{
	if (value->isnull)
	{
		appendStringInfoString(out, "NULL");
		return;
	}
	switch (value->form)
	{
		case FORM_NUMBER:
			append_number(out, value->datum, value->type);
			break;
		case FORM_TEXT:
			append_text_literal(out, TextDatumGetCString(value->datum));
			break;
		case FORM_BOOL:
			appendStringInfoString(out, DatumGetBool(value->datum) ? "'T'" : "'F'");
			break;
		case FORM_DAY:
			if (is_sound_day(DatumGetDateADT(value->datum)))
			{
				append_day(out, DatumGetDateADT(value->datum));
				break;
			}
			pg_fallthrough;
		default:
			elog(ERROR, "unexpected value to send");
	}
}

/* -- zones -- */

bool
needs_account_zone(RemoteForm form)
{
	return form == FORM_SECOND_ZONED;
}

/* Does a comparison with a value of this type hang on any zone? */
bool
needs_any_zone(RemoteForm form, Oid type)
{
	return form == FORM_SECOND_ZONED || form == FORM_DAY_HERE || type == TIMESTAMPTZOID ||
		   type == get_array_type(TIMESTAMPTZOID);
}

/*
 * Did a zone ever skip a whole day, as Samoa did 2011-12-30?  Then a date's
 * midnight there may be a moment of the next day.
 */
bool
zone_skips_days(pg_tz *zone)
{
	static pg_tz *known = NULL;
	static bool skips;
	pg_time_t from = INT64CONST(-10000000000); /* before all zones */
	pg_time_t boundary;
	long before;
	long after;
	int dst_before;
	int dst_after;

	if (zone == known)
		return skips;
	skips = false;
	/* the rules of today go on for ever */
	while (!skips && from < INT64CONST(4102444800) &&
		   pg_next_dst_boundary(&from, &before, &dst_before, &boundary, &after, &dst_after, zone) == 1)
	{
		skips = after - before >= SECS_PER_DAY;
		from = boundary;
	}
	known = zone;
	return skips;
}

/* A date, timestamp or timestamptz as the moment that PostgreSQL compares it by */
static TimestampTz
moment_of(Datum value, Oid type)
{
	if (type == DATEOID)
		return moment_of_date(DatumGetDateADT(value));
	if (type == TIMESTAMPOID)
		return moment_of_timestamp(DatumGetTimestamp(value));
	return DatumGetTimestampTz(value);
}

/* A date or timestamp as wall clock */
static Timestamp
wall_of(Datum value, Oid type)
{
	if (type == DATEOID)
		return timestamp_of_date(DatumGetDateADT(value));
	return DatumGetTimestamp(value);
}

/*
 * The wall clock of the account from which on datetimes are at or after a
 * moment.  In the hour that a change to winter time repeats, a wall clock is
 * read as its second passing; the bound for moments of the first passing is
 * where the repeated hour begins.
 */
static Timestamp
wall_there(TimestampTz t, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t fsec;
	int tz;
	int read_back;
	Timestamp wall;

	if (TIMESTAMP_NOT_FINITE(t))
		return t;
	if (timestamp2tm(t, &tz, &tm, &fsec, NULL, zone) != 0)
		return t < 0 ? DT_NOBEGIN : DT_NOEND;
	wall = t - (int64) tz * USECS_PER_SEC;
	read_back = DetermineTimeZoneOffset(&tm, zone);
	if (read_back > tz)
	{
		pg_time_t from = timestamptz_to_time_t(t);
		pg_time_t boundary;
		long before;
		long after;
		int dst_before;
		int dst_after;

		if (pg_next_dst_boundary(&from, &before, &dst_before, &boundary, &after, &dst_after,
								 zone) == 1)
			wall = time_t_to_timestamptz(boundary) + after * USECS_PER_SEC;
	}
	return wall;
}

/* -- bounds -- */

/* The first multiple of grain not before a moment, or after it, counted in grains */
static int64
grain_up(Timestamp t, int64 grain, bool beyond)
{
	int64 n;

	if (TIMESTAMP_IS_NOBEGIN(t))
		return PG_INT64_MIN / grain + 2;
	if (TIMESTAMP_IS_NOEND(t))
		return PG_INT64_MAX / grain - 2;
	n = t / grain - (t % grain < 0);
	return beyond || n * grain != t ? n + 1 : n;
}

/*
 * The first day whose midnight in the session's zone is not before a moment, or
 * is after it.  Where the zone skips a midnight the day begins later.
 */
static int64
day_here_up(TimestampTz t, bool beyond)
{
	int64 day;

	if (TIMESTAMP_NOT_FINITE(t))
		return grain_up(t, USECS_PER_DAY, beyond);
	/* offsets are less than a day, so it is within two */
	day = grain_up(t, USECS_PER_DAY, false) - 2;
	if (day < FIRST_DAY - 4 || day > LAST_DAY + 4)
		return day;
	for (;; day++)
	{
		TimestampTz midnight = moment_of(DateADTGetDatum((DateADT) day), DATEOID);

		if (beyond ? midnight > t : midnight >= t)
			return day;
	}
}

/* The least value there that is not before a value from here, or is after it */
typedef struct Bound
{
	int beyond; /* all values there are at or after it: -1; before it: 1; else 0 */
	bool is_day;
	int64 at; /* a day, or a wall clock */
} Bound;

static Bound
day_bound(int64 day)
{
	Bound b;

	if (day >= JULIAN_END && day < GREGORIAN_FROM)
		day = GREGORIAN_FROM;
	b = (Bound){day <= FIRST_DAY ? -1 : day > LAST_DAY ? 1
													   : 0,
				true, day};

	return b;
}

static Bound
second_bound(Timestamp wall)
{
	Bound b;

	if (wall >= JULIAN_END * USECS_PER_DAY && wall < GREGORIAN_FROM * USECS_PER_DAY)
		wall = GREGORIAN_FROM * USECS_PER_DAY;
	b = (Bound){wall <= (Timestamp) FIRST_DAY * USECS_PER_DAY ? -1 : wall >= (Timestamp) (LAST_DAY + 1) * USECS_PER_DAY ? 1
																														: 0,
				false, wall};

	return b;
}

static Bound
bound_of(const Value *value, bool beyond)
{
	Timestamp t;

	switch (value->form)
	{
		case FORM_DAY:
			if (value->type != TIMESTAMPTZOID)
				return day_bound(grain_up(wall_of(value->datum, value->type), USECS_PER_DAY, beyond));
			pg_fallthrough;
		case FORM_DAY_HERE:
			return day_bound(day_here_up(moment_of(value->datum, value->type), beyond));
		case FORM_SECOND:
			t = wall_of(value->datum, value->type);
			if (!TIMESTAMP_NOT_FINITE(t))
				t = grain_up(t, USECS_PER_SEC, beyond) * USECS_PER_SEC;
			return second_bound(t);
		default:
			/* round in universal time, then look at the clock there */
			t = moment_of(value->datum, value->type);
			if (!TIMESTAMP_NOT_FINITE(t))
				t = grain_up(t, USECS_PER_SEC, beyond) * USECS_PER_SEC;
			return second_bound(wall_there(t, value->zone));
	}
}

static void
append_bound(StringInfo out, const char *subject, const char *comparison, Bound b)
{
	appendStringInfo(out, "%s %s ", subject, comparison);
	if (b.is_day)
		append_day(out, b.at);
	else
		append_second(out, b.at);
}

/* -- comparisons -- */

/* True or false, but null where the subject is */
static void
append_certain(StringInfo out, const char *subject, bool result)
{
	appendStringInfo(out, "%s %s %s", subject, result ? "=" : "<>", subject);
}

static void
append_null_comparison(StringInfo out, const char *subject, const char *comparison)
{
	appendStringInfo(out, "%s %s NULL", subject, comparison);
}

/* subject < or >= a bound */
static void
append_side(StringInfo out, const char *subject, bool less, Bound b)
{
	if (b.beyond != 0)
		append_certain(out, subject, less == (b.beyond > 0));
	else
		append_bound(out, subject, less ? "<" : ">=", b);
}

/* No value there is within [up, next): it lies between two, or beyond all */
static bool
is_empty(Bound up, Bound next)
{
	return up.at == next.at || up.beyond > 0 || next.beyond < 0;
}

/* subject within [up, next), or outside */
static void
append_within(StringInfo out, const char *subject, bool within, Bound up, Bound next)
{
	if (is_empty(up, next))
	{
		append_certain(out, subject, !within);
		return;
	}
	appendStringInfoChar(out, '(');
	if (up.beyond == 0)
		append_bound(out, subject, within ? ">=" : "<", up);
	if (up.beyond == 0 && next.beyond == 0)
		appendStringInfoString(out, within ? " AND " : " OR ");
	if (next.beyond == 0)
		append_bound(out, subject, within ? "<" : ">=", next);
	appendStringInfoChar(out, ')');
}

static void
append_time_comparison(StringInfo out, const char *subject, const char *comparison,
					   const Value *value)
{
	Bound up = bound_of(value, false);
	Bound next = bound_of(value, true);

	if (strcmp(comparison, "=") == 0 || strcmp(comparison, "<>") == 0)
		append_within(out, subject, comparison[0] == '=', up, next);
	else
		append_side(out, subject, comparison[0] == '<',
					strcmp(comparison, ">=") == 0 || strcmp(comparison, "<") == 0 ? up : next);
}

/*
 * A number that has no literal there.  NaN and infinity are beyond all numbers;
 * others may lie between two, so that all rows are let pass to be checked here.
 */
static void
append_odd_comparison(StringInfo out, const char *subject, const char *comparison, Numeric number)
{
	bool below = numeric_is_inf(number) &&
				 DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(number),
												  DirectFunctionCall1(int4_numeric, Int32GetDatum(0))));

	if (numeric_is_nan(number) || numeric_is_inf(number))
		append_certain(out, subject, strcmp(comparison, "<>") == 0 || comparison[0] == (below ? '>' : '<'));
	else
		append_certain(out, subject, true);
}

/* subject comparison value */
/*
 * Would the text be longer there than a literal may be?  A datum may be compressed or
 * stored elsewhere, and its bytes may be others in UTF-8.
 */
static bool
is_long_text(Datum value)
{
	char *here = TextDatumGetCString(value);

	return strlen(pg_server_to_any(here, strlen(here), PG_UTF8)) > MAX_LITERAL;
}

void
append_comparison(StringInfo out, const char *subject, const char *comparison, const Value *value)
{
	if (value->isnull)
		append_null_comparison(out, subject, comparison);
	else if (value->form >= FORM_DAY)
		append_time_comparison(out, subject, comparison, value);
	else if (value->form == FORM_NUMBER && value->type == NUMERICOID &&
			 !is_sound_number(DatumGetNumeric(value->datum)))
		append_odd_comparison(out, subject, comparison, DatumGetNumeric(value->datum));
	else if (value->form == FORM_TEXT && is_long_text(value->datum))
		append_certain(out, subject, true);
	else
	{
		appendStringInfo(out, "%s %s ", subject, comparison);
		append_value(out, value);
	}
}

/* -- lists -- */

/* What an element of a list comes to */
typedef enum Element
{
	ELEMENT_PLAIN,
	ELEMENT_NONE,  /* no value there equals it */
	ELEMENT_UNSURE /* none that we could send */
} Element;

static Element
element_of(const Value *v)
{
	Numeric number;

	if (v->isnull)
		return ELEMENT_PLAIN;
	if (v->form == FORM_TEXT)
		return is_long_text(v->datum) ? ELEMENT_UNSURE : ELEMENT_PLAIN;
	if (v->form >= FORM_DAY)
		return is_empty(bound_of(v, false), bound_of(v, true)) ? ELEMENT_NONE : ELEMENT_PLAIN;
	if (v->type != NUMERICOID)
		return ELEMENT_PLAIN;
	number = DatumGetNumeric(v->datum);
	if (numeric_is_nan(number) || numeric_is_inf(number))
		return ELEMENT_NONE;
	return is_sound_number(number) ? ELEMENT_PLAIN : ELEMENT_UNSURE;
}

/* subject IN (...), NOT IN (...), in parts that NetSuite takes */
static void
append_in(StringInfo out, const char *subject, bool all, const Value *elements, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (i % MAX_IN == 0)
			appendStringInfo(out, "%s%s%s IN (", i == 0 ? "" : all ? ") AND "
																   : ") OR ",
							 subject, all ? " NOT" : "");
		else
			appendStringInfoChar(out, ',');
		append_value(out, &elements[i]);
	}
	appendStringInfoChar(out, ')');
}

/* subject within one of the days or seconds, or in none */
static void
append_within_any(StringInfo out, const char *subject, bool all, const Value *elements, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoString(out, all ? " AND " : " OR ");
		append_comparison(out, subject, all ? "<>" : "=", &elements[i]);
	}
}

/* subject = ANY (array), or <> ALL (array) */
void
append_list(StringInfo out, const char *subject, bool all, const Value *value)
{
	ArrayType *array;
	Value *elements;
	Datum *values;
	bool *nulls;
	int16 len;
	bool byval;
	char align;
	int n;
	int kept = 0;

	if (value->isnull)
	{
		append_null_comparison(out, subject, all ? "<>" : "=");
		return;
	}
	array = DatumGetArrayTypeP(value->datum);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &len, &byval, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), len, byval, align, &values, &nulls, &n);
	if (n == 0)
	{
		appendStringInfoString(out, all ? "(1 = 1)" : "(1 = 0)");
		return;
	}
	elements = palloc(sizeof(Value) * n);
	for (int i = 0; i < n; i++)
	{
		Value v = {values[i], nulls[i], ARR_ELEMTYPE(array), value->form, value->zone};

		switch (element_of(&v))
		{
			case ELEMENT_PLAIN:
				elements[kept++] = v;
				break;
			case ELEMENT_UNSURE:
				/* checked here again: let all pass; from NOT IN it may be left out */
				if (!all)
				{
					append_certain(out, subject, true);
					return;
				}
				break;
			case ELEMENT_NONE:
				break;
		}
	}
	if (kept == 0)
	{
		append_certain(out, subject, all);
		return;
	}
	appendStringInfoChar(out, '(');
	if (value->form >= FORM_DAY)
		append_within_any(out, subject, all, elements, kept);
	else
		append_in(out, subject, all, elements, kept);
	appendStringInfoChar(out, ')');
}
