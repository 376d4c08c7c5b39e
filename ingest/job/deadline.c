/*
 * deadline.c
 *		How long a job may take.
 *
 * When its time is over it is cancelled, which is heard wherever PostgreSQL waits.  A
 * library that waits for its source by itself hears nothing, be it for hours.  So a
 * while later the connections that this process has opened are shut, too: who waits at
 * one is told by the system that it is gone, and ends with an error of its own, in
 * order.  The scheduler ends the process of a job that goes on nevertheless (process.c).
 */
#include "postgres.h"

#include <signal.h>
#include <sys/socket.h>

#include "ingest/base/attempt.h"
#include "ingest/job/deadline.h"
#include "miscadmin.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* PostgreSQL opens no more than max_files_per_process, 1,000, without being told to */
#define MOST_SOCKETS 4096

static volatile bool told_once;
/* Open before the first job was begun: the client's, or also another process's */
static bool not_ours[MOST_SOCKETS];

/* These two are called in a signal handler: of system calls such that may be */
static bool
is_socket(int fd)
{
	int type;
	socklen_t length = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

/* Whoever waits at a connection that was opened since the first job began is told that it has ended */
static void
shut_connections(void)
{
	for (int fd = 0; fd < MOST_SOCKETS; fd++)
	{
		if (!not_ours[fd] && is_socket(fd))
			(void) shutdown(fd, SHUT_RDWR);
	}
}

/* In a signal handler: the first time a cancel, then what nobody can miss */
static void
time_is_over(void)
{
	int errno_before = errno;

	(void) kill(MyProcPid, SIGINT);
	if (told_once)
	{
		attempt_is_late();
		shut_connections();
	}
	told_once = true;
	errno = errno_before;
}

/* Registered once in a process, whose connections of then are its own */
static TimeoutId
the_timeout(void)
{
	static TimeoutId timeout = MAX_TIMEOUTS;

	if (timeout == MAX_TIMEOUTS)
	{
		timeout = RegisterTimeout(USER_TIMEOUT, time_is_over);
		for (int fd = 0; fd < MOST_SOCKETS; fd++)
			not_ours[fd] = is_socket(fd);
	}
	return timeout;
}

void
deadline_begin(int ms, const char *words)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);

	told_once = false;
	attempt_deadline(until, words);
	enable_timeout_every(the_timeout(), until, DEADLINE_GRACE_MS);
}

void
deadline_end(void)
{
	disable_timeout(the_timeout(), false);
	attempt_deadline(0, NULL);
	/* what the job did not hear is for nobody else */
	QueryCancelPending = false;
}
