/*
 * meta.h
 *		Directives; what else introspection tells is in schema.h.
 */
#ifndef GRAPHQL_META_H
#define GRAPHQL_META_H

#include "ingest_api/graphql/schema.h"

typedef struct GDirective
{
	const char *name;
	const char *description;
	const char *locations; /* with a blank around each */
	GField *field;         /* has its arguments */
} GDirective;

extern List *schema_directives(GSchema *schema);
extern GDirective *directive_named(GSchema *schema, const char *name);
extern bool directive_stands_at(const GDirective *directive, const char *location);

#endif /* GRAPHQL_META_H */
