/*
 * json_twice.c
 *		Has an object of a JSON text a member twice?
 *
 * As jsonb it would keep the last one, and the others would be gone without a word.
 */
#include "postgres.h"

#include <ctype.h>

#include "files_fdw/json.h"

typedef struct Member
{
	int object; /* which of the text's */
	const char *name;
	int len;
	char *plain; /* the name without its escapes, if it has some */
} Member;

typedef struct Members
{
	Member *all;
	int n;
	int room;
	int *open; /* objects and arrays that have begun; those number 0 */
	int depth;
	int depth_room;
	int objects;
} Members;

static int
by_name(const void *a, const void *b)
{
	const Member *x = a;
	const Member *y = b;
	int order = (x->object > y->object) - (x->object < y->object);

	if (order == 0)
		order = memcmp(x->name, y->name, Min(x->len, y->len));
	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static void
enter(Members *m, bool object)
{
	if (m->depth == m->depth_room)
	{
		m->depth_room *= 2;
		m->open = repalloc(m->open, sizeof(int) * m->depth_room);
	}
	m->open[m->depth++] = object ? ++m->objects : 0;
}

/* Has each escape all that belongs to it? */
static bool
is_whole(const char *name, int len)
{
	for (int i = 0; i < len; i++)
	{
		if (name[i] != '\\')
			continue;
		if (++i == len)
			return false;
		if (name[i] != 'u')
			continue;
		for (int digit = 0; digit < 4; digit++)
			if (++i >= len || !isxdigit((unsigned char) name[i]))
				return false;
	}
	return true;
}

/* The same name may be written with escapes */
static void
add_member(Members *m, const char *name, int len)
{
	Member member = {m->open[m->depth - 1], name, len, NULL};

	if (memchr(name, '\\', len) != NULL && is_whole(name, len))
	{
		int n;

		member.plain = palloc(len + 1);
		n = json_unescape(&(Field){.p = name, .len = len}, member.plain);
		if (n >= 0)
		{
			member.name = member.plain;
			member.len = n;
		}
	}
	if (m->n == m->room)
	{
		m->room *= 2;
		m->all = repalloc_huge(m->all, sizeof(Member) * m->room);
	}
	m->all[m->n++] = member;
}

/* Behind the string that begins at p */
static const char *
string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p < end ? p + 1 : end;
}

/* Of what is no JSON nothing is said: that is its type's to find */
static void
collect(Members *m, const char *p, const char *end)
{
	while (p < end)
	{
		const char *behind;
		const char *next;

		if (*p == '{' || *p == '[')
			enter(m, *p == '{');
		else if ((*p == '}' || *p == ']') && m->depth > 0)
			m->depth--;
		if (*p != '"')
		{
			p++;
			continue;
		}
		behind = next = string_end(p, end);
		while (next < end && strchr(" \t\r\n", *next) != NULL)
			next++;
		if (next < end && *next == ':' && m->depth > 0 && m->open[m->depth - 1] != 0)
			add_member(m, p + 1, (int) (behind - p - 2));
		p = behind;
	}
}

bool
json_member_twice(const char *text, int len, char **name)
{
	Members m = {.room = 32, .depth_room = 32};

	*name = NULL;
	if (memchr(text, '{', len) == NULL)
		return false;
	m.all = palloc(sizeof(Member) * m.room);
	m.open = palloc(sizeof(int) * m.depth_room);
	collect(&m, text, text + len);
	qsort(m.all, m.n, sizeof(Member), by_name);
	for (int i = 1; i < m.n && *name == NULL; i++)
		if (by_name(&m.all[i - 1], &m.all[i]) == 0)
			*name = pnstrdup(m.all[i].name, m.all[i].len);
	for (int i = 0; i < m.n; i++)
		if (m.all[i].plain)
			pfree(m.all[i].plain);
	pfree(m.all);
	pfree(m.open);
	return *name != NULL;
}
