/*
 * suiteql.c
 *		SuiteQL that a table's owner writes: is it well formed?
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

/* A name as SuiteQL has them, or several joined by dots */
bool
suiteql_is_name(const char *p)
{
	do
	{
		if (!is_letter(*p))
			return false;
		while (is_letter(*p) || (*p >= '0' && *p <= '9') || *p == '$' || *p == '#')
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
	const char *next;

	initStringInfo(&out);
	for (const char *p = text; *p; p = next)
	{
		next = skip_comment(p);
		if (next == NULL)
		{
			*problem = "A comment is not closed.";
			return NULL;
		}
		if (next > p)
		{
			if (p[0] == '/' && p[2] == '+')
				appendBinaryStringInfo(&out, p, next - p);
			else
				appendStringInfoChar(&out, ' ');
			continue;
		}
		next = p + 1;
		if (*p == ';')
		{
			ended = true;
			continue;
		}
		follows |= ended && !isspace((unsigned char) *p);
		if (*p == '\'' || *p == '"')
			next = skip_quoted(p);
		depth += (*p == '(') - (*p == ')');
		if (next == NULL || depth < 0)
		{
			*problem = next == NULL ? "A quote is not closed." : "A parenthesis is closed that was not opened.";
			return NULL;
		}
		appendBinaryStringInfo(&out, p, next - p);
	}
	while (out.len > 0 && isspace((unsigned char) out.data[out.len - 1]))
		out.data[--out.len] = '\0';
	if (depth > 0)
		*problem = "A parenthesis is not closed.";
	else if (ended && (!statement || follows))
		*problem = statement ? "It must be one statement." : "It must not hold a semicolon.";
	else if (strspn(out.data, " \t\r\n") == out.len)
		*problem = "It must not be empty.";
	else
		return out.data;
	return NULL;
}
