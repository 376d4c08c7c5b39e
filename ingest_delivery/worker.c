/*
 * worker.c
 *		The worker of a database: its sinks take turns in one event loop.
 *
 * The order is always: read, commit, send, write down.  No transaction is open while the
 * network is waited for.  A sink that fails here, as when its owner may not read events
 * any more, is left alone for a while and keeps nobody else waiting.
 */
#include "postgres.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "access/xact.h"
#include "common/http.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/helper.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/store.h"
#include "ingest_delivery/turn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

extern PGDLLEXPORT void ingest_delivery_main(Datum arg);

/* It looks for new sinks and changes when it is woken, no more often than this, and by itself now and then */
#define BETWEEN_LOOKS (250 * INT64CONST(1000))
#define LOOK_EVERY (5 * USECS_PER_SEC)
/* What arrived is written down after so many events, or a request's, or so long */
#define MARK_EVENTS 500
#define MARK_EVERY (100 * INT64CONST(1000))
/* How far behind sinks are, and whether there is an alert in that */
#define BEHIND_EVERY (20 * USECS_PER_SEC)
#define PRUNE_EVERY USECS_PER_HOUR
#define EXPIRE_EVERY USECS_PER_MINUTE
#define CLOCK_BACK (10 * USECS_PER_SEC)
/* A sink that failed here */
#define FIRST_REST (5 * USECS_PER_SEC)
#define LONGEST_REST (5 * USECS_PER_MINUTE)

typedef struct Fault
{
	dlist_node node;
	int32 sink;
	int64 version;
	int level;
	TimestampTz until;
	char *error; /* not written down yet */
} Fault;

static dlist_head sinks = DLIST_STATIC_INIT(sinks);
static dlist_head faults = DLIST_STATIC_INIT(faults);
static int n_sinks = 0;
static bool some_went = false; /* sinks, whose memory is to go back to the system */

/* -- sinks that fail here -- */

static Fault *
fault_of(int32 sink)
{
	dlist_iter i;

	dlist_foreach(i, &faults)
	{
		Fault *fault = dlist_container(Fault, node, i.cur);

		if (fault->sink == sink)
			return fault;
	}
	return NULL;
}

/* Of its memory nothing may be relied on: it begins anew, later */
static void
set_aside(Sink *sink, const char *error)
{
	TimestampTz now = GetCurrentTimestamp();
	Fault *fault = fault_of(sink->id);

	if (fault == NULL)
	{
		fault = MemoryContextAllocZero(TopMemoryContext, sizeof(Fault));
		fault->sink = sink->id;
		dlist_push_tail(&faults, &fault->node);
	}
	fault->version = sink->version;
	fault->until = now + Min(FIRST_REST << Min(fault->level, 6), LONGEST_REST);
	fault->level++;
	if (fault->error)
		pfree(fault->error);
	fault->error = MemoryContextStrdup(TopMemoryContext, error);
	ereport(LOG, (errmsg("ingest_delivery: sink \"%s\" is set aside: %s", sink->name, error)));
	dlist_delete(&sink->node);
	n_sinks--;
	sink_free(sink);
}

static void
write_faults(void)
{
	TimestampTz now = GetCurrentTimestamp();
	dlist_mutable_iter i;

	dlist_foreach_modify(i, &faults)
	{
		Fault *fault = dlist_container(Fault, node, i.cur);

		if (fault->error)
		{
			store_fault(fault->sink, fault->error, fault->until);
			pfree(fault->error);
			fault->error = NULL;
		}
		/* long over, or of a sink that is gone */
		else if (now > fault->until + LONGEST_REST)
		{
			dlist_delete(&fault->node);
			pfree(fault);
		}
	}
}

static void
forget_faults(void)
{
	dlist_mutable_iter i;

	dlist_foreach_modify(i, &faults)
	{
		Fault *fault = dlist_container(Fault, node, i.cur);

		dlist_delete(&fault->node);
		if (fault->error)
			pfree(fault->error);
		pfree(fault);
	}
}

/* -- which sinks there are -- */

static Sink *
known(int32 id)
{
	dlist_iter i;

	dlist_foreach(i, &sinks)
	{
		Sink *sink = dlist_container(Sink, node, i.cur);

		if (sink->id == id)
			return sink;
	}
	return NULL;
}

/* What was changed; what is on its way and what was read stay */
static void
take_over(Sink *sink, Sink *fresh)
{
	sink->options = fresh->options;
	sink->url = fresh->url;
	sink->settings = fresh->settings;
	sink->max_in_flight = fresh->max_in_flight;
	sink->max_bytes = fresh->max_bytes;
	sink->batch_events = fresh->batch_events;
	sink->gap = fresh->gap;
	sink->instance = fresh->instance;
	sink->repeat = fresh->repeat;
	sink->repeats_all = fresh->repeats_all;
	sink->own = fresh->own;
	sink->runs_of = fresh->runs_of;
	sink->old_secret = fresh->old_secret;
	sink->filter = fresh->filter;
	sink->hold = fresh->hold;
	sink->owner = fresh->owner;
	sink->expires = fresh->expires;
	/* whoever resumes or changes it wants it tried now */
	if (sink->breaker == OPEN)
		sink->open_until = Min(sink->open_until, GetCurrentTimestamp());
	sink->active = fresh->active;
	sink->version = fresh->version;
	sink_forget_secrets(sink);
	sink_drop_reminders(sink);
	sink->remind_at = 0;
	sink->woken = true;
	MemoryContextSetParent(fresh->context, sink->context);
	/* what it had been before is of no use to anybody any more, but to what is on its way */
	if (sink->taken_over && sink->n_flying == 0)
		MemoryContextDelete(sink->taken_over);
	sink->taken_over = fresh->context;
	store_waiting(sink);
}

static void
adopt(Sink *fresh)
{
	Sink *sink = known(fresh->id);
	Fault *fault = fault_of(fresh->id);

	if (fault && fault->version == fresh->version && GetCurrentTimestamp() < fault->until)
		sink_free(fresh);
	else if (sink == NULL)
	{
		MemoryContextSetParent(fresh->context, TopMemoryContext);
		sink_begin(fresh);
		/* that it is well again is written down with the next that is read */
		fresh->state_changed = fault != NULL;
		fresh->seen = true;
		dlist_push_tail(&sinks, &fresh->node);
		n_sinks++;
		store_waiting(fresh);
	}
	else
	{
		sink->seen = true;
		if (sink->version == fresh->version && sink->owner == fresh->owner)
			sink_free(fresh);
		else if (sink->by_subject == fresh->by_subject && sink->reading == fresh->reading && sink->kind == fresh->kind)
			take_over(sink, fresh);
		else
		{
			/* what waits for what is another matter now, or what is wanted, or what is spoken */
			sink_free(fresh);
			dlist_delete(&sink->node);
			n_sinks--;
			sink_free(sink);
		}
	}
}

static void
look_at_sinks(void)
{
	dlist_head fresh;
	dlist_mutable_iter i;

	store_begin("ingest_delivery: looking at sinks");
	/* whoever is started next has the settings of now */
	if (!store_finds_extension() || store_settings_changed())
		proc_exit(0);
	write_faults();
	store_alerts();
	dlist_foreach_modify(i, &sinks)
		dlist_container(Sink, node, i.cur)
			->seen = false;
	store_sinks(&fresh);
	dlist_foreach_modify(i, &fresh)
	{
		Sink *sink = dlist_container(Sink, node, i.cur);

		dlist_delete(&sink->node);
		adopt(sink);
	}
	dlist_foreach_modify(i, &sinks)
	{
		Sink *sink = dlist_container(Sink, node, i.cur);

		if (sink->seen)
			continue;
		dlist_delete(&sink->node);
		n_sinks--;
		sink_free(sink);
		some_went = true;
	}
	store_end();
}

/* -- turns -- */

static bool
wants_mark(Sink *sink, TimestampTz now)
{
	return (sink->n_done >= Max(MARK_EVENTS, sink->batch_events) || now >= sink->marked_at + MARK_EVERY) && sink_has_news(sink);
}

/* May more be read than what the window holds?  Then what is done with is written down before */
static bool
wants_read(Sink *sink, TimestampTz now)
{
	/* what cannot be sent may be too old to be sent */
	if (!sink->active || sink->stop || sink->breaker == OPEN)
		return sink->expires && sink->n_window == 0 && (!sink->exhausted || now == sink->expired_at);
	if (sink->exhausted)
		return sink->woken && sink->n_window == 0 && now >= sink->read_at + Min(sink->read_took * (n_sinks - 1), USECS_PER_SEC);
	/* not for a few, as long as there is something to send */
	return sink->n_unsent < Max(100, sink->batch_events * sink->max_in_flight) && store_has_room(sink) &&
		   sink->n_window <= (sink->n_unsent == 0 ? sink->read_limit - 1 : sink->read_limit / 4 * 3);
}

static bool
wants_read_again(Sink *sink, TimestampTz now)
{
	return sink->active && !sink->stop && sink->breaker != OPEN && dlist_is_empty(&sink->again) && sink->next_due <= now;
}

static bool
wants_remind(Sink *sink, TimestampTz now)
{
	return sink->repeat > 0 && sink->active && !sink->stop && sink->breaker != OPEN && now >= sink->remind_at && dlist_is_empty(&sink->reminders);
}

static void
turn(Sink *sink, TimestampTz now)
{
	bool read,
		again,
		remind,
		look;

	(void) turn_receive(sink, now);
	if (sink->expires && now >= sink->expired_at + EXPIRE_EVERY)
	{
		sink->expired_at = now;
		store_expire(sink);
	}
	/* after a change its secrets are looked up first, which Azure may have to be asked for */
	if (sink_asks(sink) && !sink->ready)
		return;
	if (sink->ready && !sink->refused)
		turn_send(sink, now);
	read = wants_read(sink, now);
	again = wants_read_again(sink, now);
	remind = wants_remind(sink, now);
	look = sink->active && now >= sink->look_at;
	if (!read && !again && !remind && !look && !wants_mark(sink, now) && ((sink->ready && !sink->refused) || !sink->active))
		return;
	store_begin("ingest_delivery: reading events and writing down what arrived");
	if (sink->active)
		store_secrets(sink);
	if (read || sink_has_news(sink))
		store_mark(sink);
	if (again)
		store_read_again(sink);
	if (read)
		store_read(sink);
	if (remind)
		store_read_reminders(sink);
	if (look)
		store_look(sink);
	if (look)
		sink->look_at = now + Min(BEHIND_EVERY, (delivery_behind_alert + 1) * USECS_PER_SEC);
	store_end();
	if (fault_of(sink->id))
		fault_of(sink->id)->level = 0;
	if (sink->ready)
		turn_send(sink, now);
}

/* In a PG_CATCH: what went wrong, when that is over */
static ErrorData *
recover(MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (IsTransactionState())
		AbortCurrentTransaction();
	MemoryContextSwitchTo(context);
	/* somebody wants this process to end, or nothing at all can be done */
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
		ReThrowError(error);
	return error;
}

/* What is nobody's in particular and fails, as when somebody holds a row, is done the next time */
static bool
safely(void (*do_it)(void))
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = true;

	PG_TRY();
	{
		do_it();
	}
	PG_CATCH();
	{
		ErrorData *error = recover(context);

		ereport(LOG, (errmsg("ingest_delivery: %s", error->message)));
		done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return done;
}

/* Who does not know all that waits must not send what comes after it */
static void
forget_sinks(void)
{
	dlist_mutable_iter i;

	dlist_foreach_modify(i, &sinks)
	{
		Sink *sink = dlist_container(Sink, node, i.cur);

		dlist_delete(&sink->node);
		n_sinks--;
		sink_free(sink);
	}
}

static void
prune(void)
{
	store_begin("ingest_delivery: deleting what is old");
	store_prune();
	store_end();
}

/* An error is this sink's alone */
static void
turn_safely(Sink *sink, TimestampTz now)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		turn(sink, now);
	}
	PG_CATCH();
	{
		ErrorData *error = recover(context);

		set_aside(sink, error->hint ? psprintf("%s. %s", error->message, error->hint) : error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
}

/* Memory that many sinks needed while they were at work goes back to the system */
static void
rest(TimestampTz now)
{
	bool any = some_went;
	dlist_iter i;

	some_went = false;
	dlist_foreach(i, &sinks)
		any = sink_rest(dlist_container(Sink, node, i.cur), now) || any;
#ifdef __GLIBC__
	if (any)
		(void) malloc_trim(0);
#endif
}

static TimestampTz
next_of(Sink *sink, TimestampTz now)
{
	TimestampTz next = Min(turn_next(sink, now), sink_asks_next(sink));

	/* nothing else is done before it has its secrets */
	if (sink->fetch && !sink->ready)
		return sink_asks_next(sink);
	if (sink_has_news(sink))
		next = Min(next, sink->marked_at + MARK_EVERY);
	if (sink->exhausted && sink->woken && sink->n_window == 0 && sink->active && sink->breaker != OPEN)
		next = Min(next, sink->read_at + Min(sink->read_took * (n_sinks - 1), USECS_PER_SEC));
	if (wants_read_again(sink, now))
		next = Min(next, now + 10000);
	return next;
}

void
ingest_delivery_main(Datum arg)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "ingest_delivery", ALLOCSET_DEFAULT_SIZES);
	TimestampTz looked = 0,
				before = 0,
				pruned = GetCurrentTimestamp();
	bool woken = true;

	/* what a crash takes back is sent again, with the same id */
	SetConfigOption("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION);
	/* somebody's row that somebody holds keeps all others waiting for so long */
	SetConfigOption("lock_timeout", "200ms", PGC_USERSET, PGC_S_SESSION);
	/* what is set for everybody in this database is not for who writes down what was sent */
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("row_security", "on", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("DateStyle", "ISO", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION);
	/* plans are kept: one that was made for empty tables must do for full ones */
	SetConfigOption("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION);
	/* what such plans seem to cost would have them compiled */
	SetConfigOption("jit", "off", PGC_USERSET, PGC_S_SESSION);
	/* a window of events, and what stands beside them, without a temporary file */
	SetConfigOption("work_mem", "24MB", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("TimeZone", "UTC", PGC_USERSET, PGC_S_SESSION);
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		TimestampTz next = looked + LOOK_EVERY;
		dlist_mutable_iter i;

		MemoryContextSwitchTo(context);
		MemoryContextReset(context);
		CHECK_FOR_INTERRUPTS();
		/* whatever waits for a moment would wait for as long as the clock went back */
		if (now < before - CLOCK_BACK)
		{
			ereport(LOG, (errmsg("ingest_delivery: the clock went back: the worker starts again")));
			forget_sinks();
			forget_faults();
			looked = 0;
			next = pruned = now;
		}
		before = now;
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		if (now >= next || (woken && now >= looked + BETWEEN_LOOKS))
		{
			looked = now;
			woken = false;
			if (!safely(look_at_sinks))
				forget_sinks();
			next = looked + LOOK_EVERY;
		}
		if (woken)
			next = Min(next, looked + BETWEEN_LOOKS);
		if (now >= pruned + PRUNE_EVERY)
		{
			pruned = now;
			(void) safely(prune);
		}
		dlist_foreach_modify(i, &sinks)
			turn_safely(dlist_container(Sink, node, i.cur), now);
		now = GetCurrentTimestamp();
		rest(now);
		dlist_foreach_modify(i, &sinks)
			next = Min(next, next_of(dlist_container(Sink, node, i.cur), now));
		if (http_turn(next <= now ? 0 : (next - now + 999) / 1000))
		{
			woken = true;
			dlist_foreach_modify(i, &sinks)
				dlist_container(Sink, node, i.cur)
					->woken = true;
		}
		helper_listen();
	}
}
