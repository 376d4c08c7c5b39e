/*
 * keys.c
 *		candidate_keys().
 *
 * Sketches say what is possible and rule out the rest without another look at
 * the data; what is left is verified exactly, by SQL that runs as the caller.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hash.h"
#include "ingest_profile/keys.h"
#include "ingest_profile/names.h"
#include "ingest_profile/stats.h"
#include "ingest_profile/table.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

SQL_FUNCTION(profile_candidate_keys);

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

/* -- one relation's keys -- */

bool
groupable(const Sketch *s)
{
	TypeCacheEntry *cache = lookup_type_cache(s->type.base, TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC);

	return OidIsValid(cache->eq_opr) && OidIsValid(cache->hash_proc);
}

/* May a column be unique, by its sketch? */
bool
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

/*
 * The same, and columns in front, few of them.  Of columns of many values any few identify a row by accident: a set counts
 * in full if as many rows with as many values, combined at random, would have had duplicates.
 */
static double
key_score(const KeySearch *k, const KeySet *set)
{
	double score = 0;
	double combinations = 1;

	for (int i = 0; i < set->n; i++)
	{
		score += k->scores[set->columns[i]] + 0.15 / (i + k->p->columns[set->columns[i]].position);
		combinations *= k->distinct[set->columns[i]];
	}
	score *= 1 - 0.3 * exp(-k->rows / 4 * (k->rows / Max(combinations, 1)));
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

Profiled *
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
