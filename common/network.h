/*
 * network.h
 *		Networks that nothing is sent to unless somebody allows it.
 *
 * Nothing here is PostgreSQL's: programs beside the server use it as well.
 */
#ifndef COMMON_NETWORK_H
#define COMMON_NETWORK_H

#include <stdbool.h>
#include <sys/socket.h>

/* An IPv4 network is the one of its mapped form */
typedef struct Network
{
	unsigned char address[16];
	int bits;
	const char *rule;
} Network;

/* What 10.1.0.0/16 or fd00::/8 says; false: it is none */
extern bool network_of(const char *text, Network *network);
/* NULL: something may be sent to the address; else the rule, in words.  Any thread may ask */
extern const char *network_forbidden(const struct sockaddr *address, const Network *allowed, int n);

#endif /* COMMON_NETWORK_H */
