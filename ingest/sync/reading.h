/*
 * reading.h
 *		What of a source's table is read, and what is kept from being read.
 */
#ifndef INGEST_READING_H
#define INGEST_READING_H

#include "ingest/sync/sync.h"

/* What is asked of each row that a statement reads: columns as they are in the table, so that an error may be told */
typedef struct Reading
{
	Copy *copy;
	MemoryContext context;       /* of what is noted */
	const char *piece, *version; /* that its rows must be of; NULL: of any */
	Strings errors;              /* of bad rows, as the wrapper gave them */
	Strings keys;                /* and theirs; an empty one: not known */
} Reading;

/* Once the columns are known: the copy's "there" and "read" */
extern void reading_prepare(Sync *s);
/* FROM clause and conditions of the rows of a piece, with what is asked of each */
extern char *reading_of_piece(const Sync *s, const char *piece, const char *version, bool with_deleted);
/* The same columns as a SELECT list has them */
extern char *reading_list(const Sync *s);
/* Columns of the foreign table that are never copied */
extern Texts reading_left_out(const Texts *exclude, const Source *source, Oid foreign, const char *mode);
/* A statement that reads; in a transaction of its own, or a subtransaction: what it met is undone with it */
extern int64 reading_run(Reading *reading, const char *sql);
/* Bad rows that it met become rejected rows */
extern void reading_reject(const Reading *reading, bool with_content);

#endif /* INGEST_READING_H */
