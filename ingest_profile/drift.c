/*
 * drift.c
 *		profile_drift(): what changed between two profiles of a column.
 *
 * Each change is tested against chance before it counts, and must be large
 * enough to matter: on few rows every statistic moves, on many every move is
 * significant.
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hidden.h"
#include "ingest_profile/stats.h"
#include "utils/builtins.h"
#include "utils/float.h"

SQL_FUNCTION(profile_drift);

#define SIGNIFICANT_Z 3.29 /* two-sided, 0.1 % */
#define KLL_RANK_ERROR 0.007

typedef enum Verdict
{
	DRIFT_NONE,
	DRIFT_SLIGHT,
	DRIFT_STRONG
} Verdict;

static const char *const verdict_names[] = {"none", "slight", "strong"};

/* Two shares: is the difference no chance, and at least so large? */
static Verdict
share_verdict(double a, double na, double b, double nb, double slight, double strong)
{
	double p;
	double z;

	if (na < 1 || nb < 1 || fabs(a - b) < slight)
		return DRIFT_NONE;
	p = (a * na + b * nb) / (na + nb);
	z = fabs(a - b) / sqrt(Max(p * (1 - p), 1e-12) * (1 / na + 1 / nb));
	if (z < SIGNIFICANT_Z)
		return DRIFT_NONE;
	return fabs(a - b) >= strong ? DRIFT_STRONG : DRIFT_SLIGHT;
}

/* The largest difference of the two cumulative distributions */
static double
kolmogorov_smirnov(const Distribution *a, const Distribution *b)
{
	double most = 0;
	double fa = 0;
	double fb = 0;
	int i = 0;
	int j = 0;

	while (i < a->n || j < b->n)
	{
		int64 key = i >= a->n ? b->items[j].key : j >= b->n ? a->items[i].key
															: Min(a->items[i].key, b->items[j].key);

		for (; i < a->n && a->items[i].key == key; i++)
			fa += a->items[i].weight / a->total;
		for (; j < b->n && b->items[j].key == key; j++)
			fb += b->items[j].weight / b->total;
		most = Max(most, fabs(fa - fb));
	}
	return most;
}

/* PSI over tenths of the earlier distribution; bins is how many there were */
static double
stability_of_numbers(const Distribution *a, const Distribution *b, int *bins)
{
	double psi = 0;
	double before_a = 0;
	double before_b = 0;

	*bins = 0;
	for (int i = 1; i <= 10; i++)
	{
		int64 bound = distribution_quantile(a, i / 10.0);
		double fa = i == 10 ? 1 : distribution_below(a, bound, true);
		double fb = i == 10 ? 1 : distribution_below(b, bound, true);
		double sa = fa - before_a;
		double sb = fb - before_b;

		/* a value that fills more than a tenth */
		if (sa <= 0 && i < 10)
			continue;
		sa = Max(sa, 1e-4);
		sb = Max(sb, 1e-4);
		psi += (sb - sa) * log(sb / sa);
		(*bins)++;
		before_a = fa;
		before_b = fb;
	}
	return psi;
}

static double
share_in(const Sketch *s, uint64 hash)
{
	Entry *e = set_find((Set *) &s->set, hash);

	return e ? (double) e->count / Max((double) (s->rows - s->nulls), 1) : 0;
}

/* PSI over the frequent values of both, and the rest as one */
static double
stability_of_values(const Sketch *a, const Sketch *b, int *bins)
{
	double psi = 0;
	double rest_a = 1;
	double rest_b = 1;
	int n;
	Entry **ranked = set_ranked(&a->set, &n);

	*bins = Min(n, 20);
	for (int i = 0; i < *bins; i++)
	{
		double sa = Max(share_in(a, ranked[i]->hash), 1e-4);
		double sb = Max(share_in(b, ranked[i]->hash), 1e-4);

		psi += (sb - sa) * log(sb / sa);
		rest_a -= sa;
		rest_b -= sb;
	}
	rest_a = Max(rest_a, 1e-4);
	rest_b = Max(rest_b, 1e-4);
	psi += (rest_b - rest_a) * log(rest_b / rest_a);
	(*bins)++;
	return psi;
}

/* Under no change PSI is (1/na + 1/nb) chi-squared: its 99.9 % point, by Wilson and Hilferty */
static double
stability_by_chance(int bins, double na, double nb)
{
	double k = Max(bins - 1, 1);
	double h = 2.0 / (9 * k);
	double chi = k * pow(1 - h + 3.09 * sqrt(h), 3);

	return (1 / na + 1 / nb) * chi;
}

/* Frequent values of one that the other hardly has, as an array's text; how many rows' share they are */
static char *
values_missing(Sketch *here, Sketch *there, double *share)
{
	int n;
	Entry **ranked = set_ranked(&here->set, &n);
	double values = Max((double) (here->rows - here->nulls), 1);
	double values_there = (double) (there->rows - there->nulls);
	StringInfoData list;
	int shown = 0;

	*share = 0;
	initStringInfo(&list);
	for (int i = 0; i < n; i++)
	{
		double part = (double) ranked[i]->count / values;
		char *text;

		/* frequent here, and enough rows there that chance would have shown it */
		if (part < 0.005 || part * values_there < 20)
			break;
		if (set_find(&there->set, ranked[i]->hash) != NULL || there->set.offset > part * values_there / 10)
			continue;
		*share += part;
		text = sketch_entry_text(here, ranked[i]);
		if (text && shown++ < 10)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", text);
	}
	return list.len > 0 ? list.data : NULL;
}

static Shape *
shape_of(const Patterns *p, uint64 hash)
{
	for (int i = 0; i < p->nshapes; i++)
	{
		if (p->shapes[i].hash == hash)
			return &p->shapes[i];
	}
	return NULL;
}

/* Shapes of one that the other has not; only where all shapes are known */
static char *
shapes_missing(const Sketch *here, const Sketch *there, double *share)
{
	StringInfoData list;
	int n;
	Shape **ranked;

	*share = 0;
	if (here->patterns == NULL || there->patterns == NULL || !here->patterns->has_shapes || !there->patterns->shapes_exact)
		return NULL;
	initStringInfo(&list);
	ranked = patterns_ranked(here->patterns, &n);
	for (int i = 0; i < n; i++)
	{
		double part = (double) ranked[i]->count / Max((double) here->patterns->texts, 1);

		if (ranked[i]->mask == NULL || shape_of(there->patterns, ranked[i]->hash) != NULL ||
			part * (double) there->patterns->texts < 5)
			continue;
		*share += part;
		if (list.len < 200)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", ranked[i]->mask);
	}
	return list.len > 0 ? list.data : NULL;
}

static double
distinct_share(const Sketch *s)
{
	double error;

	return s->rows > s->nulls ? sketch_distinct(s, &error) / (double) (s->rows - s->nulls) : 0;
}

typedef struct Drift
{
	Figures figures;
	Verdict verdict;
	StringInfoData reasons;
} Drift;

static void
judge(Drift *d, Verdict verdict, const char *reason)
{
	if (verdict == DRIFT_NONE)
		return;
	d->verdict = Max(d->verdict, verdict);
	appendStringInfo(&d->reasons, "%s%s (%s)", d->reasons.len > 0 ? ", " : "", reason, verdict_names[verdict]);
}

static void
compare_shares(Drift *d, Sketch *a, Sketch *b)
{
	double na = (double) a->rows;
	double nb = (double) b->rows;
	double nulls_a = na > 0 ? (double) a->nulls / na : 0;
	double nulls_b = nb > 0 ? (double) b->nulls / nb : 0;
	double distinct_a = distinct_share(a);
	double distinct_b = distinct_share(b);
	double error_a;
	double error_b;
	double count_a = sketch_distinct(a, &error_a);
	double count_b = sketch_distinct(b, &error_b);

	figures_put(&d->figures, "null_share_before", number_text(nulls_a));
	figures_put(&d->figures, "null_share_after", number_text(nulls_b));
	figures_put(&d->figures, "distinct_share_before", number_text(distinct_a));
	figures_put(&d->figures, "distinct_share_after", number_text(distinct_b));
	judge(d, share_verdict(nulls_a, na, nulls_b, nb, 0.01, 0.1), "null share");
	/* a column of few values has the more distinct ones per row the fewer its rows: count those instead */
	if (Max(distinct_a, distinct_b) > 0.5)
		judge(d, share_verdict(distinct_a, na, distinct_b, nb, 0.03 + 2 * HLL_ERROR, 0.2), "distinct share");
	else if (Max(count_a, count_b) > 2 * Min(count_a, count_b) + 10 && Min(na, nb) > 20 * Min(count_a, count_b))
		judge(d, DRIFT_SLIGHT, "distinct count");
}

static void
compare_distributions(Drift *d, Sketch *a, Sketch *b)
{
	double na = (double) (a->rows - a->nulls);
	double nb = (double) (b->rows - b->nulls);
	Distribution da = sketch_distribution(a);
	Distribution db = sketch_distribution(b);
	double psi;
	double chance;
	int bins;

	if (na < 1 || nb < 1)
		return;
	if (da.n > 0 && db.n > 0 && a->type.class != CLASS_BOOLEAN)
	{
		double ks = kolmogorov_smirnov(&da, &db);
		double errors = (a->kll ? KLL_RANK_ERROR : 0) + (b->kll ? KLL_RANK_ERROR : 0);
		/* the 99.9 % point of its distribution under no change */
		double by_chance = 1.95 * sqrt((na + nb) / (na * nb));
		double real = Max(ks - errors, 0);

		if (class_is_number(a->type.class))
		{
			Central ca = moments_central(&a->moments);
			Central cb = moments_central(&b->moments);

			figures_put(&d->figures, "mean_before", number_text(ca.mean));
			figures_put(&d->figures, "mean_after", number_text(cb.mean));
		}
		figures_put(&d->figures, "median_before", sketch_quantile_text(a, &da, 0.5));
		figures_put(&d->figures, "median_after", sketch_quantile_text(b, &db, 0.5));
		figures_put(&d->figures, "p95_before", sketch_quantile_text(a, &da, 0.95));
		figures_put(&d->figures, "p95_after", sketch_quantile_text(b, &db, 0.95));
		figures_put(&d->figures, "ks", number_text(ks));
		if (real > by_chance && real >= 0.1)
			judge(d, real >= 0.25 ? DRIFT_STRONG : DRIFT_SLIGHT, "distribution");
	}
	psi = da.n > 0 && db.n > 0 && a->type.class != CLASS_BOOLEAN ? stability_of_numbers(&da, &db, &bins)
																 : stability_of_values(a, b, &bins);
	chance = stability_by_chance(bins, na, nb);
	figures_put(&d->figures, "psi", number_text(psi));
	if (psi > chance && psi >= 0.1)
		judge(d, psi >= 0.25 ? DRIFT_STRONG : DRIFT_SLIGHT, "population stability");
}

/* Dates whose day, month and year stand in another order or between other signs; not if that only depends on which days there were */
static bool
other_order(const HiddenGuess *a, const HiddenGuess *b)
{
	if (a->date == NULL || b->date == NULL)
		return false;
	return strcmp(a->date, b->date) != 0 && (a->swapped == NULL || strcmp(a->swapped, b->date) != 0) &&
		   (b->swapped == NULL || strcmp(b->swapped, a->date) != 0);
}

static void
compare_values(Drift *d, Sketch *a, Sketch *b)
{
	double share;
	HiddenGuess ha = hidden_guess(a);
	HiddenGuess hb = hidden_guess(b);
	char *list = values_missing(b, a, &share);

	figures_put(&d->figures, "new_values", list);
	if (list)
		judge(d, share >= 0.1 ? DRIFT_STRONG : DRIFT_SLIGHT, "new values");
	list = values_missing(a, b, &share);
	figures_put(&d->figures, "gone_values", list);
	if (list)
		judge(d, share >= 0.1 ? DRIFT_STRONG : DRIFT_SLIGHT, "gone values");
	list = shapes_missing(b, a, &share);
	figures_put(&d->figures, "new_patterns", list);
	if (list)
		judge(d, share >= 0.1 ? DRIFT_STRONG : DRIFT_SLIGHT, "new patterns");
	list = shapes_missing(a, b, &share);
	figures_put(&d->figures, "gone_patterns", list);
	figures_put(&d->figures, "hidden_type_before", ha.type ? pstrdup(ha.type) : NULL);
	figures_put(&d->figures, "hidden_type_after", hb.type ? pstrdup(hb.type) : NULL);
	if (a->rows > a->nulls && b->rows > b->nulls &&
		(ha.type == NULL) != (hb.type == NULL))
		judge(d, DRIFT_STRONG, "hidden type");
	else if (ha.type && hb.type && (strcmp(ha.type, hb.type) != 0 || other_order(&ha, &hb)))
		judge(d, DRIFT_STRONG, "hidden type");
}

Datum
profile_drift(PG_FUNCTION_ARGS)
{
	Sketch *a = sketch_of_datum(PG_GETARG_DATUM(0));
	Sketch *b = sketch_of_datum(PG_GETARG_DATUM(1));
	TupleDesc desc;
	Drift d = {.verdict = DRIFT_NONE};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "profile_drift() must return a row");
	initStringInfo(&d.reasons);
	figures_put(&d.figures, "type_before", a->type.name);
	figures_put(&d.figures, "type_after", b->type.name);
	figures_put(&d.figures, "rows_before", psprintf(INT64_FORMAT, a->rows));
	figures_put(&d.figures, "rows_after", psprintf(INT64_FORMAT, b->rows));
	compare_shares(&d, a, b);
	if (a->type.class == b->type.class)
		compare_distributions(&d, a, b);
	if (strcmp(a->type.name, b->type.name) != 0)
		judge(&d, DRIFT_STRONG, "type");
	else if (a->outdated == b->outdated)
		compare_values(&d, a, b);
	figures_put(&d.figures, "verdict", pstrdup(verdict_names[d.verdict]));
	figures_put(&d.figures, "reasons", d.reasons.len > 0 ? d.reasons.data : NULL);
	PG_RETURN_DATUM(HeapTupleGetDatum(figures_tuple(&d.figures, TupleDescGetAttInMetadata(desc))));
}
