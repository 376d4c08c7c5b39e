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
	int64 most;   /* rows */
	/* where pages are asked for by marks; the last column of rows is the place then */
	char *paged;   /* SELECT of pairs of a document and its place, a JSON array of texts; NULL: they are not */
	char *purpose; /* that a mark is signed for */
} Compiled;

/* As the engine; nothing of a user's runs.  most: rows at once */
extern Compiled *compile(Level *level, Resource *resource, Oid role, int64 most);

/*
 * The type's own operator: by its name alone the path, in which there is nothing of a user's, would find another one
 * for a type of an extension, as text's for citext.  NULL: it has none, or that of the name.
 */
extern char *own_operator(Oid type, const char *name);

#endif /* API_COMPILE_H */
