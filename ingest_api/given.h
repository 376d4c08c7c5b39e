/*
 * given.h
 *		What a client gives by name: in the path, in the query, in a body of JSON.
 */
#ifndef API_GIVEN_H
#define API_GIVEN_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef struct Given
{
	char *name;
	char *text;       /* of the path or query */
	JsonbValue value; /* of a body, where there is no text */
	bool used;
} Given;

extern Given *given_new(char *name, char *text);
/* All that is there, behind what the path gives; a name that stands twice is an error */
extern List *given_in_query(const char *query, List *path);
extern List *given_in_body(const char *body, List *path);
extern Given *given_find(List *given, const char *name);
/* In the type's own form; NULL: null */
extern char *given_text(const Given *given, Oid type);
/* An error that names what was not used, and what there is */
extern void given_all_used(List *given, const char *known);

#endif /* API_GIVEN_H */
