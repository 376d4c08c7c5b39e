/*
 * filter.c
 *		Filters as conditions.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "ingest_api/graphql/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Each takes a kilobyte and more of the plan */
#define MOST_CONDITIONS 1000

static void add_conditions(Execution *x, GEntry *entry, const char *name, const Ast *filter, StringInfo out);

static void
add(StringInfo out, const char *condition)
{
	appendStringInfo(out, "%s%s", out->len ? " AND " : "", condition);
}

static void
count_condition(Execution *x)
{
	if (++x->conditions > MOST_CONDITIONS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("filters of an operation have at most %d conditions, counted as often as they are used", MOST_CONDITIONS)));
}

/* -- columns -- */

static const char *
symbol_of(const char *op)
{
	static const char *const known[][2] = {
		{"eq", "="},
		{"ne", "<>"},
		{"lt", "<"},
		{"lte", "<="},
		{"gt", ">"},
		{"gte", ">="},
		{"like", "LIKE"},
		{"ilike", "ILIKE"},
		{"contains", "@>"},
		{"containedBy", "<@"},
		{"in", "= ANY"},
		{"notIn", "<> ALL"},
	};

	for (size_t i = 0; i < lengthof(known); i++)
		if (strcmp(known[i][0], op) == 0)
			return known[i][1];
	elog(ERROR, "there is no operator %s", op);
	return NULL;
}

static void
refuse_null(const GColumn *column, const Ast *op)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("\"%s\" of \"%s\" is null, which nothing equals", op->name, column->field),
			 errhint("{%s: {isNull: true}} finds rows that have none.", column->field)));
}

static Oid
array_of(Oid type, const GColumn *column)
{
	Oid array = get_array_type(type);

	if (!OidIsValid(array))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" cannot be compared with several values", column->field)));
	return array;
}

static void
need_operator(Oid type, const GColumn *column, const Ast *op)
{
	bool order = op->name[0] == 'l' || op->name[0] == 'g';

	if (strstr(op->name, "like") == NULL && !(order ? scalar_has_order(type) : scalar_has_equality(type)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION), errmsg("\"%s\" cannot be compared by \"%s\": its type has no such operator", column->field, op->name)));
}

/* A document is compared as jsonb, whose equality is known */
static char *
comparison(Execution *x, const char *name, const GColumn *column, const Ast *op)
{
	char *left = psprintf("%s.%s", name, quote_identifier(column->name));
	Oid type = getBaseType(column->type);
	bool several = strcmp(op->name, "in") == 0 || strcmp(op->name, "notIn") == 0;

	x->at = op;
	count_condition(x);
	if (op->value->kind == AST_NULL)
		refuse_null(column, op);
	if (strcmp(op->name, "isNull") == 0)
		return psprintf("%s IS %sNULL", left, strcmp(op->value->name, "true") == 0 ? "" : "NOT ");
	if (type == JSONOID)
	{
		left = psprintf("%s::jsonb", left);
		type = JSONBOID;
	}
	if (strstr(op->name, "like") && type != TEXTOID)
	{
		left = psprintf("%s::text", left);
		type = TEXTOID;
	}
	need_operator(type, column, op);
	if (several)
		return psprintf("%s %s (%s)", left, symbol_of(op->name), sql_given(x, array_of(type, column), op->value));
	return psprintf("%s %s %s", left, symbol_of(op->name), sql_given(x, type, op->value));
}

/* -- relations -- */

static char *
exists(Execution *x, const char *name, const GField *field, const Ast *filter)
{
	char *other = psprintf("f%d", ++x->aliases);
	StringInfoData where;
	ListCell *here,
		*there;

	initStringInfo(&where);
	forboth(here, field->link->here, there, field->link->there)
		add(&where, psprintf("%s.%s = %s.%s", other, quote_identifier(lfirst(there)), name, quote_identifier(lfirst(here))));
	add_conditions(x, field->entry, other, filter, &where);
	return psprintf("EXISTS (SELECT FROM %s %s WHERE %s)", resource_relation(field->entry->resource), other, where.data);
}

/* -- all of it -- */

static char *
conditions(Execution *x, GEntry *entry, const char *name, const Ast *filter)
{
	StringInfoData out;

	initStringInfo(&out);
	add_conditions(x, entry, name, filter, &out);
	return out.len ? out.data : "true";
}

/* All of none hold, one of none does not */
static char *
junction(Execution *x, GEntry *entry, const char *name, const Ast *filters, bool all)
{
	StringInfoData out;

	initStringInfo(&out);
	/* one stands for a list of it */
	for (const Ast *one = filters->kind == AST_LIST ? filters->value : filters; one; one = one->next)
	{
		count_condition(x);
		appendStringInfo(&out, "%s(%s)", out.len == 0 ? "" : all ? " AND "
																 : " OR ",
						 conditions(x, entry, name, one));
	}
	if (out.len == 0)
		return all ? "true" : "false";
	return psprintf("(%s)", out.data);
}

static void
add_conditions(Execution *x, GEntry *entry, const char *name, const Ast *filter, StringInfo out)
{
	check_stack_depth();
	for (const Ast *one = filter->kind == AST_OBJECT ? filter->value : NULL; one; one = one->next)
	{
		GField *field = type_field(entry->filter, one->name);

		if (one->value->kind == AST_NULL)
			continue;
		count_condition(x);
		switch (field->role)
		{
			case ROLE_AND:
			case ROLE_OR:
				add(out, junction(x, entry, name, one->value, field->role == ROLE_AND));
				break;
			case ROLE_NOT:
				add(out, psprintf("NOT (%s)", conditions(x, entry, name, one->value)));
				break;
			case ROLE_LINK:
				add(out, exists(x, name, field, one->value));
				break;
			default:
				for (const Ast *op = one->value->value; op; op = op->next)
					add(out, comparison(x, name, field->column, op));
		}
	}
}

char *
sql_filter(Execution *x, GEntry *entry, const char *name, const Ast *filter)
{
	StringInfoData out;

	if (filter == NULL || filter->kind == AST_NULL)
		return NULL;
	initStringInfo(&out);
	add_conditions(x, entry, name, filter, &out);
	return out.len ? out.data : NULL;
}
