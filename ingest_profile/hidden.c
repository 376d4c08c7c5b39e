/*
 * hidden.c
 *		Numbers, dates and the like in columns of text.
 *
 * Judged by shape: of each shape the share of its sampled values that fit,
 * weighed by the rows of that shape.  So a rare stranger ("N/A" among numbers)
 * is counted by its rows, though it need not be in the sample.
 */
#include "postgres.h"

#include <ctype.h>

#include "ingest_profile/compat.h"
#include "ingest_profile/hidden.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* A date's or timestamp's format as to_date() and to_timestamp() take it, in pieces */
typedef struct HiddenFormat
{
	const char *date;    /* YYYY-MM-DD ... */
	const char *swapped; /* the other reading where day and month both may come first, or NULL */
	const char *between; /* date and time: a blank or "T" */
	const char *time;    /* behind it, or "" */
	const char *zone;    /* behind that, or "" */
	bool beyond;         /* no format of to_timestamp() reads it: Z, 24:00, a seventh decimal of a second */
	bool comma;          /* before the fraction of a second */
} HiddenFormat;

#define ISO_FORMAT "ISO 8601"
#define SEVERAL_FORMATS "several formats"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define HIDDEN_SHARE 0.9 /* of the texts that must fit */

/* -- one value -- */

static bool
is_integer(const char *text, int len)
{
	int i = len > 1 && (text[0] == '-' || text[0] == '+') ? 1 : 0;

	/* a leading zero is part of a code, not of a number */
	if (len - i > 18 || len == i || (text[i] == '0' && len - i > 1))
		return false;
	for (; i < len; i++)
	{
		if (!IS_DIGIT(text[i]))
			return false;
	}
	return true;
}

static bool
is_decimal(const char *text, int len)
{
	int digits = 0;
	int points = 0;
	int i = len > 1 && (text[0] == '-' || text[0] == '+') ? 1 : 0;

	if (len - i > 1 && text[i] == '0' && IS_DIGIT(text[i + 1]))
		return false;
	for (; i < len && (IS_DIGIT(text[i]) || text[i] == '.'); i++)
	{
		digits += IS_DIGIT(text[i]);
		points += text[i] == '.';
	}
	if (digits == 0 || points > 1)
		return false;
	if (i < len && (text[i] == 'e' || text[i] == 'E'))
	{
		i++;
		if (i < len && (text[i] == '-' || text[i] == '+'))
			i++;
		return i < len && len - i <= 4 && strspn(text + i, "0123456789") >= len - i;
	}
	return i == len;
}

bool
is_boolean_text(const char *text, int len)
{
	static const char *const words[] = {"t", "f", "y", "n", "true", "false", "yes", "no", "on", "off", "ja", "nein", "oui", "non", "si", "x"};

	for (int i = 0; i < lengthof(words); i++)
	{
		if (strlen(words[i]) == len && pg_strncasecmp(text, words[i], len) == 0)
			return true;
	}
	return false;
}

bool
is_uuid_text(const char *text, int len)
{
	if (len != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : !isxdigit((unsigned char) text[i]))
			return false;
	}
	return true;
}

/* Balanced brackets and quotes; of a document that was cut, only its beginning */
bool
is_json_document(const char *text, int len)
{
	int depth = 0;
	bool quoted = false;
	int end = len;

	while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\n'))
		end--;
	if (end < 2 || (text[0] != '{' && text[0] != '['))
		return false;
	if (text[0] == '{' && text[1] != '"' && text[1] != '}' && text[1] != ' ' && text[1] != '\n')
		return false;
	for (int i = 0; i < end; i++)
	{
		if (quoted)
		{
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = false;
		}
		else if (text[i] == '"')
			quoted = true;
		else if (text[i] == '{' || text[i] == '[')
			depth++;
		else if (text[i] == '}' || text[i] == ']')
		{
			if (--depth == 0)
				return i == end - 1;
		}
	}
	return len >= SAMPLE_BYTES - 3;
}

bool
is_month_name(const char *text, int len)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int i = 0; len == 3 && i < 36; i += 3)
	{
		if (pg_strncasecmp(text, names + i, 3) == 0)
			return true;
	}
	return false;
}

/* At most max digits, at least min; how many they were */
static int
take_number(const char **p, const char *end, int min, int max, int *value)
{
	int n = 0;

	*value = 0;
	while (*p < end && n < max && IS_DIGIT(**p))
	{
		*value = *value * 10 + *(*p)++ - '0';
		n++;
	}
	return n >= min ? n : 0;
}

static bool
valid_date(int year, int month, int day)
{
	return year >= 1000 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
		   day <= day_tab[isleap(year)][month - 1];
}

/* Year first: YYYY-MM-DD and its like, YYYYMMDD */
static bool
year_first(const char **p, const char *end, HiddenFormat *f)
{
	int year;
	int month;
	int day;
	char sep;

	if (!take_number(p, end, 4, 4, &year) || *p == end)
		return false;
	sep = **p;
	if (IS_DIGIT(sep))
	{
		f->date = "YYYYMMDD";
		return take_number(p, end, 2, 2, &month) && take_number(p, end, 2, 2, &day) &&
			   year >= 1900 && year <= 2100 && valid_date(year, month, day);
	}
	if (sep != '-' && sep != '/' && sep != '.')
		return false;
	(*p)++;
	if (!take_number(p, end, 1, 2, &month) || *p == end || **p != sep)
		return false;
	(*p)++;
	f->date = sep == '-' ? "YYYY-MM-DD" : sep == '/' ? "YYYY/MM/DD"
													 : "YYYY.MM.DD";
	return take_number(p, end, 1, 2, &day) && valid_date(year, month, day);
}

/* Day or month first: 31.12.2024, 12/31/2024, 31-Dec-2024 */
static bool
year_last(const char **p, const char *end, HiddenFormat *f)
{
	static const char *const day_first[] = {"DD.MM.YYYY", "DD/MM/YYYY", "DD-MM-YYYY"};
	static const char *const month_first[] = {"MM.DD.YYYY", "MM/DD/YYYY", "MM-DD-YYYY"};
	int first;
	int second;
	int year;
	int kind;
	char sep;
	bool as_day;
	bool as_month;

	if (!take_number(p, end, 1, 2, &first) || *p == end)
		return false;
	sep = *(*p)++;
	kind = sep == '.' ? 0 : sep == '/' ? 1
						: sep == '-'   ? 2
									   : -1;
	if ((sep == '-' || sep == ' ') && end - *p >= 8 && is_month_name(*p, 3) && (*p)[3] == sep)
	{
		*p += 4;
		f->date = sep == '-' ? "DD-Mon-YYYY" : "DD Mon YYYY";
		return take_number(p, end, 4, 4, &year) && valid_date(year, 1, first);
	}
	if (kind < 0 || !take_number(p, end, 1, 2, &second) || *p == end || **p != sep)
		return false;
	(*p)++;
	if (!take_number(p, end, 4, 4, &year))
		return false;
	as_day = valid_date(year, second, first);
	as_month = valid_date(year, first, second);
	f->date = as_day ? day_first[kind] : month_first[kind];
	f->swapped = as_day && as_month ? month_first[kind] : NULL;
	return as_day || as_month;
}

static bool
take_date(const char **p, const char *end, HiddenFormat *f)
{
	const char *start = *p;

	*f = (HiddenFormat){.between = "", .time = "", .zone = ""};
	if (year_first(p, end, f))
		return true;
	*p = start;
	return year_last(p, end, f);
}

/* Behind a time: Z, +01, +0130, +01:30, or nothing */
static bool
take_zone(const char **p, const char *end, HiddenFormat *f)
{
	int value;

	f->zone = "";
	if (*p < end && **p == 'Z')
	{
		(*p)++;
		f->zone = "Z";
		f->beyond = true;
	}
	else if (*p < end && (**p == '+' || **p == '-'))
	{
		(*p)++;
		if (!take_number(p, end, 2, 2, &value) || value > 15)
			return false;
		f->zone = "TZH";
		if (*p < end)
		{
			bool colon = **p == ':';

			*p += colon;
			f->zone = colon ? "TZH:TZM" : "TZHTZM";
			if (!take_number(p, end, 2, 2, &value) || value > 59)
				return false;
		}
	}
	return true;
}

/* HH:MI, perhaps seconds, a fraction, a half of the day, a zone */
static bool
take_time(const char **p, const char *end, HiddenFormat *f)
{
	int hour;
	int minute;
	int second = 0;
	int value;
	int decimals = 0;
	bool seconds = false;

	if (!take_number(p, end, 1, 2, &hour) || *p == end || *(*p)++ != ':' || !take_number(p, end, 2, 2, &minute))
		return false;
	if (*p < end && **p == ':')
	{
		(*p)++;
		seconds = true;
		if (!take_number(p, end, 2, 2, &second))
			return false;
		if (*p < end && (**p == '.' || **p == ','))
		{
			f->comma = **p == ',';
			(*p)++;
			decimals = take_number(p, end, 1, 9, &value);
			if (decimals == 0)
				return false;
		}
	}
	if (minute > 59 || second > 60 || hour > 24 || (hour == 24 && (minute > 0 || second > 0)))
		return false;
	f->beyond = hour == 24 || second == 60 || decimals > 6;
	f->zone = "";
	if (end - *p >= 2 && (pg_strncasecmp(end - 2, "am", 2) == 0 || pg_strncasecmp(end - 2, "pm", 2) == 0) && hour >= 1 && hour <= 12)
	{
		while (*p < end - 2 && **p == ' ')
			(*p)++;
		if (*p != end - 2)
			return false;
		*p = end;
		f->time = decimals ? "HH12:MI:SS.US AM" : seconds ? "HH12:MI:SS AM"
														  : "HH12:MI AM";
		return true;
	}
	f->time = decimals ? "HH24:MI:SS.US" : seconds ? "HH24:MI:SS"
												   : "HH24:MI";
	return take_zone(p, end, f);
}

static bool
hidden_date(const char *text, int len, HiddenFormat *f)
{
	const char *p = text;

	return len >= 8 && take_date(&p, text + len, f) && p == text + len;
}

static bool
hidden_timestamp(const char *text, int len, HiddenFormat *f)
{
	const char *p = text;
	const char *end = text + len;

	if (len < 12 || !take_date(&p, end, f) || p == end || (*p != ' ' && *p != 'T'))
		return false;
	f->between = *p++ == 'T' ? "\"T\"" : " ";
	return take_time(&p, end, f) && p == end;
}

static bool
is_time(const char *text, int len)
{
	const char *p = text;
	HiddenFormat f = {0};

	return len >= 4 && take_time(&p, text + len, &f) && p == text + len;
}

bool
is_date_text(const char *text, int len)
{
	HiddenFormat f;

	return hidden_date(text, len, &f);
}

bool
is_timestamp_text(const char *text, int len)
{
	HiddenFormat f;

	return hidden_timestamp(text, len, &f);
}

/* -- the column -- */

/* Special ones first; every integer is a decimal as well, eight digits may be a date */
static const struct
{
	const char *type;
	bool (*fits)(const char *text, int len);
} hidden_types[] = {
	{"uuid", is_uuid_text},
	{"timestamp", is_timestamp_text},
	{"date", is_date_text},
	{"time", is_time},
	{"boolean", is_boolean_text},
	{"bigint", is_integer},
	{"numeric", is_decimal},
	{"json", is_json_document},
};

/* The share of rows that fit */
static double
share_of(Sketch *s, Sample *sample, bool (*fits)(const char *text, int len))
{
	Patterns *p = s->patterns;
	double rows = (double) (p->texts - p->empties - p->blanks);
	double known = 0;
	double fitting = 0;
	double all = 0;
	double all_fit = 0;

	for (int i = 0; i < Min(sample->n, SAMPLE_VALUES); i++)
	{
		const Sampled *item = &sample->items[i];

		if (item->value == NULL || strspn(item->value, " \t\r\n") == item->len)
			continue;
		all++;
		all_fit += fits(item->value, item->len);
	}
	for (int i = 0; i < p->nshapes; i++)
	{
		const Shape *shape = &p->shapes[i];
		double n = 1;
		double good;

		if (shape->example == NULL || strspn(shape->example, " \t\r\n") == strlen(shape->example))
			continue;
		good = fits(shape->example, (int) strlen(shape->example));
		for (int j = 0; j < Min(sample->n, SAMPLE_VALUES); j++)
		{
			const Sampled *item = &sample->items[j];

			if (item->value == NULL || text_facts(p, item->value, item->len, 0).shape != shape->hash)
				continue;
			n++;
			good += fits(item->value, item->len);
		}
		known += (double) shape->count;
		fitting += (double) shape->count * good / n;
	}
	/* shapes that are not kept: as the sample has it */
	if (rows > known && all > 0)
		fitting += (rows - known) * all_fit / all;
	return rows > 0 ? Min(fitting / rows, 1) : 0;
}

/* The formats of all values that were looked at, taken together */
typedef struct FormatSearch
{
	HiddenFormat found; /* of the first; what the others say of day and month */
	bool several;       /* no one format of to_timestamp() reads them all */
	bool iso;           /* a cast does */
	bool mixed;         /* several orders of day, month and year */
	int zones;          /* values with one, and without */
	int no_zones;
} FormatSearch;

/* May the end of a time be missing, so that the longer format reads the shorter one too? */
static bool
one_time(FormatSearch *search, const HiddenFormat *f)
{
	const char *a = search->found.time;
	const char *b = f->time;

	if (strcmp(a, b) == 0)
		return true;
	if (search->found.zone[0] != '\0' || f->zone[0] != '\0' || a[2] != '2' || b[2] != '2' || strstr(a, "AM") || strstr(b, "AM"))
		return false;
	if (strlen(b) > strlen(a))
		search->found.time = b;
	return true;
}

/* Where day and month both may come first, the other reading counts as well */
static bool
one_date(const HiddenFormat *a, const HiddenFormat *b)
{
	return strcmp(a->date, b->date) == 0 || (a->swapped != NULL && strcmp(a->swapped, b->date) == 0) ||
		   (b->swapped != NULL && strcmp(b->swapped, a->date) == 0);
}

static void
add_format(FormatSearch *search, const HiddenFormat *f)
{
	HiddenFormat *found = &search->found;

	search->iso = search->iso && !f->comma && (strcmp(f->date, "YYYY-MM-DD") == 0 || strcmp(f->date, "YYYYMMDD") == 0);
	search->several = search->several || f->beyond;
	if (f->zone[0] != '\0')
		search->zones++;
	else
		search->no_zones++;
	if (found->date == NULL)
	{
		*found = *f;
		return;
	}
	search->mixed = search->mixed || !one_date(found, f);
	if (!one_date(found, f) || strcmp(f->between, found->between) != 0 || strcmp(f->zone, found->zone) != 0 || !one_time(search, f))
		search->several = true;
	else if (found->swapped != NULL && f->swapped == NULL)
	{
		found->date = f->date;
		found->swapped = NULL;
	}
}

static void
add_value(FormatSearch *search, const char *text, int len, bool with_time)
{
	HiddenFormat f;

	if (with_time ? hidden_timestamp(text, len, &f) : hidden_date(text, len, &f))
		add_format(search, &f);
}

/*
 * The one format by which all dates are read right; where days and months may be swapped, as the others tell.
 * An example of each shape is looked at, so that what is rare has its say.
 */
static char *
format_of(const Sketch *s, const Sample *sample, bool with_time, FormatSearch *search)
{
	const HiddenFormat *found = &search->found;

	*search = (FormatSearch){.iso = true};
	for (int i = 0; i < Min(sample->n, SAMPLE_VALUES); i++)
	{
		if (sample->items[i].value != NULL)
			add_value(search, sample->items[i].value, sample->items[i].len, with_time);
	}
	for (int i = 0; i < s->patterns->nshapes; i++)
	{
		const Shape *shape = &s->patterns->shapes[i];

		if (shape->example != NULL && !shape->cut)
			add_value(search, shape->example, (int) strlen(shape->example), with_time);
	}
	if (found->date == NULL)
		return pstrdup(SEVERAL_FORMATS);
	if (search->several)
		return pstrdup(search->iso ? ISO_FORMAT : SEVERAL_FORMATS);
	if (found->swapped != NULL)
		return psprintf("%s%s%s%s or %s%s%s%s", found->date, found->between, found->time, found->zone, found->swapped, found->between, found->time, found->zone);
	return psprintf("%s%s%s%s", found->date, found->between, found->time, found->zone);
}

HiddenGuess
hidden_guess(Sketch *s)
{
	HiddenGuess guess = {0};
	Sample *sample;

	if (s->type.class != CLASS_TEXT || s->patterns == NULL || !s->patterns->has_shapes)
		return guess;
	sample = sketch_sample(s);
	for (int i = 0; i < lengthof(hidden_types); i++)
	{
		double share = share_of(s, sample, hidden_types[i].fits);

		if (share < HIDDEN_SHARE)
			continue;
		guess.type = hidden_types[i].type;
		guess.share = share;
		if (strcmp(guess.type, "date") == 0 || strcmp(guess.type, "timestamp") == 0)
		{
			FormatSearch search;

			guess.format = format_of(s, sample, guess.type[0] == 't', &search);
			if (search.zones > search.no_zones)
				guess.type = "timestamptz";
			/* what has no zone would be read in whichever the session is in */
			if (search.zones > 0 && search.no_zones > 0)
				guess.format = pstrdup(SEVERAL_FORMATS);
			if (!search.mixed)
			{
				guess.date = search.found.date;
				guess.swapped = search.found.swapped;
			}
		}
		break;
	}
	return guess;
}
