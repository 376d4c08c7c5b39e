/*
 * scan.h
 *		Rows of a foreign table's files, as the executor asks for them.
 */
#ifndef FILES_SCAN_H
#define FILES_SCAN_H

#include "postgres.h"

#include "files_fdw/table.h"
#include "foreign/fdwapi.h"
#include "nodes/execnodes.h"

/* Columns whose values are taken together */
typedef struct Takes
{
	Take *of;
	int n;
	/* of Parquet, where none of them is made only when its row is wanted */
	bool at_once;
	int64 from; /* rows that all of them have values of */
	int64 to;
	uint8 worst; /* of these values */
} Takes;

/* Values of rows of one file after the other */
typedef struct RowMaker
{
	Table *table;
	Bitmapset *wanted; /* attnums */
	bool soft;         /* bad rows are rows: the column of errors is wanted */
	Takes early;       /* columns that conditions need */
	Takes late;
	int *places; /* columns of positions and lines, by attnum - 1 */
	int nplaces;
	int *file_atts; /* columns that all rows of a file have the same values of */
	int nfile_atts;
	Datum *file_values; /* what all rows of the file have */
	bool *file_nulls;
	const bool *nulls_of; /* nulls of the last row of Parquet; NULL: they are not as its file's rows have them */
	Arena arena;
	Arena file_arena;
	FileScan *scan;
	const Converter *at_work; /* whose value an input function is reading */
	MemoryContext context;
} RowMaker;

extern RowMaker *row_maker_new(Table *t, Bitmapset *wanted, Bitmapset *early);
/* The file's rows come next */
extern void row_maker_open(RowMaker *m, FileInfo *file);
/* Columns that need no row, of a file that need not be open */
extern void row_maker_file(RowMaker *m, FileInfo *file);
/* Do a file's path, version and partitions let any of its rows be wanted? */
extern bool row_maker_fits(RowMaker *m, ForeignScanState *node, FileInfo *file, ExprState *qual);
extern void row_maker_close(RowMaker *m);
/* Early columns of the row that the scan stands at; false: it is a bad row, and all its values are there */
extern bool row_maker_early(RowMaker *m, Datum *values, bool *nulls);
/* The others; false likewise */
extern bool row_maker_late(RowMaker *m, Datum *values, bool *nulls);

extern void scan_routine(FdwRoutine *routine);
extern void sample_routine(FdwRoutine *routine);

#endif /* FILES_SCAN_H */
