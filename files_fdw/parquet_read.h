/*
 * parquet_read.h
 *		Rows of a Parquet file, for a foreign table.
 */
#ifndef FILES_PARQUET_READ_H
#define FILES_PARQUET_READ_H

#include "postgres.h"

#include "files_fdw/parquet_value.h"
#include "files_fdw/parquet_prune.h"
#include "files_fdw/reader.h"
#include "nodes/bitmapset.h"

typedef struct ParquetRows
{
	ParquetSource source;
	ParquetMeta *meta;
	const ParquetNode **nodes; /* by attnum - 1; NULL: the file does not have it */
	int natts;
	ParquetColumn **columns; /* by attnum - 1; NULL: it is not wanted, or not there */
	const List *prunes;
	int64 from; /* bytes that row groups begin in */
	int64 to;
	int64 first; /* of rows that are wanted */
	int group;   /* that is read; -1: none yet */
	int64 row;   /* the next one */
	int64 end;   /* of the row group */
	int64 groups_read;
	int64 groups_left_out;
} ParquetRows;

struct Table;

/* The file is open, in the current memory context.  wanted: attnums whose values will be asked for. */
extern ParquetRows *parquet_rows_new(const struct Table *t, RootFile *file, const FileInfo *info,
									 const Bitmapset *wanted);
/* The row groups that begin in a part of the file, and rows from a number on */
extern void parquet_rows_part(ParquetRows *r, int64 from, int64 to, int64 first);
/* The next row, whose position is its number in the file; false: the end */
extern bool parquet_rows_next(ParquetRows *r, Row *row);
/* The row as it is shown where it is bad: its texts, in the current memory context */
extern char *parquet_row_text(const ParquetRows *r, const struct Table *t, int64 row);
/* The name of a column in the database's encoding */
extern char *parquet_name(const ParquetNode *node);

#endif /* FILES_PARQUET_READ_H */
