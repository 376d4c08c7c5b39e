/*
 * watch.c
 *		Sockets that the event loop waits for, besides the latch.
 */
#include "postgres.h"

#include "common/watch.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

typedef struct Watched
{
	pgsocket fd;
	int what;
	bool of_curl;
} Watched;

static Watched *watched = NULL; /* by malloc: libcurl's callbacks must not throw */
static int nwatched = 0;
static int room = 0;
static bool changed = true;
static WaitEventSet *wait_set = NULL;
static WaitEvent *events = NULL; /* room for all of its events */
static int events_room = 0;

bool
watch_reserve(int more)
{
	int n = nwatched + more;
	Watched *grown;

	if (n <= room)
		return true;
	n = Max(n, room * 2);
	grown = realloc(watched, n * sizeof(Watched));
	if (grown == NULL)
		return false;
	watched = grown;
	room = n;
	return true;
}

bool
watch_set(pgsocket fd, int what, bool of_curl)
{
	int i;

	for (i = 0; i < nwatched && watched[i].fd != fd; i++)
		;
	changed = true;
	if (what == WATCH_NOT)
	{
		if (i < nwatched)
			watched[i] = watched[--nwatched];
		return true;
	}
	if (i == nwatched)
	{
		if (!watch_reserve(1))
			return false;
		watched[nwatched++].fd = fd;
	}
	watched[i].what = what;
	watched[i].of_curl = of_curl;
	return true;
}

void
watch_forget_curl(void)
{
	for (int i = nwatched - 1; i >= 0; i--)
		if (watched[i].of_curl)
			watched[i] = watched[--nwatched];
	changed = true;
}

static void
rebuild(void)
{
	if (wait_set != NULL)
		FreeWaitEventSet(wait_set);
	wait_set = NULL;
	/* the latch and the postmaster's death are events as well */
	if (events == NULL || events_room < nwatched + 2)
	{
		if (events != NULL)
			pfree(events);
		events = NULL;
		events = MemoryContextAlloc(TopMemoryContext, (nwatched + 2) * sizeof(WaitEvent));
		events_room = nwatched + 2;
	}
#if PG_VERSION_NUM >= 170000
	wait_set = CreateWaitEventSet(NULL, nwatched + 2);
#else
	wait_set = CreateWaitEventSet(TopMemoryContext, nwatched + 2);
#endif
	AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < nwatched; i++)
	{
		uint32 wanted = 0;

		if (watched[i].what & WATCH_IN)
			wanted |= WL_SOCKET_READABLE;
		if (watched[i].what & WATCH_OUT)
			wanted |= WL_SOCKET_WRITEABLE;
		if (wanted != 0)
			AddWaitEventToSet(wait_set, wanted, watched[i].fd, NULL, NULL);
	}
	changed = false;
}

int
watch_wait(long timeout_ms, WaitEvent **happened)
{
	if (changed || wait_set == NULL)
		rebuild();
	*happened = events;
	return WaitEventSetWait(wait_set, timeout_ms, events, nwatched + 2, PG_WAIT_EXTENSION);
}
