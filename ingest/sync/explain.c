/*
 * explain.c
 *		What the next run of a sync would do, without doing it; changing its settings.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "funcapi.h"
#include "ingest/base/compat.h"
#include "ingest/sync/create.h"
#include "ingest/sync/history.h"
#include "ingest/sync/shape.h"
#include "ingest/base/sql.h"
#include "ingest/sync/sync.h"
#include "ingest/sync/window.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_explain_sync);
SQL_FUNCTION(ingest_alter_sync);

static Sync *
find(const char *name)
{
	char *id = repo_value("SELECT id FROM ingest.sync WHERE name = $1", arg_text(name));

	if (id == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no sync \"%s\"", name),
				 errhint("SELECT sync FROM ingest.table_status lists them.")));
	return sync_by_id(to_int4(id));
}

static void
say(ReturnSetInfo *rsinfo, const char *step, const char *detail)
{
	Datum values[2] = {CStringGetTextDatum(step), detail ? CStringGetTextDatum(detail) : (Datum) 0};
	bool nulls[2] = {false, detail == NULL};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* The columns that differ, as shape_follow would see them */
static void
explain_shape(ReturnSetInfo *rsinfo, Sync *s)
{
	Rows *rows = own_rows("SELECT coalesce(f.attname, t.attname), f.atttypid, f.atttypmod, format_type(f.atttypid, f.atttypmod), t.atttypid, t.atttypmod, format_type(t.atttypid, t.atttypmod) "
						  "FROM (SELECT * FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped) f "
						  "FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = $2::regclass AND attnum > 0 AND NOT attisdropped) t USING (attname) ORDER BY 1",
						  arg_text(s->copy.foreign), arg_text(s->copy.target));

	for (uint64 i = 0; i < rows->n; i++)
	{
		char **v = rows->v[i];

		if (v[1] == NULL)
			say(rsinfo, "column", psprintf("%s is in the copy alone: kept as it is", v[0]));
		else if (v[4] == NULL)
			say(rsinfo, "column", psprintf("%s %s is new: added to the copy", v[0], v[3]));
		else if (shape_widens(to_int4(v[1]), to_int4(v[2]), to_int4(v[4]), to_int4(v[5])))
			continue;
		else if (shape_may_become(to_int4(v[4]), to_int4(v[5]), to_int4(v[1]), to_int4(v[2])))
			say(rsinfo, "column", psprintf("%s becomes %s, from %s", v[0], v[3], v[6]));
		else
			say(rsinfo, "column", psprintf("%s is %s at the source and %s in the copy: the sync stops", v[0], v[3], v[6]));
	}
}

static void
explain_query(ReturnSetInfo *rsinfo, Sync *s, const char *where)
{
	char *query = psprintf("SELECT %s FROM %s%s%s", column_list(s->copy.columns, s->copy.n_columns, ""), s->copy.foreign, where[0] ? " WHERE " : "", where);
	Rows *plan = own_rows(psprintf("EXPLAIN (VERBOSE, COSTS OFF) %s", query));

	say(rsinfo, "query", query);
	for (uint64 i = 0; i < plan->n; i++)
	{
		char *line = plan->v[i][0];

		while (*line == ' ')
			line++;
		if (strncmp(line, "Output:", 7) != 0)
			say(rsinfo, "plan", line);
	}
	if (s->source->counts)
		say(rsinfo, "rows", own_value(psprintf("SELECT count(*) FROM %s%s%s", s->copy.foreign, where[0] ? " WHERE " : "", where)));
}

/* explain_sync(name) → step, detail */
Datum
ingest_explain_sync(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int level;
	Identity caller;
	Sync *s;

	rows_begin(fcinfo);
	level = sql_begin();
	s = find(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	become_restricted(s->owner, &caller);
	say(rsinfo, "sync", psprintf("%s: %s from %s into %s, %s", s->name, s->mode, s->copy.foreign, s->copy.target, s->state));
	explain_shape(rsinfo, s);
	(void) shape_read(s);
	window_clock(s);
	if (s->now_there)
		say(rsinfo, "clock", s->now_there);
	if (strcmp(s->phase, "ready") != 0 || s->reload || strcmp(s->mode, "full") == 0)
	{
		char *left = repo_value("SELECT count(*) FILTER (WHERE done_at IS NULL) || ' of ' || count(*) FROM ingest.sync_range WHERE sync = $1 AND generation = $2 HAVING count(*) > 0",
								arg_int8(s->id), arg_int8(s->generation));

		say(rsinfo, "load", strcmp(s->phase, "loading") == 0 && left ? psprintf("goes on: %s ranges are left", left) : "reads the whole table");
		explain_query(rsinfo, s, "");
	}
	else
	{
		Window window = window_next(s);

		if (s->source->changes && s->watermark)
			say(rsinfo, "question", psprintf("%s from %s: if it finds nothing, that is all", s->source->changes, window_low(s)));
		if (s->source->deleted && s->now_there)
			say(rsinfo, "deletions", psprintf("%s from %s to %s", s->source->deleted, window_deleted_low(s), s->now_there));
		say(rsinfo, "window", psprintf("from %s to %s", window.low ? window.low : "the beginning", window.high ? window.high : "the end"));
		explain_query(rsinfo, s, window_condition(s, &window));
	}
	for (int i = 0; i < s->n_children; i++)
		say(rsinfo, "children", psprintf("%s: all of those whose %s is a changed row", s->children[i]->name, s->children[i]->parent_column));
	become_again(&caller);
	sql_end(level);
	return (Datum) 0;
}

#define SETTINGS "overlap, batch_rows, deletions, history, history_retention, row_events, profile, reconcile_every, max_delete_share, reject_limit, cursor_column, key"

/* Cursor and key are of columns that are there, as create_sync asks for them */
static void
change_key(const Sync *s, const char *cursor, const char *literal)
{
	int n_key;
	char **key = parse_array(literal, &n_key);
	Oid relid = get_relname_relid(s->foreign_table, get_namespace_oid(s->foreign_schema, false));

	require_columns(relid, s->copy.foreign, cursor, key, n_key);
	require_unique_key(s->copy.target, key, n_key);
}

/* alter_sync(name, settings jsonb) */
Datum
ingest_alter_sync(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	SqlArg settings = arg_datum(JSONBOID, PG_GETARG_DATUM(1), false);
	int level = sql_begin();
	Sync *s = find(name);
	Identity caller;
	char *before;
	Rows *now;
	char *unknown = repo_value("SELECT k FROM jsonb_object_keys($1) k WHERE NOT k = ANY (regexp_split_to_array($2, ', ')) LIMIT 1", settings, arg_text(SETTINGS));

	if (unknown)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a sync has no setting \"%s\" that can be changed", unknown),
				 errhint("The settings are " SETTINGS ".")));
	if (to_bool(repo_value("SELECT jsonb_typeof($1) <> 'object' OR $1 = '{}'", settings)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("settings are an object of names and values"),
				 errhint("ingest.alter_sync('%s', '{\"batch_rows\": 10000}'). The settings are " SETTINGS ".", name)));
	before = repo_value("SELECT to_jsonb(s) FROM ingest.sync s WHERE id = $1", arg_int8(s->id));
	repo_run("UPDATE ingest.sync s SET (" SETTINGS ") = (SELECT " SETTINGS " FROM jsonb_populate_record(s, $2)) WHERE s.id = $1", arg_int8(s->id), settings);
	now = repo_rows("SELECT deletions = 'soft', history, cursor_column, key, (SELECT jsonb_object_agg(k, $2 -> k) FROM jsonb_object_keys($3) k), "
					"(SELECT bool_and($2 -> k = to_jsonb(s) -> k) FROM jsonb_object_keys($3) k) FROM ingest.sync s WHERE id = $1",
					arg_int8(s->id), arg_jsonb(before), settings);
	if (to_bool(first_row(now)[5]))
		ereport(NOTICE, (errmsg("sync \"%s\" has these settings already", name)));
	change_key(s, first_row(now)[2], first_row(now)[3]);
	become_owner(s->owner, &caller);
	if (to_bool(first_row(now)[0]) &&
		own_value("SELECT 1 FROM pg_attribute WHERE attrelid = $1::regclass AND attname = '_deleted_at' AND NOT attisdropped", arg_text(s->copy.target)) == NULL)
		user_run(psprintf("ALTER TABLE %s ADD COLUMN _deleted_at timestamptz", s->copy.target));
	if (to_bool(first_row(now)[1]))
		(void) history_view_create(name);
	become_again(&caller);
	audit("alter_sync", name, first_row(now)[4], repo_value("SELECT $1", settings));
	sql_end(level);
	PG_RETURN_VOID();
}
