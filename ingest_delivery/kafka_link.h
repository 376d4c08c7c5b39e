/*
 * kafka_link.h
 *		A sink's way to Kafka: what it has given to the helper program, and what came back.
 */
#ifndef DELIVERY_KAFKA_LINK_H
#define DELIVERY_KAFKA_LINK_H

#include "postgres.h"

#include "common/kafka_frame.h"
#include "ingest_delivery/kafka_message.h"
#include "ingest_delivery/sink.h"

/* A setting of librdkafka */
typedef struct KafkaSetting
{
	const char *name;
	const char *value;
} KafkaSetting;

#define MOST_KAFKA_SETTINGS 20

/* What a sink's options say: sink->own of kinds that speak Kafka */
typedef struct KafkaOptions
{
	KafkaForm form;
	int timeout_ms;
	int n_settings;
	KafkaSetting settings[MOST_KAFKA_SETTINGS];
	/* with those that are secret, which are valid while sink->ready */
	int n_all;
	KafkaSetting all[MOST_KAFKA_SETTINGS];
	uint64 hash; /* of all */
} KafkaOptions;

/* A token, by which a sink shows to brokers who it is */
typedef struct KafkaToken
{
	const char *value;
	uint64 until; /* ms since 1970 */
	const char *principal;
} KafkaToken;

/* The token of a sink, whose secrets were looked up just now; false: there is none.  Tokens come from nowhere else */
extern bool kafka_token(Sink *sink, KafkaToken *token);

/* For load and prepare of a kind */
extern void kafka_set(KafkaOptions *own, const char *name, const char *value);
extern void kafka_set_secret(KafkaOptions *own, const char *name, const char *value);
/* All secrets were set */
extern void kafka_prepared(Sink *sink);

/* For a Kind */
extern void kafka_send(Sink *sink, Flight *flight);
extern bool kafka_receive(Sink *sink, Flight *flight);
extern void kafka_go_on(void);
extern void kafka_end(Sink *sink);

#endif /* DELIVERY_KAFKA_LINK_H */
