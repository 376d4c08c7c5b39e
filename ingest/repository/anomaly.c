/*
 * anomaly.c
 *		What is odd, with evidence.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "ingest/base/argument.h"
#include "ingest/repository/access.h"
#include "ingest/repository/anomaly.h"
#include "ingest/base/compat.h"
#include "ingest/event/event.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* An anomaly of a copy is about its table */
static Subject
subject_of_sync(const Sync *s)
{
	Subject subject = {s->source->id,
					   s->source->name,
					   s->id,
					   to_oid(repo_value("SELECT target FROM ingest.sync WHERE id = $1", arg_int8(s->id))),
					   s->target_schema,
					   s->target_table};

	return subject;
}

ROW_SHAPE(subject_shape, Subject, FIELD(INT4, Subject, source), FIELD(TEXT, Subject, source_name),
		  FIELD(INT4, Subject, sync));

Subject
subject_of_relation(Oid relid)
{
	Subject subject = {0};
	Subject *known;

	subject.relation = relid;
	subject.schema = get_namespace_name(get_rel_namespace(relid));
	subject.table = get_rel_name(relid);
	if (subject.table == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no table with the number %u", relid)));
	known = repo_struct(subject_shape, "SELECT * FROM ingest_internal.anomaly_subject($1)", arg_oid(relid));
	if (known)
	{
		subject.source = known->source;
		subject.source_name = known->source_name;
		subject.sync = known->sync;
	}
	return subject;
}

#define ID_OR_NULL(id) ((id) != 0 ? arg_int8(id) : arg_null(INT8OID))

/* Writes it down once a day, as long as it says the same, with its event and its alert */
static void
anomaly_of(const Subject *s, const Run *run, const char *kind, const char *severity, const char *column,
		   const char *summary, const char *evidence)
{
	StringInfoData json;
	char *table = quoted_relation(s->schema, s->table);
	char *id;

	id = repo_value(
		"SELECT ingest_internal.anomaly_insert($1::integer, $2::integer, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		ID_OR_NULL(s->source), ID_OR_NULL(s->sync), ID_OR_NULL(run->id), arg_oid(s->relation), arg_name(s->schema),
		arg_name(s->table), arg_name(column), arg_text(kind), arg_text(severity), arg_text(summary),
		arg_jsonb(evidence), s->source ? arg_null(OIDOID) : arg_oid(GetUserId()));
	if (id == NULL)
		return;
	repo_run("SELECT ingest_internal.alert_anomaly($1)", arg_int8(to_int8(id)));
	json_open(&json);
	json_raw(&json, "anomaly", id);
	json_text(&json, "kind", kind);
	json_text(&json, "severity", severity);
	json_text(&json, "table", table);
	json_text(&json, "column", column);
	json_text(&json, "summary", summary);
	json_raw(&json, "evidence", evidence);
	event_emit("ingest.anomaly.detected", s->source_name, table, json_close(&json));
}

void
anomaly_raise(const Sync *sync, const Run *run, const char *kind, const char *severity, const char *column,
			  const char *summary, const char *evidence)
{
	Subject subject = subject_of_sync(sync);

	anomaly_of(&subject, run, kind, severity, column, summary, evidence);
}

/* -- profiles after a run -- */

/* Rows that the sample of a sync's profile reads */
#define SAMPLE 100000

SQL_FUNCTION(ingest_profile_now);

/* Where ingest_profile is: its functions are named with it */
static char *
profile_schema(void)
{
	return repo_value("SELECT ingest_internal.profile_schema()");
}

/* The columns that may be told, as an array in SQL: of a source's table not those that a sync of it keeps to itself */
static char *
profile_columns(Oid relation)
{
	char *columns = repo_value("SELECT ingest_internal.profile_columns($1)", arg_oid(relation));

	return columns ? psprintf("%s::text[]", quote_literal_cstr(columns)) : pstrdup("NULL::text[]");
}

/* A column's profile each, read as its owner, in a form that is the engine's: no view can touch the session */
static Stored *
profile_read(Oid owner, Oid relation, const char *table, int64 sample_rows)
{
	char *schema = profile_schema();
	Oid kept = get_relname_relid("profile_stats", get_namespace_oid("ingest", false));
	const Oid types[] = {NAMEOID, BOOLOID, INT8OID, get_atttype(kept, get_attnum(kept, "statistics")),
						 get_atttype(kept, get_attnum(kept, "sketch"))};
	char *columns = profile_columns(relation);
	Identity caller;
	Stored *profiled;

	/* every argument is named and typed, so that no other function of that name fits better */
	become_restricted(owner, &caller);
	profiled = sql_store(AS_CALLER,
						 psprintf("SELECT p.column_name::name AS column_name, p.sampled, p.total_rows, "
								  "%s.profile_stats(p.sketch, p.column_name::text) AS statistics, p.sketch "
								  "FROM %s.profile_table(%s::regclass, %s, %s::bigint, NULL::text) p",
								  schema, schema, quote_literal_cstr(table), columns,
								  sample_rows > 0 ? psprintf("%lld", (long long) sample_rows) : "NULL"),
						 lengthof(types), types);
	become_again(&caller);
	return profiled;
}

SQL_FUNCTION(ingest_profiled);

/* profiled(relation, sample_rows): what profile_table says */
Datum
ingest_profiled(PG_FUNCTION_ARGS)
{
	Oid relid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	SqlArg sample_rows = arg_datum(INT8OID, PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	Identity caller;
	char *schema, *columns;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	schema = profile_schema();
	columns = profile_columns(relid);
	become_restricted(reader_of(relid, "profile"), &caller);
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_CALLER,
			   psprintf("SELECT * FROM %s.profile_table($1::regclass, %s, $2::bigint, NULL::text)", schema, columns),
			   SQL_ARGS(arg_oid(relid), sample_rows));
	become_again(&caller);
	sql_end(level);
	return (Datum) 0;
}

typedef struct Profiled
{
	int64 columns;
	int64 rows;
	bool has_rows;
} Profiled;

ROW_SHAPE(profiled_shape, Profiled, FIELD(INT8, Profiled, columns), FIELD(INT8, Profiled, rows),
		  FIELD(BOOL, Profiled, has_rows));

typedef struct Finding
{
	char *kind;
	char *column_name;
	char *summary;
	char *evidence;
} Finding;

ROW_SHAPE(finding_shape, Finding, FIELD(TEXT, Finding, kind), FIELD(TEXT, Finding, column_name),
		  FIELD(TEXT, Finding, summary), FIELD(TEXT, Finding, evidence));

/* What was read goes into the repository as it came: it is in no relation that could be another one */
static const char keep_profile[] = "INSERT INTO ingest.profile_stats (source, table_id, relation, attnum, schema_name, "
								   "table_name, column_name, run, sampled, total_rows, "
								   "statistics, sketch, owner, owner_name) "
								   "SELECT $1, $2, $3, ingest_internal.column_named($3, p.column_name), $4, $5, "
								   "p.column_name, $6, coalesce(p.sampled, false), p.total_rows, "
								   "p.statistics, p.sketch, $7, pg_get_userbyid($7) FROM stored p";

/* What a profile says when it is held against those before it */
static void
keep_findings(const Subject *s, const Run *run)
{
	int n;
	Finding *found = repo_structs(finding_shape, &n, "SELECT * FROM ingest_internal.profile_findings($1, $2)",
								  arg_int8(run->id), arg_oid(s->relation));

	for (int i = 0; i < n; i++)
		anomaly_of(s, run, found[i].kind, "warning", found[i].column_name, found[i].summary, found[i].evidence);
}

/* Kept and held against its history; rows: of a sample, 0 for all */
static void
profile_relation(const Subject *s, Oid owner, const Run *run, int64 sample_rows)
{
	char *table = quoted_relation(s->schema, s->table);
	char *table_id =
		repo_value("SELECT ingest_internal.profile_table_id($1::integer, $2)", arg_int8(s->sync), arg_oid(s->relation));
	Stored *profiled = profile_read(owner, s->relation, table, sample_rows);
	Profiled *summary;
	StringInfoData json;

	stored_run(profiled, keep_profile,
			   SQL_ARGS(ID_OR_NULL(s->source), ID_OR_NULL(to_int8(table_id)), arg_oid(s->relation), arg_name(s->schema),
						arg_name(s->table), arg_int8(run->id), arg_oid(owner)));
	stored_end(profiled);
	repo_run("SELECT ingest_internal.profile_known($1)", arg_int8(run->id));
	summary = repo_struct(profiled_shape, "SELECT * FROM ingest_internal.profile_summary($1)", arg_int8(run->id));
	json_open(&json);
	json_text(&json, "table", table);
	json_int8(&json, "run", run->id);
	json_raw(&json, "sampled", sample_rows > 0 ? "true" : "false");
	json_int8(&json, "columns", summary->columns);
	json_raw(&json, "rows", summary->has_rows ? psprintf("%lld", (long long) summary->rows) : NULL);
	event_emit("ingest.profile.completed", s->source_name, table, json_close(&json));
	keep_findings(s, run);
}

void
profile_after(const Sync *sync, const Run *run)
{
	Subject subject = subject_of_sync(sync);

	profile_relation(&subject, sync->owner, run, strcmp(sync->profile, "sample") == 0 ? SAMPLE : 0);
}

/* profile(relation regclass, sample_rows bigint): the run's number */
Datum
ingest_profile_now(PG_FUNCTION_ARGS)
{
	int64 rows = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);
	Oid relid = required_oid(0);
	int level = sql_begin();
	Subject subject = subject_of_relation(relid);
	Oid owner = reader_of(relid, "profile");
	Run *run;

	run = run_begin("profile", quoted_relation(subject.schema, subject.table), subject.source_name, subject.source,
					subject.sync);
	profile_relation(&subject, owner, run, rows);
	run_succeed(run);
	return sql_end_int8(level, run->id);
}

/* -- freshness -- */

SQL_FUNCTION(ingest_check_freshness);

typedef struct Stale
{
	Subject subject;
	char *objective;
	char *age;
	char *last_success;
} Stale;

ROW_SHAPE(stale_shape, Stale, FIELD_OF("source", INT4, Stale, subject.source),
		  FIELD_OF("source_name", TEXT, Stale, subject.source_name), FIELD_OF("sync", INT4, Stale, subject.sync),
		  FIELD_OF("relation", OID, Stale, subject.relation), FIELD_OF("schema_name", TEXT, Stale, subject.schema),
		  FIELD_OF("table_name", TEXT, Stale, subject.table), FIELD(TEXT, Stale, objective), FIELD(TEXT, Stale, age),
		  FIELD(TEXT, Stale, last_success));

/* check_freshness(): copies older than their objective: how many */
Datum
ingest_check_freshness(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	Run none = {0};
	int n;
	Stale *stale =
		repo_structs(stale_shape, &n, "SELECT * FROM ingest_internal.stale_copies($1)", arg_oid(GetUserId()));

	for (int i = 0; i < n; i++)
	{
		const Stale *s = &stale[i];
		StringInfoData json;

		json_open(&json);
		json_text(&json, "objective", s->objective);
		json_text(&json, "age", s->age);
		json_text(&json, "last_success", s->last_success);
		anomaly_of(&s->subject, &none, "freshness", "warning", NULL,
				   psprintf("%s is older than %s", quoted_relation(s->subject.schema, s->subject.table), s->objective),
				   json_close(&json));
	}
	return sql_end_int4(level, n);
}
