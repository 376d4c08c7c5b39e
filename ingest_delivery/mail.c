/*
 * mail.c
 *		Events as mails: MIME, in ASCII alone, whatever is in the event.
 *
 * A mail has the event's id for its own, so that one that is sent twice is one; what tells
 * of the same alert hangs together in a thread.
 */
#include "postgres.h"

#include <time.h>

#include "access/xlog.h"
#include "common/base64.h"
#include "ingest_delivery/alert.h"
#include "ingest_delivery/mail.h"
#include "ingest_delivery/option.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#define MOST_OF_SUBJECT 200
#define MOST_OF_BODY 100000
/* Of a line of quoted-printable, and of an encoded word */
#define LINE 76
#define WORD_BYTES 39

/* -- templates -- */

static const char *const names[] = {"title", "type", "subject", "source", "id", "time", "instance", "kind", "severity", "state", "summary", "alert", "since"};

static const char *
value_of(const char *name, size_t n, const MailForm *form, const Event *event)
{
	static const AlertField fields[] = {ALERT_KIND, ALERT_SEVERITY, 0, ALERT_SUMMARY, ALERT_ID, ALERT_SINCE};
	int i = 0;

	while (strlen(names[i]) != n || strncmp(names[i], name, n) != 0)
		i++;
	switch (i)
	{
		case 0:
			return alert_title(event, MOST_OF_SUBJECT);
		case 1:
			return event->type;
		case 2:
			return event->subject ? event->subject : "";
		case 3:
			return event->source;
		case 4:
			return psprintf("%d-" INT64_FORMAT, event->era, event->id);
		case 5:
			return event->time;
		case 6:
			return form->instance;
		case 9:
			return alert_state(event);
		default:
			return event->alert ? alert_field(event, fields[i - 7]) : "";
	}
}

void
mail_check_template(const char *option, const char *template)
{
	for (const unsigned char *c = (const unsigned char *) template; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			option_refuse(option, "It must have no control characters.", NULL);
	if (*template == '\0' || strlen(template) > 500)
		option_refuse(option, "It must have 1 to 500 bytes.", NULL);
	for (const char *open = strchr(template, '{'); open; open = strchr(open + 1, '{'))
	{
		size_t n = strcspn(open + 1, "}");
		bool known = false;

		for (int i = 0; i < lengthof(names); i++)
			known = known || (strlen(names[i]) == n && strncmp(names[i], open + 1, n) == 0);
		if (open[n + 1] == '\0' || !known)
		{
			StringInfoData list;

			initStringInfo(&list);
			for (int i = 0; i < lengthof(names); i++)
				appendStringInfo(&list, "%s{%s}", i == 0 ? "" : ", ", names[i]);
			option_refuse(option, psprintf("There is no {%.*s}.", (int) Min(n, 50), open + 1), psprintf("There are %s.", list.data));
		}
	}
}

static char *
fill(const char *template, const MailForm *form, const Event *event)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*template)
	{
		size_t n = strcspn(template, "{");

		appendBinaryStringInfo(&out, template, n);
		template += n;
		if (*template == '{')
		{
			n = strcspn(template + 1, "}");
			appendStringInfoString(&out, value_of(template + 1, n, form, event));
			template += n + 2;
		}
	}
	return cut_text(out.data, MOST_OF_SUBJECT, true);
}

/* -- header -- */

/* RFC 2047: in words of at most 75 characters, none of which cuts a character of UTF-8 */
static void
header_text(StringInfo out, const char *name, const char *text)
{
	bool plain = strlen(text) + strlen(name) < 70 && strstr(text, "=?") == NULL;

	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
		plain = plain && *c >= 0x20 && *c < 0x7f;
	appendStringInfo(out, "%s:", name);
	if (plain)
		appendStringInfo(out, " %s", text);
	while (!plain && *text)
	{
		int n = 0;
		char *word;
		int room;

		while (text[n] && n + pg_utf_mblen((const unsigned char *) text + n) <= WORD_BYTES)
			n += Min(pg_utf_mblen((const unsigned char *) text + n), strlen(text + n));
		room = pg_b64_enc_len(n) + 1;
		word = palloc0(room);
		if (pg_b64_encode((void *) text, n, word, room) < 0)
			elog(ERROR, "a part of a header has no place where it should have some");
		appendStringInfo(out, " =?UTF-8?B?%s?=\n", word);
		text += n;
	}
	if (plain)
		appendStringInfoChar(out, '\n');
}

/* Nothing goes out that could end a line, whatever was in the options or is in the secret */
static const char *
safe(const char *text)
{
	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
		if (*c < 0x20 || *c >= 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a header of a mail holds a control character")));
	return text;
}

static char *
addresses(const List *to)
{
	StringInfoData out;
	ListCell *lc;

	initStringInfo(&out);
	foreach (lc, to)
		appendStringInfo(&out, "%s%s", lc == list_head(to) ? "" : ",\n ", safe(lfirst(lc)));
	return out.data;
}

static void
date(StringInfo out)
{
	char text[64];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	appendStringInfo(out, "Date: %s\n", text);
}

static void
ids(StringInfo out, const MailForm *form, const Event *event)
{
	const char *domain = strrchr(form->from, '@') + 1;
	bool of_alert = event->alert != NULL;

	if (event->repeated)
		appendStringInfo(out, "Message-ID: <%s-" INT64_FORMAT "@%s>\n", alert_key(event), event->id, domain);
	else
		appendStringInfo(out, "Message-ID: <%d-" INT64_FORMAT "." UINT64_FORMAT "-%u@%s>\n", event->era, event->id, GetSystemIdentifier(), MyDatabaseId, domain);
	if (of_alert)
		appendStringInfo(out, "References: <%s@%s>\nIn-Reply-To: <%s@%s>\n", alert_key(event), domain, alert_key(event), domain);
}

/* -- body -- */

static void
quoted_printable(StringInfo out, const char *text)
{
	int column = 0;

	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
	{
		bool ends = c[1] == '\n' || c[1] == '\0';
		bool plain = (*c > 0x20 && *c < 0x7f && *c != '=') || ((*c == ' ' || *c == '\t') && !ends);

		if (*c == '\n')
		{
			appendStringInfoChar(out, '\n');
			column = 0;
			continue;
		}
		if (column + (plain ? 1 : 3) > LINE - 1)
		{
			appendStringInfoString(out, "=\n");
			column = 0;
		}
		if (plain)
			appendStringInfoChar(out, *c);
		else
			appendStringInfo(out, "=%02X", *c);
		column += plain ? 1 : 3;
	}
	appendStringInfoChar(out, '\n');
}

static void
line(StringInfo out, const char *name, const char *value)
{
	if (value && *value)
		appendStringInfo(out, "%s: %s\n", name, cut_text(value, 1000, true));
}

static char *
body(const MailForm *form, const Event *event)
{
	StringInfoData out;

	initStringInfo(&out);
	if (event->alert || strcmp(event->type, "ingest.sink.test") == 0)
	{
		appendStringInfo(&out, "%s\n\n", cut_text(alert_field(event, ALERT_SUMMARY), MOST_OF_BODY, false));
		line(&out, "State", alert_state(event));
		line(&out, "Kind", alert_field(event, ALERT_KIND));
		line(&out, "Severity", alert_field(event, ALERT_SEVERITY));
		line(&out, "Subject", alert_field(event, ALERT_SUBJECT));
		line(&out, "Source", alert_field(event, ALERT_SOURCE));
		line(&out, "Since", alert_field(event, ALERT_SINCE));
		line(&out, "Found", *alert_field(event, ALERT_COUNT) ? psprintf("%s times", alert_field(event, ALERT_COUNT)) : NULL);
		line(&out, "Acknowledged by", alert_field(event, ALERT_ACKNOWLEDGED_BY));
		line(&out, "Closed", alert_field(event, ALERT_CLOSED_BY));
		line(&out, "Alert", alert_field(event, ALERT_ID));
	}
	else
	{
		line(&out, "Type", event->type);
		line(&out, "Subject", event->subject);
		line(&out, "Source", event->source);
		line(&out, "Time", event->time);
		line(&out, "Id", psprintf("%d-" INT64_FORMAT, event->era, event->id));
		appendStringInfo(&out, "\n%s\n", event->data);
	}
	line(&out, "Database", form->instance);
	return out.data;
}

char *
mail_write(const MailForm *form, const Event *event)
{
	StringInfoData out;
	ListCell *lc;

	initStringInfo(&out);
	appendStringInfo(&out, "From: %s\nTo: %s\n", safe(form->from), addresses(form->to));
	header_text(&out, "Subject", form->subject ? fill(form->subject, form, event) : alert_title(event, MOST_OF_SUBJECT));
	date(&out);
	ids(&out, form, event);
	appendStringInfoString(&out, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n");
	foreach (lc, form->headers)
		appendStringInfo(&out, "%s\n", safe(lfirst(lc)));
	appendStringInfoChar(&out, '\n');
	quoted_printable(&out, body(form, event));
	return out.data;
}
