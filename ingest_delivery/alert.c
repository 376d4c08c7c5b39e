/*
 * alert.c
 *		Alerts as sinks tell of them: what is in their events, and in words.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "ingest_delivery/alert.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "utils/timestamp.h"

AlertNews
alert_news(const Event *event)
{
	if (event->repeated)
		return ALERT_REPEATED;
	if (strcmp(event->type, "ingest.alert.closed") == 0)
		return ALERT_CLOSED;
	if (strcmp(event->type, "ingest.alert.acknowledged") == 0)
		return ALERT_ACKNOWLEDGED;
	return ALERT_OPENED;
}

const char *
alert_field(const Event *event, AlertField field)
{
	static const char *const of_test[ALERT_FIELDS] = {[ALERT_ID] = "0", [ALERT_KIND] = "sink_test", [ALERT_SEVERITY] = "info", [ALERT_OBJECT] = "sink", [ALERT_SUMMARY] = "a test: nothing is wrong"};
	const char *value = event->alert ? event->alert[field] : of_test[field];

	if (value == NULL && event->alert == NULL && field == ALERT_SUBJECT)
		value = event->subject;
	if (value == NULL && event->alert == NULL && field == ALERT_SINCE)
		value = event->time;
	return value ? value : "";
}

char *
alert_key(const Event *event)
{
	return psprintf("pg_ingest-" UINT64_FORMAT "-%u-alert-%.20s", GetSystemIdentifier(), MyDatabaseId, alert_field(event, ALERT_ID));
}

const char *
alert_state(const Event *event)
{
	switch (alert_news(event))
	{
		case ALERT_CLOSED:
			return "closed";
		case ALERT_ACKNOWLEDGED:
			return "acknowledged";
		default:
			return "open";
	}
}

char *
alert_title(const Event *event, int most)
{
	const char *subject = event->subject ? event->subject : "";
	char *title;

	if (event->alert == NULL && strcmp(event->type, "ingest.sink.test") != 0)
		title = psprintf("%s%s%s", event->type, *subject ? ": " : "", subject);
	else
	{
		const char *word = alert_news(event) == ALERT_OPENED     ? alert_field(event, ALERT_SEVERITY)
						   : alert_news(event) == ALERT_REPEATED ? psprintf("still %s", alert_field(event, ALERT_SEVERITY))
																 : alert_state(event);

		title = psprintf("[%s] %s: %s", word, alert_field(event, ALERT_KIND), alert_field(event, ALERT_SUBJECT));
	}
	return cut_text(title, most, true);
}

static int
characters(const char *text)
{
	int n = 0;

	/* all but the bytes that go on with one */
	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

char *
cut_text(const char *text, int most, bool one_line)
{
	StringInfoData out;
	int n = characters(text);

	initStringInfo(&out);
	for (int i = 0; *text; i++)
	{
		int length = pg_utf_mblen((const unsigned char *) text);

		/* what is no UTF-8 is not from the database: never past the end */
		length = Min(length, strlen(text));
		if (n > most && i == most - 1)
		{
			appendStringInfoString(&out, "\xe2\x80\xa6");
			break;
		}
		if (length == 1 && ((unsigned char) *text < 0x20 || *text == 0x7f) && (one_line || *text != '\n'))
			appendStringInfoChar(&out, ' ');
		else
			appendBinaryStringInfo(&out, text, length);
		text += length;
	}
	return out.data;
}

char *
rfc3339(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "a moment is out of range");
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec / 1000);
}

void
write_member(StringInfo out, const char *name, const char *value)
{
	if (out->len > 0 && out->data[out->len - 1] != '{')
		appendStringInfoChar(out, ',');
	escape_json(out, name);
	appendStringInfoChar(out, ':');
	escape_json(out, value);
}
