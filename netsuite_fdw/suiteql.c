/*
 * suiteql.c
 *		SuiteQL that people write: is it well formed, and what is in it?
 *
 * A query becomes (query) t and an expression (expression) inside another query.
 * Whatever it says, it must end where it ends: quotes and parentheses are closed,
 * and no comment or semicolon swallows or cuts off what follows.
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "netsuite_fdw/suiteql.h"

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IS_HIGHBIT_SET(c);
}

static bool
is_name_sign(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '$' || c == '#';
}

/* A name as SuiteQL has them, or several joined by dots */
bool
suiteql_is_name(const char *p)
{
	do
	{
		if (!is_letter(*p))
			return false;
		while (is_name_sign(*p))
			p++;
	} while (*p == '.' && p++);
	return *p == '\0';
}

/* Past the text between quotes that begins at p; NULL if it does not end.  A doubled quote is two texts side by side. */
static const char *
skip_quoted(const char *p)
{
	const char *end = strchr(p + 1, *p);

	return end ? end + 1 : NULL;
}

/* Past a comment that begins at p, or p if none does; NULL if it does not end */
static const char *
skip_comment(const char *p)
{
	const char *end;

	if (p[0] == '-' && p[1] == '-')
		return p + strcspn(p, "\r\n");
	if (p[0] == '/' && p[1] == '*')
	{
		end = strstr(p + 2, "*/");
		return end ? end + 2 : NULL;
	}
	return p;
}

/* Past the piece that begins at p; NULL if it does not end.  The only reader of quotes and comments. */
const char *
suiteql_next(const char *p, SuiteqlPiece *piece)
{
	const char *end = skip_comment(p);

	*piece = SUITEQL_COMMENT;
	if (end != p)
		return end;
	*piece = *p == '\'' || *p == '"' ? SUITEQL_QUOTED : SUITEQL_SIGN;
	return *piece == SUITEQL_QUOTED ? skip_quoted(p) : p + 1;
}

/* Does a word stand at p?  Then past it, else NULL. */
static const char *
skip_word(const char *p, const char *word)
{
	int len = strlen(word);

	return pg_strncasecmp(p, word, len) == 0 && !is_name_sign(p[len]) ? p + len : NULL;
}

/* Past blanks and comments */
static const char *
skip_blank(const char *p)
{
	SuiteqlPiece piece;
	const char *next;

	while (*p && (next = suiteql_next(p, &piece)) != NULL &&
		   (piece == SUITEQL_COMMENT || isspace((unsigned char) *p)))
		p = next;
	return p;
}

/* Does the query itself, not one of its subqueries, have an ORDER BY? */
bool
suiteql_is_ordered(const char *query)
{
	SuiteqlPiece piece;
	bool in_word = false;
	int depth = 0;
	const char *next;

	for (const char *p = query; *p; p = next)
	{
		const char *behind = in_word || depth > 0 ? NULL : skip_word(p, "order");

		if (behind && skip_word(skip_blank(behind), "by"))
			return true;
		next = suiteql_next(p, &piece);
		if (next == NULL)
			return false;
		in_word = piece == SUITEQL_SIGN && (is_name_sign(*p) || *p == '.');
		if (piece == SUITEQL_SIGN)
			depth += (*p == '(') - (*p == ')');
	}
	return false;
}

/*
 * Is the quote at p the second sign of q'[...]' or nq'[...]'?  Oracle knows such a
 * text, which ends elsewhere than another one; whether SuiteQL does is not known.
 */
static bool
is_q_quote(const char *text, const char *p)
{
	if (*p != '\'' || p == text || pg_tolower((unsigned char) *--p) != 'q')
		return false;
	if (p > text && pg_tolower((unsigned char) p[-1]) == 'n')
		p--;
	return p == text || !is_name_sign(p[-1]);
}

/*
 * The text without comments (but hints, which are part of the code) and without
 * a semicolon at the end of a statement.  NULL with a problem if it is not well
 * formed.
 */
char *
suiteql_plain(const char *text, bool statement, const char **problem)
{
	StringInfoData out;
	int depth = 0;
	bool ended = false;   /* by a semicolon */
	bool follows = false; /* something behind it */
	SuiteqlPiece piece;
	const char *next;

	initStringInfo(&out);
	for (const char *p = text; *p; p = next)
	{
		next = suiteql_next(p, &piece);
		if (next == NULL)
		{
			*problem = piece == SUITEQL_COMMENT ? "A comment is not closed." : "A quote is not closed.";
			return NULL;
		}
		if (is_q_quote(text, p))
		{
			*problem = "A text of the form q'[...]' is not supported.";
			return NULL;
		}
		if (piece == SUITEQL_COMMENT)
		{
			if (p[0] == '/' && p[2] == '+')
				appendBinaryStringInfo(&out, p, next - p);
			else
				appendStringInfoChar(&out, ' ');
			continue;
		}
		if (*p == ';')
		{
			ended = true;
			continue;
		}
		follows |= ended && !isspace((unsigned char) *p);
		depth += (*p == '(') - (*p == ')');
		if (depth < 0)
		{
			*problem = "A closing parenthesis has no opening one.";
			return NULL;
		}
		appendBinaryStringInfo(&out, p, next - p);
	}
	while (out.len > 0 && isspace((unsigned char) out.data[out.len - 1]))
		out.data[--out.len] = '\0';
	if (depth > 0)
		*problem = "A parenthesis is not closed.";
	else if (ended && (!statement || follows))
		*problem = statement ? "It must be one statement." : "It must not contain a semicolon.";
	else if (strspn(out.data, " \t\r\n") == out.len)
		*problem = "It must not be empty.";
	else
		return out.data;
	return NULL;
}
