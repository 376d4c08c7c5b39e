/*
 * render.h
 *		Rows of a statement in the form that was asked for.
 */
#ifndef API_RENDER_H
#define API_RENDER_H

#include "postgres.h"

#include "ingest_api/api.h"
#include "ingest_api/compile.h"
#include "nodes/pg_list.h"

typedef enum Form
{
	FORM_JSON,
	FORM_ONE, /* object, not an array of one */
	FORM_NDJSON,
	FORM_CSV
} Form;

/* By the header Accept; an error of ERRCODE_INDETERMINATE_DATATYPE where none can be given */
extern Form render_form(const Request *request);
extern const char *render_type(Form form);
/* Runs the statement, whose values are compile.h's, and gives the number of its rows */
extern int64 render_rows(const char *sql, List *values, Form form, bool writes, StringInfo out);
/* The same of a page; last: the place of its last row, NULL: there is none */
extern int64 render_page(const Compiled *compiled, Form form, StringInfo out, char **last);
/* The whole answer is written: its tag, and 304 where the client has just that */
extern void render_tag(const Request *request, Answer *answer);

#endif /* API_RENDER_H */
