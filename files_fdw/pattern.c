/*
 * pattern.c
 *		Which paths belong to a table.
 */
#include "files_fdw/pattern.h"

#include <string.h>

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')

size_t
digits_length(const char *p)
{
	const char *start = p;

	while (IS_DIGIT(*p) || (p > start && *p != '\0' && strchr("-_.T:", *p) != NULL && IS_DIGIT(p[1])))
		p++;
	return p - start;
}

/* Behind the bracket that closes a set; NULL if none does */
static const char *
set_end(const char *p)
{
	p++;
	if (*p == '!')
		p++;
	if (*p == ']')
		p++;
	while (*p != '\0' && *p != ']' && *p != '/')
		p++;
	return *p == ']' ? p + 1 : NULL;
}

/* The end of a name: a slash, or that of its pattern; what stands in a set is no such sign */
static const char *
name_end(const char *p)
{
	while (*p != '\0' && *p != '/' && *p != ';')
	{
		const char *behind = *p == '[' ? set_end(p) : NULL;

		p = behind ? behind : p + 1;
	}
	return p;
}

const char *
pattern_end(const char *p)
{
	for (p = name_end(p); *p == '/'; p = name_end(p + 1))
		;
	return p;
}

/* Bytes of the character at p, of whatever UTF-8 or other text */
static size_t
character(const char *p)
{
	size_t n = 1;

	if ((unsigned char) *p >= 0xc0)
	{
		while (((unsigned char) p[n] & 0xc0) == 0x80)
			n++;
	}
	return n;
}

/* By their bytes, which is how UTF-8 has characters in order */
static int
compare_characters(const char *a, const char *b)
{
	size_t n = character(a);
	size_t m = character(b);
	int order = memcmp(a, b, n < m ? n : m);

	return order != 0 ? order : (n > m) - (n < m);
}

/* Is the character at c one of the set? */
static bool
set_has(const char *p, const char *end, const char *c)
{
	bool none = p[1] == '!';
	bool found = false;

	for (p += none ? 2 : 1; p < end - 1;)
	{
		const char *to = p + character(p);

		if (*to == '-' && to + 1 < end - 1)
		{
			to++;
			found |= compare_characters(p, c) <= 0 && compare_characters(c, to) <= 0;
			p = to + character(to);
		}
		else
		{
			found |= compare_characters(p, c) == 0;
			p = to;
		}
	}
	return found != none;
}

/* Does one name match?  Both end at '/', the pattern also at ';' */
static bool
name_matches(const char *pattern, const char *name)
{
	const char *star = NULL; /* behind the last one */
	const char *from = NULL; /* what it began with */

	for (;;)
	{
		bool end = *pattern == '\0' || *pattern == '/' || *pattern == ';';
		bool done = *name == '\0' || *name == '/';
		const char *behind;

		if (end && done)
			return true;
		if (!end && *pattern == '*')
		{
			star = ++pattern;
			from = name;
			continue;
		}
		if (!end && !done)
		{
			if (*pattern == '#' && digits_length(name) > 0)
			{
				/* as many as there are: what follows is no digit, or the star before it takes them */
				name += digits_length(name);
				pattern++;
				continue;
			}
			if (*pattern == '?')
			{
				name += character(name);
				pattern++;
				continue;
			}
			behind = *pattern == '[' ? set_end(pattern) : NULL;
			if (behind ? set_has(pattern, behind, name) : (*pattern == *name && *pattern != '#'))
			{
				name += behind ? character(name) : 1;
				pattern = behind ? behind : pattern + 1;
				continue;
			}
		}
		if (star == NULL || *from == '\0' || *from == '/')
			return false;
		pattern = star;
		name = ++from;
	}
}

static const char *
next_name(const char *p)
{
	p = name_end(p);
	return *p == '/' ? p + 1 : NULL;
}

static bool
is_any_folders(const char *p)
{
	return p[0] == '*' && p[1] == '*' && (p[2] == '/' || p[2] == '\0' || p[2] == ';');
}

/* Name by name; with enters a path that ends before its pattern does is enough */
static bool
path_matches(const char *pattern, const char *path, bool enters)
{
	for (;;)
	{
		const char *pattern_next = next_name(pattern);
		const char *path_next = next_name(path);

		if (is_any_folders(pattern))
		{
			if (pattern_next == NULL || enters)
				return true;
			return path_matches(pattern_next, path, enters) ||
				   (path_next != NULL && path_matches(pattern, path_next, enters));
		}
		if (!name_matches(pattern, path))
			return false;
		if (pattern_next == NULL)
			return path_next == NULL && !enters;
		if (path_next == NULL)
			return enters;
		pattern = pattern_next;
		path = path_next;
	}
}

static bool
any_matches(const char *patterns, const char *path, bool enters)
{
	for (const char *p = patterns; *p != '\0'; p = pattern_end(p))
	{
		p += strspn(p, "; ");
		if (*p != '\0' && path_matches(p, path, enters))
			return true;
	}
	return false;
}

bool
pattern_matches(const char *patterns, const char *path)
{
	return any_matches(patterns, path, false);
}

bool
pattern_enters(const char *patterns, const char *folder)
{
	return *folder == '\0' || any_matches(patterns, folder, true);
}

bool
pattern_is_path(const char *patterns)
{
	return strpbrk(patterns, "*?[#;") == NULL;
}

/* Is it a path as listings have them, whatever its signs would mean in a pattern? */
bool
is_path(const char *path)
{
	for (;;)
	{
		size_t n = strcspn(path, "/");

		if (n == 0 || (*path == '.' && (n == 1 || (n == 2 && path[1] == '.'))))
			return false;
		if (path[n] == '\0')
			return true;
		path += n + 1;
	}
}

/* One name of a pattern, from p to the end */
static const char *
name_problem(const char *p, const char *end)
{
	size_t n = end - p;
	int stars = 0;

	if (n == 0)
		return "A path has no empty names, and does not begin or end with a slash: it is relative to the server's "
			   "root.";
	if ((n == 1 && *p == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
		return "A path has no . and no ..: it does not leave the server's root.";
	if (n > 255)
		return "A name has at most 255 bytes.";
	for (const char *q = p; q < end; q++)
	{
		if (*q == '[')
		{
			q = set_end(q);
			if (q == NULL || q > end)
				return "A [ needs its ] in the same name; [[] stands for the sign itself.";
			q--;
		}
		stars += *q == '*';
	}
	if (stars > 8)
		return "A name has at most eight stars.";
	return NULL;
}

const char *
pattern_problem(const char *patterns)
{
	bool any = false;
	const char *p = patterns;

	if (strlen(patterns) >= PATTERN_BYTES)
		return "It is too long.";
	for (;;)
	{
		const char *end;
		int folders = 0;

		p += strspn(p, " ");
		while (*p != '\0' && *p != ';')
		{
			const char *problem;

			end = name_end(p);
			problem = name_problem(p, end);
			if (problem != NULL)
				return problem;
			folders += is_any_folders(p);
			if (folders > 4)
				return "A path has ** at most four times.";
			any = true;
			if (*end == '/' && (end[1] == '\0' || end[1] == ';'))
				return name_problem(end, end);
			p = *end == '/' ? end + 1 : end;
		}
		if (*p == '\0')
			return any ? NULL : "It must name a file, or a pattern such as orders/*.csv.";
		p++;
	}
}
