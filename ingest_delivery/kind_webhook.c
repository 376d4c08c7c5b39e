/*
 * kind_webhook.c
 *		Events as CloudEvents, signed as Standard Webhooks says.
 */
#include "postgres.h"

#include "ingest_delivery/kind.h"
#include "ingest_delivery/letter.h"
#include "ingest_delivery/reference.h"

typedef struct Webhook
{
	LetterMode mode;
	List *headers;
	Key key;
	Key old_key;
} Webhook;

static void
check_key(const char *option, const char *secret)
{
	int length;
	char *key = key_of_secret(option, secret, &length);

	explicit_bzero(key, length);
}

static const OptionRule options[] = {
	{"url", OPTION_URL, .words = "https,http", .needed = true},
	{"secret", OPTION_REFERENCE, .check = check_key, .needed = true},
	{"mode", OPTION_WORD, .words = "structured,binary,batch"},
	{"authorization", OPTION_REFERENCE, .check = check_printable},
	{"headers", OPTION_HEADERS},
	{"ca_file", OPTION_FILE},
	{"timeout", OPTION_NUMBER, .lowest = 1, .highest = 60},
	{"max_in_flight", OPTION_NUMBER, .lowest = 1, .highest = MOST_FLIGHTS},
	{"max_bytes", OPTION_NUMBER, .lowest = 1024, .highest = 16777216},
	{"batch_events", OPTION_NUMBER, .lowest = 1, .highest = 1000},
	END_OF_OPTIONS};

static LetterMode
mode_of(const Jsonb *given)
{
	const char *mode = option_text(given, "mode");

	return letter_mode(mode ? mode : "structured");
}

static void
check(const Jsonb *given)
{
	if (option_is_set(given, "batch_events") && mode_of(given) != BATCH)
		option_refuse("batch_events", "It is for mode batch.", NULL);
}

static void
load(Sink *sink)
{
	Webhook *own = palloc0(sizeof(Webhook));

	own->mode = mode_of(sink->options);
	own->headers = option_texts(sink->options, "headers");
	sink->own = own;
	sink->batch_events = own->mode == BATCH ? option_number(sink->options, "batch_events", 100) : 1;
}

static void
prepare(Sink *sink)
{
	Webhook *own = sink->own;

	own->key.bytes = key_of_secret("secret", sink_secret(sink, "secret"), &own->key.length);
	sink_keep_secret(sink, "key", own->key.bytes, own->key.length);
	own->old_key.bytes = NULL;
	if (sink_secret(sink, "old secret"))
	{
		own->old_key.bytes = key_of_secret("secret", sink_secret(sink, "old secret"), &own->old_key.length);
		sink_keep_secret(sink, "old key", own->old_key.bytes, own->old_key.length);
	}
}

static void
write_post(Sink *sink, Flight *flight, Post *post)
{
	Webhook *own = sink->own;
	Event **events = palloc(sizeof(Event *) * flight->n);
	const char *authorization = sink_secret(sink, "authorization");
	Letter letter;

	for (int i = 0; i < flight->n; i++)
		events[i] = &flight->items[i]->event;
	letter_write(&letter, own->mode, events, flight->n);
	letter_sign(&letter, &own->key, &own->old_key);
	post->headers = list_concat(letter.headers, own->headers);
	if (authorization)
		post->headers = lappend(post->headers, psprintf("authorization: %s", authorization));
	post->body = letter.body;
	post->length = letter.length;
}

const Kind kind_webhook = {
	.name = "webhook",
	.what = "a webhook",
	.options = options,
	.needs = "url is the address to send to, secret a reference to the secret to sign with: env:NAME, file:/path, "
			 "keyvault:vault/secret or mapping:server/option.",
	.check = check,
	.load = load,
	.prepare = prepare,
	.send = by_http_send,
	.receive = by_http_receive,
	.write = write_post,
};
