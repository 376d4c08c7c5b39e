/*
 * reconcile.c
 *		A copy held against its source: what no feed and no stamp told.
 *
 * Ranges of keys are compared by count, sum of keys and newest cursor, which the
 * source computes; only ranges that differ are cut and, when small, read again.  A key
 * must be missing twice to be gone, and if more are gone than is likely, none is.
 */
#include "postgres.h"

#include "ingest/repository/anomaly.h"
#include "ingest/event/event.h"
#include "ingest/sync/reconcile.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* A range of so many rows is read rather than cut */
#define SMALL 1000
#define PIECES 8
#define KEYS_AT_ONCE 500

bool
reconcile_is_due(Sync *s)
{
	if (s->copy.ignore_deletions)
		return false;
	return to_bool(repo_value("SELECT z.mismatches >= 2 OR coalesce(coalesce(z.last_reconcile, '-infinity') + s.reconcile_every <= clock_timestamp(), false) "
							  "FROM ingest.sync s JOIN ingest.sync_state z ON z.sync = s.id WHERE s.id = $1",
							  arg_int8(s->id)));
}

static const char *
living(const Sync *s)
{
	return s->copy.soft ? "_deleted_at IS NULL" : "true";
}

/* -- missing rows -- */

/* How many rows may be gone in one run, of the whole table, however many ranges it is read in */
static int64
missing_limit(Sync *s)
{
	if (s->missing_limit < 0)
	{
		int64 rows = to_int8(user_value(psprintf("SELECT count(*) FROM %s WHERE %s", s->copy.target, living(s))));

		s->missing_limit = Max(10, rows * s->max_delete_share);
	}
	return s->missing_limit;
}

static void
brake(Sync *s, int64 missing)
{
	StringInfoData json;

	if (s->braked)
		return;
	s->braked = true;
	json_open(&json);
	json_int8(&json, "missing", missing);
	json_int8(&json, "limit", missing_limit(s));
	json_raw(&json, "max_delete_share", psprintf("%g", s->max_delete_share));
	anomaly_raise(s, s->copy.run, "deletion", "error", NULL,
				  psprintf("%lld rows of %s are not at the source any more: that is more than is likely, and they were not deleted", (long long) missing, s->copy.target),
				  json_close(&json));
}

void
reconcile_brake(Sync *s, int64 there)
{
	int64 here = to_int8(user_value(psprintf("SELECT count(*) FROM %s WHERE %s", s->copy.target, living(s))));

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
	user_run(psprintf("CREATE TEMP TABLE %s ON COMMIT DROP AS SELECT %s FROM %s WITH NO DATA", strchr(table, '.') + 1, keys, copy->target));
	for (uint64 i = 0; i < missing->n; i += KEYS_AT_ONCE)
	{
		Strings ask = {0};

		for (uint64 k = i; k < Min(missing->n, i + KEYS_AT_ONCE); k++)
			strings_add(&ask, missing->v[k][0]);
		user_run(psprintf("INSERT INTO %s SELECT %s FROM %s WHERE %s = ANY (%s::%s[])", table, keys, copy->foreign, copy->key[0],
						  quote_literal_cstr(array_literal(ask.items, ask.n)), copy->key_types[0]));
	}
	return table;
}

void
reconcile_delete_missing(Sync *s, const char *scope)
{
	Copy *copy = &s->copy;
	char *condition = psprintf("%s AND %s", scope, key_not_in(copy, copy->stage));
	Rows *missing = user_rows(psprintf("SELECT t.%s FROM %s t WHERE %s AND %s", copy->key[0], copy->target, condition, living(s)));
	char *found;

	if (missing->n == 0 || copy->ignore_deletions || !merge_may_judge_missing(copy))
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

bool
reconcile_may_replace(Sync *s)
{
	StringInfoData json;
	int64 rows;

	if (user_value(psprintf("SELECT 1 FROM %s LIMIT 1", s->copy.stage)))
		return true;
	rows = to_int8(user_value(psprintf("SELECT count(*) FROM %s WHERE %s", s->copy.target, living(s))));
	if (rows == 0)
		return true;
	json_open(&json);
	json_int8(&json, "rows", rows);
	anomaly_raise(s, s->copy.run, "deletion", "error", NULL,
				  psprintf("the source of %s answered with no rows: its %lld rows were kept", s->copy.target, (long long) rows), json_close(&json));
	return false;
}

/* Without a key there is nothing to compare by */
void
reconcile_replace_keyless(Sync *s)
{
	char *list = column_list(s->copy.columns, s->copy.n_columns, "");

	s->copy.run->deleted += user_run(psprintf("DELETE FROM %s", s->copy.target));
	s->copy.run->inserted += user_run(psprintf("INSERT INTO %s (%s) SELECT %s FROM %s", s->copy.target, list, list, s->copy.stage));
}

/* -- ranges -- */

/* count, sums of keys, newest cursor: the same expressions there and here */
static char *
digest(const Copy *copy)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "count(*)");
	if (copy->key_is_integer)
		appendStringInfo(&sql, ", sum(%s), min(%s), max(%s)", copy->key[0], copy->key[0], copy->key[0]);
	if (copy->cursor)
		appendStringInfo(&sql, ", max(%s)", copy->cursor);
	return sql.data;
}

static bool
same(const Rows *a, const Rows *b)
{
	for (int i = 0; i < a->columns; i++)
	{
		const char *x = first_row(a)[i],
				   *y = first_row(b)[i];

		if ((x == NULL) != (y == NULL) || (x && strcmp(x, y) != 0))
			return false;
	}
	return true;
}

static void
read_again(Sync *s, const char *condition, const char *scope)
{
	Copy *copy = &s->copy;

	user_run(psprintf("DELETE FROM %s", copy->stage));
	stage_fetch_isolating(copy, condition);
	merge_stage(copy, "reload");
	reconcile_delete_missing(s, scope);
}

/* The range from low to high, both inclusive */
static void
compare(Sync *s, int64 low, int64 high)
{
	Copy *copy = &s->copy;
	char *range = psprintf("%s BETWEEN %lld AND %lld", copy->key[0], (long long) low, (long long) high);
	char *what = digest(copy);
	Rows *there,
		*here;

	CHECK_FOR_INTERRUPTS();
	there = user_rows(psprintf("SELECT %s FROM %s WHERE %s", what, copy->foreign, range));
	here = user_rows(psprintf("SELECT %s FROM %s WHERE %s AND %s", what, copy->target, range, living(s)));
	if (same(there, here))
		return;
	if (Max(to_int8(first_row(there)[0]), to_int8(first_row(here)[0])) <= SMALL || high - low < PIECES)
	{
		read_again(s, range, psprintf("t.%s", range));
		return;
	}
	for (int i = 0; i < PIECES; i++)
		compare(s, low + (high - low + 1) / PIECES * i, i == PIECES - 1 ? high : low + (high - low + 1) / PIECES * (i + 1) - 1);
}

void
reconcile(Sync *s, Run *run)
{
	Copy *copy = &s->copy;
	int64 before[3] = {run->inserted, run->updated, run->deleted};
	bool suspected = s->mismatches >= 2;

	if (copy->key_is_integer && s->source->counts)
	{
		char *what = digest(copy);
		Rows *there = user_rows(psprintf("SELECT %s FROM %s", what, copy->foreign));
		Rows *here = user_rows(psprintf("SELECT %s FROM %s WHERE %s", what, copy->target, living(s)));

		if (!same(there, here))
		{
			reconcile_brake(s, to_int8(first_row(there)[0]));
			if (first_row(there)[2] != NULL)
				compare(s, first_row(here)[2] ? Min(to_int8(first_row(there)[2]), to_int8(first_row(here)[2])) : to_int8(first_row(there)[2]),
						first_row(here)[3] ? Max(to_int8(first_row(there)[3]), to_int8(first_row(here)[3])) : to_int8(first_row(there)[3]));
		}
		/* rows without a cursor never come by themselves */
		if (copy->cursor && user_value(psprintf("SELECT 1 FROM %s WHERE %s IS NULL LIMIT 1", copy->target, copy->cursor)))
		{
			user_run(psprintf("DELETE FROM %s", copy->stage));
			stage_fetch_isolating(copy, psprintf("%s IS NULL", copy->cursor));
			merge_stage(copy, "reload");
		}
	}
	else
		read_again(s, "", "true");

	before[0] = run->inserted - before[0];
	before[1] = run->updated - before[1];
	before[2] = run->deleted - before[2];
	if (suspected || before[0] + before[1] + before[2] > 0)
	{
		StringInfoData json;

		json_open(&json);
		json_int8(&json, "inserted", before[0]);
		json_int8(&json, "updated", before[1]);
		json_int8(&json, "deleted", before[2]);
		anomaly_raise(s, run, "reconciliation", before[0] + before[1] > 0 ? "warning" : "info", NULL,
					  psprintf("%s differed from its source: %lld rows were added, %lld changed, %lld deleted by reading keys again", copy->target,
							   (long long) before[0], (long long) before[1], (long long) before[2]),
					  json_close(&json));
	}
}

/* -- after each run -- */

/* The copy's count and sum of keys, by looking */
void
reconcile_recount(Sync *s)
{
	Copy *copy = &s->copy;
	Rows *here = user_rows(psprintf("SELECT count(*), %s FROM %s WHERE %s", copy->key_is_integer ? psprintf("coalesce(sum(%s), 0)", copy->key[0]) : "NULL", copy->target, living(s)));

	repo_run("UPDATE ingest.sync_state SET rows = $2, key_sum = $3::numeric WHERE sync = $1", arg_int8(s->id), arg_int8(to_int8(first_row(here)[0])), arg_text(first_row(here)[1]));
}

static bool
counts_agree(Sync *s, const Rows *there)
{
	return to_bool(repo_value("SELECT rows = $2 AND ($3::numeric IS NULL OR key_sum = $3::numeric) FROM ingest.sync_state WHERE sync = $1", arg_int8(s->id),
							  arg_int8(to_int8(first_row(there)[0])), arg_text(first_row(there)[1])));
}

void
reconcile_count(Sync *s, Run *run, bool changed)
{
	Copy *copy = &s->copy;
	Rows *there;
	char *rows;
	bool agree;

	if (!s->source->counts || copy->ignore_deletions || (!changed && s->mismatches == 0) || s->n_key == 0)
		return;
	if (repo_value("SELECT 1 FROM ingest.rejected_row WHERE sync = $1 AND resolved_at IS NULL LIMIT 1", arg_int8(s->id)))
		return;
	there = user_rows(psprintf("SELECT count(*), %s FROM %s", copy->key_is_integer ? psprintf("sum(%s)", copy->key[0]) : "NULL", copy->foreign));
	agree = counts_agree(s, there);
	if (!agree)
	{
		/* is it our book-keeping? */
		reconcile_recount(s);
		agree = counts_agree(s, there);
	}
	repo_run("UPDATE ingest.sync_state SET mismatches = CASE WHEN $2 THEN 0 ELSE mismatches + 1 END WHERE sync = $1", arg_int8(s->id), arg_bool(agree));
	repo_run("UPDATE ingest.source_table t SET row_count = $2 FROM ingest.sync s WHERE s.id = $1 AND t.id = s.table_id", arg_int8(s->id), arg_int8(to_int8(first_row(there)[0])));
	if (agree)
		return;
	/* once may be an edit since; twice is a loss */
	rows = repo_value("SELECT rows FROM ingest.sync_state WHERE sync = $1", arg_int8(s->id));
	run_log(run, "warning", psprintf("%s rows at the source, %s in %s; if the next run finds the same, keys are compared", first_row(there)[0], rows, copy->target), NULL);
	if (s->mismatches >= 1)
	{
		StringInfoData json;

		json_open(&json);
		json_text(&json, "rows_there", first_row(there)[0]);
		json_text(&json, "rows_here", rows);
		anomaly_raise(s, run, "reconciliation", "error", NULL,
					  psprintf("%s has %s rows and its source %s: the next run compares keys", copy->target, rows, first_row(there)[0]), json_close(&json));
	}
}
