/*
 * zone.c
 *		In which zone does SuiteQL show datetimes?  As declared, else as measured
 *		on records, whose moments the record service tells in UTC.
 *
 * One record proves nothing: London is UTC in winter, Phoenix is Los Angeles in
 * summer.  So both halves of the year must agree on one of the two zones that
 * need no declaration; whatever else is seen, the user is asked.
 */
#include "postgres.h"

#include "common/address.h"
#include "netsuite_fdw/decode.h"
#include "netsuite_fdw/trait.h"
#include "netsuite_fdw/hint.h"
#include "netsuite_fdw/zone.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MEASURING "measure the zone of datetimes, which server option timezone may declare,"
#define MOST_REFUSALS 3 /* tables whose records cannot be read, before it is given up */

/* Tables that are record types of the same name, and have a lastmodifieddate */
static const char *const tables[] = {"customer", "employee", "vendor", "subsidiary", "account"};

static const char *const season_names[SEASONS] = {"January", "July"};

/*
 * The last change around January and around July, each with its row's id.  Half
 * a year apart, every rule of summer time shows, north and south.
 */
#define LATEST(months, name) \
	"MAX(CASE WHEN TO_CHAR(t.lastmodifieddate,'MM') IN (" months ") " \
	"THEN TO_CHAR(t.lastmodifieddate,'YYYY-MM-DD HH24:MI:SS') || ' ' || TO_CHAR(t.id) END) " \
	"AS " name

static const char latest[] =
	"SELECT " LATEST("'12','01'", "winter") ", " LATEST("'06','07'", "summer") " FROM %s t";

static int
offset_in(pg_tz *zone, TimestampTz at)
{
	pg_time_t time = timestamptz_to_time_t(at);

	return (int) pg_localtime(&time, zone)->tm_gmtoff;
}

/* One look at an account */
typedef struct Look
{
	Client *client;
	ZoneTrait *zone;
	MemoryContext context;
	Request *passing; /* the last that failed for a reason that may be cured, or NULL */
} Look;

/* Something could not be seen: why, and does that last? */
static void
note_problem(Look *look, Request *request, const char *problem)
{
	look->zone->problem = MemoryContextStrdup(GetMemoryChunkContext(traits_of(look->client)), problem);
	if (!trait_lasts(request))
		look->passing = request;
}

/*
 * Hold the wall clock that SuiteQL shows, with the row's id behind it, against the
 * record service's moment.  False if the record cannot be read.
 */
static bool
compare_record(Look *look, Season season, const char *table, const char *shown)
{
	Request *request = request_new(look->client, look->context);
	ZoneTrait *z = look->zone;
	Json *body;
	Timestamp wall;
	TimestampTz utc;
	int64 apart;

	if (strlen(shown) < 21 || !parse_seconds(shown, 19, &wall))
		return true;
	request_get(request, psprintf("/services/rest/record/v1/%s/%s", table, address_escape(shown + 20)),
				"application/json");
	request->what = MEASURING;
	if (!trait_attempt(request, &body) ||
		!parse_moment(json_text(body, "lastModifiedDate"), true, &utc))
	{
		note_problem(look, request, psprintf("%s %s cannot be compared: %s", table, shown + 20, trait_problem(request)));
		return false;
	}
	apart = (wall - utc) / USECS_PER_SEC;
	/* a row that was changed in between tells nothing */
	if (apart % 900 != 0 || llabs(apart) > 15 * SECS_PER_HOUR)
		return true;
	z->seen[season] = true;
	z->offset_s[season] = (int) apart;
	z->at[season] = utc;
	return true;
}

/* Look for what is not yet seen among the rows of a table; false if its records cannot be read */
static bool
look_at_table(Look *look, const char *table)
{
	static const char *const names[SEASONS] = {"winter", "summer"};
	Request *request;
	Json *items = trait_ask(look->client, psprintf(latest, table), 1, look->context, &request);

	request->what = MEASURING;
	if (json_count(items) == 0)
	{
		note_problem(look, request, psprintf("table %s cannot be read: %s", table, trait_problem(request)));
		return true;
	}
	for (Season s = 0; s < SEASONS; s++)
	{
		const char *shown = json_text(json_item(items, 0), names[s]);

		if (shown != NULL && !look->zone->seen[s] && !compare_record(look, s, table, shown))
			return false;
	}
	return true;
}

static bool
is_complete(const ZoneTrait *z)
{
	return z->seen[SEASON_WINTER] && z->seen[SEASON_SUMMER];
}

/* See what there is to see.  If the zone is needed, a passing failure is an error of its own: nobody need declare anything. */
static const ZoneTrait *
measure(Client *client, bool needed)
{
	ZoneTrait *z = &traits_of(client)->zone;
	Look look = {.client = client, .zone = z};
	MemoryContext old;
	int refusals = 0;

	if (z->settled)
		return z;
	look.context = AllocSetContextCreate(CurrentMemoryContext, "netsuite zone", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(look.context);
	for (int i = 0; i < lengthof(tables) && refusals < MOST_REFUSALS && !is_complete(z); i++)
		refusals += !look_at_table(&look, tables[i]);
	z->settled = is_complete(z) || look.passing == NULL;
	if (needed && !z->settled)
		request_raise(look.passing);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(look.context);
	return z;
}

/* What was seen, in words */
static const char *
seen_words(const ZoneTrait *z)
{
	StringInfoData text;

	initStringInfo(&text);
	for (Season s = 0; s < SEASONS; s++)
	{
		if (z->seen[s])
			appendStringInfo(&text, "%s around %s datetimes are %+.2f hours from UTC", text.len > 0 ? " and" : "",
							 season_names[s], z->offset_s[s] / 3600.0);
		else
			appendStringInfo(&text, "%s around %s no record could be compared", text.len > 0 ? " and" : "",
							 season_names[s]);
	}
	if (z->problem && !is_complete(z))
		appendStringInfo(&text, " (%s)", z->problem);
	return text.data + 1;
}

/* Does what was seen fit a zone?  Nothing seen fits any. */
bool
zone_agrees(Client *client, pg_tz *zone, const char **seen)
{
	const ZoneTrait *z = measure(client, false);

	*seen = seen_words(z);
	for (Season s = 0; s < SEASONS; s++)
	{
		if (z->seen[s] && offset_in(zone, z->at[s]) != z->offset_s[s])
			return false;
	}
	return true;
}

/* UTC or the zone of NetSuite's servers, if both halves of the year prove it; else NULL and what was seen */
pg_tz *
zone_measured(Client *client, bool needed, const char **problem)
{
	static const char *const candidates[] = {"UTC", "America/Los_Angeles"};
	const ZoneTrait *z = measure(client, needed);

	for (int i = 0; i < lengthof(candidates) && is_complete(z); i++)
	{
		pg_tz *zone = pg_tzset(candidates[i]);

		if (zone != NULL && zone_agrees(client, zone, problem))
			return zone;
	}
	*problem = seen_words(z);
	return NULL;
}

/* The zone in which datetime columns are read; an error that asks if it is not known */
pg_tz *
trait_zone(Client *client)
{
	const ServerOptions *o = client_options(client);
	const char *problem = NULL;
	pg_tz *zone = o->timezone ? pg_tzset(o->timezone) : zone_measured(client, true, &problem);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("the time zone of datetime columns on server \"%s\" is neither declared nor measured", o->name),
				 problem ? errdetail_internal("As measured, %s.", problem) : 0,
				 errhint("Name the account's own, which NetSuite shows under Setup > Company > Company Information: %s", hint_server_option(o->serverid, "timezone"))));
	return zone;
}
