/*
 * trait.c
 *		Measure an account: one small query over literals, one record.
 *
 * What is measured is remembered in the session's client.  Server options
 * overrule it.
 */
#include "postgres.h"

#include <math.h>

#include "common/json.h"
#include "netsuite_fdw/decode.h"
#include "netsuite_fdw/trait.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define SUBSTR_OF(text, n) "SUBSTR('" text "',1," n ")"

/*
 * SUBSTR makes its argument a varying-length text, as columns are; two bare
 * literals would compare as fixed-length ones and ignore trailing blanks.
 */
#define ASK(condition, name) \
	"CASE WHEN " condition " THEN 'T' ELSE 'F' END AS " name

/* clang-format off */
static const char question[] =
	"SELECT "
	ASK(SUBSTR_OF("a", "1") " = " SUBSTR_OF("A", "1"), "case_equal") ", "
	ASK(SUBSTR_OF("e", "1") " = " SUBSTR_OF("\303\251", "1"), "accent_equal") ", "
	ASK(SUBSTR_OF("a", "1") " = " SUBSTR_OF("a ", "2"), "blank_equal") ", "
	ASK(SUBSTR_OF("a", "1") " LIKE 'A'", "like_case") ", "
	ASK(SUBSTR_OF("e", "1") " LIKE '\303\251'", "like_accent") ", "
	ASK(SUBSTR_OF("B", "1") " < " SUBSTR_OF("a", "1"), "upper_first") ", "
	ASK(SUBSTR_OF("z", "1") " < " SUBSTR_OF("\303\251", "1"), "accent_last") ", "
	ASK("'' IS NULL", "empty_null") ", "
	"TO_CHAR(SYSDATE,'YYYY-MM-DD HH24:MI:SS') AS sys_now, "
	"TO_CHAR(CURRENT_TIMESTAMP,'YYYY-MM-DD HH24:MI:SS') AS user_now FROM ";
/* clang-format on */

/* A reply's Timestamp, or false */
static bool
seconds_of(Json *row, const char *name, Timestamp *result)
{
	const char *text = json_text(row, name);

	return text != NULL && parse_seconds(text, strlen(text), result);
}

static Trait
is_false(Json *row, const char *name)
{
	const char *text = json_text(row, name);

	if (text == NULL)
		return TRAIT_UNKNOWN;
	return strcmp(text, "F") == 0 ? TRAIT_YES : TRAIT_NO;
}

static Trait
is_true(Json *row, const char *name)
{
	Trait t = is_false(row, name);

	return t == TRAIT_UNKNOWN ? t : t == TRAIT_YES ? TRAIT_NO
												   : TRAIT_YES;
}

static Trait
both(Trait a, Trait b)
{
	if (a == TRAIT_NO || b == TRAIT_NO)
		return TRAIT_NO;
	return a == TRAIT_UNKNOWN || b == TRAIT_UNKNOWN ? TRAIT_UNKNOWN : TRAIT_YES;
}

/* The first item of a reply to a query; NULL if there is none */
static Json *
first_item(Request *request)
{
	Json *items = json_member(request_json(request), "items");

	if (json_count(items) == 0)
		return NULL;
	return json_item(items, 0);
}

/* serverTime as UTC; needs no login */
TimestampTz
server_time(Client *client, MemoryContext context, int64 *round_trip_us)
{
	Request *request = request_new(client, context);
	TimestampTz start = GetCurrentTimestamp();
	TimestampTz result;
	const char *text;
	char plain[20];

	request_get(request, "/services/rest/system/v1/serverTime", "application/json");
	request_anonymous(request);
	request->what = "ask for the time";
	request_start(request);
	request_wait(request);
	if (round_trip_us)
		*round_trip_us = GetCurrentTimestamp() - start;
	text = json_text(request_json(request), "serverTime");
	if (text != NULL && strlen(text) >= 19)
	{
		memcpy(plain, text, 19);
		plain[10] = ' ';
		plain[19] = '\0';
	}
	if (text == NULL || strlen(text) < 19 || !parse_seconds(plain, 19, &result))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_REPLY_HANDLE),
				 errmsg("server \"%s\" did not answer with its time",
						client_options(client)->name),
				 errhint("Check the server options account and base_url.")));
	request_stop(request);
	return result;
}

/* Ask the question of a one-row table; NULL if the table is not there */
static Json *
ask(Client *client, const char *table, MemoryContext context)
{
	Request *request = request_new(client, context);

	request_query(request, psprintf("%s%s", question, table), 1, 0);
	request->what = "measure the account";
	request_start(request);
	request_settle(request);
	if (request->state == REQUEST_FAILED && request->http->status == 400)
		return NULL;
	if (request->state != REQUEST_DONE)
		request_raise(request);
	return first_item(request);
}

static int
offset_from(Timestamp wall, TimestampTz utc)
{
	double seconds = (double) (wall - utc) / USECS_PER_SEC;

	/* zones are multiples of a quarter of an hour; the rest is travel time */
	return (int) (rint(seconds / 900) * 900);
}

static void
measure(Client *client, Traits *t)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "netsuite traits",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Json *row = ask(client, "dual", context);
	Timestamp sys;
	Timestamp user;

	t->has_dual = row != NULL;
	if (row == NULL)
		row = ask(client, "currency", context);
	if (row != NULL)
	{
		TimestampTz now = server_time(client, context, NULL);

		t->case_exact = is_false(row, "case_equal");
		t->accent_exact = is_false(row, "accent_equal");
		t->blank_exact = is_false(row, "blank_equal");
		t->like_exact = both(is_false(row, "like_case"), is_false(row, "like_accent"));
		t->order_binary = both(is_true(row, "upper_first"), is_true(row, "accent_last"));
		t->empty_is_null = is_true(row, "empty_null");
		if (seconds_of(row, "sys_now", &sys) && seconds_of(row, "user_now", &user))
		{
			t->sysdate_offset_s = offset_from(sys, now);
			t->current_offset_s = offset_from(user, now);
			t->offsets_known = true;
		}
	}
	t->measured = true;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static Traits *
traits_of(Client *client)
{
	return client_slot(client, sizeof(Traits));
}

/* The account's traits, measured on first need */
const Traits *
traits_get(Client *client)
{
	Traits *t = traits_of(client);

	if (!t->measured)
		measure(client, t);
	return t;
}

/* Is text = exact there, as it is here under a deterministic collation? */
bool
trait_text_equality(Client *client)
{
	const ServerOptions *o = client_options(client);
	const Traits *t;

	if (o->text_equality_exact != DECLARED_MEASURE)
		return o->text_equality_exact == DECLARED_YES;
	t = traits_get(client);
	return t->case_exact == TRAIT_YES && t->accent_exact == TRAIT_YES &&
		   t->blank_exact == TRAIT_YES && t->empty_is_null == TRAIT_YES;
}

bool
trait_text_like(Client *client)
{
	const ServerOptions *o = client_options(client);

	if (o->text_like_exact != DECLARED_MEASURE)
		return o->text_like_exact == DECLARED_YES;
	return traits_get(client)->like_exact == TRAIT_YES;
}

/* Does text sort by its bytes there, as it does here under collation C? */
bool
trait_text_order(Client *client)
{
	const ServerOptions *o = client_options(client);

	if (o->text_order_binary != DECLARED_MEASURE)
		return o->text_order_binary == DECLARED_YES;
	return traits_get(client)->order_binary == TRAIT_YES && trait_text_equality(client);
}

/* -- what the first query that would gain from it tries -- */

/* Is a limit of LARGE_PAGE honoured?  A declared page_size is never exceeded. */
Trait
trait_large_pages(Client *client)
{
	return client_options(client)->page_size_declared ? TRAIT_NO : traits_of(client)->large_pages;
}

/* Does FETCH FIRST n ROWS ONLY work? */
Trait
trait_fetch_first(Client *client)
{
	const ServerOptions *o = client_options(client);

	if (o->fetch_first != DECLARED_MEASURE)
		return o->fetch_first == DECLARED_YES ? TRAIT_YES : TRAIT_NO;
	return traits_of(client)->fetch_first;
}

void
trait_large_pages_tried(Client *client, bool works)
{
	traits_of(client)->large_pages = works ? TRAIT_YES : TRAIT_NO;
}

void
trait_fetch_first_tried(Client *client, bool works)
{
	traits_of(client)->fetch_first = works ? TRAIT_YES : TRAIT_NO;
}

/* -- the zone of datetime columns -- */

static const struct
{
	const char *record; /* of the record service */
	const char *table;  /* of SuiteQL */
} probes[] = {
	{"customer", "customer"},
	{"employee", "employee"},
	{"vendor", "vendor"},
	{"subsidiary", "subsidiary"},
	{"account", "account"},
};

/* Run a request that may fail; true if it did not */
static bool
attempt(Request *request)
{
	request_start(request);
	return request_settle(request);
}

/* One record's change stamp by both services: SuiteQL shows it in the account's zone */
static bool
probe_zone(Client *client, Traits *t, int i, MemoryContext context)
{
	Request *query = request_new(client, context);
	Request *record;
	Json *row;
	const char *text;
	char *id;
	Timestamp wall;
	Timestamp utc;
	char plain[20];

	request_query(query, psprintf("SELECT t.id AS id, TO_CHAR(t.lastmodifieddate,'YYYY-MM-DD HH24:MI:SS') AS changed FROM %s t WHERE t.lastmodifieddate IS NOT NULL ORDER BY t.id ASC", probes[i].table), 1, 0);
	if (!attempt(query) || (row = first_item(query)) == NULL || json_text(row, "id") == NULL ||
		!seconds_of(row, "changed", &wall))
		return false;
	id = pstrdup(json_text(row, "id"));
	record = request_new(client, context);
	request_get(record, psprintf("/services/rest/record/v1/%s/%s", probes[i].record, http_escape(id)),
				"application/json");
	if (!attempt(record))
		return false;
	text = json_text(request_json(record), "lastModifiedDate");
	if (text == NULL || strlen(text) < 19)
		return false;
	memcpy(plain, text, 19);
	plain[10] = ' ';
	plain[19] = '\0';
	if (!parse_seconds(plain, 19, &utc))
		return false;
	t->datetime_offset_s = offset_from(wall, utc);
	t->zone_at = utc;
	return true;
}

void
traits_measure_zone(Client *client)
{
	Traits *t = traits_of(client);
	MemoryContext context;
	MemoryContext old;

	if (t->zone_measured)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "netsuite zone", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	for (int i = 0; i < lengthof(probes) && !t->zone_known; i++)
		t->zone_known = probe_zone(client, t, i, context);
	t->zone_measured = true;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static int
offset_in(pg_tz *zone, TimestampTz at)
{
	pg_time_t time = timestamptz_to_time_t(at);

	return (int) pg_localtime(&time, zone)->tm_gmtoff;
}

/*
 * The zone in which datetime columns are read: as declared, else as measured
 * if that is UTC or the zone of NetSuite's servers.  NULL and a reason if it
 * cannot be told.
 */
pg_tz *
trait_zone_or_null(Client *client, const char **problem)
{
	const ServerOptions *o = client_options(client);
	const Traits *t;
	pg_tz *pacific;

	if (o->timezone != NULL)
		return pg_tzset(o->timezone);
	traits_measure_zone(client);
	t = traits_of(client);
	if (!t->zone_known || t->datetime_offset_s == 0)
		return pg_tzset("UTC");
	pacific = pg_tzset("America/Los_Angeles");
	if (pacific != NULL && offset_in(pacific, t->zone_at) == t->datetime_offset_s)
		return pacific;
	*problem = psprintf("Its datetimes are %+.2f hours from UTC.", t->datetime_offset_s / 3600.0);
	return NULL;
}

pg_tz *
trait_zone(Client *client)
{
	const char *problem = NULL;
	pg_tz *zone = trait_zone_or_null(client, &problem);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("the time zone of datetime columns on server \"%s\" is not declared",
						client_options(client)->name),
				 errdetail("%s", problem),
				 errhint("Name it: ALTER SERVER ... OPTIONS (ADD timezone 'Europe/Vienna').")));
	return zone;
}
