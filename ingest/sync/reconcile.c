/*
 * reconcile.c
 *		A copy held against its source: what no feed and no stamp told.
 *
 * Ranges of keys are compared by what the source computes: count, sum of keys, newest
 * cursor, and of each column as much as its wrapper can have computed there.  So a row
 * that changed without a stamp is found as well as one that is missing.  Only ranges
 * that differ are cut and, when small, read again.  A key must be missing twice to be
 * gone, and if more are gone than is likely, none is.
 */
#include "postgres.h"

#include "ingest/repository/anomaly.h"
#include "ingest/event/event.h"
#include "ingest/sync/batch.h"
#include "ingest/sync/reconcile.h"
#include "ingest/sync/isolate.h"
#include "ingest/sync/lateness.h"
#include "ingest/sync/stage.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define ROWS_READ_NOT_CUT 1000 /* a range of so many rows is read rather than cut */
#define PIECES 8               /* that a range is cut into */
#define KEYS_AT_ONCE 500       /* that are asked for by name: NetSuite takes 1000 arguments */
#define MISSING_AT_LEAST 10    /* rows that may be gone, whatever their share */
#define MISMATCHES_AT_MOST 1   /* counts that differ once may be an edit since; twice in a row is a loss */

/* After a load beside which transactions ran, whatever is asked: nothing else finds what was committed late */
static bool
is_owed(const Sync *s)
{
	return s->cursor &&
		   to_bool(repo_value("SELECT ingest_internal.sync_is_unsettled($1)", arg_int4(s->id)));
}

/* By time, by counts that differed twice, or owed */
bool
reconcile_is_due(Sync *s)
{
	if (is_owed(s))
		return true;
	if (s->copy.ignore_deletions || strcmp(s->mode, "incremental") != 0)
		return false;
	/* one that came with a parent that is no more has nothing else that tells of changes */
	if (s->cursor == NULL && s->parent == 0)
		return true;
	return to_bool(
		repo_value("SELECT ingest_internal.sync_is_due($1, $2)", arg_int4(s->id), arg_int4(MISMATCHES_AT_MOST)));
}

/* Rows of the copy that are not deleted */
static int64
count_here(const Sync *s)
{
	return to_int8(user_value(psprintf("SELECT count(*) FROM %s WHERE %s", s->copy.target, copy_living(&s->copy, ""))));
}

/* -- missing rows -- */

/* How many rows may be gone in one run, of the whole table, however many ranges it is read in */
static int64
missing_limit(Sync *s)
{
	if (s->missing_limit < 0)
		s->missing_limit = Max(MISSING_AT_LEAST, count_here(s) * s->max_delete_share);
	return s->missing_limit;
}

bool
reconcile_may_go(Sync *s, int64 n)
{
	return n <= missing_limit(s);
}

/* A source that answers with nothing looks like one whose rows were all deleted: somebody has to decide */
static void
brake(Sync *s, int64 missing)
{
	StringInfoData json;

	if (s->braked)
		return;
	s->braked = s->kept = true;
	json_open(&json);
	json_int8(&json, "missing", missing);
	json_int8(&json, "limit", missing_limit(s));
	json_raw(&json, "max_delete_share", psprintf("%g", s->max_delete_share));
	anomaly_raise(s, s->copy.run, "deletion", "error", NULL,
				  psprintf("%lld rows of %s are no longer at the source: that is more than is likely, and they were "
						   "not deleted",
						   (long long) missing, s->copy.target),
				  json_close(&json));
}

void
reconcile_brake(Sync *s, int64 there)
{
	int64 here = count_here(s);

	if (!s->copy.ignore_deletions && strcmp(s->mode, "append") != 0 && here - there > missing_limit(s))
		brake(s, here - there);
}

/* Those of the missing that are missing when asked for by name as well */
static char *
missing_again(Sync *s, Rows *missing)
{
	Copy *copy = &s->copy;
	char *table = psprintf("%s_m", copy->stage_name);
	char *keys = column_list(copy->key, copy->n_key, "");

	user_drop(table);
	user_run(psprintf("CREATE TEMP TABLE %s ON COMMIT DROP AS SELECT %s FROM %s WITH NO DATA", strchr(table, '.') + 1,
					  keys, copy->target));
	for (uint64 i = 0; i < missing->n; i += KEYS_AT_ONCE)
	{
		Strings ask = {0};

		for (uint64 k = i; k < Min(missing->n, i + KEYS_AT_ONCE); k++)
			strings_add(&ask, missing->v[k][0]);
		(void) stage_read(copy, table, keys,
						  batch_among(copy->key[0], &ask, 0, ask.n, copy->key_types[0]));
	}
	return table;
}

void
reconcile_delete_missing(Sync *s, const char *scope)
{
	Copy *copy = &s->copy;
	char *readable = merge_readable(copy);
	char *condition, *found;
	Rows *missing;

	if (readable == NULL || copy->ignore_deletions || strcmp(s->mode, "append") == 0)
		return;
	condition = psprintf("%s AND %s AND %s", scope, readable, key_not_in(copy, copy->stage));
	missing = user_rows(psprintf("SELECT t.%s FROM %s t WHERE %s AND %s", copy->key[0], copy->target, condition,
								 copy_living(&s->copy, "")));
	if (missing->n == 0)
		return;
	if (s->braked || s->missing + (int64) missing->n > missing_limit(s))
	{
		brake(s, s->missing + missing->n);
		return;
	}
	found = missing_again(s, missing);
	s->missing += merge_delete(copy, NULL, psprintf("%s AND %s", condition, key_not_in(copy, found)), NULL);
	user_run(psprintf("DROP TABLE %s", found));
}

/* A source that answers with nothing was seldom emptied: however few rows are here, they stay unless all may go */
static void
brake_empty(Sync *s, int64 rows)
{
	StringInfoData json;

	if (s->braked)
		return;
	s->braked = s->kept = true;
	json_open(&json);
	json_int8(&json, "rows", rows);
	anomaly_raise(
		s, s->copy.run, "deletion", "error", NULL,
		psprintf("the source of %s answered with no rows: its %lld rows were kept", s->copy.target, (long long) rows),
		json_close(&json));
}

bool
reconcile_may_replace(Sync *s)
{
	int64 rows,
		there;

	if (s->key.n > 0 && user_value(psprintf("SELECT 1 FROM %s LIMIT 1", s->copy.stage)))
		return true;
	rows = count_here(s);
	there = to_int8(user_value(psprintf("SELECT count(*) FROM %s", s->copy.stage)));
	/* without a key nobody can say which are gone: the number tells */
	if (there > 0 && rows - there > missing_limit(s))
	{
		brake(s, rows - there);
		return false;
	}
	if (there > 0 || rows == 0)
		return true;
	brake_empty(s, rows);
	return false;
}

/* Without a key there is nothing to compare by */
void
reconcile_replace_keyless(Sync *s)
{
	char *list = column_list(s->copy.columns, s->copy.n_columns, "");

	s->copy.run->deleted += user_run(psprintf("DELETE FROM %s", s->copy.target));
	s->copy.run->inserted += user_run(psprintf("INSERT INTO %s (%s) SELECT %s FROM %s", s->copy.target, list, list,
											   s->copy.stage));
}

/* -- ranges -- */

/* What is compared of a range: the same expressions there and here */
typedef struct Digest
{
	int64 rows;
	char *key_sum; /* wider than a bigint; NULL: its key is no integer */
	bool has_keys;
	int64 low, high;
	char *newest; /* cursor */
	char *values; /* figures of all columns */
} Digest;

ROW_SHAPE(digest_shape, Digest,
		  FIELD(INT8, Digest, rows),
		  FIELD(TEXT, Digest, key_sum),
		  FIELD(BOOL, Digest, has_keys),
		  FIELD(INT8, Digest, low),
		  FIELD(INT8, Digest, high),
		  FIELD(TEXT, Digest, newest),
		  FIELD(TEXT, Digest, values));

/* What is asked of each column: the most of which the source computes all */
typedef enum Depth
{
	DEPTH_HASHES, /* sums of hashes: any other value is found */
	DEPTH_SUMS,   /* how many values, least and greatest, sums of integers */
	DEPTH_KEYS    /* nothing */
} Depth;

typedef struct Figure
{
	char *figure;
} Figure;

ROW_SHAPE(figure_shape, Figure, FIELD(TEXT, Figure, figure));

/* The figures of all columns as a SELECT list, x0, x1 and so on, and how many */
static char *
figures(const Copy *copy, Depth depth, int *n)
{
	Figure *figure;
	StringInfoData sql;

	*n = 0;
	initStringInfo(&sql);
	if (depth == DEPTH_KEYS)
		return sql.data;
	figure = repo_structs(figure_shape, n, "SELECT * FROM ingest_internal.sync_figures($1, $2, $3)",
						  arg_relation(copy->target), arg_texts(copy->compared, copy->n_compared),
						  arg_bool(depth == DEPTH_HASHES));
	for (int i = 0; i < *n; i++)
		appendStringInfo(&sql, ", %s AS x%d", figure[i].figure, i);
	return sql.data;
}

/* The aggregates stand alone in the inner query, so that a wrapper can have them computed there */
static char *
digest_query(const Copy *copy, Depth depth, const char *table, const char *where)
{
	StringInfoData sql,
		values;
	int n;
	char *asked = figures(copy, depth, &n);

	initStringInfo(&values);
	for (int i = 0; i < n; i++)
		appendStringInfo(&values, "%sx%d::text", i > 0 ? ", " : "", i);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT rows, ARRAY[%s]::text[] AS values, %s, %s FROM (SELECT count(*) AS rows",
					 values.data,
					 copy->key_is_integer ? "key_sum, low IS NOT NULL AS has_keys, low::bigint, high::bigint"
										  : "NULL AS key_sum, false AS has_keys, NULL::bigint AS low, NULL::bigint AS "
											"high",
					 copy->cursor ? "newest" : "NULL AS newest");
	if (copy->key_is_integer)
		appendStringInfo(&sql, ", sum(%s) AS key_sum, min(%s) AS low, max(%s) AS high", copy->key[0], copy->key[0],
						 copy->key[0]);
	if (copy->cursor)
		appendStringInfo(&sql, ", max(%s) AS newest", copy->cursor);
	appendStringInfo(&sql, "%s FROM %s WHERE %s) d", asked, table, where);
	return sql.data;
}

/* The same query here and there: rows, keys, newest cursor and figures of values */
static Digest *
digest(const Copy *copy, Depth depth, const char *table, const char *where)
{
	return user_answer(&digest_shape, digest_query(copy, depth, table, where));
}

/* Is it the source that computes this? */
static bool
is_computed_there(const Copy *copy, Depth depth)
{
	char *plan = user_value(psprintf("EXPLAIN (FORMAT JSON, COSTS OFF) %s",
									 digest_query(copy, depth, copy->there, "true")));

	return plan && strstr(plan, "\"Aggregate\"") == NULL;
}

typedef struct Asking
{
	const Copy *copy;
	Depth depth;
	Digest *there;
} Asking;

/* Nothing, if the source computes not all of it */
static void
ask_there(void *arg)
{
	Asking *asking = arg;

	if (is_computed_there(asking->copy, asking->depth))
		asking->there = digest(asking->copy, asking->depth, asking->copy->there, "true");
}

/* All rows there, by as much as can be asked: a source may refuse what its wrapper thinks it can */
static Digest *
ask_deepest(const Copy *copy, Depth *depth)
{
	for (*depth = DEPTH_HASHES; *depth < DEPTH_KEYS; (*depth)++)
	{
		Asking asking = {copy, *depth, NULL};
		Failure failure;

		if (!attempt(ask_there, &asking, &failure))
		{
			if (failure_may_pass(&failure))
				failure_rethrow(&failure);
		}
		else if (asking.there)
			return asking.there;
	}
	return digest(copy, *depth, copy->there, "true");
}

/* Nulls are alike */
static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whatever can be compared must agree */
static bool
same(const Digest *a, const Digest *b)
{
	return a->rows == b->rows && same_text(a->key_sum, b->key_sum) && a->has_keys == b->has_keys && a->low == b->low &&
		   a->high == b->high && same_text(a->newest, b->newest) && same_text(a->values, b->values);
}

/* A range that differs is read whole: which rows differ is not known */
static void
read_again(Sync *s, const char *condition, const char *scope)
{
	Copy *copy = &s->copy;

	user_run(psprintf("DELETE FROM %s", copy->stage));
	stage_fetch_isolating(copy, condition);
	lateness_note(s, true);
	merge_stage(copy, "reload");
	reconcile_delete_missing(s, scope);
}

/* Everything; what answers with nothing may be a role that sees nothing any more */
static void
read_all_again(Sync *s)
{
	Copy *copy = &s->copy;

	if (s->max_delete_share < 1 && user_value(psprintf("SELECT 1 FROM %s LIMIT 1", copy->there)) == NULL)
	{
		int64 rows = count_here(s);

		if (rows > 0)
			brake_empty(s, rows);
		return;
	}
	read_again(s, "", "true");
}

/* The range from low to high, both inclusive */
static void
compare(Sync *s, Depth depth, int64 low, int64 high)
{
	Copy *copy = &s->copy;
	char *range = psprintf("%s BETWEEN %lld AND %lld", copy->key[0], (long long) low, (long long) high);
	/* keys may lie further apart than a bigint holds */
	uint64 width = ((uint64) high - (uint64) low) / PIECES;
	Digest *there,
		*here;

	CHECK_FOR_INTERRUPTS();
	there = digest(copy, depth, copy->there, range);
	here = digest(copy, depth, copy->target, psprintf("%s AND %s", range, copy_living(&s->copy, "")));
	if (same(there, here))
		return;
	if (Max(there->rows, here->rows) <= ROWS_READ_NOT_CUT || width == 0)
	{
		read_again(s, range, psprintf("t.%s", range));
		return;
	}
	for (int i = 0; i < PIECES; i++)
		compare(s, depth, (int64) ((uint64) low + width * i),
				i == PIECES - 1 ? high : (int64) ((uint64) low + width * (i + 1) - 1));
}

/* All ranges that differ; then rows without a cursor, which never come by themselves */
static void
compare_all(Sync *s)
{
	Copy *copy = &s->copy;
	Depth depth;
	Digest *there = ask_deepest(copy, &depth);
	Digest *here = digest(copy, depth, copy->target, copy_living(&s->copy, ""));

	if (!same(there, here))
	{
		if (there->rows == 0 && s->max_delete_share < 1)
			brake_empty(s, here->rows);
		else
			reconcile_brake(s, there->rows);
		if (there->has_keys)
			compare(s, depth, here->has_keys ? Min(there->low, here->low) : there->low,
					here->has_keys ? Max(there->high, here->high) : there->high);
		else if (here->has_keys)
			compare(s, depth, here->low, here->high);
	}
	if (copy->cursor && user_value(psprintf("SELECT 1 FROM %s WHERE %s IS NULL LIMIT 1", copy->target, copy->cursor)))
	{
		user_run(psprintf("DELETE FROM %s", copy->stage));
		stage_fetch_isolating(copy, psprintf("%s IS NULL", copy->cursor));
		merge_stage(copy, "reload");
	}
}

void
reconcile(Sync *s, Run *run)
{
	int64 inserted = run->inserted,
		  updated = run->updated,
		  deleted = run->deleted;
	StringInfoData json;

	if (s->copy.key_is_integer && s->source->counts)
		compare_all(s);
	else
		read_all_again(s);
	inserted = run->inserted - inserted;
	updated = run->updated - updated;
	deleted = run->deleted - deleted;
	if (s->mismatches <= MISMATCHES_AT_MOST && inserted + updated + deleted == 0)
		return;
	json_open(&json);
	json_int8(&json, "inserted", inserted);
	json_int8(&json, "updated", updated);
	json_int8(&json, "deleted", deleted);
	anomaly_raise(s, run, "reconciliation", inserted + updated > 0 ? "warning" : "info", NULL,
				  psprintf("%s differed from its source: %lld rows were added, %lld changed, %lld deleted by reading "
						   "keys again",
						   s->copy.target, (long long) inserted, (long long) updated, (long long) deleted),
				  json_close(&json));
}

/* -- after each run -- */

/* A count and the sum of keys' first column, or NULL where that is no integer */
typedef struct Tally
{
	int64 rows;
	char *key_sum;
} Tally;

ROW_SHAPE(tally_shape, Tally, FIELD(INT8, Tally, rows), FIELD(TEXT, Tally, key_sum));

/* How many rows, and the sum of their keys: one deleted and one inserted keep the count */
static Tally *
tally(const Copy *copy, const char *table, const char *where)
{
	char *sum = copy->key_is_integer ? psprintf("sum(%s)", copy->key[0]) : pstrdup("NULL");

	return user_answer(&tally_shape,
					   psprintf("SELECT count(*) AS rows, %s AS key_sum FROM %s WHERE %s", sum, table, where));
}

/* The copy's count and sum of keys, by looking */
void
reconcile_recount(Sync *s)
{
	Tally *here = tally(&s->copy, s->copy.target, copy_living(&s->copy, ""));
	const char *sum = here->key_sum || !s->copy.key_is_integer ? here->key_sum : "0";

	repo_run("UPDATE ingest.sync_state SET rows = $2, key_sum = $3::numeric WHERE sync = $1", arg_int4(s->id),
			 arg_int8(here->rows), arg_text(sum));
}

/* Against what the copy says of itself, without counting it again */
static bool
counts_agree(Sync *s, const Tally *there)
{
	return to_bool(repo_value("SELECT ingest_internal.sync_counts_agree($1, $2, $3::numeric)", arg_int4(s->id),
							  arg_int8(there->rows), arg_text(there->key_sum)));
}

/* Rows that share a key can never all be here: somebody has to say which columns tell them apart */
static void
require_unique_there(const Sync *s)
{
	char *key = column_list(s->copy.key, s->copy.n_key, "");
	int64 n = to_int8(user_value(psprintf("SELECT count(*) FROM (SELECT %s FROM %s GROUP BY %s HAVING count(*) > 1) d",
										  key, s->copy.there, key)));

	if (n > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
				 errmsg("the key (%s) is not unique in %s: %lld keys have more than one row", key, s->copy.foreign,
						(long long) n),
				 errdetail("Of rows with one key %s has one.", s->copy.target),
				 errhint("Name columns that tell them apart with ingest.alter_sync(%s, key => '{...}'), then "
						 "ingest.resume(sync => %s).",
						 quote_literal_cstr(s->name), quote_literal_cstr(s->name))));
}

/* Once may be an edit since; twice is a loss */
static void
tell_mismatch(Sync *s, Run *run, const Tally *there)
{
	int64 here = to_int8(repo_value("SELECT rows FROM ingest.sync_state WHERE sync = $1", arg_int4(s->id)));
	StringInfoData json;

	run_log(run, "warning",
			psprintf("%lld rows at the source, %lld in %s; if the next run finds the same, keys are compared",
					 (long long) there->rows, (long long) here, s->copy.target),
			NULL);
	if (s->mismatches < MISMATCHES_AT_MOST)
		return;
	if (there->rows > here)
		require_unique_there(s);
	json_open(&json);
	json_int8(&json, "rows_there", there->rows);
	json_int8(&json, "rows_here", here);
	anomaly_raise(s, run, "reconciliation", "error", NULL,
				  psprintf("%s has %lld rows and its source %lld: the next run compares keys", s->copy.target,
						   (long long) here, (long long) there->rows),
				  json_close(&json));
}

void
reconcile_count(Sync *s, Run *run, bool changed, bool said_nothing)
{
	Tally *there;
	bool agree;

	if (!s->source->counts || s->copy.ignore_deletions || s->key.n == 0)
		return;
	/* a source that says by itself that nothing changed and nothing was deleted is not asked again */
	if (!changed && s->mismatches == 0 && said_nothing)
		return;
	if (repo_value("SELECT 1 FROM ingest.rejected_row WHERE sync = $1 AND resolved_at IS NULL LIMIT 1",
				   arg_int4(s->id)))
		return;
	there = tally(&s->copy, s->copy.there, "true");
	agree = counts_agree(s, there);
	if (!agree)
	{
		/* is it our book-keeping? */
		reconcile_recount(s);
		agree = counts_agree(s, there);
	}
	repo_run("SELECT ingest_internal.sync_note_counts($1, $2, $3)", arg_int4(s->id), arg_int8(there->rows),
			 arg_bool(agree));
	if (!agree)
		tell_mismatch(s, run, there);
}
