/*
 * partition.c
 *		Folders called key=value, as Hive has them.
 */
#include "postgres.h"

#include "files_fdw/partition.h"
#include "mb/pg_wchar.h"

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
																			   : -1;
}

/* %20 is a blank; what would not be a text stays as it is */
static char *
decoded(const char *p, size_t n)
{
	char *text = palloc(n + 1);
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (p[i] == '%' && i + 2 < n + 0 && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0 &&
			(hex(p[i + 1]) | hex(p[i + 2])) != 0)
		{
			text[len++] = (char) (hex(p[i + 1]) << 4 | hex(p[i + 2]));
			i += 2;
		}
		else
			text[len++] = p[i];
	}
	text[len] = '\0';
	if (!pg_verify_mbstr(GetDatabaseEncoding(), text, (int) len, true))
		return pnstrdup(p, n);
	return text;
}

char *
partition_value(const char *path, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = path;; p++)
	{
		const char *slash = strchr(p, '/');

		if (slash == NULL)
			return NULL;
		if (strncmp(p, key, n) == 0 && p[n] == '=')
		{
			char *value = decoded(p + n + 1, slash - p - n - 1);

			return strcmp(value, HIVE_NULL) == 0 ? NULL : value;
		}
		p = slash;
	}
}

List *
partition_keys(const char *path)
{
	List *keys = NIL;

	for (const char *p = path;; p++)
	{
		const char *slash = strchr(p, '/');
		const char *equals;

		if (slash == NULL)
			return keys;
		equals = memchr(p, '=', slash - p);
		if (equals != NULL && equals > p)
			keys = lappend(keys, pnstrdup(p, equals - p));
		p = slash;
	}
}
