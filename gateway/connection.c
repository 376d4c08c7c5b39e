/*
 * connection.c
 *		A client's connection, from its first byte to its last.
 *
 * Deadlines run from the first byte of what is waited for, not from the last: whoever
 * sends a byte a second has no longer than anybody else.
 */
#include "gateway/connection.h"
#include "gateway/cors.h"
#include "gateway/login.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "gateway/metrics.h"

#define HANDSHAKE_MS (10 * 1000)
#define HEAD_MS (10 * 1000)
#define BODY_MS (30 * 1000)
#define WRITE_MS (30 * 1000)
#define IDLE_MS (60 * 1000)
#define LINGER_MS 1000
/* A client that sends without end waits for the others' turns */
#define MOST_READS 16
/* Smaller answers are not worth the processor's time */
#define LEAST_GZIP 1024
/* Larger ones would keep everybody waiting: there is one thread */
#define MOST_GZIP (8 * 1024 * 1024)

Connection *
connection_new(int fd, SSL *ssl, const char *peer)
{
	Connection *c = need(sizeof(Connection));

	c->fd = fd;
	c->ssl = ssl;
	strncpy(c->peer, peer, sizeof(c->peer) - 1);
	c->state = ssl ? HANDSHAKE : IDLE;
	/* whoever says nothing at all has as long as a slow one */
	c->idle_since = now_ms();
	c->deadline = c->idle_since + (ssl ? HANDSHAKE_MS : HEAD_MS);
	server_wants(c, EPOLLIN);
	return c;
}

void
connection_free(Connection *c)
{
	if (c->state == STREAMING)
		log_request(c);
	if ((c->state == ANSWERING || c->state == STREAMING) && c->abandon)
		c->abandon(c);
	server_forget(c);
	if (c->ssl)
		SSL_free(c->ssl);
	c->ssl = NULL;
	login_end(c);
	buffer_free(&c->in);
	buffer_free(&c->out);
	buffer_free(&c->head);
	buffer_free(&c->body);
}

/* -- bytes -- */

/* What TLS waits for; -1: it is over */
static int
tls_wants(Connection *c, int result)
{
	switch (SSL_get_error(c->ssl, result))
	{
		case SSL_ERROR_WANT_READ:
			return EPOLLIN;
		case SSL_ERROR_WANT_WRITE:
			return EPOLLOUT;
		default:
			ERR_clear_error();
			return -1;
	}
}

/* > 0: bytes, 0: none now, < 0: it is over */
static ssize_t
receive(Connection *c, char *to, size_t n)
{
	ssize_t got;

	if (c->ssl)
	{
		int result = SSL_read(c->ssl, to, n);
		int wants;

		if (result > 0)
			return result;
		wants = tls_wants(c, result);
		if (wants == EPOLLOUT)
			server_wants(c, EPOLLOUT);
		return wants < 0 ? -1 : 0;
	}
	got = recv(c->fd, to, n, 0);
	if (got > 0)
		return got;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static ssize_t
send_some(Connection *c, const char *from, size_t n)
{
	ssize_t sent;

	if (c->ssl)
	{
		int result = SSL_write(c->ssl, from, n);
		int wants;

		if (result > 0)
			return result;
		wants = tls_wants(c, result);
		if (wants >= 0)
			server_wants(c, wants);
		return wants < 0 ? -1 : 0;
	}
	sent = send(c->fd, from, n, MSG_NOSIGNAL);
	if (sent >= 0)
		return sent;
	if (errno != EAGAIN && errno != EINTR)
		return -1;
	server_wants(c, EPOLLOUT);
	return 0;
}

/* -- after the answer -- */

static void take_request(Connection *c);
static void read_on(Connection *c);

/* A connection that is closed while bytes come in would take the answer back */
static void
linger(Connection *c)
{
	if (c->ssl)
		(void) SSL_shutdown(c->ssl);
	shutdown(c->fd, SHUT_WR);
	c->state = LINGERING;
	c->deadline = now_ms() + LINGER_MS;
	server_wants(c, EPOLLIN);
}

static void
finish_request(Connection *c)
{
	log_request(c);
	metrics_count(c->route, c->status, (now_ms() - c->began) / 1000.0);
	buffer_free(&c->head);
	buffer_free(&c->body);
	buffer_free(&c->out);
	login_end(c);
	c->sent = 0;
	memset(&c->request, 0, sizeof(Request));
	if (c->close)
	{
		linger(c);
		return;
	}
	c->state = IDLE;
	c->idle_since = now_ms();
	c->deadline = c->idle_since + IDLE_MS;
	server_wants(c, EPOLLIN);
	if (c->in.n == 0)
		buffer_free(&c->in);
	/* the next one may be here already; TLS may hold it where no event tells */
	take_request(c);
	if (c->state <= BODY && c->ssl && SSL_pending(c->ssl) > 0)
		read_on(c);
}

bool
connection_flush(Connection *c)
{
	while (c->sent < c->out.n)
	{
		ssize_t sent = send_some(c, c->out.bytes + c->sent, c->out.n - c->sent);

		if (sent < 0)
		{
			connection_free(c);
			return false;
		}
		if (sent == 0)
			return true;
		c->sent += sent;
	}
	if (c->state == STREAMING)
	{
		/* thousands of these wait for something to send */
		if (c->out.n > 0)
		{
			buffer_free(&c->out);
			c->sent = 0;
			c->deadline = INT64_MAX;
			server_wants(c, 0);
			stream_drained(c);
		}
		return true;
	}
	if (c->state != WRITING)
	{
		/* that was the word to go on with a body */
		c->out.n = c->sent = 0;
		return true;
	}
	finish_request(c);
	return false;
}

/* -- answers -- */

const char *
status_title(int status)
{
	static const struct
	{
		int status;
		const char *title;
	} titles[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{206, "Partial Content"},
		{300, "Multiple Choices"},
		{304, "Not Modified"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{416, "Range Not Satisfiable"},
		{417, "Expectation Failed"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return status < 400 ? "OK" : "Error";
}

const char *
answer_header(const AnswerHeader *headers, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcasecmp(headers[i].name, name) == 0)
			return headers[i].value;
	return NULL;
}

/* Nothing in it may end the line or the head */
static bool
is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char) *text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static bool
is_compressible(const char *type)
{
	return type && (strncmp(type, "text/", 5) == 0 || strstr(type, "json") || strstr(type, "javascript") || strstr(type, "svg"));
}

static bool
takes_gzip(const Connection *c)
{
	const Header *h = request_header(&c->request, "accept-encoding");

	return h && list_has(h->value, "gzip");
}

/* False: it did not get smaller */
static bool
compress_body(const char *body, size_t n, Buffer *out)
{
	z_stream z = {0};
	bool done;

	if (deflateInit2(&z, 4, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	buffer_room(out, n);
	z.next_in = (Bytef *) body;
	z.avail_in = n;
	z.next_out = (Bytef *) out->bytes;
	z.avail_out = n;
	done = deflate(&z, Z_FINISH) == Z_STREAM_END;
	out->n = z.total_out;
	deflateEnd(&z);
	return done;
}

static void
write_date(Buffer *out)
{
	static time_t of = 0;
	static char date[64];
	time_t now = time(NULL);
	struct tm tm;

	if (now != of)
	{
		gmtime_r(&now, &tm);
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		of = now;
	}
	buffer_print(out, "Date: %s\r\n", date);
}

void
connection_answer(Connection *c, int status, const AnswerHeader *headers, int n_headers, const char *body, size_t n)
{
	const char *type = NULL;
	Buffer packed = {0};
	bool is_head = slice_is(c->request.method, "HEAD"),
		 encoded = false;

	c->worker = NULL;
	c->abandon = NULL;
	c->status = status;
	if (!c->request.keep_alive || server_draining())
		c->close = true;
	buffer_print(&c->out, "HTTP/1.1 %d %s\r\n", status, status_title(status));
	write_date(&c->out);
	for (int i = 0; i < n_headers; i++)
	{
		if (strcasecmp(headers[i].name, "content-type") == 0)
			type = headers[i].value;
		if (strcasecmp(headers[i].name, "content-encoding") == 0)
			encoded = true;
		if (is_line(headers[i].name) && is_line(headers[i].value))
			buffer_print(&c->out, "%s: %s\r\n", headers[i].name, headers[i].value);
	}
	buffer_print(&c->out, "X-Content-Type-Options: nosniff\r\n");
	cors_head(c, &c->out);
	login_head(c, &c->out);
	if (n >= LEAST_GZIP && n <= MOST_GZIP && !encoded && is_compressible(type))
	{
		buffer_print(&c->out, "Vary: Accept-Encoding\r\n");
		if (takes_gzip(c) && compress_body(body, n, &packed))
		{
			buffer_print(&c->out, "Content-Encoding: gzip\r\n");
			body = packed.bytes;
			n = packed.n;
		}
	}
	if (status != 204 && status != 304)
		buffer_print(&c->out, "Content-Length: %zu\r\n", n);
	buffer_print(&c->out, "%s\r\n", c->close ? "Connection: close\r\n" : "");
	if (!is_head && status != 204 && status != 304)
	{
		buffer_add(&c->out, body, n);
		c->answered = n;
	}
	buffer_free(&packed);
	c->state = WRITING;
	c->deadline = now_ms() + WRITE_MS;
	server_wants(c, EPOLLOUT);
}

/* -- answers that go on -- */

void
connection_stream(Connection *c, const AnswerHeader *headers, int n_headers)
{
	c->status = 200;
	c->close = true;
	buffer_print(&c->out, "HTTP/1.1 200 OK\r\n");
	write_date(&c->out);
	for (int i = 0; i < n_headers; i++)
		if (is_line(headers[i].name) && is_line(headers[i].value))
			buffer_print(&c->out, "%s: %s\r\n", headers[i].name, headers[i].value);
	buffer_print(&c->out, "X-Content-Type-Options: nosniff\r\n");
	cors_head(c, &c->out);
	buffer_print(&c->out, "%s\r\n", c->request.minor > 0 ? "Transfer-Encoding: chunked\r\n" : "Connection: close\r\n");
	buffer_free(&c->body);
	if (c->in.n == 0)
		buffer_free(&c->in);
	c->state = STREAMING;
	c->deadline = now_ms() + WRITE_MS;
	server_wants(c, EPOLLOUT);
}

/* Whoever does not take what is there within a time is cut off, and comes back to where he was */
void
connection_stream_add(Connection *c, const char *bytes, size_t n)
{
	if (c->out.n == 0)
		c->deadline = now_ms() + WRITE_MS;
	if (c->request.minor > 0)
		buffer_print(&c->out, "%zx\r\n", n);
	buffer_add(&c->out, bytes, n);
	if (c->request.minor > 0)
		buffer_add(&c->out, "\r\n", 2);
	c->answered += n;
	server_wants(c, EPOLLOUT);
}

void
connection_stream_end(Connection *c)
{
	if (c->request.minor > 0)
		buffer_print(&c->out, "0\r\n\r\n");
	c->state = WRITING;
	c->deadline = now_ms() + WRITE_MS;
	server_wants(c, EPOLLOUT);
}

void
connection_problem(Connection *c, int status, const char *title, const char *detail, const AnswerHeader *headers, int n_headers)
{
	AnswerHeader all[8] = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
	Buffer body = {0};
	int n = 2;

	for (int i = 0; i < n_headers && n < 8; i++)
		all[n++] = headers[i];
	buffer_print(&body, "{\"type\":\"about:blank\",\"status\":%d,\"title\":", status);
	buffer_json(&body, title, strlen(title));
	buffer_print(&body, ",\"code\":\"gateway\",\"message\":");
	buffer_json(&body, detail, strlen(detail));
	buffer_print(&body, ",\"details\":null,\"hint\":null}\n");
	connection_answer(c, status, all, n, body.bytes, body.n);
	buffer_free(&body);
}

/* What cannot be read on after it */
static void
refuse(Connection *c, int status, const char *detail)
{
	c->close = true;
	if (c->began == 0)
		c->began = now_ms();
	connection_problem(c, status, status_title(status), detail, NULL, 0);
}

static const char *
reason(int status)
{
	switch (status)
	{
		case 413:
			return "the body is larger than 1 MB";
		case 414:
			return "the request line is longer than 8 kB";
		case 417:
			return "the only expectation that is supported is 100-continue";
		case 431:
			return "the headers are larger than 16 kB or more than 100";
		case 501:
			return "the only transfer coding that is supported is chunked";
		case 505:
			return "only HTTP/1.1 is supported";
		default:
			return "the request is not well-formed HTTP/1.1";
	}
}

/* -- requests -- */

static void
whole(Connection *c)
{
	c->state = ANSWERING;
	c->deadline = INT64_MAX;
	/* nothing more is read until it is answered; that it goes away is told all the same */
	server_wants(c, 0);
	route_request(c);
}

/* What is here of the body; true when that is all */
static bool
take_body(Connection *c, int *status)
{
	size_t used,
		data;

	*status = PARSE_DONE;
	if (c->request.chunked)
	{
		*status = chunks_read(&c->chunks, c->in.bytes, c->in.n, &used, &data);
		buffer_add(&c->body, c->in.bytes, data);
		buffer_drop(&c->in, used);
		return *status == PARSE_DONE;
	}
	used = c->request.length - c->body.n;
	if (used > c->in.n)
		used = c->in.n;
	if (used > 0)
	{
		buffer_add(&c->body, c->in.bytes, used);
		buffer_drop(&c->in, used);
	}
	return c->body.n == c->request.length;
}

static void
take_head(Connection *c)
{
	static uint64_t number = 0;
	size_t rest = c->in.n - c->request.bytes;

	/* the slices go on pointing to where they do */
	c->head = c->in;
	c->in = (Buffer){0};
	if (rest > 0)
		buffer_add(&c->in, c->head.bytes + c->request.bytes, rest);
	c->number = ++number;
	c->status = 0;
	c->route = 0;
	c->answered = 0;
	c->refused = NULL;
	c->chunks = (Chunks){0};
	c->state = BODY;
	c->deadline = now_ms() + BODY_MS;
	if (c->request.expects_continue && rest == 0 && (c->request.chunked || c->request.length > 0))
	{
		buffer_print(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
		server_wants(c, EPOLLIN | EPOLLOUT);
	}
}

/* What has come, as far as it goes */
static void
take_request(Connection *c)
{
	int status;

	if (c->state == IDLE && c->in.n > 0)
	{
		c->state = HEAD;
		c->began = now_ms();
		c->deadline = c->began + HEAD_MS;
	}
	if (c->state == HEAD)
	{
		status = request_parse(c->in.bytes, c->in.n, &c->request);
		if (status == PARSE_MORE)
			return;
		if (status != PARSE_DONE)
		{
			memset(&c->request, 0, sizeof(Request));
			refuse(c, status, reason(status));
			return;
		}
		take_head(c);
	}
	if (c->state == BODY)
	{
		if (take_body(c, &status))
			whole(c);
		else if (status > PARSE_DONE)
			refuse(c, status, reason(status));
	}
}

static void
read_on(Connection *c)
{
	char bytes[16384];
	ssize_t got;

	/* TLS may hold more than the event told */
	for (int i = 0; i < MOST_READS; i++)
	{
		got = receive(c, bytes, sizeof(bytes));
		if (got < 0)
			connection_free(c);
		if (got <= 0)
			return;
		if (c->state == LINGERING)
			continue;
		buffer_add(&c->in, bytes, got);
		take_request(c);
		if (c->state > BODY)
			return;
	}
}

static void
shake_hands(Connection *c)
{
	int result = SSL_accept(c->ssl);
	int wants;

	if (result == 1)
	{
		c->state = IDLE;
		c->deadline = now_ms() + HEAD_MS;
		server_wants(c, EPOLLIN);
		read_on(c);
		return;
	}
	wants = tls_wants(c, result);
	if (wants < 0)
		connection_free(c);
	else
		server_wants(c, wants);
}

void
connection_ready(Connection *c, uint32_t events)
{
	if (c->state == ANSWERING)
	{
		/* nobody waits for the answer any more */
		if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			connection_free(c);
		return;
	}
	if ((events & EPOLLERR) || (c->state == STREAMING && (events & (EPOLLRDHUP | EPOLLHUP))))
	{
		connection_free(c);
		return;
	}
	if (c->state == HANDSHAKE)
		shake_hands(c);
	else if (c->state == WRITING || c->state == STREAMING)
		(void) connection_flush(c);
	else
	{
		if (c->out.n > c->sent)
		{
			if (!connection_flush(c))
				return;
			server_wants(c, EPOLLIN | (c->out.n > c->sent ? EPOLLOUT : 0));
		}
		read_on(c);
	}
}

void
connection_expire(Connection *c)
{
	if (c->state == HEAD || c->state == BODY)
		refuse(c, 408, "the request was not complete in time");
	else
		connection_free(c);
}
