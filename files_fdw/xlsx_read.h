/*
 * xlsx_read.h
 *		Rows of a sheet.
 */
#ifndef FILES_XLSX_READ_H
#define FILES_XLSX_READ_H

#include "postgres.h"

#include "files_fdw/option.h"
#include "files_fdw/reader.h"
#include "files_fdw/xlsx_book.h"
#include "files_fdw/xlsx_cell.h"

typedef struct XlsxRows XlsxRows;

/* Of the sheet and the range that options name, in the current memory context */
extern XlsxRows *xlsx_rows_new(RootFile *file, const FileInfo *info, const TableOptions *o);
extern XlsxRows *xlsx_rows_of(Book *book, const Sheet *sheet, const TableOptions *o);
/*
 * The next row that has anything, good or bad; its position and line are its number.  Its fields are those of the
 * columns that were set; until then, of all from the first one on.  false: the end.
 */
extern bool xlsx_next(XlsxRows *r, Row *row);
/* So many columns, from a column of the sheet on; what stands in others makes a row bad, unless it is to be ignored */
extern void xlsx_columns(XlsxRows *r, int first, int n);
/* Those of the row that was read last, whose fields are their names; those without one are others */
extern void xlsx_columns_named(XlsxRows *r, Row *row);
/* From the first column of the range on, or of the sheet */
extern void xlsx_columns_by_place(XlsxRows *r, int n);
/* The range from the first of the columns on, behind the row that was read last */
extern char *xlsx_range_behind(const XlsxRows *r);
extern int64 xlsx_bytes(const XlsxRows *r);

#endif /* FILES_XLSX_READ_H */
