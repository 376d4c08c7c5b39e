/*
 * table.h
 *		A foreign table: its columns, its files, and the rows of one file.
 */
#ifndef FILES_TABLE_H
#define FILES_TABLE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "files_fdw/convert.h"
#include "files_fdw/csv.h"
#include "files_fdw/json.h"
#include "files_fdw/option.h"
#include "files_fdw/parquet_read.h"
#include "files_fdw/root.h"
#include "files_fdw/xlsx_read.h"
#include "nodes/bitmapset.h"

typedef struct Column
{
	bool dropped;
	ColumnOptions o;
	Converter converter;
} Column;

typedef struct Table
{
	Oid relid;
	const char *name;
	Oid serverid;
	Oid userid; /* whose user mapping is taken */
	Root *root;
	TableOptions o;
	int natts;
	Column *columns;   /* by attnum - 1 */
	int error;         /* attnum of the column of errors, or 0 */
	Bitmapset *wanted; /* attnums whose values are asked for */
	List *prunes;      /* conditions that statistics of files may answer */
	MemoryContext context;
} Table;

/* Root NULL until table_root() */
extern Table *table_open_fdw(Oid relid, TupleDesc desc, Oid userid);
extern Root *table_root(Table *t);
/* Which column has the data that files have under a name; -1: none */
extern int table_column(const Table *t, const char *name);
/* Is a column one that has the same value in all rows of a file? */
extern bool column_is_of_file(const Column *c);
/* The value that a file's rows have in such a column */
extern bool column_of_file(const Column *c, const FileInfo *file, Arena *arena, Datum *value, bool *isnull,
						   Complaint *complaint);

/* -- the rows of one file -- */

/* A wanted column: from which field to which attribute */
typedef struct Take
{
	int field; /* -1: the file does not have it */
	int att;   /* attnum - 1 */
	const Converter *converter;
	/* of Parquet, from the first row on whose values are there */
	const Datum *made;
	const uint8 *states;
} Take;

typedef struct FileScan
{
	Table *table;
	FileInfo *file;
	RootFile *handle;
	Input *input;
	Reader *reader;
	Csv *csv;       /* or */
	JsonRows *json; /* or, and then neither input nor reader */
	ParquetRows *parquet;
	XlsxRows *sheet;
	int *field_of; /* by attnum - 1; -1: it has none */
	int64 stop;    /* rows that begin here or later are not read */
	Row row;
	MemoryContext context;
} FileScan;

/* Names of a file's columns from its header */
typedef struct Header
{
	int n;
	char **names;
} Header;

extern FileScan *file_scan_open(Table *t, FileInfo *file);
extern void file_scan_close(FileScan *s);
/* The next row, good or bad; false: the end */
extern bool file_scan_next(FileScan *s);
extern void file_scan_place(const FileScan *s, Place *place);
/* Can rows be looked for from the middle of the file on? */
extern bool file_scan_can_seek(const FileScan *s);
/* Go on with the first row that begins there or later */
extern void file_scan_seek(FileScan *s, int64 position);
/* Of a file whose rows stand in groups: those that begin in a part of it, from a row on */
extern void file_scan_part(FileScan *s, int64 from, int64 to, int64 first);
/* Bytes of the file that were read */
extern int64 file_scan_bytes(const FileScan *s);
/* Read the names that the first row of a file has, or of a sheet; a complaint if it is bad */
extern void header_read(Csv *csv, const char *path, Header *header);
extern void header_of_sheet(XlsxRows *sheet, const char *path, Header *header);

#endif /* FILES_TABLE_H */
