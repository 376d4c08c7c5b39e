/*
 * remember.c
 *		Secrets that are kept in the process's memory for a while, and wiped when that is over.
 *
 * A session may stand idle for days, so a timer wipes them.  Its handler interrupts
 * whatever runs here: it only overwrites values, and an entry is complete before it can
 * be seen.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/remember.h"
#include "port/atomics.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#define MOST_ENTRIES 200

typedef struct Entry
{
	char *key;
	char *value;
	size_t length;
	volatile TimestampTz until; /* DT_NOBEGIN: wiped */
	struct Entry *next;
} Entry;

static Entry *volatile entries = NULL;
static TimeoutId timer;
static bool registered = false;

static void
wipe(Entry *e)
{
	e->until = DT_NOBEGIN;
	explicit_bzero(e->value, e->length);
}

static void
wipe_old(void)
{
	TimestampTz now = GetCurrentTimestamp();

	for (Entry *e = entries; e; e = e->next)
		if (e->until <= now)
			wipe(e);
}

static void
set_timer(void)
{
	TimestampTz first = DT_NOEND;

	for (Entry *e = entries; e; e = e->next)
		if (e->until != DT_NOBEGIN)
			first = Min(first, e->until);
	if (first != DT_NOEND)
		enable_timeout_at(timer, Max(first, GetCurrentTimestamp() + USECS_PER_SEC));
}

static void
on_timer(void)
{
	wipe_old();
	set_timer();
}

/* An error in a session ends all of its timers */
static void
on_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT && entries != NULL)
		set_timer();
}

static Entry *
find(const char *key)
{
	for (Entry *e = entries; e; e = e->next)
		if (strcmp(e->key, key) == 0)
			return e;
	return NULL;
}

/* Takes one out of the list; what it held is gone */
static void
drop(Entry *gone)
{
	wipe(gone);
	if (entries == gone)
		entries = gone->next;
	else
		for (Entry *e = entries; e; e = e->next)
			if (e->next == gone)
				e->next = gone->next;
	pg_compiler_barrier();
	pfree(gone->key);
	pfree(gone->value);
	pfree(gone);
}

/* Wiped ones go, and one that ends soonest where there are too many */
static void
make_room(void)
{
	Entry *soonest = NULL;
	Entry *next;
	int n = 0;

	wipe_old();
	for (Entry *e = entries; e; e = next)
	{
		next = e->next;
		if (e->until == DT_NOBEGIN)
		{
			drop(e);
			continue;
		}
		n++;
		if (soonest == NULL || e->until < soonest->until)
			soonest = e;
	}
	if (n >= MOST_ENTRIES)
		drop(soonest);
}

void
remember(const char *key, const char *value, TimestampTz until)
{
	Entry *e;

	if (!registered)
	{
		timer = RegisterTimeout(USER_TIMEOUT, on_timer);
		RegisterXactCallback(on_transaction, NULL);
		registered = true;
	}
	forget(key);
	make_room();
	e = MemoryContextAlloc(TopMemoryContext, sizeof(Entry));
	e->key = MemoryContextStrdup(TopMemoryContext, key);
	e->value = MemoryContextStrdup(TopMemoryContext, value);
	e->length = strlen(value);
	e->until = until;
	e->next = entries;
	pg_compiler_barrier();
	entries = e;
	set_timer();
}

char *
recall(const char *key)
{
	Entry *e = find(key);
	char *copy;

	if (e == NULL || e->until <= GetCurrentTimestamp())
		return NULL;
	copy = palloc(e->length + 1);
	memcpy(copy, e->value, e->length + 1);
	/* the timer may have come in between */
	if (e->until != DT_NOBEGIN)
		return copy;
	pfree(copy);
	return NULL;
}

void
forget(const char *key)
{
	Entry *e = find(key);

	if (e)
		drop(e);
}
