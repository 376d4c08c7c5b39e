/*
 * shippable.c
 *		Which expressions are certain to mean the same in SuiteQL.
 *
 * The traps: the empty string is null there; text may compare without regard
 * to case, accents or trailing blanks; text sorts unknown; division does not
 * truncate; integers do not overflow; GREATEST and || treat null otherwise;
 * datetimes are wall clock in the account's zone; a date column may hide a time
 * of day; dates end with 9999 and numbers with 38 digits; an average has other
 * digits; and a column may be of another type than here (form.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "netsuite_fdw/digits.h"
#include "netsuite_fdw/literal.h"
#include "netsuite_fdw/option.h"
#include "netsuite_fdw/likeness.h"
#include "netsuite_fdw/shippable.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/pg_locale.h"
#include "utils/syscache.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* -- types -- */

static Family
family_of_expr(Node *expr)
{
	return family_of(exprType(expr), exprTypmod(expr));
}

static bool
is_number(Node *expr)
{
	return family_of_expr(expr) == FAMILY_NUMBER;
}

/* A date, timestamp or timestamptz, with any precision */
static bool
is_time(Oid type)
{
	return type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID;
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

bool
is_arithmetic(const char *operator)
{
	return is_one_of(operator, arithmetic);
}

/* -- pieces -- */

static RemoteForm aggregate_form(Aggref *agg, ShipContext *c);

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

/* A text constant that has a literal there: '' would be null */
static bool
is_full_text(Node *expr)
{
	char *text;

	return const_text(expr, &text) && *text != '\0' && strlen(text) <= MAX_LITERAL;
}

/* Collations that conflict are none: PostgreSQL says so when it compares */
static bool
is_deterministic(Oid collation)
{
	return OidIsValid(collation) && get_collation_isdeterministic(collation);
}

/* A column of the remote relation */
bool
is_column(Node *expr, ShipContext *c)
{
	return IsA(expr, Var) && ((Var *) expr)->varattno > 0 && ((Var *) expr)->varlevelsup == 0 &&
		   bms_is_member(((Var *) expr)->varno, c->relids) &&
		   !is_error_column(planner_rt_fetch(((Var *) expr)->varno, c->root)->relid, ((Var *) expr)->varattno);
}

/* The foreign table that a column is of */
Oid
column_relation(Var *var, ShipContext *c)
{
	return planner_rt_fetch(var->varno, c->root)->relid;
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

/* Does it look at the clock of the session's zone, where a day's midnight must be of that day? */
bool
call_needs_days(FuncExpr *f)
{
	return f->funcid == F_DATE_TRUNC_TEXT_TIMESTAMPTZ || f->funcid == F_TO_CHAR_TIMESTAMPTZ_TEXT;
}

/*
 * The date within date_trunc, extract or to_char.  A date is turned into a
 * timestamp first; as midnight stays midnight, or becomes a later hour of its
 * day, the zone does not matter.
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
		/* DDD is the day of the year, and then D that of the week */
		if (parts[i] == NULL || strncmp(format, "DDD", 3) == 0)
			return false;
		format += strlen(parts[i]);
	}
	return true;
}

/* An integer constant that ROUND and TRUNC take alike for a number of digits */
static bool
is_digits(Node *expr)
{
	Const *c = (Const *) expr;

	return IsA(expr, Const) && !c->constisnull && c->consttype == INT4OID &&
		   DatumGetInt32(c->constvalue) >= -38 && DatumGetInt32(c->constvalue) <= 38;
}

static RemoteForm
call_form(FuncExpr *f, ShipContext *c)
{
	const char *name;
	char *format;
	Call call = call_of(f, &name);
	Node *date;

	if (call == CALL_IDENTITY || call == CALL_NUMBER)
		return ship_form(linitial(f->args), c) == FORM_NUMBER &&
					   (list_length(f->args) == 1 || is_digits(lsecond(f->args))) &&
					   is_within_type((Node *) f)
				   ? FORM_NUMBER
				   : FORM_NONE;
	if (call == CALL_NONE || (date = call_date(f)) == NULL || ship_form(date, c) != FORM_DAY ||
		(call_needs_days(f) && zone_skips_days(session_timezone)))
		return FORM_NONE;
	switch (call)
	{
		case CALL_DATE_TRUNC:
			if (call_unit(f) == NULL)
				return FORM_NONE;
			return f->funcresulttype == TIMESTAMPTZOID ? FORM_DAY_HERE : FORM_SECOND;
		case CALL_EXTRACT:
			return call_unit(f) == NULL ? FORM_NONE : FORM_NUMBER;
		default:
			return const_text(lsecond(f->args), &format) && *format != '\0' &&
						   is_plain_format(format)
					   ? FORM_TEXT
					   : FORM_NONE;
	}
}

/* -- values -- */

/* A number from here that keeps its digits there, whatever it will be */
static bool
is_sure_number(Node *expr)
{
	const char *name;

	if (IsA(expr, Const) && ((Const *) expr)->consttype == NUMERICOID)
		return is_sound_number(DatumGetNumeric(((Const *) expr)->constvalue));
	if (IsA(expr, FuncExpr) && call_of((FuncExpr *) expr, &name) == CALL_IDENTITY)
		return is_sure_number(linitial(((FuncExpr *) expr)->args));
	return exprType(expr) != NUMERICOID;
}

/* A date from here that is one of theirs, whatever it will be */
static bool
is_sure_day(Node *expr)
{
	if (IsA(expr, Const))
		return is_sound_day(DatumGetDateADT(((Const *) expr)->constvalue));
	return IsA(expr, SQLValueFunction) && ((SQLValueFunction *) expr)->op == SVFOP_CURRENT_DATE;
}

/* The form of a value from here where it stands for itself */
static RemoteForm
local_form(Node *expr)
{
	Family family = family_of_expr(expr);

	if (family != FAMILY_NONE && IsA(expr, Const) && ((Const *) expr)->constisnull)
		return FORM_NULL;
	switch (family)
	{
		case FAMILY_NUMBER:
			return is_sure_number(expr) ? FORM_NUMBER : FORM_NONE;
		case FAMILY_BOOL:
			return FORM_BOOL;
		case FAMILY_TEXT:
			return is_full_text(expr) ? FORM_TEXT : FORM_NONE;
		case FAMILY_DATE:
			return is_sure_day(expr) ? FORM_DAY : FORM_NONE;
		default:
			/* fractions of seconds would be lost */
			return FORM_NONE;
	}
}

static bool
are_all(List *args, RemoteForm form, ShipContext *c)
{
	ListCell *lc;

	foreach (lc, args)
	{
		if (ship_form(lfirst(lc), c) != form)
			return false;
	}
	return true;
}

static RemoteForm
operator_form(OpExpr *op, ShipContext *c)
{
	const char *name = operator_name(op->opno);

	/* a date and n days may lie beyond 9999, and days between two are counted otherwise */
	if (!is_arithmetic(name) || !is_number((Node *) op) || !are_all(op->args, FORM_NUMBER, c))
		return FORM_NONE;
	return (list_length(op->args) == 2 || strcmp(name, "-") == 0) &&
				   is_within_type((Node *) op) &&
				   (list_length(op->args) == 1 || digits_fit((Node *) op, c))
			   ? FORM_NUMBER
			   : FORM_NONE;
}

static RemoteForm
case_form(CaseExpr *e, ShipContext *c)
{
	RemoteForm form = FORM_NULL;
	ListCell *lc;

	if (e->arg != NULL || family_of_expr((Node *) e) == FAMILY_BOOL)
		return FORM_NONE;
	foreach (lc, e->args)
	{
		CaseWhen *when = lfirst_node(CaseWhen, lc);

		if (ship_condition((Node *) when->expr, c) != SHIP_EXACT)
			return FORM_NONE;
		form = common_form(form, ship_form((Node *) when->result, c));
	}
	if (e->defresult != NULL)
		form = common_form(form, ship_form((Node *) e->defresult, c));
	return form == FORM_NULL || (form == FORM_TEXT && !text_branches_fit((Node *) e, c)) ? FORM_NONE : form;
}

static RemoteForm
coalesce_form(CoalesceExpr *e, ShipContext *c)
{
	RemoteForm form = FORM_NULL;
	ListCell *lc;

	foreach (lc, e->args)
		form = common_form(form, ship_form(lfirst(lc), c));
	return form == FORM_NULL || (form == FORM_TEXT && !text_branches_fit((Node *) e, c)) ? FORM_NONE : form;
}

/* What an expression yields there; FORM_NONE unless that is exactly its value here */
RemoteForm
ship_form(Node *expr, ShipContext *c)
{
	if (expr == NULL || family_of_expr(expr) == FAMILY_NONE)
		return FORM_NONE;
	if (is_local_value(expr, c))
		return local_form(expr);
	switch (nodeTag(expr))
	{
		case T_Var:
			return is_column(expr, c) ? column_form(column_relation((Var *) expr, c), ((Var *) expr)->varattno)
									  : FORM_NONE;
		case T_RelabelType:
			return ship_form((Node *) ((RelabelType *) expr)->arg, c);
		case T_FuncExpr:
			return call_form((FuncExpr *) expr, c);
		case T_OpExpr:
			return operator_form((OpExpr *) expr, c);
		case T_CaseExpr:
			return case_form((CaseExpr *) expr, c);
		case T_CoalesceExpr:
			return coalesce_form((CoalesceExpr *) expr, c);
		case T_Aggref:
			/* an average there has other digits */
			return strcmp(get_func_name(((Aggref *) expr)->aggfnoid), "avg") == 0 ? FORM_NONE : aggregate_form((Aggref *) expr, c);
		default:
			return FORM_NONE;
	}
}

/* -- aggregates -- */

/* Does the account compare its texts by a rule of its own, which no column shows? */
static bool
is_of_literals(Node *expr, ShipContext *c)
{
	return !is_local_value(expr, c) && text_source(expr, c) >= TEXT_OF_LITERALS;
}

/* Is = on this text exact there, as it is here under a deterministic collation? */
static bool
text_comparable(Node *expr, Oid collation, ShipContext *c)
{
	return is_deterministic(collation) && text_proved(TEXT_EQUALITY, expr, c);
}

/* Are its values told apart there as they are here? */
static bool
text_groupable(Node *expr, Oid collation, ShipContext *c)
{
	return text_comparable(expr, collation, c) && (!is_of_literals(expr, c) || text_literals_differ(expr, c));
}

/* Are rows grouped by this expression as they are here? */
bool
ship_grouping(Expr *expr, ShipContext *c)
{
	RemoteForm form = is_local_value((Node *) expr, c) ? FORM_NONE : ship_form((Node *) expr, c);

	return form != FORM_NONE &&
		   (form != FORM_TEXT || text_groupable((Node *) expr, exprCollation((Node *) expr), c));
}

/* Does this text sort by its bytes there, as it does here under collation C? */
static bool
text_sortable(Node *expr, Oid collation, ShipContext *c)
{
#if PG_VERSION_NUM >= 180000
	bool is_c = OidIsValid(collation) && pg_newlocale_from_collation(collation)->collate_is_c;
#else
	bool is_c = OidIsValid(collation) && lc_collate_is_c(collation);
#endif
	return is_c && !is_of_literals(expr, c) && text_proved(TEXT_ORDER, expr, c);
}

/* A sum, or an average, which is asked for as one */
bool
is_sum(Aggref *agg)
{
	char *name = get_func_name(agg->aggfnoid);

	return name != NULL && (strcmp(name, "sum") == 0 || strcmp(name, "avg") == 0);
}

static RemoteForm
aggregate_form(Aggref *agg, ShipContext *c)
{
	char *name;
	Node *arg;
	RemoteForm form;
	bool adding = c->adding;

	if (agg->aggfnoid >= FirstGenbkiObjectId || agg->aggorder != NIL || agg->aggdirectargs != NIL ||
		agg->aggsplit != AGGSPLIT_SIMPLE || agg->agglevelsup != 0 || list_length(agg->args) > 1)
		return FORM_NONE;
	if (agg->aggfilter && ship_condition((Node *) agg->aggfilter, c) != SHIP_EXACT)
		return FORM_NONE;
	name = get_func_name(agg->aggfnoid);
	if (agg->aggstar)
		return strcmp(name, "count") == 0 ? FORM_NUMBER : FORM_NONE;
	if (agg->args == NIL)
		return FORM_NONE;
	arg = (Node *) linitial_node(TargetEntry, agg->args)->expr;
	if (contain_aggs_of_level(arg, 0))
		return FORM_NONE;
	/* whether a column is null is certain, whatever it is */
	if (strcmp(name, "count") == 0 && agg->aggdistinct == NIL && is_column(arg, c))
		return FORM_NUMBER;
	c->adding = is_sum(agg);
	form = ship_form(arg, c);
	if (is_sum(agg) && (form != FORM_NUMBER || agg->aggdistinct != NIL || !digits_fit_sum(agg, name[0] == 'a', c)))
		form = FORM_NONE;
	c->adding = adding;
	if (form == FORM_NONE || is_sum(agg))
		return form;
	if (strcmp(name, "count") == 0)
		return agg->aggdistinct == NIL || form != FORM_TEXT ||
					   text_groupable(arg, agg->inputcollid, c)
				   ? FORM_NUMBER
				   : FORM_NONE;
	if (agg->aggdistinct != NIL)
		return FORM_NONE;
	if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)
		return form != FORM_TEXT || text_sortable(arg, agg->inputcollid, c) ? form : FORM_NONE;
	return FORM_NONE;
}

/* May it be computed there?  An average is asked for as sum and count. */
bool
ship_aggregate(Aggref *agg, ShipContext *c)
{
	return family_of_expr((Node *) agg) != FAMILY_NONE && aggregate_form(agg, c) != FORM_NONE;
}

/* -- conditions -- */

/* May the subject's form be compared with a value of a type, all of them? */
static bool
meets(RemoteForm form, Oid type)
{
	switch (form)
	{
		case FORM_DAY:
		case FORM_DAY_HERE:
		case FORM_SECOND_ZONED:
			return is_time(type);
		case FORM_SECOND:
			return type == DATEOID || type == TIMESTAMPOID;
		case FORM_NUMBER:
			return family_of(type, -1) == FAMILY_NUMBER;
		default:
			return false;
	}
}

/* A number against a value from here, which may have no literal there */
static Ship
ship_number_comparison(Node *value)
{
	Const *c = (Const *) value;

	if (IsA(value, Const))
		return c->constisnull || is_sure_number(value) || numeric_is_nan(DatumGetNumeric(c->constvalue)) ||
					   numeric_is_inf(DatumGetNumeric(c->constvalue))
				   ? SHIP_EXACT
				   : SHIP_NO;
	return is_sure_number(value) ? SHIP_EXACT : SHIP_WEAK;
}

static Ship
ship_text_comparison(const char *name, OpExpr *op, ShipContext *c)
{
	Node *left = linitial(op->args);
	Node *right = lsecond(op->args);
	Oid collation = op->inputcollid;
	bool full = true;

	/* two literals are compared without regard to trailing blanks there */
	if (!is_deterministic(collation) || (is_local_value(left, c) && is_local_value(right, c)))
		return SHIP_NO;
	/* an empty text is null there, so it may only meet =, which is false here too */
	if (is_local_value(left, c))
		full = is_full_text(left);
	else if (ship_form(left, c) != FORM_TEXT)
		return SHIP_NO;
	if (is_local_value(right, c))
		full = full && is_full_text(right);
	else if (ship_form(right, c) != FORM_TEXT)
		return SHIP_NO;
	/* such rules find more, not less */
	if (is_of_literals(left, c) || is_of_literals(right, c))
		return strcmp(name, "=") == 0 ? SHIP_WEAK : SHIP_NO;
	if (strcmp(name, "=") == 0)
		return full && text_comparable((Node *) op, collation, c) ? SHIP_EXACT : SHIP_WEAK;
	if (!full)
		return SHIP_NO;
	if (strcmp(name, "<>") == 0)
		return text_comparable((Node *) op, collation, c) ? SHIP_EXACT : SHIP_NO;
	return text_sortable((Node *) op, collation, c) ? SHIP_EXACT : SHIP_NO;
}

/*
 * A pattern that finds there at least what another one finds here: what one
 * character is, and whether the backslash escapes, is not known of the other
 * side.  It is exact if nothing had to be replaced; NULL if there is none.
 */
char *
like_superset(const char *pattern, bool *exact)
{
	StringInfoData out;

	initStringInfo(&out);
	*exact = true;
	for (const char *p = pattern; *p; p++)
	{
		char c = *p;

		if (c == '\\')
		{
			if (*++p == '\0')
				return NULL;
			*exact = false;
			c = *p == '%' || *p == '_' || *p == '\\' ? '%' : *p;
		}
		else if (c == '_')
		{
			*exact = false;
			c = '%';
		}
		if (c != '%' || out.len == 0 || out.data[out.len - 1] != '%')
			appendStringInfoChar(&out, c);
	}
	return out.len > 0 && out.len <= MAX_LITERAL ? out.data : NULL;
}

static Ship
ship_like(const char *name, OpExpr *op, ShipContext *c)
{
	Node *left = linitial(op->args);
	char *pattern;
	bool exact;

	if (is_local_value(left, c) || ship_form(left, c) != FORM_TEXT || is_of_literals(left, c) ||
		!is_deterministic(op->inputcollid) ||
		!const_text(lsecond(op->args), &pattern) || like_superset(pattern, &exact) == NULL)
		return SHIP_NO;
	if (exact && text_proved(TEXT_LIKE, (Node *) op, c))
		return SHIP_EXACT;
	/* rules that see letters, not code points, find less: no e in a decomposed accented one */
	return strcmp(name, "~~") == 0 && text_proved(TEXT_POINTS, (Node *) op, c) ? SHIP_WEAK : SHIP_NO;
}

/* What is computed there against a value from here */
static Ship
ship_against_value(Node *subject, Node *value, ShipContext *c)
{
	RemoteForm form = ship_form(subject, c);

	if (!meets(form, exprType(value)))
		return SHIP_NO;
	return form == FORM_NUMBER ? ship_number_comparison(value) : SHIP_EXACT;
}

/*
 * Are these days between two dates?  There is no day there before 1582-10-15 but
 * the 4th, and Julius Caesar's leap years before that: a condition with such
 * days is sent so that it lets rows with older dates pass.
 */
bool
is_days_between(Node *expr, ShipContext *c)
{
	OpExpr *op = (OpExpr *) expr;
	ListCell *lc;

	if (!IsA(expr, OpExpr) || list_length(op->args) != 2 || exprType(expr) != INT4OID || strcmp(operator_name(op->opno), "-") != 0)
		return false;
	foreach (lc, op->args)
	{
		Node *arg = lfirst(lc);

		if (exprType(arg) != DATEOID || ship_form(arg, c) != FORM_DAY || !(is_column(arg, c) || is_local_value(arg, c)) ||
			(IsA(arg, Const) && DatumGetDateADT(((Const *) arg)->constvalue) < GREGORIAN_FROM))
			return false;
	}
	return !is_local_value(expr, c);
}

static Ship
ship_days_between(Node *value)
{
	return meets(FORM_NUMBER, exprType(value)) ? Min(ship_number_comparison(value), SHIP_WEAK) : SHIP_NO;
}

static Ship
ship_comparison(OpExpr *op, ShipContext *c)
{
	const char *name = operator_name(op->opno);
	Node *left;
	Node *right;
	RemoteForm form;

	if (name == NULL || list_length(op->args) != 2)
		return SHIP_NO;
	left = linitial(op->args);
	right = lsecond(op->args);
	if (strcmp(name, "~~") == 0 || strcmp(name, "!~~") == 0)
		return ship_like(name, op, c);
	if (!is_one_of(name, comparisons))
		return SHIP_NO;
	if (exprType(left) == TEXTOID && exprType(right) == TEXTOID)
		return ship_text_comparison(name, op, c);
	if (is_days_between(left, c) && is_local_value(right, c))
		return ship_days_between(right);
	if (is_days_between(right, c) && is_local_value(left, c))
		return ship_days_between(left);
	if (is_local_value(left, c) != is_local_value(right, c))
		return is_local_value(right, c) ? ship_against_value(left, right, c)
										: ship_against_value(right, left, c);
	/* whole days can be compared as they are, seconds may hide fractions */
	form = ship_form(left, c);
	return (form == FORM_NUMBER || form == FORM_DAY) && ship_form(right, c) == form ? SHIP_EXACT
																					: SHIP_NO;
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
		if (nulls[i] || VARSIZE_ANY_EXHDR(DatumGetPointer(values[i])) == 0 ||
			VARSIZE_ANY_EXHDR(DatumGetPointer(values[i])) > MAX_LITERAL)
			return false;
	}
	return true;
}

/* Are all numbers of an array such that what they are equal to is certain? */
static Ship
ship_numbers(Node *expr, Oid element)
{
	Const *array = (Const *) expr;
	Datum *values;
	bool *nulls;
	int n;

	if (element != NUMERICOID)
		return SHIP_EXACT;
	if (!IsA(expr, Const))
		return SHIP_WEAK;
	if (array->constisnull)
		return SHIP_EXACT;
	deconstruct_array(DatumGetArrayTypeP(array->constvalue), NUMERICOID, -1, false, TYPALIGN_INT,
					  &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		Numeric number;

		if (nulls[i])
			continue;
		number = DatumGetNumeric(values[i]);
		if (!is_sound_number(number) && !numeric_is_nan(number) && !numeric_is_inf(number))
			return SHIP_WEAK;
	}
	return SHIP_EXACT;
}

/* x = ANY (array), x <> ALL (array) */
static Ship
ship_array(ScalarArrayOpExpr *op, ShipContext *c)
{
	const char *name = operator_name(op->opno);
	Node *left = linitial(op->args);
	Node *array = lsecond(op->args);
	Oid element = get_element_type(exprType(array));
	RemoteForm form;

	if (name == NULL || !OidIsValid(element) || !is_local_value(array, c) ||
		is_local_value(left, c) || strcmp(name, op->useOr ? "=" : "<>") != 0)
		return SHIP_NO;
	form = ship_form(left, c);
	if (form == FORM_NUMBER)
		return meets(form, element) ? ship_numbers(array, element) : SHIP_NO;
	if (form != FORM_TEXT)
		return meets(form, element) ? SHIP_EXACT : SHIP_NO;
	if (element != TEXTOID || !is_deterministic(op->inputcollid))
		return SHIP_NO;
	if (full_elements(array) && !is_of_literals(left, c) && text_comparable(left, op->inputcollid, c))
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

/* IS [NOT] NULL: of a column it is certain, whatever the column is */
static bool
ship_null_test(NullTest *test, ShipContext *c)
{
	Node *arg = (Node *) test->arg;

	return !test->argisrow && !is_local_value(arg, c) &&
		   (is_column(arg, c) || ship_form(arg, c) != FORM_NONE);
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
			/* one of another relation is a value, not a condition there */
			return is_column(expr, c) && ship_form(expr, c) == FORM_BOOL ? SHIP_EXACT : SHIP_NO;
		case T_OpExpr:
			return ship_comparison((OpExpr *) expr, c);
		case T_ScalarArrayOpExpr:
			return ship_array((ScalarArrayOpExpr *) expr, c);
		case T_BoolExpr:
			return ship_bool((BoolExpr *) expr, c);
		case T_NullTest:
			return ship_null_test((NullTest *) expr, c) ? SHIP_EXACT : SHIP_NO;
		case T_BooleanTest:
			expr = (Node *) ((BooleanTest *) expr)->arg;
			return is_column(expr, c) && ship_form(expr, c) == FORM_BOOL ? SHIP_EXACT : SHIP_NO;
		default:
			return SHIP_NO;
	}
}

/* Do rows sort alike by this expression, nulls last? */
bool
ship_order(Node *expr, Oid collation, ShipContext *c)
{
	RemoteForm form = is_local_value(expr, c) ? FORM_NONE : ship_form(expr, c);

	return form != FORM_NONE && (form != FORM_TEXT || text_sortable(expr, collation, c));
}
