/*
 * route.c
 *		Who answers a request: the gateway itself, a file, or the database.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gateway/connection.h"
#include "gateway/cors.h"
#include "gateway/files.h"
#include "gateway/jwt.h"
#include "gateway/keys.h"
#include "gateway/login.h"
#include "gateway/metrics.h"
#include "gateway/pool.h"
#include "gateway/server.h"

/* What the database is told of a request; nothing else of its headers goes there */
static const char *const passed_on[] = {"accept", "accept-profile", "content-profile", "content-type", "idempotency-key", "if-none-match", "last-event-id", "origin", "prefer", "range"};

static bool
reads(const Request *r)
{
	return slice_is(r->method, "GET") || slice_is(r->method, "HEAD");
}

/* OPTIONS asks which it is */
static void
not_allowed(Connection *c, const char *methods)
{
	AnswerHeader allow = {"Allow", methods};

	if (slice_is(c->request.method, "OPTIONS"))
	{
		connection_answer(c, 204, &(AnswerHeader){"Allow", "GET, HEAD, OPTIONS"}, 1, NULL, 0);
		return;
	}
	connection_problem(c, 405, status_title(405), "the method is not allowed here", &allow, 1);
}

static void
say(Connection *c, int status, const char *text)
{
	static const AnswerHeader headers[] = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}};

	connection_answer(c, status, headers, 2, text, strlen(text));
}

/* -- credentials -- */

/* `jwt` and the claims, whose signature the database need not look at */
static char *
of_claims(Slice token, const char **why)
{
	bool unknown;
	char *claims = jwt_claims(token, time(NULL), &unknown, why);
	Buffer text = {0};

	if (unknown)
		keys_missing();
	if (claims == NULL)
		return NULL;
	buffer_print(&text, "jwt %s", claims);
	free(claims);
	return text.bytes;
}

/* NULL: there is none; "bad": what is there is none, which the log tells why */
static char *
credential(const Request *r, const char **why)
{
	const Header *h = request_header(r, "authorization");
	Slice token;
	char *text;

	if (h == NULL)
		return NULL;
	if (h->value.n < 8 || !slice_is_like((Slice){h->value.at, 7}, "bearer "))
		return need_copy("bad", 3);
	token = (Slice){h->value.at + 7, h->value.n - 7};
	for (size_t i = 0; i < token.n; i++)
		if (token.at[i] <= ' ' || token.at[i] > '~')
			return need_copy("bad", 3);
	text = token.n > 4 && memcmp(token.at, "pgi_", 4) == 0 ? login_token(token) : of_claims(token, why);
	return text ? text : need_copy("bad", 3);
}

/* -- the database -- */

static char *
headers_as_json(const Connection *c)
{
	Buffer json = {0};
	const Request *r = &c->request;

	buffer_print(&json, "{\"x-request-id\":\"%llu\",\"x-name\":\"pg_ingest_gateway %d-%llu\",\"x-peer\":", (unsigned long long) c->number, getpid(), (unsigned long long) c->number);
	buffer_json(&json, c->peer, strlen(c->peer));
	buffer_print(&json, ",\"host\":");
	buffer_json(&json, r->host.at ? r->host.at : "", r->host.n);
	login_members(c, &json);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
	{
		Buffer value = {0};

		/* several of a name are one list */
		for (int k = 0; k < r->n_headers; k++)
		{
			if (!slice_is_like(r->headers[k].name, passed_on[i]))
				continue;
			if (value.n > 0)
				buffer_add(&value, ", ", 2);
			buffer_add(&value, r->headers[k].value.at, r->headers[k].value.n);
		}
		if (value.bytes == NULL)
			continue;
		buffer_print(&json, ",\"%s\":", passed_on[i]);
		buffer_json(&json, value.bytes, value.n);
		buffer_free(&value);
	}
	buffer_print(&json, "}");
	return json.bytes;
}

/* Actions and metrics.  Most of GraphQL is posted to read, as are functions by their names, and these may take long */
static bool
is_short(const Request *r)
{
	static const char rpc[] = "/v1/rpc/";

	if (reads(r))
		return slice_is(r->path, "/metrics");
	return !slice_is(r->path, "/graphql") && (r->path.n < sizeof(rpc) || memcmp(r->path.at, rpc, sizeof(rpc) - 1) != 0);
}

static void
ask_database(Connection *c)
{
	const Request *r = &c->request;
	Question q = {0};
	const char *who;

	q.credential = c->login ? need_copy(c->login->credential, strlen(c->login->credential)) : credential(r, &c->refused);
	q.method = need_copy(r->method.at, r->method.n);
	q.path = need_copy(r->path.at, r->path.n);
	q.query = r->query.at ? need_copy(r->query.at, r->query.n) : NULL;
	q.headers = headers_as_json(c);
	who = q.credential && !login_is(r) ? q.credential : c->peer;
	q.who = need_copy(who, strlen(who));
	q.express = is_short(r);
	pool_ask(c, &q);
}

void
route_request(Connection *c)
{
	const Request *r = &c->request;

	size_t from;

	if (cors_preflight(c))
		return;
	/* addresses are written down, in the database's audit, in logs and by proxies */
	if (login_secret_in(r->path, &from) || login_secret_in(r->query, &from))
	{
		connection_problem(c, 400, status_title(400), "a token or link is a secret and does not belong in an address; "
													  "a token is named by its name, or by its first twelve "
													  "characters",
						   NULL, 0);
		return;
	}
	if (slice_is(r->path, "*"))
		connection_answer(c, 204, &(AnswerHeader){"Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS"}, 1, NULL, 0);
	else if (slice_is(r->path, "/healthz") || slice_is(r->path, "/readyz"))
	{
		c->route = metrics_route(slice_is(r->path, "/healthz") ? "/healthz" : "/readyz");
		if (!reads(r))
			not_allowed(c, "GET, HEAD");
		else if (slice_is(r->path, "/healthz") || pool_is_ready())
			say(c, 200, "ok\n");
		else
			say(c, 503, "the database is not there\n");
	}
	else if (files_have(r->path))
	{
		c->route = metrics_route("files");
		if (!reads(r))
			not_allowed(c, "GET, HEAD");
		else
			files_answer(c);
	}
	else if (login_begin(c))
		ask_database(c);
}
