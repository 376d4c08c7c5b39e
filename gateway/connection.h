/*
 * connection.h
 *		A client's connection: bytes in, one request at a time, one answer out, deadlines for each.
 */
#ifndef GATEWAY_CONNECTION_H
#define GATEWAY_CONNECTION_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "gateway/buffer.h"
#include "gateway/parse.h"

typedef enum ConnectionState
{
	HANDSHAKE, /* of TLS */
	IDLE,      /* no byte of a request is here */
	HEAD,
	BODY,
	ANSWERING, /* somebody works on an answer */
	WRITING,
	STREAMING, /* the answer goes on */
	LINGERING  /* the answer was sent, what still comes is read and forgotten */
} ConnectionState;

typedef struct Connection
{
	int fd;
	SSL *ssl; /* NULL: plain */
	ConnectionState state;
	int64_t deadline; /* milliseconds of the monotonic clock */
	int64_t idle_since;
	uint32_t events; /* what is waited for */
	Buffer in;       /* not parsed yet */
	Buffer out;
	size_t sent; /* of out */
	char peer[64];
	/* the request */
	Buffer head; /* what the request's slices point into */
	Request request;
	Buffer body;
	Chunks chunks;
	uint64_t number; /* of the request, in the log and in the database's */
	int64_t began;
	int status;
	int route;           /* by which it is counted */
	size_t answered;     /* bytes of the body of the answer */
	const char *refused; /* what is wrong with its token, for the log; NULL: nothing that is known here */
	bool close;          /* after the answer */
	/* of whoever works on the answer; it is told when the client leaves */
	void *worker;
	void (*abandon)(struct Connection *connection);
	struct Login *login; /* who is logged in, or is about to be; NULL: nobody */
	/* of the server */
	struct Watch *watch;
	bool gone;
	bool changed;
	struct Connection *next,
		**link;
	struct Connection *next_changed;
} Connection;

/* One line of an answer's head */
typedef struct AnswerHeader
{
	const char *name;
	const char *value;
} AnswerHeader;

/* Takes the descriptor over */
extern Connection *connection_new(int fd, SSL *ssl, const char *peer);
/* The server frees the struct itself when nothing of this turn can mean it any more */
extern void connection_free(Connection *c);
/* Sends what can be sent now; false: it is gone, or another request is under way */
extern bool connection_flush(Connection *c);
/* Something may be read or written */
extern void connection_ready(Connection *c, uint32_t events);
/* Its deadline is over */
extern void connection_expire(Connection *c);
/* The answer; a HEAD gets its head alone.  Headers with bytes that may not be in one are left out */
extern void connection_answer(Connection *c, int status, const AnswerHeader *headers, int n_headers, const char *body, size_t n);
/* An answer whose end is not known; it is never compressed, since what is secret may stand beside what others chose */
extern void connection_stream(Connection *c, const AnswerHeader *headers, int n_headers);
extern void connection_stream_add(Connection *c, const char *bytes, size_t n);
extern void connection_stream_end(Connection *c);
/* RFC 9457 */
extern void connection_problem(Connection *c, int status, const char *title, const char *detail, const AnswerHeader *headers, int n_headers);
extern const char *status_title(int status);
/* NULL: it is not among them */
extern const char *answer_header(const AnswerHeader *headers, int n, const char *name);

/* Given by the streams: all that was to be sent is */
extern void stream_drained(Connection *c);

/* Given by the server */
extern void server_wants(Connection *c, uint32_t events);
extern void server_forget(Connection *c);
extern bool server_draining(void);
extern int64_t now_ms(void);
extern int server_connections(void);
/* A whole request is here: answered at once, or later */
extern void route_request(Connection *c);
/* One line for each request */
extern void log_request(const Connection *c);

#endif /* GATEWAY_CONNECTION_H */
