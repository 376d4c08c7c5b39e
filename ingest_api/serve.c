/*
 * serve.c
 *		ingest_api.serve(): the one door through which HTTP comes.
 *
 * It finds out who asks, becomes that role, in a way that nothing it runs can leave
 * again, and gives the answer; what goes wrong for a reason that the client can do
 * something about is an answer, too.  The rest goes on as an error, which the gateway
 * tells by its SQLSTATE alone.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/door.h"
#include "executor/spi.h"
#include "ingest_api/api.h"
#include "ingest_api/credential.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

SQL_FUNCTION(ingest_api_serve);

/* -- answers -- */

void
answer_begin(Answer *answer, int status, const char *type)
{
	answer->status = status;
	initStringInfo(&answer->headers);
	initStringInfo(&answer->body);
	answer_header(answer, "Content-Type", type);
}

void
answer_header(Answer *answer, const char *name, const char *value)
{
	if (answer->headers.len > 0)
		appendStringInfoChar(&answer->headers, ',');
	escape_json(&answer->headers, name);
	appendStringInfoChar(&answer->headers, ':');
	escape_json(&answer->headers, value);
}

static const char *
title_of(int status)
{
	switch (status)
	{
		case 300:
			return "Multiple Choices";
		case 400:
			return "Bad Request";
		case 401:
			return "Unauthorized";
		case 403:
			return "Forbidden";
		case 404:
			return "Not Found";
		case 405:
			return "Method Not Allowed";
		case 406:
			return "Not Acceptable";
		case 409:
			return "Conflict";
		case 415:
			return "Unsupported Media Type";
		case 416:
			return "Range Not Satisfiable";
		default:
			return "Error";
	}
}

static void
member(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, ",\"%s\":", name);
	if (value)
		escape_json(out, value);
	else
		appendStringInfoString(out, "null");
}

void
answer_problem(Answer *answer, int status, const char *code, const char *message, const char *details, const char *hint)
{
	answer_begin(answer, status, "application/problem+json");
	answer_header(answer, "Cache-Control", "no-store");
	if (status == 401)
		answer_header(answer, "WWW-Authenticate", "Bearer realm=\"pg_ingest\"");
	appendStringInfo(&answer->body, "{\"type\":\"about:blank\",\"status\":%d", status);
	member(&answer->body, "title", title_of(status));
	member(&answer->body, "code", code);
	member(&answer->body, "message", message);
	member(&answer->body, "details", details);
	member(&answer->body, "hint", hint);
	appendStringInfoChar(&answer->body, '}');
}

char *
request_header(const Request *request, const char *name)
{
	JsonbValue *value;

	if (request->headers == NULL || !JB_ROOT_IS_OBJECT(request->headers))
		return NULL;
	value = getKeyJsonValueFromContainer(&request->headers->root, name, strlen(name), NULL);
	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* -- what went wrong -- */

/* The status for what a client can do something about; 0: it cannot */
static int
status_of(int sqlstate, bool called)
{
	switch (sqlstate)
	{
		case ERRCODE_INDETERMINATE_DATATYPE:
			return 406;
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return 403;
		case ERRCODE_AMBIGUOUS_COLUMN:
			return 300;
		case ERRCODE_UNDEFINED_OBJECT:
			return called ? 404 : 400;
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OBJECT_IN_USE:
			return 409;
		case ERRCODE_UNIQUE_VIOLATION:
		case ERRCODE_FOREIGN_KEY_VIOLATION:
			return 409;
		case ERRCODE_QUERY_CANCELED:
			return 0;
	}
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_RAISE_EXCEPTION:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			return 400;
	}
	return 0;
}

static const char *
code_of(const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_AMBIGUOUS_COLUMN:
			return "PGRST201";
		case ERRCODE_SYNTAX_ERROR:
			return "PGRST100";
		case ERRCODE_UNDEFINED_OBJECT:
			return "PGRST200";
		default:
			return unpack_sql_state(error->sqlerrcode);
	}
}

/* In a subtransaction, so that an answer can still be given */
static void
answer_safely(const Request *request, Answer *answer)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	/* nor does a function behind a view write, and within a subtransaction nobody can take that back; actions do, see call.c */
	XactReadOnly = true;
	PG_TRY();
	{
		route_answer(request, answer);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;
		int status;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		status = status_of(error->sqlerrcode, answer->called);
		if (status == 0)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		answer_problem(answer, status, code_of(error), error->message, error->detail, error->hint);
	}
	PG_END_TRY();
}

/* -- the door -- */

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* In the database's encoding; NULL: none */
static char *
body_argument(FunctionCallInfo fcinfo, int n)
{
	bytea *bytes;

	if (PG_ARGISNULL(n))
		return NULL;
	bytes = PG_GETARG_BYTEA_PP(n);
	return pg_any_to_server(pnstrdup(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)), VARSIZE_ANY_EXHDR(bytes), PG_UTF8);
}

static Oid
who_asks(const char *credential)
{
	Identity saved;
	Oid role;

	if (credential == NULL)
		return InvalidOid;
	become_engine(&saved);
	role = credential_role(credential);
	become_again(&saved);
	return role;
}

Datum
ingest_api_serve(PG_FUNCTION_ARGS)
{
	Request request = {text_argument(fcinfo, 1), text_argument(fcinfo, 2), text_argument(fcinfo, 3), PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4),
					   body_argument(fcinfo, 5)};
	char *credential = text_argument(fcinfo, 0);
	MemoryContext context = CurrentMemoryContext;
	Answer answer = {0};
	Datum result;
	Datum values[3];
	bool nulls[3] = {false};
	TupleDesc desc;

	/* what is served could call this again, as another one */
	if (InLocalUserIdChange())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("ingest_api.serve() is not called from within a function")));
	if (request.method == NULL || request.path == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a request has a method and a path")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "serve gives a row");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI is not there");
	request.role = who_asks(credential);
	MemoryContextSwitchTo(context);
	if (!OidIsValid(request.role))
		answer_problem(&answer, 401, "PGRST301", credential ? "the token is not known, has expired or was revoked" : "a token is needed", NULL,
					   "Authorization: Bearer pgi_…, which ingest_api.create_token() gives");
	else
		answer_safely(&request, &answer);
	/* what was written until now goes with SPI */
	MemoryContextSwitchTo(context);
	values[0] = Int32GetDatum(answer.status);
	values[1] = DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("{%s}", answer.headers.data)));
	values[2] = PointerGetDatum(cstring_to_text_with_len(answer.body.data, answer.body.len));
	result = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
	SPI_finish();
	return result;
}
