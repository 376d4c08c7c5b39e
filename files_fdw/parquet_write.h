/*
 * parquet_write.h
 *		Files of Parquet, written: rows go in, bytes come out.
 *
 * It knows nothing of PostgreSQL's types: lake_value.c puts a row's values into columns as Parquet has them.
 */
#ifndef FILES_PARQUET_WRITE_H
#define FILES_PARQUET_WRITE_H

#include "postgres.h"

#include "files_fdw/parquet.h"
#include "files_fdw/parquet_column.h"

/* Where bytes go, in their order */
typedef void (*ParquetSink)(void *arg, const char *data, size_t n);

typedef struct ParquetWriter ParquetWriter;

/* All columns may be null.  The writer has a context of its own below the current one; leaves and names stay there */
extern ParquetWriter *parquet_writer_new(const WrittenLeaf *leaves, int n, ParquetCodec codec, ParquetSink sink,
										 void *arg);
/* The columns, of each of which one value, or a null, is put before the row ends */
extern WrittenColumn *parquet_column(ParquetWriter *w, int i);
extern void parquet_row_end(ParquetWriter *w);
/* What is held of rows that were not given out yet */
extern size_t parquet_held(const ParquetWriter *w);
/* Give them out, as a group of rows */
extern void parquet_flush(ParquetWriter *w);
/* The footer; nothing comes behind it */
extern void parquet_end(ParquetWriter *w);
extern void parquet_free(ParquetWriter *w);
/* Of all that was given out: rows, bytes, and what values a column has */
extern int64 parquet_rows(const ParquetWriter *w);
extern int64 parquet_bytes(const ParquetWriter *w);
extern const ParquetBounds *parquet_bounds(const ParquetWriter *w, int i);

#endif /* FILES_PARQUET_WRITE_H */
