/*
 * complaint.h
 *		What is wrong with a row, and where it stands.
 */
#ifndef FILES_COMPLAINT_H
#define FILES_COMPLAINT_H

#include "postgres.h"

#include "common/attribute.h"

#define WORDS_BYTES 400

typedef struct Complaint
{
	int sqlstate; /* 0: nothing is wrong */
	char reason[WORDS_BYTES];
	const char *column; /* or NULL */
	const char *value;  /* what was not understood, or NULL */
	int len;
} Complaint;

/* Where a row stands */
typedef struct Place
{
	const char *file;
	int64 position;
	int64 line; /* 0: unknown */
} Place;

/* Always false, for the caller to return */
extern bool complain(Complaint *c, int sqlstate, const char *format, ...) pg_attribute_printf(3, 4);
/* The file, the line, the column, the start of the value: one sentence */
extern char *complaint_place(const Complaint *c, const Place *place);
pg_noreturn extern void complaint_raise(const Complaint *c, const Place *place);
/* As the column of errors has it: reason, sqlstate, column, value, row, line */
extern Datum complaint_json(const Complaint *c, const Place *place, const char *row, size_t len);
/* Text of a file that may be no text: what is not valid is shown as \x and its digits; at most so many bytes, 0: all */
extern char *shown_text(const char *text, size_t len, size_t most);

#endif /* FILES_COMPLAINT_H */
