/*
 * import_list.c
 *		Lists of tables and columns, as an import gathers them.
 */
#include "postgres.h"

#include "netsuite_fdw/import_list.h"

ImportTable *
import_find(List *tables, const char *name)
{
	ListCell *lc;

	foreach (lc, tables)
	{
		ImportTable *t = lfirst(lc);

		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

ImportTable *
import_add(List **tables, const char *name, const char *comment, const char *key,
		   const char *source, bool custom)
{
	ImportTable *t = palloc0(sizeof(ImportTable));

	t->name = pstrdup(name);
	t->comment = comment ? pstrdup(comment) : NULL;
	t->key = key ? pstrdup(key) : NULL;
	t->source = pstrdup(source);
	t->custom = custom;
	*tables = lappend(*tables, t);
	return t;
}

char *
import_lowered(const char *text)
{
	char *result = pstrdup(text);

	for (char *p = result; *p; p++)
		*p = pg_tolower((unsigned char) *p);
	return result;
}

bool
import_is_name(const char *name)
{
	const char *p = name;

	if (!((*p >= 'a' && *p <= 'z') || *p == '_') || strlen(name) >= NAMEDATALEN)
		return false;
	for (; *p; p++)
	{
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
			return false;
	}
	return true;
}

/* Add a column unless it is there; what came first knows the type better.  Gives the new one, or NULL. */
ImportColumn *
import_add_column(ImportTable *t, const char *mixed, char type, const char *comment, bool custom)
{
	char *name = import_lowered(mixed);
	ImportColumn *c;
	ListCell *lc;

	if (!import_is_name(name))
		return NULL;
	foreach (lc, t->columns)
	{
		c = lfirst(lc);
		if (strcmp(c->name, name) == 0)
		{
			if (c->comment == NULL && comment)
				c->comment = pstrdup(comment);
			return NULL;
		}
	}
	c = palloc0(sizeof(ImportColumn));
	c->name = name;
	c->type = type;
	c->comment = comment ? pstrdup(comment) : NULL;
	c->custom = custom;
	t->columns = lappend(t->columns, c);
	return c;
}
