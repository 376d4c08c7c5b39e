/*
 * letter.c
 *		Events as CloudEvents over HTTP, signed as Standard Webhooks says.
 *
 * What is signed is id.timestamp.body, so the body is written behind a space that is
 * wide enough for id and time, which are put there by each try.
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <time.h>

#include "common/base64.h"
#include "ingest_delivery/letter.h"
#include "utils/builtins.h"
#include "utils/json.h"

#define ROOM_FOR_ID 64
#define ROOM_FOR_HEAD (ROOM_FOR_ID + 32)

LetterMode
letter_mode(const char *name)
{
	return strcmp(name, "batch") == 0 ? BATCH : strcmp(name, "binary") == 0 ? BINARY
																			: STRUCTURED;
}

/* -- the body -- */

static void
member(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, ",\"%s\":", name);
	escape_json(out, value);
}

/* What ingest.cloud_event() gives, but for what is null there */
void
letter_event(StringInfo out, const Event *e)
{
	appendStringInfo(out, "{\"specversion\":\"1.0\",\"id\":\"%d-" INT64_FORMAT "\"", e->era, e->id);
	member(out, "source", e->source);
	member(out, "type", e->type);
	if (e->subject && e->subject[0])
		member(out, "subject", e->subject);
	member(out, "time", e->time);
	appendStringInfo(out, ",\"datacontenttype\":\"application/json\",\"dataschema\":");
	escape_json(out, psprintf("urn:pg_ingest:%s:%s", e->type, e->version));
	appendStringInfoString(out, ",\"data\":");
	appendStringInfoString(out, e->data);
	appendStringInfoChar(out, '}');
}

/* What is no printable ASCII, a blank, a quote or a percent sign is written as percent and two digits for each byte */
static char *
header_value(const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
	{
		if (*c <= 0x20 || *c >= 0x7f || *c == '"' || *c == '%')
			appendStringInfo(&out, "%%%02X", *c);
		else
			appendStringInfoChar(&out, *c);
	}
	return out.data;
}

static List *
binary_headers(const Event *e)
{
	List *headers = list_make1("content-type: application/json");

	headers = lappend(headers, "ce-specversion: 1.0");
	headers = lappend(headers, psprintf("ce-id: %d-" INT64_FORMAT, e->era, e->id));
	headers = lappend(headers, psprintf("ce-source: %s", header_value(e->source)));
	headers = lappend(headers, psprintf("ce-type: %s", header_value(e->type)));
	if (e->subject && e->subject[0])
		headers = lappend(headers, psprintf("ce-subject: %s", header_value(e->subject)));
	headers = lappend(headers, psprintf("ce-time: %s", header_value(e->time)));
	return lappend(headers, psprintf("ce-dataschema: %s", header_value(psprintf("urn:pg_ingest:%s:%s", e->type, e->version))));
}

/* A batch is another message when other events are in it */
static char *
batch_id(Event *const *events, int n)
{
	static const char hex[] = "0123456789abcdef";
	int64 *numbers = palloc(sizeof(int64) * 2 * n);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char *id = palloc0(ROOM_FOR_ID);

	for (int i = 0; i < n; i++)
	{
		numbers[2 * i] = events[i]->era;
		numbers[2 * i + 1] = events[i]->id;
	}
	SHA256((unsigned char *) numbers, sizeof(int64) * 2 * n, digest);
	strcpy(id, "batch-");
	for (int i = 0; i < 16; i++)
	{
		id[6 + 2 * i] = hex[digest[i] >> 4];
		id[7 + 2 * i] = hex[digest[i] & 15];
	}
	return id;
}

void
letter_write(Letter *letter, LetterMode mode, Event *const *events, int n)
{
	StringInfo out = &letter->signed_text;

	initStringInfo(out);
	enlargeStringInfo(out, ROOM_FOR_HEAD);
	memset(out->data, ' ', ROOM_FOR_HEAD);
	out->len = ROOM_FOR_HEAD;
	letter->id = mode == BATCH ? batch_id(events, n) : psprintf("%d-" INT64_FORMAT, events[0]->era, events[0]->id);
	switch (mode)
	{
		case STRUCTURED:
			letter_event(out, events[0]);
			letter->headers = list_make1("content-type: application/cloudevents+json; charset=utf-8");
			break;
		case BINARY:
			appendStringInfoString(out, events[0]->data);
			letter->headers = binary_headers(events[0]);
			break;
		case BATCH:
			for (int i = 0; i < n; i++)
			{
				appendStringInfoChar(out, i == 0 ? '[' : ',');
				letter_event(out, events[i]);
			}
			appendStringInfoChar(out, ']');
			letter->headers = list_make1("content-type: application/cloudevents-batch+json; charset=utf-8");
			break;
	}
	letter->body = out->data + ROOM_FOR_HEAD;
	letter->length = out->len - ROOM_FOR_HEAD;
}

/* -- the signature -- */

static char *
signature(const Key *key, const char *text, size_t length)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	int room = pg_b64_enc_len(32) + 1;
	char *encoded = palloc0(room);

	if (HMAC(EVP_sha256(), key->bytes, key->length, (const unsigned char *) text, length, digest, &n) == NULL ||
		pg_b64_encode((void *) digest, n, encoded, room) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("a webhook could not be signed"),
				 errdetail("OpenSSL refuses HMAC with SHA-256.")));
	return encoded;
}

void
letter_sign(Letter *letter, const Key *key, const Key *old_key)
{
	char head[ROOM_FOR_HEAD];
	int64 now = (int64) time(NULL);
	int n = snprintf(head, sizeof(head), "%s." INT64_FORMAT ".", letter->id, now);
	char *text = letter->body - n;
	char *first;

	Assert(n < ROOM_FOR_HEAD);
	memcpy(text, head, n);
	first = signature(key, text, n + letter->length);
	letter->headers = lappend(letter->headers, psprintf("webhook-id: %s", letter->id));
	letter->headers = lappend(letter->headers, psprintf("webhook-timestamp: " INT64_FORMAT, now));
	letter->headers = lappend(letter->headers, old_key->bytes ? psprintf("webhook-signature: v1,%s v1,%s", first, signature(old_key, text, n + letter->length))
															  : psprintf("webhook-signature: v1,%s", first));
}
