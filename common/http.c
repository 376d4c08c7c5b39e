/*
 * http.c
 *		One event loop over libcurl's multi interface and the process latch.
 */
#include "postgres.h"

#include <pthread.h>
#include <signal.h>

#include "common/curl_memory.h"
#include "common/http.h"
#include "common/http_transfer.h"
#include "common/watch.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * A reply that has begun must bring this much in this time.  A query may take
 * minutes before its first byte, so libcurl's own low-speed limit, which also
 * counts the wait for the reply, would be wrong.
 */
#define STALL_BYTES 1024
#define STALL_MS 30000

/* Sockets that one transfer may keep busy: two addresses being tried, a resolver, a tunnel being closed */
#define SOCKETS_EACH 5

static CURLM *multi = NULL;
static HttpTransfer *running = NULL;
static int nrunning = 0;
static int nleft = 0;            /* dropped while their names were looked up: http_way.c */
static bool unwatched = false;   /* there was no room for a socket */
static TimestampTz timer_at = 0; /* when libcurl wants to be called; 0: never */

/* Keep signals out of libcurl: threads that it starts must not run our handlers */
#define WITHOUT_SIGNALS(call) \
	do \
	{ \
		sigset_t all_, old_; \
		sigfillset(&all_); \
		pthread_sigmask(SIG_SETMASK, &all_, &old_); \
		call; \
		pthread_sigmask(SIG_SETMASK, &old_, NULL); \
	} while (0)

/*
 * libcurl names a socket to watch.  It must not be refused: libcurl 7.88 goes on
 * with what it has already thrown away, and crashes.
 */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	if (!watch_set(fd, what == CURL_POLL_REMOVE ? WATCH_NOT : what, true))
		unwatched = true;
	return 0;
}

static int
on_timer(CURLM *m, long timeout_ms, void *arg)
{
	timer_at = timeout_ms < 0 ? 0 : TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
	return 0;
}

static void
no_memory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("Failed to allocate memory for an HTTP request.")));
}

/* Nothing may go out without one of its settings */
void
http_check_set(CURLcode rc)
{
	if (rc == CURLE_OUT_OF_MEMORY)
		no_memory();
	if (rc != CURLE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
				 errmsg("libcurl %s refuses a setting: %s", curl_version_info(CURLVERSION_NOW)->version,
						curl_easy_strerror(rc))));
}

static void
start_multi(void)
{
	CURLM *fresh = NULL;

	if (multi != NULL)
		return;
	WITHOUT_SIGNALS(
		if (curl_memory_init() == 0)
			fresh = curl_multi_init());
	if (fresh == NULL)
		no_memory();
	if (curl_multi_setopt(fresh, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
		curl_multi_setopt(fresh, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK)
	{
		curl_multi_cleanup(fresh);
		no_memory();
	}
	multi = fresh;
}

/* Take a transfer out of libcurl's hands */
static void
detach(HttpTransfer *t)
{
	HttpTransfer **link = &running;

	if (!t->in_multi)
		return;
	if (t->talking)
		(void) watch_set(t->talks_on, WATCH_NOT, false);
	t->talking = false;
	if (http_way_looks_up(t))
	{
		http_way_leave(t);
		nleft++;
	}
	else
		WITHOUT_SIGNALS(curl_multi_remove_handle(multi, t->easy));
	t->in_multi = false;
	while (*link != t)
		link = &(*link)->next;
	*link = t->next;
	nrunning--;
}

/* What was sent is needed no more */
static void
drop_sent(HttpTransfer *t)
{
	for (struct curl_slist *line = t->secret ? t->headers : NULL; line; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	if (t->secret && t->send_body)
		explicit_bzero(t->send_body, t->send_len);
	curl_slist_free_all(t->headers);
	free(t->send_body);
	t->headers = NULL;
	t->send_body = NULL;
}

static void
destroy(void *arg)
{
	HttpTransfer *t = arg;

	detach(t);
	if (t->easy != NULL)
		WITHOUT_SIGNALS(curl_easy_cleanup(t->easy));
	drop_sent(t);
	http_drop_body(&t->request);
}

/*
 * A request that lives as long as the memory context; its foreign resources go
 * with it, also when an error unwinds.
 */
HttpRequest *
http_request_new(MemoryContext context)
{
	HttpTransfer *t = MemoryContextAllocZero(context, sizeof(HttpTransfer));

	start_multi();
	t->request.transfer = t;
	t->callback.func = destroy;
	t->callback.arg = t;
	MemoryContextRegisterResetCallback(context, &t->callback);
	WITHOUT_SIGNALS(t->easy = curl_easy_init());
	if (t->easy == NULL)
		no_memory();
	return &t->request;
}

/*
 * libcurl gives a tunnel that one login at a proxy opened to the next.  With more
 * than one login in a session none is kept.
 */
static bool
several_logins(const HttpSettings *s)
{
	static char *first = NULL;
	static bool several = false;
	char *login;

	if (s->proxy == NULL || several)
		return several;
	login = psprintf("%s\n%s\n%s", s->proxy, s->proxy_user ? s->proxy_user : "",
					 s->proxy_password ? s->proxy_password : "");
	if (first == NULL)
		first = MemoryContextStrdup(TopMemoryContext, login);
	several = strcmp(first, login) != 0;
	explicit_bzero(login, strlen(login));
	pfree(login);
	return several;
}

/* NULL from libcurl leaves the list as it was: it must neither be lost nor sent short of a header */
static void
add_header(HttpTransfer *t, const char *line)
{
	struct curl_slist *longer = curl_slist_append(t->headers, line);

	if (longer == NULL)
		no_memory();
	t->headers = longer;
}

static void
set_headers(HttpTransfer *t, List *headers, bool compress)
{
	ListCell *lc;

	foreach (lc, headers)
		add_header(t, lfirst(lc));
	if (compress)
		add_header(t, "Accept-Encoding: gzip");
	/* no waiting for 100-continue before a large query */
	add_header(t, "Expect:");
}

/*
 * A handle that was used keeps what was set, and where a name was not found its
 * buffer, too, so that libcurl refuses the size of the next one: each attempt has
 * a handle of its own.
 */
static void
renew_handle(HttpTransfer *t)
{
	CURL *fresh = NULL;

	if (t->used)
	{
		WITHOUT_SIGNALS(fresh = curl_easy_init());
		if (fresh == NULL)
			no_memory();
		if (t->easy != NULL)
			WITHOUT_SIGNALS(curl_easy_cleanup(t->easy));
		t->easy = fresh;
	}
	t->used = true;
}

static void
set_http(HttpTransfer *t, const HttpSettings *s, const char *method, const char *url)
{
	CURL *e = t->easy;

	/* the part behind the host as it is: libcurl 7.88 leaves the parameters out when memory is */
	SET(e, CURLOPT_REQUEST_TARGET, strchr(url + strlen("https://"), '/'));
	SET(e, CURLOPT_CUSTOMREQUEST, method);
	SET(e, CURLOPT_HTTPHEADER, t->headers);
	SET(e, CURLOPT_WRITEFUNCTION, http_reply_body);
	SET(e, CURLOPT_WRITEDATA, t);
	SET(e, CURLOPT_HEADERFUNCTION, http_reply_header);
	SET(e, CURLOPT_HEADERDATA, t);
	SET(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(e, CURLOPT_USERAGENT, "pg_ingest/" EXTENSION_VERSION);
	http_check_set(curl_speak_only(e, s->plain ? "http,https" : "https"));
	SET(e, CURLOPT_HTTP_VERSION, (long) (s->only_http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
	SET(e, CURLOPT_FOLLOWLOCATION, 0L);
}

static void
set_talk(HttpTransfer *t)
{
	CURL *e = t->easy;

	http_check_set(curl_speak_only(e, t->talk.protocols));
	SET(e, CURLOPT_USE_SSL, (long) (t->talk.need_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	/* it gives the connection into our hands when it is logged in, and to nobody else */
	SET(e, CURLOPT_CONNECT_ONLY, 1L);
	SET(e, CURLOPT_FRESH_CONNECT, 1L);
	if (t->talk.user == NULL)
		return;
	SET(e, CURLOPT_USERNAME, t->talk.user);
	if (t->talk.bearer)
		SET(e, CURLOPT_XOAUTH2_BEARER, t->talk.bearer);
	else
		SET(e, CURLOPT_PASSWORD, t->talk.password);
	if (t->talk.login_options)
		SET(e, CURLOPT_LOGIN_OPTIONS, t->talk.login_options);
}

/* What all protocols have in common */
static void
set_options(HttpTransfer *t, const HttpSettings *s, const char *url)
{
	CURL *e;

	renew_handle(t);
	e = t->easy;
	SET(e, CURLOPT_PRIVATE, t);
	SET(e, CURLOPT_ERRORBUFFER, t->error);
	SET(e, CURLOPT_URL, url);
	SET(e, CURLOPT_BUFFERSIZE, 65536L);
	http_way_set(t, s->connect_timeout_ms);

	/* TLS that is trusted, 1.2 or newer, and nowhere else than asked */
	SET(e, CURLOPT_SSL_VERIFYPEER, 1L);
	SET(e, CURLOPT_SSL_VERIFYHOST, 2L);
	SET(e, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	/* no sessions: a handle serves one request, and libcurl 7.88 frees one twice when memory is out */
	SET(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	if (s->ca_file != NULL)
	{
		SET(e, CURLOPT_CAINFO, s->ca_file);
#if CURL_HAS_CA_CACHE
		/* libcurl would keep what stood in it for a day */
		SET(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
	}
	/* an empty proxy keeps the environment's out */
	SET(e, CURLOPT_PROXY, s->proxy != NULL ? s->proxy : "");
	SET(e, CURLOPT_PROXYUSERNAME, s->proxy_user);
	SET(e, CURLOPT_PROXYPASSWORD, s->proxy_password);
	/* what a proxy says when it has opened a tunnel is not the reply */
	SET(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);

	SET(e, CURLOPT_NOSIGNAL, 1L);
	SET(e, CURLOPT_TIMEOUT_MS, (long) s->request_timeout_ms);
	SET(e, CURLOPT_TCP_KEEPALIVE, 1L);
}

static void
begin_anew(HttpTransfer *t)
{
	detach(t);
	t->request.state = HTTP_IDLE;
	start_multi();
	http_reply_forget(t);
	memset(&t->talk, 0, sizeof(HttpTalk));
}

/* Into libcurl's hands */
static void
run(HttpTransfer *t)
{
	CURLMcode rc;

	if (!watch_reserve(SOCKETS_EACH * (nrunning + nleft + 1)))
		no_memory();
	if (nrunning + nleft == 0)
		curl_memory_forget();
	WITHOUT_SIGNALS(rc = curl_multi_add_handle(multi, t->easy));
	if (rc == CURLM_OUT_OF_MEMORY)
		no_memory();
	if (rc != CURLM_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
				 errmsg("could not start an HTTP request: %s", curl_multi_strerror(rc))));
	t->in_multi = true;
	t->next = running;
	running = t;
	nrunning++;
	t->request.state = HTTP_RUNNING;
}

/* Send a request.  Its reply comes while http_turn runs. */
void
http_start(HttpRequest *request, const HttpSettings *settings, const char *method,
		   const char *url, List *headers, const char *body, size_t max_body)
{
	http_start_bytes(request, settings, method, url, headers, body, body ? strlen(body) : 0, max_body);
}

void
http_start_bytes(HttpRequest *request, const HttpSettings *settings, const char *method, const char *url,
				 List *headers, const char *body, size_t body_len, size_t max_body)
{
	HttpTransfer *t = request->transfer;
	bool lost = request->failure == HTTP_LOST;

	begin_anew(t);
	drop_sent(t);
	t->secret = settings->secret;
	t->max_body = max_body;
	t->keep_body = settings->keep_body;
	t->may_connect = settings->may_connect;
	t->id_header = settings->id_header;
	set_headers(t, headers, settings->compress);
	set_options(t, settings, url);
	set_http(t, settings, method, url);
	/* other kept connections may have died with the one on which it was lost */
	SET(t->easy, CURLOPT_FRESH_CONNECT, (long) (lost || several_logins(settings)));
	SET(t->easy, CURLOPT_FORBID_REUSE, (long) several_logins(settings));
	if (body != NULL)
	{
		if ((t->send_body = malloc(Max(body_len, 1))) == NULL)
			no_memory();
		t->send_len = body_len;
		memcpy(t->send_body, body, body_len);
		SET(t->easy, CURLOPT_POSTFIELDS, t->send_body);
		SET(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body_len);
	}
	run(t);
}

/* Connect, log in, and then talk while http_turn runs; the request's status is the last code that libcurl heard */
void
http_start_talk(HttpRequest *request, const HttpSettings *settings, const char *url, const HttpTalk *talk)
{
	HttpTransfer *t = request->transfer;

	begin_anew(t);
	t->talk = *talk;
	t->may_connect = settings->may_connect;
	t->id_header = NULL;
	t->talk_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), settings->request_timeout_ms);
	set_options(t, settings, url);
	set_talk(t);
	run(t);
}

/* Give a request up */
void
http_abort(HttpRequest *request)
{
	detach(request->transfer);
	request->state = HTTP_IDLE;
	http_drop_body(request);
}

/*
 * What libcurl calls want of memory, though it got all that it asked for: a line
 * that is longer than it takes.  NULL if it is something else.
 */
static const char *
endless_line(HttpTransfer *t, CURLcode code)
{
	if (!curl_memory_sufficed() || !t->left)
		return NULL;
	if (code == CURLE_OUT_OF_MEMORY && !t->headed)
		return "the reply's header has a line that does not end";
	if (code == CURLE_RECV_ERROR && strncmp(t->error, "Out of memory", 13) == 0)
		return "the reply's trailer has a line that does not end";
	return NULL;
}

static HttpFailure
classify(CURLcode code)
{
	switch (code)
	{
		case CURLE_OK:
			return HTTP_OK;
		case CURLE_OPERATION_TIMEDOUT:
			return HTTP_TIMEOUT;
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
		case CURLE_COULDNT_CONNECT:
			return HTTP_UNREACHABLE;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_USE_SSL_FAILED:
			return HTTP_UNTRUSTED;
		case CURLE_LOGIN_DENIED:
			return HTTP_NO_LOGIN;
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_URL_MALFORMAT:
			return HTTP_MISCONFIGURED;
		case CURLE_OUT_OF_MEMORY:
			return HTTP_NO_MEMORY;
		default:
			return HTTP_BROKEN;
	}
}

static void
finish(HttpTransfer *t, CURLcode code)
{
	HttpRequest *r = &t->request;
	long status = 0;
	curl_off_t retry_after = 0;
	const char *endless;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
	r->status = (int) status;
	r->retry_after = retry_after > 0 ? (int) Min(retry_after, 86400) : -1;
	r->sent = t->left;
	/* where one of our callbacks ended it, it said why */
	if (r->failure == HTTP_OK && (endless = endless_line(t, code)) != NULL)
	{
		strlcpy(t->error, endless, sizeof(t->error));
		r->failure = HTTP_BROKEN;
	}
	if (r->failure == HTTP_OK)
		r->failure = t->forbidden && !t->allowed && code == CURLE_COULDNT_CONNECT ? HTTP_FORBIDDEN : classify(code);
	if (r->failure == HTTP_TOO_LARGE)
		r->error = "the reply is too large";
	else if (r->failure == HTTP_LOST)
		r->error = "the connection was closed before a reply came";
	else if (r->failure == HTTP_FORBIDDEN)
		r->error = t->forbidden;
	else if (r->failure == HTTP_NO_MEMORY)
		r->error = "out of memory for an HTTP request";
	else if (r->failure != HTTP_OK)
		r->error = t->error[0] != '\0' ? t->error : curl_easy_strerror(code);
	r->state = HTTP_DONE;
}

/* -- talks -- */

/* On with it, as far as it goes now */
static void
talk_on(HttpTransfer *t)
{
	HttpTalkState state;

	WITHOUT_SIGNALS(state = t->talk.step(t->easy, t->talk.arg));
	switch (state)
	{
		case HTTP_TALK_READ:
		case HTTP_TALK_WRITE:
			if (!watch_set(t->talks_on, state == HTTP_TALK_READ ? WATCH_IN : WATCH_OUT, false))
				unwatched = true;
			return;
		case HTTP_TALK_OVER:
			finish(t, CURLE_OK);
			break;
		case HTTP_TALK_BROKEN:
			strlcpy(t->error, "the connection was closed in the middle of the conversation", sizeof(t->error));
			finish(t, CURLE_RECV_ERROR);
			break;
	}
	detach(t);
}

/* The connection is there, and we are logged in */
static void
talk_begins(HttpTransfer *t)
{
	if (curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &t->talks_on) != CURLE_OK || t->talks_on == CURL_SOCKET_BAD)
	{
		finish(t, CURLE_RECV_ERROR);
		detach(t);
		return;
	}
	t->talking = t->left = true;
	talk_on(t);
}

static void
talk_all(TimestampTz now)
{
	HttpTransfer *next;

	for (HttpTransfer *t = running; t != NULL; t = next)
	{
		next = t->next;
		if (!t->talking)
			continue;
		if (now < t->talk_until)
		{
			talk_on(t);
			continue;
		}
		strlcpy(t->error, "the conversation took too long", sizeof(t->error));
		finish(t, CURLE_OPERATION_TIMEDOUT);
		detach(t);
	}
}

/* The name that a dropped request waited for was found, or was not */
static void
end_left(CURL *easy)
{
	WITHOUT_SIGNALS(
		curl_multi_remove_handle(multi, easy);
		curl_easy_cleanup(easy));
	nleft--;
}

static void
reap(void)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(multi, &left)) != NULL)
	{
		char *private = NULL;
		CURLcode code = msg->data.result;
		HttpTransfer *t;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
		if ((t = (HttpTransfer *) private) == NULL)
		{
			end_left(msg->easy_handle);
			continue;
		}
		if (t->talk.step && code == CURLE_OK)
		{
			talk_begins(t);
			continue;
		}
		finish(t, code);
		detach(t);
	}
}

/* Replies that have begun and then all but stopped */
static void
end_stalled(TimestampTz now)
{
	HttpTransfer *t = running;

	while (t != NULL)
	{
		HttpTransfer *next = t->next;

		if (t->mark != 0 && TimestampDifferenceExceeds(t->mark, now, STALL_MS))
		{
			size_t came = t->head_len + t->came;

			if (came - t->mark_len < STALL_BYTES)
			{
				snprintf(t->error, sizeof(t->error),
						 "the reply stalled: fewer than %d bytes in %d seconds",
						 STALL_BYTES, STALL_MS / 1000);
				finish(t, CURLE_OPERATION_TIMEDOUT);
				detach(t);
			}
			else
			{
				t->mark = now;
				t->mark_len = came;
			}
		}
		t = next;
	}
}

/* Names that an older libcurl is looking up for too long */
static void
end_lookups(TimestampTz now)
{
	HttpTransfer *next;

	for (HttpTransfer *t = running; t != NULL; t = next)
	{
		next = t->next;
		if (now < t->lookup_until || !http_way_looks_up(t))
			continue;
		strlcpy(t->error, "resolving the name took too long", sizeof(t->error));
		finish(t, CURLE_OPERATION_TIMEDOUT);
		detach(t);
	}
}

static long
until_timer(long timeout_ms)
{
	long left;

	if (timer_at == 0)
		return timeout_ms;
	left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), timer_at);
	return timeout_ms < 0 ? left : Min(timeout_ms, left);
}

/*
 * libcurl itself is at its end, mostly for want of memory, and may have lost
 * sight of a socket: nobody shall wait for that.  It starts anew next time.
 */
static void
give_up(CURLMcode rc)
{
	while (running != NULL)
	{
		HttpTransfer *t = running;

		if (rc == CURLM_OUT_OF_MEMORY)
			t->request.failure = HTTP_NO_MEMORY;
		strlcpy(t->error, curl_multi_strerror(rc), sizeof(t->error));
		finish(t, CURLE_RECV_ERROR);
		detach(t);
	}
	WITHOUT_SIGNALS(curl_multi_cleanup(multi));
	multi = NULL;
	watch_forget_curl();
	/* handles that wait for names have nobody any more: what is left of them is less than would be waited for */
	nleft = 0;
	unwatched = false;
	timer_at = 0;
}

/* Let libcurl act on what happened on a socket, or on its timer; without signals */
static void
drive(curl_socket_t fd, int mask)
{
	CURLMcode rc;
	int still;

	if (multi == NULL)
		return;
	rc = curl_multi_socket_action(multi, fd, mask, &still);
	if (unwatched)
		rc = CURLM_OUT_OF_MEMORY;
	if (rc != CURLM_OK)
		give_up(rc);
}

/* Let libcurl act on all that happened; has the latch been set? */
static bool
drive_all(const WaitEvent *happened, int n)
{
	bool woken = false;

	for (int i = 0; i < n; i++)
	{
		int mask = 0;

		if (happened[i].events & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			woken = true;
			continue;
		}
		if (happened[i].events & WL_SOCKET_READABLE)
			mask |= CURL_CSELECT_IN;
		if (happened[i].events & WL_SOCKET_WRITEABLE)
			mask |= CURL_CSELECT_OUT;
		drive(happened[i].fd, mask);
	}
	return woken;
}

/*
 * One turn of the loop: wait up to timeout_ms for something to happen, let
 * libcurl act on it, note what is finished.  Interrupts are served.  True if
 * somebody set the latch.
 */
bool
http_turn(long timeout_ms)
{
	TimestampTz now;
	WaitEvent *happened;
	bool woken = false;
	int n;

	if (multi == NULL && timeout_ms == 0)
		return false;
	start_multi();
	if (running != NULL && (timeout_ms < 0 || timeout_ms > 1000))
		timeout_ms = 1000; /* look after stalled replies */
	n = watch_wait(until_timer(timeout_ms), &happened);
	if (n > 0)
		WITHOUT_SIGNALS(woken = drive_all(happened, n));
	CHECK_FOR_INTERRUPTS();
	now = GetCurrentTimestamp();
	if (timer_at != 0 && timer_at <= now)
	{
		timer_at = 0;
		WITHOUT_SIGNALS(drive(CURL_SOCKET_TIMEOUT, 0));
	}
	if (multi != NULL)
		reap();
	talk_all(now);
	end_stalled(now);
	end_lookups(now);
	return woken;
}
