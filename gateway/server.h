/*
 * server.h
 *		The loop: one thread, one epoll, clients and the database alike.
 */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include <stdbool.h>
#include <stdint.h>

/* A descriptor in the loop */
typedef struct Watch
{
	int fd;
	uint32_t events;
	void (*ready)(void *of, uint32_t events);
	void *of;
} Watch;

extern void watch_begin(Watch *watch, int fd, uint32_t events, void (*ready)(void *of, uint32_t events), void *of);
extern void watch_change(Watch *watch, uint32_t events);
extern void watch_end(Watch *watch);

typedef struct Options
{
	const char *listen; /* address:port, with brackets for IPv6 */
	const char *dsn;
	const char *certificate;
	const char *key;
	const char *jwks;       /* file or address; NULL: none */
	const char *jwt_secret; /* file; NULL: none */
	const char *files;      /* folder of static files; NULL: none */
	const char *console;    /* folder of the console's; NULL: where they were installed */
	bool behind_proxy;
	int most_connections;
	int pool;
	int timeout_s; /* of a request */
} Options;

extern Options options;

/* Until it has been told to end and everything under way has come to its end; the exit status */
extern int server_run(void);

#endif /* GATEWAY_SERVER_H */
