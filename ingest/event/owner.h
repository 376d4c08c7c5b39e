/*
 * owner.h
 *		Names of those whose events are in the outbox.
 */
#ifndef INGEST_EVENT_OWNER_H
#define INGEST_EVENT_OWNER_H

#include "postgres.h"

/* Is the role's name kept, as far as this transaction sees? */
extern bool event_owner_is_known(Oid role);
/* Sees to that, in this transaction; between sql_begin and sql_end */
extern void event_owner_know(Oid role);
/* The table may be another one now */
extern void event_owners_forget(void);

#endif /* INGEST_EVENT_OWNER_H */
