/*
 * likeness.c
 *		Which text columns does an expression read, and how do they compare?
 */
#include "postgres.h"

#include <ctype.h>

#include "netsuite_fdw/form.h"
#include "netsuite_fdw/plan.h"
#include "netsuite_fdw/likeness.h"
#include "nodes/nodeFuncs.h"
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

/* -- literals among the results of CASE and COALESCE -- */

typedef struct Results
{
	ShipContext *c;
	List *literals; /* String */
	bool column;
	bool other;
} Results;

/* Collect what an expression may yield, not what its conditions look at */
static void
collect_results(Node *expr, Results *r)
{
	char *text;
	ListCell *lc;

	if (expr == NULL || (IsA(expr, Const) && ((Const *) expr)->constisnull))
		return;
	switch (nodeTag(expr))
	{
		case T_RelabelType:
			collect_results((Node *) ((RelabelType *) expr)->arg, r);
			break;
		case T_CaseExpr:
			foreach (lc, ((CaseExpr *) expr)->args)
				collect_results((Node *) lfirst_node(CaseWhen, lc)->result, r);
			collect_results((Node *) ((CaseExpr *) expr)->defresult, r);
			break;
		case T_CoalesceExpr:
			foreach (lc, ((CoalesceExpr *) expr)->args)
				collect_results(lfirst(lc), r);
			break;
		default:
			if (const_text(expr, &text))
				r->literals = lappend(r->literals, makeString(text));
			else if (is_column(expr, r->c))
				r->column = true;
			else
				r->other = true;
	}
}

static Results
results_of(Node *expr, ShipContext *c)
{
	Results r = {.c = c};

	collect_results(expr, &r);
	return r;
}

TextSource
text_source(Node *expr, ShipContext *c)
{
	Results r = results_of(expr, c);

	if (r.column)
		return TEXT_OF_COLUMNS;
	if (r.literals == NIL)
		return TEXT_OF_DIGITS;
	return r.other ? TEXT_OF_LITERALS : TEXT_OF_FIXED;
}

/*
 * Does a CASE or COALESCE of texts yield there what it yields here?  A literal
 * is of type CHAR there, and so is a choice of literals, as long as the longest,
 * with blanks behind the others.  RTRIM takes these away, so none of its own may
 * stand there.  Beside a column the type is the column's: VARCHAR2, if it tells
 * apart what differs in a trailing blank.
 */
bool
text_branches_fit(Node *expr, ShipContext *c)
{
	Results r = results_of(expr, c);
	ListCell *lc;

	if (r.literals == NIL)
		return true;
	if (r.column)
		return text_proved(TEXT_EQUALITY, expr, c);
	foreach (lc, r.literals)
	{
		const char *text = strVal(lfirst(lc));

		if (text[strlen(text) - 1] == ' ')
			return false;
	}
	return true;
}

/* The letters and digits of a text without regard to case; NULL if it has none, or others than ASCII's */
static char *
bare_letters(const char *text, bool *has_letter)
{
	StringInfoData out;

	initStringInfo(&out);
	*has_letter = false;
	for (; *text; text++)
	{
		if (IS_HIGHBIT_SET(*text))
			return NULL;
		if (isalnum((unsigned char) *text))
			appendStringInfoChar(&out, pg_tolower((unsigned char) *text));
		*has_letter |= isalpha((unsigned char) *text) != 0;
	}
	return out.len > 0 ? out.data : NULL;
}

/* Does every rule tell the literals apart that an expression may yield, and them from digits? */
bool
text_literals_differ(Node *expr, ShipContext *c)
{
	Results r = results_of(expr, c);
	ListCell *lc;

	foreach (lc, r.literals)
	{
		const char *text = strVal(lfirst(lc));
		bool has_letter;
		char *bare = bare_letters(text, &has_letter);
		ListCell *m;

		if (bare == NULL || (r.other && !has_letter))
			return false;
		for_each_cell(m, r.literals, lnext(r.literals, lc))
		{
			char *another = bare_letters(strVal(lfirst(m)), &has_letter);

			if (another != NULL && strcmp(bare, another) == 0 && strcmp(text, strVal(lfirst(m))) != 0)
				return false;
		}
	}
	return true;
}
