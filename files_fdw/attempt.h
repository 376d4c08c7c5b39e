/*
 * attempt.h
 *		What may fail without everything failing.
 */
#ifndef FILES_ATTEMPT_H
#define FILES_ATTEMPT_H

#include "postgres.h"

/*
 * In a subtransaction; NULL: it went well, else why not.  What no other attempt would help either (cancelling, want of
 * memory) goes on as an error.
 */
extern ErrorData *attempt_in_subtransaction(void (*what)(void *), void *arg);

#endif /* FILES_ATTEMPT_H */
