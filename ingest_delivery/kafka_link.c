/*
 * kafka_link.c
 *		A sink's way to Kafka.
 *
 * Messages of a flight have numbers that follow each other, and each is answered once.
 * When one of them fails, all that were given to the helper come back, before anything
 * else is given: so nothing overtakes what failed (common/kafka_frame.h).
 *
 * One helper serves all sinks of the process.  When it dies, that is the fault of each
 * sink that had something on its way: each waits as if its broker had gone, longer each
 * time, so that one whose broker kills the helper stops the others a moment, and seldom.
 */
#include "postgres.h"

#include <limits.h>

#include "common/hashfn.h"
#include "ingest_delivery/address.h"
#include "ingest_delivery/helper.h"
#include "ingest_delivery/kafka_link.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* A secret that was looked up within this is given at once */
#define JUST_NOW (60 * USECS_PER_SEC)
/* Until when a token is believed in.  Azure's are good for five minutes at least when they are looked up, which was a
 * minute ago at most */
#define TOKEN_FOR_MS (4 * 60 * 1000)
/* Frames that wait for the helper: with more of them no flight is written, so that they stay in the processor's cache */
#define MOST_UNSENT (512 * 1024)
/* As much as makes a call worth its while */
#define FLUSHED_FROM (32 * 1024)
/* Of an error in words */
#define LONGEST_TEXT 500
/* The code by which Kafka refuses a login */
#define SASL_FAILED 58

/* What became of a message, beside KafkaFault */
#define UNKNOWN 0
#define STORED 100

/* A flight on its way; in its context */
typedef struct Trip
{
	dlist_node node;
	uint64 first; /* numbers of its messages: from this on */
	int n;
	int n_waiting; /* without an answer */
	bool held;     /* not given to the helper yet */
	bool alone;    /* nothing else may be under way with it */
	uint8 *fates;
	int code;
	KafkaFault fault; /* the worst, which code and text are of */
	char text[LONGEST_TEXT];
} Trip;

typedef struct Link
{
	dlist_node node;
	Sink *sink; /* NULL: this is over */
	uint32 id;
	uint64 hash; /* of the settings that it was opened with */
	uint32 settings;
	uint32 epoch;
	bool is_open;
	bool over;     /* a message of the epoch failed */
	bool is_ended; /* another epoch has to be opened */
	bool is_alone; /* what is under way is a message that must be alone */
	uint64 next;
	int n_waiting;
	dlist_head trips;
	bool of_sink; /* if it is over, because of the sink */
	int code;
	char text[LONGEST_TEXT];
	bool wants_token;
	MemoryContextCallback forgotten;
} Link;

static dlist_head links = DLIST_STATIC_INIT(links);

static void greet(FrameBuffer *out);
static bool hear(Frame *frame);
static void lost(const char *why);

static const HelperUse kafka = {"ingest_kafka", KAFKA_PING, KAFKA_PONG, greet, hear, lost};

/* -- settings -- */

void
kafka_set(KafkaOptions *own, const char *name, const char *value)
{
	if (value == NULL)
		return;
	Assert(own->n_settings < MOST_KAFKA_SETTINGS);
	own->settings[own->n_settings++] = (KafkaSetting){name, value};
	own->all[own->n_all++] = (KafkaSetting){name, value};
}

void
kafka_set_secret(KafkaOptions *own, const char *name, const char *value)
{
	if (value == NULL)
		return;
	Assert(own->n_all < MOST_KAFKA_SETTINGS);
	own->all[own->n_all++] = (KafkaSetting){name, value};
}

/* -- what is said to the helper -- */

static void
write_greeting(FrameBuffer *out, const char *networks)
{
	frame_begin(out, KAFKA_HELLO);
	frame_u32(out, KAFKA_FRAMES);
	frame_text(out, networks);
	(void) frame_end(out);
}

/* Which networks it was told, so that it is told again when they are others */
static char *told = NULL;

static void
greet(FrameBuffer *out)
{
	if (told)
		pfree(told);
	told = MemoryContextStrdup(TopMemoryContext, address_allowed());
	write_greeting(out, told);
}

static bool
write_open(Link *link, FrameBuffer *out)
{
	KafkaOptions *own = link->sink->own;

	if (strcmp(told, address_allowed()) != 0)
		greet(out);
	if (!link->is_open || link->hash != own->hash)
		link->settings++;
	link->hash = own->hash;
	link->epoch++;
	frame_begin(out, KAFKA_OPEN);
	frame_u32(out, link->id);
	frame_u32(out, link->settings);
	frame_u32(out, link->epoch);
	frame_u32(out, own->timeout_ms);
	frame_u32(out, own->n_all);
	for (int i = 0; i < own->n_all; i++)
	{
		frame_text(out, own->all[i].name);
		frame_text(out, own->all[i].value);
	}
	link->is_open = frame_end(out);
	link->is_ended = false;
	return link->is_open;
}

static void
write_token(Link *link)
{
	const char *why;
	FrameBuffer *out = helper_out(&kafka, &why);
	KafkaToken token = {"", 0, ""};

	link->wants_token = false;
	if (out == NULL)
		return;
	(void) kafka_token(link->sink, &token);
	frame_begin(out, KAFKA_TOKEN);
	frame_u32(out, link->id);
	frame_text(out, token.value);
	frame_u64(out, token.until);
	frame_text(out, token.principal);
	(void) frame_end(out);
	helper_flush();
}

/* -- what becomes of messages -- */

/* Of faults the one that says most of a flight: it stands last here */
static int
weight(KafkaFault fault)
{
	switch (fault)
	{
		case KAFKA_RETURNED:
			return 1;
		case KAFKA_OF_BATCH:
			return 2;
		case KAFKA_OF_SINK:
			return 3;
		default:
			return 4;
	}
}

static void
fate(Trip *trip, int i, KafkaFault fault, int code, const char *text)
{
	trip->fates[i] = fault;
	if (trip->fault != 0 && weight(fault) <= weight(trip->fault))
		return;
	trip->fault = fault;
	trip->code = code;
	strlcpy(trip->text, text, sizeof(trip->text));
}

/* What has no fate yet has this one, and nothing is waited for any more */
static void
all_fates(Link *link, Trip *trip, KafkaFault fault, int code, const char *text)
{
	for (int i = 0; i < trip->n; i++)
		if (trip->fates[i] == UNKNOWN)
			fate(trip, i, fault, code, text);
	if (!trip->held)
		link->n_waiting -= trip->n_waiting;
	trip->n_waiting = 0;
	trip->held = false;
}

static void
lost(const char *why)
{
	dlist_iter i,
		k;

	dlist_foreach(i, &links)
	{
		Link *link = dlist_container(Link, node, i.cur);

		link->is_open = false;
		link->over = link->of_sink = false;
		dlist_foreach(k, &link->trips)
			all_fates(link, dlist_container(Trip, node, k.cur), KAFKA_OF_SINK, 0, why);
	}
	/* it ends with this process, too */
	if (!ProcDiePending && !ShutdownRequestPending)
		ereport(LOG, (errmsg("ingest_delivery: %s", why)));
}

static Link *
link_named(uint32 id)
{
	dlist_iter i;

	dlist_foreach(i, &links)
	{
		Link *link = dlist_container(Link, node, i.cur);

		if (link->id == id)
			return link;
	}
	return NULL;
}

/* The flight of a number that is waited for, and its place there */
static Trip *
trip_of(Link *link, uint64 number, int *place)
{
	dlist_iter i;

	dlist_foreach(i, &link->trips)
	{
		Trip *trip = dlist_container(Trip, node, i.cur);

		if (trip->held || number < trip->first || number - trip->first >= trip->n)
			continue;
		*place = number - trip->first;
		return trip->fates[*place] == UNKNOWN ? trip : NULL;
	}
	return NULL;
}

static bool
hear_sent(Frame *frame)
{
	Link *link = link_named(frame_get_u32(frame));
	uint64 number = frame_get_u64(frame);
	Trip *trip;
	int i;

	if (!frame_is_whole(frame))
		return false;
	/* of a sink that has gone meanwhile */
	if (link == NULL)
		return true;
	trip = trip_of(link, number, &i);
	if (trip == NULL)
		return false;
	trip->fates[i] = STORED;
	trip->n_waiting--;
	link->n_waiting--;
	return true;
}

/* Printable ASCII, whatever a broker says */
static void
make_printable(char *to, const char *text, size_t room)
{
	strlcpy(to, text, room);
	for (char *c = to; *c; c++)
		if ((unsigned char) *c < 0x20 || (unsigned char) *c >= 0x7f)
			*c = '?';
}

static bool
hear_failed(Frame *frame)
{
	Link *link = link_named(frame_get_u32(frame));
	uint64 number = frame_get_u64(frame);
	int fault = frame_get_u8(frame);
	uint32 code = frame_get_u32(frame);
	const char *said = frame_get_text(frame);
	char text[LONGEST_TEXT];
	Trip *trip;
	int i;

	if (!frame_is_whole(frame) || fault < KAFKA_OF_SINK || fault > KAFKA_RETURNED || code > INT_MAX)
		return false;
	if (link == NULL)
		return true;
	trip = trip_of(link, number, &i);
	if (trip == NULL)
		return false;
	make_printable(text, said, sizeof(text));
	fate(trip, i, fault, code, text);
	trip->n_waiting--;
	link->n_waiting--;
	link->over = true;
	if (fault == KAFKA_OF_SINK)
	{
		link->of_sink = true;
		link->code = code;
		strlcpy(link->text, text, sizeof(link->text));
	}
	return true;
}

/* What it is given must be as fresh as it can be: what is older is looked up first, and then prepare gives it */
static bool
hear_wants_token(Frame *frame)
{
	Link *link = link_named(frame_get_u32(frame));

	if (!frame_is_whole(frame))
		return false;
	if (link == NULL)
		return true;
	if (link->sink->ready && GetCurrentTimestamp() < link->sink->resolved_at + JUST_NOW)
		write_token(link);
	else
	{
		link->wants_token = true;
		link->sink->ready = false;
	}
	return true;
}

static bool
hear(Frame *frame)
{
	switch (frame->kind)
	{
		case KAFKA_SENT:
			return hear_sent(frame);
		case KAFKA_FAILED:
			return hear_failed(frame);
		case KAFKA_WANTS_TOKEN:
			return hear_wants_token(frame);
		default:
			return false;
	}
}

/* -- sending -- */

/* The messages of a flight, up to one that cannot be: what follows that comes back */
static void
write_messages(Link *link, Flight *flight, FrameBuffer *out)
{
	Trip *trip = flight->own;
	KafkaOptions *own = link->sink->own;
	const char *why = NULL;
	bool good = true;

	trip->held = false;
	trip->first = link->next;
	link->next += trip->n;
	for (int i = 0; i < trip->n; i++)
	{
		if (good)
		{
			frame_begin(out, KAFKA_SEND);
			frame_u32(out, link->id);
			frame_u32(out, link->epoch);
			frame_u64(out, trip->first + i);
			good = kafka_write(out, &own->form, &flight->items[i]->event, &why);
			if (good && frame_end(out))
			{
				/* it has something to do while the rest is written */
				if (out->end - out->begin >= FLUSHED_FROM)
					helper_flush();
				continue;
			}
			if (!good)
				frame_undo(out);
			else if (out->too_long)
			{
				/* it would come back for ever */
				good = false;
				why = "with its subject and headers it is larger than any message may be";
			}
			fate(trip, i, good ? KAFKA_RETURNED : KAFKA_TOO_LARGE, 0, good ? "" : why);
			good = false;
		}
		else
			fate(trip, i, KAFKA_RETURNED, 0, "");
		trip->n_waiting--;
	}
	link->n_waiting += trip->n_waiting;
}

static Flight *
flight_of(Link *link, Trip *trip, Flight *mine)
{
	if (mine->own == trip)
		return mine;
	for (int i = 0; link->sink->flights && i < MOST_FLIGHTS; i++)
		if (link->sink->flights[i].n > 0 && link->sink->flights[i].own == trip)
			return &link->sink->flights[i];
	return NULL;
}

static bool
must_open(const Link *link)
{
	const KafkaOptions *own = link->sink->own;

	return !link->is_open || link->is_ended || link->hash != own->hash;
}

/* All answers of the epoch are here: what was held meanwhile was not tried, or cannot be */
static void
end_epoch(Link *link)
{
	dlist_iter i;

	dlist_foreach(i, &link->trips)
	{
		Trip *trip = dlist_container(Trip, node, i.cur);

		if (trip->held)
			all_fates(link, trip, link->of_sink ? KAFKA_OF_SINK : KAFKA_RETURNED, link->code,
					  link->of_sink ? link->text : "");
	}
	link->over = link->of_sink = false;
	link->is_ended = true;
}

/* Flights that are held are sent, in their order, as soon as nothing is waited for that must be over first */
static void
release(Link *link, Flight *mine)
{
	const char *why = "out of memory";
	FrameBuffer *out;
	dlist_iter i;

	if ((link->over || must_open(link)) && link->n_waiting > 0)
		return;
	if (link->over)
	{
		end_epoch(link);
		return;
	}
	if (!link->sink->ready)
		return;
	out = helper_out(&kafka, &why);
	if (out && must_open(link))
		(void) write_open(link, out);
	dlist_foreach(i, &link->trips)
	{
		Trip *trip = dlist_container(Trip, node, i.cur);
		Flight *flight = flight_of(link, trip, mine);

		if (!trip->held || flight == NULL)
			continue;
		if (out == NULL || !link->is_open)
		{
			all_fates(link, trip, KAFKA_OF_SINK, 0, why);
			continue;
		}
		if (link->n_waiting > 0 && (trip->alone || link->is_alone))
			break;
		/* the helper has enough to do: the rest is written when it has taken this */
		if (out->end - out->begin > MOST_UNSENT)
			break;
		link->is_alone = trip->alone;
		write_messages(link, flight, out);
	}
	helper_flush();
}

static void
end_link(Link *link)
{
	const char *why;

	if (link->sink == NULL)
		return;
	link->sink = NULL;
	dlist_delete(&link->node);
	if (!helper_runs())
		return;
	if (dlist_is_empty(&links))
	{
		helper_end();
		return;
	}
	if (link->is_open)
	{
		FrameBuffer *out = helper_out(&kafka, &why);

		frame_begin(out, KAFKA_CLOSE);
		frame_u32(out, link->id);
		(void) frame_end(out);
		helper_flush();
	}
}

static void
forgotten(void *arg)
{
	end_link(arg);
}

static Link *
link_of(Sink *sink)
{
	/* never used again: late answers to one that has gone are nobody's */
	static uint32 last_id = 0;
	Link *link = sink->link;

	if (link)
		return link;
	link = MemoryContextAllocZero(sink->context, sizeof(Link));
	link->sink = sink;
	link->id = ++last_id;
	link->next = 1;
	dlist_init(&link->trips);
	dlist_push_tail(&links, &link->node);
	link->forgotten.func = forgotten;
	link->forgotten.arg = link;
	MemoryContextRegisterResetCallback(sink->context, &link->forgotten);
	sink->link = link;
	return link;
}

void
kafka_prepared(Sink *sink)
{
	KafkaOptions *own = sink->own;
	Link *link = sink->link;
	uint64 hash = own->timeout_ms;

	for (int i = 0; i < own->n_all; i++)
	{
		hash = hash_bytes_extended((const unsigned char *) own->all[i].name, strlen(own->all[i].name), hash);
		hash = hash_bytes_extended((const unsigned char *) own->all[i].value, strlen(own->all[i].value), hash);
	}
	own->hash = hash == 0 ? 1 : hash;
	if (link && link->wants_token)
		write_token(link);
}

void
kafka_send(Sink *sink, Flight *flight)
{
	Link *link = link_of(sink);
	Trip *trip = MemoryContextAllocZero(flight->context, sizeof(Trip));

	trip->n = trip->n_waiting = flight->n;
	trip->fates = MemoryContextAllocZero(flight->context, flight->n);
	trip->held = true;
	trip->alone = flight->items[0]->alone;
	flight->own = trip;
	dlist_push_tail(&link->trips, &trip->node);
	release(link, flight);
}

/* -- receiving -- */

/* What was stored has arrived; of the others the first one that was refused stays with its flight, if there is one */
static void
sort_out(Sink *sink, Flight *flight, const Trip *trip)
{
	bool of_event = trip->fault == KAFKA_OF_EVENT || trip->fault == KAFKA_TOO_LARGE;
	Parcel **left = palloc(sizeof(Parcel *) * flight->n);
	int n = 0,
		refused = -1;

	for (int i = 0; i < trip->n; i++)
	{
		Parcel *item = flight->items[i];

		if (trip->fates[i] == STORED)
		{
			item_arrived(sink, item);
			sink->sent++;
			sink->last_sent_at = GetCurrentTimestamp();
			continue;
		}
		if (refused < 0 && trip->fates[i] == trip->fault && of_event)
			refused = n;
		/* which of a batch it was shows when each goes alone */
		if (trip->fates[i] == KAFKA_OF_BATCH)
		{
			item->alone = true;
			item->most = 1;
		}
		left[n++] = item;
	}
	if (refused >= 0)
	{
		for (int i = 0; i < n; i++)
			if (i != refused)
				item_ready(sink, left[i], 0);
		/* several of a subject went together: they need not next time */
		for (int i = 0; i < n; i++)
			if (left[i]->next && left[i]->next->state == READY)
				left[i]->next->state = BEHIND;
		left[0] = left[refused];
		n = 1;
	}
	memcpy(flight->items, left, sizeof(Parcel *) * n);
	flight->n = n;
}

bool
kafka_receive(Sink *sink, Flight *flight)
{
	Link *link = sink->link;
	Trip *trip = flight->own;
	Answer *answer = &flight->answer;

	helper_listen();
	helper_check();
	if (trip->held)
		release(link, flight);
	if (trip->n_waiting > 0)
		return false;
	dlist_delete(&trip->node);
	answer->verdict = trip->fault == 0                 ? ACCEPTED
					  : trip->fault == KAFKA_OF_SINK   ? OF_SINK
					  : trip->fault == KAFKA_OF_EVENT  ? OF_EVENT
					  : trip->fault == KAFKA_TOO_LARGE ? TOO_LARGE
													   : RETURNED;
	if (answer->verdict != ACCEPTED)
	{
		answer->status = trip->code;
		answer->error = trip->text;
		/* it may be another password or token by now, in a vault, too */
		if (trip->code == SASL_FAILED)
		{
			sink->resolved_at = 0;
			sink->refused = true;
		}
		sort_out(sink, flight, trip);
	}
	return true;
}

/* A socket holds less than what is read in the meantime, so the helper would have nothing to do */
void
kafka_go_on(void)
{
	helper_flush();
}

void
kafka_end(Sink *sink)
{
	if (sink->link)
		end_link(sink->link);
	sink->link = NULL;
}

/* -- tokens -- */

bool
kafka_token(Sink *sink, KafkaToken *token)
{
	token->value = sink_secret(sink, "token");
	token->until = (GetCurrentTimestamp() - SetEpochTimestamp()) / 1000 + TOKEN_FOR_MS;
	token->principal = "ingest";
	if (token->value == NULL)
		token->value = "";
	return token->value[0] != '\0';
}
