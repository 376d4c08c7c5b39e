/*
 * deparse.c
 *		Expressions that shippable.c has let pass, as SuiteQL.
 *
 * Values known only at execution are left as marks; fill_marks() writes them
 * in as literals when the query is sent.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "netsuite_fdw/deparse.h"
#include "netsuite_fdw/option.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#define MAX_IN 1000 /* arguments that NetSuite takes in one IN */

/* -- literals -- */

static void
append_text_literal(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '\'');
	for (; *text; text++)
	{
		if (*text == '\'')
			appendStringInfoChar(out, '\'');
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, '\'');
}

static void
append_number(StringInfo out, Datum value, Oid type)
{
	if (type == NUMERICOID && (numeric_is_nan(DatumGetNumeric(value)) ||
							   numeric_is_inf(DatumGetNumeric(value))))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("NaN and infinity cannot be sent to NetSuite"),
				 errhint("Filter such values out before comparing them with a foreign table.")));
	switch (type)
	{
		case INT2OID:
			appendStringInfo(out, "%d", DatumGetInt16(value));
			break;
		case INT4OID:
			appendStringInfo(out, "%d", DatumGetInt32(value));
			break;
		case INT8OID:
			appendStringInfo(out, INT64_FORMAT, DatumGetInt64(value));
			break;
		default:
			appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(numeric_out, value)));
	}
}

static void
append_day(StringInfo out, int64 day)
{
	int year;
	int month;
	int mday;

	j2date((int) (day + POSTGRES_EPOCH_JDATE), &year, &month, &mday);
	appendStringInfo(out, "TO_DATE('%04d-%02d-%02d','YYYY-MM-DD')", year, month, mday);
}

#define FIRST_DAY (-730119) /* 0001-01-01 */
#define LAST_DAY 2921939    /* 9999-12-31 */

static int64
clamp_day(int64 day)
{
	return Min(Max(day, FIRST_DAY), LAST_DAY);
}

static int64
floor_div(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

static void
append_second(StringInfo out, Timestamp wall)
{
	int64 day = floor_div(wall, USECS_PER_DAY);
	int second = (int) ((wall - day * USECS_PER_DAY) / USECS_PER_SEC);
	int year;
	int month;
	int mday;

	if (day < FIRST_DAY)
		day = FIRST_DAY, second = 0;
	if (day > LAST_DAY)
		day = LAST_DAY, second = 86399;
	j2date((int) (day + POSTGRES_EPOCH_JDATE), &year, &month, &mday);
	appendStringInfo(out, "TO_DATE('%04d-%02d-%02d %02d:%02d:%02d','YYYY-MM-DD HH24:MI:SS')",
					 year, month, mday, second / 3600, second / 60 % 60, second % 60);
}

/* -- bounds -- */

/* A date, timestamp or timestamptz as wall clock here, to compare a date with */
static Timestamp
wall_here(Datum value, Oid type)
{
	if (type == DATEOID)
	{
		DateADT day = DatumGetDateADT(value);

		if (DATE_IS_NOBEGIN(day))
			return DT_NOBEGIN;
		if (DATE_IS_NOEND(day))
			return DT_NOEND;
		return (int64) clamp_day(day) * USECS_PER_DAY;
	}
	if (type == TIMESTAMPTZOID && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(value)))
		return DatumGetTimestamp(DirectFunctionCall1(timestamptz_timestamp, value));
	return DatumGetTimestamp(value);
}

/* The first multiple of grain not before a moment, or after it */
static int64
grain_up(Timestamp t, int64 grain, bool beyond)
{
	int64 n;

	if (TIMESTAMP_IS_NOBEGIN(t))
		return PG_INT64_MIN / grain + 2;
	if (TIMESTAMP_IS_NOEND(t))
		return PG_INT64_MAX / grain - 2;
	n = floor_div(t, grain);
	return beyond || n * grain != t ? n + 1 : n;
}

/*
 * The wall clock of the account from which on datetimes are at or after a
 * moment.  In the hour that a change to winter time repeats, a wall clock is
 * read as its second passing; the bound for moments of the first passing is
 * where the repeated hour begins.
 */
static Timestamp
wall_there(TimestampTz t, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t fsec;
	int tz;
	int read_back;
	Timestamp wall;

	if (TIMESTAMP_NOT_FINITE(t))
		return t;
	if (timestamp2tm(t, &tz, &tm, &fsec, NULL, zone) != 0)
		return t < 0 ? DT_NOBEGIN : DT_NOEND;
	wall = t - (int64) tz * USECS_PER_SEC;
	read_back = DetermineTimeZoneOffset(&tm, zone);
	if (read_back > tz)
	{
		pg_time_t from = timestamptz_to_time_t(t);
		pg_time_t boundary;
		long before;
		long after;
		int dst_before;
		int dst_after;

		if (pg_next_dst_boundary(&from, &before, &dst_before, &boundary, &after, &dst_after,
								 zone) == 1)
			wall = time_t_to_timestamptz(boundary) + after * USECS_PER_SEC;
	}
	return wall;
}

static void
append_bound(StringInfo out, ValueForm form, Datum value, Oid type, pg_tz *zone)
{
	Timestamp wall;

	switch (form)
	{
		case FORM_DAY_UP:
		case FORM_DAY_NEXT:
			append_day(out, clamp_day(grain_up(wall_here(value, type), USECS_PER_DAY,
											   form == FORM_DAY_NEXT)));
			return;
		case FORM_SECOND_UP_ZONED:
		case FORM_SECOND_NEXT_ZONED:
			/* round in universal time, then look at the clock there */
			wall = DatumGetTimestampTz(value);
			if (!TIMESTAMP_NOT_FINITE(wall))
				wall = grain_up(wall, USECS_PER_SEC, form == FORM_SECOND_NEXT_ZONED) * USECS_PER_SEC;
			append_second(out, wall_there(wall, zone));
			return;
		default:
			wall = DatumGetTimestamp(value);
			if (!TIMESTAMP_NOT_FINITE(wall))
				wall = grain_up(wall, USECS_PER_SEC, form == FORM_SECOND_NEXT) * USECS_PER_SEC;
			append_second(out, wall);
	}
}

/* -- lists -- */

static void
append_range(StringInfo out, const char *column, ValueForm up, ValueForm next, Datum value,
			 Oid type, pg_tz *zone)
{
	appendStringInfo(out, "(%s >= ", column);
	append_bound(out, up, value, type, zone);
	appendStringInfo(out, " AND %s < ", column);
	append_bound(out, next, value, type, zone);
	appendStringInfoChar(out, ')');
}

static void
append_element(StringInfo out, Datum value, bool isnull, Oid type)
{
	if (isnull)
		appendStringInfoString(out, "NULL");
	else if (type == TEXTOID)
		append_text_literal(out, TextDatumGetCString(value));
	else
		append_number(out, value, type);
}

static void
append_list(StringInfo out, ValueForm form, const char *column, Datum array, pg_tz *zone)
{
	ArrayType *a = DatumGetArrayTypeP(array);
	Oid type = ARR_ELEMTYPE(a);
	int16 len;
	bool byval;
	char align;
	Datum *values;
	bool *nulls;
	int n;
	bool out_of = form == FORM_LIST_OUT;

	get_typlenbyvalalign(type, &len, &byval, &align);
	deconstruct_array(a, type, len, byval, align, &values, &nulls, &n);
	if (n == 0)
	{
		appendStringInfoString(out, out_of ? "(1 = 1)" : "(1 = 0)");
		return;
	}
	appendStringInfoChar(out, '(');
	for (int i = 0; i < n; i++)
	{
		if (form == FORM_LIST || form == FORM_LIST_OUT)
		{
			if (i % MAX_IN == 0)
				appendStringInfo(out, "%s%s%s IN (", i == 0 ? "" : out_of ? ") AND "
																		  : ") OR ",
								 column, out_of ? " NOT" : "");
			else
				appendStringInfoChar(out, ',');
			append_element(out, values[i], nulls[i], type);
			continue;
		}
		if (i > 0)
			appendStringInfoString(out, " OR ");
		if (nulls[i])
			appendStringInfo(out, "%s = NULL", column);
		else if (form == FORM_LIST_DAYS)
			append_range(out, column, FORM_DAY_UP, FORM_DAY_NEXT, values[i], type, zone);
		else if (form == FORM_LIST_SECONDS)
			append_range(out, column, FORM_SECOND_UP, FORM_SECOND_NEXT, values[i], type, zone);
		else
			append_range(out, column, FORM_SECOND_UP_ZONED, FORM_SECOND_NEXT_ZONED, values[i],
						 type, zone);
	}
	appendStringInfoString(out, form == FORM_LIST || form == FORM_LIST_OUT ? "))" : ")");
}

/* A value as SuiteQL */
void
render_value(StringInfo out, ValueForm form, const char *column, Datum value, bool isnull,
			 Oid type, pg_tz *zone)
{
	if (isnull)
	{
		if (form >= FORM_LIST)
			appendStringInfo(out, "%s = NULL", column);
		else
			appendStringInfoString(out, "NULL");
		return;
	}
	switch (form)
	{
		case FORM_NUMBER:
			append_number(out, value, type);
			break;
		case FORM_TEXT:
			append_text_literal(out, TextDatumGetCString(value));
			break;
		case FORM_BOOL:
			appendStringInfoString(out, DatumGetBool(value) ? "'T'" : "'F'");
			break;
		case FORM_DAY:
			append_day(out, clamp_day(DatumGetDateADT(value)));
			break;
		case FORM_LIST:
		case FORM_LIST_OUT:
		case FORM_LIST_DAYS:
		case FORM_LIST_SECONDS:
		case FORM_LIST_SECONDS_ZONED:
			append_list(out, form, column, value, zone);
			break;
		default:
			append_bound(out, form, value, type, zone);
	}
}

bool
form_needs_zone(ValueForm form)
{
	return form == FORM_SECOND_UP_ZONED || form == FORM_SECOND_NEXT_ZONED ||
		   form == FORM_LIST_SECONDS_ZONED;
}

/* -- marks -- */

/* Write the values in */
char *
fill_marks(const char *text, List *forms, Datum *values, bool *nulls, Oid *types, pg_tz *zone)
{
	StringInfoData out;

	if (text == NULL)
		return NULL;
	initStringInfo(&out);
	while (*text)
	{
		if (*text == MARK_BEGIN)
		{
			int i = (int) strtol(text + 1, (char **) &text, 10);
			List *form = list_nth(forms, i);

			render_value(&out, (ValueForm) intVal(linitial(form)), strVal(lsecond(form)),
						 values[i], nulls[i], types[i], zone);
			text++;
		}
		else
			appendStringInfoChar(&out, *text++);
	}
	return out.data;
}

/* The text with $1, $2 ... for its marks, as EXPLAIN shows it */
char *
show_marks(const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*text)
	{
		if (*text == MARK_BEGIN)
		{
			appendStringInfo(&out, "$%ld", strtol(text + 1, (char **) &text, 10) + 1);
			text++;
		}
		else
			appendStringInfoChar(&out, *text++);
	}
	return out.data;
}

/* -- expressions -- */

/* Constants are written at once, but for those that depend on a zone */
static void
append_local(Node *expr, ValueForm form, const char *column, Deparse *d)
{
	Const *c = (Const *) expr;

	if (IsA(expr, Const) && !form_needs_zone(form) && c->consttype != TIMESTAMPTZOID)
	{
		render_value(d->out, form, column, c->constvalue, c->constisnull, c->consttype, NULL);
		return;
	}
	appendStringInfo(d->out, "%c%d%c", MARK_BEGIN, list_length(d->values), MARK_END);
	d->values = lappend(d->values, expr);
	d->forms = lappend(d->forms, list_make2(makeInteger(form), makeString(pstrdup(column))));
}

/* A foreign table's column as SuiteQL */
char *
deparse_column(Oid relid, int attnum)
{
	bool is_expression;
	char *text = column_expression(relid, attnum, &is_expression);

	return is_expression ? psprintf("(%s)", text) : psprintf("t.%s", text);
}

static char *
column_of(Var *var, Deparse *d)
{
	RangeTblEntry *rte = planner_rt_fetch(var->varno, d->ship->root);

	return deparse_column(rte->relid, var->varattno);
}

static ValueForm
form_of(Family family)
{
	switch (family)
	{
		case FAMILY_TEXT:
			return FORM_TEXT;
		case FAMILY_BOOL:
			return FORM_BOOL;
		case FAMILY_DATE:
			return FORM_DAY;
		case FAMILY_TIMESTAMP:
			return FORM_SECOND_UP;
		case FAMILY_TIMESTAMPTZ:
			return FORM_SECOND_UP_ZONED;
		default:
			return FORM_NUMBER;
	}
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

/* The date within date_trunc, extract or to_char; its time of day does no harm there */
static void
deparse_call_date(FuncExpr *f, Deparse *d)
{
	Node *date = call_date(f);

	if (IsA(date, Var))
		appendStringInfoString(d->out, column_of((Var *) date, d));
	else
		deparse_value(date, d);
}

static void
deparse_call(FuncExpr *f, Deparse *d)
{
	const char *name;
	char *format;

	switch (call_of(f, &name))
	{
		case CALL_NUMBER:
			appendStringInfo(d->out, "%s(", name);
			deparse_list(f->args, d);
			appendStringInfoChar(d->out, ')');
			break;
		case CALL_DATE_TRUNC:
			appendStringInfoString(d->out, "TRUNC(");
			deparse_call_date(f, d);
			appendStringInfo(d->out, ",'%s')", call_unit(f));
			break;
		case CALL_EXTRACT:
			appendStringInfoString(d->out, "TO_NUMBER(TO_CHAR(");
			deparse_call_date(f, d);
			appendStringInfo(d->out, ",'%s'))", call_unit(f));
			break;
		case CALL_TO_CHAR:
			appendStringInfoString(d->out, "TO_CHAR(");
			deparse_call_date(f, d);
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
	const char *name = operator_name(op->opno);

	appendStringInfoChar(d->out, '(');
	if (list_length(op->args) == 2)
		deparse_value(linitial(op->args), d);
	appendStringInfo(d->out, " %s ", name);
	deparse_value(llast(op->args), d);
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

static void
deparse_aggregate(Aggref *agg, Deparse *d)
{
	char *name = get_func_name(agg->aggfnoid);
	bool raw = strcmp(name, "min") == 0 || strcmp(name, "max") == 0;
	Node *arg = agg->aggstar ? NULL : (Node *) linitial_node(TargetEntry, agg->args)->expr;

	for (char *p = name; *p; p++)
		*p = pg_toupper((unsigned char) *p);
	appendStringInfo(d->out, "%s(%s", name, agg->aggdistinct ? "DISTINCT " : "");
	if (agg->aggfilter)
	{
		appendStringInfoString(d->out, "CASE WHEN ");
		deparse_condition((Node *) agg->aggfilter, d);
		appendStringInfoString(d->out, " THEN ");
	}
	if (arg == NULL)
		appendStringInfoString(d->out, agg->aggfilter ? "1" : "*");
	else if (raw && IsA(arg, Var))
		appendStringInfoString(d->out, column_of((Var *) arg, d));
	else
		deparse_value(arg, d);
	appendStringInfoString(d->out, agg->aggfilter ? " END)" : ")");
}

/* An expression whose value is wanted there; dates are whole days */
void
deparse_value(Node *expr, Deparse *d)
{
	Family family = family_of_expr(expr);

	if (is_local_value(expr, d->ship))
	{
		append_local(expr, form_of(family), "", d);
		return;
	}
	switch (nodeTag(expr))
	{
		case T_Var:
			if (family == FAMILY_DATE)
				appendStringInfo(d->out, "TRUNC(%s)", column_of((Var *) expr, d));
			else
				appendStringInfoString(d->out, column_of((Var *) expr, d));
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
			deparse_case((CaseExpr *) expr, d);
			break;
		case T_CoalesceExpr:
			appendStringInfoString(d->out, "COALESCE(");
			deparse_list(((CoalesceExpr *) expr)->args, d);
			appendStringInfoChar(d->out, ')');
			break;
		case T_Aggref:
			deparse_aggregate((Aggref *) expr, d);
			break;
		default:
			elog(ERROR, "unexpected expression to send: %d", (int) nodeTag(expr));
	}
}

/* Text of an output column: times in a form that no display setting changes */
void
append_output(StringInfo out, Family family, const char *text)
{
	if (family == FAMILY_DATE)
		appendStringInfo(out, "TO_CHAR(%s,'YYYY-MM-DD')", text);
	else if (family == FAMILY_TIMESTAMP || family == FAMILY_TIMESTAMPTZ)
		appendStringInfo(out, "TO_CHAR(%s,'YYYY-MM-DD HH24:MI:SS')", text);
	else
		appendStringInfoString(out, text);
}

/* An expression as a column of the result */
void
deparse_output(Node *expr, Deparse *d)
{
	StringInfo out = d->out;
	StringInfoData text;
	const char *name;

	initStringInfo(&text);
	d->out = &text;
	deparse_value(expr, d);
	d->out = out;
	/* date_trunc of a date comes as a date, whatever its type here */
	if (IsA(expr, FuncExpr) && call_of((FuncExpr *) expr, &name) == CALL_DATE_TRUNC &&
		exprType(expr) == TIMESTAMPTZOID)
		append_output(out, FAMILY_DATE, text.data);
	else
		append_output(out, family_of_expr(expr), text.data);
}

/* -- conditions -- */

/* column op value, as bounds on whole days or seconds */
static void
deparse_time_bounds(const char *name, Node *column, Node *value, Deparse *d)
{
	char *text = column_of((Var *) column, d);
	Family family = family_of_expr(column);
	ValueForm up = family == FAMILY_DATE ? FORM_DAY_UP : family == FAMILY_TIMESTAMP ? FORM_SECOND_UP
																					: FORM_SECOND_UP_ZONED;
	ValueForm next = family == FAMILY_DATE ? FORM_DAY_NEXT : family == FAMILY_TIMESTAMP ? FORM_SECOND_NEXT
																						: FORM_SECOND_NEXT_ZONED;

	if (strcmp(name, "=") == 0 || strcmp(name, "<>") == 0)
	{
		bool equal = name[0] == '=';

		appendStringInfo(d->out, "(%s %s ", text, equal ? ">=" : "<");
		append_local(value, up, "", d);
		appendStringInfo(d->out, " %s %s %s ", equal ? "AND" : "OR", text, equal ? "<" : ">=");
		append_local(value, next, "", d);
		appendStringInfoChar(d->out, ')');
		return;
	}
	appendStringInfo(d->out, "%s %s ", text, name[0] == '<' ? "<" : ">=");
	append_local(value, strcmp(name, ">=") == 0 || strcmp(name, "<") == 0 ? up : next, "", d);
}

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
deparse_comparison(OpExpr *op, Deparse *d)
{
	const char *name = operator_name(op->opno);
	Node *left = linitial(op->args);
	Node *right = lsecond(op->args);
	Family family = family_of_expr(left);
	bool time = family == FAMILY_DATE || family == FAMILY_TIMESTAMP ||
				family == FAMILY_TIMESTAMPTZ;

	if (time && IsA(left, Var) && is_local_value(right, d->ship))
	{
		deparse_time_bounds(name, left, right, d);
		return;
	}
	if (time && IsA(right, Var) && is_local_value(left, d->ship))
	{
		deparse_time_bounds(commuted(name), right, left, d);
		return;
	}
	deparse_value(left, d);
	if (strcmp(name, "~~") == 0)
		name = "LIKE";
	else if (strcmp(name, "!~~") == 0)
		name = "NOT LIKE";
	appendStringInfo(d->out, " %s ", name);
	deparse_value(right, d);
}

static void
deparse_array(ScalarArrayOpExpr *op, Deparse *d)
{
	Node *left = linitial(op->args);
	StringInfo out = d->out;
	StringInfoData column;
	ValueForm form = op->useOr ? FORM_LIST : FORM_LIST_OUT;

	initStringInfo(&column);
	switch (family_of_expr(left))
	{
		case FAMILY_DATE:
			form = FORM_LIST_DAYS;
			break;
		case FAMILY_TIMESTAMP:
			form = FORM_LIST_SECONDS;
			break;
		case FAMILY_TIMESTAMPTZ:
			form = FORM_LIST_SECONDS_ZONED;
			break;
		default:
			break;
	}
	if (IsA(left, Var))
		appendStringInfoString(&column, column_of((Var *) left, d));
	else
	{
		d->out = &column;
		deparse_value(left, d);
		d->out = out;
	}
	append_local(lsecond(op->args), form, column.data, d);
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
	char *column = column_of((Var *) test->arg, d);

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
			appendStringInfo(d->out, "%s = 'T'", column_of((Var *) expr, d));
			break;
		case T_OpExpr:
			deparse_comparison((OpExpr *) expr, d);
			break;
		case T_ScalarArrayOpExpr:
			deparse_array((ScalarArrayOpExpr *) expr, d);
			break;
		case T_BoolExpr:
			deparse_bool((BoolExpr *) expr, d);
			break;
		case T_NullTest:
			if (IsA(((NullTest *) expr)->arg, Var))
				appendStringInfoString(d->out, column_of((Var *) ((NullTest *) expr)->arg, d));
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
