/*
 * rate.c
 *		How often somebody may ask within a minute.
 *
 * Each session counts for itself, and once a second writes what it counted as a row of its
 * own, where it also reads what all have counted: no request waits for another one's lock,
 * and of a second's requests at most those of the other sessions are not known.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "common/door.h"
#include "executor/spi.h"
#include "ingest_api/api.h"
#include "ingest_api/rate.h"
#include "ingest_api/statement.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define NAME_SIZE 64
#define MOST_KNOWN 4096
#define MINUTE (60 * USECS_PER_SEC)

typedef struct Count
{
	char who[NAME_SIZE];
	int64 own;          /* counted here, not yet written */
	int64 written;      /* here, by the transaction that wrote last */
	TransactionId xid;  /* which that was: if it did not commit, nobody knows of them */
	TimestampTz at;     /* when that was */
	int64 known;        /* of all sessions, within a minute, at that time */
	TimestampTz oldest; /* since when */
} Count;

static HTAB *counts = NULL;

static Count *
count_of(const char *who)
{
	char key[NAME_SIZE] = {0};
	bool found;
	Count *c;

	if (counts && hash_get_num_entries(counts) >= MOST_KNOWN)
	{
		hash_destroy(counts);
		counts = NULL;
	}
	if (counts == NULL)
	{
		HASHCTL control = {.keysize = NAME_SIZE, .entrysize = sizeof(Count), .hcxt = TopMemoryContext};

		counts = hash_create("requests of a minute", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	strlcpy(key, who, NAME_SIZE);
	c = hash_search(counts, key, HASH_ENTER, &found);
	if (!found)
		memset((char *) c + NAME_SIZE, 0, sizeof(Count) - NAME_SIZE);
	return c;
}

static void
write_own(Count *c)
{
	static SPIPlanPtr plan = NULL;
	static Oid types[] = {TEXTOID, INT8OID};
	Datum values[] = {CStringGetTextDatum(c->who), Int64GetDatum(c->own)};

	(void) SPI_execute_plan(own_plan(&plan, "INSERT INTO ingest_api_internal.asked (who, n) VALUES ($1, $2)", 2, types), values, NULL, false, 0);
	c->written = c->own;
	c->xid = GetTopTransactionId();
	c->own = 0;
}

static void
read_all(Count *c, TimestampTz now)
{
	static SPIPlanPtr plan = NULL;
	static Oid types[] = {TEXTOID};
	Datum value = CStringGetTextDatum(c->who);
	bool isnull;

	if (SPI_execute_plan(own_plan(&plan, "SELECT coalesce(sum(n), 0)::bigint, min(at) FROM ingest_api_internal.asked WHERE who = $1 AND at > clock_timestamp() - interval '1 min'", 1, types), &value, NULL,
						 false, 1) != SPI_OK_SELECT)
		elog(ERROR, "what was asked is not known");
	c->known = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	c->oldest = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	if (isnull)
		c->oldest = now;
}

/* What is here goes there, and what is there comes here */
static void
exchange(Count *c, TimestampTz now)
{
	Identity saved;

	become_engine(&saved);
	if (TransactionIdIsValid(c->xid) && !TransactionIdIsCurrentTransactionId(c->xid) && !TransactionIdDidCommit(c->xid))
		c->own += c->written;
	c->xid = InvalidTransactionId;
	if (c->own > 0)
		write_own(c);
	read_all(c, now);
	c->at = now;
	become_again(&saved);
}

/* Where nothing can be written each session counts alone, minute by minute */
static void
begin_anew(Count *c, TimestampTz now)
{
	if (now < c->at + MINUTE)
		return;
	c->own = 0;
	c->known = 0;
	c->oldest = c->at = now;
}

int
rate_wait_within(const char *who, int limit)
{
	TimestampTz now = GetCurrentTimestamp();
	Count *c;

	if (limit == 0 || who == NULL)
		return 0;
	c = count_of(who);
	if (RecoveryInProgress() || XactReadOnly)
		begin_anew(c, now);
	else if (now >= c->at + USECS_PER_SEC || now < c->at)
		exchange(c, now);
	if (c->known + c->own >= limit)
		return Max(1, (int) ((c->oldest + MINUTE - now) / USECS_PER_SEC) + 1);
	c->own++;
	return 0;
}

int
rate_wait(const char *who)
{
	return rate_wait_within(who, api_requests);
}
