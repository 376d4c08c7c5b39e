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
#include "executor/spi.h"
#include "common/function.h"
#include "ingest_api/claims.h"
#include "ingest_api/credential.h"
#include "ingest_api/session.h"
#include "ingest_api/statement.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
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

static uint64
find(const char *prefix)
{
	static SPIPlanPtr plan = NULL;
	static const char *const sql = "SELECT t.id, pg_catalog.encode(t.hash, 'hex'), t.role, t.used_at, pg_catalog.array_to_string(t.scopes, ' ') FROM ingest_api_internal.token t "
								   "WHERE t.prefix = $1 AND t.revoked_at IS NULL AND t.expires_at > pg_catalog.now() "
								   "AND t.home = ingest_api_internal.home()";
	Oid type = TEXTOID;
	Datum value = CStringGetTextDatum(prefix);

	return SPI_execute_plan(own_plan(&plan, sql, 1, &type), &value, NULL, true, 1) == SPI_OK_SELECT ? SPI_processed : 0;
}

/* What the role is now counts, not what it was when the token was made */
static bool
may_be_served(Oid role)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)) && !superuser_arg(role) && is_member_of_role_nosuper(GetSessionUserId(), role);
}

/* The widest of those that it has */
static Scope
scope_of(char *names)
{
	Scope widest = SCOPE_NOTHING;

	for (char *name = names ? strtok(names, " ") : NULL; name; name = strtok(NULL, " "))
		widest = Max(widest, scope_named(name));
	return widest;
}

void
credential_find(const char *credential, Request *request)
{
	HeapTuple row;
	TupleDesc desc;
	char *prefix;
	bool isnull;
	int64 id;
	Oid role;
	TimestampTz used;

	if (session_find(credential, request))
	{
		if (OidIsValid(request->role) && !may_be_served(request->role))
			request->role = InvalidOid;
		return;
	}
	if (strncmp(credential, "jwt ", 4) == 0)
	{
		claims_find(credential + 4, request);
		if (OidIsValid(request->role) && !may_be_served(request->role))
			request->role = InvalidOid;
		return;
	}
	if (strncmp(credential, "token ", 6) != 0 || strlen(credential) != 6 + PREFIX + 1 + HASH)
		return;
	prefix = pnstrdup(credential + 6, PREFIX);
	if (find(prefix) == 0)
		return;
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	if (!same(SPI_getvalue(row, desc, 2), credential + 6 + PREFIX + 1, HASH))
		return;
	id = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull));
	role = DatumGetObjectId(SPI_getbinval(row, desc, 3, &isnull));
	used = DatumGetTimestampTz(SPI_getbinval(row, desc, 4, &isnull));
	if (isnull)
		used = 0;
	if (!may_be_served(role))
		return;
	request->role = role;
	request->scope = scope_of(SPI_getvalue(row, desc, 5));
	request->who = prefix;
	request->token = id;
	request->unnoted = used + USED_EVERY < GetCurrentTimestamp() && !RecoveryInProgress() && !XactReadOnly ? id : 0;
}

Datum
ingest_api_home(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT "/%u", GetSystemIdentifier(), MyDatabaseId)));
}
