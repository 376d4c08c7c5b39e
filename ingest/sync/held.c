/*
 * held.c
 *		Deletions that a constraint of the user's stands in the way of.
 *
 * What refers to a row may be lines whose own deletion comes later in the same transaction: so the rows that are to go
 * wait for that.  What somebody still refers to then stays, and is told: nothing else is held up by it.
 */
#include "postgres.h"

#include "ingest/base/attempt.h"
#include "ingest/base/row.h"
#include "ingest/repository/anomaly.h"
#include "ingest/sync/batch.h"
#include "ingest/sync/held.h"

typedef struct Deletion
{
	Copy *copy;
	const char *using, *condition, *when;
	int64 n;
} Deletion;

/* Deferred constraints speak at once: at the commit nobody could say whose rows these are */
static void
delete_rows(void *arg)
{
	Deletion *d = arg;

	d->n = merge_delete_now(d->copy, d->using, d->condition, d->when);
	user_run("SET CONSTRAINTS ALL IMMEDIATE");
}

/* Its counts are undone as well if it fails */
static bool
try_deletion(Deletion *d, Failure *failure)
{
	MergeTally before = merge_tally(d->copy);

	if (attempt(delete_rows, d, failure))
		return true;
	merge_tally_again(d->copy, &before);
	/* a row that is only marked must still be what the table takes */
	if (failure->sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION && !(d->copy->soft && failure_is_of_data(failure)))
		failure_rethrow(failure);
	return false;
}

/* Their keys, and when they went; whoever belongs to them is looked at before they are tried again */
static void
hold(Deletion *d)
{
	Copy *copy = d->copy;
	char *table = psprintf("%s_h", copy->stage_name);
	char *keys = psprintf("SELECT %s, (%s)::timestamptz AS ingest_when FROM %s t%s%s WHERE %s AND %s",
						  column_list(copy->key, copy->n_key, "t."), d->when ? d->when : "NULL", copy->target,
						  d->using ? ", " : "", d->using ? d->using : "", d->condition, copy_living(copy, "t."));
	Rows *rows;

	if (copy->held)
		user_run(psprintf("INSERT INTO %s %s", table, keys));
	else
	{
		user_drop(table);
		user_run(psprintf("CREATE TEMP TABLE %s ON COMMIT DROP AS %s", strchr(table, '.') + 1, keys));
		copy->held = table;
	}
	if (copy->touched == NULL)
		return;
	rows = user_rows(psprintf("SELECT %s FROM %s", copy->key[0], table));
	for (uint64 i = 0; i < rows->n; i++)
		strings_add(copy->touched, rows->v[i][0]);
}

int64
merge_delete(Copy *copy, const char *using, const char *condition, const char *when)
{
	Deletion d = {copy, using, condition, when};
	Failure failure;

	if (copy->ignore_deletions)
		return 0;
	if (copy->distributed)
		return merge_delete_now(copy, using, condition, when);
	if (!try_deletion(&d, &failure))
		hold(&d);
	return d.n;
}

void
held_delete(Sync *s, Run *run)
{
	Copy *copy = &s->copy;
	Deletion d = {copy, NULL, NULL, "h.ingest_when"};
	Failure failure;
	StringInfoData json;
	const char *why;

	if (copy->held == NULL)
		return;
	d.using = psprintf("%s h", copy->held);
	d.condition = key_match(copy, "t", "h");
	if (try_deletion(&d, &failure))
	{
		merge_flush(copy);
		batch_rows_event(s, run, 0, 0, d.n);
	}
	else
	{
		s->kept = true;
		why = failure.sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION ? "others refer to them"
																  : "the table does not accept the mark";
		json_open(&json);
		json_int8(&json, "rows", to_int8(user_value(psprintf("SELECT count(*) FROM %s", copy->held))));
		json_text(&json, "error", failure.message);
		why = psprintf("rows of %s that are no longer at the source were not deleted: %s", copy->target, why);
		anomaly_raise(s, run, "deletion", "warning", NULL, why, json_close(&json));
	}
	user_run(psprintf("DROP TABLE %s", copy->held));
	copy->held = NULL;
}
