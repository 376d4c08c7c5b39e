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
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static Subject
subject_of_sync(const Sync *s)
{
	Subject subject = {s->source->id, s->source->name, s->id, to_oid(repo_value("SELECT target FROM ingest.sync WHERE id = $1", arg_int8(s->id))), s->target_schema,
					   s->target_table};

	return subject;
}

Subject
subject_of_relation(Oid relid)
{
	Subject subject = {0};
	Rows *rows;

	subject.relation = relid;
	subject.schema = get_namespace_name(get_rel_namespace(relid));
	subject.table = get_rel_name(relid);
	if (subject.table == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no table with the number %u", relid)));
	rows = repo_rows("SELECT d.id, d.name, s.id FROM ingest.sync s JOIN ingest.data_source d ON d.id = s.source WHERE s.target = $1 "
					 "UNION ALL SELECT d.id, d.name, 0 FROM ingest.source_table t JOIN ingest.data_source d ON d.id = t.source WHERE t.relation = $1",
					 arg_oid(relid));
	if (rows->n > 0)
	{
		subject.source = to_int4(first_row(rows)[0]);
		subject.source_name = first_row(rows)[1];
		subject.sync = to_int4(first_row(rows)[2]);
	}
	return subject;
}

#define ID_OR_NULL(id) ((id) != 0 ? arg_int8(id) : arg_null(INT8OID))

static void
anomaly_of(const Subject *s, const Run *run, const char *kind, const char *severity, const char *column, const char *summary, const char *evidence)
{
	StringInfoData json;
	char *table = quoted_relation(s->schema, s->table);
	char *id;

	/* one that stands already is not raised again by every run */
	if (repo_value("SELECT 1 FROM ingest.anomaly WHERE (relation, kind) = ($1, $2) AND column_name IS NOT DISTINCT FROM $3 AND summary = $4 "
				   "AND resolved_at IS NULL AND detected_at > now() - interval '1 day'",
				   arg_oid(s->relation), arg_text(kind), arg_name(column), arg_text(summary)))
		return;
	id = repo_value("INSERT INTO ingest.anomaly (source, sync, run, schema_name, table_name, column_name, kind, severity, summary, evidence, owner, relation) "
					"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10::jsonb, '{}'), $11, $12) RETURNING id",
					ID_OR_NULL(s->source), ID_OR_NULL(s->sync), ID_OR_NULL(run->id), arg_name(s->schema), arg_name(s->table), arg_name(column), arg_text(kind),
					arg_text(severity), arg_text(summary), arg_text(evidence), s->source ? arg_null(OIDOID) : arg_oid(GetUserId()), arg_oid(s->relation));
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
anomaly_raise(const Sync *sync, const Run *run, const char *kind, const char *severity, const char *column, const char *summary, const char *evidence)
{
	Subject subject = subject_of_sync(sync);

	anomaly_of(&subject, run, kind, severity, column, summary, evidence);
}

/* -- profiles after a run -- */

/* Rows that the sample of a sync's profile reads */
#define SAMPLE 100000

SQL_FUNCTION(ingest_profile_now);

static char *
profile_schema(void)
{
	return pstrdup(quote_identifier(own_value("SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'ingest_profile'")));
}

/* What two profiles of a column say, one finding a row: kind, column, summary, evidence */
static const char findings[] =
	"WITH pair AS (SELECT n.column_name, n.sketch AS now, o.sketch AS before, n.total_rows, o.total_rows AS rows_before, n.profiled_at, o.profiled_at AS before_at, n.sampled "
	"FROM ingest.profile_stats n JOIN LATERAL (SELECT * FROM ingest.profile_stats o WHERE (o.relation, o.attnum) = (n.relation, n.attnum) "
	"AND o.id < n.id ORDER BY o.profiled_at DESC, o.id DESC LIMIT 1) o ON true WHERE n.run = $1), "
	"drift AS (SELECT p.*, d.* FROM pair p, %1$s.profile_drift(p.before, p.now) d), "
	"history AS (SELECT array_agg(total_rows::float8 ORDER BY profiled_at) AS volumes FROM (SELECT DISTINCT ON (run) run, total_rows, profiled_at FROM ingest.profile_stats "
	"WHERE relation = $2 AND run < $1 ORDER BY run DESC LIMIT 60) h) "
	"SELECT CASE WHEN abs(null_share_after - null_share_before) > 0.05 THEN 'null_share' "
	"WHEN abs(distinct_share_after - distinct_share_before) > 0.2 THEN 'distinct_share' ELSE 'distribution' END, column_name, "
	"format('%%s: %%s', column_name, reasons), "
	"jsonb_strip_nulls(jsonb_build_object('verdict', verdict, 'reasons', reasons, 'null_share', jsonb_build_array(null_share_before, null_share_after), "
	"'distinct_share', jsonb_build_array(distinct_share_before, distinct_share_after), 'ks', ks, 'psi', psi, 'new_values', new_values, 'gone_values', gone_values, "
	"'median', jsonb_build_array(median_before, median_after), 'compared_with', before_at)) FROM drift WHERE verdict = 'strong' "
	"UNION ALL SELECT 'volume', NULL, format('%%s rows: unusual after %%s', v.total_rows, round(h.volumes[cardinality(h.volumes)])), "
	"jsonb_build_object('rows', v.total_rows, 'history', to_jsonb(h.volumes), 'score', %1$s.anomaly_score(h.volumes, v.total_rows::float8, NULL::integer)) "
	"FROM history h, (SELECT total_rows FROM ingest.profile_stats WHERE run = $1 LIMIT 1) v WHERE %1$s.anomaly_score(h.volumes, v.total_rows::float8, NULL::integer) > 4 "
	"UNION ALL SELECT 'volume', NULL, format('%%s rows after %%s', total_rows, rows_before), jsonb_build_object('rows', total_rows, 'before', rows_before) "
	"FROM (SELECT * FROM pair LIMIT 1) p WHERE total_rows < rows_before * 0.5 AND rows_before >= 20";

/* A column's profile each, read as its owner, in a form that is the engine's: what is in a view cannot touch the session */
static Stored *
profile_read(Oid owner, const char *table, int64 sample_rows)
{
	char *schema = profile_schema();
	Oid kept = get_relname_relid("profile_stats", get_namespace_oid("ingest", false));
	const Oid types[] = {NAMEOID, BOOLOID, INT8OID, get_atttype(kept, get_attnum(kept, "statistics")), get_atttype(kept, get_attnum(kept, "sketch"))};
	Identity caller;
	Stored *profiled;

	/* every argument is named and typed, so that no other function of that name fits better */
	become_restricted(owner, &caller);
	profiled = sql_store(AS_CALLER, psprintf("SELECT p.column_name::name AS column_name, p.sampled, p.total_rows, %s.profile_stats(p.sketch, p.column_name::text) AS statistics, p.sketch "
											 "FROM %s.profile_table(%s::regclass, NULL::text[], %s::bigint, NULL::text) p",
											 schema, schema, quote_literal_cstr(table), sample_rows > 0 ? psprintf("%lld", (long long) sample_rows) : "NULL"),
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
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	become_restricted(reader_of(relid, "profile"), &caller);
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_CALLER, psprintf("SELECT * FROM %s.profile_table($1::regclass, NULL::text[], $2::bigint, NULL::text)", profile_schema()),
			   SQL_ARGS(arg_oid(relid), sample_rows));
	become_again(&caller);
	sql_end(level);
	return (Datum) 0;
}

/* Kept and held against its history; rows: of a sample, 0 for all */
static void
profile_relation(const Subject *s, Oid owner, const Run *run, int64 sample_rows)
{
	char *schema = profile_schema();
	char *table = quoted_relation(s->schema, s->table);
	Stored *profiled = profile_read(owner, table, sample_rows);
	Rows *summary;
	Rows *rows;
	StringInfoData json;

	stored_run(profiled, "INSERT INTO ingest.profile_stats (source, table_id, schema_name, table_name, column_name, run, sampled, total_rows, statistics, sketch, owner, owner_name, relation, attnum) "
						 "SELECT $1, coalesce((SELECT table_id FROM ingest.sync WHERE id = $2), (SELECT id FROM ingest.source_table WHERE relation = $7 LIMIT 1)), "
						 "$3, $4, p.column_name, $5, coalesce(p.sampled, false), p.total_rows, p.statistics, p.sketch, $6, pg_get_userbyid($6), "
						 "$7, ingest_internal.column_named($7, p.column_name) FROM stored p",
			   SQL_ARGS(ID_OR_NULL(s->source), ID_OR_NULL(s->sync), arg_name(s->schema), arg_name(s->table), arg_int8(run->id), arg_oid(owner), arg_oid(s->relation)));
	summary = stored_rows(profiled, "SELECT count(*), max(total_rows) FROM stored", 0, NULL);
	stored_end(profiled);
	repo_run("UPDATE ingest.source_column c SET sample_values = (p.statistics).samples, hidden_type = (p.statistics).hidden_type, semantic_type = (p.statistics).semantic_type "
			 "FROM ingest.profile_stats p WHERE p.run = $1 AND c.table_id = p.table_id AND c.name = p.column_name",
			 arg_int8(run->id));
	json_open(&json);
	json_text(&json, "table", table);
	json_int8(&json, "run", run->id);
	json_raw(&json, "sampled", sample_rows > 0 ? "true" : "false");
	json_raw(&json, "columns", first_row(summary)[0]);
	json_raw(&json, "rows", first_row(summary)[1]);
	event_emit("ingest.profile.completed", s->source_name, table, json_close(&json));
	rows = repo_rows(psprintf(findings, schema), arg_int8(run->id), arg_oid(s->relation));
	for (uint64 i = 0; i < rows->n; i++)
		anomaly_of(s, run, rows->v[i][0], "warning", rows->v[i][1], rows->v[i][2], rows->v[i][3]);
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

	run = run_begin("profile", quoted_relation(subject.schema, subject.table), subject.source_name, subject.source, subject.sync);
	profile_relation(&subject, owner, run, rows);
	run_succeed(run);
	return sql_end_int8(level, run->id);
}

/* -- freshness -- */

SQL_FUNCTION(ingest_check_freshness);

/* check_freshness(): copies older than their objective: how many */
Datum
ingest_check_freshness(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	Run none = {0};
	Rows *rows = repo_rows("SELECT d.id, d.name, s.id, s.target_schema, s.target_table, t.freshness_objective, date_trunc('minute', now() - z.last_success), z.last_success, s.target "
						   "FROM ingest.sync s JOIN ingest.sync_state z ON z.sync = s.id JOIN ingest.source_table t ON t.id = s.table_id JOIN ingest.data_source d ON d.id = s.source "
						   "WHERE s.state <> 'paused' AND d.state = 'active' AND coalesce(z.last_success, s.created_at) < now() - t.freshness_objective AND ingest_internal.acts_for($1, d.owner)",
						   arg_oid(GetUserId()));

	for (uint64 i = 0; i < rows->n; i++)
	{
		char **v = rows->v[i];
		Subject subject = {to_int4(v[0]), v[1], to_int4(v[2]), to_oid(v[8]), v[3], v[4]};
		StringInfoData json;

		json_open(&json);
		json_text(&json, "objective", v[5]);
		json_text(&json, "age", v[6]);
		json_text(&json, "last_success", v[7]);
		anomaly_of(&subject, &none, "freshness", "warning", NULL, psprintf("%s is older than %s", quoted_relation(v[3], v[4]), v[5]), json_close(&json));
	}
	return sql_end_int4(level, (int32) rows->n);
}
