/*
 * session.h
 *		One session of the database: it connects, prepares what it asks, asks, is cancelled, breaks, comes back.
 */
#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H

#include <libpq-fe.h>

#include "gateway/pool.h"
#include "gateway/server.h"

typedef enum SessionState
{
	AWAY, /* until retry_at */
	CONNECTING,
	PREPARING,
	FREE,
	ASKED,
	CANCELLED /* nobody waits for the answer; it is free when that came and the cancel's own answer did */
} SessionState;

typedef struct Session
{
	PGconn *conn;
	SessionState state;
	Watch watch;
	bool express;
	bool listens; /* to events, and asks nothing */
	int64_t retry_at;
	int64_t since; /* of the state */
	int pause;
	/* what is under way */
	struct Work *work;
	PGresult *answer; /* or the error that came in its place */
	bool cancel_pending;
	bool ended; /* what nobody waits for */
} Session;

extern void session_tick(Session *s, int64_t now);
/* False: it broke */
extern bool session_ask(Session *s, const Question *q, const char *body, size_t n);
/* Nobody waits for what it was asked: it is free when that has ended and session_cancelled() was said */
extern void session_abandon(Session *s);
extern void session_cancelled(Session *s);
/* Another session's statement is to end */
extern bool session_ask_cancel(Session *s, int pid);
extern void session_end(Session *s, const char *why);

/* Given by the streams: there may be events */
extern void session_heard(Session *s);

/* Given by the pool */
extern void session_is_free(Session *s);
/* answer: tuples or an error; NULL: there was none, and where the state is AWAY the session broke */
extern void session_answered(Session *s, PGresult *answer);

#endif /* GATEWAY_SESSION_H */
