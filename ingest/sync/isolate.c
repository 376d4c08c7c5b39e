/*
 * isolate.c
 *		The stage into the copy, whatever some of its rows are.
 *
 * If a row does not fit, the stage is halved until it is found.  Rows may also be in
 * each other's way alone: two swap what a constraint of the user's lets only one have.
 * They fit if all of them are taken out before the first is put back.
 */
#include "postgres.h"

#include "ingest/base/attempt.h"
#include "ingest/base/sql.h"
#include "ingest/sync/isolate.h"
#include "ingest/sync/stage.h"
#include "ingest/sync/unfit.h"
#include "miscadmin.h"

/* So many rows that are in the way of others are tried together */
#define CONFLICTS_AT_MOST 5000

typedef struct Isolation
{
	Copy *copy;
	const char *operation;
	const char *numbered; /* the stage as it was, with numbers */
	char *columns;
	bool may_replace;
	/* rows that others are in the way of, perhaps of this stage */
	int64 conflicts[CONFLICTS_AT_MOST];
	int n_conflicts;
} Isolation;

/* For attempt(), in a subtransaction */
static void
write_stage(void *arg)
{
	merge_write(arg);
}

/* Its counts are undone as well if it fails */
static bool
try_stage(Copy *copy, const char *operation, bool replace, Failure *failure)
{
	Merge merge = {copy, operation, replace};
	MergeTally before = merge_tally(copy);

	if (attempt(write_stage, &merge, failure))
		return true;
	merge_tally_again(copy, &before);
	unfit_rethrow_unless_data(failure);
	return false;
}

/* Another row has what this one is to have */
static bool
is_conflict(const Failure *failure)
{
	return failure->sqlerrcode == ERRCODE_UNIQUE_VIOLATION || failure->sqlerrcode == ERRCODE_EXCLUSION_VIOLATION;
}

/* Rows that are taken out must not take others with them */
static bool
may_replace(const Copy *copy)
{
	return !copy->distributed &&
		   own_value("SELECT 1 FROM pg_constraint WHERE confrelid = $1 AND contype = 'f' AND confdeltype "
					 "NOT IN ('a', 'r') LIMIT 1",
					 arg_relation(copy->target)) == NULL;
}

/* The stage holds what is tried next; the numbered copy beside it holds all */
static void
restage(const Isolation *i, const char *where)
{
	user_run(psprintf("DELETE FROM %s", i->copy->stage));
	user_run(psprintf("INSERT INTO %s (%s) SELECT %s FROM %s%s", i->copy->stage, i->columns, i->columns, i->numbered,
					  where));
}

/* Half of a half: what does not fit is found by halving */
static void
restage_range(const Isolation *i, int64 low, int64 high)
{
	restage(i, psprintf(" WHERE ingest_n BETWEEN %lld AND %lld", (long long) low, (long long) high));
}

/* All that stood in the way of each other at once: swapped values fit together alone */
static void
restage_conflicts(const Isolation *i)
{
	StringInfoData where;

	initStringInfo(&where);
	appendStringInfoString(&where, " WHERE ingest_n IN (0");
	for (int c = 0; c < i->n_conflicts; c++)
		appendStringInfo(&where, ", %lld", (long long) i->conflicts[c]);
	appendStringInfoChar(&where, ')');
	restage(i, where.data);
}

/* The row in the stage is put aside */
static void
reject_staged(Copy *copy, const Failure *failure)
{
	(void) unfit_reject_all(copy, merge_staged_rows(copy), failure);
}

/* Halve the rows among which some do not fit */
static void
isolate_range(Isolation *i, int64 low, int64 high)
{
	Failure failure;

	CHECK_FOR_INTERRUPTS();
	restage_range(i, low, high);
	if (try_stage(i->copy, i->operation, false, &failure))
		return;
	if (low < high)
	{
		isolate_range(i, low, low + (high - low) / 2);
		isolate_range(i, low + (high - low) / 2 + 1, high);
	}
	else if (is_conflict(&failure) && i->n_conflicts < CONFLICTS_AT_MOST)
		i->conflicts[i->n_conflicts++] = low;
	else
		reject_staged(i->copy, &failure);
}

/* One by one: what one gives up another may have.  Did any fit? */
static bool
fit_singly(Isolation *i)
{
	int left = 0;
	bool any;

	for (int c = 0; c < i->n_conflicts; c++)
	{
		Failure failure;

		CHECK_FOR_INTERRUPTS();
		restage_range(i, i->conflicts[c], i->conflicts[c]);
		if (!try_stage(i->copy, i->operation, false, &failure))
			i->conflicts[left++] = i->conflicts[c];
	}
	any = left < i->n_conflicts;
	i->n_conflicts = left;
	return any;
}

typedef struct Rehearsal
{
	const Isolation *i;
	Stored placed;
} Rehearsal;

/* Nothing is left of it but what it told, even if those that had no place are missed by somebody */
static void
rehearse(void *arg)
{
	Rehearsal *r = arg;

	restage_conflicts(r->i);
	merge_rehearse(r->i->copy, r->i->numbered, &r->placed);
	ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION), errmsg("this was a rehearsal")));
}

/* Numbers of the rows that have a place among the others and themselves; NULL: it cannot be told */
static Rows *
placed_together(const Isolation *i)
{
	Rehearsal r = {i};
	Failure failure;
	Rows *rows = NULL;

	if (!i->may_replace)
		return NULL;
	(void) attempt(rehearse, &r, &failure);
	if (r.placed.desc)
		rows = stored_rows(&r.placed, "SELECT ingest_n FROM stored ORDER BY 1", 0, NULL);
	if (r.placed.rows)
		stored_end(&r.placed);
	/* the last is NULL if it came to its end */
	return rows && rows->n > 0 && rows->v[rows->n - 1][0] == NULL ? rows : NULL;
}

/* The last of the numbers is a null: they came to their end */
static bool
is_among(const Rows *numbers, int64 n)
{
	for (uint64 i = 0; i + 1 < numbers->n; i++)
	{
		if (to_int8(numbers->v[i][0]) == n)
			return true;
	}
	return false;
}

/* Those that not even then have a place are rejected; if it cannot be told which, all are */
static void
reject_conflicts(Isolation *i)
{
	Rows *placed = placed_together(i);
	bool all = placed == NULL || placed->n > i->n_conflicts;
	int left = 0;

	for (int c = 0; c < i->n_conflicts; c++)
	{
		Failure failure;

		if (!all && is_among(placed, i->conflicts[c]))
		{
			i->conflicts[left++] = i->conflicts[c];
			continue;
		}
		restage_range(i, i->conflicts[c], i->conflicts[c]);
		if (!try_stage(i->copy, i->operation, false, &failure))
			reject_staged(i->copy, &failure);
	}
	i->n_conflicts = left;
}

/* Rows that others were in the way of: perhaps they are in each other's */
static void
fit_conflicts(Isolation *i)
{
	Failure failure;

	while (i->n_conflicts > 0)
	{
		if (i->may_replace)
		{
			restage_conflicts(i);
			if (try_stage(i->copy, i->operation, true, &failure))
				return;
		}
		if (!fit_singly(i))
			reject_conflicts(i);
	}
}

/* Rows that do not fit are found and put aside, the others are written */
static void
isolate(Copy *copy, const char *operation, bool replaceable)
{
	Isolation *i = palloc0(sizeof(Isolation));

	i->copy = copy;
	i->operation = operation;
	i->columns = column_list(copy->columns, copy->n_columns, "");
	i->numbered = psprintf("%s_n", copy->stage);
	i->may_replace = replaceable;
	user_run(psprintf("CREATE TEMP TABLE %s ON COMMIT DROP AS SELECT row_number() OVER () AS ingest_n, s.* FROM %s s",
					  strchr(i->numbered, '.') + 1, copy->stage));
	isolate_range(i, 1, to_int8(user_value(psprintf("SELECT count(*) FROM %s", i->numbered))));
	fit_conflicts(i);
	/* the stage as it was, for what asks which rows are missing */
	restage(i, "");
	user_run(psprintf("DROP TABLE %s", i->numbered));
	pfree(i);
}

/* Rows without a key cannot be told apart */
static void
reject_keyless(Copy *copy)
{
	Failure failure = {ERRCODE_NOT_NULL_VIOLATION, "23502", "its key is null"};
	StringInfoData condition;

	initStringInfo(&condition);
	for (int k = 0; k < copy->n_key; k++)
		appendStringInfo(&condition, "%ss.%s IS NULL", k > 0 ? " OR " : "", copy->key[k]);
	if (unfit_reject_all(copy, psprintf("%s WHERE %s", merge_staged_rows(copy), condition.data), &failure) > 0)
		user_run(psprintf("DELETE FROM %s s WHERE %s", copy->stage, condition.data));
}

/* Rows that were rejected before and fit now, or were rejected again */
static void
resolve_rejected(Copy *copy)
{
	char *rejected = repo_value("SELECT ingest_internal.sync_rejected_keys($1, $2)", arg_int4(copy->sync),
								arg_int8(copy->run->id));
	char *fits;

	if (rejected == NULL)
		return;
	fits = user_value(psprintf("SELECT array_agg(ingest_key) FROM unnest($1::jsonb[]) ingest_key "
							   "WHERE EXISTS (SELECT FROM (%s) s WHERE s.key @> ingest_key)",
							   merge_staged_rows(copy)),
					  arg_text(rejected));
	if (fits)
		repo_run("SELECT ingest_internal.sync_resolve($1, $2, $3::jsonb[], NULL)", arg_int4(copy->sync),
				 arg_int8(copy->run->id), arg_text(fits));
}

void
merge_stage(Copy *copy, const char *operation)
{
	Failure failure;
	bool replaceable;

	reject_keyless(copy);
	stage_analyze(copy);
	if (!try_stage(copy, operation, false, &failure))
	{
		replaceable = may_replace(copy);
		if (!is_conflict(&failure) || !replaceable || !try_stage(copy, operation, true, &failure))
			isolate(copy, operation, replaceable);
	}
	/* those of pieces are resolved with their piece */
	if (copy->piece_column == NULL)
		resolve_rejected(copy);
}
