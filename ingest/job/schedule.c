/*
 * schedule.c
 *		Jobs that are done again and again.
 *
 * pg_cron keeps schedules where it is installed, else the scheduler.
 */
#include "postgres.h"

#include "ingest/base/argument.h"
#include "ingest/base/attempt.h"
#include "ingest/base/compat.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/job/cron.h"
#include "ingest/job/process.h"
#include "ingest/job/schedule.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

SQL_FUNCTION(ingest_wake);
SQL_FUNCTION(ingest_next_due);
SQL_FUNCTION(ingest_turn);
SQL_FUNCTION(ingest_schedule);
SQL_FUNCTION(ingest_unschedule);
SQL_FUNCTION(ingest_drop_job);
SQL_FUNCTION(ingest_drop_source);

/* -- what is due -- */

typedef struct Due
{
	int64 id;
	char *name;
} Due;

ROW_SHAPE(due_shape, Due, FIELD(INT8, Due, id), FIELD(TEXT, Due, name));

static void
put_due(void *arg)
{
	repo_run("SELECT ingest_internal.put_due($1)", arg_int8(((Due *) arg)->id));
}

void
schedule_due(void)
{
	static Prepared statement = {"SELECT * FROM ingest_internal.due()"};
	int n;
	Due *due = prepared_structs(&statement, NULL, &due_shape, &n);

	for (int i = 0; i < n; i++)
	{
		Failure failure;

		if (attempt(put_due, &due[i], &failure) || failure_is_busy(&failure))
			continue;
		repo_run("SELECT ingest_internal.not_due($1, $2)", arg_int8(due[i].id), arg_text(failure.message));
		ereport(LOG,
				(errmsg("ingest: the schedule of job \"%s\" cannot be kept: %s", due[i].name, failure.message),
				 errhint("ingest.schedule makes it again.")));
	}
}

typedef struct Reading
{
	char *text;
	Datum interval;
} Reading;

static void
read_interval(void *arg)
{
	Reading *reading = arg;

	reading->interval = DirectFunctionCall3(interval_in, CStringGetDatum(reading->text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/* next_due(schedule text, after timestamptz, zone text): by cron's five fields or an interval */
Datum
ingest_next_due(PG_FUNCTION_ARGS)
{
	pg_tz *zone = session_timezone;
	char *schedule;
	TimestampTz after;
	TimestampTz next;
	CronAnswer answer;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	schedule = text_to_cstring(PG_GETARG_TEXT_PP(0));
	after = PG_GETARG_TIMESTAMPTZ(1);
	if (!PG_ARGISNULL(2))
		(void) cron_zone(psprintf("CRON_TZ=%s ", text_to_cstring(PG_GETARG_TEXT_PP(2))), &zone);
	answer = cron_next(schedule, zone, after, &next);
	if (answer == CRON_DUE)
		PG_RETURN_TIMESTAMPTZ(next);
	/* intervals are read generously, and would make something of wrong fields */
	if (answer == CRON_NEVER || strpbrk(schedule, "*@=") ||
		(strspn(schedule, "0123456789*/,- ") == strlen(schedule) && strchr(schedule, ' ')))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is no schedule that is ever due", schedule),
				 errhint("Five fields, minute hour day month weekday, as \"*/15 * * * *\" or \"0 6 * * MON-FRI\"; @daily and the like; or an interval, as \"15 min\".")));
	{
		Reading reading = {schedule};
		Failure failure;
		TimestampTz due;

		if (!attempt(read_interval, &reading, &failure))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is no schedule", schedule),
					 errhint("Five fields, minute hour day month weekday, as \"*/15 * * * *\" or \"0 6 * * MON-FRI\"; @daily and the like; or an interval, as \"15 min\".")));
		due = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(after), reading.interval));
		if (due <= after)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the interval of a schedule must be positive")));
		PG_RETURN_TIMESTAMPTZ(due);
	}
}

/* turn(run_at, priority): a point of priority is worth a minute; in microseconds, so that no time zone matters */
Datum
ingest_turn(PG_FUNCTION_ARGS)
{
	TimestampTz run_at = PG_GETARG_TIMESTAMPTZ(0);
	TimestampTz turn = run_at - PG_GETARG_INT16(1) * USECS_PER_MINUTE;

	PG_RETURN_TIMESTAMPTZ(TIMESTAMP_NOT_FINITE(run_at) || !IS_VALID_TIMESTAMP(turn) ? run_at : turn);
}

/* wake(): after this transaction commits, whoever does jobs looks */
Datum
ingest_wake(PG_FUNCTION_ARGS)
{
	process_wake();
	PG_RETURN_VOID();
}

/* -- keeping schedules -- */

/* The number of a job that the caller may change, locked */
static int64
owned_job(const char *name)
{
	return to_int8(repo_value("SELECT id FROM ingest_internal.own_job($1, $2)", arg_oid(GetUserId()), arg_text(name)));
}

static bool
has_pg_cron(void)
{
	return own_value("SELECT 1 FROM pg_extension WHERE extname = 'pg_cron'") != NULL;
}

/* pg_cron has one zone for all */
static void
require_zone_of_pg_cron(const char *schedule)
{
	pg_tz *zone = session_timezone;
	const char *its_zone = GetConfigOption("cron.timezone", true, false);
	bool named = cron_zone(schedule, &zone) != schedule;

	if (its_zone == NULL || zone == pg_tzset(its_zone))
		return;
	ereport(named ? ERROR : WARNING,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("pg_cron keeps schedules in the time zone \"%s\", not in \"%s\"", its_zone, pg_get_timezone_name(zone)),
			 errhint("Set cron.timezone, or say the schedule in that zone.")));
}

/* An interval as cron's five fields, where they can say it */
static char *
as_cron(const char *schedule)
{
	TimestampTz ignored;
	pg_tz *zone = session_timezone;
	char *cron;

	if (cron_next(schedule, session_timezone, GetCurrentTimestamp(), &ignored) == CRON_DUE)
	{
		require_zone_of_pg_cron(schedule);
		return pstrdup(cron_zone(schedule, &zone));
	}
	cron = repo_value("SELECT ingest_internal.as_cron($1)", arg_text(schedule));
	if (cron == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pg_cron cannot keep the interval \"%s\"", schedule),
				 errhint("Give cron's five fields, or minutes that divide an hour, or hours that divide a day.")));
	return cron;
}

static void
unschedule(int64 id)
{
	if (has_pg_cron() && user_value("SELECT jobid FROM cron.job WHERE jobname = 'ingest job ' || $1", arg_int8(id)))
		user_run("SELECT cron.unschedule('ingest job ' || $1)", arg_int8(id));
	repo_run("SELECT ingest_internal.keep_schedule($1, NULL, NULL, NULL)", arg_int8(id));
}

/* Where no launcher does, pg_cron has what is old deleted, as somebody who may */
static void
keep_upkeep(void)
{
	if (process_launcher_runs() || user_value("SELECT jobid FROM cron.job WHERE jobname = 'ingest upkeep'"))
		return;
	if (own_value("SELECT 1 WHERE pg_has_role('ingest_admin', 'USAGE')"))
		user_run("SELECT cron.schedule('ingest upkeep', '23 * * * *', 'SELECT ingest.prune("
				 "coalesce(current_setting(''ingest.event_retention'', true), ''7 days'')::interval, "
				 "coalesce(current_setting(''ingest.run_retention'', true), ''30 days'')::interval)')");
	else
		ereport(NOTICE,
				(errmsg("nobody deletes old events and runs yet"),
				 errhint("When a member of ingest_admin schedules a job, pg_cron has it done hourly; or set shared_preload_libraries = 'ingest' and restart.")));
}

/* schedule(job, schedule) */
Datum
ingest_schedule(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	char *schedule = required_text(1);
	int level = sql_begin();
	int64 id = owned_job(name);
	const char *keeper = "launcher";

	/* is it one? */
	(void) repo_value("SELECT ingest_internal.next_due($1, now())", arg_text(schedule));
	unschedule(id);
	if (has_pg_cron())
	{
		keeper = "pg_cron";
		user_run("SELECT cron.schedule('ingest job ' || $1, $2, format('CALL ingest.run_job(%L)', $3))", arg_int8(id),
				 arg_text(as_cron(schedule)), arg_text(name));
		keep_upkeep();
	}
	else if (!process_launcher_runs())
		ereport(WARNING,
				(errmsg("nobody keeps the schedule of job \"%s\" yet", name),
				 errhint("Set shared_preload_libraries = 'ingest' and restart, or install pg_cron and schedule it again.")));
	repo_run("SELECT ingest_internal.keep_schedule($1, $2, $3, $4)", arg_int8(id), arg_text(schedule), arg_text(keeper),
			 arg_text(pg_get_timezone_name(session_timezone)));
	audit("schedule", name, NULL, repo_value("SELECT to_jsonb($1)", arg_text(schedule)));
	sql_end(level);
	PG_RETURN_TEXT_P(cstring_to_text(keeper));
}

/* unschedule(job) */
Datum
ingest_unschedule(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	int level = sql_begin();
	int64 id = owned_job(name);

	if (repo_value("SELECT schedule FROM ingest.job WHERE id = $1", arg_int8(id)) == NULL)
		ereport(NOTICE, (errmsg("job \"%s\" has no schedule", name)));
	unschedule(id);
	audit("unschedule", name, NULL, NULL);
	sql_end(level);
	PG_RETURN_VOID();
}

typedef struct Scheduled
{
	int64 id;
} Scheduled;

ROW_SHAPE(scheduled_shape, Scheduled, FIELD(INT8, Scheduled, id));

/* drop_source(name): what pg_cron keeps of its jobs goes with it; whether the caller may is for the twin to say */
Datum
ingest_drop_source(PG_FUNCTION_ARGS)
{
	int level = sql_begin();

	if (!PG_ARGISNULL(0) && has_pg_cron())
	{
		int n;
		Scheduled *jobs = repo_structs(scheduled_shape, &n, "SELECT * FROM ingest_internal.kept_by_pg_cron($1)",
									   arg_text(text_to_cstring(PG_GETARG_TEXT_PP(0))));

		for (int i = 0; i < n; i++)
			unschedule(jobs[i].id);
	}
	sql_end(level);
	return ingest_door(fcinfo);
}

/* drop_job(name) */
Datum
ingest_drop_job(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	int level = sql_begin();
	int64 id = owned_job(name);

	unschedule(id);
	repo_run("SELECT ingest_internal.alerts_dropped(NULL, NULL, $1, NULL)", arg_int8(id));
	repo_run("DELETE FROM ingest.job WHERE id = $1", arg_int8(id));
	audit("drop_job", name, NULL, NULL);
	sql_end(level);
	PG_RETURN_VOID();
}
