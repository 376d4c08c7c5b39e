/*
 * stream.h
 *		Events from a place on, as a page of JSON or a piece of a stream.
 */
#ifndef API_STREAM_H
#define API_STREAM_H

#include "postgres.h"

#include "ingest_api/api.h"
#include "nodes/pg_list.h"

/* How an event is written */
typedef struct StreamForm
{
	bool page;          /* as an element of an array */
	const char *name;   /* line that names it; "": it is a message */
	const char *before; /* its text, and behind it */
	const char *behind;
} StreamForm;

/*
 * Runs what gives a place and a text in each row, as the role, and writes these; a text of NULL is no event, an empty one
 * is not for this reader.  The place behind all of it.
 */
extern char *stream_read(Oid role, const char *sql, List *values, const StreamForm *form, StringInfo out);
/* The head of a piece of a stream that was read up to a place */
extern void stream_head(Answer *answer, const char *place);
extern bool stream_is_wanted(const Request *request);
/* Events that one piece holds, unless something else is asked for */
#define STREAM_PIECE 100

/* False: something else is asked for; parts: of the path, behind the version */
extern bool stream_answer(const Request *request, List *parts, Answer *answer);

#endif /* API_STREAM_H */
