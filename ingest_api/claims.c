/*
 * claims.c
 *		Who asks: claims of a JSON Web Token into a role.
 *
 * The signature is the gateway's matter, since it has the keys; that the token is still
 * good is looked at here once more, since streams ask again and again.  Where claims fit
 * several roles it is nobody: what is meant is not for us to guess.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "ingest_api/claims.h"
#include "ingest_api/statement.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#define SKEW_S 30
/* Before the names of scopes, which are the issuer's for all that it serves */
#define SCOPES "ingest."
#define LONGEST_NAME 44

static bool
is_over(Jsonb *claims)
{
	JsonbValue *until = getKeyJsonValueFromContainer(&claims->root, "exp", 3, NULL);
	double now = (double) timestamptz_to_time_t(GetCurrentTimestamp());

	if (until == NULL || until->type != jbvNumeric)
		return true;
	return now >= DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(until->val.numeric))) + SKEW_S;
}

/* The role that the claims fit */
static Oid
role_of(Datum claims)
{
	static SPIPlanPtr plan = NULL;
	static const char *const sql = "SELECT DISTINCT c.role FROM ingest_api_internal.claim c "
								   "WHERE ($1 -> c.claim) @> pg_catalog.to_jsonb(c.value) AND c.home = ingest_api_internal.home()";
	Oid type = JSONBOID;
	bool isnull;

	if (SPI_execute_plan(own_plan(&plan, sql, 1, &type), &claims, NULL, true, 2) != SPI_OK_SELECT || SPI_processed != 1)
		return InvalidOid;
	return DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static Scope
scope_in(const JsonbValue *text)
{
	Scope widest = SCOPE_READ;
	char *words = pnstrdup(text->val.string.val, text->val.string.len);

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		if (strncmp(word, SCOPES, strlen(SCOPES)) == 0)
			widest = Max(widest, scope_named(word + strlen(SCOPES)));
	return widest;
}

/* Words of the claims scope or scp, or a list of them; who says nothing reads */
static Scope
scope_of(Jsonb *claims)
{
	static const char *const names[] = {"scope", "scp"};
	Scope widest = SCOPE_READ;

	for (int i = 0; i < lengthof(names); i++)
	{
		JsonbValue *v = getKeyJsonValueFromContainer(&claims->root, names[i], strlen(names[i]), NULL);

		if (v && v->type == jbvString)
			widest = Max(widest, scope_in(v));
		for (uint32 k = 0; v && v->type == jbvBinary && JsonContainerIsArray(v->val.binary.data) && k < JsonContainerSize(v->val.binary.data); k++)
		{
			JsonbValue *one = getIthJsonbValueFromContainer(v->val.binary.data, k);

			if (one->type == jbvString)
				widest = Max(widest, scope_in(one));
		}
	}
	return widest;
}

/* As it may be shown, and its requests be counted: what of sub is plain, and what tells apart all who begin alike */
static char *
name_of(Jsonb *claims, Oid role)
{
	JsonbValue *sub = getKeyJsonValueFromContainer(&claims->root, "sub", 3, NULL);
	StringInfoData name;

	initStringInfo(&name);
	appendStringInfoString(&name, "jwt ");
	for (int i = 0; sub && sub->type == jbvString && i < sub->val.string.len && name.len < LONGEST_NAME; i++)
		if (sub->val.string.val[i] > ' ' && sub->val.string.val[i] <= '~')
			appendStringInfoChar(&name, sub->val.string.val[i]);
	if (sub && sub->type == jbvString)
	{
		uint64 hash = hash_bytes_extended((const unsigned char *) sub->val.string.val, sub->val.string.len, role);

		/* in halves: PostgreSQL 18 no longer says what a letter for 64 bits is called */
		appendStringInfo(&name, " %08x%08x", (uint32) (hash >> 32), (uint32) hash);
	}
	else
		appendStringInfo(&name, " %u", role);
	return name.data;
}

void
claims_find(const char *json, Request *request)
{
	Jsonb *claims = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));

	if (!JB_ROOT_IS_OBJECT(claims) || is_over(claims))
		return;
	request->role = role_of(JsonbPGetDatum(claims));
	request->scope = scope_of(claims);
	request->who = name_of(claims, request->role);
}
