/*
 * lexer.c
 *		Tokens of a document, as the GraphQL specification of October 2021 has them.
 *
 * It reads UTF-8, whatever the database's encoding is: escapes may name any character.
 * What strings hold comes out in the database's.  Once something is wrong there are no
 * more tokens, so that whoever reads them need not look.
 */
#include "postgres.h"

#include "ingest_api/graphql/lexer.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

void
lexer_begin(Lexer *lexer, const char *text, size_t n)
{
	memset(lexer, 0, sizeof(Lexer));
	lexer->at = lexer->counted = text;
	lexer->end = text + n;
	lexer->line = lexer->column = 1;
}

void
lexer_fail(Lexer *lexer, int line, int column, const char *what)
{
	if (lexer->error)
		return;
	lexer->error = pstrdup(what);
	lexer->error_line = line;
	lexer->error_column = column;
	lexer->at = lexer->end;
}

/* Of a place on the current line, in characters */
static int
column_of(Lexer *lexer, const char *place)
{
	for (; lexer->counted < place; lexer->counted++)
		if (((unsigned char) *lexer->counted & 0xC0) != 0x80)
			lexer->column++;
	return lexer->column;
}

static void
fail_here(Lexer *lexer, const char *place, const char *what)
{
	lexer_fail(lexer, lexer->line, column_of(lexer, place), what);
}

/* 0 at the end, which no document has within */
static int
peek(const Lexer *lexer, const char *at)
{
	return at < lexer->end ? (unsigned char) *at : 0;
}

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_start(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* -- what is between tokens -- */

static void
begin_line(Lexer *lexer, const char *at)
{
	lexer->line++;
	lexer->counted = at;
	lexer->column = 1;
}

/* LF, CR, or both in this order; behind it */
static const char *
pass_line_end(Lexer *lexer, const char *at)
{
	at += *at == '\r' && peek(lexer, at + 1) == '\n' ? 2 : 1;
	begin_line(lexer, at);
	return at;
}

static void
pass_ignored(Lexer *lexer)
{
	while (lexer->at < lexer->end)
	{
		int c = peek(lexer, lexer->at);

		if (c == ' ' || c == '\t' || c == ',')
			lexer->at++;
		else if (c == '\n' || c == '\r')
			lexer->at = pass_line_end(lexer, lexer->at);
		else if (c == 0xEF && peek(lexer, lexer->at + 1) == 0xBB && peek(lexer, lexer->at + 2) == 0xBF)
			lexer->at += 3;
		else if (c == '#')
			while (lexer->at < lexer->end && *lexer->at != '\n' && *lexer->at != '\r')
				lexer->at++;
		else
			return;
	}
}

/* -- numbers -- */

/* At least one; NULL: there is none */
static const char *
pass_digits(Lexer *lexer, const char *at)
{
	if (!is_digit(peek(lexer, at)))
	{
		fail_here(lexer, at, "a number has a digit here");
		return NULL;
	}
	while (is_digit(peek(lexer, at)))
		at++;
	return at;
}

static const char *
pass_number(Lexer *lexer, TokenKind *kind)
{
	const char *at = lexer->at;

	*kind = TOKEN_INT;
	at += *at == '-';
	if (peek(lexer, at) == '0')
	{
		if (is_digit(peek(lexer, ++at)))
		{
			fail_here(lexer, at, "a number does not begin with 0");
			return NULL;
		}
	}
	else if ((at = pass_digits(lexer, at)) == NULL)
		return NULL;
	if (peek(lexer, at) == '.')
	{
		*kind = TOKEN_FLOAT;
		if ((at = pass_digits(lexer, at + 1)) == NULL)
			return NULL;
	}
	if (peek(lexer, at) == 'e' || peek(lexer, at) == 'E')
	{
		*kind = TOKEN_FLOAT;
		at++;
		if (peek(lexer, at) == '+' || peek(lexer, at) == '-')
			at++;
		if ((at = pass_digits(lexer, at)) == NULL)
			return NULL;
	}
	if (peek(lexer, at) == '.' || is_name_start(peek(lexer, at)))
	{
		fail_here(lexer, at, "a number ends before this");
		return NULL;
	}
	return at;
}

/* -- strings -- */

static int
hex_value(int c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four digits; -1: they are not there */
static int
four_digits(Lexer *lexer, const char *at)
{
	int code = 0;

	for (int i = 0; i < 4; i++)
	{
		int digit = hex_value(peek(lexer, at + i));

		if (digit < 0)
			return -1;
		code = code * 16 + digit;
	}
	return code;
}

/* \u{…}; the number of bytes, 0: there is none */
static int
braced_escape(Lexer *lexer, const char *at, int64 *code)
{
	int n = 3;

	*code = 0;
	for (; n < 12; n++)
	{
		int c = peek(lexer, at + n);

		if (c == '}')
			return n > 3 ? n + 1 : 0;
		if (hex_value(c) < 0)
			return 0;
		*code = *code * 16 + hex_value(c);
	}
	return 0;
}

/* \uXXXX, two of them for what is beyond the first plane */
static int
plain_escape(Lexer *lexer, const char *at, int64 *code)
{
	int first = four_digits(lexer, at + 2),
		second;

	*code = first;
	if (first < 0xD800 || first > 0xDBFF)
		return first < 0 ? 0 : 6;
	second = peek(lexer, at + 6) == '\\' && peek(lexer, at + 7) == 'u' ? four_digits(lexer, at + 8) : -1;
	if (second < 0xDC00 || second > 0xDFFF)
		return 0;
	*code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
	return 12;
}

static void
append_character(StringInfo out, int64 code)
{
	if (code < 0x80)
		appendStringInfoChar(out, (char) code);
	else
	{
		if (code < 0x800)
			appendStringInfoChar(out, (char) (0xC0 | (code >> 6)));
		else
		{
			if (code < 0x10000)
				appendStringInfoChar(out, (char) (0xE0 | (code >> 12)));
			else
			{
				appendStringInfoChar(out, (char) (0xF0 | (code >> 18)));
				appendStringInfoChar(out, (char) (0x80 | ((code >> 12) & 0x3F)));
			}
			appendStringInfoChar(out, (char) (0x80 | ((code >> 6) & 0x3F)));
		}
		appendStringInfoChar(out, (char) (0x80 | (code & 0x3F)));
	}
}

/* Behind the backslash and what it is for; NULL: that is nothing */
static const char *
pass_escape(Lexer *lexer, const char *at, StringInfo out)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *known;
	int64 code;
	int n;

	if (peek(lexer, at + 1) != 'u')
	{
		known = peek(lexer, at + 1) ? strchr(from, at[1]) : NULL;
		if (known == NULL)
		{
			fail_here(lexer, at, "there is no such escape");
			return NULL;
		}
		appendStringInfoChar(out, to[known - from]);
		return at + 2;
	}
	n = peek(lexer, at + 2) == '{' ? braced_escape(lexer, at, &code) : plain_escape(lexer, at, &code);
	if (n == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
	{
		fail_here(lexer, at, "this escape is not a character");
		return NULL;
	}
	if (code == 0)
	{
		fail_here(lexer, at, "PostgreSQL has no text with U+0000 in it");
		return NULL;
	}
	append_character(out, code);
	return at + n;
}

static const char *
from_utf8(const StringInfo text)
{
	return pg_any_to_server(text->data, text->len, PG_UTF8);
}

/* Behind it; NULL: something is wrong */
static const char *
pass_string(Lexer *lexer, const char **text)
{
	const char *at = lexer->at + 1;
	StringInfoData out;

	initStringInfo(&out);
	while (at && at < lexer->end && *at != '\n' && *at != '\r')
	{
		if (*at == '"')
		{
			*text = from_utf8(&out);
			return at + 1;
		}
		if (*at == '\\')
			at = pass_escape(lexer, at, &out);
		else
			appendStringInfoChar(&out, *at++);
	}
	if (at)
		fail_here(lexer, at, "the string does not end");
	return NULL;
}

/* -- strings in blocks -- */

/* Blanks at the line's begin; -1: there is nothing else on it */
static int
indent_of(const char *line, const char *end)
{
	const char *at = line;

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at == end ? -1 : at - line;
}

static const char *
line_end(const char *line, const char *end)
{
	const char *newline = memchr(line, '\n', end - line);

	return newline ? newline : end;
}

/* Without what all lines but the first are indented by, and without empty lines around it */
static const char *
dedented(const StringInfo raw)
{
	const char *end = raw->data + raw->len;
	const char *first = NULL,
			   *last = NULL;
	int common = -1;
	StringInfoData out;

	for (const char *line = raw->data; line <= end; line = line_end(line, end) + 1)
	{
		int indent = indent_of(line, line_end(line, end));

		if (indent < 0)
			continue;
		first = first ? first : line;
		last = line;
		if (line != raw->data && (common < 0 || indent < common))
			common = indent;
	}
	initStringInfo(&out);
	for (const char *line = first; line && line <= last; line = line_end(line, end) + 1)
	{
		const char *stop = line_end(line, end);
		int cut = line == raw->data || common < 0 ? 0 : Min(common, stop - line);

		if (line != first)
			appendStringInfoChar(&out, '\n');
		appendBinaryStringInfo(&out, line + cut, stop - line - cut);
	}
	return from_utf8(&out);
}

static bool
three_quotes(Lexer *lexer, const char *at)
{
	return peek(lexer, at) == '"' && peek(lexer, at + 1) == '"' && peek(lexer, at + 2) == '"';
}

static const char *
pass_block(Lexer *lexer, const char **text)
{
	const char *at = lexer->at + 3;
	StringInfoData raw;

	initStringInfo(&raw);
	while (at < lexer->end)
	{
		if (three_quotes(lexer, at))
		{
			*text = dedented(&raw);
			return at + 3;
		}
		if (*at == '\\' && three_quotes(lexer, at + 1))
		{
			appendStringInfoString(&raw, "\"\"\"");
			at += 4;
		}
		else if (*at == '\n' || *at == '\r')
		{
			appendStringInfoChar(&raw, '\n');
			at = pass_line_end(lexer, at);
		}
		else
			appendStringInfoChar(&raw, *at++);
	}
	fail_here(lexer, at, "the string does not end");
	return NULL;
}

/* -- tokens -- */

static const char *
copied(const char *from, const char *to)
{
	return pnstrdup(from, to - from);
}

static const char *
pass_token(Lexer *lexer, Token *token)
{
	const char *at = lexer->at;
	int c = peek(lexer, at);

	if (c != 0 && strchr("!$&():=@[]{|}", c))
	{
		token->kind = TOKEN_PUNCTUATOR;
		token->punctuator = (char) c;
		return at + 1;
	}
	if (c == '.' && peek(lexer, at + 1) == '.' && peek(lexer, at + 2) == '.')
	{
		token->kind = TOKEN_SPREAD;
		return at + 3;
	}
	if (is_name_start(c))
	{
		while (is_name_start(peek(lexer, at)) || is_digit(peek(lexer, at)))
			at++;
		token->kind = TOKEN_NAME;
		token->text = copied(lexer->at, at);
		return at;
	}
	if (is_digit(c) || c == '-')
	{
		at = pass_number(lexer, &token->kind);
		token->text = at ? copied(lexer->at, at) : NULL;
		return at;
	}
	if (c == '"')
	{
		token->kind = TOKEN_STRING;
		return three_quotes(lexer, at) ? pass_block(lexer, &token->text) : pass_string(lexer, &token->text);
	}
	fail_here(lexer, at, "GraphQL has no such character except in strings and comments");
	return NULL;
}

Token
lexer_next(Lexer *lexer)
{
	Token token = {TOKEN_END};
	const char *behind;

	pass_ignored(lexer);
	token.line = lexer->line;
	token.column = column_of(lexer, lexer->at);
	if (lexer->at >= lexer->end)
		return token;
	behind = pass_token(lexer, &token);
	if (behind == NULL)
	{
		token.kind = TOKEN_END;
		return token;
	}
	lexer->at = behind;
	return token;
}
