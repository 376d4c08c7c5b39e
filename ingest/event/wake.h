/*
 * wake.h
 *		Who is woken when events commit.
 *
 * A background process cannot LISTEN.  Those that wait for events have their latches
 * here, in shared memory, and whoever commits an event sets them.
 */
#ifndef INGEST_WAKE_H
#define INGEST_WAKE_H

/* From now on this process, connected to its database, is woken; false if there is no place for one more */
extern bool wake_enter(void);
/* When this transaction commits, those of this database are woken */
extern void wake_expect(void);
/* Now; may be called where nothing may fail */
extern void wake_readers(void);

extern void wake_settings(void);

#endif /* INGEST_WAKE_H */
