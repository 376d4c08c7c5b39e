/*
 * validate.c
 *		Whether a document can be executed: the rules of the specification, each error with its rule's name.
 *
 * One walk through each definition looks at all that stands in it, and notes the variables
 * and fragments that are used; rules on these come after.  Where something is unknown, no
 * more is said of what stands within.  merge.c has the rule on fields of one name.
 */
#include "postgres.h"

#include "ingest_api/graphql/execute.h"
#include "ingest_api/graphql/meta.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* A variable where it is used; a place that has a default may be given none */
typedef struct Usage
{
	const Ast *variable;
	GType *type; /* NULL: unknown */
	bool has_default;
} Usage;

typedef struct Walked
{
	Ast *definition;
	List *usages;
	List *spreads; /* Ast */
} Walked;

typedef struct Validation
{
	GSchema *schema;
	Document *document;
	List *errors;
	List *walked; /* Walked */
	Walked *now;
	bool circular; /* a fragment leads to itself */
} Validation;

#define WRONG(v, rule, where, ...) ((void) error_add(&(v)->errors, CODE_VALIDATION, rule, where, __VA_ARGS__))

/* Of two of a name, which is wrong and told, the last one is looked at, as graphql-js does */
Ast *
find_fragment(const Document *document, const char *name)
{
	Ast *found = NULL;

	for (Ast *d = document->definitions; d; d = d->next)
		if (d->kind == AST_FRAGMENT && strcmp(d->name, name) == 0)
			found = d;
	return found;
}

GType *
type_of_ast(GSchema *schema, const Ast *type)
{
	GType *of;

	check_stack_depth();
	if (type->kind == AST_NAMED_TYPE)
		return schema_type(schema, type->name);
	of = type_of_ast(schema, type->type);
	if (of == NULL)
		return NULL;
	return type->kind == AST_LIST_TYPE ? g_list(of) : g_non_null(of);
}

static bool
stands_before(const Ast *first, const Ast *one)
{
	for (; first != one; first = first->next)
		if (first->kind == one->kind && first->name && one->name && strcmp(first->name, one->name) == 0)
			return true;
	return false;
}

static Ast *
find_named(Ast *first, const char *name)
{
	for (Ast *one = first; one; one = one->next)
		if (strcmp(one->name, name) == 0)
			return one;
	return NULL;
}

/* -- values -- */

static void walk_value(Validation *v, Ast *value, GType *type, bool has_default, bool silent);

static char *
printed(const Ast *value)
{
	StringInfoData out;

	initStringInfo(&out);
	ast_print(&out, value);
	if (out.len > 100)
		strcpy(out.data + pg_mbcliplen(out.data, out.len, 90), " ...");
	return out.data;
}

static void
check_leaf(Validation *v, const Ast *value, GType *type)
{
	GType *named = g_named(type);

	if (type == NULL)
		return;
	if (!type_is_leaf(named) || !leaf_accepts(named, value, true))
		WRONG(v, "ValuesOfCorrectType", value, "%s is expected, not %s", g_print(type), printed(value));
}

static void
walk_object(Validation *v, Ast *value, GType *type, bool silent)
{
	GType *named = g_named(type);
	bool known = named && named->kind == G_INPUT;
	ListCell *cell;

	if (!known && !silent)
		check_leaf(v, value, type);
	/* a filter needs nothing */
	foreach (cell, known && !silent && named->origin == ORIGIN_PLAIN ? type_fields(named) : NIL)
	{
		GField *f = lfirst(cell);

		if (f->type->kind == G_NON_NULL && f->default_text == NULL && find_named(value->value, f->name) == NULL)
			WRONG(v, "ValuesOfCorrectType", value, "\"%s\" of %s is missing", f->name, named->name);
	}
	for (Ast *one = value->value; one; one = one->next)
	{
		GField *f = known ? type_field(named, one->name) : NULL;

		if (stands_before(value->value, one))
			WRONG(v, "UniqueInputFieldNames", one, "\"%s\" appears twice", one->name);
		if (known && f == NULL && !silent)
			WRONG(v, "ValuesOfCorrectType", one, "%s has no member \"%s\"", named->name, one->name);
		walk_value(v, one->value, f ? f->type : NULL, f && f->default_text, silent || !known);
	}
}

static void
walk_list(Validation *v, Ast *value, GType *type, bool silent)
{
	GType *list = g_nullable(type);
	bool known = list && list->kind == G_LIST;

	if (!known && !silent)
		check_leaf(v, value, type);
	for (Ast *one = value->value; one; one = one->next)
		walk_value(v, one, known ? list->of : list, false, silent || !known);
}

/* silent: what is around it is wrong already, or takes anything */
static void
walk_value(Validation *v, Ast *value, GType *type, bool has_default, bool silent)
{
	check_stack_depth();
	if (value->kind == AST_VARIABLE)
	{
		Usage *u = palloc0(sizeof(Usage));

		u->variable = value;
		u->type = type;
		u->has_default = has_default;
		v->now->usages = lappend(v->now->usages, u);
	}
	else if (value->kind == AST_LIST)
		walk_list(v, value, type, silent);
	else if (value->kind == AST_OBJECT)
		walk_object(v, value, type, silent);
	else if (silent)
		return;
	else if (value->kind != AST_NULL)
		check_leaf(v, value, type);
	else if (type && type->kind == G_NON_NULL)
		WRONG(v, "ValuesOfCorrectType", value, "%s is never null", g_print(type));
}

/* Of a field or directive, of which what it takes is known; NULL: it is not known */
static void
walk_arguments(Validation *v, Ast *owner, const GField *field)
{
	ListCell *cell;

	for (Ast *one = owner->arguments; one; one = one->next)
	{
		GField *f = field ? field_argument(field, one->name) : NULL;

		if (stands_before(owner->arguments, one))
			WRONG(v, "UniqueArgumentNames", one, "\"%s\" is given twice", one->name);
		if (field && f == NULL)
			WRONG(v, "KnownArgumentNames", one, "\"%s\" takes no \"%s\"", owner->name, one->name);
		walk_value(v, one->value, f ? f->type : NULL, f && f->default_text, false);
	}
	foreach (cell, field ? field->arguments : NIL)
	{
		const GField *f = lfirst(cell);

		if (f->type->kind == G_NON_NULL && f->default_text == NULL && find_named(owner->arguments, f->name) == NULL)
			WRONG(v, "ProvidedRequiredArguments", owner, "\"%s\" needs \"%s\" of type %s", owner->name, f->name, g_print(f->type));
	}
}

static void
walk_directives(Validation *v, Ast *owner, const char *location)
{
	for (Ast *one = owner->directives; one; one = one->next)
	{
		GDirective *d = directive_named(v->schema, one->name);

		if (d == NULL)
			WRONG(v, "KnownDirectives", one, "there is no directive \"@%s\"", one->name);
		else if (!directive_stands_at(d, location))
			WRONG(v, "KnownDirectives", one, "\"@%s\" is not allowed at a %s", one->name, location);
		if (d && stands_before(owner->directives, one))
			WRONG(v, "UniqueDirectivesPerLocation", one, "\"@%s\" appears here twice", one->name);
		walk_arguments(v, one, d ? d->field : NULL);
	}
}

/* -- selections -- */

static void walk_selections(Validation *v, Ast *selections, GType *parent);

static void
walk_field(Validation *v, Ast *field, GType *parent)
{
	GField *f = parent ? type_field(parent, field->name) : NULL;
	GType *named = f ? g_named(f->type) : NULL;

	if (parent && f == NULL)
		WRONG(v, "FieldsOnCorrectType", field, "%s has no field \"%s\"", parent->name, field->name);
	if (named && type_is_leaf(named) && field->selections)
		WRONG(v, "ScalarLeafs", field->selections, "\"%s\" is a value of %s: nothing is selected of it", field->name, g_print(f->type));
	if (named && !type_is_leaf(named) && field->selections == NULL)
		WRONG(v, "ScalarLeafs", field, "\"%s\" is of %s: what of it is asked for? { ... }", field->name, g_print(f->type));
	walk_arguments(v, field, f);
	walk_directives(v, field, "FIELD");
	walk_selections(v, field->selections, named && type_is_composite(named) ? named : NULL);
}

static bool
overlap(GType *a, GType *b)
{
	return type_includes(a, b) || type_includes(b, a);
}

/* The type that it is of; NULL: it is none that has fields */
static GType *
condition_type(Validation *v, const Ast *fragment, bool say)
{
	GType *type = schema_type(v->schema, fragment->type->name);

	if (type && type_is_composite(type))
		return type;
	if (say && type == NULL)
		WRONG(v, "KnownTypeNames", fragment->type, "there is no type \"%s\"", fragment->type->name);
	else if (say)
		WRONG(v, "FragmentsOnCompositeTypes", fragment->type, "%s has no fields", fragment->type->name);
	return NULL;
}

static void
walk_inline(Validation *v, Ast *fragment, GType *parent)
{
	GType *type = fragment->type ? condition_type(v, fragment, true) : parent;

	if (type && parent && !overlap(type, parent))
		WRONG(v, "PossibleFragmentSpreads", fragment, "%s is never %s", parent->name, type->name);
	walk_directives(v, fragment, "INLINE_FRAGMENT");
	walk_selections(v, fragment->selections, type);
}

static void
walk_spread(Validation *v, Ast *spread, GType *parent)
{
	Ast *fragment = find_fragment(v->document, spread->name);
	GType *type = fragment ? condition_type(v, fragment, false) : NULL;

	if (fragment == NULL)
		WRONG(v, "KnownFragmentNames", spread, "there is no fragment \"%s\"", spread->name);
	if (type && parent && !overlap(type, parent))
		WRONG(v, "PossibleFragmentSpreads", spread, "%s is never %s, which fragment \"%s\" is of", parent->name, type->name, spread->name);
	v->now->spreads = lappend(v->now->spreads, spread);
	walk_directives(v, spread, "FRAGMENT_SPREAD");
}

static void
walk_selections(Validation *v, Ast *selections, GType *parent)
{
	check_stack_depth();
	for (Ast *one = selections; one; one = one->next)
		if (one->kind == AST_FIELD)
			walk_field(v, one, parent);
		else if (one->kind == AST_INLINE)
			walk_inline(v, one, parent);
		else
			walk_spread(v, one, parent);
}

/* -- definitions -- */

static const Ast *
innermost(const Ast *type)
{
	while (type->type)
		type = type->type;
	return type;
}

static void
walk_variables(Validation *v, Ast *operation)
{
	for (Ast *one = operation->variables; one; one = one->next)
	{
		GType *type = type_of_ast(v->schema, one->type);

		if (stands_before(operation->variables, one))
			WRONG(v, "UniqueVariableNames", one, "there are two variables \"$%s\"", one->name);
		if (type == NULL)
			WRONG(v, "KnownTypeNames", one->type, "there is no type \"%s\"", innermost(one->type)->name);
		else if (!type_is_input(g_named(type)))
		{
			WRONG(v, "VariablesAreInputTypes", one->type, "a variable cannot be of %s", g_print(type));
			type = NULL;
		}
		if (one->value)
			walk_value(v, one->value, type, false, false);
		walk_directives(v, one, "VARIABLE_DEFINITION");
	}
}

GType *
root_type(GSchema *schema, const Ast *operation)
{
	switch (operation->operation)
	{
		case OPERATION_QUERY:
			return schema->query;
		case OPERATION_MUTATION:
			return schema->mutation;
		case OPERATION_SUBSCRIPTION:
			return schema->subscription;
	}
	return NULL;
}

static void
walk_definition(Validation *v, Ast *d)
{
	static const char *const locations[] = {"QUERY", "MUTATION", "SUBSCRIPTION"};

	v->now = palloc0(sizeof(Walked));
	v->now->definition = d;
	v->walked = lappend(v->walked, v->now);
	if (d->kind == AST_OPERATION)
		walk_variables(v, d);
	if (d->kind == AST_OPERATION && d->operation == OPERATION_SUBSCRIPTION && v->schema->subscription)
		check_subscription(v->document, d, &v->errors);
	walk_directives(v, d, d->kind == AST_OPERATION ? locations[d->operation] : "FRAGMENT_DEFINITION");
	walk_selections(v, d->selections, d->kind == AST_OPERATION ? root_type(v->schema, d) : condition_type(v, d, true));
}

static void
check_names(Validation *v)
{
	int operations = 0;

	for (Ast *d = v->document->definitions; d; d = d->next)
		operations += d->kind == AST_OPERATION;
	for (Ast *d = v->document->definitions; d; d = d->next)
	{
		if (d->kind == AST_OPERATION && d->name == NULL && operations > 1)
			WRONG(v, "LoneAnonymousOperation", d, "an operation without a name must be the only one");
		if (stands_before(v->document->definitions, d))
			WRONG(v, d->kind == AST_OPERATION ? "UniqueOperationNames" : "UniqueFragmentNames", d, "there are two of the name \"%s\"", d->name);
	}
}

/* -- fragments -- */

static Walked *
walked_of(Validation *v, const Ast *definition)
{
	ListCell *cell;

	foreach (cell, v->walked)
	{
		Walked *w = lfirst(cell);

		if (w->definition == definition)
			return w;
	}
	return NULL;
}

/* It, and what it uses, and so on */
static void
reach(Validation *v, Walked *from, List **reached)
{
	ListCell *cell;

	check_stack_depth();
	if (from == NULL || list_member_ptr(*reached, from))
		return;
	*reached = lappend(*reached, from);
	foreach (cell, from->spreads)
	{
		Ast *fragment = find_fragment(v->document, ((Ast *) lfirst(cell))->name);

		if (fragment)
			reach(v, walked_of(v, fragment), reached);
	}
}

static bool
is_named(const List *names, const char *name)
{
	const ListCell *cell;

	foreach (cell, names)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

/* By names, each once, as graphql-js goes: so that both say the same where two have one name */
static void
check_cycles(Validation *v, Ast *fragment, List **visited, List **path)
{
	ListCell *cell;

	check_stack_depth();
	if (is_named(*visited, fragment->name))
		return;
	*visited = lappend(*visited, (void *) fragment->name);
	*path = lappend(*path, (void *) fragment->name);
	foreach (cell, walked_of(v, fragment)->spreads)
	{
		Ast *spread = lfirst(cell);
		Ast *next = find_fragment(v->document, spread->name);

		if (is_named(*path, spread->name))
		{
			v->circular = true;
			WRONG(v, "NoFragmentCycles", spread, "fragment \"%s\" leads to itself", spread->name);
		}
		else if (next)
			check_cycles(v, next, visited, path);
	}
	*path = list_delete_last(*path);
}

static void
check_fragments(Validation *v)
{
	List *used = NIL,
		 *visited = NIL,
		 *path = NIL;
	ListCell *cell;

	foreach (cell, v->walked)
		if (((Walked *) lfirst(cell))->definition->kind == AST_OPERATION)
			reach(v, lfirst(cell), &used);
	foreach (cell, v->walked)
	{
		Walked *w = lfirst(cell);

		if (w->definition->kind != AST_FRAGMENT)
			continue;
		check_cycles(v, w->definition, &visited, &path);
		if (!list_member_ptr(used, w) && !list_member_ptr(used, walked_of(v, find_fragment(v->document, w->definition->name))))
			WRONG(v, "NoUnusedFragments", w->definition, "fragment \"%s\" is not used", w->definition->name);
	}
}

/* -- variables -- */

static bool
is_subtype(const GType *type, const GType *of)
{
	if (of->kind == G_NON_NULL)
		return type->kind == G_NON_NULL && is_subtype(type->of, of->of);
	if (type->kind == G_NON_NULL)
		return is_subtype(type->of, of);
	if (of->kind == G_LIST)
		return type->kind == G_LIST && is_subtype(type->of, of->of);
	return type == of;
}

static bool
may_stand(const GType *type, const Ast *default_value, const Usage *u)
{
	if (u->type->kind != G_NON_NULL || type->kind == G_NON_NULL)
		return is_subtype(type, u->type);
	if ((default_value == NULL || default_value->kind == AST_NULL) && !u->has_default)
		return false;
	return is_subtype(type, u->type->of);
}

static void
check_usage(Validation *v, const Ast *operation, const Usage *u)
{
	const Ast *definition = NULL;
	GType *type;

	/* of two of a name the last one is meant, as of fragments */
	for (const Ast *one = operation->variables; one; one = one->next)
		if (strcmp(one->name, u->variable->name) == 0)
			definition = one;
	type = definition ? type_of_ast(v->schema, definition->type) : NULL;

	if (definition == NULL)
		WRONG(v, "NoUndefinedVariables", u->variable, "there is no variable \"$%s\"", u->variable->name);
	else if (type && u->type && !may_stand(type, definition->value, u))
		WRONG(v, "VariablesInAllowedPosition", u->variable, "\"$%s\" of type %s is used where %s is needed",
			  u->variable->name, g_print(type), g_print(u->type));
}

static void
check_variables(Validation *v, Walked *w)
{
	List *reached = NIL,
		 *names = NIL;
	ListCell *cell,
		*use;

	reach(v, w, &reached);
	foreach (cell, reached)
		foreach (use, ((Walked *) lfirst(cell))->usages)
		{
			const Usage *u = lfirst(use);

			check_usage(v, w->definition, u);
			names = lappend(names, (char *) u->variable->name);
		}
	for (Ast *one = w->definition->variables; one; one = one->next)
	{
		bool used = false;

		foreach (cell, names)
			used = used || strcmp(lfirst(cell), one->name) == 0;
		if (!used)
			WRONG(v, "NoUnusedVariables", one, "variable \"$%s\" is not used", one->name);
	}
}

/* -- the whole -- */

/* Lists of types within types, of which each multiplies the answer */
static bool
is_deep(const Validation *v, const Ast *one, int depth, List *within)
{
	check_stack_depth();
	if (one->kind == AST_SPREAD)
	{
		const Ast *fragment = find_fragment(v->document, one->name);

		if (fragment == NULL || list_member_ptr(within, fragment))
			return false;
		return is_deep(v, fragment, depth, lappend(list_copy(within), (void *) fragment));
	}
	if (one->kind == AST_FIELD && (strcmp(one->name, "fields") == 0 || strcmp(one->name, "interfaces") == 0 || strcmp(one->name, "possibleTypes") == 0 || strcmp(one->name, "inputFields") == 0))
		if (++depth >= 3)
			return true;
	for (const Ast *below = one->selections; below; below = below->next)
		if (is_deep(v, below, depth, within))
			return true;
	return false;
}

static void
check_depth(Validation *v, const Ast *selections)
{
	for (const Ast *one = selections; one; one = one->next)
	{
		if (one->kind == AST_FIELD && (strcmp(one->name, "__schema") == 0 || strcmp(one->name, "__type") == 0) && is_deep(v, one, 0, NIL))
			WRONG(v, "MaxIntrospectionDepth", one, "lists within lists within lists of the schema are too much at once");
		else
			check_depth(v, one->selections);
	}
}

List *
graphql_validate(GSchema *schema, Document *document)
{
	Validation v = {.schema = schema, .document = document};
	ListCell *cell;

	check_names(&v);
	for (Ast *d = document->definitions; d; d = d->next)
	{
		walk_definition(&v, d);
		check_depth(&v, d->selections);
	}
	check_fragments(&v);
	foreach (cell, v.walked)
		if (((Walked *) lfirst(cell))->definition->kind == AST_OPERATION)
			check_variables(&v, lfirst(cell));
	/* what leads to itself has no end to look at */
	if (!v.circular)
		check_merging(schema, document, &v.errors);
	return v.errors;
}
