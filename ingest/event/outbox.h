/*
 * outbox.h
 *		What writers, readers and the publisher of events know in common.
 */
#ifndef INGEST_OUTBOX_H
#define INGEST_OUTBOX_H

#include "postgres.h"

#include "access/transam.h"

/* Where NOTIFY is heard */
#define EVENT_CHANNEL "ingest"

/*
 * All transactions that get their id from now on draw larger event ids than this one: ids are drawn by transactions
 * that have their transaction id already, and id was read before xid.
 */
typedef struct Horizon
{
	bool known; /* false: ids do not rise, as somebody gave the sequence a cache */
	int64 id;
	FullTransactionId xid;
} Horizon;

extern Horizon event_horizon(void);
/* Has this transaction not dropped the extension? */
extern bool event_outbox_is_there(void);

#endif /* INGEST_OUTBOX_H */
