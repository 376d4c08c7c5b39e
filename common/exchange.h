/*
 * exchange.h
 *		One request that is asked again while its failure may pass.
 *
 * Nothing here waits: who drives it looks at exchange_over after each http_turn, and
 * again when exchange_next says so.
 */
#ifndef COMMON_EXCHANGE_H
#define COMMON_EXCHANGE_H

#include "postgres.h"

#include "common/http.h"
#include "datatype/timestamp.h"

typedef struct Exchange
{
	/* given */
	const char *method;
	char *url;
	List *headers;   /* of lines; wiped in the end */
	char *body;      /* NULL: none; wiped in the end */
	size_t body_len; /* 0: it is a text */
	HttpSettings settings;
	size_t max_body;    /* of the answer; 0: what answers in words have */
	const int *passing; /* statuses that may pass as well as 408, 429 and 5xx; 0 ends them */
	/* how it stands */
	HttpRequest *http;
	int tries;
	TimestampTz not_before; /* the next one */
	TimestampTz deadline;
} Exchange;

extern Exchange *exchange_new(const char *method, char *url);
extern bool exchange_over(Exchange *exchange);
extern TimestampTz exchange_next(const Exchange *exchange);
/* In words why there was no answer, or its status, and what the other side says: a code, its first line.  palloc'd */
extern char *exchange_words(const Exchange *exchange, const char *code, const char *text);
/* What was sent and what came goes, and is nowhere afterwards */
extern void exchange_end(Exchange *exchange);

#endif /* COMMON_EXCHANGE_H */
