/*
 * crowd.c
 *		Many values that lie elsewhere than the others do, and what made them.
 *
 * Few far values are outliers whatever they are.  Many may just as well be a
 * second kind of thing, or a tail.  So they are told only with a cause that a
 * second kind would hardly have: the same distribution ten, a hundred or a
 * thousand times as large or a hundred years away, one special number, two
 * digits swapped, or noise: spread over far more room than the others need.
 */
#include "postgres.h"

#include <math.h>

#include "ingest_profile/crowd.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/timestamp.h"

#define LEAST_CROWD 8 /* rows, for what is judged by its distribution */

/* Quartiles, for comparing two groups */
typedef struct Quartiles
{
	double q1;
	double q2;
	double q3;
} Quartiles;

static Quartiles
quartiles_of(const Scaled *s)
{
	return (Quartiles){scaled_quantile(s, 0.25), scaled_quantile(s, 0.5), scaled_quantile(s, 0.75)};
}

/* What is beyond a bound; the bound itself is not */
static Scaled
beyond(const Scaled *s, bool above, double bound)
{
	double infinity = get_float8_infinity();

	return above ? scaled_part(s, nextafter(bound, infinity), infinity)
				 : scaled_part(s, -infinity, nextafter(bound, -infinity));
}

static Scaled
logs_of(const Scaled *s)
{
	Scaled logs = *s;

	if (s->logs)
		return logs;
	logs.x = palloc(Max(s->n, 1) * sizeof(double));
	for (int i = 0; i < s->n; i++)
		logs.x[i] = log(s->x[i]);
	logs.logs = true;
	return logs;
}

/* The middle of the widest gap between the bulk of the others and the bulk of the group, and how wide it is */
static double
cut_between(const Scaled *s, double inner, double outer, double *width)
{
	double cut = inner;
	double widest = 0;

	for (int i = 1; i < s->n; i++)
	{
		double gap = s->x[i] - s->x[i - 1];

		if (s->x[i - 1] >= Min(inner, outer) && s->x[i] <= Max(inner, outer) && gap > widest)
		{
			widest = gap;
			cut = s->x[i - 1] + gap / 2;
		}
	}
	*width = widest;
	return cut;
}

/* -- causes -- */

/*
 * Is one group the other, moved by so much?  As to its middle within three standard errors, and as to its width.  A few must
 * all be among the others, moved, and beyond their tail.
 */
static bool
is_moved(const Scaled *core, const Scaled *group, double by)
{
	Quartiles c = quartiles_of(core);
	Quartiles g = quartiles_of(group);
	double width = c.q3 - c.q1;
	/* a median's standard error is 1.25 standard deviations over the root, a quartile's distance 1.35 of them */
	double error = 3 * 1.25 * width / 1.35 / sqrt(Max(group->total, 1)) + 0.01 * fabs(by);

	if (group->total < LEAST_CROWD)
		return (by > 0 ? group->x[0] > scaled_tail_bound(core, true)
					   : group->x[group->n - 1] < scaled_tail_bound(core, false)) &&
			   group->x[0] - by >= core->x[0] && group->x[group->n - 1] - by <= core->x[core->n - 1] &&
			   core->x[core->n - 1] - core->x[0] < 0.65 * fabs(by);
	/* where that leaves much room it says nothing */
	return error <= 0.15 * fabs(by) && fabs(g.q2 - by - c.q2) <= error && g.q3 - g.q1 <= 2 * width + 1e-9 &&
		   g.q3 - g.q1 >= width / 3;
}

static const char *
unit_mistake(const Scaled *core, const Scaled *group)
{
	static const struct
	{
		double factor;
		const char *says;
	} units[] = {{10, "ten times"}, {100, "a hundred times"}, {1000, "a thousand times"}, {0.1, "a tenth of"}, {0.01, "a hundredth of"}, {0.001, "a thousandth of"}};
	Scaled logs_core;
	Scaled logs_group;

	if (!core->logs && (core->n == 0 || core->x[0] <= 0 || group->x[0] <= 0))
		return NULL;
	logs_core = logs_of(core);
	logs_group = logs_of(group);
	for (int u = 0; u < lengthof(units); u++)
	{
		if (is_moved(&logs_core, &logs_group, log(units[u].factor)))
			return units[u].says;
	}
	return NULL;
}

/* Dates of another century, or of none */
static const char *
century_mistake(const OutlierSearch *o, const Scaled *core, const Scaled *group)
{
	double year = 365.2425 * (o->s->type.class == CLASS_DATE ? 1 : SECS_PER_DAY);
	static const struct
	{
		int years;
		const char *says;
	} moves[] = {{-100, "a hundred years before"},
				 {100, "a hundred years after"},
				 {-2000, "two thousand years before"},
				 {-1900, "nineteen hundred years before"},
				 {1000, "a thousand years after"}};

	for (int m = 0; m < lengthof(moves); m++)
	{
		if (is_moved(core, group, moves[m].years * year))
			return moves[m].says;
	}
	return NULL;
}

/* Is nearly all of the group one number that is said instead of another, or that nothing among the others is as frequent as? */
static const char *
same_number(const OutlierSearch *o, const Scaled *s, bool above, double bound, const Scaled *core, double group)
{
	const Set *set = &o->s->set;
	const Entry *top = NULL;
	int64 inside = 0;
	double x;

	for (int i = 0; i < set->n; i++)
	{
		const Entry *e = &set->entries[i];
		double y = number_of_key(o->s->type.class, e->key);
		double scaled = s->logs ? log(y) : y;

		if (above ? scaled > bound : scaled < bound)
			top = top == NULL || e->count > top->count ? e : top;
		else
			inside = Max(inside, e->count);
	}
	if (top == NULL || top->count < 3 || (double) top->count < 0.8 * group)
		return NULL;
	x = number_of_key(o->s->type.class, top->key);
	/* a few sizes or prices may include a large one */
	if (!(outlier_special_number(x) ? core->n >= 20 : core->n >= 50 && inside * 10 <= top->count))
		return NULL;
	/* in the tail nothing stands apart */
	if (above ? (s->logs ? log(x) : x) <= scaled_tail_bound(core, true)
			  : (s->logs ? log(x) : x) >= scaled_tail_bound(core, false))
		return NULL;
	return psprintf("nearly all of them are %s, which stands for something else",
					sketch_entry_text(o->s, (Entry *) top));
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

static double
plain(const Scaled *s, double x)
{
	return s->logs ? exp(x) : x;
}

/* Are nearly all beyond the bounds among the others with two digits swapped, and that not by chance, since these are few numbers? */
static bool
swapped_digits(const Scaled *s, double low, double high, const Scaled *core)
{
	Quartiles q = quartiles_of(core);
	double least = plain(s, q.q1) - 1.5 * (plain(s, q.q3) - plain(s, q.q1));
	double most = plain(s, q.q3) + 1.5 * (plain(s, q.q3) - plain(s, q.q1));
	double length = most > 10 ? floor(log10(most)) + 1 : 0;
	double fits = 0;
	double all = 0;
	int values = 0;

	if (least <= 0 || length * (length - 1) / 2 * (most - least) / pow(10, length) > 0.2)
		return false;
	for (int i = 0; i < s->n; i++)
	{
		if (s->x[i] >= low && s->x[i] <= high)
			continue;
		all += s->rows[i];
		values++;
		if (is_swapped(rint(plain(s, s->x[i]) * 1e6) / 1e6, least, most))
			fits += s->rows[i];
	}
	return values >= 3 && fits >= 0.8 * all;
}

/*
 * The shape of what exceeds a bound, as of a generalized Pareto distribution by probability-weighted moments (Hosking and
 * Wallis, 1987): 0 for an exponential tail, more for a longer one, -1 for what is spread evenly.
 */
static double
shape_of_excess(const Scaled *s, double low, double high)
{
	Distribution excess = {.n = 0, .items = palloc(s->n * sizeof(Weighted))};
	double below = 0;
	double b0 = 0;
	double b1 = 0;

	for (int i = 0; i < s->n; i++)
	{
		double over = s->x[i] > high ? s->x[i] - high : low - s->x[i];

		if (over > 0 && isfinite(over))
		{
			excess.items[excess.n++] = (Weighted){key_of_double(over), s->rows[i]};
			excess.total += s->rows[i];
		}
	}
	distribution_sort(&excess);
	for (int i = 0; i < excess.n; i++)
	{
		double x = double_of_key(excess.items[i].key);
		double weight = excess.items[i].weight;

		b0 += weight * x;
		b1 += weight * x * (below + (weight - 1) / 2) / Max(excess.total - 1, 1);
		below += weight;
	}
	return b0 > 0 && 2 * b1 > b0 ? 2 - b0 / (2 * b1 - b0) : get_float8_infinity();
}

/* Does a group need far more room than the others, and fill it?  Another kind of thing would have a place and a width of its own. */
static bool
is_spread(const Scaled *group, double middle)
{
	Quartiles q = quartiles_of(group);

	return group->n >= 3 && q.q3 - q.q1 >= 0.15 * fabs(q.q2 - middle);
}

static bool
is_noise(const Scaled *s, double low, double high, const Scaled *below, const Scaled *above)
{
	double all = below->total + above->total;
	double middle = (low + high) / 2;
	double shape;
	double far;

	if (all < LEAST_CROWD || Min(below->total, above->total) < 0.15 * all || !is_spread(below, middle) ||
		!is_spread(above, middle))
		return false;
	shape = shape_of_excess(s, low, high);
	/* half of them at ten standard deviations */
	far = beyond(s, false, middle - 3 * (middle - low)).total + beyond(s, true, middle + 3 * (high - middle)).total;
	return far >= 0.5 * all && shape + 1 / sqrt(all) < 0;
}

/* -- findings -- */

/* Tell each side that has a cause, or only those of mistaken units; which ones */
int
crowd_report(OutlierSearch *o, const Scaled *s, double low, double high, bool units)
{
	Scaled core = scaled_part(s, low, high);
	Scaled sides[] = {beyond(s, false, low), beyond(s, true, high)};
	double most = o->values * CROWD_SHARE;
	int told = 0;

	if (sides[0].total + sides[1].total > most || core.n == 0)
		return 0;
	for (int above = 0; above <= 1; above++)
	{
		const Scaled *group = &sides[above];
		const char *kind = "unit mistake";
		const char *says;
		double bound = above ? high : low;
		double gap;

		if (group->total < 3 || far_is_other_range(o, s, group))
			continue;
		if (class_is_moment(o->s->type.class))
		{
			kind = "century mistake";
			says = century_mistake(o, &core, group);
			if (says != NULL)
				says = psprintf("nearly all of them are where the others are, %s", says);
		}
		else
		{
			/* an identifier is no quantity */
			says = o->s->type.class == CLASS_INTEGER && sketch_distinct(o->s, &(double){0}) > 0.9 * o->values
					   ? NULL
					   : unit_mistake(&core, group);
			if (says != NULL)
				says = psprintf("nearly all of them are %s what the others are", says);
			else if (!units)
			{
				kind = "heap";
				says = same_number(o, s, above, bound, &core, group->total);
			}
		}
		if (says == NULL)
			continue;
		/* by logarithms what is spread evenly has a long tail below */
		if (units && (above ? scaled_quantile(group, 0.25) <= scaled_tail_bound(&core, true)
							: scaled_quantile(group, 0.75) >= scaled_tail_bound(&core, false)))
			continue;
		bound = cut_between(s, scaled_quantile(&core, above ? 0.9 : 0.1), scaled_quantile(group, above ? 0.25 : 0.75),
							&gap);
		/* a group begins where nothing is; a tail goes on */
		if (gap < 0.35 * (scaled_quantile(&core, 0.75) - scaled_quantile(&core, 0.25)))
			continue;
		if (far_report(o, s, above, bound, kind, says, most))
			told |= above ? CROWD_ABOVE : CROWD_BELOW;
	}
	if (told != 0 || units)
		return told;
	if (class_is_number(o->s->type.class) && swapped_digits(s, low, high, &core))
	{
		for (int above = 0; above <= 1; above++)
			(void) far_report(o, s, above, above ? high : low, "swapped digits",
							  "with two digits swapped nearly all are where the others are", most);
		return CROWD_BELOW | CROWD_ABOVE;
	}
	if (is_noise(s, low, high, &sides[0], &sides[1]))
	{
		for (int above = 0; above <= 1; above++)
			(void) far_report(o, s, above, above ? high : low, "scattered",
							  "on both sides, evenly over far more room than the others need", most);
		return CROWD_BELOW | CROWD_ABOVE;
	}
	return told;
}

/* Are there no wide gaps, as there would be hardly among so many values drawn evenly, and as there are between levels? */
static bool
fills_room(const Distribution *d, ValueClass class, double from, double to)
{
	double first = get_float8_nan();
	double before = get_float8_nan();
	double widest = 0;
	int n = 0;

	for (int i = 0; i < d->n; i++)
	{
		double x = number_of_key(class, d->items[i].key);

		if (x <= from || x >= to)
			continue;
		if (n++ == 0)
			first = x;
		else
			widest = Max(widest, x - before);
		before = x;
	}
	return n > 2 && widest <= 3 * log(n) / n * (before - first);
}

/* What is known of the values that are not the constant */
typedef struct Rest
{
	double rows;
	double values;
	double below; /* rows */
	double away;  /* on average */
	double farthest;
	double finer; /* rows of numbers with more decimals than the constant */
	double whole; /* rows of integers */
	double fives; /* of multiples of five */
} Rest;

static Rest
rest_of(const Distribution *d, ValueClass class, double constant, int decimals)
{
	Rest r = {0};
	double unit = pow(10, decimals);

	for (int i = 0; i < d->n; i++)
	{
		double x = number_of_key(class, d->items[i].key);
		double rows = d->items[i].weight;

		if (x == constant)
			continue;
		r.rows += rows;
		r.values++;
		r.below += x < constant ? rows : 0;
		r.away += fabs(x - constant) * rows;
		r.farthest = Max(r.farthest, fabs(x - constant));
		r.finer += fabs(x * unit - rint(x * unit)) > 1e-6 ? rows : 0;
		r.whole += x == rint(x) ? rows : 0;
		r.fives += fmod(x, 5) == 0 ? rows : 0;
	}
	r.away /= Max(r.rows, 1);
	return r;
}

/*
 * Are there about as many values as if each had been drawn from all that are in reach?  Levels that people choose
 * from are fewer.
 */
static bool
hardly_repeat(const OutlierSearch *o, const Rest *r)
{
	double reach = 2 * r->farthest;

	if (!o->s->set.exact)
		return sketch_distinct(o->s, &(double){0}) - 1 >= 0.5 * r->rows;
	return r->values >= 0.5 * r->rows ||
		   (r->rows >= 20 && r->whole >= r->rows && reach >= 10 && r->values >= 0.6 * reach * (1 - exp(-r->rows / reach)));
}

/*
 * One number nearly everywhere, and around it others that hardly come twice: a year, a code or a place with noise on it.
 * Amounts that are mostly 0, or rates that are mostly 1, are like that by themselves; so are few levels, and what
 * thins out.
 */
bool
crowd_around_constant(OutlierSearch *o, const Distribution *d)
{
	int n;
	Entry **ranked = set_ranked(&o->s->set, &n);
	ValueClass class = o->s->type.class;
	double constant;
	char *text;
	const char *point;
	Rest r;

	if (!class_is_number(class) || n < 1 || (double) ranked[0]->count < (1 - CROWD_SHARE) * o->values)
		return false;
	constant = number_of_key(class, ranked[0]->key);
	text = sketch_entry_text(o->s, ranked[0]);
	if (text == NULL || constant == 0)
		return false;
	point = strchr(text, '.');
	r = rest_of(d, class, constant, point && constant != rint(constant) ? (int) strlen(point + 1) : 0);
	if (r.rows < LEAST_CROWD || !hardly_repeat(o, &r) || Min(r.below, r.rows - r.below) < 0.2 * r.rows ||
		!(r.farthest <= fabs(constant)) || r.away < 0.35 * r.farthest)
		return false;
	/* people choose round numbers, and prices have levels */
	if (r.fives > 0.5 * r.rows || !fills_room(d, class, -get_float8_infinity(), constant) ||
		!fills_room(d, class, constant, get_float8_infinity()))
		return false;
	/* an amount may have a default; a code is longer and whole, and only what was computed is finer than what was typed */
	if (!(constant == rint(constant) && fabs(constant) >= 10) && !(r.finer >= 0.9 * r.rows && r.rows >= 20))
		return false;
	return outlier_report(o, "scattered", psprintf("around %s, which all others are", text),
						  psprintf("%s <> %s", o->column, quote_literal_cstr(text)), CROWD_SHARE * o->values);
}

/*
 * Numbers that follow each other, each once, and single ones off their run.  Runs that begin elsewhere are
 * runs; and from below the first ones may have been deleted.
 */
bool
crowd_off_sequence(OutlierSearch *o, const Distribution *d)
{
	double best = 0;
	double first = 0;
	double last = 0;
	int inside = 0;
	int off;
	int alone = 0;
	bool beyond_it = false;

	if (o->s->type.class != CLASS_INTEGER || !o->s->set.exact || (double) o->s->set.n < 0.9 * o->values || d->n < 16)
		return false;
	/* the stretch with the most numbers beyond half of those that there could be */
	for (int i = 0, from = 0; i < d->n; i++)
	{
		double beyond_half;

		if (i + 1 - from - 0.5 * ((double) d->items[i].key - (double) d->items[from].key + 1) < 0.5)
			from = i;
		beyond_half = i + 1 - from - 0.5 * ((double) d->items[i].key - (double) d->items[from].key + 1);
		if (beyond_half > best)
		{
			best = beyond_half;
			inside = i + 1 - from;
			first = (double) d->items[from].key;
			last = (double) d->items[i].key;
		}
	}
	off = d->n - inside;
	if (inside < 12 || off < 1 || off > CROWD_SHARE * d->n)
		return false;
	for (int i = 0; i < d->n; i++)
	{
		double x = (double) d->items[i].key;
		double before = i > 0 ? x - (double) d->items[i - 1].key : 100;
		double after = i + 1 < d->n ? (double) d->items[i + 1].key - x : 100;

		if (x >= first && x <= last)
			continue;
		alone += Min(before, after) >= Max(3, (last - first) / 100);
		beyond_it = beyond_it || x > last || x < 0;
	}
	if (!beyond_it || alone < 0.8 * off)
		return false;
	return outlier_report(
		o, "off the sequence", psprintf("the others follow each other from %.0f to %.0f", first, last),
		psprintf("(%s < %.0f OR %s > %.0f)", o->column, first, o->column, last), CROWD_SHARE * o->values);
}
