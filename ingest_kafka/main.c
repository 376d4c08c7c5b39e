/*
 * main.c
 *		ingest_kafka: speaks Kafka for ingest_delivery's worker, in a process of its own.
 *
 * It is begun by the worker with one end of a socket as its standard input, and ends with
 * it.  What it knows comes over that socket: it has neither arguments nor an environment.
 * A crash of it, or of what it links, is an error of the sinks that it served.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/frame.h"
#include "common/kafka_frame.h"
#include "ingest_kafka/producer.h"

#define CHANNEL STDIN_FILENO
/* Address space: what fifty busy sinks need, several times over */
#define MOST_MEMORY ((rlim_t) 2 * 1024 * 1024 * 1024)
/* Each sink has a few threads */
#define STACK (512 * 1024)
#define ARENAS 2
/* With more than this unsaid nothing more is listened to */
#define MOST_UNSAID (8 * 1024 * 1024)

static FrameBuffer in;
static FrameBuffer out;
static bool greeted = false;

static void
restrict_itself(void)
{
	struct rlimit memory = {MOST_MEMORY, MOST_MEMORY};
	struct rlimit none = {0, 0};
	pthread_attr_t threads;

	/* it ends with the worker even if it hangs; its memory holds secrets */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_AS, &memory);
	umask(077);
	/* SIGTERM ends it at once: what is not answered is sent again by whoever begins anew */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	mallopt(M_ARENA_MAX, ARENAS);
	pthread_attr_init(&threads);
	pthread_attr_setstacksize(&threads, STACK);
	pthread_setattr_default_np(&threads);
	pthread_attr_destroy(&threads);
}

static bool
is_channel(void)
{
	int type;
	socklen_t n = sizeof(type);

	return getsockopt(CHANNEL, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

static bool
pong(Frame *frame)
{
	uint32_t number = frame_get_u32(frame);

	frame_begin(&out, KAFKA_PONG);
	frame_u32(&out, number);
	return frame_is_whole(frame) && frame_end(&out);
}

static bool
hello(Frame *frame)
{
	uint32_t version = frame_get_u32(frame);
	const char *networks = frame_get_text(frame);

	greeted = frame_is_whole(frame) && version == KAFKA_FRAMES && producers_allow(networks);
	return greeted;
}

static bool
handle(Frame *frame)
{
	if (frame->kind != KAFKA_HELLO && !greeted)
		return false;
	switch (frame->kind)
	{
		case KAFKA_HELLO:
			return hello(frame);
		case KAFKA_OPEN:
			return producer_open(frame);
		case KAFKA_CLOSE:
			return producer_close(frame);
		case KAFKA_SEND:
			return producer_send(frame);
		case KAFKA_TOKEN:
			return producer_token(frame);
		case KAFKA_PING:
			return pong(frame);
		default:
			return false;
	}
}

/* _exit: nothing is taken down on the way out, since that waits for name servers and races with threads */
static void
listen_to_worker(void)
{
	Frame frame;
	int got;

	if (frame_receive(CHANNEL, &in) < 0)
		_exit(0);
	while ((got = frame_next(&in, &frame)) > 0)
		if (!handle(&frame))
			_exit(2);
	if (got < 0)
		_exit(2);
}

int
main(int argc, char **argv)
{
	int happened = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	bool more = false;

	(void) argc;
	(void) argv;
	if (!is_channel() || happened < 0)
	{
		fputs("ingest_kafka is started only by ingest_delivery\n", stderr);
		return 1;
	}
	restrict_itself();
	producers_begin(&out, happened);
	for (;;)
	{
		struct pollfd wait[2] = {{.fd = CHANNEL}, {.fd = happened, .events = POLLIN}};
		int again = producers_expire();
		uint64_t n;

		if (frame_flush(CHANNEL, &out) < 0)
			_exit(0);
		if (out.end - out.begin < MOST_UNSAID)
			wait[0].events |= POLLIN;
		if (out.begin < out.end)
			wait[0].events |= POLLOUT;
		if (poll(wait, 2, more ? 0 : again) < 0 && errno != EINTR)
			_exit(4);
		if (wait[0].revents & (POLLIN | POLLHUP | POLLERR))
			listen_to_worker();
		if (wait[1].revents & POLLIN)
			(void) !read(happened, &n, sizeof(n));
		/* it happens only where there was nothing before: so all is looked at each time, even without it */
		more = producers_look();
	}
}
