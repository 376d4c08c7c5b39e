/*
 * kind_teams.c
 *		Alerts as cards in a channel of Microsoft Teams, by a workflow, whose URL is the secret.
 */
#include "postgres.h"

#include "ingest_delivery/alert.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/reference.h"
#include "utils/json.h"

/* A workflow takes four requests a second */
#define GAP (250 * INT64CONST(1000))
/* Cards of more than 20 kB are not shown: four bytes a character, twice for what JSON escapes */
#define MOST_OF_TEXT 1500

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

static void
fact(StringInfo out, const char *title, const char *value)
{
	if (*value == '\0')
		return;
	appendStringInfoString(out, out->data[out->len - 1] == '[' ? "{" : ",{");
	write_member(out, "title", title);
	write_member(out, "value", cut_text(value, 200, true));
	appendStringInfoChar(out, '}');
}

static const char *
colour(const Event *event)
{
	if (alert_news(event) == ALERT_CLOSED)
		return "good";
	if (alert_news(event) == ALERT_ACKNOWLEDGED)
		return "accent";
	return strcmp(alert_field(event, ALERT_SEVERITY), "error") == 0     ? "attention"
		   : strcmp(alert_field(event, ALERT_SEVERITY), "warning") == 0 ? "warning"
																		: "default";
}

/* A card shows Markdown: what would be a link or an image is text */
static char *
plain(const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	for (; *text; text++)
	{
		if (strchr("\\*_[]()<>`#!", *text))
			appendStringInfoChar(&out, '\\');
		appendStringInfoChar(&out, *text);
	}
	return out.data;
}

static void
write_post(Sink *sink, Flight *flight, Post *post)
{
	const Event *event = &flight->items[0]->event;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null,\"content\":"
								 "{\"$schema\":\"http://adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\"version\":\"1.4\",\"body\":[{");
	write_member(&out, "type", "TextBlock");
	write_member(&out, "text", plain(alert_title(event, 200)));
	write_member(&out, "size", "large");
	write_member(&out, "weight", "bolder");
	write_member(&out, "color", colour(event));
	appendStringInfoString(&out, ",\"wrap\":true},{");
	write_member(&out, "type", "TextBlock");
	write_member(&out, "text", plain(cut_text(alert_field(event, ALERT_SUMMARY), MOST_OF_TEXT, false)));
	appendStringInfoString(&out, ",\"wrap\":true},{\"type\":\"FactSet\",\"facts\":[");
	fact(&out, "Alert", alert_field(event, ALERT_ID));
	fact(&out, "Severity", alert_field(event, ALERT_SEVERITY));
	fact(&out, "Source", alert_field(event, ALERT_SOURCE));
	fact(&out, "Database", sink->instance);
	fact(&out, "Since", alert_field(event, ALERT_SINCE));
	fact(&out, "Acknowledged by", alert_field(event, ALERT_ACKNOWLEDGED_BY));
	fact(&out, "Closed by", alert_field(event, ALERT_CLOSED_BY));
	appendStringInfoString(&out, "]}]}}]}");
	post_json(post, sink_secret(sink, "url"), &out);
}

const Kind kind_teams = {
	.name = "teams",
	.what = "a sink of kind teams",
	.options = options,
	.needs = "url is a reference to the URL of a workflow of Teams, which is a secret: env:NAME, file:/path, keyvault:vault/secret or mapping:server/option.",
	.types = ALERT_TYPES,
	.only_alerts = true,
	.note = "That status says that a workflow began, not that a card was posted: look into the channel.",
	.load = load,
	.send = by_http_send,
	.receive = by_http_receive,
	.write = write_post,
};
