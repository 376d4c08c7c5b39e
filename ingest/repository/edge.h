/*
 * edge.h
 *		Flows that were recorded, as lineage() follows them.
 */
#ifndef INGEST_EDGE_H
#define INGEST_EDGE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* From a relation or a column of it to another; without a column: "" */
typedef struct Flow
{
	char *from_schema, *from_table, *from_column;
	char *to_schema, *to_table, *to_column;
	char *kind;
} Flow;

typedef struct Edges Edges;

/* Until edges_end() */
extern Edges *edges_begin(void);
extern void edges_end(Edges *edges);
/*
 * Flow: into a relation or column, or out of it, as far as the caller sees them: those of sources, and by owners for
 * whom he may act.  In the order in which they were written
 */
extern List *edges_at(Edges *edges, bool into, const char *schema, const char *table, const char *column);

#endif /* INGEST_EDGE_H */
