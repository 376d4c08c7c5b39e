/*
 * sink.h
 *		A sink in the worker's memory: events that were read, what is on its way, the breaker.
 *
 * Nothing of it is more than memory: whoever begins anew reads the same events again.
 */
#ifndef DELIVERY_SINK_H
#define DELIVERY_SINK_H

#include "postgres.h"

#include "common/http.h"
#include "datatype/timestamp.h"
#include "ingest_delivery/letter.h"
#include "ingest_delivery/outcome.h"
#include "lib/ilist.h"
#include "nodes/pg_list.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"

typedef enum ParcelState
{
	READY,   /* may be sent */
	BEHIND,  /* waits for one of its subject that was read before it */
	FLYING,  /* is on its way */
	ARRIVED, /* or not wanted */
	PARKED,  /* waits in the database, behind one that was refused */
	BLOCKED, /* was refused */
	DEAD,    /* was given up */
	DONE     /* written down as the one or the other */
} ParcelState;

typedef struct Parcel
{
	dlist_node node; /* in the order in which they were read */
	Event event;
	char *key;           /* s and the subject, e and the id */
	uint64 hash;         /* of the key; 0: no other waits for it */
	struct Parcel *next; /* of its subject, which waits for it */
	ParcelState state;
	bool again;             /* was read from what waits in the database */
	int tries;              /* of its subject, until now */
	int troubles;           /* answers that may be its fault or the sink's */
	int most;               /* no more than so many in a request with it */
	bool alone;             /* and nothing else under way, where a kind cares for that */
	TimestampTz trouble_at; /* when the first of these came */
	TimestampTz not_before; /* is it sent again */
	int status;             /* why it was refused */
	char *error;
	char *answer;
	size_t bytes;      /* about so many of a request */
	TimestampTz at;    /* when it was written */
	const char *unfit; /* why it can never be sent: then its texts are not here; NULL: it can */
	int64 reminds;     /* of this alert; 0: it is an event */
} Parcel;

/* A subject of which something waits */
typedef struct Subject
{
	uint64 hash;
	Parcel *last; /* of the window, not done; NULL: none */
	bool blocked; /* something of it waits in the database */
	bool refused; /* since it was refused */
} Subject;

typedef struct Flight
{
	MemoryContext home;    /* kept while the sink is at work; NULL: there is none */
	HttpRequest *request;  /* by_http's, in it; kept, for its connection */
	void *own;             /* the kind's */
	MemoryContext context; /* of what is on its way, in home */
	Parcel **items;
	int n; /* 0: none */
	bool again;
	bool reminds; /* its items are reminders, which are its own */
	bool lost;    /* is sent for the second time, after a kept connection had died */
	Answer answer;
	TimestampTz since;
} Flight;

/* What an option referred to, for a while */
typedef struct Secret
{
	const char *name;
	char *bytes;
	size_t length;
	struct Secret *next;
} Secret;

/* What is to be written into the log of attempts */
typedef struct Attempt
{
	TimestampTz at;
	char *event;
	int events;
	bool ok;
	int status;
	char *error;
	char *answer;
	double ms;
	struct Attempt *next;
} Attempt;

typedef enum Breaker
{
	CLOSED,
	OPEN,     /* until open_until */
	HALF_OPEN /* one, two, four … at once */
} Breaker;

typedef struct Sink
{
	dlist_node node;
	MemoryContext context;
	/* as it was made */
	int32 id;
	char *name;
	char *consumer;
	const struct Kind *kind;
	Jsonb *options;
	char *old_secret; /* a reference; NULL: none is being rotated */
	char *filter;
	bool by_subject;
	bool hold;
	Oid owner;
	bool active;
	int64 version;
	int32 reading;            /* rises when what was read must be read anew */
	bool expires;             /* what is too old is passed over */
	MemoryContext taken_over; /* where these are, since they were changed */
	bool seen;                /* when they were last looked at */
	/* what options say: sink_load() */
	char *url; /* NULL: the kind knows where to */
	HttpSettings settings;
	int max_in_flight;
	int max_bytes;       /* of an event's data, and of a batch */
	int batch_events;    /* in a request; 1: no batches */
	char *instance;      /* cluster and database, in UTF-8 */
	int64 repeat;        /* how long until an alert that is still open is told again, microseconds; 0: never */
	bool repeats_all;    /* each of them each time, acknowledged or not */
	int64 gap;           /* between the beginnings of two requests, microseconds; 0: none */
	const char *runs_of; /* it is sent runs of OpenLineage, of this namespace, instead of events; NULL: events */
	void *own;           /* the kind's, of these options */
	void *link;          /* the kind's, to what is outside: stays when options change */
	/* secrets: sink_resolve() */
	MemoryContext secret_context;
	Secret *secrets;
	bool ready;          /* they are here */
	bool refused;        /* by the other side: they are looked up anew, in vaults, too */
	struct Fetch *fetch; /* what is asked of Azure just now; NULL: nothing */
	MemoryContext fetch_context;
	TimestampTz resolved_at;
	/* what was read */
	dlist_head window;
	dlist_head again;
	dlist_head reminders;  /* alerts that are still open, as they were when they were looked for */
	TimestampTz remind_at; /* are they looked for */
	List *reminded;        /* of Parcels: told, and not written down yet */
	TimestampTz look_at;   /* is it looked at how far behind it is */
	HTAB *subjects;
	int n_refused; /* subjects that wait since one of theirs was */
	int n_window;
	size_t window_bytes;
	int n_unsent;   /* of the window, not sent yet */
	int read_limit; /* events in the window */
	bool exhausted; /* no more in the open batch of the consumer */
	bool woken;     /* there may be new events */
	int32 last_era; /* what was read last */
	int64 last_id;
	int32 done_era; /* all up to this one is done, and that is not written down */
	int64 done_id;
	int n_done; /* how many that are */
	TimestampTz marked_at;
	TimestampTz read_at;
	int64 read_took;
	int64 expired;          /* events that were passed over, not written down yet */
	TimestampTz expired_at; /* when it was last looked for them */
	TimestampTz next_due;   /* of what waits in the database; DT_NOEND: nothing */
	/* what is on its way */
	Flight *flights;
	int n_flying;
	TimestampTz launched_at; /* the last of them */
	/* how it does */
	Breaker breaker;
	int limit; /* at once, while half-open */
	TimestampTz open_until;
	int level;    /* of the breaker's delays */
	int failures; /* of the sink's or of either's, in a row */
	bool failed_before;
	char *stop; /* it is to be paused for that */
	int64 sent; /* not written down yet */
	double rate;
	TimestampTz last_sent_at;
	char *last_error;
	bool state_changed;
	TimestampTz state_at;
	Attempt *attempts;
	uint64 n_sent;
} Sink;

extern void sink_begin(Sink *sink);
/* Its connections end, its memory goes */
extern void sink_free(Sink *sink);
/* What a receiver said, for the log; NULL: nothing.  If it repeats a secret that it was shown, that alone is told */
extern char *sink_answer(const Sink *sink, const Answer *answer);
/* What a secret option referred to; NULL: it is not set */
extern const char *sink_secret(const Sink *sink, const char *option);
/* Memory that is overwritten before it goes */
extern void sink_keep_secret(Sink *sink, const char *name, char *bytes, size_t length);
extern void sink_forget_secrets(Sink *sink);
/* An event that was read goes into the window */
extern void sink_add(Sink *sink, Parcel *item);
extern void sink_add_again(Sink *sink, Parcel *item);
extern void sink_block(Sink *sink, const char *key, bool refused);
extern void sink_unblock(Sink *sink, const char *key);
extern uint64 sink_hash(const char *key);
/* Alerts that are still open are told before all that is read later, or not at all */
extern void sink_add_reminder(Sink *sink, Parcel *item);
extern void sink_drop_reminders(Sink *sink);
/* What an event waits as, in the current memory context */
extern char *sink_key(bool by_subject, int32 era, int64 id, const char *subject);
/* What is older and not on its way is passed over; how many */
extern int sink_expire(Sink *sink, TimestampTz before);
/* It has had nothing to do for a while: what it needs for sending goes; true if there was any */
extern bool sink_rest(Sink *sink, TimestampTz now);
/* Of an item that was on its way */
extern void item_arrived(Sink *sink, Parcel *item);
extern void item_ready(Sink *sink, Parcel *item, TimestampTz not_before);
extern void item_refused(Sink *sink, Parcel *item, ParcelState state);
extern void item_free(Parcel *item);
/* Items at the beginning of the window that are done go; what they were is in done_era and done_id */
extern void sink_pass(Sink *sink);
extern bool sink_has_news(Sink *sink);

/* More than max_in_flight of a sink ever are */
#define MOST_FLIGHTS 64

#endif /* DELIVERY_SINK_H */
