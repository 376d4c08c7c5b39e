/*
 * noreturn.h
 *		pg_noreturn, before a function that does not return: PostgreSQL has it since 18,
 *		and no longer pg_attribute_noreturn() behind.
 */
#ifndef COMMON_NORETURN_H
#define COMMON_NORETURN_H

#include "postgres.h"

#ifndef pg_noreturn
#define pg_noreturn _Noreturn
#endif

#endif /* COMMON_NORETURN_H */
