/*
 * far.c
 *		Numbers and dates that lie far from the others.
 *
 * A value is far if it is beyond 3.5 robust standard deviations (Iglewicz and
 * Hoaglin) and beyond what the column's own tail leads one to expect of so many
 * values: else every long tail would be full of outliers.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "ingest_profile/crowd.h"
#include "ingest_profile/stats.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/timestamp.h"

#define ROBUST_Z 3.5     /* Iglewicz and Hoaglin */
#define Z_OF_MAD 0.6745  /* the normal distribution's upper quartile */
#define TAIL_SHARE 0.01  /* more values than this are no few */
#define TAIL_HALVINGS 6  /* of the rows, down to 1/64, which still hold no more than a few outliers */
#define TAIL_ROWS 8      /* are beyond the last of them at least */
#define TAIL_CHANCE 1e-3 /* that one value of a column without outliers is beyond the bound */

/* -- a distribution on the scale that it is judged by -- */

static Scaled
scaled_of(const OutlierSearch *o, const Distribution *d, bool logs)
{
	Scaled s = {.n = d->n, .x = palloc(d->n * sizeof(double)), .rows = palloc(d->n * sizeof(double)), .logs = logs};

	for (int i = 0; i < d->n; i++)
	{
		double x = number_of_key(o->s->type.class, d->items[i].key);

		s.x[i] = logs ? log(x) : x;
		s.rows[i] = d->items[i].weight;
		s.total += s.rows[i];
	}
	return s;
}

double
scaled_quantile(const Scaled *s, double q)
{
	double below = 0;

	for (int i = 0; i < s->n; i++)
	{
		below += s->rows[i];
		if (below >= q * s->total)
			return s->x[i];
	}
	return s->n > 0 ? s->x[s->n - 1] : get_float8_nan();
}

/* What lies between, the bounds themselves too */
Scaled
scaled_part(const Scaled *s, double low, double high)
{
	Scaled part = {.logs = s->logs};
	int from = 0;

	while (from < s->n && s->x[from] < low)
		from++;
	part.x = s->x + from;
	part.rows = s->rows + from;
	while (from + part.n < s->n && part.x[part.n] <= high)
		part.total += part.rows[part.n++];
	return part;
}

static double
median_deviation(const Scaled *s, double median)
{
	Distribution deviations = {.n = s->n, .items = palloc(s->n * sizeof(Weighted)), .total = s->total};

	for (int i = 0; i < s->n; i++)
		deviations.items[i] = (Weighted){key_of_double(fabs(s->x[i] - median)), s->rows[i]};
	distribution_sort(&deviations);
	return double_of_key(distribution_quantile(&deviations, 0.5));
}

/* -- the tail -- */

/*
 * Beyond what lies one of so many values, if the tail goes on as it began?  From one halving of the rows that are left to the
 * next (median, quartile, octile ...) quantiles grow by steps.  They are all alike in an exponential tail, and grow by a
 * constant factor in a power law's (Pickands' estimator, 1975).  The factor is a weighted regression's slope, plus its
 * error; a tail that thins out faster than an exponential one is taken for one.  The last halving leaves rows enough
 * that a few outliers beyond it do not move it.
 */
double
scaled_tail_bound(const Scaled *s, bool above)
{
	double at[TAIL_HALVINGS + 1] = {0};
	double weights = 0;
	double mean_j = 0;
	double mean_y = 0;
	double slope = 0;
	double spread = 0;
	double last;
	double growth;
	double halvings;
	int n = 2;

	while (n < TAIL_HALVINGS && s->total * pow(2, -(n + 1)) >= TAIL_ROWS)
		n++;
	for (int j = 1; j <= n; j++)
		at[j] = above ? scaled_quantile(s, 1 - pow(2, -j)) : -scaled_quantile(s, pow(2, -j));
	last = at[n] - at[n - 1];
	for (int pass = 0; pass < 2; pass++)
	{
		for (int j = Max(2, n - 3); j <= n; j++)
		{
			double step = at[j] - at[j - 1];
			double weight = s->total * pow(2, -j);

			if (step <= 0)
				continue;
			if (pass == 0)
			{
				weights += weight;
				mean_j += weight * j;
				mean_y += weight * log2(step);
			}
			else
			{
				spread += weight * (j - mean_j) * (j - mean_j);
				slope += weight * (j - mean_j) * (log2(step) - mean_y);
			}
		}
		if (weights == 0)
			return get_float8_infinity();
		if (pass == 0)
		{
			mean_j /= weights;
			mean_y /= weights;
		}
	}
	slope = spread > 0 ? slope / spread : 0;
	last = Max(last, pow(2, mean_y + slope * (n - mean_j)));
	growth = pow(2, Max(slope + 1.5 / sqrt(spread > 0 ? spread : s->total / 4), 0));
	halvings = log2(s->total * pow(2, -n) / TAIL_CHANCE);
	return (at[n] + last * (growth > 1 + 1e-9 ? growth * (pow(growth, halvings) - 1) / (growth - 1) : halvings)) *
		   (above ? 1 : -1);
}

/* -- findings -- */

/* A bound as a literal of the column's type */
char *
far_literal(const OutlierSearch *o, double x)
{
	ValueClass class = o->s->type.class;

	if (class_is_number(class))
	{
		/* integers compare with what is not one as numeric */
		if (class == CLASS_INTEGER)
			return psprintf("%.0f", x);
		return psprintf("%s%s", quote_literal_cstr(number_text(x)), class == CLASS_FLOAT ? "::float8" : "::numeric");
	}
	x = Max(Min(x, class == CLASS_DATE ? 1.4e8 : 9e12), class == CLASS_DATE ? -2.4e6 : -2e11);
	return psprintf(
		"%s::%s",
		quote_literal_cstr(text_of_key(&o->s->type, (int64) rint(x * (class == CLASS_DATE ? 1 : USECS_PER_SEC)))),
		class == CLASS_DATE        ? "date"
		: class == CLASS_TIMESTAMP ? "timestamp"
								   : "timestamptz");
}

/* All beyond a bound on the scale; it is rounded away from the middle where the column has integers */
bool
far_report(OutlierSearch *o, const Scaled *s, bool above, double bound, const char *kind, const char *method,
		   double most)
{
	const char *finite = o->s->type.class == CLASS_FLOAT && above ? psprintf(" AND %s <> 'NaN'", o->column) : "";
	char *literal;

	if (s->logs)
		bound = exp(bound);
	/* beyond what the type can hold nothing is */
	if (isinf(bound) || (o->s->type.class == CLASS_INTEGER && fabs(bound) > 9e18) ||
		(o->s->type.base == OIDOID && (bound < 0 || bound > PG_UINT32_MAX)))
		return false;
	if (o->s->type.class == CLASS_INTEGER || o->s->type.class == CLASS_DATE)
		bound = above ? floor(bound) : ceil(bound);
	literal = far_literal(o, bound);
	return outlier_report(o, kind, psprintf("%s %s: %s", above ? "above" : "below", literal, method),
						  psprintf("%s %c %s%s", o->column, above ? '>' : '<', literal, finite), most);
}

/* By its octiles, which outliers do not move: 0 if symmetric, 0.4 of an exponential distribution */
static bool
is_skewed(const Scaled *s)
{
	double low = scaled_quantile(s, 0.125);
	double middle = scaled_quantile(s, 0.5);
	double high = scaled_quantile(s, 0.875);

	return high > low && (high - middle) - (middle - low) > 0.3 * (high - low);
}

/*
 * Where each number comes once it may be an identifier, of which those of another range follow each other too.
 * Single ones far from all are typed wrong, or are tests.
 */
bool
far_is_other_range(const OutlierSearch *o, const Scaled *s, const Scaled *far)
{
	Scaled core = scaled_part(s, scaled_quantile(s, 0.25), scaled_quantile(s, 0.75));
	int near = 0;

	if (o->s->type.class != CLASS_INTEGER || sketch_distinct(o->s, &(double){0}) < 0.95 * o->values || far->n < 2 ||
		core.n < 2)
		return false;
	for (int i = 1; i < far->n; i++)
		near += far->x[i] - far->x[i - 1] <= 10 * far->rows[i] * (core.x[core.n - 1] - core.x[0]) / core.total;
	return 2 * near >= far->n - 1;
}

static void
report_few(OutlierSearch *o, const Scaled *s, double low, double high, const char *kind, const char *method, int told)
{
	double most = Max(o->values * TAIL_SHARE, 1);
	Scaled above = scaled_part(s, nextafter(high, get_float8_infinity()), get_float8_infinity());
	Scaled below = scaled_part(s, -get_float8_infinity(), nextafter(low, -get_float8_infinity()));

	/* what the quantiles' sketch keeps may stand for some more */
	if (above.total + below.total > (o->s->set.exact ? most : 1.5 * most))
		return;
	if (!(told & CROWD_BELOW) && !far_is_other_range(o, s, &below))
		(void) far_report(o, s, false, low, kind, method, most);
	if (!(told & CROWD_ABOVE) && !far_is_other_range(o, s, &above))
		(void) far_report(o, s, true, high, kind, method, most);
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

/* Such a number, or one digit over and over, or what is said instead of none */
bool
outlier_special_number(double x)
{
	char digits[32];

	if (is_round(x) || x == 0 || x == -1 || x == -9)
		return true;
	if (x != rint(x) || fabs(x) < 99 || fabs(x) > 1e15)
		return false;
	snprintf(digits, sizeof(digits), "%.0f", fabs(x));
	return strspn(digits, (char[]){digits[0], '\0'}) == strlen(digits);
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
			(void) outlier_report(o, "heap",
								  psprintf("%s, while each value around it is at most a tenth as frequent", text),
								  outlier_equals(o, text), o->values * CROWD_SHARE);
	}
}

/* Where the usual values end; the kind of finding that lies beyond, NULL if nothing can be said */
static const char *
robust_bounds(const Scaled *s, double *low, double *high)
{
	double median = scaled_quantile(s, 0.5);
	double spread = median_deviation(s, median);
	double q1 = scaled_quantile(s, 0.25);
	double q3 = scaled_quantile(s, 0.75);

	if (spread > 0)
	{
		*low = median - ROBUST_Z * spread / Z_OF_MAD;
		*high = median + ROBUST_Z * spread / Z_OF_MAD;
		return "robust z";
	}
	*low = q1 - 3 * (q3 - q1);
	*high = q3 + 3 * (q3 - q1);
	return q3 > q1 ? "far fence" : NULL;
}

void
outlier_far_values(OutlierSearch *o)
{
	Distribution d = sketch_distribution(o->s);
	Scaled s;
	bool positive;
	const char *kind;
	const char *method;
	double low;
	double high;
	int told = 0;

	if (d.n < 3 || moments_central(&o->s->moments).n < 20)
		return;
	find_heaps(o, &d);
	if (crowd_around_constant(o, &d) || crowd_off_sequence(o, &d))
		return;
	s = scaled_of(o, &d, false);
	positive = class_is_number(o->s->type.class) && s.x[0] > 0 && o->s->moments.infinities == 0;
	if (positive)
	{
		Scaled logs = scaled_of(o, &d, true);

		/* a long tail is judged by its logarithms; so are mistaken units, since a hundredth is near to a tenth */
		if (is_skewed(&s))
			s = logs;
		else if (robust_bounds(&logs, &low, &high) != NULL)
			told = crowd_report(o, &logs, low, high, true);
	}
	kind = robust_bounds(&s, &low, &high);
	if (kind == NULL)
		return;
	method = psprintf("more than %s%s, and beyond what the tail leads to expect",
					  strcmp(kind, "robust z") == 0 ? "3.5 robust standard deviations from the median"
													: "3 interquartile ranges beyond the quartiles",
					  s.logs ? ", by logarithms" : "");
	if (told == 0)
		told = crowd_report(o, &s, low, high, false);
	report_few(o, &s, Min(low, scaled_tail_bound(&s, false)), Max(high, scaled_tail_bound(&s, true)), kind, method,
			   told);
}
