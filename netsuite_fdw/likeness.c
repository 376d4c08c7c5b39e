/*
 * likeness.c
 *		Which text columns does an expression read, and how do they compare?
 */
#include "postgres.h"

#include "netsuite_fdw/form.h"
#include "netsuite_fdw/plan.h"
#include "netsuite_fdw/likeness.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

/*
 * Add the text columns of the remote relation that an expression reads, as they
 * are called there.  Dates and numbers that are turned into text are none: their
 * digits are the same under every rule.
 */
static List *
text_columns(Node *expr, ShipContext *c, List *list, Index *varno)
{
	ListCell *lc;

	foreach (lc, pull_var_clause(expr, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS))
	{
		Var *var = lfirst_node(Var, lc);
		Oid relid;
		char *name;

		if (!bms_is_member(var->varno, c->relids) || var->varattno <= 0 ||
			(*varno != 0 && var->varno != *varno))
			continue;
		relid = planner_rt_fetch(var->varno, c->root)->relid;
		name = deparse_column(relid, var->varattno);
		if (column_form(relid, var->varattno) != FORM_TEXT || strcmp(name, deparse_column_value(relid, var->varattno)) != 0)
			continue;
		*varno = var->varno;
		list = lappend(list, name);
	}
	return list;
}

/* The text columns that the rest of the statement compares, groups or sorts by */
static List *
likely_columns(ShipContext *c, Index varno)
{
	Query *parse = c->root->parse;
	List *list = text_columns((Node *) parse->jointree, c, NIL, &varno);
	ListCell *lc;

	list = text_columns(parse->havingQual, c, list, &varno);
	foreach (lc, parse->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (entry->ressortgroupref != 0 || contain_aggs_of_level((Node *) entry->expr, 0))
			list = text_columns((Node *) entry->expr, c, list, &varno);
	}
	return list;
}

/* Is it proved how the text columns of an expression compare there? */
bool
text_proved(TextTrait trait, Node *expr, ShipContext *c)
{
	Index varno = 0;
	List *columns;

	if (!c->measure)
		return false;
	columns = text_columns(expr, c, NIL, &varno);
	return collation_proves(client_get(c->serverid, c->userid), trait,
							columns ? table_from(planner_rt_fetch(varno, c->root)->relid) : "dual",
							columns, columns ? likely_columns(c, varno) : NIL);
}
