/*
 * changes.c
 *		What changed since the last run: by the source's clock, and by its feed of deletions.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/repository/anomaly.h"
#include "ingest/sync/changes.h"
#include "ingest/sync/held.h"
#include "ingest/sync/isolate.h"
#include "ingest/sync/lateness.h"
#include "ingest/sync/reading.h"
#include "ingest/sync/stage.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define RECENT "60 s"       /* a stamp of so long ago may be followed by a second edit in the same second */
#define LONG_WINDOW "1 day" /* one that is longer is read in slices */
#define SLICES_AT_MOST 1000

/* What makes a moment a value of the cursor's type */
static char *
in_zone_of_cursor(const Sync *s)
{
	if (strstr(s->copy.cursor_type, "with time zone"))
		return pstrdup("");
	return psprintf(" AT TIME ZONE %s", quote_literal_cstr(s->source->zone ? s->source->zone : "UTC"));
}

/* Parents whose stamp is so new that a second edit in the same second may follow */
static void
add_recent_parents(Sync *s, Strings *touched)
{
	Rows *rows;

	if (!s->copy.cursor_is_time || !window_is_by_clock(s))
		return;
	rows =
		user_rows(psprintf("SELECT %s FROM %s WHERE %s >= (%s::timestamptz - interval '" RECENT "')%s", s->copy.key[0],
						   s->copy.stage, s->copy.cursor, quote_literal_cstr(s->now_there), in_zone_of_cursor(s)));
	for (uint64 i = 0; i < rows->n; i++)
		strings_add(touched, rows->v[i][0]);
}

/* What the copy's freshness is measured by, where the cursor says when a row changed */
static void
note_newest(Sync *s)
{
	char *newest = NULL;

	if (s->copy.cursor_is_time)
		newest = user_value(psprintf("SELECT max(%s)::timestamptz FROM %s", s->copy.cursor, s->copy.stage));
	if (newest)
		s->newest = MemoryContextStrdup(s->context, newest);
}

#define WATERMARK_CHECKPOINT \
	"watermark = $3, watermark_time = $6::timestamptz, " \
	"clock_at = CASE WHEN $4::text IS NOT NULL THEN $5::timestamptz END, " \
	"clock_offset = $4::timestamptz - $5::timestamptz"

/* Keys of rows there that say of themselves that they are deleted, and when: they go, whatever the policy is */
static void
delete_marked(Sync *s, const char *where)
{
	Copy *copy = &s->copy;
	char *table = psprintf("%s_d", copy->stage_name);
	char *when = copy->cursor_is_time ? psprintf("%s::timestamptz", copy->cursor) : pstrdup("NULL::timestamptz");
	bool ignored = copy->ignore_deletions;
	Reading noting = {.copy = copy};
	char *list = column_list(copy->key, copy->n_key, "");

	user_drop(table);
	user_run(psprintf("CREATE TEMP TABLE %s ON COMMIT DROP AS SELECT %s, NULL::timestamptz AS ingest_when FROM %s WITH "
					  "NO DATA",
					  strchr(table, '.') + 1, list, copy->target));
	if (reading_run(&noting, psprintf("INSERT INTO %s SELECT %s, %s FROM %s WHERE (%s)%s%s", table, list, when,
									  copy->foreign, s->deleted_when, where[0] ? " AND " : "", where)) > 0)
	{
		copy->ignore_deletions = false;
		merge_delete(copy, psprintf("%s d", table), key_match(copy, "t", "d"), "d.ingest_when");
		copy->ignore_deletions = ignored;
	}
	user_run(psprintf("DROP TABLE %s", table));
}

/* Rows and the watermark that says that they are here commit together */
static void
merge_window(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings touched = {0};

	batch_enter(s, b->run);
	if (s->n_followers > 0)
		s->copy.touched = &touched;
	if (s->deleted_when)
		delete_marked(s, b->where);
	if (stage_fetch_isolating(&s->copy, b->where) > 0)
	{
		if (!b->window->jumped)
			lateness_note(s, false);
		merge_stage(&s->copy, b->operation);
		if (s->n_followers > 0)
			add_recent_parents(s, &touched);
		note_newest(s);
	}
	batch_settle(b, &touched);
	if (b->idle.known)
		batch_checkpoint(s, IDLE_CHECKPOINT, 0, NULL);
	else
	{
		window_note(s, b->window);
		batch_checkpoint(s, WATERMARK_CHECKPOINT,
						 SQL_ARGS(arg_text(b->value), arg_text(s->now_there), arg_text(s->now_here),
								  arg_text(window_moment(s, b->value))));
	}
	run_progress(b->run, "changes", -1);
}

/* -- deletions by the source's feed -- */

/* Children go with their parents, and theirs with them */
static void
delete_children(Sync *s, const Strings *parents, Run *run)
{
	batch_owe(s, parents);
	for (int i = 0; i < s->n_children && parents->n > 0; i++)
	{
		Sync *child = s->children[i];
		Strings touched = {0};
		int64 before = run->deleted;

		if (strcmp(child->phase, "new") == 0 || child->parent_column == NULL)
			continue;
		batch_enter(child, run);
		if (child->n_followers > 0)
			child->copy.touched = &touched;
		merge_delete(&child->copy, NULL,
					 psprintf("t.%s", batch_among(quote_identifier(child->parent_column), parents, 0, parents->n,
												  s->copy.key_types[0])),
					 NULL);
		merge_flush(&child->copy);
		batch_rows_event(child, run, 0, 0, run->deleted - before);
		delete_children(child, &touched, run);
		held_delete(child, run);
	}
}

/* One entry of the feed of deletions */
typedef struct Deleted
{
	char *key;
	char *deleted_at;
} Deleted;

ROW_SHAPE(deleted_shape, Deleted, FIELD(TEXT, Deleted, key), FIELD(TEXT, Deleted, deleted_at));

/* What the feed tells of this table since the last time: keys, and when each was deleted last */
static int
read_feed(Batch *b, Strings *keys, Strings *times)
{
	Sync *s = b->s;
	char *sql = psprintf("SELECT DISTINCT ON (key) key, deleted_at FROM %s($1, $2, $3::timestamptz, $4::timestamptz) "
						 "ORDER BY key, deleted_at DESC",
						 s->source->deleted);
	const char *until = b->idle.known || s->now_there == NULL ? IDLE_NO_END : s->now_there;
	int n;
	Deleted *deleted = user_structs(deleted_shape, &n, sql, arg_name(s->source->server), arg_text(s->remote_table),
									arg_text(window_deleted_low(s)), arg_text(until));

	for (int i = 0; i < n; i++)
	{
		if (deleted[i].key == NULL || deleted[i].deleted_at == NULL)
			continue;
		strings_add(keys, deleted[i].key);
		strings_add(times, deleted[i].deleted_at);
	}
	if (keys->n < n)
	{
		s->kept = true;
		run_log(b->run, "warning",
				psprintf("%d entries of the feed of deletions have no key or no time: skipped", n - keys->n), NULL);
	}
	return keys->n;
}

/* An entry that is older than the row tells of an earlier row with the same key */
static void
delete_listed(Sync *s, const Strings *keys, const Strings *times)
{
	const Copy *copy = &s->copy;
	char *list = psprintf("(SELECT k::%s AS k, w FROM unnest(%s, %s) d(k, w)) d", copy->key_types[0],
						  batch_array(keys, 0, keys->n, "text"), batch_array(times, 0, times->n, "timestamptz"));
	char *newer = copy->cursor && copy->cursor_is_time
					  ? psprintf(" AND (t.%s IS NULL OR t.%s::timestamptz <= d.w)", copy->cursor, copy->cursor)
					  : pstrdup("");

	merge_delete(&s->copy, list, psprintf("t.%s = d.k%s", copy->key[0], newer), "d.w");
}

/*
 * The moment up to which the feed was read: by the clock there.  Without one by the newest entry, but below our clock
 * by the overlap, as with rows: an entry of 2099 would hide all that is deleted until then.
 */
static void
note_feed_read(Sync *s, const Strings *times)
{
	if (s->now_there)
		batch_checkpoint(s, "deleted_watermark = $3::timestamptz", SQL_ARGS(arg_text(s->now_there)));
	else if (times->n > 0)
		batch_checkpoint(s,
						 "deleted_watermark = greatest(deleted_watermark, least($3::timestamptz, $4::timestamptz - "
						 "$5::interval))",
						 SQL_ARGS(arg_text(own_value(psprintf("SELECT max(w) FROM unnest(%s) w",
															  batch_array(times, 0, times->n, "timestamptz")))),
								  arg_text(s->now_here), arg_text(s->overlap)));
}

/* What the source lists as deleted, with the moment up to which that is done */
static void
merge_deleted(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings touched = {0},
			keys = {0},
			times = {0};

	batch_enter(s, b->run);
	if (read_feed(b, &keys, &times) > 0)
	{
		if (s->n_followers > 0)
			s->copy.touched = &touched;
		delete_listed(s, &keys, &times);
		merge_flush(&s->copy);
		batch_rows_event(s, b->run, 0, 0, b->run->deleted);
		delete_children(s, &touched, b->run);
		held_delete(s, b->run);
	}
	if (b->idle.known)
		batch_checkpoint(s, IDLE_CHECKPOINT, 0, NULL);
	else
		note_feed_read(s, &times);
	run_progress(b->run, "deletions", -1);
}

/* Is there a feed of deletions to read? */
bool
changes_has_feed(const Sync *s)
{
	return s->source->deleted && s->key.n == 1 && !s->copy.ignore_deletions && strcmp(s->mode, "incremental") == 0 &&
		   s->parent == 0;
}

/* -- changes since -- */

/* Rows of a window, and between which cursors they are */
typedef struct Spread
{
	int64 rows;
	char *low, *high;
} Spread;

ROW_SHAPE(spread_shape, Spread, FIELD(INT8, Spread, rows), FIELD(TEXT, Spread, low), FIELD(TEXT, Spread, high));

/* One that would read for hours is taken in slices, so that what was read stays if it breaks */
static bool
is_long(const Window *window)
{
	return window->low && window->high &&
		   to_bool(repo_value("SELECT $2::timestamptz > $1::timestamptz + interval '" LONG_WINDOW "'",
							  arg_text(window->low), arg_text(window->high)));
}

/* A long window is cut into slices of time, each with its checkpoint, between times that can be reckoned with */
static int
slices_of(Sync *s, Window *window, char **low, char **high)
{
	Spread *spread;

	if (!s->copy.cursor_is_time || !s->source->counts || !is_long(window))
		return 1;
	spread = user_answer(&spread_shape,
						 psprintf("SELECT count(*) AS rows, min(%s) AS low, max(%s) AS high FROM %s WHERE %s",
								  s->copy.cursor, s->copy.cursor, s->copy.there, window_condition(s, window)));
	if (spread->low == NULL || strstr(spread->low, "infinity"))
		return 1;
	*low = spread->low;
	*high = window->ahead ? window_earlier(s, spread->high, window->watermark) : spread->high;
	return Max(1, Min(spread->rows / s->batch_rows, SLICES_AT_MOST));
}

/* The moment at a share of the way, to the second */
static char *
moment_between(const char *low, const char *high, double share)
{
	return repo_value("SELECT date_trunc('second', $1::timestamptz + ($2::timestamptz - $1::timestamptz) * $3)",
					  arg_text(low), arg_text(high), arg_float8(share));
}

/* Told, since times of the source from before cannot be compared with those from after */
static void
clock_anomaly(void *arg)
{
	Batch *b = arg;
	StringInfoData json;

	json_open(&json);
	json_text(&json, "source_clock", b->s->now_there);
	json_text(&json, "clock_here", b->s->now_here);
	anomaly_raise(b->s, b->run, "clock", "warning", NULL,
				  psprintf("the clock of source \"%s\" jumped", b->s->source->name), json_close(&json));
}

/* Rows that are stamped with a time that has not come yet: the watermark stays below our clock */
void
changes_tell_ahead(Batch *b, const char *ahead)
{
	Sync *s = b->s;
	StringInfoData json;

	s->ahead = true;
	json_open(&json);
	json_text(&json, "newest", ahead);
	json_text(&json, "clock_here", s->now_here);
	anomaly_raise(s, b->run, "clock", "warning", s->cursor,
				  psprintf("%s of %s reaches to %s, which is in the future: changes are read by our clock",
						   s->copy.cursor, s->copy.foreign, ahead),
				  json_close(&json));
}

#define LONG_OPEN "1 hour"

/* The watermark waits for a transaction that is left open: what comes meanwhile is read again by every run */
static void
tell_open(Batch *b)
{
	Sync *s = b->s;
	char *open = s->running ? repo_value("SELECT ingest_internal.sync_under_way($1, $2::interval)", arg_int4(s->id),
										 arg_text(LONG_OPEN))
							: NULL;
	StringInfoData json;

	if (open == NULL)
		return;
	json_open(&json);
	json_raw(&json, "transactions", open);
	json_text(&json, "watermark", s->watermark);
	anomaly_raise(s, b->run, "transaction", "warning", NULL,
				  psprintf("a transaction at source \"%s\" has been open for over " LONG_OPEN ": until it ends, each "
						   "run of its copies reads again what came since it began",
						   s->source->name),
				  json_close(&json));
}

/* The window, whole or in slices */
static void
plan_windows(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	MemoryContext old = MemoryContextSwitchTo(s->context);
	Window window;
	char *low = NULL,
		 *high = NULL;
	int n;

	if (!b->idle.known)
		window_settle(s);
	window = b->idle.known ? window_open(s) : window_next(s);
	n = window.empty ? 0 : slices_of(s, &window, &low, &high);
	b->n_windows = n;
	b->windows = palloc(sizeof(Window) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		b->windows[i] = window;
		if (i > 0)
			b->windows[i].low = b->windows[i - 1].high;
		if (i < n - 1)
		{
			b->windows[i].high = moment_between(low, high, (double) (i + 1) / n);
			b->windows[i].watermark = window_earlier(s, b->windows[i].high, window.watermark);
			b->windows[i].inclusive = false;
		}
	}
	MemoryContextSwitchTo(old);
	if (window.jumped)
		clock_anomaly(b);
	if (window.ahead)
		changes_tell_ahead(b, window.ahead);
	tell_open(b);
}

/* Each window is a transaction: what was read before a failure is not read again */
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
		b->window = &b->windows[i];
		if (!batch_step(b, merge_window))
			return false;
	}
	return true;
}

/* What changed since the last run, or since the load began */
bool
changes_catch_up(Batch *b)
{
	bool nothing_deleted = b->idle.known ? b->idle.deletions : !changes_has_feed(b->s);
	/* what has no cursor comes with its parent, or by the comparison of keys */
	bool nothing_changed = (b->idle.known && b->idle.changes) || b->s->copy.cursor == NULL;

	return (nothing_deleted || batch_step(b, merge_deleted)) && (nothing_changed || increment(b));
}
