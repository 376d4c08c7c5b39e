/*
 * sync.c
 *		Keeping copies current.
 *
 * A run is a row of batches, each of which is a transaction that holds rows, history,
 * events and the checkpoint: whatever ends the process, the next run goes on from
 * there.  A table and its children (the lines of headers) are one group that one
 * process at a time works on; what changes in the parent and its children commits
 * together.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "ingest/base/argument.h"
#include "ingest/repository/anomaly.h"
#include "ingest/base/attempt.h"
#include "ingest/base/compat.h"
#include "ingest/base/lock.h"
#include "ingest/repository/access.h"
#include "ingest/event/event.h"
#include "ingest/sync/idle.h"
#include "ingest/sync/reconcile.h"
#include "ingest/sync/shape.h"
#include "ingest/sync/sync.h"
#include "ingest/sync/window.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* keys of changed parents in one query for their children: NetSuite takes 1000 arguments */
#define PARENTS_AT_ONCE 500

SQL_FUNCTION(ingest_sync);
SQL_FUNCTION(ingest_redrive);

/* -- reading the repository -- */

/* A relation by its name, whoever may look into its schema */
#define RELATION_OF(schema, name) \
	"(SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = " schema " AND c.relname = " name ")"
#define SYNC_QUERY \
	"SELECT s.id, s.name, s.source, t.local_schema, t.local_name, t.name, s.target_schema, s.target_table, s.owner, s.mode, s.key, s.cursor_column, s.overlap, " \
	"s.batch_rows, s.deletions, s.parent, s.parent_column, s.history, s.row_events, s.profile, s.reconcile_every, s.max_delete_share, s.reject_limit, s.state, " \
	"s.state_reason, z.phase, z.generation, z.watermark, z.next_watermark, z.deleted_watermark, z.reload, z.mismatches, z.epoch, t.gone_at, " RELATION_OF("t.local_schema", "t.local_name") ", " RELATION_OF("s.target_schema", "s.target_table") ", z.unfilled IS NOT NULL, s.owner_name " \
																																																												  "FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id JOIN ingest.sync_state z ON z.sync = s.id "

/* On Citus's nodes? */
static bool
is_distributed(const char *target)
{
	return own_value("SELECT to_regclass('pg_catalog.pg_dist_partition')") != NULL &&
		   own_value("SELECT 1 FROM pg_catalog.pg_dist_partition WHERE logicalrelid = $1::regclass", arg_text(target)) != NULL;
}

static Sync *
sync_of(char **v)
{
	Sync *s = palloc0(sizeof(Sync));

	s->context = CurrentMemoryContext;
	s->missing_limit = -1;
	s->id = to_int4(v[0]);
	s->name = v[1];
	s->owner = to_oid(v[8]);
	require_owner(s->owner, v[37], "sync", s->name);
	s->source = source_by_id(to_int4(v[2]));
	s->foreign_schema = v[3];
	s->foreign_table = v[4];
	s->remote_table = v[5];
	s->target_schema = v[6];
	s->target_table = v[7];
	s->mode = v[9];
	s->key = parse_array(v[10], &s->n_key);
	s->cursor = v[11];
	s->overlap = v[12];
	s->batch_rows = to_int8(v[13]);
	s->deletions = v[14];
	s->parent = v[15] ? to_int4(v[15]) : 0;
	s->parent_column = v[16];
	s->profile = v[19];
	s->reconcile_every = v[20];
	s->max_delete_share = strtod(v[21], NULL);
	s->state = v[23];
	s->state_reason = v[24];
	s->phase = v[25];
	s->generation = to_int4(v[26]);
	s->watermark = v[27];
	s->next_watermark = v[28];
	s->deleted_watermark = v[29];
	s->reload = to_bool(v[30]);
	s->mismatches = to_int4(v[31]);
	s->epoch = to_int8(v[32]);
	s->unfilled = to_bool(v[36]);
	if (v[34] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the foreign table %s of sync \"%s\" is gone", quoted_relation(s->foreign_schema, s->foreign_table), s->name),
				 errhint("CALL ingest.crawl('%s').", s->source->name)));
	if (v[35] == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table %s of sync \"%s\" is gone", quoted_relation(s->target_schema, s->target_table), s->name),
				 errhint("SELECT ingest.drop_sync('%s'), and create it again.", s->name)));
	s->copy.sync = s->id;
	s->copy.name = s->name;
	s->copy.source = s->source->name;
	s->copy.target = quoted_relation(s->target_schema, s->target_table);
	s->copy.foreign = quoted_relation(s->foreign_schema, s->foreign_table);
	s->copy.stage_name = psprintf("pg_temp.ingest_stage_%d", s->id);
	s->copy.distributed = is_distributed(s->copy.target);
	s->copy.soft = strcmp(s->deletions, "soft") == 0;
	s->copy.ignore_deletions = strcmp(s->deletions, "ignore") == 0;
	s->copy.history = to_bool(v[17]);
	s->copy.row_events = to_bool(v[18]);
	s->copy.reject_limit = strtod(v[22], NULL);
	return s;
}

static void
read_children(Sync *s)
{
	Rows *rows = repo_rows(SYNC_QUERY "WHERE s.parent = $1 AND s.state = 'active' ORDER BY s.id", arg_int8(s->id));

	if (rows->n > lengthof(s->children))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sync \"%s\" has %d children, more than %d", s->name, (int) rows->n, (int) lengthof(s->children))));
	for (uint64 i = 0; i < rows->n; i++)
	{
		s->children[i] = sync_of(rows->v[i]);
		read_children(s->children[i]);
	}
	s->n_children = rows->n;
}

Sync *
sync_by_id(int32 id)
{
	Rows *rows = repo_rows(SYNC_QUERY "WHERE s.id = $1", arg_int8(id));
	Sync *s = sync_of(first_row(rows));

	read_children(s);
	return s;
}

static bool
is_full(const Sync *s)
{
	return strcmp(s->mode, "full") == 0;
}

/* -- a batch -- */

/* The columns as they are now, and locked as they are until the batch is committed */
static void
enter(Sync *s, Run *run)
{
	user_run(psprintf("LOCK TABLE %s IN ROW EXCLUSIVE MODE", s->copy.target));
	s->copy.run = run;
	if (shape_read(s))
		stage_create(&s->copy);
	s->copy.touched = NULL;
	s->copy.diffs = NIL;
}

/* A checkpoint: nobody else may have taken over meanwhile */
static void
checkpoint(Sync *s, const char *assignments, int nargs, const SqlArg *args)
{
	SqlArg all[8];

	all[0] = arg_int8(s->id);
	all[1] = arg_int8(s->epoch);
	for (int i = 0; i < nargs; i++)
		all[i + 2] = args[i];
	if (sql_run(AS_REPOSITORY, psprintf("UPDATE ingest.sync_state SET %s WHERE sync = $1 AND epoch = $2", assignments), nargs + 2, all) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("sync \"%s\" was taken over by another run", s->name),
				 errdetail("This run's batch was not written.")));
}

static char *
array_of(const Strings *strings, int from, int n, const char *type)
{
	return psprintf("%s::%s[]", quote_literal_cstr(array_literal(strings->items + from, n)), type);
}

static void refresh_children(Sync *s, const Strings *parents, Run *run);

static void
rows_event(Sync *s, Run *run, int64 inserted, int64 updated, int64 deleted)
{
	StringInfoData json;

	if (inserted + updated + deleted == 0)
		return;
	json_open(&json);
	json_text(&json, "sync", s->name);
	json_text(&json, "target", s->copy.target);
	json_int8(&json, "run", run->id);
	json_int8(&json, "inserted", inserted);
	json_int8(&json, "updated", updated);
	json_int8(&json, "deleted", deleted);
	event_emit("ingest.rows.changed", s->source->name, s->name, json_close(&json));
}

/*
 * Children of changed parents: all of them are read again, and those that are not
 * there are gone.
 */
static void
refresh_child(Sync *s, Sync *child, const Strings *parents, Run *run)
{
	Strings touched = {0};
	int64 before[3];

	enter(child, run);
	before[0] = run->inserted;
	before[1] = run->updated;
	before[2] = run->deleted;
	if (child->n_children > 0)
		child->copy.touched = &touched;
	for (int i = 0; i < parents->n; i += PARENTS_AT_ONCE)
	{
		int n = Min(PARENTS_AT_ONCE, parents->n - i);
		char *condition = psprintf("%s = ANY (%s)", quote_identifier(child->parent_column), array_of(parents, i, n, s->copy.key_types[0]));

		CHECK_FOR_INTERRUPTS();
		user_run(psprintf("DELETE FROM %s", child->copy.stage));
		stage_fetch_isolating(&child->copy, condition);
		merge_stage(&child->copy, "insert");
		merge_delete_missing(&child->copy, psprintf("t.%s", condition));
	}
	merge_flush(&child->copy);
	rows_event(child, run, run->inserted - before[0], run->updated - before[1], run->deleted - before[2]);
	child->copy.touched = NULL;
	refresh_children(child, &touched, run);
}

static void
refresh_children(Sync *s, const Strings *parents, Run *run)
{
	for (int i = 0; i < s->n_children && parents->n > 0; i++)
	{
		/* one that was never loaded will read all of it */
		if (strcmp(s->children[i]->phase, "new") != 0 && s->children[i]->parent_column)
			refresh_child(s, s->children[i], parents, run);
	}
}

typedef struct Batch
{
	Sync *s;
	Run *run;
	Failure failure;
	const char *where;
	const char *operation;
	const char *value; /* the watermark that the batch reaches */
	int range;
	const char *low, *high;
	bool plain; /* a first load into an empty copy */
	Rows *ranges;
	Window *windows;
	int n_windows;
	bool long_load; /* so much later that there is more to read */
	Idle idle;      /* what need not be read */
} Batch;

/* What a batch did goes to history and events, and its rows' children follow */
static void
settle(Batch *b, const Strings *touched)
{
	Sync *s = b->s;

	merge_flush(&s->copy);
	rows_event(s, b->run, b->run->inserted, b->run->updated, b->run->deleted);
	refresh_children(s, touched, b->run);
}

/* One transaction; false: undone, and why is in the batch */
static bool
step(Batch *b, void (*function)(void *))
{
	MemoryContext keep = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(keep, "ingest batch", ALLOCSET_DEFAULT_SIZES);
	Failure failure;
	bool ok;

	MemoryContextSwitchTo(context);
	ok = attempt_as_owner_and_commit(b->s->owner, function, b, &failure);
	MemoryContextSwitchTo(keep);
	if (!ok)
		failure_copy(&b->failure, &failure);
	MemoryContextDelete(context);
	return ok;
}

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

	enter(s, b->run);
	if (s->n_children > 0)
		s->copy.touched = &touched;
	if (stage_fetch_isolating(&s->copy, b->where) > 0)
	{
		merge_stage(&s->copy, b->operation);
		if (s->n_children > 0)
			add_recent_parents(s, &touched);
		note_newest(s);
	}
	settle(b, &touched);
	if (b->idle.known)
		checkpoint(s, IDLE_CHECKPOINT, 0, NULL);
	else
		checkpoint(s, WATERMARK_CHECKPOINT, SQL_ARGS(arg_text(b->value), arg_text(s->now_there), arg_text(s->now_here)));
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
		enter(child, run);
		if (child->n_children > 0)
			child->copy.touched = &touched;
		merge_delete(&child->copy, NULL, psprintf("t.%s = ANY (%s)", quote_identifier(child->parent_column), array_of(parents, 0, parents->n, s->copy.key_types[0])), NULL);
		merge_flush(&child->copy);
		rows_event(child, run, 0, 0, run->deleted - before);
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

	enter(s, b->run);
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
					 psprintf("(SELECT k::%s AS k, w FROM unnest(%s, %s) d(k, w)) d", s->copy.key_types[0], array_of(&keys, 0, keys.n, "text"),
							  array_of(&times, 0, times.n, "timestamptz")),
					 psprintf("t.%s = d.k%s", s->copy.key[0],
							  s->copy.cursor && s->copy.cursor_is_time ? psprintf(" AND (t.%s IS NULL OR t.%s::timestamptz <= d.w)", s->copy.cursor, s->copy.cursor) : ""),
					 "d.w");
		merge_flush(&s->copy);
		rows_event(s, b->run, 0, 0, b->run->deleted);
		delete_children(s, &touched, b->run);
	}
	if (b->idle.known)
		checkpoint(s, IDLE_CHECKPOINT, 0, NULL);
	else
		checkpoint(s, "deleted_watermark = $3::timestamptz", SQL_ARGS(arg_text(s->now_there)));
	run_progress(b->run, "deletions", -1);
}

/* Is there a feed of deletions to read, given a clock? */
static bool
wants_feed(const Sync *s)
{
	return s->source->deleted && s->n_key == 1 && !s->copy.ignore_deletions && strcmp(s->mode, "incremental") == 0 && s->parent == 0;
}

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

	enter(s, b->run);
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
	if (n >= 0 && s->watermark && !is_full(s))
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
	checkpoint(s, "phase = 'loading', generation = generation + 1, reload = false, unfilled = NULL, next_watermark = $3, clock_at = $5::timestamptz, clock_offset = $4::timestamptz - $5::timestamptz",
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
	checkpoint(b->s, "phase = 'loading'", 0, NULL);
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

	enter(s, b->run);
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
	settle(b, &touched);
	range_done(b, b->run->read - before);
}

/* Full replacement in several ranges gathers beside the copy ... */
static void
gather_range(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	int64 before = b->run->read;

	enter(s, b->run);
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

	enter(s, b->run);
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
	settle(b, &touched);
	checkpoint(s, "phase = 'ready', watermark = next_watermark", 0, NULL);
	run_progress(b->run, "replaced", -1);
}

static void
load_done(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	MemoryContext old;

	repo_run("DELETE FROM ingest.sync_range WHERE sync = $1", arg_int8(s->id));
	checkpoint(s, "phase = 'ready', watermark = next_watermark, deleted_watermark = coalesce(deleted_watermark, (clock_at + clock_offset)), last_reconcile = clock_timestamp()", 0, NULL);
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
	if (resumed && is_full(s) &&
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
	b->plain = s->watermark == NULL && s->generation <= 1 && !is_full(s) &&
			   (resumed || user_value(psprintf("SELECT 1 FROM %s LIMIT 1", s->copy.target)) == NULL);
	b->operation = s->watermark || s->generation > 1 ? "reload" : "load";
	old = MemoryContextSwitchTo(s->context);
	b->ranges = repo_rows("SELECT n, low, high FROM ingest.sync_range WHERE sync = $1 AND generation = $2 AND done_at IS NULL ORDER BY n", arg_int8(s->id),
						  arg_int8(s->generation));
	b->n_windows = to_int4(repo_value("SELECT count(*) FROM ingest.sync_range WHERE sync = $1 AND generation = $2", arg_int8(s->id), arg_int8(s->generation)));
	MemoryContextSwitchTo(old);
}

static bool
load(Batch *b)
{
	Sync *s = b->s;

	if (!step(b, begin_load))
		return false;
	for (uint64 i = 0; i < b->ranges->n; i++)
	{
		b->range = to_int4(b->ranges->v[i][0]);
		b->low = b->ranges->v[i][1];
		b->high = b->ranges->v[i][2];
		b->where = range_condition(&s->copy, b->low, b->high, "");
		/* a full replacement of one range is read when it is merged */
		if (is_full(s) && b->n_windows == 1)
			continue;
		if (!step(b, is_full(s) ? gather_range : load_range))
			return false;
	}
	if (is_full(s) && !step(b, replace_all))
		return false;
	return step(b, load_done);
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

	enter(s, b->run);
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

	enter(b->s, b->run);
	stage_fetch_isolating(&b->s->copy, b->where);
	merge_stage(&b->s->copy, "reload");
	settle(b, &touched);
	/* nothing moves on, but the run must still be ours */
	checkpoint(b->s, "phase = phase", 0, NULL);
	run_progress(b->run, "new columns", -1);
}

static void
filled(void *arg)
{
	Batch *b = arg;

	checkpoint(b->s, "unfilled = NULL", 0, NULL);
}

/* Rows of before that have a value in a column that came: no stamp tells of them */
static bool
fill(Batch *b)
{
	if (!b->s->unfilled)
		return true;
	if (!step(b, plan_filling))
		return false;
	for (uint64 i = 0; b->ranges && i < b->ranges->n; i++)
	{
		b->where = b->ranges->v[i][0];
		if (!step(b, fill_range))
			return false;
	}
	return step(b, filled);
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
	if (!step(b, plan_windows))
		return false;
	b->operation = "insert";
	for (int i = 0; i < b->n_windows; i++)
	{
		b->where = window_condition(b->s, &b->windows[i]);
		b->value = b->windows[i].watermark;
		if (!step(b, merge_window))
			return false;
	}
	return true;
}

static void
reconcile_if_due(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings touched = {0};

	if (!reconcile_is_due(s))
		return;
	enter(s, b->run);
	if (s->n_children > 0)
		s->copy.touched = &touched;
	reconcile(s, b->run);
	settle(b, &touched);
	checkpoint(s, "last_reconcile = clock_timestamp(), mismatches = 0", 0, NULL);
	run_progress(b->run, "reconciled", -1);
}

/* -- a run -- */

static void
prepare(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	MemoryContext old;

	s->copy.run = b->run;
	shape_follow(s);
	enter(s, b->run);
	b->idle = idle_ask(s, wants_feed(s));
	if (!b->idle.known)
	{
		old = MemoryContextSwitchTo(s->context);
		window_clock(s);
		MemoryContextSwitchTo(old);
	}
	run_progress(b->run, "columns agree", -1);
}

static void
finish(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Run *run = b->run;
	StringInfoData json;
	int64 changed = run->total_inserted + run->total_updated + run->total_deleted;

	reconcile_count(s, run, changed > 0);
	if (s->newest)
		repo_run("UPDATE ingest.source_table t SET last_change = greatest(last_change, $2::timestamptz) FROM ingest.sync s WHERE s.id = $1 AND t.id = s.table_id",
				 arg_int8(s->id), arg_text(s->newest));
	repo_run("INSERT INTO ingest.lineage_edge (source, from_schema, from_table, from_column, to_schema, to_table, to_column, kind, job, run) "
			 "SELECT $1, $2, $3, c, $4, $5, c, 'sync', $6, $7 FROM unnest($8::text[]) c "
			 "WHERE $9 OR NOT EXISTS (SELECT FROM ingest.lineage_edge e WHERE (e.to_schema, e.to_table, e.to_column, e.kind) = ($4, $5, c, 'sync')) "
			 "ON CONFLICT (to_schema, to_table, to_column, from_schema, from_table, from_column, kind) DO UPDATE SET last_seen = now(), run = excluded.run, job = excluded.job",
			 arg_int8(s->source->id), arg_name(s->foreign_schema), arg_name(s->foreign_table), arg_name(s->target_schema), arg_name(s->target_table),
			 run_job ? arg_int8(run_job) : arg_null(INT8OID), arg_int8(run->id),
			 arg_text(own_value("SELECT array_agg(attname) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND quote_ident(attname) = ANY ($2::text[])",
								arg_text(s->copy.target), arg_text(array_literal(s->copy.columns, s->copy.n_columns)))),
			 arg_bool(changed > 0));
	checkpoint(s, "last_success = clock_timestamp()", 0, NULL);
	run_succeed(run);
	json_open(&json);
	json_text(&json, "sync", s->name);
	json_text(&json, "target", s->copy.target);
	json_int8(&json, "run", run->id);
	json_int8(&json, "read", run->total_read);
	json_int8(&json, "inserted", run->total_inserted);
	json_int8(&json, "updated", run->total_updated);
	json_int8(&json, "deleted", run->total_deleted);
	json_int8(&json, "rejected", run->total_rejected);
	json_text(&json, "watermark", repo_value("SELECT ingest_internal.open_watermark(watermark) FROM ingest.sync_state WHERE sync = $1", arg_int8(s->id)));
	event_emit("ingest.sync.completed", s->source->name, s->name, json_close(&json));
	stage_drop(&s->copy);
}

static void
take_over(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	MemoryContext old;

	/* whoever had it is gone, since the lock is ours */
	repo_run("UPDATE ingest.run SET state = 'lost', finished_at = clock_timestamp(), error = 'its process died' WHERE sync = $1 AND state = 'running'", arg_int8(s->id));
	s->epoch = to_int8(repo_value("UPDATE ingest.sync_state SET epoch = epoch + 1 WHERE sync = $1 RETURNING epoch", arg_int8(s->id)));
	old = MemoryContextSwitchTo(s->context);
	b->run = run_begin("sync", s->name, s->source->name, s->source->id, s->id);
	MemoryContextSwitchTo(old);
}

static void
ask_clock(void *arg)
{
	Batch *b = arg;
	MemoryContext old = MemoryContextSwitchTo(b->s->context);

	window_clock(b->s);
	MemoryContextSwitchTo(old);
}

/* What changed since the last run, or since the load began */
static bool
catch_up(Batch *b)
{
	bool nothing_deleted = b->idle.known ? b->idle.deletions : !wants_feed(b->s) || b->s->now_there == NULL;
	bool nothing_changed = b->idle.known && b->idle.changes;

	return (nothing_deleted || step(b, merge_deleted)) && (nothing_changed || increment(b));
}

static void
profile(void *arg)
{
	Batch *b = arg;

	profile_after(b->s, b->run);
}

static bool
work(Batch *b)
{
	Sync *s = b->s;

	if (!step(b, prepare))
		return false;
	if (strcmp(s->phase, "ready") != 0 || s->reload || is_full(s))
	{
		TimestampTz began = GetCurrentTimestamp();

		if (!load(b))
			return false;
		/* a long load ends long after its watermark: the copy is to be current when the run ends */
		if (!is_full(s) && (b->long_load || GetCurrentTimestamp() > began + 30 * USECS_PER_SEC) && (!step(b, ask_clock) || !catch_up(b)))
			return false;
	}
	else if (!catch_up(b) || (strcmp(s->mode, "incremental") == 0 && !step(b, reconcile_if_due)))
		return false;
	if (!fill(b) || !step(b, finish))
		return false;
	/* what follows does not make the run a failure: the copy is current */
	if (strcmp(s->profile, "none") != 0 && b->run->total_inserted + b->run->total_updated + b->run->total_deleted > 0)
		return step(b, profile);
	return true;
}

/* What went wrong, in a transaction of its own */
static void
write_failure(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	StringInfoData json;

	run_fail(b->run, &b->failure);
	if (!failure_stops(&b->failure))
		return;
	repo_run("UPDATE ingest.sync SET state = 'stopped', state_reason = $2 WHERE id = $1 AND state = 'active'", arg_int8(s->id), arg_text(failure_text(&b->failure)));
	json_open(&json);
	json_text(&json, "sync", s->name);
	json_int8(&json, "run", b->run->id);
	json_text(&json, "reason", b->failure.message);
	json_text(&json, "hint", b->failure.hint);
	event_emit("ingest.sync.stopped", s->source->name, s->name, json_close(&json));
	anomaly_raise(s, b->run, "schema", "error", NULL, b->failure.message, NULL);
}

static bool
run_one(Sync *s, Failure *failure)
{
	Batch b = {s};

	if (step(&b, take_over) && work(&b))
		return true;
	*failure = b.failure;
	if (b.run)
	{
		Batch again = b;

		if (!step(&again, write_failure))
			ereport(WARNING, (errmsg("the failure of run %lld could not be written down: %s", (long long) b.run->id, again.failure.message)));
	}
	return false;
}

/* The group's root: its lock is the group's */
static int32
root_of(const char *name)
{
	Rows *rows = repo_rows("WITH RECURSIVE up AS (SELECT id, parent FROM ingest.sync WHERE name = $1 UNION SELECT s.id, s.parent FROM ingest.sync s JOIN up ON s.id = up.parent) "
						   "SELECT id FROM up WHERE parent IS NULL",
						   arg_text(name));

	if (rows->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no sync \"%s\"", name),
				 errhint("ingest.create_sync makes one; SELECT sync FROM ingest.table_status lists them.")));
	return to_int4(first_row(rows)[0]);
}

/* A table, then its children: a parent that failed leaves them alone, a child does not */
static bool
run_group(Sync *s, Failure *failure)
{
	bool ok = run_one(s, failure);

	for (int i = 0; ok && i < s->n_children; i++)
	{
		Failure other = {0};

		if (!run_group(s->children[i], &other))
			*failure = other;
	}
	return ok && failure->message == NULL;
}

static void
refuse_unless_active(const Sync *s)
{
	if (s->source->paused)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("source \"%s\" is paused", s->source->name),
				 errhint("SELECT ingest.resume('%s').", s->source->name)));
	if (strcmp(s->state, "active") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("sync \"%s\" is %s", s->name, s->state),
				 s->state_reason ? errdetail("%s", s->state_reason) : 0,
				 errhint("SELECT ingest.resume_sync('%s').", s->name)));
}

typedef struct Starting
{
	const char *name;
	bool any_state;
	int32 root;
	bool locked;
	Sync *s;
} Starting;

/* Find it, take its group's lock */
static void
start(void *arg)
{
	Starting *starting = arg;
	int32 root = root_of(starting->name);

	starting->s = sync_by_id(to_int4(repo_value("SELECT id FROM ingest.sync WHERE name = $1", arg_text(starting->name))));
	if (!starting->any_state)
		refuse_unless_active(starting->s);
	if (!session_lock(LOCK_SYNC, root))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("sync \"%s\" is running already", starting->name),
				 errhint("SELECT * FROM ingest.run_status shows how far it is; ingest.cancel(run) stops it.")));
	starting->root = root;
	starting->locked = true;
	/* what was read before the lock was ours may be old */
	starting->s = sync_by_id(starting->s->id);
}

static bool
with_group(Starting *starting, bool (*function)(Sync *, Failure *), Failure *failure)
{
	volatile bool ok = false;

	if (!attempt_and_commit(start, starting, failure))
	{
		if (starting->locked)
			session_unlock(LOCK_SYNC, starting->root);
		return false;
	}
	PG_TRY();
	{
		memset(failure, 0, sizeof(Failure));
		ok = function(starting->s, failure);
	}
	PG_FINALLY();
	{
		session_unlock(LOCK_SYNC, starting->root);
	}
	PG_END_TRY();
	return ok;
}

bool
sync_run(const char *name, Failure *failure)
{
	Starting starting = {name};

	return with_group(&starting, run_group, failure);
}

/* The last run of a sync, which this session did */
static void
say_what_was_done(const char *name)
{
	Rows *run = repo_rows("SELECT r.rows_read, r.rows_inserted, r.rows_updated, r.rows_deleted, r.rows_rejected FROM ingest.run r JOIN ingest.sync s ON s.id = r.sync "
						  "WHERE s.name = $1 AND r.pid = pg_backend_pid() ORDER BY r.id DESC LIMIT 1",
						  arg_text(name));

	if (run->n > 0)
		ereport(NOTICE,
				(errmsg("sync \"%s\": %s rows read, %s inserted, %s updated, %s deleted, %s rejected", name, first_row(run)[0], first_row(run)[1], first_row(run)[2], first_row(run)[3], first_row(run)[4])));
}

/* CALL sync(name text) */
Datum
ingest_sync(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	Failure failure;

	procedure_begin(fcinfo, "ingest.sync");
	if (!sync_run(name, &failure))
		failure_rethrow(&failure);
	say_what_was_done(name);
	procedure_end();
	PG_RETURN_VOID();
}

/* -- rejected rows once more -- */

static void
merge_rejected(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Rows *rows;

	enter(s, b->run);
	rows = repo_rows("SELECT DISTINCT key ->> $2 FROM ingest.rejected_row WHERE sync = $1 AND resolved_at IS NULL AND key ->> $2 IS NOT NULL", arg_int8(s->id),
					 arg_text(s->key[0]));
	for (uint64 i = 0; i < rows->n; i += PARENTS_AT_ONCE)
	{
		Strings keys = {0};

		for (uint64 k = i; k < Min(rows->n, i + PARENTS_AT_ONCE); k++)
			strings_add(&keys, rows->v[k][0]);
		user_run(psprintf("DELETE FROM %s", s->copy.stage));
		stage_fetch_isolating(&s->copy, psprintf("%s = ANY (%s)", s->copy.key[0], array_of(&keys, 0, keys.n, s->copy.key_types[0])));
		merge_stage(&s->copy, "insert");
	}
	/* those that are gone at the source need no mending */
	repo_run("UPDATE ingest.rejected_row SET resolved_at = now() WHERE sync = $1 AND resolved_at IS NULL AND run <> $2 AND key ->> $3 IS NOT NULL", arg_int8(s->id), arg_int8(b->run->id), arg_text(s->key[0]));
	merge_flush(&s->copy);
	rows_event(s, b->run, b->run->inserted, b->run->updated, 0);
	run_progress(b->run, "redriven", -1);
	run_succeed(b->run);
}

static bool
redrive(Sync *s, Failure *failure)
{
	Batch b = {s};

	if (step(&b, take_over) && step(&b, merge_rejected))
		return true;
	*failure = b.failure;
	if (b.run)
		(void) step(&b, write_failure);
	return false;
}

/* CALL redrive(name text): rejected rows are read and merged again */
Datum
ingest_redrive(PG_FUNCTION_ARGS)
{
	Starting starting = {required_text(0), true};
	Failure failure;

	procedure_begin(fcinfo, "ingest.redrive");
	if (!with_group(&starting, redrive, &failure))
		failure_rethrow(&failure);
	say_what_was_done(starting.name);
	procedure_end();
	PG_RETURN_VOID();
}
