/*
 * written_json.c
 *		Is a text a JSON object or array?  Strict, in one pass, without a tree.
 */
#include "postgres.h"

#include "common/written.h"

#define DEPTH 256

typedef struct Json
{
	const char *p;
	const char *end;
	int depth;
	bool object[DEPTH]; /* or an array */
} Json;

static void
skip_blanks(Json *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\n' || *j->p == '\r'))
		j->p++;
}

/* Each takes one thing; false if it is something else.  At the end of a text that was cut, what is missing is taken to be right */

static bool
take_string(Json *j)
{
	if (*j->p++ != '"')
		return false;
	for (; j->p < j->end && *j->p != '"'; j->p++)
	{
		if ((unsigned char) *j->p < ' ')
			return false;
		if (*j->p == '\\' && ++j->p < j->end && strchr("\"\\/bfnrtu", *j->p) == NULL)
			return false;
	}
	j->p++;
	return true;
}

static bool
take_scalar(Json *j)
{
	static const char *const words[] = {"true", "false", "null"};
	const char *start = j->p;

	if (*j->p == '"')
		return take_string(j);
	for (int i = 0; i < lengthof(words); i++)
	{
		int n = (int) Min((ptrdiff_t) strlen(words[i]), j->end - j->p);

		if (memcmp(j->p, words[i], n) == 0)
		{
			j->p += n;
			return true;
		}
	}
	if (*j->p == '-')
		j->p++;
	if (j->p < j->end && (*j->p < '0' || *j->p > '9'))
		return false;
	/* 007 is none */
	if (j->end - j->p > 1 && *j->p == '0' && j->p[1] >= '0' && j->p[1] <= '9')
		return false;
	while (j->p < j->end && ((*j->p >= '0' && *j->p <= '9') || *j->p == '.' || *j->p == 'e' || *j->p == 'E' || ((*j->p == '+' || *j->p == '-') && (j->p[-1] == 'e' || j->p[-1] == 'E'))))
		j->p++;
	return j->p > start;
}

static bool
take_name(Json *j)
{
	if (j->p < j->end && !take_string(j))
		return false;
	skip_blanks(j);
	if (j->p < j->end && *j->p++ != ':')
		return false;
	skip_blanks(j);
	return true;
}

/* Open brackets as long as there are some, then a value, then what closes or goes on */
static bool
take_value(Json *j)
{
	while (j->p < j->end && (*j->p == '{' || *j->p == '['))
	{
		bool object = *j->p++ == '{';

		if (j->depth == DEPTH)
			return false;
		j->object[j->depth++] = object;
		skip_blanks(j);
		if (j->p < j->end && *j->p == (object ? '}' : ']'))
			return true;
		if (object && !take_name(j))
			return false;
	}
	return j->p >= j->end || take_scalar(j);
}

bool
written_json(const char *text, int len, bool cut)
{
	Json j = {.p = text, .end = text + len};

	while (!cut && j.end > j.p && strchr(" \t\r\n", j.end[-1]) != NULL)
		j.end--;
	skip_blanks(&j);
	if (j.end - j.p < 2 || (*j.p != '{' && *j.p != '['))
		return false;
	while (j.p < j.end)
	{
		if (!take_value(&j))
			return false;
		skip_blanks(&j);
		while (j.depth > 0 && j.p < j.end && *j.p == (j.object[j.depth - 1] ? '}' : ']'))
		{
			j.p++;
			j.depth--;
			skip_blanks(&j);
		}
		if (j.depth == 0)
			return j.p == j.end;
		if (j.p < j.end && *j.p++ != ',')
			return false;
		skip_blanks(&j);
		if (j.p < j.end && j.object[j.depth - 1] && !take_name(&j))
			return false;
	}
	return cut;
}
