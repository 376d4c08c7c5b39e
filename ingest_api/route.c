/*
 * route.c
 *		Which part of the library answers a request.
 */
#include "postgres.h"

#include "common/door.h"
#include "ingest_api/api.h"
#include "ingest_api/call.h"
#include "ingest_api/grammar.h"
#include "ingest_api/graphql/graphql.h"
#include "ingest_api/metrics.h"
#include "ingest_api/render.h"
#include "ingest_api/resource.h"
#include "ingest_api/session.h"
#include "ingest_api/stream.h"
#include "utils/builtins.h"
#include "utils/json.h"

/* -- what there is -- */

static void
answer_index(const Request *request, Answer *answer)
{
	ListCell *cell;

	answer_begin(answer, 200, render_type(FORM_JSON));
	answer->route = "/v1";
	appendStringInfoChar(&answer->body, '[');
	foreach (cell, resource_all(request->role))
	{
		Resource *r = lfirst(cell);

		appendStringInfo(&answer->body, "%s{\"name\":", answer->body.len > 1 ? ",\n " : "");
		escape_json(&answer->body, r->name);
		appendStringInfoString(&answer->body, ",\"path\":");
		escape_json(&answer->body, psprintf("/v1/%s", r->name));
		appendStringInfoString(&answer->body, ",\"description\":");
		escape_json(&answer->body, r->description ? r->description : "");
		appendStringInfoChar(&answer->body, '}');
	}
	appendStringInfoChar(&answer->body, ']');
}

static void
answer_document(const Request *request, Answer *answer)
{
	Identity saved;

	answer_begin(answer, 200, render_type(FORM_JSON));
	answer->route = "/openapi.json";
	answer_header(answer, "Cache-Control", "no-cache, private");
	become_engine(&saved);
	appendStringInfoString(&answer->body, resource_document(request->role));
	become_again(&saved);
}

/* -- which of these -- */

/* Decoded parts of the path, of which %2F does not make two */
static List *
parts_of(const char *path)
{
	List *parts = NIL;

	while (*path == '/')
	{
		size_t n = strcspn(++path, "/");

		if (n > 0 || path[n] == '/')
			parts = lappend(parts, url_decode(path, n, false));
		path += n;
	}
	return parts;
}

static bool
reads(const Request *request)
{
	return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

void
answer_not_allowed(const Request *request, Answer *answer, const char *methods)
{
	if (strcmp(request->method, "OPTIONS") == 0)
	{
		answer_begin(answer, 204, render_type(FORM_JSON));
		answer_header(answer, "Allow", psprintf("%s, OPTIONS", methods));
		return;
	}
	answer_problem(answer, 405, "PGRST117", "the method is not allowed here", NULL,
				   psprintf("Allowed are %s.", methods));
	answer_header(answer, "Allow", methods);
}

static bool
is_other_schema(const Request *request)
{
	char *profile = request_header(request, reads(request) ? "accept-profile" : "content-profile");

	return profile && strcmp(profile, "v1") != 0 && strcmp(profile, "ingest_api") != 0;
}

void
route_answer(const Request *request, Answer *answer)
{
	List *parts = parts_of(request->path);
	char *methods = NULL;
	bool document = list_length(parts) == 1 && strcmp(linitial(parts), "openapi.json") == 0;
	bool metrics = list_length(parts) == 1 && strcmp(linitial(parts), "metrics") == 0;

	if (!request_may(request, SCOPE_READ, answer))
		return;
	if (list_length(parts) == 1 && strcmp(linitial(parts), "graphql") == 0)
		graphql_answer(request, answer);
	else if (parts == NIL || (strcmp(linitial(parts), "v1") != 0 && !document && !metrics))
		answer_problem(answer, 404, "PGRST125", "there is nothing at this address", NULL, "GET /v1 lists the resources");
	else if (is_other_schema(request))
		answer_problem(answer, 406, "PGRST106", "there is no schema other than v1", NULL, NULL);
	else if (list_length(parts) > 1 && session_answer(request, list_copy_tail(parts, 1), answer))
		return;
	else if (list_length(parts) > 1 && call_answer(request, list_copy_tail(parts, 1), answer, &methods))
		return;
	else if (methods && (!reads(request) || list_length(parts) > 3))
		answer_not_allowed(request, answer, list_length(parts) > 3 || strstr(methods, "GET") ? methods : psprintf("GET, HEAD, %s", methods));
	else if (!reads(request))
		answer_not_allowed(request, answer, "GET, HEAD");
	else if (list_length(parts) == 2 && stream_answer(request, list_copy_tail(parts, 1), answer))
		return;
	else if (document)
		answer_document(request, answer);
	else if (metrics)
		metrics_answer(request, answer);
	else if (list_length(parts) == 1)
		answer_index(request, answer);
	else if (list_length(parts) > 3)
		answer_problem(answer, 404, "PGRST125", "there is nothing at this address", NULL, "GET /v1 lists the resources");
	else
		rest_answer(request, list_copy_tail(parts, 1), answer);
}
