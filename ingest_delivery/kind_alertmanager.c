/*
 * kind_alertmanager.c
 *		Alerts for Prometheus' Alertmanager, by its API of version 2.
 *
 * Labels are what an alert is known by there: nothing that changes while it lasts is one of
 * them.  Alertmanager takes for over what nobody speaks of, so each open alert is sent again
 * every minute, acknowledged or not, and ends by itself five minutes after the last time.
 */
#include "postgres.h"

#include "ingest_delivery/alert.h"
#include "ingest_delivery/kind.h"
#include "utils/timestamp.h"

#define HOLDS_FOR (5 * USECS_PER_MINUTE)

typedef struct Alertmanager
{
	char *url;
	List *headers;
} Alertmanager;

static const OptionRule options[] = {
	{"url", OPTION_URL, .words = "https,http", .needed = true},
	{"authorization", OPTION_REFERENCE, .check = check_printable},
	{"headers", OPTION_HEADERS},
	{"ca_file", OPTION_FILE},
	{"timeout", OPTION_NUMBER, .lowest = 1, .highest = 60},
	{"repeat", OPTION_NUMBER, .lowest = 1, .highest = 240},
	END_OF_OPTIONS};

static void
load(Sink *sink)
{
	Alertmanager *own = palloc0(sizeof(Alertmanager));
	size_t n = strlen(sink->url);

	own->url = psprintf("%.*s/api/v2/alerts", (int) (sink->url[n - 1] == '/' ? n - 1 : n), sink->url);
	own->headers = option_texts(sink->options, "headers");
	sink->own = own;
	sink->max_in_flight = 1;
	sink->batch_events = 50;
	sink->repeat = option_number(sink->options, "repeat", 60) * USECS_PER_SEC;
	sink->repeats_all = true;
}

static void
label(StringInfo out, const char *name, const char *value)
{
	/* an empty label is none */
	if (*value)
		write_member(out, name, cut_text(value, 200, true));
}

static void
write_alert(StringInfo out, const Sink *sink, const Event *event)
{
	TimestampTz now = GetCurrentTimestamp();
	const char *acknowledged_by = alert_field(event, ALERT_ACKNOWLEDGED_BY);
	const char *closed_by = alert_field(event, ALERT_CLOSED_BY);

	appendStringInfoString(out, "{\"labels\":{");
	label(out, "alertname", alert_field(event, ALERT_KIND));
	label(out, "severity", alert_field(event, ALERT_SEVERITY));
	label(out, "subject", alert_field(event, ALERT_SUBJECT));
	label(out, "object", alert_field(event, ALERT_OBJECT));
	label(out, "source", alert_field(event, ALERT_SOURCE));
	label(out, "instance", sink->instance);
	appendStringInfoString(out, "},\"annotations\":{");
	write_member(out, "summary", cut_text(alert_field(event, ALERT_SUMMARY), 2000, false));
	write_member(out, "alert", alert_field(event, ALERT_ID));
	if (*acknowledged_by)
		write_member(out, "acknowledged_by", acknowledged_by);
	if (*closed_by)
		write_member(out, "closed_by", cut_text(closed_by, 500, false));
	appendStringInfoChar(out, '}');
	write_member(out, "startsAt", alert_field(event, ALERT_SINCE));
	write_member(out, "endsAt", rfc3339(alert_news(event) == ALERT_CLOSED ? now : now + HOLDS_FOR));
	appendStringInfoChar(out, '}');
}

static void
write_post(Sink *sink, Flight *flight, Post *post)
{
	Alertmanager *own = sink->own;
	const char *authorization = sink_secret(sink, "authorization");
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < flight->n; i++)
	{
		appendStringInfoChar(&out, i == 0 ? '[' : ',');
		write_alert(&out, sink, &flight->items[i]->event);
	}
	appendStringInfoChar(&out, ']');
	post->url = own->url;
	post->headers = list_concat(list_make1("content-type: application/json"), own->headers);
	if (authorization)
		post->headers = lappend(post->headers, psprintf("authorization: %s", authorization));
	post->body = out.data;
	post->length = out.len;
}

const Kind kind_alertmanager = {
	.name = "alertmanager",
	.what = "a sink of kind alertmanager",
	.options = options,
	.needs = "url is the address of Alertmanager, without /api/v2/alerts.",
	.types = ALERT_TYPES,
	.only_alerts = true,
	.note = "A test alert of severity info is there for five minutes.",
	.load = load,
	.send = by_http_send,
	.receive = by_http_receive,
	.write = write_post,
};
