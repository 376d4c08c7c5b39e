/*
 * kafka_frame.h
 *		What ingest_delivery's worker and ingest_kafka say to each other.
 *
 * The worker opens a sink with its settings and an epoch, and sends messages of that
 * epoch, numbered from 1 on for each sink.  Each is answered once, in any order.  When one
 * of them fails, the epoch is over: what was not stored until then is answered as
 * returned, and so is what comes later, until the worker, who has all its answers, opens
 * the next epoch.  So no message of a subject is stored before one that failed ahead of it.
 */
#ifndef COMMON_KAFKA_FRAME_H
#define COMMON_KAFKA_FRAME_H

/* Raised with every change: a helper of another version says nothing and ends */
#define KAFKA_FRAMES 1

/* Bounds of what a sink has on its way: events, and their bytes, of which the last may go beyond */
#define KAFKA_MOST_MESSAGES 10000
#define KAFKA_MOST_KBYTES 65536
#define KAFKA_MOST_HEADERS 16

typedef enum KafkaFrame
{
	/* to the helper */
	KAFKA_HELLO = 1, /* u32 version, text networks that are allowed, separated by commas */
	KAFKA_OPEN,      /* u32 sink, u32 settings (another number: others), u32 epoch, u32 timeout in ms, u32 n, n × setting:
					  * text name, text value */
	KAFKA_CLOSE,     /* u32 sink */
	KAFKA_SEND,      /* u32 sink, u32 epoch, u64 number, text topic, bytes key, bytes value, u8 n, n × header: text name,
					  * bytes value */
	KAFKA_TOKEN,     /* u32 sink, text token (empty: there is none), u64 until when in ms since 1970, text principal */
	KAFKA_PING,      /* u32 any */
	/* to the worker */
	KAFKA_SENT = 64,   /* u32 sink, u64 number */
	KAFKA_FAILED,      /* u32 sink, u64 number, u8 fault, u32 code of the broker, text why */
	KAFKA_WANTS_TOKEN, /* u32 sink */
	KAFKA_PONG         /* u32 the same */
} KafkaFrame;

/* Whose fault it is that a message failed */
typedef enum KafkaFault
{
	KAFKA_OF_SINK = 1, /* nothing can be sent there now */
	KAFKA_OF_EVENT,    /* this one alone is refused */
	KAFKA_TOO_LARGE,   /* this one alone is, and always will be */
	KAFKA_OF_BATCH,    /* it was refused with others: with fewer at once it shows which one it is */
	KAFKA_RETURNED     /* not sent, since another one failed */
} KafkaFault;

#endif /* COMMON_KAFKA_FRAME_H */
