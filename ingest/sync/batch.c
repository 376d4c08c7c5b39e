/*
 * batch.c
 *		One transaction of a run: rows, history, events and the checkpoint.
 *
 * What changes in a parent and in its children commits together.
 */
#include "postgres.h"

#include "ingest/event/event.h"
#include "ingest/repository/owner.h"
#include "ingest/sync/batch.h"
#include "ingest/sync/held.h"
#include "ingest/sync/pseudonym.h"
#include "ingest/sync/shape.h"
#include "ingest/sync/isolate.h"
#include "ingest/sync/stage.h"
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
	pseudonym_arm(s);
	s->copy.has_triggers = shape_has_triggers(s);
	s->copy.touched = NULL;
	s->copy.diffs = NIL;
	s->copy.held = NULL;
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

/* An array of arrays is one of more dimensions, whose elements are not what is asked for */
char *
batch_among(const char *column, const Strings *strings, int from, int n, const char *type)
{
	StringInfoData sql;

	if (strlen(type) < 2 || strcmp(type + strlen(type) - 2, "[]") != 0)
		return psprintf("%s = ANY (%s)", column, batch_array(strings, from, n, type));
	initStringInfo(&sql);
	appendStringInfo(&sql, "%s IN (", column);
	for (int i = from; i < from + n; i++)
		appendStringInfo(&sql, "%s%s::%s", i > from ? ", " : "", quote_literal_cstr(strings->items[i]), type);
	appendStringInfoChar(&sql, ')');
	return sql.data;
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

#define LINES_AT_ONCE 500 /* that are asked for by name: NetSuite takes 1000 arguments */

/* Rows here that the parents there have no more: they may have moved to another one, so they are asked for by name */
static void
read_moved(Sync *child, const char *condition)
{
	Copy *copy = &child->copy;
	Rows *gone;

	/* a row whose parent is part of its key would be another row */
	for (int k = 0; k < copy->n_key; k++)
	{
		if (strcmp(copy->key_names[k], child->parent_column) == 0)
			return;
	}
	gone = user_rows(psprintf("SELECT DISTINCT t.%s FROM %s t WHERE t.%s AND %s AND %s", copy->key[0], copy->target,
							  condition, key_not_in(copy, copy->stage), copy_living(copy, "t.")));
	if (gone->n == 0)
		return;
	for (uint64 i = 0; i < gone->n; i += LINES_AT_ONCE)
	{
		Strings ask = {0};
		for (uint64 k = i; k < Min(gone->n, i + LINES_AT_ONCE); k++)
			strings_add(&ask, gone->v[k][0]);
		stage_fetch_isolating(copy, psprintf("%s AND (%s) IS NOT TRUE",
											 batch_among(copy->key[0], &ask, 0, ask.n, copy->key_types[0]), condition));
	}
	merge_stage(copy, "insert");
}

/*
 * Children of changed parents: all of them are read again, and those that are not
 * there are gone.
 */
static void
refresh_child(Sync *child, const Strings *parents, const char *type, Run *run)
{
	Strings touched = {0};
	int64 before[3];

	batch_enter(child, run);
	before[0] = run->inserted;
	before[1] = run->updated;
	before[2] = run->deleted;
	if (child->n_followers > 0)
		child->copy.touched = &touched;
	for (int i = 0; i < parents->n; i += PARENTS_AT_ONCE)
	{
		int n = Min(PARENTS_AT_ONCE, parents->n - i);
		char *condition = batch_among(quote_identifier(child->parent_column), parents, i, n, type);

		CHECK_FOR_INTERRUPTS();
		user_run(psprintf("DELETE FROM %s", child->copy.stage));
		stage_fetch_isolating(&child->copy, condition);
		merge_stage(&child->copy, "insert");
		read_moved(child, condition);
		merge_delete_missing(&child->copy, psprintf("t.%s", condition));
	}
	merge_flush(&child->copy);
	batch_rows_event(child, run, run->inserted - before[0], run->updated - before[1], run->deleted - before[2]);
	child->copy.touched = NULL;
	refresh_children(child, &touched, run);
	held_delete(child, run);
}

/* Those that cannot follow now, since they are paused or stopped, are owed it */
void
batch_owe(const Sync *s, const Strings *parents)
{
	Strings ids = {0};

	if (s->n_followers == s->n_children || parents->n == 0)
		return;
	for (int i = 0; i < s->n_children; i++)
		strings_add(&ids, psprintf("%d", s->children[i]->id));
	repo_run("SELECT ingest_internal.sync_owe($1, $2::integer[], $3)", arg_int4(s->id),
			 arg_text(array_literal(ids.items, ids.n)), arg_texts(parents->items, parents->n));
}

/* Rows of children have no cursor of their own: those of parents that changed are read again */
static void
refresh_children(Sync *s, const Strings *parents, Run *run)
{
	batch_owe(s, parents);
	for (int i = 0; i < s->n_children && parents->n > 0; i++)
	{
		/* one that was never loaded will read all of it */
		if (strcmp(s->children[i]->phase, "new") != 0 && s->children[i]->parent_column)
			refresh_child(s->children[i], parents, s->copy.key_types[0], run);
	}
}

/* What was owed since this one was paused or stopped: rows of the parents that changed meanwhile */
void
batch_pay_owed(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Strings parents = {0};
	Rows *owed = repo_rows("SELECT parent_key FROM ingest.sync_owed WHERE sync = $1 ORDER BY 1", arg_int4(s->id));

	if (owed->n == 0)
		return;
	for (uint64 i = 0; i < owed->n; i++)
		strings_add(&parents, owed->v[i][0]);
	if (s->parent_column)
		refresh_child(s, &parents,
					  own_value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
								"WHERE attrelid = $1 AND attname = $2",
								arg_relation(s->copy.target), arg_name(s->parent_column)),
					  b->run);
	repo_run("DELETE FROM ingest.sync_owed WHERE sync = $1", arg_int4(s->id));
	batch_checkpoint(s, "phase = phase", 0, NULL);
	run_progress(b->run, "owed", -1);
}

/* What a batch did goes to history and events, and its rows' children follow */
void
batch_settle(Batch *b, const Strings *touched)
{
	Sync *s = b->s;

	merge_flush(&s->copy);
	batch_rows_event(s, b->run, b->run->inserted, b->run->updated, b->run->deleted);
	refresh_children(s, touched, b->run);
	held_delete(s, b->run);
}

typedef struct Step
{
	void (*function)(void *);
	Batch *batch;
	MemoryContext context; /* outlives the transaction */
	char *seen_at;         /* of the versions that it wrote, or NULL */
} Step;

/* What a step merged is stamped with one moment, which as_of asks for */
static void
do_and_seal(void *arg)
{
	Step *step = arg;
	char *seen_at;

	merge_unsealed();
	step->function(step->batch);
	seen_at = merge_seal();
	if (seen_at)
		step->seen_at = MemoryContextStrdup(step->context, seen_at);
}

/* After the commit, since only then it is known when that was */
static void
settle(void *arg)
{
	merge_settle(((Step *) arg)->seen_at);
}

/* One transaction; false: undone, and why is in the batch */
bool
batch_step(Batch *b, void (*function)(void *))
{
	MemoryContext keep = CurrentMemoryContext;
	Step step = {function, b};
	MemoryContext context = AllocSetContextCreate(keep, "ingest batch", ALLOCSET_DEFAULT_SIZES);
	Failure failure;
	bool ok;

	MemoryContextSwitchTo(context);
	step.context = context;
	/* and one more that says when it was committed */
	ok = attempt_as_owner_and_commit(b->s->owner, do_and_seal, &step, &failure) &&
		 (step.seen_at == NULL || attempt_as_owner_and_commit(b->s->owner, settle, &step, &failure));
	MemoryContextSwitchTo(keep);
	if (!ok)
	{
		secrets_hide(&b->s->copy, &failure);
		failure_copy(&b->failure, &failure);
	}
	MemoryContextDelete(context);
	return ok;
}
