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
#include "netsuite_fdw/failure.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define SMALL_BODY (16 * 1024 * 1024) /* for everything but pages */
#define TOKEN_MARGIN_S 60
#define RAISE_AFTER 40 /* quiet replies before one more at once */
#define MAX_500_RETRIES 3
#define SPARE_DEADLINE_MS 10000 /* for a reply that one can do without */
#define MAX_LOST 3 /* kept connections that may die under one request before that counts */

#define SUITEQL_PATH "/services/rest/query/v1/suiteql"
#define TOKEN_PATH "/services/rest/auth/oauth2/v1/token"

struct Client
{
	Oid serverid;
	Oid userid;
	Oid mappingid;
	uint32 server_hash;
	uint32 mapping_hash;
	MemoryContext context;
	ServerOptions *options;
	UserOptions *user;
	CredentialKind kind;
	bool stale;
	bool unsure; /* another mapping may be the user's now */
	int users;   /* scans and requests that hold it */

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
static uint64 changes = 0; /* in the catalogue, as far as this room heard */

/* -- the cache -- */

/*
 * Something changed in the catalogue.  A mapping that is not the client's own may
 * be one that was just made for its user, who had PUBLIC's.
 */
static void
retire(Datum arg, int cacheid, uint32 hash)
{
	changes++;
	for (Client *c = clients; c != NULL; c = c->next)
	{
		uint32 mine = cacheid == FOREIGNSERVEROID ? c->server_hash : c->mapping_hash;

		if (hash == 0 || hash == mine)
			c->stale = true;
		else if (cacheid == USERMAPPINGOID)
			c->unsure = true;
	}
}

/* Is it still the user's mapping that the client was made from? */
static void
check_mapping(Client *c)
{
	if (c->stale || !c->unsure)
		return;
	c->unsure = false; /* the look-up may bring the next change to light */
	if (GetUserMapping(c->userid, c->serverid)->umid != c->mappingid)
		c->stale = true;
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
	c->mappingid = mapping->umid;
	c->server_hash = GetSysCacheHashValue1(FOREIGNSERVEROID, ObjectIdGetDatum(serverid));
	c->mapping_hash = GetSysCacheHashValue1(USERMAPPINGOID, ObjectIdGetDatum(mapping->umid));
	c->options = server_options(serverid);
	c->user = user_options(userid, serverid);
	c->options->http.proxy_user = c->user->proxy_user;
	c->options->http.proxy_password = c->user->proxy_password;
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
	uint64 before;
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
		if (c->serverid != serverid || c->userid != userid)
			continue;
		check_mapping(c);
		if (!c->stale)
			return c;
	}
	before = changes;
	c = build(serverid, userid);
	/* what it was built from changed meanwhile: good for this once */
	c->stale = changes != before;
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

/* Requests that do not say otherwise get JSON */
static bool
accept_json(Request *request, void *arg, const char **why)
{
	HttpBuffer buffer = {0};

	if (request->http->body_len == 0)
	{
		*why = "the reply is empty";
		return request->http->status == 204;
	}
	switch (http_text(request->http, request->max_body, &buffer))
	{
		case HTTP_TEXT_OK:
			request->json = json_parse(request->context, buffer.data, buffer.len);
			*why = "the reply is no JSON";
			break;
		case HTTP_TEXT_BROKEN:
			*why = "the compressed reply is damaged";
			break;
		case HTTP_TEXT_TOO_LARGE:
			request->outcome = OUTCOME_TOO_LARGE;
			*why = NULL;
			break;
		case HTTP_TEXT_NO_MEMORY:
			request->outcome = OUTCOME_NO_MEMORY;
			*why = NULL;
			break;
	}
	free(buffer.data);
	return request->json != NULL;
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
	request->accept = accept_json;
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

/* The reply as a document that lives as long as the request; NULL if it has no body */
Json *
request_json(Request *request)
{
	return request->json;
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
		r->outcome = because->outcome;
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
	HttpBuffer buffer = {0};

	*code = *detail = NULL;
	if (http_text(request->http, SMALL_BODY, &buffer) == HTTP_TEXT_OK && buffer.len > 0)
		failure_read(buffer.data, buffer.len, code, detail);
	free(buffer.data);
}

/* Wrong or expired credentials: one new token, then it is over */
static void
refused_login(Request *request, const char *code, const char *detail)
{
	Client *c = request->client;

	if (c->kind != CREDENTIAL_OAUTH2 || request->anonymous || request->relogged)
	{
		fail(request, code ? code : "INVALID_LOGIN", detail);
		/* a file or the environment may hold another secret by now */
		c->stale = true;
		return;
	}
	request->relogged = true;
	if (request->token_epoch == c->token_epoch)
		c->token = NULL;
	http_drop_body(request->http);
	request->state = REQUEST_WAITING;
}

/* Does a reply that says success hold what it should?  Else the outcome is another. */
static void
check_reply(Request *request, char **detail)
{
	const char *why = "the reply is not what it should be";

	if (request->accept(request, request->accept_arg, &why))
		return;
	if (request->outcome == OUTCOME_DONE)
		request->outcome = OUTCOME_NONSENSE;
	*detail = why ? pstrdup(why) : NULL;
}

/* Go on as the outcome and what the request does allow */
static void
settle_outcome(Request *request, const char *code, const char *detail)
{
	request->verdict = outcome_verdict(request->outcome, request->effect);
	switch (request->outcome)
	{
		case OUTCOME_DONE:
			done(request);
			return;
		case OUTCOME_TOO_LARGE:
			unlist(request);
			request->state = REQUEST_TOO_LARGE;
			return;
		case OUTCOME_BUSY:
			throttle(request, code, detail);
			return;
		case OUTCOME_LOGIN:
			refused_login(request, code, detail);
			return;
		default:
			break;
	}
	if (request->verdict == VERDICT_AGAIN && request->http->failure == HTTP_LOST && request->lost++ < MAX_LOST)
		request->state = REQUEST_WAITING;
	else if (request->verdict == VERDICT_AGAIN || (request->verdict == VERDICT_ONCE && request->attempt == 0))
		again(request, true, code, detail);
	else
		fail(request, code, detail);
}

static void
settle(Request *request)
{
	HttpRequest *http = request->http;
	char *code = NULL;
	char *detail = NULL;

	request->client->running--;
	request->state = REQUEST_WAITING;
	if (request->stats)
		request->stats->bytes += http->body_len;
	if (http->failure != HTTP_OK)
	{
		http->status = 0;
		detail = words_from_utf8(http->error, strlen(http->error));
	}
	else if (http->status < 200 || http->status >= 300)
		read_error(request, &code, &detail);
	request->outcome = outcome_of(http->failure, http->sent, http->status, code, detail);
	if (request->outcome == OUTCOME_DONE)
		check_reply(request, &detail);
	settle_outcome(request, code, detail);
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

/* A token stands in a header of its own: nothing in it may end the line */
static bool
is_token(const char *text)
{
	if (text == NULL || *text == '\0')
		return false;
	for (; *text; text++)
	{
		if (*text <= ' ' || *text >= 127)
			return false;
	}
	return true;
}

static void
end_login(Client *c, Request *login)
{
	Json *body = login->state == REQUEST_DONE ? request_json(login) : NULL;
	const char *token = json_text(body, "access_token");
	int64 seconds = json_int(json_member(body, "expires_in"));

	c->login = NULL;
	if (login->state == REQUEST_DONE && !is_token(token))
	{
		login->outcome = OUTCOME_NONSENSE;
		fail(login, NULL, "the reply holds no access token");
	}
	if (login->state != REQUEST_DONE)
	{
		fail_all(c, login);
		request_stop(login);
		return;
	}
	if (seconds <= 0 || seconds > 86400)
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
