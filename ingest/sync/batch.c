/*
 * batch.c
 *		One transaction of a run: rows, history, events and the checkpoint.
 *
 * What changes in a parent and in its children commits together.
 */
#include "postgres.h"

#include "ingest/event/event.h"
#include "ingest/sync/batch.h"
#include "ingest/sync/shape.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* The columns as they are now, and locked as they are until the batch is committed */
void
batch_enter(Sync *s, Run *run)
{
	user_run(psprintf("LOCK TABLE %s IN ROW EXCLUSIVE MODE", s->copy.target));
	sync_require_target(s);
	s->copy.run = run;
	if (shape_read(s))
		stage_create(&s->copy);
	s->copy.touched = NULL;
	s->copy.diffs = NIL;
}

/* A checkpoint: nobody else may have taken over meanwhile */
void
batch_checkpoint(Sync *s, const char *assignments, int nargs, const SqlArg *args)
{
	SqlArg all[8];

	all[0] = arg_int8(s->id);
	all[1] = arg_int8(s->epoch);
	for (int i = 0; i < nargs; i++)
		all[i + 2] = args[i];
	if (sql_run(AS_REPOSITORY, psprintf("UPDATE ingest.sync_state SET %s WHERE sync = $1 AND epoch = $2", assignments),
				nargs + 2, all) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("sync \"%s\" was taken over by another run, or has another key, cursor or mode now", s->name),
				 errdetail("This run's batch was not written.")));
}

char *
batch_array(const Strings *strings, int from, int n, const char *type)
{
	return psprintf("%s::%s[]", quote_literal_cstr(array_literal(strings->items + from, n)), type);
}

static void refresh_children(Sync *s, const Strings *parents, Run *run);

void
batch_rows_event(Sync *s, Run *run, int64 inserted, int64 updated, int64 deleted)
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

	batch_enter(child, run);
	before[0] = run->inserted;
	before[1] = run->updated;
	before[2] = run->deleted;
	if (child->n_children > 0)
		child->copy.touched = &touched;
	for (int i = 0; i < parents->n; i += PARENTS_AT_ONCE)
	{
		int n = Min(PARENTS_AT_ONCE, parents->n - i);
		char *condition = psprintf("%s = ANY (%s)", quote_identifier(child->parent_column),
								   batch_array(parents, i, n, s->copy.key_types[0]));

		CHECK_FOR_INTERRUPTS();
		user_run(psprintf("DELETE FROM %s", child->copy.stage));
		stage_fetch_isolating(&child->copy, condition);
		merge_stage(&child->copy, "insert");
		merge_delete_missing(&child->copy, psprintf("t.%s", condition));
	}
	merge_flush(&child->copy);
	batch_rows_event(child, run, run->inserted - before[0], run->updated - before[1], run->deleted - before[2]);
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

/* What a batch did goes to history and events, and its rows' children follow */
void
batch_settle(Batch *b, const Strings *touched)
{
	Sync *s = b->s;

	merge_flush(&s->copy);
	batch_rows_event(s, b->run, b->run->inserted, b->run->updated, b->run->deleted);
	refresh_children(s, touched, b->run);
}

/* One transaction; false: undone, and why is in the batch */
bool
batch_step(Batch *b, void (*function)(void *))
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
