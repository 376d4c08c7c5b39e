/*
 * smtp.c
 *		A mail over a connection that libcurl has opened and logged in to.
 *
 * libcurl could hand it over as well, but waits for what the server says of the mail and of
 * QUIT in the middle of its event loop, and everybody else in the process with it.
 */
#include "postgres.h"

#include "common/curl_compat.h"
#include "common/smtp.h"
#include "lib/stringinfo.h"

#define LONGEST_ADDRESS 254

const char *
smtp_bad_address(const char *address)
{
	const char *at = strrchr(address, '@');

	for (const unsigned char *c = (const unsigned char *) address; *c; c++)
		if (*c <= 0x20 || *c >= 0x7f || strchr("<>\"\\(),:;[]", *c))
			return "it must contain only printable ASCII, without blanks, quotes and brackets";
	if (at == NULL || at == address || at[1] == '\0' || strchr(address, '@') != at)
		return "it must be like name@example.com";
	if (strlen(address) > LONGEST_ADDRESS)
		return "it is too long";
	return NULL;
}

char *
smtp_body(const char *text, size_t *length)
{
	StringInfoData out;
	bool line_begins = true;

	initStringInfo(&out);
	for (const char *c = text; *c; c++)
	{
		if (line_begins && *c == '.')
			appendStringInfoChar(&out, '.');
		if (*c == '\n' && (c == text || c[-1] != '\r'))
			appendStringInfoChar(&out, '\r');
		appendStringInfoChar(&out, *c);
		line_begins = *c == '\n';
	}
	appendStringInfoString(&out, line_begins ? ".\r\n" : "\r\n.\r\n");
	*length = out.len;
	return out.data;
}

/* How many bytes went; 0: none can now, -1: the connection is broken, or was closed */
static ssize_t
send_some(void *easy, const char *bytes, size_t n)
{
	size_t done = 0;
	CURLcode rc = curl_easy_send(easy, bytes, n, &done);

	return rc == CURLE_OK ? (ssize_t) done : rc == CURLE_AGAIN ? 0
															   : -1;
}

static ssize_t
receive_some(void *easy, char *bytes, size_t n)
{
	size_t done = 0;
	CURLcode rc = curl_easy_recv(easy, bytes, n, &done);

	if (rc == CURLE_AGAIN)
		return 0;
	return rc == CURLE_OK && done > 0 ? (ssize_t) done : -1;
}

/* What is said in this stage, and how much of it */
static const char *
to_say(SmtpTalk *t, size_t *length)
{
	if (t->stage == SMTP_BODY)
	{
		*length = t->body_len;
		return t->body;
	}
	if (t->stage == SMTP_FROM)
		snprintf(t->command, sizeof(t->command), "MAIL FROM:<%s>\r\n", t->from);
	else if (t->stage == SMTP_TO)
		snprintf(t->command, sizeof(t->command), "RCPT TO:<%s>\r\n", t->to[t->recipient]);
	else
		strlcpy(t->command, "DATA\r\n", sizeof(t->command));
	*length = strlen(t->command);
	return t->command;
}

/* All said: false where it cannot be now, or broken */
static bool
say(SmtpTalk *t, void *easy, bool *broken)
{
	size_t length;
	const char *what = to_say(t, &length);

	while (t->said < length)
	{
		ssize_t n = send_some(easy, what + t->said, length - t->said);

		*broken = n < 0;
		if (n <= 0)
			return false;
		t->said += n;
	}
	t->hearing = true;
	t->reply_len = t->line = 0;
	return true;
}

/* Is the answer there?  Its last line has a blank behind the code */
static bool
is_whole(SmtpTalk *t)
{
	char *end;

	while ((end = memchr(t->reply + t->line, '\n', t->reply_len - t->line)) != NULL)
	{
		const char *line = t->reply + t->line;
		size_t n = end - line;

		t->code = n >= 3 ? atoi(line) : 0;
		if (n < 4 || line[3] != '-')
			return true;
		t->line += n + 1;
	}
	return false;
}

static bool
hear(SmtpTalk *t, void *easy, bool *broken)
{
	for (;;)
	{
		ssize_t n;

		if (is_whole(t))
			return true;
		/* of a long answer its last line matters */
		if (t->reply_len == sizeof(t->reply) - 1 && t->line > 0)
		{
			t->reply_len -= t->line;
			memmove(t->reply, t->reply + t->line, t->reply_len);
			t->line = 0;
		}
		n = receive_some(easy, t->reply + t->reply_len, sizeof(t->reply) - 1 - t->reply_len);
		*broken = n < 0 || t->reply_len == sizeof(t->reply) - 1;
		if (n <= 0 || *broken)
			return false;
		t->reply_len += n;
		t->reply[t->reply_len] = '\0';
	}
}

/* The next stage; false: there is none, or it was refused */
static bool
goes_on(SmtpTalk *t)
{
	if (t->code / 100 != (t->stage == SMTP_DATA ? 3 : 2))
		return false;
	if (t->stage == SMTP_TO && ++t->recipient < t->n_to)
		return true;
	t->stage++;
	return t->stage != SMTP_ACCEPTED;
}

HttpTalkState
smtp_step(void *easy, void *arg)
{
	SmtpTalk *t = arg;
	bool broken = false;

	for (;;)
	{
		if (!t->hearing && !say(t, easy, &broken))
			return broken ? HTTP_TALK_BROKEN : HTTP_TALK_WRITE;
		if (!hear(t, easy, &broken))
			return broken ? HTTP_TALK_BROKEN : HTTP_TALK_READ;
		t->hearing = false;
		t->said = 0;
		if (!goes_on(t))
		{
			/* nobody waits for what is said to that */
			(void) send_some(easy, "QUIT\r\n", 6);
			return HTTP_TALK_OVER;
		}
	}
}
