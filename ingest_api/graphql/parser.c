/*
 * parser.c
 *		A document into its tree: what can be executed, as the specification has it.
 *
 * By descent, a function for each thing.  Once something is wrong, only the document's
 * end follows, so that every loop ends.
 */
#include "postgres.h"

#include "ingest_api/graphql/ast.h"
#include "ingest_api/graphql/lexer.h"
#include "miscadmin.h"
#include "utils/json.h"

typedef struct Parser
{
	Lexer lexer;
	Token token;
	int tokens;
	bool too_long;
} Parser;

static Ast *parse_value(Parser *p, bool constant);
static Ast *parse_selections(Parser *p);
static Ast *parse_type(Parser *p);

/* -- tokens -- */

static void
advance(Parser *p)
{
	p->token = lexer_next(&p->lexer);
	if (p->token.kind != TOKEN_END && ++p->tokens > MOST_TOKENS)
	{
		p->too_long = p->lexer.error == NULL;
		lexer_fail(&p->lexer, p->token.line, p->token.column, psprintf("a document has at most %d tokens", MOST_TOKENS));
		p->token.kind = TOKEN_END;
	}
}

static void
fail(Parser *p, const char *expected)
{
	const Token *t = &p->token;
	const char *found = t->kind == TOKEN_END ? "the end of the document" : t->kind == TOKEN_SPREAD   ? "\"...\""
																	   : t->kind == TOKEN_PUNCTUATOR ? psprintf("\"%c\"", t->punctuator)
																	   : t->kind == TOKEN_NAME       ? psprintf("\"%.60s\"", t->text)
																	   : t->kind == TOKEN_STRING     ? "a string"
																									 : "a number";

	lexer_fail(&p->lexer, t->line, t->column, psprintf("%s is expected, not %s", expected, found));
	p->token.kind = TOKEN_END;
}

static bool
at(const Parser *p, char punctuator)
{
	return p->token.kind == TOKEN_PUNCTUATOR && p->token.punctuator == punctuator;
}

static bool
at_word(const Parser *p, const char *word)
{
	return p->token.kind == TOKEN_NAME && strcmp(p->token.text, word) == 0;
}

static bool
pass(Parser *p, char punctuator)
{
	if (!at(p, punctuator))
		return false;
	advance(p);
	return true;
}

static void
need(Parser *p, char punctuator)
{
	if (!pass(p, punctuator))
		fail(p, psprintf("\"%c\"", punctuator));
}

static const char *
need_name(Parser *p)
{
	const char *name = p->token.text;

	if (p->token.kind != TOKEN_NAME)
	{
		fail(p, "a name");
		return "";
	}
	advance(p);
	return name;
}

static Ast *
new_ast(const Parser *p, AstKind kind)
{
	Ast *ast = palloc0(sizeof(Ast));

	ast->kind = kind;
	ast->line = p->token.line;
	ast->column = p->token.column;
	return ast;
}

/* Behind the last one */
static Ast **
append(Ast **last, Ast *one)
{
	*last = one;
	return &one->next;
}

/* -- values and types -- */

static Ast *
parse_word(Parser *p)
{
	Ast *value = new_ast(p, AST_ENUM);

	value->name = need_name(p);
	if (strcmp(value->name, "true") == 0 || strcmp(value->name, "false") == 0)
		value->kind = AST_BOOLEAN;
	else if (strcmp(value->name, "null") == 0)
		value->kind = AST_NULL;
	return value;
}

static Ast *
parse_list(Parser *p, bool constant)
{
	Ast *list = new_ast(p, AST_LIST);
	Ast **last = &list->value;

	need(p, '[');
	while (!at(p, ']') && p->token.kind != TOKEN_END)
		last = append(last, parse_value(p, constant));
	need(p, ']');
	return list;
}

static Ast *
parse_argument(Parser *p, bool constant)
{
	Ast *argument = new_ast(p, AST_ARGUMENT);

	argument->name = need_name(p);
	need(p, ':');
	argument->value = parse_value(p, constant);
	return argument;
}

static Ast *
parse_object(Parser *p, bool constant)
{
	Ast *object = new_ast(p, AST_OBJECT);
	Ast **last = &object->value;

	need(p, '{');
	while (!at(p, '}') && p->token.kind != TOKEN_END)
		last = append(last, parse_argument(p, constant));
	need(p, '}');
	return object;
}

static Ast *
parse_literal(Parser *p, AstKind kind)
{
	Ast *value = new_ast(p, kind);

	value->name = p->token.text;
	advance(p);
	return value;
}

static Ast *
parse_variable(Parser *p)
{
	Ast *variable = new_ast(p, AST_VARIABLE);

	need(p, '$');
	variable->name = need_name(p);
	return variable;
}

static Ast *
parse_value(Parser *p, bool constant)
{
	check_stack_depth();
	switch (p->token.kind)
	{
		case TOKEN_INT:
			return parse_literal(p, AST_INT);
		case TOKEN_FLOAT:
			return parse_literal(p, AST_FLOAT);
		case TOKEN_STRING:
			return parse_literal(p, AST_STRING);
		case TOKEN_NAME:
			return parse_word(p);
		default:
			break;
	}
	if (at(p, '['))
		return parse_list(p, constant);
	if (at(p, '{'))
		return parse_object(p, constant);
	if (at(p, '$') && !constant)
		return parse_variable(p);
	fail(p, constant ? "a value without variables" : "a value");
	return new_ast(p, AST_NULL);
}

static Ast *
parse_named_type(Parser *p)
{
	Ast *type = new_ast(p, AST_NAMED_TYPE);

	type->name = need_name(p);
	return type;
}

static Ast *
parse_type(Parser *p)
{
	Ast *type,
		*outer;

	check_stack_depth();
	if (at(p, '['))
	{
		type = new_ast(p, AST_LIST_TYPE);
		advance(p);
		type->type = parse_type(p);
		need(p, ']');
	}
	else
		type = parse_named_type(p);
	if (!at(p, '!'))
		return type;
	outer = new_ast(p, AST_NON_NULL_TYPE);
	outer->line = type->line;
	outer->column = type->column;
	outer->type = type;
	advance(p);
	return outer;
}

/* -- what a selection has -- */

static Ast *
parse_arguments(Parser *p, bool constant)
{
	Ast *first = NULL;
	Ast **last = &first;

	if (!pass(p, '('))
		return NULL;
	do
		last = append(last, parse_argument(p, constant));
	while (!at(p, ')') && p->token.kind != TOKEN_END);
	need(p, ')');
	return first;
}

static Ast *
parse_directives(Parser *p, bool constant)
{
	Ast *first = NULL;
	Ast **last = &first;

	while (at(p, '@'))
	{
		Ast *directive = new_ast(p, AST_DIRECTIVE);

		advance(p);
		directive->name = need_name(p);
		directive->arguments = parse_arguments(p, constant);
		last = append(last, directive);
	}
	return first;
}

static Ast *
parse_field(Parser *p)
{
	Ast *field = new_ast(p, AST_FIELD);

	field->name = need_name(p);
	if (pass(p, ':'))
	{
		field->alias = field->name;
		field->name = need_name(p);
	}
	field->arguments = parse_arguments(p, false);
	field->directives = parse_directives(p, false);
	if (at(p, '{'))
		field->selections = parse_selections(p);
	return field;
}

/* Behind the three points */
static Ast *
parse_fragment_use(Parser *p)
{
	Ast *use = new_ast(p, AST_INLINE);

	advance(p);
	if (p->token.kind == TOKEN_NAME && !at_word(p, "on"))
	{
		use->kind = AST_SPREAD;
		use->name = need_name(p);
		use->directives = parse_directives(p, false);
		return use;
	}
	if (at_word(p, "on"))
	{
		advance(p);
		use->type = parse_named_type(p);
	}
	use->directives = parse_directives(p, false);
	use->selections = parse_selections(p);
	return use;
}

static Ast *
parse_selections(Parser *p)
{
	Ast *first = NULL;
	Ast **last = &first;

	check_stack_depth();
	need(p, '{');
	do
		last = append(last, p->token.kind == TOKEN_SPREAD ? parse_fragment_use(p) : parse_field(p));
	while (!at(p, '}') && p->token.kind != TOKEN_END);
	need(p, '}');
	return first;
}

/* -- definitions -- */

static void
pass_description(Parser *p)
{
	if (p->token.kind == TOKEN_STRING)
		advance(p);
}

static Ast *
parse_variable_definition(Parser *p)
{
	Ast *definition;

	pass_description(p);
	definition = new_ast(p, AST_VARIABLE_DEFINITION);
	need(p, '$');
	definition->name = need_name(p);
	need(p, ':');
	definition->type = parse_type(p);
	if (pass(p, '='))
		definition->value = parse_value(p, true);
	definition->directives = parse_directives(p, true);
	return definition;
}

static Ast *
parse_variable_definitions(Parser *p)
{
	Ast *first = NULL;
	Ast **last = &first;

	if (!pass(p, '('))
		return NULL;
	do
		last = append(last, parse_variable_definition(p));
	while (!at(p, ')') && p->token.kind != TOKEN_END);
	need(p, ')');
	return first;
}

static Ast *
parse_operation(Parser *p)
{
	Ast *operation = new_ast(p, AST_OPERATION);

	operation->operation = at_word(p, "mutation") ? OPERATION_MUTATION : at_word(p, "subscription") ? OPERATION_SUBSCRIPTION
																									: OPERATION_QUERY;
	if (!at(p, '{'))
	{
		advance(p);
		if (p->token.kind == TOKEN_NAME)
			operation->name = need_name(p);
		operation->variables = parse_variable_definitions(p);
		operation->directives = parse_directives(p, false);
	}
	operation->selections = parse_selections(p);
	return operation;
}

static Ast *
parse_fragment(Parser *p)
{
	Ast *fragment = new_ast(p, AST_FRAGMENT);

	advance(p);
	if (at_word(p, "on"))
		fail(p, "the name of a fragment");
	fragment->name = need_name(p);
	if (!at_word(p, "on"))
		fail(p, "\"on\"");
	advance(p);
	fragment->type = parse_named_type(p);
	fragment->directives = parse_directives(p, false);
	fragment->selections = parse_selections(p);
	return fragment;
}

static Ast *
parse_definition(Parser *p)
{
	bool described = p->token.kind == TOKEN_STRING;

	pass_description(p);
	if (at_word(p, "fragment"))
		return parse_fragment(p);
	if ((at(p, '{') && !described) || at_word(p, "query") || at_word(p, "mutation") || at_word(p, "subscription"))
		return parse_operation(p);
	fail(p, "an operation or a fragment");
	return NULL;
}

Document *
graphql_parse(const char *text, size_t n)
{
	Document *document = palloc0(sizeof(Document));
	Parser p = {0};
	Ast **last = &document->definitions;

	lexer_begin(&p.lexer, text, n);
	advance(&p);
	do
	{
		Ast *definition = parse_definition(&p);

		if (definition)
			last = append(last, definition);
	} while (p.token.kind != TOKEN_END);
	document->error = p.lexer.error;
	document->too_long = p.too_long;
	document->line = p.lexer.error_line;
	document->column = p.lexer.error_column;
	return document;
}

const char *
ast_response_name(const Ast *field)
{
	return field->alias ? field->alias : field->name;
}

/* -- values as text -- */

void
ast_print(StringInfo out, const Ast *value)
{
	bool object = value->kind == AST_OBJECT;

	check_stack_depth();
	switch (value->kind)
	{
		case AST_STRING:
			escape_json(out, value->name);
			break;
		case AST_VARIABLE:
			appendStringInfo(out, "$%s", value->name);
			break;
		case AST_NULL:
			appendStringInfoString(out, "null");
			break;
		case AST_LIST:
		case AST_OBJECT:
			appendStringInfoChar(out, object ? '{' : '[');
			for (const Ast *one = value->value; one; one = one->next)
			{
				if (object)
					appendStringInfo(out, "%s: ", one->name);
				ast_print(out, object ? one->value : one);
				if (one->next)
					appendStringInfoString(out, ", ");
			}
			appendStringInfoChar(out, object ? '}' : ']');
			break;
		default:
			appendStringInfoString(out, value->name);
	}
}

void
ast_json(StringInfo out, const Ast *value)
{
	bool object = value->kind == AST_OBJECT;

	check_stack_depth();
	switch (value->kind)
	{
		case AST_STRING:
		case AST_ENUM:
			escape_json(out, value->name);
			break;
		case AST_LIST:
		case AST_OBJECT:
			appendStringInfoChar(out, object ? '{' : '[');
			for (const Ast *one = value->value; one; one = one->next)
			{
				if (object)
				{
					escape_json(out, one->name);
					appendStringInfoChar(out, ':');
				}
				ast_json(out, object ? one->value : one);
				if (one->next)
					appendStringInfoChar(out, ',');
			}
			appendStringInfoChar(out, object ? '}' : ']');
			break;
		case AST_NULL:
			appendStringInfoString(out, "null");
			break;
		default:
			appendStringInfoString(out, value->name);
	}
}
