/*
 * kind_event_hubs.c
 *		Events into a hub of Azure Event Hubs, by HTTPS or by Kafka.
 *
 * By HTTPS a request is a batch of messages of one partition key, the events' subject, so
 * that the hub keeps their order.  It is signed by a shared key, whose bytes are taken as
 * they are, or shows the token of an Azure identity.  By Kafka the namespace is a broker,
 * and the hub a topic; the connection string itself is the password there.
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#include "common/address.h"
#include "common/azure.h"
#include "common/base64.h"
#include "ingest_delivery/kafka_link.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/letter.h"
#include "utils/json.h"

#define RESOURCE "https://eventhubs.azure.net"
/* Of a publication; what is not data is at most as much again */
#define MOST_BYTES 1048576
#define MOST_DATA (MOST_BYTES / 2)
#define SIGNED_FOR 3600
#define MOST_NAME 256
/* By Kafka: where it is spoken, what is told of a connection that is idle (Azure forgets it after four minutes without a
 * word), and what is on its way at once */
#define KAFKA_PORT "9093"
#define IDLE_MS "180000"
#define KAFKA_BATCH 1000
#define KAFKA_FLIGHTS 4

/* What a sink of this kind becomes whose option protocol says so */
static const Kind event_hubs_by_kafka;

typedef struct EventHub
{
	char *post_to;
	char *audience; /* what is signed */
	LetterMode mode;
	bool keyed;
	/* of the connection string */
	char *key_name; /* NULL: an identity's token is shown */
	char *key;
} EventHub;

/* -- connection strings -- */

/* What stands behind name= in Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…; NULL: nothing */
static char *
part_of(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = text; *at; at += strcspn(at, ";"), at += *at == ';')
		if (pg_strncasecmp(at, name, n) == 0 && at[n] == '=')
			return pnstrdup(at + n + 1, strcspn(at + n + 1, ";"));
	return NULL;
}

static void
check_connection(const char *option, const char *secret)
{
	char *endpoint = part_of(secret, "Endpoint");
	char *name = part_of(secret, "SharedAccessKeyName");
	char *key = part_of(secret, "SharedAccessKey");

	if (endpoint == NULL || name == NULL || *name == '\0' || strlen(name) > MOST_NAME || key == NULL || *key == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what option \"%s\" refers to is not a connection string of Event Hubs", option),
				 errdetail("It must be Endpoint=sb://...;SharedAccessKeyName=...;SharedAccessKey=..., as Azure shows it.")));
	explicit_bzero(key, strlen(key));
}

static const OptionRule options[] = {
	{"url", OPTION_URL, .words = "https", .needed = true},
	{"protocol", OPTION_WORD, .words = "https,kafka"},
	{"connection_string", OPTION_REFERENCE, .check = check_connection},
	{"mode", OPTION_WORD, .words = "structured,binary"},
	{"partition_key", OPTION_WORD, .words = "subject,none"},
	{"ca_file", OPTION_FILE},
	{"timeout", OPTION_NUMBER, .lowest = 1, .highest = 60},
	{"max_in_flight", OPTION_NUMBER, .lowest = 1, .highest = MOST_FLIGHTS},
	{"max_bytes", OPTION_NUMBER, .lowest = 1024, .highest = MOST_BYTES},
	{"batch_events", OPTION_NUMBER, .lowest = 1, .highest = 1000},
	END_OF_OPTIONS};

/* The host of an address, with its port */
static char *
host_of(const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return pnstrdup(host, strcspn(host, "/"));
}

static bool
by_kafka(const Jsonb *given)
{
	const char *protocol = option_text(given, "protocol");

	return protocol && strcmp(protocol, "kafka") == 0;
}

/* How much goes at once is the producer's there; a hub is a topic */
static void
check_for_kafka(const Jsonb *given, const char *hub)
{
	static const char *const others[] = {"batch_events", "max_in_flight"};

	for (int i = 0; i < lengthof(others); i++)
		if (option_is_set(given, others[i]))
			option_refuse(others[i], "It is for protocol https.", NULL);
	if (strspn(hub, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") != strlen(hub) || strlen(hub) > 249)
		option_refuse("url", "A hub has 1 to 249 letters, digits, dots, underscores and hyphens.", NULL);
}

static void
check(const Jsonb *given)
{
	char *url = option_text(given, "url");
	const char *path = strchr(strstr(url, "://") + 3, '/');

	if (path == NULL || path[1] == '\0' || strchr(path + 1, '/') != NULL || strchr(path, '?') != NULL)
		option_refuse("url", "It must name a namespace and a hub in it, such as "
							 "https://erp.servicebus.windows.net/events.",
					  NULL);
	if (by_kafka(given))
		check_for_kafka(given, path + 1);
	if (!option_is_set(given, "connection_string"))
		azure_check_host("url", host_of(url));
}

/* To brokers a token is of their namespace */
static const char *
token_for(const Jsonb *given)
{
	char *host;

	if (option_is_set(given, "connection_string"))
		return NULL;
	if (!by_kafka(given))
		return RESOURCE;
	host = host_of(option_text(given, "url"));
	host[strcspn(host, ":")] = '\0';
	return psprintf("https://%s", host);
}

static void
load(Sink *sink)
{
	EventHub *own = palloc0(sizeof(EventHub));
	char *mode = option_text(sink->options, "mode");
	char *partition_key = option_text(sink->options, "partition_key");

	if (by_kafka(sink->options))
	{
		sink->kind = &event_hubs_by_kafka;
		sink->kind->load(sink);
		return;
	}
	own->post_to = psprintf("%s/messages?api-version=2014-01", sink->url);
	own->audience = psprintf("sb%s", strstr(sink->url, "://"));
	own->mode = letter_mode(mode ? mode : "structured");
	own->keyed = partition_key == NULL || strcmp(partition_key, "subject") == 0;
	sink->own = own;
	sink->batch_events = option_number(sink->options, "batch_events", 100);
	sink->max_bytes = option_number(sink->options, "max_bytes", MOST_DATA);
}

/* The connection string, which is of the namespace that is sent to; NULL: an identity is used, which may be shown to it */
static const char *
connection_of(Sink *sink)
{
	const char *connection = sink_secret(sink, "connection_string");
	char *endpoint;
	char *host;

	/* the list of hosts may be another one by now */
	if (connection == NULL)
	{
		azure_check_host("url", host_of(sink->url));
		return NULL;
	}
	endpoint = part_of(connection, "Endpoint");
	endpoint += strncmp(endpoint, "sb://", 5) == 0 ? 5 : 0;
	/* a key is shown to nobody, but its signature of the wrong hub would be of no use either */
	host = host_of(sink->url);
	host[strcspn(host, ":")] = '\0';
	endpoint[strcspn(endpoint, "/:")] = '\0';
	if (pg_strcasecmp(endpoint, host) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what option \"connection_string\" refers to is of another namespace than option \"url\"")));
	return connection;
}

static void
prepare(Sink *sink)
{
	EventHub *own = sink->own;
	const char *connection = connection_of(sink);

	own->key_name = own->key = NULL;
	if (connection == NULL)
		return;
	own->key_name = part_of(connection, "SharedAccessKeyName");
	own->key = part_of(connection, "SharedAccessKey");
	sink_keep_secret(sink, "key", own->key, strlen(own->key));
}

/* -- messages -- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* A request has one partition key */
static bool
goes_with(const Sink *sink, const Event *first, const Event *other)
{
	return !((EventHub *) sink->own)->keyed || same_text(first->subject, other->subject);
}

static void
property(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", name);
	escape_json(out, value);
}

/* The attributes of a CloudEvent, as its binding to AMQP calls them */
static void
write_properties(StringInfo out, const Event *e)
{
	appendStringInfoString(out, ",\"UserProperties\":{");
	property(out, "cloudEvents:specversion", "1.0");
	property(out, "cloudEvents:id", psprintf("%d-" INT64_FORMAT, e->era, e->id));
	property(out, "cloudEvents:source", e->source);
	property(out, "cloudEvents:type", e->type);
	if (e->subject && e->subject[0])
		property(out, "cloudEvents:subject", e->subject);
	property(out, "cloudEvents:time", e->time);
	property(out, "cloudEvents:dataschema", psprintf("urn:pg_ingest:%s:%s", e->type, e->version));
	appendStringInfoChar(out, '}');
}

static void
write_message(StringInfo out, const EventHub *own, Event *e)
{
	Letter letter;

	appendStringInfoString(out, "{\"Body\":");
	if (own->mode == BINARY)
	{
		escape_json(out, e->data);
		write_properties(out, e);
	}
	else
	{
		letter_write(&letter, STRUCTURED, &e, 1);
		escape_json(out, letter.body);
	}
	appendStringInfoString(out, ",\"BrokerProperties\":{");
	property(out, "ContentType", own->mode == BINARY ? "application/json" : "application/cloudevents+json; charset=utf-8");
	if (own->keyed && e->subject && e->subject[0])
		property(out, "PartitionKey", e->subject);
	appendStringInfoString(out, "}}");
}

/* SharedAccessSignature: HMAC-SHA256 of the address and when it ends */
static char *
shared_access(const EventHub *own)
{
	char *resource = address_escape(own->audience);
	char *expiry = psprintf(INT64_FORMAT, (int64) time(NULL) + SIGNED_FOR);
	char *text = psprintf("%s\n%s", resource, expiry);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	char encoded[64] = "";

	if (HMAC(EVP_sha256(), own->key, (int) strlen(own->key), (unsigned char *) text, strlen(text), digest, &n) == NULL ||
		pg_b64_encode((void *) digest, (int) n, encoded, sizeof(encoded) - 1) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("a request to Event Hubs could not be signed")));
	return psprintf("SharedAccessSignature sr=%s&sig=%s&se=%s&skn=%s", resource, address_escape(encoded), expiry,
					address_escape(own->key_name));
}

static void
write_post(Sink *sink, Flight *flight, Post *post)
{
	EventHub *own = sink->own;
	StringInfoData body;

	initStringInfo(&body);
	for (int i = 0; i < flight->n; i++)
	{
		appendStringInfoChar(&body, i == 0 ? '[' : ',');
		write_message(&body, own, &flight->items[i]->event);
	}
	appendStringInfoChar(&body, ']');
	post->url = own->post_to;
	post->body = body.data;
	post->length = body.len;
	post->headers = list_make2("content-type: application/vnd.microsoft.servicebus.json",
							   own->key ? psprintf("authorization: %s", shared_access(own))
										: psprintf("authorization: Bearer %s", sink_secret(sink, "token")));
}

/* 503: the hub is busy, which lasts four seconds at least; the breaker waits for five */
static Verdict
judge(int status)
{
	return status == 503 ? OF_SINK : outcome_of_status(status);
}

const Kind kind_event_hubs = {
	.name = "event_hubs",
	.what = "a sink of kind event_hubs",
	.options = options,
	.needs = "url is https://<namespace>.servicebus.windows.net/<hub>; connection_string is a reference to a connection "
			 "string, without which an Azure identity is used.",
	.check = check,
	.token_for = token_for,
	.load = load,
	.prepare = prepare,
	.send = by_http_send,
	.receive = by_http_receive,
	.write = write_post,
	.judge = judge,
	.together = goes_with,
};

/* -- by Kafka -- */

static void
load_for_kafka(Sink *sink)
{
	KafkaOptions *own = palloc0(sizeof(KafkaOptions));
	char *mode = option_text(sink->options, "mode");
	char *partition_key = option_text(sink->options, "partition_key");
	char *host = host_of(sink->url);

	own->form.topic = pstrdup(strrchr(sink->url, '/') + 1);
	own->form.key = partition_key && strcmp(partition_key, "none") == 0 ? KEY_NONE : KEY_SUBJECT;
	own->form.structured = mode == NULL || strcmp(mode, "structured") == 0;
	own->timeout_ms = sink->settings.request_timeout_ms;
	kafka_set(own, "bootstrap.servers", strchr(host, ':') ? host : psprintf("%s:" KAFKA_PORT, host));
	kafka_set(own, "security.protocol", "SASL_SSL");
	kafka_set(own, "sasl.mechanism", option_is_set(sink->options, "connection_string") ? "PLAIN" : "OAUTHBEARER");
	if (option_is_set(sink->options, "connection_string"))
		kafka_set(own, "sasl.username", "$ConnectionString");
	kafka_set(own, "ssl.ca.location", sink->settings.ca_file);
	kafka_set(own, "connections.max.idle.ms", IDLE_MS);
	kafka_set(own, "message.max.bytes", psprintf("%d", MOST_BYTES));
	sink->own = own;
	sink->max_bytes = option_number(sink->options, "max_bytes", MOST_DATA);
	sink->max_in_flight = KAFKA_FLIGHTS;
	sink->batch_events = KAFKA_BATCH;
}

/* The token of an identity is kafka_token()'s */
static void
prepare_for_kafka(Sink *sink)
{
	KafkaOptions *own = sink->own;
	const char *connection = connection_of(sink);

	own->n_all = own->n_settings;
	kafka_set_secret(own, "sasl.password", connection);
	kafka_prepared(sink);
}

static const Kind event_hubs_by_kafka = {
	.name = "event_hubs",
	.what = "a sink of kind event_hubs",
	.options = options,
	.check = check,
	.token_for = token_for,
	.load = load_for_kafka,
	.prepare = prepare_for_kafka,
	.send = kafka_send,
	.receive = kafka_receive,
	.go_on = kafka_go_on,
	.end = kafka_end,
};
