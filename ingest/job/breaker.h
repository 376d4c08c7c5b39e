/*
 * breaker.h
 *		Circuit breakers: a source that fails is left alone for a while.
 */
#ifndef INGEST_BREAKER_H
#define INGEST_BREAKER_H

#include "postgres.h"

#include "ingest/base/attempt.h"

/* How a job on a source went: NULL, well; 0: on none */
extern void breaker_note(int32 source, const Failure *failure);
/* Breakers whose time is over let one job try */
extern void breakers_half_open(void);

#endif /* INGEST_BREAKER_H */
