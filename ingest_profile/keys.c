/*
 * keys.c
 *		candidate_keys() and candidate_foreign_keys().
 *
 * Sketches say what is possible and rule out the rest without another look at
 * the data; what is left is verified exactly, by SQL that runs as the caller.
 * For references the data alone hardly say anything (small integers are
 * contained in every longer run of them), so names decide among the possible.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hash.h"
#include "ingest_profile/names.h"
#include "ingest_profile/stats.h"
#include "ingest_profile/table.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

SQL_FUNCTION(profile_candidate_keys);
SQL_FUNCTION(profile_candidate_foreign_keys);

#define MOST_COLUMNS 4     /* of a key */
#define MOST_CONSIDERED 64 /* columns that sets are made of */
#define MOST_SAMPLED 2000  /* sets of a size that are held against the sample of rows */
#define MOST_VERIFIED 20   /* of those, sets that are verified */
#define ROW_SAMPLE 20000   /* rows in which a duplicate refutes a set */
#define FIRST_ROWS 500     /* of them, looked at before the others */
#define HLL_SLACK 0.968    /* four standard deviations below */

typedef struct KeySet
{
	int n;
	int columns[MOST_COLUMNS];
	double score;
} KeySet;

typedef struct KeySearch
{
	Profiled *p;
	double rows;
	bool *eligible; /* may be part of a key: no nulls, values that compare */
	double *distinct;
	double *scores; /* of each column alone */
	int nkeys;
	KeySet keys[256];
	int nsample;
	uint64 *sample; /* hashes of the sampled rows' values, column by column */
} KeySearch;

static int64
one_number(const char *sql)
{
	bool null;

	profile_select_row(sql);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
}

/* -- one relation's keys -- */

static bool
groupable(const Sketch *s)
{
	TypeCacheEntry *cache = lookup_type_cache(s->type.base, TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC);

	return OidIsValid(cache->eq_opr) && OidIsValid(cache->hash_proc);
}

/* May a column be unique, by its sketch? */
static bool
may_be_unique(const Sketch *s)
{
	double error;
	double distinct = sketch_distinct(s, &error);
	double values = (double) (s->rows - s->nulls);

	if (s->set.exact)
		return distinct == values;
	/* a count is a lower bound: two are a duplicate for certain */
	for (int i = 0; i < s->set.n; i++)
	{
		if (s->set.entries[i].count > 1)
			return false;
	}
	return distinct >= HLL_SLACK * values;
}

static double
type_rank(ValueClass class)
{
	switch (class)
	{
		case CLASS_INTEGER:
			return 1;
		case CLASS_NUMERIC:
		case CLASS_TEXT:
		case CLASS_OTHER:
			return 0.7;
		case CLASS_DATE:
			return 0.4;
		case CLASS_FLOAT:
			return 0;
		default:
			return 0.2;
	}
}

/* Names such as id, short types */
static double
column_score(const ProfiledColumn *c)
{
	const Sketch *s = c->sketch;
	double length = s->patterns && s->patterns->texts > 0 ? (double) s->patterns->chars / (double) s->patterns->texts : 8;

	return 0.45 * name_like_key(c->name) + 0.3 * type_rank(s->type.class) + 0.1 / (1 + length / 16);
}

/* The same, and columns in front, few of them */
static double
key_score(const KeySearch *k, const KeySet *set)
{
	double score = 0;

	for (int i = 0; i < set->n; i++)
		score += k->scores[set->columns[i]] + 0.15 / (i + k->p->columns[set->columns[i]].position);
	return score / set->n / (1 + 0.25 * (set->n - 1));
}

static char *
column_list(const Profiled *p, const KeySet *set)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < set->n; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", quote_identifier(p->columns[set->columns[i]].name));
	return list.data;
}

/* Is there no duplicate at all? */
static bool
verified(const KeySearch *k, const KeySet *set)
{
	char *list = column_list(k->p, set);

	profile_select(psprintf("SELECT 1 FROM %s GROUP BY %s HAVING pg_catalog.count(*) > 1 LIMIT 1", k->p->title, list));
	return SPI_processed == 0;
}

static bool
contains_key(const KeySearch *k, const KeySet *set)
{
	for (int i = 0; i < k->nkeys; i++)
	{
		int shared = 0;

		for (int a = 0; a < k->keys[i].n; a++)
		{
			for (int b = 0; b < set->n; b++)
				shared += k->keys[i].columns[a] == set->columns[b];
		}
		if (shared == k->keys[i].n)
			return true;
	}
	return false;
}

static void
add_key(KeySearch *k, KeySet *set)
{
	if (k->nkeys == lengthof(k->keys))
		return;
	set->score = key_score(k, set);
	k->keys[k->nkeys++] = *set;
}

/* Unique indexes settle it without a look at the rows */
static void
declared_keys(KeySearch *k, Oid relation)
{
	profile_select(psprintf("SELECT pg_catalog.array_to_string(i.indkey::pg_catalog.int2[], ' ') FROM pg_catalog.pg_index i "
							"WHERE i.indrelid = %u AND i.indisunique AND i.indisvalid AND i.indpred IS NULL "
							"AND i.indexprs IS NULL AND i.indnkeyatts = i.indnatts AND i.indnatts <= %d",
							relation, MOST_COLUMNS));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char *numbers = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		KeySet set = {0};
		char *number;
		bool whole = true;

		while ((number = strsep(&numbers, " ")) != NULL)
		{
			int found = -1;

			for (int c = 0; c < k->p->n; c++)
			{
				if (k->p->columns[c].position == atoi(number) && k->p->columns[c].sketch && k->p->columns[c].sketch->nulls == 0)
					found = c;
			}
			whole = whole && found >= 0;
			if (found >= 0)
				set.columns[set.n++] = found;
		}
		if (whole && set.n > 0 && !contains_key(k, &set))
			add_key(k, &set);
	}
}

/* Hashes of a sample of rows: equal rows hash alike, so a duplicate refutes */
static void
sample_rows(KeySearch *k)
{
	StringInfoData sql;
	MemoryContext context = CurrentMemoryContext;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < k->p->n; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "", quote_identifier(k->p->columns[i].name));
	appendStringInfo(&sql, " FROM %s LIMIT %d", k->p->title, ROW_SAMPLE);
	profile_select(sql.data);
	k->nsample = (int) SPI_processed;
	k->sample = MemoryContextAllocHuge(context, (Size) Max(k->nsample, 1) * k->p->n * sizeof(uint64));
	for (int c = 0; c < k->p->n; c++)
	{
		if (!k->eligible[c])
			continue;
		for (int r = 0; r < k->nsample; r++)
		{
			char *text = SPI_getvalue(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, c + 1);

			k->sample[(Size) c * k->nsample + r] = text ? hash_bytes_of(text, strlen(text)) : 0;
			if (text)
				pfree(text);
		}
		CHECK_FOR_INTERRUPTS();
	}
}

#define ST_SORT sort_hashes
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static uint64
row_hash(const KeySearch *k, const KeySet *set, int row)
{
	uint64 h = HASH_K0;

	for (int i = 0; i < set->n; i++)
		h = hash_next(h, k->sample[(Size) set->columns[i] * k->nsample + row], i);
	return h;
}

/* Is there a duplicate in the sample?  Most sets show one in its first rows. */
static bool
refuted_by_sample(const KeySearch *k, const KeySet *set)
{
	uint64 *rows = palloc(Max(k->nsample, 1) * sizeof(uint64));
	bool twice = false;
	int n = 0;

	for (int most = Min(k->nsample, FIRST_ROWS); !twice; most = k->nsample)
	{
		for (n = 0; n < most; n++)
			rows[n] = row_hash(k, set, n);
		sort_hashes(rows, n);
		for (int r = 1; r < n && !twice; r++)
			twice = rows[r] == rows[r - 1];
		if (most == k->nsample)
			break;
	}
	pfree(rows);
	return twice;
}

/* Columns with the most distinct values, to make sets of; how many there would have been */
static int
considered(const KeySearch *k, int *columns, int *all)
{
	int n = 0;

	*all = 0;
	for (int c = 0; c < k->p->n; c++)
	{
		KeySet alone = {.n = 1, .columns = {c}};
		int at;

		if (!k->eligible[c] || contains_key(k, &alone) || k->p->columns[c].sketch->type.class == CLASS_FLOAT || k->distinct[c] < 2)
			continue;
		(*all)++;
		for (at = n; at > 0 && k->distinct[c] > k->distinct[columns[at - 1]]; at--)
		{
			if (at < MOST_CONSIDERED)
				columns[at] = columns[at - 1];
		}
		if (at < MOST_CONSIDERED)
		{
			columns[at] = c;
			n = Min(n + 1, MOST_CONSIDERED);
		}
	}
	return n;
}

static bool
may_identify(const KeySearch *k, const KeySet *set)
{
	double product = 1;

	for (int i = 0; i < set->n; i++)
		product *= k->distinct[set->columns[i]] * 1.04;
	return product >= k->rows && !contains_key(k, set);
}

static int
by_score(const void *a, const void *b)
{
	const KeySet *x = a;
	const KeySet *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return memcmp(x->columns, y->columns, sizeof(x->columns));
}

/* All sets of a size that have enough values to identify a row, the likeliest first */
static KeySet *
possible_sets(const KeySearch *k, const int *columns, int n, int size, int *nsets)
{
	int allocated = 1024;
	KeySet *sets = palloc(allocated * sizeof(KeySet));
	int pick[MOST_COLUMNS];

	*nsets = 0;
	for (int i = 0; i < size; i++)
		pick[i] = i;
	while (size <= n)
	{
		KeySet set = {.n = size};
		int i = size - 1;

		for (int j = 0; j < size; j++)
			set.columns[j] = columns[pick[j]];
		if (may_identify(k, &set))
		{
			if (*nsets == allocated)
				sets = repalloc_huge(sets, (allocated *= 2) * sizeof(KeySet));
			set.score = key_score(k, &set);
			sets[(*nsets)++] = set;
		}
		while (i >= 0 && pick[i] == n - size + i)
			i--;
		if (i < 0)
			break;
		if (i < size - 1)
			CHECK_FOR_INTERRUPTS();
		pick[i]++;
		for (int j = i + 1; j < size; j++)
			pick[j] = pick[j - 1] + 1;
	}
	qsort(sets, *nsets, sizeof(KeySet), by_score);
	return sets;
}

/* Sets of a size: what the sample does not refute is verified, until enough were */
static void
sets_of_size(KeySearch *k, const int *columns, int n, int size)
{
	int nsets;
	KeySet *sets = possible_sets(k, columns, n, size, &nsets);
	int tried = Min(nsets, MOST_SAMPLED);
	int left = 0;
	int looked = 0;

	for (int i = 0; i < tried; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (refuted_by_sample(k, &sets[i]))
			continue;
		if (looked == MOST_VERIFIED)
			left++;
		else
		{
			looked++;
			if (verified(k, &sets[i]))
				add_key(k, &sets[i]);
		}
	}
	if (left > 0)
		ereport(NOTICE,
				(errmsg("%d sets of %d columns of %s may be keys; the %d likeliest are verified", looked + left, size, k->p->title, MOST_VERIFIED)));
	if (tried < nsets)
		ereport(NOTICE,
				(errmsg("%d sets of %d columns of %s have enough values to be keys; the %d likeliest are looked at", nsets, size, k->p->title, MOST_SAMPLED)));
	pfree(sets);
}

static void
single_keys(KeySearch *k)
{
	for (int c = 0; c < k->p->n; c++)
	{
		KeySet set = {.n = 1, .columns = {c}};

		if (k->eligible[c] && !contains_key(k, &set) && may_be_unique(k->p->columns[c].sketch) && verified(k, &set))
			add_key(k, &set);
	}
}

static KeySearch *
search_keys(Profiled *p, Oid relation, int most)
{
	KeySearch *k = palloc0(sizeof(KeySearch));
	int columns[MOST_CONSIDERED + 1];
	int declared;
	int all;
	int n;

	k->p = p;
	k->eligible = palloc0(Max(p->n, 1) * sizeof(bool));
	k->distinct = palloc0(Max(p->n, 1) * sizeof(double));
	k->scores = palloc0(Max(p->n, 1) * sizeof(double));
	for (int c = 0; c < p->n; c++)
	{
		const Sketch *s = p->columns[c].sketch;

		k->eligible[c] = s != NULL && s->nulls == 0 && groupable(s);
		if (s)
		{
			double error;

			k->rows = (double) s->rows;
			k->distinct[c] = sketch_distinct(s, &error);
			k->scores[c] = column_score(&p->columns[c]);
		}
	}
	declared_keys(k, relation);
	declared = k->nkeys;
	/* anything is unique in one row */
	if (k->rows < 2)
		return k;
	single_keys(k);
	n = considered(k, columns, &all);
	if (all > n && most > 1)
		ereport(NOTICE,
				(errmsg("%d columns of %s may be part of a key of several; sets are made of the %d with the most distinct values", all, p->title, n)));
	if (most > 1 && n > 1)
	{
		sample_rows(k);
		for (int size = 2; size <= most; size++)
			sets_of_size(k, columns, n, size);
	}
	for (int i = 0; i < k->nkeys; i++)
		k->keys[i].score += i < declared ? 1 : 0;
	qsort(k->keys, k->nkeys, sizeof(KeySet), by_score);
	return k;
}

static Datum
names_array(const Profiled *p, const KeySet *set)
{
	Datum names[MOST_COLUMNS];

	for (int i = 0; i < set->n; i++)
		names[i] = CStringGetTextDatum(p->columns[set->columns[i]].name);
	return PointerGetDatum(construct_array(names, set->n, TEXTOID, -1, false, TYPALIGN_INT));
}

static Profiled *
profile_relation(FunctionCallInfo fcinfo, Oid relation)
{
	ProfileRequest request = {.relation = relation, .schema = extension_schema(fcinfo)};

	return profile_run(&request, CurrentMemoryContext);
}

Datum
profile_candidate_keys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid relation = PG_GETARG_OID(0);
	int most = PG_GETARG_INT32(1);
	KeySearch *k;

	if (most < 1 || most > MOST_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_columns must be between 1 and %d, not %d", MOST_COLUMNS, most)));
	rows_begin(fcinfo);
	SPI_connect();
	k = search_keys(profile_relation(fcinfo, relation), relation, most);
	for (int i = 0; i < k->nkeys; i++)
	{
		bool nulls[4] = {false};
		Datum row[4] = {names_array(k->p, &k->keys[i]), BoolGetDatum(k->keys[i].score >= 1),
						Int64GetDatum((int64) k->rows), Float8GetDatum(rint(Min(k->keys[i].score, 1) * 1000) / 1000)};

		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	SPI_finish();
	PG_RETURN_NULL();
}

/* -- references between relations -- */

typedef struct Side
{
	Oid relation;
	Profiled *p;
	const char *table; /* its bare name */
	int column;
	bool declared; /* alone in a unique index */
	bool unique;
	bool checked; /* whether it is was asked already */
} Side;

typedef struct Reference
{
	Side *from;
	Side *to;
	bool declared; /* a foreign key of the catalogue */
	double name;
	double coverage;
	int64 orphans;
	double score;
	char *orphan_query;
} Reference;

static Sketch *
sketch_of(const Side *side)
{
	return side->p->columns[side->column].sketch;
}

static const char *
column_of(const Side *side)
{
	return side->p->columns[side->column].name;
}

/* Numbers go with numbers, texts with texts, other types with their own */
static bool
types_go_together(const Sketch *a, const Sketch *b)
{
	if (a->type.class == CLASS_TEXT || b->type.class == CLASS_TEXT)
		return a->type.class == b->type.class || a->type.base == UUIDOID || b->type.base == UUIDOID;
	if (class_is_number(a->type.class) && class_is_number(b->type.class))
		return a->type.class != CLASS_FLOAT && b->type.class != CLASS_FLOAT;
	return a->type.base == b->type.base && a->type.class == CLASS_OTHER && groupable(a);
}

/* Share of a's distinct values that b has, as far as the samples tell; refuted: many are certainly missing */
static double
contained(Sketch *a, Sketch *b)
{
	Sample *sa = sketch_sample(a);
	Sample *sb = sketch_sample(b);
	int seen = 0;
	int shared = 0;
	int j = 0;

	for (int i = 0; i < sa->n && sa->items[i].hash <= sb->below; i++)
	{
		while (j < sb->n && sb->items[j].hash < sa->items[i].hash)
			j++;
		seen++;
		shared += j < sb->n && sb->items[j].hash == sa->items[i].hash;
	}
	/* no evidence is none against it */
	return seen == 0 ? 1 : (double) shared / seen;
}

static bool
may_refer(const Side *from, const Side *to)
{
	Sketch *a = sketch_of(from);
	Sketch *b = sketch_of(to);
	double error;

	if (a == NULL || b == NULL || a->rows == a->nulls || b->rows == b->nulls || !types_go_together(a, b))
		return false;
	if (from->relation == to->relation && from->column == to->column)
		return false;
	if (sketch_distinct(a, &error) > sketch_distinct(b, &error) * 1.05 + 2)
		return false;
	/* the forms of uuids as text and as uuid agree; numbers and texts were not let in */
	return contained(a, b) >= 0.9;
}

/* A key of its own relation: asked once */
static bool
is_unique(Side *side)
{
	Sketch *s = sketch_of(side);

	if (side->checked)
		return side->unique;
	side->checked = true;
	side->unique = side->declared;
	if (!side->unique && s && groupable(s) && s->nulls == 0 && s->rows > 1 && may_be_unique(s))
	{
		profile_select(psprintf("SELECT 1 FROM %s GROUP BY %s HAVING pg_catalog.count(*) > 1 LIMIT 1", side->p->title,
								quote_identifier(column_of(side))));
		side->unique = SPI_processed == 0;
	}
	return side->unique;
}

/* Count orphans exactly; keeps the statement that lists them */
static void
count_orphans(Reference *r)
{
	const char *a = quote_identifier(column_of(r->from));
	const char *b = quote_identifier(column_of(r->to));
	/* what is declared has an operator of its own */
	const char *cast = r->declared || sketch_of(r->from)->type.base == sketch_of(r->to)->type.base ||
							   (class_is_number(sketch_of(r->from)->type.class) && class_is_number(sketch_of(r->to)->type.class))
						   ? ""
						   : "::pg_catalog.text";
	Sketch *s = sketch_of(r->from);
	char *missing = psprintf("a.%s IS NOT NULL AND NOT EXISTS (SELECT FROM %s b WHERE b.%s%s = a.%s%s)", a, r->to->p->title,
							 b, cast, a, cast);

	r->orphans = one_number(psprintf("SELECT pg_catalog.count(*) FROM %s a WHERE %s", r->from->p->title, missing));
	/* of no value at all nothing is known */
	r->coverage = s == NULL || s->rows == s->nulls ? NAN : 1 - (double) r->orphans / (double) (s->rows - s->nulls);
	r->orphan_query = psprintf("SELECT a.* FROM %s a WHERE %s", r->from->p->title, missing);
}

/* How a's values lie among b's: 1 if they are spread over them all */
static double
spread_of(Sketch *a, Sketch *b)
{
	Distribution da = sketch_distribution(a);
	Distribution db = sketch_distribution(b);

	if (da.n == 0 || db.n == 0)
		return 0.5;
	return distribution_below(&db, distribution_quantile(&da, 0.95), true) -
		   distribution_below(&db, distribution_quantile(&da, 0.05), false);
}

static void
score_reference(Reference *r)
{
	double first = r->to->p->columns[r->to->column].position == 1 ? 1 : 0;

	r->score = 0.65 * r->name + 0.15 * (r->coverage > 0.9 ? (r->coverage - 0.9) * 10 : 0) +
			   0.1 * (r->to->declared ? 1 : 0.5 * first) + 0.1 * spread_of(sketch_of(r->from), sketch_of(r->to));
}

static bool
unlikely_child(const Side *from)
{
	Sketch *s = sketch_of(from);

	return s->type.class == CLASS_BOOLEAN || class_is_moment(s->type.class) || s->type.class == CLASS_TIME ||
		   s->type.class == CLASS_BYTES || s->type.is_json || s->type.class == CLASS_FLOAT;
}

/* The best parent of a column, or none */
static bool
best_reference(Side *from, Side *sides, int n, Reference *best)
{
	bool found = false;
	bool own_key;

	if (sketch_of(from) == NULL || unlikely_child(from))
		return false;
	own_key = from->declared || (from->p->columns[from->column].position == 1 && is_unique(from));
	for (int i = 0; i < n; i++)
	{
		Reference r = {.from = from, .to = &sides[i]};

		r.name = name_refers(column_of(from), from->table, column_of(r.to), r.to->table, from->relation == r.to->relation);
		/* a key refers only to what it is named after in full: an abbreviation is the way from a header to its lines */
		if (r.name < (own_key ? 0.9 : 0.5) || !may_refer(from, r.to) || !is_unique(r.to))
			continue;
		CHECK_FOR_INTERRUPTS();
		count_orphans(&r);
		if (r.coverage < 0.9)
			continue;
		score_reference(&r);
		if (!found || r.score > best->score ||
			(r.score == best->score && sketch_of(r.to)->rows < sketch_of(best->to)->rows))
			*best = r;
		found = true;
	}
	return found && best->score >= 0.5;
}

static Side *
side_of(Side *sides, int n, Oid relation, int position)
{
	for (int i = 0; i < n; i++)
	{
		if (sides[i].relation == relation && sides[i].p->columns[sides[i].column].position == position)
			return &sides[i];
	}
	return NULL;
}

/*
 * Foreign keys of the catalogue, of one column, between the sides: nothing is guessed where it is said. A key that
 * refers to a partitioned table has a copy for each partition, which nobody declared.
 */
static int
declared_references(Side *sides, int n, Side *from, Reference **references)
{
	uint64 most;
	int found = 0;

	profile_select(psprintf("SELECT DISTINCT c.confrelid, c.confkey[1] FROM pg_catalog.pg_constraint c WHERE c.contype = 'f' "
							"AND c.conrelid = %u AND pg_catalog.cardinality(c.conkey) = 1 AND c.conkey[1] = %d AND NOT EXISTS "
							"(SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = c.conparentid AND p.conrelid = c.conrelid) ORDER BY 1, 2",
							from->relation, from->p->columns[from->column].position));
	most = SPI_processed;
	*references = palloc0(Max(most, 1) * sizeof(Reference));
	for (uint64 i = 0; i < most; i++)
	{
		bool null;
		Oid relation = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &null));
		int position = DatumGetInt16(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &null));
		Side *to = side_of(sides, n, relation, position);

		if (to)
			(*references)[found++] = (Reference){.from = from, .to = to, .declared = true, .name = 1, .score = 1};
	}
	for (int i = 0; i < found; i++)
	{
		CHECK_FOR_INTERRUPTS();
		count_orphans(&(*references)[i]);
	}
	return found;
}

static void
mark_declared(Side *sides, int n)
{
	for (int i = 0; i < n; i++)
	{
		sides[i].declared = one_number(psprintf("SELECT pg_catalog.count(*) FROM pg_catalog.pg_index i WHERE i.indrelid = %u AND i.indisunique "
												"AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = %d",
												sides[i].relation, sides[i].p->columns[sides[i].column].position)) > 0;
	}
}

/* Two keys that refer to each other: the one in the larger relation, or the one named first, is the parent */
static bool
backwards(const Reference *r, const Reference *others, int n)
{
	if (r->declared)
		return false;
	for (int i = 0; i < n; i++)
	{
		const Reference *o = &others[i];

		if (o->from == r->to && o->to == r->from && r != o)
		{
			double here = name_like_own_key(column_of(r->to), r->to->table);
			double there = name_like_own_key(column_of(r->from), r->from->table);

			if (o->declared)
				return true;
			return here < there || (here == there && sketch_of(r->to)->rows < sketch_of(r->from)->rows);
		}
	}
	return false;
}

static Side *
all_sides(FunctionCallInfo fcinfo, ArrayType *relations, int *n)
{
	Datum *oids;
	bool *nulls;
	int nrelations;
	Side *sides;
	int most = 0;

	deconstruct_array(relations, REGCLASSOID, 4, true, TYPALIGN_INT, &oids, &nulls, &nrelations);
	sides = palloc(sizeof(Side));
	*n = 0;
	for (int i = 0; i < nrelations; i++)
	{
		Profiled *p;

		if (nulls[i])
			continue;
		p = profile_relation(fcinfo, DatumGetObjectId(oids[i]));
		most += p->n;
		sides = repalloc_huge(sides, Max(most, 1) * sizeof(Side));
		for (int c = 0; c < p->n; c++)
			sides[(*n)++] = (Side){.relation = DatumGetObjectId(oids[i]), .p = p, .column = c, .table = get_rel_name(DatumGetObjectId(oids[i]))};
	}
	mark_declared(sides, *n);
	return sides;
}

Datum
profile_candidate_foreign_keys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Reference *found;
	Side *sides;
	int n;
	int nfound = 0;

	rows_begin(fcinfo);
	SPI_connect();
	sides = all_sides(fcinfo, PG_GETARG_ARRAYTYPE_P(0), &n);
	found = palloc(sizeof(Reference));
	for (int i = 0; i < n; i++)
	{
		Reference *declared;
		Reference likely;
		int ndeclared = declared_references(sides, n, &sides[i], &declared);

		found = repalloc_huge(found, (nfound + ndeclared + 1) * sizeof(Reference));
		memcpy(found + nfound, declared, ndeclared * sizeof(Reference));
		nfound += ndeclared;
		if (ndeclared == 0 && best_reference(&sides[i], sides, n, &likely))
			found[nfound++] = likely;
	}
	for (int i = 0; i < nfound; i++)
	{
		Reference *r = &found[i];
		bool nulls[9] = {false};
		Datum row[9] = {ObjectIdGetDatum(r->from->relation), CStringGetTextDatum(column_of(r->from)),
						ObjectIdGetDatum(r->to->relation), CStringGetTextDatum(column_of(r->to)),
						Float8GetDatum(r->coverage), Int64GetDatum(r->orphans),
						Float8GetDatum(rint(r->score * 1000) / 1000), CStringGetTextDatum(r->orphan_query),
						BoolGetDatum(r->declared)};

		nulls[4] = isnan(r->coverage);
		if (!backwards(r, found, nfound))
			tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	SPI_finish();
	PG_RETURN_NULL();
}
