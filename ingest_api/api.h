/*
 * api.h
 *		What all files of the library know: its settings, requests and answers.
 */
#ifndef API_API_H
#define API_API_H

#include "postgres.h"

#include "common/function.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
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
	const char *body; /* NULL: none */
	Oid role;
} Request;

typedef struct Answer
{
	int status;
	StringInfoData headers; /* members of a JSON object */
	StringInfoData body;
	bool called; /* a function answers: what it does not find is not at the address */
} Answer;

extern void answer_begin(Answer *answer, int status, const char *type);
extern void answer_header(Answer *answer, const char *name, const char *value);
/* RFC 9457, with PostgREST's members beside */
extern void answer_problem(Answer *answer, int status, const char *code, const char *message, const char *details, const char *hint);
/* NULL: it is not there */
extern char *request_header(const Request *request, const char *name);

/* route.c */
extern void route_answer(const Request *request, Answer *answer);
/* rest.c; parts: of the path, behind the version */
extern void rest_answer(const Request *request, List *parts, Answer *answer);

#endif /* API_API_H */
