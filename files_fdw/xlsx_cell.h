/*
 * xlsx_cell.h
 *		Places of cells, and the texts that their numbers are.
 */
#ifndef FILES_XLSX_CELL_H
#define FILES_XLSX_CELL_H

#include "postgres.h"

#include "files_fdw/xlsx_book.h"
#include "lib/stringinfo.h"

#define MOST_COLUMNS_OF_SHEET 16384
#define MOST_ROWS_OF_SHEET 1048576

/* Rows from 1, columns from 0 on, the last ones included; last ones that are not named are the most that there are */
typedef struct SheetRange
{
	int first_row;
	int last_row;
	int first_column;
	int last_column;
	bool columns; /* they are named */
} SheetRange;

extern const SheetRange whole_sheet;

/* B7; false: it is none, or beyond what sheets have */
extern bool cell_place(const char *p, int *column, int *row);
/* Room for 16 bytes */
extern char *cell_name(int column, int64 row, char *to);
/* B7:F200, B7:F, B7, B:F, 7:200, 7: where it begins and, perhaps, ends; false: it is none */
extern bool range_read(const char *text, SheetRange *range);
/* From a cell on; a column 0 needs no name */
extern char *range_print(int column, int row);
/* A number as it stands, without an exponent; false: it is none */
extern bool number_text(const char *p, int len, StringInfo out);
/* A day, a time, both or a duration; false: there is no such */
extern bool moment_text(CellKind kind, bool since_1904, const char *p, StringInfo out);

#endif /* FILES_XLSX_CELL_H */
