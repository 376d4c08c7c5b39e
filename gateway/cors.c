/*
 * cors.c
 *		Which pages of other origins may read answers (WHATWG Fetch).
 *
 * Only those that were named, each as a whole: no pattern can match more than was meant,
 * and "null", which every sandboxed frame is, is nobody.  Cookies are never sent along
 * from there: a page of another origin has a token, or nothing.
 */
#include "gateway/cors.h"

#include <string.h>

#include "gateway/log.h"

#define MOST_ORIGINS 32

static const char *origins[MOST_ORIGINS];
static int n_origins = 0;

/* scheme://host or scheme://host:port, in small letters, as browsers write it */
static bool
is_origin(const char *text)
{
	size_t scheme = strncmp(text, "https://", 8) == 0 ? 8 : strncmp(text, "http://", 7) == 0 ? 7
																							 : 0;

	return scheme > 0 && text[scheme] != '\0' && strlen(text) < 256 && strspn(text + scheme, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]_") == strlen(text + scheme);
}

void
cors_allow(const char *origin)
{
	if (!is_origin(origin))
		give_up("--cors-origin wants an origin as browsers say it, such as https://app.example.com, not %s", origin);
	if (n_origins == MOST_ORIGINS)
		give_up("there can be at most %d origins", MOST_ORIGINS);
	origins[n_origins++] = origin;
}

/* NULL: none that was named */
static const char *
origin_of(const Connection *c)
{
	const Header *h = request_header(&c->request, "origin");

	for (int i = 0; h && i < n_origins; i++)
		if (slice_is(h->value, origins[i]))
			return origins[i];
	return NULL;
}

void
cors_head(const Connection *c, Buffer *out)
{
	const char *origin = origin_of(c);

	/* what is kept for one must not be shown to another */
	if (n_origins > 0)
		buffer_print(out, "Vary: Origin\r\n");
	if (origin)
		buffer_print(out,
					 "Access-Control-Allow-Origin: %s\r\n"
					 "Access-Control-Expose-Headers: Content-Range, ETag, Last-Event-ID, Link, Location, Preference-Applied, Retry-After, WWW-Authenticate\r\n",
					 origin);
}

bool
cors_preflight(Connection *c)
{
	static const AnswerHeader headers[] = {{"Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE"},
										   {"Access-Control-Allow-Headers", "Accept, Accept-Profile, Authorization, Content-Profile, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, Range"},
										   {"Access-Control-Max-Age", "600"}};

	if (!slice_is(c->request.method, "OPTIONS") || request_header(&c->request, "access-control-request-method") == NULL)
		return false;
	if (origin_of(c))
		connection_answer(c, 204, headers, 3, NULL, 0);
	else
		connection_problem(c, 403, status_title(403), "pages of that origin may not read answers", NULL, 0);
	return true;
}
