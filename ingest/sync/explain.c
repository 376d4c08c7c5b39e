/*
 * explain.c
 *		What the next run of a sync would do, without doing it.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "funcapi.h"
#include "ingest/base/compat.h"
#include "ingest/sync/changes.h"
#include "ingest/sync/pieces.h"
#include "ingest/sync/pseudonym.h"
#include "ingest/sync/shape.h"
#include "ingest/base/sql.h"
#include "ingest/sync/sync.h"
#include "ingest/sync/window.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_explain_sync);

/* One line of the answer */
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
			return d->here ? psprintf("%s is only in the copy: kept as it is", d->column_name) : NULL;
		case SHAPE_NEW:
			return psprintf("%s %s is new: added to the copy", d->column_name, d->definition_there);
		case SHAPE_WIDER:
			return psprintf("%s becomes %s, from %s", d->column_name, d->definition_there, d->definition_here);
		case SHAPE_CLASH:
			return psprintf("%s is %s at the source and %s in the copy: the sync stops", d->column_name,
							d->definition_there, d->definition_here);
	}
	return NULL;
}

/* Columns that the next run would add, widen or stop at */
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

/* The wrapper's own plan is shown, which tells what is asked of the source */
static void
explain_query(ReturnSetInfo *rsinfo, Sync *s, const char *where)
{
	char *query = psprintf("SELECT %s FROM %s%s%s", column_list(s->copy.columns, s->copy.n_columns, ""),
						   s->copy.there, where[0] ? " WHERE " : "", where);
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
		say(rsinfo, "rows",
			own_value(psprintf("SELECT count(*) FROM %s%s%s", s->copy.there, where[0] ? " WHERE " : "", where)));
}

/* How many ranges of a load are left, of how many */
static char *
ranges_left(const Sync *s)
{
	return repo_value("SELECT count(*) FILTER (WHERE NOT done) || ' of ' || count(*) FROM "
					  "ingest_internal.sync_ranges($1, $2)",
					  arg_int4(s->id), arg_int4(s->generation));
}

/* A load goes on where it was interrupted */
static void
explain_load(ReturnSetInfo *rsinfo, Sync *s)
{
	if (strcmp(s->phase, "loading") == 0)
		say(rsinfo, "load", psprintf("continues: %s ranges are left", ranges_left(s)));
	else
		say(rsinfo, "load", "reads the whole table");
	explain_query(rsinfo, s, "");
}

/* An incremental run: what it asks first, and what it then reads */
static void
explain_window(ReturnSetInfo *rsinfo, Sync *s)
{
	Window window;

	if (s->copy.cursor == NULL)
	{
		say(rsinfo, "window", "none: rows come with their parent's");
		return;
	}
	window = window_next(s);

	if (s->source->changes && s->watermark)
		say(rsinfo, "question",
			psprintf("%s from %s: if it finds nothing, that is all", s->source->changes, window_low(s)));
	if (changes_has_feed(s))
		say(rsinfo, "deletions",
			psprintf("%s from %s to %s", s->source->deleted, window_deleted_low(s),
					 s->now_there ? s->now_there : "the end"));
	say(rsinfo, "window",
		psprintf("from %s to %s", window.low ? window.low : "the beginning", window.high ? window.high : "the end"));
	explain_query(rsinfo, s, window_condition(s, &window));
}

/* What a listing shows, and what of it would be read */
static void
explain_pieces(ReturnSetInfo *rsinfo, Sync *s)
{
	Rows *kinds = pieces_explained(s);

	say(rsinfo, "listing", s->source->pieces);
	for (uint64 i = 0; i < kinds->n; i++)
		say(rsinfo, "pieces", psprintf("%s: %s", kinds->v[i][0], kinds->v[i][1]));
}

typedef struct Explaining
{
	ReturnSetInfo *rsinfo;
	Sync *s;
} Explaining;

/* All of it, as the owner; what fails may be the source */
static void
explain(void *arg)
{
	ReturnSetInfo *rsinfo = ((Explaining *) arg)->rsinfo;
	Sync *s = ((Explaining *) arg)->s;

	explain_shape(rsinfo, s);
	(void) shape_read(s);
	pseudonym_arm(s);
	if (!sync_is_in_pieces(s))
		window_clock(s);
	if (s->now_there)
		say(rsinfo, "clock", s->now_there);
	if (sync_is_in_pieces(s))
		explain_pieces(rsinfo, s);
	else if (strcmp(s->phase, "ready") != 0 || s->reload || sync_is_full(s))
		explain_load(rsinfo, s);
	else
		explain_window(rsinfo, s);
	for (int i = 0; i < s->n_children; i++)
		say(rsinfo, "children",
			psprintf("%s: all of those whose %s is a changed row", s->children[i]->name,
					 s->children[i]->parent_column));
}

/* explain_sync(name) → step, detail */
Datum
ingest_explain_sync(PG_FUNCTION_ARGS)
{
	Explaining explaining = {(ReturnSetInfo *) fcinfo->resultinfo};
	int level;
	Identity caller;
	Sync *s;

	rows_begin(fcinfo);
	level = sql_begin();
	s = explaining.s = sync_by_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	become_restricted(s->owner, &caller);
	say(explaining.rsinfo, "sync",
		psprintf("%s: %s from %s into %s, %s", s->name, s->mode, s->copy.foreign, s->copy.target, s->state));
	secrets_guard(&s->copy, explain, &explaining);
	become_again(&caller);
	sql_end(level);
	return (Datum) 0;
}
