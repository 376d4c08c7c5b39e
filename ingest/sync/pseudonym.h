/*
 * pseudonym.h
 *		Values that must not be told: pseudonyms in their place, and errors that do not quote them.
 */
#ifndef INGEST_PSEUDONYM_H
#define INGEST_PSEUDONYM_H

#include "ingest/base/attempt.h"
#include "ingest/sync/sync.h"

/* May this role name a key like that? */
extern void pseudonym_require_key(Oid owner, const char *reference);
/* Until the transaction ends, as the owner, pseudonyms of this sync can be made */
extern void pseudonym_arm(const Sync *s);
/* What the key is known by: another one gives another */
extern char *pseudonym_key_hash(const Sync *s);
/* An error of the source's may quote a value that is not to be told: what is left of it is what it was */
extern void secrets_hide(const Copy *copy, Failure *failure);
/* Does it, and hides what its errors would tell */
extern void secrets_guard(const Copy *copy, void (*function)(void *), void *arg);

#endif /* INGEST_PSEUDONYM_H */
