/*
 * metrics.h
 *		What the gateway counts of itself, beside what the database measures.
 */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <stdbool.h>

#include "gateway/buffer.h"

/* Addresses are counted by the route that answers them; what belongs to none, and routes beyond what there is room for, are one */
extern int metrics_route(const char *name);
extern void metrics_count(int route, int status, double seconds);

typedef struct Gauges
{
	int connections;
	int waiting;
	int sessions_free;
	int sessions_busy;
	int sessions_away;
} Gauges;

/* What the database answered in one of the two forms of Prometheus, and the gateway's own behind it, in that form */
extern void metrics_add(Buffer *out, const char *body, size_t n, const Gauges *now);

#endif /* GATEWAY_METRICS_H */
