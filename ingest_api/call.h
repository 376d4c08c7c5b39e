/*
 * call.h
 *		Addresses that a function answers: what is done, and what is read that is no row of a relation.
 *
 * Each is a row of ingest_api_internal.route.
 */
#ifndef API_CALL_H
#define API_CALL_H

#include "postgres.h"

#include "ingest_api/api.h"
#include "nodes/pg_list.h"

/* False: there is no such address; where it is there for other methods alone, methods are these */
extern bool call_answer(const Request *request, List *parts, Answer *answer, char **methods);

#endif /* API_CALL_H */
