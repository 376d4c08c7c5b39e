/*
 * xlsx_import.h
 *		What an import finds in workbooks.
 */
#ifndef FILES_XLSX_IMPORT_H
#define FILES_XLSX_IMPORT_H

#include "postgres.h"

#include "files_fdw/dialect.h"
#include "files_fdw/root.h"

extern bool xlsx_is(Root *root, FileInfo *file);
/* Names of sheets that are not hidden and have anything, as char *; how many are not hidden, and hidden ones that do */
extern List *xlsx_sheets(Root *root, FileInfo *file, int *visible, int *hidden);
/* Where the table of a sheet begins, NULL: of the only one */
extern void xlsx_dialect(Root *root, FileInfo *file, const char *sheet, Dialect *d);

#endif /* FILES_XLSX_IMPORT_H */
