/*
 * attempt.h
 *		What may fail without everything failing.
 */
#ifndef COMMON_ATTEMPT_H
#define COMMON_ATTEMPT_H

#include "postgres.h"

/*
 * In a subtransaction; NULL: it went well, else why not, in the current memory context.  A cancel, and the server's
 * end, go on as errors: what comes after is not wanted either.
 */
extern ErrorData *attempt(void (*what)(void *), void *arg);
/* The same for one of many: so does want of memory, disk or connections, which the others would meet as well */
extern ErrorData *attempt_one(void (*what)(void *), void *arg);

#endif /* COMMON_ATTEMPT_H */
