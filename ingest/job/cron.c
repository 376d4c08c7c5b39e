/*
 * cron.c
 *		When a schedule is due.
 *
 * Five fields, each *, a number, a range or a list, with a step: as cron reads them,
 * in the time zone of the session.  If both day and weekday are given, either will do.
 */
#include "postgres.h"

#include <ctype.h>

#include "ingest/job/cron.h"
#include "pgtime.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

typedef struct Field
{
	bool on[60];
	bool any; /* it was a star */
} Field;

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

/* One field: a list of ranges with steps */
static bool
read_field(const char **p, int low, int high, Field *field)
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
			if (!read_number(p, &from))
				return false;
			to = from;
			if (**p == '-')
			{
				(*p)++;
				if (!read_number(p, &to))
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
	while (isspace((unsigned char) **p))
		(*p)++;
	return true;
}

typedef struct Cron
{
	Field minute, hour, day, month, weekday;
} Cron;

static bool
parse(const char *schedule, Cron *cron)
{
	const char *p = schedule;

	while (isspace((unsigned char) *p))
		p++;
	if (!read_field(&p, 0, 59, &cron->minute) || !read_field(&p, 0, 23, &cron->hour) || !read_field(&p, 1, 31, &cron->day) ||
		!read_field(&p, 1, 12, &cron->month) || !read_field(&p, 0, 7, &cron->weekday) || *p != '\0')
		return false;
	/* Sunday is 0 and 7 */
	cron->weekday.on[0] = cron->weekday.on[0] || cron->weekday.on[7];
	return true;
}

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

bool
cron_next(const char *schedule, TimestampTz after, TimestampTz *next)
{
	Cron cron;
	TimestampTz t;
	int days = 0;

	if (!parse(schedule, &cron))
		return false;
	/* minute by minute, but over days that do not fit at once; four years hold every date that exists */
	t = after - after % USECS_PER_MINUTE + USECS_PER_MINUTE;
	while (days < 4 * 366)
	{
		struct pg_tm tm;
		fsec_t fsec;
		int tz;

		if (timestamp2tm(t, &tz, &tm, &fsec, NULL, NULL) != 0)
			return false;
		if (!day_fits(&cron, &tm))
		{
			t += (INT64CONST(24) * 60 - tm.tm_hour * 60 - tm.tm_min) * USECS_PER_MINUTE;
			/* a day of 25 hours */
			if (timestamp2tm(t, &tz, &tm, &fsec, NULL, NULL) == 0 && tm.tm_hour == 23)
				t += USECS_PER_HOUR;
			days++;
			continue;
		}
		if (cron.hour.on[tm.tm_hour] && cron.minute.on[tm.tm_min])
		{
			*next = t;
			return true;
		}
		t += cron.hour.on[tm.tm_hour] ? USECS_PER_MINUTE : (60 - tm.tm_min) * USECS_PER_MINUTE;
	}
	return false;
}
