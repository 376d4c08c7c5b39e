/*
 * load.c
 *		Reading everything: first loads, reloads, full replacement, columns that came.
 *
 * A load is cut into ranges of the key, each a batch, so that it goes on where it
 * was interrupted.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/sync/changes.h"
#include "ingest/sync/load.h"
#include "ingest/sync/reconcile.h"
#include "ingest/sync/isolate.h"
#include "ingest/sync/stage.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* -- loading everything -- */

#define PIECES_AT_MOST 16   /* that a range is cut into at once */
#define RANGE_TOLERANCE 1.5 /* a range of so many batches is not cut */

/* Where ranges of a load begin, and how many rows each has */
typedef struct Cuts
{
	int64 *low, *expected;
	int n, room;
} Cuts;

/* As a condition has it */
static char *
key_text(int64 key)
{
	return psprintf("%lld", (long long) key);
}

/* A range begins; how many rows it should have is known from counting */
static void
cut_here(Cuts *cuts, int64 low, int64 expected)
{
	if (cuts->n == cuts->room)
	{
		cuts->room = Max(64, cuts->room * 2);
		cuts->low = cuts->low ? repalloc(cuts->low, sizeof(int64) * cuts->room) : palloc(sizeof(int64) * cuts->room);
		cuts->expected =
			cuts->expected ? repalloc(cuts->expected, sizeof(int64) * cuts->room) : palloc(sizeof(int64) * cuts->room);
	}
	cuts->low[cuts->n] = low;
	cuts->expected[cuts->n++] = expected;
}

/* A count costs the source an index scan, and says where rows are dense */
static int64
count_range(const Copy *copy, int64 low, int64 high, const char *condition)
{
	return to_int8(user_value(psprintf("SELECT count(*) FROM %s WHERE %s >= %lld AND %s < %lld%s%s", copy->there,
									   copy->key[0], (long long) low, copy->key[0], (long long) high,
									   condition ? " AND " : "", condition ? condition : "")));
}

/* How many rows there are, and between which keys */
typedef struct Extent
{
	int64 rows;
	int64 low, high;
} Extent;

ROW_SHAPE(extent_shape, Extent, FIELD(INT8, Extent, rows), FIELD(INT8, Extent, low), FIELD(INT8, Extent, high));

/* First and last key, and how many there are between them */
static Extent
extent_there(const Copy *copy, const char *condition)
{
	char *keys =
		copy->key_is_integer ? psprintf(", min(%s) AS low, max(%s) AS high", copy->key[0], copy->key[0]) : pstrdup("");
	char *sql = psprintf("SELECT rows, %s FROM (SELECT count(*) AS rows%s FROM %s WHERE %s) e",
						 copy->key_is_integer ? "low::bigint, high::bigint" : "0 AS low, 0 AS high", keys,
						 copy->there, condition ? condition : "true");

	return *(Extent *) user_answer(&extent_shape, sql);
}

/*
 * Cut keys from low to high (exclusive), of which there are so many rows that the
 * condition holds for, until each piece is about a batch.  Keys are anything but evenly
 * spread, so the source counts each piece; an empty one belongs to the range before it.
 */
static void
cut(Sync *s, Cuts *cuts, int64 low, int64 high, int64 rows, const char *condition)
{
	/* keys may lie further apart than a bigint holds */
	uint64 span = (uint64) high - (uint64) low;
	uint64 pieces = Max(2, Min((rows + s->batch_rows - 1) / s->batch_rows, PIECES_AT_MOST));
	uint64 width = Max(1, span / pieces);

	if (rows <= s->batch_rows * RANGE_TOLERANCE || span <= 1)
	{
		if (rows > 0 || cuts->n == 0)
			cut_here(cuts, low, rows);
		return;
	}
	for (int64 from = low; from < high; from += (int64) width)
	{
		int64 to = (uint64) high - (uint64) from < 2 * width ? high : from + (int64) width;

		CHECK_FOR_INTERRUPTS();
		cut(s, cuts, from, to, count_range(&s->copy, from, to, condition), condition);
		if (to == high)
			break;
	}
}

/* Newest first.  The first and the last are open: what comes meanwhile belongs to them. */
static void
write_ranges(const Sync *s, const Cuts *cuts)
{
	for (int i = 0; i < cuts->n; i++)
		repo_run("SELECT ingest_internal.sync_plan_range($1, $2, $3, $4, $5, $6)", arg_int4(s->id),
				 arg_int4(s->generation), arg_int4(cuts->n - i), arg_text(i == 0 ? NULL : key_text(cuts->low[i])),
				 arg_text(i == cuts->n - 1 ? NULL : key_text(cuts->low[i + 1])),
				 cuts->expected[i] >= 0 ? arg_int8(cuts->expected[i]) : arg_null(INT8OID));
}

#define LOAD_CHECKPOINT \
	"phase = 'loading', generation = generation + 1, reload = false, unfilled = NULL, next_watermark = $3, " \
	"clock_at = $5::timestamptz, clock_offset = $4::timestamptz - $5::timestamptz"

/* Ranges of the key; one if the key cannot be cut or counting is dear */
static void
plan_load(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Cuts cuts = {0};
	int64 n = -1;
	char *start;
	char *ahead;

	batch_enter(s, b->run);
	window_settle(s);
	start = window_start(s, &ahead);
	if (ahead)
		changes_tell_ahead(b, ahead);
	if (s->source->counts)
	{
		Extent extent = extent_there(&s->copy, NULL);

		n = extent.rows;
		repo_run("SELECT ingest_internal.sync_note_counts($1, $2, NULL)", arg_int4(s->id), arg_int8(n));
		if (s->copy.key_is_integer && n > 0)
			cut(s, &cuts, extent.low, extent.high + 1, n, NULL);
	}
	if (cuts.n == 0)
		cut_here(&cuts, 0, n);
	if (n >= 0 && s->watermark && !sync_is_full(s))
		reconcile_brake(s, n);
	s->generation++;
	write_ranges(s, &cuts);
	batch_checkpoint(s, LOAD_CHECKPOINT, SQL_ARGS(arg_text(start), arg_text(s->now_there), arg_text(s->now_here)));
	window_load(s, start);
	s->unfilled = false;
	s->phase = "loading";
	s->next_watermark = start ? MemoryContextStrdup(s->context, start) : NULL;
	run_progress(b->run, "loading", n);
}

/* Open at either end, so that what comes before the first and after the last key is read as well */
static char *
range_condition(const Copy *copy, const char *low, const char *high, const char *prefix)
{
	StringInfoData sql;

	initStringInfo(&sql);
	if (low)
		appendStringInfo(&sql, "%s%s >= %s", prefix, copy->key[0], low);
	if (high)
		appendStringInfo(&sql, "%s%s%s < %s", low ? " AND " : "", prefix, copy->key[0], high);
	return sql.data;
}

/* Straight into an empty copy, which is the fastest */
static void
insert_range(void *arg)
{
	Batch *b = arg;
	Copy *copy = &b->s->copy;
	char *list = column_list(copy->columns, copy->n_columns, "");
	int64 n = stage_read(copy, copy->target, list, b->where);

	copy->run->read += n;
	copy->run->inserted += n;
}

/* With its rows in one transaction: a load that is interrupted begins with the next */
static void
range_done(Batch *b, int64 read)
{
	repo_run("SELECT ingest_internal.sync_range_done($1, $2, $3, $4)", arg_int4(b->s->id), arg_int4(b->s->generation),
			 arg_int4(b->range), arg_int8(read));
	batch_checkpoint(b->s, "phase = 'loading'", 0, NULL);
	run_progress(b->run, "loading", -1);
}

/* Into an empty copy at once; row by row only where that fails for reasons of the data */
static void
load_range(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings touched = {0};
	int64 before = b->run->read,
		  rejected = b->run->rejected;
	Failure failure;
	bool inserted = false;

	batch_enter(s, b->run);
	if (b->plain && !s->copy.history && !s->copy.row_events && !s->copy.has_triggers)
	{
		inserted = attempt(insert_range, b, &failure);
		if (!inserted)
		{
			b->run->read = before;
			b->run->rejected = rejected;
			b->run->inserted = 0;
			if (!failure_is_of_data(&failure))
				failure_rethrow(&failure);
		}
	}
	if (!inserted)
	{
		stage_fetch_isolating(&s->copy, b->where);
		merge_stage(&s->copy, b->operation);
		/* an append-only copy loses nothing */
		if (!b->plain && strcmp(s->mode, "append") != 0)
		{
			char *scope = range_condition(&s->copy, b->low, b->high, "t.");

			if (s->n_followers > 0)
				s->copy.touched = &touched;
			reconcile_delete_missing(s, scope[0] ? scope : "true");
		}
	}
	batch_settle(b, &touched);
	range_done(b, b->run->read - before);
}

/* Full replacement in several ranges gathers beside the copy ... */
static void
gather_range(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	int64 before = b->run->read;

	batch_enter(s, b->run);
	if (own_value("SELECT to_regclass($1)", arg_text(s->load_table)) == NULL)
		user_run(psprintf("CREATE UNLOGGED TABLE %s AS SELECT %s FROM %s WITH NO DATA", s->load_table,
						  column_list(s->copy.columns, s->copy.n_columns, ""), s->copy.target));
	s->copy.stage = s->load_table;
	stage_fetch_isolating(&s->copy, b->where);
	s->copy.stage = s->copy.stage_name;
	range_done(b, b->run->read - before);
}

/* ... and replaces it in one transaction, by what differs */
static void
replace_all(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings touched = {0};
	bool gathered = b->n_ranges > 1;

	batch_enter(s, b->run);
	if (s->n_followers > 0)
		s->copy.touched = &touched;
	if (gathered)
	{
		s->copy.stage = s->load_table;
		user_run(psprintf("ANALYZE %s", s->load_table));
	}
	else
	{
		stage_fetch_isolating(&s->copy, "");
		repo_run("SELECT ingest_internal.sync_range_done($1, $2, NULL, NULL)", arg_int4(s->id),
				 arg_int4(s->generation));
	}
	if (reconcile_may_replace(s))
	{
		if (s->key.n == 0)
			reconcile_replace_keyless(s);
		else
		{
			merge_stage(&s->copy, s->generation > 1 ? "insert" : "load");
			reconcile_delete_missing(s, "true");
		}
	}
	if (gathered)
		user_run(psprintf("DROP TABLE %s", s->load_table));
	s->copy.stage = s->copy.stage_name;
	batch_settle(b, &touched);
	batch_checkpoint(s, "phase = 'ready', watermark = next_watermark", 0, NULL);
	run_progress(b->run, "replaced", -1);
}

#define LOADED_CHECKPOINT \
	"phase = 'ready', watermark = next_watermark, watermark_time = $3::timestamptz, " \
	"deleted_watermark = coalesce(deleted_watermark, clock_at + coalesce(clock_offset, '0')), " \
	"last_reconcile = clock_timestamp()"

/* The copy is whole: from here on there are changes */
static void
load_done(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	MemoryContext old;

	repo_run("DELETE FROM ingest.sync_range WHERE sync = $1", arg_int4(s->id));
	batch_checkpoint(s, LOADED_CHECKPOINT, SQL_ARGS(arg_text(window_moment(s, s->next_watermark))));
	/* what merges look rows up by; the rest is autovacuum's */
	user_run(psprintf("ANALYZE %s%s", s->copy.target,
					  s->key.n > 0 ? psprintf(" (%s)", column_list(s->copy.key, s->key.n, "")) : ""));
	reconcile_recount(s);
	s->compared = true;
	run_progress(b->run, "loaded", -1);
	s->phase = "ready";
	s->watermark = s->next_watermark;
	old = MemoryContextSwitchTo(s->context);
	s->deleted_watermark =
		repo_value("SELECT deleted_watermark FROM ingest.sync_state WHERE sync = $1", arg_int4(s->id));
	MemoryContextSwitchTo(old);
}

ROW_SHAPE(range_shape, Range, FIELD(INT4, Range, n), FIELD(TEXT, Range, low), FIELD(TEXT, Range, high),
		  FIELD(BOOL, Range, done));

/* The ranges of the load, all of them */
static void
read_ranges(Batch *b)
{
	Sync *s = b->s;
	MemoryContext old = MemoryContextSwitchTo(s->context);

	b->ranges = repo_structs(range_shape, &b->n_ranges, "SELECT * FROM ingest_internal.sync_ranges($1, $2)",
							 arg_int4(s->id), arg_int4(s->generation));
	MemoryContextSwitchTo(old);
}

/*
 * Is what a full replacement gathered not to be gone on with?  It may lack columns that came since, and rows: the table
 * is not logged, so that after a crash, or where a standby was promoted, it is empty.
 */
static bool
gathered_lacks(const Sync *s)
{
	char *expected = repo_value("SELECT coalesce(sum(rows_read), 0) FROM ingest.sync_range WHERE sync = $1 AND "
								"generation = $2 AND done_at IS NOT NULL",
								arg_int4(s->id), arg_int4(s->generation));

	if (own_value("SELECT to_regclass($1)", arg_text(s->load_table)) == NULL)
		return to_int8(expected) > 0;
	return to_bool(repo_value("SELECT ingest_internal.sync_lacks_columns($1, $2)", arg_relation(s->load_table),
							  arg_texts(s->copy.columns, s->copy.n_columns))) ||
		   to_int8(user_value(psprintf("SELECT count(*) FROM %s", s->load_table))) != to_int8(expected);
}

/* Begin a load, or go on with one that was interrupted */
static void
begin_load(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	bool resumed = strcmp(s->phase, "loading") == 0 && !s->reload;

	s->load_table =
		MemoryContextStrdup(s->context, quoted_relation(s->target_schema, psprintf("ingest_load_%d", s->id)));
	if (resumed && sync_is_full(s) && gathered_lacks(s))
		resumed = false;
	b->long_load = resumed;
	if (resumed)
		run_log(b->run, "info", "continues a load that was interrupted", NULL);
	else
	{
		plan_load(b);
		user_drop(s->load_table);
	}
	/* rows that are there before the first load began are the user's */
	b->plain = s->watermark == NULL && s->generation <= 1 && !sync_is_full(s) &&
			   (resumed || user_value(psprintf("SELECT 1 FROM %s LIMIT 1", s->copy.target)) == NULL);
	b->operation = s->watermark || s->generation > 1 ? "reload" : "load";
	read_ranges(b);
}

bool
load_run(Batch *b)
{
	Sync *s = b->s;

	if (!batch_step(b, begin_load))
		return false;
	for (int i = 0; i < b->n_ranges; i++)
	{
		/* a full replacement of one range is read when it is merged */
		if (b->ranges[i].done || (sync_is_full(s) && b->n_ranges == 1))
			continue;
		b->range = b->ranges[i].n;
		b->low = b->ranges[i].low;
		b->high = b->ranges[i].high;
		b->where = range_condition(&s->copy, b->low, b->high, "");
		if (!batch_step(b, sync_is_full(s) ? gather_range : load_range))
			return false;
	}
	if (sync_is_full(s) && !batch_step(b, replace_all))
		return false;
	return batch_step(b, load_done);
}

/* -- columns that came -- */

/* Rows that have a value in one of the columns that came; NULL: there are no such columns */
static char *
has_new_value(const Sync *s)
{
	Rows *columns = repo_rows("SELECT * FROM ingest_internal.sync_unfilled($1, $2)", arg_int4(s->id),
							  arg_texts(s->copy.columns, s->copy.n_columns));
	StringInfoData condition;

	if (columns->n == 0)
		return NULL;
	initStringInfo(&condition);
	for (uint64 i = 0; i < columns->n; i++)
		appendStringInfo(&condition, "%s%s IS NOT NULL", i > 0 ? " OR " : "(", columns->v[i][0]);
	appendStringInfoChar(&condition, ')');
	return condition.data;
}

/* Which rows have a value in one of them, and where they are */
static void
plan_filling(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Cuts cuts = {0};
	char *condition;
	MemoryContext old;

	batch_enter(s, b->run);
	b->n_conditions = 0;
	condition = has_new_value(s);
	if (condition == NULL)
		return;
	if (s->source->counts && s->copy.key_is_integer)
	{
		Extent extent = extent_there(&s->copy, condition);

		if (extent.rows == 0)
			return;
		cut(s, &cuts, extent.low, extent.high + 1, extent.rows, condition);
	}
	if (cuts.n == 0)
		cut_here(&cuts, 0, -1);
	old = MemoryContextSwitchTo(s->context);
	b->n_conditions = cuts.n;
	b->conditions = palloc(sizeof(char *) * cuts.n);
	for (int i = 0; i < cuts.n; i++)
	{
		char *range = range_condition(&s->copy, i > 0 ? key_text(cuts.low[i]) : NULL,
									  i < cuts.n - 1 ? key_text(cuts.low[i + 1]) : NULL, "");

		b->conditions[i] = psprintf("%s%s%s", range, range[0] ? " AND " : "", condition);
	}
	MemoryContextSwitchTo(old);
}

/* Values of columns that came later, in rows that are here already */
static void
fill_range(void *arg)
{
	Batch *b = arg;
	Strings touched = {0};

	batch_enter(b->s, b->run);
	stage_fetch_isolating(&b->s->copy, b->where);
	merge_stage(&b->s->copy, "reload");
	batch_settle(b, &touched);
	/* nothing moves on, but the run must still be ours */
	batch_checkpoint(b->s, "phase = phase", 0, NULL);
	run_progress(b->run, "new columns", -1);
}

/* Only when the last range is done: until then the columns are not whole */
static void
filled(void *arg)
{
	Batch *b = arg;

	batch_checkpoint(b->s, "unfilled = NULL", 0, NULL);
}

/* Older rows that have a value in a column that came: no stamp tells of them */
bool
load_new_columns(Batch *b)
{
	if (!b->s->unfilled)
		return true;
	if (!batch_step(b, plan_filling))
		return false;
	for (int i = 0; i < b->n_conditions; i++)
	{
		b->where = b->conditions[i];
		if (!batch_step(b, fill_range))
			return false;
	}
	return batch_step(b, filled);
}
