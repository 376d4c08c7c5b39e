/*
 * parquet_prune.c
 *		Row groups that no row of can satisfy the conditions, by their statistics.
 *
 * Statistics are claims of a writer, in an order of the format's.  They are used where that order is PostgreSQL's:
 * - texts by bytes: for equality under any deterministic collation, for the others under C alone;
 * - numbers of floating point leave NaN out, which is greater than all here: so their maximum bounds nothing;
 * - the deprecated fields were ordered by whoever wrote them: only signed numbers were ordered by all alike;
 * - min and max may be cut or rounded, but outwards: they bound all the same.
 */
#include "postgres.h"

#include <math.h>

#include "access/nbtree.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/attribute.h"
#include "files_fdw/compat.h"
#include "files_fdw/listing.h"
#include "files_fdw/parquet_value.h"
#include "files_fdw/parquet_prune.h"
#include "files_fdw/table.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_locale.h"
#include "utils/typcache.h"

#define PRUNE_NULL 100 /* beside the strategies of btree */
#define PRUNE_NOT_NULL 101

typedef struct Prune
{
	int att; /* attnum - 1 */
	const Converter *converter;
	int strategy;
	FmgrInfo compare; /* the column's type with the value's */
	Oid value_type;
	Datum *values; /* one, or those of an array */
	int n;
} Prune;

static Var *
own_column(const Table *t, Index relid, Node *node)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node && IsA(node, Var))
	{
		Var *var = (Var *) node;

		if (var->varno == relid && var->varlevelsup == 0 && var->varattno >= 1 && var->varattno <= t->natts &&
			!t->columns[var->varattno - 1].dropped && t->columns[var->varattno - 1].o.kind == COLUMN_DATA)
			return var;
	}
	return NULL;
}

/* An operator of the column's default order, with its strategy, and how both sides are compared */
static bool
understand(Prune *p, Oid opno, Oid column_type, Oid value_type, Oid collation, bool turned)
{
	TypeCacheEntry *type = lookup_type_cache(column_type == VARCHAROID ? TEXTOID : column_type, TYPECACHE_BTREE_OPFAMILY);
	Oid left = type->btree_opintype;
	Oid function;

	if (!OidIsValid(type->btree_opf))
		return false;
	if (value_type == VARCHAROID)
		value_type = TEXTOID;
	p->strategy = get_op_opfamily_strategy(opno, type->btree_opf);
	if (p->strategy == 0)
		return false;
	if (turned)
		p->strategy = BTMaxStrategyNumber + 1 - p->strategy;
	if (OidIsValid(collation) &&
		!(collation_is_c(collation) || (p->strategy == BTEqualStrategyNumber && get_collation_isdeterministic(collation))))
		return false;
	function = get_opfamily_proc(type->btree_opf, left, value_type, BTORDER_PROC);
	if (!OidIsValid(function))
		return false;
	fmgr_info(function, &p->compare);
	p->value_type = value_type;
	return true;
}

static Prune *
of_operator(const Table *t, Index relid, OpExpr *op, ParamListInfo params)
{
	Prune *p = palloc0(sizeof(Prune));

	if (list_length(op->args) != 2)
		return NULL;
	for (int side = 0; side < 2; side++)
	{
		Var *var = own_column(t, relid, list_nth(op->args, side));
		Const *value = known_value(list_nth(op->args, 1 - side), params);

		if (var == NULL || value == NULL || value->constisnull)
			continue;
		p->att = var->varattno - 1;
		p->values = &value->constvalue;
		p->n = 1;
		if (understand(p, op->opno, var->vartype, value->consttype, op->inputcollid, side == 1))
			return p;
	}
	return NULL;
}

static Prune *
of_array(const Table *t, Index relid, ScalarArrayOpExpr *op, ParamListInfo params)
{
	Prune *p = palloc0(sizeof(Prune));
	Var *var = own_column(t, relid, linitial(op->args));
	Const *value = known_value(lsecond(op->args), params);
	Oid element;
	int16 len;
	bool byval;
	char align;
	bool *nulls;
	ArrayType *array;
	int n;

	if (!op->useOr || var == NULL || value == NULL || value->constisnull)
		return NULL;
	element = get_element_type(value->consttype);
	if (!OidIsValid(element) || !understand(p, op->opno, var->vartype, element, op->inputcollid, false))
		return NULL;
	array = DatumGetArrayTypeP(value->constvalue);
	get_typlenbyvalalign(element, &len, &byval, &align);
	deconstruct_array(array, element, len, byval, align, &p->values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			p->values[p->n++] = p->values[i];
	}
	p->att = var->varattno - 1;
	return p;
}

static Prune *
of_null_test(const Table *t, Index relid, NullTest *test)
{
	Prune *p;
	Var *var = test->argisrow ? NULL : own_column(t, relid, (Node *) test->arg);

	if (var == NULL)
		return NULL;
	p = palloc0(sizeof(Prune));
	p->att = var->varattno - 1;
	p->strategy = test->nulltesttype == IS_NULL ? PRUNE_NULL : PRUNE_NOT_NULL;
	return p;
}

List *
prune_clauses(const Table *t, Index relid, List *clauses, ParamListInfo params)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, clauses)
	{
		Node *clause = lfirst(lc);
		Prune *p = NULL;

		if (IsA(clause, OpExpr))
			p = of_operator(t, relid, (OpExpr *) clause, params);
		else if (IsA(clause, ScalarArrayOpExpr))
			p = of_array(t, relid, (ScalarArrayOpExpr *) clause, params);
		else if (IsA(clause, NullTest))
			p = of_null_test(t, relid, (NullTest *) clause);
		if (p)
		{
			p->converter = &t->columns[p->att].converter;
			result = lappend(result, p);
		}
	}
	return result;
}

/* -- statistics -- */

static bool
is_nan(Oid type, Datum value)
{
	if (type == FLOAT8OID)
		return isnan(DatumGetFloat8(value));
	return type == FLOAT4OID && isnan(DatumGetFloat4(value));
}

static bool
is_float(const Converter *c)
{
	return c->type == FLOAT4OID || c->type == FLOAT8OID;
}

/* Is the order in which min and max were found the one that the type has here? */
static bool
order_is_ours(const ParquetMeta *meta, const ParquetNode *node, const ParquetStats *s)
{
	switch (parquet_meaning(node))
	{
		case MEAN_BOOL:
		case MEAN_INT:
		case MEAN_DATE:
		case MEAN_TIME:
		case MEAN_TIMESTAMP:
		case MEAN_TIMESTAMPTZ:
		case MEAN_FLOAT:
		case MEAN_DOUBLE:
			return s->old || meta->ordered == NULL || meta->ordered[node->leaf];
		case MEAN_DECIMAL:
			if (node->type == PARQUET_INT32 || node->type == PARQUET_INT64)
				return s->old || meta->ordered == NULL || meta->ordered[node->leaf];
			pg_fallthrough;
		case MEAN_UNSIGNED:
		case MEAN_TEXT:
		case MEAN_BYTES:
		case MEAN_UUID:
			return !s->old && meta->ordered != NULL && meta->ordered[node->leaf];
		default:
			return false;
	}
}

/* Bounds of a chunk's values; what is not known is left out */
static void
bounds_of(const Prune *p, const ParquetMeta *meta, const ParquetNode *node, const ParquetStats *s, Datum *min,
		  bool *has_min, Datum *max, bool *has_max)
{
	*has_min = *has_max = false;
	if (!order_is_ours(meta, node, s))
		return;
	if (s->min)
		*has_min = column_stat(node, p->converter, s->min, s->min_len, min);
	if (s->max)
		*has_max = column_stat(node, p->converter, s->max, s->max_len, max);
	/* where one of them is no number, neither says anything */
	if ((*has_min && is_nan(p->converter->type, *min)) || (*has_max && is_nan(p->converter->type, *max)))
		*has_min = *has_max = false;
}

static int
compare(const Prune *p, Datum stat, Datum value)
{
	return DatumGetInt32(FunctionCall2Coll((FmgrInfo *) &p->compare, C_COLLATION_OID, stat, value));
}

static bool
value_may_be(const Prune *p, Datum value, Datum min, bool has_min, Datum max, bool has_max)
{
	/* NaN may be there, and is more than the maximum */
	bool above = has_max && !is_float(p->converter);

	switch (p->strategy)
	{
		case BTLessStrategyNumber:
			return !has_min || compare(p, min, value) < 0;
		case BTLessEqualStrategyNumber:
			return !has_min || compare(p, min, value) <= 0;
		case BTEqualStrategyNumber:
			if (has_min && compare(p, min, value) > 0)
				return false;
			return !has_max || is_nan(p->value_type, value) || compare(p, max, value) >= 0;
		case BTGreaterEqualStrategyNumber:
			return !above || compare(p, max, value) >= 0;
		case BTGreaterStrategyNumber:
			return !above || compare(p, max, value) > 0;
		default:
			return true;
	}
}

static bool
keeps(const Prune *p, const ParquetMeta *meta, const ParquetNode *node, const ParquetGroup *group,
	  const ParquetChunk *chunk)
{
	const ParquetStats *s = &chunk->stats;
	Datum min = 0;
	Datum max = 0;
	bool has_min;
	bool has_max;

	if (p->strategy == PRUNE_NULL)
		return node->def == 0 ? false : s->nulls != 0;
	/* nothing but nulls */
	if (s->nulls == group->rows && node->def > 0)
		return false;
	if (p->strategy == PRUNE_NOT_NULL)
		return true;
	bounds_of(p, meta, node, s, &min, &has_min, &max, &has_max);
	for (int i = 0; i < p->n; i++)
	{
		if (value_may_be(p, p->values[i], min, has_min, max, has_max))
			return true;
	}
	return false;
}

bool
prune_keeps(const List *prunes, const ParquetMeta *meta, const ParquetNode *const *nodes, int natts,
			const ParquetGroup *group, const ParquetChunk *chunks)
{
	ListCell *lc;

	foreach (lc, (List *) prunes)
	{
		const Prune *p = lfirst(lc);
		const ParquetNode *node = p->att < natts ? nodes[p->att] : NULL;

		/* a column that the file lacks is null in all its rows */
		if (node == NULL)
		{
			if (p->strategy != PRUNE_NULL)
				return false;
			continue;
		}
		/* null by the words for it, or nested: only reading tells */
		if (parquet_meaning(node) == MEAN_NESTED || p->converter->manner.force_null)
			continue;
		if (!keeps(p, meta, node, group, &chunks[node->leaf]))
			return false;
	}
	return true;
}
