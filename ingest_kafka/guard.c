/*
 * guard.c
 *		Where a producer may connect to.
 */
#include "ingest_kafka/guard.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/network.h"

typedef struct Networks
{
	int n;
	Network v[];
} Networks;

struct Guard
{
	pthread_mutex_t mutex;
	bool asked; /* for any address: a name was found */
	bool refused;
	char text[200];
};

/* Threads may be reading the one before: it stays.  It changes when a superuser changes a setting */
static _Atomic(Networks *) allowed = NULL;

bool
guard_allow(const char *networks)
{
	size_t most = 1;
	Networks *made;

	for (const char *c = networks; *c; c++)
		most += *c == ',';
	made = calloc(1, sizeof(Networks) + most * sizeof(Network));
	if (made == NULL)
		return false;
	for (const char *at = networks; *at;)
	{
		char one[64];
		size_t n = strcspn(at, ",");

		if (n >= sizeof(one))
		{
			free(made);
			return false;
		}
		memcpy(one, at, n);
		one[n] = '\0';
		if (!network_of(one, &made->v[made->n++]))
		{
			free(made);
			return false;
		}
		at += n;
		at += *at == ',';
	}
	atomic_store(&allowed, made);
	return true;
}

static void
note_asked(Guard *guard)
{
	pthread_mutex_lock(&guard->mutex);
	guard->asked = true;
	pthread_mutex_unlock(&guard->mutex);
}

static void
note(Guard *guard, const struct sockaddr *address, socklen_t length, const char *rule)
{
	char host[NI_MAXHOST];

	if (getnameinfo(address, length, host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0)
		strcpy(host, "?");
	pthread_mutex_lock(&guard->mutex);
	snprintf(guard->text, sizeof(guard->text), "%s: %s", host, rule);
	guard->refused = true;
	pthread_mutex_unlock(&guard->mutex);
}

/* In the place of connect(), on a socket that does not wait */
static int
guarded_connect(int fd, const struct sockaddr *address, int length, const char *id, void *opaque)
{
	Networks *now = atomic_load(&allowed);
	const char *rule = network_forbidden(address, now ? now->v : NULL, now ? now->n : 0);

	(void) id;
	note_asked(opaque);
	if (rule)
	{
		note(opaque, address, length, rule);
		return EACCES;
	}
	if (connect(fd, address, length) == 0 || errno == EINPROGRESS)
		return 0;
	return errno;
}

Guard *
guard_new(void)
{
	Guard *guard = calloc(1, sizeof(Guard));

	if (guard)
		pthread_mutex_init(&guard->mutex, NULL);
	return guard;
}

void
guard_free(Guard *guard)
{
	pthread_mutex_destroy(&guard->mutex);
	free(guard);
}

void
guard_set(rd_kafka_conf_t *conf, Guard *guard)
{
	rd_kafka_conf_set_opaque(conf, guard);
	rd_kafka_conf_set_connect_cb(conf, guarded_connect);
}

bool
guard_refused(Guard *guard, char *text, size_t room)
{
	bool refused;

	pthread_mutex_lock(&guard->mutex);
	refused = guard->refused;
	if (refused)
		snprintf(text, room, "nothing may be sent to its address: %s", guard->text);
	guard->refused = false;
	pthread_mutex_unlock(&guard->mutex);
	return refused;
}

bool
guard_asked(Guard *guard)
{
	bool asked;

	pthread_mutex_lock(&guard->mutex);
	asked = guard->asked;
	pthread_mutex_unlock(&guard->mutex);
	return asked;
}
