/*
 * cron.c
 *		When a schedule is due.
 *
 * Five fields, each *, a number, a name, a range or a list, with a step: as cron reads
 * them.  If both day and weekday are given, either will do.
 *
 * Wall clocks jump.  As with cron, what has its hour and minute named is done once on
 * such a day: in an hour that comes twice in its first pass, and if its time is left
 * out, at once behind the gap.  What has a star there is done by the clock as it goes.
 */
#include "postgres.h"

#include <ctype.h>

#include "ingest/job/cron.h"
#include "pgtime.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
										  "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const char *const words[][2] = {
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"},
};

typedef struct Field
{
	bool on[60];
	bool any; /* it was a star */
} Field;

/* A number of up to four digits, which is too large for any field already */
static bool
read_number(const char **p, int *value)
{
	if (!isdigit((unsigned char) **p))
		return false;
	*value = 0;
	while (isdigit((unsigned char) **p) && *value < 1000)
		*value = *value * 10 + (*(*p)++ - '0');
	return true;
}

/* A number, or one of the names, of which the first has the number low */
static bool
read_value(const char **p, const char *const *names, int low, int *value)
{
	for (int i = 0; names && names[i]; i++)
	{
		if (pg_strncasecmp(*p, names[i], 3) != 0)
			continue;
		*p += 3;
		*value = low + i;
		return true;
	}
	return read_number(p, value);
}

/* One field: a list of ranges with steps */
static bool
read_field(const char **p, int low, int high, const char *const *names, Field *field)
{
	memset(field, 0, sizeof(Field));
	field->any = **p == '*';
	for (;;)
	{
		int from = low,
			to = high,
			step = 1;

		if (**p == '*')
			(*p)++;
		else
		{
			if (!read_value(p, names, low, &from))
				return false;
			to = from;
			if (**p == '-')
			{
				(*p)++;
				if (!read_value(p, names, low, &to))
					return false;
			}
			else if (**p == '/')
				to = high;
		}
		if (**p == '/')
		{
			(*p)++;
			if (!read_number(p, &step) || step < 1)
				return false;
		}
		if (from < low || to > high || from > to)
			return false;
		for (int i = from; i <= to; i += step)
			field->on[i] = true;
		if (**p != ',')
			break;
		(*p)++;
	}
	if (**p != '\0' && !isspace((unsigned char) **p))
		return false;
	while (isspace((unsigned char) **p))
		(*p)++;
	return true;
}

typedef struct Cron
{
	Field minute, hour, day, month, weekday;
	pg_tz *zone;
} Cron;

/* Five fields, or a word that stands for them; false: it is not a schedule of cron's */
static bool
parse(const char *schedule, Cron *cron)
{
	const char *p = schedule;

	while (isspace((unsigned char) *p))
		p++;
	for (int i = 0; i < lengthof(words); i++)
	{
		if (pg_strcasecmp(p, words[i][0]) == 0)
			p = words[i][1];
	}
	if (!read_field(&p, 0, 59, NULL, &cron->minute) || !read_field(&p, 0, 23, NULL, &cron->hour) ||
		!read_field(&p, 1, 31, NULL, &cron->day) || !read_field(&p, 1, 12, month_names, &cron->month) ||
		!read_field(&p, 0, 7, weekday_names, &cron->weekday) || *p != '\0')
		return false;
	/* Sunday is 0 and 7 */
	cron->weekday.on[0] = cron->weekday.on[0] || cron->weekday.on[7];
	return true;
}

const char *
cron_zone(const char *schedule, pg_tz **zone)
{
	static const char mark[] = "CRON_TZ=";
	const char *p = schedule;
	char name[TZ_STRLEN_MAX + 1];
	size_t n;

	while (isspace((unsigned char) *p))
		p++;
	if (strncmp(p, mark, strlen(mark)) != 0)
		return schedule;
	p += strlen(mark);
	n = strcspn(p, " \t");
	strlcpy(name, p, Min(n + 1, sizeof(name)));
	*zone = n <= TZ_STRLEN_MAX ? pg_tzset(name) : NULL;
	if (*zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no time zone \"%s\"", name),
				 errhint("SELECT name FROM pg_timezone_names lists them.")));
	p += n;
	return p + strspn(p, " \t");
}

/* -- wall clocks -- */

/* What a wall clock of that zone shows; false: beyond the calendar */
static bool
wall_clock(const Cron *cron, TimestampTz t, struct pg_tm *tm)
{
	fsec_t fsec;
	int tz;

	return timestamp2tm(t, &tz, tm, &fsec, NULL, cron->zone) == 0;
}

/* The minutes that a wall clock shows, without its zone */
static int64
wall_minutes(const struct pg_tm *tm)
{
	return (date2j(tm->tm_year, tm->tm_mon, tm->tm_mday) * INT64CONST(24) + tm->tm_hour) * 60 + tm->tm_min;
}

/* How long before this minute its wall clock showed the same; 0: never */
static TimestampTz
shown_before(const Cron *cron, TimestampTz t, const struct pg_tm *tm)
{
	for (int minutes = 30; minutes <= 120; minutes += 30)
	{
		struct pg_tm before;

		if (wall_clock(cron, t - minutes * USECS_PER_MINUTE, &before) && wall_minutes(&before) == wall_minutes(tm))
			return minutes * USECS_PER_MINUTE;
	}
	return 0;
}

/* The first moment of the next day there */
static TimestampTz
next_midnight(const Cron *cron, const struct pg_tm *tm)
{
	struct pg_tm midnight = {0};
	struct pg_tm shown;
	Timestamp wall;
	int tz;
	TimestampTz t;

	j2date(date2j(tm->tm_year, tm->tm_mon, tm->tm_mday) + 1, &midnight.tm_year, &midnight.tm_mon, &midnight.tm_mday);
	tz = DetermineTimeZoneOffset(&midnight, cron->zone);
	if (tm2timestamp(&midnight, 0, NULL, &wall) != 0)
		return DT_NOEND;
	t = wall + tz * USECS_PER_SEC;
	return wall_clock(cron, t, &shown) ? t - shown_before(cron, t, &shown) : t;
}

/* By cron's rule: day of the month or of the week, if both are named */
static bool
day_fits(const Cron *cron, const struct pg_tm *tm)
{
	int weekday = (date2j(tm->tm_year, tm->tm_mon, tm->tm_mday) + 1) % 7;
	bool day = cron->day.on[tm->tm_mday],
		 week = cron->weekday.on[weekday];

	if (!cron->month.on[tm->tm_mon])
		return false;
	if (cron->day.any || cron->weekday.any)
		return day && week;
	return day || week;
}

/* Whether a minute is one that the fields name */
static bool
minute_fits(const Cron *cron, const struct pg_tm *tm)
{
	return cron->hour.on[tm->tm_hour] && cron->minute.on[tm->tm_min] && day_fits(cron, tm);
}

/* Does a minute fit that the wall clock left out just before this one? */
static bool
left_out_fits(const Cron *cron, TimestampTz t, const struct pg_tm *tm)
{
	struct pg_tm before;

	if (!wall_clock(cron, t - USECS_PER_MINUTE, &before))
		return false;
	for (int64 m = wall_minutes(&before) + 1; m < wall_minutes(tm); m++)
	{
		struct pg_tm skipped = {0};

		j2date((int) (m / (24 * 60)), &skipped.tm_year, &skipped.tm_mon, &skipped.tm_mday);
		skipped.tm_hour = (int) (m / 60 % 24);
		skipped.tm_min = (int) (m % 60);
		if (minute_fits(cron, &skipped))
			return true;
	}
	return false;
}

/* Whether it is to be done in this minute: once, if its time is named, however often clocks show it */
static bool
is_due(const Cron *cron, TimestampTz t, const struct pg_tm *tm)
{
	if (cron->minute.any || cron->hour.any)
		return minute_fits(cron, tm);
	return (minute_fits(cron, tm) && shown_before(cron, t, tm) == 0) || left_out_fits(cron, t, tm);
}

CronAnswer
cron_next(const char *schedule, pg_tz *zone, TimestampTz after, TimestampTz *next)
{
	Cron cron = {.zone = zone};
	TimestampTz t;
	int days = 0;

	if (!parse(cron_zone(schedule, &cron.zone), &cron))
		return CRON_NO_SCHEDULE;
	/* minute by minute, but over days and hours that do not fit at once; eight years hold every date that exists */
	t = after - after % USECS_PER_MINUTE + USECS_PER_MINUTE;
	while (days < 8 * 366)
	{
		struct pg_tm tm;

		if (!wall_clock(&cron, t, &tm))
			return CRON_NEVER;
		if (is_due(&cron, t, &tm))
		{
			*next = t;
			return CRON_DUE;
		}
		if (!day_fits(&cron, &tm))
		{
			t = next_midnight(&cron, &tm);
			days++;
		}
		else
			t += cron.hour.on[tm.tm_hour] ? USECS_PER_MINUTE : (60 - tm.tm_min) * USECS_PER_MINUTE;
	}
	return CRON_NEVER;
}
