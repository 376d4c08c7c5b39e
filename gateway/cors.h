/*
 * cors.h
 *		Which pages of other origins may read answers.
 */
#ifndef GATEWAY_CORS_H
#define GATEWAY_CORS_H

#include "gateway/connection.h"

/* An origin as browsers say it, or the start is given up */
extern void cors_allow(const char *origin);
/* What an answer's head says of it; nothing where the request comes from no page of another origin */
extern void cors_head(const Connection *c, Buffer *out);
/* Answers a browser that asks whether it may ask */
extern bool cors_preflight(Connection *c);

#endif /* GATEWAY_CORS_H */
