/*
 * metrics.c
 *		What the gateway counts of itself, beside what the database measures.
 *
 * The database says by a header which of its routes answered, so that no client can
 * make a series by making up an address.
 */
#include "gateway/metrics.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_ROUTES 256
#define MOST_STATUSES 32
#define N_BOUNDS 11
#define END "# EOF\n"

static const double bounds[N_BOUNDS] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

typedef struct Count
{
	int status;
	uint64_t n;
} Count;

typedef struct Route
{
	char *name;
	Count counts[MOST_STATUSES];
	int n_counts;
	uint64_t buckets[N_BOUNDS + 1];
	double seconds;
} Route;

/* The first is what belongs to no route */
static Route routes[MOST_ROUTES] = {{.name = "other"}};
static int n_routes = 1;
static time_t began = 0;

int
metrics_route(const char *name)
{
	for (int i = 0; i < n_routes; i++)
		if (strcmp(routes[i].name, name) == 0)
			return i;
	if (n_routes == MOST_ROUTES)
		return 0;
	routes[n_routes].name = need_copy(name, strlen(name));
	return n_routes++;
}

static Count *
count_of(Route *r, int status)
{
	for (int i = 0; i < r->n_counts; i++)
		if (r->counts[i].status == status)
			return &r->counts[i];
	if (r->n_counts == MOST_STATUSES)
		return &r->counts[MOST_STATUSES - 1];
	r->counts[r->n_counts].status = status;
	return &r->counts[r->n_counts++];
}

void
metrics_count(int route, int status, double seconds)
{
	Route *r = &routes[route];
	int b = 0;

	if (began == 0)
		began = time(NULL);
	count_of(r, status)->n++;
	while (b < N_BOUNDS && seconds > bounds[b])
		b++;
	r->buckets[b]++;
	r->seconds += seconds;
}

/* -- in the form of the body -- */

static void
head(Buffer *out, const char *name, const char *suffix, const char *type, const char *help)
{
	buffer_print(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
}

static void
label(Buffer *out, const char *value)
{
	for (; *value; value++)
	{
		if (*value == '\\' || *value == '"')
			buffer_print(out, "\\%c", *value);
		else if (*value == '\n')
			buffer_print(out, "\\n");
		else
			buffer_print(out, "%c", *value);
	}
}

static void
series(Buffer *out, const char *name, const Route *r)
{
	buffer_print(out, "%s{route=\"", name);
	label(out, r->name);
	buffer_print(out, "\"");
}

static void
write_requests(Buffer *out, bool open)
{
	head(out, "ingest_gateway_requests", open ? "" : "_total", "counter", "Requests that were answered, by route and status.");
	for (int i = 0; i < n_routes; i++)
	{
		for (int k = 0; k < routes[i].n_counts; k++)
		{
			series(out, "ingest_gateway_requests_total", &routes[i]);
			buffer_print(out, ",status=\"%d\"} %llu\n", routes[i].counts[k].status, (unsigned long long) routes[i].counts[k].n);
		}
	}
}

static void
write_seconds(Buffer *out)
{
	head(out, "ingest_gateway_request_seconds", "", "histogram", "Seconds from a request's first byte to its answer's last.");
	for (int i = 0; i < n_routes; i++)
	{
		uint64_t n = 0;

		if (routes[i].n_counts == 0)
			continue;
		for (int b = 0; b < N_BOUNDS; b++)
		{
			n += routes[i].buckets[b];
			series(out, "ingest_gateway_request_seconds_bucket", &routes[i]);
			/* OpenMetrics wants a number that shows that it is one of floating point */
			buffer_print(out, bounds[b] < 1 || bounds[b] == 2.5 ? ",le=\"%g\"} %llu\n" : ",le=\"%.1f\"} %llu\n", bounds[b], (unsigned long long) n);
		}
		n += routes[i].buckets[N_BOUNDS];
		series(out, "ingest_gateway_request_seconds_bucket", &routes[i]);
		buffer_print(out, ",le=\"+Inf\"} %llu\n", (unsigned long long) n);
		series(out, "ingest_gateway_request_seconds_sum", &routes[i]);
		buffer_print(out, "} %.3f\n", routes[i].seconds);
		series(out, "ingest_gateway_request_seconds_count", &routes[i]);
		buffer_print(out, "} %llu\n", (unsigned long long) n);
	}
}

static void
gauge(Buffer *out, const char *name, const char *help, long long value)
{
	head(out, name, "", "gauge", help);
	buffer_print(out, "%s %lld\n", name, value);
}

void
metrics_add(Buffer *out, const char *body, size_t n, const Gauges *now)
{
	size_t end = strlen(END);
	bool open = n >= end && memcmp(body + n - end, END, end) == 0;

	buffer_add(out, body, open ? n - end : n);
	head(out, "ingest_gateway_build_info", "", "gauge", "Always 1; the version is in the label.");
	buffer_print(out, "ingest_gateway_build_info{version=\"%s\"} 1\n", GATEWAY_VERSION);
	gauge(out, "ingest_gateway_started_timestamp_seconds", "When the first request was answered.", (long long) began);
	gauge(out, "ingest_gateway_connections", "Clients that are connected.", now->connections);
	gauge(out, "ingest_gateway_waiting_requests", "Requests that wait for a session of the database.", now->waiting);
	head(out, "ingest_gateway_sessions", "", "gauge", "Sessions of the database, by what they do.");
	buffer_print(out, "ingest_gateway_sessions{state=\"free\"} %d\ningest_gateway_sessions{state=\"busy\"} %d\ningest_gateway_sessions{state=\"away\"} %d\n", now->sessions_free,
				 now->sessions_busy, now->sessions_away);
	write_requests(out, open);
	write_seconds(out);
	if (open)
		buffer_add(out, END, end);
}
