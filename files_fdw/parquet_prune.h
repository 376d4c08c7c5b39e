/*
 * parquet_prune.h
 *		Row groups that no row of can satisfy the conditions, by their statistics.
 */
#ifndef FILES_PARQUET_PRUNE_H
#define FILES_PARQUET_PRUNE_H

#include "postgres.h"

#include "files_fdw/parquet_meta.h"
#include "nodes/params.h"
#include "nodes/pg_list.h"

struct Table;

/* Of conditions those that statistics may answer: a list, in the current memory context */
extern List *prune_clauses(const struct Table *t, Index relid, List *clauses, ParamListInfo params);
/* May a row group have rows that satisfy all of them?  nodes: by attnum - 1 */
extern bool prune_keeps(const List *prunes, const ParquetMeta *meta, const ParquetNode *const *nodes, int natts,
						const ParquetGroup *group, const ParquetChunk *chunks);

#endif /* FILES_PARQUET_PRUNE_H */
