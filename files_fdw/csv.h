/*
 * csv.h
 *		Rows of CSV, whatever its dialect: strict, so that none is lost.
 */
#ifndef FILES_CSV_H
#define FILES_CSV_H

#include "postgres.h"

#include "files_fdw/reader.h"

typedef struct Csv
{
	Reader *r;
	char delimiter;
	char quote;   /* 0: none */
	char escape;  /* 0: none; the quote itself: doubled */
	char newline; /* \n, or \r */
	char comment; /* 0: none */
	bool multiline;
	bool lazy_quotes;
	bool skipping;                    /* the rest of a line that was too long */
	int expected;                     /* fields of a row; 0: whatever there is */
	const struct FixedColumns *fixed; /* fields are cut from lines, which nothing divides; or NULL */
	int64 many_lines;                 /* rows that had more than one */
	/* the block that is looked at, and where in it signs are that were not seen yet */
	size_t block;
	uint64 signs;
	int generation;
} Csv;

extern Csv *csv_new(Reader *r, const TableOptions *o);
/* The next row, good or bad; false: there is none */
extern bool csv_next(Csv *csv, Row *row);
/* A field's text without its escapes; room for field->len bytes; how many there are */
extern int csv_unescape(const Csv *csv, const Field *field, char *to);

#endif /* FILES_CSV_H */
