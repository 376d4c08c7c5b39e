/*
 * by_http.c
 *		How kinds that speak HTTP send and receive: common/http.c, in the worker's event loop.
 */
#include "postgres.h"

#include "common/http.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/outcome.h"
#include "utils/memutils.h"

/* An answer is read to so much */
#define MOST_ANSWER (1024 * 1024)

static void
start(Sink *sink, Flight *flight)
{
	MemoryContext old = MemoryContextSwitchTo(flight->context);
	Post post = {.url = sink->url};

	sink->kind->write(sink, flight, &post);
	http_start_bytes(flight->request, &sink->settings, "POST", post.url, post.headers, post.body, post.length, MOST_ANSWER);
	MemoryContextSwitchTo(old);
}

void
post_json(Post *post, const char *url, const StringInfoData *body)
{
	post->url = url;
	post->headers = list_make1("content-type: application/json; charset=utf-8");
	post->body = body->data;
	post->length = body->len;
}

void
by_http_send(Sink *sink, Flight *flight)
{
	if (flight->request == NULL)
		flight->request = http_request_new(flight->home);
	flight->lost = false;
	start(sink, flight);
}

bool
by_http_receive(Sink *sink, Flight *flight)
{
	HttpRequest *request = flight->request;
	Answer *answer = &flight->answer;

	if (request->state != HTTP_DONE)
		return false;
	/* a kept connection had been closed: nothing is known but that */
	if (request->failure == HTTP_LOST && !flight->lost && sink->ready)
	{
		flight->lost = true;
		start(sink, flight);
		return false;
	}
	answer->verdict = outcome_of(request, sink->kind->judge);
	answer->status = request->status;
	answer->retry_after = request->retry_after;
	answer->error = answer->verdict == ACCEPTED ? NULL : outcome_text(request);
	answer->body = request->body;
	answer->body_len = request->body_len;
	return true;
}
