/*
 * lexer.h
 *		Tokens of a document.
 */
#ifndef GRAPHQL_LEXER_H
#define GRAPHQL_LEXER_H

#include "postgres.h"

typedef enum TokenKind
{
	TOKEN_END, /* of the document, or what is wrong with it stands in error */
	TOKEN_PUNCTUATOR,
	TOKEN_SPREAD,
	TOKEN_NAME,
	TOKEN_INT,
	TOKEN_FLOAT,
	TOKEN_STRING
} TokenKind;

typedef struct Token
{
	TokenKind kind;
	char punctuator;
	int line;
	int column;
	const char *text; /* of names, numbers and strings */
} Token;

typedef struct Lexer
{
	const char *at;
	const char *end;
	int line;
	const char *counted; /* characters up to here are counted */
	int column;          /* of that place, from 1 */
	char *error;
	int error_line;
	int error_column;
} Lexer;

extern void lexer_begin(Lexer *lexer, const char *text, size_t n);
extern Token lexer_next(Lexer *lexer);
/* The first one stands */
extern void lexer_fail(Lexer *lexer, int line, int column, const char *what);

#endif /* GRAPHQL_LEXER_H */
