/*
 * written_date.c
 *		Dates and times as people and machines write them, each as a template of to_date() and to_timestamp().
 */
#include "postgres.h"

#include "common/written.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')

/* Where the reading is */
typedef struct Cursor
{
	const char *p;
	const char *end;
} Cursor;

static bool
at(const Cursor *c, char what)
{
	return c->p < c->end && *c->p == what;
}

static bool
take(Cursor *c, char what)
{
	if (!at(c, what))
		return false;
	c->p++;
	return true;
}

static bool
take_blanks(Cursor *c)
{
	const char *start = c->p;

	while (c->p < c->end && *c->p == ' ')
		c->p++;
	return c->p > start;
}

/* At most max digits, at least min; how many they were */
static int
take_number(Cursor *c, int min, int max, int *value)
{
	int n = 0;

	*value = 0;
	while (c->p < c->end && n < max && IS_DIGIT(*c->p))
	{
		*value = *value * 10 + *c->p++ - '0';
		n++;
	}
	return n >= min ? n : 0;
}

static bool
take_text(Cursor *c, const char *what)
{
	int n = (int) strlen(what);

	if (c->end - c->p < n || pg_strncasecmp(c->p, what, n) != 0)
		return false;
	c->p += n;
	return true;
}

static int
word_length(const Cursor *c)
{
	const char *p = c->p;

	while (p < c->end && word_byte(p, c->end))
		p++;
	return (int) (p - c->p);
}

/* Years of other calendars, 2567 and the like, are not taken for ours; 9999 is for ever */
static bool
valid_date(int year, int month, int day)
{
	return year >= 1 && (year <= 2200 || year >= 2900) && month >= 1 && month <= 12 && day >= 1 &&
		   day <= day_tab[isleap(year)][month - 1];
}

/* As to_date() takes a year of two digits */
static int
full_year(int year, int digits)
{
	return digits > 2 ? year : year < 70 ? 2000 + year
										 : 1900 + year;
}

static bool
order_fits(const WrittenDate *d, int order)
{
	const int *f = d->fields;
	int year = order == ORDER_YMD ? f[0] : f[2];
	int month = order == ORDER_MDY ? f[0] : f[1];
	int day = order == ORDER_YMD ? f[2] : order == ORDER_DMY ? f[0]
															 : f[1];

	return valid_date(full_year(year, d->year_digits), month, day);
}

/* Keep the orders by which it is a date */
static bool
keep_orders(WrittenDate *d, int orders)
{
	d->orders = 0;
	for (int order = ORDER_YMD; order <= ORDER_MDY; order <<= 1)
	{
		if ((orders & order) && order_fits(d, order))
			d->orders |= order;
	}
	return d->orders != 0;
}

static void
put_sign(WrittenDate *d, char sign)
{
	int n = (int) strlen(d->layout);

	if (n < sizeof(d->layout) - 1 && !(sign == ' ' && n > 0 && d->layout[n - 1] == ' '))
	{
		d->layout[n] = sign;
		d->layout[n + 1] = '\0';
	}
}

/* Behind a date, if nothing or a time follows: the dot of an ordinal number, 3. 1. 2019. or 2019. 1. 3. */
static void
take_dot(Cursor *c, WrittenDate *d)
{
	if (at(c, '.') && (c->p + 1 == c->end || c->p[1] == ' '))
	{
		c->p++;
		put_sign(d, '.');
	}
}

/* 2024-03-05, 05.03.2024, 3/5/24, 20240305 */
static bool
numeric_date(Cursor *c, WrittenDate *d)
{
	int n[3];
	char sep;
	bool blanks;

	n[0] = take_number(c, 1, 4, &d->fields[0]);
	if (n[0] == 0 || n[0] == 3 || c->p == c->end)
		return false;
	sep = *c->p;
	if (n[0] == 4 && IS_DIGIT(sep))
	{
		strcpy(d->layout, "\1\2\3");
		d->year_digits = 4;
		d->iso = true;
		return take_number(c, 2, 2, &d->fields[1]) && take_number(c, 2, 2, &d->fields[2]) &&
			   d->fields[0] >= 1900 && d->fields[0] <= 2100 && keep_orders(d, ORDER_YMD);
	}
	if (sep != '-' && sep != '/' && sep != '.')
		return false;
	c->p++;
	/* 3. 1. 2019 */
	blanks = sep == '.' && take_blanks(c);
	n[1] = take_number(c, 1, 2, &d->fields[1]);
	if (n[1] == 0 || !take(c, sep) || (sep == '.' && take_blanks(c) != blanks))
		return false;
	n[2] = take_number(c, 1, 4, &d->fields[2]);
	if (n[2] == 0 || n[2] == 3)
		return false;
	snprintf(d->layout, sizeof(d->layout), blanks ? "\1%c \2%c \3" : "\1%c\2%c\3", sep, sep);
	if (sep == '.')
		take_dot(c, d);
	d->year_digits = 4;
	d->iso = n[0] == 4 && sep == '-';
	if (n[0] == 4)
		return n[2] <= 2 && keep_orders(d, ORDER_YMD);
	if (n[2] == 4)
		return keep_orders(d, ORDER_DMY | ORDER_MDY);
	d->year_digits = 2;
	return (n[2] == 2 && keep_orders(d, (sep == '.' ? ORDER_DMY : ORDER_DMY | ORDER_MDY) | (n[0] == 2 ? ORDER_YMD : 0))) ||
		   (n[0] == 2 && keep_orders(d, ORDER_YMD));
}

/* 2024年3月5日, 2024년 3월 5일 */
static bool
east_asian_date(Cursor *c, WrittenDate *d)
{
	static const char *const signs[][3] = {{"\345\271\264", "\346\234\210", "\346\227\245"}, {"\353\205\204", "\354\233\224", "\354\235\274"}};
	const Cursor start = *c;

	for (int k = 0; k < lengthof(signs); k++)
	{
		bool fits = true;

		*c = start;
		d->layout[0] = '\0';
		for (int i = 0; i < 3 && fits; i++)
		{
			int n = (int) strlen(d->layout);

			snprintf(d->layout + n, sizeof(d->layout) - n, "%s%c\"%s\"", i > 0 && take_blanks(c) ? " " : "", i + 1, signs[k][i]);
			fits = take_number(c, i == 0 ? 4 : 1, i == 0 ? 4 : 2, &d->fields[i]) && take_text(c, signs[k][i]);
		}
		d->year_digits = 4;
		if (fits)
			return keep_orders(d, ORDER_YMD);
	}
	return false;
}

/* 2024-W10-2, 2024-065 */
static bool
iso_day(Cursor *c, WrittenDate *d)
{
	int year;
	int n;
	int day = 1;

	if (!take_number(c, 4, 4, &year) || !valid_date(year, 1, 1))
		return false;
	d->orders = ORDER_FIXED;
	if (take_text(c, "-W") || take_text(c, "W"))
	{
		bool dash = c->p[-2] == '-';

		strcpy(d->layout, dash ? "IYYY-\"W\"IW-ID" : "IYYY\"W\"IWID");
		return take_number(c, 2, 2, &n) && n >= 1 && n <= 53 && (!dash || take(c, '-')) && take_number(c, 1, 1, &day) && day >= 1 && day <= 7;
	}
	strcpy(d->layout, "YYYY-DDD");
	return take(c, '-') && take_number(c, 3, 3, &n) && n >= 1 && n <= 365 + isleap(year) && !(c->p < c->end && (IS_DIGIT(*c->p) || *c->p == '-'));
}

/* -- with names -- */

/* A word that is a name of months (or of days) in some language */
static bool
take_name(Cursor *c, bool days, const NameSense **senses, int *n)
{
	int len = word_length(c);
	bool found = false;

	*n = 0;
	*senses = len > 1 ? month_name_find(c->p, len, n) : NULL;
	if (*senses == NULL)
		return false;
	for (int i = 0; i < *n; i++)
		found |= ((*senses)[i].month == NO_MONTH) == days;
	if (found)
		c->p += len;
	return found;
}

/* A day of the week, with what follows it; "mar" is one in Spanish, and March */
static bool
take_weekday(Cursor *c, WrittenDate *d)
{
	if (!take_name(c, true, &d->days, &d->ndays))
		return false;
	while (take(c, '.') || take(c, ','))
		;
	d->words = true;
	if (!take_blanks(c))
		return false;
	(void) (take_text(c, "den ") && take_blanks(c));
	return true;
}

/* Behind the year: "year" in Russian, Bulgarian and Ukrainian; a day of the week at the very end */
static void
take_tail(Cursor *c, WrittenDate *d)
{
	static const char *const years[] = {"\320\263.", "\321\200."};
	const Cursor start = *c;
	const NameSense *days;
	int n;

	take_dot(c, d);
	if (c->p == start.p && take_blanks(c))
	{
		for (int i = 0; i < lengthof(years); i++)
		{
			n = (int) strlen(d->layout);
			if (take_text(c, years[i]) && n + 8 < sizeof(d->layout))
			{
				snprintf(d->layout + n, sizeof(d->layout) - n, " \"%s\"", years[i]);
				return;
			}
		}
		if (d->nin > 0 && take_name(c, true, &days, &n) && c->p == c->end)
		{
			d->words = true;
			d->days = days;
			d->ndays = n;
		}
		else
			*c = start;
	}
}

/* Between two fields: blanks, one of the usual signs, "de" and "of" with blanks around */
static void
take_between(Cursor *c, WrittenDate *d, bool behind_name)
{
	static const char *const words[] = {"de ", "del ", "di ", "of ", "d'"};

	/* an abbreviation's dot */
	if (behind_name && take(c, '.'))
		d->words = true;
	if (c->p < c->end && strchr("./-,", *c->p) != NULL)
		put_sign(d, *c->p++);
	if (take_blanks(c))
	{
		put_sign(d, ' ');
		for (int i = 0; i < lengthof(words); i++)
		{
			if (take_text(c, words[i]))
			{
				d->words = true;
				take_blanks(c);
				break;
			}
		}
	}
}

/* 1st, 2nd, 3rd, 4th */
static void
take_ordinal(Cursor *c, WrittenDate *d)
{
	Cursor start = *c;

	if ((take_text(c, "st") || take_text(c, "nd") || take_text(c, "rd") || take_text(c, "th")) && !(c->p < c->end && word_byte(c->p, c->end)))
		d->words = true;
	else
		*c = start;
}

static int
english_month(const WrittenDate *d)
{
	for (int i = 0; i < d->nin; i++)
	{
		if (d->in[i].language == 0 && d->in[i].month != NO_MONTH)
			return d->in[i].month;
	}
	return 0;
}

/* Is it the English name as to_date() knows it? */
static uint8
name_kind(const WrittenDate *d, int len)
{
	static const uint8 lengths[] = {7, 8, 5, 5, 3, 4, 4, 6, 9, 7, 8, 8};
	int month = english_month(d);

	if (month == 0)
		return 0;
	return (len == 3 ? NAME_SHORT : 0) | (len == lengths[month - 1] ? NAME_FULL : 0);
}

/* 5 March 2024, 05-MAR-24, March 5, 2024, 2024-Mar-05, 5. März 2024, 5 de marzo de 2024 */
static bool
named_fields(Cursor *c, WrittenDate *d)
{
	int digits[3] = {0};
	int name = -1;

	d->layout[0] = '\0';
	for (int i = 0; i < 3; i++)
	{
		const char *start = c->p;

		put_sign(d, (char) (i + 1));
		digits[i] = take_number(c, 1, 4, &d->fields[i]);
		if (digits[i] == 0)
		{
			if (name >= 0 || i == 2 || !take_name(c, false, &d->in, &d->nin))
				return false;
			name = i;
			d->names = name_kind(d, (int) (c->p - start));
			/* whichever language it is in, there must be one in which all is a date: its day is looked at below */
			d->fields[i] = 0;
		}
		else if (digits[i] <= 2)
			take_ordinal(c, d);
		if (i < 2)
			take_between(c, d, name == i);
	}
	if (name < 0)
		return false;
	d->year_digits = 4;
	d->orders = name == 0 ? ORDER_MDY : digits[0] == 4 ? ORDER_YMD
													   : ORDER_DMY;
	if (d->orders == ORDER_YMD ? digits[2] > 2 : digits[name == 0 ? 1 : 0] > 2)
		return false;
	if (d->orders != ORDER_YMD && digits[2] != 4)
	{
		/* of two digits only in 05-MAR-24 and the like */
		if (digits[2] != 2 || name == 0)
			return false;
		d->year_digits = 2;
	}
	for (int i = 0; i < d->nin; i++)
	{
		d->fields[name] = d->in[i].month;
		if (d->in[i].month != NO_MONTH && order_fits(d, d->orders))
			return true;
	}
	return false;
}

static bool
named_date(Cursor *c, WrittenDate *d)
{
	Cursor start = *c;

	if (take_weekday(c, d) && named_fields(c, d))
		return true;
	*c = start;
	*d = (WrittenDate){.between = "", .time = "", .zone = ""};
	return named_fields(c, d);
}

static bool
take_date(Cursor *c, WrittenDate *d)
{
	static bool (*const kinds[])(Cursor *, WrittenDate *) = {numeric_date, iso_day, named_date, east_asian_date};
	Cursor start = *c;

	for (int i = 0; i < lengthof(kinds); i++)
	{
		*c = start;
		*d = (WrittenDate){.between = "", .time = "", .zone = ""};
		if (kinds[i](c, d))
		{
			if (strchr(d->layout, '\3') != NULL)
				take_tail(c, d);
			return true;
		}
	}
	return false;
}

/* -- times -- */

/* Behind a time: Z, UTC, +01, +0130, +01:30, or nothing */
static bool
take_zone(Cursor *c, WrittenDate *d)
{
	static const struct
	{
		const char *word;
		const char *zone[2];
	} words[] = {{"Z", {"\"Z\"", " \"Z\""}}, {"UTC", {"\"UTC\"", " \"UTC\""}}, {"GMT", {"\"GMT\"", " \"GMT\""}}};
	static const char *const numbers[][2] = {{"TZH", " TZH"}, {"TZHTZM", " TZHTZM"}, {"TZH:TZM", " TZH:TZM"}};
	Cursor start = *c;
	bool blank = take_blanks(c);
	int value;
	int form = 0;

	for (int i = 0; i < lengthof(words); i++)
	{
		if (take_text(c, words[i].word))
		{
			d->zone = words[i].zone[blank];
			d->zone_word = true;
			return true;
		}
	}
	if (!at(c, '+') && !at(c, '-'))
	{
		*c = start;
		return true;
	}
	c->p++;
	if (!take_number(c, 2, 2, &value) || value > 15)
		return false;
	if (c->p < c->end && (*c->p == ':' || IS_DIGIT(*c->p)))
	{
		form = take(c, ':') ? 2 : 1;
		if (!take_number(c, 2, 2, &value) || value > 59)
			return false;
	}
	d->zone = numbers[form][blank];
	return true;
}

/* HH:MI, perhaps seconds, a fraction, a half of the day, a zone; points instead of colons where the date was a machine's */
static bool
take_time(Cursor *c, WrittenDate *d, char sign)
{
	static const char *const forms[2][2][3] = {
		{{"HH24:MI", "HH24:MI:SS", "HH24:MI:SS.US"}, {"HH12:MI AM", "HH12:MI:SS AM", "HH12:MI:SS.US AM"}},
		{{"HH24.MI", "HH24.MI.SS", "HH24.MI.SS.US"}, {"HH12.MI AM", "HH12.MI.SS AM", "HH12.MI.SS.US AM"}}};
	int hour;
	int minute;
	int second = 0;
	int value;
	int decimals = 0;
	int parts = 0;
	bool half;
	Cursor start;

	if (!take_number(c, 1, 2, &hour) || !take(c, sign) || !take_number(c, 2, 2, &minute))
		return false;
	if (take(c, sign))
	{
		parts = 1;
		if (!take_number(c, 2, 2, &second))
			return false;
		if (at(c, '.') || at(c, ','))
		{
			parts = 2;
			d->comma = *c->p++ == ',';
			decimals = take_number(c, 1, 9, &value);
			if (decimals == 0)
				return false;
		}
	}
	if (minute > 59 || second > 60 || hour > 24 || (hour == 24 && (minute > 0 || second > 0)))
		return false;
	d->beyond |= hour == 24 || second == 60 || decimals > 6;
	start = *c;
	(void) take_blanks(c);
	half = hour >= 1 && hour <= 12 && (take_text(c, "am") || take_text(c, "pm") || take_text(c, "a.m.") || take_text(c, "p.m."));
	if (half && c->p[-1] == '.')
		return false;
	if (!half)
		*c = start;
	d->time = forms[sign == '.'][half][parts];
	d->iso = d->iso && sign == ':' && !d->comma;
	return half ? c->p == c->end : take_zone(c, d);
}

/* 20240305T101500Z: a cast reads it, no template does */
static bool
take_compact_time(Cursor *c, WrittenDate *d)
{
	int hour;
	int minute;
	int second;

	if (!take_number(c, 2, 2, &hour) || !take_number(c, 2, 2, &minute) || !take_number(c, 2, 2, &second) ||
		hour > 23 || minute > 59 || second > 59)
		return false;
	d->time = "HH24MISS";
	return d->iso && take_zone(c, d);
}

/* Tue Mar  5 10:15:00 2024, and with UTC before the year */
static bool
unix_stamp(Cursor *c, WrittenDate *d)
{
	int day;
	int year;

	*d = (WrittenDate){.between = " ", .zone = "", .orders = ORDER_FIXED, .year_digits = 4};
	if (!take_weekday(c, d) || !take_name(c, false, &d->in, &d->nin) || !take_blanks(c) || !take_number(c, 1, 2, &day) ||
		!take_blanks(c) || !take_time(c, d, ':') || strcmp(d->time, "HH24:MI:SS") != 0 || !take_blanks(c) || !take_number(c, 4, 4, &year) ||
		english_month(d) == 0 || !valid_date(year, english_month(d), day) || (d->zone[0] != '\0' && !d->zone_word))
		return false;
	d->words = true;
	strcpy(d->layout, "MM DD");
	d->time = d->zone[0] == '\0' ? "HH24:MI:SS YYYY" : strstr(d->zone, "UTC") ? "HH24:MI:SS \"UTC\" YYYY"
												   : strstr(d->zone, "GMT")   ? "HH24:MI:SS \"GMT\" YYYY"
																			  : "HH24:MI:SS \"Z\" YYYY";
	return true;
}

/* A word before the time: at, um, om, à, às, kl., a las, alle, u, v */
static bool
take_at(Cursor *c, WrittenDate *d)
{
	static const char *const words[][2] = {{"at ", " \"at\" "}, {"um ", " \"um\" "}, {"om ", " \"om\" "}, {"\303\240 ", " \"\303\240\" "}, {"\303\240s ", " \"\303\240s\" "}, {"kl. ", " \"kl.\" "}, {"a las ", " \"a las\" "}, {"alle ", " \"alle\" "}, {"u ", " \"u\" "}, {"v ", " \"v\" "}};

	for (int i = 0; i < lengthof(words); i++)
	{
		if (take_text(c, words[i][0]))
		{
			d->between = words[i][1];
			d->iso = false;
			return true;
		}
	}
	return false;
}

/* What is between date and time, and the sign within the time */
static bool
take_to_time(Cursor *c, WrittenDate *d, char *sign)
{
	*sign = ':';
	if (take(c, 'T'))
		d->between = "\"T\"";
	else if (take(c, ':'))
		d->between = ":";
	else if (take(c, '-'))
	{
		d->between = "-";
		*sign = '.';
	}
	else
	{
		bool comma = take(c, ',');

		d->between = comma ? ", " : " ";
		d->iso = d->iso && !comma;
		if (!take_blanks(c))
			return false;
		if (!comma && take_at(c, d))
			return true;
		/* Oracle's: 05-MAR-24 10.15.00 AM */
		for (const char *p = c->p; p < c->end && (IS_DIGIT(*p) || *p == '.'); p++)
		{
			if (*p == '.' && p - c->p <= 2)
				*sign = '.';
		}
	}
	return true;
}

static Cursor
cursor_of(const char *text, int len)
{
	Cursor c = {text, text + len};

	(void) take_blanks(&c);
	while (c.end > c.p && c.end[-1] == ' ')
		c.end--;
	return c;
}

bool
written_date(const char *text, int len, WrittenDate *d)
{
	Cursor c = cursor_of(text, len);

	return len <= WRITTEN_BYTES && c.end - c.p >= 6 && take_date(&c, d) && c.p == c.end;
}

bool
written_timestamp(const char *text, int len, WrittenDate *d)
{
	Cursor c = cursor_of(text, len);
	Cursor start = c;
	Cursor time;
	char sign;

	if (len > WRITTEN_BYTES || c.end - c.p < 11)
		return false;
	if (take_date(&c, d) && take_to_time(&c, d, &sign))
	{
		time = c;
		if (take_time(&c, d, sign) && c.p == c.end)
			return true;
		c = time;
		if (strcmp(d->layout, "\1\2\3") == 0 && strcmp(d->between, "\"T\"") == 0 && take_compact_time(&c, d) && c.p == c.end)
			return true;
	}
	return unix_stamp(&start, d) && start.p == start.end;
}

/* A clock's time without a zone */
bool
written_time(const char *text, int len, bool *two_digits)
{
	Cursor c = cursor_of(text, len);
	WrittenDate d = {.zone = ""};

	*two_digits = c.end - c.p >= 2 && IS_DIGIT(c.p[1]);
	if (len > WRITTEN_BYTES || !take_time(&c, &d, ':') || c.p != c.end || d.zone[0] != '\0' || d.comma)
		return false;
	*two_digits = *two_digits || strstr(d.time, "SS") || strstr(d.time, "AM");
	return true;
}
