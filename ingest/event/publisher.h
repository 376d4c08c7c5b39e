/*
 * publisher.h
 *		Who says by NOTIFY that there are events.
 *
 * NOTIFY in the transaction of the events holds a lock of the whole cluster until that
 * has committed, so that no two such transactions ever flush their WAL together.  With
 * the library preloaded it is therefore a process of the database that says so, after
 * the commit, once for all that have committed since it did so last.
 */
#ifndef INGEST_PUBLISHER_H
#define INGEST_PUBLISHER_H

#include "postgres.h"

/* This transaction wrote an event of this era, or is about to */
extern void publisher_expect(int32 era);

/* This process, connected to its database, is who says so from now on, in publisher_say_for */
extern void publisher_enter(void);
extern void publisher_say_for(long ms);

extern void publisher_settings(void);

#endif /* INGEST_PUBLISHER_H */
