/*
 * stream.h
 *		Events from a place on, as a page of JSON or a piece of a stream.
 */
#ifndef API_STREAM_H
#define API_STREAM_H

#include "postgres.h"

#include "ingest_api/api.h"
#include "nodes/pg_list.h"

/* False: something else is asked for; parts: of the path, behind the version */
extern bool stream_answer(const Request *request, List *parts, Answer *answer);

#endif /* API_STREAM_H */
