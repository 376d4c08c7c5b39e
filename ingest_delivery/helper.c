/*
 * helper.c
 *		A program beside the server that does what must not be done in it.
 *
 * It has no arguments and no environment, and of this process's descriptors none but its
 * end of the socket: what it may know is told there.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/watch.h"
#include "ingest_delivery/helper.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

/* Silent for so long while something is waited for, it is asked; without an answer it is ended */
#define ASKED_AFTER (5 * USECS_PER_SEC)
#define ENDED_AFTER (15 * USECS_PER_SEC)
/* How long the status of one that closed its socket is waited for, in steps of a millisecond */
#define STEPS_TO_END 20

static const HelperUse *use = NULL;
static pid_t pid = 0; /* 0: none */
static pgsocket channel = PGINVALID_SOCKET;
static FrameBuffer in;
static FrameBuffer out;
static bool is_full; /* the socket: room in it is waited for */
static TimestampTz heard_at;
static TimestampTz asked_at; /* 0: it has answered */

bool
helper_runs(void)
{
	return pid != 0;
}

/* -- the end -- */

static const char *
in_words(int status)
{
	static char text[120];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "%s was ended by signal %d", use->program, WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "%s ended with code %d", use->program, WEXITSTATUS(status));
	return text;
}

/* It is gone when this returns; its status */
static int
bury(void)
{
	int status = 0;

	(void) watch_set(channel, WATCH_NOT, false);
	closesocket(channel);
	channel = PGINVALID_SOCKET;
	for (int i = 0; i < STEPS_TO_END; i++)
	{
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid || (got < 0 && errno == ECHILD))
			pid = 0;
		if (pid == 0)
			break;
		pg_usleep(1000);
	}
	if (pid != 0)
	{
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		pid = 0;
	}
	frame_free(&in);
	frame_free(&out);
	return status;
}

static void
lose(const char *why)
{
	int status = bury();

	use->lost(why ? why : in_words(status));
}

void
helper_end(void)
{
	if (pid == 0)
		return;
	kill(pid, SIGKILL);
	(void) bury();
}

/* -- what is said -- */

void
helper_listen(void)
{
	Frame frame;
	int got,
		more;

	if (pid == 0)
		return;
	while ((got = frame_receive(channel, &in)) > 0)
	{
		heard_at = GetCurrentTimestamp();
		while ((more = frame_next(&in, &frame)) > 0)
		{
			if (frame.kind == use->pong)
				asked_at = 0;
			else if (!use->hear(&frame))
				more = -1;
			if (more < 0)
				break;
		}
		if (more < 0)
		{
			kill(pid, SIGKILL);
			lose("its messages are not understood");
			return;
		}
	}
	if (got < 0)
		lose(NULL);
	else
		helper_flush();
}

void
helper_flush(void)
{
	int sent;

	if (pid == 0)
		return;
	sent = frame_flush(channel, &out);
	/* that it has gone is heard where it is listened to */
	if ((sent == 0) != is_full)
		is_full = watch_set(channel, sent == 0 ? WATCH_IN | WATCH_OUT : WATCH_IN, false) && sent == 0;
}

void
helper_check(void)
{
	TimestampTz now = GetCurrentTimestamp();

	if (pid == 0)
		return;
	if (asked_at == 0 && now > heard_at + ASKED_AFTER)
	{
		asked_at = now;
		frame_begin(&out, use->ping);
		frame_u32(&out, 1);
		(void) frame_end(&out);
		helper_flush();
	}
	else if (asked_at != 0 && now > asked_at + ENDED_AFTER)
	{
		kill(pid, SIGKILL);
		lose("it no longer answers");
	}
}

/* -- the beginning -- */

static int
spawn(const char *path, int end)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t signals;
	char *arguments[] = {unconstify(char *, use->program), NULL};
	char *environment[] = {NULL};
	int error;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, end, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&how);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&how, &signals);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&how, &signals);
	error = posix_spawn(&pid, path, &files, &how, arguments, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&how);
	if (error != 0)
		pid = 0;
	return error;
}

/* NULL: it runs */
static const char *
begin(void)
{
	static char text[200];
	char path[MAXPGPATH];
	int ends[2];
	int error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
	{
		snprintf(text, sizeof(text), "could not get a socket for %s: %s", use->program, strerror(errno));
		return text;
	}
	snprintf(path, sizeof(path), "%s/%s", pkglib_path, use->program);
	error = spawn(path, ends[1]);
	close(ends[1]);
	if (error != 0)
	{
		close(ends[0]);
		snprintf(text, sizeof(text), "%s could not be started: %s%s", use->program, strerror(error),
				 error == ENOENT ? "; where librdkafka-dev is missing, make leaves it out" : "");
		return text;
	}
	channel = ends[0];
	memset(&in, 0, sizeof(in));
	memset(&out, 0, sizeof(out));
	heard_at = GetCurrentTimestamp();
	asked_at = 0;
	is_full = false;
	if (!watch_set(channel, WATCH_IN, false))
	{
		helper_end();
		return "out of memory";
	}
	return NULL;
}

FrameBuffer *
helper_out(const HelperUse *wanted, const char **why)
{
	if (pid != 0)
		return &out;
	use = wanted;
	*why = begin();
	if (*why)
		return NULL;
	use->greet(&out);
	return &out;
}
