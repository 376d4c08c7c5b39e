/*
 * http_way.c
 *		A request's way to a connection: where it may connect, that it leaves once, and that it is dropped at once.
 *
 * libcurl can be asked for the second since 7.80 and for the third since 7.87.
 * With an older one what it offers for other ends serves: it tells what it sent
 * (CURLOPT_DEBUGFUNCTION), and it lets us open its sockets.
 */
#include "postgres.h"

#include <sys/socket.h>

#include "common/http_transfer.h"

/* Longer than a turn of the loop */
#define LOOKUP_LATE_MS (CURL_HAS_QUICK_EXIT ? 0L : 2000L)

/*
 * When a kept connection dies without a reply, libcurl sends the same bytes again
 * on another one, with a signature that was good for one time, and perhaps for
 * the second time what must be done once.  Whether and how to ask again is for
 * the caller to say.
 */
#if CURL_HAS_PREREQ

/* Called before a request leaves */
static int
on_send(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	HttpTransfer *t = arg;

	if (t->left)
	{
		t->request.failure = HTTP_LOST;
		return CURL_PREREQFUNC_ABORT;
	}
	t->left = true;
	return CURL_PREREQFUNC_OK;
}

#else

/*
 * Called when bytes have gone to a connection.  From here on the handle takes no
 * kept connection, and on_open_socket gives it no fresh one: there is no other
 * way for the bytes to leave again.  What opens a tunnel through a proxy is not
 * the request.
 */
static int
on_sent(CURL *easy, curl_infotype kind, char *bytes, size_t n, void *arg)
{
	HttpTransfer *t = arg;

	if (t->left || (kind != CURLINFO_HEADER_OUT && kind != CURLINFO_DATA_OUT))
		return 0;
	if (kind == CURLINFO_HEADER_OUT && n >= 8 && strncmp(bytes, "CONNECT ", 8) == 0)
		return 0;
	t->left = true;
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	return 0;
}

#endif

/*
 * libcurl is about to connect: it has resolved the name, and nobody can give it
 * another address any more.  A request that was dropped while its name was looked
 * up has no transfer any more.
 */
static curl_socket_t
on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	char *private = NULL;
	HttpTransfer *t;
	const char *rule;

	curl_easy_getinfo((CURL *) arg, CURLINFO_PRIVATE, &private);
	if ((t = (HttpTransfer *) private) == NULL)
		return CURL_SOCKET_BAD;
	if (!CURL_HAS_PREREQ && t->left)
	{
		t->request.failure = HTTP_LOST;
		return CURL_SOCKET_BAD;
	}
	t->connects = true;
	if (t->may_connect && (rule = t->may_connect(&address->addr)) != NULL)
	{
		t->forbidden = rule;
		return CURL_SOCKET_BAD;
	}
	t->allowed = true;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* For a handle that is set up; its private pointer is the transfer */
void
http_way_set(HttpTransfer *t, int connect_timeout_ms)
{
	CURL *e = t->easy;

	t->connects = false;
	t->lookup_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), connect_timeout_ms);
	/* an older one, too, would wait for the lookup when that takes too long: so it must not be the one to end it */
	SET(e, CURLOPT_CONNECTTIMEOUT_MS, (long) connect_timeout_ms + LOOKUP_LATE_MS);
#if CURL_HAS_PREREQ
	SET(e, CURLOPT_PREREQFUNCTION, on_send);
	SET(e, CURLOPT_PREREQDATA, t);
#else
	/* a talk's commands are no request: it is under way when it begins */
	if (t->talk.step == NULL)
	{
		SET(e, CURLOPT_DEBUGFUNCTION, on_sent);
		SET(e, CURLOPT_DEBUGDATA, t);
		SET(e, CURLOPT_VERBOSE, 1L);
	}
#endif
	if (t->may_connect || !CURL_HAS_PREREQ || !CURL_HAS_QUICK_EXIT)
	{
		SET(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
		SET(e, CURLOPT_OPENSOCKETDATA, e);
	}
#if CURL_HAS_QUICK_EXIT
	SET(e, CURLOPT_QUICK_EXIT, 1L);
#endif
}

/* Is the name still being looked up, so that an older libcurl would wait for that before it drops the request? */
bool
http_way_looks_up(HttpTransfer *t)
{
	double looked_up = 0;

	if (CURL_HAS_QUICK_EXIT || !t->in_multi || t->connects || t->left)
		return false;
	return curl_easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME, &looked_up) == CURLE_OK && looked_up == 0;
}

/*
 * Such a handle stays with libcurl, without its transfer: when the name is found
 * or not, it ends by itself, since it may open no socket.  It must not point to
 * what goes now.
 */
void
http_way_leave(HttpTransfer *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, NULL);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(e, CURLOPT_VERBOSE, 0L);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, 0L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long) INT_MAX);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, NULL);
	t->easy = NULL;
}
