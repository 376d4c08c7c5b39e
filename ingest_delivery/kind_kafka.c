/*
 * kind_kafka.c
 *		Events as messages of Kafka.
 *
 * Options that are librdkafka's have its names.  Only those that are here can be set, and
 * the helper knows them once more: what could load a library or run a program is none.
 */
#include "postgres.h"

#include "ingest_delivery/address.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/kafka_link.h"
#include "ingest_delivery/kind.h"

/* Messages that go to the helper at once, and how often.  An answer goes through five threads, and comes for a linger's
 * worth of messages: what is on its way is as fast as it is much, and refilled in parts */
#define BATCH_EVENTS 800
#define IN_FLIGHT 8
#define USUAL_TIMEOUT_S 15
#define USUAL_MESSAGE_BYTES 1000000
/* What a message has beside the event's data, of which the source and the subject are the most */
#define BESIDE_DATA 4096
#define LONGEST_SERVERS 2000

/* -- checks -- */

/* host:port, or [address]:port */
static void
check_server(const char *option, char *server)
{
	char *colon = strrchr(server, ':');
	const char *rule;
	char *end;
	long port = colon ? strtol(colon + 1, &end, 10) : 0;

	if (colon == NULL || colon == server || colon[1] < '0' || colon[1] > '9' || *end || port < 1 || port > 65535 ||
		strspn(server, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]") != strlen(server))
		option_refuse(option, "It must be a list such as kafka-1.example.com:9093,kafka-2.example.com:9093.", NULL);
	*colon = '\0';
	rule = address_of_host_forbidden(server);
	if (rule)
		option_refuse(option, psprintf("Nothing is sent to %s: %s.", server, rule),
					  NETWORK_IS_ALLOWED);
}

static void
check_servers(const char *option, const char *value)
{
	char *copy = pstrdup(value);
	char *next;

	if (*value == '\0' || strlen(value) > LONGEST_SERVERS)
		option_refuse(option, psprintf("It must have 1 to %d characters.", LONGEST_SERVERS), NULL);
	for (char *server = copy; server; server = next)
	{
		next = strchr(server, ',');
		if (next)
			*next++ = '\0';
		check_server(option, server);
	}
}

static void
check_name(const char *option, const char *value)
{
	if (*value == '\0' || strlen(value) > 200 ||
		strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") != strlen(value))
		option_refuse(option, "It must have 1 to 200 letters, digits, dots, underscores and hyphens.", NULL);
}

static void
check_login(const char *option, const char *value)
{
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			option_refuse(option, "It must have no control characters.", NULL);
	if (*value == '\0' || strlen(value) > 1000)
		option_refuse(option, "It must have 1 to 1000 bytes.", NULL);
}

static const OptionRule options[] = {
	{"bootstrap.servers", OPTION_TEXT, .check = check_servers, .needed = true},
	{"topic", OPTION_TEXT, .check = kafka_check_topic, .needed = true},
	{"key", OPTION_WORD, .words = "subject,row,none"},
	{"mode", OPTION_WORD, .words = "binary,structured"},
	{"tombstones", OPTION_TRUTH},
	{"security.protocol", OPTION_WORD, .words = "SASL_SSL,SSL,SASL_PLAINTEXT,PLAINTEXT"},
	{"sasl.mechanism", OPTION_WORD, .words = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"},
	{"sasl.username", OPTION_TEXT, .check = check_login},
	{"sasl.password", OPTION_REFERENCE},
	{"token", OPTION_REFERENCE},
	{"ca_file", OPTION_FILE},
	{"ssl.certificate.pem", OPTION_REFERENCE},
	{"ssl.key.pem", OPTION_REFERENCE},
	{"ssl.key.password", OPTION_REFERENCE},
	{"compression.type", OPTION_WORD, .words = "none,gzip,snappy,lz4,zstd"},
	{"acks", OPTION_WORD, .words = "all"},
	{"linger.ms", OPTION_NUMBER, .lowest = 0, .highest = 10000},
	{"batch.size", OPTION_NUMBER, .lowest = 1, .highest = 16777216},
	{"message.max.bytes", OPTION_NUMBER, .lowest = 8192, .highest = 16777216},
	{"client.id", OPTION_TEXT, .check = check_name},
	{"timeout", OPTION_NUMBER, .lowest = 1, .highest = 300},
	END_OF_OPTIONS};

static const char *
protocol_of(const Jsonb *given)
{
	const char *protocol = option_text(given, "security.protocol");

	return protocol ? protocol : option_is_set(given, "sasl.mechanism") ? "SASL_SSL"
																		: "SSL";
}

static void
check_login_of(const Jsonb *given)
{
	const char *mechanism = option_text(given, "sasl.mechanism");
	bool sasl = strncmp(protocol_of(given), "SASL", 4) == 0;

	if (sasl != (mechanism != NULL))
		option_refuse("sasl.mechanism",
					  sasl ? "With SASL it must be set." : "It is for security.protocol SASL_SSL and SASL_PLAINTEXT.", NULL);
	if (mechanism == NULL)
		return;
	if (strcmp(mechanism, "OAUTHBEARER") == 0)
	{
		if (!option_is_set(given, "token"))
			option_refuse("token", "With sasl.mechanism OAUTHBEARER it must be set.", NULL);
	}
	else if (!option_is_set(given, "sasl.username") || !option_is_set(given, "sasl.password"))
		option_refuse("sasl.password", "With this sasl.mechanism sasl.username and sasl.password must be set.", NULL);
}

static void
check(const Jsonb *given)
{
	const char *key = option_text(given, "key");

	if (strstr(protocol_of(given), "PLAINTEXT") && !delivery_allow_http)
		option_refuse("security.protocol", "It must be SASL_SSL or SSL: without TLS anybody on the way can read along.",
					  HTTP_IS_ALLOWED);
	check_login_of(given);
	if (option_is_set(given, "ssl.key.pem") != option_is_set(given, "ssl.certificate.pem"))
		option_refuse("ssl.key.pem", "It and ssl.certificate.pem go together.", NULL);
	if (option_truth(given, "tombstones", false) && (key == NULL || strcmp(key, "row") != 0))
		option_refuse("tombstones", "They are for key row: a subject is not gone when one row is.", NULL);
}

/* -- use -- */

static KafkaKey
key_of(const char *key)
{
	return key == NULL || strcmp(key, "subject") == 0 ? KEY_SUBJECT : strcmp(key, "row") == 0 ? KEY_ROW
																							  : KEY_NONE;
}

static void
load(Sink *sink)
{
	static const char *const texts[] = {"bootstrap.servers", "sasl.mechanism", "sasl.username", "compression.type",
										"acks", "client.id"};
	static const char *const numbers[] = {"linger.ms", "batch.size"};
	KafkaOptions *own = palloc0(sizeof(KafkaOptions));
	const char *mode = option_text(sink->options, "mode");
	int most = option_number(sink->options, "message.max.bytes", USUAL_MESSAGE_BYTES);

	StaticAssertStmt(BATCH_EVENTS * IN_FLIGHT <= KAFKA_MOST_MESSAGES, "the helper takes what is on its way");
	own->form.topic = option_text(sink->options, "topic");
	own->form.key = key_of(option_text(sink->options, "key"));
	own->form.structured = mode && strcmp(mode, "structured") == 0;
	own->form.tombstones = option_truth(sink->options, "tombstones", false);
	own->timeout_ms = option_number(sink->options, "timeout", USUAL_TIMEOUT_S) * 1000;
	kafka_set(own, "security.protocol", protocol_of(sink->options));
	for (int i = 0; i < lengthof(texts); i++)
		kafka_set(own, texts[i], option_text(sink->options, texts[i]));
	for (int i = 0; i < lengthof(numbers); i++)
		if (option_is_set(sink->options, numbers[i]))
			kafka_set(own, numbers[i], psprintf("%d", option_number(sink->options, numbers[i], 0)));
	kafka_set(own, "ssl.ca.location", option_text(sink->options, "ca_file"));
	kafka_set(own, "message.max.bytes", psprintf("%d", most));
	sink->own = own;
	sink->max_bytes = most - BESIDE_DATA;
	sink->max_in_flight = IN_FLIGHT;
	sink->batch_events = BATCH_EVENTS;
}

static void
prepare(Sink *sink)
{
	static const char *const secrets[] = {"sasl.password", "ssl.certificate.pem", "ssl.key.pem", "ssl.key.password"};
	KafkaOptions *own = sink->own;

	own->n_all = own->n_settings;
	for (int i = 0; i < lengthof(secrets); i++)
		kafka_set_secret(own, secrets[i], sink_secret(sink, secrets[i]));
	kafka_prepared(sink);
}

const Kind kind_kafka = {
	.name = "kafka",
	.what = "a kafka sink",
	.options = options,
	.needs = "bootstrap.servers is a list of brokers such as kafka.example.com:9093, topic where events go: a name, in "
			 "which {type} stands for the event's type.",
	.check = check,
	.load = load,
	.prepare = prepare,
	.send = kafka_send,
	.receive = kafka_receive,
	.go_on = kafka_go_on,
	.end = kafka_end,
};
