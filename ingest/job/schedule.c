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
#include "ingest/base/home.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/job/cron.h"
#include "ingest/job/process.h"
#include "ingest/job/schedule.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

SQL_FUNCTION(ingest_wake);
SQL_FUNCTION(ingest_next_due);
SQL_FUNCTION(ingest_turn);
SQL_FUNCTION(ingest_schedule);
SQL_FUNCTION(ingest_drop_job);
SQL_FUNCTION(ingest_drop_source);
SQL_FUNCTION(ingest_set_owner);
SQL_FUNCTION(ingest_reassign);

/* -- what is due -- */

typedef struct Due
{
	int64 id;
	char *name;
} Due;

ROW_SHAPE(due_shape, Due, FIELD(INT8, Due, id), FIELD(TEXT, Due, name));

/* What an attempt does to queue a job that is due */
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
				 errhint("Set it again with ingest.schedule.")));
	}
}

typedef struct Reading
{
	char *text;
	Datum interval;
} Reading;

/* What an attempt does to read an interval: a schedule that cannot be read stops itself alone */
static void
read_interval(void *arg)
{
	Reading *reading = arg;

	reading->interval = DirectFunctionCall3(interval_in, CStringGetDatum(reading->text), ObjectIdGetDatum(InvalidOid),
											Int32GetDatum(-1));
}

/*
 * Days and months are as long as the zone's clocks say, whatever session counts them; hours and less are what
 * they are
 */
static TimestampTz
add_in_zone(TimestampTz after, const Interval *interval, pg_tz *zone)
{
	Interval calendar = *interval;
	Interval clock = {.time = interval->time};
	Datum name = CStringGetTextDatum(pg_get_timezone_name(zone));
	Datum local = DirectFunctionCall2(timestamptz_zone, name, TimestampTzGetDatum(after));

	calendar.time = 0;
	local = DirectFunctionCall2(timestamp_pl_interval, local, IntervalPGetDatum(&calendar));
	return DatumGetTimestampTz(DirectFunctionCall2(
		timestamptz_pl_interval, DirectFunctionCall2(timestamp_zone, name, local), IntervalPGetDatum(&clock)));
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
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%s\" is a schedule that is never due", schedule),
				 errhint("Give five fields (minute hour day month weekday), such as \"*/15 * * * *\" or \"0 6 * * "
						 "MON-FRI\"; a word such as @daily; or an interval, such as \"15 min\".")));
	{
		Reading reading = {schedule};
		Failure failure;
		TimestampTz due;

		if (!attempt(read_interval, &reading, &failure))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%s\" is not a schedule", schedule),
							errhint("Give five fields (minute hour day month weekday), such as \"*/15 * * * *\" or "
									"\"0 6 * * MON-FRI\"; a word such as @daily; or an interval, such as \"15 "
									"min\".")));
		due = add_in_zone(after, DatumGetIntervalP(reading.interval), zone);
		if (due <= after)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the interval of a schedule must be positive")));
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

typedef struct Scheduled
{
	int64 id;
	Oid owner;
	char *name;
	char *schedule;
	bool by_pg_cron;
} Scheduled;

ROW_SHAPE(scheduled_shape, Scheduled, FIELD(INT8, Scheduled, id), FIELD(OID, Scheduled, owner),
		  FIELD(TEXT, Scheduled, name), FIELD(TEXT, Scheduled, schedule), FIELD(BOOL, Scheduled, by_pg_cron));

/* A job that the caller may change, locked */
static Scheduled *
owned_job(const char *name)
{
	return repo_struct(scheduled_shape, "SELECT * FROM ingest_internal.own_job_scheduled($1, $2)", arg_oid(GetUserId()),
					   arg_text(name));
}

/* Asked of the catalogue each time: it may come and go */
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
	ereport(named ? ERROR : WARNING, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
									  errmsg("pg_cron keeps schedules in the time zone \"%s\", not in \"%s\"", its_zone,
											 pg_get_timezone_name(zone)),
									  errhint("Set cron.timezone, or give the schedule in that zone.")));
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

/* pg_cron runs an entry as the role that made it, shows it to no other, and a job runs as its owner alone */
typedef struct CronEntry
{
	const Scheduled *job;
	Oid owner;
	const char *cron; /* NULL: it goes */
} CronEntry;

/* An entry of pg_cron is made and taken out as its owner, who needs the right to use pg_cron */
static void
write_entry(void *arg)
{
	CronEntry *entry = arg;
	SqlArg id = arg_int8(entry->job->id);
	Identity caller;

	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(entry->owner)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("its owner does not exist")));
	become_owner(entry->owner, &caller);
	if (entry->cron)
		user_run("SELECT cron.schedule('ingest job ' || $1, $2, format('CALL ingest.work(%L)', $3))", id,
				 arg_text(entry->cron), arg_text(entry->job->name));
	else if (user_value("SELECT 1 FROM cron.job WHERE jobname = 'ingest job ' || $1 AND username = current_user", id))
		user_run("SELECT cron.unschedule('ingest job ' || $1)", id);
	become_again(&caller);
}

/* What cannot be taken out of pg_cron keeps nobody from dropping or giving away: whoever may is told */
static bool
try_entry(const Scheduled *job, Oid owner, const char *cron)
{
	CronEntry entry = {job, owner, cron};
	Failure failure;
	bool ok = attempt(write_entry, &entry, &failure);

	if (!ok)
		ereport(WARNING, (errmsg(cron ? "pg_cron does not keep the schedule of job \"%s\": %s"
									  : "the schedule of job \"%s\" stays in pg_cron: %s",
								 job->name, failure.message),
						  cron ? errhint("When that is fixed: SELECT ingest.schedule(%s, %s).",
										 quote_literal_cstr(job->name), quote_literal_cstr(job->schedule))
							   : errhint("A superuser: DELETE FROM cron.job WHERE jobname = 'ingest job %lld'.",
										 (long long) job->id)));
	return ok;
}

/* Nobody keeps the schedule any more */
static void
unschedule(const Scheduled *job)
{
	if (job->by_pg_cron && has_pg_cron())
		(void) try_entry(job, job->owner, NULL);
	repo_run("SELECT ingest_internal.keep_schedule($1, NULL, NULL, NULL)", arg_int8(job->id));
}

/*
 * Where no launcher does, pg_cron has what is old deleted, as somebody who may; an entry of that name may be
 * anybody's
 */
static void
keep_upkeep(void)
{
	if (process_launcher_runs() ||
		user_value("SELECT 1 FROM cron.job j JOIN pg_roles r ON r.rolname = j.username "
				   "WHERE j.jobname = 'ingest upkeep' AND pg_has_role(r.oid, 'ingest_admin', 'USAGE')"))
		return;
	if (own_value("SELECT 1 WHERE pg_has_role('ingest_admin', 'USAGE')"))
		user_run("SELECT cron.schedule('ingest upkeep', '23 * * * *', 'SELECT ingest_internal.prune("
				 "coalesce(current_setting(''ingest.event_retention'', true), ''7 days'')::interval, "
				 "coalesce(current_setting(''ingest.run_retention'', true), ''30 days'')::interval)')");
	else
		ereport(NOTICE, (errmsg("old events and runs are not deleted yet"),
						 errhint("When a member of ingest_admin schedules a job, pg_cron does it hourly; or set "
								 "shared_preload_libraries = 'ingest' and restart.")));
}

/* Whoever keeps the schedule of a job from now on */
static const char *
keep_schedule(const Scheduled *job, const char *schedule)
{
	const char *keeper = "launcher";

	if (has_pg_cron())
	{
		CronEntry entry = {job, job->owner, as_cron(schedule)};

		keeper = "pg_cron";
		write_entry(&entry);
		keep_upkeep();
	}
	else if (!process_launcher_runs())
		ereport(
			WARNING,
			(errmsg("nothing runs the schedule of job \"%s\" yet", job->name),
			 errhint(
				 "Set shared_preload_libraries = 'ingest' and restart, or install pg_cron and schedule it again.")));
	repo_run("SELECT ingest_internal.keep_schedule($1, $2, $3, $4)", arg_int8(job->id), arg_text(schedule),
			 arg_text(keeper), arg_text(pg_get_timezone_name(session_timezone)));
	return keeper;
}

/* schedule(job, schedule): null ends it */
Datum
ingest_schedule(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	char *schedule = text_or_null(1);
	int level = sql_begin();
	Scheduled *job = owned_job(name);
	const char *keeper = NULL;

	if (schedule) /* is it one? */
		(void) repo_value("SELECT ingest_internal.next_due($1, now())", arg_text(schedule));
	else if (job->schedule == NULL)
		ereport(NOTICE, (errmsg("job \"%s\" has no schedule", name)));
	unschedule(job);
	if (schedule)
		keeper = keep_schedule(job, schedule);
	audit("schedule", name, NULL, schedule ? repo_value("SELECT to_jsonb($1)", arg_text(schedule)) : NULL);
	sql_end(level);
	if (keeper == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(keeper));
}

/* Jobs of a source whose schedule pg_cron keeps */
static Scheduled *
kept_of_source(FunctionCallInfo fcinfo, int *n)
{
	*n = 0;
	if (PG_ARGISNULL(0) || !has_pg_cron())
		return NULL;
	return repo_structs(scheduled_shape, n, "SELECT * FROM ingest_internal.kept_by_pg_cron($1)",
						arg_text(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}

/* drop_source(name): what pg_cron keeps of its jobs goes with it; whether the caller may is for the twin to say */
Datum
ingest_drop_source(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	int n;
	Scheduled *jobs = kept_of_source(fcinfo, &n);

	(void) ingest_door(fcinfo);
	for (int i = 0; i < n; i++)
		(void) try_entry(&jobs[i], jobs[i].owner, NULL);
	sql_end(level);
	PG_RETURN_VOID();
}

/* pg_cron runs a job as its owner, which is another one now, unless its schedule was ended */
static void
move_entries(const Scheduled *jobs, int n)
{
	for (int i = 0; i < n; i++)
	{
		char **job = first_row(repo_rows("SELECT owner, schedule FROM ingest.job WHERE id = $1", arg_int8(jobs[i].id)));
		Oid owner = to_oid(job[0]);

		if (owner == jobs[i].owner)
			continue;
		(void) try_entry(&jobs[i], jobs[i].owner, NULL);
		if (job[1] && !try_entry(&jobs[i], owner, as_cron(jobs[i].schedule)))
			repo_run("SELECT ingest_internal.keep_schedule($1, NULL, NULL, NULL)", arg_int8(jobs[i].id));
	}
}

/* set_owner(source, owner) */
Datum
ingest_set_owner(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	int n;
	Scheduled *jobs = kept_of_source(fcinfo, &n);

	(void) ingest_door(fcinfo);
	move_entries(jobs, n);
	sql_end(level);
	PG_RETURN_VOID();
}

typedef struct Given
{
	char *name;
	char *statement;
} Given;

ROW_SHAPE(given_shape, Given, FIELD(TEXT, Given, name), FIELD(TEXT, Given, statement));

/* What an attempt does to give away something of the catalogue: as the caller, who may or may not */
static void
give(void *arg)
{
	user_run(((Given *) arg)->statement);
}

/*
 * reassign(from, to, called, trust) → what, name, remains.  Whose tables may be given away is for PostgreSQL to say,
 * and what the caller may not give is told; all else happens, or nothing.
 */
Datum
ingest_reassign(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SqlArg from = arg_datum(OIDOID, PG_GETARG_DATUM(0), PG_ARGISNULL(0));
	SqlArg to = arg_datum(OIDOID, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	SqlArg called = arg_datum(NAMEOID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	bool trust = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	char **given,
		**kept,
		**statements;
	int n,
		n_given = 0,
		n_kept = 0,
		n_jobs = 0;
	Scheduled *jobs = NULL;
	Given *objects;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	(void) home_era();
	objects = repo_structs(given_shape, &n, "SELECT * FROM ingest_internal.objects_to_give($1, $2, $3, $4)",
						   arg_oid(GetUserId()), from, to, called);
	if (has_pg_cron())
		jobs = repo_structs(scheduled_shape, &n_jobs, "SELECT * FROM ingest_internal.kept_for($1, $2)", from, called);
	given = palloc(sizeof(char *) * Max(n, 1));
	kept = palloc(sizeof(char *) * Max(n, 1));
	statements = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		Failure failure;

		if (attempt(give, &objects[i], &failure))
			given[n_given++] = objects[i].name;
		else if (failure.sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		{
			kept[n_kept] = objects[i].name;
			statements[n_kept++] = objects[i].statement;
		}
		else
			failure_rethrow(&failure);
	}
	sql_result(rsinfo, AS_REPOSITORY, "SELECT * FROM ingest_internal.reassign($1, $2, $3, $4, $5, $6, $7, $8)",
			   SQL_ARGS(arg_oid(GetUserId()), from, to, called, arg_bool(trust), arg_texts(given, n_given),
						arg_texts(kept, n_kept), arg_texts(statements, n_kept)));
	move_entries(jobs, n_jobs);
	sql_end(level);
	return (Datum) 0;
}

/* drop_job(name) */
Datum
ingest_drop_job(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	int level = sql_begin();
	Scheduled *job = owned_job(name);

	unschedule(job);
	repo_run("SELECT ingest_internal.alerts_dropped(NULL, NULL, $1, NULL)", arg_int8(job->id));
	repo_run("DELETE FROM ingest.job WHERE id = $1", arg_int8(job->id));
	audit("drop_job", name, NULL, NULL);
	sql_end(level);
	PG_RETURN_VOID();
}
