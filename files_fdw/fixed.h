/*
 * fixed.h
 *		Lines whose fields stand in the same places: so many characters from the beginning on.
 */
#ifndef FILES_FIXED_H
#define FILES_FIXED_H

#include "postgres.h"

#include "files_fdw/reader.h"

#define FIXED_END PG_INT32_MAX

/* Characters of a line, from 0 on; to is the one behind the last, or FIXED_END */
typedef struct FixedColumn
{
	int from;
	int to;
} FixedColumn;

typedef struct FixedColumns
{
	bool ignore_extra; /* what no column has may be anything, not only blank */
	int n;
	FixedColumn columns[FLEXIBLE_ARRAY_MEMBER];
} FixedColumns;

/* As option columns has them, 1-8, 9-38, 39-; NULL if it is no such list, and then *problem says why */
extern FixedColumns *fixed_read(const char *text, const char **problem);
extern char *fixed_print(const FixedColumns *f);
/* A row's fields from its text, which is valid; a complaint if something stands in no column */
extern void fixed_cut(const FixedColumns *f, Row *row);

struct Dialect;

/* Are there columns of blanks between columns?  Then they are the dialect's */
extern bool fixed_find(const char *text, size_t len, struct Dialect *d);

#endif /* FILES_FIXED_H */
