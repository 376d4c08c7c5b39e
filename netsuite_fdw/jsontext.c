/*
 * jsontext.c
 *		Steps through the text of JSON, for pages and their rows.
 */
#include "postgres.h"

#include "netsuite_fdw/jsontext.h"

/* Past an object or array that begins at p; NULL if it does not end */
const char *
skip_container(const char *p, const char *end)
{
	int depth = 0;
	bool ignored;

	while (p < end)
	{
		switch (*p)
		{
			case '"':
				/* strings mostly follow each other: "key":"value","key":"value" */
				for (;;)
				{
					p = string_end(p + 1, end, &ignored);
					if (p == NULL)
						return NULL;
					if ((p[1] != ':' && p[1] != ',') || p[2] != '"')
						break;
					p += 2;
				}
				break;
			case '{':
			case '[':
				depth++;
				break;
			case '}':
			case ']':
				if (--depth == 0)
					return p + 1;
				break;
		}
		p++;
	}
	return NULL;
}

/* Past any value; NULL if it does not end or is none */
const char *
skip_value(const char *p, const char *end)
{
	const char *start = p;
	bool ignored;

	if (*p == '{' || *p == '[')
		return skip_container(p, end);
	if (*p == '"')
	{
		p = string_end(p + 1, end, &ignored);
		return p ? p + 1 : NULL;
	}
	while (p < end && *p != ',' && *p != '}' && *p != ']' && (unsigned char) *p > ' ')
		p++;
	return p > start && p < end ? p : NULL;
}

/* Four hexadecimal digits; -1 if they are none */
int
hex4(const char *p)
{
	int value = 0;

	for (int i = 0; i < 4; i++)
	{
		char c = p[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			value = value * 16 + (c | 32) - 'a' + 10;
		else
			return -1;
	}
	return value;
}

/* An escaped name as it is meant, without throwing; -1 if it is not plain ASCII or too long */
int
plain_name(const char *p, const char *end, char *out, int size)
{
	int len = 0;
	bool odd = false;

	while (p < end)
	{
		int c = (unsigned char) *p++;

		if (c == '\\')
		{
			if (p >= end || strchr("\"\\/bfnrtu", *p) == NULL || *p == '\0')
				return NAME_MALFORMED;
			c = (unsigned char) *p++;
			if (c == 'u')
			{
				c = end - p >= 4 ? hex4(p) : -1;
				if (c < 0)
					return NAME_MALFORMED;
				p += 4;
			}
			else if (c >= 'a')
				odd = true; /* a control character */
		}
		odd |= c < ' ' || c > '~' || len >= size;
		if (!odd)
			out[len++] = (char) c;
	}
	return odd ? -1 : len;
}
