/*
 * member.h
 *		A member of an event's data, as it stands there.
 *
 * Data come from PostgreSQL as text of a jsonb in UTF-8, so nothing here needs a
 * transaction, an encoding or memory.
 */
#ifndef DELIVERY_MEMBER_H
#define DELIVERY_MEMBER_H

#include "postgres.h"

/* The value of a member of the outermost object; false: there is none.  Names with escapes in them are not found */
extern bool member_of(const char *json, const char *name, const char **value, size_t *length);
/* Is it that text? */
extern bool member_is(const char *json, const char *name, const char *text);

#endif /* DELIVERY_MEMBER_H */
