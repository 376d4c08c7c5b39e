/*
 * moment.c
 *		Dates and times as files have them, whatever the session's DateStyle.
 *
 * Years have four digits or more, or two where the day or the month comes first; then 70 to 99 are of the last
 * century, as to_date() has it.
 */
#include "postgres.h"

#include "files_fdw/moment.h"
#include "utils/datetime.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')

static inline int
two(const char *p)
{
	unsigned a = (unsigned char) p[0] - '0';
	unsigned b = (unsigned char) p[1] - '0';

	return a > 9 || b > 9 ? -1 : (int) (a * 10 + b);
}

/* At least min digits and at most max; false otherwise */
static bool
take_number(const char **p, const char *end, int min, int max, int *value, int *digits)
{
	const char *start = *p;
	int n = 0;

	while (*p < end && IS_DIGIT(**p) && *p - start < max)
		n = n * 10 + *(*p)++ - '0';
	*value = n;
	*digits = (int) (*p - start);
	return *digits >= min && !(*p < end && IS_DIGIT(**p));
}

static bool
is_day(int year, int month, int day)
{
	return month >= 1 && month <= 12 && day >= 1 && year != 0 && day <= day_tab[isleap(year)][month - 1];
}

/* The fields of a date; *p goes behind them */
static MomentFault
take_date(const char **p, const char *end, DateFields order, int *julian)
{
	int fields[3];
	int digits[3];
	int year;
	int month;
	int day;

	/* the usual case: YYYY-MM-DD */
	if (order == DATE_YMD && end - *p >= 10 && (*p)[4] == '-' && (*p)[7] == '-' && two(*p) >= 0 && two(*p + 2) >= 0 &&
		two(*p + 5) >= 0 && two(*p + 8) >= 0 && !(end - *p > 10 && IS_DIGIT((*p)[10])))
	{
		year = two(*p) * 100 + two(*p + 2);
		month = two(*p + 5);
		day = two(*p + 8);
		*p += 10;
	}
	else
	{
		char sign = 0;
		int year_at = order == DATE_YMD ? 0 : 2;

		/* 20240305 */
		if (order == DATE_YMD && end - *p >= 8 && two(*p) >= 0 && two(*p + 2) >= 0 && two(*p + 4) >= 0 &&
			two(*p + 6) >= 0 && !(end - *p > 8 && (IS_DIGIT((*p)[8]) || (*p)[8] == '-')))
		{
			year = two(*p) * 100 + two(*p + 2);
			month = two(*p + 4);
			day = two(*p + 6);
			*p += 8;
		}
		else
		{
			for (int i = 0; i < 3; i++)
			{
				if (!take_number(p, end, 1, i == year_at ? 7 : 2, &fields[i], &digits[i]))
					return MOMENT_SYNTAX;
				if (i == 2)
					break;
				if (*p == end || (**p != '-' && **p != '/' && **p != '.' && **p != ' ') || (sign != 0 && sign != **p))
					return MOMENT_SYNTAX;
				sign = *(*p)++;
			}
			year = fields[year_at];
			month = fields[order == DATE_MDY ? 0 : 1];
			day = fields[order == DATE_YMD ? 2 : order == DATE_DMY ? 0
																   : 1];
			if (digits[year_at] == 2 && order != DATE_YMD)
				year += year < 70 ? 2000 : 1900;
			else if (digits[year_at] < 4)
				return MOMENT_SYNTAX;
		}
	}
	if (!is_day(year, month, day))
		return MOMENT_RANGE;
	if (end - *p >= 3 && memcmp(end - 3, " BC", 3) == 0)
		year = 1 - year;
	/* leap years before Christ are other ones */
	if (year <= 0 && day > day_tab[isleap(year)][month - 1])
		return MOMENT_RANGE;
	if (!IS_VALID_JULIAN(year, month, day))
		return MOMENT_RANGE;
	*julian = date2j(year, month, day);
	return MOMENT_FINE;
}

static bool
is_infinity(const char *p, int len, bool *negative)
{
	*negative = len > 0 && *p == '-';
	p += *negative;
	len -= *negative;
	return len == 8 && pg_strncasecmp(p, "infinity", 8) == 0;
}

MomentFault
read_date(const char *p, int len, DateFields order, DateADT *result)
{
	const char *end = p + len;
	int julian;
	bool negative;
	MomentFault fault;

	if (is_infinity(p, len, &negative))
	{
		if (negative)
			DATE_NOBEGIN(*result);
		else
			DATE_NOEND(*result);
		return MOMENT_FINE;
	}
	fault = take_date(&p, end, order, &julian);
	if (fault != MOMENT_FINE)
		return fault;
	if (end - p == 3 && memcmp(p, " BC", 3) == 0)
		p = end;
	if (p < end)
		return MOMENT_SYNTAX;
	*result = julian - POSTGRES_EPOCH_JDATE;
	return IS_VALID_DATE(*result) ? MOMENT_FINE : MOMENT_RANGE;
}

/* HH:MI, HH:MI:SS, a fraction of at most six digits that are not zero, AM or PM; microseconds of the day */
static MomentFault
take_time(const char **p, const char *end, int64 *micros)
{
	int hour;
	int minute;
	int second = 0;
	int digits;
	int64 fraction = 0;

	if (!take_number(p, end, 1, 2, &hour, &digits) || *p == end || **p != ':')
		return MOMENT_SYNTAX;
	(*p)++;
	if (!take_number(p, end, 2, 2, &minute, &digits))
		return MOMENT_SYNTAX;
	if (*p < end && **p == ':')
	{
		(*p)++;
		if (!take_number(p, end, 2, 2, &second, &digits))
			return MOMENT_SYNTAX;
		if (*p < end && (**p == '.' || **p == ','))
		{
			int64 unit = 100000;

			(*p)++;
			if (*p == end || !IS_DIGIT(**p))
				return MOMENT_SYNTAX;
			for (; *p < end && IS_DIGIT(**p); (*p)++, unit /= 10)
			{
				/* a nanosecond would be lost */
				if (unit == 0 && **p != '0')
					return MOMENT_RANGE;
				fraction += unit * (**p - '0');
			}
		}
	}
	if (end - *p >= 2 && ((*p)[0] == ' ' || (*p)[0] == 'A' || (*p)[0] == 'P' || (*p)[0] == 'a' || (*p)[0] == 'p'))
	{
		const char *half = *p + ((*p)[0] == ' ');

		if (end - half >= 2 && (half[1] == 'M' || half[1] == 'm') && strchr("AaPp", half[0]) != NULL && half[0] != '\0')
		{
			if (hour < 1 || hour > 12)
				return MOMENT_RANGE;
			hour = hour % 12 + (half[0] == 'P' || half[0] == 'p' ? 12 : 0);
			*p = half + 2;
		}
	}
	if (minute > 59 || second > 59 || hour > 24 || (hour == 24 && (minute > 0 || second > 0 || fraction > 0)))
		return MOMENT_RANGE;
	*micros = ((int64) (hour * 60 + minute) * 60 + second) * USECS_PER_SEC + fraction;
	return MOMENT_FINE;
}

/* Z, UTC, GMT, +01, +0130, +01:30; seconds east of Greenwich.  *any: there is one. */
static MomentFault
take_zone(const char **p, const char *end, bool *any, int *east)
{
	const char *start = *p;
	int n = (int) (end - *p);
	bool west;
	int hours;
	int minutes = 0;

	*any = false;
	*east = 0;
	if (n > 0 && **p == ' ')
	{
		(*p)++;
		n--;
	}
	if (n >= 1 && (**p == 'Z' || **p == 'z'))
	{
		*any = true;
		(*p)++;
		return MOMENT_FINE;
	}
	if (n >= 3 && (pg_strncasecmp(*p, "UTC", 3) == 0 || pg_strncasecmp(*p, "GMT", 3) == 0))
	{
		*any = true;
		*p += 3;
		return MOMENT_FINE;
	}
	if (n < 3 || (**p != '+' && **p != '-'))
	{
		*p = start;
		return MOMENT_FINE;
	}
	west = *(*p)++ == '-';
	hours = two(*p);
	if (hours < 0)
		return MOMENT_SYNTAX;
	*p += 2;
	if (*p < end && (**p == ':' || IS_DIGIT(**p)))
	{
		*p += **p == ':';
		minutes = end - *p >= 2 ? two(*p) : -1;
		if (minutes < 0)
			return MOMENT_SYNTAX;
		*p += 2;
	}
	if (hours > 15 || minutes > 59)
		return MOMENT_RANGE;
	*any = true;
	*east = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
	return MOMENT_FINE;
}

/* A wall clock's time in a zone; times that it does not show are read as PostgreSQL reads them */
static bool
in_zone(Timestamp wall, pg_tz *zone, Timestamp *result)
{
	struct pg_tm tm;
	fsec_t fsec;
	int tz;

	if (timestamp2tm(wall, NULL, &tm, &fsec, NULL, NULL) != 0)
		return false;
	tz = DetermineTimeZoneOffset(&tm, zone);
	return tm2timestamp(&tm, fsec, &tz, result) == 0;
}

MomentFault
read_timestamp(const char *p, int len, DateFields order, bool with_zone, pg_tz *zone, Timestamp *result)
{
	const char *end = p + len;
	int julian;
	int64 micros = 0;
	bool negative;
	bool any = false;
	int east = 0;
	MomentFault fault;

	if (is_infinity(p, len, &negative))
	{
		if (negative)
			TIMESTAMP_NOBEGIN(*result);
		else
			TIMESTAMP_NOEND(*result);
		return MOMENT_FINE;
	}
	fault = take_date(&p, end, order, &julian);
	if (fault != MOMENT_FINE)
		return fault;
	if (end - p >= 5 && (*p == ' ' || *p == 'T' || *p == 't') && IS_DIGIT(p[1]))
	{
		p++;
		fault = take_time(&p, end, &micros);
		if (fault == MOMENT_FINE)
			fault = take_zone(&p, end, &any, &east);
		if (fault != MOMENT_FINE)
			return fault;
	}
	if (end - p == 3 && memcmp(p, " BC", 3) == 0)
		p = end;
	if (p < end)
		return MOMENT_SYNTAX;
	/* far enough from what an int64 of microseconds holds */
	if (julian - POSTGRES_EPOCH_JDATE < -2451546 || julian - POSTGRES_EPOCH_JDATE > 106700000)
		return MOMENT_RANGE;
	*result = (int64) (julian - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY + micros;
	if (any && !with_zone)
		return MOMENT_ZONE;
	if (with_zone && any)
		*result -= (int64) east * USECS_PER_SEC;
	else if (with_zone && zone == NULL)
		return MOMENT_NO_ZONE;
	else if (with_zone && !in_zone(*result, zone, result))
		return MOMENT_RANGE;
	return IS_VALID_TIMESTAMP(*result) ? MOMENT_FINE : MOMENT_RANGE;
}

MomentFault
read_time(const char *p, int len, TimeADT *result)
{
	const char *end = p + len;
	MomentFault fault = take_time(&p, end, result);

	return fault != MOMENT_FINE ? fault : p < end ? MOMENT_SYNTAX
												  : MOMENT_FINE;
}
