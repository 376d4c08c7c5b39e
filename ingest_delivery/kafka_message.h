/*
 * kafka_message.h
 *		Events as messages of Kafka, as the CloudEvents binding for Kafka says.
 */
#ifndef DELIVERY_KAFKA_MESSAGE_H
#define DELIVERY_KAFKA_MESSAGE_H

#include "postgres.h"

#include "common/frame.h"
#include "ingest_delivery/letter.h"

typedef enum KafkaKey
{
	KEY_SUBJECT, /* of the event */
	KEY_ROW,     /* of the row that the event is about; of other events the subject */
	KEY_NONE
} KafkaKey;

typedef struct KafkaForm
{
	char *topic; /* with {type}, and {data.NAME} for a member of the data */
	KafkaKey key;
	bool structured;
	bool tombstones; /* a row that was deleted has no value */
} KafkaForm;

/* Throws an error about the option unless it can be a topic */
extern void kafka_check_topic(const char *option, const char *topic);
/* Topic, key, value and headers into a frame; false: there is no topic for it, *why says why, and nothing is written */
extern bool kafka_write(FrameBuffer *out, const KafkaForm *form, const Event *event, const char **why);
/* Does it have one?  Else as above */
extern bool kafka_topic(StringInfo topic, const KafkaForm *form, const Event *event, const char **why);

#endif /* DELIVERY_KAFKA_MESSAGE_H */
