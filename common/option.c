/*
 * option.c
 *		Options of servers, user mappings and foreign tables, by their names.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "common/option.h"

DefElem *
option_of(List *defs, const char *name)
{
	ListCell *lc;

	foreach (lc, defs)
	{
		DefElem *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, name) == 0)
			return def;
	}
	return NULL;
}

char *
option_text(List *defs, const char *name)
{
	DefElem *def = option_of(defs, name);

	return def ? defGetString(def) : NULL;
}
