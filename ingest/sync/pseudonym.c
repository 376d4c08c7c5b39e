/*
 * pseudonym.c
 *		Values that must not be told: pseudonyms in their place, and errors that do not quote them.
 *
 * A pseudonym is HMAC-SHA-256 of a value's text by a key that no statement and no table holds: it is read from where
 * the sync says, in the transaction that needs it, and is gone at its end.  Values that are equal have one text,
 * whatever session writes it and whichever of the types of numbers or texts they are of, so that pseudonyms join.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "common/hmac.h"
#include "common/secret.h"
#include "common/sha2.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/sync/pseudonym.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

SQL_FUNCTION(ingest_pseudonym);

#define KEY_BYTES_AT_LEAST 16
/* What a key is known by: everybody may know what it gives for this */
#define KNOWN_TEXT "pg_ingest: which key is it?"

/* The key at hand: of one sync, for its owner, until the transaction ends */
static struct
{
	int32 sync;
	Oid owner;
	char *key; /* NULL: none */
	size_t len;
} armed;

/* -- the key -- */

static void
disarm(void)
{
	if (armed.key)
	{
		explicit_bzero(armed.key, armed.len);
		pfree(armed.key);
	}
	memset(&armed, 0, sizeof(armed));
}

static void
disarm_at_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		disarm();
}

void
pseudonym_require_key(Oid owner, const char *reference)
{
	if (!secret_is_reference(reference))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pseudonym_key must say where the key is, not be the key"),
				 errhint("For example: pseudonym_key => 'file:/run/secrets/pseudonyms'.")));
	if (!has_privs_of_role(owner, ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("pseudonym_key is only for members of pg_read_server_files, since it names what the server "
						"reads"),
				 errhint("GRANT pg_read_server_files TO %s.", quote_identifier(GetUserNameFromId(owner, false)))));
}

void
pseudonym_arm(const Sync *s)
{
	static bool registered = false;
	char *key;

	if (s->pseudonymise.n == 0 || (armed.key && armed.sync == s->id && armed.owner == s->owner))
		return;
	if (!registered)
		RegisterXactCallback(disarm_at_end, NULL);
	registered = true;
	disarm();
	pseudonym_require_key(s->owner, s->pseudonym_key);
	key = secret_resolve("pseudonym_key", s->pseudonym_key);
	if (strlen(key) < KEY_BYTES_AT_LEAST)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key of pseudonyms has fewer than %d bytes", KEY_BYTES_AT_LEAST),
				 errhint("openssl rand -hex 32 makes a good one.")));
	armed.key = MemoryContextStrdup(TopMemoryContext, key);
	armed.len = strlen(key);
	armed.sync = s->id;
	armed.owner = s->owner;
	explicit_bzero(key, armed.len);
}

/* In hexadecimal */
static char *
hmac(const char *data, size_t len)
{
	uint8 sum[PG_SHA256_DIGEST_LENGTH];
	char *hex = palloc(2 * sizeof(sum) + 1);
	pg_hmac_ctx *ctx = pg_hmac_create(PG_SHA256);

	if (ctx == NULL || pg_hmac_init(ctx, (const uint8 *) armed.key, armed.len) < 0 ||
		pg_hmac_update(ctx, (const uint8 *) data, len) < 0 || pg_hmac_final(ctx, sum, sizeof(sum)) < 0)
	{
		if (ctx)
			pg_hmac_free(ctx);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("a pseudonym could not be computed")));
	}
	pg_hmac_free(ctx);
	hex[hex_encode((const char *) sum, sizeof(sum), hex)] = '\0';
	return hex;
}

char *
pseudonym_key_hash(const Sync *s)
{
	pseudonym_arm(s);
	return hmac(KNOWN_TEXT, strlen(KNOWN_TEXT));
}

/* -- values -- */

/* Under settings of its own, since what is written of some types depends on them */
static char *
written_the_same(Oid type, Datum value)
{
	static const char *const settings[][2] = {{"DateStyle", "ISO, YMD"},
											  {"IntervalStyle", "postgres"},
											  {"TimeZone", "UTC"},
											  {"bytea_output", "hex"},
											  {"extra_float_digits", "1"},
											  {"lc_monetary", "C"}};
	int level = NewGUCNestLevel();
	Oid out;
	bool varlena;
	char *text;

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	getTypeOutputInfo(type, &out, &varlena);
	text = OidOutputFunctionCall(out, value);
	AtEOXact_GUC(true, level);
	return text;
}

/* One text for values that are equal */
static char *
text_of(Oid type, Datum value)
{
	char buffer[MAXDATELEN + 1];
	const int utc = 0;
	char *written;

	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
			return TextDatumGetCString(value);
		case BPCHAROID:
			return TextDatumGetCString(DirectFunctionCall1(rtrim1, value));
		case INT2OID:
			return psprintf("%d", DatumGetInt16(value));
		case INT4OID:
			return psprintf("%d", DatumGetInt32(value));
		case INT8OID:
			return psprintf("%lld", (long long) DatumGetInt64(value));
		case NUMERICOID:
			return DatumGetCString(
				DirectFunctionCall1(numeric_out, DirectFunctionCall1(numeric_trim_scale, value)));
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return pstrdup(JsonEncodeDateTime(buffer, value, type, type == TIMESTAMPTZOID ? &utc : NULL));
		case FLOAT4OID:
		case FLOAT8OID:
			written = written_the_same(type, value);
			return strcmp(written, "-0") == 0 ? pstrdup("0") : written;
		default:
			return written_the_same(type, value);
	}
}

/* pseudonym(sync, value) */
Datum
ingest_pseudonym(PG_FUNCTION_ARGS)
{
	Oid type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 1));
	char *text,
		*hex;

	if (armed.key == NULL || PG_ARGISNULL(0) || armed.sync != PG_GETARG_INT32(0) || armed.owner != GetUserId())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("ingest_internal.pseudonym can only be used in the query of a run")));
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	text = text_of(type, PG_GETARG_DATUM(1));
	/* the same in databases of all encodings; of SQL_ASCII nobody knows which it is */
	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		text = pg_server_to_any(text, strlen(text), PG_UTF8);
	hex = hmac(text, strlen(text));
	PG_RETURN_TEXT_P(cstring_to_text(hex));
}

/* -- errors -- */

/* Those that tell of the connection, of names and of what is in the way, and of no value */
static bool
quotes_nothing(const Failure *failure)
{
	int category = ERRCODE_TO_CATEGORY(failure->sqlerrcode);

	switch (failure->sqlerrcode)
	{
		case ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION:
		case ERRCODE_FDW_COLUMN_NAME_NOT_FOUND:
		case ERRCODE_FDW_TABLE_NOT_FOUND:
		case ERRCODE_FDW_SCHEMA_NOT_FOUND:
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_TABLE:
			return true;
		default:
			return category == ERRCODE_CONNECTION_EXCEPTION ||
				   category == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION ||
				   category == ERRCODE_TRANSACTION_ROLLBACK || category == ERRCODE_INSUFFICIENT_RESOURCES ||
				   category == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
				   category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_SYSTEM_ERROR;
	}
}

void
secrets_hide(const Copy *copy, Failure *failure)
{
	ErrorData *error = failure->error;

	if (!copy->has_secrets || failure->by_engine || quotes_nothing(failure))
		return;
	failure->message = psprintf("reading %s failed with SQLSTATE %s; its message is withheld, since it may quote a "
								"column of sync \"%s\" that is excluded or pseudonymised",
								copy->foreign, failure->sqlstate, copy->name);
	failure->detail = failure->hint = NULL;
	if (error == NULL)
		return;
	error->message = failure->message;
	error->detail = error->detail_log = error->hint = error->context = error->backtrace = error->internalquery = NULL;
	error->schema_name = error->table_name = error->column_name = NULL;
	error->datatype_name = error->constraint_name = NULL;
}

void
secrets_guard(const Copy *copy, void (*function)(void *), void *arg)
{
	Failure failure;

	if (!copy->has_secrets)
		function(arg);
	else if (!attempt(function, arg, &failure))
	{
		secrets_hide(copy, &failure);
		failure_rethrow(&failure);
	}
}
