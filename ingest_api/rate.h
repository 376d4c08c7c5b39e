/*
 * rate.h
 *		How often somebody may ask within a minute: ingest_api.requests_per_minute.
 */
#ifndef API_RATE_H
#define API_RATE_H

#include "postgres.h"

/* Counts a request; 0: it may be answered, else after so many seconds another one may.  As the engine */
extern int rate_wait(const char *who);

/* The same of another limit than that of requests; 0: any number */
extern int rate_wait_within(const char *who, int limit);

#endif /* API_RATE_H */
