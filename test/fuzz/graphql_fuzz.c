/*
 * graphql_fuzz.c
 *		Fuzzes the reader of GraphQL: any bytes are a document or an error that says where.
 *
 * What must hold of every input: no fault of memory (the sanitizers); an error lies within
 * the document; what was read has names of the language; values that are written and read
 * once more are the same.
 */
#include "postgres.h"

#include "ingest_api/graphql/ast.h"
#include "ingest_api/graphql/lexer.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "test/fuzz/check.h"
#include "test/fuzz/standins.h"

/* -- stand-ins -- */

void
check_stack_depth(void)
{
}

char *
pg_any_to_server(const char *s, int len, int encoding)
{
	(void) len, (void) encoding;
	return (char *) s;
}

void
escape_json(StringInfo buf, const char *str)
{
	appendStringInfoChar(buf, '"');
	for (; *str; str++)
	{
		if (*str == '"' || *str == '\\')
			appendStringInfoChar(buf, '\\');
		if ((unsigned char) *str < ' ')
			appendStringInfo(buf, "\\u%04x", *str);
		else
			appendStringInfoChar(buf, *str);
	}
	appendStringInfoChar(buf, '"');
}

/* -- what holds -- */

static void
check_name(const char *name)
{
	CHECK(name != NULL && name[0] != '\0' && (name[0] < '0' || name[0] > '9'));
	for (; *name; name++)
		CHECK(*name == '_' || (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || (*name >= '0' && *name <= '9'));
}

static void
check_value(const Ast *value)
{
	StringInfoData once,
		again;
	Document *document;

	initStringInfo(&once);
	appendStringInfoString(&once, "{a(a:");
	ast_print(&once, value);
	appendStringInfoString(&once, ")}");
	document = graphql_parse(once.data, once.len);
	/* what stands in more than it was written with is too long at most */
	if (document->error && document->too_long)
		return;
	CHECK(document->error == NULL);
	initStringInfo(&again);
	appendStringInfoString(&again, "{a(a:");
	ast_print(&again, document->definitions->selections->arguments->value);
	appendStringInfoString(&again, ")}");
	CHECK(strcmp(once.data, again.data) == 0);
}

static void
check_tree(const Ast *ast)
{
	for (; ast; ast = ast->next)
	{
		CHECK(ast->line > 0 && ast->column > 0);
		if (ast->kind == AST_FIELD || ast->kind == AST_ARGUMENT || ast->kind == AST_DIRECTIVE || ast->kind == AST_SPREAD || ast->kind == AST_VARIABLE || ast->kind == AST_ENUM || ast->kind == AST_NAMED_TYPE)
			check_name(ast->name);
		if (ast->alias)
			check_name(ast->alias);
		check_tree(ast->variables);
		check_tree(ast->directives);
		check_tree(ast->arguments);
		check_tree(ast->selections);
		check_tree(ast->type);
		if (ast->kind == AST_ARGUMENT || ast->kind == AST_OBJECT || ast->kind == AST_LIST || ast->kind == AST_VARIABLE_DEFINITION)
			check_tree(ast->value);
	}
}

/* Of fields: their members are looked at with them */
static void
check_values(const Ast *selections)
{
	for (const Ast *one = selections; one; one = one->next)
	{
		for (const Ast *argument = one->arguments; argument; argument = argument->next)
			check_value(argument->value);
		check_values(one->selections);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size);
	Document *document;
	int lines = 1;

	/* no text of a database has NUL in it */
	if (memchr(data, 0, size))
	{
		free(text);
		return 0;
	}
	memcpy(text, data, size);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n' || text[i] == '\r';
	document = graphql_parse(text, size);
	if (document->error)
		CHECK(document->line >= 1 && document->line <= lines && document->column >= 1 && document->column <= (int) size + 1);
	else
	{
		CHECK(document->definitions != NULL);
		check_tree(document->definitions);
		for (const Ast *d = document->definitions; d; d = d->next)
			check_values(d->selections);
	}
	forget_all();
	free(text);
	return 0;
}
