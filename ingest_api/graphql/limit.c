/*
 * limit.c
 *		An operation asks for no more than an answer should hold: fields and aliases, counted as often as fragments bring them, and depth.
 *
 * Before anything else, which is then bounded by it.
 */
#include "postgres.h"

#include "ingest_api/graphql/execute.h"
#include "miscadmin.h"

#define MOST_DEPTH 10
#define MOST_FIELDS 500
#define MOST_ALIASES 100
#define LONGEST_NAME 63
/* Fragments that lead to others which lead to others */
#define MOST_STEPS 10000

typedef struct Count
{
	const Document *document;
	int fields;
	int aliases;
	int steps;
	int depth;
	List *within; /* fragments: one that leads to itself is told by validation */
	const Ast *too_deep;
	const Ast *too_long;
} Count;

static bool
is_full(const Count *c)
{
	return c->fields > MOST_FIELDS || c->aliases > MOST_ALIASES || c->steps > MOST_STEPS || c->too_deep || c->too_long;
}

/* meta: below __schema, which is deep by nature */
static void
count(Count *c, const Ast *selections, int depth, bool meta)
{
	check_stack_depth();
	for (const Ast *one = selections; one && !is_full(c); one = one->next)
	{
		Ast *fragment;

		c->steps++;
		if (one->kind == AST_FIELD)
		{
			bool below = meta || strcmp(one->name, "__schema") == 0 || strcmp(one->name, "__type") == 0;

			c->fields++;
			c->aliases += one->alias != NULL;
			if (strlen(ast_response_name(one)) > LONGEST_NAME)
				c->too_long = one;
			if (depth > MOST_DEPTH && !below)
				c->too_deep = one;
			count(c, one->selections, depth + 1, below);
		}
		else if (one->kind == AST_INLINE)
			count(c, one->selections, depth, meta);
		else if ((fragment = find_fragment(c->document, one->name)) != NULL && !list_member_ptr(c->within, fragment))
		{
			c->within = lappend(c->within, fragment);
			count(c, fragment->selections, depth, meta);
			c->within = list_delete_last(c->within);
		}
	}
}

void
check_limits(Document *document, List **errors)
{
	for (Ast *d = document->definitions; d; d = d->next)
	{
		Count c = {.document = document};

		/* a fragment that nobody uses is gone through by validation, too */
		count(&c, d->selections, 1, d->kind == AST_FRAGMENT);
		if (c.too_deep)
			error_add(errors, CODE_LIMIT, NULL, c.too_deep, "an operation is at most %d fields deep", MOST_DEPTH);
		else if (c.too_long)
			error_add(errors, CODE_LIMIT, NULL, c.too_long, "a field or alias has at most %d letters", LONGEST_NAME);
		else if (c.aliases > MOST_ALIASES)
			error_add(errors, CODE_LIMIT, NULL, d, "an operation has at most %d aliases", MOST_ALIASES);
		else if (c.fields > MOST_FIELDS || c.steps > MOST_STEPS)
			error_add(errors, CODE_LIMIT, NULL, d, "an operation asks for at most %d fields", MOST_FIELDS);
	}
}
