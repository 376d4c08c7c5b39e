/*
 * values.c
 *		Variables, and arguments once variables are put in.
 */
#include "postgres.h"

#include "ingest_api/graphql/execute.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* -- JSON -- */

static Ast *
new_value(AstKind kind, const char *text)
{
	Ast *value = palloc0(sizeof(Ast));

	value->kind = kind;
	value->name = text;
	return value;
}

static Ast *
ast_of_container(JsonbContainer *container)
{
	JsonbIterator *i = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue v;
	Ast *whole = new_value(JsonContainerIsObject(container) ? AST_OBJECT : AST_LIST, NULL);
	Ast **last = &whole->value;
	const char *name = NULL;

	check_stack_depth();
	while ((token = JsonbIteratorNext(&i, &v, true)) != WJB_DONE)
	{
		Ast *one;

		if (token == WJB_KEY)
			name = pnstrdup(v.val.string.val, v.val.string.len);
		if (token != WJB_VALUE && token != WJB_ELEM)
			continue;
		one = ast_of_json(&v);
		if (token == WJB_VALUE)
		{
			Ast *argument = new_value(AST_ARGUMENT, name);

			argument->value = one;
			one = argument;
		}
		*last = one;
		last = &one->next;
	}
	return whole;
}

Ast *
ast_of_json(const JsonbValue *value)
{
	char *text;

	switch (value->type)
	{
		case jbvNull:
			return new_value(AST_NULL, NULL);
		case jbvString:
			return new_value(AST_STRING, pnstrdup(value->val.string.val, value->val.string.len));
		case jbvBool:
			return new_value(AST_BOOLEAN, value->val.boolean ? "true" : "false");
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
			return new_value(strchr(text, '.') ? AST_FLOAT : AST_INT, text);
		case jbvBinary:
			return ast_of_container(value->val.binary.data);
		default:
			elog(ERROR, "there is no such JSON");
	}
	return NULL;
}

/* -- variables -- */

static bool
refuse(Execution *x, const Ast *definition, const char *place, const char *what)
{
	error_add(&x->errors, CODE_INPUT, NULL, definition, "variable \"$%s\"%s%s: %s", definition->name, place[0] ? " at " : "", place, what);
	return false;
}

static Ast *
find_named(Ast *first, const char *name)
{
	for (Ast *one = first; one; one = one->next)
		if (one->name && strcmp(one->name, name) == 0)
			return one;
	return NULL;
}

static bool fits(Execution *x, const Ast *definition, const char *place, GType *type, Ast *value);

static bool
object_fits(Execution *x, const Ast *definition, const char *place, GType *type, Ast *value)
{
	bool good = true;
	ListCell *cell;

	if (value->kind != AST_OBJECT)
		return refuse(x, definition, place, psprintf("%s is an object", type->name));
	for (Ast *one = value->value; one; one = one->next)
	{
		GField *f = type_field(type, one->name);

		if (f == NULL)
			good = refuse(x, definition, place, psprintf("%s has no member \"%.60s\"", type->name, one->name));
		else
			good = fits(x, definition, psprintf("%s.%s", place, f->name), f->type, one->value) && good;
	}
	foreach (cell, type_fields(type))
	{
		GField *f = lfirst(cell);

		if (f->type->kind == G_NON_NULL && f->default_text == NULL && find_named(value->value, f->name) == NULL)
			good = refuse(x, definition, place, psprintf("\"%s\" is missing", f->name));
	}
	return good;
}

/* What JSON writes as text is a name where an enum is asked for */
static bool
fits(Execution *x, const Ast *definition, const char *place, GType *type, Ast *value)
{
	bool good = true;
	int i = 0;

	check_stack_depth();
	if (type->kind == G_NON_NULL)
		return value->kind == AST_NULL ? refuse(x, definition, place, psprintf("%s is never null", g_print(type))) : fits(x, definition, place, type->of, value);
	if (value->kind == AST_NULL)
		return true;
	if (type->kind == G_LIST)
	{
		if (value->kind != AST_LIST)
			return fits(x, definition, place, type->of, value);
		for (Ast *one = value->value; one; one = one->next)
			good = fits(x, definition, psprintf("%s[%d]", place, i++), type->of, one) && good;
		return good;
	}
	if (type->kind == G_INPUT)
		return object_fits(x, definition, place, type, value);
	if (!leaf_accepts(type, value, false))
		return refuse(x, definition, place, psprintf("this is not a value of %s", type->name));
	if (type->kind == G_ENUM)
		value->kind = AST_ENUM;
	/* 1.0 is whole */
	if (value->kind == AST_FLOAT && strcmp(type->name, "Int") == 0)
	{
		value->kind = AST_INT;
		value->name = pnstrdup(value->name, strcspn(value->name, "."));
	}
	return true;
}

static Ast *
given_value(Jsonb *given, const char *name)
{
	JsonbValue *v = given && JB_ROOT_IS_OBJECT(given) ? getKeyJsonValueFromContainer(&given->root, name, strlen(name), NULL) : NULL;

	return v ? ast_of_json(v) : NULL;
}

void
coerce_variables(Execution *x, Jsonb *given)
{
	for (Ast *definition = x->operation->variables; definition; definition = definition->next)
	{
		GType *type = type_of_ast(x->schema, definition->type);
		GVariable *v = palloc0(sizeof(GVariable));

		v->name = definition->name;
		v->value = given_value(given, definition->name);
		if (v->value)
			(void) fits(x, definition, "", type, v->value);
		else if (definition->value)
			v->value = definition->value;
		else if (type->kind == G_NON_NULL)
			(void) refuse(x, definition, "", psprintf("%s must be given", g_print(type)));
		x->variables = lappend(x->variables, v);
	}
}

/* NULL: it was not given */
static Ast *
variable_value(Execution *x, const char *name)
{
	ListCell *cell;

	foreach (cell, x->variables)
	{
		GVariable *v = lfirst(cell);

		if (strcmp(v->name, name) == 0)
			return v->value;
	}
	return NULL;
}

/* -- arguments -- */

/* A copy in which variables are their values; a member whose variable was not given is not there, an element is null */
static Ast *
put_in(Execution *x, const Ast *value)
{
	Ast *copy;
	Ast **last;

	check_stack_depth();
	if (value->kind == AST_VARIABLE)
	{
		Ast *given = variable_value(x, value->name);

		if (given == NULL)
			return NULL;
		copy = palloc(sizeof(Ast));
		*copy = *given;
		copy->line = value->line;
		copy->column = value->column;
		copy->next = NULL;
		return copy;
	}
	copy = palloc(sizeof(Ast));
	*copy = *value;
	copy->next = NULL;
	if (value->kind != AST_LIST && value->kind != AST_OBJECT)
		return copy;
	copy->value = NULL;
	last = &copy->value;
	for (const Ast *one = value->value; one; one = one->next)
	{
		Ast *put = put_in(x, value->kind == AST_OBJECT ? one->value : one);

		if (value->kind == AST_OBJECT && put)
		{
			Ast *argument = palloc(sizeof(Ast));

			*argument = *one;
			argument->next = NULL;
			argument->value = put;
			put = argument;
		}
		else if (value->kind == AST_LIST && put == NULL)
			put = new_value(AST_NULL, NULL);
		if (put == NULL)
			continue;
		*last = put;
		last = &put->next;
	}
	return copy;
}

Ast *
argument_of(Execution *x, const Ast *field, const char *name)
{
	Ast *argument = find_named(field->arguments, name);

	return argument ? put_in(x, argument->value) : NULL;
}
