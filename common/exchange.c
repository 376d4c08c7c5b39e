/*
 * exchange.c
 *		One request that is asked again while its failure may pass.
 */
#include "postgres.h"

#include "common/exchange.h"
#include "common/pg_prng.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/timestamp.h"

#define MOST_TRIES 6
#define PATIENCE_MS 45000 /* no try begins later */
#define FIRST_PAUSE_MS 800
#define GONE_PAUSE_MS 10000 /* 410: the service is being renewed */
#define LONGEST_RETRY_AFTER 30
#define MOST_WORDS 400 /* of the other side's, in bytes */
#define SMALL_REPLY (1024 * 1024)

/* In the current memory context, with which it goes */
Exchange *
exchange_new(const char *method, char *url)
{
	Exchange *e = palloc0(sizeof(Exchange));

	e->method = method;
	e->url = url;
	e->settings.connect_timeout_ms = 5000;
	e->settings.request_timeout_ms = 15000;
	e->settings.only_http1 = true;
	e->settings.secret = true;
	e->http = http_request_new(CurrentMemoryContext);
	e->deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PATIENCE_MS);
	return e;
}

static bool
may_pass(const Exchange *e)
{
	const HttpRequest *r = e->http;

	switch (r->failure)
	{
		case HTTP_OK:
			break;
		case HTTP_UNREACHABLE:
		case HTTP_TIMEOUT:
		case HTTP_BROKEN:
		case HTTP_LOST:
			return true;
		default:
			return false;
	}
	for (const int *status = e->passing; status && *status; status++)
		if (r->status == *status)
			return true;
	return r->status == 408 || r->status == 429 || r->status >= 500;
}

/* Clients that failed together do not come again together */
static int
pause_ms(const Exchange *e)
{
	int ms = FIRST_PAUSE_MS << (e->tries - 1);

	ms += pg_prng_uint64_range(&pg_global_prng_state, 0, ms / 2);
	if (e->http->status == 410)
		ms = Max(ms, GONE_PAUSE_MS);
	if (e->http->retry_after > 0)
		ms = Max(ms, Min(e->http->retry_after, LONGEST_RETRY_AFTER) * 1000);
	return e->http->failure == HTTP_LOST ? 0 : ms;
}

static size_t
body_len(const Exchange *e)
{
	return e->body_len > 0 || e->body == NULL ? e->body_len : strlen(e->body);
}

/* Goes on with it; true when there is an answer, or will be none */
bool
exchange_over(Exchange *e)
{
	TimestampTz now = GetCurrentTimestamp();

	if (e->http->state == HTTP_RUNNING)
		return false;
	if (e->http->state == HTTP_DONE)
	{
		if (!may_pass(e) || e->tries >= MOST_TRIES)
			return true;
		if (e->not_before == 0)
			e->not_before = TimestampTzPlusMilliseconds(now, pause_ms(e));
		if (e->not_before > e->deadline)
			return true;
	}
	if (now < e->not_before)
		return false;
	e->not_before = 0;
	e->tries++;
	http_start_bytes(e->http, &e->settings, e->method, e->url, e->headers, e->body, body_len(e),
					 e->max_body ? e->max_body : SMALL_REPLY);
	return false;
}

/* When it must be looked at, if nothing comes before */
TimestampTz
exchange_next(const Exchange *e)
{
	return e->http->state == HTTP_RUNNING ? DT_NOEND : e->not_before;
}

char *
exchange_words(const Exchange *e, const char *code, const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	if (e->http->failure != HTTP_OK)
		appendStringInfoString(&out, e->http->error ? e->http->error : "no answer");
	else
		appendStringInfo(&out, "status %d", e->http->status);
	if (code)
		appendStringInfo(&out, ": %s", code);
	if (text)
		appendStringInfo(&out, ": %.*s", pg_mbcliplen(text, (int) strcspn(text, "\r\n"), MOST_WORDS), text);
	return out.data;
}

void
exchange_end(Exchange *e)
{
	ListCell *lc;

	http_abort(e->http);
	foreach (lc, e->headers)
		explicit_bzero(lfirst(lc), strlen(lfirst(lc)));
	if (e->body)
		explicit_bzero(e->body, body_len(e));
	e->headers = NIL;
	e->body = NULL;
}
