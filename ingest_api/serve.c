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
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "common/door.h"
#include "executor/spi.h"
#include "ingest_api/api.h"
#include "ingest_api/bound.h"
#include "ingest_api/cache.h"
#include "ingest_api/clean.h"
#include "ingest_api/compat.h"
#include "ingest_api/credential.h"
#include "ingest_api/metrics.h"
#include "ingest_api/rate.h"
#include "ingest_api/session.h"
#include "ingest_api/statement.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/guc.h"
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
		case 410:
			return "Gone";
		case 413:
			return "Content Too Large";
		case 415:
			return "Unsupported Media Type";
		case 416:
			return "Range Not Satisfiable";
		case 422:
			return "Unprocessable Content";
		case 429:
			return "Too Many Requests";
		case 503:
			return "Service Unavailable";
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

bool
request_is_json(const Request *request)
{
	char *type = request_header(request, "content-type");

	return type && pg_strncasecmp(type, "application/json", 16) == 0 && strchr(" ;", type[16]) != NULL;
}

/* -- scopes -- */

static const char *const scopes[] = {"nothing", "read", "operate", "admin"};

Scope
scope_named(const char *name)
{
	for (int i = SCOPE_READ; i <= SCOPE_ADMIN; i++)
		if (strcmp(scopes[i], name) == 0)
			return i;
	return SCOPE_NOTHING;
}

bool
request_may(const Request *request, Scope needed, Answer *answer)
{
	if (request->scope >= needed)
		return true;
	answer_problem(answer, 403, "insufficient_scope", psprintf("the token's scope is \"%s\", and this needs \"%s\"", scopes[request->scope], scopes[needed]), NULL,
				   psprintf("ingest_api.create_token(name, scopes => '{%s}') creates one.", scopes[needed]));
	answer_header(answer, "WWW-Authenticate", psprintf("Bearer realm=\"pg_ingest\", error=\"insufficient_scope\", scope=\"%s\"", scopes[needed]));
	return false;
}

const char *
scope_name(Scope scope)
{
	return scopes[scope];
}

/* -- what went wrong -- */

/* The status for what a client can do something about; 0: it cannot */
int
problem_status(int sqlstate, bool called)
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
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_SCHEMA:
			return called ? 404 : 400;
		case ERRCODE_DUPLICATE_OBJECT:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OBJECT_IN_USE:
		case ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST:
		case ERRCODE_UNIQUE_VIOLATION:
		case ERRCODE_FOREIGN_KEY_VIOLATION:
		case ERRCODE_EXCLUSION_VIOLATION:
			return 409;
		case ERRCODE_SNAPSHOT_TOO_OLD:
			return 410;
		case ERRCODE_ANSWER_TOO_LARGE:
			return 413;
		case ERRCODE_QUERY_CANCELED:
			return 0;
	}
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_PLPGSQL_ERROR:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			return 400;
	}
	return 0;
}

static const char *
code_of(const ErrorData *error, bool called)
{
	if (error->sqlerrcode == ERRCODE_ANSWER_TOO_LARGE)
		return "answer_too_large";
	if (called)
		return unpack_sql_state(error->sqlerrcode);
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

/* In the database's encoding; NULL: none */
static char *
body_text(const bytea *bytes)
{
	if (bytes == NULL)
		return NULL;
	return pg_any_to_server(pnstrdup(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)), VARSIZE_ANY_EXHDR(bytes), PG_UTF8);
}

/* What somebody may do who speaks HTTP: hints of functions are for SQL */
static const char *
hint_of(const Request *request, const Answer *answer, int status, const ErrorData *error)
{
	if (answer->collection == NULL)
		return error->hint;
	if (error->sqlerrcode == ERRCODE_UNDEFINED_OBJECT || error->sqlerrcode == ERRCODE_DUPLICATE_OBJECT)
		return psprintf("GET /v1%s%s lists those that there are.", strcmp(answer->collection, "resources") == 0 ? "" : "/",
						strcmp(answer->collection, "resources") == 0 ? "" : answer->collection);
	if (status == 403 && error->hint == NULL)
		return psprintf("The token acts as %s, which may not; GET /openapi.json describes what it may.", GetUserNameFromId(request->role, true));
	return error->hint;
}

/* Advisory locks of a session outlive transactions, failed ones too: a function behind a view would keep them from everybody else */
static void
let_go(void)
{
	LockReleaseSession(USER_LOCKMETHOD);
}

/* In a subtransaction, so that an answer can still be given */
static void
answer_safely(Request *request, const bytea *body, Answer *answer)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	/* nor does a function behind a view write, and within a subtransaction nobody can take that back; actions do, see call.c */
	XactReadOnly = true;
	PG_TRY();
	{
		request->body = body_text(body);
		route_answer(request, answer);
		/* nor is anything left of it that reading does not forbid: large objects before 16, and notifications */
		if (answer->acts || answer->keeps)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;
		int status;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		status = problem_status(error->sqlerrcode, answer->called);
		FlushErrorState();
		/* also of what goes on: the session would be left in a failed subtransaction, and all that come after fail */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (status == 0)
		{
			let_go();
			clean_rethrow(error);
		}
		answer_problem(answer, status, code_of(error, answer->collection != NULL), error->message, error->detail, hint_of(request, answer, status, error));
	}
	PG_END_TRY();
}

/* -- the door -- */

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* False: it has asked too often of late, and the answer says so */
static bool
may_ask_now(const Request *request, Answer *answer)
{
	int seconds;

	/* the gateway's own question for streams, which it asks as often as there may be something; a client cannot say so */
	if (request_header(request, "x-stream"))
		return true;
	seconds = rate_wait(request->who);
	if (seconds == 0)
		return true;
	answer_problem(answer, 429, "too_many_requests", "the token has made too many requests within a minute",
				   NULL, "ingest_api.requests_per_minute says how often it may");
	answer_header(answer, "Retry-After", psprintf("%d", seconds));
	return false;
}

/* Who did what from where, or was refused */
static void
write_down(const Request *request, const Answer *answer)
{
	static SPIPlanPtr plan = NULL;
	static Oid types[] = {OIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID};
	char *peer = request_header(request, "x-peer"),
		 *number = request_header(request, "x-request-id");
	/* who was not known came through the gateway's role */
	Datum values[] = {ObjectIdGetDatum(OidIsValid(request->role) ? request->role : GetSessionUserId()), CStringGetTextDatum(request->who ? request->who : ""), CStringGetTextDatum(peer ? peer : ""), CStringGetTextDatum(number ? number : ""),
					  CStringGetTextDatum(psprintf("%s %s", request->method, request->path)), Int32GetDatum(answer->status)};
	Identity saved;

	become_engine(&saved);
	(void) SPI_execute_plan(own_plan(&plan, "SELECT ingest_api_internal.write_down($1, $2, $3, $4, $5, $6)", 6, types), values, NULL, false, 0);
	become_again(&saved);
}

static void
note_use(const Request *request)
{
	Identity saved;

	if (!request->unnoted && !request->session_unnoted)
		return;
	become_engine(&saved);
	if (request->unnoted)
		credential_note_use(request->unnoted);
	else
		session_note_use(request->session);
	become_again(&saved);
}

/* What values look like, and are read as, is the same whatever the database and its roles are set to; until the level's end */
static int
fixed_forms(void)
{
	static const char *const settings[][2] = {{"datestyle", "ISO, MDY"}, {"intervalstyle", "postgres"}, {"extra_float_digits", "1"}, {"bytea_output", "hex"}};
	int level = NewGUCNestLevel();

	/* most sessions have them already, and to set one is not for nothing */
	if (DateStyle == USE_ISO_DATES && DateOrder == DATEORDER_MDY && IntervalStyle == INTSTYLE_POSTGRES && extra_float_digits == 1 && bytea_output == BYTEA_OUTPUT_HEX)
		return level;
	for (size_t i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* By that the log and pg_stat_activity know it, until the transaction's end */
static void
name_session(const Request *request)
{
	char *name = request_header(request, "x-name");

	if (name)
		(void) set_config_option("application_name", name, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

Datum
ingest_api_serve(PG_FUNCTION_ARGS)
{
	Request request = {text_argument(fcinfo, 1), text_argument(fcinfo, 2), text_argument(fcinfo, 3), PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4)};
	char *credential = text_argument(fcinfo, 0);
	MemoryContext context = CurrentMemoryContext;
	Answer answer = {0};
	int level;
	Datum result;
	Datum values[3];
	bool nulls[3] = {false};
	TupleDesc desc;

	/* what is served could call this again, as another one */
	if (InLocalUserIdChange())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("ingest_api.serve() cannot be called from "
																		"within a function")));
	if (request.method == NULL || request.path == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a request needs a method and a path")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "serve gives a row");
	cache_let_go();
	name_session(&request);
	clean_begin();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI is not there");
	level = fixed_forms();
	if (credential)
		credential_find(credential, &request);
	if (credential == NULL && OidIsValid(metrics_role(request.path)))
	{
		request.role = metrics_role(request.path);
		request.scope = SCOPE_READ;
		request.who = "metrics";
	}
	MemoryContextSwitchTo(context);
	if (!OidIsValid(request.role) && session_begins(&request))
		session_refused(&request, &answer);
	else if (!OidIsValid(request.role))
		answer_problem(&answer, 401, "PGRST301", credential ? "the token is not known, has expired or was revoked" : "a token is needed", NULL,
					   "Authorization: Bearer pgi_..., as ingest_api.create_token() returns it, or a JSON Web Token: of "
					   "an issuer and audience and signed with a key that the gateway was given, not expired, with "
					   "claims mapped to one role by ingest_api.map_claim()");
	else if (may_ask_now(&request, &answer))
		answer_safely(&request, PG_ARGISNULL(5) ? NULL : PG_GETARG_BYTEA_PP(5), &answer);
	let_go();
	if (answer.acts && !RecoveryInProgress())
		write_down(&request, &answer);
	note_use(&request);
	if (answer.route)
		answer_header(&answer, "X-Route", answer.route);
	/* to the gateway, likewise */
	if (clean_is_over())
		answer_header(&answer, "X-Session", "over");
	/* what was written until now goes with SPI */
	MemoryContextSwitchTo(context);
	values[0] = Int32GetDatum(answer.status);
	values[1] = DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("{%s}", answer.headers.data)));
	values[2] = PointerGetDatum(cstring_to_text_with_len(answer.body.data, answer.body.len));
	result = HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
	SPI_finish();
	AtEOXact_GUC(false, level);
	return result;
}
