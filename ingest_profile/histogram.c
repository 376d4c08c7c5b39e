/*
 * histogram.c
 *		histogram(): bins of equal width with bounds fit to read, or of as many rows as each other.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "datatype/timestamp.h"
#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/stats.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(profile_histogram);

/* A bin of a histogram */
typedef struct Bin
{
	char *from;
	char *to;
	double rows;
} Bin;

/* A round number at most as large: 1, 2 or 5 times a power of ten */
static double
round_step(double step)
{
	double power = pow(10, floor(log10(step)));
	double times = step / power;

	return (times >= 5 ? 10 : times >= 2 ? 5
						  : times >= 1   ? 2
										 : 1) *
		   power;
}

/* Where a type ends, as a bound that is beyond all its values */
#define LAST_DAY ((double) (DATE_END_JULIAN - POSTGRES_EPOCH_JDATE))
#define LAST_SECOND ((double) (END_TIMESTAMP / USECS_PER_SEC))

static char *
bound_text(const ColumnType *type, double bound)
{
	ValueClass class = type->class;

	if (class_is_number(class))
		return number_text(bound);
	if ((class == CLASS_DATE && bound >= LAST_DAY) || (class_is_moment(class) && class != CLASS_DATE && bound >= LAST_SECOND))
		return pstrdup("infinity");
	return text_of_key(type, (int64) rint(bound * (class == CLASS_DATE ? 1 : USECS_PER_SEC)));
}

static double
bound_key_share(const Distribution *d, ValueClass class, double bound)
{
	double sum = 0;

	for (int i = 0; i < d->n && number_of_key(class, d->items[i].key) < bound; i++)
		sum += d->items[i].weight;
	return sum;
}

/* What lies between two numbers that doubles of this size tell apart, several times */
static double
least_step(double low, double high)
{
	double size = Max(fabs(low), fabs(high));

	return 8 * (size - nextafter(size, 0));
}

/* Bounds of numbers are multiples of a round step; the first at most low, the last beyond high */
static double *
number_bounds(int bins, double low, double high, int *n)
{
	double step = high > low ? high / bins - low / bins : 1;
	double first;
	double *bounds;

	step = Min(round_step(Max(step, least_step(low, high)) * 0.999999), DBL_MAX);
	first = floor(low / step);
	if (first * step > low)
		first--;
	*n = (int) Min(floor(high / step - first + 1e-9) + 1, 10000);
	if ((first + *n) * step <= high)
		(*n)++;
	bounds = palloc((*n + 1) * sizeof(double));
	for (int i = 0; i <= *n; i++)
		bounds[i] = Max((first + i) * step, -DBL_MAX);
	return bounds;
}

/* Those of days and instants begin with the first one; the last bin has its end as well, but of days */
static double *
moment_bounds(ValueClass class, int bins, double low, double high, int *n)
{
	double step = high > low ? high / bins - low / bins : 1;
	double *bounds;

	step = class == CLASS_DATE ? ceil(Max(step, 1)) : Max(step, 1e-6);
	*n = (int) floor((high - low) / step + 1e-9) + 1;
	if (class != CLASS_DATE)
		*n = Min(*n, bins);
	bounds = palloc((*n + 1) * sizeof(double));
	/* whole microseconds, as they are shown */
	for (int i = 0; i <= *n; i++)
		bounds[i] = rint((low + step * i) * USECS_PER_SEC) / USECS_PER_SEC;
	if (class != CLASS_DATE)
		bounds[*n] = Max(bounds[*n], high);
	if (class == CLASS_TIME)
		bounds[*n] = Min(bounds[*n], SECS_PER_DAY);
	return bounds;
}

/* Bins as wide as each other, with bounds fit to read, of the values from the first of the distribution to the last */
static Bin *
equal_width(Sketch *s, const Distribution *d, int bins, double low, double high, double scale, int *n)
{
	ValueClass class = s->type.class;
	double *bounds = class_is_number(class) ? number_bounds(bins, low, high, n) : moment_bounds(class, bins, low, high, n);
	Bin *result = palloc(*n * sizeof(Bin));
	double before = 0;
	int64 least = d->items[0].key;

	if (s->min.set && !isinf(number_of_key(class, s->min.key)))
		least = Min(least, s->min.key);
	for (int i = 0; i < *n; i++)
	{
		double below = i == *n - 1 ? d->total : bound_key_share(d, class, bounds[i + 1]);

		/* far away a double of seconds has no microseconds */
		result[i].from = i == 0 && !class_is_number(class) ? text_of_key(&s->type, least) : bound_text(&s->type, bounds[i]);
		result[i].to = bound_text(&s->type, bounds[i + 1]);
		result[i].rows = (below - before) * scale;
		before = below;
	}
	return result;
}

/* The same of integers and truths, whose bounds are exact */
static Bin *
equal_width_integers(Sketch *s, const Distribution *d, int bins, int64 low, int64 high, double scale, int *n)
{
	int128 width = (int128) high - low;
	int128 step = width > bins ? (int128) round_step((double) width / bins * 0.999999) : 1;
	int128 start = (int128) low - ((int128) low % step + step) % step;
	Bin *result;
	double below = 0;
	int at = 0;

	*n = (int) (((int128) high - start) / step) + 1;
	result = palloc(*n * sizeof(Bin));
	for (int i = 0; i < *n; i++)
	{
		int128 from = start + step * i;
		double before = below;

		while (at < d->n && (d->items[at].key < from + step || i == *n - 1))
			below += d->items[at++].weight;
		result[i].from = s->type.class == CLASS_BOOLEAN ? text_of_key(&s->type, (int64) from) : int128_text(from);
		result[i].to = s->type.class == CLASS_BOOLEAN ? text_of_key(&s->type, (int64) Min(from + step, 1)) : int128_text(from + step);
		result[i].rows = (below - before) * scale;
	}
	return result;
}

/* Bins of as many rows as each other */
static Bin *
equal_height(Sketch *s, const Distribution *d, int bins, double scale, int *n)
{
	Bin *result = palloc(bins * sizeof(Bin));
	char *from = sketch_quantile_text(s, d, 0);
	double before = 0;

	*n = 0;
	for (int i = 1; i <= bins; i++)
	{
		int64 to = distribution_quantile(d, (double) i / bins);
		double below = i == bins ? d->total : distribution_below(d, to, true) * d->total;

		/* a value that fills more than one bin */
		if (below <= before)
			continue;
		result[*n].from = from;
		result[*n].to = sketch_quantile_text(s, d, (double) i / bins);
		from = result[*n].to;
		result[*n].rows = (below - before) * scale;
		(*n)++;
		before = below;
	}
	return result;
}

static Bin *
sketch_histogram(Sketch *s, int bins, bool height, int *n)
{
	Distribution d = sketch_distribution(s);
	Distribution finite;
	double values = (double) (s->rows - s->nulls - s->moments.nans);
	double low;
	double high;
	int first = 0;
	int last;

	*n = 0;
	if (d.n == 0)
		return NULL;
	if (height)
		return equal_height(s, &d, bins, values / d.total, n);
	values /= d.total;
	/* infinities have no place in it */
	last = d.n - 1;
	while (first < last && isinf(number_of_key(s->type.class, d.items[first].key)))
		first++;
	while (last > first && isinf(number_of_key(s->type.class, d.items[last].key)))
		last--;
	finite = (Distribution){.n = last - first + 1, .items = d.items + first};
	distribution_sort(&finite);
	low = number_of_key(s->type.class, d.items[first].key);
	high = number_of_key(s->type.class, d.items[last].key);
	if (s->min.set && s->moments.infinities == 0 && s->moments.nans == 0)
	{
		low = Min(low, number_of_key(s->type.class, s->min.key));
		high = Max(high, number_of_key(s->type.class, s->max.key));
	}
	if (isinf(low) || isinf(high))
		return NULL;
	if (s->type.class == CLASS_INTEGER || s->type.class == CLASS_BOOLEAN)
		return equal_width_integers(s, &finite, bins, Min(s->min.key, d.items[first].key), Max(s->max.key, d.items[last].key), values, n);
	return equal_width(s, &finite, bins, low, high, values, n);
}

Datum
profile_histogram(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Sketch *s = sketch_of_datum(PG_GETARG_DATUM(0));
	int bins = wanted_rows(fcinfo, 1, "the number of bins");
	int n;
	Bin *list = sketch_histogram(s, Min(bins, 1000), PG_GETARG_BOOL(2), &n);
	double values = (double) (s->rows - s->nulls);

	rows_begin(fcinfo);
	for (int i = 0; i < n; i++)
	{
		bool nulls[5] = {false};
		Datum row[5] = {Int32GetDatum(i + 1), text_or_null(list[i].from, &nulls[1]), text_or_null(list[i].to, &nulls[2]),
						Int64GetDatum((int64) rint(list[i].rows)), Float8GetDatum(list[i].rows / values)};

		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	PG_RETURN_NULL();
}
