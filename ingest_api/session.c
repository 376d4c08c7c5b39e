/*
 * session.c
 *		Who is logged in: sessions of a browser, and what begins and ends one.
 *
 * The gateway makes the cookie and shows its SHA-256, as with tokens: no statement and no
 * table has what a browser sends.  A link is good for once, which the deletion of its row
 * decides, in the transaction that begins the session.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "common/door.h"
#include "executor/spi.h"
#include "ingest_api/rate.h"
#include "ingest_api/render.h"
#include "ingest_api/session.h"
#include "ingest_api/statement.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define PATH "/v1/session"
#define NAME "session"
#define HASH 64

/* When a session was last used is written so often; it ends by that, so more often where it may be idle for little */
static int64
used_every(void)
{
	return Min(60, api_session_idle / 10) * USECS_PER_SEC;
}

/* -- who asks -- */

static bool
is_hash(const char *text)
{
	return strlen(text) == HASH && strspn(text, "0123456789abcdef") == HASH;
}

/* The widest of a text of scopes */
static Scope
scope_of(char *names)
{
	Scope widest = SCOPE_NOTHING;

	for (char *name = names ? strtok(names, " ") : NULL; name; name = strtok(NULL, " "))
		widest = Max(widest, scope_named(name));
	return widest;
}

/* Of a hash, and of seconds where they are asked for; NULL: none.  Who guesses meets 256 bits: it need not take as long whatever differs */
static HeapTuple
row_of(SPIPlanPtr *plan, const char *sql, int n, const char *hash)
{
	static Oid types[] = {TEXTOID, INT4OID};
	Datum values[] = {CStringGetTextDatum(hash), Int32GetDatum(api_session_idle)};

	if (SPI_execute_plan(own_plan(plan, sql, n, types), values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		return NULL;
	return SPI_tuptable->vals[0];
}

static void
find_session(const char *hash, Request *request)
{
	static SPIPlanPtr plan = NULL;
	static const char *const sql = "SELECT s.role, pg_catalog.array_to_string(s.scopes, ' '), s.id, s.used_at FROM ingest_api_internal.session s "
								   "LEFT JOIN ingest_api_internal.token t ON t.id = s.token WHERE s.hash = pg_catalog.decode($1, 'hex') "
								   "AND s.expires_at > pg_catalog.now() AND s.used_at > pg_catalog.now() - pg_catalog.make_interval(secs => $2) AND s.home = ingest_api_internal.home() "
								   "AND (s.token IS NULL OR (t.revoked_at IS NULL AND t.expires_at > pg_catalog.now()))";
	HeapTuple row = row_of(&plan, sql, 2, hash);
	TupleDesc desc;
	bool isnull;
	TimestampTz used;

	if (row == NULL)
		return;
	desc = SPI_tuptable->tupdesc;
	request->role = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
	request->scope = scope_of(SPI_getvalue(row, desc, 2));
	request->session = DatumGetInt64(SPI_getbinval(row, desc, 3, &isnull));
	request->who = psprintf("session " INT64_FORMAT, request->session);
	used = DatumGetTimestampTz(SPI_getbinval(row, desc, 4, &isnull));
	/* a page that only lies open and hears what happens uses nothing */
	request->session_unnoted = used + used_every() < GetCurrentTimestamp() && !RecoveryInProgress() && !XactReadOnly && request_header(request, "x-stream") == NULL;
}

static void
find_link(const char *hash, Request *request)
{
	static SPIPlanPtr plan = NULL;
	static const char *const sql = "SELECT l.role, pg_catalog.array_to_string(l.scopes, ' ') FROM ingest_api_internal.login_link l "
								   "WHERE l.hash = pg_catalog.decode($1, 'hex') AND l.expires_at > pg_catalog.now() AND l.home = ingest_api_internal.home()";
	HeapTuple row = row_of(&plan, sql, 1, hash);
	bool isnull;

	if (row == NULL)
		return;
	request->role = DatumGetObjectId(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
	request->scope = scope_of(SPI_getvalue(row, SPI_tuptable->tupdesc, 2));
	request->link = pstrdup(hash);
	request->who = "link";
}

bool
session_find(const char *credential, Request *request)
{
	bool session = strncmp(credential, "session ", 8) == 0,
		 link = strncmp(credential, "link ", 5) == 0;

	if (session && is_hash(credential + 8))
		find_session(credential + 8, request);
	/* it is good for this alone */
	if (link && is_hash(credential + 5) && session_begins(request))
		find_link(credential + 5, request);
	return session || link;
}

void
session_note_use(int64 session)
{
	static SPIPlanPtr plan = NULL;
	Oid type = INT8OID;
	Datum value = Int64GetDatum(session);

	(void) SPI_execute_plan(own_plan(&plan, "SELECT ingest_api_internal.session_used($1)", 1, &type), &value, NULL, false, 0);
}

bool
session_begins(const Request *request)
{
	return strcmp(request->method, "POST") == 0 && strcmp(request->path, PATH) == 0;
}

/* -- who it is -- */

static void
member(StringInfo out, const char *name, const char *value)
{
	appendStringInfo(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
	if (value)
		escape_json(out, value);
	else
		appendStringInfoString(out, "null");
}

/* As the engine: until when it is good, and how its token begins */
static void
add_end(const Request *request, int64 session, StringInfo out)
{
	static SPIPlanPtr plan = NULL;
	static Oid types[] = {INT8OID, TEXTOID};
	Datum values[] = {Int64GetDatum(session), CStringGetTextDatum(request->who)};
	bool found = SPI_execute_plan(own_plan(&plan, "SELECT pg_catalog.to_json(expires_at) #>> '{}', token FROM ingest_api_internal.who_is($1, $2)", 2, types), values, session ? "  " : "n ", false, 1) ==
					 SPI_OK_SELECT &&
				 SPI_processed == 1;

	member(out, "expires_at", found ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1) : NULL);
	member(out, "token", found ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2) : NULL);
}

static void
answer_who(const Request *request, int status, int64 session, Answer *answer)
{
	StringInfoData body;
	Identity saved;

	initStringInfo(&body);
	appendStringInfoChar(&body, '{');
	member(&body, "role", GetUserNameFromId(request->role, false));
	member(&body, "scope", scope_name(request->scope));
	member(&body, "database", get_database_name(MyDatabaseId));
	member(&body, "by", session ? NAME : strncmp(request->who, "jwt ", 4) == 0 ? "jwt"
																			   : "token");
	become_engine(&saved);
	add_end(request, session, &body);
	become_again(&saved);
	if (session)
		appendStringInfo(&body, ",\"idle_seconds\":%d", api_session_idle);
	appendStringInfo(&body, ",\"standby\":%s}", RecoveryInProgress() ? "true" : "false");
	answer_begin(answer, status, render_type(FORM_JSON));
	answer_header(answer, "Cache-Control", "no-store");
	answer->body = body;
}

/* -- it begins -- */

/* As the engine; 0: the link was used meanwhile */
static int64
begin(const Request *request, const char *hash)
{
	static SPIPlanPtr plan = NULL;
	static Oid types[] = {TEXTOID, TEXTOID, OIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, INT4OID};
	static const char *const sql = "SELECT ingest_api_internal.log_in($1, $2, $3, ARRAY[$4], $5, $6, $7, $8)";
	char *before = request_header(request, "x-session-before"),
		 *peer = request_header(request, "x-peer");
	Datum values[] = {CStringGetTextDatum(hash), CStringGetTextDatum(before && is_hash(before) ? before : ""), ObjectIdGetDatum(request->role),
					  CStringGetTextDatum(scope_name(request->scope)), Int64GetDatum(request->token), CStringGetTextDatum(request->link ? request->link : ""),
					  CStringGetTextDatum(peer ? peer : ""), Int32GetDatum(api_session_lifetime)};
	char nulls[] = "        ";
	bool isnull;
	Datum session;

	nulls[4] = request->token ? ' ' : 'n';
	nulls[5] = request->link ? ' ' : 'n';
	if (SPI_execute_plan(own_plan(&plan, sql, 8, types), values, nulls, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "log_in gives a number");
	session = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	return isnull ? 0 : DatumGetInt64(session);
}

static void
log_in(const Request *request, Answer *answer)
{
	char *hash = request_header(request, "x-session");
	Identity saved;
	int64 session;

	if ((request->token == 0 && request->link == NULL) || hash == NULL || !is_hash(hash))
	{
		answer_problem(answer, 400, "22023", "logging in needs a token, or what a link contains",
					   NULL, "The body is {\"token\": \"pgi_...\"} or {\"link\": \"pgl_...\"}.");
		return;
	}
	if (RecoveryInProgress())
	{
		answer_problem(answer, 503, "25006", "this server is a standby, where nobody can log in",
					   NULL,
					   "Log in at its primary; here a token can be used for reading.");
		return;
	}
	XactReadOnly = false;
	become_engine(&saved);
	session = begin(request, hash);
	become_again(&saved);
	if (session)
		answer_who(request, 201, session, answer);
	else
		answer_problem(answer, 401, "PGRST301", "the link has already been used",
					   NULL, "SELECT ingest_api.login_link(); gives another one.");
}

void
session_refused(const Request *request, Answer *answer)
{
	char *peer = request_header(request, "x-peer");
	Identity saved;
	int seconds;

	become_engine(&saved);
	seconds = rate_wait_within(psprintf("log-in %s", peer ? peer : ""), api_logins);
	become_again(&saved);
	/* what is right is let in all the same, so that nobody keeps others out; this is no longer written down */
	if (seconds > 0)
	{
		answer_problem(answer, 429, "too_many_requests", "too many log-ins from that address failed within a minute", NULL, "ingest_api.logins_per_minute says how many may");
		answer_header(answer, "Retry-After", psprintf("%d", seconds));
		return;
	}
	answer_problem(answer, 401, "PGRST301", "the token or link is not known, has expired, was used or was revoked", NULL, "SELECT ingest_api.login_link(); gives another one.");
	answer->acts = true;
}

/* -- it ends -- */

static void
log_out(const Request *request, Answer *answer)
{
	static SPIPlanPtr plan = NULL;
	Oid type = INT8OID;
	Datum value = Int64GetDatum(request->session);
	Identity saved;

	if (request->session == 0)
	{
		answer_problem(answer, 409, "55000", "only a session can be logged out",
					   NULL,
					   "A token is revoked by DELETE /v1/tokens/{name}, or by ingest_api.revoke_token().");
		return;
	}
	if (RecoveryInProgress())
	{
		answer_problem(answer, 503, "25006", "this server is a standby, where nothing can be done",
					   NULL,
					   "Its primary can do it.");
		return;
	}
	XactReadOnly = false;
	become_engine(&saved);
	(void) SPI_execute_plan(own_plan(&plan, "SELECT ingest_api_internal.log_out($1)", 1, &type), &value, NULL, false, 0);
	become_again(&saved);
	answer_begin(answer, 204, render_type(FORM_JSON));
	answer_header(answer, "Cache-Control", "no-store");
}

bool
session_answer(const Request *request, List *parts, Answer *answer)
{
	static const char *const methods = "GET, HEAD, POST, DELETE";

	if (list_length(parts) != 1 || strcmp(linitial(parts), NAME) != 0)
		return false;
	answer->route = PATH;
	if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
		answer_who(request, 200, request->session, answer);
	else if (strcmp(request->method, "POST") == 0 || strcmp(request->method, "DELETE") == 0)
	{
		answer->acts = true;
		if (request->method[0] == 'P')
			log_in(request, answer);
		else
			log_out(request, answer);
	}
	else
		answer_not_allowed(request, answer, methods);
	return true;
}
