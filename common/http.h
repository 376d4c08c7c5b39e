/*
 * http.h
 *		HTTP requests that run side by side and never block the backend.
 *
 * One event loop per backend drives every request.  It waits on the process
 * latch, so cancel and statement_timeout act at once in every phase: name
 * resolution, connecting, TLS, sending, the body.
 */
#ifndef COMMON_HTTP_H
#define COMMON_HTTP_H

#include "postgres.h"

#include <time.h>

#include "nodes/pg_list.h"
#include "utils/palloc.h"

typedef enum HttpState
{
	HTTP_IDLE, /* not started, or taken back */
	HTTP_RUNNING,
	HTTP_DONE /* look at failure first, then status */
} HttpState;

/* Why no whole reply arrived */
typedef enum HttpFailure
{
	HTTP_OK,
	HTTP_UNREACHABLE, /* name, route, connection refused */
	HTTP_UNTRUSTED,   /* certificate or TLS version; do not retry */
	HTTP_TIMEOUT,
	HTTP_BROKEN, /* reset, or ended within the reply */
	HTTP_LOST,   /* a kept connection ended before the reply: ask again at once, on a fresh one */
	HTTP_NO_MEMORY,
	HTTP_TOO_LARGE,     /* body over max_body */
	HTTP_MISCONFIGURED, /* bad URL, unreadable ca_file, bad proxy */
	HTTP_FORBIDDEN,     /* the caller does not want to be connected to that address */
	HTTP_NO_LOGIN       /* of a talk: the login was refused */
} HttpFailure;

struct sockaddr;

/* May a connection be opened to this address?  NULL: yes; else which rule forbids it.  Must not throw */
typedef const char *(*HttpMayConnect)(const struct sockaddr *address);

/* What stays the same for all requests to a server */
typedef struct HttpSettings
{
	const char *ca_file; /* NULL: the system's certificates */
	const char *proxy;   /* NULL: none */
	const char *proxy_user;
	const char *proxy_password;
	int connect_timeout_ms;
	int request_timeout_ms;
	bool compress;              /* ask for gzip */
	const char *id_header;      /* reply header with the server's id of a request, or NULL */
	HttpMayConnect may_connect; /* NULL: anywhere */
	bool plain;                 /* http: is allowed as well as https: */
	bool only_http1;            /* many small requests: HTTP/2 is slower there */
	size_t keep_body;           /* of a reply no more is kept, however much is read; 0: all */
	bool secret;                /* what is sent and what comes is wiped before its memory is given back */
} HttpSettings;

typedef struct HttpRequest
{
	HttpState state;
	HttpFailure failure;
	const char *error; /* in words, when failure is set */
	bool sent;         /* some of it left: it may have been done, whatever came of the reply */
	int status;
	char *body; /* as sent, perhaps gzip; NUL-terminated */
	size_t body_len;
	bool gzipped;
	int retry_after;               /* seconds, or -1 */
	time_t date;                   /* by the server's clock when it replied, or -1 */
	char operation_id[64];         /* from the header that settings name */
	char etag[256];                /* which version of what was asked for it is; empty: it does not say */
	char content_range[64];        /* which part of it */
	char challenge[512];           /* of WWW-Authenticate: which token is wanted */
	struct HttpTransfer *transfer; /* private */
} HttpRequest;

/* What a talk wants next */
typedef enum HttpTalkState
{
	HTTP_TALK_READ,
	HTTP_TALK_WRITE,
	HTTP_TALK_OVER,
	HTTP_TALK_BROKEN
} HttpTalkState;

/*
 * Another protocol than HTTP: libcurl connects, secures the connection and logs in, then the
 * caller says what is to be said, as far as that is possible without waiting.
 */
typedef struct HttpTalk
{
	const char *protocols; /* as of libcurl: smtp,smtps */
	bool need_tls;
	const char *user; /* NULL: no login */
	const char *password;
	const char *bearer; /* in place of a password */
	const char *login_options;
	HttpTalkState (*step)(void *easy, void *arg); /* by curl_easy_send and curl_easy_recv; must not throw */
	void *arg;                                    /* lives as long as the request runs */
} HttpTalk;

/* A growing buffer outside of memory contexts: libcurl's callbacks must not throw */
typedef struct HttpBuffer
{
	char *data;
	size_t len;
	size_t capacity;
} HttpBuffer;

typedef enum HttpTextResult
{
	HTTP_TEXT_OK,
	HTTP_TEXT_BROKEN,    /* not the gzip that it claims to be */
	HTTP_TEXT_TOO_LARGE, /* over the limit */
	HTTP_TEXT_NO_MEMORY
} HttpTextResult;

/* Bytes that may be read past the end of a text; they are zero */
#define HTTP_TEXT_SLACK 256

extern HttpTextResult http_text(HttpRequest *request, size_t limit, HttpBuffer *buffer);
extern HttpRequest *http_request_new(MemoryContext context);
extern void http_start(HttpRequest *request, const HttpSettings *settings,
					   const char *method, const char *url, List *headers,
					   const char *body, size_t max_body);
extern void http_start_bytes(HttpRequest *request, const HttpSettings *settings, const char *method, const char *url,
							 List *headers, const char *body, size_t body_len, size_t max_body);
extern void http_start_talk(HttpRequest *request, const HttpSettings *settings, const char *url, const HttpTalk *talk);
extern void http_abort(HttpRequest *request);
extern void http_drop_body(HttpRequest *request);
extern bool http_turn(long timeout_ms);

#endif /* COMMON_HTTP_H */
