/*
 * lake.c
 *		What a transaction writes to a lake, and how it becomes one of its versions.
 *
 * The order is: files whole and on disk, files shown, version put, transaction committed.  Whoever is killed before the
 * version leaves files that no log names; between version and commit, a version whose transaction is not known here:
 * a mark in it tells whoever must know (files_published).
 */
#include "postgres.h"

#include "access/xact.h"
#include "files_fdw/lake.h"
#include "files_fdw/lake_file.h"
#include "files_fdw/lake_publish.h"
#include "foreign/foreign.h"
#include "utils/memutils.h"

static LakeChange *current = NULL;

static void on_transaction(XactEvent event, void *arg);
static void on_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg);

/* Who is rolled back has not begun */
static void
touch(LakeChange *change)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);

	change->touched = list_append_unique_oid(change->touched, GetCurrentSubTransactionId());
	MemoryContextSwitchTo(old);
}

/* What is written first stands as the table was then */
static void
check_same_table(const LakeChange *change, Relation relation)
{
	if (!equalTupleDescs(change->desc, RelationGetDescr(relation)) ||
		!equal(change->options, GetForeignTable(change->relid)->options))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("foreign table \"%s\" was altered in a transaction that has written to it",
							   change->table->name),
						errhint("Commit first.")));
}

LakeChange *
lake_change(Relation relation, Oid userid)
{
	static bool registered = false;
	LakeChange *change = current;

	if (!registered)
	{
		RegisterXactCallback(on_transaction, NULL);
		RegisterSubXactCallback(on_subtransaction, NULL);
		registered = true;
	}
	if (change == NULL)
	{
		change = current = lake_change_new(relation, userid);
		touch(change);
		return change;
	}
	if (change->relid != RelationGetRelid(relation))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a transaction can write to one lake table only"),
						errdetail("It has written to \"%s\": versions of two tables cannot become visible together.",
								  change->table->name),
						errhint("Write to \"%s\" in a transaction of its own.", RelationGetRelationName(relation))));
	if (change->userid != userid)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a transaction can write to foreign table \"%s\" as one role only",
							   change->table->name)));
	check_same_table(change, relation);
	touch(change);
	return change;
}

static List *
values_of(const LakeChange *change, TupleTableSlot *slot)
{
	List *values = NIL;
	ListCell *lc;

	foreach (lc, change->partitions)
	{
		const LakeColumn *c = lfirst(lc);
		LakePair *pair = palloc(sizeof(LakePair));

		pair->name = (char *) c->name;
		pair->value = slot->tts_isnull[c->att] ? NULL : lake_text(c, slot->tts_values[c->att]);
		values = lappend(values, pair);
	}
	return values;
}

/* Where files stand is theirs to say */
static void
check_metadata_null(const LakeChange *change, TupleTableSlot *slot)
{
	const Table *t = change->table;

	for (int i = 0; i < t->natts; i++)
	{
		if (!t->columns[i].dropped && t->columns[i].o.kind != COLUMN_DATA && t->columns[i].o.kind != COLUMN_PARTITION &&
			!slot->tts_isnull[i])
			ereport(ERROR, (errcode(ERRCODE_GENERATED_ALWAYS),
							errmsg("column \"%s\" of foreign table \"%s\" cannot be written",
								   t->columns[i].converter.name, t->name),
							errdetail("It has option metadata: its value comes from the files.")));
	}
}

/* Which row it was that cannot be written */
static void
say_row(void *arg)
{
	LakeChange *change = arg;

	errcontext("row " UINT64_FORMAT " written to foreign table \"%s\"", change->rows + 1, change->table->name);
}

void
lake_insert(LakeChange *change, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(change->row);
	ErrorContextCallback callback = {error_context_stack, say_row, change};
	LakeWritten *w;

	error_context_stack = &callback;
	slot_getallattrs(slot);
	check_metadata_null(change, slot);
	w = lake_file_of(change, values_of(change, slot));
	change->last = w;
	for (int i = 0; i < change->ndata; i++)
	{
		const LakeColumn *c = change->data[i];
		WrittenColumn *to = parquet_column(w->writer, i);

		if (slot->tts_isnull[c->att])
			parquet_put_null(to);
		else
			lake_put(c, to, slot->tts_values[c->att]);
	}
	lake_file_row_end(change, w);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	MemoryContextReset(change->row);
}

void
lake_truncate(LakeChange *change)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	LakeWritten *w = palloc0(sizeof(LakeWritten));
	LakeCommit commit;

	lake_change_commit(change, &commit);
	commit.replaces = true;
	change->log->check(change->state, &commit);
	w->sub = GetCurrentSubTransactionId();
	w->truncate = true;
	change->written = lappend(change->written, w);
	change->last = NULL;
	MemoryContextSwitchTo(old);
}

/* As a scan sees the file, as far as its folder tells */
static FileInfo *
info_of(const LakeChange *change, const char *path, List *values)
{
	FileInfo *info = palloc0(sizeof(FileInfo));

	info->path = psprintf("%s/%s", change->state->folder, path);
	info->version = "";
	info->in_lake = true;
	info->values = values;
	return info;
}

/* What this transaction has written itself since the last TRUNCATE */
static void
check_not_ours(LakeChange *change, bool (*fits)(FileInfo *file, void *arg), void *arg)
{
	for (int i = list_length(change->written) - 1; i >= 0; i--)
	{
		const LakeWritten *w = list_nth(change->written, i);

		if (w->truncate)
			break;
		if (w->gone == NIL && fits(info_of(change, w->path, w->values), arg))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot delete rows of foreign table \"%s\" that this transaction has written",
								   change->table->name),
							errhint("DELETE before INSERT, or in a transaction of its own.")));
	}
}

int64
lake_delete(LakeChange *change, bool (*fits)(FileInfo *file, void *arg), void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	LakeWritten *w = palloc0(sizeof(LakeWritten));
	LakeCommit commit;
	int64 rows = 0;
	ListCell *lc;

	lake_change_commit(change, &commit);
	lake_change_gone(change, &commit);
	check_not_ours(change, fits, arg);
	foreach (lc, lake_kept(change->state, &commit))
	{
		LakeEntry *entry = lfirst(lc);

		if (!fits(info_of(change, entry->path, entry->values), arg))
			continue;
		w->gone = lappend(w->gone, entry);
		rows += Max(entry->rows, 0);
	}
	commit.gone = list_concat(commit.gone, w->gone);
	change->log->check(change->state, &commit);
	w->sub = GetCurrentSubTransactionId();
	if (w->gone != NIL)
		change->written = lappend(change->written, w);
	MemoryContextSwitchTo(old);
	return rows;
}

void
lake_set_mark(LakeChange *change, const char *app, int64 version)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	LakeMarked *mark = palloc(sizeof(LakeMarked));

	mark->sub = GetCurrentSubTransactionId();
	mark->mark.app = pstrdup(app);
	mark->mark.version = version;
	change->marks = lappend(change->marks, mark);
	MemoryContextSwitchTo(old);
}

/* -- the transaction's end -- */

static void
on_transaction(XactEvent event, void *arg)
{
	LakeChange *change = current;

	if (change == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			lake_publish(change);
			break;
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot prepare a transaction that has written to lake table \"%s\"",
								   change->table->name),
							errdetail("Its version is published when the transaction commits, in this session.")));
			break;
		case XACT_EVENT_ABORT:
			lake_give_up(change);
			current = NULL;
			break;
		case XACT_EVENT_COMMIT:
			current = NULL;
			break;
		default:
			break;
	}
}

/* Of a subtransaction that is rolled back nothing stays; else it is its parent's */
static void
on_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	LakeChange *change = current;
	ListCell *lc;

	if (change == NULL || (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	if (list_member_oid(change->touched, mine))
	{
		MemoryContext old = MemoryContextSwitchTo(change->context);

		change->touched = list_delete_oid(change->touched, mine);
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			change->touched = list_append_unique_oid(change->touched, parent);
		MemoryContextSwitchTo(old);
	}
	foreach (lc, change->written)
	{
		LakeWritten *w = lfirst(lc);

		if (w->sub != mine)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			w->sub = parent;
		else
		{
			lake_file_discard(w);
			if (w->writer)
				parquet_free(w->writer);
			if (change->last == w)
				change->last = NULL;
			change->written = foreach_delete_current(change->written, lc);
		}
	}
	foreach (lc, change->marks)
	{
		LakeMarked *mark = lfirst(lc);

		if (mark->sub != mine)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			mark->sub = parent;
		else
			change->marks = foreach_delete_current(change->marks, lc);
	}
}
