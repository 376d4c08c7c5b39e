/*
 * outlier.c
 *		outliers(): rows that do not look like the others.
 *
 * Outliers come from one profile of the column; each finding carries the
 * condition that selects its rows, and is counted by it.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/stats.h"
#include "ingest_profile/table.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

SQL_FUNCTION(profile_outliers);

#define ROBUST_Z 3.5    /* Iglewicz and Hoaglin */
#define Z_OF_MAD 0.6745 /* the normal distribution's upper quartile */
#define TAIL_SHARE 0.01 /* more rows than this are a tail, unless they stand apart */
#define APART_SHARE 0.3 /* and more than this are no outliers at all */
#define MOST_FINDINGS 64

typedef struct OutlierSearch
{
	ReturnSetInfo *result;
	Profiled *p;
	Sketch *s;
	char *column; /* quoted */
	char *text;   /* it as a text whose = is that of bytes */
	double values;
} OutlierSearch;

/* Count the rows of a condition and show a few of their values; false if there are none, or too many */
static bool
report(OutlierSearch *o, const char *kind, const char *detail, const char *where, double most)
{
	bool nulls[5] = {false};
	Datum row[5];
	int64 count;
	char *sql = psprintf("SELECT (SELECT pg_catalog.count(*) FROM %s WHERE %s), "
						 "ARRAY(SELECT DISTINCT pg_catalog.left(%s::pg_catalog.text, 100) FROM (SELECT %s FROM %s WHERE %s LIMIT 1000) x ORDER BY 1 LIMIT 5)",
						 o->p->title, where, o->column, o->column, o->p->title, where);

	profile_select_row(sql);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &nulls[2]));
	if (count == 0 || (double) count > most)
		return false;
	row[0] = CStringGetTextDatum(kind);
	row[1] = CStringGetTextDatum(detail);
	row[2] = Int64GetDatum(count);
	row[3] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &nulls[3]);
	row[4] = CStringGetTextDatum(where);
	tuplestore_putvalues(o->result->setResult, o->result->setDesc, row, nulls);
	return true;
}

static char *equals(const OutlierSearch *o, const char *text);

/* -- numbers and dates -- */

static double
value_at(const OutlierSearch *o, const Distribution *d, double q, bool logs)
{
	double x = number_of_key(o->s->type.class, distribution_quantile(d, q));

	return logs ? log(x) : x;
}

/* The median of distances from the median */
static double
median_deviation(const OutlierSearch *o, const Distribution *d, double median, bool logs)
{
	Distribution deviations = {.n = d->n, .items = palloc(d->n * sizeof(Weighted))};

	for (int i = 0; i < d->n; i++)
	{
		double x = number_of_key(o->s->type.class, d->items[i].key);

		deviations.items[i] = (Weighted){key_of_double(fabs((logs ? log(x) : x) - median)), d->items[i].weight};
	}
	distribution_sort(&deviations);
	return double_of_key(distribution_quantile(&deviations, 0.5));
}

/* A bound as a literal of the column's type */
static char *
bound_literal(const OutlierSearch *o, double x)
{
	ValueClass class = o->s->type.class;

	if (class_is_number(class))
	{
		/* integers compare with what is not one as numeric */
		if (class == CLASS_INTEGER)
			return psprintf("%.0f", x);
		return psprintf("%s%s", quote_literal_cstr(number_text(x)), class == CLASS_FLOAT ? "::float8" : "::numeric");
	}
	x = Max(Min(x, 9e12), -2e11);
	return psprintf("%s::%s", quote_literal_cstr(text_of_key(&o->s->type, (int64) rint(x * (class == CLASS_DATE ? 1 : USECS_PER_SEC)))),
					class == CLASS_DATE ? "date" : class == CLASS_TIMESTAMP ? "timestamp"
																			: "timestamptz");
}

/* Rows below or above a bound, as the sketch has it */
static double
rows_beyond(const OutlierSearch *o, const Distribution *d, double low, double high, bool logs)
{
	double rows = 0;

	for (int i = 0; i < d->n; i++)
	{
		double x = number_of_key(o->s->type.class, d->items[i].key);

		if (logs)
			x = log(x);
		if (x < low || x > high)
			rows += d->items[i].weight;
	}
	return rows;
}

/*
 * Few rows beyond the bounds are outliers.  Many may be a tail, which thins out: then most of them are near, or half of
 * them (1/x).  If twice as many are farther than twice the bound, they are a group of its own.
 */
static bool
stand_apart(const OutlierSearch *o, const Distribution *d, double low, double high, bool logs)
{
	double middle = (low + high) / 2;
	double beyond = rows_beyond(o, d, low, high, logs);
	double far = rows_beyond(o, d, 2 * low - middle, 2 * high - middle, logs);

	return beyond <= Max(o->values * TAIL_SHARE, 1) || (beyond <= o->values * APART_SHARE && far >= 0.67 * beyond && o->values >= 50);
}

/* Divided by a power of ten, does nearly all beyond the bound lie where half of the others do, and a little around it? */
static const char *
unit_mistake(const OutlierSearch *o, const Distribution *d, double low, double high, double q1, double q3)
{
	static const struct
	{
		double factor;
		const char *says;
	} units[] = {{10, "ten times"}, {100, "a hundred times"}, {1000, "a thousand times"}, {0.1, "a tenth of"}, {0.01, "a hundredth of"}, {0.001, "a thousandth of"}};
	/* where half of the others differ much it would say nothing */
	if (q1 <= 0 || q3 / q1 > 3.2 || o->values < 20)
		return NULL;
	for (int u = 0; u < lengthof(units); u++)
	{
		double fits = 0;
		double all = 0;
		int values = 0;

		for (int i = 0; i < d->n; i++)
		{
			double x = number_of_key(o->s->type.class, d->items[i].key);

			if (units[u].factor > 1 ? x <= high : x >= low || x <= 0)
				continue;
			all += d->items[i].weight;
			values++;
			if (x / units[u].factor >= q1 * q1 / q3 && x / units[u].factor <= q3 * q3 / q1)
				fits += d->items[i].weight;
		}
		if (values >= 3 && fits >= 0.8 * all)
			return units[u].says;
	}
	return NULL;
}

/* With two digits swapped, is it between low and high? */
static bool
is_swapped(double x, double low, double high)
{
	char digits[32];
	int n;

	if (x != rint(x) || x < 10 || x > 1e15)
		return false;
	n = snprintf(digits, sizeof(digits), "%.0f", x);
	for (int i = 0; i + 1 < n; i++)
	{
		for (int j = i + 1; j < n; j++)
		{
			char swapped[32];
			double y;

			strcpy(swapped, digits);
			swapped[i] = digits[j];
			swapped[j] = digits[i];
			y = strtod(swapped, NULL);
			if (swapped[0] != '0' && y >= low && y <= high)
				return true;
		}
	}
	return false;
}

/* Are nearly all beyond the bounds among the others with two digits swapped, and that not by chance, since these are few numbers? */
static bool
swapped_digits(const OutlierSearch *o, const Distribution *d, double low, double high, double q1, double q3)
{
	double least = q1 - 1.5 * (q3 - q1);
	double most = q3 + 1.5 * (q3 - q1);
	double length = most > 10 ? floor(log10(most)) + 1 : 0;
	double fits = 0;
	double all = 0;

	if (least <= 0 || length * (length - 1) / 2 * (most - least) / pow(10, length) > 0.2)
		return false;
	for (int i = 0; i < d->n; i++)
	{
		double x = number_of_key(o->s->type.class, d->items[i].key);

		if (x >= low && x <= high)
			continue;
		all += d->items[i].weight;
		if (is_swapped(x, least, most))
			fits += d->items[i].weight;
	}
	return all > 0 && fits >= 0.8 * all;
}

static void
report_beyond(OutlierSearch *o, const Distribution *d, const char *kind, const char *method, double low, double high, bool logs, double q1, double q3)
{
	const char *finite = o->s->type.class == CLASS_FLOAT ? psprintf(" AND %s <> 'NaN'", o->column) : "";
	const char *unit = NULL;
	double most;
	bool many;

	if (!stand_apart(o, d, low, high, logs))
		return;
	many = rows_beyond(o, d, low, high, logs) > Max(o->values * TAIL_SHARE, 1);
	most = o->values * APART_SHARE;
	if (logs)
	{
		low = exp(low);
		high = exp(high);
		q1 = exp(q1);
		q3 = exp(q3);
	}
	if (many)
		kind = "group apart";
	if (class_is_number(o->s->type.class))
	{
		unit = unit_mistake(o, d, low, high, q1, q3);
		if (unit != NULL)
		{
			kind = "unit mistake";
			method = psprintf("%s; nearly all of them are %s what the others are", method, unit);
		}
		else if (swapped_digits(o, d, low, high, q1, q3))
		{
			kind = "swapped digits";
			method = psprintf("%s; with two digits swapped nearly all are where the others are", method);
		}
	}
	(void) report(o, kind, psprintf("below %s: %s", bound_literal(o, low), method),
				  psprintf("%s < %s", o->column, bound_literal(o, floor(low) == low || o->s->type.class != CLASS_INTEGER ? low : ceil(low))), Max(most, 1));
	(void) report(o, kind, psprintf("above %s: %s", bound_literal(o, high), method),
				  psprintf("%s > %s%s", o->column, bound_literal(o, o->s->type.class == CLASS_INTEGER ? floor(high) : high), finite), Max(most, 1));
}

/* 100, 99999 and the like: powers of ten, and what is one short of them */
static bool
is_round(double x)
{
	double power = 100;

	x = fabs(x);
	while (power < 1e15 && x > power)
		power *= 10;
	return x == power || x == power - 1;
}

/* A round value among others that are each much rarer: a default, a cap, what is not known */
static void
find_heaps(OutlierSearch *o, const Distribution *d)
{
	int n;
	Entry **ranked = set_ranked(&o->s->set, &n);

	for (int i = 0; i < Min(n, MOST_FINDINGS) && class_is_number(o->s->type.class) && o->s->set.n >= 20; i++)
	{
		double x = number_of_key(o->s->type.class, ranked[i]->key);
		double around = 0;
		int others = 0;
		char *text = sketch_entry_text(o->s, ranked[i]);

		if (!is_round(x) || text == NULL || (double) ranked[i]->count < 0.005 * o->values || ranked[i]->count < 5)
			continue;
		for (int j = 0; j < d->n; j++)
		{
			double y = number_of_key(o->s->type.class, d->items[j].key);

			if (y == x || fabs(y - x) > fabs(x) / 2)
				continue;
			around = Max(around, d->items[j].weight);
			others++;
		}
		/* what a sampled distribution keeps may stand for many */
		if (!o->s->set.exact)
			around = others > 0 ? o->values / Max(sketch_distinct(o->s, &(double){0}), 1) : 0;
		if (others >= 10 && (double) ranked[i]->count > 10 * around)
			(void) report(o, "heap", psprintf("%s, while each value around it is at most a tenth as frequent", text), equals(o, text), o->values * APART_SHARE);
	}
}

/* By its octiles, which outliers do not move: 0 if symmetric, 0.4 of an exponential distribution */
static bool
is_skewed(const OutlierSearch *o, const Distribution *d)
{
	double low = value_at(o, d, 0.125, false);
	double middle = value_at(o, d, 0.5, false);
	double high = value_at(o, d, 0.875, false);

	return high > low && (high - middle) - (middle - low) > 0.3 * (high - low);
}

static void
find_far_values(OutlierSearch *o)
{
	Distribution d = sketch_distribution(o->s);
	Central c = moments_central(&o->s->moments);
	bool logs;
	double median;
	double spread;
	double q1;
	double q3;

	if (d.n < 3 || c.n < 20)
		return;
	/* a long tail of positive values is judged by its logarithms */
	logs = class_is_number(o->s->type.class) && number_of_key(o->s->type.class, d.items[0].key) > 0 && o->s->moments.infinities == 0 && is_skewed(o, &d);
	median = value_at(o, &d, 0.5, logs);
	q1 = value_at(o, &d, 0.25, logs);
	q3 = value_at(o, &d, 0.75, logs);
	spread = median_deviation(o, &d, median, logs);
	if (spread > 0)
	{
		double reach = ROBUST_Z * spread / Z_OF_MAD;

		report_beyond(o, &d, "robust z", psprintf("more than %.1f robust standard deviations from the median%s", ROBUST_Z, logs ? ", by logarithms" : ""),
					  median - reach, median + reach, logs, q1, q3);
	}
	if (q3 > q1)
		report_beyond(o, &d, "far fence", psprintf("more than 3 interquartile ranges beyond the quartiles%s", logs ? ", by logarithms" : ""),
					  q1 - 3 * (q3 - q1), q3 + 3 * (q3 - q1), logs, q1, q3);
	find_heaps(o, &d);
}

/* -- categories -- */

/*
 * At most one insertion, deletion, replacement or exchange of neighbours apart, without regard to case and blanks around.
 * Where only a digit differs they are numbers of two things.
 */
static bool
within_one_edit(const char *a, const char *b)
{
	int la = (int) strlen(a);
	int lb = (int) strlen(b);
	int i = 0;
	int j = 0;

	if (abs(la - lb) > 1 || Min(la, lb) < 4)
		return pg_strcasecmp(a, b) == 0;
	while (i < la && i < lb && pg_tolower((unsigned char) a[i]) == pg_tolower((unsigned char) b[i]))
		i++;
	while (j < la - i && j < lb - i && pg_tolower((unsigned char) a[la - 1 - j]) == pg_tolower((unsigned char) b[lb - 1 - j]))
		j++;
	if (Max(la, lb) - i - j == 2 && la == lb)
		return a[i] == b[i + 1] && a[i + 1] == b[i] && !isdigit((unsigned char) a[i]) && !isdigit((unsigned char) a[i + 1]);
	if (Max(la, lb) - i - j > 1)
		return false;
	return !((i < la && isdigit((unsigned char) a[i]) && (i >= lb || isdigit((unsigned char) b[i]))) || (i >= la && i < lb && isdigit((unsigned char) b[i])));
}

/*
 * What a condition compares with texts.  Sketches tell bytes apart: so does =, but in collations where different
 * texts are equal; json and xml have none.
 */
static char *
comparable(const OutlierSearch *o)
{
	const ColumnType *type = &o->s->type;

	if (type->class != CLASS_TEXT)
		return o->column;
	if (type->base == JSONOID || type->base == XMLOID)
		return psprintf("%s::pg_catalog.text", o->column);
	if (OidIsValid(type->collation) && !get_collation_isdeterministic(type->collation))
		return psprintf("%s COLLATE \"C\"", o->column);
	return o->column;
}

/* For regular expressions, whatever the collation */
static char *
text_in_c(const OutlierSearch *o)
{
	return psprintf("%s%s COLLATE \"C\"", o->column, o->s->type.is_json || o->s->type.is_cstring_like ? "::pg_catalog.text" : "");
}

static char *
equals(const OutlierSearch *o, const char *text)
{
	return psprintf("%s = %s", o->text, quote_literal_cstr(text));
}

/* A value that is spelt almost as another one, which is ten times as frequent; the longer it is, the less by chance */
static const char *
nearly_spelt(OutlierSearch *o, Entry **ranked, int i, const char *text)
{
	int64 count = ranked[i]->count;

	for (int j = 0; j < i; j++)
	{
		const Entry *other = ranked[j];
		char *near;

		if (other->count < 10 * count || (other->count < 100 * count && (count > 3 || strlen(text) < 5)) || other->value == NULL ||
			abs(other->value_len - ranked[i]->value_len) > 1)
			continue;
		near = sketch_entry_text(o->s, (Entry *) other);
		if (near && within_one_edit(text, near))
			return near;
	}
	return NULL;
}

static void
find_rare_categories(OutlierSearch *o)
{
	int n;
	Entry **ranked = set_ranked(&o->s->set, &n);
	double frequent = 0;
	bool categories;
	int findings = 0;

	if (o->s->type.class != CLASS_TEXT || o->s->type.is_json || !o->s->set.exact || o->values < 50)
		return;
	for (int i = 0; i < Min(n, 50); i++)
		frequent += (double) ranked[i]->count;
	categories = frequent >= 0.95 * o->values && o->values >= 100;
	for (int i = n - 1; i > 0 && findings < MOST_FINDINGS; i--)
	{
		char *text = sketch_entry_text(o->s, ranked[i]);
		const char *near;

		if (text == NULL || ranked[i]->cut)
			continue;
		near = nearly_spelt(o, ranked, i, text);
		if (near != NULL)
			findings += report(o, "near miss", psprintf("spelt almost as '%s', which is at least ten times as frequent", near), equals(o, text), o->values);
		else if (categories && (double) ranked[i]->count <= 0.0001 * o->values)
			findings += report(o, "rare category", "at most 0.01 % of the rows, where 50 values hold 95 %", equals(o, text), o->values);
	}
}

/* -- shapes -- */

static char *
escaped(const char *text, int len)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < len; i++)
	{
		if (strchr("\\.^$|()[]{}*+?", text[i]) != NULL)
			appendStringInfoChar(&out, '\\');
		appendStringInfoChar(&out, text[i]);
	}
	return out.data;
}

/* A shape as a regular expression */
static char *
regex_of_mask(const char *mask)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '^');
	for (const char *p = mask; *p;)
	{
		if (strcmp(p, "...") == 0)
			return out.data;
		if (*p == '{')
		{
			const char *end = strchr(p, '}');

			/* a count, unless the text itself has braces */
			if (p > mask && end && end > p + 1 && strspn(p + 1, "0123456789") == end - p - 1)
			{
				appendBinaryStringInfo(&out, p, (int) (end - p) + 1);
				p = end + 1;
				continue;
			}
		}
		if (*p == 'A')
			appendStringInfoString(&out, "[A-Z]");
		else if (*p == 'a')
			appendStringInfoString(&out, "[a-z]");
		else if (*p == '9')
			appendStringInfoString(&out, "[0-9]");
		else if (*p == '_')
			appendStringInfoString(&out, "[\\s_]");
		else if (*p == 'u')
			appendStringInfoString(&out, "[^\\x01-\\x7f]");
		else
			appendStringInfoString(&out, escaped(p, 1));
		p++;
	}
	appendStringInfoChar(&out, '$');
	return out.data;
}

static void
find_strange_shapes(OutlierSearch *o)
{
	const Patterns *p = o->s->patterns;
	int n;
	Shape **ranked;

	if (p == NULL || !p->has_shapes || !p->shapes_exact || p->texts < 100)
		return;
	ranked = patterns_ranked(p, &n);
	if (n < 2 || (double) ranked[0]->count < 0.95 * (double) p->texts)
		return;
	for (int i = 1; i < Min(n, MOST_FINDINGS); i++)
	{
		if ((double) ranked[i]->count > 0.005 * (double) p->texts || ranked[i]->mask == NULL)
			continue;
		(void) report(o, "rare pattern", psprintf("%s, where %.1f %% are %s", ranked[i]->mask[0] ? ranked[i]->mask : "empty", 100.0 * (double) ranked[0]->count / (double) p->texts, ranked[0]->mask),
					  psprintf("%s ~ %s", text_in_c(o), quote_literal_cstr(regex_of_mask(ranked[i]->mask))), o->values);
	}
}

/* -- placeholders -- */

static const char *const text_placeholders[] = {"n/a", "na", "n.a.", "none", "null", "nil", "unknown", "unbekannt", "test", "tbd", "tba", "todo", "dummy", "default", "xxx", "xxxx", "xx", "asdf", "-", "--", "?", "??", ".", "...", "(blank)", "(none)", "#n/a", "#ref!", "#value!", "undefined", "missing", "not available", "not applicable", "no data", "nodata", "no value", "not specified", "unspecified", "not known", "not given", "nan", "<na>", "<null>", "(null)", "keine angabe", "k.a.", "inconnu", "non communiqu\303\251", "desconocido", "sin datos", "nieznany", "000-00-0000", "999-99-9999", "000-000-0000", "(000) 000-0000", "0000-00-00", "00/00/0000", "00000", "0000000000", "1111111111", "foo", "bar", "sample", "example", NULL};
static const char *const number_placeholders[] = {"-1", "-9", "-99", "-999", "-9999", "-99999", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999", "123456", "1234567", "12345678", "123456789", "11111", "111111", NULL};
static const char *const date_placeholders[] = {"1900-01-01", "1899-12-30", "1899-12-31", "1970-01-01", "1753-01-01", "0001-01-01", "9999-12-31", "9999-01-01", "2099-12-31", "1111-11-11", "2999-12-31", NULL};

static bool
is_listed(const char *const *list, const char *text)
{
	for (; *list; list++)
	{
		if (pg_strcasecmp(text, *list) == 0)
			return true;
	}
	return false;
}

/* Where values run through a placeholder's neighbourhood it is an ordinary one */
static bool
stands_apart(OutlierSearch *o, const Entry *e, const Distribution *d)
{
	double x = number_of_key(o->s->type.class, e->key);
	double q05;
	double q95;
	double reach;

	if (d->n < 3)
		return true;
	q05 = number_of_key(o->s->type.class, distribution_quantile(d, 0.05));
	q95 = number_of_key(o->s->type.class, distribution_quantile(d, 0.95));
	reach = Max(q95 - q05, 1);
	/* far from the others, or much more frequent than they are on average */
	return x < q05 - reach || x > q95 + reach || (double) e->count > 20 * o->values / Max(o->s->set.n, 1) || (x < 0 && o->s->moments.negatives == e->count);
}

/* Where values are too many to be counted each, -1 and the like may still be the least of all, alone below zero */
static void
find_placeholder_below(OutlierSearch *o, const Distribution *d)
{
	char *least = extreme_text(&o->s->min, &o->s->type);
	int n;
	Entry **ranked = set_ranked(&o->s->set, &n);

	if (least == NULL || least[0] != '-' || !is_listed(number_placeholders, least) || d->n < 3 ||
		number_of_key(o->s->type.class, distribution_quantile(d, 0.05)) < 0)
		return;
	for (int i = 0; i < n; i++)
	{
		char *text = sketch_entry_text(o->s, ranked[i]);

		/* told above */
		if (text != NULL && strcmp(text, least) == 0 && stands_apart(o, ranked[i], d))
			return;
	}
	(void) report(o, "placeholder", psprintf("'%s' often stands for what is not known", least), equals(o, least), (double) o->s->moments.negatives);
}

static void
find_placeholders(OutlierSearch *o)
{
	ValueClass class = o->s->type.class;
	Distribution d = sketch_distribution(o->s);
	int n;
	Entry **ranked = set_ranked(&o->s->set, &n);
	int findings = 0;

	for (int i = 0; i < n && findings < MOST_FINDINGS; i++)
	{
		char *text = sketch_entry_text(o->s, ranked[i]);
		bool listed;

		if (text == NULL)
			continue;
		if (class == CLASS_TEXT)
			listed = is_listed(text_placeholders, text) || is_listed(number_placeholders + 6, text) || is_listed(date_placeholders, text);
		else if (class_is_number(class))
			listed = is_listed(number_placeholders, text) && stands_apart(o, ranked[i], &d);
		else if (class_is_moment(class))
			listed = is_listed(date_placeholders, pnstrdup(text, 10)) && (strlen(text) == 10 || strncmp(text + 10, " 00:00:00", 9) == 0);
		else
			return;
		if (listed)
			findings += report(o, "placeholder", psprintf("'%s' often stands for what is not known", text), equals(o, text), o->values * 0.9);
	}
	if (class_is_number(class) && !o->s->set.exact)
		find_placeholder_below(o, &d);
	if (o->s->patterns && class == CLASS_TEXT && o->s->patterns->blanks > 0)
		(void) report(o, "placeholder", "white space only", psprintf("%s ~ '^\\s+$'", text_in_c(o)), o->values);
}

Datum
profile_outliers(PG_FUNCTION_ARGS)
{
	Datum name = PointerGetDatum(PG_GETARG_TEXT_PP(1));
	ProfileRequest request = {.relation = PG_GETARG_OID(0), .schema = extension_schema(fcinfo)};
	OutlierSearch o = {.result = (ReturnSetInfo *) fcinfo->resultinfo};

	request.columns = construct_array(&name, 1, TEXTOID, -1, false, TYPALIGN_INT);
	rows_begin(fcinfo);
	SPI_connect();
	o.p = profile_run(&request, CurrentMemoryContext);
	o.s = o.p->columns[0].sketch;
	if (o.s != NULL && o.s->rows > o.s->nulls)
	{
		o.column = pstrdup(quote_identifier(o.p->columns[0].name));
		o.text = comparable(&o);
		o.values = (double) (o.s->rows - o.s->nulls);
		if (class_is_number(o.s->type.class) || class_is_moment(o.s->type.class))
			find_far_values(&o);
		find_rare_categories(&o);
		find_strange_shapes(&o);
		find_placeholders(&o);
	}
	SPI_finish();
	PG_RETURN_NULL();
}
