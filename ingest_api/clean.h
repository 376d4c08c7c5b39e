/*
 * clean.h
 *		What a request leaves in its session.
 */
#ifndef API_CLEAN_H
#define API_CLEAN_H

#include "postgres.h"

#include "common/attribute.h"

/* From here on it is looked at what is run */
extern void clean_begin(void);
/* Has something run of which nobody knows what it leaves?  The session is for nobody then */
extern bool clean_is_over(void);
/* An error goes on; a session in which something was left behind ends with it */
pg_noreturn extern void clean_rethrow(ErrorData *error);
/* Said when the library is loaded */
extern void clean_init(void);

#endif /* API_CLEAN_H */
