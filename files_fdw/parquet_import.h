/*
 * parquet_import.h
 *		What the footers of a group of Parquet files say of its columns.
 */
#ifndef FILES_PARQUET_IMPORT_H
#define FILES_PARQUET_IMPORT_H

#include "postgres.h"

#include "files_fdw/infer.h"

typedef struct ParquetFound
{
	char *name; /* in the file */
	const char *type;
	char *evidence;
	char *note; /* or NULL */
} ParquetFound;

/* Does a file begin as Parquet does? */
extern bool parquet_is(Root *root, FileInfo *file);
/* The columns of all files, in the order of the newest, as ParquetFound; rows and choices go to the inference */
extern List *parquet_infer(Root *root, FileGroup *group, Inference *inference);
/* The type that holds the values of both; NULL: text alone does */
extern const char *parquet_wider(const char *a, const char *b);

#endif /* FILES_PARQUET_IMPORT_H */
