/*
 * dialect.h
 *		How a file is written: its encoding, its format, its signs, its header.  Found once, at import.
 */
#ifndef FILES_DIALECT_H
#define FILES_DIALECT_H

#include "postgres.h"

#include "files_fdw/option.h"
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
	double score;
} Dialect;

/* What o says already is taken as it is, if it is among fixed, names of options */
extern void dialect_find(Root *root, FileInfo *file, Dialect *d);
extern void add_choice(List **choices, const char *name, char *value, char *evidence, char *runner_up);
/* Of a text that is there: for tests of it alone */
extern void dialect_of_text(const char *text, size_t len, bool whole, Dialect *d);

#endif /* FILES_DIALECT_H */
