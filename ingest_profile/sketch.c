/*
 * sketch.c
 *		Adding values and merging sketches.
 *
 * A value's hash is looked up in the set first.  Seen before: its count goes
 * up, and no more.  New: its extremes, facts and, once the set has overflowed,
 * its place in every other part are worked out.
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hash.h"
#include "ingest_profile/sketch.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* A value as it is read from its datum */
typedef struct Observation
{
	uint64 hash;
	int64 key;
	Datum value;
	const char *text; /* texts and bytes as they are, other types by their output */
	int len;          /* of what is looked at */
	int64 length;     /* bytes, elements of an array; -1: does not apply */
	int64 full;       /* bytes of the whole value */
	Digits digits;
	TextFacts facts;
} Observation;

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

/* -- reading a datum -- */

static int64
microseconds_of_date(int32 date)
{
	if (date == PG_INT32_MIN)
		return PG_INT64_MIN;
	if (date == PG_INT32_MAX)
		return PG_INT64_MAX;
	/* what is no date comes from a damaged sketch only */
	return (int64) ((uint64) (int64) date * (uint64) USECS_PER_DAY);
}

uint64
sketch_hash_of_key(ValueClass class, int64 key)
{
	switch (class)
	{
		case CLASS_INTEGER:
			return hash_integer(key);
		case CLASS_FLOAT:
			return hash_double(key == PG_INT64_MAX ? get_float8_nan() : double_of_key(key));
		case CLASS_BOOLEAN:
			return hash_salted((uint64) key, SALT_BOOL);
		case CLASS_DATE:
			return hash_salted((uint64) microseconds_of_date((int32) key), SALT_INSTANT);
		case CLASS_TIME:
			return hash_salted((uint64) key, SALT_TIME);
		default:
			return hash_salted((uint64) key, SALT_INSTANT);
	}
}

/* A varlena, no more of it than GIANT_BYTES */
static struct varlena *
detoast_some(Datum value, int64 *full)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(value);

	/* a pointer to TOAST has a short header as well */
	if (!VARATT_IS_EXTERNAL(v) && (!VARATT_IS_EXTENDED(v) || VARATT_IS_SHORT(v)))
		*full = VARSIZE_ANY_EXHDR(v);
	else
	{
		*full = (int64) toast_raw_datum_size(value) - VARHDRSZ;
		if (*full > GIANT_BYTES)
			return detoast_attr_slice(v, 0, GIANT_BYTES);
		return pg_detoast_datum_packed(v);
	}
	return v;
}

static void
read_text(Sketch *s, Datum value, Observation *o)
{
	if (s->type.is_name)
	{
		o->text = NameStr(*DatumGetName(value));
		o->len = (int) strlen(o->text);
		o->full = o->len;
	}
	else if (s->type.is_cstring_like)
	{
		o->text = column_type_output(&s->type, value);
		o->len = (int) strlen(o->text);
		o->full = o->len;
	}
	else
	{
		struct varlena *v = detoast_some(value, &o->full);

		o->text = VARDATA_ANY(v);
		o->len = (int) VARSIZE_ANY_EXHDR(v);
		if (o->len > GIANT_BYTES || o->full > o->len)
			o->len = pg_mbcliplen(o->text, o->len, GIANT_BYTES);
	}
	/* a giant's end, and so its blanks, is not read */
	if (s->type.blank_padded && o->full == o->len)
	{
		o->len = bpchartruelen((char *) o->text, o->len);
		o->full = o->len;
	}
	o->hash = hash_text(o->text, o->len);
	if (unlikely(o->full > o->len))
		o->hash = hash_giant(o->hash, o->full);
}

static void
read_bytes(Datum value, Observation *o)
{
	struct varlena *v = detoast_some(value, &o->full);

	o->text = VARDATA_ANY(v);
	o->len = (int) Min(VARSIZE_ANY_EXHDR(v), GIANT_BYTES);
	o->length = o->full;
	o->hash = hash_binary(o->text, o->len);
	if (o->full > o->len)
		o->hash = hash_giant(o->hash, o->full);
}

static char *
text_of_uuid(const pg_uuid_t *uuid)
{
	static const char digits[] = "0123456789abcdef";
	char *text = palloc(37);
	char *p = text;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[uuid->data[i] >> 4];
		*p++ = digits[uuid->data[i] & 15];
	}
	*p = '\0';
	return text;
}

/* Of an array that is not read whole: its head tells; -1 if it does not */
static int64
elements_of(const char *data, int len)
{
	int32 head[3 + MAXDIM]; /* dimensions, offset, type, and how many there are of each */
	int n = Min(len / (int) sizeof(int32), (int) lengthof(head));

	memcpy(head, data, n * sizeof(int32));
	if (n < 3 || head[0] < 0 || head[0] > MAXDIM || n < 3 + head[0])
		return -1;
	return ArrayGetNItems(head[0], head + 3);
}

/* Any other type, by what it shows; of giants, by their beginning */
static void
read_other(Sketch *s, Datum value, Observation *o)
{
	o->value = value;
	if (s->type.typlen == -1)
	{
		struct varlena *v = (struct varlena *) DatumGetPointer(value);
		int64 length;

		if (toast_raw_datum_size(value) > GIANT_BYTES + VARHDRSZ)
		{
			read_bytes(value, o);
			length = s->type.is_array ? elements_of(o->text, o->len) : -1;
			o->text = psprintf("(" INT64_FORMAT " bytes)", o->full);
			o->len = (int) strlen(o->text);
			o->length = length;
			return;
		}
		o->value = PointerGetDatum(pg_detoast_datum(v));
	}
	o->text = s->type.base == UUIDOID ? text_of_uuid(DatumGetUUIDP(value)) : column_type_output(&s->type, o->value);
	o->len = (int) strlen(o->text);
	o->full = o->len;
	o->hash = hash_text(o->text, o->len);
	if (s->type.is_array)
	{
		ArrayType *array = DatumGetArrayTypeP(o->value);

		o->length = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	}
	else if (s->type.is_json)
		o->length = pg_mbstrlen_with_len(o->text, o->len);
}

static inline void
observe(Sketch *s, Datum value, Observation *o)
{
	o->length = -1;
	o->hash = 1;
	switch (s->type.class)
	{
		case CLASS_INTEGER:
			o->key = s->type.typlen == 8 ? DatumGetInt64(value) : s->type.typlen == 2  ? DatumGetInt16(value)
															  : s->type.base == OIDOID ? (int64) DatumGetObjectId(value)
																					   : DatumGetInt32(value);
			o->hash = hash_integer(o->key);
			break;
		case CLASS_FLOAT:
		{
			double x = s->type.typlen == 4 ? (double) DatumGetFloat4(value) : DatumGetFloat8(value);

			o->key = key_of_double(x);
			o->hash = hash_double(x);
			break;
		}
		case CLASS_NUMERIC:
			o->value = PointerGetDatum(pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value)));
			o->digits = numeric_digits((Numeric) DatumGetPointer(o->value));
			o->hash = digits_hash(&o->digits);
			break;
		case CLASS_BOOLEAN:
			o->key = DatumGetBool(value);
			o->hash = sketch_hash_of_key(CLASS_BOOLEAN, o->key);
			break;
		case CLASS_DATE:
			o->key = DatumGetDateADT(value);
			o->hash = sketch_hash_of_key(CLASS_DATE, o->key);
			break;
		case CLASS_TIMESTAMP:
		case CLASS_TIMESTAMPTZ:
			o->key = DatumGetTimestamp(value);
			o->hash = hash_salted((uint64) o->key, SALT_INSTANT);
			break;
		case CLASS_TIME:
			o->key = DatumGetTimeADT(value);
			o->hash = hash_salted((uint64) o->key, SALT_TIME);
			break;
		case CLASS_TEXT:
			read_text(s, value, o);
			break;
		case CLASS_BYTES:
			read_bytes(value, o);
			break;
		case CLASS_OTHER:
			read_other(s, value, o);
			break;
	}
}

/* What only a new value needs */
static void
observe_more(Sketch *s, Observation *o)
{
	if (s->type.class == CLASS_NUMERIC)
		o->key = key_of_double(digits_to_double(&o->digits));
	else if (s->type.class == CLASS_TEXT)
	{
		o->facts = text_facts(s->patterns, o->text, o->len, o->hash);
		/* of giants only the beginning was counted */
		if (o->full > o->len && o->len > 0)
		{
			/* what its characters take behind that is not known */
			s->patterns->guessed = s->patterns->guessed || pg_database_encoding_max_length() > 1;
			o->facts.chars = (uint32) ((double) o->facts.chars * o->full / o->len);
		}
	}
	else if (o->length >= 0)
		o->facts.chars = (uint32) Min(o->length, PG_UINT32_MAX);
	else
		o->facts.flags = TEXT_UNMEASURED;
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

/* Account for all that is pending in the set */
void
sketch_settle(Sketch *s)
{
	choose_shift(s);
	for (int i = 0; i < s->set.n; i++)
		account_entry(s, &s->set.entries[i]);
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

/* The set cannot hold every value any more */
static void
overflow(Sketch *s)
{
	sketch_settle(s);
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
	set_relax(&s->set, leave, s);
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

/* Text to keep of a value that is here now */
static const char *
text_to_keep(Sketch *s, const Observation *o, int *len)
{
	*len = 0;
	switch (s->type.class)
	{
		case CLASS_NUMERIC:
		{
			char *text = DatumGetCString(DirectFunctionCall1(numeric_out, o->value));

			*len = (int) strlen(text);
			return text;
		}
		case CLASS_BYTES:
		{
			int n = Min(o->len, VALUE_BYTES / 2);
			char *hex = palloc(2 * n + 3);

			hex[0] = '\\';
			hex[1] = 'x';
			*len = 2 + (int) hex_encode(o->text, n, hex + 2);
			hex[*len] = '\0';
			return hex;
		}
		case CLASS_TEXT:
		case CLASS_OTHER:
			*len = o->len;
			return o->text;
		default:
			return NULL;
	}
}

static void
fill(Sketch *s, Entry *e, const Observation *o)
{
	int len;
	const char *text = text_to_keep(s, o, &len);

	e->key = o->key;
	if (s->type.class == CLASS_TEXT || s->patterns)
		e->facts = o->facts;
	e->bare = false;
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

/* A value of the set that is not known well enough to be only counted */
static void
seen_again(Sketch *s, Entry *e, Observation *o)
{
	observe_more(s, o);
	if (e->bare)
		fill(s, e, o);
	e->count++;
	if (s->kll)
		e->unranked++;
	if (e->direct)
		account_now(s, o);
	else
		e->pending++;
}

static void
offer_extremes(Sketch *s, const Observation *o)
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

static void
sample_new_value(Sketch *s, const Observation *o)
{
	int len = 0;
	const char *text = NULL;

	if (o->hash <= s->sample->value_below)
	{
		text = text_to_keep(s, o, &len);
		if (text == NULL)
		{
			text = text_of_key(&s->type, o->key);
			len = (int) strlen(text);
		}
	}
	sample_put(s->sample, o->hash, text, len, o->full > o->len);
}

/* A value that the set does not have */
static void
add_new(Sketch *s, Observation *o)
{
	Entry *e;

	observe_more(s, o);
	offer_extremes(s, o);
	if (s->set.exact)
	{
		e = set_insert(&s->set, o->hash);
		if (e != NULL)
		{
			fill(s, e, o);
			e->count = 1;
			if (e->direct)
			{
				account_now(s, o);
				return;
			}
			e->pending = 1;
			return;
		}
		overflow(s);
	}
	account_now(s, o);
	if (s->kll && ranked(s, o->key))
		kll_add(s->kll, o->key, 1);
	hll_add(s->hll, o->hash);
	if (!sample_passes_over(s->sample, o->hash))
		sample_new_value(s, o);
	e = set_insert(&s->set, o->hash);
	if (e == NULL)
	{
		set_purge(&s->set, SET_COUNTERS / 2, leave, s);
		e = set_insert(&s->set, o->hash);
	}
	e->count = 1;
	e->key = o->key;
	e->bare = true;
}

/* One value that is not null */
void
sketch_add(Sketch *s, Datum value)
{
	Observation o;
	Entry *e;

	o.full = o.len = 0;
	o.key = 0;
	o.value = value;
	o.text = NULL;
	observe(s, value, &o);
	e = set_find(&s->set, o.hash);
	if (e == NULL)
	{
		memset(&o.facts, 0, sizeof(o.facts));
		add_new(s, &o);
	}
	else if (unlikely(e->bare || e->direct))
	{
		memset(&o.facts, 0, sizeof(o.facts));
		seen_again(s, e, &o);
	}
	else
	{
		e->count++;
		e->pending++;
		if (s->kll)
			e->unranked++;
	}
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

/* Another set's value into the own set; so many of its rows are in no sketch of quantiles */
static void
merge_entry(Sketch *into, const Entry *from, int64 unranked)
{
	Entry *e = set_find(&into->set, from->hash);

	if (e == NULL)
	{
		e = set_insert(&into->set, from->hash);
		if (e == NULL && into->set.exact)
			overflow(into);
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
		overflow(into);
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
				 errmsg("a profile cannot speak of more than " INT64_FORMAT " rows", MOST_ROWS)));
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
