/*
 * stats.c
 *		profile_stats(), quantile(), top_values(), patterns(),
 *		distinct_count(), semantic_type(), overlap().
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hidden.h"
#include "ingest_profile/semantic.h"
#include "ingest_profile/stats.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(profile_stats);
SQL_FUNCTION(profile_quantiles);
SQL_FUNCTION(profile_quantile);
SQL_FUNCTION(profile_distinct_count);
SQL_FUNCTION(profile_top_values);
SQL_FUNCTION(profile_patterns);
SQL_FUNCTION(profile_semantic_type);
SQL_FUNCTION(profile_semantic_types);
SQL_FUNCTION(profile_semantic_check);
SQL_FUNCTION(profile_overlap);

static double sketch_entropy(Sketch *s);

/* -- figures -- */

void
figures_put(Figures *f, const char *name, char *text)
{
	Assert(f->n < FIGURES);
	f->items[f->n].name = name;
	f->items[f->n++].text = text;
}

char *
figure_of(const Figures *f, const char *name)
{
	for (int i = 0; i < f->n; i++)
	{
		if (strcmp(f->items[i].name, name) == 0)
			return f->items[i].text;
	}
	return NULL;
}

/* A row with the figures that it has columns for */
HeapTuple
figures_tuple(const Figures *f, AttInMetadata *meta)
{
	TupleDesc desc = meta->tupdesc;
	char **values = palloc0(desc->natts * sizeof(char *));

	for (int i = 0; i < desc->natts; i++)
		values[i] = figure_of(f, NameStr(TupleDescAttr(desc, i)->attname));
	return BuildTupleFromCStrings(meta, values);
}

/* A double that reads back the same, whatever the session likes to see of it */
char *
number_text(double value)
{
	char buffer[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isnan(value))
		return NULL;
	double_to_shortest_decimal_buf(value, buffer);
	return pstrdup(buffer);
}

static void
put_int(Figures *f, const char *name, int64 value)
{
	figures_put(f, name, psprintf(INT64_FORMAT, value));
}

static void
put_number(Figures *f, const char *name, double value)
{
	figures_put(f, name, number_text(value));
}

static void
put_share(Figures *f, const char *name, double part, double whole)
{
	figures_put(f, name, whole > 0 ? number_text(part / whole) : NULL);
}

static void
put_bool(Figures *f, const char *name, bool value)
{
	figures_put(f, name, pstrdup(value ? "t" : "f"));
}

static void
basic_figures(Sketch *s, Figures *f)
{
	int64 values = s->rows - s->nulls;
	double error;
	double distinct = sketch_distinct(s, &error);

	figures_put(f, "type", s->type.name);
	put_int(f, "rows", s->rows);
	put_int(f, "nulls", s->nulls);
	put_share(f, "null_share", (double) s->nulls, (double) s->rows);
	put_int(f, "distinct_count", (int64) rint(distinct));
	put_int(f, "distinct_error", (int64) ceil(error));
	put_bool(f, "distinct_exact", s->set.exact && !s->outdated);
	put_share(f, "uniqueness", distinct, (double) values);
	figures_put(f, "min", extreme_text(&s->min, &s->type));
	figures_put(f, "max", extreme_text(&s->max, &s->type));
	put_number(f, "entropy", values > 0 ? sketch_entropy(s) : get_float8_nan());
}

static Datum
numeric_of(const char *text)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/* A sum may be beyond what a double holds, by no more than the number of rows */
static char *
float_sum_text(const Moments *m)
{
	int exponent;
	double part = moments_float_sum(m, &exponent);
	double sum = ldexp(part, exponent);

	if (!isinf(sum))
		return number_text(sum);
	return DatumGetCString(DirectFunctionCall1(numeric_out, DirectFunctionCall2(numeric_mul, numeric_of(number_text(ldexp(part, exponent - 64))),
																				numeric_of("18446744073709551616"))));
}

static char *
sum_text(Sketch *s)
{
	const Moments *m = &s->moments;

	switch (s->type.class)
	{
		case CLASS_INTEGER:
			return int128_text(m->integer);
		case CLASS_NUMERIC:
			return moments_sum_text(m);
		default:
			return m->inexact ? NULL : float_sum_text(m);
	}
}

/* Sum over count to twenty digits, from the exact sum */
static char *
mean_text(Sketch *s, const Central *c)
{
	char *sum = s->type.class == CLASS_FLOAT ? NULL : sum_text(s);
	Datum mean;

	if (s->type.class == CLASS_FLOAT && !s->moments.inexact)
	{
		int exponent;
		double part = moments_float_sum(&s->moments, &exponent);

		return number_text(ldexp(part / (double) s->moments.n, exponent));
	}
	if (sum == NULL)
		return number_text(c->mean);
	mean = DirectFunctionCall2(numeric_div, numeric_of(sum),
							   NumericGetDatum(int64_to_numeric(s->moments.n)));
	return DatumGetCString(DirectFunctionCall1(numeric_out, mean));
}

static void
number_figures(Sketch *s, Figures *f)
{
	const Moments *m = &s->moments;
	Central c = moments_central(m);
	double variance = c.n > 1 ? c.m2 / (c.n - 1) : get_float8_nan();
	/* so little that it is rounding */
	bool constant = c.m2 <= 1e-24 * c.n * c.mean * c.mean;

	if (class_is_number(s->type.class))
	{
		figures_put(f, "sum", m->n > 0 ? sum_text(s) : NULL);
		figures_put(f, "mean", m->n > 0 ? mean_text(s, &c) : NULL);
		put_number(f, "variance", variance);
		put_number(f, "stddev", sqrt(variance));
		put_number(f, "skewness", c.n > 1 && !constant ? sqrt(c.n) * c.m3 / pow(c.m2, 1.5) : get_float8_nan());
		put_number(f, "kurtosis", c.n > 1 && !constant ? c.n * c.m4 / (c.m2 * c.m2) : get_float8_nan());
		put_int(f, "zeros", m->zeros);
		put_int(f, "negatives", m->negatives);
		put_int(f, "nans", m->nans);
	}
	if (class_is_number(s->type.class) || class_is_moment(s->type.class))
		put_int(f, "infinities", m->infinities);
	if (s->type.class == CLASS_BOOLEAN)
	{
		put_int(f, "trues", (int64) m->integer);
		put_int(f, "falses", m->n - (int64) m->integer);
	}
	if (class_is_moment(s->type.class) && m->n > 0)
	{
		double unit = s->type.class == CLASS_DATE ? 1 : USECS_PER_SEC;

		figures_put(f, "mean_moment", text_of_key(&s->type, (int64) rint(c.mean * unit)));
	}
}

static void
quantile_figures(Sketch *s, Figures *f)
{
	static const struct
	{
		const char *name;
		double q;
	} shown[] = {{"p01", 0.01}, {"p05", 0.05}, {"p25", 0.25}, {"median", 0.5}, {"p75", 0.75}, {"p95", 0.95}, {"p99", 0.99}};
	Distribution d = sketch_distribution(s);

	if (d.n == 0 || s->type.class == CLASS_BOOLEAN)
		return;
	for (int i = 0; i < lengthof(shown); i++)
		figures_put(f, shown[i].name, sketch_quantile_text(s, &d, shown[i].q));
}

static void
text_figures(Sketch *s, const char *column, const char *schema, Figures *f)
{
	const Patterns *p = s->patterns;
	HiddenGuess hidden;
	int n;

	/* of no value there is none; of a giant document nobody counted it */
	if (p->texts > 0 && p->texts == s->rows - s->nulls)
	{
		put_int(f, "min_length", p->min_length);
		put_int(f, "max_length", p->max_length);
		put_share(f, "mean_length", (double) p->chars, (double) p->texts);
	}
	if (s->type.class != CLASS_TEXT)
		return;
	put_int(f, "empties", p->empties);
	put_int(f, "blanks", p->blanks);
	put_int(f, "leading_blanks", p->leading);
	put_int(f, "trailing_blanks", p->trailing);
	put_int(f, "uppercase", p->upper);
	put_int(f, "lowercase", p->lower);
	put_int(f, "mixed_case", p->mixed);
	put_int(f, "non_ascii", p->non_ascii);
	put_int(f, "odd_characters", p->odd);
	figures_put(f, "shortest", extreme_text(&s->shortest, &s->type));
	figures_put(f, "longest", extreme_text(&s->longest, &s->type));
	if (p->has_shapes)
	{
		Shape **shapes = patterns_ranked(p, &n);

		if (n > 0 && shapes[0]->mask != NULL)
		{
			figures_put(f, "pattern", shapes[0]->mask);
			put_share(f, "pattern_share", (double) shapes[0]->count, (double) (p->texts - p->unlooked));
		}
	}
	hidden = hidden_guess(s);
	if (hidden.type != NULL)
	{
		figures_put(f, "hidden_type", pstrdup(hidden.type));
		figures_put(f, "hidden_format", hidden.format);
		put_number(f, "hidden_share", hidden.share);
		if (schema)
			figures_put(f, "hidden_cast", hidden_cast(&hidden, column, schema));
	}
}

static char *
array_text(char **texts, int n)
{
	Datum *elements = palloc(Max(n, 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	return OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT)));
}

/* A few of the distinct values, by chance */
static void
sample_figures(Sketch *s, Figures *f)
{
	Sample *sample = sketch_sample(s);
	char *texts[5];
	int n = 0;

	for (int i = 0; i < sample->n && n < lengthof(texts); i++)
	{
		if (sample->items[i].value != NULL)
			texts[n++] = sample->items[i].cut ? psprintf("%s...", sample->items[i].value) : sample->items[i].value;
	}
	figures_put(f, "samples", array_text(texts, n));
}

static void
top_figures(Sketch *s, Figures *f)
{
	int n;
	TopValue *top = sketch_top(s, 1, &n);

	if (n == 0)
		return;
	figures_put(f, "top_value", top[0].text);
	put_int(f, "top_count", top[0].count);
	put_share(f, "top_share", (double) top[0].count, (double) (s->rows - s->nulls));
}

/* Everything that applies; the column's name, if known, helps with meanings */
void
sketch_figures(Sketch *s, const char *column, const char *schema, Figures *f)
{
	SemanticGuess guess;

	f->n = 0;
	basic_figures(s, f);
	if (class_has_key(s->type.class))
	{
		number_figures(s, f);
		quantile_figures(s, f);
	}
	if (s->patterns)
		text_figures(s, column, schema, f);
	top_figures(s, f);
	if (semantic_guess(s, column, &guess))
	{
		figures_put(f, "semantic_type", pstrdup(guess.type->name));
		put_number(f, "semantic_share", guess.share);
	}
	sample_figures(s, f);
}

/*
 * (profile_stats(s)).* calls the function once for each field, with the same sketch.  So the last answer is kept, with
 * everything that it depends on.
 */
typedef struct LastStats
{
	MemoryContext context; /* of what follows; NULL: nothing is kept */
	bytea *sketch;
	char *column;
	Oid type;
	int fields;
	HeapTuple tuple;
} LastStats;

static LastStats last_stats;

static bool
same_as_last(const bytea *sketch, const char *column, const TupleDesc desc)
{
	const LastStats *l = &last_stats;

	return l->context != NULL && l->type == desc->tdtypeid && l->fields == desc->natts &&
		   (l->column == NULL) == (column == NULL) && (column == NULL || strcmp(l->column, column) == 0) &&
		   VARSIZE_ANY_EXHDR(l->sketch) == VARSIZE_ANY_EXHDR(sketch) &&
		   memcmp(VARDATA_ANY(l->sketch), VARDATA_ANY(sketch), VARSIZE_ANY_EXHDR(sketch)) == 0;
}

static void
keep_stats(const bytea *sketch, const char *column, const TupleDesc desc, HeapTuple tuple)
{
	MemoryContext context = last_stats.context;
	MemoryContext old;

	/* nothing is kept while it is made */
	last_stats.context = NULL;
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "last profile_stats", ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(context);
	old = MemoryContextSwitchTo(context);
	last_stats.sketch = (bytea *) memcpy(palloc(VARSIZE_ANY(sketch)), sketch, VARSIZE_ANY(sketch));
	last_stats.column = column ? pstrdup(column) : NULL;
	last_stats.type = desc->tdtypeid;
	last_stats.fields = desc->natts;
	last_stats.tuple = heap_copytuple(tuple);
	MemoryContextSwitchTo(old);
	last_stats.context = context;
}

/* The schema of the function that was called, quoted */
char *
extension_schema(FunctionCallInfo fcinfo)
{
	return pstrdup(quote_identifier(get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid))));
}

Datum
profile_stats(PG_FUNCTION_ARGS)
{
	char *column = PG_NARGS() > 1 && !PG_ARGISNULL(1) ? text_to_cstring(PG_GETARG_TEXT_PP(1)) : NULL;
	bytea *sketch;
	TupleDesc desc;

	/* the profile of no rows */
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	sketch = PG_GETARG_BYTEA_PP(0);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "profile_stats() must return a row");
	if (!same_as_last(sketch, column, desc))
	{
		Figures f;

		sketch_figures(sketch_of_datum(PointerGetDatum(sketch)), column, extension_schema(fcinfo), &f);
		keep_stats(sketch, column, desc, figures_tuple(&f, TupleDescGetAttInMetadata(desc)));
	}
	PG_RETURN_DATUM(heap_copy_tuple_as_datum(last_stats.tuple, desc));
}

/* -- quantiles -- */

Datum
text_or_null(const char *text, bool *null)
{
	*null = text == NULL;
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* A numeric of whose text only the beginning is kept, beside one that is nearly as large and known whole */
static int
compare_beginning(const char *beginning, const char *whole)
{
	int away = beginning[0] == '-' ? -1 : 1;
	int order;

	if (strcmp(whole, "Infinity") == 0)
		return -1;
	if (strcmp(whole, "-Infinity") == 0)
		return 1;
	/* more digits before the point than there is room for */
	if (strchr(beginning, '.') == NULL)
		return away;
	order = DatumGetInt32(DirectFunctionCall2(numeric_cmp, numeric_of(beginning), numeric_of(whole)));
	return order != 0 ? order : away;
}

/* Numerics in their order: where their keys are the same, or nearly, they decide themselves */
static int
compare_numerics(const void *a, const void *b, void *arg)
{
	const Entry *x = *(Entry *const *) a;
	const Entry *y = *(Entry *const *) b;
	char *left;
	char *right;

	if (x->key - 64 > y->key || x->key < y->key - 64)
		return x->key < y->key ? -1 : 1;
	left = sketch_entry_text(arg, x);
	right = sketch_entry_text(arg, y);
	if (left == NULL || right == NULL || (x->cut && y->cut))
		return x->key < y->key ? -1 : x->key > y->key;
	if (x->cut)
		return compare_beginning(left, right);
	if (y->cut)
		return -compare_beginning(right, left);
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, numeric_of(left), numeric_of(right)));
}

/* The entry at a rank; NULL if there is none */
static const Entry *
numeric_at(Sketch *s, double q)
{
	Entry **entries = palloc(Max(s->set.n, 1) * sizeof(Entry *));
	int n = 0;
	double total = 0;
	double sum = 0;
	int place = 0;

	for (int i = 0; i < s->set.n; i++)
	{
		Entry *e = &s->set.entries[i];

		if (e->key == PG_INT64_MAX || e->count == 0)
			continue;
		entries[n++] = e;
		total += (double) e->count;
	}
	qsort_arg(entries, n, sizeof(Entry *), compare_numerics, s);
	while (place < n && ((sum += (double) entries[place]->count) < q * total || sum <= 0))
		place++;
	return n > 0 ? entries[Min(place, n - 1)] : NULL;
}

/*
 * A numeric's quantile: as it occurs, while all values are known and their texts were kept; else by its key, which
 * tells but sixteen digits.  NULL if the value is beyond that, or has more digits than are kept.
 */
static char *
numeric_quantile(Sketch *s, double q, int64 key)
{
	const Entry *e = s->set.exact ? numeric_at(s, q) : NULL;
	char *text = e != NULL && !e->cut ? sketch_entry_text(s, e) : NULL;

	if (text != NULL || (e != NULL && e->cut))
		return text;
	if (isinf(double_of_key(key)) && s->moments.infinities == 0)
		return NULL;
	return text_of_key(&s->type, key);
}

char *
sketch_quantile_text(Sketch *s, const Distribution *d, double q)
{
	int64 key = distribution_quantile(d, q);

	/* the extremes are known exactly */
	if (q == 0 && s->min.set && class_has_key(s->type.class))
		return extreme_text(&s->min, &s->type);
	if (q == 1 && s->max.set && s->moments.nans == 0)
		return extreme_text(&s->max, &s->type);
	return s->type.class == CLASS_NUMERIC ? numeric_quantile(s, q, key) : text_of_key(&s->type, key);
}

static void
check_fraction(double q)
{
	if (isnan(q) || q < 0 || q > 1)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("quantile %g is not between 0 and 1", q)));
}

Datum
profile_quantile(PG_FUNCTION_ARGS)
{
	Sketch *s = sketch_of_datum(PG_GETARG_DATUM(0));
	double q = PG_GETARG_FLOAT8(1);
	Distribution d = sketch_distribution(s);
	char *text;

	check_fraction(q);
	if (d.n == 0)
		PG_RETURN_NULL();
	text = sketch_quantile_text(s, &d, q);
	if (text == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

Datum
profile_quantiles(PG_FUNCTION_ARGS)
{
	Sketch *s = sketch_of_datum(PG_GETARG_DATUM(0));
	Distribution d = sketch_distribution(s);
	Datum *fractions;
	Datum *texts;
	bool *nulls;
	int n;
	int dims[1];
	int lows[1] = {1};

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &fractions, &nulls, &n);
	if (d.n == 0)
		PG_RETURN_NULL();
	texts = palloc(Max(n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			continue;
		check_fraction(DatumGetFloat8(fractions[i]));
		texts[i] = text_or_null(sketch_quantile_text(s, &d, DatumGetFloat8(fractions[i])), &nulls[i]);
	}
	dims[0] = n;
	PG_RETURN_ARRAYTYPE_P(construct_md_array(texts, nulls, 1, dims, lows, TEXTOID, -1, false, TYPALIGN_INT));
}

/* -- distinct and frequent values -- */

Datum
profile_distinct_count(PG_FUNCTION_ARGS)
{
	double error;

	PG_RETURN_INT64((int64) rint(sketch_distinct(sketch_of_datum(PG_GETARG_DATUM(0)), &error)));
}

TopValue *
sketch_top(Sketch *s, int wanted, int *n)
{
	int entries;
	Entry **ranked = set_ranked(&s->set, &entries);
	TopValue *top;

	*n = Min(wanted, entries);
	top = palloc0(Max(*n, 1) * sizeof(TopValue));
	for (int i = 0; i < *n; i++)
	{
		char *text = sketch_entry_text(s, ranked[i]);

		top[i].text = text && ranked[i]->cut ? psprintf("%s...", text) : text;
		top[i].count = ranked[i]->count;
		top[i].most = ranked[i]->count + s->set.offset;
	}
	return top;
}

/* Bits a value; beyond the frequent ones as if the others came equally often */
static double
sketch_entropy(Sketch *s)
{
	double values = (double) (s->rows - s->nulls);
	double error;
	double rest = values;
	double bits = 0;
	double others = sketch_distinct(s, &error) - s->set.n;

	for (int i = 0; i < s->set.n; i++)
	{
		double share = ((double) s->set.entries[i].count) / values;

		if (s->set.entries[i].count == 0)
			continue;
		bits -= share * log2(share);
		rest -= (double) s->set.entries[i].count;
	}
	if (rest > 0 && !s->set.exact)
		bits -= rest / values * log2(rest / values / Max(others, 1));
	return Max(bits, 0);
}

int
wanted_rows(FunctionCallInfo fcinfo, int arg, const char *what)
{
	int n = PG_GETARG_INT32(arg);

	if (n < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at least 1, not %d", what, n)));
	return n;
}

Datum
profile_top_values(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Sketch *s = sketch_of_datum(PG_GETARG_DATUM(0));
	int n;
	TopValue *top = sketch_top(s, wanted_rows(fcinfo, 1, "the number of values"), &n);

	rows_begin(fcinfo);
	for (int i = 0; i < n; i++)
	{
		bool nulls[4] = {false};
		Datum values[4] = {
			text_or_null(top[i].text, &nulls[0]), Int64GetDatum(top[i].count), Int64GetDatum(top[i].most),
			Float8GetDatum((double) top[i].count / (double) (s->rows - s->nulls))};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}

/* -- patterns and meanings -- */

Datum
profile_patterns(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Sketch *s = sketch_of_datum(PG_GETARG_DATUM(0));

	rows_begin(fcinfo);
	if (s->patterns && s->patterns->has_shapes)
	{
		int n;
		Shape **shapes = patterns_ranked(s->patterns, &n);

		/* what came but once among too many has no name */
		for (int i = 0; i < n && shapes[i]->mask != NULL; i++)
		{
			const Patterns *p = s->patterns;
			bool nulls[5] = {false};
			Datum row[5] = {
				text_or_null(shapes[i]->mask, &nulls[0]), Int64GetDatum(shapes[i]->count),
				Int64GetDatum(Min(shapes[i]->count + p->shape_offset + p->unlooked, p->texts)),
				Float8GetDatum((double) shapes[i]->count / (double) Max(p->texts - p->unlooked, 1)),
				text_or_null(shapes[i]->cut && shapes[i]->example ? psprintf("%s...", shapes[i]->example) : shapes[i]->example, &nulls[4])};

			tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
		}
	}
	PG_RETURN_NULL();
}

Datum
profile_semantic_type(PG_FUNCTION_ARGS)
{
	SemanticGuess guess;
	char *column = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (PG_ARGISNULL(0) || !semantic_guess(sketch_of_datum(PG_GETARG_DATUM(0)), column, &guess))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(guess.type->name));
}

/* The list of meanings */
Datum
profile_semantic_types(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	rows_begin(fcinfo);
	for (int i = 0; i < semantic_ntypes; i++)
	{
		const SemanticType *type = &semantic_types[i];
		bool nulls[5] = {false};
		Datum row[5] = {CStringGetTextDatum(type->name), CStringGetTextDatum(type->describes),
						Int32GetDatum(type->distinct), BoolGetDatum(type->hints && type->hints[0] == '!'),
						text_or_null(type->hints && strchr("!-", type->hints[0]) ? type->hints + 1 : type->hints, &nulls[4])};

		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	PG_RETURN_NULL();
}

/* Does one value fit a meaning? */
Datum
profile_semantic_check(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *value = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const SemanticType *type = semantic_find(name);

	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no semantic type \"%s\"", name),
				 errhint("semantic_types() lists them.")));
	PG_RETURN_BOOL(value[0] != '\0' && type->fits(value, (int) strlen(value)));
}

/* -- overlap -- */

/* Hashes of a below a threshold, and how many of them b has */
static int
shared_below(const Sample *a, const Sample *b, uint64 below, int *of_a, int *of_b)
{
	int shared = 0;
	int i = 0;
	int j = 0;

	*of_a = *of_b = 0;
	while (i < a->n && a->items[i].hash <= below)
		i++, (*of_a)++;
	while (j < b->n && b->items[j].hash <= below)
		j++, (*of_b)++;
	for (i = j = 0; i < *of_a && j < *of_b;)
	{
		if (a->items[i].hash == b->items[j].hash)
			shared++, i++, j++;
		else if (a->items[i].hash < b->items[j].hash)
			i++;
		else
			j++;
	}
	return shared;
}

Datum
profile_overlap(PG_FUNCTION_ARGS)
{
	Sketch *a = sketch_of_datum(PG_GETARG_DATUM(0));
	Sketch *b = sketch_of_datum(PG_GETARG_DATUM(1));
	Sample *sa = sketch_sample(a);
	Sample *sb = sketch_sample(b);
	/* up to here both samples have every value */
	uint64 below = Min(sa->below, sb->below);
	int of_a;
	int of_b;
	int shared = shared_below(sa, sb, below, &of_a, &of_b);
	double error;
	double na = sketch_distinct(a, &error);
	double nb = sketch_distinct(b, &error);
	double in_b = of_a > 0 ? (double) shared / of_a : get_float8_nan();
	double in_a = of_b > 0 ? (double) shared / of_b : get_float8_nan();
	int either = of_a + of_b - shared;
	double jaccard = either > 0 ? (double) shared / either : get_float8_nan();
	bool exact = below == PG_UINT64_MAX;
	TupleDesc desc;
	AttInMetadata *meta;
	Figures f = {0};

	sketch_require_current(a);
	sketch_require_current(b);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "overlap() must return a row");
	meta = TupleDescGetAttInMetadata(desc);
	put_int(&f, "shared", (int64) rint(exact ? shared : of_a >= of_b && of_a > 0 ? in_b * na
													: of_b > 0                   ? in_a * nb
																				 : 0));
	put_number(&f, "a_in_b", in_b);
	put_number(&f, "b_in_a", in_a);
	put_number(&f, "jaccard", jaccard);
	/* two standard deviations of a share of so many hashes */
	put_number(&f, "error", exact ? 0 : 2 * sqrt(0.25 / Max(Min(of_a, of_b), 1)));
	put_int(&f, "hashes", Min(of_a, of_b));
	PG_RETURN_DATUM(HeapTupleGetDatum(figures_tuple(&f, meta)));
}
