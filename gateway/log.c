/*
 * log.c
 *		Lines of JSON on stderr: what happened, and one for each request.
 *
 * No credential is in them: neither headers nor queries are logged.
 */
#include "gateway/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gateway/buffer.h"
#include "gateway/connection.h"

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

/* One write, so that lines of several processes do not mix; a log that cannot be written stops nothing */
static void
end_line(Buffer *line)
{
	buffer_print(line, "}\n");
	if (write(STDERR_FILENO, line->bytes, line->n) < 0)
		line->n = 0;
	buffer_free(line);
}

static void
write_line(const char *level, const char *format, va_list args)
{
	Buffer line = {0};
	char text[1024];

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

	begin_line(&line, c->status >= 500 ? "error" : "info");
	buffer_print(&line, ",\"request\":\"%d-%llu\",\"peer\":", getpid(), (unsigned long long) c->number);
	buffer_json(&line, c->peer, strlen(c->peer));
	buffer_print(&line, ",\"method\":");
	buffer_json(&line, c->request.method.at ? c->request.method.at : "", c->request.method.n);
	buffer_print(&line, ",\"path\":");
	buffer_json(&line, c->request.path.at ? c->request.path.at : "", c->request.path.n);
	buffer_print(&line, ",\"status\":%d,\"bytes\":%zu,\"ms\":%lld", c->status, c->answered, (long long) (now_ms() - c->began));
	end_line(&line);
}
