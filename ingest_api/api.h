/*
 * api.h
 *		What all files of the library know: its settings, requests and answers.
 */
#ifndef API_API_H
#define API_API_H

#include "postgres.h"

#include "common/function.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

extern char *api_authenticator; /* ingest_api.authenticator */
extern int api_max_rows;        /* ingest_api.max_rows */

/* What is asked; texts in the database's encoding */
typedef struct Request
{
	const char *method; /* HEAD is a GET whose body is thrown away by who sends it */
	const char *path;
	const char *query; /* NULL: none */
	Jsonb *headers;
	Oid role;
} Request;

typedef struct Answer
{
	int status;
	StringInfoData headers; /* members of a JSON object */
	StringInfoData body;
} Answer;

extern void answer_begin(Answer *answer, int status, const char *type);
extern void answer_header(Answer *answer, const char *name, const char *value);
/* RFC 9457, with PostgREST's members beside */
extern void answer_problem(Answer *answer, int status, const char *code, const char *message, const char *details, const char *hint);
/* NULL: it is not there */
extern char *request_header(const Request *request, const char *name);

/* rest.c */
extern void rest_answer(const Request *request, Answer *answer);

#endif /* API_API_H */
