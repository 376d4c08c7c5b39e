/*
 * parquet_source.h
 *		The bytes of a Parquet file, and what is said when they are not as they should be.
 */
#ifndef FILES_PARQUET_SOURCE_H
#define FILES_PARQUET_SOURCE_H

#include "postgres.h"

#include "common/attribute.h"
#include "files_fdw/root.h"

typedef struct ParquetSource
{
	RootFile *file;
	const char *path;
	int64 size;
	int64 bytes; /* that were read */
} ParquetSource;

/* Where in a file something stands, for messages; -1 and NULL: nowhere in particular */
typedef struct ParquetPlace
{
	int64 offset;
	int group;
	const char *column;
} ParquetPlace;

/* Exactly so many bytes, which the file had when it was opened */
extern void parquet_source_read(ParquetSource *source, void *to, size_t n, int64 offset);
/* It is not what its format says: a sentence without its full stop */
pg_noreturn extern void parquet_damaged(const ParquetSource *source, const ParquetPlace *place, const char *format, ...)
	pg_attribute_printf(3, 4);
/* It is in order, but more than is read here */
pg_noreturn extern void parquet_unsupported(const ParquetSource *source, const ParquetPlace *place, const char *format, ...)
	pg_attribute_printf(3, 4);

#endif /* FILES_PARQUET_SOURCE_H */
