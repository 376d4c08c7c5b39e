/*
 * dialect.h
 *		How a file is written: its encoding, its format, its signs, its header.  Found once, at import.
 */
#ifndef FILES_DIALECT_H
#define FILES_DIALECT_H

#include "postgres.h"

#include "files_fdw/option.h"
#include "files_fdw/reader.h"
#include "files_fdw/root.h"

/* One thing that was found, why, and what came second */
typedef struct Choice
{
	const char *name;
	char *value;
	char *evidence;
	char *runner_up; /* or NULL */
} Choice;

typedef struct Dialect
{
	TableOptions o;
	List *choices; /* of Choice */
	int width;     /* fields of most rows */
	char *problem; /* it is in doubt: what people must decide; NULL: it is not */
	bool empty;    /* nothing is in the file */
	bool no_rows;  /* nor in its array: other files tell more */
	double score;
} Dialect;

/* A row of a sample, kept as texts */
typedef struct SampleRow
{
	int64 line;
	int n;
	char **cells;
	int *lens;
} SampleRow;

extern void sample_row_keep(SampleRow *to, const Row *row);
/* Cells from one on and before another one, empty ones in place of what is missing */
extern void sample_row_cut(SampleRow *row, int from, int to);
/* Where the table begins, and whether its first row has names */
extern void dialect_of_rows(Dialect *d, const SampleRow *lines, int n);

/* What o says already is taken as it is, if it is among fixed, names of options */
extern void dialect_find(Root *root, FileInfo *file, Dialect *d);
/* Is it a number, a date or another thing that has a type? */
extern bool cell_is_typed(const char *text, int len);
extern void add_choice(List **choices, const char *name, char *value, char *evidence, char *runner_up);
/* Of a text that is there: for tests of it alone */
extern void dialect_of_text(const char *text, size_t len, bool whole, Dialect *d);

#endif /* FILES_DIALECT_H */
