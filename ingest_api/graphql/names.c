/*
 * names.c
 *		Names of GraphQL for names of SQL.
 *
 * The same name comes out whoever asks: what a role may not read keeps the name that it
 * would have, so that a grant renames nothing.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "ingest_api/graphql/schema.h"
#include "mb/pg_wchar.h"

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

char *
graphql_name(const char *name)
{
	char *out = palloc(strlen(name) + 2);
	char *at = out;

	/* a digit cannot begin a name, and two _ are the language's own */
	if ((*name >= '0' && *name <= '9') || *name == '\0')
		*at++ = '_';
	for (; *name; name += pg_mblen(name))
		*at++ = is_letter(*name) || (*name >= '0' && *name <= '9') ? *name : '_';
	*at = '\0';
	if (strncmp(out, "__", 2) == 0)
		out[0] = 'x';
	return out;
}

static bool
is_taken(List *taken, const char *name)
{
	ListCell *cell;

	foreach (cell, taken)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

/* Who comes later has its whole name's hash behind it */
char *
graphql_unique(const char *name, const char *whole, List **taken)
{
	char *out = pstrdup(name);

	for (uint64 seed = 0; is_taken(*taken, out); seed++)
		out = psprintf("%s_%08x", name, (uint32) hash_bytes_extended((const unsigned char *) whole, strlen(whole), seed));
	*taken = lappend(*taken, out);
	return out;
}

/* run_logs becomes RunLogs; two fields never fall together: a _ goes only where the capital behind it tells of it */
char *
graphql_type_name(const char *field)
{
	char *out = palloc(strlen(field) + 1);
	char *at = out;
	bool capital = true;

	for (; *field; field++)
	{
		if (*field == '_' && at > out && field[1] >= 'a' && field[1] <= 'z')
		{
			capital = true;
			continue;
		}
		*at++ = capital && *field >= 'a' && *field <= 'z' ? *field - 'a' + 'A' : *field;
		capital = capital && *field == '_';
	}
	*at = '\0';
	return out;
}
