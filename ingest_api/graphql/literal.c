/*
 * literal.c
 *		Which values leaves take.
 */
#include "postgres.h"

#include <math.h>

#include "ingest_api/graphql/execute.h"
#include "utils/builtins.h"

static bool
is_int32(const char *text)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' && n >= PG_INT32_MIN && n <= PG_INT32_MAX;
}

/* JSON has no other numbers: 1.0 and 1e2 are whole */
static bool
is_whole(const char *text)
{
	double number = strtod(text, NULL);

	return number == floor(number) && number >= PG_INT32_MIN && number <= PG_INT32_MAX;
}

static bool
enum_has(GType *type, const char *name)
{
	ListCell *cell;

	foreach (cell, type_values(type))
		if (strcmp(((GValue *) lfirst(cell))->name, name) == 0)
			return true;
	return false;
}

/* Scalars that are not the language's own take whatever is written; what is none of theirs is told by PostgreSQL */
bool
leaf_accepts(GType *type, const Ast *value, bool in_document)
{
	AstKind kind = value->kind;

	if (type->kind == G_ENUM)
		return kind == (in_document ? AST_ENUM : AST_STRING) && enum_has(type, value->name);
	if (strcmp(type->name, "Int") == 0)
		return (kind == AST_INT && is_int32(value->name)) || (kind == AST_FLOAT && !in_document && is_whole(value->name));
	if (strcmp(type->name, "Float") == 0)
		return (kind == AST_INT || kind == AST_FLOAT) && isfinite(strtod(value->name, NULL));
	if (strcmp(type->name, "String") == 0)
		return kind == AST_STRING;
	if (strcmp(type->name, "Boolean") == 0)
		return kind == AST_BOOLEAN;
	if (strcmp(type->name, "ID") == 0)
		return kind == AST_STRING || kind == AST_INT;
	return true;
}
