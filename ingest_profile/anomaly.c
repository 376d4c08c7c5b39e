/*
 * anomaly.c
 *		anomaly_score() and anomaly_scores(): points of a metric that do not fit
 *		what was before them, one alarm for each episode.
 *
 * A short history is held against a model: a trend if there is one, a level for
 * each phase of the season, a spread that is fitted robustly and judged by
 * Student's t, on the scale on which such a metric's noise is alike.  A long
 * one tells its own tails: of the value, its steps, its means over several
 * lengths and its distance from the seasons before, how improbable is this by
 * the exponential tail of all that were before (peaks over a threshold).  A
 * score is that of the normal distribution's point that is as improbable, times
 * ALARM over ALARM_Z.
 *
 * Every point is judged by those before it alone, so that the score of a point
 * does not depend on what is appended.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(profile_anomaly_score);
SQL_FUNCTION(profile_anomaly_scores);

#define ALARM 4.0         /* beyond it a score is an alarm */
#define ALARM_Z 3.2       /* which is 0.14 % of what is usual, both sides together */
#define FEWEST 5          /* points, of the phase if there is a season */
#define REMEMBERED 20000  /* points of a history that are looked at */
#define MODEL_POINTS 100  /* that the model is fitted to */
#define MODEL_SEASON 12   /* longest season of the model, ... */
#define MODEL_LAST 400    /* ... with which it is used up to so long a history */
#define LEAST_SPREAD 0.02 /* of the level: a metric that never moved may move a little */
#define TREND_Z 3.0       /* Mann and Kendall's, from which on there is a trend */
#define TAIL_SHARE 0.01   /* of the points are the tail, ... */
#define TAIL_POINTS 20    /* ... and at least so many */
#define ECHOES 5          /* seasons before that are compared */
#define FEATURES 7

typedef enum Scale
{
	SCALE_AUTO,
	SCALE_AMOUNT,
	SCALE_COUNT,
	SCALE_RATE
} Scale;

/* Values in order; a window slides over them */
typedef struct Ordered
{
	int n;
	double *values;
} Ordered;

typedef struct Series
{
	int n;
	int season; /* 1: none */
	Scale scale;
	double *values; /* NaN: a gap */
	double *scores; /* what is found; NaN: too little was before */
	double *expected;
	bool *alarms;
} Series;

/* -- improbabilities -- */

/* Where the upper tail of the normal distribution is p (Abramowitz and Stegun, 26.2.23) */
static double
normal_point(double p)
{
	double t;

	if (p >= 0.5)
		return 0;
	t = sqrt(-2 * log(Max(p, 1e-300)));
	return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
}

/* The normal distribution's point that is as improbable as Student's t (Wallace, 1959) */
static double
normal_of_student(double t, double degrees)
{
	return copysign((8 * degrees + 1) / (8 * degrees + 3) * sqrt(degrees * log1p(t * t / degrees)), t);
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static double
median_of(double *values, int n)
{
	qsort(values, n, sizeof(double), compare_doubles);
	return n % 2 ? values[n / 2] : values[n / 2 - 1] / 2 + values[n / 2] / 2;
}

/*
 * How improbable are at least (or, lower, at most) so many events after sum in n points: a Poisson process of
 * unknown rate, for which Jeffreys's prior makes the next point negative binomial.
 */
static double
count_point(double count, double sum, double n)
{
	double r = sum + 0.5;
	double p = n / (n + 1);
	double term = pow(p, r);
	double below = 0;
	double z;

	/* beyond this the normal approximation of the transformed counts is as good */
	if (count > 200 || r > 5000)
		return get_float8_infinity();
	for (int k = 0; k < (int) count; k++)
	{
		below += term;
		term *= (r + k) / (k + 1) * (1 - p);
	}
	z = normal_point(Max(1 - below, 1e-300));
	return z > 0 ? z : -normal_point(below + term);
}

/* -- scales -- */

/* What a metric is, as its values have it: parts of one, whole numbers, amounts */
static Scale
scale_of(const Series *s, int from, int to)
{
	bool rate = true;
	bool count = true;
	bool fraction = false;

	if (s->scale != SCALE_AUTO)
		return s->scale;
	for (int i = from; i < to; i++)
	{
		double v = s->values[i];

		if (isnan(v))
			continue;
		rate &= v >= 0 && v <= 1;
		count &= v >= 0 && v == floor(v);
		fraction |= v != floor(v);
	}
	return rate && fraction ? SCALE_RATE : count ? SCALE_COUNT
												 : SCALE_AMOUNT;
}

/* The least part that is told from none, of a rate whose rows are not known: half of the least that occurred */
static double
least_part(const Series *s, int from, int to)
{
	double least = 0.001;

	for (int i = from; i < to; i++)
	{
		double v = s->values[i];

		if (v > 0 && v < 1)
			least = Min(least, Min(v, 1 - v));
	}
	return Max(least / 2, 1e-12);
}

static double
logit(double v, double least)
{
	v = Min(Max(v, least), 1 - least);
	return log(v / (1 - v));
}

/*
 * Counts: the square root below some thousand events, as their noise goes, and the logarithm above, as that of
 * whatever has a spread of LEAST_SPREAD of its level; what stabilises a negative binomial's variance.
 */
static double
root_of_count(double v)
{
	return asinh(LEAST_SPREAD * sqrt(v + 0.375)) / LEAST_SPREAD * 2;
}

/* -- the model of a short history -- */

typedef struct Model
{
	const Series *s;
	int from; /* the first point it knows, */
	int at;   /* and the one it judges */
	Scale scale;
	bool logs;
	double least;
	int n;
	double y[MODEL_POINTS]; /* NaN: a gap */
	double trend;           /* of a point */
} Model;

static double
on_scale(const Model *m, double v)
{
	switch (m->scale)
	{
		case SCALE_RATE:
			return logit(v, m->least);
		case SCALE_COUNT:
			return root_of_count(v);
		default:
			return m->logs ? log(Max(v, m->least)) : v;
	}
}

/* Amounts grow by factors, if none is negative */
static void
choose_scale(Model *m)
{
	double least_positive = get_float8_infinity();

	m->scale = scale_of(m->s, m->from, m->at + 1);
	m->logs = m->scale == SCALE_AMOUNT;
	for (int i = m->from; i <= m->at; i++)
	{
		double v = m->s->values[i];

		m->logs &= !(v < 0);
		if (v > 0)
			least_positive = Min(least_positive, v);
	}
	m->least = m->scale == SCALE_RATE ? least_part(m->s, m->from, m->at + 1) : isinf(least_positive) ? 1
																									 : least_positive / 2;
	m->n = m->at - m->from;
	for (int i = 0; i < m->n; i++)
		m->y[i] = isnan(m->s->values[m->from + i]) ? get_float8_nan() : on_scale(m, m->s->values[m->from + i]);
}

/* How many pairs of points of the same phase rise, less those that fall; and the variance of that by chance */
static double
rises_of(const Model *m, double *variance)
{
	double rises = 0;

	*variance = 0;
	for (int phase = 0; phase < Min(m->s->season, m->n); phase++)
	{
		double n = 0;

		for (int i = phase; i < m->n; i += m->s->season)
		{
			if (isnan(m->y[i]))
				continue;
			n++;
			for (int j = phase; j < i; j += m->s->season)
				rises += (m->y[i] > m->y[j]) - (m->y[i] < m->y[j]);
		}
		*variance += n * (n - 1) * (2 * n + 5) / 18;
	}
	return rises;
}

/* Theil and Sen's slope over these pairs, if Mann and Kendall find one: else none */
static void
find_trend(Model *m)
{
	double variance;
	double rises = rises_of(m, &variance);
	double *slopes;
	int n = 0;

	m->trend = 0;
	if (fabs(rises) <= TREND_Z * sqrt(variance))
		return;
	slopes = palloc(sizeof(double) * MODEL_POINTS * MODEL_POINTS / 2);
	for (int i = m->s->season; i < m->n; i++)
	{
		for (int j = i % m->s->season; j < i; j += m->s->season)
		{
			if (!isnan(m->y[i]) && !isnan(m->y[j]))
				slopes[n++] = (m->y[i] - m->y[j]) / (i - j);
		}
	}
	m->trend = median_of(slopes, n);
	pfree(slopes);
	for (int i = 0; i < m->n; i++)
		m->y[i] -= m->trend * (i - m->n);
}

/* The median of the points that are of the same phase as point i; how many there are */
static double
level_of_phase(const Model *m, int i, int *n)
{
	double points[MODEL_POINTS];
	int season = m->s->season;

	*n = 0;
	for (int j = i % season; j < m->n; j += season)
	{
		if (!isnan(m->y[j]))
			points[(*n)++] = m->y[j];
	}
	return *n > 0 ? median_of(points, *n) : get_float8_nan();
}

/* Standard deviation of what is left over, which three robust ones cut off; of n points k levels were fitted */
static double
spread_of(const double *rest, int n, int k)
{
	double *sizes = palloc(Max(n, 1) * sizeof(double));
	double bound;
	double sum = 0;

	for (int i = 0; i < n; i++)
		sizes[i] = fabs(rest[i]);
	bound = 3 * 1.4826 * median_of(sizes, n);
	for (int i = 0; i < n; i++)
		sum += Min(sizes[i], bound) * Min(sizes[i], bound);
	pfree(sizes);
	return sqrt(sum / Max(n - k, 1));
}

/* Whether counts vary less than events that happen by chance; the table's number of rows does */
static bool
steadier_than_chance(const double *rest, int n, int k)
{
	double degrees = Max(n - k, 1);
	double sum = 0;
	double h = 2 / (9 * degrees);

	/* the transformed counts have a variance of one, at least */
	for (int i = 0; i < n; i++)
		sum += rest[i] * rest[i];
	return sum < degrees * pow(Max(1 - h - 3.09 * sqrt(h), 0), 3);
}

static double
value_of_scale(const Model *m, double y)
{
	double root;

	switch (m->scale)
	{
		case SCALE_RATE:
			return 1 / (1 + exp(-y));
		case SCALE_COUNT:
			root = sinh(Min(y * LEAST_SPREAD / 2, 300)) / LEAST_SPREAD;
			return Max(root * root - 0.375, 0);
		default:
			return m->logs ? exp(y) : y;
	}
}

/* Poisson's point of a count, given those of its phase */
static double
point_of_counts(const Model *m)
{
	double sum = 0;
	double n = 0;

	for (int i = m->n % m->s->season; i < m->n; i += m->s->season)
	{
		double v = m->s->values[m->from + i];

		if (isnan(v))
			continue;
		sum += v;
		n++;
	}
	return count_point(m->s->values[m->at], sum, n);
}

/* What is not believed to be less, on the scale: LEAST_SPREAD of the level, of a rate five times so much of its odds */
static double
least_spread(const Model *m, double level)
{
	switch (m->scale)
	{
		case SCALE_RATE:
			return 5 * LEAST_SPREAD;
		case SCALE_COUNT:
			return tanh(level * LEAST_SPREAD / 2);
		default:
			return m->logs ? LEAST_SPREAD : Max(LEAST_SPREAD * fabs(level), 1e-12);
	}
}

/* The score of a point by the model, or NaN if too little is known */
static double
score_by_model(const Series *s, int at, double *expected)
{
	Model m = {.s = s, .at = at, .from = Max(0, at - Max(MODEL_POINTS / s->season, FEWEST + 1) * s->season)};
	double rest[MODEL_POINTS];
	double own[MODEL_POINTS];
	double levels_of[MODEL_POINTS];
	double level;
	double spread;
	double least;
	double z;
	bool by_chance;
	int nown = 0;
	int n = 0;
	int k;
	int levels;

	m.from = Max(m.from, at - MODEL_POINTS);
	choose_scale(&m);
	find_trend(&m);
	level = level_of_phase(&m, m.n, &k);
	if (k < FEWEST)
		return get_float8_nan();
	for (int i = 0; i < m.n; i++)
	{
		int of_phase;

		levels_of[i] = i < s->season ? level_of_phase(&m, i, &of_phase) : levels_of[i - s->season];
		if (isnan(m.y[i]))
			continue;
		rest[n++] = m.y[i] - levels_of[i];
		if (i % s->season == m.n % s->season)
			own[nown++] = rest[n - 1];
	}
	levels = Min(s->season, m.n) + (m.trend != 0);
	*expected = value_of_scale(&m, level);
	spread = spread_of(rest, n, levels);
	if (s->season > 1 && spread_of(own, nown, 1) > 2 * spread)
	{
		spread = spread_of(own, nown, 1);
		levels = n - nown + 1;
	}
	by_chance = m.scale == SCALE_COUNT && !steadier_than_chance(rest, n, levels);
	least = by_chance ? 1 : least_spread(&m, level);
	/* a level is the median of k points, which are 1.57 times as uncertain as a mean */
	z = (on_scale(&m, s->values[at]) - level) / (Max(spread, least) * sqrt(1 + 1.57 / k + (m.trend != 0 ? 3.0 / n : 0)));
	z = normal_of_student(z, Max(n - levels, 2));
	if (by_chance && m.trend == 0)
	{
		double of_counts = point_of_counts(&m);

		/* the rate may vary, too: then counts vary more than by chance */
		if (fabs(of_counts) < fabs(z))
			z = of_counts;
	}
	return z;
}

/* -- the tails of a long history -- */

/* Behind all that are not greater: equal ones, of which there may be many, need not move */
static int
place_of(const Ordered *o, double value)
{
	int low = 0;
	int high = o->n;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (o->values[middle] <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
ordered_add(Ordered *o, double value)
{
	int place = place_of(o, value);

	memmove(o->values + place + 1, o->values + place, (o->n - place) * sizeof(double));
	o->values[place] = value;
	o->n++;
}

static void
ordered_remove(Ordered *o, double value)
{
	int place = place_of(o, value) - 1;

	memmove(o->values + place, o->values + place + 1, (o->n - place - 1) * sizeof(double));
	o->n--;
}

/* How improbable a value so far up (sign 1) or down (-1) is; 1 if it is not in the tail */
static double
tail_of(const Ordered *o, double value, int sign, double least)
{
	int tail = Max((int) (TAIL_SHARE * o->n), Min(TAIL_POINTS, o->n / 4));
	double bound = sign > 0 ? o->values[o->n - 1 - tail] : -o->values[tail];
	double excess = 0;

	value *= sign;
	if (value <= bound)
		return 1;
	for (int i = 0; i < tail; i++)
		excess += (sign > 0 ? o->values[o->n - 1 - i] : -o->values[i]) - bound;
	excess = Max(excess / tail, 0.05 * (o->values[3 * o->n / 4] - o->values[o->n / 4]));
	return (double) tail / o->n * exp(-(value - bound) / Max(excess, least));
}

typedef struct Tails
{
	const Series *s;
	Scale scale;
	bool logs;
	double least; /* of a rate, or of a positive amount */
	double *y;    /* on the scale; a gap has the value before it */
	double *sums;
	Ordered seen[FEATURES];
	double *features[FEATURES];
} Tails;

static double
mean_of(const Tails *t, int from, int to)
{
	return (t->sums[to] - t->sums[from]) / (to - from);
}

/*
 * Off the median of the same phase in some seasons before, in means over a 48th of it; of several, since an odd one
 * is no measure.
 */
static double
off_season(const Tails *t, int at, int season)
{
	int width = Max(t->s->season / 48, 1);
	double before[ECHOES];
	int n = 0;

	while (n < ECHOES && at - (n + 1) * season - width + 1 >= 0)
	{
		int to = at + 1 - (n + 1) * season;

		before[n++] = mean_of(t, to - width, to);
	}
	return n == 0 ? get_float8_nan() : mean_of(t, at + 1 - width, at + 1) - median_of(before, n);
}

/* What is looked at of a point; NaN: not enough before it.  Lengths are shares of a season, or as if that were 48 */
static double
feature_of(const Tails *t, int feature, int at)
{
	int season = t->s->season > 1 ? t->s->season : 48;
	int width = Max(season / 48, 1);
	int of_hour = Max(season / 24, 6);
	int of_watch = Max(season / 4, 12);
	int of_morning = Max(8 * width, 24);

	switch (feature)
	{
		case 0:
			return t->y[at];
		case 1:
			return at < 1 ? get_float8_nan() : t->y[at] - t->y[at - 1];
		case 2:
			return at < of_hour ? get_float8_nan() : mean_of(t, at + 1 - of_hour, at + 1);
		case 3:
			return at < of_watch ? get_float8_nan() : mean_of(t, at + 1 - of_watch, at + 1);
		case 4:
			if (at < of_morning)
				return get_float8_nan();
			return mean_of(t, at + 1 - width, at + 1) - mean_of(t, at + 1 - of_morning, at + 1 - width);
		case 5:
			return t->s->season > 1 ? off_season(t, at, season) : get_float8_nan();
		default:
			return t->s->season > 1 && at > 7 * season ? off_season(t, at, 7 * season) : get_float8_nan();
	}
}

/* The point on its scale */
static void
tails_know(Tails *t, int at)
{
	double v = t->s->values[at];

	if (isnan(v))
		t->y[at] = at > 0 ? t->y[at - 1] : 0;
	else if (t->scale == SCALE_RATE)
		t->y[at] = logit(v, t->least);
	else
		t->y[at] = t->logs ? log(Max(v, t->least)) : v;
	t->sums[at + 1] = t->sums[at] + t->y[at];
	for (int i = 0; i < FEATURES; i++)
		t->features[i][at] = feature_of(t, i, at);
}

static void
tails_keep(Tails *t, int at)
{
	int forgotten = at - REMEMBERED;

	for (int i = 0; i < FEATURES; i++)
	{
		if (isfinite(t->features[i][at]) && !isnan(t->s->values[at]))
			ordered_add(&t->seen[i], t->features[i][at]);
		if (forgotten >= 0 && isfinite(t->features[i][forgotten]) && !isnan(t->s->values[forgotten]))
			ordered_remove(&t->seen[i], t->features[i][forgotten]);
	}
}

/* Level of a part of the history, for its growth */
static double
level_between(const Series *s, int from, int to)
{
	double *points = palloc(Max(to - from, 1) * sizeof(double));
	int n = 0;
	double median;

	for (int i = from; i < to; i++)
	{
		if (!isnan(s->values[i]))
			points[n++] = s->values[i];
	}
	median = n > 0 ? median_of(points, n) : 0;
	pfree(points);
	return median;
}

/*
 * With each doubling of the history the scale is chosen again: logarithms if the level has doubled or halved, which
 * noise follows.
 */
static void
tails_begin(Tails *t, int at)
{
	int quarter = (at + 1) / 4;
	double early = level_between(t->s, 0, quarter);
	double late = level_between(t->s, at - quarter, at);

	t->scale = scale_of(t->s, 0, at);
	t->least = get_float8_infinity();
	t->logs = t->scale != SCALE_RATE && early > 0 && late > 0 && Max(early / late, late / early) > 2;
	for (int i = 0; i < at; i++)
	{
		double v = t->s->values[i];

		t->logs &= !(v < 0);
		if (v > 0)
			t->least = Min(t->least, v);
	}
	t->least = t->scale == SCALE_RATE ? least_part(t->s, 0, at) : t->least / 2;
	for (int i = 0; i < FEATURES; i++)
		t->seen[i].n = 0;
	for (int i = 0; i < at; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tails_know(t, i);
		tails_keep(t, i);
	}
}

/* The most improbable of what is looked at, times how many there are; it has the sign of that */
static double
score_by_tails(Tails *t, int at, double *expected)
{
	double best = 1;
	int sign = 1;
	int looked = 0;
	const Ordered *points = &t->seen[0];
	double level = points->n > 0 ? points->values[points->n / 2] : 0;
	double least = t->scale == SCALE_RATE ? 5 * LEAST_SPREAD / 4 : t->logs ? LEAST_SPREAD / 4
																		   : Max(fabs(level) * LEAST_SPREAD / 40, 1e-300);

	*expected = t->scale == SCALE_RATE ? 1 / (1 + exp(-level)) : t->logs ? exp(level)
																		 : level;
	for (int i = 0; i < FEATURES; i++)
	{
		double value = t->features[i][at];

		if (!isfinite(value) || t->seen[i].n < 2 * TAIL_POINTS)
			continue;
		looked++;
		for (int s = -1; s <= 1; s += 2)
		{
			double p = tail_of(&t->seen[i], value, s, least);

			if (p < best)
			{
				best = p;
				sign = s;
			}
		}
	}
	return looked == 0 ? get_float8_nan() : sign * normal_point(Min(best * looked, 1));
}

/* -- all points, one after the other -- */

static Tails *
tails_new(const Series *s)
{
	Tails *t = palloc0(sizeof(Tails));

	t->s = s;
	t->y = palloc(sizeof(double) * Max(s->n, 1));
	t->sums = palloc0(sizeof(double) * (s->n + 1));
	for (int i = 0; i < FEATURES; i++)
	{
		t->features[i] = palloc(sizeof(double) * Max(s->n, 1));
		t->seen[i].values = palloc(sizeof(double) * (Min(s->n, REMEMBERED) + 2));
	}
	return t;
}

static bool
has_model(const Series *s, int at)
{
	return at < MODEL_POINTS || (at < MODEL_LAST && s->season <= MODEL_SEASON);
}

/*
 * Scores of all points.  An episode is over when the sixth part of a season (three points at least) was quiet; only
 * its first point is an alarm, and the scores of the others do not go beyond ALARM.
 */
static void
score_all(Series *s)
{
	Tails *t = s->n > MODEL_POINTS ? tails_new(s) : NULL;
	int quiet = Max((s->season > 1 ? s->season : 48) / 6, 3);
	int last = -1; /* unusual point */
	int again = 0; /* where the scale is chosen next */

	for (int i = 0; i < s->n; i++)
	{
		bool model = has_model(s, i);
		double z = get_float8_nan();
		double score;

		CHECK_FOR_INTERRUPTS();
		s->expected[i] = get_float8_nan();
		if (!model && i >= again)
		{
			tails_begin(t, i);
			again = 2 * i;
		}
		if (!model)
			tails_know(t, i);
		if (!isnan(s->values[i]))
			z = model ? score_by_model(s, i, &s->expected[i]) : score_by_tails(t, i, &s->expected[i]);
		if (!model)
			tails_keep(t, i);
		score = z * ALARM / ALARM_Z;
		s->alarms[i] = false;
		if (fabs(score) > ALARM)
		{
			s->alarms[i] = last < 0 || i - last > (model ? Max(s->season > 1 ? s->season / 6 : 0, 3) : quiet);
			last = i;
			if (!s->alarms[i])
				score = copysign(ALARM, score);
		}
		s->scores[i] = score;
	}
}

static Scale
scale_argument(FunctionCallInfo fcinfo, int number)
{
	char *name;

	if (PG_ARGISNULL(number))
		return SCALE_AUTO;
	name = text_to_cstring(PG_GETARG_TEXT_PP(number));
	if (strcmp(name, "amount") == 0)
		return SCALE_AMOUNT;
	if (strcmp(name, "count") == 0)
		return SCALE_COUNT;
	if (strcmp(name, "rate") == 0)
		return SCALE_RATE;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no kind of metric \"%s\"", pnstrdup(name, pg_mbcliplen(name, strlen(name), 60))),
			 errhint("The kinds are amount, count and rate.")));
	return SCALE_AUTO;
}

static void
require_kind(Scale scale, double value)
{
	if (isfinite(value) && ((scale == SCALE_RATE && (value < 0 || value > 1)) || (scale == SCALE_COUNT && value < 0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%g is not a %s", value,
						scale == SCALE_RATE ? "rate: rates are between 0 and 1" : "count: counts are not negative")));
}

/* An array's points and perhaps one more; the last ones, where there are more than are looked at */
static Series *
series_of(ArrayType *array, const double *more, Datum season, bool no_season, Scale scale, int most, int *skipped)
{
	Series *s = palloc0(sizeof(Series));
	Datum *elements;
	bool *nulls;
	int n;

	if (!no_season && DatumGetInt32(season) < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a season has at least 2 points, not %d", DatumGetInt32(season))));
	deconstruct_array(array, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls, &n);
	*skipped = Max(n - most, 0);
	s->n = n - *skipped + (more != NULL);
	/* one that is longer than the series is none */
	s->season = no_season ? 1 : Min(DatumGetInt32(season), s->n + 1);
	s->scale = scale;
	s->values = palloc(sizeof(double) * (s->n + 1));
	s->scores = palloc(sizeof(double) * (s->n + 1));
	s->expected = palloc(sizeof(double) * (s->n + 1));
	s->alarms = palloc(sizeof(bool) * (s->n + 1));
	for (int i = *skipped; i < n; i++)
	{
		double v = nulls[i] ? get_float8_nan() : DatumGetFloat8(elements[i]);

		require_kind(scale, v);
		s->values[i - *skipped] = isfinite(v) ? v : get_float8_nan();
	}
	if (more != NULL)
		s->values[s->n - 1] = *more;
	return s;
}

/* anomaly_score(history, value, season, kind) */
Datum
profile_anomaly_score(PG_FUNCTION_ARGS)
{
	Scale scale = scale_argument(fcinfo, 3);
	double value;
	Series *s;
	int skipped;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	value = PG_GETARG_FLOAT8(1);
	require_kind(scale, value);
	s = series_of(PG_GETARG_ARRAYTYPE_P(0), &value, PG_GETARG_DATUM(2), PG_ARGISNULL(2), scale, REMEMBERED, &skipped);
	if (!isfinite(value))
		PG_RETURN_NULL();
	score_all(s);
	if (isnan(s->scores[s->n - 1]))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(s->scores[s->n - 1]);
}

/* anomaly_scores(series, season, kind) → point, value, expected, score, alarm */
Datum
profile_anomaly_scores(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Scale scale = scale_argument(fcinfo, 2);
	Series *s;
	int skipped;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	s = series_of(PG_GETARG_ARRAYTYPE_P(0), NULL, PG_GETARG_DATUM(1), PG_ARGISNULL(1), scale, PG_INT32_MAX, &skipped);
	score_all(s);
	for (int i = 0; i < s->n; i++)
	{
		Datum row[5] = {Int32GetDatum(i + 1), Float8GetDatum(s->values[i]), Float8GetDatum(s->expected[i]),
						Float8GetDatum(s->scores[i]), BoolGetDatum(s->alarms[i])};
		bool nulls[5] = {false, isnan(s->values[i]), isnan(s->expected[i]), isnan(s->scores[i]), false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
	}
	return (Datum) 0;
}
