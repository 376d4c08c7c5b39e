/*
 * listing.c
 *		Which of a table's files a query reads.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "files_fdw/lake_table.h"
#include "files_fdw/listing.h"
#include "files_fdw/pattern.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static List *
only_latest(List *files)
{
	FileInfo *latest = NULL;
	ListCell *lc;

	foreach (lc, files)
	{
		FileInfo *file = lfirst(lc);

		/* of two of the same moment the later by name: daily extracts have dates in theirs */
		if (latest == NULL || file->modified >= latest->modified)
			latest = file;
	}
	return latest ? list_make1(latest) : NIL;
}

List *
table_files(Table *t)
{
	Root *root = table_root(t);
	List *files = t->o.layout != LAYOUT_NONE ? lake_files(t) : root->routine->list(root, t->o.path);

	return t->o.latest ? only_latest(files) : files;
}

List *
table_files_named(Table *t, List *paths)
{
	Root *root = table_root(t);
	List *files = NIL;
	ListCell *lc;

	if (t->o.latest || t->o.layout != LAYOUT_NONE)
	{
		foreach (lc, table_files(t))
		{
			ListCell *named;

			foreach (named, paths)
			{
				if (strcmp(lfirst(named), ((FileInfo *) lfirst(lc))->path) == 0)
				{
					files = lappend(files, lfirst(lc));
					break;
				}
			}
		}
		return files;
	}
	foreach (lc, paths)
	{
		const char *path = lfirst(lc);
		ListCell *earlier;
		bool again = false;

		foreach (earlier, files)
			again |= strcmp(((FileInfo *) lfirst(earlier))->path, path) == 0;
		/* nothing else than what a listing has: no hidden folder, either */
		if (!again && is_path(path) && pattern_matches(t->o.path, path))
		{
			FileInfo *file = NULL;
			bool hidden = false;

			for (const char *p = path; p != NULL; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
				hidden |= !is_file_name(pnstrdup(p, strcspn(p, "/")));
			if (!hidden)
				file = root->routine->look(root, path);
			if (file)
				files = lappend(files, file);
		}
	}
	return files;
}

/* -- conditions -- */

static bool
is_of_file(const Table *t, Index relid, Node *clause)
{
	Bitmapset *attrs = NULL;
	int i = -1;

	if (contain_volatile_functions(clause) || contain_subplans(clause))
		return false;
	pull_varattnos(clause, relid, &attrs);
	if (bms_is_empty(attrs))
		return false;
	while ((i = bms_next_member(attrs, i)) >= 0)
	{
		int attnum = i + FirstLowInvalidHeapAttributeNumber;

		if (attnum < 1 || attnum > t->natts || !column_is_of_file(&t->columns[attnum - 1]))
			return false;
	}
	return true;
}

List *
file_clauses(const Table *t, Index relid, List *clauses)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, clauses)
	{
		Node *clause = lfirst(lc);

		if (is_of_file(t, relid, clause))
			result = lappend(result, clause);
	}
	return result;
}

bool
clauses_are_of_partitions(const Table *t, Index relid, List *clauses)
{
	Bitmapset *attrs = NULL;
	int i = -1;

	if (list_length(file_clauses(t, relid, clauses)) < list_length(clauses))
		return false;
	pull_varattnos((Node *) clauses, relid, &attrs);
	while ((i = bms_next_member(attrs, i)) >= 0)
	{
		if (t->columns[i + FirstLowInvalidHeapAttributeNumber - 1].o.kind != COLUMN_PARTITION)
			return false;
	}
	return true;
}

static Var *
own_column(const Table *t, Index relid, Node *node, ColumnKind kind)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node == NULL || !IsA(node, Var))
		return NULL;
	{
		Var *var = (Var *) node;

		if (var->varno != relid || var->varlevelsup != 0 || var->varattno < 1 || var->varattno > t->natts ||
			t->columns[var->varattno - 1].o.kind != kind)
			return NULL;
		return var;
	}
}

Const *
known_value(Node *node, ParamListInfo params)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node && IsA(node, Const))
		return (Const *) node;
	if (node && IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN && params != NULL)
	{
		Param *param = (Param *) node;
		ParamExternData given;
		ParamExternData *data;
		int16 len;
		bool byval;

		if (param->paramid < 1 || param->paramid > params->numParams)
			return NULL;
		data = params->paramFetch ? params->paramFetch(params, param->paramid, false, &given)
								  : &params->params[param->paramid - 1];
		if (data->ptype != param->paramtype)
			return NULL;
		get_typlenbyval(param->paramtype, &len, &byval);
		return makeConst(param->paramtype, -1, param->paramcollid, len, data->value, data->isnull, byval);
	}
	return NULL;
}

static List *
paths_of_array(Const *value)
{
	ArrayType *array = DatumGetArrayTypeP(value->constvalue);
	Datum *values;
	bool *nulls;
	int n;
	List *paths = NIL;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			paths = lappend(paths, TextDatumGetCString(values[i]));
	}
	return paths;
}

bool
named_files(const Table *t, Index relid, List *clauses, ParamListInfo params, List **paths)
{
	ListCell *lc;

	foreach (lc, clauses)
	{
		Node *clause = lfirst(lc);

		/* another collation may take several paths for one */
		if (OidIsValid(exprInputCollation(clause)) && !get_collation_isdeterministic(exprInputCollation(clause)))
			continue;
		if (IsA(clause, OpExpr) && ((OpExpr *) clause)->opno == TextEqualOperator)
		{
			OpExpr *op = (OpExpr *) clause;

			for (int side = 0; side < 2; side++)
			{
				Const *value = known_value(list_nth(op->args, 1 - side), params);

				if (value == NULL || value->consttype != TEXTOID ||
					!own_column(t, relid, list_nth(op->args, side), COLUMN_FILE))
					continue;
				*paths = value->constisnull ? NIL : list_make1(TextDatumGetCString(value->constvalue));
				return true;
			}
		}
		else if (IsA(clause, ScalarArrayOpExpr))
		{
			ScalarArrayOpExpr *op = (ScalarArrayOpExpr *) clause;
			Const *value = known_value(lsecond(op->args), params);

			if (op->opno != TextEqualOperator || !op->useOr || value == NULL || value->consttype != TEXTARRAYOID ||
				!own_column(t, relid, linitial(op->args), COLUMN_FILE))
				continue;
			*paths = value->constisnull ? NIL : paths_of_array(value);
			return true;
		}
	}
	return false;
}

void
position_bounds(const Table *t, Index relid, List *clauses, ParamListInfo params, int64 *from, int64 *to)
{
	TypeCacheEntry *type = lookup_type_cache(INT8OID, TYPECACHE_BTREE_OPFAMILY);
	ListCell *lc;

	*from = PG_INT64_MIN;
	*to = PG_INT64_MAX;
	foreach (lc, clauses)
	{
		OpExpr *op = lfirst(lc);
		Const *value;
		int64 n;
		int strategy;
		bool left;

		if (!IsA(op, OpExpr) || list_length(op->args) != 2)
			continue;
		left = own_column(t, relid, linitial(op->args), COLUMN_POSITION) != NULL;
		if (!left && !own_column(t, relid, lsecond(op->args), COLUMN_POSITION))
			continue;
		value = known_value(list_nth(op->args, left ? 1 : 0), params);
		strategy = get_op_opfamily_strategy(op->opno, type->btree_opf);
		if (value == NULL || value->constisnull || strategy == 0)
			continue;
		if (value->consttype == INT8OID)
			n = DatumGetInt64(value->constvalue);
		else if (value->consttype == INT4OID)
			n = DatumGetInt32(value->constvalue);
		else
			continue;
		if (!left)
			strategy = BTMaxStrategyNumber + 1 - strategy;
		if (strategy == BTGreaterEqualStrategyNumber || strategy == BTEqualStrategyNumber)
			*from = Max(*from, n);
		if (strategy == BTGreaterStrategyNumber)
			*from = Max(*from, n == PG_INT64_MAX ? n : n + 1);
		if (strategy == BTLessStrategyNumber)
			*to = Min(*to, n);
		if (strategy == BTLessEqualStrategyNumber || strategy == BTEqualStrategyNumber)
			*to = Min(*to, n == PG_INT64_MAX ? n : n + 1);
	}
}
