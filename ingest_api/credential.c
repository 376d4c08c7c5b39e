/*
 * credential.c
 *		Who asks: a token's hash into a role.
 *
 * The token itself never comes here, so that no statement, log or view can show it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "common/door.h"
#include "executor/spi.h"
#include "common/function.h"
#include "ingest_api/cache.h"
#include "ingest_api/claims.h"
#include "ingest_api/credential.h"
#include "ingest_api/session.h"
#include "ingest_api/statement.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

SQL_FUNCTION(ingest_api_home);

#define PREFIX 12
#define HASH 64

/* When a token was last used is written so often */
#define USED_EVERY (60 * USECS_PER_SEC)

/* Takes as long whatever differs */
static bool
same(const char *a, const char *b, size_t n)
{
	unsigned char difference = 0;

	for (size_t i = 0; i < n; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

/* It holds the token's row until the transaction's end: said last, so that neither other requests nor who revokes it wait */
void
credential_note_use(int64 id)
{
	static SPIPlanPtr plan = NULL;
	Oid type = INT8OID;
	Datum value = Int64GetDatum(id);

	(void) SPI_execute_plan(own_plan(&plan, "SELECT ingest_api_internal.token_used($1)", 1, &type), &value, NULL, false, 0);
}

/* -- what is remembered of tokens -- */

#define MOST_KNOWN 1000

typedef struct Token
{
	char prefix[PREFIX + 1];
	char hash[HASH + 1];
	int64 id;
	Oid role;
	Scope scope;
	TimestampTz expires;
	TimestampTz used; /* as it was when it was read, or when it was noted here */
} Token;

static Cache cache;
static HTAB *tokens = NULL;

/* The widest of those that it has */
static Scope
scope_of(char *names)
{
	Scope widest = SCOPE_NOTHING;

	for (char *name = names ? strtok(names, " ") : NULL; name; name = strtok(NULL, " "))
		widest = Max(widest, scope_named(name));
	return widest;
}

/* NULL: it is not known, or was revoked */
static Token *
token_read(const char *prefix)
{
	static SPIPlanPtr plan = NULL;
	static const char *const sql = "SELECT t.id, pg_catalog.encode(t.hash, 'hex'), t.role, t.expires_at, t.used_at, pg_catalog.array_to_string(t.scopes, ' ') FROM ingest_api_internal.token t "
								   "WHERE t.prefix = $1 AND t.revoked_at IS NULL AND t.home = ingest_api_internal.home()";
	uint64 n = cache_read(&plan, sql, TEXTOID, CStringGetTextDatum(prefix));
	HeapTuple row;
	TupleDesc desc;
	char *hash;
	bool isnull;
	Token *t;

	if (n == 0)
	{
		(void) hash_search(tokens, prefix, HASH_REMOVE, NULL);
		cache_was_read();
		return NULL;
	}
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	hash = SPI_getvalue(row, desc, 2);
	if (strlen(hash) != HASH)
		elog(ERROR, "a token's hash has another length");
	t = hash_search(tokens, prefix, HASH_ENTER, NULL);
	strlcpy(t->hash, hash, sizeof(t->hash));
	t->id = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull));
	t->role = DatumGetObjectId(SPI_getbinval(row, desc, 3, &isnull));
	t->expires = DatumGetTimestampTz(SPI_getbinval(row, desc, 4, &isnull));
	t->used = DatumGetTimestampTz(SPI_getbinval(row, desc, 5, &isnull));
	if (isnull)
		t->used = 0;
	t->scope = scope_of(SPI_getvalue(row, desc, 6));
	cache_was_read();
	return t;
}

/* When it was last used is read again before it is written: other sessions write it, too */
static Token *
token_known(const char *prefix, TimestampTz now)
{
	static const Change changes[] = {CHANGE_TOKENS};
	Token *t;

	if (!cache_holds(&cache, "tokens", lengthof(changes), changes) || hash_get_num_entries(tokens) >= MOST_KNOWN)
	{
		HASHCTL control = {.keysize = PREFIX + 1, .entrysize = sizeof(Token), .hcxt = cache.memory};

		tokens = hash_create("tokens", 16, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	t = hash_search(tokens, prefix, HASH_FIND, NULL);
	return t && now < t->used + USED_EVERY ? t : token_read(prefix);
}

/* -- who asks -- */

/* What the role is now counts, not what it was when the token was made */
static bool
may_be_served(Oid role)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)) && !superuser_arg(role) && is_member_of_role_nosuper(GetSessionUserId(), role);
}

void
credential_find(const char *credential, Request *request)
{
	TimestampTz now = GetCurrentTimestamp();
	char *prefix;
	Token *t;

	if (strncmp(credential, "token ", 6) != 0)
	{
		Identity saved;

		become_engine(&saved);
		if (!session_find(credential, request) && strncmp(credential, "jwt ", 4) == 0)
			claims_find(credential + 4, request);
		become_again(&saved);
		if (OidIsValid(request->role) && !may_be_served(request->role))
			request->role = InvalidOid;
		return;
	}
	if (strlen(credential) != 6 + PREFIX + 1 + HASH)
		return;
	prefix = pnstrdup(credential + 6, PREFIX);
	t = token_known(prefix, now);
	if (t == NULL || !same(t->hash, credential + 6 + PREFIX + 1, HASH) || t->expires <= now || !may_be_served(t->role))
		return;
	request->role = t->role;
	request->scope = t->scope;
	request->who = prefix;
	request->token = t->id;
	if (t->used + USED_EVERY < now && !RecoveryInProgress() && !XactReadOnly)
	{
		request->unnoted = t->id;
		t->used = now;
	}
}

Datum
ingest_api_home(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT "/%u", GetSystemIdentifier(), MyDatabaseId)));
}
