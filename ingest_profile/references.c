/*
 * references.c
 *		candidate_foreign_keys().
 *
 * The data say what is possible: whether a column's values are contained in a key, as far as two sketches tell.  That is
 * hardly anything (small integers are contained in every longer run of them), so names say what is likely among it, and
 * how the values lie in the key's adds to that.  Each pair that is possible gets a probability from a logistic model; its
 * weights were fitted to public schemas by bench/fit_keys.py.  Of a column's pairs the likeliest is counted exactly, by
 * SQL that runs as the caller.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/keys.h"
#include "ingest_profile/names.h"
#include "ingest_profile/stats.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(profile_candidate_foreign_keys);

#define LEAST_COVERED 0.9 /* of the distinct values, and of the rows */
#define MOST_COUNTED 3    /* pairs of a column that are counted exactly, if the likelier ones turn out not to be */
#define MANY_ROWS 30      /* in fewer a column may have no duplicate by accident */
#define LIKELY 0.5        /* a pair that is told */

/* What tells a reference from an accident, beside how it is named */
typedef enum Trait
{
	TRAIT_KEYED,   /* the column's name has a word as keys have */
	TRAIT_FIRST,   /* the key is its table's first column, or declared */
	TRAIT_TAKEN,   /* log2 of the share of the key's values that the column has */
	TRAIT_SPREAD,  /* share of the key's values between the column's 5 % and 95 % quantiles */
	TRAIT_MISSING, /* share of the sampled values that the key lacks */
	TRAIT_RARE,    /* evidence of being contained: values, and how rare such values are in the key's range */
	TRAIT_FEW,     /* two distinct values or fewer */
	TRAIT_UNIQUE,  /* the column may be a key itself */
	TRAIT_OWN,     /* and its name is its table's */
	TRAIT_MAIN,    /* or it is its table's first column */
	TRAIT_LARGER,  /* log2 of how many times the rows of the key's table the column's has */
	TRAIT_TEXT,    /* texts */
	TRAIT_COUNTS,  /* the column's name tells how many */
	TRAIT_STANDS,  /* the key stands for its table: id, its name, its first column */
	TRAIT_EXTENDS, /* its table's name begins with the key's table's */
	TRAIT_AWAY,    /* the key is named after another table, which has a key that is possible, too, and not unlikely for its size */
	TRAIT_NEARER,  /* a smaller key of that name has all values, and hardly by accident */
	TRAITS
} Trait;

typedef struct Side
{
	Oid relation;
	Profiled *p;
	int column;
	TableName *table;
	ColumnName *name;
	bool declared; /* alone in a unique index */
	bool possible; /* may be a key by its sketch */
	bool unique;
	bool checked; /* whether it is was asked already */
	double distinct;
	Sample *sample; /* both made when they are first asked for */
	Distribution *lie;
} Side;

typedef struct Reference
{
	Side *from;
	Side *to;
	bool declared; /* a foreign key of the catalogue */
	NameKind kind;
	double traits[TRAITS];
	double coverage;
	int64 orphans;
	double score;
	char *orphan_query;
} Reference;

/* As bench/fit_keys.py prints them, of bench/key_schemas.txt's share for fitting */
static const double name_weights[NAME_NOTHING + 1] = {
	[NAME_KEY] = 2.21,
	[NAME_SAME] = -1.08,
	[NAME_OTHER] = 1.52,
	[NAME_WORD] = 1.55,
	[NAME_TABLE] = 0.91,
	[NAME_BARE] = 2.12,
	[NAME_ROLE] = 0.45,
	[NAME_BEHIND] = -3.47,
	[NAME_PART] = -1.68,
	[NAME_FRONT] = -3.04,
	[NAME_SHORT] = -0.84,
	[NAME_SELF] = -0.17,
	[NAME_PERSON] = -2.86,
	[NAME_NOTHING] = -0.02,
};
static const double trait_weights[TRAITS] = {
	[TRAIT_KEYED] = 1.12,
	[TRAIT_FIRST] = -1.07,
	[TRAIT_TAKEN] = 0.16,
	[TRAIT_SPREAD] = 3.29,
	[TRAIT_MISSING] = -0.95,
	[TRAIT_RARE] = 1.14,
	[TRAIT_FEW] = 1.04,
	[TRAIT_UNIQUE] = -1.41,
	[TRAIT_OWN] = -2.39,
	[TRAIT_MAIN] = -1.72,
	[TRAIT_LARGER] = 0.11,
	[TRAIT_TEXT] = -0.60,
	[TRAIT_COUNTS] = -4.56,
	[TRAIT_STANDS] = 1.45,
	[TRAIT_EXTENDS] = 2.27,
	[TRAIT_AWAY] = -1.23,
	[TRAIT_NEARER] = -1.87,
};

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

static bool
first_column(const Side *side)
{
	return side->p->columns[side->column].position == 1;
}

/* -- the sides -- */

static bool
unlikely_child(const Side *from)
{
	Sketch *s = sketch_of(from);

	return s == NULL || s->rows == s->nulls || s->type.class == CLASS_BOOLEAN || class_is_moment(s->type.class) || s->type.class == CLASS_TIME ||
		   s->type.class == CLASS_BYTES || s->type.is_json || s->type.class == CLASS_FLOAT;
}

static void
mark_declared(Side *sides, int n, Oid relation)
{
	profile_select(psprintf("SELECT i.indkey[0] FROM pg_catalog.pg_index i WHERE i.indrelid = %u AND i.indisunique AND i.indisvalid "
							"AND i.indpred IS NULL AND i.indnkeyatts = 1",
							relation));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool null;
		int position = DatumGetInt16(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &null));

		for (int c = 0; c < n; c++)
			sides[c].declared = sides[c].declared || sides[c].p->columns[sides[c].column].position == position;
	}
}

/* All columns of the relations, with what their names say */
static Side *
all_sides(FunctionCallInfo fcinfo, ArrayType *relations, int *n)
{
	Datum *oids;
	bool *nulls;
	int nrelations;
	int ntables = 0;
	int most = 0;
	Side *sides = palloc(sizeof(Side));
	TableName *tables;

	deconstruct_array(relations, REGCLASSOID, 4, true, TYPALIGN_INT, &oids, &nulls, &nrelations);
	tables = palloc0(Max(nrelations, 1) * sizeof(TableName));
	*n = 0;
	for (int i = 0; i < nrelations; i++)
	{
		Oid relation = DatumGetObjectId(oids[i]);
		TableName *table = &tables[ntables];
		Profiled *p;

		if (nulls[i])
			continue;
		p = profile_relation(fcinfo, relation);
		most += p->n;
		sides = repalloc_huge(sides, Max(most, 1) * sizeof(Side));
		*table = (TableName){.name = get_rel_name(relation), .ncolumns = p->n, .columns = palloc0(Max(p->n, 1) * sizeof(ColumnName))};
		if (table->name == NULL)
			continue;
		for (int c = 0; c < p->n; c++)
		{
			Side *side = &sides[*n + c];
			Sketch *s = p->columns[c].sketch;
			double error;

			*side = (Side){.relation = relation, .p = p, .column = c, .table = table, .name = &table->columns[c]};
			side->distinct = s ? sketch_distinct(s, &error) : 0;
		}
		mark_declared(sides + *n, p->n, relation);
		for (int c = 0; c < p->n; c++)
		{
			Side *side = &sides[*n + c];
			Sketch *s = sketch_of(side);

			side->possible = s && groupable(s) && s->nulls == 0 && s->rows > 0 && (side->declared || may_be_unique(s));
			*side->name = (ColumnName){.name = column_of(side), .unique = side->possible};
		}
		*n += p->n;
		ntables++;
	}
	names_learn(tables, ntables);
	return sides;
}

/* A key of its own relation: asked once */
static bool
is_unique(Side *side)
{
	if (!side->checked && side->possible && !side->declared)
	{
		profile_select(psprintf("SELECT 1 FROM %s GROUP BY %s HAVING pg_catalog.count(*) > 1 LIMIT 1", side->p->title,
								quote_identifier(column_of(side))));
		side->unique = SPI_processed == 0;
	}
	side->checked = true;
	return side->declared || side->unique;
}

static Sample *
sample_of(Side *side)
{
	if (side->sample == NULL)
		side->sample = sketch_sample(sketch_of(side));
	return side->sample;
}

static const Distribution *
distribution_of(Side *side)
{
	if (side->lie == NULL)
	{
		side->lie = palloc(sizeof(Distribution));
		*side->lie = sketch_distribution(sketch_of(side));
	}
	return side->lie;
}

/* -- what the data say -- */

/* Are the values integers, though the column is one of texts? */
static bool
reads_as_integers(Side *side)
{
	const Sample *sample = sample_of(side);

	for (int i = 0; i < sample->n; i++)
	{
		const Sampled *item = &sample->items[i];

		if (item->value && (item->cut || item->len == 0 || strspn(item->value, "0123456789") < item->len))
			return false;
	}
	return sketch_of(side)->type.class == CLASS_TEXT && sample->n > 0;
}

/* Numbers go with numbers, texts with texts, other types with their own; integers with texts that are some, if their names agree */
static bool
types_go_together(Side *from, Side *to, NameKind kind)
{
	const Sketch *a = sketch_of(from);
	const Sketch *b = sketch_of(to);

	if (a->type.class == CLASS_TEXT && b->type.class == CLASS_INTEGER)
		return kind <= NAME_TABLE && reads_as_integers(from);
	if (a->type.class == CLASS_INTEGER && b->type.class == CLASS_TEXT)
		return kind <= NAME_TABLE && reads_as_integers(to);
	if (a->type.class == CLASS_TEXT || b->type.class == CLASS_TEXT)
		return a->type.class == b->type.class || a->type.base == UUIDOID || b->type.base == UUIDOID;
	if (class_is_number(a->type.class) && class_is_number(b->type.class))
		return a->type.class != CLASS_FLOAT && b->type.class != CLASS_FLOAT;
	return a->type.base == b->type.base && a->type.class == CLASS_OTHER && groupable(a);
}

/* Are the hashes of equal values equal?  Those of numbers and of texts are not. */
static bool
samples_compare(const Sketch *a, const Sketch *b)
{
	return class_is_number(a->type.class) == class_is_number(b->type.class);
}

/* Share of a's distinct values that b has, as far as the samples tell */
static double
contained(const Sample *a, const Sample *b)
{
	int seen = 0;
	int shared = 0;
	int j = 0;

	for (int i = 0; i < a->n && a->items[i].hash <= b->below; i++)
	{
		while (j < b->n && b->items[j].hash < a->items[i].hash)
			j++;
		seen++;
		shared += j < b->n && b->items[j].hash == a->items[i].hash;
	}
	/* no evidence is none against it */
	return seen == 0 ? 1 : (double) shared / seen;
}

/* How a's values lie among b's: 1 if they are spread over them all */
static double
spread_of(const Distribution *a, const Distribution *b)
{
	if (a->n == 0 || b->n == 0)
		return 0.5;
	return distribution_below(b, distribution_quantile(a, 0.95), true) - distribution_below(b, distribution_quantile(a, 0.05), false);
}

/* How rare it is that so many values are contained by accident, up to 1: any number in its range is in a key without gaps */
static double
rarity(const Side *from, const Side *to)
{
	const Sketch *b = sketch_of(to);
	double bits = 4;

	if (b->type.class == CLASS_TEXT && b->patterns && b->patterns->texts > 0)
		bits = Min(Max(3 * (double) b->patterns->chars / (double) b->patterns->texts - log2(Max(to->distinct, 1)), 0.5), 8);
	else if (class_is_number(b->type.class))
	{
		double range;

		if (!b->min.set || !b->max.set)
			return 0;
		range = number_of_key(b->type.class, b->max.key) - number_of_key(b->type.class, b->min.key) + 1;
		bits = log2(Max(range / Max(to->distinct, 1), 1));
	}
	return bits < 0.5 ? 0 : Min(from->distinct * bits / 20, 1);
}

static void
find_traits(Reference *r, double missing)
{
	Sketch *a = sketch_of(r->from);
	Sketch *b = sketch_of(r->to);

	r->traits[TRAIT_KEYED] = r->from->name->keyed;
	r->traits[TRAIT_FIRST] = r->to->declared || first_column(r->to);
	r->traits[TRAIT_TAKEN] = Max(log2(Max(r->from->distinct, 1) / Max(r->to->distinct, 1)), -10);
	r->traits[TRAIT_SPREAD] = samples_compare(a, b) ? spread_of(distribution_of(r->from), distribution_of(r->to)) : 0.5;
	r->traits[TRAIT_MISSING] = missing;
	r->traits[TRAIT_RARE] = rarity(r->from, r->to);
	r->traits[TRAIT_FEW] = r->from->distinct <= 2;
	r->traits[TRAIT_UNIQUE] = r->from->possible ? Min((double) a->rows / MANY_ROWS, 1) : 0;
	r->traits[TRAIT_OWN] = r->from->possible && r->from->name->own;
	r->traits[TRAIT_MAIN] = r->from->possible && first_column(r->from);
	r->traits[TRAIT_LARGER] = Min(Max(log2((double) a->rows / (double) b->rows), -8), 8);
	r->traits[TRAIT_TEXT] = a->type.class == CLASS_TEXT;
	r->traits[TRAIT_STANDS] = name_stands(r->to->name, first_column(r->to));
	r->traits[TRAIT_EXTENDS] = name_extends(r->from->table, r->to->table);
	r->traits[TRAIT_COUNTS] = r->from->name->counts || (r->kind == NAME_WORD && class_is_number(a->type.class));
}

/* Without a name only what is rare counts, of what looks like a key and is no other table's */
static bool
speaks_without_name(const Reference *r)
{
	const ColumnName *name = r->from->name;

	if (!name->keyed || name->own || name->other || !name_stands(r->to->name, first_column(r->to)))
		return false;
	if (sketch_of(r->from)->type.class == CLASS_TEXT && pg_strcasecmp(column_of(r->from), column_of(r->to)) != 0)
		return false;
	return rarity(r->from, r->to) >= 1;
}

/* Is it possible? */
static bool
is_possible(Reference *r)
{
	Sketch *a = sketch_of(r->from);
	Sketch *b = sketch_of(r->to);
	double missing = 0;

	if (r->from == r->to || !types_go_together(r->from, r->to, r->kind) || r->from->distinct > r->to->distinct * 1.05 + 2)
		return false;
	/* everything is contained in something; of one row only what is called by it */
	if (r->kind == NAME_NOTHING && !speaks_without_name(r))
		return false;
	if (b->rows == 1 && r->kind > NAME_ROLE)
		return false;
	if (samples_compare(a, b))
		missing = 1 - contained(sample_of(r->from), sample_of(r->to));
	if (missing > 1 - LEAST_COVERED)
		return false;
	find_traits(r, missing);
	return true;
}

/* Evidence, up to 1, that a column's values are of the smaller of two keys: how rare it is that they all are by accident */
static double
smaller_fits(const Reference *larger, const Reference *smaller)
{
	if (smaller->to->distinct >= larger->to->distinct || smaller->traits[TRAIT_MISSING] > 0 || larger->to->relation == smaller->to->relation ||
		!samples_compare(sketch_of(smaller->to), sketch_of(larger->to)) || contained(sample_of(smaller->to), sample_of(larger->to)) < 1)
		return 0;
	return Min(larger->from->distinct * log2(larger->to->distinct / smaller->to->distinct) / 20, 1);
}

/*
 * Tables may have one key, of which each holds a part of the one before: an employee is a person is a party. The parent is
 * the smallest that has all values, unless that may be by accident: then the one that the key is named after.
 */
static void
find_chain(Reference *possible, int n)
{
	for (int i = 0; i < n; i++)
	{
		Reference *r = &possible[i];
		double away = 0;

		for (int j = 0; j < n && r->kind <= NAME_BARE; j++)
		{
			const Reference *o = &possible[j];

			if (o->kind <= NAME_OTHER)
				r->traits[TRAIT_NEARER] = Max(r->traits[TRAIT_NEARER], smaller_fits(r, o));
			if (r->kind == NAME_OTHER && (o->kind == NAME_KEY || o->kind == NAME_TABLE || o->kind == NAME_BARE))
				away = Max(away, 1 - smaller_fits(o, r));
		}
		r->traits[TRAIT_AWAY] = away;
	}
}

/* How likely is each to be the parent?  At most one is: each has a chance of exp(its sum), none of them has 1. */
static void
weigh(Reference *possible, int n)
{
	double all = 1;

	find_chain(possible, n);
	for (int i = 0; i < n; i++)
	{
		double sum = name_weights[possible[i].kind];

		for (int t = 0; t < TRAITS; t++)
			sum += trait_weights[t] * possible[i].traits[t];
		possible[i].score = exp(Min(sum, 40));
		all += possible[i].score;
	}
	for (int i = 0; i < n; i++)
		possible[i].score /= all;
}

/* For whoever fits the weights, or wonders why */
static void
tell_traits(const Reference *r)
{
	StringInfoData traits;

	if (!message_level_is_interesting(DEBUG1))
		return;
	initStringInfo(&traits);
	for (int i = 0; i < TRAITS; i++)
		appendStringInfo(&traits, " %.4g", r->traits[i]);
	ereport(DEBUG1, (errmsg_internal("weighed %s(%s) -> %s(%s): %d%s", r->from->table->name, column_of(r->from), r->to->table->name,
									 column_of(r->to), r->kind, traits.data)));
	pfree(traits.data);
}

/* -- what is found -- */

/* Count orphans exactly; keeps the statement that lists them */
static void
count_orphans(Reference *r)
{
	const char *a = quote_identifier(column_of(r->from));
	const char *b = quote_identifier(column_of(r->to));
	Sketch *s = sketch_of(r->from);
	/* what is declared has an operator of its own */
	const char *cast = r->declared || s->type.base == sketch_of(r->to)->type.base ||
							   (class_is_number(s->type.class) && class_is_number(sketch_of(r->to)->type.class))
						   ? ""
						   : "::pg_catalog.text";
	char *missing = psprintf("a.%s IS NOT NULL AND NOT EXISTS (SELECT FROM %s b WHERE b.%s%s = a.%s%s)", a, r->to->p->title,
							 b, cast, a, cast);
	bool null;

	profile_select_row(psprintf("SELECT pg_catalog.count(*) FROM %s a WHERE %s", r->from->p->title, missing));
	r->orphans = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
	/* of no value at all nothing is known */
	r->coverage = s == NULL || s->rows == s->nulls ? NAN : 1 - (double) r->orphans / (double) (s->rows - s->nulls);
	r->orphan_query = psprintf("SELECT a.* FROM %s a WHERE %s", r->from->p->title, missing);
}

/* The likeliest first; of equal ones that to the smaller relation */
static int
by_likelihood(const void *a, const void *b)
{
	const Reference *x = a;
	const Reference *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (sketch_of(x->to)->rows != sketch_of(y->to)->rows)
		return sketch_of(x->to)->rows < sketch_of(y->to)->rows ? -1 : 1;
	return x->to < y->to ? -1 : 1;
}

/* The likeliest parent of a column, or none */
static bool
best_reference(Side *from, Side **keys, int nkeys, Reference *best)
{
	Reference *possible;
	int n = 0;
	int nlikely = 0;
	bool found = false;

	if (unlikely_child(from))
		return false;
	possible = palloc(Max(nkeys, 1) * sizeof(Reference));
	for (int i = 0; i < nkeys; i++)
	{
		Reference *r = &possible[n];

		*r = (Reference){.from = from, .to = keys[i]};
		r->kind = name_refers(from->table, from->name, r->to->table, r->to->name, first_column(r->to));
		n += is_possible(r);
	}
	weigh(possible, n);
	for (int i = 0; i < n; i++)
	{
		tell_traits(&possible[i]);
		if (possible[i].score >= LIKELY)
			possible[nlikely++] = possible[i];
	}
	qsort(possible, nlikely, sizeof(Reference), by_likelihood);
	for (int i = 0; i < Min(nlikely, MOST_COUNTED) && !found; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_unique(possible[i].to))
			continue;
		*best = possible[i];
		count_orphans(best);
		found = best->coverage >= LEAST_COVERED;
	}
	pfree(possible);
	return found;
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
			(*references)[found++] = (Reference){.from = from, .to = to, .declared = true, .score = 1};
	}
	for (int i = 0; i < found; i++)
	{
		CHECK_FOR_INTERRUPTS();
		count_orphans(&(*references)[i]);
	}
	return found;
}

/* Two keys that refer to each other: the likelier way, else to the larger relation, else to the one named first */
static bool
backwards(const Reference *r, const Reference *others, int n)
{
	if (r->declared)
		return false;
	for (int i = 0; i < n; i++)
	{
		const Reference *o = &others[i];

		if (o->from != r->to || o->to != r->from)
			continue;
		if (o->declared || o->score != r->score)
			return o->declared || o->score > r->score;
		if (sketch_of(r->to)->rows != sketch_of(r->from)->rows)
			return sketch_of(r->to)->rows < sketch_of(r->from)->rows;
		return r->to > r->from;
	}
	return false;
}

Datum
profile_candidate_foreign_keys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Reference *found;
	Side *sides;
	Side **keys;
	int n;
	int nkeys = 0;
	int nfound = 0;

	rows_begin(fcinfo);
	SPI_connect();
	sides = all_sides(fcinfo, PG_GETARG_ARRAYTYPE_P(0), &n);
	keys = palloc(Max(n, 1) * sizeof(Side *));
	for (int i = 0; i < n; i++)
	{
		if (sides[i].possible)
			keys[nkeys++] = &sides[i];
	}
	found = palloc(sizeof(Reference));
	for (int i = 0; i < n; i++)
	{
		Reference *declared;
		Reference likely;
		int ndeclared = declared_references(sides, n, &sides[i], &declared);

		found = repalloc_huge(found, (nfound + ndeclared + 1) * sizeof(Reference));
		memcpy(found + nfound, declared, ndeclared * sizeof(Reference));
		nfound += ndeclared;
		if (ndeclared == 0 && best_reference(&sides[i], keys, nkeys, &likely))
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
