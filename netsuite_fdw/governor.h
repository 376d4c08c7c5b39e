/*
 * governor.h
 *		What all backends share of an account: its concurrency, a token, counts.
 *
 * It needs shared memory: without netsuite_fdw in shared_preload_libraries each
 * backend is alone, and every function here says so.
 */
#ifndef NETSUITE_GOVERNOR_H
#define NETSUITE_GOVERNOR_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/* Which account: by its address and id */
typedef struct AccountKey
{
	uint64 hash[2];
} AccountKey;

/* Whose token: of a user mapping with the credentials that it has */
typedef struct TokenKey
{
	Oid database;
	Oid server;
	Oid mapping;
	uint64 hash[2];
} TokenKey;

typedef enum SlotResult
{
	SLOT_ALONE, /* not governed */
	SLOT_TAKEN,
	SLOT_WAIT /* others are before us, or all slots are taken */
} SlotResult;

typedef enum TokenResult
{
	TOKEN_ALONE, /* not shared */
	TOKEN_THERE,
	TOKEN_LOGIN, /* ours to get; say governor_login_over when it is over */
	TOKEN_WAIT   /* another backend is getting it: look again soon */
} TokenResult;

/* Requests to a server on one day (UTC) */
typedef struct Tally
{
	Oid database;
	Oid server;
	int32 day; /* DateADT */
	int64 requests;
	int64 retries;
	int64 refusals;
	int64 bytes;
	int64 waited_us; /* for a slot */
} Tally;

extern void governor_init(void);
extern bool governor_runs(void);

extern AccountKey governor_account(const char *base_url, const char *account);
extern SlotResult governor_take(const AccountKey *key, int limit, TimestampTz since, uint32 *lease);
extern void governor_give_back(const AccountKey *key, uint32 lease);
extern void governor_stand_in_line(const AccountKey *key, int limit, TimestampTz since);
extern void governor_leave_line(const AccountKey *key);
extern void governor_show(const AccountKey *key);
extern void governor_refused(const AccountKey *key, int limit, TimestampTz launched_at);
extern void governor_answered(const AccountKey *key, int limit, TimestampTz launched_at);
extern int governor_allowed(const AccountKey *key, int limit, int *in_use);

extern uint64 governor_hash(const char *const *texts, int n, uint64 seed);
extern TokenResult governor_token(const TokenKey *key, char **token, TimestampTz *expiry);
extern void governor_keep_token(const TokenKey *key, const char *token, TimestampTz expiry);
extern void governor_forget_token(const TokenKey *key, const char *token);
extern void governor_login_over(const TokenKey *key);

extern void governor_count(Oid server, const Tally *more);
extern List *governor_tallies(void);

#endif /* NETSUITE_GOVERNOR_H */
