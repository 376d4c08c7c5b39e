/*
 * http_transfer.h
 *		A request under way, to those who carry it out: http.c and http_reply.c.
 */
#ifndef COMMON_HTTP_TRANSFER_H
#define COMMON_HTTP_TRANSFER_H

#include "postgres.h"

#include "common/curl_compat.h"
#include "common/http.h"
#include "utils/palloc.h"
#include "utils/timestamp.h"

typedef struct HttpTransfer
{
	HttpRequest request; /* the public face */
	CURL *easy;
	struct curl_slist *headers;
	char *send_body;
	size_t send_len;
	bool secret;     /* bodies and headers are wiped before they are freed */
	size_t capacity; /* of request.body */
	size_t max_body;
	size_t keep_body;
	size_t came; /* of the reply's body */
	HttpMayConnect may_connect;
	const char *forbidden; /* which rule forbids an address that was tried */
	bool allowed;          /* another one was, so that it says more why nothing came of it */
	const char *id_header;
	bool in_multi;
	bool connects; /* a socket was asked for */
	TimestampTz lookup_until;
	bool used;        /* the handle has been set up once */
	bool left;        /* the request has been handed to a connection once */
	bool interim;     /* the header being read is none of the reply's: 1xx */
	bool headed;      /* the reply's header has come to its end */
	size_t head_len;  /* of the reply's header */
	TimestampTz mark; /* when header and body were mark_len long */
	size_t mark_len;
	HttpTalk talk;          /* step is NULL: HTTP */
	curl_socket_t talks_on; /* once it talks */
	bool talking;
	TimestampTz talk_until;
	struct HttpTransfer *next; /* in the list of running transfers */
	char error[CURL_ERROR_SIZE];
	MemoryContextCallback callback;
} HttpTransfer;

/* For libcurl; arg is the transfer */
extern size_t http_reply_body(char *data, size_t size, size_t n, void *arg);
extern size_t http_reply_header(char *line, size_t size, size_t n, void *arg);
/* Nothing has come yet */
extern void http_reply_forget(HttpTransfer *t);

/* An error where libcurl refuses a setting */
extern void http_check_set(CURLcode rc);
#define SET(handle, option, value) http_check_set(curl_easy_setopt(handle, option, value))

/* The way to a connection (http_way.c) */
extern void http_way_set(HttpTransfer *t, int connect_timeout_ms);
extern bool http_way_looks_up(HttpTransfer *t);
extern void http_way_leave(HttpTransfer *t);

#endif /* COMMON_HTTP_TRANSFER_H */
