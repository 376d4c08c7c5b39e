/*
 * load.c
 *		Reading everything: first loads, reloads, full replacement, columns that came.
 *
 * A load is cut into ranges of the key, each a batch, so that it goes on where it
 * was interrupted.
 */
#include "postgres.h"

#include "ingest/sync/load.h"
#include "ingest/sync/reconcile.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* -- loading everything -- */

/* Where ranges of a load begin, and how many rows each has */
typedef struct Cuts
{
	int64 *low, *expected;
	int n, room;
} Cuts;

static void
cut_here(Cuts *cuts, int64 low, int64 expected)
{
	if (cuts->n == cuts->room)
	{
		cuts->room = Max(64, cuts->room * 2);
		cuts->low = cuts->low ? repalloc(cuts->low, sizeof(int64) * cuts->room) : palloc(sizeof(int64) * cuts->room);
		cuts->expected = cuts->expected ? repalloc(cuts->expected, sizeof(int64) * cuts->room) : palloc(sizeof(int64) * cuts->room);
	}
	cuts->low[cuts->n] = low;
	cuts->expected[cuts->n++] = expected;
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
	uint64 pieces = Max(2, Min((rows + s->batch_rows - 1) / s->batch_rows, 16));
	uint64 width = Max(1, span / pieces);

	if (rows <= s->batch_rows + s->batch_rows / 2 || span <= 1)
	{
		if (rows > 0 || cuts->n == 0)
			cut_here(cuts, low, rows);
		return;
	}
	for (int64 from = low; from < high; from += (int64) width)
	{
		int64 to = (uint64) high - (uint64) from < 2 * width ? high : from + (int64) width;

		CHECK_FOR_INTERRUPTS();
		cut(s, cuts, from, to,
			to_int8(user_value(psprintf("SELECT count(*) FROM %s WHERE %s >= %lld AND %s < %lld%s%s", s->copy.foreign, s->copy.key[0], (long long) from, s->copy.key[0],
										(long long) to, condition ? " AND " : "", condition ? condition : ""))),
			condition);
		if (to == high)
			break;
	}
}

/* Ranges of the key, newest first; one if the key cannot be cut or counting is dear */
static void
plan_load(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Cuts cuts = {0};
	int64 n = -1;
	char *start;

	batch_enter(s, b->run);
	start = window_start(s);
	if (s->source->counts)
	{
		Rows *rows = user_rows(psprintf("SELECT count(*)%s FROM %s",
										s->copy.key_is_integer ? psprintf(", min(%s), max(%s)", s->copy.key[0], s->copy.key[0]) : "", s->copy.foreign));

		n = to_int8(first_row(rows)[0]);
		repo_run("UPDATE ingest.source_table SET row_count = $2 FROM ingest.sync s WHERE s.id = $1 AND s.table_id = source_table.id", arg_int8(s->id), arg_int8(n));
		if (s->copy.key_is_integer && n > 0)
			cut(s, &cuts, to_int8(first_row(rows)[1]), to_int8(first_row(rows)[2]) + 1, n, NULL);
	}
	if (cuts.n == 0)
		cut_here(&cuts, 0, n);
	if (n >= 0 && s->watermark && !sync_is_full(s))
		reconcile_brake(s, n);
	s->generation++;
	for (int i = 0; i < cuts.n; i++)
	{
		/* the first and the last are open: what comes meanwhile belongs to them */
		repo_run("INSERT INTO ingest.sync_range (sync, generation, n, low, high, expected) VALUES ($1, $2, $3, $4, $5, $6)", arg_int8(s->id),
				 arg_int8(s->generation), arg_int8(cuts.n - i), i == 0 ? arg_null(TEXTOID) : arg_text(psprintf("%lld", (long long) cuts.low[i])),
				 i == cuts.n - 1 ? arg_null(TEXTOID) : arg_text(psprintf("%lld", (long long) cuts.low[i + 1])),
				 cuts.expected[i] >= 0 ? arg_int8(cuts.expected[i]) : arg_null(INT8OID));
	}
	batch_checkpoint(s, "phase = 'loading', generation = generation + 1, reload = false, unfilled = NULL, next_watermark = $3, clock_at = $5::timestamptz, clock_offset = $4::timestamptz - $5::timestamptz",
					 SQL_ARGS(arg_text(start), arg_text(s->now_there), arg_text(s->now_here)));
	s->unfilled = false;
	s->phase = "loading";
	s->next_watermark = start ? MemoryContextStrdup(s->context, start) : NULL;
	run_progress(b->run, "loading", n);
}

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
	int64 n = user_run(psprintf("INSERT INTO %s (%s) SELECT %s FROM %s%s%s", copy->target, list, list, copy->foreign, b->where[0] ? " WHERE " : "", b->where));

	copy->run->read += n;
	copy->run->inserted += n;
}

static void
range_done(Batch *b, int64 read)
{
	repo_run("UPDATE ingest.sync_range SET done_at = clock_timestamp(), rows_read = $4 WHERE sync = $1 AND generation = $2 AND n = $3", arg_int8(b->s->id),
			 arg_int8(b->s->generation), arg_int8(b->range), arg_int8(read));
	batch_checkpoint(b->s, "phase = 'loading'", 0, NULL);
	run_progress(b->run, "loading", -1);
}

static void
load_range(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings touched = {0};
	int64 before = b->run->read;
	Failure failure;
	bool inserted = false;

	batch_enter(s, b->run);
	if (b->plain && !s->copy.history && !s->copy.row_events)
	{
		inserted = attempt(insert_range, b, &failure);
		if (!inserted)
		{
			b->run->read = before;
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

			if (s->n_children > 0)
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
		user_run(psprintf("CREATE TABLE %s AS SELECT %s FROM %s WITH NO DATA", s->load_table, column_list(s->copy.columns, s->copy.n_columns, ""), s->copy.target));
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
	bool gathered = b->n_windows > 1;

	batch_enter(s, b->run);
	if (s->n_children > 0)
		s->copy.touched = &touched;
	if (gathered)
	{
		s->copy.stage = s->load_table;
		user_run(psprintf("ANALYZE %s", s->load_table));
	}
	else
	{
		stage_fetch_isolating(&s->copy, "");
		repo_run("UPDATE ingest.sync_range SET done_at = clock_timestamp() WHERE sync = $1 AND generation = $2", arg_int8(s->id), arg_int8(s->generation));
	}
	if (reconcile_may_replace(s))
	{
		if (s->n_key == 0)
			reconcile_replace_keyless(s);
		else
		{
			merge_stage(&s->copy, s->generation > 1 ? "insert" : "load");
			merge_delete_missing(&s->copy, "true");
		}
	}
	if (gathered)
		user_run(psprintf("DROP TABLE %s", s->load_table));
	s->copy.stage = s->copy.stage_name;
	batch_settle(b, &touched);
	batch_checkpoint(s, "phase = 'ready', watermark = next_watermark", 0, NULL);
	run_progress(b->run, "replaced", -1);
}

static void
load_done(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	MemoryContext old;

	repo_run("DELETE FROM ingest.sync_range WHERE sync = $1", arg_int8(s->id));
	batch_checkpoint(s, "phase = 'ready', watermark = next_watermark, deleted_watermark = coalesce(deleted_watermark, (clock_at + clock_offset)), last_reconcile = clock_timestamp()", 0, NULL);
	/* what merges look rows up by; the rest is autovacuum's */
	user_run(psprintf("ANALYZE %s%s", s->copy.target, s->n_key > 0 ? psprintf(" (%s)", column_list(s->copy.key, s->n_key, "")) : ""));
	reconcile_recount(s);
	run_progress(b->run, "loaded", -1);
	s->phase = "ready";
	s->watermark = s->next_watermark;
	old = MemoryContextSwitchTo(s->context);
	s->deleted_watermark = repo_value("SELECT deleted_watermark FROM ingest.sync_state WHERE sync = $1", arg_int8(s->id));
	MemoryContextSwitchTo(old);
}

/* Begin a load, or go on with one that was interrupted */
static void
begin_load(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	bool resumed = strcmp(s->phase, "loading") == 0 && !s->reload;
	MemoryContext old;

	s->load_table = MemoryContextStrdup(s->context, quoted_relation(s->target_schema, psprintf("ingest_load_%d", s->id)));
	/* what was gathered before a column came is begun again */
	if (resumed && sync_is_full(s) &&
		own_value("SELECT 1 FROM unnest($2::text[]) c WHERE to_regclass($1) IS NOT NULL AND NOT EXISTS "
				  "(SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND quote_ident(attname) = c AND NOT attisdropped)",
				  arg_text(s->load_table), arg_text(array_literal(s->copy.columns, s->copy.n_columns))))
		resumed = false;
	b->long_load = resumed;
	if (resumed)
		run_log(b->run, "info", "goes on with a load that was interrupted", NULL);
	else
	{
		plan_load(b);
		user_drop(s->load_table);
	}
	/* rows that are there before the first load began are the user's */
	b->plain = s->watermark == NULL && s->generation <= 1 && !sync_is_full(s) &&
			   (resumed || user_value(psprintf("SELECT 1 FROM %s LIMIT 1", s->copy.target)) == NULL);
	b->operation = s->watermark || s->generation > 1 ? "reload" : "load";
	old = MemoryContextSwitchTo(s->context);
	b->ranges = repo_rows("SELECT n, low, high FROM ingest.sync_range WHERE sync = $1 AND generation = $2 AND done_at IS NULL ORDER BY n", arg_int8(s->id),
						  arg_int8(s->generation));
	b->n_windows = to_int4(repo_value("SELECT count(*) FROM ingest.sync_range WHERE sync = $1 AND generation = $2", arg_int8(s->id), arg_int8(s->generation)));
	MemoryContextSwitchTo(old);
}

bool
load_run(Batch *b)
{
	Sync *s = b->s;

	if (!batch_step(b, begin_load))
		return false;
	for (uint64 i = 0; i < b->ranges->n; i++)
	{
		b->range = to_int4(b->ranges->v[i][0]);
		b->low = b->ranges->v[i][1];
		b->high = b->ranges->v[i][2];
		b->where = range_condition(&s->copy, b->low, b->high, "");
		/* a full replacement of one range is read when it is merged */
		if (sync_is_full(s) && b->n_windows == 1)
			continue;
		if (!batch_step(b, sync_is_full(s) ? gather_range : load_range))
			return false;
	}
	if (sync_is_full(s) && !batch_step(b, replace_all))
		return false;
	return batch_step(b, load_done);
}

/* -- columns that came -- */

/* Which rows have a value in one of them, and where they are */
static void
plan_filling(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Cuts cuts = {0};
	StringInfoData condition;
	Rows *columns,
		*rows;
	MemoryContext old;

	batch_enter(s, b->run);
	columns = repo_rows("SELECT DISTINCT quote_ident(c) FROM ingest.sync_state, unnest(unfilled) c WHERE sync = $1 AND quote_ident(c) = ANY ($2::text[])", arg_int8(s->id),
						arg_text(array_literal(s->copy.columns, s->copy.n_columns)));
	b->ranges = NULL;
	if (columns->n == 0)
		return;
	initStringInfo(&condition);
	for (uint64 i = 0; i < columns->n; i++)
		appendStringInfo(&condition, "%s%s IS NOT NULL", i > 0 ? " OR " : "(", columns->v[i][0]);
	appendStringInfoChar(&condition, ')');
	if (s->source->counts && s->copy.key_is_integer)
	{
		rows = user_rows(psprintf("SELECT count(*), min(%s), max(%s) FROM %s WHERE %s", s->copy.key[0], s->copy.key[0], s->copy.foreign, condition.data));
		if (to_int8(first_row(rows)[0]) == 0)
			return;
		cut(s, &cuts, to_int8(first_row(rows)[1]), to_int8(first_row(rows)[2]) + 1, to_int8(first_row(rows)[0]), condition.data);
	}
	if (cuts.n == 0)
		cut_here(&cuts, 0, -1);
	old = MemoryContextSwitchTo(s->context);
	b->ranges = palloc0(sizeof(Rows));
	b->ranges->n = cuts.n;
	b->ranges->v = palloc(sizeof(char **) * cuts.n);
	for (int i = 0; i < cuts.n; i++)
	{
		char *range = range_condition(&s->copy, i > 0 ? psprintf("%lld", (long long) cuts.low[i]) : NULL,
									  i < cuts.n - 1 ? psprintf("%lld", (long long) cuts.low[i + 1]) : NULL, "");

		b->ranges->v[i] = palloc(sizeof(char *));
		b->ranges->v[i][0] = psprintf("%s%s%s", range, range[0] ? " AND " : "", condition.data);
	}
	MemoryContextSwitchTo(old);
}

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

static void
filled(void *arg)
{
	Batch *b = arg;

	batch_checkpoint(b->s, "unfilled = NULL", 0, NULL);
}

/* Rows of before that have a value in a column that came: no stamp tells of them */
bool
load_new_columns(Batch *b)
{
	if (!b->s->unfilled)
		return true;
	if (!batch_step(b, plan_filling))
		return false;
	for (uint64 i = 0; b->ranges && i < b->ranges->n; i++)
	{
		b->where = b->ranges->v[i][0];
		if (!batch_step(b, fill_range))
			return false;
	}
	return batch_step(b, filled);
}
