/*
 * keyset.c
 *		Where the next page begins.
 *
 * The mark of a place is the values that its row is sorted by, and in front of them their
 * HMAC by a key that never leaves the database: with it goes what the page was asked for
 * and as whom, so that a mark leads nowhere else than where it was given.
 */
#include "postgres.h"

#include "common/base64.h"
#include "common/door.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "executor/spi.h"
#include "ingest_api/compile.h"
#include "ingest_api/keyset.h"
#include "ingest_api/statement.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#define TAG 16
#define SECRET 32

/* -- behind a row -- */

static const char *
own_or(Oid type, const char *name)
{
	const char *own = own_operator(type, name);

	return own ? own : name;
}

static char *
same(const KeyPart *k)
{
	return k->given ? psprintf("%s %s %s", k->sql, own_or(k->type, "="), k->given) : psprintf("%s IS NULL", k->sql);
}

/* NULL: nothing comes behind */
static char *
behind(const KeyPart *k)
{
	char *further;

	if (k->given == NULL)
		return k->nulls_first ? psprintf("%s IS NOT NULL", k->sql) : NULL;
	further = psprintf("%s %s %s", k->sql, own_or(k->type, k->descending ? "<" : ">"), k->given);
	return k->not_null || k->nulls_first ? further : psprintf("(%s OR %s IS NULL)", further, k->sql);
}

char *
keyset_behind(List *parts)
{
	const KeyPart *first = linitial(parts);
	StringInfoData out,
		alike;
	ListCell *cell;

	initStringInfo(&out);
	initStringInfo(&alike);
	foreach (cell, parts)
	{
		const KeyPart *k = lfirst(cell);
		char *further = behind(k);

		if (further)
			appendStringInfo(&out, "%s(%s%s)", out.len ? " OR " : "", alike.data, further);
		appendStringInfo(&alike, "%s AND ", same(k));
	}
	if (out.len == 0)
		return "false";
	/* said once more, so that an index leads there */
	if (list_length(parts) > 1 && first->not_null && first->given)
		return psprintf("%s %s %s AND (%s)", first->sql, own_or(first->type, first->descending ? "<=" : ">="), first->given, out.data);
	return psprintf("(%s)", out.data);
}

/* -- texts -- */

List *
keyset_texts(const char *json, int n)
{
	Jsonb *array;
	JsonbIterator *i;
	JsonbIteratorToken token;
	JsonbValue v;
	List *texts = NIL;

	/* a letter in front of JSON is none */
	if (n <= 0 || json[0] != '[' || !pg_verify_mbstr(PG_UTF8, json, n, true))
		return NIL;
	array = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(pg_any_to_server(pnstrdup(json, n), n, PG_UTF8))));
	i = JsonbIteratorInit(&array->root);
	while ((token = JsonbIteratorNext(&i, &v, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (v.type != jbvString && v.type != jbvNull)
			return NIL;
		texts = lappend(texts, v.type == jbvNull ? NULL : pnstrdup(v.val.string.val, v.val.string.len));
	}
	return texts;
}

/* -- signatures -- */

static void
refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"after\" is not a mark of a place in the rows of this request"),
			 errdetail("A mark is valid for the resource, the conditions, the order and the role that it was given "
					   "for."),
			 errhint("The header Link of the page before has the address; an empty after= begins at the first row.")));
}

/* As the engine: nobody else may read it */
static void
secret(uint8 *key)
{
	static SPIPlanPtr plan = NULL;
	Identity saved;
	bool isnull;
	Datum value;

	become_engine(&saved);
	if (SPI_execute_plan(own_plan(&plan, "SELECT key FROM ingest_api_internal.secret", 0, NULL), NULL, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "there is no secret to sign with");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull || VARSIZE_ANY_EXHDR(DatumGetPointer(value)) != SECRET)
		elog(ERROR, "there is no secret to sign with");
	memcpy(key, VARDATA_ANY(DatumGetPointer(value)), SECRET);
	become_again(&saved);
}

static void
tag_of(const char *json, int n, const char *purpose, uint8 *tag)
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	uint8 key[SECRET],
		whole[PG_SHA256_DIGEST_LENGTH];
	bool good;

	secret(key);
	/* the end of the purpose is told by its zero */
	good = context && pg_hmac_init(context, key, SECRET) == 0 && pg_hmac_update(context, (const uint8 *) purpose, strlen(purpose) + 1) == 0 &&
		   pg_hmac_update(context, (const uint8 *) json, n) == 0 && pg_hmac_final(context, whole, sizeof(whole)) == 0;
	pg_hmac_free(context);
	if (!good)
		elog(ERROR, "a mark could not be signed");
	memcpy(tag, whole, TAG);
}

char *
keyset_sign(const char *json, const char *purpose)
{
	int n = strlen(json);
	char *utf8 = pg_server_to_any(json, n, PG_UTF8);
	char *bytes,
		*out;
	int most,
		length;

	n = strlen(utf8);
	bytes = palloc(TAG + n);
	memcpy(bytes + TAG, utf8, n);
	tag_of(utf8, n, purpose, (uint8 *) bytes);
	most = pg_b64_enc_len(TAG + n);
	out = palloc(most + 1);
	length = pg_b64_encode((void *) bytes, TAG + n, out, most);
	while (length > 0 && out[length - 1] == '=')
		length--;
	out[length] = '\0';
	for (char *c = out; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_'
										 : *c;
	if (length > KEYSET_LONGEST)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the values that the last row is sorted by are too long for the address of the next page"),
				 errhint("Use order= with columns whose values are shorter.")));
	return out;
}

List *
keyset_verify(const char *cursor, const char *purpose)
{
	int n = strlen(cursor),
		most,
		length;
	char *padded = palloc(n + 4),
		 *bytes;
	uint8 tag[TAG];
	unsigned char differs = 0;

	if (n > KEYSET_LONGEST || strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != n)
		refuse();
	for (int i = 0; i < n; i++)
		padded[i] = cursor[i] == '-' ? '+' : cursor[i] == '_' ? '/'
															  : cursor[i];
	while (n % 4 != 0)
		padded[n++] = '=';
	most = pg_b64_dec_len(n);
	bytes = palloc(most + 1);
	length = pg_b64_decode(padded, n, (void *) bytes, most);
	if (length <= TAG)
		refuse();
	tag_of(bytes + TAG, length - TAG, purpose, tag);
	for (int i = 0; i < TAG; i++)
		differs |= tag[i] ^ (unsigned char) bytes[i];
	if (differs)
		refuse();
	return keyset_texts(bytes + TAG, length - TAG);
}
