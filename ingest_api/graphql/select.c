/*
 * select.c
 *		What is asked for: fields, through fragments, without those that directives leave out.
 */
#include "postgres.h"

#include "ingest_api/graphql/execute.h"
#include "miscadmin.h"

static bool
directive_says(Execution *x, const Ast *selection, const char *name, bool otherwise)
{
	for (const Ast *d = selection->directives; d; d = d->next)
	{
		const Ast *value;

		if (strcmp(d->name, name) != 0)
			continue;
		value = argument_of(x, d, "if");
		return value && value->kind == AST_BOOLEAN ? strcmp(value->name, "true") == 0 : otherwise;
	}
	return otherwise;
}

static GSelected *
selected_named(List *all, const char *name)
{
	ListCell *cell;

	foreach (cell, all)
	{
		GSelected *s = lfirst(cell);

		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

static void
add_field(List **all, GType *type, Ast *ast)
{
	const char *name = ast_response_name(ast);
	GSelected *s = selected_named(*all, name);

	if (s == NULL)
	{
		s = palloc0(sizeof(GSelected));
		s->name = name;
		s->field = type_field(type, ast->name);
		*all = lappend(*all, s);
	}
	s->asts = lappend(s->asts, ast);
}

/* A fragment is gone through once */
static void
gather(Execution *x, GType *type, Ast *selections, List **all, List **seen)
{
	check_stack_depth();
	for (Ast *one = selections; one; one = one->next)
	{
		Ast *fragment = one;

		if (directive_says(x, one, "skip", false) || !directive_says(x, one, "include", true))
			continue;
		if (one->kind == AST_FIELD)
		{
			add_field(all, type, one);
			continue;
		}
		if (one->kind == AST_SPREAD)
		{
			fragment = find_fragment(x->document, one->name);
			if (list_member_ptr(*seen, fragment))
				continue;
			*seen = lappend(*seen, fragment);
		}
		if (fragment->type && !type_includes(schema_type(x->schema, fragment->type->name), type))
			continue;
		gather(x, type, fragment->selections, all, seen);
	}
}

List *
select_below(Execution *x, GType *type, List *asts)
{
	List *all = NIL,
		 *seen = NIL;
	ListCell *cell;

	foreach (cell, asts)
		gather(x, type, ((Ast *) lfirst(cell))->selections, &all, &seen);
	return all;
}

List *
select_operation(Execution *x, GType *type)
{
	return select_below(x, type, list_make1(x->operation));
}
