/*
 * lineage.c
 *		From where to where data flow: views and foreign keys, read from the catalogue.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "funcapi.h"
#include "ingest/compat.h"
#include "ingest/sql.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_view_columns);

/* Queries around a variable, the innermost last */
typedef struct Walk
{
	List *levels;
	ReturnSetInfo *out;
	const char *column; /* of the view */
	int depth;
} Walk;

static bool walk_expression(Node *node, Walk *walk);

static void
report(Walk *walk, Oid relid, AttrNumber attnum)
{
	char *column = attnum > 0 ? get_attname(relid, attnum, true) : NULL;
	Datum values[4] = {CStringGetTextDatum(walk->column), CStringGetTextDatum(get_namespace_name(get_rel_namespace(relid))),
					   CStringGetTextDatum(get_rel_name(relid)), CStringGetTextDatum(column ? column : "")};
	bool nulls[4] = {0};

	tuplestore_putvalues(walk->out->setResult, walk->out->setDesc, values, nulls);
}

/* Column n of a query: of each branch, if it is a set operation */
static void
walk_output(Query *query, int n, Walk *walk)
{
	ListCell *lc;

	if (walk->depth > 100)
		return; /* a recursive one */
	walk->depth++;
	walk->levels = lappend(walk->levels, query);
	if (query->setOperations)
	{
		foreach (lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			if (rte->rtekind == RTE_SUBQUERY)
				walk_output(rte->subquery, n, walk);
		}
	}
	else
	{
		TargetEntry *entry = get_tle_by_resno(query->targetList, n);

		if (entry)
			(void) walk_expression((Node *) entry->expr, walk);
	}
	walk->levels = list_delete_last(walk->levels);
	walk->depth--;
}

static void
walk_cte(RangeTblEntry *rte, AttrNumber attnum, Walk *walk)
{
	int level = list_length(walk->levels) - 1 - rte->ctelevelsup;
	ListCell *lc;

	if (level < 0)
		return;
	foreach (lc, list_nth_node(Query, walk->levels, level)->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

		if (strcmp(cte->ctename, rte->ctename) == 0 && IsA(cte->ctequery, Query))
		{
			List *saved = walk->levels;

			/* it was written at that level */
			walk->levels = list_copy_head(saved, level + 1);
			walk_output(castNode(Query, cte->ctequery), attnum, walk);
			walk->levels = saved;
		}
	}
}

static void
walk_variable(Var *var, Walk *walk)
{
	int level = list_length(walk->levels) - 1 - var->varlevelsup;
	List *saved = walk->levels;
	RangeTblEntry *rte;

	if (level < 0)
		return;
	walk->levels = list_copy_head(saved, level + 1);
	rte = rt_fetch(var->varno, list_nth_node(Query, walk->levels, level)->rtable);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			report(walk, rte->relid, var->varattno);
			break;
		case RTE_SUBQUERY:
			if (var->varattno > 0 && rte->subquery)
				walk_output(rte->subquery, var->varattno, walk);
			break;
		case RTE_JOIN:
			if (var->varattno > 0 && var->varattno <= list_length(rte->joinaliasvars))
				(void) walk_expression(list_nth(rte->joinaliasvars, var->varattno - 1), walk);
			break;
		case RTE_CTE:
			walk_cte(rte, var->varattno, walk);
			break;
#if PG_VERSION_NUM >= 180000
		case RTE_GROUP:
			(void) walk_expression(list_nth(rte->groupexprs, var->varattno - 1), walk);
			break;
#endif
		default:
			break;
	}
	walk->levels = saved;
}

static bool
walk_expression(Node *node, Walk *walk)
{
	if (node == NULL)
		return false;
	CHECK_FOR_INTERRUPTS();
	if (IsA(node, Var))
	{
		walk_variable((Var *) node, walk);
		return false;
	}
	if (IsA(node, SubLink) && IsA(((SubLink *) node)->subselect, Query))
	{
		walk_output((Query *) ((SubLink *) node)->subselect, 1, walk);
		return walk_expression(((SubLink *) node)->testexpr, walk);
	}
	return expression_tree_walker(node, walk_expression, walk);
}

/* view_columns(view regclass) → column_name, from_schema, from_table, from_column */
Datum
ingest_view_columns(PG_FUNCTION_ARGS)
{
	Walk walk = {0};
	Relation view;
	ListCell *lc;

	rows_begin(fcinfo);
	walk.out = (ReturnSetInfo *) fcinfo->resultinfo;
	view = try_relation_open(PG_GETARG_OID(0), AccessShareLock);
	if (view == NULL)
		return (Datum) 0;
	if (view->rd_rel->relkind == RELKIND_VIEW || view->rd_rel->relkind == RELKIND_MATVIEW)
	{
		Query *query = get_view_query(view);

		foreach (lc, query->targetList)
		{
			TargetEntry *entry = lfirst_node(TargetEntry, lc);

			if (entry->resjunk || entry->resno > RelationGetNumberOfAttributes(view))
				continue;
			walk.column = NameStr(TupleDescAttr(RelationGetDescr(view), entry->resno - 1)->attname);
			walk_output(query, entry->resno, &walk);
		}
	}
	relation_close(view, AccessShareLock);
	return (Datum) 0;
}
