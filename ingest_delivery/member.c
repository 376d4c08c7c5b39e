/*
 * member.c
 *		A member of an event's data, as it stands there.
 */
#include "postgres.h"

#include "ingest_delivery/member.h"

/* Behind the string that begins here */
static const char *
after_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

/* Behind the value that begins here: at the comma or the bracket that follows it */
static const char *
after_value(const char *at)
{
	int depth = 0;

	while (*at)
	{
		if (*at == '"')
		{
			at = after_string(at);
			continue;
		}
		if (depth == 0 && (*at == ',' || *at == '}' || *at == ']'))
			return at;
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		at++;
	}
	return at;
}

static const char *
after_blanks(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

bool
member_of(const char *json, const char *name, const char **value, size_t *length)
{
	const char *at = after_blanks(json);
	size_t n = strlen(name);

	if (*at != '{')
		return false;
	at = after_blanks(at + 1);
	while (*at == '"')
	{
		const char *begin = at + 1;
		bool is_it;

		at = after_string(at);
		is_it = at - 1 - begin == (ptrdiff_t) n && memcmp(begin, name, n) == 0;
		at = after_blanks(at);
		if (*at != ':')
			return false;
		*value = after_blanks(at + 1);
		at = after_value(*value);
		*length = at - *value;
		while (*length > 0 && strchr(" \t\r\n", (*value)[*length - 1]))
			(*length)--;
		if (is_it)
			return true;
		if (*at != ',')
			return false;
		at = after_blanks(at + 1);
	}
	return false;
}

bool
member_is(const char *json, const char *name, const char *text)
{
	const char *value;
	size_t n;

	return member_of(json, name, &value, &n) && n == strlen(text) + 2 && value[0] == '"' &&
		   memcmp(value + 1, text, n - 2) == 0;
}
