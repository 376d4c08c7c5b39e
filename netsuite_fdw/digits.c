/*
 * digits.c
 *		Do numbers keep all their digits there, and would integers overflow here?
 *
 * PostgreSQL's numeric is exact, NetSuite's numbers keep 38 digits, whatever is
 * done with them.  So +, - and * are sent only of numbers whose types bound their
 * digits.  A sum is sent of numeric columns, too, if their values are short: then
 * no sum of them can be longer than 38 digits.  The dictionary's are taken to be
 * short, others are asked about; and as either may change, each group that comes
 * says how many of its values are not, at the same moment.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "netsuite_fdw/digits.h"
#include "netsuite_fdw/plan.h"
#include "netsuite_fdw/trait.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/plancache.h"

#define MOST_DIGITS 38
#define SHORT_WHOLE 15 /* digits before the point of a short number ... */
#define SHORT_SCALE 8  /* ... and behind it */
#define SUM_DIGITS 11  /* that a sum has more than its terms: there are no more rows */
#define LONG "ABS(%1$s) >= 1000000000000000 OR %1$s <> TRUNC(%1$s,8)"

/*
 * An average has 16 significant digits, but no fewer behind the point than any of
 * its terms.  Those of less than 10^12 with 8 digits there have that many anyway,
 * so that no term need be looked at.
 */
#define LARGE_MEAN "1000000000000"

/* -- columns -- */

/* What a session knows of a numeric column */
typedef struct NumberColumn
{
	KnownColumn name;
	bool asked;
	bool is_long;  /* some number is, or that could not be found out */
	bool is_large; /* some number, or average, is too large to average there */
} NumberColumn;

static NumberColumn *
entry_of(Client *client, const char *from, const char *column)
{
	return trait_column(client, &traits_of(client)->numbers, sizeof(NumberColumn), from, column);
}

/*
 * Ask how many values of columns of a table are long or large.  False if that was
 * refused; a refusal is kept only of the last question, since one column may
 * spoil it for all.
 */
static bool
ask(Client *client, List *columns, bool last)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "netsuite digits", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	StringInfoData query;
	Request *request;
	Json *items;
	bool answered;
	bool lasts;
	ListCell *lc;

	initStringInfo(&query);
	foreach (lc, columns)
	{
		NumberColumn *n = lfirst(lc);
		int i = foreach_current_index(lc) + 1;

		appendStringInfo(&query, "%s COUNT(CASE WHEN ", i == 1 ? "SELECT" : ",");
		appendStringInfo(&query, LONG, n->name.column);
		appendStringInfo(&query, " THEN 1 END) AS long_%d, COUNT(CASE WHEN ABS(%s) >= " LARGE_MEAN " THEN 1 END) AS large_%d", i, n->name.column, i);
	}
	appendStringInfo(&query, " FROM %s", ((NumberColumn *) linitial(columns))->name.from);
	items = trait_ask(client, query.data, 1, context, &request);
	answered = json_count(items) == 1;
	lasts = trait_lasts(request);
	foreach (lc, answered || last ? columns : NIL)
	{
		NumberColumn *n = lfirst(lc);
		int i = foreach_current_index(lc) + 1;
		const char *long_ones = answered ? json_text(json_item(items, 0), psprintf("long_%d", i)) : NULL;
		const char *large_ones = answered ? json_text(json_item(items, 0), psprintf("large_%d", i)) : NULL;

		n->asked |= lasts;
		n->is_long |= lasts && (long_ones == NULL || strcmp(long_ones, "0") != 0);
		n->is_large |= lasts && (large_ones == NULL || strcmp(large_ones, "0") != 0);
	}
	if (!lasts)
		traits_of(client)->failed_in = GetCurrentStatementStartTimestamp();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return answered || !lasts;
}

/* The entries of columns, all of one table, that were not asked about; none of the dictionary's */
static List *
unasked(List *vars, Client *client, ShipContext *c)
{
	List *result = NIL;
	ListCell *lc;

	foreach (lc, vars)
	{
		Var *var = lfirst_node(Var, lc);
		Oid relid = column_relation(var, c);
		NumberColumn *n = entry_of(client, table_from(relid), deparse_column_value(relid, var->varattno));

		if (!n->asked && !n->is_long && !column_in_dictionary(relid, var->varattno))
			result = list_append_unique_ptr(result, n);
	}
	return result;
}

/* Columns that the rest of the statement sums up */
static List *
likely_columns(ShipContext *c, Index varno)
{
	Query *parse = c->root->parse;
	List *result = NIL;
	ListCell *lc;

	foreach (lc, list_concat(digits_columns((Node *) parse->targetList, c), digits_columns(parse->havingQual, c)))
	{
		if (lfirst_node(Var, lc)->varno == varno)
			result = list_append_unique(result, lfirst(lc));
	}
	return result;
}

/* Are all values of numeric columns short, and small enough for an average of them? */
static bool
are_short(List *vars, bool mean, ShipContext *c)
{
	Client *client = client_get(c->serverid, c->userid);
	List *wanted;
	ListCell *lc;

	if (vars == NIL)
		return true;
	wanted = unasked(vars, client, c);
	if (wanted != NIL && c->measure && traits_of(client)->failed_in != GetCurrentStatementStartTimestamp())
	{
		List *all = list_concat_unique_ptr(list_copy(wanted), unasked(likely_columns(c, linitial_node(Var, vars)->varno), client, c));

		bool more = list_length(all) > list_length(wanted);

		if (!ask(client, all, !more) && more)
			ask(client, wanted, true);
		wanted = unasked(vars, client, c);
	}
	if (wanted != NIL)
		return false;
	foreach (lc, vars)
	{
		Var *var = lfirst_node(Var, lc);
		Oid relid = column_relation(var, c);
		NumberColumn *n = entry_of(client, table_from(relid), deparse_column_value(relid, var->varattno));

		if (n->is_long || (mean && n->is_large))
			return false;
	}
	return true;
}

/* -- expressions -- */

/* Most digits before and behind the point; whole is negative if there is no bound */
typedef struct Digits
{
	int whole;
	int scale;
} Digits;

static const Digits unbounded = {-1, 0};

static Digits digits_of(Node *expr, ShipContext *c);

static Digits
digits_of_type(Oid type)
{
	switch (type)
	{
		case INT2OID:
			return (Digits){5, 0};
		case INT4OID:
			return (Digits){10, 0};
		case INT8OID:
			return (Digits){19, 0};
		default:
			return unbounded;
	}
}

static Digits
digits_of_numeric(Numeric number)
{
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(number))));
	char *point = strchr(text, '.');
	int len = strspn(text, "-0123456789");

	if (numeric_is_nan(number) || numeric_is_inf(number))
		return unbounded;
	return (Digits){len - (*text == '-'), point ? (int) strlen(point + 1) : 0};
}

/* Of values of which each may come */
static Digits
either(Digits a, Digits b)
{
	if (a.whole < 0 || b.whole < 0)
		return unbounded;
	return (Digits){Max(a.whole, b.whole), Max(a.scale, b.scale)};
}

static Digits
digits_of_any(List *exprs, Digits result, ShipContext *c)
{
	ListCell *lc;

	foreach (lc, exprs)
	{
		Node *expr = lfirst(lc);

		result = either(result, digits_of(IsA(expr, CaseWhen) ? (Node *) ((CaseWhen *) expr)->result : expr, c));
	}
	return result;
}

static Digits
digits_of_call(FuncExpr *f, ShipContext *c)
{
	const char *name;
	Call call = call_of(f, &name);
	Digits d;

	if (call == CALL_EXTRACT)
		return (Digits){4, 0};
	if (call != CALL_IDENTITY && call != CALL_NUMBER)
		return unbounded;
	d = digits_of(linitial(f->args), c);
	if (call == CALL_IDENTITY || d.whole < 0)
		return d;
	if (strcmp(name, "CEIL") == 0 || strcmp(name, "FLOOR") == 0 || (strcmp(name, "ROUND") == 0 && list_length(f->args) == 1))
		return (Digits){d.whole + 1, 0};
	return (Digits){d.whole + 1, d.scale};
}

static Digits
digits_of_operator(OpExpr *op, ShipContext *c)
{
	Digits a = digits_of(linitial(op->args), c);
	Digits b = digits_of(llast(op->args), c);

	if (list_length(op->args) == 1 || a.whole < 0 || b.whole < 0)
		return a.whole < 0 ? a : b;
	if (strcmp(operator_name(op->opno), "*") == 0)
		return (Digits){a.whole + b.whole, a.scale + b.scale};
	return (Digits){Max(a.whole, b.whole) + 1, Max(a.scale, b.scale)};
}

static Digits
digits_of_aggregate(Aggref *agg, ShipContext *c)
{
	char *name = get_func_name(agg->aggfnoid);
	bool adding = c->adding;
	Digits d;

	if (strcmp(name, "sum") != 0)
		return digits_of_type(agg->aggtype);
	c->adding = true;
	d = digits_of((Node *) linitial_node(TargetEntry, agg->args)->expr, c);
	c->adding = adding;
	return d.whole < 0 ? d : (Digits){d.whole + SUM_DIGITS, d.scale};
}

static Digits
digits_of(Node *expr, ShipContext *c)
{
	Digits by_type = digits_of_type(exprType(expr));
	Digits d = unbounded;

	switch (nodeTag(expr))
	{
		case T_Const:
			if (((Const *) expr)->constisnull)
				return (Digits){0, 0};
			if (exprType(expr) == NUMERICOID)
				return digits_of_numeric(DatumGetNumeric(((Const *) expr)->constvalue));
			d = digits_of_numeric(DatumGetNumeric(DirectFunctionCall1(
				exprType(expr) == INT2OID ? int2_numeric : exprType(expr) == INT4OID ? int4_numeric
																					 : int8_numeric,
				((Const *) expr)->constvalue)));
			break;
		case T_Var:
			/* aggregates of others than short ones are refused */
			if (by_type.whole < 0 && c->adding && is_column(expr, c))
				d = (Digits){SHORT_WHOLE, SHORT_SCALE};
			break;
		case T_RelabelType:
			d = digits_of((Node *) ((RelabelType *) expr)->arg, c);
			break;
		case T_FuncExpr:
			d = digits_of_call((FuncExpr *) expr, c);
			break;
		case T_OpExpr:
			d = digits_of_operator((OpExpr *) expr, c);
			break;
		case T_CaseExpr:
			d = digits_of_any(((CaseExpr *) expr)->args, (Digits){0, 0}, c);
			if (((CaseExpr *) expr)->defresult)
				d = either(d, digits_of((Node *) ((CaseExpr *) expr)->defresult, c));
			break;
		case T_CoalesceExpr:
			d = digits_of_any(((CoalesceExpr *) expr)->args, (Digits){0, 0}, c);
			break;
		case T_Aggref:
			d = digits_of_aggregate((Aggref *) expr, c);
			break;
		default:
			break;
	}
	/* integers do not overflow: that was looked at before */
	return by_type.whole >= 0 && (d.whole < 0 || d.whole > by_type.whole) ? by_type : d;
}

/* Has the result of an operation a place for all its digits there? */
bool
digits_fit(Node *expr, ShipContext *c)
{
	Digits d = digits_of(expr, c);

	return d.whole >= 0 && d.whole + d.scale <= MOST_DIGITS;
}

/* Has a sum a place for all its digits there, and an average the same ones as here? */
bool
digits_fit_sum(Aggref *agg, bool mean, ShipContext *c)
{
	Digits d = digits_of((Node *) linitial_node(TargetEntry, agg->args)->expr, c);

	return d.whole >= 0 && d.whole + SUM_DIGITS + d.scale <= MOST_DIGITS &&
		   (!mean || d.scale <= SHORT_SCALE) && are_short(digits_columns((Node *) agg, c), mean, c);
}

/* -- sums -- */

typedef struct Walk
{
	ShipContext *c;
	List *columns;
} Walk;

static bool
collect_columns(Node *node, void *arg)
{
	Walk *walk = arg;
	ListCell *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Aggref))
		return expression_tree_walker(node, collect_columns, arg);
	if (!is_sum((Aggref *) node))
		return false;
	foreach (lc, pull_var_clause((Node *) ((Aggref *) node)->args, PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS))
	{
		if (exprType(lfirst(lc)) == NUMERICOID && is_column(lfirst(lc), walk->c))
			walk->columns = list_append_unique(walk->columns, lfirst(lc));
	}
	return false;
}

/* The columns of which a sum in an expression, or a list of them, hangs on being short */
List *
digits_columns(Node *expr, ShipContext *c)
{
	Walk walk = {c, NIL};

	collect_columns(expr, &walk);
	return walk.columns;
}

/* How many rows of a group have a long number: columns are texts */
char *
digits_count_long(List *columns)
{
	StringInfoData text;
	ListCell *lc;

	initStringInfo(&text);
	foreach (lc, columns)
	{
		appendStringInfoString(&text, foreach_current_index(lc) == 0 ? "COUNT(CASE WHEN " : " OR ");
		appendStringInfo(&text, LONG, strVal(lfirst(lc)));
	}
	appendStringInfoString(&text, " THEN 1 END)");
	return text.data;
}

static bool
is_large_mean(Datum mean)
{
	Datum bound = DirectFunctionCall3(numeric_in, CStringGetDatum(LARGE_MEAN), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	return DatumGetBool(DirectFunctionCall2(numeric_ge, DirectFunctionCall1(numeric_abs, mean), bound));
}

/* Refuse a row whose sums may not be exact; from then on they are made here */
void
digits_check(Client *client, List *proof, const char *relation, const Datum *values, const bool *nulls)
{
	int target = intVal(list_nth(proof, PROOF_TARGET));
	bool is_long = nulls[target] || DatumGetInt64(values[target]) != 0;
	bool is_large = false;
	ListCell *lc;

	foreach (lc, list_nth(proof, PROOF_MEANS))
	{
		int mean = intVal(lfirst(lc));

		is_large |= !nulls[mean] && is_large_mean(values[mean]);
	}
	if (!is_long && !is_large)
		return;
	foreach (lc, list_nth(proof, PROOF_COLUMNS))
	{
		NumberColumn *n = entry_of(client, strVal(list_nth(proof, PROOF_FROM)), strVal(lfirst(lc)));

		n->is_long |= is_long;
		n->is_large |= is_large;
	}
	ResetPlanCache();
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("numbers of foreign table \"%s\" have more digits than NetSuite adds up exactly", relation),
			 errhint("Repeat the query: from now on this session adds them up here.")));
}

/* -- integers -- */

/* The greatest magnitude that a type takes; infinite for numeric */
static double
type_limit(Oid type)
{
	switch (type)
	{
		case INT2OID:
			return 32767;
		case INT4OID:
			return 2147483647;
		case INT8OID:
			return 9223372036854775807.0;
		default:
			return INFINITY;
	}
}

static double number_bound(Node *expr);

static double
greatest_bound(List *exprs)
{
	double bound = 0;
	ListCell *lc;

	foreach (lc, exprs)
	{
		Node *expr = lfirst(lc);

		bound = Max(bound, number_bound(IsA(expr, CaseWhen) ? (Node *) ((CaseWhen *) expr)->result : expr));
	}
	return bound;
}

/* How large a result of +, - or * may become, before it is made to fit its type */
static double
operator_bound(OpExpr *op)
{
	double a = number_bound(linitial(op->args));
	double b = number_bound(llast(op->args));

	if (list_length(op->args) == 1)
		return a;
	return strcmp(operator_name(op->opno), "*") == 0 ? a * b : a + b;
}

/* The greatest magnitude that a number may have */
static double
number_bound(Node *expr)
{
	double limit = type_limit(exprType(expr)) + 1;
	const char *name;
	double bound = limit;

	switch (nodeTag(expr))
	{
		case T_Const:
			switch (((Const *) expr)->constisnull ? InvalidOid : ((Const *) expr)->consttype)
			{
				case INT2OID:
					return fabs((double) DatumGetInt16(((Const *) expr)->constvalue));
				case INT4OID:
					return fabs((double) DatumGetInt32(((Const *) expr)->constvalue));
				case INT8OID:
					return fabs((double) DatumGetInt64(((Const *) expr)->constvalue));
				default:
					return limit;
			}
		case T_FuncExpr:
			if (call_of((FuncExpr *) expr, &name) == CALL_IDENTITY ||
				(call_of((FuncExpr *) expr, &name) == CALL_NUMBER && strcmp(name, "ABS") == 0))
				bound = number_bound(linitial(((FuncExpr *) expr)->args));
			break;
		case T_OpExpr:
			if (is_arithmetic(operator_name(((OpExpr *) expr)->opno)))
				bound = operator_bound((OpExpr *) expr);
			break;
		case T_CaseExpr:
			bound = greatest_bound(((CaseExpr *) expr)->args);
			if (((CaseExpr *) expr)->defresult)
				bound = Max(bound, number_bound((Node *) ((CaseExpr *) expr)->defresult));
			break;
		case T_CoalesceExpr:
			bound = greatest_bound(((CoalesceExpr *) expr)->args);
			break;
		default:
			break;
	}
	return Min(bound, limit);
}

/* Can a sum, difference, product or magnitude not overflow its type, where PostgreSQL has an error? */
bool
is_within_type(Node *expr)
{
	const char *name;
	double limit = type_limit(exprType(expr));
	double bound = 0;

	if (IsA(expr, OpExpr))
		bound = operator_bound((OpExpr *) expr);
	else if (call_of((FuncExpr *) expr, &name) == CALL_NUMBER)
		bound = number_bound(linitial(((FuncExpr *) expr)->args));
	/* beyond 2^53 the bound itself is rounded */
	return isinf(limit) || bound * (1 + 1e-9) <= limit;
}
