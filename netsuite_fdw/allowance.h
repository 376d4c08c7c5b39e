/*
 * allowance.h
 *		How many requests at once an account is believed to take.
 */
#ifndef NETSUITE_ALLOWANCE_H
#define NETSUITE_ALLOWANCE_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct Allowance
{
	int allowed;            /* requests at once, now */
	int ceiling;            /* so many were refused, not long ago; 0: none are known to be too many */
	int quiet;              /* good replies since the last change */
	bool answered;          /* a good reply came since the last refusal */
	TimestampTz reduced_at; /* 0: never */
} Allowance;

extern void allowance_init(Allowance *a, int allowed);
extern void allowance_refused(Allowance *a, int limit, TimestampTz launched_at, TimestampTz now);
extern void allowance_answered(Allowance *a, int limit, TimestampTz launched_at, TimestampTz now);

#endif /* NETSUITE_ALLOWANCE_H */
