/*
 * kafka_message.c
 *		Events as messages of Kafka.
 */
#include "postgres.h"

#include "ingest_delivery/kafka_message.h"
#include "ingest_delivery/member.h"
#include "ingest_delivery/option.h"
#include "utils/builtins.h"

#define LONGEST_TOPIC 249
/* Two numbers with their signs and what is between them */
#define LONGEST_ID 40
#define TOPIC_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define MEMBER "data."

/* -- topics -- */

/* Behind what stands in braces; NULL: it is nothing that can be put there */
static const char *
after_place(const char *at)
{
	size_t n = strcspn(at, "}");

	if (at[n] != '}')
		return NULL;
	if (n == strlen("{type") && strncmp(at, "{type", n) == 0)
		return at + n + 1;
	if (n > strlen("{" MEMBER) && strncmp(at, "{" MEMBER, strlen("{" MEMBER)) == 0 && n < 100)
		return at + n + 1;
	return NULL;
}

void
kafka_check_topic(const char *option, const char *topic)
{
	bool good = *topic && strlen(topic) <= LONGEST_TOPIC && strcmp(topic, ".") != 0 && strcmp(topic, "..") != 0;

	for (const char *at = topic; good && *at;)
	{
		if (*at == '{')
		{
			at = after_place(at);
			good = at != NULL;
		}
		else
			good = strchr(TOPIC_CHARACTERS, *at++) != NULL;
	}
	if (!good)
		option_refuse(option,
					  "It must have 1 to 249 letters, digits, dots, underscores and hyphens; {type} stands for the "
					  "event's type, {data.sync} for a text in its data.",
					  NULL);
}

/* What cannot stand in a topic becomes _ */
static void
append_legal(StringInfo topic, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		appendStringInfoChar(topic, text[i] && strchr(TOPIC_CHARACTERS, text[i]) ? text[i] : '_');
}

bool
kafka_topic(StringInfo topic, const KafkaForm *form, const Event *event, const char **why)
{
	char name[100];
	const char *value;
	size_t n;

	resetStringInfo(topic);
	for (const char *at = form->topic; *at;)
	{
		if (*at != '{')
		{
			appendStringInfoChar(topic, *at++);
			continue;
		}
		n = strcspn(at, "}");
		if (strncmp(at, "{type", n) == 0)
			append_legal(topic, event->type, strlen(event->type));
		else
		{
			strlcpy(name, at + 1 + strlen(MEMBER), Min(sizeof(name), n - strlen(MEMBER)));
			if (!member_of(event->data, name, &value, &n) || n < 3 || value[0] != '"')
			{
				*why = "its data lack the text that the sink's topic names";
				return false;
			}
			append_legal(topic, value + 1, n - 2);
		}
		at = strchr(at, '}') + 1;
	}
	*why = "its topic would be longer than 249 characters, or consist of dots alone";
	return topic->len <= LONGEST_TOPIC && strcmp(topic->data, ".") != 0 && strcmp(topic->data, "..") != 0;
}

/* -- messages -- */

static void
header(FrameBuffer *out, const char *name, const char *value)
{
	frame_text(out, name);
	frame_text(out, value);
}

static void
write_key(FrameBuffer *out, const KafkaForm *form, const Event *event)
{
	const char *value;
	size_t n;

	if (form->key == KEY_ROW && member_of(event->data, "key", &value, &n) && strncmp(value, "null", n) != 0)
		frame_bytes(out, value, n);
	else if (form->key == KEY_NONE || event->subject == NULL)
		frame_bytes(out, NULL, 0);
	else
		frame_text(out, event->subject);
}

static void
write_binary_headers(FrameBuffer *out, const Event *event, StringInfo text)
{
	bool has_subject = event->subject && event->subject[0];
	char id[LONGEST_ID];
	int n = pg_ltoa(event->era, id);

	id[n++] = '-';
	pg_lltoa(event->id, id + n);
	frame_u8(out, has_subject ? 8 : 7);
	header(out, "content-type", "application/json");
	header(out, "ce_specversion", "1.0");
	header(out, "ce_id", id);
	header(out, "ce_source", event->source);
	header(out, "ce_type", event->type);
	if (has_subject)
		header(out, "ce_subject", event->subject);
	header(out, "ce_time", event->time);
	resetStringInfo(text);
	appendStringInfoString(text, "urn:pg_ingest:");
	appendStringInfoString(text, event->type);
	appendStringInfoChar(text, ':');
	appendStringInfoString(text, event->version);
	header(out, "ce_dataschema", text->data);
}

static bool
write_message(FrameBuffer *out, const KafkaForm *form, const Event *event, const char **why, StringInfo text)
{
	bool is_tombstone = form->tombstones && member_is(event->data, "operation", "delete");

	if (!kafka_topic(text, form, event, why))
		return false;
	frame_text(out, text->data);
	write_key(out, form, event);
	if (is_tombstone)
		frame_bytes(out, NULL, 0);
	else if (form->structured)
	{
		resetStringInfo(text);
		letter_event(text, event);
		frame_bytes(out, text->data, text->len);
		frame_u8(out, 1);
		header(out, "content-type", "application/cloudevents+json; charset=utf-8");
		return true;
	}
	else
		frame_text(out, event->data);
	/* what is no JSON says in headers what it is */
	write_binary_headers(out, event, text);
	return true;
}

bool
kafka_write(FrameBuffer *out, const KafkaForm *form, const Event *event, const char **why)
{
	StringInfoData text;
	bool good;

	initStringInfo(&text);
	good = write_message(out, form, event, why, &text);
	/* thousands are written before memory is emptied */
	pfree(text.data);
	return good;
}
