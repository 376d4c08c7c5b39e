/*
 * client.c
 *		Sign, send, retry, govern.
 *
 * A client is kept for the session, per server and user, with its token and
 * what it learnt of the account.  ALTER SERVER and ALTER USER MAPPING retire
 * it: running scans end with the old one, new ones get a new one.
 */
#include "postgres.h"

#include "common/address.h"
#include "common/json.h"
#include "common/retry.h"
#include "foreign/foreign.h"
#include "netsuite_fdw/allowance.h"
#include "netsuite_fdw/client.h"
#include "netsuite_fdw/failure.h"
#include "netsuite_fdw/governor.h"
#include "netsuite_fdw/token.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define SMALL_BODY (16 * 1024 * 1024) /* for everything but pages */
#define MAX_500_RETRIES 3
#define SPARE_DEADLINE_MS 10000 /* for a reply that one can do without */
#define SHOW_MS 1000
#define MAX_LOST 3 /* kept connections that may die under one request before that counts */

#define SUITEQL_PATH "/services/rest/query/v1/suiteql"

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

	/* concurrency, of this backend alone or by the governor */
	AccountKey account;
	Allowance allowance;
	int running;
	TimestampTz in_line; /* waits for a slot since then; 0: does not */

	/* OAuth 2.0 */
	Token token;

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
			token_forget(&c->token);
			user_options_free(c->user);
			MemoryContextDelete(c->context);
		}
		else
			link = &c->next;
	}
}

static void
use_credentials(Client *c, UserOptions *user)
{
	c->user = user;
	c->options->http.proxy_user = user->proxy_user;
	c->options->http.proxy_password = user->proxy_password;
	c->kind = credential_kind(user, c->userid, c->options);
}

/*
 * What the mapping refers to is looked up again: true if there is something else now.
 * Scans that run go on with it.
 */
static bool
renew_credentials(Client *c)
{
	UserOptions *old = c->user;
	UserOptions *fresh = user_options(c->userid, c->serverid, c->context);
	bool same = user_options_equal(old, fresh);

	use_credentials(c, fresh);
	user_options_free(old);
	if (!same && c->token.login == NULL)
	{
		uint64 epoch = c->token.epoch;

		token_forget(&c->token);
		token_init(&c->token, c->context, c->serverid, c->mappingid, c->options->base_url, c->user);
		c->token.epoch = epoch;
	}
	return !same;
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
	use_credentials(c, user_options(userid, serverid, context));
	allowance_init(&c->allowance, c->options->max_concurrency);
	c->account = governor_account(c->options->base_url, c->options->account);
	token_init(&c->token, context, serverid, c->mappingid, c->options->base_url, c->user);
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
		if (!c->stale && user_options_old(c->user))
			(void) renew_credentials(c);
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

/* Requests at once that it makes sense to have ready */
int
client_allowed(Client *client)
{
	int shared = governor_allowed(&client->account, client->options->max_concurrency, NULL);

	return shared >= 0 ? shared : client->allowance.allowed;
}

/* How the client logs in */
CredentialKind
client_credential(Client *client)
{
	return client->kind;
}

/* An error if the client cannot sign a login with its key */
void
client_check_key(Client *client)
{
	if (client->kind == CREDENTIAL_OAUTH2)
		pfree(credential_assertion(client->user, client->options->base_url));
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

/* Take a slot for a request, of the account's or of our own; false if it must wait */
static bool
take_slot(Request *request)
{
	Client *c = request->client;
	int limit = c->options->max_concurrency;

	/* one that could not be sent still has what it took */
	if (request->counted)
		return true;
	if (c->running >= limit)
		return false;
	switch (governor_take(&c->account, limit, c->in_line ? c->in_line : GetCurrentTimestamp(),
						  &request->lease))
	{
		case SLOT_WAIT:
			return false;
		case SLOT_ALONE:
			if (c->running >= c->allowance.allowed)
				return false;
			break;
		case SLOT_TAKEN:
			request->slot = true;
			break;
	}
	/* the next one is a new place in line */
	c->in_line = 0;
	c->running++;
	request->counted = true;
	return true;
}

static void
give_back_slot(Request *request)
{
	Client *c = request->client;

	if (request->counted)
		c->running--;
	if (request->slot)
		governor_give_back(&c->account, request->lease);
	request->counted = request->slot = false;
}

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
	give_back_slot(request);
}

static void
forget(void *arg)
{
	Request *request = arg;

	unlist(request);
	if (request->client->token.login == request)
		token_login_gone(&request->client->token);
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
			*why = "the reply is not JSON";
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

static Request *
ask_count(Client *client, const char *suiteql, RequestStats *stats)
{
	Request *request = request_new(client, CurrentMemoryContext);

	request_query(request, suiteql, 1, 0);
	request->stats = stats;
	request_start(request);
	return request;
}

/* The count n in a reply's only row; -1 if there is none */
static int64
take_count(Request *request)
{
	Json *items;
	const char *text;
	char *end = NULL;
	int64 n = -1;

	items = json_member(request_json(request), "items");
	text = json_count(items) == 1 ? json_text(json_item(items, 0), "n") : NULL;
	errno = 0;
	if (text != NULL && isdigit((unsigned char) *text))
		n = strtoll(text, &end, 10);
	if (end == NULL || *end != '\0' || errno == ERANGE)
		n = -1;
	request_stop(request);
	return n;
}

/* The answer to a query for one row with a count n; -1 if the reply holds none */
int64
client_count(Client *client, const char *suiteql, RequestStats *stats)
{
	Request *request = ask_count(client, suiteql, stats);

	request_wait(request);
	return take_count(request);
}

/* The same; -1 as well if the query fails */
int64
client_count_if_any(Client *client, const char *suiteql)
{
	Request *request = ask_count(client, suiteql, NULL);

	if (request_settle(request))
		return take_count(request);
	request_stop(request);
	return -1;
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
			headers = lappend(headers, psprintf("Authorization: Bearer %s", c->token.text));
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

/* What the request adds to its scan's counters and to the server's */
static void
count_launch(Request *request)
{
	Tally more = {.requests = 1, .retries = request->attempt > 0};

	if (request->ready_at != 0)
		more.waited_us = GetCurrentTimestamp() - request->ready_at;
	request->ready_at = 0;
	governor_count(request->client->serverid, &more);
	if (request->stats == NULL)
		return;
	request->stats->requests += more.requests;
	request->stats->retries += more.retries;
}

/* Send a request that has a slot */
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
						 address_escape(request->params[i].value));
	request->token_epoch = c->token.epoch;
	http_start(request->http, &c->options->http, request->method, full.data,
			   headers_of(request, url), request->body, request->max_body);
	request->state = REQUEST_RUNNING;
	request->launched_at = GetCurrentTimestamp();
	count_launch(request);
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
		r->attempt = because->attempt;
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
	int limit = c->options->max_concurrency;

	if (governor_runs())
		governor_refused(&c->account, limit, request->launched_at);
	else
		allowance_refused(&c->allowance, limit, request->launched_at, GetCurrentTimestamp());
	governor_count(c->serverid, &(Tally){.refusals = 1});
	if (request->stats)
		request->stats->throttled++;
	again(request, false, code, detail);
}

/* A good reply: perhaps one more at once is tried */
static void
done(Request *request)
{
	Client *c = request->client;
	int limit = c->options->max_concurrency;

	unlist(request);
	request->state = REQUEST_DONE;
	if (governor_runs())
		governor_answered(&c->account, limit, request->launched_at);
	else
		allowance_answered(&c->allowance, limit, request->launched_at, GetCurrentTimestamp());
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

/* Wrong or expired credentials: one new token, others if there are by now, then it is over */
static void
refused_login(Request *request, const char *code, const char *detail)
{
	Client *c = request->client;

	if (!request->anonymous && (request->relogged || c->kind != CREDENTIAL_OAUTH2) && !request->renewed)
	{
		request->renewed = true;
		user_options_forget(c->user);
		if (renew_credentials(c))
		{
			http_drop_body(request->http);
			return;
		}
	}
	if (c->kind != CREDENTIAL_OAUTH2 || request->anonymous || request->relogged)
	{
		fail(request, code ? code : "INVALID_LOGIN", detail);
		/* a file or the environment may hold another secret by now */
		c->stale = true;
		return;
	}
	request->relogged = true;
	token_refused(&c->token, request->token_epoch);
	http_drop_body(request->http);
	request->state = REQUEST_WAITING;
}

/* Does a reply that says success hold what it should?  Else the outcome is another. */
static void
check_reply(Request *request, char **detail)
{
	const char *why = "the reply is not as expected";

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

	give_back_slot(request);
	request->state = REQUEST_WAITING;
	governor_count(request->client->serverid, &(Tally){.bytes = http->body_len});
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

/* -- one turn -- */

/* The login is over: those that wait for the token go on, or fail as it did */
static void
end_login(Client *c)
{
	Request *login = c->token.login;

	if (!token_arrived(&c->token))
	{
		if (login->outcome == OUTCOME_LOGIN)
		{
			/* the requests wait on, for a token by what there is now */
			user_options_forget(c->user);
			if (renew_credentials(c))
			{
				request_stop(login);
				return;
			}
		}
		if (login->state == REQUEST_DONE)
		{
			char *code;
			char *detail;

			failure_read_document(request_json(login), &code, &detail);
			login->outcome = OUTCOME_NONSENSE;
			fail(login, code, detail ? detail : "the reply contains no access token");
		}
		fail_all(c, login);
	}
	request_stop(login);
}

static bool
wants_token(Client *c, Request *r)
{
	return r->state == REQUEST_WAITING && !r->anonymous && c->kind == CREDENTIAL_OAUTH2 &&
		   !token_valid(&c->token);
}

/* Start what may start; returns how long until the next may, or -1 */
static long
start_waiting(Client *c)
{
	TimestampTz now = GetCurrentTimestamp();
	Request *needs_token = NULL;
	bool full = false;
	long wait = -1;

	for (Request *r = c->requests; r != NULL && needs_token == NULL; r = r->next)
	{
		if (wants_token(c, r))
			needs_token = r;
	}
	if (needs_token)
		wait = token_seek(&c->token, c, c->user, MemoryContextGetParent(needs_token->context));
	for (Request *r = c->requests; r != NULL; r = r->next)
	{
		if (r->state != REQUEST_WAITING || wants_token(c, r))
			continue;
		if (r->not_before > now)
		{
			long ms = TimestampDifferenceMilliseconds(now, r->not_before) + 1;

			wait = wait < 0 ? ms : Min(wait, ms);
			continue;
		}
		if (!full && take_slot(r))
		{
			launch(r);
			continue;
		}
		full = true;
		if (r->ready_at == 0)
			r->ready_at = now;
	}
	if (!full)
		c->in_line = 0;
	else if (c->in_line == 0)
		c->in_line = now;
	return wait;
}

/* Settle what came */
static void
settle_done(Client *c)
{
	Request *next;

	for (Request *r = c->requests; r != NULL; r = next)
	{
		next = r->next;
		if (r->state == REQUEST_RUNNING && r->http->state == HTTP_DONE)
			settle(r);
	}
}

/* Wait for the network, or until the governor has a slot for us */
static void
wait_in_line(Client *c, long timeout_ms)
{
	int limit = c->options->max_concurrency;
	/* he who does not show himself is taken for gone */
	long patience = timeout_ms < 0 ? SHOW_MS : Min(timeout_ms, SHOW_MS);

	if (!governor_runs() || (c->running == 0 && c->in_line == 0))
	{
		http_turn(timeout_ms);
		return;
	}
	governor_stand_in_line(&c->account, limit, c->running < limit ? c->in_line : 0);
	PG_TRY();
	{
		http_turn(patience);
	}
	PG_FINALLY();
	{
		governor_leave_line(&c->account);
	}
	PG_END_TRY();
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

	if (client->requests == NULL)
		return;
	until_next = start_waiting(client);
	if (until_next >= 0)
		timeout_ms = timeout_ms < 0 ? until_next : Min(timeout_ms, until_next);
	wait_in_line(client, timeout_ms);
	/* of all clients: one may wait for a slot that another one's reply gives back */
	for (Client *c = clients; c != NULL; c = c->next)
	{
		settle_done(c);
		if (c != client && c->running > 0 && governor_runs())
			governor_show(&c->account);
	}
	if (client->token.login != NULL && request_settled(client->token.login))
		end_login(client);
	/* a slot that came free is used at once */
	start_waiting(client);
}
