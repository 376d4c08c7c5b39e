/*
 * once.c
 *		Idempotency-Key.
 *
 * The answer is kept in the transaction in which the thing is done: either both are
 * there or none, whatever is killed when.  Who comes second under a key waits at its row
 * until the first one's transaction has ended.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/door.h"
#include "executor/spi.h"
#include "ingest_api/once.h"
#include "ingest_api/statement.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define LONGEST_KEY 255

/* NULL: none is given */
static char *
key_of(const Request *request)
{
	char *key = request_header(request, "idempotency-key");

	if (key == NULL)
		return NULL;
	for (char *c = key; *c; c++)
		if (*c < ' ' || *c > '~')
			key[0] = '\0';
	if (key[0] == '\0' || strlen(key) > LONGEST_KEY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("an Idempotency-Key has 1 to %d characters of ASCII", LONGEST_KEY)));
	return key;
}

static void
run(SPIPlanPtr *plan, const char *sql, int n, Oid *types, Datum *values, const char *nulls, bool reads)
{
	int code = SPI_execute_plan(own_plan(plan, sql, n, types), values, nulls, false, 0);

	if (code != (reads ? SPI_OK_SELECT : SPI_OK_UPDATE))
		elog(ERROR, "SPI returned %s", SPI_result_code_string(code));
}

/* Everything that makes it the same request */
static Datum
content(const Request *request)
{
	char *type = request_header(request, "accept");

	return CStringGetTextDatum(psprintf("%s\n%s\n%s\n%s\n%s", request->method, request->path, request->query ? request->query : "", type ? type : "", request->body ? request->body : ""));
}

/* The key is this request's from now on, unless somebody has it already */
static bool
take(const Request *request, const char *key)
{
	static SPIPlanPtr plan = NULL;
	static Oid types[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID};
	Datum values[] = {ObjectIdGetDatum(request->role), CStringGetTextDatum(request->who), CStringGetTextDatum(key), content(request)};
	bool isnull;

	run(&plan, "SELECT ingest_api_internal.take_key($1, $2, $3, $4)", 4, types, values, NULL, true);
	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static void
answer_again(const Request *request, const char *key, Answer *answer)
{
	static SPIPlanPtr plan = NULL;
	static Oid types[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID};
	Datum values[] = {ObjectIdGetDatum(request->role), CStringGetTextDatum(request->who), CStringGetTextDatum(key), content(request)};
	HeapTuple row;
	TupleDesc desc;
	bool isnull;

	run(&plan, "SELECT same, status, headers, body FROM ingest_api_internal.answer_of($1, $2, $3, $4)", 4, types, values, NULL, true);
	if (SPI_processed != 1)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("what was done under the key is not "
																		   "visible yet")));
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	if (!DatumGetBool(SPI_getbinval(row, desc, 1, &isnull)))
	{
		answer_problem(answer, 422, "idempotency_key", "another request was made with this Idempotency-Key", NULL,
					   "A key is for one request and its repetition; another request needs another key.");
		return;
	}
	if (SPI_getvalue(row, desc, 4) == NULL)
	{
		answer_problem(answer, 409, "idempotency_key", "it has already been done, and its answer was shown only once",
					   NULL, "What it showed is not kept.");
		return;
	}
	answer->status = DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull));
	initStringInfo(&answer->headers);
	initStringInfo(&answer->body);
	appendStringInfoString(&answer->headers, SPI_getvalue(row, desc, 3));
	appendStringInfoString(&answer->body, SPI_getvalue(row, desc, 4));
}

bool
once_known(const Request *request, Answer *answer)
{
	Identity saved;
	char *key = key_of(request);
	bool mine;

	if (key == NULL)
		return false;
	become_engine(&saved);
	mine = take(request, key);
	if (!mine)
		answer_again(request, key, answer);
	become_again(&saved);
	return !mine;
}

void
once_done(const Request *request, bool shown, const Answer *answer)
{
	static SPIPlanPtr plan = NULL;
	static Oid types[] = {OIDOID, TEXTOID, TEXTOID, INT4OID, TEXTOID, TEXTOID};
	char *key = key_of(request);
	Identity saved;
	Datum values[6];

	if (key == NULL)
		return;
	become_engine(&saved);
	values[0] = ObjectIdGetDatum(request->role);
	values[1] = CStringGetTextDatum(request->who);
	values[2] = CStringGetTextDatum(key);
	values[3] = Int32GetDatum(answer->status);
	values[4] = CStringGetTextDatum(answer->headers.data);
	values[5] = CStringGetTextDatum(answer->body.data);
	run(&plan, "UPDATE ingest_api_internal.answered SET status = $4, headers = $5, body = $6 WHERE role = $1 AND who = $2 AND key = $3", 6, types, values, shown ? "     n" : NULL, false);
	become_again(&saved);
}
