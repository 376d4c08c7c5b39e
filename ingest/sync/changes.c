/*
 * changes.c
 *		What changed since the last run: by the source's clock, and by its feed of deletions.
 */
#include "postgres.h"

#include "ingest/repository/anomaly.h"
#include "ingest/sync/changes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Parents whose stamp is so new that a second edit in the same second may follow */
static void
add_recent_parents(Sync *s, Strings *touched)
{
	Rows *rows;

	if (!s->copy.cursor_is_time || s->now_there == NULL)
		return;
	rows = user_rows(psprintf("SELECT %s FROM %s WHERE %s >= (%s::timestamptz - interval '60 s')%s", s->copy.key[0], s->copy.stage, s->copy.cursor,
							  quote_literal_cstr(s->now_there),
							  strstr(s->copy.cursor_type, "with time zone") ? "" : psprintf(" AT TIME ZONE %s", quote_literal_cstr(s->source->zone ? s->source->zone : "UTC"))));
	for (uint64 i = 0; i < rows->n; i++)
		strings_add(touched, rows->v[i][0]);
}

static void
note_newest(Sync *s)
{
	char *newest = s->copy.cursor_is_time ? user_value(psprintf("SELECT max(%s)::timestamptz FROM %s", s->copy.cursor, s->copy.stage)) : NULL;

	if (newest)
		s->newest = MemoryContextStrdup(s->context, newest);
}

#define WATERMARK_CHECKPOINT \
	"watermark = $3, clock_at = CASE WHEN $4::text IS NOT NULL THEN $5::timestamptz END, clock_offset = $4::timestamptz - $5::timestamptz"

static void
merge_window(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings touched = {0};

	batch_enter(s, b->run);
	if (s->n_children > 0)
		s->copy.touched = &touched;
	if (stage_fetch_isolating(&s->copy, b->where) > 0)
	{
		merge_stage(&s->copy, b->operation);
		if (s->n_children > 0)
			add_recent_parents(s, &touched);
		note_newest(s);
	}
	batch_settle(b, &touched);
	if (b->idle.known)
		batch_checkpoint(s, IDLE_CHECKPOINT, 0, NULL);
	else
		batch_checkpoint(s, WATERMARK_CHECKPOINT, SQL_ARGS(arg_text(b->value), arg_text(s->now_there), arg_text(s->now_here)));
	run_progress(b->run, "changes", -1);
}

/* -- deletions by the source's feed -- */

/* Children go with their parents, and theirs with them */
static void
delete_children(Sync *s, const Strings *parents, Run *run)
{
	for (int i = 0; i < s->n_children && parents->n > 0; i++)
	{
		Sync *child = s->children[i];
		Strings touched = {0};
		int64 before = run->deleted;

		if (strcmp(child->phase, "new") == 0 || child->parent_column == NULL)
			continue;
		batch_enter(child, run);
		if (child->n_children > 0)
			child->copy.touched = &touched;
		merge_delete(&child->copy, NULL, psprintf("t.%s = ANY (%s)", quote_identifier(child->parent_column), batch_array(parents, 0, parents->n, s->copy.key_types[0])), NULL);
		merge_flush(&child->copy);
		batch_rows_event(child, run, 0, 0, run->deleted - before);
		delete_children(child, &touched, run);
	}
}

static void
merge_deleted(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings touched = {0};
	Rows *rows;
	Strings keys = {0},
			times = {0};
	char *low = window_deleted_low(s);

	batch_enter(s, b->run);
	rows = user_rows(psprintf("SELECT DISTINCT ON (key) key, deleted_at FROM %s($1, $2, $3::timestamptz, $4::timestamptz) ORDER BY key, deleted_at DESC", s->source->deleted),
					 arg_name(s->source->server), arg_text(s->remote_table), arg_text(low), arg_text(b->idle.known ? IDLE_NO_END : s->now_there));
	for (uint64 i = 0; i < rows->n; i++)
	{
		strings_add(&keys, rows->v[i][0]);
		strings_add(&times, rows->v[i][1]);
	}
	if (keys.n > 0)
	{
		if (s->n_children > 0)
			s->copy.touched = &touched;
		/* an entry that is older than the row tells of an earlier row with the same key */
		merge_delete(&s->copy,
					 psprintf("(SELECT k::%s AS k, w FROM unnest(%s, %s) d(k, w)) d", s->copy.key_types[0], batch_array(&keys, 0, keys.n, "text"),
							  batch_array(&times, 0, times.n, "timestamptz")),
					 psprintf("t.%s = d.k%s", s->copy.key[0],
							  s->copy.cursor && s->copy.cursor_is_time ? psprintf(" AND (t.%s IS NULL OR t.%s::timestamptz <= d.w)", s->copy.cursor, s->copy.cursor) : ""),
					 "d.w");
		merge_flush(&s->copy);
		batch_rows_event(s, b->run, 0, 0, b->run->deleted);
		delete_children(s, &touched, b->run);
	}
	if (b->idle.known)
		batch_checkpoint(s, IDLE_CHECKPOINT, 0, NULL);
	else
		batch_checkpoint(s, "deleted_watermark = $3::timestamptz", SQL_ARGS(arg_text(s->now_there)));
	run_progress(b->run, "deletions", -1);
}

/* Is there a feed of deletions to read, given a clock? */
bool
changes_has_feed(const Sync *s)
{
	return s->source->deleted && s->n_key == 1 && !s->copy.ignore_deletions && strcmp(s->mode, "incremental") == 0 && s->parent == 0;
}

/* -- changes since -- */

/* A long window is cut into slices of time, each with its checkpoint */
static int
slices_of(Sync *s, Window *window, char **low, char **high)
{
	Rows *rows;

	if (!s->copy.cursor_is_time || !window->low || !window->high || !s->source->counts ||
		!to_bool(repo_value("SELECT $2::timestamptz - $1::timestamptz > interval '1 day'", arg_text(window->low), arg_text(window->high))))
		return 1;
	rows = user_rows(psprintf("SELECT count(*), min(%s), max(%s) FROM %s WHERE %s", s->copy.cursor, s->copy.cursor, s->copy.foreign, window_condition(s, window)));
	*low = first_row(rows)[1];
	*high = first_row(rows)[2];
	return *low ? Max(1, Min(to_int8(first_row(rows)[0]) / s->batch_rows, 1000)) : 1;
}

static void
clock_anomaly(void *arg)
{
	Batch *b = arg;
	StringInfoData json;

	json_open(&json);
	json_text(&json, "source_clock", b->s->now_there);
	json_text(&json, "clock_here", b->s->now_here);
	anomaly_raise(b->s, b->run, "clock", "warning", NULL, psprintf("the clock of source \"%s\" jumped", b->s->source->name), json_close(&json));
}

/* The window, whole or in slices */
static void
plan_windows(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	MemoryContext old = MemoryContextSwitchTo(s->context);
	Window window = b->idle.known ? window_open(s) : window_next(s);
	char *low = NULL,
		 *high = NULL;
	int n = window.empty ? 0 : slices_of(s, &window, &low, &high);

	b->n_windows = n;
	b->windows = palloc(sizeof(Window) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		b->windows[i] = window;
		if (i > 0)
			b->windows[i].low = b->windows[i - 1].high;
		if (i < n - 1)
		{
			b->windows[i].high = repo_value("SELECT date_trunc('second', $1::timestamptz + ($2::timestamptz - $1::timestamptz) * $3::float8)", arg_text(low),
											arg_text(high), arg_text(psprintf("%.6f", (double) (i + 1) / n)));
			b->windows[i].watermark = b->windows[i].high;
			b->windows[i].inclusive = false;
		}
	}
	MemoryContextSwitchTo(old);
	if (window.jumped)
		clock_anomaly(b);
}

static bool
increment(Batch *b)
{
	if (!batch_step(b, plan_windows))
		return false;
	b->operation = "insert";
	for (int i = 0; i < b->n_windows; i++)
	{
		b->where = window_condition(b->s, &b->windows[i]);
		b->value = b->windows[i].watermark;
		if (!batch_step(b, merge_window))
			return false;
	}
	return true;
}

/* What changed since the last run, or since the load began */
bool
changes_catch_up(Batch *b)
{
	bool nothing_deleted = b->idle.known ? b->idle.deletions : !changes_has_feed(b->s) || b->s->now_there == NULL;
	bool nothing_changed = b->idle.known && b->idle.changes;

	return (nothing_deleted || batch_step(b, merge_deleted)) && (nothing_changed || increment(b));
}
