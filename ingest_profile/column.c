/*
 * column.c
 *		Adding values many at a time.
 *
 * Values are read into arrays, one for what each step needs, and each step is a
 * loop over all of them: hashes; sums and powers; the counters, where what is
 * found is counted and the rest goes into a list; and, for the values of that
 * list alone, what sketch.c does with a new value.  What does not fit into this
 * (giants, TOAST, types known by their output only) is added one by one.
 *
 * A value that comes twice in a block may be twice in the list: its rows are
 * accounted for both times, and base goes up with count.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "ingest_profile/column.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/grid.h"
#include "ingest_profile/hash.h"
#include "ingest_profile/observe.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/timestamp.h"

#define NUMERIC_BYTES 64 /* longer ones are read by themselves */
#define PLACES 8         /* base-10000 digits before and behind the point that are summed together */
#define DIGITS 4

/* One block; no code of a user's runs while it is in use */
static struct
{
	int n;
	Datum values[BLOCK_VALUES];
	uint64 hashes[BLOCK_VALUES];
	int64 keys[BLOCK_VALUES];
	double numbers[BLOCK_VALUES];
	const char *texts[BLOCK_VALUES];
	int lens[BLOCK_VALUES];
	Digits digits[BLOCK_VALUES];
	int nnew;
	int new[BLOCK_VALUES]; /* of the values, those that no counter is for */
	int64 new_keys[BLOCK_VALUES];
	uint64 new_hashes[BLOCK_VALUES];
	TextFacts facts[BLOCK_VALUES];
} block;

/* -- reading -- */

static void
read_integers(const Sketch *s, const Datum *values, int n)
{
	if (s->type.typlen == 8)
	{
		for (int i = 0; i < n; i++)
			block.keys[i] = DatumGetInt64(values[i]);
	}
	else if (s->type.typlen == 2)
	{
		for (int i = 0; i < n; i++)
			block.keys[i] = DatumGetInt16(values[i]);
	}
	else if (s->type.base == OIDOID)
	{
		for (int i = 0; i < n; i++)
			block.keys[i] = DatumGetObjectId(values[i]);
	}
	else
	{
		for (int i = 0; i < n; i++)
			block.keys[i] = DatumGetInt32(values[i]);
	}
	for (int i = 0; i < n; i++)
		block.hashes[i] = hash_integer(block.keys[i]);
}

static void
read_floats(const Sketch *s, const Datum *values, int n)
{
	for (int i = 0; i < n; i++)
		block.numbers[i] = s->type.typlen == 4 ? (double) DatumGetFloat4(values[i]) : DatumGetFloat8(values[i]);
	for (int i = 0; i < n; i++)
	{
		block.keys[i] = key_of_double(block.numbers[i]);
		block.hashes[i] = hash_double(block.numbers[i]);
	}
}

/* Dates, times, truth values */
static void
read_keys(const Sketch *s, const Datum *values, int n)
{
	switch (s->type.class)
	{
		case CLASS_BOOLEAN:
			for (int i = 0; i < n; i++)
				block.keys[i] = DatumGetBool(values[i]);
			break;
		case CLASS_DATE:
			for (int i = 0; i < n; i++)
				block.keys[i] = DatumGetDateADT(values[i]);
			break;
		default:
			for (int i = 0; i < n; i++)
				block.keys[i] = DatumGetInt64(values[i]);
			break;
	}
	if (class_is_moment(s->type.class) && s->type.class != CLASS_DATE)
	{
		for (int i = 0; i < n; i++)
			block.hashes[i] = hash_salted((uint64) block.keys[i], SALT_INSTANT);
	}
	else
	{
		for (int i = 0; i < n; i++)
			block.hashes[i] = sketch_hash_of_key(s->type.class, block.keys[i]);
	}
}

static inline bool
is_plain(Datum value)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(value);

	return !VARATT_IS_EXTERNAL(v) && (VARATT_IS_SHORT(v) || !VARATT_IS_EXTENDED(v));
}

static int
read_numerics(Sketch *s, const Datum *values, int n)
{
	int m = 0;

	for (int i = 0; i < n; i++)
	{
		Digits *d = &block.digits[m];

		if (!is_plain(values[i]) || VARSIZE_ANY((struct varlena *) DatumGetPointer(values[i])) > NUMERIC_BYTES)
		{
			sketch_add(s, values[i]);
			continue;
		}
		*d = numeric_digits((Numeric) DatumGetPointer(values[i]));
		/* so that its double is finite */
		if (d->special || d->weight > NUMERIC_BYTES)
		{
			sketch_add(s, values[i]);
			continue;
		}
		block.values[m] = values[i];
		block.hashes[m] = digits_hash(d);
		block.numbers[m] = digits_to_double(d);
		block.keys[m] = key_of_double(block.numbers[m]);
		m++;
	}
	return m;
}

static int
read_texts(Sketch *s, const Datum *values, int n)
{
	int m = 0;

	for (int i = 0; i < n; i++)
	{
		struct varlena *v = (struct varlena *) DatumGetPointer(values[i]);

		if (!is_plain(values[i]) || VARSIZE_ANY_EXHDR(v) > GIANT_BYTES)
		{
			sketch_add(s, values[i]);
			continue;
		}
		block.values[m] = values[i];
		block.texts[m] = VARDATA_ANY(v);
		block.lens[m] = (int) VARSIZE_ANY_EXHDR(v);
		m++;
	}
	if (s->type.blank_padded)
	{
		for (int i = 0; i < m; i++)
			block.lens[i] = bpchartruelen((char *) block.texts[i], block.lens[i]);
	}
	for (int i = 0; i < m; i++)
		block.hashes[i] = hash_text(block.texts[i], block.lens[i]);
	return m;
}

/* At most BLOCK_VALUES of them */
static void
read_block(Sketch *s, const Datum *values, int n)
{
	switch (s->type.class)
	{
		case CLASS_NUMERIC:
			block.n = read_numerics(s, values, n);
			return;
		case CLASS_TEXT:
			block.n = read_texts(s, values, n);
			return;
		case CLASS_INTEGER:
			read_integers(s, values, n);
			break;
		case CLASS_FLOAT:
			read_floats(s, values, n);
			break;
		default:
			read_keys(s, values, n);
			break;
	}
	memcpy(block.values, values, n * sizeof(Datum));
	block.n = n;
}

/* -- what counts every row -- */

static void
sum_numerics(Sketch *s, int from)
{
	int128 sums[2 * PLACES] = {0};
	Moments *m = &s->moments;

	for (int i = from; i < block.n; i++)
	{
		const Digits *d = &block.digits[i];
		int last = d->weight - d->n + 1;
		int64 mantissa = 0;

		if (d->n > DIGITS || last < -PLACES || last >= PLACES)
		{
			moments_add_numeric(m, s->context, (Numeric) DatumGetPointer(block.values[i]), 1);
			continue;
		}
		m->scale = Max(m->scale, d->scale);
		for (int j = 0; j < d->n; j++)
			mantissa = mantissa * 10000 + digit_of(d, j);
		sums[last + PLACES] += d->negative ? -mantissa : mantissa;
	}
	for (int i = 0; i < lengthof(sums); i++)
		moments_add_scaled(m, s->context, sums[i], i - PLACES);
}

static void
sum_numbers(Sketch *s, int from)
{
	ValueClass class = s->type.class;
	int n = block.n - from;

	if (class == CLASS_INTEGER)
	{
		for (int i = from; i < block.n; i++)
			block.numbers[i] = (double) block.keys[i];
	}
	else if (class != CLASS_FLOAT && class != CLASS_NUMERIC)
	{
		for (int i = from; i < block.n; i++)
			block.numbers[i] = number_of_key(class, block.keys[i]);
	}
	moments_add_many(&s->moments, block.numbers + from, n);
	if (class == CLASS_NUMERIC)
		sum_numerics(s, from);
	else if (class == CLASS_INTEGER || class == CLASS_BOOLEAN)
	{
		int128 sum = 0;

		for (int i = from; i < block.n; i++)
			sum += block.keys[i];
		s->moments.integer += sum;
	}
	else if (class == CLASS_FLOAT)
	{
		for (int i = from; i < block.n; i++)
			moments_add_float(&s->moments, s->context, block.numbers[i], 1);
	}
}

static Observation
observation_of(int i)
{
	Observation o = {.hash = block.hashes[i], .key = block.keys[i], .value = block.values[i], .length = -1};

	o.text = block.texts[i];
	o.len = block.lens[i];
	o.full = o.len;
	return o;
}

static void
seen_again(Sketch *s, int i)
{
	Observation o = observation_of(i);
	Bucket *b = grid_bucket(s->grid, o.hash);
	int place = grid_place(b, o.hash);

	if (!grid_knows(b, place))
	{
		if (s->grid->facts)
			o.facts = text_facts(s->patterns, o.text, o.len, o.hash);
		grid_know(s->grid, b, place, o.key, &o.facts);
	}
	if (grid_wants_text(b, place))
		sketch_keep_text(s, grid_slot(s->grid, b, place), &o);
}

/* Count what is here, list what is not */
static void
find_counters(Sketch *s, int from)
{
	Grid *grid = s->grid;
	int again[BLOCK_VALUES]; /* values to be known, or whose text might be kept now */
	int nagain = 0;
	int nnew = 0;

	for (int i = from; i < block.n; i++)
	{
		uint64 hash = block.hashes[i];
		Bucket *b = grid_bucket(grid, hash);
		int place = grid_place(b, hash);

		if (place < 0)
		{
			block.new[nnew++] = i;
			continue;
		}
		b->counts[place]++;
		again[nagain] = i;
		nagain += ~((b->known & b->kept) >> place) & 1;
	}
	block.nnew = nnew;
	for (int k = 0; k < nagain; k++)
		seen_again(s, again[k]);
}

/* -- new values -- */

static void
offer_keys(Sketch *s)
{
	Observation o = {.hash = 0};
	int64 least = block.new_keys[0];
	int64 greatest = block.new_keys[0];

	for (int k = 1; k < block.nnew; k++)
	{
		least = Min(least, block.new_keys[k]);
		greatest = Max(greatest, block.new_keys[k]);
	}
	o.key = least;
	sketch_offer(s, &o);
	o.key = greatest;
	sketch_offer(s, &o);
}

/* Doubles that are near each other may stand for different numerics, or in another order */
#define NEAR 64

static void
offer_numerics(Sketch *s)
{
	for (int k = 0; k < block.nnew; k++)
	{
		int64 key = block.new_keys[k];

		/* between the two by more than that */
		if (!s->min.set || key - NEAR <= s->min.key || key + NEAR >= s->max.key)
		{
			Observation o = observation_of(block.new[k]);

			sketch_offer(s, &o);
		}
	}
}

static void
offer_texts(Sketch *s)
{
	TextRange range = {0};

	if (s->min.set)
		range = text_range(s->min.text, s->min.len, s->max.text, s->max.len, s->type.collation);
	for (int k = 0; k < block.nnew; k++)
	{
		int i = block.new[k];
		const char *text = block.texts[i];
		int len = block.lens[i];
		Candidate c = {.known = true, .text = text, .len = len};

		if (s->type.ordered && !text_is_within(&range, text, len))
		{
			bool less = extreme_offer(&s->min, &s->type, s->context, &c, -1);
			bool more = extreme_offer(&s->max, &s->type, s->context, &c, 1);

			if (less || more)
				range = text_range(s->min.text, s->min.len, s->max.text, s->max.len, s->type.collation);
		}
		extreme_offer_length(&s->shortest, s->context, block.facts[k].chars, text, len, false, -1);
		extreme_offer_length(&s->longest, s->context, block.facts[k].chars, text, len, false, 1);
	}
}

static void
add_new_keys(Sketch *s)
{
	bool has_nan = s->type.class == CLASS_FLOAT;
	int ranked = 0;

	for (int k = 0; k < block.nnew; k++)
		block.new_keys[k] = block.keys[block.new[k]];
	if (s->type.class == CLASS_NUMERIC)
		offer_numerics(s);
	else
		offer_keys(s);
	for (int k = 0; k < block.nnew; k++)
	{
		block.new_keys[ranked] = block.new_keys[k];
		/* NaN has no rank */
		ranked += !has_nan || block.new_keys[k] != PG_INT64_MAX;
	}
	kll_add_many(s->kll, block.new_keys, ranked);
}

static void
add_new_texts(Sketch *s)
{
	for (int k = 0; k < block.nnew; k++)
	{
		int i = block.new[k];

		block.facts[k] = text_facts(s->patterns, block.texts[i], block.lens[i], block.hashes[i]);
		patterns_add(s->patterns, &block.facts[k], block.texts[i], block.lens[i], 1);
	}
	offer_texts(s);
}

/* Counters for them */
static void
insert_new(Sketch *s)
{
	Grid *grid = s->grid;

	for (int k = 0; k < block.nnew; k++)
	{
		uint64 hash = block.new_hashes[k];
		Bucket *b = grid_bucket(grid, hash);
		int place = grid_place(b, hash);

		if (likely(place < 0))
		{
			grid_insert(grid, hash, sketch_leave, s);
			continue;
		}
		if (!grid_knows(b, place))
			grid_know(grid, b, place, block.keys[block.new[k]], &block.facts[k]);
		b->counts[place]++;
		grid->bases[grid_slot(grid, b, place)]++;
	}
}

static void
sample_values(Sketch *s)
{
	for (int k = 0; k < block.nnew; k++)
		block.new_hashes[k] = block.hashes[block.new[k]];
	hll_add_many(s->hll, block.new_hashes, block.nnew);
	for (int k = 0; k < block.nnew; k++)
	{
		if (unlikely(!sample_passes_over(s->sample, block.new_hashes[k])))
		{
			Observation o = observation_of(block.new[k]);

			sketch_sample_value(s, &o);
		}
	}
}

/* -- all of it -- */

/* While the set holds every value: how far that went */
static int
add_to_set(Sketch *s)
{
	int i = 0;

	for (; i < block.n && s->set.exact; i++)
	{
		Entry *e = set_find(&s->set, block.hashes[i]);

		if (likely(e != NULL && !e->direct))
		{
			e->count++;
			e->pending++;
		}
		else
			sketch_add(s, block.values[i]);
	}
	return i;
}

static void
add_block(Sketch *s)
{
	int from = add_to_set(s);

	if (from == block.n)
		return;
	if (s->grid == NULL)
		sketch_count(s);
	if (s->kll)
		sum_numbers(s, from);
	find_counters(s, from);
	if (block.nnew == 0)
		return;
	if (s->kll)
		add_new_keys(s);
	else
		add_new_texts(s);
	sample_values(s);
	insert_new(s);
}

/* Types of which many are read at once */
static bool
goes_in_blocks(const ColumnType *type)
{
	if (type->class == CLASS_TEXT)
		return type->typlen == -1;
	return class_has_key(type->class);
}

void
column_add(Sketch *s, const Datum *values, int n)
{
	if (!goes_in_blocks(&s->type))
	{
		for (int i = 0; i < n; i++)
			sketch_add(s, values[i]);
		return;
	}
	while (n > 0)
	{
		int m = Min(n, BLOCK_VALUES);

		read_block(s, values, m);
		add_block(s);
		values += m;
		n -= m;
	}
}

/* -- values that wait -- */

void
column_release(Sketch *s)
{
	Held *held = s->held;

	column_add(s, held->values, held->n);
	held->n = 0;
	held->bytes = 0;
}

/* A value of the commonest kinds that the set has: counted at once */
static inline bool
count_in_set(Sketch *s, Datum value)
{
	uint64 hash;
	Entry *e;

	if (s->type.class == CLASS_TEXT && s->type.typlen == -1 && !s->type.blank_padded && is_plain(value))
	{
		struct varlena *v = (struct varlena *) DatumGetPointer(value);

		if (VARSIZE_ANY_EXHDR(v) > GIANT_BYTES)
			return false;
		hash = hash_text(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
	}
	else if (s->type.class == CLASS_BOOLEAN)
		hash = hash_salted(DatumGetBool(value), SALT_BOOL);
	else if (s->type.base == INT4OID)
		hash = hash_integer(DatumGetInt32(value));
	else
		return false;
	e = set_find(&s->set, hash);
	if (e == NULL || e->direct)
		return false;
	e->count++;
	e->pending++;
	return true;
}

/* Only a sketch that counts has enough values to be worth the room */
void
column_hold(Sketch *s, Datum value)
{
	Held *held = s->held;
	bool by_value = s->type.typbyval;
	Size bytes = 0;

	if (s->set.exact && count_in_set(s, value))
		return;
	if (s->grid == NULL || !goes_in_blocks(&s->type) || (!by_value && !is_plain(value)) ||
		(!by_value && (bytes = VARSIZE_ANY((struct varlena *) DatumGetPointer(value))) > HELD_BYTES / 16))
	{
		sketch_add(s, value);
		return;
	}
	if (held == NULL)
	{
		held = s->held = MemoryContextAlloc(s->context, by_value ? offsetof(Held, data) : sizeof(Held));
		held->n = 0;
		held->bytes = 0;
	}
	if (!by_value)
	{
		char *copy = held->data + held->bytes;

		memcpy(copy, DatumGetPointer(value), bytes);
		held->bytes += MAXALIGN(bytes);
		value = PointerGetDatum(copy);
	}
	held->values[held->n++] = value;
	if (held->n == HELD_VALUES || held->bytes > HELD_BYTES - HELD_BYTES / 16 - MAXIMUM_ALIGNOF)
		column_release(s);
}
