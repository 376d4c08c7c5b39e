/*
 * pool.c
 *		Sessions of the database, and the requests that wait for one.
 *
 * Most sessions take whatever comes; two are for what is short (metrics, readiness,
 * actions), so that these never wait behind long lists; one ends statements whose client
 * has left.  Nobody has more than half of the sessions of either kind: the slow actions of
 * one keep no other's waiting.
 */
#include "gateway/pool.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "gateway/log.h"
#include "gateway/login.h"
#include "gateway/metrics.h"
#include "gateway/session.h"
#include "gateway/stream.h"

#define MOST_SESSIONS 64
#define N_EXPRESS 2
#define MOST_WAITING 200
/* Of them one alone: the others' requests would be turned away with half of the sessions free */
#define MOST_WAITING_EACH (MOST_WAITING / 2)
#define MOST_TRIES 3
/* Without any session: longer than this nobody is let wait */
#define AWAY_MS 900
#define MOST_ANSWER_HEADERS 32

typedef struct Work
{
	Connection *client;
	Question q;
	int tries;
	int64_t asked_at;
	Session *session; /* NULL: waits */
	struct Work *next;
} Work;

static Session sessions[MOST_SESSIONS + N_EXPRESS];
static int n_sessions = 0;
static Session control;
static Session *cancelling = NULL; /* whose statement the control session ends */
static Work *waiting = NULL;
static int n_waiting = 0;

static void
work_free(Work *w)
{
	free(w->q.credential);
	free(w->q.method);
	free(w->q.path);
	free(w->q.query);
	free(w->q.headers);
	free(w->q.who);
	free(w->q.body);
	free(w);
}

/* -- who is next -- */

/* Of the sessions of this kind */
static bool
has_its_share(const char *who, bool express)
{
	int n = 0;

	for (int i = 0; i < n_sessions; i++)
		n += sessions[i].work && sessions[i].express == express && strcmp(sessions[i].work->q.who, who) == 0;
	return n >= ((express ? N_EXPRESS : options.pool) + 1) / 2;
}

static int
waiting_of(const char *who)
{
	int n = 0;

	for (const Work *w = waiting; w; w = w->next)
		n += strcmp(w->q.who, who) == 0;
	return n;
}

static Session *
free_session(const Work *w)
{
	for (int i = 0; i < n_sessions; i++)
		if (sessions[i].state == FREE && sessions[i].express == w->q.express)
			return &sessions[i];
	return NULL;
}

static void
start(Session *s, Work *w)
{
	s->work = w;
	w->session = s;
	w->tries++;
	if (!(w->client ? session_ask(s, &w->q, w->client->body.bytes, w->client->body.n) : session_ask(s, &w->q, w->q.body, w->q.n_body)))
		session_end(s, "a session of the database ended");
}

/* The first in order that may go */
static void
next_work(void)
{
	Work **link = &waiting;

	while (*link)
	{
		Work *w = *link;
		Session *s = free_session(w);

		if (s == NULL || has_its_share(w->q.who, s->express))
		{
			link = &w->next;
			continue;
		}
		*link = w->next;
		n_waiting--;
		start(s, w);
		/* it may have come back to the queue at once */
		link = &waiting;
	}
}

static void
wait_in_line(Work *w)
{
	Work **link = &waiting;

	w->session = NULL;
	w->next = NULL;
	while (*link)
		link = &(*link)->next;
	*link = w;
	n_waiting++;
}

/* -- answers -- */

/* An answer that goes on is a stream, and says where it is */
static void
give(Work *w, int status, const AnswerHeader *headers, int n_headers, const char *body, size_t n)
{
	const char *type = answer_header(headers, n_headers, "content-type");
	Buffer whole = {0};

	if (w->client == NULL)
	{
		w->q.answered(w->q.of, status, headers, n_headers, body, n);
		return;
	}
	w->client->worker = NULL;
	if (status == 200 && type && strncmp(type, "text/event-stream", 17) == 0 && answer_header(headers, n_headers, "last-event-id") && !slice_is(w->client->request.method, "HEAD"))
		stream_begin(w->client, &w->q, headers, n_headers, body, n);
	else if (login_body(w->client, status, body, n, &whole))
		connection_answer(w->client, status, headers, n_headers, whole.bytes, whole.n);
	else
		connection_answer(w->client, status, headers, n_headers, body, n);
	buffer_free(&whole);
}

static void
answer_error(Work *w, int status, const char *detail, bool retry)
{
	AnswerHeader after = {"Retry-After", "1"};

	if (w->client == NULL)
	{
		give(w, status, NULL, 0, NULL, 0);
		work_free(w);
		return;
	}
	w->client->worker = NULL;
	connection_problem(w->client, status, status_title(status), detail, &after, retry ? 1 : 0);
	work_free(w);
}

void
pool_page(Buffer *out, const char *body, size_t n)
{
	Gauges now = {.connections = server_connections(), .waiting = n_waiting};

	for (int i = 0; i < n_sessions; i++)
		(*(sessions[i].state < FREE ? &now.sessions_away : sessions[i].state == FREE ? &now.sessions_free
																					 : &now.sessions_busy))++;
	metrics_add(out, body, n, &now);
}

/* With what the gateway counts itself */
static void
answer_metrics(Connection *client, const AnswerHeader *headers, int n, PGresult *r)
{
	Buffer body = {0};

	pool_page(&body, PQgetvalue(r, 0, 2), PQgetlength(r, 0, 2));
	connection_answer(client, 200, headers, n, body.bytes, body.n);
	buffer_free(&body);
}

/* Serve's own answer: a status, an object of headers, a body */
static void
answer_row(Work *w, PGresult *r)
{
	AnswerHeader headers[MOST_ANSWER_HEADERS];
	struct json_object *object = NULL;
	uint32_t status;
	int n = 0;

	if (PQntuples(r) != 1 || PQgetisnull(r, 0, 0) || PQgetlength(r, 0, 0) != 4)
	{
		answer_error(w, 500, "the database gave no answer", false);
		return;
	}
	memcpy(&status, PQgetvalue(r, 0, 0), 4);
	/* jsonb begins with its version */
	if (!PQgetisnull(r, 0, 1) && PQgetlength(r, 0, 1) > 1)
	{
		char *text = need_copy(PQgetvalue(r, 0, 1) + 1, PQgetlength(r, 0, 1) - 1);

		object = json_tokener_parse(text);
		free(text);
	}
	if (object && json_object_is_type(object, json_type_object))
	{
		json_object_object_foreach(object, name, value)
		{
			/* said to the gateway alone */
			if (strcmp(name, "X-Route") == 0)
			{
				/* what a stream asks is no request */
				if (w->client)
					w->client->route = metrics_route(json_object_get_string(value));
			}
			else if (strcmp(name, "X-Session") != 0 && n < MOST_ANSWER_HEADERS && json_object_get_type(value) == json_type_string)
				headers[n++] = (AnswerHeader){name, json_object_get_string(value)};
		}
	}
	if (w->client && ntohl(status) == 200 && slice_is(w->client->request.path, "/metrics"))
	{
		w->client->worker = NULL;
		answer_metrics(w->client, headers, n, r);
	}
	else
		give(w, ntohl(status), headers, n, PQgetvalue(r, 0, 2), PQgetlength(r, 0, 2));
	if (object)
		json_object_put(object);
	work_free(w);
}

/* By its SQLSTATE; the words are in the log alone */
static void
answer_failure(Work *w, PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	if (state == NULL)
		state = "58000";
	if ((strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0) && w->tries < MOST_TRIES)
	{
		wait_in_line(w);
		return;
	}
	log_line("error", "request %llu: %s: %s", (unsigned long long) (w->client ? w->client->number : 0), state, message ? message : "");
	if (strcmp(state, "57014") == 0)
		answer_error(w, 504, "the request took longer than allowed", false);
	else if (strncmp(state, "40", 2) == 0 || strncmp(state, "53", 2) == 0 || strncmp(state, "57", 2) == 0 || strncmp(state, "55P", 3) == 0 || strncmp(state, "08", 2) == 0)
		answer_error(w, 503, "the database cannot do it now", true);
	else
		answer_error(w, 500, "the database failed", false);
}

static void
next_cancel(void)
{
	if (control.state != FREE || cancelling)
		return;
	for (int i = 0; i < n_sessions && cancelling == NULL; i++)
		if (sessions[i].state == CANCELLED && sessions[i].cancel_pending)
			cancelling = &sessions[i];
	if (cancelling && !session_ask_cancel(&control, PQbackendPID(cancelling->conn)))
		session_end(&control, "a session of the database ended");
}

void
session_answered(Session *s, PGresult *answer)
{
	Work *w = s->work;

	if (s == &control)
	{
		Session *whose = cancelling;

		cancelling = NULL;
		if (whose == NULL)
			return;
		/* whether it was cancelled is not known: it is not used again */
		if (s->state == AWAY)
			session_end(whose, "a session whose client left is given up");
		else
			session_cancelled(whose);
		return;
	}
	if (s == cancelling && s->state == AWAY)
		cancelling = NULL;
	s->work = NULL;
	if (w == NULL)
		return;
	w->session = NULL;
	if (answer == NULL)
		answer_error(w, 503, "the database is not there", true);
	else if (PQresultStatus(answer) == PGRES_TUPLES_OK)
		answer_row(w, answer);
	else
		answer_failure(w, answer);
}

void
session_is_free(Session *s)
{
	if (s == &control)
		next_cancel();
	else if (waiting)
		next_work();
}

/* -- clients -- */

static void
abandon(Connection *client)
{
	Work *w = client->worker;

	if (w == NULL)
		return;
	if (w->session)
	{
		session_abandon(w->session);
		next_cancel();
	}
	else
	{
		Work **link = &waiting;

		while (*link != w)
			link = &(*link)->next;
		*link = w->next;
		n_waiting--;
	}
	work_free(w);
}

bool
pool_is_ready(void)
{
	for (int i = 0; i < n_sessions; i++)
		if (sessions[i].state >= FREE)
			return true;
	return false;
}

void
pool_ask(Connection *client, Question *question)
{
	Work *w = need(sizeof(Work));

	w->client = client;
	w->q = *question;
	w->asked_at = now_ms();
	if (n_waiting >= MOST_WAITING || waiting_of(w->q.who) >= MOST_WAITING_EACH)
	{
		answer_error(w, 503, "too many requests are already waiting", true);
		return;
	}
	if (client)
	{
		client->worker = w;
		client->abandon = abandon;
	}
	wait_in_line(w);
	next_work();
}

void
pool_begin(void)
{
	n_sessions = options.pool + N_EXPRESS;
	for (int i = 0; i < n_sessions; i++)
	{
		sessions[i].watch.fd = -1;
		sessions[i].express = i >= options.pool;
	}
	control.watch.fd = -1;
	pool_tick(now_ms());
}

void
pool_tick(int64_t now)
{
	bool ready;
	Work **link = &waiting;

	for (int i = 0; i < n_sessions; i++)
		session_tick(&sessions[i], now);
	session_tick(&control, now);
	ready = pool_is_ready();
	while (*link)
	{
		Work *w = *link;

		if (now < w->asked_at + (ready ? options.timeout_s * INT64_C(1000) : AWAY_MS))
		{
			link = &w->next;
			continue;
		}
		*link = w->next;
		n_waiting--;
		answer_error(w, 503, ready ? "no session of the database became free in time" : "the database is not there", true);
	}
	if (waiting)
		next_work();
	next_cancel();
}
