/*
 * producer.c
 *		A sink's producer.
 *
 * librdkafka retries by itself, in order, what may still be stored.  It is never told to
 * give a message up because of its age, since those behind it would be stored all the
 * same: what takes too long ends the epoch, and with it the producer.  A message that is
 * refused for good ends it as well, before the ones behind it are stored.
 *
 * Nothing here waits: a producer that has ended is taken down by a thread of its own,
 * since that takes as long as a name server keeps silent.
 */
#include "ingest_kafka/producer.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/kafka_frame.h"
#include "ingest_kafka/guard.h"
#include "ingest_kafka/option.h"

/* All brokers gone for so long is more than a connection that was closed */
#define DOWN_FOR_MS 3000
/* The report of what broke it comes right after the error, or never */
#define CAUSE_WITHIN_MS 2000
/* A message may take this often the timeout if others get through */
#define TIMEOUTS_OF_ONE 4
#define LOOK_AGAIN_MS 250
/* Events of librdkafka that are looked at before the worker is listened to again */
#define EVENTS_AT_ONCE 1000
#define LEAST_BATCH (16 * 1024)
#define USUAL_BATCH 1000000
#define MOST_OPTIONS 40
/* So many producers that cannot be taken down are more than a name server that is slow */
#define MOST_LEAVING 64
/* Of an error in words */
#define LONGEST_TEXT 500

typedef struct Message
{
	struct Message *before;
	struct Message *after;
	uint64_t number;
	int64_t since; /* ms */
} Message;

typedef enum Epoch
{
	OVER,   /* whatever comes is returned */
	ENDING, /* something failed for good, and what is not known yet */
	UNDER_WAY
} Epoch;

struct Producer
{
	Producer *next;
	uint32_t sink;
	uint32_t settings;
	uint32_t epoch;
	Epoch state;
	bool of_sink;            /* if it is over, because of the sink; why is in text */
	char text[LONGEST_TEXT]; /* why it is over */
	char said[LONGEST_TEXT]; /* what went wrong last */
	int timeout;             /* ms */
	int most_batch;          /* bytes; less than was asked for after a batch was too large; 0: as was asked for */
	int batch;               /* what was asked for */
	rd_kafka_t *rk;          /* NULL: none */
	rd_kafka_queue_t *events;
	rd_kafka_topic_t *topic; /* that of the message before; NULL: none */
	Guard *guard;
	Message waiting; /* the head of a ring of those without an answer, the oldest first */
	int n_waiting;
	int64_t progress;   /* ms; when one got through, or the first began to wait */
	int64_t down_since; /* ms; 0: not all brokers are known to be gone */
	int64_t ending_since;
};

static Producer *producers = NULL;
static FrameBuffer *answers;
static int wake;
static atomic_int n_leaving = 0;

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whoever asks again makes a new helper */
static void
no_memory(void)
{
	_exit(3);
}

static void *
allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL)
		no_memory();
	return memory;
}

static Producer *
find(uint32_t sink)
{
	for (Producer *p = producers; p; p = p->next)
		if (p->sink == sink)
			return p;
	return NULL;
}

void
producers_begin(FrameBuffer *out, int happened)
{
	answers = out;
	wake = happened;
}

bool
producers_allow(const char *networks)
{
	return guard_allow(networks);
}

/* -- answers -- */

static void
end_frame(void)
{
	if (!frame_end(answers))
		no_memory();
}

static void
answer_sent(Producer *p, uint64_t number)
{
	frame_begin(answers, KAFKA_SENT);
	frame_u32(answers, p->sink);
	frame_u64(answers, number);
	end_frame();
}

static void
answer_failed(Producer *p, uint64_t number, KafkaFault fault, int code, const char *text)
{
	frame_begin(answers, KAFKA_FAILED);
	frame_u32(answers, p->sink);
	frame_u64(answers, number);
	frame_u8(answers, fault);
	frame_u32(answers, code > 0 ? code : 0);
	frame_text(answers, text);
	end_frame();
}

static Message *
remember(Producer *p, uint64_t number)
{
	Message *m = allocate(sizeof(Message));

	m->number = number;
	m->since = now_ms();
	if (p->n_waiting++ == 0)
	{
		p->progress = m->since;
		p->down_since = 0;
	}
	m->after = &p->waiting;
	m->before = p->waiting.before;
	m->before->after = m;
	p->waiting.before = m;
	return m;
}

static void
forget(Producer *p, Message *m)
{
	m->before->after = m->after;
	m->after->before = m->before;
	p->n_waiting--;
	free(m);
}

/* -- the end of a producer -- */

typedef struct Leaving
{
	rd_kafka_t *rk;
	Guard *guard;
} Leaving;

static void *
take_down(void *arg)
{
	Leaving *leaving = arg;

	rd_kafka_purge(leaving->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_destroy(leaving->rk);
	guard_free(leaving->guard);
	free(leaving);
	atomic_fetch_sub(&n_leaving, 1);
	return NULL;
}

/* What it says from now on nobody hears */
static void
leave(Producer *p)
{
	Leaving *leaving;
	pthread_t thread;

	if (p->rk == NULL)
		return;
	leaving = allocate(sizeof(Leaving));
	if (atomic_fetch_add(&n_leaving, 1) >= MOST_LEAVING)
		no_memory();
	leaving->rk = p->rk;
	leaving->guard = p->guard;
	rd_kafka_queue_io_event_enable(p->events, -1, NULL, 0);
	rd_kafka_queue_destroy(p->events);
	if (p->topic)
		rd_kafka_topic_destroy(p->topic);
	p->topic = NULL;
	p->rk = NULL;
	p->events = NULL;
	p->guard = NULL;
	if (pthread_create(&thread, NULL, take_down, leaving) != 0)
		no_memory();
	pthread_detach(thread);
}

/* The epoch is over: by the sink's fault, or by that of a message that was answered already */
static void
end_epoch(Producer *p, bool of_sink, int code, const char *text)
{
	char refused[LONGEST_TEXT];

	p->state = OVER;
	p->of_sink = of_sink;
	snprintf(p->text, sizeof(p->text), "%s", text);
	if (of_sink && p->guard && guard_refused(p->guard, refused, sizeof(refused)))
	{
		memcpy(p->text, refused, sizeof(p->text));
		code = 0;
	}
	leave(p);
	while (p->n_waiting > 0)
	{
		Message *m = p->waiting.after;

		answer_failed(p, m->number, of_sink ? KAFKA_OF_SINK : KAFKA_RETURNED, code, of_sink ? p->text : "");
		forget(p, m);
	}
}

/* -- opening -- */

/* What no sink may choose.  Logs come as events, which are thrown away */
static const char *const always[][2] = {
	{"enable.idempotence", "true"},
	{"enable.gapless.guarantee", "true"},
	{"message.timeout.ms", "0"},
	{"partitioner", "murmur2_random"},
	{"queue.buffering.max.messages", "20000"},
	{"topic.metadata.propagation.max.ms", "5000"},
	{"reconnect.backoff.max.ms", "2000"},
	{"socket.keepalive.enable", "true"},
	{"socket.nagle.disable", "true"},
	{"log.queue", "true"},
	{"log.connection.close", "false"},
	{"enable.ssl.certificate.verification", "true"},
	{"ssl.endpoint.identification.algorithm", "https"},
};

static bool
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char error[200];

	return rd_kafka_conf_set(conf, name, value, error, sizeof(error)) == RD_KAFKA_CONF_OK;
}

static bool
set_always(Producer *p, rd_kafka_conf_t *conf)
{
	char kbytes[20];
	char batch[20];
	bool good = true;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		good = set(conf, always[i][0], always[i][1]) && good;
	snprintf(kbytes, sizeof(kbytes), "%d", KAFKA_MOST_KBYTES);
	good = set(conf, "queue.buffering.max.kbytes", kbytes) && good;
	if (p->most_batch > 0)
	{
		snprintf(batch, sizeof(batch), "%d", p->most_batch);
		good = set(conf, "batch.size", batch) && good;
	}
	rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG |
									   RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH);
	return good;
}

static void
refuse(Producer *p, const char *text)
{
	p->state = OVER;
	p->of_sink = true;
	snprintf(p->text, sizeof(p->text), "%s", text);
}

static void
begin(Producer *p, rd_kafka_conf_t *conf)
{
	static const uint64_t one = 1;
	char error[LONGEST_TEXT];

	p->said[0] = '\0';
	p->guard = guard_new();
	if (p->guard == NULL)
		no_memory();
	guard_set(conf, p->guard);
	p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
	if (p->rk == NULL)
	{
		rd_kafka_conf_destroy(conf);
		guard_free(p->guard);
		p->guard = NULL;
		refuse(p, error);
		return;
	}
	rd_kafka_set_log_queue(p->rk, NULL);
	p->events = rd_kafka_queue_get_main(p->rk);
	rd_kafka_queue_io_event_enable(p->events, wake, &one, sizeof(one));
	p->state = UNDER_WAY;
}

/* Options of the sink, then what is always so */
static bool
open_with(Producer *p, uint32_t n, Frame *frame)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char refusal[LONGEST_TEXT] = "";

	p->batch = USUAL_BATCH;
	for (uint32_t i = 0; i < n; i++)
	{
		const char *name = frame_get_text(frame);
		const char *value = frame_get_text(frame);
		const char *why = frame->bad ? NULL : option_refusal(name, value);

		if (frame->bad || refusal[0])
			continue;
		if (why == NULL && !set(conf, name, value))
			why = "it cannot have that value";
		if (why)
			snprintf(refusal, sizeof(refusal), "option \"%.60s\" is refused: %s", name, why);
		else if (strcmp(name, "batch.size") == 0)
			p->batch = atoi(value);
	}
	if (!frame_is_whole(frame))
	{
		rd_kafka_conf_destroy(conf);
		return false;
	}
	if (refusal[0] == '\0' && !set_always(p, conf))
		snprintf(refusal, sizeof(refusal), "this librdkafka (%s) lacks a setting that is needed", rd_kafka_version_str());
	if (refusal[0])
	{
		rd_kafka_conf_destroy(conf);
		refuse(p, refusal);
	}
	else
		begin(p, conf);
	return true;
}

static Producer *
find_or_make(uint32_t sink)
{
	Producer *p = find(sink);

	if (p)
		return p;
	p = allocate(sizeof(Producer));
	p->sink = sink;
	p->waiting.before = p->waiting.after = &p->waiting;
	p->next = producers;
	producers = p;
	return p;
}

bool
producer_open(Frame *frame)
{
	Producer *p = find_or_make(frame_get_u32(frame));
	uint32_t settings = frame_get_u32(frame);
	uint32_t epoch = frame_get_u32(frame);
	uint32_t timeout = frame_get_u32(frame);
	uint32_t n = frame_get_u32(frame);
	bool good;

	/* there would be two answers for one, or none */
	if (frame->bad || n > MOST_OPTIONS || timeout < 1 || timeout > 3600 * 1000 || p->n_waiting > 0)
		return false;
	p->epoch = epoch;
	p->timeout = timeout;
	if (p->rk && p->settings == settings)
	{
		p->state = UNDER_WAY;
		frame_forget(frame);
		return true;
	}
	leave(p);
	if (p->settings != settings)
		p->most_batch = 0;
	p->settings = settings;
	good = open_with(p, n, frame);
	frame_forget(frame);
	return good;
}

bool
producer_close(Frame *frame)
{
	Producer *p = find(frame_get_u32(frame));
	Producer **at = &producers;

	if (!frame_is_whole(frame))
		return false;
	if (p == NULL)
		return true;
	leave(p);
	while (p->n_waiting > 0)
		forget(p, p->waiting.after);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	free(p);
	return true;
}

/* -- sending -- */

typedef struct Letter
{
	uint64_t number;
	const char *topic;
	const char *key;
	size_t key_length;
	const char *value;
	size_t value_length;
	rd_kafka_headers_t *headers;
} Letter;

static bool
read_headers(Letter *letter, Frame *frame)
{
	int n = frame_get_u8(frame);

	if (n > KAFKA_MOST_HEADERS)
		return false;
	letter->headers = rd_kafka_headers_new(n);
	for (int i = 0; i < n && !frame->bad; i++)
	{
		const char *name = frame_get_text(frame);
		size_t length;
		const char *value = frame_get_bytes(frame, &length);

		if (!frame->bad)
			rd_kafka_header_add(letter->headers, name, -1, value, length);
	}
	return frame_is_whole(frame);
}

/*
 * One that is new to librdkafka is asked for at once.  Given by its name with a message, it would be asked for when
 * librdkafka looks at its topics the next time, up to a second later.
 */
static rd_kafka_topic_t *
topic_of(Producer *p, const char *name)
{
	if (p->topic && strcmp(rd_kafka_topic_name(p->topic), name) == 0)
		return p->topic;
	if (p->topic)
		rd_kafka_topic_destroy(p->topic);
	p->topic = rd_kafka_topic_new(p->rk, name, NULL);
	return p->topic;
}

static rd_kafka_resp_err_t
produce(Producer *p, Letter *letter, Message *message)
{
	rd_kafka_topic_t *topic = topic_of(p, letter->topic);
	rd_kafka_vu_t parts[] = {
		{.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic},
		{.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *) letter->key, letter->key_length}},
		{.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *) letter->value, letter->value_length}},
		{.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = letter->headers},
		{.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
		{.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = message},
	};
	rd_kafka_error_t *error;
	rd_kafka_resp_err_t code;

	if (topic == NULL)
		return rd_kafka_last_error();
	error = rd_kafka_produceva(p->rk, parts, sizeof(parts) / sizeof(parts[0]));
	code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
	if (error)
		rd_kafka_error_destroy(error);
	else
		letter->headers = NULL; /* they are the message's now */
	return code;
}

/* Whose fault what a broker or librdkafka says of a message is */
static KafkaFault
fault_of(rd_kafka_resp_err_t code)
{
	switch (code)
	{
		case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
			return KAFKA_TOO_LARGE;
		case RD_KAFKA_RESP_ERR_INVALID_MSG:
		case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
		case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
		case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
		case RD_KAFKA_RESP_ERR_INVALID_RECORD:
			return KAFKA_OF_EVENT;
		default:
			return KAFKA_OF_SINK;
	}
}

static void
words(char *text, size_t room, const char *topic, rd_kafka_resp_err_t code)
{
	snprintf(text, room, "topic %.249s: %s", topic, rd_kafka_err2str(code));
}

/* It was not even taken by librdkafka */
static void
not_taken(Producer *p, Letter *letter, Message *message, rd_kafka_resp_err_t code)
{
	KafkaFault fault = fault_of(code);
	char text[LONGEST_TEXT];

	words(text, sizeof(text), letter->topic, code);
	forget(p, message);
	if (code == RD_KAFKA_RESP_ERR__FATAL)
	{
		/* another one's failure, whose report comes */
		answer_failed(p, letter->number, KAFKA_RETURNED, 0, "");
		p->state = ENDING;
		p->ending_since = now_ms();
		return;
	}
	if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
	{
		answer_failed(p, letter->number, KAFKA_RETURNED, 0, "");
		p->state = OVER;
		p->of_sink = false;
		return;
	}
	answer_failed(p, letter->number, fault, code, text);
	if (fault == KAFKA_OF_SINK)
		end_epoch(p, true, code, text);
	else
	{
		/* those before it go on */
		p->state = OVER;
		p->of_sink = false;
	}
}

bool
producer_send(Frame *frame)
{
	Producer *p = find(frame_get_u32(frame));
	uint32_t epoch = frame_get_u32(frame);
	Letter letter = {0};
	Message *message;
	rd_kafka_resp_err_t code;

	letter.number = frame_get_u64(frame);
	letter.topic = frame_get_text(frame);
	letter.key = frame_get_bytes(frame, &letter.key_length);
	letter.value = frame_get_bytes(frame, &letter.value_length);
	if (frame->bad || p == NULL || !read_headers(&letter, frame))
	{
		if (letter.headers)
			rd_kafka_headers_destroy(letter.headers);
		return false;
	}
	if (p->state == UNDER_WAY && epoch == p->epoch)
	{
		message = remember(p, letter.number);
		code = produce(p, &letter, message);
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			not_taken(p, &letter, message, code);
	}
	else if (p->state == OVER && p->of_sink)
		answer_failed(p, letter.number, KAFKA_OF_SINK, 0, p->text);
	else
		answer_failed(p, letter.number, KAFKA_RETURNED, 0, "");
	if (letter.headers)
		rd_kafka_headers_destroy(letter.headers);
	return true;
}

/* -- tokens -- */

bool
producer_token(Frame *frame)
{
	Producer *p = find(frame_get_u32(frame));
	const char *token = frame_get_text(frame);
	uint64_t until = frame_get_u64(frame);
	const char *principal = frame_get_text(frame);
	char error[LONGEST_TEXT];

	if (!frame_is_whole(frame))
		return false;
	if (p && p->rk)
	{
		if (token[0] == '\0')
			rd_kafka_oauthbearer_set_token_failure(p->rk, "there is no token");
		else if (rd_kafka_oauthbearer_set_token(p->rk, token, until, principal, NULL, 0, error, sizeof(error)) !=
				 RD_KAFKA_RESP_ERR_NO_ERROR)
		{
			rd_kafka_oauthbearer_set_token_failure(p->rk, "it is not a token");
			/* what librdkafka says holds none of it */
			snprintf(p->said, sizeof(p->said), "the token cannot be used");
		}
	}
	frame_forget(frame);
	return true;
}

/* -- what happened -- */

/* Why an epoch ends; that is done when nothing of the producer is held any more */
typedef struct Cause
{
	bool any;
	bool of_sink;
	int code;
	char text[LONGEST_TEXT];
} Cause;

static void
because(Cause *cause, bool of_sink, int code, const char *text)
{
	cause->any = true;
	cause->of_sink = of_sink;
	cause->code = code;
	snprintf(cause->text, sizeof(cause->text), "%s", text);
}

static void
reported(Producer *p, rd_kafka_event_t *event, Cause *cause)
{
	const rd_kafka_message_t *m;
	rd_kafka_resp_err_t worst = RD_KAFKA_RESP_ERR_NO_ERROR;
	KafkaFault fault = 0;
	char text[LONGEST_TEXT];
	int n_refused = 0;
	size_t n = rd_kafka_event_message_count(event);
	const rd_kafka_message_t **all = allocate(sizeof(void *) * (n + 1));

	n = 0;
	while ((m = rd_kafka_event_message_next(event)) != NULL)
	{
		all[n++] = m;
		n_refused += m->err != RD_KAFKA_RESP_ERR_NO_ERROR && fault_of(m->err) != KAFKA_OF_SINK;
	}
	for (size_t i = 0; i < n; i++)
	{
		Message *message = all[i]->_private;

		m = all[i];
		if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		{
			answer_sent(p, message->number);
			p->progress = now_ms();
			p->down_since = 0;
			forget(p, message);
			continue;
		}
		if (worst == RD_KAFKA_RESP_ERR_NO_ERROR || fault == KAFKA_OF_SINK)
		{
			worst = m->err;
			fault = fault_of(m->err);
			words(text, sizeof(text), rd_kafka_topic_name(m->rkt), m->err);
		}
		if (fault_of(m->err) == KAFKA_OF_SINK)
			continue;
		/* a batch is refused as a whole, for one in it perhaps, or for its size */
		answer_failed(p, message->number, n_refused > 1 ? KAFKA_OF_BATCH : fault_of(m->err), m->err, text);
		forget(p, message);
	}
	free(all);
	if (worst == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	if (fault == KAFKA_TOO_LARGE && n_refused > 1)
	{
		int batch = (p->most_batch > 0 ? p->most_batch : p->batch) / 2;

		p->most_batch = batch > LEAST_BATCH ? batch : LEAST_BATCH;
	}
	because(cause, fault == KAFKA_OF_SINK, worst, text);
}

static void
failed(Producer *p, rd_kafka_event_t *event, Cause *cause)
{
	rd_kafka_resp_err_t code = rd_kafka_event_error(event);

	if (rd_kafka_event_error_is_fatal(event))
	{
		char text[LONGEST_TEXT];

		if (rd_kafka_fatal_error(p->rk, text, sizeof(text)) != RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE)
			because(cause, true, 0, text);
		else if (p->state != OVER)
		{
			p->state = ENDING;
			p->ending_since = now_ms();
		}
		return;
	}
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
	{
		if (p->down_since == 0)
			p->down_since = now_ms();
		return;
	}
	snprintf(p->said, sizeof(p->said), "%s", rd_kafka_event_error_string(event));
	if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION && p->n_waiting > 0)
		because(cause, true, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, p->said);
}

static void
wants_token(Producer *p)
{
	frame_begin(answers, KAFKA_WANTS_TOKEN);
	frame_u32(answers, p->sink);
	end_frame();
}

/* True: there is more */
static bool
look(Producer *p)
{
	for (int i = 0; i < EVENTS_AT_ONCE && p->rk; i++)
	{
		rd_kafka_event_t *event = rd_kafka_queue_poll(p->events, 0);
		Cause cause = {0};

		if (event == NULL)
			return false;
		switch (rd_kafka_event_type(event))
		{
			case RD_KAFKA_EVENT_DR:
				reported(p, event, &cause);
				break;
			case RD_KAFKA_EVENT_ERROR:
				failed(p, event, &cause);
				break;
			case RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH:
				wants_token(p);
				break;
			default:
				break;
		}
		rd_kafka_event_destroy(event);
		if (cause.any)
			end_epoch(p, cause.of_sink, cause.code, cause.text);
	}
	return p->rk != NULL;
}

bool
producers_look(void)
{
	bool more = false;

	for (Producer *p = producers; p; p = p->next)
		more = look(p) || more;
	return more;
}

static void
expire(Producer *p, int64_t now)
{
	int64_t oldest = p->n_waiting > 0 ? p->waiting.after->since : now;
	char text[LONGEST_TEXT];

	if (p->state == ENDING && now - p->ending_since > CAUSE_WITHIN_MS)
		end_epoch(p, true, 0, "a message could not be stored, and librdkafka does not say which");
	else if (p->n_waiting == 0)
		return;
	else if (p->down_since > 0 && now - p->down_since > DOWN_FOR_MS && now - p->progress > DOWN_FOR_MS)
		end_epoch(p, true, 0, p->said[0] ? p->said : "no broker can be reached");
	else if (now - p->progress > p->timeout || now - oldest > (int64_t) p->timeout * TIMEOUTS_OF_ONE)
	{
		if (p->said[0])
			snprintf(text, sizeof(text), "no answer within %d s; before: %.400s", p->timeout / 1000, p->said);
		else if (p->guard && !guard_asked(p->guard))
			snprintf(text, sizeof(text), "no broker's name could be resolved within %d s: the name server does not "
										 "answer",
					 p->timeout / 1000);
		else
			snprintf(text, sizeof(text), "no answer within %d s: the topic may not be there, or this login may not see it",
					 p->timeout / 1000);
		end_epoch(p, true, 0, text);
	}
}

int
producers_expire(void)
{
	int64_t now = now_ms();
	int again = -1;

	for (Producer *p = producers; p; p = p->next)
	{
		if (p->n_waiting > 0 || p->state == ENDING)
			expire(p, now);
		if (p->n_waiting > 0 || p->state == ENDING)
			again = LOOK_AGAIN_MS;
	}
	return again;
}
