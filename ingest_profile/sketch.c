/*
 * sketch.c
 *		Adding values and merging sketches.
 *
 * A value's hash is looked up first: in the set while that holds every value,
 * in the grid of counters after that.  Seen before: its count goes up, and
 * little more.  New: its extremes, facts and, once the set has overflowed, its
 * place in every other part are worked out.  column.c does the same for many
 * values at once; here is what one may need.
 */
#include "postgres.h"

#include <math.h>

#include "ingest_profile/column.h"
#include "ingest_profile/grid.h"
#include "ingest_profile/observe.h"
#include "ingest_profile/sketch.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

Sketch *
sketch_new(MemoryContext context, Oid typid, Oid collation)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Sketch *s = palloc0(sizeof(Sketch));
	bool texts;

	s->context = context;
	column_type_init(&s->type, typid, collation);
	set_init(&s->set, context);
	texts = s->type.class == CLASS_TEXT;
	if (texts || s->type.class == CLASS_BYTES || s->type.is_array || s->type.is_json)
		s->patterns = patterns_new(context, texts && !s->type.is_json);
	MemoryContextSwitchTo(old);
	return s;
}

/* -- accounting -- */

static Numeric
numeric_of_text(const char *text)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* So many rows of a value, in the parts that count rows */
static void
account(Sketch *s, int64 key, const TextFacts *facts, const char *text, int len, Numeric number, int64 count)
{
	ValueClass class = s->type.class;

	if (class_has_key(class))
	{
		double x = number_of_key(class, key);

		if (class == CLASS_FLOAT && key == PG_INT64_MAX)
			x = get_float8_nan();
		if (class == CLASS_NUMERIC && isinf(x) && !numeric_digits(number).special)
			moments_add_huge(&s->moments, x < 0, count);
		else
			moments_add(&s->moments, x, count);
		if (class == CLASS_INTEGER || class == CLASS_BOOLEAN)
			s->moments.integer += (int128) key * count;
		else if (class == CLASS_FLOAT)
			moments_add_float(&s->moments, s->context, x, count);
		else if (class == CLASS_NUMERIC)
			moments_add_numeric(&s->moments, s->context, number, count);
	}
	else if (s->patterns)
	{
		if (class == CLASS_TEXT)
			patterns_add(s->patterns, facts, text, len, count);
		else if (!(facts->flags & TEXT_UNMEASURED))
			patterns_add_length(s->patterns, facts->chars, count);
	}
}

static void
account_entry(void *arg, Entry *e)
{
	Sketch *s = arg;
	int64 pending = e->pending;
	Numeric number = NULL;

	if (pending == 0)
		return;
	e->pending = 0;
	if (s->type.class == CLASS_NUMERIC)
		number = numeric_of_text(sketch_entry_text(s, e));
	account(s, e->key, &e->facts, e->value, e->value_len, number, pending);
	if (number)
		pfree(number);
}

/* A shift near the mean keeps the power sums small */
static void
choose_shift(Sketch *s)
{
	double sum = 0;
	double n = 0;

	if (s->moments.shifted || !class_has_key(s->type.class))
		return;
	for (int i = 0; i < s->set.n; i++)
	{
		const Entry *e = &s->set.entries[i];
		double x = number_of_key(s->type.class, e->key);

		if (isfinite(x) && e->key != PG_INT64_MAX)
		{
			n += (double) e->count;
			sum += (x - sum) * (double) e->count / n;
		}
	}
	if (n > 0)
	{
		s->moments.shifted = true;
		s->moments.shift = sum;
	}
}

/* -- from every value to sketches of them -- */

/* NaN has no rank */
static bool
ranked(const Sketch *s, int64 key)
{
	return !((s->type.class == CLASS_FLOAT || s->type.class == CLASS_NUMERIC) && key == PG_INT64_MAX);
}

/*
 * Rows of a value into the quantiles' sketch.  Frequent values stay out of it,
 * their weights are known: a heavy one among few others would coarsen it.
 */
void
sketch_rank_entry(Sketch *s, Entry *e)
{
	if (s->kll == NULL || e->unranked == 0)
		return;
	if (ranked(s, e->key))
		kll_add(s->kll, e->key, e->unranked);
	e->unranked = 0;
}

/* A value loses its counter */
static void
leave(void *arg, Entry *e)
{
	account_entry(arg, e);
	sketch_rank_entry(arg, e);
}

/* A value of another sketch's set, or of the own one, in the parts that hold no rows */
static void
spread(Sketch *s, const Entry *e)
{
	hll_add(s->hll, e->hash);
	if (e->hash <= s->sample->below)
	{
		char *text = sketch_entry_text(s, e);

		sample_put(s->sample, e->hash, text, text ? strlen(text) : 0, e->cut);
		if (text)
			pfree(text);
	}
}

/* Account for all that is pending in the set */
static void
settle_set(Sketch *s)
{
	choose_shift(s);
	for (int i = 0; i < s->set.n; i++)
		account_entry(s, &s->set.entries[i]);
}

/* The set cannot hold every value any more */
static void
overflow(Sketch *s)
{
	settle_set(s);
	s->hll = MemoryContextAllocZero(s->context, sizeof(Hll));
	s->sample = sample_new(s->context);
	if (class_has_key(s->type.class))
		s->kll = kll_new(s->context, s->set.entries[0].hash);
	for (int i = 0; i < s->set.n; i++)
	{
		spread(s, &s->set.entries[i]);
		if (s->kll)
			s->set.entries[i].unranked = s->set.entries[i].count;
	}
	s->set.exact = false;
}

/* -- counters -- */

/* A value's text that is kept whole */
static const char *
whole_text(const Grid *grid, int slot, int *len)
{
	*len = 0;
	if (!grid->has_texts || !(grid->buckets[slot / GRID_WIDTH].kept >> slot % GRID_WIDTH & 1) || grid->cut[slot])
		return NULL;
	*len = grid->value_lens[slot];
	return grid->values[slot];
}

/* A value loses its counter: its rows go where rows are accounted for */
void
sketch_leave(void *arg, int slot, int64 rows)
{
	Sketch *s = arg;
	int len;
	const char *text;

	if (s->kll)
	{
		if (ranked(s, s->grid->keys[slot]))
			kll_add(s->kll, s->grid->keys[slot], rows);
		return;
	}
	text = whole_text(s->grid, slot, &len);
	account(s, 0, &s->grid->facts[slot], text, len, NULL, rows);
}

/* From now on the counters are in the grid: of what came once it has the counter alone */
void
sketch_count(Sketch *s)
{
	s->grid = grid_new(s->context, s->type.class, s->set.offset);
	for (int i = 0; i < s->set.n; i++)
	{
		Entry *e = &s->set.entries[i];

		if (e->count > 1)
		{
			grid_take(s->grid, e, s->kll ? e->unranked : 0, sketch_leave, s);
			continue;
		}
		sketch_rank_entry(s, e);
		grid_insert(s->grid, e->hash, sketch_leave, s);
	}
	set_release(&s->set);
}

/* Account for all that is pending, and have the counters in the set */
void
sketch_settle(Sketch *s)
{
	if (s->held)
	{
		column_release(s);
		pfree(s->held);
		s->held = NULL;
	}
	if (s->grid)
	{
		set_make_counters(&s->set);
		grid_give(s->grid, &s->set, sketch_leave, s);
		grid_free(s->grid);
		s->grid = NULL;
	}
	settle_set(s);
}

/* A value's text as it is kept, in the current context; NULL if it was not */
char *
sketch_entry_text(const Sketch *s, const Entry *e)
{
	if (class_key_is_value(s->type.class))
		return text_of_key(&s->type, e->key);
	if (e->value == NULL && e->scaled)
	{
		char text[DECIMAL_BYTES];

		return pnstrdup(text, decimal_text(e->key, e->scale, text));
	}
	return e->value ? pnstrdup(e->value, e->value_len) : NULL;
}

static void
fill(Sketch *s, Entry *e, const Observation *o)
{
	int len;
	const char *text = observed_text(s, o, &len);

	e->key = o->key;
	if (s->type.class == CLASS_TEXT || s->patterns)
		e->facts = o->facts;
	if (text)
		set_keep_value(&s->set, e, text, len);
	e->cut = e->cut || o->full > o->len;
	if (e->cut && s->type.class == CLASS_TEXT)
		patterns_know(s->patterns, &o->facts, o->text, o->len);
	/* a numeric is accounted for by its text */
	e->direct = s->type.class == CLASS_NUMERIC && e->cut;
}

static void
account_now(Sketch *s, const Observation *o)
{
	account(s, o->key, &o->facts, o->text, o->len, (Numeric) DatumGetPointer(o->value), 1);
}

void
sketch_offer(Sketch *s, const Observation *o)
{
	Candidate c = {true, o->key, o->value, o->text, o->len};

	if (s->type.ordered || s->type.class == CLASS_BYTES)
	{
		/* a giant of another type was not read */
		if (s->type.class == CLASS_OTHER && o->full > GIANT_BYTES)
			return;
		extreme_offer(&s->min, &s->type, s->context, &c, -1);
		extreme_offer(&s->max, &s->type, s->context, &c, 1);
	}
	if (s->type.class == CLASS_TEXT)
	{
		extreme_offer_length(&s->shortest, s->context, o->facts.chars, o->text, o->len, o->full > o->len, -1);
		extreme_offer_length(&s->longest, s->context, o->facts.chars, o->text, o->len, o->full > o->len, 1);
	}
}

/* Its hash is below those that are sampled */
void
sketch_sample_value(Sketch *s, const Observation *o)
{
	int len = 0;
	const char *text = NULL;

	if (o->hash <= s->sample->value_below)
	{
		text = observed_text(s, o, &len);
		if (text == NULL)
		{
			text = text_of_key(&s->type, o->key);
			len = (int) strlen(text);
		}
	}
	sample_put(s->sample, o->hash, text, len, o->full > o->len);
}

/* A value's text, once it has come often enough */
void
sketch_keep_text(Sketch *s, int slot, const Observation *o)
{
	int len;
	const char *text = observed_text(s, o, &len);

	if (text)
		grid_keep_value(s->grid, slot, text, len, o->full > o->len);
}

/* A value that no counter is for, of which all has been observed */
static void
count_new(Sketch *s, const Observation *o)
{
	account_now(s, o);
	if (s->kll && ranked(s, o->key))
		kll_add(s->kll, o->key, 1);
	hll_add(s->hll, o->hash);
	if (!sample_passes_over(s->sample, o->hash))
		sketch_sample_value(s, o);
	grid_insert(s->grid, o->hash, sketch_leave, s);
}

static void
add_to_grid(Sketch *s, Observation *o)
{
	Bucket *b;
	int place;

	if (s->grid == NULL)
		sketch_count(s);
	b = grid_bucket(s->grid, o->hash);
	place = grid_place(b, o->hash);
	if (place < 0)
	{
		observe_more(s, o);
		sketch_offer(s, o);
		count_new(s, o);
		return;
	}
	b->counts[place]++;
	if (class_has_key(s->type.class) || !grid_knows(b, place))
		observe_more(s, o);
	if (class_has_key(s->type.class))
		account_now(s, o);
	if (!grid_knows(b, place))
		grid_know(s->grid, b, place, o->key, &o->facts);
	if (grid_wants_text(b, place))
		sketch_keep_text(s, grid_slot(s->grid, b, place), o);
}

static void
add_to_set(Sketch *s, Observation *o)
{
	Entry *e = set_find(&s->set, o->hash);

	if (e != NULL && !e->direct)
	{
		e->count++;
		e->pending++;
		return;
	}
	observe_more(s, o);
	if (e == NULL)
	{
		sketch_offer(s, o);
		e = set_insert(&s->set, o->hash);
		if (e == NULL)
		{
			overflow(s);
			sketch_count(s);
			count_new(s, o);
			return;
		}
		fill(s, e, o);
	}
	e->count++;
	if (e->direct)
		account_now(s, o);
	else
		e->pending++;
}

/* One value that is not null */
void
sketch_add(Sketch *s, Datum value)
{
	Observation o;

	observe(s, value, &o);
	if (s->set.exact)
		add_to_set(s, &o);
	else
		add_to_grid(s, &o);
}

/* -- merging -- */

static void
check_types(const Sketch *a, const Sketch *b)
{
	if (a->type.class == b->type.class && strcmp(a->type.name, b->type.name) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("cannot merge the profile of a column of type %s with one of type %s", a->type.name, b->type.name),
			 errhint("Merge profiles of one column's type only; cast the column before profiling it.")));
}

/* From every value to counters, in the set */
static void
relax(Sketch *s)
{
	overflow(s);
	set_relax(&s->set, leave, s);
}

/* Another set's value into the own set; so many of its rows are in no sketch of quantiles */
static void
merge_entry(Sketch *into, const Entry *from, int64 unranked)
{
	Entry *e = set_find(&into->set, from->hash);

	if (e == NULL)
	{
		e = set_insert(&into->set, from->hash);
		if (e == NULL && into->set.exact)
			relax(into);
		if (e == NULL && (e = set_insert(&into->set, from->hash)) == NULL)
		{
			set_purge(&into->set, SET_COUNTERS / 2, leave, into);
			e = set_insert(&into->set, from->hash);
		}
		e->key = from->key;
	}
	e->count += from->count;
	if (into->kll)
		e->unranked += unranked;
	if (e->value == NULL && !e->scaled)
	{
		if (from->value)
			set_keep_value(&into->set, e, from->value, from->value_len);
		e->scaled = from->scaled;
		e->scale = from->scale;
		e->cut = from->cut;
	}
}

static void
merge_sets(Sketch *into, Sketch *from)
{
	bool known = from->set.exact; /* its values are nowhere else */

	if (!known && into->set.exact)
		relax(into);
	for (int i = 0; i < from->set.n; i++)
	{
		const Entry *e = &from->set.entries[i];

		merge_entry(into, e, known ? e->count : class_has_key(from->type.class) ? e->unranked
																				: 0);
		if (known && !into->set.exact)
			spread(into, e);
	}
	into->set.offset += from->set.offset;
}

/* Merge two sketches of the same type */
void
sketch_merge(Sketch *into, Sketch *from)
{
	check_types(into, from);
	sketch_require_current(into);
	sketch_require_current(from);
	if (into->rows + from->rows > MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a profile cannot cover more than " INT64_FORMAT " rows", MOST_ROWS)));
	sketch_settle(into);
	sketch_settle(from);
	into->rows += from->rows;
	into->nulls += from->nulls;
	moments_merge(&into->moments, &from->moments, into->context);
	if (into->patterns && from->patterns)
		patterns_merge(into->patterns, from->patterns);
	extreme_merge(&into->min, &from->min, &into->type, into->context, -1);
	extreme_merge(&into->max, &from->max, &into->type, into->context, 1);
	if (from->shortest.set)
		extreme_offer_length(&into->shortest, into->context, from->shortest.key, from->shortest.text, from->shortest.len, from->shortest.cut, -1);
	if (from->longest.set)
		extreme_offer_length(&into->longest, into->context, from->longest.key, from->longest.text, from->longest.len, from->longest.cut, 1);
	merge_sets(into, from);
	if (from->hll)
	{
		hll_merge(into->hll, from->hll);
		sample_merge(into->sample, from->sample);
		if (into->kll && from->kll)
			kll_merge(into->kll, from->kll);
	}
}

/* -- what follows -- */

/* Distinct values, and the standard deviation of that */
double
sketch_distinct(const Sketch *s, double *error)
{
	double n;

	*error = 0;
	if (s->set.exact)
		return s->set.n;
	n = hll_estimate(s->hll);
	/* there were more than the set could hold, and no more than rows */
	n = Max(n, SET_EXACT + 1);
	n = Min(n, (double) (s->rows - s->nulls));
	*error = n * HLL_ERROR;
	return n;
}

/* Keys and their weights; exact while the set is */
Distribution
sketch_distribution(Sketch *s)
{
	Distribution d = {0};

	if (!class_has_key(s->type.class))
		return d;
	if (s->kll)
		d = kll_distribution(s->kll, s->set.n);
	else
		d.items = palloc(Max(s->set.n, 1) * sizeof(Weighted));
	for (int i = 0; i < s->set.n; i++)
	{
		const Entry *e = &s->set.entries[i];
		int64 rows = s->kll ? e->unranked : e->count;

		if (rows > 0 && ranked(s, e->key))
			d.items[d.n++] = (Weighted){e->key, (double) rows};
	}
	distribution_sort(&d);
	return d;
}

/* The sample of distinct values; made from the set while that is exact */
Sample *
sketch_sample(Sketch *s)
{
	Sample *sample = s->sample;

	if (sample == NULL)
	{
		sample = sample_new(CurrentMemoryContext);
		for (int i = 0; i < s->set.n; i++)
		{
			const Entry *e = &s->set.entries[i];
			char *text = sketch_entry_text(s, e);

			sample_put(sample, e->hash, text, text ? strlen(text) : 0, e->cut);
		}
	}
	sample_tidy(sample);
	return sample;
}
