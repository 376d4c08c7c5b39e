/*
 * once.h
 *		Idempotency-Key: what was done by a request is not done again, and is answered as it was then.
 */
#ifndef API_ONCE_H
#define API_ONCE_H

#include "postgres.h"

#include "ingest_api/api.h"

/*
 * Something is to be done.  True: it was, or cannot be under this key, and the answer says so.
 * Waits for whoever is at it under the same key.
 */
extern bool once_known(const Request *request, Answer *answer);
/* It was done, in this transaction; shown: the answer is for once, and is not kept */
extern void once_done(const Request *request, bool shown, const Answer *answer);

#endif /* API_ONCE_H */
