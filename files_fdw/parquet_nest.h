/*
 * parquet_nest.h
 *		Lists, maps and structs of a Parquet column, as jsonb.
 */
#ifndef FILES_PARQUET_NEST_H
#define FILES_PARQUET_NEST_H

#include "postgres.h"

#include "files_fdw/complaint.h"
#include "files_fdw/parquet_value.h"
#include "files_fdw/parquet_leaf.h"

/* In the current memory context */
extern ParquetNest *nest_new(ParquetSource *source, const ParquetMeta *meta, const ParquetNode *node, size_t block,
							 bool cut);
/* Of the struct only these members are read, and nothing of the others; NULL closes them.  False: it has none of them.
 * Before the first row group; for one that is not repeated */
extern bool nest_take(ParquetNest *n, const char *const *members);
extern void nest_group(ParquetNest *n, int group, const ParquetChunk *chunks, int64 first);
/* The value of a row in the current memory context; rows before it are passed over.  False: it is a bad one. */
extern bool nest_value(ParquetNest *n, int64 row, Datum *value, bool *isnull, Complaint *complaint);

#endif /* FILES_PARQUET_NEST_H */
