/*
 * merge.c
 *		Fields of one name in an answer: they are the same, or never both there, and look alike then, too.
 *
 * Not pair by pair, as the specification tells it, but all of one name at once: what they
 * select is looked at together, so that a document costs what it is long.
 */
#include "postgres.h"

#include "ingest_api/graphql/execute.h"
#include "miscadmin.h"

typedef struct Chosen
{
	const Ast *ast;
	GType *parent; /* NULL: unknown */
	GField *field; /* likewise */
} Chosen;

typedef struct Merging
{
	GSchema *schema;
	Document *document;
	List **errors;
	bool wrong; /* one error is enough for a definition */
} Merging;

static void
gather(Merging *m, const Ast *selections, GType *parent, List **all, List **seen)
{
	check_stack_depth();
	for (const Ast *one = selections; one; one = one->next)
	{
		const Ast *fragment = one;
		GType *type;

		if (one->kind == AST_FIELD)
		{
			Chosen *c = palloc(sizeof(Chosen));

			c->ast = one;
			c->parent = parent;
			c->field = parent ? type_field(parent, one->name) : NULL;
			*all = lappend(*all, c);
			continue;
		}
		if (one->kind == AST_SPREAD)
		{
			fragment = find_fragment(m->document, one->name);
			if (fragment == NULL || list_member_ptr(*seen, fragment))
				continue;
			*seen = lappend(*seen, (void *) fragment);
		}
		type = fragment->type ? schema_type(m->schema, fragment->type->name) : parent;
		gather(m, fragment->selections, type && type_is_composite(type) ? type : NULL, all, seen);
	}
}

/* What these select, together */
static List *
below(Merging *m, List *chosen)
{
	List *all = NIL;
	ListCell *cell;

	foreach (cell, chosen)
	{
		const Chosen *c = lfirst(cell);
		GType *named = c->field ? g_named(c->field->type) : NULL;
		List *seen = NIL;

		gather(m, c->ast->selections, named && type_is_composite(named) ? named : NULL, &all, &seen);
	}
	return all;
}

/* Those of the first one's name; the rest goes into rest */
static List *
of_one_name(List *chosen, List **rest)
{
	const char *name = ast_response_name(((Chosen *) linitial(chosen))->ast);
	List *group = NIL;
	ListCell *cell;

	*rest = NIL;
	foreach (cell, chosen)
		if (strcmp(ast_response_name(((Chosen *) lfirst(cell))->ast), name) == 0)
			group = lappend(group, lfirst(cell));
		else
			*rest = lappend(*rest, lfirst(cell));
	return group;
}

static void
conflict(Merging *m, const Chosen *a, const char *why)
{
	if (!m->wrong)
		error_add(m->errors, CODE_VALIDATION, "OverlappingFieldsCanBeMerged", a->ast, "two fields of the name \"%s\" cannot be one: %s; give one an alias", ast_response_name(a->ast), why);
	m->wrong = true;
}

/* -- shapes -- */

static bool
same_shape(const GType *a, const GType *b)
{
	if (a->of || b->of)
		return a->kind == b->kind && same_shape(a->of, b->of);
	return a == b || (!type_is_leaf(a) && !type_is_leaf(b));
}

static void
check_shapes(Merging *m, List *chosen)
{
	check_stack_depth();
	while (chosen != NIL && !m->wrong)
	{
		List *group = of_one_name(chosen, &chosen);
		const Chosen *first = NULL;
		ListCell *cell;

		foreach (cell, group)
		{
			const Chosen *c = lfirst(cell);

			if (c->field == NULL)
				continue;
			if (first && !same_shape(first->field->type, c->field->type))
				conflict(m, c, psprintf("one is %s, the other %s", g_print(first->field->type), g_print(c->field->type)));
			first = first ? first : c;
		}
		check_shapes(m, below(m, group));
	}
}

/* -- names and arguments -- */

static bool same_value(const Ast *a, const Ast *b);

static const Ast *
find_named(const Ast *first, const char *name)
{
	for (; first; first = first->next)
		if (strcmp(first->name, name) == 0)
			return first;
	return NULL;
}

static int
length(const Ast *first)
{
	int n = 0;

	for (; first; first = first->next)
		n++;
	return n;
}

/* In any order */
static bool
same_members(const Ast *a, const Ast *b)
{
	if (length(a) != length(b))
		return false;
	for (; a; a = a->next)
	{
		const Ast *other = find_named(b, a->name);

		if (other == NULL || !same_value(a->value, other->value))
			return false;
	}
	return true;
}

static bool
same_value(const Ast *a, const Ast *b)
{
	check_stack_depth();
	if (a->kind != b->kind)
		return false;
	if (a->kind == AST_OBJECT)
		return same_members(a->value, b->value);
	if (a->kind != AST_LIST)
		return strcmp(a->name, b->name) == 0;
	for (a = a->value, b = b->value; a && b; a = a->next, b = b->next)
		if (!same_value(a, b))
			return false;
	return a == b;
}

static void
check_same(Merging *m, List *group)
{
	const Chosen *first = linitial(group);
	ListCell *cell;

	foreach (cell, group)
	{
		const Chosen *c = lfirst(cell);

		/* a member that stands there twice makes nothing differ from itself */
		if (c->ast == first->ast)
			continue;
		if (strcmp(c->ast->name, first->ast->name) != 0)
			conflict(m, c, psprintf("these are \"%s\" and \"%s\"", first->ast->name, c->ast->name));
		else if (!same_members(first->ast->arguments, c->ast->arguments))
			conflict(m, c, "they are given other arguments");
	}
}

static bool
is_object(const GType *type)
{
	return type && type->kind == G_OBJECT;
}

static void
check_fields(Merging *m, List *chosen)
{
	check_stack_depth();
	while (chosen != NIL && !m->wrong)
	{
		List *group = of_one_name(chosen, &chosen),
			 *parents = NIL;
		ListCell *cell,
			*p;

		foreach (cell, group)
			if (is_object(((Chosen *) lfirst(cell))->parent))
				parents = list_append_unique_ptr(parents, ((Chosen *) lfirst(cell))->parent);
		if (parents == NIL)
			parents = list_make1(NULL);
		/* of two objects only one is there */
		foreach (p, parents)
		{
			List *together = NIL;

			foreach (cell, group)
				if (!is_object(((Chosen *) lfirst(cell))->parent) || ((Chosen *) lfirst(cell))->parent == lfirst(p))
					together = lappend(together, lfirst(cell));
			check_same(m, together);
			check_fields(m, below(m, together));
		}
	}
}

void
check_merging(GSchema *schema, Document *document, List **errors)
{
	for (Ast *d = document->definitions; d; d = d->next)
	{
		Merging m = {schema, document, errors, false};
		GType *type = d->kind == AST_FRAGMENT ? schema_type(schema, d->type->name) : root_type(schema, d);
		List *all = NIL,
			 *seen = NIL;

		gather(&m, d->selections, type && type_is_composite(type) ? type : NULL, &all, &seen);
		check_shapes(&m, all);
		check_fields(&m, all);
	}
}
