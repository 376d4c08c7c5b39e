/*
 * governor.c
 *		One account, many backends.
 *
 * NetSuite refuses what exceeds the account's concurrency, and nothing queues
 * there.  So requests queue here: a slot is taken before one leaves and given
 * back when its reply is there, its query is cancelled or its backend ends.
 *
 * Slots go to the waiting backend that has the fewest, among equals to the one
 * that waits longest.  Nobody is handed a slot: it is woken and takes it, for a
 * backend that has turned to its client again, or stands still, must not hold
 * what others need.  For the same reason slots are lent: those of a backend that
 * has not looked after its requests for a while, such as one with an open cursor
 * whose client is away, go back, since their requests have long been answered.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "miscadmin.h"
#include "netsuite_fdw/allowance.h"
#include "netsuite_fdw/compat.h"
#include "netsuite_fdw/governor.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#define MAX_ACCOUNTS 64
#define MAX_TOKENS 128
#define MAX_TALLIES 1024
#define TOKEN_SIZE 4096
#define LEASE_MS 5000  /* a backend that looks after its requests does so each second */
#define LOGIN_MS 30000 /* then another may try */
#define UNLIMITED 1000000
#define TRANCHE "netsuite_fdw"

/* A backend's place at an account */
typedef struct Seat
{
	int running;       /* slots that it has */
	uint32 lease;      /* changes when they are taken from it */
	int limit;         /* of the server that it asks for */
	TimestampTz since; /* it waits since then; 0: it does not */
	TimestampTz seen;  /* when it last looked after its requests */
} Seat;

typedef struct Account
{
	AccountKey key;
	bool used;
	int running;
	Allowance allowance;
	TimestampTz seen;
} Account;

typedef struct SharedToken
{
	TokenKey key;
	TimestampTz seen;
	TimestampTz expiry;
	TimestampTz login_since; /* a backend is getting a token since then; 0: none */
	int login_by;
	char token[TOKEN_SIZE]; /* wiped when it is over */
} SharedToken;

typedef struct Shared
{
	LWLock *lock;
	Account accounts[MAX_ACCOUNTS];
	SharedToken tokens[MAX_TOKENS];
	Tally tallies[MAX_TALLIES]; /* those with a server are in use */
	Seat seats[FLEXIBLE_ARRAY_MEMBER];
} Shared;

static Shared *shared = NULL;
static bool exit_registered = false;
static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;

/* -- shared memory -- */

static int
n_seats(void)
{
	return MaxBackends + NUM_AUXILIARY_PROCS;
}

static Size
shared_size(void)
{
	return add_size(offsetof(Shared, seats),
					mul_size(mul_size(n_seats(), MAX_ACCOUNTS), sizeof(Seat)));
}

static void
request_memory(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(shared_size());
	RequestNamedLWLockTranche(TRANCHE, 1);
}

static void
start_memory(void)
{
	bool found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct(TRANCHE, shared_size(), &found);
	if (!found)
	{
		memset(shared, 0, shared_size());
		shared->lock = &GetNamedLWLockTranche(TRANCHE)->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

/* When the library is loaded; only the postmaster can reserve shared memory */
void
governor_init(void)
{
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	previous_request = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = start_memory;
}

bool
governor_runs(void)
{
	return shared != NULL;
}

/* Two halves of a fingerprint are two hashes with seeds of their own */
uint64
governor_hash(const char *const *texts, int n, uint64 seed)
{
	for (int i = 0; i < n; i++)
	{
		const char *text = texts[i] ? texts[i] : "";

		/* with its end, so that "a", "bc" is not "ab", "c" */
		seed = DatumGetUInt64(hash_any_extended((const unsigned char *) text, strlen(text) + 1, seed));
	}
	return seed;
}

/* -- accounts -- */

static Seat *
seats_of(Account *a)
{
	return &shared->seats[(a - shared->accounts) * n_seats()];
}

static Seat *
my_seat(Account *a)
{
	return &seats_of(a)[my_proc_number()];
}

AccountKey
governor_account(const char *base_url, const char *account)
{
	const char *texts[] = {base_url, account};
	AccountKey key;

	key.hash[0] = governor_hash(texts, lengthof(texts), 1);
	key.hash[1] = governor_hash(texts, lengthof(texts), 2);
	return key;
}

static bool
is_old(TimestampTz seen, TimestampTz now)
{
	return TimestampDifferenceExceeds(seen, now, LEASE_MS);
}

/* Take back what backends that do not look after it have */
static void
end_leases(Account *a, TimestampTz now)
{
	Seat *seats = seats_of(a);

	for (int i = 0; i < n_seats(); i++)
	{
		if (seats[i].running == 0 || !is_old(seats[i].seen, now))
			continue;
		a->running -= seats[i].running;
		seats[i].running = 0;
		seats[i].lease++;
	}
}

static bool
waits(const Seat *seat, TimestampTz now)
{
	return seat->since != 0 && !is_old(seat->seen, now);
}

/*
 * May one more leave under a server's limit?  Each limit counts what runs under
 * it, so that a server with a small one is not held up by those with larger
 * ones; all together have no more than the largest.
 */
static bool
has_room(Account *a, int limit, TimestampTz now)
{
	Seat *seats = seats_of(a);
	int running = 0;
	int widest = limit;

	for (int i = 0; i < n_seats(); i++)
	{
		if (seats[i].limit == limit)
			running += seats[i].running;
		if (seats[i].running > 0 || waits(&seats[i], now))
			widest = Max(widest, seats[i].limit);
	}
	return running < limit && a->running < Min(widest, a->allowance.allowed);
}

/* The one whose turn it is, of those that may have one more; NULL if nobody waits */
static Seat *
first_in_line(Account *a, TimestampTz now)
{
	Seat *seats = seats_of(a);
	Seat *first = NULL;

	for (int i = 0; i < n_seats(); i++)
	{
		Seat *s = &seats[i];

		if (waits(s, now) &&
			(first == NULL || s->running < first->running ||
			 (s->running == first->running && s->since < first->since)) &&
			has_room(a, s->limit, now))
			first = s;
	}
	return first;
}

static void
wake_first(Account *a, TimestampTz now)
{
	Seat *first = first_in_line(a, now);

	if (first != NULL)
		SetLatch(&ProcGlobal->allProcs[first - seats_of(a)].procLatch);
}

static Account *
find_account(const AccountKey *key)
{
	for (int i = 0; i < MAX_ACCOUNTS; i++)
	{
		Account *a = &shared->accounts[i];

		if (a->used && memcmp(&a->key, key, sizeof(AccountKey)) == 0)
			return a;
	}
	return NULL;
}

static bool
is_idle(Account *a, TimestampTz now)
{
	end_leases(a, now);
	return a->running == 0 && first_in_line(a, now) == NULL;
}

/* The account, made if it is not known; NULL if more than MAX_ACCOUNTS are busy */
static Account *
get_account(const AccountKey *key, TimestampTz now)
{
	Account *a = find_account(key);

	for (int i = 0; a == NULL && i < MAX_ACCOUNTS; i++)
	{
		if (!shared->accounts[i].used)
			a = &shared->accounts[i];
	}
	if (a == NULL)
	{
		for (int i = 0; i < MAX_ACCOUNTS; i++)
		{
			Account *other = &shared->accounts[i];

			if ((a == NULL || other->seen < a->seen) && is_idle(other, now))
				a = other;
		}
		if (a == NULL)
			return NULL;
		a->used = false;
	}
	if (!a->used)
	{
		a->key = *key;
		a->used = true;
		allowance_init(&a->allowance, UNLIMITED);
	}
	a->seen = now;
	return a;
}

/* A backend ends: whatever it had is free, whatever it was doing is not being done */
static void
leave_all(int code, Datum arg)
{
	TimestampTz now = GetCurrentTimestamp();

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_ACCOUNTS; i++)
	{
		Account *a = &shared->accounts[i];
		Seat *seat = my_seat(a);

		a->running -= seat->running;
		seat->running = 0;
		seat->since = 0;
		seat->lease++;
		if (a->used)
			wake_first(a, now);
	}
	for (int i = 0; i < MAX_TOKENS; i++)
	{
		if (shared->tokens[i].login_since != 0 && shared->tokens[i].login_by == my_proc_number())
			shared->tokens[i].login_since = 0;
	}
	LWLockRelease(shared->lock);
}

static void
acquire_lock(void)
{
	if (!exit_registered)
	{
		before_shmem_exit(leave_all, (Datum) 0);
		exit_registered = true;
	}
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
}

/* Is somebody else's turn before ours? */
static bool
others_first(Account *a, const Seat *mine, TimestampTz since, TimestampTz now)
{
	Seat *first = first_in_line(a, now);

	return first != NULL && first != mine &&
		   (first->running < mine->running ||
			(first->running == mine->running && first->since < since));
}

/*
 * Take a slot, if one is free and the turn is ours, who wait since then.  The
 * lease goes with it, and back with governor_give_back.
 */
SlotResult
governor_take(const AccountKey *key, int limit, TimestampTz since, uint32 *lease)
{
	TimestampTz now = GetCurrentTimestamp();
	SlotResult result = SLOT_WAIT;
	Account *a;

	if (shared == NULL)
		return SLOT_ALONE;
	acquire_lock();
	a = get_account(key, now);
	if (a == NULL)
		result = SLOT_ALONE;
	else
	{
		Seat *mine = my_seat(a);

		mine->seen = now;
		mine->limit = limit;
		end_leases(a, now);
		if (has_room(a, limit, now) && !others_first(a, mine, since, now))
		{
			a->running++;
			mine->running++;
			*lease = mine->lease;
			result = SLOT_TAKEN;
		}
		/* what we may not take, or left over, is for the next */
		wake_first(a, now);
	}
	LWLockRelease(shared->lock);
	return result;
}

void
governor_give_back(const AccountKey *key, uint32 lease)
{
	TimestampTz now = GetCurrentTimestamp();
	Account *a;
	Seat *mine;

	acquire_lock();
	a = find_account(key);
	mine = a ? my_seat(a) : NULL;
	if (mine != NULL && mine->lease == lease && mine->running > 0)
	{
		mine->running--;
		a->running--;
		mine->seen = now;
		wake_first(a, now);
	}
	LWLockRelease(shared->lock);
}

/* While we wait for what may come, we can be woken; since 0: for a reply, not for a slot */
void
governor_stand_in_line(const AccountKey *key, int limit, TimestampTz since)
{
	Account *a;

	acquire_lock();
	if ((a = find_account(key)) != NULL)
	{
		Seat *mine = my_seat(a);

		mine->since = since;
		mine->limit = limit;
		mine->seen = a->seen = GetCurrentTimestamp();
		wake_first(a, mine->seen);
	}
	LWLockRelease(shared->lock);
}

void
governor_leave_line(const AccountKey *key)
{
	Account *a;

	acquire_lock();
	if ((a = find_account(key)) != NULL)
	{
		my_seat(a)->since = 0;
		my_seat(a)->seen = GetCurrentTimestamp();
	}
	LWLockRelease(shared->lock);
}

/* Our requests are looked after */
void
governor_show(const AccountKey *key)
{
	Account *a;

	acquire_lock();
	if ((a = find_account(key)) != NULL)
		my_seat(a)->seen = GetCurrentTimestamp();
	LWLockRelease(shared->lock);
}

/* NetSuite refused a request for concurrency: others use the account as well */
void
governor_refused(const AccountKey *key, int limit, TimestampTz launched_at)
{
	Account *a;

	acquire_lock();
	if ((a = find_account(key)) != NULL)
		allowance_refused(&a->allowance, limit, launched_at, GetCurrentTimestamp());
	LWLockRelease(shared->lock);
}

/* A good reply: perhaps one more at once is tried */
void
governor_answered(const AccountKey *key, int limit, TimestampTz launched_at)
{
	TimestampTz now = GetCurrentTimestamp();
	Account *a;

	acquire_lock();
	if ((a = find_account(key)) != NULL)
	{
		allowance_answered(&a->allowance, limit, launched_at, now);
		/* there may be room for one more */
		wake_first(a, now);
	}
	LWLockRelease(shared->lock);
}

/* How many requests at once the account takes now, and how many there are; -1 if it is not known */
int
governor_allowed(const AccountKey *key, int limit, int *in_use)
{
	Account *a;
	int allowed = -1;

	if (shared == NULL)
		return -1;
	LWLockAcquire(shared->lock, LW_SHARED);
	if ((a = find_account(key)) != NULL)
	{
		allowed = Min(limit, a->allowance.allowed);
		if (in_use != NULL)
			*in_use = a->running;
	}
	LWLockRelease(shared->lock);
	return allowed;
}

/* -- tokens -- */

static void
wipe(SharedToken *t)
{
	explicit_bzero(t->token, sizeof(t->token));
	t->expiry = 0;
}

static SharedToken *
find_token(const TokenKey *key)
{
	for (int i = 0; i < MAX_TOKENS; i++)
	{
		SharedToken *t = &shared->tokens[i];

		if (t->seen != 0 && t->key.database == key->database && t->key.server == key->server &&
			t->key.mapping == key->mapping && t->key.hash[0] == key->hash[0] && t->key.hash[1] == key->hash[1])
			return t;
	}
	return NULL;
}

/* A place for the key's token: its own, else the one that was not looked at for longest; expired ones are wiped */
static SharedToken *
get_token(const TokenKey *key, TimestampTz now)
{
	SharedToken *found = find_token(key);
	SharedToken *oldest = NULL;

	for (int i = 0; i < MAX_TOKENS; i++)
	{
		SharedToken *t = &shared->tokens[i];

		if (t->expiry != 0 && t->expiry <= now)
			wipe(t);
		if (oldest == NULL || t->seen < oldest->seen)
			oldest = t;
	}
	if (found == NULL)
	{
		found = oldest;
		wipe(found);
		found->key = *key;
		found->login_since = 0;
	}
	found->seen = now;
	return found;
}

/* The mapping's token, if one is there; else whether to get one, or to wait for who gets it */
TokenResult
governor_token(const TokenKey *key, char **token, TimestampTz *expiry)
{
	TimestampTz now = GetCurrentTimestamp();
	char copy[TOKEN_SIZE];
	TokenResult result = TOKEN_WAIT;
	SharedToken *t;

	if (shared == NULL)
		return TOKEN_ALONE;
	acquire_lock();
	t = get_token(key, now);
	if (t->token[0] != '\0')
	{
		strlcpy(copy, t->token, sizeof(copy));
		*expiry = t->expiry;
		result = TOKEN_THERE;
	}
	else if (t->login_since == 0 || TimestampDifferenceExceeds(t->login_since, now, LOGIN_MS))
	{
		t->login_since = now;
		t->login_by = my_proc_number();
		result = TOKEN_LOGIN;
	}
	LWLockRelease(shared->lock);
	if (result == TOKEN_THERE)
	{
		*token = pstrdup(copy);
		explicit_bzero(copy, sizeof(copy));
	}
	return result;
}

void
governor_keep_token(const TokenKey *key, const char *token, TimestampTz expiry)
{
	SharedToken *t;

	if (shared == NULL || strlen(token) >= TOKEN_SIZE)
		return;
	acquire_lock();
	t = get_token(key, GetCurrentTimestamp());
	strlcpy(t->token, token, sizeof(t->token));
	t->expiry = expiry;
	LWLockRelease(shared->lock);
}

/* A token that was refused, or whose mapping is another now */
void
governor_forget_token(const TokenKey *key, const char *token)
{
	SharedToken *t;

	if (shared == NULL || token == NULL)
		return;
	acquire_lock();
	if ((t = find_token(key)) != NULL && strcmp(t->token, token) == 0)
		wipe(t);
	LWLockRelease(shared->lock);
}

void
governor_login_over(const TokenKey *key)
{
	SharedToken *t;

	if (shared == NULL)
		return;
	acquire_lock();
	if ((t = find_token(key)) != NULL && t->login_by == my_proc_number())
		t->login_since = 0;
	LWLockRelease(shared->lock);
}

/* -- counts -- */

static int32
today(void)
{
	return (int32) (GetCurrentTimestamp() / USECS_PER_DAY);
}

/* The server's tally of today; the oldest day makes room for it */
static Tally *
get_tally(Oid server)
{
	static int hint = 0;
	int32 day = today();
	Tally *oldest = NULL;

	for (int i = 0; i < MAX_TALLIES; i++)
	{
		Tally *t = &shared->tallies[(hint + i) % MAX_TALLIES];

		if (t->server == server && t->database == MyDatabaseId && t->day == day)
		{
			hint = t - shared->tallies;
			return t;
		}
		if (oldest == NULL || (OidIsValid(oldest->server) && (!OidIsValid(t->server) || t->day < oldest->day)))
			oldest = t;
	}
	memset(oldest, 0, sizeof(Tally));
	oldest->database = MyDatabaseId;
	oldest->server = server;
	oldest->day = day;
	return oldest;
}

/* Add to today's counts of a server */
void
governor_count(Oid server, const Tally *more)
{
	Tally *t;

	if (shared == NULL)
		return;
	acquire_lock();
	t = get_tally(server);
	t->requests += more->requests;
	t->retries += more->retries;
	t->refusals += more->refusals;
	t->bytes += more->bytes;
	t->waited_us += more->waited_us;
	LWLockRelease(shared->lock);
}

/* Copies of all tallies of this database */
List *
governor_tallies(void)
{
	Tally *copy = palloc(sizeof(shared->tallies));
	List *result = NIL;

	LWLockAcquire(shared->lock, LW_SHARED);
	memcpy(copy, shared->tallies, sizeof(shared->tallies));
	LWLockRelease(shared->lock);
	for (int i = 0; i < MAX_TALLIES; i++)
	{
		if (OidIsValid(copy[i].server) && copy[i].database == MyDatabaseId)
			result = lappend(result, &copy[i]);
	}
	return result;
}
