/*
 * watch.c
 *		files_watch(): wait until files may have changed.
 *
 * The kernel tells what happens in folders of its own (inotify); of others, such as those of the network, and of
 * containers elsewhere, a listing every poll does.  What was heard stays with the session, so that nothing is missed between two calls.  A hint only:
 * the listing is the truth.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/function.h"
#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "files_fdw/files_fdw.h"
#include "files_fdw/option.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/wait_event.h"

SQL_FUNCTION(files_watch);

#define MOST_WATCHES 8 /* servers of a session */
#define QUIET_MS 2100  /* nothing more was heard: whoever wrote has ended */
#define MOST_DELAY_MS 10000
#define MOST_WAIT_S 5
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR)

typedef struct Watch
{
	Oid serverid;
	char where[MAXPGPATH];
	int fd;        /* -1: the kernel does not tell */
	uint64 digest; /* of the last listing */
	TimestampTz listed;
	TimestampTz first; /* heard and not told yet; 0: nothing */
	TimestampTz last;
} Watch;

static Watch watches[MOST_WATCHES];
static int nwatches = 0;

static uint64
digest_of(Root *root)
{
	uint64 digest = 0;
	ListCell *lc;

	foreach (lc, root->routine->list(root, "**"))
	{
		const FileInfo *file = lfirst(lc);

		digest = hash_combine64(digest,
								hash_bytes_extended((const unsigned char *) file->path, (int) strlen(file->path), 0));
		digest = hash_combine64(
			digest, hash_bytes_extended((const unsigned char *) file->version, (int) strlen(file->version), 0));
	}
	return digest;
}

/* A folder that was opened beneath the root, whatever its path leads to now */
static void
listen_to(Watch *w, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	(void) inotify_add_watch(w->fd, path, EVENTS);
}

/* All folders, again whenever one is made: those that are known stay known */
static void
listen_to_all(Watch *w, Root *root)
{
	ListCell *lc;

	if (w->fd < 0)
		return;
	listen_to(w, local_root_fd(root));
	foreach (lc, local_folders(root))
	{
		int fd = local_folder_fd(root, lfirst(lc));

		if (fd < 0)
			continue;
		listen_to(w, fd);
		(void) close(fd);
	}
}

static void
note_change(Watch *w)
{
	w->last = GetCurrentTimestamp();
	if (w->first == 0)
		w->first = w->last;
}

static void
forget_watch(Watch *w)
{
	if (w->fd >= 0)
	{
		(void) close(w->fd);
		ReleaseExternalFD();
	}
	*w = watches[--nwatches];
}

/* This session's watch of the server; of a new one everything may have changed */
static Watch *
watch_of(ForeignServer *server, Root *root)
{
	Watch *w;

	for (int i = 0; i < nwatches; i++)
	{
		if (watches[i].serverid != server->serverid)
			continue;
		if (strcmp(watches[i].where, root->where) == 0)
			return &watches[i];
		forget_watch(&watches[i]);
		break;
	}
	if (nwatches == MOST_WATCHES)
		forget_watch(&watches[0]);
	w = &watches[nwatches];
	memset(w, 0, sizeof(Watch));
	w->serverid = server->serverid;
	strlcpy(w->where, root->where, sizeof(w->where));
	w->fd = -1;
	if (root_is_local(root) && AcquireExternalFD())
	{
		w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (w->fd < 0)
			ReleaseExternalFD();
	}
	nwatches++;
	listen_to_all(w, root);
	w->digest = digest_of(root);
	w->first = w->last = w->listed = GetCurrentTimestamp();
	return w;
}

/* What the kernel has told meanwhile */
static void
hear(Watch *w, Root *root)
{
	char events[8192] __attribute__((aligned(8)));
	bool folders = false;
	ssize_t n;

	while (w->fd >= 0 && (n = read(w->fd, events, sizeof(events))) > 0)
	{
		for (char *p = events; p < events + n;)
		{
			struct inotify_event *event = (struct inotify_event *) p;

			if ((event->mask & (IN_ISDIR | IN_Q_OVERFLOW)) || event->len == 0)
				folders = true;
			if (event->len == 0 || is_file_name(event->name))
				note_change(w);
			p += sizeof(struct inotify_event) + event->len;
		}
		CHECK_FOR_INTERRUPTS();
	}
	if (folders)
		listen_to_all(w, root);
}

static long
poll_ms(ForeignServer *server)
{
	const char *value = server_option(server, "poll");
	const char *hint;
	char *end;
	double ms;

	if (value == NULL)
		return 60000;
	ms = strtod(value, &end) * 1000;
	if (*end != '\0' && !parse_real(value, &ms, GUC_UNIT_MS, &hint))
		return 60000;
	return (long) Max(ms, 100);
}

/* Is it time to tell? */
static bool
has_settled(const Watch *w, TimestampTz now)
{
	return w->first != 0 &&
		   (now - w->last >= QUIET_MS * INT64CONST(1000) || now - w->first >= MOST_DELAY_MS * INT64CONST(1000));
}

/* Wait; true: something may have changed */
static bool
wait_for_change(Watch *w, ForeignServer *server, Root *root, TimestampTz until)
{
	long poll = poll_ms(server);

	for (;;)
	{
		TimestampTz now;
		TimestampTz wake;
		MemoryContext context;
		MemoryContext old;

		hear(w, root);
		now = GetCurrentTimestamp();
		if (now - w->listed >= poll * INT64CONST(1000) || now < w->listed)
		{
			uint64 digest;

			context = AllocSetContextCreate(CurrentMemoryContext, "files watch", ALLOCSET_DEFAULT_SIZES);
			old = MemoryContextSwitchTo(context);
			digest = digest_of(root);
			MemoryContextSwitchTo(old);
			MemoryContextDelete(context);
			if (digest != w->digest)
				note_change(w);
			w->digest = digest;
			now = w->listed = GetCurrentTimestamp();
		}
		if (has_settled(w, now))
			return true;
		if (now >= until)
			return false;
		wake = Min(until, w->listed + poll * INT64CONST(1000));
		if (w->first != 0)
			wake = Min(wake, Min(w->last + QUIET_MS * INT64CONST(1000), w->first + MOST_DELAY_MS * INT64CONST(1000)));
		(void) WaitLatchOrSocket(
			MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | (w->fd >= 0 ? WL_SOCKET_READABLE : 0),
			w->fd >= 0 ? w->fd : PGINVALID_SOCKET, Max(1, TimestampDifferenceMilliseconds(now, wake)),
			PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static TimestampTz
end_of(Interval *wait)
{
	double seconds = (double) wait->time / USECS_PER_SEC +
					 ((double) wait->day + (double) wait->month * DAYS_PER_MONTH) * SECS_PER_DAY;

	/* no longer: a statement that waits holds back what others may clean up */
	seconds = Max(0, Min(seconds, MOST_WAIT_S));
	return GetCurrentTimestamp() + (int64) (seconds * USECS_PER_SEC);
}

Datum
files_watch(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ForeignServer *server = files_server(NameStr(*PG_GETARG_NAME(0)));
	TimestampTz until = end_of(PG_GETARG_INTERVAL_P(1));
	Root *root = root_of(server, GetUserId());
	Watch *w;

	rows_begin(fcinfo);
	w = watch_of(server, root);
	if (wait_for_change(w, server, root, until))
	{
		Datum value = (Datum) 0;
		bool isnull = true;

		w->first = 0;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	return (Datum) 0;
}
