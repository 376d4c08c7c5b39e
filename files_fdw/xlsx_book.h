/*
 * xlsx_book.h
 *		A workbook: which sheets it has, what its numbers are shown as, and the texts that its cells share.
 */
#ifndef FILES_XLSX_BOOK_H
#define FILES_XLSX_BOOK_H

#include "postgres.h"

#include "files_fdw/encoding.h"
#include "files_fdw/zip.h"

typedef struct Sheet
{
	char *name;
	char *part;
	bool hidden;
} Sheet;

/* What a style makes of a number */
typedef enum CellKind
{
	CELL_NUMBER,
	CELL_DATE,
	CELL_TIME,
	CELL_STAMP,   /* both */
	CELL_DURATION /* hours beyond 24 */
} CellKind;

typedef struct Book
{
	MemoryContext context;
	Zip *zip;
	List *sheets; /* of Sheet, in their order; no charts and no macros */
	bool since_1904;
	Recoder *recoder;  /* from UTF-8; NULL: the database has it, too */
	char *styles_part; /* or NULL */
	char *strings_part;
	bool styles_read;
	int nkinds; /* of styles */
	uint8 *kinds;
	bool strings_read;
	int nstrings;
	int room;
	size_t *ends; /* of shared texts, in strings; one more than there are */
	char *strings;
	size_t size;
} Book;

/* In the current memory context, with which all of it goes */
extern Book *book_open(RootFile *file, const char *path, int64 size);
/* The sheet of a name, NULL: the only one that is not hidden; an error if there is none */
extern const Sheet *book_sheet(const Book *book, const char *name);
extern CellKind book_kind(Book *book, int style);
/* False: there is none of that number */
extern bool book_string(Book *book, int64 number, const char **text, size_t *len);
/* A workbook whose bytes begin so, or a file that office programs make in its place? */
extern bool book_is(const unsigned char *head, size_t n);

#define BOOK_HEAD 8 /* bytes that tell */

#endif /* FILES_XLSX_BOOK_H */
