/*
 * drift.c
 *		profile_drift(): what changed between two profiles of a column.
 *
 * Each figure that two sketches have is compared.  A change is tested against
 * chance before it counts, and must be large enough to matter: on few rows every
 * statistic moves, on many every move is significant.
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "ingest_profile/chance.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hidden.h"
#include "ingest_profile/stats.h"
#include "utils/builtins.h"
#include "utils/float.h"

SQL_FUNCTION(profile_drift);

/*
 * How seldom chance may do what one kind of comparison takes for a change.  There are at most twenty kinds, so all
 * of them together cry wolf in at most one of a thousand pairs of profiles, and in fewer, as they go together.
 */
#define CHANCE 5e-5
#define KLL_RANK_ERROR 0.007
#define MATTERS 0.01 /* a share that changes by less has not changed, ... */
#define MULTIPLE 5.0 /* ... unless it is so many times what it was */
#define STRONG 0.1
#define VALUES_COMPARED 20

typedef enum Verdict
{
	DRIFT_NONE,
	DRIFT_SLIGHT,
	DRIFT_STRONG
} Verdict;

static const char *const verdict_names[] = {"none", "slight", "strong"};

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

/* PSI over tenths of the earlier distribution */
static double
stability_of_numbers(const Distribution *a, const Distribution *b)
{
	double psi = 0;
	double before_a = 0;
	double before_b = 0;

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
		before_a = fa;
		before_b = fb;
	}
	return psi;
}

static double
values_of(const Sketch *s)
{
	return (double) (s->rows - s->nulls);
}

static double
count_in(const Sketch *s, uint64 hash)
{
	Entry *e = set_find((Set *) &s->set, hash);

	return e ? (double) e->count : 0;
}

/*
 * PSI over the frequent values of both, and the rest as one; chance is how often the one that differs most would by
 * chance.  What a set that is not exact may have missed is taken as if it made them more alike.
 */
static double
stability_of_values(const Sketch *a, const Sketch *b, double *chance)
{
	double na = values_of(a);
	double nb = values_of(b);
	double least = 0.5 / (na + nb);
	double psi = 0;
	double rest_a = 1;
	double rest_b = 1;
	int n = 0;
	Entry **ranked = set_ranked(&a->set, &n);
	int bins = Min(n, VALUES_COMPARED);

	*chance = 1;
	for (int i = 0; i < bins; i++)
	{
		double ca = count_in(a, ranked[i]->hash);
		double cb = count_in(b, ranked[i]->hash);
		double slack_a = (double) a->set.offset;
		double slack_b = (double) b->set.offset;
		double sa = Max(ca / na, least);
		double sb = Max(cb / nb, least);

		psi += (sb - sa) * log(sb / sa);
		rest_a -= sa;
		rest_b -= sb;
		if (ca * nb > cb * na)
			cb = Min(cb + slack_b, ca * nb / na);
		else
			ca = Min(ca + slack_a, cb * na / nb);
		*chance = Min(*chance, bins * chance_of_counts(ca, na, cb, nb));
	}
	rest_a = Max(rest_a, least);
	rest_b = Max(rest_b, least);
	return psi + (rest_b - rest_a) * log(rest_b / rest_a);
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

		/* frequent here, so that there are at most 200 of them */
		if (part < 0.005)
			break;
		if (set_find(&there->set, ranked[i]->hash) != NULL || there->set.offset > part * values_there / 10)
			continue;
		if (CHANCE < Min(n, 200) *
						 chance_of_counts((double) there->set.offset, values_there, (double) ranked[i]->count, values))
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

/* The same shapes but for how many digits there are: 9{2} and 9{3} */
static bool
alike_but_digits(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return false;
	while (*a == *b && *a != '\0')
	{
		if (*a == '9')
		{
			a += a[1] == '{' ? strcspn(a, "}") + 1 : 1;
			b += b[1] == '{' ? strcspn(b, "}") + 1 : 1;
			continue;
		}
		a++;
		b++;
	}
	return *a == *b;
}

/* Texts of shapes that are alike but for digits; how many such shapes there are */
static double
texts_alike(const Patterns *p, const char *mask, int *shapes)
{
	double texts = 0;

	*shapes = 0;
	for (int i = 0; i < p->nshapes; i++)
	{
		if (!alike_but_digits(p->shapes[i].mask, mask))
			continue;
		texts += (double) p->shapes[i].count;
		(*shapes)++;
	}
	return texts;
}

/* Numbers that run have more digits one day; where their width varied it may vary further */
static bool
width_varies(const Patterns *p, const char *mask)
{
	int shapes;

	(void) texts_alike(p, mask, &shapes);
	return shapes > 1;
}

/* Shapes of one that the other has not, and that chance would have shown there; only where all shapes are known */
static char *
shapes_missing(const Sketch *here, const Sketch *there, double *share)
{
	StringInfoData list;
	int n;
	Shape **ranked;
	double texts;

	*share = 0;
	if (here->patterns == NULL || there->patterns == NULL || !here->patterns->has_shapes || !there->patterns->shapes_exact)
		return NULL;
	texts = (double) here->patterns->texts;
	initStringInfo(&list);
	ranked = patterns_ranked(here->patterns, &n);
	for (int i = 0; i < n; i++)
	{
		double count = (double) ranked[i]->count;

		if (ranked[i]->mask == NULL || shape_of(there->patterns, ranked[i]->hash) != NULL ||
			width_varies(there->patterns, ranked[i]->mask) ||
			chance_of_counts(0, (double) there->patterns->texts, count, texts) * n > CHANCE)
			continue;
		*share += count / texts;
		if (list.len < 200)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", ranked[i]->mask);
	}
	return list.len > 0 ? list.data : NULL;
}

/* The largest change of the share of a shape that both have, if it is no chance; those whose width varies are one */
static double
shapes_moved(const Patterns *a, const Patterns *b)
{
	double most = 0;

	for (int i = 0; i < a->nshapes; i++)
	{
		const char *mask = a->shapes[i].mask;
		const Shape *other = shape_of(b, a->shapes[i].hash);
		bool varies = width_varies(a, mask) || width_varies(b, mask);
		int shapes;
		double ca = varies ? texts_alike(a, mask, &shapes) : (double) a->shapes[i].count;
		double cb = varies ? texts_alike(b, mask, &shapes) : other ? (double) other->count
																   : 0;
		double moved = fabs(ca / a->texts - cb / b->texts);

		if (cb > 0 && moved > most && chance_of_counts(ca, (double) a->texts, cb, (double) b->texts) * a->nshapes < CHANCE)
			most = moved;
	}
	return most;
}

/* Are nearly all texts of shapes whose width varies?  Then so do their lengths */
static bool
lengths_vary(const Patterns *p)
{
	double varying = 0;

	for (int i = 0; p->shapes_exact && i < p->nshapes; i++)
	{
		if (width_varies(p, p->shapes[i].mask))
			varying += (double) p->shapes[i].count;
	}
	return varying > 0.9 * (double) p->texts;
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

/* Two counts as shares of rows: is the difference no chance, and does it matter? */
static void
judge_share(Drift *d, const char *what, double a, double na, double b, double nb)
{
	double sa = na > 0 ? a / na : 0;
	double sb = nb > 0 ? b / nb : 0;

	if (fabs(sa - sb) < MATTERS && Max(sa, sb) < MULTIPLE * Min(sa, sb))
		return;
	if (chance_of_counts(a, na, b, nb) < CHANCE)
		judge(d, fabs(sa - sb) >= STRONG ? DRIFT_STRONG : DRIFT_SLIGHT, what);
}

static void
compare_shares(Drift *d, Sketch *a, Sketch *b)
{
	double na = (double) a->rows;
	double nb = (double) b->rows;
	double distinct_a = distinct_share(a);
	double distinct_b = distinct_share(b);
	double moved = fabs(distinct_a - distinct_b);
	double error_a;
	double error_b;
	double count_a = sketch_distinct(a, &error_a);
	double count_b = sketch_distinct(b, &error_b);

	figures_put(&d->figures, "null_share_before", number_text(na > 0 ? (double) a->nulls / na : 0));
	figures_put(&d->figures, "null_share_after", number_text(nb > 0 ? (double) b->nulls / nb : 0));
	figures_put(&d->figures, "distinct_share_before", number_text(distinct_a));
	figures_put(&d->figures, "distinct_share_after", number_text(distinct_b));
	judge_share(d, "null share", (double) a->nulls, na, (double) b->nulls, nb);
	/* a column of few values has the more distinct ones per row the fewer its rows: count those instead */
	if (Max(distinct_a, distinct_b) > 0.5)
	{
		if (moved >= 0.03 + 2 * HLL_ERROR && chance_of_counts(count_a, values_of(a), count_b, values_of(b)) < CHANCE)
			judge(d, moved >= 0.2 ? DRIFT_STRONG : DRIFT_SLIGHT, "distinct share");
	}
	else if (Max(count_a, count_b) > 2 * Min(count_a, count_b) + 10 && Min(na, nb) > 20 * Min(count_a, count_b))
		judge(d, DRIFT_SLIGHT, "distinct count");
}

/* Of the values of both together the upper and the lower tenth, twentieth and hundredth: whose are they? */
static void
compare_tails(Drift *d, const Distribution *a, const Distribution *b, double error)
{
	static const double quantiles[] = {0.01, 0.05, 0.1, 0.9, 0.95, 0.99};
	Distribution both = {.items = palloc((a->n + b->n) * sizeof(Weighted))};
	Verdict upper = DRIFT_NONE;
	Verdict lower = DRIFT_NONE;

	memcpy(both.items, a->items, a->n * sizeof(Weighted));
	memcpy(both.items + a->n, b->items, b->n * sizeof(Weighted));
	both.n = a->n + b->n;
	distribution_sort(&both);
	for (int i = 0; i < lengthof(quantiles); i++)
	{
		int64 bound = distribution_quantile(&both, quantiles[i]);
		bool up = quantiles[i] > 0.5;
		double sa = up ? 1 - distribution_below(a, bound, true) : distribution_below(a, bound, false);
		double sb = up ? 1 - distribution_below(b, bound, true) : distribution_below(b, bound, false);
		double moved = fabs(sa - sb) - error;
		double chance;

		if (moved < MATTERS || Max(sa, sb) < 2 * Min(sa, sb))
			continue;
		/* ranks that are estimated may be off, so that they are more alike */
		if (sa > sb)
			sa = sb + moved;
		else
			sb = sa + moved;
		chance = chance_of_counts(rint(sa * a->total), a->total, rint(sb * b->total), b->total);
		if (chance * lengthof(quantiles) / 2 > CHANCE)
			continue;
		if (up)
			upper = Max(upper, moved >= STRONG / 2 ? DRIFT_STRONG : DRIFT_SLIGHT);
		else
			lower = Max(lower, moved >= STRONG / 2 ? DRIFT_STRONG : DRIFT_SLIGHT);
	}
	judge(d, upper, "upper tail");
	judge(d, lower, "lower tail");
}

/* Sums of squares and fourth powers of the numbers about a point that is not their mean */
static Central
about(const Central *c, double point)
{
	double shift = c->mean - point;
	Central moved = *c;

	moved.m2 = c->m2 + c->n * shift * shift;
	moved.m4 = c->m4 + 4 * shift * c->m3 + 6 * shift * shift * c->m2 + c->n * shift * shift * shift * shift;
	return moved;
}

/* Mean and spread, whatever the tails */
static void
compare_moments(Drift *d, const Sketch *a, const Sketch *b)
{
	Central ca = moments_central(&a->moments);
	Central cb = moments_central(&b->moments);
	double n = ca.n + cb.n;
	double before = ca.mean;
	double moved = cb.mean - before;
	double mean = n > 0 ? (ca.mean * ca.n + cb.mean * cb.n) / n : 0;
	double spread;
	double squares;
	double fourth;
	double by_spread;

	if (ca.n < 2 || cb.n < 2)
		return;
	ca = about(&ca, mean);
	cb = about(&cb, mean);
	squares = (ca.m2 + cb.m2) / n;
	fourth = (ca.m4 + cb.m4) / n - squares * squares;
	spread = sqrt(squares);
	by_spread = fabs(moved) / spread;
	if (chance_of_means(moved, squares, ca.n, cb.n) < CHANCE &&
		(by_spread >= 0.25 || (by_spread >= 0.1 && fabs(moved) >= 0.2 * fabs(before))))
		judge(d, by_spread >= 0.5 || fabs(moved) >= fabs(before) ? DRIFT_STRONG : DRIFT_SLIGHT, "mean");
	if (chance_of_means(cb.m2 / cb.n - ca.m2 / ca.n, fourth, ca.n, cb.n) < CHANCE)
	{
		double ratio = Max(ca.m2 / ca.n, cb.m2 / cb.n) / Max(Min(ca.m2 / ca.n, cb.m2 / cb.n), 1e-300);

		judge(d, ratio >= 9 ? DRIFT_STRONG : ratio >= 2.25 ? DRIFT_SLIGHT
														   : DRIFT_NONE,
			  "spread");
	}
}

static void
compare_numbers(Drift *d, const Sketch *a, const Sketch *b)
{
	const Moments *ma = &a->moments;
	const Moments *mb = &b->moments;
	double na = values_of(a);
	double nb = values_of(b);

	figures_put(&d->figures, "mean_before", number_text(moments_central(ma).mean));
	figures_put(&d->figures, "mean_after", number_text(moments_central(mb).mean));
	compare_moments(d, a, b);
	judge_share(d, "zeros", (double) ma->zeros, na, (double) mb->zeros, nb);
	judge_share(d, "negatives", (double) ma->negatives, na, (double) mb->negatives, nb);
	judge_share(d, "NaN", (double) ma->nans, na, (double) mb->nans, nb);
	judge_share(d, "infinities", (double) ma->infinities, na, (double) mb->infinities, nb);
}

static void
compare_order(Drift *d, Sketch *a, Sketch *b, const Distribution *da, const Distribution *db)
{
	double ks = kolmogorov_smirnov(da, db);
	double error = (a->kll ? KLL_RANK_ERROR : 0) + (b->kll ? KLL_RANK_ERROR : 0);
	double real = Max(ks - error, 0);
	double psi = stability_of_numbers(da, db);

	figures_put(&d->figures, "median_before", sketch_quantile_text(a, da, 0.5));
	figures_put(&d->figures, "median_after", sketch_quantile_text(b, db, 0.5));
	figures_put(&d->figures, "p95_before", sketch_quantile_text(a, da, 0.95));
	figures_put(&d->figures, "p95_after", sketch_quantile_text(b, db, 0.95));
	figures_put(&d->figures, "ks", number_text(ks));
	figures_put(&d->figures, "psi", number_text(psi));
	/* the index has no other chance than the distance of the same distributions */
	if (chance_of_distance(real, da->total, db->total) < CHANCE)
	{
		if (real >= 0.1)
			judge(d, real >= 0.25 ? DRIFT_STRONG : DRIFT_SLIGHT, "distribution");
		if (psi >= 0.1)
			judge(d, psi >= 0.25 ? DRIFT_STRONG : DRIFT_SLIGHT, "population stability");
	}
	compare_tails(d, da, db, error);
}

static void
compare_distributions(Drift *d, Sketch *a, Sketch *b)
{
	Distribution da;
	Distribution db;
	double psi;
	double chance;

	if (values_of(a) < 1 || values_of(b) < 1)
		return;
	if (class_is_number(a->type.class))
		compare_numbers(d, a, b);
	da = sketch_distribution(a);
	db = sketch_distribution(b);
	if (da.n > 0 && db.n > 0 && a->type.class != CLASS_BOOLEAN)
	{
		compare_order(d, a, b, &da, &db);
		return;
	}
	psi = stability_of_values(a, b, &chance);
	/* order numbers are all new in each batch; that is no change of their distribution */
	if (a->set.n == 0 || count_in(a, set_ranked(&a->set, &(int){0})[0]->hash) < 2)
		return;
	figures_put(&d->figures, "psi", number_text(psi));
	if (psi >= 0.1 && chance < CHANCE)
		judge(d, psi >= 0.25 ? DRIFT_STRONG : DRIFT_SLIGHT, "population stability");
}

/* Lengths by their histogram, and what the texts look like */
static void
compare_texts(Drift *d, const Patterns *a, const Patterns *b)
{
	double na = (double) a->texts;
	double nb = (double) b->texts;
	double below_a = 0;
	double below_b = 0;
	double most = 0;

	for (int i = 0; i < LENGTH_BUCKETS; i++)
	{
		below_a += (double) a->lengths[i];
		below_b += (double) b->lengths[i];
		if (na > 0 && nb > 0)
			most = Max(most, fabs(below_a / na - below_b / nb));
	}
	if (most >= 0.1 && chance_of_distance(most, na, nb) < CHANCE && !lengths_vary(a))
		judge(d, most >= 0.25 ? DRIFT_STRONG : DRIFT_SLIGHT, "lengths");
	if (!a->has_shapes || !b->has_shapes)
		return;
	judge_share(d, "empty texts", (double) a->empties, na, (double) b->empties, nb);
	judge_share(d, "blank texts", (double) a->blanks, na, (double) b->blanks, nb);
	judge_share(d, "leading blanks", (double) a->leading, na, (double) b->leading, nb);
	judge_share(d, "trailing blanks", (double) a->trailing, na, (double) b->trailing, nb);
	judge_share(d, "upper case", (double) a->upper, na, (double) b->upper, nb);
	judge_share(d, "lower case", (double) a->lower, na, (double) b->lower, nb);
	judge_share(d, "mixed case", (double) a->mixed, na, (double) b->mixed, nb);
	judge_share(d, "non-ASCII texts", (double) a->non_ascii, na, (double) b->non_ascii, nb);
	judge_share(d, "odd characters", (double) a->odd, na, (double) b->odd, nb);
	if (a->shapes_exact && b->shapes_exact)
	{
		most = shapes_moved(a, b);
		if (most >= 0.1)
			judge(d, most >= 0.25 ? DRIFT_STRONG : DRIFT_SLIGHT, "pattern shares");
	}
}

/*
 * Do values of the one fit what the others were taken for, and the others' not?  Which batch had a day over 12 does
 * not matter.
 */
static bool
fits_one_only(Sketch *a, Sketch *b, const HiddenGuess *guess)
{
	int na;
	int nb;
	int fit_a;
	int fit_b;

	if (guess->type == NULL)
		return false;
	fit_a = hidden_fit(a, guess, &na);
	fit_b = hidden_fit(b, guess, &nb);
	return fabs((double) fit_a / Max(na, 1) - (double) fit_b / Max(nb, 1)) >= STRONG &&
		   chance_of_counts(fit_a, na, fit_b, nb) * 2 < CHANCE;
}

static void
compare_hidden(Drift *d, Sketch *a, Sketch *b)
{
	HiddenGuess ha = hidden_guess(a);
	HiddenGuess hb = hidden_guess(b);

	figures_put(&d->figures, "hidden_type_before", ha.type ? pstrdup(ha.type) : NULL);
	figures_put(&d->figures, "hidden_type_after", hb.type ? pstrdup(hb.type) : NULL);
	if (fits_one_only(a, b, &ha) || fits_one_only(a, b, &hb))
		judge(d, DRIFT_STRONG, "hidden type");
}

static void
compare_values(Drift *d, Sketch *a, Sketch *b)
{
	double share;
	char *list = values_missing(b, a, &share);

	figures_put(&d->figures, "new_values", list);
	if (list)
		judge(d, share >= STRONG ? DRIFT_STRONG : DRIFT_SLIGHT, "new values");
	list = values_missing(a, b, &share);
	figures_put(&d->figures, "gone_values", list);
	if (list)
		judge(d, share >= STRONG ? DRIFT_STRONG : DRIFT_SLIGHT, "gone values");
	list = shapes_missing(b, a, &share);
	figures_put(&d->figures, "new_patterns", list);
	if (list)
		judge(d, share >= STRONG ? DRIFT_STRONG : DRIFT_SLIGHT, "new patterns");
	figures_put(&d->figures, "gone_patterns", shapes_missing(a, b, &share));
	if (a->patterns != NULL && b->patterns != NULL)
		compare_texts(d, a->patterns, b->patterns);
	compare_hidden(d, a, b);
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
