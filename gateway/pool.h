/*
 * pool.h
 *		Sessions of the database, and the requests that wait for one.
 */
#ifndef GATEWAY_POOL_H
#define GATEWAY_POOL_H

#include "gateway/connection.h"

/* What ingest_api.serve() is called with */
typedef struct Question
{
	char *credential; /* NULL: none */
	char *method;
	char *path;
	char *query; /* NULL: none */
	char *headers;
	char *who;    /* whose share of the pool it takes */
	bool express; /* short: it has sessions of its own */
	/* where no client waits: told the answer, or a status alone */
	void (*answered)(void *of, int status, const AnswerHeader *headers, int n_headers, const char *body, size_t n);
	void *of;
	char *body; /* likewise; NULL: none */
	size_t n_body;
} Question;

extern void pool_begin(void);
extern void pool_tick(int64_t now);
/* Takes the question over; the client, or whom the question names, is answered later */
extern void pool_ask(Connection *client, Question *question);
/* Metrics of the database, and behind them the gateway's own */
extern void pool_page(Buffer *out, const char *body, size_t n);
/* Does a session answer? */
extern bool pool_is_ready(void);

#endif /* GATEWAY_POOL_H */
