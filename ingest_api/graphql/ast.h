/*
 * ast.h
 *		Documents of GraphQL as trees.
 */
#ifndef GRAPHQL_AST_H
#define GRAPHQL_AST_H

#include "postgres.h"

#include "lib/stringinfo.h"

typedef enum AstKind
{
	AST_OPERATION,
	AST_FRAGMENT,
	AST_FIELD,
	AST_SPREAD,
	AST_INLINE,
	AST_VARIABLE_DEFINITION,
	AST_ARGUMENT, /* of a field or directive; a member of an object, too */
	AST_DIRECTIVE,
	AST_NAMED_TYPE,
	AST_LIST_TYPE,
	AST_NON_NULL_TYPE,
	AST_VARIABLE,
	AST_INT,
	AST_FLOAT,
	AST_STRING,
	AST_BOOLEAN,
	AST_NULL,
	AST_ENUM,
	AST_LIST,
	AST_OBJECT
} AstKind;

typedef enum OperationKind
{
	OPERATION_QUERY,
	OPERATION_MUTATION,
	OPERATION_SUBSCRIPTION
} OperationKind;

typedef struct Ast
{
	AstKind kind;
	OperationKind operation;
	int line; /* both from 1; 0: it was not in the document */
	int column;
	const char *name; /* of what is named; of a number, string, truth or enum its text */
	const char *alias;
	struct Ast *next;      /* beside it, in the same list */
	struct Ast *variables; /* of an operation */
	struct Ast *directives;
	struct Ast *arguments;
	struct Ast *selections;
	struct Ast *type;  /* condition of a fragment; of a variable; within a list or non-null */
	struct Ast *value; /* of an argument; a variable's default; the first of a list's or an object's */
} Ast;

typedef struct Document
{
	Ast *definitions; /* operations and fragments */
	char *error;      /* NULL: it could be read */
	bool too_long;    /* the error is that */
	int line;         /* of the error */
	int column;
} Document;

/* A document has at most so many tokens */
#define MOST_TOKENS 2000

/* Of UTF-8 */
extern Document *graphql_parse(const char *text, size_t n);
/* What a client sees in the answer */
extern const char *ast_response_name(const Ast *field);
/* In the form that documents have */
extern void ast_print(StringInfo out, const Ast *value);
/* A value as JSON; there are no variables in it any more */
extern void ast_json(StringInfo out, const Ast *value);

#endif /* GRAPHQL_AST_H */
