/*
 * stream.h
 *		Answers that go on: events as they come.
 */
#ifndef GATEWAY_STREAM_H
#define GATEWAY_STREAM_H

#include "gateway/connection.h"
#include "gateway/pool.h"

/* The first piece of one is here: takes what it needs of the question */
extern void stream_begin(Connection *client, Question *question, const AnswerHeader *headers, int n_headers, const char *body, size_t n);
extern void stream_tick(int64_t now);
/* All of them end, as clients expect it: they come back elsewhere */
extern void stream_drain(void);

#endif /* GATEWAY_STREAM_H */
