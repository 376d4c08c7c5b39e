/*
 * turn.c
 *		What a sink sends next, and what its answers mean for it.
 *
 * What is the sink's fault stops the sink: its place stands still, and the breaker lets
 * one request try after 5 s, 10 s, up to 5 min.  What is an event's fault stops its
 * subject.  A 5xx and a timeout can be either's: they are the event's when it got three
 * while others arrived, or when it stands alone in the way of all that come after it.
 */
#include "postgres.h"

#include "common/http.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/outcome.h"
#include "ingest_delivery/turn.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define FIRST_PAUSE (5 * USECS_PER_SEC)
#define LONGEST_PAUSE (5 * USECS_PER_MINUTE)
#define LONGEST_RETRY_AFTER 3600
/* What may be the event's or the sink's fault is tried again after this */
#define AFTER_TROUBLE USECS_PER_SEC
#define TROUBLES_OF_EVENT 3
#define TROUBLES_OF_SINK 3
/* More subjects than these do not wait for their own sake */
#define MOST_BLOCKED 1000
/* An event that waits is refused so often before it is given up: as many delays as store.c has */
#define MOST_TRIES 9
/* One of so many good attempts is written down */
#define LOG_ONE_OF 1000

/* -- the breaker -- */

bool
turn_has_room(Sink *sink, TimestampTz now)
{
	if (!sink->active || sink->stop)
		return false;
	if (sink->breaker == OPEN)
	{
		if (now < sink->open_until)
			return false;
		sink->breaker = HALF_OPEN;
		sink->limit = 1;
		sink->state_changed = true;
	}
	if (sink->gap > 0 && now < sink->launched_at + sink->gap)
		return false;
	return sink->n_flying < (sink->breaker == CLOSED ? sink->max_in_flight : Min(sink->limit, sink->max_in_flight));
}

static void
trip(Sink *sink, TimestampTz now, int retry_after)
{
	int64 pause = Min(FIRST_PAUSE << Min(sink->level, 6), LONGEST_PAUSE);

	if (retry_after > 0)
		pause = Max(pause, Min(retry_after, LONGEST_RETRY_AFTER) * USECS_PER_SEC);
	/* those that were on their way when it opened say nothing new */
	if (sink->breaker != OPEN)
		sink->level++;
	else if (now + pause < sink->open_until)
		return;
	/* when it takes something again it may be otherwise */
	sink_drop_reminders(sink);
	sink->breaker = OPEN;
	sink->open_until = now + pause;
	sink->state_changed = true;
}

/* It answers */
static void
is_well(Sink *sink)
{
	sink->failures = 0;
	if (sink->breaker != HALF_OPEN)
		return;
	sink->limit *= 2;
	if (sink->limit >= sink->max_in_flight)
	{
		sink->breaker = CLOSED;
		sink->level = 0;
	}
	sink->state_changed = true;
}

/* -- sending -- */

/* The first that may be sent; of those that had troubles only one that others make way for */
static Parcel *
next_ready(dlist_head *list, TimestampTz now, bool troubled)
{
	dlist_iter i;

	dlist_foreach(i, list)
	{
		Parcel *item = dlist_container(Parcel, node, i.cur);

		if (item->state == READY && item->not_before <= now && (troubled || item->troubles < TROUBLES_OF_EVENT))
			return item;
	}
	return NULL;
}

static Parcel *
choose(Sink *sink, TimestampTz now)
{
	int again = 0;
	bool again_first;
	Parcel *item = NULL;

	if (!dlist_is_empty(&sink->reminders))
		return dlist_head_element(Parcel, node, &sink->reminders);
	for (int i = 0; i < MOST_FLIGHTS; i++)
		again += sink->flights[i].n > 0 && sink->flights[i].again;
	again_first = again < Max(sink->max_in_flight / 4, 1);
	for (int troubled = 0; troubled < 2 && item == NULL; troubled++)
	{
		item = next_ready(again_first ? &sink->again : &sink->window, now, troubled);
		if (item == NULL)
			item = next_ready(again_first ? &sink->window : &sink->again, now, troubled);
	}
	return item;
}

/* Others that go with it, in their order; what waits for one that goes may go as well */
static void
fill(Sink *sink, Flight *flight, TimestampTz now)
{
	Parcel *first = flight->items[0];
	size_t bytes = first->bytes;
	int most = Min(first->most, sink->batch_events);
	dlist_node *node = &first->node;

	if (first->next && first->next->state == BEHIND)
		first->next->state = READY;
	while (flight->n < most && dlist_has_next(&sink->window, node))
	{
		Parcel *item;

		node = dlist_next_node(&sink->window, node);
		item = dlist_container(Parcel, node, node);
		/* what can never be sent has no data here, and is given up when it is the first */
		if (item->state != READY || item->not_before > now || item->most <= flight->n || item->unfit)
			continue;
		if (sink->kind->together && !sink->kind->together(sink, &first->event, &item->event))
			continue;
		bytes += item->bytes;
		if (bytes > sink->max_bytes)
			break;
		most = Min(most, item->most);
		item->state = FLYING;
		flight->items[flight->n++] = item;
		if (item->next && item->next->state == BEHIND)
			item->next->state = READY;
	}
	for (int i = 0; i < flight->n; i++)
		if (flight->items[i]->next && flight->items[i]->next->state == READY)
			flight->items[i]->next->state = BEHIND;
}

/* The reminders that go together; they leave the list */
static void
take_reminders(Sink *sink, Flight *flight)
{
	flight->n = 0;
	while (flight->n < sink->batch_events && !dlist_is_empty(&sink->reminders))
		flight->items[flight->n++] = dlist_container(Parcel, node, dlist_pop_head_node(&sink->reminders));
}

static void
keep_text(Sink *sink, char **to, const char *text)
{
	if (*to)
		pfree(*to);
	*to = text ? MemoryContextStrdup(sink->context, text) : NULL;
}

static bool
is_unfit(Sink *sink, Parcel *item)
{
	if (item->unfit == NULL)
		return false;
	keep_text(sink, &item->error, item->unfit);
	item_refused(sink, item, DEAD);
	if (!item->again)
		sink->n_unsent--;
	return true;
}

static Flight *
free_flight(Sink *sink)
{
	for (int i = 0; i < MOST_FLIGHTS; i++)
	{
		Flight *flight = &sink->flights[i];

		if (flight->n > 0)
			continue;
		if (flight->home == NULL)
		{
			flight->home = AllocSetContextCreate(sink->context, "flight of a sink", ALLOCSET_SMALL_SIZES);
			flight->context = AllocSetContextCreate(flight->home, "request of a sink", ALLOCSET_SMALL_SIZES);
		}
		return flight;
	}
	return NULL;
}

void
turn_send(Sink *sink, TimestampTz now)
{
	while (turn_has_room(sink, now))
	{
		Parcel *item = choose(sink, now);
		Flight *flight;

		if (item == NULL)
			return;
		if (item->reminds == 0 && is_unfit(sink, item))
			continue;
		flight = free_flight(sink);
		if (flight == NULL)
			return;
		MemoryContextReset(flight->context);
		flight->items = MemoryContextAlloc(flight->context, sizeof(Parcel *) * Max(sink->batch_events, 1));
		flight->items[0] = item;
		flight->n = 1;
		flight->again = item->again;
		flight->reminds = item->reminds != 0;
		item->state = FLYING;
		if (flight->reminds)
			take_reminders(sink, flight);
		else if (sink->batch_events > 1 && !item->again)
			fill(sink, flight, now);
		if (!item->again && !flight->reminds)
			sink->n_unsent -= flight->n;
		sink->n_flying++;
		flight->since = sink->launched_at = now;
		sink->kind->send(sink, flight);
	}
}

/* -- receiving -- */

static void
log_attempt(Sink *sink, Flight *flight, bool ok, TimestampTz now)
{
	Attempt *a;
	const char *error = flight->answer.error;
	char *answer;

	if (ok && !sink->failed_before && sink->n_sent++ % LOG_ONE_OF != 0)
		return;
	answer = sink_answer(sink, &flight->answer);
	a = MemoryContextAllocZero(sink->context, sizeof(Attempt));
	a->at = flight->since;
	a->event = MemoryContextStrdup(sink->context, flight->reminds ? psprintf("alert " INT64_FORMAT, flight->items[0]->reminds)
																  : psprintf("%d-" INT64_FORMAT, flight->items[0]->event.era, flight->items[0]->event.id));
	a->events = flight->n;
	a->ok = ok;
	a->status = flight->answer.status;
	keep_text(sink, &a->error, error);
	keep_text(sink, &a->answer, answer);
	a->ms = (now - flight->since) / 1000.0;
	a->next = sink->attempts;
	sink->attempts = a;
	sink->failed_before = !ok;
	if (!ok)
	{
		keep_text(sink, &sink->last_error, error);
		sink->state_changed = true;
	}
}

static void
all_ready(Sink *sink, Flight *flight, TimestampTz not_before)
{
	for (int i = 0; i < flight->n; i++)
		item_ready(sink, flight->items[i], not_before);
	/* several of a subject went together: they need not next time */
	for (int i = 0; i < flight->n; i++)
		if (flight->items[i]->next && flight->items[i]->next->state == READY)
			flight->items[i]->next->state = BEHIND;
}

/* It is not the sink: with fewer at once it will show which one it is */
static void
refuse(Sink *sink, Flight *flight, TimestampTz now, bool for_good)
{
	Parcel *item = flight->items[0];

	if (flight->n > 1)
	{
		for (int i = 0; i < flight->n; i++)
			flight->items[i]->most = Max(flight->n / 2, 1);
		all_ready(sink, flight, now);
		return;
	}
	if (!item->again && sink->n_refused >= MOST_BLOCKED)
	{
		all_ready(sink, flight, now);
		sink->failures++;
		trip(sink, now, -1);
		return;
	}
	keep_text(sink, &item->error, flight->answer.error);
	keep_text(sink, &item->answer, sink_answer(sink, &flight->answer));
	item->status = flight->answer.status;
	item_refused(sink, item, for_good || item->tries >= MOST_TRIES ? DEAD : BLOCKED);
}

/* Nothing else can show whose fault it is, and as long as it is in the window no others are read */
static bool
stands_alone(Sink *sink, Parcel *item)
{
	dlist_iter i;

	if (item->again || !sink->exhausted)
		return false;
	dlist_foreach(i, &sink->window)
	{
		Parcel *other = dlist_container(Parcel, node, i.cur);

		if (other != item && (other->state == READY || other->state == FLYING) && other->troubles < TROUBLES_OF_EVENT)
			return false;
	}
	return true;
}

static void
trouble(Sink *sink, Flight *flight, TimestampTz now)
{
	bool of_event = false;

	for (int i = 0; i < flight->n; i++)
	{
		Parcel *item = flight->items[i];

		if (item->troubles++ == 0)
			item->trouble_at = now;
		if (flight->n > 1)
			item->most = Max(flight->n / 2, 1);
		of_event = of_event || (flight->n == 1 && item->troubles >= TROUBLES_OF_EVENT && (sink->last_sent_at > item->trouble_at || stands_alone(sink, item)));
	}
	if (of_event)
	{
		refuse(sink, flight, now, false);
		return;
	}
	all_ready(sink, flight, now + AFTER_TROUBLE);
	sink->failures++;
	if (sink->failures >= TROUBLES_OF_SINK || sink->breaker != CLOSED)
		trip(sink, now, flight->answer.retry_after);
}

/* What is not taken now is told the next time, if it is still so then */
static void
judge_reminders(Sink *sink, Flight *flight, TimestampTz now)
{
	MemoryContext old;

	switch (flight->answer.verdict)
	{
		case OF_SINK:
		case OF_EITHER:
			sink->failures++;
			if (flight->answer.verdict == OF_SINK || sink->failures >= TROUBLES_OF_SINK || sink->breaker != CLOSED)
				trip(sink, now, flight->answer.retry_after);
			for (int i = 0; i < flight->n; i++)
				item_free(flight->items[i]);
			return;
		case GONE:
			keep_text(sink, &sink->stop, "status 410: nothing is wanted there any more");
			break;
		case ACCEPTED:
			sink->last_sent_at = now;
			is_well(sink);
			break;
		default:
			is_well(sink);
	}
	old = MemoryContextSwitchTo(sink->context);
	for (int i = 0; i < flight->n; i++)
		if (sink->repeats_all)
			item_free(flight->items[i]);
		else
			sink->reminded = lappend(sink->reminded, flight->items[i]);
	MemoryContextSwitchTo(old);
}

static void
judge(Sink *sink, Flight *flight, TimestampTz now)
{
	Verdict verdict = flight->answer.verdict;

	if (verdict != RETURNED)
		log_attempt(sink, flight, verdict == ACCEPTED, now);
	/* it may be another secret by now */
	if (verdict == OF_SINK && flight->answer.status == 401)
	{
		sink->resolved_at = 0;
		sink->refused = true;
	}
	if (flight->reminds)
	{
		judge_reminders(sink, flight, now);
		return;
	}
	switch (verdict)
	{
		case ACCEPTED:
			for (int i = 0; i < flight->n; i++)
				item_arrived(sink, flight->items[i]);
			sink->sent += flight->n;
			sink->last_sent_at = now;
			is_well(sink);
			break;
		case OF_SINK:
			all_ready(sink, flight, 0);
			sink->failures++;
			trip(sink, now, flight->answer.retry_after);
			break;
		case OF_EITHER:
			trouble(sink, flight, now);
			break;
		case OF_EVENT:
			is_well(sink);
			refuse(sink, flight, now, false);
			break;
		case TOO_LARGE:
			is_well(sink);
			refuse(sink, flight, now, true);
			break;
		case RETURNED:
			all_ready(sink, flight, 0);
			break;
		case GONE:
			all_ready(sink, flight, 0);
			keep_text(sink, &sink->stop, "status 410: nothing is wanted there any more");
			break;
	}
}

bool
turn_receive(Sink *sink, TimestampTz now)
{
	bool any = false;

	for (int i = 0; i < MOST_FLIGHTS && sink->n_flying > 0; i++)
	{
		Flight *flight = &sink->flights[i];
		MemoryContext old;

		if (flight->n == 0)
			continue;
		old = MemoryContextSwitchTo(flight->context);
		memset(&flight->answer, 0, sizeof(Answer));
		if (!sink->kind->receive(sink, flight))
		{
			MemoryContextSwitchTo(old);
			continue;
		}
		any = true;
		sink->n_flying--;
		judge(sink, flight, now);
		MemoryContextSwitchTo(old);
		if (flight->request)
			http_drop_body(flight->request);
		flight->n = 0;
		/* or each of many keeps what it once sent */
		MemoryContextReset(flight->context);
	}
	if (any)
		sink_pass(sink);
	return any;
}

TimestampTz
turn_next(Sink *sink, TimestampTz now)
{
	TimestampTz next = now + 5 * USECS_PER_SEC;
	bool has_room = turn_has_room(sink, now);
	dlist_iter i;

	if (sink->active && sink->breaker == OPEN)
		return Min(next, sink->open_until);
	/* there may be room when its gap is over */
	if (sink->gap > 0 && now < sink->launched_at + sink->gap)
		return Min(next, sink->launched_at + sink->gap);
	if (!has_room)
		return next;
	if (sink->repeat > 0)
		next = Min(next, Max(sink->remind_at, now + 10000));
	if (sink->next_due < next)
		next = Max(sink->next_due, now + 10000);
	if (sink->n_unsent > 0)
		dlist_foreach(i, &sink->window)
		{
			Parcel *item = dlist_container(Parcel, node, i.cur);

			if (item->state == READY && item->not_before < next)
				next = item->not_before;
		}
	dlist_foreach(i, &sink->again)
	{
		Parcel *item = dlist_container(Parcel, node, i.cur);

		if (item->state == READY && item->not_before < next)
			next = item->not_before;
	}
	return next;
}
