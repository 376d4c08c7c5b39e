/*
 * owner.h
 *		What is done as the owner of what is worked on.
 */
#ifndef INGEST_OWNER_H
#define INGEST_OWNER_H

#include "postgres.h"

#include "ingest/base/attempt.h"

/* attempt_and_commit() as that role, with no rights of whoever called */
extern bool attempt_as_owner_and_commit(Oid owner, void (*function)(void *), void *arg, Failure *failure);

#endif /* INGEST_OWNER_H */
