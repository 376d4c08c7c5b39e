/*
 * hidden.c
 *		Numbers, dates and the like in columns of text, and the expression that reads them.
 *
 * Judged by shape: of each shape the share of its sampled values that fit,
 * weighed by the rows of that shape.  So a rare stranger ("N/A" among numbers)
 * is counted by its rows, though it need not be in the sample.  What one text
 * leaves open (which sign is decimal, whether day or month comes first, whose
 * names of months they are) all values that are known tell together.
 */
#include "postgres.h"

#include "common/written.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hidden.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"

#define ISO_FORMAT "ISO 8601"
#define SEVERAL_FORMATS "several formats"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define HIDDEN_SHARE 0.9 /* of the texts that must fit */

/* -- one value -- */

bool
is_uuid_text(const char *text, int len)
{
	if (len != 36)
		return false;
	for (int i = 0; i < 36; i++)
	{
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		char c = text[i];

		if (dash ? c != '-' : !(IS_DIGIT(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			return false;
	}
	return true;
}

bool
is_date_text(const char *text, int len)
{
	WrittenDate d;

	return written_date(text, len, &d);
}

bool
is_timestamp_text(const char *text, int len)
{
	WrittenDate d;

	return written_timestamp(text, len, &d);
}

bool
is_boolean_text(const char *text, int len)
{
	bool value;
	uint64 pairs;

	return written_truth(text, len, &value, &pairs);
}

static bool
is_time(const char *text, int len)
{
	bool two_digits;

	return written_time(text, len, &two_digits);
}

static bool
is_number(const char *text, int len, char decimal)
{
	WrittenNumber n;

	return written_number(text, len, decimal, &n) && !n.leading_zero;
}

static bool
is_point_number(const char *text, int len)
{
	return is_number(text, len, '.');
}

static bool
is_comma_number(const char *text, int len)
{
	return is_number(text, len, ',');
}

bool
is_json_document(const char *text, int len)
{
	return written_json(text, len, len >= SAMPLE_BYTES - 3);
}

static bool
is_json_example(const char *text, int len)
{
	return written_json(text, len, len >= EXAMPLE_BYTES - 3);
}

/* -- all values that are known -- */

typedef void (*ValueVisit)(const char *text, int len, void *arg);

static bool
is_blank(const char *text, int len)
{
	return strspn(text, " \t\r\n") >= len;
}

/* The sample, an example of each shape, so that what is rare has its say, the frequent ones, the extremes; not what was cut */
static void
visit_values(Sketch *s, const Sample *sample, ValueVisit visit, void *arg)
{
	char *ends[] = {extreme_text(&s->min, &s->type), extreme_text(&s->max, &s->type), extreme_text(&s->shortest, &s->type), extreme_text(&s->longest, &s->type)};

	for (int i = 0; i < Min(sample->n, SAMPLE_VALUES); i++)
	{
		const Sampled *item = &sample->items[i];

		if (item->value != NULL && !item->cut && !is_blank(item->value, item->len))
			visit(item->value, item->len, arg);
	}
	for (int i = 0; i < s->patterns->nshapes; i++)
	{
		const Shape *shape = &s->patterns->shapes[i];

		if (shape->example != NULL && !shape->cut && !is_blank(shape->example, (int) strlen(shape->example)))
			visit(shape->example, (int) strlen(shape->example), arg);
	}
	for (int i = 0; i < lengthof(ends); i++)
	{
		if (ends[i] != NULL && strlen(ends[i]) < VALUE_BYTES - 8 && !is_blank(ends[i], (int) strlen(ends[i])))
			visit(ends[i], (int) strlen(ends[i]), arg);
	}
}

/* The share of rows that fit */
static double
share_of(Sketch *s, Sample *sample, bool (*fits)(const char *text, int len), bool (*example_fits)(const char *text, int len))
{
	Patterns *p = s->patterns;
	double rows = (double) (p->texts - p->empties - p->blanks);
	double known = 0;
	double fitting = 0;
	double all = 0;
	double all_fit = 0;
	uint64 shapes[SAMPLE_VALUES];
	bool good_ones[SAMPLE_VALUES];
	int nlooked = 0;

	for (int i = 0; i < Min(sample->n, SAMPLE_VALUES); i++)
	{
		const Sampled *item = &sample->items[i];

		if (item->value == NULL || is_blank(item->value, item->len))
			continue;
		good_ones[nlooked] = fits(item->value, item->len);
		all++;
		all_fit += good_ones[nlooked];
		shapes[nlooked++] = text_facts(p, item->value, item->len, 0).shape;
	}
	for (int i = 0; i < p->nshapes; i++)
	{
		const Shape *shape = &p->shapes[i];
		double n = 1;
		double good;

		if (shape->example == NULL || is_blank(shape->example, (int) strlen(shape->example)))
			continue;
		good = example_fits(shape->example, (int) strlen(shape->example));
		for (int j = 0; j < nlooked; j++)
		{
			if (shapes[j] != shape->hash)
				continue;
			n++;
			good += good_ones[j];
		}
		known += (double) shape->count;
		fitting += (double) shape->count * good / n;
	}
	/* shapes that are not kept: as the sample has it */
	if (rows > known && all > 0)
		fitting += (rows - known) * all_fit / all;
	return rows > 0 ? Min(fitting / rows, 1) : 0;
}

static bool
hides(Sketch *s, Sample *sample, HiddenGuess *guess, const char *type, const char *expression, bool (*fits)(const char *text, int len))
{
	double share = share_of(s, sample, fits, fits == is_json_document ? is_json_example : fits);

	if (share < HIDDEN_SHARE)
		return false;
	guess->type = type;
	guess->expression = expression;
	guess->share = share;
	return true;
}

/* -- numbers -- */

typedef struct NumberSearch
{
	int n;
	int points; /* values whose decimal sign is surely a point, a comma */
	int commas;
	int either_point; /* whose only sign may be either, and is a point, a comma */
	int either_comma;
	bool codes; /* a leading zero was seen */
	bool plain; /* a cast reads all */
	bool fractions;
	bool sure_fractions; /* whichever sign is decimal */
	bool blank_groups;
	bool amounts; /* money or percent */
	bool grouped;
	int unmarked;      /* values of digits alone */
	int most_unmarked; /* the most digits of one of them */
	int least_before;  /* the fewest before a point that may be either */
	bool ends_in_zero; /* a value whose only sign may be either */
	int least_digits;
	int most_digits;
} NumberSearch;

static void
add_number(const char *text, int len, void *arg)
{
	NumberSearch *search = arg;
	WrittenNumber n;

	if (!written_number(text, len, 0, &n))
		return;
	search->n++;
	search->points += n.decimal == '.';
	search->commas += n.decimal == ',';
	search->either_point += n.either && n.fraction;
	search->either_comma += n.either && !n.fraction;
	search->codes |= n.leading_zero;
	search->plain &= n.plain;
	search->fractions |= n.fraction;
	search->sure_fractions |= n.fraction && !n.either;
	search->blank_groups |= n.blank_groups;
	search->amounts |= n.money || n.percent;
	search->grouped |= n.grouped;
	search->ends_in_zero |= n.either && n.fraction && n.value[strlen(n.value) - 1] == '0';
	if (n.either && n.fraction)
		search->least_before = Min(search->least_before, n.digits);
	if (!n.grouped && !n.fraction)
	{
		search->unmarked++;
		search->most_unmarked = Max(search->most_unmarked, n.digits);
	}
	search->least_digits = Min(search->least_digits, n.digits);
	search->most_digits = Max(search->most_digits, n.digits);
}

#define LEAST_GROUPED 10 /* values with a point, for them to tell together */
#define MANY_GROUPED 50  /* so many that decimals without zeros behind them would have been shorter once */

/*
 * 513, 2.890, 215.041: points that three digits follow in all of many values.  Decimals of a fixed number would be behind
 * the small ones too, others would not end in zeros; and no value of digits alone is large (in Spanish and Italian 1234 is
 * written so where 12.345 is).
 */
static bool
points_divide(const NumberSearch *search)
{
	return search->points == 0 && search->commas == 0 && search->either_comma == 0 && !search->sure_fractions &&
		   search->either_point >= (search->ends_in_zero ? LEAST_GROUPED : MANY_GROUPED) && search->unmarked > 0 &&
		   (search->most_unmarked <= 3 || (search->most_unmarked == 4 && search->least_before >= 2));
}

/*
 * A column has one decimal sign.  Where no value tells, a comma before three digits divides thousands and a point is
 * decimal; if one tells, or all together do, it holds for all.
 */
static bool
hidden_number(Sketch *s, Sample *sample, HiddenGuess *guess)
{
	NumberSearch search = {.plain = true, .least_digits = PG_INT32_MAX, .least_before = PG_INT32_MAX};
	bool comma;
	bool whole;

	visit_values(s, sample, add_number, &search);
	if (search.n == 0 || search.codes || (search.points > 0 && search.commas > 0))
		return false;
	/* 732 829 320 and 123 456 789 are numbers of somebody, not of things */
	if (search.blank_groups && search.least_digits == search.most_digits && search.n > 8 && !search.fractions)
		return false;
	guess->grouped = search.grouped && !search.amounts;
	comma = search.commas > 0 || points_divide(&search);
	whole = !(comma ? search.sure_fractions : search.fractions) && !search.amounts && search.most_digits <= 18;
	if (search.plain && !comma && search.either_comma == 0)
		return hides(s, sample, guess, whole ? "bigint" : "numeric", whole ? "$1::bigint" : "$1::numeric", is_point_number);
	if (comma)
		return hides(s, sample, guess, whole ? "bigint" : "numeric", whole ? "$2.read_number($1, ',')::bigint" : "$2.read_number($1, ',')", is_comma_number);
	return hides(s, sample, guess, whole ? "bigint" : "numeric", whole ? "$2.read_number($1, '.')::bigint" : "$2.read_number($1, '.')", is_point_number);
}

/* -- truths -- */

typedef struct TruthSearch
{
	uint64 trues; /* pairs of which the one word was seen, and the other */
	uint64 falses;
	uint64 both;    /* on the second look: pairs that were seen whole */
	bool strangers; /* words of other pairs */
} TruthSearch;

static void
add_truth(const char *text, int len, void *arg)
{
	TruthSearch *search = arg;
	bool value;
	uint64 pairs;

	if (!written_truth(text, len, &value, &pairs))
		return;
	if (value)
		search->trues |= pairs;
	else
		search->falses |= pairs;
	search->strangers |= search->both != 0 && (pairs & search->both) == 0;
}

/* Both words of a pair must be there: a column of nothing but N is none, and so are codes of which some are Y */
static bool
hidden_truth(Sketch *s, Sample *sample, HiddenGuess *guess)
{
	TruthSearch search = {0};

	if (sample->n > 32)
		return false;
	visit_values(s, sample, add_truth, &search);
	search.both = search.trues & search.falses;
	if (search.both == 0)
		return false;
	visit_values(s, sample, add_truth, &search);
	if (search.strangers)
		return false;
	return hides(s, sample, guess, "boolean", truth_is_plain(search.both & -search.both) && truth_is_plain(search.both) ? "$1::boolean" : "$2.read_boolean($1)", is_boolean_text);
}

/* -- times -- */

static void
add_time(const char *text, int len, void *arg)
{
	bool *clock = arg;
	bool two_digits;

	if (written_time(text, len, &two_digits) && two_digits)
		*clock = true;
}

/* 3:16 may be a verse or a lap, unless other values have hours of two digits */
static bool
hidden_time(Sketch *s, Sample *sample, HiddenGuess *guess)
{
	bool clock = false;

	visit_values(s, sample, add_time, &clock);
	return clock && hides(s, sample, guess, "time", "$1::time", is_time);
}

/* -- dates -- */

/* The formats of all values that were looked at, taken together */
typedef struct FormatSearch
{
	bool with_time;
	WrittenDate found; /* of the first; what the others say of day and month */
	int n;
	bool several;       /* no one format of to_timestamp() reads them all */
	bool iso;           /* a cast does */
	bool mixed;         /* several orders of day, month and year */
	bool long_fraction; /* digits beyond a microsecond */
	int zones;          /* values with one, and without */
	int no_zones;
	uint64 seen[3][2];                      /* numbers below 100 of each field */
	uint64 languages[MONTH_LANGUAGES / 64]; /* in which all names of months are some */
	bool has_names;
	int language;  /* that is taken */
	bool disputed; /* another one would have other months */
} FormatSearch;

/* May the end of a time be missing, so that the longer format reads the shorter one too? */
static bool
one_time(FormatSearch *search, const WrittenDate *d)
{
	const char *a = search->found.time;
	const char *b = d->time;

	if (strcmp(a, b) == 0)
		return true;
	if (search->found.zone[0] != '\0' || d->zone[0] != '\0' || a[2] != '2' || b[2] != '2' || strstr(a, "AM") || strstr(b, "AM") || strstr(a, "YYYY") || strstr(b, "YYYY") || a[4] != b[4])
		return false;
	if (strlen(b) > strlen(a))
		search->found.time = b;
	return true;
}

/* Of other values the order may be known better */
static bool
one_date(FormatSearch *search, const WrittenDate *d)
{
	WrittenDate *found = &search->found;

	if (strcmp(found->layout, d->layout) != 0 || found->year_digits != d->year_digits || (found->orders & d->orders) == 0)
		return false;
	found->orders &= d->orders;
	return true;
}

/* The names of month and day must be of one language, in which read_months() reads both */
static void
keep_languages(FormatSearch *search, const WrittenDate *d)
{
	uint64 has[MONTH_LANGUAGES / 64] = {0};
	uint64 days[MONTH_LANGUAGES / 64] = {0};

	for (int i = 0; i < d->nin; i++)
	{
		if (d->in[i].month != NO_MONTH)
			has[d->in[i].language / 64] |= UINT64CONST(1) << (d->in[i].language % 64);
	}
	for (int i = 0; i < d->ndays; i++)
	{
		if (d->days[i].month == NO_MONTH)
			days[d->days[i].language / 64] |= UINT64CONST(1) << (d->days[i].language % 64);
	}
	for (int i = 0; i < lengthof(has) && d->ndays > 0; i++)
		has[i] &= days[i];
	for (int i = 0; i < lengthof(has); i++)
		search->languages[i] = search->has_names ? search->languages[i] & has[i] : has[i];
	search->has_names = true;
}

static void
add_format(FormatSearch *search, const WrittenDate *d)
{
	WrittenDate *found = &search->found;

	search->iso = search->iso && d->iso;
	search->several = search->several || d->beyond || strcmp(d->time, "HH24MISS") == 0;
	if (d->zone[0] != '\0')
		search->zones++;
	else
		search->no_zones++;
	for (int i = 0; i < 3; i++)
	{
		if (d->fields[i] < 100)
			search->seen[i][d->fields[i] / 64] |= UINT64CONST(1) << (d->fields[i] % 64);
	}
	if (d->nin > 0)
		keep_languages(search, d);
	if (search->n++ == 0)
	{
		*found = *d;
		return;
	}
	found->names &= d->names;
	found->words |= d->words;
	if (!one_date(search, d))
		search->mixed = search->several = true;
	else if (strcmp(d->between, found->between) != 0 || strcmp(d->zone, found->zone) != 0 || !one_time(search, d))
		search->several = true;
}

static bool
take_format(const FormatSearch *search, const char *text, int len, WrittenDate *d)
{
	return search->with_time ? written_timestamp(text, len, d) : written_date(text, len, d);
}

static void
add_date(const char *text, int len, void *arg)
{
	WrittenDate d;

	if (take_format(arg, text, len, &d))
		add_format(arg, &d);
}

static bool
speaks(const FormatSearch *search, int language)
{
	return (search->languages[language / 64] >> (language % 64)) & 1;
}

/* The same word may be another month elsewhere: listopad */
static void
dispute_month(const char *text, int len, void *arg)
{
	FormatSearch *search = arg;
	WrittenDate d;
	int month = 0;

	if (!take_format(search, text, len, &d))
		return;
	for (int i = 0; i < d.nin; i++)
	{
		if (d.in[i].language == search->language)
			month = d.in[i].month;
	}
	for (int i = 0; i < d.nin; i++)
	{
		if (d.in[i].month != NO_MONTH && d.in[i].month != month && speaks(search, d.in[i].language))
			search->disputed = true;
	}
}

/* The first of the languages that have all the names, English before all others; false if it is in doubt */
static bool
find_language(Sketch *s, Sample *sample, FormatSearch *search)
{
	search->language = 0;
	while (search->language < MONTH_LANGUAGES && !speaks(search, search->language))
		search->language++;
	if (search->language == MONTH_LANGUAGES)
		return false;
	if (search->language > 0)
		visit_values(s, sample, dispute_month, search);
	return !search->disputed;
}

static int
seen_values(const FormatSearch *search, int field)
{
	return pg_popcount64(search->seen[field][0]) + pg_popcount64(search->seen[field][1]);
}

/* Years of two digits may be days as well; there are fewer of them.  Where that does not tell, points have them last */
static void
settle_short_years(FormatSearch *search)
{
	WrittenDate *found = &search->found;
	int last = found->orders & (ORDER_DMY | ORDER_MDY);

	if (found->year_digits != 2 || !(found->orders & ORDER_YMD) || last == 0)
		return;
	if (seen_values(search, 0) * 2 <= seen_values(search, 2))
		found->orders = ORDER_YMD;
	else if (found->layout[1] == '.' || seen_values(search, 2) * 2 <= Max(seen_values(search, 0), seen_values(search, 1)))
		found->orders = last;
}

/* 1.2.10 and 1.2.11 are versions, unless there is a first number that none has */
static bool
may_be_versions(const FormatSearch *search)
{
	return search->found.year_digits == 2 && search->found.layout[1] == '.' && (search->seen[0][0] >> 13) == 0;
}

/* The layout's fields for an order; month is what to_date() calls the month */
static char *
template_of(const WrittenDate *d, int order, const char *month)
{
	static const char fields[][3] = {{'Y', 'M', 'D'}, {'D', 'M', 'Y'}, {'M', 'D', 'Y'}};
	StringInfoData out;

	initStringInfo(&out);
	for (const unsigned char *p = (const unsigned char *) d->layout; *p; p++)
	{
		char field = *p <= 3 ? fields[order == ORDER_YMD ? 0 : order == ORDER_DMY ? 1
																				  : 2][*p - 1]
							 : 0;

		if (field == 0)
			appendStringInfoChar(&out, *p);
		else
			appendStringInfoString(&out, field == 'D' ? "DD" : field == 'M'      ? month
														   : d->year_digits == 2 ? "YY"
																				 : "YYYY");
	}
	return out.data;
}

static int
first_order(int orders)
{
	return orders & -orders;
}

/* Where the order is in doubt, day before month comes first */
static int
preferred_order(int orders)
{
	return (orders & ORDER_DMY) ? ORDER_DMY : first_order(orders);
}

static char *
with_time(const FormatSearch *search, const char *date)
{
	const WrittenDate *d = &search->found;

	return psprintf("%s%s%s%s", date, d->between, d->time, strstr(d->time, "YYYY") ? "" : d->zone);
}

static void
set_expression(FormatSearch *search, HiddenGuess *guess, const char *format, bool translated)
{
	/* to_date() takes nothing for the first day of all */
	const char *value = translated ? psprintf("$2.read_months(nullif($1, ''), '%s')", month_language(search->language)) : "nullif($1, '')";
	bool timestamptz = strcmp(guess->type, "timestamptz") == 0;

	if (strcmp(guess->type, "date") == 0)
		guess->expression = psprintf("to_date(%s, '%s')", value, format);
	else if (timestamptz && !search->found.zone_word)
		guess->expression = psprintf("to_timestamp(%s, '%s')", value, format);
	else
		/* whatever the session's time zone, whose clocks may be put forward */
		guess->expression = psprintf("to_timestamp(%s || '+00', '%sTZH')%s", value, format, timestamptz ? "" : " AT TIME ZONE 'UTC'");
}

/*
 * The one format by which all dates are read right, and the expression for it; where days and months may be swapped,
 * both formats and no expression.
 */
static void
set_format(Sketch *s, Sample *sample, FormatSearch *search, HiddenGuess *guess)
{
	WrittenDate *found = &search->found;
	const char *month = "MM";
	bool translated = found->words;
	int order;
	int other;

	guess->format = pstrdup(SEVERAL_FORMATS);
	guess->expression = NULL;
	settle_short_years(search);
	order = preferred_order(found->orders);
	other = found->orders & ~order;
	if (!search->mixed && found->orders != 0 && found->orders != ORDER_FIXED)
	{
		guess->orders = found->orders;
		guess->layout = pstrdup(found->layout);
		guess->date = template_of(found, order, month);
		guess->swapped = other ? template_of(found, first_order(other), month) : NULL;
	}
	/* what has no zone would be read in whichever the session is in */
	if (search->zones > 0 && search->no_zones > 0)
		return;
	if (search->several)
	{
		if (search->iso)
		{
			guess->format = pstrdup(ISO_FORMAT);
			guess->expression = psprintf("$1::%s", guess->type);
		}
		return;
	}
	if (search->has_names)
	{
		if (!find_language(s, sample, search))
			return;
		translated = translated || search->language > 0 || found->names == 0;
		month = found->names == NAME_SHORT ? "Mon" : "Month";
	}
	guess->format = with_time(search, template_of(found, order, month));
	if (found->zone_word && search->iso)
	{
		guess->format = pstrdup(ISO_FORMAT);
		guess->expression = psprintf("$1::%s", guess->type);
	}
	else if (other)
		guess->format = psprintf("%s or %s", guess->format, with_time(search, template_of(found, first_order(other), month)));
	else
		set_expression(search, guess, with_time(search, template_of(found, order, translated ? "MM" : month)), translated);
	if (translated && search->has_names)
		guess->format = psprintf("%s (%s)", guess->format, month_language(search->language));
}

static bool
hidden_date(Sketch *s, Sample *sample, HiddenGuess *guess, bool timestamps)
{
	FormatSearch search = {.with_time = timestamps, .iso = true};

	if (!hides(s, sample, guess, timestamps ? "timestamp" : "date", NULL, timestamps ? is_timestamp_text : is_date_text))
		return false;
	visit_values(s, sample, add_date, &search);
	if (search.n == 0 || may_be_versions(&search))
	{
		*guess = (HiddenGuess){0};
		return false;
	}
	if (search.zones > search.no_zones)
		guess->type = "timestamptz";
	set_format(s, sample, &search, guess);
	return true;
}

/* -- the column -- */

/* Special ones first; every integer is a decimal as well, eight digits may be a date */
HiddenGuess
hidden_guess(Sketch *s)
{
	HiddenGuess guess = {0};
	Sample *sample;

	if (s->type.class != CLASS_TEXT || s->patterns == NULL || !s->patterns->has_shapes)
		return guess;
	sample = sketch_sample(s);
	(void) (hides(s, sample, &guess, "uuid", "$1::uuid", is_uuid_text) ||
			hidden_date(s, sample, &guess, true) ||
			hidden_date(s, sample, &guess, false) ||
			hidden_time(s, sample, &guess) ||
			hidden_truth(s, sample, &guess) ||
			hidden_number(s, sample, &guess) ||
			hides(s, sample, &guess, "json", "$1::json", is_json_document));
	return guess;
}

/* -- a guess held against another column -- */

static bool
fits_date(const char *text, int len, const HiddenGuess *guess)
{
	WrittenDate d;

	if (strcmp(guess->type, "date") == 0)
	{
		if (!written_date(text, len, &d))
			return false;
	}
	else if (!written_timestamp(text, len, &d) || (d.zone[0] != '\0') != (strcmp(guess->type, "timestamptz") == 0))
		return false;
	return guess->orders == 0 || ((d.orders & guess->orders) != 0 && strcmp(d.layout, guess->layout) == 0);
}

static bool
fits_guess(const char *text, int len, const HiddenGuess *guess)
{
	WrittenNumber n;

	if (strncmp(guess->type, "timestamp", 9) == 0 || strcmp(guess->type, "date") == 0)
		return fits_date(text, len, guess);
	if (strcmp(guess->type, "bigint") == 0)
		return written_number(text, len, 0, &n) && !n.leading_zero && (!n.fraction || n.either);
	if (strcmp(guess->type, "numeric") == 0)
		return written_number(text, len, 0, &n) && !n.leading_zero;
	if (strcmp(guess->type, "uuid") == 0)
		return is_uuid_text(text, len);
	if (strcmp(guess->type, "time") == 0)
		return is_time(text, len);
	if (strcmp(guess->type, "boolean") == 0)
		return is_boolean_text(text, len);
	return is_json_document(text, len);
}

int
hidden_fit(Sketch *s, const HiddenGuess *guess, int *of)
{
	Sample *sample = sketch_sample(s);
	int fit = 0;

	*of = 0;
	for (int i = 0; i < Min(sample->n, SAMPLE_VALUES); i++)
	{
		const Sampled *item = &sample->items[i];

		if (item->value == NULL || item->cut || is_blank(item->value, item->len))
			continue;
		(*of)++;
		fit += fits_guess(item->value, item->len, guess);
	}
	return fit;
}

/* The guess's expression for a column, or for one called value; the schema is the extension's, quoted */
char *
hidden_cast(const HiddenGuess *guess, const char *column, const char *schema)
{
	StringInfoData out;

	if (guess->expression == NULL)
		return NULL;
	initStringInfo(&out);
	for (const char *p = guess->expression; *p; p++)
	{
		if (p[0] == '$' && p[1] == '1')
			appendStringInfoString(&out, quote_identifier(column ? column : "value"));
		else if (p[0] == '$' && p[1] == '2')
			appendStringInfoString(&out, schema);
		else
		{
			appendStringInfoChar(&out, *p);
			continue;
		}
		p++;
	}
	return out.data;
}
