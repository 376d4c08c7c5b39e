/*
 * deparse.c
 *		Expressions that shippable.c has let pass, as SuiteQL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "netsuite_fdw/deparse.h"
#include "netsuite_fdw/likeness.h"
#include "netsuite_fdw/literal.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* -- pieces -- */

/* Start a text */
void
deparse_begin(Deparse *d)
{
	d->out = makeStringInfo();
	d->pieces = NIL;
}

static void
end_code(Deparse *d)
{
	if (d->out->len > 0)
		d->pieces = lappend(d->pieces, makeString(pstrdup(d->out->data)));
	resetStringInfo(d->out);
}

/* The text since deparse_begin(); NIL if it is empty */
List *
deparse_end(Deparse *d)
{
	end_code(d);
	return d->pieces;
}

void
deparse_pieces(List *pieces, Deparse *d)
{
	ListCell *lc;

	foreach (lc, pieces)
	{
		if (IsA(lfirst(lc), String))
			appendStringInfoString(d->out, strVal(lfirst(lc)));
		else
		{
			end_code(d);
			d->pieces = lappend(d->pieces, lfirst(lc));
		}
	}
}

/* A part of a text by itself */
static List *
pieces_of(void (*write)(Node *, Deparse *), Node *expr, Deparse *d)
{
	Deparse outer = *d;
	List *result;

	deparse_begin(d);
	write(expr, d);
	result = deparse_end(d);
	d->out = outer.out;
	d->pieces = outer.pieces;
	return result;
}

/* A text that is nothing but code; NIL for none */
List *
code_piece(const char *code)
{
	return code ? list_make1(makeString(pstrdup(code))) : NIL;
}

/* The code of a text without holes; NULL for others and for none */
char *
plain_code(List *pieces)
{
	return list_length(pieces) == 1 && IsA(linitial(pieces), String) ? strVal(linitial(pieces)) : NULL;
}

/* Write a value, or a comparison with it */
static void
append_hole(StringInfo out, const char *comparison, const char *subject, const Value *value)
{
	if (*comparison == '\0')
		append_value(out, value);
	else if (strcmp(comparison, "IN") == 0 || strcmp(comparison, "NOT IN") == 0)
		append_list(out, subject, comparison[0] == 'N', value);
	else
		append_comparison(out, subject, comparison, value);
}

/* Writes the hole with that number; subject is what it is compared with, or NULL */
typedef void (*HoleWriter)(StringInfo out, int i, List *hole, const char *subject, void *arg);

/* A text with its holes filled by the writer; NULL for none */
static char *
write_pieces(List *pieces, List *holes, HoleWriter writer, void *arg)
{
	StringInfoData out;
	ListCell *lc;

	if (pieces == NIL)
		return NULL;
	initStringInfo(&out);
	foreach (lc, pieces)
	{
		if (IsA(lfirst(lc), String))
			appendStringInfoString(&out, strVal(lfirst(lc)));
		else
		{
			int i = intVal(lfirst(lc));
			List *hole = list_nth(holes, i);

			writer(&out, i, hole, write_pieces(list_nth(hole, HOLE_SUBJECT), holes, writer, arg), arg);
		}
	}
	return out.data;
}

static void
fill_hole(StringInfo out, int i, List *hole, const char *subject, void *arg)
{
	const HoleValues *v = arg;
	Value value = {v->values[i], v->nulls[i], v->types[i], (RemoteForm) intVal(list_nth(hole, HOLE_FORM)), v->zone};

	append_hole(out, strVal(list_nth(hole, HOLE_OPERATOR)), subject, &value);
}

/* The text with the values of now; NULL for none */
char *
fill_pieces(List *pieces, const HoleValues *v)
{
	return write_pieces(pieces, v->holes, fill_hole, unconstify(HoleValues *, v));
}

/* An expression without casts that change nothing */
static Node *
without_casts(Node *expr)
{
	const char *name;

	for (;;)
	{
		if (IsA(expr, RelabelType))
			expr = (Node *) ((RelabelType *) expr)->arg;
		else if (IsA(expr, FuncExpr) && call_of((FuncExpr *) expr, &name) == CALL_IDENTITY)
			expr = linitial(((FuncExpr *) expr)->args);
		else
			return expr;
	}
}

/* The number of the statement's parameter that a value is, or 0 */
int
parameter_number(Node *expr)
{
	Param *param = (Param *) without_casts(expr);

	return IsA(param, Param) && param->paramkind == PARAM_EXTERN ? param->paramid : 0;
}

/*
 * How EXPLAIN shows a value: a constant as it is, a parameter under the
 * statement's number, anything else under a number of its own.
 */
static char *
show_value(Node *expr, int *number, int *last)
{
	if (IsA(expr, Const) && ((Const *) expr)->constisnull)
		return "NULL";
	if (IsA(expr, Const))
	{
		Oid output;
		bool is_varlena;

		getTypeOutputInfo(((Const *) expr)->consttype, &output, &is_varlena);
		return quote_literal_cstr(OidOutputFunctionCall(output, ((Const *) expr)->constvalue));
	}
	if (*number == 0)
		*number = parameter_number(expr) ? parameter_number(expr) : ++*last;
	return psprintf("$%d", *number);
}

/* What EXPLAIN shows in holes */
typedef struct ShownValues
{
	List *exprs;
	int *numbers; /* those already given */
	int *last;
} ShownValues;

static void
show_hole(StringInfo out, int i, List *hole, const char *subject, void *arg)
{
	ShownValues *shown = arg;
	const char *comparison = strVal(list_nth(hole, HOLE_OPERATOR));
	char *value = show_value(list_nth(shown->exprs, i), &shown->numbers[i], shown->last);

	if (subject == NULL)
		appendStringInfoString(out, value);
	else if (strcmp(comparison, "IN") == 0)
		appendStringInfo(out, "%s = ANY (%s)", subject, value);
	else if (strcmp(comparison, "NOT IN") == 0)
		appendStringInfo(out, "%s <> ALL (%s)", subject, value);
	else
		appendStringInfo(out, "%s %s %s", subject, comparison, value);
}

/* The text as EXPLAIN shows it; numbers holds those already given */
char *
show_pieces(List *pieces, List *holes, List *exprs, int *numbers, int *last)
{
	ShownValues shown = {exprs, numbers, last};

	return write_pieces(pieces, holes, show_hole, &shown);
}

/* -- values from here -- */

/* Constants are written at once, but for those whose meaning depends on a zone */
static void
deparse_local(Node *expr, RemoteForm form, const char *comparison, List *subject, Deparse *d)
{
	Const *c = (Const *) expr;

	while (IsA(expr, RelabelType))
		c = (Const *) (expr = (Node *) ((RelabelType *) expr)->arg);
	if (IsA(expr, Const) && !needs_any_zone(form, c->consttype) && (subject == NIL || plain_code(subject)))
	{
		Value value = {c->constvalue, c->constisnull, c->consttype, form, NULL};

		append_hole(d->out, comparison, plain_code(subject), &value);
		return;
	}
	end_code(d);
	d->pieces = lappend(d->pieces, makeInteger(list_length(d->values)));
	d->values = lappend(d->values, expr);
	d->holes = lappend(d->holes, list_make3(makeInteger(form), makeString(pstrdup(comparison)), subject));
}

/* -- expressions -- */

static char *
column_of(Node *var, Deparse *d)
{
	return deparse_column(column_relation((Var *) var, d->ship), ((Var *) var)->varattno);
}

/* min or max over a column of dates: one may look at the time of day that hides in them later */
static bool
is_plain_extreme(Node *expr, Deparse *d)
{
	Aggref *agg = (Aggref *) expr;
	char *name;

	if (!IsA(expr, Aggref) || list_length(agg->args) != 1 ||
		!is_column((Node *) linitial_node(TargetEntry, agg->args)->expr, d->ship))
		return false;
	name = get_func_name(agg->aggfnoid);
	return exprType(expr) == DATEOID && (strcmp(name, "min") == 0 || strcmp(name, "max") == 0);
}

/*
 * An expression where it does no harm that a date hides a time of day, or that
 * a number is digits in a text: beside a value from here, within TO_CHAR, SUM ...
 */
static void
deparse_loose(Node *expr, Deparse *d)
{
	expr = without_casts(expr);
	if (is_column(expr, d->ship) && ship_form(expr, d->ship) != FORM_TEXT)
		appendStringInfoString(d->out, column_of(expr, d));
	else if (is_plain_extreme(expr, d))
		deparse_aggregate((Aggref *) expr, get_func_name(((Aggref *) expr)->aggfnoid), d);
	else
		deparse_value(expr, d);
}

static void
deparse_list(List *args, Deparse *d)
{
	ListCell *lc;

	foreach (lc, args)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(d->out, ", ");
		deparse_value(lfirst(lc), d);
	}
}

static void
deparse_call(FuncExpr *f, Deparse *d)
{
	const char *name;
	char *format;

	d->days |= call_needs_days(f);
	switch (call_of(f, &name))
	{
		case CALL_NUMBER:
			appendStringInfo(d->out, "%s(", name);
			deparse_loose(linitial(f->args), d);
			if (list_length(f->args) > 1)
			{
				appendStringInfoString(d->out, ", ");
				deparse_value(lsecond(f->args), d);
			}
			appendStringInfoChar(d->out, ')');
			break;
		case CALL_DATE_TRUNC:
			appendStringInfoString(d->out, "TRUNC(");
			deparse_loose(call_date(f), d);
			appendStringInfo(d->out, ",'%s')", call_unit(f));
			break;
		case CALL_EXTRACT:
			appendStringInfoString(d->out, "TO_NUMBER(TO_CHAR(");
			deparse_loose(call_date(f), d);
			appendStringInfo(d->out, ",'%s'))", call_unit(f));
			break;
		case CALL_TO_CHAR:
			appendStringInfoString(d->out, "TO_CHAR(");
			deparse_loose(call_date(f), d);
			const_text(lsecond(f->args), &format);
			appendStringInfoString(d->out, ",");
			append_text_literal(d->out, format);
			appendStringInfoChar(d->out, ')');
			break;
		default:
			deparse_value(linitial(f->args), d);
	}
}

static void
deparse_arithmetic(OpExpr *op, Deparse *d)
{
	/* days are whole */
	void (*write)(Node *, Deparse *) = exprType(linitial(op->args)) == DATEOID ? deparse_value : deparse_loose;

	appendStringInfoChar(d->out, '(');
	if (list_length(op->args) == 2)
		write(linitial(op->args), d);
	appendStringInfo(d->out, " %s ", operator_name(op->opno));
	write(llast(op->args), d);
	appendStringInfoChar(d->out, ')');
}

static void
deparse_case(CaseExpr *e, Deparse *d)
{
	ListCell *lc;

	appendStringInfoString(d->out, "CASE");
	foreach (lc, e->args)
	{
		CaseWhen *when = lfirst_node(CaseWhen, lc);

		appendStringInfoString(d->out, " WHEN ");
		deparse_condition((Node *) when->expr, d);
		appendStringInfoString(d->out, " THEN ");
		deparse_value((Node *) when->result, d);
	}
	if (e->defresult)
	{
		appendStringInfoString(d->out, " ELSE ");
		deparse_value((Node *) e->defresult, d);
	}
	appendStringInfoString(d->out, " END");
}

/* An aggregate under its name, or another one of the same argument */
void
deparse_aggregate(Aggref *agg, const char *name, Deparse *d)
{
	Node *arg = agg->aggstar ? NULL : (Node *) linitial_node(TargetEntry, agg->args)->expr;
	bool is_extreme = strcmp(name, "min") == 0 || strcmp(name, "max") == 0;
	bool loose = agg->aggdistinct == NIL && (!is_extreme || exprType(arg) == DATEOID);
	char *upper = pstrdup(name);
	bool adding = d->ship->adding;

	for (char *p = upper; *p; p++)
		*p = pg_toupper((unsigned char) *p);
	/* as it was looked at in shippable.c */
	d->ship->adding = is_sum(agg);
	appendStringInfo(d->out, "%s(%s", upper, agg->aggdistinct ? "DISTINCT " : "");
	if (agg->aggfilter)
	{
		appendStringInfoString(d->out, "CASE WHEN ");
		deparse_condition((Node *) agg->aggfilter, d);
		appendStringInfoString(d->out, " THEN ");
	}
	if (arg == NULL)
		appendStringInfoString(d->out, agg->aggfilter ? "1" : "*");
	else if (loose)
		deparse_loose(arg, d);
	else
		deparse_value(arg, d);
	appendStringInfoString(d->out, agg->aggfilter ? " END)" : ")");
	d->ship->adding = adding;
}

/* CASE or COALESCE */
static void
deparse_choice(Node *expr, Deparse *d)
{
	/* a choice of literals is of fixed length there */
	bool padded = ship_form(expr, d->ship) == FORM_TEXT && text_source(expr, d->ship) == TEXT_OF_FIXED;

	appendStringInfoString(d->out, padded ? "RTRIM(" : "");
	if (IsA(expr, CaseExpr))
		deparse_case((CaseExpr *) expr, d);
	else
	{
		appendStringInfoString(d->out, "COALESCE(");
		deparse_list(((CoalesceExpr *) expr)->args, d);
		appendStringInfoChar(d->out, ')');
	}
	appendStringInfoString(d->out, padded ? ")" : "");
}

/* An expression whose value is wanted there; dates are whole days */
void
deparse_value(Node *expr, Deparse *d)
{
	if (is_local_value(expr, d->ship))
	{
		deparse_local(expr, ship_form(expr, d->ship), "", NIL, d);
		return;
	}
	switch (nodeTag(expr))
	{
		case T_Var:
			appendStringInfoString(d->out, deparse_column_value(column_relation((Var *) expr, d->ship), ((Var *) expr)->varattno));
			break;
		case T_RelabelType:
			deparse_value((Node *) ((RelabelType *) expr)->arg, d);
			break;
		case T_FuncExpr:
			deparse_call((FuncExpr *) expr, d);
			break;
		case T_OpExpr:
			deparse_arithmetic((OpExpr *) expr, d);
			break;
		case T_CaseExpr:
		case T_CoalesceExpr:
			deparse_choice(expr, d);
			break;
		case T_Aggref:
			appendStringInfoString(d->out, is_plain_extreme(expr, d) ? "TRUNC(" : "");
			deparse_aggregate((Aggref *) expr, get_func_name(((Aggref *) expr)->aggfnoid), d);
			appendStringInfoString(d->out, is_plain_extreme(expr, d) ? ")" : "");
			break;
		default:
			elog(ERROR, "unexpected expression to send: %d", (int) nodeTag(expr));
	}
}

/* An expression as a column of the result, in the form that the decoder reads */
void
deparse_output(Node *expr, Deparse *d)
{
	RemoteForm form = ship_form(expr, d->ship);
	const char *mask = output_mask(form);

	if (mask == NULL)
	{
		deparse_value(expr, d);
		return;
	}
	appendStringInfoString(d->out, "TO_CHAR(");
	if (IsA(expr, Aggref))
		deparse_loose(expr, d);
	else
		deparse_value(expr, d);
	appendStringInfo(d->out, ",'%s')", mask);
}

/* -- conditions -- */

static const char *
commuted(const char *name)
{
	switch (name[0])
	{
		case '<':
			return strcmp(name, "<") == 0 ? ">" : strcmp(name, "<=") == 0 ? ">="
																		  : name;
		case '>':
			return strcmp(name, ">") == 0 ? "<" : "<=";
		default:
			return name;
	}
}

static void
deparse_like(OpExpr *op, Deparse *d)
{
	char *pattern;
	bool exact;

	const_text(lsecond(op->args), &pattern);
	deparse_value(linitial(op->args), d);
	appendStringInfoString(d->out, operator_name(op->opno)[0] == '!' ? " NOT LIKE " : " LIKE ");
	append_text_literal(d->out, like_superset(pattern, &exact));
}

/* What is computed there, compared with a value from here */
static void
deparse_against_value(Node *subject, const char *comparison, Node *value, Deparse *d)
{
	bool days = is_days_between(subject, d->ship);
	ListCell *lc;

	appendStringInfoString(d->out, days ? "(" : "");
	deparse_local(value, days ? FORM_NUMBER : ship_form(subject, d->ship), comparison,
				  pieces_of(deparse_loose, subject, d), d);
	/* days are counted otherwise there */
	foreach (lc, days ? ((OpExpr *) subject)->args : NIL)
	{
		if (is_column(lfirst(lc), d->ship))
			appendStringInfo(d->out, " OR %s < TO_DATE('1582-10-15','YYYY-MM-DD')", column_of(lfirst(lc), d));
	}
	appendStringInfoString(d->out, days ? ")" : "");
}

static void
deparse_comparison(OpExpr *op, Deparse *d)
{
	const char *name = operator_name(op->opno);
	Node *left = linitial(op->args);
	Node *right = lsecond(op->args);

	if (strcmp(name, "~~") == 0 || strcmp(name, "!~~") == 0)
		deparse_like(op, d);
	else if (!is_local_value(left, d->ship) && is_local_value(right, d->ship))
		deparse_against_value(left, name, right, d);
	else if (is_local_value(left, d->ship) && !is_local_value(right, d->ship))
		deparse_against_value(right, commuted(name), left, d);
	else
	{
		deparse_value(left, d);
		appendStringInfo(d->out, " %s ", name);
		deparse_value(right, d);
	}
}

static void
deparse_bool(BoolExpr *e, Deparse *d)
{
	ListCell *lc;

	if (e->boolop == NOT_EXPR)
	{
		appendStringInfoString(d->out, "NOT (");
		deparse_condition(linitial(e->args), d);
		appendStringInfoChar(d->out, ')');
		return;
	}
	appendStringInfoChar(d->out, '(');
	foreach (lc, e->args)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(d->out, e->boolop == AND_EXPR ? " AND " : " OR ");
		deparse_condition(lfirst(lc), d);
	}
	appendStringInfoChar(d->out, ')');
}

static void
deparse_boolean_test(BooleanTest *test, Deparse *d)
{
	char *column = column_of((Node *) test->arg, d);

	switch (test->booltesttype)
	{
		case IS_TRUE:
			appendStringInfo(d->out, "NVL(%s,'F') = 'T'", column);
			break;
		case IS_NOT_TRUE:
			appendStringInfo(d->out, "NVL(%s,'F') = 'F'", column);
			break;
		case IS_FALSE:
			appendStringInfo(d->out, "NVL(%s,'T') = 'F'", column);
			break;
		case IS_NOT_FALSE:
			appendStringInfo(d->out, "NVL(%s,'T') = 'T'", column);
			break;
		case IS_UNKNOWN:
			appendStringInfo(d->out, "%s IS NULL", column);
			break;
		case IS_NOT_UNKNOWN:
			appendStringInfo(d->out, "%s IS NOT NULL", column);
			break;
	}
}

void
deparse_condition(Node *expr, Deparse *d)
{
	switch (nodeTag(expr))
	{
		case T_Var:
			appendStringInfo(d->out, "%s = 'T'", column_of(expr, d));
			break;
		case T_OpExpr:
			deparse_comparison((OpExpr *) expr, d);
			break;
		case T_ScalarArrayOpExpr:
			deparse_against_value(linitial(((ScalarArrayOpExpr *) expr)->args),
								  ((ScalarArrayOpExpr *) expr)->useOr ? "IN" : "NOT IN",
								  lsecond(((ScalarArrayOpExpr *) expr)->args), d);
			break;
		case T_BoolExpr:
			deparse_bool((BoolExpr *) expr, d);
			break;
		case T_NullTest:
			if (is_column((Node *) ((NullTest *) expr)->arg, d->ship))
				appendStringInfoString(d->out, column_of((Node *) ((NullTest *) expr)->arg, d));
			else
				deparse_value((Node *) ((NullTest *) expr)->arg, d);
			appendStringInfoString(d->out, ((NullTest *) expr)->nulltesttype == IS_NULL ? " IS NULL" : " IS NOT NULL");
			break;
		case T_BooleanTest:
			deparse_boolean_test((BooleanTest *) expr, d);
			break;
		default:
			elog(ERROR, "unexpected condition to send: %d", (int) nodeTag(expr));
	}
}
