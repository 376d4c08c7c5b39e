/*
 * sink.c
 *		A sink in the worker's memory: the window of events, and what of a subject waits for what.
 */
#include "postgres.h"

#include <openssl/sha.h>

#include "common/hashfn.h"
#include "fmgr.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/outcome.h"
#include "ingest_delivery/sink.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

SQL_FUNCTION(ingest_delivery_key_of);

void
sink_begin(Sink *sink)
{
	HASHCTL shape = {.keysize = sizeof(uint64), .entrysize = sizeof(Subject), .hcxt = sink->context};

	sink->subjects = hash_create("subjects of a sink", 256, &shape, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	dlist_init(&sink->window);
	dlist_init(&sink->again);
	dlist_init(&sink->reminders);
	sink->flights = MemoryContextAllocZero(sink->context, sizeof(Flight) * MOST_FLIGHTS);
	sink->read_limit = 200;
	sink->woken = true;
	sink->exhausted = true;
	sink->next_due = DT_NOBEGIN;
	sink->limit = sink->max_in_flight;
}

void
sink_free(Sink *sink)
{
	if (sink->kind && sink->kind->end)
		sink->kind->end(sink);
	sink_forget_secrets(sink);
	MemoryContextDelete(sink->context);
}

/* -- secrets -- */

const char *
sink_secret(const Sink *sink, const char *option)
{
	for (const Secret *s = sink->secrets; s; s = s->next)
		if (strcmp(s->name, option) == 0)
			return s->bytes;
	return NULL;
}

#define SHORTEST_SECRET 6 /* what is shorter is in any answer */

/* In a header stands more than the secret, and what repeats it may leave that out: Bearer, Basic */
static bool
repeats(const Answer *answer, const char *bytes, size_t length)
{
	const char *blank = memchr(bytes, ' ', length);
	size_t before = blank ? blank + 1 - bytes : 0;

	return length - before >= SHORTEST_SECRET && memmem(answer->body, answer->body_len, bytes + before, length - before) != NULL;
}

char *
sink_answer(const Sink *sink, const Answer *answer)
{
	for (const Secret *s = sink->secrets; s && answer->body_len > 0; s = s->next)
		if (repeats(answer, s->bytes, s->length))
			return pstrdup("(not kept: it repeats a secret of the sink)");
	return outcome_answer(answer);
}

void
sink_keep_secret(Sink *sink, const char *name, char *bytes, size_t length)
{
	Secret *s = MemoryContextAlloc(sink->secret_context, sizeof(Secret));

	s->name = name;
	s->bytes = bytes;
	s->length = length;
	s->next = sink->secrets;
	sink->secrets = s;
}

void
sink_forget_secrets(Sink *sink)
{
	for (Secret *s = sink->secrets; s; s = s->next)
		explicit_bzero(s->bytes, s->length);
	sink->secrets = NULL;
	sink->ready = false;
	if (sink->secret_context)
		MemoryContextReset(sink->secret_context);
}

/* -- subjects -- */

/* Of a subject that is too long for an index its beginning, and a hash of all of it */
#define LONGEST_SUBJECT 500
#define HASH_BYTES 16

char *
sink_key(bool by_subject, int32 era, int64 id, const char *subject)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	StringInfoData key;

	if (!by_subject || subject == NULL)
		return psprintf("e%d-" INT64_FORMAT, era, id);
	if (strlen(subject) <= LONGEST_SUBJECT)
	{
		char *text = palloc(strlen(subject) + 2);

		text[0] = 's';
		return strcpy(text + 1, subject) - 1;
	}
	SHA256((const unsigned char *) subject, strlen(subject), digest);
	initStringInfo(&key);
	appendStringInfoChar(&key, 's');
	appendBinaryStringInfo(&key, subject, pg_mbcliplen(subject, strlen(subject), LONGEST_SUBJECT));
	appendStringInfoString(&key, " #");
	for (int i = 0; i < HASH_BYTES; i++)
		appendStringInfo(&key, "%02x", digest[i]);
	return key.data;
}

/* key_of(by_subject, era, id, subject) */
Datum
ingest_delivery_key_of(PG_FUNCTION_ARGS)
{
	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(sink_key(PG_GETARG_BOOL(0), PG_GETARG_INT32(1), PG_GETARG_INT64(2), PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)))));
}

/* Two subjects with the same hash wait for each other, which harms nobody */
uint64
sink_hash(const char *key)
{
	uint64 hash = hash_bytes_extended((const unsigned char *) key, strlen(key), 0);

	return hash == 0 ? 1 : hash;
}

static Subject *
subject_of(Sink *sink, uint64 hash, bool make)
{
	bool found;
	Subject *subject = hash_search(sink->subjects, &hash, make ? HASH_ENTER : HASH_FIND, &found);

	if (make && !found)
	{
		subject->last = NULL;
		subject->blocked = false;
		subject->refused = false;
	}
	return subject;
}

static void
subject_ends(Sink *sink, uint64 hash)
{
	Subject *subject = subject_of(sink, hash, false);

	if (subject && subject->last == NULL && !subject->blocked)
		(void) hash_search(sink->subjects, &hash, HASH_REMOVE, NULL);
}

void
sink_block(Sink *sink, const char *key, bool refused)
{
	Subject *subject = subject_of(sink, sink_hash(key), true);

	if (refused && !subject->refused)
		sink->n_refused++;
	subject->blocked = true;
	subject->refused = subject->refused || refused;
}

void
sink_unblock(Sink *sink, const char *key)
{
	uint64 hash = sink_hash(key);
	Subject *subject = subject_of(sink, hash, false);

	if (subject == NULL || !subject->blocked)
		return;
	sink->n_refused -= subject->refused;
	subject->blocked = subject->refused = false;
	subject_ends(sink, hash);
}

/* -- items -- */

void
sink_add(Sink *sink, Parcel *item)
{
	dlist_push_tail(&sink->window, &item->node);
	sink->n_window++;
	sink->window_bytes += item->bytes;
	item->most = sink->batch_events;
	if (item->state == ARRIVED)
		return;
	item->state = READY;
	sink->n_unsent++;
	if (item->hash != 0)
	{
		Subject *subject = subject_of(sink, item->hash, true);

		if (subject->blocked)
		{
			item->state = PARKED;
			sink->n_unsent--;
			return;
		}
		if (subject->last)
		{
			subject->last->next = item;
			item->state = BEHIND;
		}
		subject->last = item;
	}
}

/* Those of one subject come one after the other */
void
sink_add_again(Sink *sink, Parcel *item)
{
	Parcel *before = dlist_is_empty(&sink->again) ? NULL : dlist_container(Parcel, node, dlist_tail_node(&sink->again));

	item->again = true;
	item->most = 1;
	item->state = READY;
	if (before && before->state != ARRIVED && strcmp(before->key, item->key) == 0)
	{
		before->next = item;
		item->state = BEHIND;
	}
	dlist_push_tail(&sink->again, &item->node);
}

void
sink_add_reminder(Sink *sink, Parcel *item)
{
	item->state = READY;
	dlist_push_tail(&sink->reminders, &item->node);
}

void
sink_drop_reminders(Sink *sink)
{
	dlist_mutable_iter i;

	dlist_foreach_modify(i, &sink->reminders)
	{
		dlist_delete(i.cur);
		item_free(dlist_container(Parcel, node, i.cur));
	}
}

/* The next of its subject may go, or this was the last */
static void
release_next(Sink *sink, Parcel *item)
{
	if (item->next && item->next->state == BEHIND)
		item->next->state = READY;
	if (item->hash != 0 && !item->again)
	{
		Subject *subject = subject_of(sink, item->hash, false);

		if (subject && subject->last == item)
			subject->last = NULL;
		subject_ends(sink, item->hash);
	}
	item->next = NULL;
}

void
item_arrived(Sink *sink, Parcel *item)
{
	item->state = ARRIVED;
	release_next(sink, item);
}

void
item_ready(Sink *sink, Parcel *item, TimestampTz not_before)
{
	item->state = READY;
	item->not_before = not_before;
	if (!item->again)
		sink->n_unsent++;
}

/* It is blocked or dead.  What follows it in the window waits in the database; what came from there is there already */
void
item_refused(Sink *sink, Parcel *item, ParcelState state)
{
	bool waits = state == BLOCKED || (state == DEAD && sink->hold);

	item->state = state;
	if (!waits)
	{
		release_next(sink, item);
		return;
	}
	if (!item->again)
	{
		Subject *subject;

		sink_block(sink, item->key, true);
		subject = subject_of(sink, sink_hash(item->key), true);
		subject->last = NULL;
	}
	for (Parcel *next = item->next; next; next = next->next)
	{
		next->state = item->again ? DONE : PARKED;
		if (!item->again)
			sink->n_unsent--;
	}
	item->next = NULL;
}

#define REST_AFTER (5 * USECS_PER_SEC)

bool
sink_rest(Sink *sink, TimestampTz now)
{
	bool any = false;

	if (sink->n_flying > 0 || sink->n_window > 0 || !dlist_is_empty(&sink->again) || now < sink->launched_at + REST_AFTER)
		return false;
	for (int i = 0; i < MOST_FLIGHTS; i++)
	{
		if (sink->flights[i].home == NULL)
			continue;
		MemoryContextDelete(sink->flights[i].home);
		memset(&sink->flights[i], 0, sizeof(Flight));
		any = true;
	}
	return any;
}

static int
expire(Sink *sink, dlist_head *list, TimestampTz before)
{
	int n = 0;
	dlist_iter i;

	/* one that waited for it comes after it */
	dlist_foreach(i, list)
	{
		Parcel *item = dlist_container(Parcel, node, i.cur);

		if (item->state != READY || item->at >= before)
			continue;
		if (!item->again)
			sink->n_unsent--;
		item_arrived(sink, item);
		n++;
	}
	return n;
}

int
sink_expire(Sink *sink, TimestampTz before)
{
	int n = expire(sink, &sink->window, before) + expire(sink, &sink->again, before);

	sink_pass(sink);
	return n;
}

void
item_free(Parcel *item)
{
	if (item->error)
		pfree(item->error);
	if (item->answer)
		pfree(item->answer);
	pfree(item);
}

void
sink_pass(Sink *sink)
{
	while (!dlist_is_empty(&sink->window))
	{
		Parcel *item = dlist_head_element(Parcel, node, &sink->window);

		if (item->state != ARRIVED && item->state != DONE)
			break;
		sink->done_era = item->event.era;
		sink->done_id = item->event.id;
		sink->n_done++;
		sink->n_window--;
		sink->window_bytes -= item->bytes;
		dlist_delete(&item->node);
		item_free(item);
	}
}

bool
sink_has_news(Sink *sink)
{
	dlist_iter i;

	if (sink->n_done > 0 || sink->attempts || sink->stop || sink->sent > 0 || sink->reminded || sink->expired > 0)
		return true;
	dlist_foreach(i, &sink->window)
	{
		Parcel *item = dlist_container(Parcel, node, i.cur);

		if (item->state == ARRIVED || item->state == PARKED || item->state == BLOCKED || item->state == DEAD)
			return true;
		if (item->state == FLYING)
			break;
	}
	dlist_foreach(i, &sink->again)
	{
		Parcel *item = dlist_container(Parcel, node, i.cur);

		if (item->state != READY && item->state != BEHIND && item->state != FLYING)
			return true;
	}
	return false;
}
