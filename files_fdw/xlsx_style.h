/*
 * xlsx_style.h
 *		What number formats make of numbers.
 */
#ifndef FILES_XLSX_STYLE_H
#define FILES_XLSX_STYLE_H

#include "postgres.h"

#include "files_fdw/xlsx_book.h"

/* Of a format's code, yyyy-mm-dd */
extern CellKind kind_of_code(const char *code);
/* Styles of cells from the workbook's part, into book->kinds */
extern void styles_read(Book *book);

#endif /* FILES_XLSX_STYLE_H */
