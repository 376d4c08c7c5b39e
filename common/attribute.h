/*
 * attribute.h
 *		What later versions of PostgreSQL say to the compiler, for earlier ones as well.
 */
#ifndef COMMON_ATTRIBUTE_H
#define COMMON_ATTRIBUTE_H

#include "postgres.h"

/* Before a function that does not return: since 18, instead of pg_attribute_noreturn() behind it */
#ifndef pg_noreturn
#define pg_noreturn _Noreturn
#endif

/* A case goes on into the next: since 19, in which a comment no longer says so */
#ifndef pg_fallthrough
#define pg_fallthrough __attribute__((fallthrough))
#endif

#endif /* COMMON_ATTRIBUTE_H */
