/*
 * log.c
 *		Lines of JSON on stderr: what happened, and one for each request.
 *
 * No credential is in them: neither headers nor queries are logged.
 */
#include "gateway/log.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gateway/buffer.h"
#include "gateway/connection.h"
#include "gateway/login.h"

/* Of a path, so that a line is written at once */
#define MOST_PATH 2048

static void
begin_line(Buffer *line, const char *level)
{
	struct timespec now;
	struct tm tm;
	char at[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%S", &tm);
	buffer_print(line, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\"", at, now.tv_nsec / 1000000, level);
}

/*
 * One write, so that lines of several processes do not mix.  A log that cannot be written stops nothing: a pipe
 * that has room takes PIPE_BUF bytes at once, and where nobody empties it lines are left out and counted.
 */
static void
end_line(Buffer *line)
{
	static unsigned long long left_out = 0;
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (left_out > 0)
		buffer_print(line, ",\"left_out\":%llu", left_out);
	buffer_print(line, "}\n");
	if (line->n <= PIPE_BUF && poll(&room, 1, 0) == 1 && write(STDERR_FILENO, line->bytes, line->n) > 0)
		left_out = 0;
	else
		left_out++;
	buffer_free(line);
}

static void
write_line(const char *level, const char *format, va_list args)
{
	Buffer line = {0};
	/* six bytes of JSON for one at worst */
	char text[640];

	vsnprintf(text, sizeof(text), format, args);
	begin_line(&line, level);
	buffer_print(&line, ",\"message\":");
	buffer_json(&line, text, strlen(text));
	end_line(&line);
}

void
log_line(const char *level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(level, format, args);
	va_end(args);
}

void
give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line("error", format, args);
	va_end(args);
	exit(1);
}

void
log_request(const Connection *c)
{
	Buffer line = {0};
	Slice path = c->request.path;
	size_t secret;

	if (path.at == NULL || path.n > MOST_PATH)
		path = path.at ? (Slice){path.at, MOST_PATH} : (Slice){"", 0};
	if (login_secret_in(path, &secret))
		path.n = secret;
	begin_line(&line, c->status >= 500 ? "error" : "info");
	buffer_print(&line, ",\"request\":\"%d-%llu\",\"peer\":", getpid(), (unsigned long long) c->number);
	buffer_json(&line, c->peer, strlen(c->peer));
	buffer_print(&line, ",\"method\":");
	buffer_json(&line, c->request.method.at ? c->request.method.at : "", c->request.method.n);
	buffer_print(&line, ",\"path\":");
	buffer_json(&line, path.at, path.n);
	buffer_print(&line, ",\"status\":%d,\"bytes\":%zu,\"ms\":%lld", c->status, c->answered, (long long) (now_ms() - c->began));
	if (c->refused)
	{
		buffer_print(&line, ",\"token\":");
		buffer_json(&line, c->refused, strlen(c->refused));
	}
	end_line(&line);
}
