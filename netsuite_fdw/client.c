/*
 * client.c
 *		Sign, send, retry, govern.
 *
 * A client is kept for the session, per server and user, with its token and
 * what it learnt of the account.  ALTER SERVER and ALTER USER MAPPING retire
 * it: running scans end with the old one, new ones get a new one.
 */
#include "postgres.h"

#include "common/json.h"
#include "common/retry.h"
#include "foreign/foreign.h"
#include "netsuite_fdw/client.h"
#include "netsuite_fdw/compat.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define SMALL_BODY (16 * 1024 * 1024) /* for everything but pages */
#define TOKEN_MARGIN_S 60
#define RAISE_AFTER 40 /* quiet replies before one more at once */
#define MAX_500_RETRIES 3
#define SPARE_DEADLINE_MS 10000 /* for a reply that one can do without */

#define SUITEQL_PATH "/services/rest/query/v1/suiteql"
#define TOKEN_PATH "/services/rest/auth/oauth2/v1/token"

struct Client
{
	Oid serverid;
	Oid userid;
	uint32 server_hash;
	uint32 mapping_hash;
	MemoryContext context;
	ServerOptions *options;
	UserOptions *user;
	CredentialKind kind;
	bool stale;
	int users; /* scans and requests that hold it */

	/* governor */
	int allowed; /* requests at once, now */
	int running;
	int quiet; /* good replies since the last change */
	TimestampTz reduced_at;

	/* OAuth 2.0 */
	char *token;
	TimestampTz token_expiry;
	uint64 token_epoch;
	Request *login;

	Request *requests; /* that wait or run, oldest first */
	void *slot;        /* what another room remembers here */
	Client *next;
};

static Client *clients = NULL;

/* -- the cache -- */

static void
retire(Datum arg, int cacheid, uint32 hash)
{
	for (Client *c = clients; c != NULL; c = c->next)
	{
		uint32 mine = cacheid == FOREIGNSERVEROID ? c->server_hash : c->mapping_hash;

		if (hash == 0 || hash == mine)
			c->stale = true;
	}
}

/* Free clients that are retired and that nobody holds */
static void
sweep(void)
{
	Client **link = &clients;

	while (*link != NULL)
	{
		Client *c = *link;

		if (c->stale && c->users == 0)
		{
			*link = c->next;
			MemoryContextDelete(c->context);
		}
		else
			link = &c->next;
	}
}

static Client *
build(Oid serverid, Oid userid)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "netsuite client",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Client *c = palloc0(sizeof(Client));
	UserMapping *mapping = GetUserMapping(userid, serverid);

	c->context = context;
	c->serverid = serverid;
	c->userid = userid;
	c->server_hash = GetSysCacheHashValue1(FOREIGNSERVEROID, ObjectIdGetDatum(serverid));
	c->mapping_hash = GetSysCacheHashValue1(USERMAPPINGOID, ObjectIdGetDatum(mapping->umid));
	c->options = server_options(serverid);
	c->user = user_options(userid, serverid);
	c->kind = credential_kind(c->user, c->options->name);
	c->allowed = c->options->max_concurrency;
	MemoryContextSwitchTo(old);
	/* complete: now it may outlive the query */
	MemoryContextSetParent(context, CacheMemoryContext);
	return c;
}

/* The session's client for a server and a user, made on first use */
Client *
client_get(Oid serverid, Oid userid)
{
	static bool registered = false;
	Client *c;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(FOREIGNSERVEROID, retire, (Datum) 0);
		CacheRegisterSyscacheCallback(USERMAPPINGOID, retire, (Datum) 0);
		registered = true;
	}
	sweep();
	for (c = clients; c != NULL; c = c->next)
	{
		if (c->serverid == serverid && c->userid == userid && !c->stale)
			return c;
	}
	c = build(serverid, userid);
	c->next = clients;
	clients = c;
	return c;
}

static void
let_go(void *arg)
{
	((Client *) arg)->users--;
}

/* Keep a client while a memory context lives */
void
client_hold(Client *client, MemoryContext context)
{
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	callback->func = let_go;
	callback->arg = client;
	client->users++;
	MemoryContextRegisterResetCallback(context, callback);
}

const ServerOptions *
client_options(Client *client)
{
	return client->options;
}

int
client_allowed(Client *client)
{
	return client->allowed;
}

/* How the client logs in */
CredentialKind
client_credential(Client *client)
{
	return client->kind;
}

/* What the user mapping tells of its certificate, and when that ends */
CertificateState
client_certificate(Client *client, TimestampTz *expiry)
{
	return credential_certificate(client->user, expiry);
}

/* Zeroed memory that lives as long as the client, for what is learnt of the account */
void *
client_slot(Client *client, Size size)
{
	if (client->slot == NULL)
		client->slot = MemoryContextAllocZero(client->context, size);
	return client->slot;
}

/* -- requests -- */

static void
unlist(Request *request)
{
	Client *c = request->client;
	Request **link = &c->requests;

	if (!request->listed)
		return;
	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
	request->listed = false;
	if (request->state == REQUEST_RUNNING)
		c->running--;
}

static void
forget(void *arg)
{
	Request *request = arg;

	unlist(request);
	if (request->client->login == request)
		request->client->login = NULL;
	request->client->users--;
}

/* A request in a context of its own below parent */
Request *
request_new(Client *client, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "netsuite request",
												  ALLOCSET_SMALL_SIZES);
	Request *request = MemoryContextAllocZero(context, sizeof(Request));

	request->context = context;
	request->client = client;
	request->http = http_request_new(context);
	request->max_body = SMALL_BODY;
	request->callback.func = forget;
	request->callback.arg = request;
	client->users++;
	MemoryContextRegisterResetCallback(context, &request->callback);
	return request;
}

void
request_param(Request *request, const char *name, const char *value)
{
	Assert(request->nparams < lengthof(request->params));
	request->params[request->nparams].name = name;
	request->params[request->nparams].value = MemoryContextStrdup(request->context, value);
	request->nparams++;
}

/* Make the request a SuiteQL query for one page */
void
request_query(Request *request, const char *suiteql, int limit, int64 offset)
{
	MemoryContext old = MemoryContextSwitchTo(request->context);
	StringInfoData body;

	request->method = "POST";
	request->path = SUITEQL_PATH;
	request->content_type = "application/json";
	request->prefer = "transient";
	request->accept_type = "application/json";
	request->what = "run a query";
	request->suiteql = pstrdup(suiteql);
	initStringInfo(&body);
	appendStringInfoString(&body, "{\"q\":");
	json_append_string(&body, suiteql);
	appendStringInfoChar(&body, '}');
	request->body = body.data;
	request_param(request, "limit", psprintf("%d", limit));
	request_param(request, "offset", psprintf(INT64_FORMAT, offset));
	MemoryContextSwitchTo(old);
}

/* Make the request a GET of one of the other services */
void
request_get(Request *request, const char *path, const char *accept_type)
{
	request->method = "GET";
	request->path = MemoryContextStrdup(request->context, path);
	request->accept_type = accept_type;
	request->what = "read account data";
}

/* Put the request in line */
void
request_start(Request *request)
{
	Request **link = &request->client->requests;

	Assert(!request->listed);
	while (*link != NULL)
		link = &(*link)->next;
	*link = request;
	request->next = NULL;
	request->listed = true;
	request->state = REQUEST_WAITING;
	request->attempt = 0;
	request->not_before = 0;
	request->deadline = 0;
}

/* Give a request up and free all that it holds */
void
request_stop(Request *request)
{
	MemoryContextDelete(request->context);
}

bool
request_settled(Request *request)
{
	return request->state >= REQUEST_DONE;
}

/* Wait until a request is settled; true if it succeeded */
bool
request_settle(Request *request)
{
	while (!request_settled(request))
		client_turn(request->client, -1);
	return request->state == REQUEST_DONE;
}

/* Wait for a request that must succeed */
void
request_wait(Request *request)
{
	if (!request_settle(request))
		request_raise(request);
}

/* The reply as a document that lives as long as the request; NULL if it is no JSON */
Json *
request_json(Request *request)
{
	HttpBuffer buffer = {0};
	Json *result = NULL;

	if (request->http->body_len > 0 &&
		http_text(request->http, SMALL_BODY, &buffer) == HTTP_TEXT_OK)
		result = json_parse(request->context, buffer.data, buffer.len);
	free(buffer.data);
	return result;
}

/* -- sending -- */

static List *
headers_of(Request *request, const char *url)
{
	Client *c = request->client;
	List *headers = NIL;

	if (!request->anonymous)
	{
		if (c->kind == CREDENTIAL_OAUTH2)
			headers = lappend(headers, psprintf("Authorization: Bearer %s", c->token));
		else
			headers = lappend(headers, credential_sign(c->user, c->options->realm, request->method,
													   url, request->params, request->nparams));
	}
	headers = lappend(headers, psprintf("Accept: %s", request->accept_type));
	if (request->content_type)
		headers = lappend(headers, psprintf("Content-Type: %s", request->content_type));
	if (request->prefer)
		headers = lappend(headers, psprintf("Prefer: %s", request->prefer));
	if (c->options->accept_language)
		headers = lappend(headers, psprintf("Accept-Language: %s", c->options->accept_language));
	return headers;
}

static void
launch(Request *request)
{
	Client *c = request->client;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "netsuite send",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	char *url = psprintf("%s%s", c->options->base_url, request->path);
	StringInfoData full;

	initStringInfo(&full);
	appendStringInfoString(&full, url);
	for (int i = 0; i < request->nparams; i++)
		appendStringInfo(&full, "%c%s=%s", i == 0 ? '?' : '&', request->params[i].name,
						 http_escape(request->params[i].value));
	request->token_epoch = c->token_epoch;
	http_start(request->http, &c->options->http, request->method, full.data,
			   headers_of(request, url), request->body, request->max_body);
	request->state = REQUEST_RUNNING;
	c->running++;
	if (request->stats)
	{
		request->stats->requests++;
		request->stats->retries += request->attempt > 0;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

static void
fail(Request *request, const char *code, const char *detail)
{
	unlist(request);
	request->state = REQUEST_FAILED;
	if (code)
		request->code = MemoryContextStrdup(request->context, code);
	if (detail)
		request->detail = MemoryContextStrdup(request->context, detail);
}

static void
fail_all(Client *c, Request *because)
{
	Request *next;

	for (Request *r = c->requests; r != NULL; r = next)
	{
		next = r->next;
		if (r == because || r->anonymous || r->state != REQUEST_WAITING)
			continue;
		r->http->status = because->http->status;
		r->http->failure = because->http->failure;
		r->http->date = because->http->date;
		r->what = because->what;
		r->suiteql = NULL;
		fail(r, because->code, because->detail);
	}
}

/* Try again later, unless patience is over */
static void
again(Request *request, bool counts, const char *code, const char *detail)
{
	const ServerOptions *o = request->client->options;
	TimestampTz now = GetCurrentTimestamp();
	int delay = retry_delay_ms(request->attempt, request->http->retry_after);
	int most = o->max_retries;

	if (request->http->status == 500)
		most = Min(most, request->impatient ? 1 : MAX_500_RETRIES);
	if (request->spare)
		most = Min(most, 1);
	if (request->deadline == 0)
		request->deadline = TimestampTzPlusMilliseconds(now, request->spare ? Min(o->retry_deadline_ms, SPARE_DEADLINE_MS) : o->retry_deadline_ms);
	request->not_before = TimestampTzPlusMilliseconds(now, delay);
	if ((counts && request->attempt >= most) || request->not_before > request->deadline)
	{
		fail(request, code, detail);
		return;
	}
	http_drop_body(request->http);
	request->attempt++;
	request->state = REQUEST_WAITING;
}

/* The account has too much to do: make room first */
static void
throttle(Request *request, const char *code, const char *detail)
{
	Client *c = request->client;
	TimestampTz now = GetCurrentTimestamp();

	/* refusals of one burst count once */
	if (c->reduced_at == 0 || TimestampDifferenceExceeds(c->reduced_at, now, 250))
	{
		c->allowed = Max(1, c->allowed / 2);
		c->reduced_at = now;
	}
	c->quiet = 0;
	if (request->stats)
		request->stats->throttled++;
	again(request, false, code, detail);
}

/* A good reply; after many, ask for one more at once */
static void
done(Request *request)
{
	Client *c = request->client;

	unlist(request);
	request->state = REQUEST_DONE;
	if (c->allowed < c->options->max_concurrency && ++c->quiet >= RAISE_AFTER)
	{
		c->allowed++;
		c->quiet = 0;
	}
}

/* -- replies -- */

/* NetSuite's words for an error: code and detail, palloc'd */
static void
read_error(Request *request, char **code, char **detail)
{
	Json *body = request_json(request);
	Json *details = json_member(body, "o:errorDetails");
	const char *text;
	StringInfoData all;

	*code = *detail = NULL;
	if (json_text(body, "error"))
	{
		*code = pstrdup(json_text(body, "error"));
		*detail = pstrdup(json_text(body, "error_description") ? json_text(body, "error_description") : *code);
		return;
	}
	if (json_count(details) == 0)
		return;
	initStringInfo(&all);
	for (int i = 0; i < json_count(details) && i < 3; i++)
	{
		Json *one = json_item(details, i);

		if ((text = json_text(one, "detail")) != NULL)
			appendStringInfo(&all, "%s%s", all.len > 0 ? " " : "", text);
		if ((text = json_text(one, "o:errorPath")) != NULL)
			appendStringInfo(&all, " (path %s)", text);
		if (*code == NULL && (text = json_text(one, "o:errorCode")) != NULL)
			*code = pstrdup(text);
	}
	*detail = all.data;
}

static bool
is_throttle(int status, const char *code)
{
	return status == 429 ||
		   (status == 400 && code != NULL &&
			(strcmp(code, "CONCURRENCY_LIMIT_EXCEEDED") == 0 ||
			 strcmp(code, "SSS_REQUEST_LIMIT_EXCEEDED") == 0));
}

/* Wrong or expired credentials: one new token, then it is over */
static void
refused_login(Request *request, const char *code, const char *detail)
{
	Client *c = request->client;

	if (c->kind != CREDENTIAL_OAUTH2 || request->anonymous || request->relogged)
	{
		fail(request, code ? code : "INVALID_LOGIN", detail);
		return;
	}
	request->relogged = true;
	if (request->token_epoch == c->token_epoch)
		c->token = NULL;
	http_drop_body(request->http);
	request->state = REQUEST_WAITING;
}

static void
settle_reply(Request *request)
{
	HttpRequest *http = request->http;
	const char *why = "the reply is not what it should be";
	char *code;
	char *detail;

	if (http->status >= 200 && http->status < 300)
	{
		if (request->accept == NULL || request->accept(request, request->accept_arg, &why))
			done(request);
		else if (request->state == REQUEST_TOO_LARGE)
			unlist(request);
		else
			again(request, true, NULL, why);
		return;
	}
	read_error(request, &code, &detail);
	if (is_throttle(http->status, code))
		throttle(request, code, detail);
	else if (http->status == 401)
		refused_login(request, code, detail);
	else if (http->status >= 500)
		again(request, true, code, detail);
	else
		fail(request, code, detail);
}

static void
settle(Request *request)
{
	HttpRequest *http = request->http;

	request->client->running--;
	request->state = REQUEST_WAITING;
	if (request->stats)
		request->stats->bytes += http->body_len;
	switch (http->failure)
	{
		case HTTP_OK:
			settle_reply(request);
			break;
		case HTTP_TOO_LARGE:
			unlist(request);
			request->state = REQUEST_TOO_LARGE;
			break;
		case HTTP_UNTRUSTED:
		case HTTP_MISCONFIGURED:
			fail(request, NULL, http->error);
			break;
		default:
			http->status = 0;
			again(request, true, NULL, http->error);
	}
}

/* -- OAuth 2.0 -- */

static bool
token_valid(Client *c)
{
	return c->token != NULL && c->token_expiry > GetCurrentTimestamp();
}

/* Ask for a token.  The assertion is short-lived, so every login makes its own. */
static void
start_login(Client *c, Request *because)
{
	Request *r = request_new(c, MemoryContextGetParent(because->context));
	MemoryContext old = MemoryContextSwitchTo(r->context);
	char *url = psprintf("%s%s", c->options->base_url, TOKEN_PATH);

	r->method = "POST";
	r->path = TOKEN_PATH;
	r->accept_type = "application/json";
	r->content_type = "application/x-www-form-urlencoded";
	r->what = "obtain an access token";
	r->anonymous = true;
	r->body = psprintf("grant_type=client_credentials"
					   "&client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer"
					   "&client_assertion=%s",
					   credential_assertion(c->user, url));
	MemoryContextSwitchTo(old);
	request_start(r);
	c->login = r;
}

static void
end_login(Client *c, Request *login)
{
	Json *body = login->state == REQUEST_DONE ? request_json(login) : NULL;
	const char *token = json_text(body, "access_token");
	Json *lifetime = json_member(body, "expires_in");
	int64 seconds = lifetime ? json_int(lifetime) : 0;

	c->login = NULL;
	if (login->state == REQUEST_DONE && token == NULL)
		fail(login, NULL, "the reply holds no access token");
	if (token == NULL)
	{
		fail_all(c, login);
		request_stop(login);
		return;
	}
	if (seconds <= 0)
		seconds = 3600;
	c->token = MemoryContextStrdup(c->context, token);
	c->token_epoch++;
	c->token_expiry = TimestampTzPlusMilliseconds(
		GetCurrentTimestamp(), (seconds - Min(TOKEN_MARGIN_S, seconds / 2)) * 1000);
	request_stop(login);
}

/* -- one turn -- */

static bool
may_start(Client *c, Request *r, TimestampTz now)
{
	if (r->state != REQUEST_WAITING || r->not_before > now || c->running >= c->allowed)
		return false;
	return r->anonymous || c->kind == CREDENTIAL_TBA || token_valid(c);
}

/* Start what may start; returns how long until the next may, or -1 */
static long
start_waiting(Client *c)
{
	TimestampTz now = GetCurrentTimestamp();
	Request *needs_token = NULL;
	long wait = -1;

	for (Request *r = c->requests; r != NULL && needs_token == NULL; r = r->next)
	{
		if (r->state == REQUEST_WAITING && !r->anonymous)
			needs_token = r;
	}
	if (needs_token && c->kind == CREDENTIAL_OAUTH2 && !token_valid(c) && c->login == NULL)
		start_login(c, needs_token);
	for (Request *r = c->requests; r != NULL; r = r->next)
	{
		if (may_start(c, r, now))
			launch(r);
		else if (r->state == REQUEST_WAITING && r->not_before > now)
		{
			long ms = TimestampDifferenceMilliseconds(now, r->not_before) + 1;

			wait = wait < 0 ? ms : Min(wait, ms);
		}
	}
	return wait;
}

/*
 * Drive this client's requests: start what may start, wait up to timeout_ms
 * (-1: until something happens), settle what came.  Callers loop on
 * request_settled.
 */
void
client_turn(Client *client, long timeout_ms)
{
	long until_next;
	Request *next;

	if (client->requests == NULL)
		return;
	until_next = start_waiting(client);
	if (until_next >= 0)
		timeout_ms = timeout_ms < 0 ? until_next : Min(timeout_ms, until_next);
	http_turn(timeout_ms);
	for (Request *r = client->requests; r != NULL; r = next)
	{
		next = r->next;
		if (r->state == REQUEST_RUNNING && r->http->state == HTTP_DONE)
			settle(r);
	}
	if (client->login != NULL && request_settled(client->login))
		end_login(client, client->login);
	/* a slot that came free is used at once */
	start_waiting(client);
}

/* -- failures in words -- */

/*
 * Was a failed request refused for a reason that lasts?  What the network, the
 * load or a fault over there may cure is none; nor is a login, which can be mended.
 */
bool
request_refused(Request *r)
{
	int status = r->http->status;

	return r->state == REQUEST_FAILED && r->http->failure == HTTP_OK && status >= 400 &&
		   status < 500 && status != 401 && status != 408 && !is_throttle(status, r->code) &&
		   request_sqlstate(r) != ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
}

/* Do NetSuite's words say that there is no such table?  No code does. */
static bool
names_no_table(const char *detail)
{
	return detail != NULL && ((strstr(detail, "Record '") && strstr(detail, "not found")) ||
							  strstr(detail, "Invalid search type"));
}

/* An account whose company language is another wants to be told that it is known */
static bool
lacks_language(Request *r)
{
	return r->http->status == 400 && r->code && strcmp(r->code, "INVALID_HEADER") == 0;
}

/* The SQLSTATE of a failed request */
int
request_sqlstate(Request *r)
{
	switch (r->http->failure)
	{
		case HTTP_MISCONFIGURED:
			return ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE;
		case HTTP_OK:
			break;
		default:
			return ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION;
	}
	if (is_throttle(r->http->status, r->code))
		return ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
	if (r->http->status == 401 || (r->code && strncmp(r->code, "invalid_", 8) == 0))
		return ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
	if (r->http->status == 403)
		return ERRCODE_INSUFFICIENT_PRIVILEGE;
	if (names_no_table(r->detail))
		return ERRCODE_FDW_TABLE_NOT_FOUND;
	if (lacks_language(r))
		return ERRCODE_FDW_OPTION_NAME_NOT_FOUND;
	if (r->detail && (strstr(r->detail, "Field '") || strstr(r->detail, "Unknown identifier")))
		return ERRCODE_FDW_COLUMN_NAME_NOT_FOUND;
	if (r->http->status == 200)
		return ERRCODE_FDW_REPLY_HANDLE;
	return ERRCODE_FDW_ERROR;
}

/* Why a login may be refused that was right once */
static const char *
login_hint(Request *r)
{
	TimestampTz expiry;

	if (client_certificate(r->client, &expiry) == CERTIFICATE_EXPIRED)
		return psprintf("The certificate of the user mapping expired on %s: make a new one, upload it in NetSuite under OAuth 2.0 Client Credentials Setup and set the options certificate_id and private_key or private_key_file.",
						timestamptz_to_str(expiry));
	if (r->client->kind == CREDENTIAL_OAUTH2)
		return "Check the user mapping, that the certificate is neither revoked nor expired, and this machine's clock; NetSuite's Login Audit Trail names the reason, netsuite_check() shows the clock skew.";
	return "Check the user mapping, that the token is not revoked, and this machine's clock; NetSuite's Login Audit Trail names the reason, netsuite_check() shows the clock skew.";
}

static const char *
hint_of(Request *r)
{
	switch (request_sqlstate(r))
	{
		case ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE:
			return "Check the server options base_url, ca_file and proxy.";
		case ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION:
			if (r->http->failure == HTTP_UNTRUSTED)
				return "If a proxy or a test server presents its own certificate, name its authority in server option ca_file.";
			return "Check the network and the server options account, base_url, proxy, connect_timeout, request_timeout and retry_deadline; netsuite_check() tells which step fails.";
		case ERRCODE_CONFIGURATION_LIMIT_EXCEEDED:
			return "Other integrations use up the account's concurrency; lower max_concurrency or raise retry_deadline of the server.";
		case ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION:
			return login_hint(r);
		case ERRCODE_FDW_OPTION_NAME_NOT_FOUND:
			return psprintf("Name the company's default language: ALTER SERVER %s OPTIONS (ADD accept_language '...').",
							quote_identifier(r->client->options->name));
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return "Give the role of the token the permission in NetSuite; docs/netsuite_fdw.md lists those needed.";
		case ERRCODE_FDW_TABLE_NOT_FOUND:
			return "The account has no such table, since a feature such as Multiple Currencies is not enabled there, or the role may not see it: enable the one, or give the role the permission.";
		case ERRCODE_FDW_COLUMN_NAME_NOT_FOUND:
			return "The account may have changed or the role may have lost a permission: run IMPORT FOREIGN SCHEMA into a new schema and compare.";
		case ERRCODE_FDW_REPLY_HANDLE:
			return "A proxy may have answered instead of NetSuite; check base_url and proxy.";
		default:
			if (r->http->status >= 300 && r->http->status < 400)
				return "Redirects are not followed, since they would carry the credentials elsewhere: check base_url, account and proxy.";
			return r->http->status >= 500 ? "NetSuite failed repeatedly; if it persists, give the operation id to its support."
										  : NULL;
	}
}

static void
append_sentence(StringInfo text, const char *sentence)
{
	int len = strlen(sentence);

	appendStringInfo(text, "%s%s", text->len > 0 ? " " : "", sentence);
	if (len > 0 && sentence[len - 1] != '.')
		appendStringInfoChar(text, '.');
}

/* Report a failed request */
void
request_raise(Request *request)
{
	HttpRequest *http = request->http;
	const char *server = request->client->options->name;
	const char *hint = hint_of(request);
	StringInfoData detail;

	initStringInfo(&detail);
	if (request->detail)
		append_sentence(&detail, request->detail);
	if (request->code)
		append_sentence(&detail, psprintf("Code: %s.", request->code));
	if (http->operation_id[0])
		append_sentence(&detail, psprintf("Operation id: %s.", http->operation_id));
	if (request->attempt > 0)
		append_sentence(&detail, psprintf("Gave up after %d attempts.", request->attempt + 1));
	if (http->failure != HTTP_OK)
		ereport(ERROR,
				(errcode(request_sqlstate(request)),
				 errmsg("could not %s on server \"%s\": no reply", request->what, server),
				 errdetail_internal("%s", detail.data),
				 hint ? errhint("%s", hint) : 0,
				 request->suiteql ? errcontext("SuiteQL: %s", request->suiteql) : 0));
	ereport(ERROR,
			(errcode(request_sqlstate(request)),
			 errmsg("could not %s on server \"%s\": NetSuite answered %d", request->what, server,
					http->status),
			 detail.len > 0 ? errdetail_internal("%s", detail.data) : 0,
			 hint ? errhint("%s", hint) : 0,
			 request->suiteql ? errcontext("SuiteQL: %s", request->suiteql) : 0));
}
