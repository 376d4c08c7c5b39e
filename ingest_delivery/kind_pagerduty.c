/*
 * kind_pagerduty.c
 *		Alerts as incidents of PagerDuty, by its Events API of version 2.
 */
#include "postgres.h"

#include "ingest_delivery/alert.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/outcome.h"

#define URL "https://events.pagerduty.com/v2/enqueue"
#define KEY_LENGTH 32
#define MOST_OF_SUMMARY 1024

static void
check_routing_key(const char *option, const char *secret)
{
	if (strlen(secret) != KEY_LENGTH || strspn(secret, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != KEY_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what option \"%s\" refers to is not an integration key of PagerDuty", option),
				 errdetail("It must have %d letters and digits.", KEY_LENGTH)));
}

static const OptionRule options[] = {
	{"routing_key", OPTION_REFERENCE, .check = check_routing_key, .needed = true},
	{"url", OPTION_URL, .words = "https,http"},
	{"error_is", OPTION_WORD, .words = "critical,error"},
	{"ca_file", OPTION_FILE},
	{"timeout", OPTION_NUMBER, .lowest = 1, .highest = 60},
	{"repeat", OPTION_NUMBER, .lowest = 10, .highest = LONGEST_REPEAT},
	END_OF_OPTIONS};

static void
load(Sink *sink)
{
	char *error_is = option_text(sink->options, "error_is");

	if (sink->url == NULL)
		sink->url = pstrdup(URL);
	sink->own = error_is ? error_is : pstrdup("error");
	sink->max_in_flight = 1;
	sink->repeat = option_number(sink->options, "repeat", 0) * USECS_PER_SEC;
}

static void
details(StringInfo out, const Event *event)
{
	appendStringInfoString(out, ",\"custom_details\":{");
	write_member(out, "alert", alert_field(event, ALERT_ID));
	write_member(out, "subject", cut_text(alert_field(event, ALERT_SUBJECT), 500, true));
	write_member(out, "summary", cut_text(alert_field(event, ALERT_SUMMARY), 4000, false));
	write_member(out, "count", alert_field(event, ALERT_COUNT));
	appendStringInfoChar(out, '}');
}

static void
write_post(Sink *sink, Flight *flight, Post *post)
{
	static const char *const actions[] = {[ALERT_OPENED] = "trigger", [ALERT_REPEATED] = "trigger", [ALERT_ACKNOWLEDGED] = "acknowledge", [ALERT_CLOSED] = "resolve"};
	const Event *event = &flight->items[0]->event;
	const char *severity = alert_field(event, ALERT_SEVERITY);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	write_member(&out, "routing_key", sink_secret(sink, "routing_key"));
	write_member(&out, "event_action", actions[alert_news(event)]);
	write_member(&out, "dedup_key", alert_key(event));
	write_member(&out, "client", "pg_ingest");
	appendStringInfoString(&out, ",\"payload\":{");
	write_member(&out, "summary", cut_text(psprintf("%s: %s", alert_title(event, 250), alert_field(event, ALERT_SUMMARY)), MOST_OF_SUMMARY, true));
	write_member(&out, "source", cut_text(sink->instance, 250, true));
	write_member(&out, "severity", strcmp(severity, "error") == 0 ? (const char *) sink->own : severity);
	write_member(&out, "timestamp", alert_field(event, ALERT_SINCE));
	write_member(&out, "component", cut_text(*alert_field(event, ALERT_SOURCE) ? alert_field(event, ALERT_SOURCE) : alert_field(event, ALERT_SUBJECT), 250, true));
	write_member(&out, "class", alert_field(event, ALERT_KIND));
	details(&out, event);
	appendStringInfoString(&out, "}}");
	post_json(post, sink->url, &out);
}

/* What it calls invalid stays so */
static Verdict
judge(int status)
{
	return status == 400 ? TOO_LARGE : outcome_of_status(status);
}

const Kind kind_pagerduty = {
	.name = "pagerduty",
	.what = "a sink of kind pagerduty",
	.options = options,
	.needs = "routing_key is a reference to the integration key of a service: env:NAME, file:/path, keyvault:vault/secret or mapping:server/option.",
	.types = ALERT_TYPES,
	.only_alerts = true,
	.note = "An incident of severity info was opened: resolve it there.",
	.load = load,
	.send = by_http_send,
	.receive = by_http_receive,
	.write = write_post,
	.judge = judge,
};
