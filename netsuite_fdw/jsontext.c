/*
 * jsontext.c
 *		Steps through the text of JSON, for pages and their rows.
 */
#include "postgres.h"

#include "common/int.h"
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

/* -- numbers -- */

/* The digits of a number, with one point, as an integer times a power of ten; NULL if it is too large */
static const char *
read_digits(const char *p, const char *end, bool negative, int64 *value, int *power)
{
	int zeros = 0; /* that only count if another digit follows */
	bool point = false;

	*value = 0;
	*power = 0;
	for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++)
	{
		if (*p == '.')
		{
			point = true;
			continue;
		}
		zeros++;
		*power -= point;
		if (*p == '0')
			continue;
		for (; zeros > 0; zeros--)
		{
			if (pg_mul_s64_overflow(*value, 10, value))
				return NULL;
		}
		if (negative ? pg_sub_s64_overflow(*value, *p - '0', value) : pg_add_s64_overflow(*value, *p - '0', value))
			return NULL;
	}
	*power += zeros;
	return p;
}

/* A whole number in any spelling (5.0 and 1E3 too), with its quotes or without; never throws */
bool
read_whole_number(const char *text, const char *end, int64 *key)
{
	bool negative;
	const char *digits;
	int power;

	if (end - text > 2 && *text == '"')
	{
		text++;
		end--;
	}
	negative = text < end && *text == '-';
	digits = text += negative;
	text = read_digits(text, end, negative, key, &power);
	if (text == NULL || text == digits)
		return false;
	if (end - text >= 2 && (*text == 'E' || *text == 'e'))
	{
		char *exponent_end;
		long exponent = strtol(text + 1, &exponent_end, 10);

		power += (int) Max(Min(exponent, 1000), -1000);
		text = exponent_end;
	}
	if (text != end || (power < 0 && *key != 0))
		return false;
	for (; *key != 0 && power > 0; power--)
	{
		if (pg_mul_s64_overflow(*key, 10, key))
			return false;
	}
	return true;
}
