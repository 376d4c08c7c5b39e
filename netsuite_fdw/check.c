/*
 * check.c
 *		netsuite_check(): is everything in order, and how sure is that?
 */
#include "postgres.h"

#include <math.h>

#include "common/attempt.h"
#include "common/function.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "netsuite_fdw/hint.h"
#include "netsuite_fdw/netsuite_fdw.h"
#include "netsuite_fdw/trait.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(netsuite_check);

#define MOST_SKEW_S 120 /* that signatures and assertions bear */
#define RENEW_DAYS 30   /* before a certificate ends */

typedef struct Check
{
	ReturnSetInfo *out;
	Oid serverid;
	Client *client;
	MemoryContext context;
} Check;

static void
report(Check *c, const char *name, bool ok, const char *detail)
{
	Datum values[3] = {CStringGetTextDatum(name), BoolGetDatum(ok), CStringGetTextDatum(detail)};
	bool nulls[3] = {0};

	tuplestore_putvalues(c->out->setResult, c->out->setDesc, values, nulls);
}

/* Send a request and wait; the reason as a sentence if it failed, else NULL */
static const char *
try_request(Request *request, Json **body)
{
	const char *problem;

	if (trait_attempt(request, body))
		return NULL;
	problem = trait_problem(request);
	return problem[strlen(problem) - 1] == '.' ? problem : psprintf("%s.", problem);
}

static bool
is_login_failure(Request *request)
{
	return request->state == REQUEST_FAILED &&
		   request_sqlstate(request) == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
}

/* This machine's clock against NetSuite's, as a body or any reply's header tells it */
static void
check_clock(Check *c, Request *request, Json *body)
{
	TimestampTz there;
	double skew;

	if (!parse_moment(json_text(body, "serverTime"), false, &there))
	{
		if (request->http->date == -1)
		{
			report(c, "clock", false, "unknown: no reply contains NetSuite's time");
			return;
		}
		there = time_t_to_timestamptz((pg_time_t) request->http->date);
	}
	/* it tells whole seconds */
	skew = (GetCurrentTimestamp() - (there + USECS_PER_SEC / 2)) / (double) USECS_PER_SEC;
	if (fabs(skew) < MOST_SKEW_S)
		report(c, "clock", true, psprintf("this machine's clock differs by %.0f s or less", ceil(fabs(skew))));
	else
		report(c, "clock", false,
			   psprintf("this machine's clock is %.0f s %s; NetSuite refuses signatures from other times: synchronise it.", fabs(skew), skew > 0 ? "ahead" : "behind"));
}

/* Address, TLS and clock; what answers at all answers here, whether it lets us in or not */
static bool
check_address(Check *c)
{
	const ServerOptions *o = client_options(c->client);
	Request *request = request_new(c->client, c->context);
	const char *problem;
	Json *body;

	request_get(request, "/services/rest/system/v1/serverTime", "application/json");
	problem = try_request(request, &body);
	if (request->http->failure != HTTP_OK && request->http->failure != HTTP_UNTRUSTED)
	{
		/* one service that fails is not the whole account */
		request = request_new(c->client, c->context);
		request_get(request, "/services/rest/system/v1/governanceLimits", "application/json");
		problem = try_request(request, &body);
	}
	if (request->http->failure != HTTP_OK && request->http->failure != HTTP_UNTRUSTED)
	{
		report(c, "address", false, psprintf("%s: %s Check account, base_url, proxy and the network.", o->base_url, problem));
		return false;
	}
	report(c, "address", true, psprintf("%s answers", o->base_url));
	if (request->http->failure == HTTP_UNTRUSTED)
	{
		report(c, "tls", false, psprintf("%s If a proxy presents its own certificate, name its authority in server option ca_file.", problem));
		return false;
	}
	report(c, "tls", true, "certificate verified");
	check_clock(c, request, body);
	return true;
}

/* What becomes of the way of logging in: certificates end, token-based authentication is on its way out */
static void
check_credential(Check *c)
{
	TimestampTz expiry;
	CertificateState state = client_certificate(c->client, &expiry);
	const char *until;

	client_check_key(c->client);
	if (client_credential(c->client) == CREDENTIAL_TBA)
	{
		report(c, "credential", true, "token-based authentication; from 2027.1 on NetSuite lets no new integration use it: plan to move to OAuth 2.0 client credentials.");
		return;
	}
	switch (state)
	{
		case CERTIFICATE_ABSENT:
			report(c, "credential", true, "OAuth 2.0; to be warned when the certificate expires, put it next to the "
										  "private key.");
			return;
		case CERTIFICATE_FOREIGN:
			report(c, "credential", false, "OAuth 2.0; the certificate next to the private key belongs to another "
										   "key.");
			return;
		case CERTIFICATE_VALID:
		case CERTIFICATE_EXPIRED:
			break;
	}
	until = pstrdup(timestamptz_to_str(expiry));
	if (state == CERTIFICATE_EXPIRED)
		report(c, "credential", false, psprintf("OAuth 2.0; the certificate expired on %s: make a new one and upload it.", until));
	else if (TimestampDifferenceExceeds(GetCurrentTimestamp() + RENEW_DAYS * USECS_PER_DAY, expiry, 0))
		report(c, "credential", true, psprintf("OAuth 2.0; the certificate is valid until %s", until));
	else
		report(c, "credential", true, psprintf("OAuth 2.0; the certificate is valid until %s: make a new one and upload it soon.", until));
}

/* May the role run SuiteQL?  Tables that only some accounts have prove nothing, so that several are tried. */
static bool
check_login(Check *c)
{
	static const char *const tables[] = {"dual", "account", "customer", "employee", "transaction"};
	const char *problem = NULL;
	Request *request = NULL;
	Json *body;

	for (int i = 0; i < lengthof(tables); i++)
	{
		request = request_new(c->client, c->context);
		request_query(request, psprintf("SELECT 1 AS n FROM %s", tables[i]), 1, 0);
		problem = try_request(request, &body);
		if (problem == NULL || request_sqlstate(request) != ERRCODE_FDW_TABLE_NOT_FOUND)
			break;
	}
	if (problem && (is_login_failure(request) || request->http->failure != HTTP_OK))
	{
		report(c, "login", false, psprintf("%s Check the user mapping's secrets, and the Login Audit Trail in NetSuite.", problem));
		return false;
	}
	report(c, "login", true, "accepted");
	if (problem == NULL)
		report(c, "suiteql", true, "the role can run SuiteQL");
	else if (request_sqlstate(request) == ERRCODE_FDW_OPTION_NAME_NOT_FOUND)
		report(c, "suiteql", false, psprintf("%s Name the company's default language: %s", problem, hint_server_option(client_options(c->client)->serverid, "accept_language")));
	else
		report(c, "suiteql", false, psprintf("%s Give the role REST Web Services and SuiteAnalytics Workbook.", problem));
	return true;
}

/* A declared zone is held against what records show; else records alone must prove it */
static void
check_zone(Check *c, const LiteralTraits *literals)
{
	const ServerOptions *o = client_options(c->client);
	const char *seen = NULL;
	const char *sysdate = "";
	pg_tz *zone = o->timezone ? pg_tzset(o->timezone) : zone_measured(c->client, false, &seen);

	if (zone == NULL)
	{
		report(c, "zone", false, psprintf("unknown, set server option timezone to the account's zone: %s", seen));
		return;
	}
	if (!zone_agrees(c->client, zone, &seen))
	{
		report(c, "zone", false, psprintf("declared as %s, but %s: correct server option timezone.", pg_get_timezone_name(zone), seen));
		return;
	}
	if (literals->sysdate_known)
		/* zones are multiples of a quarter of an hour; the rest is travel time */
		sysdate = psprintf("; SYSDATE is %+.2f hours from UTC", rint((literals->sysdate - GetCurrentTimestamp()) / (900.0 * USECS_PER_SEC)) / 4);
	if (o->timezone)
		report(c, "zone", true, psprintf("datetimes are read as %s (declared); %s%s", pg_get_timezone_name(zone), seen, sysdate));
	else
		report(c, "zone", true, psprintf("datetimes are read as %s (measured)%s", pg_get_timezone_name(zone), sysdate));
}

static const char *
yes_no(Trait t)
{
	return t == TRAIT_YES ? "yes" : t == TRAIT_NO ? "no"
												  : "unknown";
}

static const char *
declared(Declared d)
{
	return d == DECLARED_YES ? "yes (declared)" : d == DECLARED_NO ? "no (declared)"
																   : "measured on each column";
}

static void
check_text(Check *c, bool known, const LiteralTraits *t, const char *problem)
{
	const ServerOptions *o = client_options(c->client);

	if (!known)
		report(c, "text", false, psprintf("unknown, so texts are compared here: %s", problem));
	else
		report(c, "text", true,
			   psprintf("= heeds case: %s, accents: %s, trailing blanks: %s; LIKE heeds case: %s; '' is null: %s (literals, measured); columns: = is exact: %s; LIKE is exact: %s; sorts by bytes: %s",
						yes_no(t->case_exact), yes_no(t->accent_exact), yes_no(t->blank_exact), yes_no(t->like_exact), yes_no(t->empty_is_null),
						declared(o->text_equality_exact), declared(o->text_like_exact), declared(o->text_order_binary)));
}

/* Traits that wait for a query that gains from them */
static const char *
tried(Trait t)
{
	return t == TRAIT_UNKNOWN ? "not needed yet" : yes_no(t);
}

static void
check_traits(Check *c)
{
	const ServerOptions *o = client_options(c->client);
	LiteralTraits literals = {0};
	const char *problem = NULL;
	bool known = trait_literals(c->client, c->context, &literals, &problem);

	check_zone(c, &literals);
	check_text(c, known, &literals, problem);
	report(c, "paging", true,
		   psprintf("pages of %d rows; larger ones: %s; FETCH FIRST: %s", o->page_size,
					o->page_size_declared ? "not tried, page_size is declared" : tried(trait_large_pages(c->client)),
					tried(trait_fetch_first(c->client))));
}

static void
check_concurrency(Check *c)
{
	Request *request = request_new(c->client, c->context);
	int ours = client_options(c->client)->max_concurrency;
	Json *body;
	Json *of_integration;
	int account;
	int limit;

	request_get(request, "/services/rest/system/v1/governanceLimits", "application/json");
	if (!trait_attempt(request, &body))
	{
		report(c, "concurrency", true,
			   psprintf("max_concurrency is %d; the account's limit is unknown, it is shown to administrators only. It is 5 on the smallest service tier.", ours));
		return;
	}
	of_integration = json_member(body, "integrationConcurrencyLimit");
	account = (int) json_int(json_member(body, "accountConcurrencyLimit"));
	limit = of_integration ? (int) json_int(of_integration) : account;
	if (account <= 0)
		report(c, "concurrency", true, psprintf("max_concurrency is %d; the account does not report its limit", ours));
	else
		report(c, "concurrency", ours <= Min(account, limit),
			   ours <= Min(account, limit) ? psprintf("max_concurrency is %d of the account's %d (this integration: %d)", ours, account, limit)
										   : psprintf("max_concurrency is %d but %s allows %d: lower it.", ours, limit < account ? "the integration" : "the account", Min(account, limit)));
}

static void
make_client(void *arg)
{
	Check *c = arg;

	c->client = client_get(c->serverid, GetUserId());
	client_hold(c->client, c->context);
}

static void
check_all(void *arg)
{
	Check *c = arg;

	if (!check_address(c))
		return;
	check_credential(c);
	if (!check_login(c))
		return;
	check_traits(c);
	check_concurrency(c);
}

/* Errors that a user mapping is to blame for: an option, a file or a variable that it names */
static bool
is_about_mapping(int sqlerrcode)
{
	switch (sqlerrcode)
	{
		case ERRCODE_FDW_OPTION_NAME_NOT_FOUND:
		case ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE:
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
		case ERRCODE_UNDEFINED_FILE:
		case ERRCODE_WRONG_OBJECT_TYPE:
			return true;
		default:
			return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_SYSTEM_ERROR;
	}
}

/* Do a step; where the user mapping does not let it be done, that is a row, not an error */
static bool
credential_allows(Check *c, void (*step)(void *))
{
	ErrorData *error = attempt(step, c);

	if (error == NULL)
		return true;
	if (!is_about_mapping(error->sqlerrcode))
		ReThrowError(error);
	report(c, "credential", false, psprintf("%s.%s%s", error->message, error->hint ? " " : "", error->hint ? error->hint : ""));
	return false;
}

/*
 * One row per check.  Without an address, or a login, nothing else can be known;
 * any other check that fails does not keep the rest from being made.
 */
Datum
netsuite_check(PG_FUNCTION_ARGS)
{
	Check c = {.out = (ReturnSetInfo *) fcinfo->resultinfo, .context = CurrentMemoryContext};
	const char *server = NameStr(*PG_GETARG_NAME(0));

	InitMaterializedSRF(fcinfo, 0);
	c.serverid = server_by_name(server);
	if (!hint_has_mapping(GetUserId(), c.serverid))
	{
		report(&c, "credential", false,
			   psprintf("there is no user mapping for \"%s\" on server \"%s\": %s", GetUserNameFromId(GetUserId(), false),
						server, hint_new_mapping(GetUserId(), c.serverid)));
		return (Datum) 0;
	}
	if (!credential_allows(&c, make_client))
		return (Datum) 0;
	traits_of(c.client)->checking = true;
	PG_TRY();
	{
		credential_allows(&c, check_all);
	}
	PG_FINALLY();
	{
		traits_of(c.client)->checking = false;
	}
	PG_END_TRY();
	return (Datum) 0;
}
