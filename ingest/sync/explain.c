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

static void
say(ReturnSetInfo *rsinfo, const char *step, const char *detail)
{
	Datum values[2] = {CStringGetTextDatum(step), detail ? CStringGetTextDatum(detail) : (Datum) 0};
	bool nulls[2] = {false, detail == NULL};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* What shape_follow would do with a column; NULL: nothing */
static char *
explain_difference(const Difference *d)
{
	switch (shape_judge(d))
	{
		case SHAPE_FITS:
			return NULL;
		case SHAPE_GONE:
			return d->here ? psprintf("%s is in the copy alone: kept as it is", d->column_name) : NULL;
		case SHAPE_NEW:
			return psprintf("%s %s is new: added to the copy", d->column_name, d->definition_there);
		case SHAPE_WIDER:
			return psprintf("%s becomes %s, from %s", d->column_name, d->definition_there, d->definition_here);
		case SHAPE_CLASH:
			return psprintf("%s is %s at the source and %s in the copy: the sync stops", d->column_name, d->definition_there,
							d->definition_here);
	}
	return NULL;
}

static void
explain_shape(ReturnSetInfo *rsinfo, Sync *s)
{
	int n;
	Difference *differences = shape_differences(s, &n);

	for (int i = 0; i < n; i++)
	{
		char *said = explain_difference(&differences[i]);

		if (said)
			say(rsinfo, "column", said);
	}
}

static void
explain_query(ReturnSetInfo *rsinfo, Sync *s, const char *where)
{
	char *query = psprintf("SELECT %s FROM %s%s%s", column_list(s->copy.columns, s->copy.n_columns, ""), s->copy.foreign,
						   where[0] ? " WHERE " : "", where);
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

/* How many ranges of a load are left, of how many */
static char *
ranges_left(const Sync *s)
{
	return repo_value("SELECT count(*) FILTER (WHERE NOT done) || ' of ' || count(*) FROM ingest_internal.sync_ranges($1, $2)",
					  arg_int4(s->id), arg_int4(s->generation));
}

static void
explain_load(ReturnSetInfo *rsinfo, Sync *s)
{
	if (strcmp(s->phase, "loading") == 0)
		say(rsinfo, "load", psprintf("goes on: %s ranges are left", ranges_left(s)));
	else
		say(rsinfo, "load", "reads the whole table");
	explain_query(rsinfo, s, "");
}

static void
explain_window(ReturnSetInfo *rsinfo, Sync *s)
{
	Window window = window_next(s);

	if (s->source->changes && s->watermark)
		say(rsinfo, "question", psprintf("%s from %s: if it finds nothing, that is all", s->source->changes, window_low(s)));
	if (s->source->deleted && s->now_there)
		say(rsinfo, "deletions", psprintf("%s from %s to %s", s->source->deleted, window_deleted_low(s), s->now_there));
	say(rsinfo, "window", psprintf("from %s to %s", window.low ? window.low : "the beginning", window.high ? window.high : "the end"));
	explain_query(rsinfo, s, window_condition(s, &window));
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
	s = sync_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	become_restricted(s->owner, &caller);
	say(rsinfo, "sync", psprintf("%s: %s from %s into %s, %s", s->name, s->mode, s->copy.foreign, s->copy.target, s->state));
	explain_shape(rsinfo, s);
	(void) shape_read(s);
	window_clock(s);
	if (s->now_there)
		say(rsinfo, "clock", s->now_there);
	if (strcmp(s->phase, "ready") != 0 || s->reload || sync_is_full(s))
		explain_load(rsinfo, s);
	else
		explain_window(rsinfo, s);
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
	Sync *s = sync_by_name(name);
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
