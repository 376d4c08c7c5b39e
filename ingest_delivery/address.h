/*
 * address.h
 *		Where nothing may be sent to: addresses that lead back into this network.
 *
 * Names are not looked at, since whoever owns one says what it resolves to.  The address
 * is, where a socket is opened to it.
 */
#ifndef DELIVERY_ADDRESS_H
#define DELIVERY_ADDRESS_H

#include "postgres.h"

#include <sys/socket.h>

/* NULL: it may; else the rule, in words.  Does not throw */
extern const char *address_forbidden(const struct sockaddr *address);
/* The same of a URL's host, where that is an address: 127.1, 0x7f000001 and [::1], too.  NULL also for names */
extern const char *address_of_host_forbidden(const char *host);
/* Networks that are allowed all the same, as others can read them: a list separated by commas; in memory of its own */
extern const char *address_allowed(void);
extern void address_settings(void);

#endif /* DELIVERY_ADDRESS_H */
