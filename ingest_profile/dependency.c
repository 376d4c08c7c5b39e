/*
 * dependency.c
 *		Values that another column contradicts: where nearly all rows of a brewery
 *		have one city, one that has another.
 *
 * A sample of rows, of which only hashes are fetched, finds the columns that
 * tell this one (approximate functional dependencies); the whole table then
 * says where they are violated.  A row is told only if no other column that
 * tells this one agrees with its value: else it is the first column that is wrong.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "ingest_profile/hash.h"
#include "ingest_profile/outlier.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#define SAMPLE_ROWS 20000
#define MOST_COLUMNS 100  /* that are looked at */
#define MOST_TELLING 3    /* columns that are asked of the whole table */
#define LEAST_GROUP 3     /* rows that make a habit */
#define LEAST_GROUPS 5    /* of them, for a dependency */
#define LEAST_ROWS 30     /* in them */
#define MOST_WRONG 0.1    /* of these rows */
#define LEAST_GAIN 0.85   /* of the rows that another order of the values would have wrong are right */
#define MOST_DIVIDED 0.05 /* of the groups have a second value that is no rare one */
#define RARE 4            /* times as frequent is the usual value */
#define MOST_KNOWN 0.015  /* of the rows may have what is usual in another group; more are exceptions */
#define MOST_ALONE 0.002  /* the same, where one column alone tells ours */
#define MOST_MISSING 0.1  /* of the rows may miss a value that the others of their group have */
#define MOST_PAIRS 200    /* in one finding */

typedef struct Determinant
{
	char *column; /* quoted */
	char *type;
	bool numeric;
	bool measure; /* has fractions */
	double score;
} Determinant;

/* Rows of a sample as numbers: equal values have equal ones */
typedef struct RowSample
{
	int rows;
	int columns;
	int target;
	Determinant *names;
	uint64 *hashes; /* column by column; 0: null */
} RowSample;

/* How well a column tells another one */
typedef struct Telling
{
	double rows; /* in groups of LEAST_GROUP or more */
	double wrong;
	int groups;
	int divided;
	int usual; /* different values that are usual in some group, two at most */
} Telling;

/* Values that are held against each other by their bytes or by an = of PostgreSQL's own; no times, whose text depends on the session */
static bool
takes_part(Oid typid, Oid collation)
{
	ColumnType type;
	Oid base = getBaseType(typid);
	TypeCacheEntry *cache = lookup_type_cache(base, TYPECACHE_EQ_OPR | TYPECACHE_HASH_PROC | TYPECACHE_LT_OPR);

	if (!OidIsValid(cache->eq_opr) || !OidIsValid(cache->hash_proc) || !OidIsValid(cache->lt_opr))
		return false;
	if (base >= FirstNormalObjectId && get_typtype(base) != TYPTYPE_ENUM)
		return false;
	if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
		return false;
	column_type_init(&type, typid, collation);
	return type.class == CLASS_INTEGER || type.class == CLASS_NUMERIC ||
		   (type.class == CLASS_TEXT && !type.is_json && !type.is_cstring_like) || base == UUIDOID ||
		   get_typtype(base) == TYPTYPE_ENUM;
}

/* The columns that may take part, ours among them; false if it is not, or has no company */
static bool
columns_of(OutlierSearch *o, RowSample *s)
{
	Relation rel;
	TupleDesc desc;
	char kind = get_rel_relkind(o->relation);

	/* a foreign table's columns are fetched from afar, each for its own */
	if (kind == RELKIND_FOREIGN_TABLE)
		return false;
	rel = relation_open(o->relation, AccessShareLock);
	desc = RelationGetDescr(rel);
	s->names = palloc0(Max(desc->natts, 1) * sizeof(Determinant));
	s->target = -1;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);
		bool ours = a->attnum == o->p->columns[0].position;

		if (a->attisdropped || (!ours && s->columns - (s->target < 0) >= MOST_COLUMNS - 1) ||
			!takes_part(a->atttypid, a->attcollation))
			continue;
		if (!ours && pg_class_aclcheck(o->relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
			pg_attribute_aclcheck(o->relation, a->attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			continue;
		if (ours)
			s->target = s->columns;
		s->names[s->columns].numeric = getBaseType(a->atttypid) == NUMERICOID;
		s->names[s->columns].column = pstrdup(quote_identifier(NameStr(a->attname)));
		s->names[s->columns++].type =
			format_type_extended(a->atttypid, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
	}
	relation_close(rel, AccessShareLock);
	return s->target >= 0 && s->columns > 1;
}

/*
 * Hashes of the first rows.  A number with a fraction has none, but makes its column a measure, which depends on
 * much and tells nothing.
 */
static void
read_sample(OutlierSearch *o, RowSample *s)
{
	StringInfoData sql;
	MemoryContext context = CurrentMemoryContext;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int c = 0; c < s->columns; c++)
	{
		const char *name = s->names[c].column;

		if (c > 0)
			appendStringInfoString(&sql, ", ");
		if (s->names[c].numeric)
			appendStringInfo(&sql, "CASE WHEN %s OPERATOR(pg_catalog.<>) pg_catalog.trunc(%s) THEN 0 ELSE ", name,
							 name);
		appendStringInfo(&sql, "pg_catalog.hashtextextended(%s::pg_catalog.text COLLATE \"C\", 0)%s", name,
						 s->names[c].numeric ? " END" : "");
	}
	appendStringInfo(&sql, " FROM %s LIMIT %d", o->p->title, SAMPLE_ROWS);
	profile_select(sql.data);
	s->rows = (int) SPI_processed;
	s->hashes = MemoryContextAllocHuge(context, (Size) Max(s->rows, 1) * s->columns * sizeof(uint64));
	for (int r = 0; r < s->rows; r++)
	{
		for (int c = 0; c < s->columns; c++)
		{
			bool null;
			uint64 hash =
				(uint64) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[r], SPI_tuptable->tupdesc, c + 1, &null));

			s->names[c].measure = s->names[c].measure || (hash == 0 && !null && s->names[c].numeric);
			s->hashes[(Size) c * s->rows + r] = null ? 0 : Max(hash, 1);
		}
	}
	SPI_freetuptable(SPI_tuptable);
}

/* -- which columns tell ours -- */

typedef struct Pair
{
	uint64 given;
	uint64 value;
} Pair;

#define ST_SORT sort_pairs
#define ST_ELEMENT_TYPE Pair
#define ST_COMPARE(a, b) \
	((a)->given != (b)->given  ? ((a)->given < (b)->given ? -1 : 1) \
	 : (a)->value < (b)->value ? -1 \
							   : (a)->value > (b)->value)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Pairs of one group: its most frequent value, and the second one */
static void
tell_group(Telling *t, const Pair *pairs, int n, uint64 *usual)
{
	int most = 0;
	int second = 0;
	uint64 value = 0;

	for (int i = 0, from = 0; i < n; i++)
	{
		if (i + 1 < n && pairs[i + 1].value == pairs[i].value)
			continue;
		if (i + 1 - from > most)
		{
			second = most;
			most = i + 1 - from;
			value = pairs[i].value;
		}
		else
			second = Max(second, i + 1 - from);
		from = i + 1;
	}
	t->groups++;
	t->rows += n;
	t->wrong += n - most;
	t->divided += n > LEAST_GROUP && second > 1 && second * RARE > most;
	if (t->usual == 0 || (t->usual == 1 && *usual != value))
		t->usual++;
	*usual = value;
}

static Telling
telling_of(Pair *pairs, int n)
{
	Telling t = {0};
	uint64 usual = 0;

	sort_pairs(pairs, n);
	for (int i = 0, from = 0; i < n; i++)
	{
		if (i + 1 < n && pairs[i + 1].given == pairs[i].given)
			continue;
		if (i + 1 - from >= LEAST_GROUP)
			tell_group(&t, pairs + from, i + 1 - from, &usual);
		from = i + 1;
	}
	return t;
}

/* How much better than by chance does a column tell ours?  0: not well enough */
static double
telling_score(const RowSample *s, int given, Pair *pairs)
{
	const uint64 *a = s->hashes + (Size) given * s->rows;
	const uint64 *b = s->hashes + (Size) s->target * s->rows;
	Telling t;
	Telling chance;
	int n = 0;

	for (int r = 0; r < s->rows; r++)
	{
		if (a[r] != 0 && b[r] != 0)
			pairs[n++] = (Pair){a[r], b[r]};
	}
	t = telling_of(pairs, n);
	if (t.groups < LEAST_GROUPS || t.rows < LEAST_ROWS || t.usual < 2 || t.wrong > MOST_WRONG * t.rows ||
		t.divided > MOST_DIVIDED * t.groups)
		return 0;
	/* the same values dealt out anew, the same way each time */
	for (int i = n - 1; i > 0; i--)
	{
		int j = (int) (hash_integer(i) % (uint64) (i + 1));
		uint64 swap = pairs[i].value;

		pairs[i].value = pairs[j].value;
		pairs[j].value = swap;
	}
	chance = telling_of(pairs, n);
	if (chance.wrong <= 0 || t.wrong > (1 - LEAST_GAIN) * chance.wrong)
		return 0;
	return (1 - t.wrong / chance.wrong) * t.rows / s->rows;
}

/* The best few */
static int
find_telling(const RowSample *s, Determinant *best)
{
	Pair *pairs = palloc(Max(s->rows, 1) * sizeof(Pair));
	int n = 0;

	for (int c = 0; c < s->columns; c++)
	{
		double score = c == s->target || s->names[c].measure ? 0 : telling_score(s, c, pairs);
		int at;

		CHECK_FOR_INTERRUPTS();
		if (score <= 0)
			continue;
		for (at = n; at > 0 && score > best[at - 1].score; at--)
		{
			if (at < MOST_TELLING)
				best[at] = best[at - 1];
		}
		if (at < MOST_TELLING)
		{
			best[at] = s->names[c];
			best[at].score = score;
			n = Min(n + 1, MOST_TELLING);
		}
	}
	pfree(pairs);
	return n;
}

/* -- where they are violated -- */

/*
 * Pairs of a telling value and one of ours that is rare with it, all of whose rows no other telling column supports: how many
 * rows, what is usual there, and whether it is usual elsewhere.
 */
static char *
violations(const OutlierSearch *o, const Determinant *d, int n, int first)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "WITH ");
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql,
						 "g%d AS (SELECT %s AS d, %s AS v, pg_catalog.count(*) AS n FROM %s WHERE %s IS NOT NULL AND "
						 "%s IS NOT NULL GROUP BY 1, 2), "
						 "m%d AS (SELECT DISTINCT ON (d) d, v, n FROM g%d ORDER BY d, n DESC, v), ",
						 i, d[i].column, o->text, o->p->title, d[i].column, o->column, i, i);
	appendStringInfo(&sql,
					 "w AS (SELECT t.%s AS d, t.%s AS v, m%d.v AS usual, m%d.n AS most, pg_catalog.count(*) AS n FROM "
					 "%s t JOIN m%d ON m%d.d OPERATOR(pg_catalog.=) t.%s AND m%d.n >= %d",
					 d[first].column, o->column, first, first, o->p->title, first, first, d[first].column, first,
					 LEAST_GROUP);
	for (int i = 0; i < n; i++)
	{
		if (i != first)
			appendStringInfo(&sql, " LEFT JOIN m%d ON m%d.d OPERATOR(pg_catalog.=) t.%s AND m%d.n >= %d", i, i,
							 d[i].column, i, LEAST_GROUP - 1);
	}
	appendStringInfo(&sql, " WHERE t.%s IS DISTINCT FROM m%d.v", o->column, first);
	for (int i = 0; i < n; i++)
	{
		if (i != first)
			appendStringInfo(&sql, " AND (m%d.d IS NULL OR m%d.v IS DISTINCT FROM t.%s)", i, i, o->column);
	}
	appendStringInfo(&sql,
					 " GROUP BY 1, 2, 3, 4) "
					 "SELECT w.d::pg_catalog.text, w.v::pg_catalog.text, w.usual::pg_catalog.text, w.most, w.n, "
					 "w.v IN (SELECT v FROM m%d WHERE n >= %d), (SELECT pg_catalog.sum(n) FROM m%d WHERE n >= %d) "
					 "FROM w LEFT JOIN g%d g ON g.d OPERATOR(pg_catalog.=) w.d AND g.v OPERATOR(pg_catalog.=) w.v "
					 "WHERE w.n * %d <= w.most AND (w.v IS NULL OR w.n = g.n) ORDER BY w.n, 1, 2 LIMIT %d",
					 first, LEAST_GROUP, first, LEAST_GROUP, first, RARE, MOST_PAIRS * MOST_FINDINGS);
	return sql.data;
}

typedef struct Violation
{
	char *given;
	char *value; /* NULL: missing */
	char *usual;
	char *most;
	int64 rows;
	bool known;
} Violation;

static Violation *
read_violations(int *n, double *all)
{
	Violation *v = palloc(Max(SPI_processed, 1) * sizeof(Violation));
	TupleDesc desc = SPI_tuptable->tupdesc;

	*n = (int) SPI_processed;
	*all = 0;
	for (int i = 0; i < *n; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		bool null;

		v[i].given = SPI_getvalue(row, desc, 1);
		v[i].value = SPI_getvalue(row, desc, 2);
		v[i].usual = SPI_getvalue(row, desc, 3);
		v[i].most = SPI_getvalue(row, desc, 4);
		v[i].rows = DatumGetInt64(SPI_getbinval(row, desc, 5, &null));
		v[i].known = DatumGetBool(SPI_getbinval(row, desc, 6, &null)) && !null;
		*all = strtod(SPI_getvalue(row, desc, 7), NULL);
	}
	return v;
}

/* One finding for so many pairs, or for so many telling values where ours is missing */
static void
report_violations(OutlierSearch *o, const Determinant *d, const Determinant *target, Violation *const *some, int n,
				  bool missing)
{
	StringInfoData where;
	char *example = psprintf("%s tells %s; of the rows with '%s' %s have '%s'", d->column, o->column, some[0]->given,
							 some[0]->most, some[0]->usual);

	for (int from = 0; from < n; from += MOST_PAIRS)
	{
		initStringInfo(&where);
		if (missing)
			appendStringInfo(&where, "%s IS NULL AND %s IN (VALUES ", o->column, d->column);
		else
			appendStringInfo(&where, "(%s, %s) IN (VALUES ", d->column, o->text);
		for (int i = from; i < Min(n, from + MOST_PAIRS); i++)
		{
			appendStringInfo(&where, "%s(%s::%s", i > from ? ", " : "", quote_literal_cstr(some[i]->given), d->type);
			if (!missing)
				appendStringInfo(&where, ", %s::%s", quote_literal_cstr(some[i]->value), target->type);
			appendStringInfoChar(&where, ')');
		}
		appendStringInfoChar(&where, ')');
		(void) outlier_report(o, missing ? "missing against a dependency" : "against a dependency", example, where.data,
							  (double) o->s->rows);
	}
}

static void
find_violations(OutlierSearch *o, const Determinant *d, const Determinant *target, int n, int first)
{
	int all;
	double rows;
	double known = 0;
	double missing = 0;
	int wrong = 0;
	int absent = 0;
	Violation *v;
	Violation **told;
	Violation **untold;

	profile_select(violations(o, d, n, first));
	v = read_violations(&all, &rows);
	told = palloc(Max(all, 1) * sizeof(Violation *));
	untold = palloc(Max(all, 1) * sizeof(Violation *));
	for (int i = 0; i < all; i++)
	{
		known += v[i].known ? (double) v[i].rows : 0;
		missing += v[i].value == NULL ? (double) v[i].rows : 0;
	}
	for (int i = 0; i < all; i++)
	{
		if (v[i].value == NULL)
			untold[absent++] = &v[i];
		else if (!v[i].known || known <= (n > 1 ? MOST_KNOWN : MOST_ALONE) * rows)
			told[wrong++] = &v[i];
	}
	if (wrong > 0)
		report_violations(o, &d[first], target, told, wrong, false);
	if (absent > 0 && o->s->type.class == CLASS_TEXT && missing <= MOST_MISSING * rows)
		report_violations(o, &d[first], target, untold, absent, true);
}

void
outlier_dependencies(OutlierSearch *o)
{
	RowSample sample = {0};
	Determinant best[MOST_TELLING];
	int n;

	if (o->values < LEAST_ROWS || !columns_of(o, &sample))
		return;
	read_sample(o, &sample);
	if (sample.names[sample.target].measure)
		return;
	n = find_telling(&sample, best);
	for (int i = 0; i < n; i++)
		find_violations(o, best, &sample.names[sample.target], n, i);
}
