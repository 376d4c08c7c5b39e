/*
 * store.h
 *		The worker's statements: what it asks of the database and writes down there.
 *
 * All are called within store_begin and store_end: one transaction, in which nothing
 * waits for the network.
 */
#ifndef DELIVERY_STORE_H
#define DELIVERY_STORE_H

#include "postgres.h"

#include "ingest_delivery/sink.h"

extern void store_begin(const char *what);
extern void store_end(void);

/* Is the extension here, and of this library's version? */
extern bool store_finds_extension(void);
extern bool store_settings_changed(void);
/* As they are in the database; each in a memory context of its own, without what sink_begin makes */
extern void store_sinks(dlist_head *sinks);
/* Subjects that wait, as the database has them, and when the next is tried */
extern void store_waiting(Sink *sink);
/* What happened since: outcomes, attempts, state, place */
extern void store_mark(Sink *sink);
/* The next events of the sink's consumer, into its window, which has room for some more */
extern void store_read(Sink *sink);
extern bool store_has_room(const Sink *sink);
/* Events whose time has come again */
extern void store_read_again(Sink *sink);
/* Alerts that are open and that the sink is to tell once more */
extern void store_read_reminders(Sink *sink);
/* How far behind it is */
extern void store_look(Sink *sink);
/* Alerts of sinks are opened and closed, and the worker says that it lives */
extern void store_alerts(void);
/* What is too old to be sent, of a sink that says so, is passed over */
extern void store_expire(Sink *sink);
/* Looks up what the options of a sink refer to, as its owner */
extern void store_secrets(Sink *sink);
/* Nothing can be done for a sink until then */
extern void store_fault(int32 id, const char *error, TimestampTz until);
extern void store_prune(void);

/* Among themselves: when the next of those that wait is due; those of which nothing waits go on */
extern void store_ask_next_due(Sink *sink);
extern void store_unblock(Sink *sink, Datum *keys, int n);

#endif /* DELIVERY_STORE_H */
