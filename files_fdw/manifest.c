/*
 * manifest.c
 *		A plain list of a folder's files: _manifest/N.json, of which the newest one is true.
 *
 * Each version has the whole list, so that who reads needs one file of it.
 */
#include "postgres.h"

#include "common/json.h"
#include "common/attribute.h"
#include "files_fdw/lake_log.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define FOLDER "_manifest"

/* -- reading -- */

pg_noreturn static void
not_ours(const LakeState *state, const char *path)
{
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_STRING_FORMAT),
					errmsg("\"%s\" of server \"%s\" is not a manifest", path, state->root->server),
					errhint("It was not written by files_fdw, or is damaged.")));
}

static void
take_name(const char *name, Json *value, void *arg)
{
	LakePair *pair = palloc0(sizeof(LakePair));

	pair->name = pstrdup(name);
	*(List **) arg = lappend(*(List **) arg, pair);
}

static void
take_file(LakeState *state, const char *where, Json *file)
{
	LakeEntry *entry = palloc0(sizeof(LakeEntry));
	Json *values = json_member(file, "values");
	const char *path = json_text(file, "path");
	ListCell *lc;

	if (path == NULL)
		not_ours(state, where);
	entry->old = true;
	entry->path = pstrdup(path);
	entry->size = json_int(json_member(file, "size"));
	entry->rows = json_int(json_member(file, "rows"));
	entry->modified = json_int(json_member(file, "modified"));
	if (values)
		json_visit(values, take_name, &entry->values);
	foreach (lc, entry->values)
	{
		LakePair *pair = lfirst(lc);
		const char *value = json_text(values, pair->name);

		pair->value = value ? pstrdup(value) : NULL;
	}
	state->entries = lappend(state->entries, entry);
}

static void
take_manifest(LakeState *state, const FileInfo *info, MemoryContext scratch)
{
	size_t len;
	char *text = lake_log_read(state, info, &len);
	Json *manifest = json_parse(scratch, text, len);
	Json *files = json_member(manifest, "files");
	Json *partitions = json_member(manifest, "partitions");
	Json *marks = json_member(manifest, "marks");
	List *names = NIL;
	ListCell *lc;
	MemoryContext old;

	if (!json_is_array(files) || json_int(json_member(manifest, "version")) != lake_log_version(info->path))
		not_ours(state, info->path);
	old = MemoryContextSwitchTo(state->context);
	state->schema = json_print(json_member(manifest, "columns"));
	state->partitions = NIL;
	state->entries = NIL;
	for (int i = 0; i < json_count(partitions); i++)
		state->partitions = lappend(state->partitions, pstrdup(json_item_words(partitions, i)));
	for (int i = 0; i < json_count(files); i++)
		take_file(state, info->path, json_item(files, i));
	if (marks)
		json_visit(marks, take_name, &names);
	foreach (lc, names)
	{
		const LakePair *pair = lfirst(lc);

		lake_mark_set(state, pair->name, json_int(json_member(marks, pair->name)));
	}
	MemoryContextSwitchTo(old);
}

static int
by_version(const ListCell *a, const ListCell *b)
{
	int64 x = lake_log_version(((FileInfo *) lfirst(a))->path);
	int64 y = lake_log_version(((FileInfo *) lfirst(b))->path);

	return x < y ? -1 : x > y;
}

/* Those that are there, as FileInfo, in their order */
static List *
manifests(const LakeState *state)
{
	List *found = NIL;
	ListCell *lc;

	foreach (lc, state->root->write->all(state->root, psprintf("%s/" FOLDER, state->folder)))
	{
		if (lake_log_version(((FileInfo *) lfirst(lc))->path) >= 0)
			found = lappend(found, lfirst(lc));
	}
	list_sort(found, by_version);
	return found;
}

static void
manifest_advance(LakeState *state)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "manifest", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List *found = manifests(state);
	const FileInfo *newest = found ? llast(found) : NULL;

	if (newest && lake_log_version(newest->path) > state->version)
	{
		take_manifest(state, newest, context);
		state->version = lake_log_version(newest->path);
		state->changes++;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* -- what can follow -- */

static void
check_column(const LakeCommit *commit, Json *column)
{
	const char *name = json_text(column, "name");
	const char *type = json_text(column, "type");

	for (int i = 0; name && type && i < commit->ncolumns; i++)
	{
		const LakeColumn *c = &commit->columns[i];

		if (strcmp(c->name, name) == 0 && strcmp(c->delta, type) != 0)
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
							errmsg("column \"%s\" of foreign table \"%s\" differs from the lake's", c->name,
								   commit->table),
							errdetail("It would be of type %s; the lake has type %s.", c->delta, type),
							errhint("Declare it as the lake has it, or write to another folder.")));
	}
}

static void
manifest_check(const LakeState *state, const LakeCommit *commit)
{
	Json *columns;
	char *utf8;

	lake_check_columns(commit, false);
	/* what is replaced may become another table */
	if (state->version < 0 || commit->replaces || state->entries == NIL)
		return;
	utf8 = pg_server_to_any(state->schema, (int) strlen(state->schema), PG_UTF8);
	columns = json_parse(CurrentMemoryContext, utf8, strlen(utf8));
	for (int i = 0; i < json_count(columns); i++)
		check_column(commit, json_item(columns, i));
	lake_check_folders(state, commit);
}

/* -- writing -- */

static void
put_file(StringInfo out, const LakeEntry *entry, bool first)
{
	appendStringInfoString(out, first ? "\n{\"path\":" : ",\n{\"path\":");
	json_append_string(out, entry->path);
	appendStringInfo(out, ",\"size\":" INT64_FORMAT ",\"rows\":" INT64_FORMAT ",\"modified\":" INT64_FORMAT,
					 entry->size,
					 entry->rows, entry->modified);
	if (entry->values != NIL)
	{
		appendStringInfoString(out, ",\"values\":");
		lake_put_values(out, entry->values);
	}
	appendStringInfoChar(out, '}');
}

static void
put_columns(StringInfo out, const LakeCommit *commit)
{
	appendStringInfoString(out, ",\"columns\":[");
	for (int i = 0; i < commit->ncolumns; i++)
	{
		appendStringInfoString(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		json_append_string(out, commit->columns[i].name);
		appendStringInfo(out, ",\"type\":\"%s\"}", commit->columns[i].delta);
	}
	appendStringInfoString(out, "],\"partitions\":");
	lake_put_folders(out, commit);
}

/* Marks of all writers: the newest manifest is all there is of them */
static void
put_marks(StringInfo out, const LakeState *state, const LakeCommit *commit)
{
	List *marks = list_copy(commit->marks);
	ListCell *lc;

	foreach (lc, state->marks)
	{
		const LakeMark *mark = lfirst(lc);
		bool ours = false;
		ListCell *other;

		foreach (other, commit->marks)
			ours |= strcmp(((const LakeMark *) lfirst(other))->app, mark->app) == 0;
		if (!ours)
			marks = lappend(marks, lfirst(lc));
	}
	appendStringInfoString(out, ",\"marks\":{");
	foreach (lc, marks)
	{
		const LakeMark *mark = lfirst(lc);

		if (foreach_current_index(lc) > 0)
			appendStringInfoChar(out, ',');
		json_append_string(out, mark->app);
		appendStringInfo(out, ":" INT64_FORMAT, mark->version);
	}
	appendStringInfoChar(out, '}');
}

static void
manifest_write(const LakeState *state, const LakeCommit *commit, StringInfo out)
{
	List *files = list_concat(lake_kept(state, commit), commit->adds);
	ListCell *lc;

	appendStringInfo(out, "{\"version\":" INT64_FORMAT ",\"timestamp\":" INT64_FORMAT, state->version + 1, commit->now);
	appendStringInfo(out, ",\"engine\":\"%s\",\"id\":\"%s\",\"format\":\"parquet\"",
					 "pg_ingest " EXTENSION_VERSION, commit->nonce);
	put_columns(out, commit);
	put_marks(out, state, commit);
	appendStringInfoString(out, ",\"files\":[");
	foreach (lc, files)
		put_file(out, lfirst(lc), foreach_current_index(lc) == 0);
	appendStringInfoString(out, "]}\n");
}

/* -- what may go -- */

static int64
millis_of(const FileInfo *file)
{
	return (file->modified + PARQUET_EPOCH_MICROS) / 1000;
}

/* Manifests that were the newest one at some time since then: what came since, and what stood then */
static List *
since_then(const LakeState *state, int64 since, bool others)
{
	List *found = manifests(state);
	List *result = NIL;

	for (int i = 0; i < list_length(found); i++)
	{
		bool replaced = i + 1 < list_length(found) && millis_of(list_nth(found, i + 1)) < since;

		if (replaced == others)
			result = lappend(result, list_nth(found, i));
	}
	return result;
}

static List *
manifest_needed(LakeState *state, int64 since)
{
	List *paths = NIL;
	ListCell *lc;

	foreach (lc, since_then(state, since, false))
	{
		LakeState then = {.root = state->root, .folder = state->folder, .context = CurrentMemoryContext, .version = -1};
		ListCell *entry;

		CHECK_FOR_INTERRUPTS();
		take_manifest(&then, lfirst(lc), CurrentMemoryContext);
		foreach (entry, then.entries)
			paths = lappend(paths, ((LakeEntry *) lfirst(entry))->path);
	}
	return paths;
}

static List *
manifest_spent(LakeState *state, int64 since)
{
	return since_then(state, since, true);
}

const LakeLogRoutine manifest_log_routine = {FOLDER, manifest_advance, manifest_check,
											 manifest_write, manifest_needed, manifest_spent};
