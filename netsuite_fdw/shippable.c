/*
 * shippable.c
 *		Which expressions are certain to mean the same in SuiteQL.
 *
 * The traps: the empty string is null there; text may compare without regard
 * to case, accents or trailing blanks; text sorts unknown; division does not
 * truncate; GREATEST and || treat null otherwise; datetimes are wall clock in
 * the account's zone; a date column may hide a time of day.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "netsuite_fdw/shippable.h"
#include "netsuite_fdw/trait.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/pg_locale.h"
#include "utils/syscache.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* -- types -- */

Family
family_of(Oid type, int32 typmod)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return FAMILY_NUMBER;
		case NUMERICOID:
			/* numeric(p,s) rounds here what is compared unrounded there */
			return typmod < 0 ? FAMILY_NUMBER : FAMILY_NONE;
		case BOOLOID:
			return FAMILY_BOOL;
		case TEXTOID:
		case VARCHAROID:
			return FAMILY_TEXT;
		case DATEOID:
			return FAMILY_DATE;
		case TIMESTAMPOID:
			return typmod < 0 ? FAMILY_TIMESTAMP : FAMILY_NONE;
		case TIMESTAMPTZOID:
			return typmod < 0 ? FAMILY_TIMESTAMPTZ : FAMILY_NONE;
		default:
			return FAMILY_NONE;
	}
}

Family
family_of_expr(Node *expr)
{
	return family_of(exprType(expr), exprTypmod(expr));
}

static bool
is_time(Family f)
{
	return f == FAMILY_DATE || f == FAMILY_TIMESTAMP || f == FAMILY_TIMESTAMPTZ;
}

/* The name of a built-in operator, or NULL */
const char *
operator_name(Oid opno)
{
	HeapTuple tuple;
	const char *name;

	if (opno >= FirstGenbkiObjectId)
		return NULL;
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(opno));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	name = pstrdup(NameStr(((Form_pg_operator) GETSTRUCT(tuple))->oprname));
	ReleaseSysCache(tuple);
	return name;
}

static bool
is_one_of(const char *name, const char *const *list)
{
	for (; name != NULL && *list != NULL; list++)
	{
		if (strcmp(name, *list) == 0)
			return true;
	}
	return false;
}

static const char *const comparisons[] = {"=", "<>", "<", "<=", ">", ">=", NULL};
static const char *const arithmetic[] = {"+", "-", "*", NULL};

/* -- pieces -- */

static bool
has_remote_var(Node *node, void *arg)
{
	ShipContext *c = arg;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return bms_is_member(((Var *) node)->varno, c->relids);
	if (IsA(node, Aggref) || IsA(node, SubPlan) || IsA(node, AlternativeSubPlan) ||
		IsA(node, WindowFunc) || IsA(node, GroupingFunc) || IsA(node, PlaceHolderVar))
		return true;
	return expression_tree_walker(node, has_remote_var, arg);
}

/* Can the expression be evaluated here, before the query is sent? */
bool
is_local_value(Node *expr, ShipContext *c)
{
	return !has_remote_var(expr, c) && !contain_volatile_functions(expr);
}

/* A text constant, whole and not null */
bool
const_text(Node *expr, char **result)
{
	Const *c = (Const *) expr;

	while (expr != NULL && IsA(expr, RelabelType))
		c = (Const *) (expr = (Node *) ((RelabelType *) expr)->arg);
	if (expr == NULL || !IsA(expr, Const) || c->constisnull ||
		(c->consttype != TEXTOID && c->consttype != VARCHAROID))
		return false;
	*result = TextDatumGetCString(c->constvalue);
	return true;
}

static bool
is_full_text(Node *expr)
{
	char *text;

	return const_text(expr, &text) && *text != '\0';
}

/* -- functions -- */

static const struct
{
	Oid oid;
	Call call;
	const char *name;
} calls[] = {
	{F_INT8_INT4, CALL_IDENTITY},
	{F_INT8_INT2, CALL_IDENTITY},
	{F_INT4_INT2, CALL_IDENTITY},
	{F_NUMERIC_INT2, CALL_IDENTITY},
	{F_NUMERIC_INT4, CALL_IDENTITY},
	{F_NUMERIC_INT8, CALL_IDENTITY},
	{F_ABS_NUMERIC, CALL_NUMBER, "ABS"},
	{F_ABS_INT8, CALL_NUMBER, "ABS"},
	{F_ABS_INT4, CALL_NUMBER, "ABS"},
	{F_CEIL_NUMERIC, CALL_NUMBER, "CEIL"},
	{F_CEILING_NUMERIC, CALL_NUMBER, "CEIL"},
	{F_FLOOR_NUMERIC, CALL_NUMBER, "FLOOR"},
	{F_ROUND_NUMERIC, CALL_NUMBER, "ROUND"},
	{F_ROUND_NUMERIC_INT4, CALL_NUMBER, "ROUND"},
	{F_TRUNC_NUMERIC, CALL_NUMBER, "TRUNC"},
	{F_TRUNC_NUMERIC_INT4, CALL_NUMBER, "TRUNC"},
	{F_SIGN_NUMERIC, CALL_NUMBER, "SIGN"},
	{F_DATE_TRUNC_TEXT_TIMESTAMPTZ, CALL_DATE_TRUNC},
	{F_DATE_TRUNC_TEXT_TIMESTAMP, CALL_DATE_TRUNC},
	{F_EXTRACT_TEXT_DATE, CALL_EXTRACT},
	{F_EXTRACT_TEXT_TIMESTAMP, CALL_EXTRACT},
	{F_DATE_PART_TEXT_DATE, CALL_NONE},
	{F_TO_CHAR_TIMESTAMPTZ_TEXT, CALL_TO_CHAR},
	{F_TO_CHAR_TIMESTAMP_TEXT, CALL_TO_CHAR},
};

Call
call_of(FuncExpr *f, const char **name)
{
	for (int i = 0; i < lengthof(calls); i++)
	{
		if (calls[i].oid == f->funcid)
		{
			*name = calls[i].name;
			return calls[i].call;
		}
	}
	return CALL_NONE;
}

/*
 * The date within date_trunc, extract or to_char.  A date is turned into a
 * timestamp first; as midnight stays midnight, the zone does not matter.
 */
Node *
call_date(FuncExpr *f)
{
	Node *arg = list_nth(f->args, f->funcid == F_TO_CHAR_TIMESTAMPTZ_TEXT ||
										  f->funcid == F_TO_CHAR_TIMESTAMP_TEXT
									  ? 0
									  : 1);

	if (IsA(arg, FuncExpr) &&
		(((FuncExpr *) arg)->funcid == F_TIMESTAMPTZ_DATE ||
		 ((FuncExpr *) arg)->funcid == F_TIMESTAMP_DATE))
		arg = linitial(((FuncExpr *) arg)->args);
	return exprType(arg) == DATEOID ? arg : NULL;
}

/* SuiteQL's unit for date_trunc and extract, or NULL */
const char *
call_unit(FuncExpr *f)
{
	static const char *const units[][2] = {
		{"year", "YYYY"}, {"quarter", "Q"}, {"month", "MM"}, {"day", "DD"}};
	char *text;

	if (!const_text(linitial(f->args), &text))
		return NULL;
	for (int i = 0; i < lengthof(units); i++)
	{
		if (pg_strcasecmp(text, units[i][0]) == 0)
			return units[i][1];
	}
	return NULL;
}

/* Formats that to_char writes alike on both sides */
static bool
is_plain_format(const char *format)
{
	static const char *const parts[] = {"YYYY", "MM", "DD", "Q", "-", "/", ".", " ", NULL};

	while (*format)
	{
		int i;

		for (i = 0; parts[i] != NULL; i++)
		{
			if (strncmp(format, parts[i], strlen(parts[i])) == 0)
				break;
		}
		if (parts[i] == NULL)
			return false;
		format += strlen(parts[i]);
	}
	return true;
}

static bool
ship_all(List *args, ShipContext *c)
{
	ListCell *lc;

	foreach (lc, args)
	{
		if (!ship_value(lfirst(lc), c))
			return false;
	}
	return true;
}

static bool
ship_call(FuncExpr *f, ShipContext *c)
{
	const char *name;
	char *format;
	Node *date;

	switch (call_of(f, &name))
	{
		case CALL_IDENTITY:
		case CALL_NUMBER:
			return ship_all(f->args, c);
		case CALL_DATE_TRUNC:
		case CALL_EXTRACT:
			date = call_date(f);
			return date != NULL && call_unit(f) != NULL && ship_value(date, c);
		case CALL_TO_CHAR:
			date = call_date(f);
			return date != NULL && const_text(lsecond(f->args), &format) &&
				   *format != '\0' && is_plain_format(format) && ship_value(date, c);
		case CALL_NONE:
			break;
	}
	return false;
}

/* -- values -- */

static bool
ship_operator(OpExpr *op, ShipContext *c)
{
	const char *name = operator_name(op->opno);
	Family left;
	Family right;

	if (!is_one_of(name, arithmetic) || !ship_all(op->args, c))
		return false;
	right = family_of_expr(llast(op->args));
	if (list_length(op->args) == 1)
		return right == FAMILY_NUMBER && strcmp(name, "-") == 0;
	left = family_of_expr(linitial(op->args));
	if (left == FAMILY_NUMBER && right == FAMILY_NUMBER)
		return true;
	/* days: date - date, date + n, date - n */
	if (left == FAMILY_DATE && right == FAMILY_DATE)
		return strcmp(name, "-") == 0;
	return left == FAMILY_DATE && right == FAMILY_NUMBER && strcmp(name, "*") != 0;
}

static bool
ship_case(CaseExpr *e, ShipContext *c)
{
	ListCell *lc;

	if (e->arg != NULL || family_of_expr((Node *) e) == FAMILY_BOOL)
		return false;
	foreach (lc, e->args)
	{
		CaseWhen *when = lfirst_node(CaseWhen, lc);

		if (ship_condition((Node *) when->expr, c) != SHIP_EXACT ||
			!ship_value((Node *) when->result, c))
			return false;
	}
	return e->defresult == NULL || ship_value((Node *) e->defresult, c);
}

static bool
is_finite(Const *number)
{
	Numeric value = DatumGetNumeric(number->constvalue);

	return !numeric_is_nan(value) && !numeric_is_inf(value);
}

/* Does the expression have exactly the same value there? */
bool
ship_value(Node *expr, ShipContext *c)
{
	if (expr == NULL || family_of_expr(expr) == FAMILY_NONE)
		return false;
	if (is_local_value(expr, c))
	{
		/* '' becomes null there; NaN and infinity have no literal */
		Family family = family_of_expr(expr);

		if (IsA(expr, Const) && ((Const *) expr)->constisnull)
			return true;
		if (family == FAMILY_TEXT)
			return is_full_text(expr);
		if (IsA(expr, Const) && ((Const *) expr)->consttype == NUMERICOID)
			return is_finite((Const *) expr);
		/* fractions of seconds would be lost */
		return family != FAMILY_TIMESTAMP && family != FAMILY_TIMESTAMPTZ;
	}
	switch (nodeTag(expr))
	{
		case T_Var:
			return ((Var *) expr)->varattno > 0 && ((Var *) expr)->varlevelsup == 0;
		case T_RelabelType:
			return ship_value((Node *) ((RelabelType *) expr)->arg, c);
		case T_FuncExpr:
			return ship_call((FuncExpr *) expr, c);
		case T_OpExpr:
			return ship_operator((OpExpr *) expr, c);
		case T_CaseExpr:
			return ship_case((CaseExpr *) expr, c);
		case T_CoalesceExpr:
			return ship_all(((CoalesceExpr *) expr)->args, c);
		case T_Aggref:
			return ship_aggregate((Aggref *) expr, c);
		default:
			return false;
	}
}

/* -- aggregates -- */

static bool
text_comparable(Oid collation, ShipContext *c)
{
	return get_collation_isdeterministic(collation) && c->measure &&
		   trait_text_equality(client_get(c->serverid, c->userid));
}

/* Are rows grouped by this expression as they are here? */
bool
ship_grouping(Expr *expr, ShipContext *c)
{
	if (is_local_value((Node *) expr, c) || !ship_value((Node *) expr, c))
		return false;
	return family_of_expr((Node *) expr) != FAMILY_TEXT ||
		   text_comparable(exprCollation((Node *) expr), c);
}

static bool
text_sortable(Oid collation, ShipContext *c)
{
#if PG_VERSION_NUM >= 180000
	bool is_c = OidIsValid(collation) && pg_newlocale_from_collation(collation)->collate_is_c;
#else
	bool is_c = OidIsValid(collation) && lc_collate_is_c(collation);
#endif
	return is_c && c->measure && trait_text_order(client_get(c->serverid, c->userid));
}

bool
ship_aggregate(Aggref *agg, ShipContext *c)
{
	char *name;
	Node *arg;
	Family family;

	if (agg->aggfnoid >= FirstGenbkiObjectId || agg->aggorder != NIL || agg->aggdirectargs != NIL ||
		agg->aggsplit != AGGSPLIT_SIMPLE || agg->agglevelsup != 0 || list_length(agg->args) > 1)
		return false;
	if (agg->aggfilter && ship_condition((Node *) agg->aggfilter, c) != SHIP_EXACT)
		return false;
	name = get_func_name(agg->aggfnoid);
	if (agg->aggstar)
		return strcmp(name, "count") == 0;
	if (agg->args == NIL)
		return false;
	arg = (Node *) linitial_node(TargetEntry, agg->args)->expr;
	if (!ship_value(arg, c) || contain_aggs_of_level(arg, 0))
		return false;
	family = family_of_expr(arg);
	if (strcmp(name, "count") == 0)
		return agg->aggdistinct == NIL || family != FAMILY_TEXT ||
			   text_comparable(agg->inputcollid, c);
	if (agg->aggdistinct != NIL)
		return false;
	if (strcmp(name, "sum") == 0 || strcmp(name, "avg") == 0)
		return family == FAMILY_NUMBER;
	if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)
		return family == FAMILY_NUMBER || is_time(family) ||
			   (family == FAMILY_TEXT && text_sortable(agg->inputcollid, c));
	return false;
}

/* -- conditions -- */

static bool
is_plain_column(Node *expr)
{
	return IsA(expr, Var);
}

/* Times are compared as ranges of whole days or seconds: column against a value from here */
static Ship
ship_time_comparison(Node *left, Node *right, ShipContext *c)
{
	Family f = family_of_expr(left);
	Family g = family_of_expr(right);

	if (is_plain_column(left) && is_local_value(right, c))
		return f == FAMILY_DATE ? is_time(g) ? SHIP_EXACT : SHIP_NO : f == g ? SHIP_EXACT
																			 : SHIP_NO;
	if (is_plain_column(right) && is_local_value(left, c))
		return ship_time_comparison(right, left, c);
	/* whole days can be compared as they are, seconds may hide fractions */
	if (f == FAMILY_DATE && g == FAMILY_DATE && ship_value(left, c) && ship_value(right, c))
		return SHIP_EXACT;
	return SHIP_NO;
}

static Ship
ship_text_comparison(const char *name, Node *left, Node *right, Oid collation, ShipContext *c)
{
	bool full = true;

	if (!get_collation_isdeterministic(collation))
		return SHIP_NO;
	/* an empty text is null there, so it may only meet =, which is false here too */
	if (is_local_value(left, c))
		full = is_full_text(left);
	else if (!ship_value(left, c))
		return SHIP_NO;
	if (is_local_value(right, c))
		full = full && is_full_text(right);
	else if (!ship_value(right, c))
		return SHIP_NO;
	if (strcmp(name, "=") == 0)
		return full && text_comparable(collation, c) ? SHIP_EXACT : SHIP_WEAK;
	if (!full)
		return SHIP_NO;
	if (strcmp(name, "<>") == 0)
		return text_comparable(collation, c) ? SHIP_EXACT : SHIP_NO;
	return text_sortable(collation, c) ? SHIP_EXACT : SHIP_NO;
}

static Ship
ship_like(const char *name, OpExpr *op, ShipContext *c)
{
	char *pattern;
	bool exact;

	if (exprType(linitial(op->args)) != TEXTOID || !ship_value(linitial(op->args), c) ||
		is_local_value(linitial(op->args), c) ||
		!get_collation_isdeterministic(op->inputcollid))
		return SHIP_NO;
	/* backslash escapes here and is a plain character there */
	if (!const_text(lsecond(op->args), &pattern) || *pattern == '\0' || strchr(pattern, '\\'))
		return SHIP_NO;
	exact = c->measure && trait_text_like(client_get(c->serverid, c->userid));
	if (strcmp(name, "~~") == 0)
		return exact ? SHIP_EXACT : SHIP_WEAK;
	return exact ? SHIP_EXACT : SHIP_NO;
}

static Ship
ship_comparison(OpExpr *op, ShipContext *c)
{
	const char *name = operator_name(op->opno);
	Node *left;
	Node *right;
	Family f;
	Family g;

	if (name == NULL || list_length(op->args) != 2)
		return SHIP_NO;
	left = linitial(op->args);
	right = lsecond(op->args);
	if (strcmp(name, "~~") == 0 || strcmp(name, "!~~") == 0)
		return ship_like(name, op, c);
	if (!is_one_of(name, comparisons))
		return SHIP_NO;
	f = family_of_expr(left);
	g = family_of_expr(right);
	if (f == FAMILY_NUMBER && g == FAMILY_NUMBER)
		return ship_value(left, c) && ship_value(right, c) ? SHIP_EXACT : SHIP_NO;
	if (is_time(f) && is_time(g))
		return ship_time_comparison(left, right, c);
	if (f == FAMILY_TEXT && g == FAMILY_TEXT)
		return ship_text_comparison(name, left, right, op->inputcollid, c);
	return SHIP_NO;
}

/* Are all elements of a constant array of texts there and not empty? */
static bool
full_elements(Node *expr)
{
	Const *array = (Const *) expr;
	Datum *values;
	bool *nulls;
	int n;

	if (!IsA(expr, Const) || array->constisnull)
		return false;
	deconstruct_array(DatumGetArrayTypeP(array->constvalue), TEXTOID, -1, false, TYPALIGN_INT,
					  &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i] || VARSIZE_ANY_EXHDR(DatumGetPointer(values[i])) == 0)
			return false;
	}
	return true;
}

/* x = ANY (array), x <> ALL (array) */
static Ship
ship_array(ScalarArrayOpExpr *op, ShipContext *c)
{
	const char *name = operator_name(op->opno);
	Node *left = linitial(op->args);
	Node *array = lsecond(op->args);
	Oid element = get_element_type(exprType(array));
	Family f = family_of_expr(left);
	bool exact;

	if (name == NULL || !OidIsValid(element) || !is_local_value(array, c) ||
		is_local_value(left, c) || !ship_value(left, c) ||
		strcmp(name, op->useOr ? "=" : "<>") != 0)
		return SHIP_NO;
	if (f == FAMILY_NUMBER)
		return family_of(element, -1) == FAMILY_NUMBER ? SHIP_EXACT : SHIP_NO;
	if (is_time(f))
		return is_plain_column(left) && family_of(element, -1) == f && op->useOr ? SHIP_EXACT : SHIP_NO;
	if (f != FAMILY_TEXT || element != TEXTOID || !get_collation_isdeterministic(op->inputcollid))
		return SHIP_NO;
	exact = full_elements(array) && text_comparable(op->inputcollid, c);
	if (exact)
		return SHIP_EXACT;
	return op->useOr ? SHIP_WEAK : SHIP_NO;
}

static Ship
ship_bool(BoolExpr *e, ShipContext *c)
{
	Ship least = SHIP_EXACT;
	ListCell *lc;

	foreach (lc, e->args)
	{
		Ship s = ship_condition(lfirst(lc), c);

		/* not true there does not say not true here */
		if (e->boolop == NOT_EXPR && s != SHIP_EXACT)
			return SHIP_NO;
		least = Min(least, s);
	}
	return least;
}

/* May the condition be sent, and is it then certain? */
Ship
ship_condition(Node *expr, ShipContext *c)
{
	if (exprType(expr) != BOOLOID)
		return SHIP_NO;
	switch (nodeTag(expr))
	{
		case T_Var:
			return ship_value(expr, c) ? SHIP_EXACT : SHIP_NO;
		case T_OpExpr:
			return ship_comparison((OpExpr *) expr, c);
		case T_ScalarArrayOpExpr:
			return ship_array((ScalarArrayOpExpr *) expr, c);
		case T_BoolExpr:
			return ship_bool((BoolExpr *) expr, c);
		case T_NullTest:
			return !((NullTest *) expr)->argisrow &&
						   !is_local_value((Node *) ((NullTest *) expr)->arg, c) &&
						   ship_value((Node *) ((NullTest *) expr)->arg, c)
					   ? SHIP_EXACT
					   : SHIP_NO;
		case T_BooleanTest:
			return IsA(((BooleanTest *) expr)->arg, Var) &&
						   ship_value((Node *) ((BooleanTest *) expr)->arg, c)
					   ? SHIP_EXACT
					   : SHIP_NO;
		default:
			return SHIP_NO;
	}
}

/* Do rows sort alike by this expression, nulls last? */
bool
ship_order(Node *expr, Oid collation, ShipContext *c)
{
	if (is_local_value(expr, c) || !ship_value(expr, c))
		return false;
	return family_of_expr(expr) != FAMILY_TEXT || text_sortable(collation, c);
}
