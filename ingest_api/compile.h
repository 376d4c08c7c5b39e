/*
 * compile.h
 *		A query as the client means it into one statement: names looked up, values as parameters.
 */
#ifndef API_COMPILE_H
#define API_COMPILE_H

#include "postgres.h"

#include "ingest_api/grammar.h"
#include "ingest_api/resource.h"

typedef struct Value
{
	Oid type;
	char *text; /* the type's own form; NULL: null */
} Value;

typedef struct Compiled
{
	char *rows;   /* SELECT of the rows, limited */
	char *count;  /* SELECT count(*) of them, not limited */
	List *values; /* Value, of both */
	List *names;  /* of the columns */
} Compiled;

/* As the engine; nothing of a user's runs.  most: rows at once */
extern Compiled *compile(Level *level, Resource *resource, Oid role, int64 most);

#endif /* API_COMPILE_H */
