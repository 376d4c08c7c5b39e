/*
 * outcome.c
 *		What an answer means: whose fault it is.
 */
#include "postgres.h"

#include "ingest_delivery/outcome.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

Verdict
outcome_of_status(int status)
{
	if (status >= 200 && status < 300)
		return ACCEPTED;
	if (status >= 500)
		return OF_EITHER;
	switch (status)
	{
		case 401:
		case 403:
		case 404:
		case 405:
		case 407:
		case 408:
		case 425:
		case 429:
			return OF_SINK;
		case 410:
			return GONE;
		case 413:
			return TOO_LARGE;
		default:
			return status >= 400 ? OF_EVENT : OF_SINK;
	}
}

Verdict
outcome_of(const HttpRequest *request, Verdict (*judge)(int status))
{
	bool good = request->status >= 200 && request->status < 300;

	/* it says itself when it will be there again */
	if (request->failure == HTTP_OK && request->status == 503 && request->retry_after > 0)
		return OF_SINK;
	switch (request->failure)
	{
		case HTTP_OK:
		case HTTP_TOO_LARGE:
			return judge ? judge(request->status) : outcome_of_status(request->status);
		case HTTP_TIMEOUT:
		case HTTP_BROKEN:
		case HTTP_LOST:
			/* what came after it is of no use to anybody */
			return good ? ACCEPTED : OF_EITHER;
		default:
			return OF_SINK;
	}
}

char *
outcome_text(const HttpRequest *request)
{
	if (request->failure == HTTP_FORBIDDEN)
		return psprintf("nothing may be sent to its address: %s; ingest_delivery.allow_networks allows it",
						request->error);
	if (request->failure != HTTP_OK && request->failure != HTTP_TOO_LARGE)
		return pstrdup(request->error ? request->error : "no answer");
	if (request->status >= 300 && request->status < 400 && request->status != 304)
		return psprintf("status %d: redirects are not followed", request->status);
	return psprintf("status %d", request->status);
}

char *
outcome_answer(const Answer *answer)
{
	StringInfoData out;
	const char *body = answer->body;
	size_t n = Min(answer->body_len, KEPT_ANSWER);

	if (n == 0)
		return NULL;
	initStringInfo(&out);
	for (size_t i = 0; i < n;)
	{
		int length = (unsigned char) body[i] < 0x80 ? 1 : pg_utf_mblen((const unsigned char *) body + i);

		if (i + length > n)
			break;
		if (length > 1 && pg_utf8_islegal((const unsigned char *) body + i, length))
		{
			if (GetDatabaseEncoding() == PG_UTF8)
				appendBinaryStringInfo(&out, body + i, length);
			else
				appendStringInfoChar(&out, '?');
			i += length;
			continue;
		}
		appendStringInfoChar(&out, length == 1 && body[i] >= ' ' && body[i] != 0x7f ? body[i] : length == 1 && (body[i] == '\n' || body[i] == '\t') ? ' '
																																					: '?');
		i++;
	}
	return out.data;
}
