/*
 * lake_publish.c
 *		How what a transaction has written becomes a version of a lake, or goes.
 */
#include "postgres.h"

#include "files_fdw/lake_file.h"
#include "files_fdw/lake_publish.h"
#include "miscadmin.h"

#define MOST_TRIES 1000 /* of putting a version while others put theirs */

/* What is to be part of it: all that was written, or what was written since the last TRUNCATE */
static void
take_written(LakeChange *change, LakeCommit *commit)
{
	ListCell *lc;

	for_each_from(lc, change->written, lake_change_gone(change, commit))
	{
		LakeWritten *w = lfirst(lc);

		if (w->gone != NIL)
			continue;
		if (w->writer)
			lake_file_end(change, w);
		commit->adds = lappend(commit->adds, w->entry);
	}
}

static void
show_files(LakeChange *change)
{
	bool live = true;

	/* from the end on: what stands before a TRUNCATE is not shown */
	for (int i = list_length(change->written) - 1; i >= 0; i--)
	{
		LakeWritten *w = list_nth(change->written, i);

		if (w->truncate)
			live = false;
		else if (w->gone != NIL)
			continue;
		else if (live)
			w->file->root->write->show(w->file);
		else
			lake_file_discard(w);
	}
}

static void
take_marks(LakeChange *change, LakeCommit *commit)
{
	ListCell *lc;

	foreach (lc, change->marks)
	{
		LakeMark *mark = &((LakeMarked *) lfirst(lc))->mark;
		ListCell *other;

		/* of several of one name the last */
		foreach (other, commit->marks)
		{
			if (strcmp(((LakeMark *) lfirst(other))->app, mark->app) == 0)
				commit->marks = foreach_delete_current(commit->marks, other);
		}
		commit->marks = lappend(commit->marks, mark);
	}
}

/* Does what others published meanwhile leave room for ours? */
static void
check_meanwhile(LakeChange *change, const LakeCommit *commit)
{
	const LakeState *state = change->state;
	ListCell *lc;

	if ((commit->replaces || commit->gone != NIL) && state->changes > 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not replace the content of lake \"%s\"", state->folder),
						errdetail("Another writer has published version " INT64_FORMAT " in the meantime.",
								  state->version),
						errhint("Try again.")));
	if (state->schemas > 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not write to lake \"%s\"", state->folder),
						errdetail("Another writer has changed its columns in the meantime."), errhint("Try again.")));
	change->log->check(state, commit);
	foreach (lc, commit->marks)
	{
		const LakeMark *mark = lfirst(lc);
		int64 there = lake_mark(state, mark->app);

		if (there >= mark->version)
			ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
							errmsg("lake \"%s\" has mark " INT64_FORMAT " of \"%s\" already", state->folder, there,
								   mark->app),
							errdetail("Nothing is published twice: the transaction's mark is " INT64_FORMAT ".",
									  mark->version),
							errhint("Begin with what comes after it: files_published() returns the mark.")));
	}
}

/* One after the other tries with the next version; who comes late looks again what is there */
static void
put_version(LakeChange *change, LakeCommit *commit)
{
	LakeState *state = change->state;

	change->begun = false;
	for (int i = 0; i < MOST_TRIES; i++)
	{
		StringInfoData text;

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			change->log->advance(state);
		check_meanwhile(change, commit);
		initStringInfo(&text);
		change->log->write(state, commit, &text);
		change->begun = true;
		if (state->root->write->put_new(state->root, lake_log_path(state, change->log, state->version + 1), text.data,
										text.len))
		{
			change->published = true;
			return;
		}
		change->begun = false;
		pfree(text.data);
	}
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("could not write to lake \"%s\"", state->folder),
					errdetail("%d times another writer was faster.", MOST_TRIES), errhint("Try again.")));
}

void
lake_publish(LakeChange *change)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	LakeCommit commit;

	lake_change_commit(change, &commit);
	take_written(change, &commit);
	take_marks(change, &commit);
	/* a lake that is not there yet begins, with or without rows; else what changes nothing is no version */
	if ((change->state->version < 0 && change->touched != NIL) || commit.adds != NIL || commit.marks != NIL ||
		lake_gone(change->state, &commit) != NIL)
	{
		show_files(change);
		put_version(change, &commit);
	}
	MemoryContextSwitchTo(old);
}

void
lake_give_up(LakeChange *change)
{
	ListCell *lc;

	if (change->published || change->begun)
		ereport(LOG, (errmsg("version " INT64_FORMAT " of lake \"%s\" %s, though its transaction is rolled back",
							 change->state->version + 1, change->state->folder,
							 change->published ? "is published" : "may be published")));
	else
	{
		foreach (lc, change->written)
			lake_file_discard(lfirst(lc));
	}
}
