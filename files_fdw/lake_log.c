/*
 * lake_log.c
 *		What logs of lakes share: names of versions, marks of writers, values of folders, what a table must be like.
 */
#include "postgres.h"

#include "common/json.h"
#include "files_fdw/lake_log.h"
#include "utils/memutils.h"

#define VERSION_DIGITS 20
#define MOST_LOG_BYTES (512 * 1024 * 1024)

int64
lake_log_version_of(const char *path, const char *ending)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (strspn(name, "0123456789") != VERSION_DIGITS || strcmp(name + VERSION_DIGITS, ending) != 0)
		return -1;
	return strtoll(name, NULL, 10);
}

int64
lake_log_version(const char *path)
{
	return lake_log_version_of(path, ".json");
}

char *
lake_log_path(const LakeState *state, const LakeLogRoutine *log, int64 version)
{
	return psprintf("%s/%s/%0*lld.json", state->folder, log->folder, VERSION_DIGITS, (long long) version);
}

char *
lake_log_read(LakeState *state, const FileInfo *file, size_t *len)
{
	RootFile *open;
	char *text;

	if (file->size > MOST_LOG_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("file \"%s\" of server \"%s\" is too long for a log", file->path, state->root->server)));
	open = state->root->routine->open(state->root, file);
	text = palloc((size_t) file->size + 1);
	*len = state->root->routine->read(open, text, (size_t) file->size, 0);
	state->root->routine->close(open);
	text[*len] = '\0';
	return text;
}

int64
lake_mark(const LakeState *state, const char *app)
{
	ListCell *lc;

	foreach (lc, state->marks)
	{
		const LakeMark *mark = lfirst(lc);

		if (strcmp(mark->app, app) == 0)
			return mark->version;
	}
	return -1;
}

void
lake_mark_set(LakeState *state, const char *app, int64 version)
{
	MemoryContext old = MemoryContextSwitchTo(state->context);
	LakeMark *mark;
	ListCell *lc;

	foreach (lc, state->marks)
	{
		mark = lfirst(lc);
		if (strcmp(mark->app, app) == 0)
		{
			mark->version = version;
			MemoryContextSwitchTo(old);
			return;
		}
	}
	mark = palloc(sizeof(LakeMark));
	mark->app = pstrdup(app);
	mark->version = version;
	state->marks = lappend(state->marks, mark);
	MemoryContextSwitchTo(old);
}

char *
lake_value(List *values, const char *name)
{
	ListCell *lc;

	foreach (lc, values)
	{
		const LakePair *pair = lfirst(lc);

		if (strcmp(pair->name, name) == 0)
			return pair->value;
	}
	return NULL;
}

void
lake_put_values(StringInfo out, List *values)
{
	ListCell *lc;

	appendStringInfoChar(out, '{');
	foreach (lc, values)
	{
		const LakePair *pair = lfirst(lc);

		if (foreach_current_index(lc) > 0)
			appendStringInfoChar(out, ',');
		json_append_string(out, pair->name);
		appendStringInfoChar(out, ':');
		if (pair->value)
			json_append_string(out, pair->value);
		else
			appendStringInfoString(out, "null");
	}
	appendStringInfoChar(out, '}');
}

void
lake_put_folders(StringInfo out, const LakeCommit *commit)
{
	ListCell *lc;

	appendStringInfoChar(out, '[');
	foreach (lc, commit->partitions)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoChar(out, ',');
		json_append_string(out, ((const LakeColumn *) lfirst(lc))->name);
	}
	appendStringInfoChar(out, ']');
}

List *
lake_gone(const LakeState *state, const LakeCommit *commit)
{
	return commit->replaces ? state->entries : commit->gone;
}

List *
lake_kept(const LakeState *state, const LakeCommit *commit)
{
	return commit->replaces ? NIL : list_difference_ptr(state->entries, commit->gone);
}

/* -- what can follow -- */

static void
check_names(const LakeCommit *commit, const char *a, const char *b, bool fold_case)
{
	if (fold_case ? pg_strcasecmp(a, b) != 0 : strcmp(a, b) != 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_COLUMN), errmsg("foreign table \"%s\" has two columns \"%s\"", commit->table, b),
			 fold_case ? errdetail("Names in a Delta lake must differ by more than case.") : 0));
}

void
lake_check_columns(const LakeCommit *commit, bool fold_case)
{
	for (int i = 0; i < commit->ncolumns; i++)
	{
		for (int j = 0; j < i; j++)
			check_names(commit, commit->columns[j].name, commit->columns[i].name, fold_case);
	}
	if (list_length(commit->partitions) == commit->ncolumns)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_COLUMN_NUMBER),
						errmsg("foreign table \"%s\" has no columns except those of its folders", commit->table)));
}

void
lake_check_folders(const LakeState *state, const LakeCommit *commit)
{
	bool same = list_length(commit->partitions) == list_length(state->partitions);
	ListCell *ours,
		*theirs;

	forboth(ours, commit->partitions, theirs, state->partitions)
		same = same && strcmp(((const LakeColumn *) lfirst(ours))->name, lfirst(theirs)) == 0;
	if (!same)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_COLUMN_NUMBER),
						errmsg("foreign table \"%s\" has different folders than the lake", commit->table),
						errhint("Columns with option partition must be those of the lake, in its order.")));
}
