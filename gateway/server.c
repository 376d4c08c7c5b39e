/*
 * server.c
 *		The loop: one thread, one epoll, clients and the database alike.
 *
 * It always accepts.  Beyond the limit the client that has been idle for longest makes
 * room, and if none is idle the new one is told 503 and closed: a listener that stops
 * accepting looks dead to whoever asks how it is.
 */
#include "gateway/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/connection.h"
#include "gateway/export.h"
#include "gateway/keys.h"
#include "gateway/log.h"
#include "gateway/pool.h"
#include "gateway/stream.h"
#include "gateway/tls.h"

/* Deadlines are looked at so often */
#define TICK_MS 250
/* Those under way when it is told to end have so long */
#define DRAIN_MS (15 * 1000)
#define MOST_LISTENERS 8

Options options;

static int loop = -1;
static Watch listeners[MOST_LISTENERS];
static int n_listeners = 0;
static Watch signals;
static Connection *all = NULL;
static Connection *changed = NULL;
static Connection *dead = NULL;
static int n_connections = 0;
static int64_t drain_until = 0;

int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

int
server_connections(void)
{
	return n_connections;
}

bool
server_draining(void)
{
	return drain_until != 0;
}

/* -- descriptors -- */

void
watch_begin(Watch *w, int fd, uint32_t events, void (*ready)(void *of, uint32_t events), void *of)
{
	struct epoll_event event = {.events = events, .data.ptr = w};

	*w = (Watch){fd, events, ready, of};
	if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
		give_up("a descriptor cannot be watched: %s", strerror(errno));
}

void
watch_change(Watch *w, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = w};

	if (w->fd < 0 || w->events == events)
		return;
	w->events = events;
	(void) epoll_ctl(loop, EPOLL_CTL_MOD, w->fd, &event);
}

void
watch_end(Watch *w)
{
	if (w->fd >= 0)
		(void) epoll_ctl(loop, EPOLL_CTL_DEL, w->fd, NULL);
	w->fd = -1;
}

/* -- clients -- */

static void
client_ready(void *of, uint32_t events)
{
	Connection *c = of;

	if (!c->gone)
		connection_ready(c, events);
}

/* Told to the kernel at the end of the turn, if it is still so */
void
server_wants(Connection *c, uint32_t events)
{
	c->events = events | EPOLLRDHUP;
	if (c->changed)
		return;
	c->changed = true;
	c->next_changed = changed;
	changed = c;
}

/* Events of this turn may still mean it */
void
server_forget(Connection *c)
{
	c->gone = true;
	watch_end(c->watch);
	close(c->fd);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->next = dead;
	dead = c;
	n_connections--;
}

static void
settle(void)
{
	while (changed)
	{
		Connection *c = changed;

		changed = c->next_changed;
		if (!c->gone && (c->state == WRITING || c->state == STREAMING))
		{
			/* most answers leave at once; what a slow reader leaves over waits for him, and is not tried again here */
			bool same = connection_flush(c);

			c->changed = false;
			if (!c->gone && !same)
				server_wants(c, c->events);
			if (!same)
				continue;
		}
		c->changed = false;
		if (c->gone)
			continue;
		/* whoever only waits is not looked at when the other half is closed: it may still read */
		watch_change(c->watch, c->state == ANSWERING || c->state == STREAMING ? c->events : c->events & ~(uint32_t) EPOLLRDHUP);
	}
	while (dead)
	{
		Connection *c = dead;

		dead = c->next;
		free(c->watch);
		free(c);
	}
}

static bool
shed_idle(void)
{
	Connection *oldest = NULL;

	for (Connection *c = all; c; c = c->next)
		if (c->state == IDLE && (oldest == NULL || c->idle_since < oldest->idle_since))
			oldest = c;
	if (oldest == NULL)
		return false;
	connection_free(oldest);
	return true;
}

static void
turn_away(int fd)
{
	char unread[4096];
	static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";

	if (options.certificate == NULL)
		(void) !send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	/* what is closed with something unread takes its own answer back */
	shutdown(fd, SHUT_WR);
	(void) !recv(fd, unread, sizeof(unread), MSG_DONTWAIT);
	close(fd);
}

static void
peer_name(const struct sockaddr *address, char *to, size_t size)
{
	const void *at = address->sa_family == AF_INET6 ? (const void *) &((const struct sockaddr_in6 *) address)->sin6_addr : (const void *) &((const struct sockaddr_in *) address)->sin_addr;

	if (inet_ntop(address->sa_family, at, to, size) == NULL)
		snprintf(to, size, "?");
}

static void
welcome(int fd, const struct sockaddr *address)
{
	char peer[64];
	int on = 1;
	SSL *ssl = NULL;
	Connection *c;

	if (n_connections >= options.most_connections && !shed_idle())
	{
		turn_away(fd);
		return;
	}
	if (options.certificate && (ssl = tls_new(fd)) == NULL)
	{
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	peer_name(address, peer, sizeof(peer));
	c = connection_new(fd, ssl, peer);
	c->watch = need(sizeof(Watch));
	c->next = all;
	c->link = &all;
	if (all)
		all->link = &c->next;
	all = c;
	n_connections++;
	watch_begin(c->watch, fd, EPOLLIN, client_ready, c);
}

static void
listener_ready(void *of, uint32_t events)
{
	Watch *listener = of;

	(void) events;
	/* others have their turn in between */
	for (int i = 0; i < 64; i++)
	{
		struct sockaddr_storage address;
		socklen_t size = sizeof(address);
		int fd = accept4(listener->fd, (struct sockaddr *) &address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
		{
			welcome(fd, (struct sockaddr *) &address);
			continue;
		}
		/* without descriptors an idle one must go, or this would be told for ever */
		if ((errno == EMFILE || errno == ENFILE) && shed_idle())
		{
			settle();
			continue;
		}
		return;
	}
}

/* -- addresses -- */

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr) >> 24) == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) address)->sin6_addr);
}

static void
listen_to(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
		on = 1;

	if (!is_loopback(a->ai_addr) && options.certificate == NULL && !options.behind_proxy)
		give_up("%s is not this machine's own address: give --tls-cert and --tls-key, or --behind-proxy if a proxy in front speaks TLS", options.listen);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (fd < 0 || bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, 1024) != 0)
		give_up("cannot listen on %s: %s", options.listen, strerror(errno));
	watch_begin(&listeners[n_listeners], fd, EPOLLIN, listener_ready, &listeners[n_listeners]);
	n_listeners++;
}

static void
listen_all(void)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found;
	char host[256];
	const char *colon = strrchr(options.listen, ':');
	size_t n;
	int code;

	if (colon == NULL || (size_t) (colon - options.listen) >= sizeof(host))
		give_up("--listen wants address:port, not %s", options.listen);
	n = colon - options.listen;
	memcpy(host, options.listen, n);
	host[n] = '\0';
	if (n > 1 && host[0] == '[' && host[n - 1] == ']')
	{
		memmove(host, host + 1, n - 2);
		host[n - 2] = '\0';
	}
	code = getaddrinfo(host[0] ? host : NULL, colon + 1, &hints, &found);
	if (code != 0)
		give_up("%s is no address: %s", options.listen, gai_strerror(code));
	for (struct addrinfo *a = found; a && n_listeners < MOST_LISTENERS; a = a->ai_next)
		listen_to(a);
	freeaddrinfo(found);
}

/* -- signals -- */

static void
drain(void)
{
	if (server_draining())
		return;
	log_line("info", "ending: what is under way is answered first");
	drain_until = now_ms() + DRAIN_MS;
	for (int i = 0; i < n_listeners; i++)
	{
		int fd = listeners[i].fd;

		watch_end(&listeners[i]);
		close(fd);
	}
	stream_drain();
	for (Connection *c = all, *next; c; c = next)
	{
		next = c->next;
		if (c->state == IDLE || c->state == HANDSHAKE)
			connection_free(c);
	}
}

static void
signal_ready(void *of, uint32_t events)
{
	struct signalfd_siginfo info;

	(void) of;
	(void) events;
	while (read(signals.fd, &info, sizeof(info)) == sizeof(info))
	{
		if (info.ssi_signo == SIGHUP)
		{
			tls_reload();
			keys_reload();
		}
		else
			drain();
	}
}

static void
take_signals(void)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		give_up("signals cannot be taken: %s", strerror(errno));
	watch_begin(&signals, fd, EPOLLIN, signal_ready, NULL);
}

/* -- the loop -- */

static void
tick(int64_t now)
{
	for (Connection *c = all, *next; c; c = next)
	{
		next = c->next;
		if (now >= c->deadline)
			connection_expire(c);
	}
	pool_tick(now);
	stream_tick(now);
	keys_tick(now);
	export_tick(now);
}

int
server_run(void)
{
	struct epoll_event events[256];
	int64_t ticked = 0;

	loop = epoll_create1(EPOLL_CLOEXEC);
	if (loop < 0)
		give_up("there is no epoll: %s", strerror(errno));
	take_signals();
	if (options.certificate)
		tls_begin();
	listen_all();
	pool_begin();
	log_line("info", "listening on %s", options.listen);
	for (;;)
	{
		int n = epoll_wait(loop, events, 256, TICK_MS);
		int64_t now;

		for (int i = 0; i < n; i++)
		{
			Watch *w = events[i].data.ptr;

			if (w->fd >= 0)
				w->ready(w->of, events[i].events);
		}
		now = now_ms();
		if (now >= ticked + TICK_MS)
		{
			ticked = now;
			tick(now);
		}
		settle();
		if (server_draining() && (n_connections == 0 || now >= drain_until))
			return 0;
	}
}
