/*
 * guard.h
 *		Where a producer may connect to: asked by librdkafka's threads, with the address that a name led to.
 *
 * Names of brokers come from the brokers themselves, so addresses are looked at where a
 * socket is connected, whoever named them.
 */
#ifndef KAFKA_GUARD_H
#define KAFKA_GUARD_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

typedef struct Guard Guard;

/* Networks that are allowed all the same: a list; false: it is none, and nothing has changed */
extern bool guard_allow(const char *networks);

/* NULL: there is no memory.  It lives as long as the producer that it was set for */
extern Guard *guard_new(void);
extern void guard_free(Guard *guard);
extern void guard_set(rd_kafka_conf_t *conf, Guard *guard);
/* The last address that was refused, and why; false: none was since it was asked last */
extern bool guard_refused(Guard *guard, char *text, size_t room);
/* Has any address been asked for?  Else no name has been found yet */
extern bool guard_asked(Guard *guard);

#endif /* KAFKA_GUARD_H */
