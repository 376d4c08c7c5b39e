/*
 * kind_openlineage.c
 *		Ends of runs as RunEvents of OpenLineage.
 *
 * Of a run one is told when it has ended, and OpenLineage wants to be told of its
 * beginning as well: a flight is two requests, START and what became of it.  Both are made
 * where the event is read (run_events() in lineage.sql), a line each.
 */
#include "postgres.h"

#include "ingest_delivery/kind.h"
#include "utils/json.h"

#define TYPES \
	"ingest.sync.completed,ingest.crawl.completed,ingest.profile.completed,ingest.run.failed,ingest.run.cancelled"
#define MOST_NAMESPACE 400

static void
check_namespace(const char *option, const char *value)
{
	if (*value == '\0' || strlen(value) > MOST_NAMESPACE)
		option_refuse(option, psprintf("It must have 1 to %d bytes.", MOST_NAMESPACE), NULL);
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c <= 0x20 || *c == 0x7f)
			option_refuse(option, "It must be a name without blanks, such as postgres://db.example.com:5432.", NULL);
}

static const OptionRule options[] = {
	{"url", OPTION_URL, .words = "https,http", .needed = true},
	{"namespace", OPTION_TEXT, .check = check_namespace},
	{"authorization", OPTION_REFERENCE, .check = check_printable},
	{"headers", OPTION_HEADERS},
	{"ca_file", OPTION_FILE},
	{"timeout", OPTION_NUMBER, .lowest = 1, .highest = 60},
	{"max_in_flight", OPTION_NUMBER, .lowest = 1, .highest = MOST_FLIGHTS},
	{"max_bytes", OPTION_NUMBER, .lowest = 1024, .highest = 16777216},
	END_OF_OPTIONS};

static void
load(Sink *sink)
{
	char *namespace = option_text(sink->options, "namespace");

	sink->runs_of = namespace ? namespace : "pg_ingest";
	sink->own = option_texts(sink->options, "headers");
}

/* The one event of test_sink(), which is of no run */
static void
write_test(StringInfo out, Sink *sink, const Event *e)
{
	appendStringInfoString(out, "{\"eventType\":\"OTHER\",\"eventTime\":");
	escape_json(out, e->time);
	appendStringInfoString(out, ",\"producer\":\"urn:pg-ingest:lineage\","
								"\"schemaURL\":\"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent\","
								"\"run\":{\"runId\":\"00000000-0000-3000-8000-000000000000\"},\"job\":{\"name\":\"sink.test\",\"namespace\":");
	escape_json(out, sink->runs_of);
	appendStringInfoString(out, "},\"inputs\":[],\"outputs\":[]}");
}

/* The beginning has arrived: flight->own is not NULL */
static void
write_post(Sink *sink, Flight *flight, Post *post)
{
	const Event *e = &flight->items[0]->event;
	const char *second = strchr(e->data, '\n');
	const char *authorization = sink_secret(sink, "authorization");
	StringInfoData body;

	initStringInfo(&body);
	if (second == NULL)
		write_test(&body, sink, e);
	else if (flight->own == NULL)
		appendBinaryStringInfo(&body, e->data, second - e->data);
	else
		appendStringInfoString(&body, second + 1);
	post->headers = list_concat(list_make1("content-type: application/json"), sink->own);
	if (authorization)
		post->headers = lappend(post->headers, psprintf("authorization: %s", authorization));
	post->body = body.data;
	post->length = body.len;
}

static void
send_beginning(Sink *sink, Flight *flight)
{
	flight->own = NULL;
	by_http_send(sink, flight);
}

static bool
receive(Sink *sink, Flight *flight)
{
	if (!by_http_receive(sink, flight))
		return false;
	if (flight->answer.verdict != ACCEPTED || flight->own != NULL || strchr(flight->items[0]->event.data, '\n') == NULL)
		return true;
	memset(&flight->answer, 0, sizeof(Answer));
	http_drop_body(flight->request);
	flight->own = flight;
	by_http_send(sink, flight);
	return false;
}

const Kind kind_openlineage = {
	.name = "openlineage",
	.what = "a sink of kind openlineage",
	.options = options,
	.needs = "url is where RunEvents are posted to, such as https://marquez.example.com/api/v1/lineage.",
	.types = TYPES,
	.load = load,
	.send = send_beginning,
	.receive = receive,
	.write = write_post,
};
