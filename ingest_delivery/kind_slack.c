/*
 * kind_slack.c
 *		Alerts as messages in a channel of Slack, by an incoming webhook, whose URL is the secret.
 */
#include "postgres.h"

#include "ingest_delivery/alert.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/reference.h"
#include "utils/json.h"

/* Slack takes a message a second */
#define GAP USECS_PER_SEC
#define MOST_OF_HEADER 150
/* It takes 3,000, of which each & may have become five */
#define MOST_OF_SECTION 600

static const OptionRule options[] = {
	{"url", OPTION_REFERENCE, .check = check_secret_url, .needed = true},
	{"ca_file", OPTION_FILE},
	{"timeout", OPTION_NUMBER, .lowest = 1, .highest = 60},
	{"repeat", OPTION_NUMBER, .lowest = 10, .highest = LONGEST_REPEAT},
	END_OF_OPTIONS};

static void
load(Sink *sink)
{
	sink->max_in_flight = 1;
	sink->gap = GAP;
	sink->repeat = option_number(sink->options, "repeat", 0) * USECS_PER_SEC;
}

/* As Slack wants it, so that nobody is mentioned and nothing is a link */
static char *
escaped(const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	for (; *text; text++)
	{
		if (*text == '&')
			appendStringInfoString(&out, "&amp;");
		else if (*text == '<')
			appendStringInfoString(&out, "&lt;");
		else if (*text == '>')
			appendStringInfoString(&out, "&gt;");
		else
			appendStringInfoChar(&out, *text);
	}
	return out.data;
}

static void
text_object(StringInfo out, const char *text, const char *form)
{
	appendStringInfo(out, "{\"type\":\"%s\",\"text\":", form);
	escape_json(out, text);
	appendStringInfoString(out, "}");
}

static void
write_post(Sink *sink, Flight *flight, Post *post)
{
	const Event *event = &flight->items[0]->event;
	const char *by = alert_news(event) == ALERT_CLOSED ? alert_field(event, ALERT_CLOSED_BY) : alert_field(event, ALERT_ACKNOWLEDGED_BY);
	char *title = alert_title(event, MOST_OF_HEADER);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	write_member(&out, "text", escaped(psprintf("%s: %s", title, cut_text(alert_field(event, ALERT_SUMMARY), MOST_OF_SECTION, true))));
	appendStringInfoString(&out, ",\"blocks\":[{\"type\":\"header\",\"text\":");
	text_object(&out, title, "plain_text");
	appendStringInfoString(&out, "},{\"type\":\"section\",\"text\":");
	text_object(&out, escaped(cut_text(alert_field(event, ALERT_SUMMARY), MOST_OF_SECTION, false)), "mrkdwn");
	appendStringInfoString(&out, "},{\"type\":\"context\",\"elements\":[");
	text_object(&out, cut_text(psprintf("alert %s in %s since %s%s%s", alert_field(event, ALERT_ID), sink->instance, alert_field(event, ALERT_SINCE), *by ? ", " : "", by), MOST_OF_SECTION, true), "plain_text");
	appendStringInfoString(&out, "]}]}");
	post_json(post, sink_secret(sink, "url"), &out);
}

const Kind kind_slack = {
	.name = "slack",
	.what = "a sink of kind slack",
	.options = options,
	.needs = "url is a reference to the URL of an incoming webhook of Slack, which is a secret: env:NAME, file:/path, keyvault:vault/secret or mapping:server/option.",
	.types = ALERT_TYPES,
	.only_alerts = true,
	.load = load,
	.send = by_http_send,
	.receive = by_http_receive,
	.write = write_post,
};
