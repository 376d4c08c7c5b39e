/*
 * http_reply.c
 *		What comes of a reply, as libcurl hands it over: header lines, the body, and the memory of bodies.
 */
#include "postgres.h"

#include "common/http.h"
#include "common/http_transfer.h"
#include "utils/timestamp.h"

/*
 * Bodies that were used up leave their memory to the next ones: fresh memory of
 * this size would come from the kernel page by page each time.
 */
#define SPARE_BODIES 8
#define SPARE_BODY_SIZE (1024 * 1024)

static struct
{
	char *data;
	size_t capacity;
} spare[SPARE_BODIES];

static void
give_body(char *data, size_t capacity)
{
	for (int i = 0; i < SPARE_BODIES && capacity > 0 && capacity <= SPARE_BODY_SIZE; i++)
	{
		if (spare[i].data == NULL)
		{
			spare[i].data = data;
			spare[i].capacity = capacity;
			return;
		}
	}
	free(data);
}

static char *
take_body(size_t *capacity)
{
	char *data;

	for (int i = 0; i < SPARE_BODIES; i++)
	{
		if ((data = spare[i].data) != NULL)
		{
			spare[i].data = NULL;
			*capacity = spare[i].capacity;
			return data;
		}
	}
	return NULL;
}

size_t
http_reply_body(char *data, size_t size, size_t n, void *arg)
{
	HttpTransfer *t = arg;
	HttpRequest *r = &t->request;
	size_t len = size * n;

	t->came += len;
	if (t->came > t->max_body)
	{
		r->failure = HTTP_TOO_LARGE;
		return 0;
	}
	if (t->keep_body > 0)
		len = Min(len, t->keep_body - r->body_len);
	if (r->body == NULL)
		r->body = take_body(&t->capacity);
	if (r->body_len + len + 1 > t->capacity)
	{
		size_t capacity = Max(t->capacity * 2, r->body_len + len + 1);
		char *grown;

		capacity = Max(capacity, 65536);
		grown = realloc(r->body, capacity);
		if (grown == NULL)
		{
			r->failure = HTTP_NO_MEMORY;
			return 0;
		}
		r->body = grown;
		t->capacity = capacity;
	}
	memcpy(r->body + r->body_len, data, len);
	r->body_len += len;
	r->body[r->body_len] = '\0';
	return size * n;
}

/* Does the header line bear this name?  Then return its value's length. */
static bool
header_is(const char *line, size_t len, const char *name, const char **value, size_t *value_len)
{
	size_t n = strlen(name);

	if (len <= n || line[n] != ':' || pg_strncasecmp(line, name, n) != 0)
		return false;
	line += n + 1;
	len -= n + 1;
	while (len > 0 && (*line == ' ' || *line == '\t'))
		line++, len--;
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	*value = line;
	*value_len = len;
	return true;
}

/* The moment that a Date header names, or -1 */
static time_t
date_of(const char *value, size_t len)
{
	char text[64];

	strlcpy(text, value, Min(len + 1, sizeof(text)));
	return curl_getdate(text, NULL);
}

/* An id is shown to people: whatever else stands there is not */
static void
keep_id(HttpRequest *r, const char *value, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < sizeof(r->operation_id) - 1; i++)
	{
		char c = value[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_')
			r->operation_id[n++] = c;
	}
	r->operation_id[n] = '\0';
}

/*
 * A status line.  What 1xx says is not yet the reply, which may take as long as
 * it would without: it begins with the last header.
 */
static void
begin_header(HttpTransfer *t, const char *line, size_t len)
{
	const char *status = memchr(line, ' ', len);

	t->interim = status != NULL && status + 1 < line + len && status[1] == '1';
	t->head_len = t->mark_len = 0;
	t->mark = t->interim ? 0 : GetCurrentTimestamp();
}

size_t
http_reply_header(char *line, size_t size, size_t n, void *arg)
{
	HttpTransfer *t = arg;
	HttpRequest *r = &t->request;
	size_t len = size * n;
	const char *value;
	size_t value_len;

	if (len > 5 && strncmp(line, "HTTP/", 5) == 0)
		begin_header(t, line, len);
	if (t->interim)
		return len;
	t->head_len += len;
	t->headed = len > 0 && (*line == '\r' || *line == '\n');
	if (header_is(line, len, "Content-Encoding", &value, &value_len))
		r->gzipped = value_len == 4 && pg_strncasecmp(value, "gzip", 4) == 0;
	else if (t->id_header && header_is(line, len, t->id_header, &value, &value_len))
		keep_id(r, value, value_len);
	else if (header_is(line, len, "ETag", &value, &value_len))
		strlcpy(r->etag, value, Min(value_len + 1, sizeof(r->etag)));
	else if (header_is(line, len, "Content-Range", &value, &value_len))
		strlcpy(r->content_range, value, Min(value_len + 1, sizeof(r->content_range)));
	else if (header_is(line, len, "Date", &value, &value_len))
		r->date = date_of(value, value_len);
	else if (header_is(line, len, "WWW-Authenticate", &value, &value_len) && value_len > 7 && pg_strncasecmp(value, "Bearer ", 7) == 0)
		strlcpy(r->challenge, value, Min(value_len + 1, sizeof(r->challenge)));
	return len;
}

void
http_reply_forget(HttpTransfer *t)
{
	HttpRequest *r = &t->request;

	r->failure = HTTP_OK;
	r->error = NULL;
	r->status = 0;
	r->body_len = 0;
	r->gzipped = false;
	r->retry_after = -1;
	r->date = -1;
	r->operation_id[0] = r->etag[0] = r->content_range[0] = '\0';
	r->challenge[0] = '\0';
	r->sent = false;
	t->left = t->interim = t->headed = t->talking = false;
	t->came = 0;
	t->forbidden = NULL;
	t->allowed = false;
	t->head_len = 0;
	t->error[0] = '\0';
	t->mark = 0;
	t->mark_len = 0;
}

/* Free the body of a reply that has been used, and that of its request */
void
http_drop_body(HttpRequest *request)
{
	HttpTransfer *t = request->transfer;

	if (t->secret && request->body)
		explicit_bzero(request->body, t->capacity);
	give_body(request->body, t->capacity);
	request->body = NULL;
	request->body_len = 0;
	t->capacity = 0;
	/* a handle that is idle points to what it sent, and reads it no more: the next request has a handle of its own */
	if (!t->in_multi)
	{
		free(t->send_body);
		t->send_body = NULL;
	}
}
