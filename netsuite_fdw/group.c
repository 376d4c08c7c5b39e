/*
 * group.c
 *		Grouping and aggregates that NetSuite computes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "netsuite_fdw/compat.h"
#include "netsuite_fdw/decode.h"
#include "netsuite_fdw/deparse.h"
#include "netsuite_fdw/digits.h"
#include "netsuite_fdw/plan.h"
#include "netsuite_fdw/relation.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/tlist.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#define MAX_GROUPS_SORTED 100000 /* rows that one query yields at most */

/* -- grouping -- */

/* Is the column one that the query groups by? */
static bool
is_group_column(PlannerInfo *root, Expr *column)
{
	ListCell *lc;

	foreach (lc, root->parse->groupClause)
	{
		if (equal(get_sortgroupclause_expr(lfirst(lc), root->parse->targetList), column))
			return true;
	}
	return false;
}

/* Take a target list apart into what is computed there */
static bool
ship_target(PlannerInfo *root, RelInfo *info, PathTarget *target, ShipContext *c)
{
	int i = 0;
	ListCell *lc;

	foreach (lc, target->exprs)
	{
		Expr *expr = lfirst(lc);
		Index ref = get_pathtarget_sortgroupref(target, i++);
		SortGroupClause *clause = ref ? get_sortgroupref_clause_noerr(ref, root->parse->groupClause) : NULL;
		ListCell *part;

		if (clause)
		{
			TargetEntry *tle;

			if (!ship_grouping(expr, c))
				return false;
			tle = makeTargetEntry(expr, list_length(info->grouped_tlist) + 1, NULL, false);
			tle->ressortgroupref = ref;
			info->grouped_tlist = lappend(info->grouped_tlist, tle);
			continue;
		}
		if (is_local_value((Node *) expr, c))
			continue; /* evaluated above the scan */
		if (IsA(expr, Aggref) && ship_aggregate((Aggref *) expr, c))
		{
			info->grouped_tlist = add_to_flat_tlist(info->grouped_tlist, list_make1(expr));
			continue;
		}
		foreach (part, pull_var_clause((Node *) expr, PVC_INCLUDE_AGGREGATES |
														  PVC_RECURSE_PLACEHOLDERS))
		{
			Expr *piece = lfirst(part);

			/* a column by itself is one that is grouped by */
			if (IsA(piece, Aggref) && !ship_aggregate((Aggref *) piece, c))
				return false;
			if (IsA(piece, Var) && !tlist_member(piece, info->grouped_tlist) &&
				!is_group_column(root, piece))
				return false;
			if (IsA(piece, Aggref))
				info->grouped_tlist = add_to_flat_tlist(info->grouped_tlist, list_make1(piece));
		}
	}
	return true;
}

static bool
ship_having(PlannerInfo *root, RelInfo *info, ShipContext *c)
{
	ListCell *lc;

	foreach (lc, (List *) root->parse->havingQual)
	{
		Node *expr = lfirst(lc);
		ListCell *part;

		if (ship_condition(expr, c) == SHIP_EXACT)
		{
			info->having = lappend(info->having, expr);
			continue;
		}
		info->having_local = lappend(info->having_local, expr);
		foreach (part, pull_var_clause(expr, PVC_INCLUDE_AGGREGATES |
												 PVC_RECURSE_PLACEHOLDERS))
		{
			Expr *piece = lfirst(part);

			if (IsA(piece, Aggref))
			{
				if (!ship_aggregate((Aggref *) piece, c))
					return false;
				info->grouped_tlist = add_to_flat_tlist(info->grouped_tlist, list_make1(piece));
			}
			else if (!tlist_member(piece, info->grouped_tlist))
				return false;
		}
	}
	return true;
}

void
netsuiteGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
							 RelOptInfo *output_rel, void *extra)
{
	RelInfo *input = input_rel->fdw_private;
	RelInfo *info;
	ShipContext asking;
	double groups;
	Cost startup;
	Cost total;
	PathTarget *target = root->upper_targets[UPPERREL_GROUP_AGG];

	if (stage != UPPERREL_GROUP_AGG || output_rel->fdw_private != NULL || input == NULL ||
		input_rel->reloptkind != RELOPT_BASEREL || root->parse->groupingSets != NIL ||
		((GroupPathExtraData *) extra)->patype != PARTITIONWISE_AGGREGATE_NONE)
		return;
	info = palloc0(sizeof(RelInfo));
	info->relid = input->relid;
	info->serverid = input->serverid;
	info->userid = input->userid;
	info->server = input->server;
	info->input = input;
	info->input_rel = input_rel;
	asking = ship_context(root, input_rel, info, true);
	if (!root->parse->hasAggs && root->parse->groupClause == NIL)
		return;
	if (input->local != NIL || !ship_target(root, info, target, &asking) ||
		!ship_having(root, info, &asking) || !settle_weak(root, input_rel, input))
		return;
	groups = root->parse->groupClause == NIL ? 1 : estimate_num_groups(root, get_sortgrouplist_exprs(root->parse->groupClause, root->parse->targetList), input->rows, NULL, NULL);
	info->rows = groups;
	output_rel->fdw_private = info;
	output_rel->rows = groups;
	cost(info, groups, false, &startup, &total);
	/* there is no doubt which is better when both are one page */
	startup *= 0.9;
	total *= 0.9;
	add_path(output_rel, (Path *) make_upper_path(root, output_rel, target, groups, startup, total,
												  NIL, list_make2(makeInteger(false), NIL)));
	if (groups <= MAX_GROUPS_SORTED && root->sort_pathkeys != NIL &&
		all_sortable(root->sort_pathkeys, &asking, info->grouped_tlist))
		add_path(output_rel, (Path *) make_upper_path(root, output_rel, target, groups, startup,
													  total * 1.01, root->sort_pathkeys,
													  list_make2(makeInteger(false),
																 root->sort_pathkeys)));
}

/* -- the plan -- */

/* An aggregate, or another one of the same argument, as a column of the result */
static List *
aggregate_pieces(Aggref *agg, const char *name, Deparse *d)
{
	deparse_begin(d);
	deparse_aggregate(agg, name, d);
	return deparse_end(d);
}

/* The names there of columns, all of one table */
static List *
column_names(List *vars, ShipContext *c)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, vars)
	{
		Var *var = lfirst_node(Var, lc);

		result = lappend(result, makeString(deparse_column_value(column_relation(var, c), var->varattno)));
	}
	return result;
}

/* How many numbers of a group are so long that its sums in some expressions may not be exact; NULL if they are in any case */
static char *
count_long(Node *exprs, ShipContext *c)
{
	List *vars = digits_columns(exprs, c);

	return vars != NIL ? digits_count_long(column_names(vars, c)) : NULL;
}

static bool
is_aggregate(Node *expr, const char *name)
{
	return IsA(expr, Aggref) && strcmp(get_func_name(((Aggref *) expr)->aggfnoid), name) == 0;
}

/* Ask for the proof that sums are exact; NIL if they are in any case */
static List *
select_proof(Select *s, RelInfo *info, ShipContext *c)
{
	List *exprs = list_concat_copy(info->grouped_tlist, info->having);
	List *vars = digits_columns((Node *) exprs, c);
	/* behind the targets, and the counts of those that are averages */
	int target = 2 * list_length(info->grouped_tlist);
	List *means = NIL;
	ListCell *lc;

	if (vars == NIL)
		return NIL;
	select_column(s, code_piece(count_long((Node *) exprs, c)), NULL, NULL, INT8OID, -1, target, -1, -1, false, "count");
	foreach (lc, info->grouped_tlist)
	{
		Node *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;

		if (is_aggregate(expr, "avg") && digits_columns(expr, c) != NIL)
			means = lappend(means, makeInteger(foreach_current_index(lc)));
	}
	return list_make4(makeInteger(target), makeString(table_from(info->relid)), column_names(vars, c), means);
}

/* Columns of a grouped relation; an average is asked for as sum and count */
static void
select_targets(Select *s, List *tlist, Deparse *d)
{
	ListCell *lc;

	foreach (lc, tlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node *expr = (Node *) tle->expr;
		int target = foreach_current_index(lc);

		if (is_aggregate(expr, "avg"))
		{
			select_column(s, aggregate_pieces((Aggref *) expr, "sum", d), NULL, NULL, NUMERICOID,
						  -1, target, -1, -1, false, "avg");
			select_column(s, aggregate_pieces((Aggref *) expr, "count", d), NULL, NULL, INT8OID,
						  -1, list_length(tlist) + target, -1, target, false, "avg");
			continue;
		}
		deparse_begin(d);
		deparse_output(expr, d);
		select_column(s, deparse_end(d), NULL, NULL, exprType(expr), exprTypmod(expr), target, -1,
					  is_aggregate(expr, "count") ? COUNT_ALONE : DIVIDES_NOTHING, ship_form(expr, d->ship) == FORM_DAY_HERE, "aggregate");
	}
	if (s->columns == NIL)
		select_column(s, code_piece("COUNT(*)"), NULL, NULL, INT8OID, -1, -1, -1, -1, false, "count");
}

/* GROUP BY ... HAVING ...; the items of the order are those of the groups */
static List *
deparse_group(RelInfo *info, Deparse *d, List **order)
{
	List *text = NIL;
	char *unsure = count_long((Node *) info->having, d->ship);
	ListCell *lc;

	*order = NIL;
	foreach (lc, info->grouped_tlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		List *by;

		if (tle->ressortgroupref == 0)
			continue;
		deparse_begin(d);
		deparse_value((Node *) tle->expr, d);
		by = deparse_end(d);
		*order = lappend(*order, list_concat(list_copy(by), code_piece(" ASC")));
		text = list_concat(list_concat(text, code_piece(text != NIL ? ", " : "GROUP BY ")), by);
	}
	deparse_begin(d);
	foreach (lc, info->having)
	{
		appendStringInfoString(d->out, foreach_current_index(lc) > 0 ? " AND " : text != NIL ? " HAVING "
																							 : "HAVING ");
		deparse_condition(lfirst(lc), d);
	}
	/* a group whose sums may not be exact comes in any case, to be refused */
	if (unsure)
		appendStringInfo(d->out, " OR %s > 0", unsure);
	return list_concat(text, deparse_end(d));
}

/* The wanted order; groups whose sums may not be exact come first, to be refused, if it goes by those */
static List *
order_of_groups(List *pathkeys, RelInfo *info, Deparse *d)
{
	List *items = deparse_order(pathkeys, info, d);
	List *exprs = NIL;
	char *unsure;
	ListCell *lc;

	foreach (lc, pathkeys)
		exprs = lappend(exprs, sortable_member(lfirst_node(PathKey, lc), d->ship, info->grouped_tlist));
	unsure = count_long((Node *) exprs, d->ship);
	return unsure ? lcons(code_piece(psprintf("%s DESC", unsure)), items) : items;
}

ForeignScan *
plan_grouped(PlannerInfo *root, RelInfo *info, ForeignPath *path, List *tlist, Plan *outer_plan)
{
	ShipContext asking = ship_context(root, info->input_rel, info, true);
	List *pathkeys = lsecond(path->fdw_private);
	Deparse d = {.ship = &asking};
	Select s = {0};
	List *where;
	List *group;
	List *order;
	List *proof;

	select_targets(&s, info->grouped_tlist, &d);
	proof = select_proof(&s, info, &asking);
	where = deparse_where(info->input->shipped, &d);
	group = deparse_group(info, &d, &order);
	order = join_order(order_of_groups(pathkeys, info, &d), order);
	return make_foreignscan(
		tlist, info->having_local, 0, d.values,
		list_concat(
			list_make5(select_text(&s, info), where, group, order, NIL),
			list_concat(
				list_make5(makeInteger(false), makeInteger(pathkeys != NIL), makeInteger(-1),
						   s.columns, d.holes),
				list_concat(list_make5(makeInteger((int) info->serverid),
									   makeString(get_rel_name(info->relid)), makeInteger(0), makeInteger(-1),
									   makeInteger(true)),
							list_make2(makeInteger(d.days), proof)))),
		info->grouped_tlist, NIL, outer_plan);
}
