/*
 * known.h
 *		Schemas, and documents that were found good by them, as they are remembered between requests.
 */
#ifndef GRAPHQL_KNOWN_H
#define GRAPHQL_KNOWN_H

#include "ingest_api/graphql/ast.h"
#include "ingest_api/graphql/schema.h"

typedef struct KnownSchema KnownSchema;

/* What a role can ask now; it is made if it is not remembered.  Until the request ends */
extern KnownSchema *known_schema(Oid role, Scope scope);
extern GSchema *known_schema_itself(KnownSchema *known);
/* NULL: it is not remembered that this was found good */
extern Document *known_document(KnownSchema *known, const char *text);
/* Memory for the document that is read now; known_good() says that it is to be remembered */
extern MemoryContext known_begin(KnownSchema *known, const char *text);
extern void known_good(KnownSchema *known, const char *text, Document *document);
/* False: it asks for what describes the schema, all of which is made then, in an order that would tell what was looked at before */
extern bool known_is_fit(const char *text);

#endif /* GRAPHQL_KNOWN_H */
