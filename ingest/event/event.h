/*
 * event.h
 *		The outbox: events in the transaction of what they tell.
 */
#ifndef INGEST_EVENT_H
#define INGEST_EVENT_H

#include "postgres.h"

/* source: name of a data source, or NULL; data: a JSON object */
/* About nothing that is a source's: for its owner alone */
extern void event_emit_for(Oid owner, const char *type, const char *subject, const char *data);
extern void event_emit(const char *type, const char *source, const char *subject, const char *data);
/* CloudEvents' source: /ingest/cluster/database, and the data source after it */
extern char *event_source_of(const char *source);
/* To be called before a statement that writes rows of ingest.event itself */
extern void event_expect(void);

/* Settings of this room */
extern void event_settings(void);

#endif /* INGEST_EVENT_H */
