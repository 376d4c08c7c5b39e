/*
 * remember.h
 *		Secrets that are kept in the process's memory for a while, and wiped when that is over.
 */
#ifndef COMMON_REMEMBER_H
#define COMMON_REMEMBER_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern void remember(const char *key, const char *value, TimestampTz until);
/* A copy, palloc'd; NULL: it is not known any more */
extern char *recall(const char *key);
extern void forget(const char *key);

#endif /* COMMON_REMEMBER_H */
