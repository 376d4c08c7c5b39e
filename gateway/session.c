/*
 * session.c
 *		One session of the database.
 *
 * A request is one segment of a pipeline without BEGIN: the call, then Sync, which is one
 * transaction and one round trip.  With BEGIN and COMMIT in the segment an error would
 * leave the session in a failed transaction.  The name by which the log knows the request
 * is one of the call's headers.
 */
#include "gateway/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/log.h"

#define CONNECT_MS 5000
#define FIRST_PAUSE_MS 250
#define LONGEST_PAUSE_MS 5000

static void session_ready(void *of, uint32_t events);

/* -- it comes and goes -- */

static void
enter(Session *s, SessionState state)
{
	s->state = state;
	s->since = now_ms();
}

static bool
is_error(const PGresult *answer)
{
	return answer && PQresultStatus(answer) == PGRES_FATAL_ERROR;
}

/* Words for people are in the log alone: they may name hosts and roles */
static void
broke(Session *s, const char *what)
{
	static int64_t said = 0;
	int64_t now = now_ms();
	PGresult *answer;

	if (now > said + 1000 || said == 0)
	{
		const char *why = s->conn ? PQerrorMessage(s->conn) : "";

		log_line("error", "%s: %.*s", what, (int) strcspn(why, "\n"), why);
		said = now;
	}
	watch_end(&s->watch);
	if (s->conn)
		PQfinish(s->conn);
	s->conn = NULL;
	answer = s->answer;
	s->answer = NULL;
	s->cancel_pending = false;
	s->pause = s->pause == 0 ? FIRST_PAUSE_MS : s->pause * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS
																				: s->pause * 2;
	s->retry_at = now + s->pause;
	enter(s, AWAY);
	/* it may have said why before it ended; whether something was done is not known, whatever it said of that */
	session_answered(s, is_error(answer) ? answer : NULL);
	PQclear(answer);
}

/* What a function behind a view says to its session is no line of the log */
static void
ignore_notice(void *arg, const PGresult *notice)
{
	(void) arg;
	(void) notice;
}

static void
begin(Session *s)
{
	char settings[256];
	const char *keys[] = {"dbname", "fallback_application_name", "options", "connect_timeout", NULL};
	const char *values[] = {options.dsn, "pg_ingest_gateway", settings, "5", NULL};

	/* a server that nobody listens to any more must not go on working */
	snprintf(settings, sizeof(settings), "-c statement_timeout=%ds -c client_connection_check_interval=1s -c jit=off -c lock_timeout=5s -c client_encoding=UTF8 -c search_path=pg_catalog,\\ pg_temp",
			 options.timeout_s);
	s->conn = PQconnectStartParams(keys, values, 1);
	enter(s, CONNECTING);
	if (s->conn == NULL || PQstatus(s->conn) == CONNECTION_BAD || PQsocket(s->conn) < 0)
	{
		s->watch.fd = -1;
		broke(s, "the database cannot be reached");
		return;
	}
	(void) PQsetNoticeReceiver(s->conn, ignore_notice, NULL);
	watch_begin(&s->watch, PQsocket(s->conn), EPOLLOUT, session_ready, s);
}

/* True if all was sent */
static bool
push(Session *s)
{
	int code = PQflush(s->conn);

	if (code < 0)
		return false;
	watch_change(&s->watch, EPOLLIN | (code > 0 ? EPOLLOUT : 0));
	return true;
}

/* What it may do is looked at before anything is asked through it */
static const char *const rights =
	"SELECT r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication OR EXISTS (SELECT FROM pg_catalog.pg_roles s "
	"WHERE (s.rolsuper OR s.rolbypassrls OR s.rolcreaterole) AND pg_catalog.pg_has_role(session_user, s.oid, 'MEMBER')) FROM pg_catalog.pg_roles r WHERE r.rolname = session_user";

static void
prepare(Session *s)
{
	PQsetnonblocking(s->conn, 1);
	enter(s, PREPARING);
	if (PQenterPipelineMode(s->conn) != 1 || PQsendQueryParams(s->conn, rights, 0, NULL, NULL, NULL, NULL, 0) != 1 ||
		PQsendPrepare(s->conn, "cancel", "SELECT pg_catalog.pg_cancel_backend($1::int4)", 0, NULL) != 1 ||
		PQsendPrepare(s->conn, "serve", "SELECT status, headers, body FROM ingest_api.serve($1::text, $2::text, $3::text, $4::text, $5::jsonb, $6::bytea)", 0, NULL) != 1 ||
		(s->listens && PQsendQueryParams(s->conn, "LISTEN ingest", 0, NULL, NULL, NULL, NULL, 0) != 1) ||
		PQpipelineSync(s->conn) != 1 || !push(s))
		broke(s, "the database did not take what is asked of it");
}

static void
connect_on(Session *s)
{
	PostgresPollingStatusType code = PQconnectPoll(s->conn);
	uint32_t events = code == PGRES_POLLING_READING ? EPOLLIN : EPOLLOUT;

	if (code == PGRES_POLLING_FAILED)
	{
		broke(s, "the database cannot be reached");
		return;
	}
	/* another address has another socket */
	watch_end(&s->watch);
	watch_begin(&s->watch, PQsocket(s->conn), events, session_ready, s);
	if (code == PGRES_POLLING_OK)
		prepare(s);
}

/* -- answers -- */

static bool
is_privileged(PGresult *r)
{
	return PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1 && PQnfields(r) == 1 && PQfformat(r, 0) == 0 && strcmp(PQgetvalue(r, 0, 0), "t") == 0;
}

static void
take_prepared(Session *s, PGresult *r)
{
	if (is_privileged(r))
		give_up("the database's role of the gateway is a superuser, may become one, or has BYPASSRLS, CREATEROLE or REPLICATION: it must be one that may do nothing but call ingest_api.serve()");
	if (PQresultStatus(r) == PGRES_FATAL_ERROR)
	{
		log_line("error", "the database did not take what is asked of it: %s", PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
		PQclear(r);
		broke(s, "a session is given up");
		return;
	}
	if (PQresultStatus(r) == PGRES_PIPELINE_SYNC)
	{
		s->pause = 0;
		enter(s, FREE);
		if (s->listens)
			session_heard(s);
		else
			session_is_free(s);
	}
	PQclear(r);
}

/* Where several have come it is one word */
static void
hear(Session *s)
{
	bool heard = false;
	PGnotify *n;

	while ((n = PQnotifies(s->conn)) != NULL)
	{
		PQfreemem(n);
		heard = true;
	}
	if (heard)
		session_heard(s);
}

/* A cancel that is still on its way would hit the next one */
static void
free_again(Session *s)
{
	if (!s->ended || s->cancel_pending)
		return;
	enter(s, FREE);
	session_is_free(s);
}

void
session_cancelled(Session *s)
{
	s->cancel_pending = false;
	free_again(s);
}

void
session_abandon(Session *s)
{
	s->work = NULL;
	s->ended = false;
	s->cancel_pending = true;
	enter(s, CANCELLED);
}

void
session_end(Session *s, const char *why)
{
	if (s->conn)
		broke(s, why);
}

/* Something was left in it by what ran there */
static bool
is_over(const PGresult *answer)
{
	static const char said[] = "\"X-Session\"";

	return answer && PQresultStatus(answer) == PGRES_TUPLES_OK && PQntuples(answer) == 1 && memmem(PQgetvalue(answer, 0, 1), PQgetlength(answer, 0, 1), said, sizeof(said) - 1) != NULL;
}

static void
renew(Session *s)
{
	watch_end(&s->watch);
	PQfinish(s->conn);
	s->conn = NULL;
	begin(s);
}

/* The call's own answer has three columns; an error stands in its place */
static void
take_answer(Session *s, PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);
	PGresult *answer = s->answer;

	if (status == PGRES_FATAL_ERROR || (status == PGRES_TUPLES_OK && PQnfields(r) == 3))
	{
		/* what goes wrong at the end takes back what was answered */
		if (s->answer == NULL || (is_error(r) && !is_error(s->answer)))
		{
			PQclear(s->answer);
			s->answer = r;
		}
		else
			PQclear(r);
		return;
	}
	PQclear(r);
	if (status != PGRES_PIPELINE_SYNC)
		return;
	s->answer = NULL;
	if (s->state == CANCELLED)
	{
		bool over = is_over(answer);

		PQclear(answer);
		if (over)
		{
			broke(s, "a session whose client left is given up");
			return;
		}
		s->ended = true;
		free_again(s);
		return;
	}
	if (is_over(answer))
	{
		session_answered(s, answer);
		PQclear(answer);
		renew(s);
		return;
	}
	/* whatever it is that goes on in there is not for the next one */
	if (PQtransactionStatus(s->conn) != PQTRANS_IDLE)
	{
		session_answered(s, answer);
		PQclear(answer);
		s->work = NULL;
		broke(s, "a session did not end its transaction");
		return;
	}
	enter(s, FREE);
	session_answered(s, answer);
	PQclear(answer);
	session_is_free(s);
}

static void
read_answers(Session *s)
{
	if (PQconsumeInput(s->conn) != 1)
	{
		broke(s, "a session of the database ended");
		return;
	}
	if (s->listens)
		hear(s);
	for (int nothing = 0; nothing < 2 && s->conn && s->state != FREE && s->state != CONNECTING && !PQisBusy(s->conn);)
	{
		PGresult *r = PQgetResult(s->conn);

		/* one nothing ends each answer of the pipeline, two in a row are the end of what has come */
		if (r == NULL)
		{
			nothing++;
			continue;
		}
		nothing = 0;
		if (s->state == PREPARING)
			take_prepared(s, r);
		else
			take_answer(s, r);
	}
}

static void
session_ready(void *of, uint32_t events)
{
	Session *s = of;

	if (s->state == CONNECTING)
	{
		connect_on(s);
		return;
	}
	if ((events & EPOLLOUT) && !push(s))
	{
		broke(s, "a session of the database ended");
		return;
	}
	read_answers(s);
}

/* -- questions -- */

bool
session_ask(Session *s, const Question *q, const char *body, size_t n)
{
	const char *values[6] = {q->credential, q->method, q->path, q->query, q->headers, n > 0 ? body : NULL};
	int lengths[6] = {0, 0, 0, 0, 0, (int) n};
	static const int formats[6] = {0, 0, 0, 0, 0, 1};

	enter(s, ASKED);
	if (PQsendQueryPrepared(s->conn, "serve", 6, values, lengths, formats, 1) == 1 &&
		PQpipelineSync(s->conn) == 1 && push(s))
		return true;
	return false;
}

bool
session_ask_cancel(Session *s, int pid)
{
	char text[16];
	const char *values[1] = {text};

	snprintf(text, sizeof(text), "%d", pid);
	enter(s, ASKED);
	return PQsendQueryPrepared(s->conn, "cancel", 1, values, NULL, NULL, 0) == 1 && PQpipelineSync(s->conn) == 1 && push(s);
}

void
session_tick(Session *s, int64_t now)
{
	if (s->state == AWAY && now >= s->retry_at)
		begin(s);
	else if ((s->state == CONNECTING || s->state == PREPARING) && now > s->since + CONNECT_MS)
		broke(s, "the database did not answer in time");
	/* its own timeout would have ended it: the machine or the way to it is gone */
	else if ((s->state == ASKED || s->state == CANCELLED) && now > s->since + (options.timeout_s + 5) * INT64_C(1000))
		broke(s, "the database did not answer in time");
}
