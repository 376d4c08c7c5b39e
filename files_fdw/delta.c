/*
 * delta.c
 *		Delta Lake's log: _delta_log/N.json, a line for each action.
 *
 * Written is what every reader knows: protocol 1 and 2, or 3 and 7 with timestampNtz alone where a column needs that.
 * Logs of others are followed as long as they ask for no more, from the newest checkpoint on where their beginning is
 * gone.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/json.h"
#include "common/attribute.h"
#include "files_fdw/delta_checkpoint.h"
#include "files_fdw/lake_log.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/memutils.h"

#define FOLDER "_delta_log"

/* -- reading -- */

pg_noreturn static void
not_followed(const LakeState *state, const char *why, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("the Delta log of folder \"%s\" of server \"%s\" cannot be followed", state->folder,
						   state->root->server),
					errdetail("%s", why), errhint("%s", hint)));
}

#define OTHERS_LAKE "Write to a folder of its own: only its own writer can follow such a lake."

/* Of what another writer has made, what a version of ours would have to respect */
static void
check_features(const LakeState *state, Json *list)
{
	static const char *const known[] = {"timestampNtz", "appendOnly", "invariants"};

	for (int i = 0; i < json_count(list); i++)
	{
		const char *word = json_item_words(list, i);
		bool found = false;

		for (int j = 0; word && j < lengthof(known); j++)
			found |= strcmp(word, known[j]) == 0;
		if (!found)
			not_followed(state, psprintf("It needs the feature \"%s\".", word ? word : "?"), OTHERS_LAKE);
	}
}

static void
take_protocol(LakeState *state, Json *protocol)
{
	int64 reader = json_int(json_member(protocol, "minReaderVersion"));
	int64 writer = json_int(json_member(protocol, "minWriterVersion"));

	if ((reader != 1 && reader != 3) || (writer > 2 && writer != 7))
		not_followed(state,
					 psprintf("It needs reader version " INT64_FORMAT " and writer version " INT64_FORMAT ".", reader,
							  writer),
					 OTHERS_LAKE);
	check_features(state, json_member(protocol, "readerFeatures"));
	check_features(state, json_member(protocol, "writerFeatures"));
	state->has_protocol = true;
}

/* What stays of metadata when columns come: its name, its description, how it is configured; UTF-8 */
static char *
kept_metadata(Json *metadata)
{
	static const char *const names[] = {"name", "description", "configuration"};
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < lengthof(names); i++)
	{
		Json *part = json_member(metadata, names[i]);

		if (part)
		{
			char *text = json_print(part);

			appendStringInfo(&out, ",\"%s\":%s", names[i], pg_server_to_any(text, (int) strlen(text), PG_UTF8));
		}
	}
	return out.data;
}

static void
take_metadata(LakeState *state, Json *metadata)
{
	Json *configuration = json_member(metadata, "configuration");
	Json *partitions = json_member(metadata, "partitionColumns");
	Json *format = json_member(metadata, "format");
	const char *schema = json_text(metadata, "schemaString");
	const char *append = json_text(configuration, "delta.appendOnly");
	const char *provider = json_text(format, "provider");
	const char *id = json_text(metadata, "id");

	if (schema == NULL || id == NULL || (provider && strcmp(provider, "parquet") != 0))
		not_followed(state, "Its metadata have no schema, no id, or another format than Parquet.", OTHERS_LAKE);
	/* a lake that was not there has not changed: whether ours can follow, delta_check() tells */
	if (state->schema != NULL && strcmp(state->schema, schema) != 0)
		state->schemas++;
	state->schema = pstrdup(schema);
	state->id = pstrdup(id);
	state->kept = kept_metadata(metadata);
	state->append_only = append && strcmp(append, "true") == 0;
	state->partitions = NIL;
	for (int i = 0; i < json_count(partitions); i++)
		state->partitions = lappend(state->partitions, pstrdup(json_item_words(partitions, i)));
}

static int
hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
																			   : -1;
}

/* A path as the log has it is a part of an address: %20 is a blank */
static char *
path_decoded(const char *path)
{
	char *result = palloc(strlen(path) + 1);
	char *to = result;

	for (const char *p = path; *p; p++)
	{
		if (*p == '%' && hex_of(p[1]) >= 0 && hex_of(p[2]) >= 0)
		{
			*to++ = (char) (hex_of(p[1]) << 4 | hex_of(p[2]));
			p += 2;
		}
		else
			*to++ = *p;
	}
	*to = '\0';
	return result;
}

static void
path_encoded(StringInfo out, const char *path)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const unsigned char *p = (const unsigned char *) path; *p; p++)
	{
		if (isalnum(*p) && *p < 0x80)
			appendStringInfoChar(out, (char) *p);
		else if (strchr("-_.~/=", *p))
			appendStringInfoChar(out, (char) *p);
		else
			appendStringInfo(out, "%%%c%c", hex[*p >> 4], hex[*p & 15]);
	}
}

static void
visit_value(const char *name, Json *value, void *arg)
{
	LakeEntry *entry = arg;
	LakePair *pair = palloc(sizeof(LakePair));

	pair->name = pstrdup(name);
	pair->value = NULL;
	entry->values = lappend(entry->values, pair);
}

/* -- files by what the log calls them: each action asks for one -- */

typedef struct Known
{
	const char *logged;
	LakeEntry *entry;
} Known;

static uint32
hash_logged(const void *key, Size size)
{
	const char *logged = *(const char *const *) key;

	return DatumGetUInt32(hash_any((const unsigned char *) logged, (int) strlen(logged)));
}

static int
match_logged(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
know_file(LakeState *state, LakeEntry *entry)
{
	Known *known = hash_search(state->known, &entry->logged, HASH_ENTER, NULL);

	known->entry = entry;
}

static void
know_files(LakeState *state, MemoryContext context)
{
	HASHCTL how = {.keysize = sizeof(char *),
				   .entrysize = sizeof(Known),
				   .hash = hash_logged,
				   .match = match_logged,
				   .hcxt = context};
	ListCell *lc;

	state->known = hash_create("files of a Delta log", Max(list_length(state->entries), 256), &how,
							   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	foreach (lc, state->entries)
		know_file(state, lfirst(lc));
}

static void
forget_file(LakeState *state, const char *logged)
{
	Known *known = hash_search(state->known, &logged, HASH_REMOVE, NULL);

	if (known)
		known->entry->gone = true;
}

/* What the log has taken out is an entry no more */
static void
drop_gone(LakeState *state)
{
	List *left = NIL;
	ListCell *lc;

	foreach (lc, state->entries)
	{
		if (!((LakeEntry *) lfirst(lc))->gone)
			left = lappend(left, lfirst(lc));
	}
	list_free(state->entries);
	state->entries = left;
	state->known = NULL;
}

/* As many as a file's statistics say; -1: they do not */
static int64
rows_of(const char *stats, MemoryContext scratch)
{
	Json *parsed = stats ? json_parse(scratch, stats, strlen(stats)) : NULL;
	Json *rows = json_member(parsed, "numRecords");

	return rows ? json_int(rows) : -1;
}

static void
take_add(LakeState *state, Json *add, MemoryContext scratch)
{
	LakeEntry *entry = palloc0(sizeof(LakeEntry));
	const char *path = json_text(add, "path");
	const char *stats = json_text(add, "stats");
	Json *values = json_member(add, "partitionValues");
	ListCell *lc;

	if (path == NULL || strchr(path, ':') || *path == '/')
		not_followed(state, "It has files of other folders.", OTHERS_LAKE);
	if (json_member(add, "deletionVector"))
		not_followed(state, "It has files with deleted rows.", OTHERS_LAKE);
	forget_file(state, path);
	entry->old = true;
	entry->logged = pstrdup(path);
	entry->path = path_decoded(path);
	entry->size = json_int(json_member(add, "size"));
	entry->modified = json_int(json_member(add, "modificationTime"));
	entry->stats = stats ? pstrdup(stats) : NULL;
	entry->rows = rows_of(stats, scratch);
	if (values)
		json_visit(values, visit_value, entry);
	foreach (lc, entry->values)
	{
		LakePair *pair = lfirst(lc);
		const char *value = json_text(values, pair->name);

		pair->value = value ? pstrdup(value) : NULL;
	}
	state->entries = lappend(state->entries, entry);
	know_file(state, entry);
}

/* A line of the log.  What it leaves in the state is the state's memory */
static void
take_action(LakeState *state, const char *line, size_t len, MemoryContext scratch, bool *changed)
{
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Json *action = json_parse(scratch, line, len);
	Json *part;

	if (action == NULL)
		not_followed(state, "A line of it is not JSON.", "It was not written by a writer of Delta, or is damaged.");
	MemoryContextSwitchTo(state->context);
	if ((part = json_member(action, "protocol")) != NULL)
		take_protocol(state, part);
	if ((part = json_member(action, "metaData")) != NULL)
		take_metadata(state, part);
	if ((part = json_member(action, "add")) != NULL)
	{
		take_add(state, part, scratch);
		*changed = true;
	}
	if ((part = json_member(action, "remove")) != NULL && json_text(part, "path"))
	{
		LakeEntry *removed = palloc0(sizeof(LakeEntry));

		forget_file(state, json_text(part, "path"));
		removed->path = path_decoded(json_text(part, "path"));
		removed->modified = json_int(json_member(part, "deletionTimestamp"));
		state->removed = lappend(state->removed, removed);
		*changed = true;
	}
	if ((part = json_member(action, "txn")) != NULL && json_text(part, "appId"))
		lake_mark_set(state, json_text(part, "appId"), json_int(json_member(part, "version")));
	MemoryContextSwitchTo(old);
	MemoryContextReset(scratch);
}

static void
take_version(LakeState *state, const FileInfo *file, MemoryContext scratch)
{
	size_t len;
	char *text = lake_log_read(state, file, &len);
	bool changed = false;

	for (const char *p = text; p < text + len;)
	{
		const char *end = memchr(p, '\n', text + len - p);
		size_t n = (end ? end : text + len) - p;

		if (strspn(p, " \t\r") < n)
			take_action(state, p, n, scratch, &changed);
		p += n + 1;
	}
	pfree(text);
	if (changed)
		state->changes++;
}

static int
by_version(const ListCell *a, const ListCell *b)
{
	int64 x = lake_log_version(((FileInfo *) lfirst(a))->path);
	int64 y = lake_log_version(((FileInfo *) lfirst(b))->path);

	return x < y ? -1 : x > y;
}

/* -- where a log begins -- */

typedef struct Beginning
{
	LakeState *state;
	MemoryContext scratch;
	bool changed;
} Beginning;

static void
take_line(const char *line, size_t len, void *arg)
{
	Beginning *b = arg;

	take_action(b->state, line, len, b->scratch, &b->changed);
}

/* Where version 0 is gone, all before the newest checkpoint is in it */
static void
take_beginning(LakeState *state, List *files, MemoryContext scratch)
{
	Beginning b = {state, scratch};
	List *newest;
	int64 version;
	ListCell *lc;

	foreach (lc, files)
	{
		if (lake_log_version(((FileInfo *) lfirst(lc))->path) == 0)
			return;
	}
	newest = delta_checkpoint_newest(files, &version);
	if (newest == NIL)
		return;
	foreach (lc, newest)
		delta_checkpoint_read(state, lfirst(lc), take_line, &b);
	if (state->schema == NULL)
		not_followed(state, psprintf("Its checkpoint of version " INT64_FORMAT " has no metadata.", version),
					 "It was not written by a writer of Delta, or is damaged.");
	state->version = version;
	state->changes++;
}

static void
delta_advance(LakeState *state)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "delta log", ALLOCSET_DEFAULT_SIZES);
	MemoryContext scratch = AllocSetContextCreate(context, "delta action", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	List *files = state->root->write->all(state->root, psprintf("%s/" FOLDER, state->folder));
	List *versions = NIL;
	ListCell *lc;

	know_files(state, context);
	if (state->version < 0)
		take_beginning(state, files, scratch);
	foreach (lc, files)
	{
		if (lake_log_version(((FileInfo *) lfirst(lc))->path) > state->version)
			versions = lappend(versions, lfirst(lc));
	}
	list_sort(versions, by_version);
	foreach (lc, versions)
	{
		const FileInfo *file = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (lake_log_version(file->path) != state->version + 1)
			not_followed(state,
						 psprintf("Version " INT64_FORMAT " is missing: it was merged into a checkpoint, or is lost.",
								  state->version + 1),
						 "Only logs that exist from version 0 on, or from a whole checkpoint on, can be followed.");
		take_version(state, file, scratch);
		state->version++;
	}
	if (state->version >= 0 && !state->has_protocol)
		not_followed(state, "It has no protocol.", "It was not written by a writer of Delta, or is damaged.");
	MemoryContextSwitchTo(state->context);
	drop_gone(state);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* -- what can follow -- */

static Json *
schema_fields(const LakeState *state)
{
	char *utf8 = pg_server_to_any(state->schema, (int) strlen(state->schema), PG_UTF8);

	return json_member(json_parse(CurrentMemoryContext, utf8, strlen(utf8)), "fields");
}

static Json *
field_named(Json *fields, const char *name)
{
	for (int i = 0; i < json_count(fields); i++)
	{
		const char *other = json_text(json_item(fields, i), "name");

		if (other && pg_strcasecmp(other, name) == 0)
			return json_item(fields, i);
	}
	return NULL;
}

static void
check_field(const LakeState *state, const LakeCommit *commit, Json *field)
{
	Json *metadata = json_member(field, "metadata");
	const char *name = json_text(field, "name");

	if (!json_true(json_member(field, "nullable")))
		not_followed(state, psprintf("Its column \"%s\" must not be null.", name), OTHERS_LAKE);
	if (metadata && strstr(json_print(metadata), "delta.") != NULL)
		not_followed(state, psprintf("Its column \"%s\" has conditions.", name), OTHERS_LAKE);
	for (int i = 0; i < commit->ncolumns; i++)
	{
		const LakeColumn *c = &commit->columns[i];
		const char *type = json_text(field, "type");

		if (pg_strcasecmp(c->name, name) != 0)
			continue;
		if (strcmp(c->name, name) != 0 || type == NULL || strcmp(type, c->delta) != 0)
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
							errmsg("column \"%s\" of foreign table \"%s\" differs from the lake's", c->name,
								   commit->table),
							errdetail("It would be \"%s\" of type %s; the lake has \"%s\" of type %s.", c->name,
									  c->delta, name, type ? type : "of several parts"),
							errhint("Declare it as the lake has it, or write to another folder.")));
	}
}

static void
delta_check(const LakeState *state, const LakeCommit *commit)
{
	Json *fields;

	lake_check_columns(commit, true);
	if (state->version < 0)
		return;
	if (state->schema == NULL)
		not_followed(state, "It does not describe the table.", OTHERS_LAKE);
	if (state->append_only && lake_gone(state, commit) != NIL)
		not_followed(state, "The lake is one that only grows (delta.appendOnly).", OTHERS_LAKE);
	fields = schema_fields(state);
	for (int i = 0; i < json_count(fields); i++)
		check_field(state, commit, json_item(fields, i));
	lake_check_folders(state, commit);
}

/* -- writing -- */

static void
put_field(StringInfo out, const LakeColumn *c)
{
	appendStringInfoString(out, "{\"name\":");
	json_append_string(out, c->name);
	appendStringInfo(out, ",\"type\":\"%s\",\"nullable\":true,\"metadata\":{}}", c->delta);
}

/* The lake's columns as they are, and ours that it does not have, counted; of local times others, too */
static int
schema_of(const LakeState *state, const LakeCommit *commit, StringInfo out, bool *local_times)
{
	Json *fields = state->schema ? schema_fields(state) : NULL;
	int more = 0;
	const char *comma = "";

	*local_times = false;
	appendStringInfoString(out, "{\"type\":\"struct\",\"fields\":[");
	for (int i = 0; i < json_count(fields); i++)
	{
		char *field = json_print(json_item(fields, i));

		appendStringInfo(out, "%s%s", comma, pg_server_to_any(field, (int) strlen(field), PG_UTF8));
		comma = ",";
	}
	for (int i = 0; i < commit->ncolumns; i++)
	{
		if (fields && field_named(fields, commit->columns[i].name))
			continue;
		appendStringInfoString(out, comma);
		put_field(out, &commit->columns[i]);
		comma = ",";
		*local_times |= commit->columns[i].kind == LAKE_TIMESTAMP;
		more++;
	}
	appendStringInfoString(out, "]}");
	return more;
}

/* The features that older protocols take for granted are named with the newer one */
static void
put_protocol(StringInfo out, bool local_times)
{
	if (local_times)
		appendStringInfoString(out, "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,"
									"\"readerFeatures\":[\"timestampNtz\"],"
									"\"writerFeatures\":[\"timestampNtz\",\"appendOnly\",\"invariants\"]}}\n");
	else
		appendStringInfoString(out, "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n");
}

static void
put_metadata(StringInfo out, const LakeState *state, const LakeCommit *commit, const char *schema)
{
	appendStringInfo(out, "{\"metaData\":{\"id\":\"%s\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
						  "\"schemaString\":",
					 state->id ? state->id : commit->nonce);
	escape_json(out, schema);
	appendStringInfoString(out, ",\"partitionColumns\":");
	lake_put_folders(out, commit);
	appendStringInfo(out, "%s,\"createdTime\":" INT64_FORMAT "}}\n",
					 state->kept ? state->kept : ",\"configuration\":{}",
					 commit->now);
}

static void
put_path(StringInfo out, const LakeEntry *entry)
{
	StringInfoData path;

	if (entry->logged)
	{
		json_append_string(out, entry->logged);
		return;
	}
	initStringInfo(&path);
	path_encoded(&path, entry->path);
	json_append_string(out, path.data);
}

static void
put_add(StringInfo out, const LakeEntry *entry)
{
	appendStringInfoString(out, "{\"add\":{\"path\":");
	put_path(out, entry);
	appendStringInfoString(out, ",\"partitionValues\":");
	lake_put_values(out, entry->values);
	appendStringInfo(out, ",\"size\":" INT64_FORMAT ",\"modificationTime\":" INT64_FORMAT ",\"dataChange\":true",
					 entry->size,
					 entry->modified);
	if (entry->stats)
	{
		appendStringInfoString(out, ",\"stats\":");
		/* it is UTF-8 already */
		escape_json(out, entry->stats);
	}
	appendStringInfoString(out, "}}\n");
}

static void
put_remove(StringInfo out, const LakeEntry *entry, int64 now)
{
	appendStringInfoString(out, "{\"remove\":{\"path\":");
	put_path(out, entry);
	appendStringInfo(out, ",\"deletionTimestamp\":" INT64_FORMAT ",\"dataChange\":true,"
						  "\"extendedFileMetadata\":true,\"partitionValues\":",
					 now);
	lake_put_values(out, entry->values);
	appendStringInfo(out, ",\"size\":" INT64_FORMAT "}}\n", entry->size);
}

static void
delta_write(const LakeState *state, const LakeCommit *commit, StringInfo out)
{
	StringInfoData schema;
	bool local_times;
	int more;
	ListCell *lc;

	initStringInfo(&schema);
	more = schema_of(state, commit, &schema, &local_times);
	appendStringInfo(out, "{\"commitInfo\":{\"timestamp\":" INT64_FORMAT ",\"operation\":\"WRITE\","
						  "\"operationParameters\":{\"mode\":\"%s\"},"
						  "\"isBlindAppend\":%s,\"engineInfo\":\"%s\",\"txnId\":\"%s\"}}\n",
					 commit->now, commit->replaces || commit->gone ? "Overwrite" : "Append",
					 commit->replaces || commit->gone ? "false" : "true",
					 "pg_ingest " EXTENSION_VERSION, commit->nonce);
	if (state->version < 0 || local_times)
		put_protocol(out, local_times);
	if (state->version < 0 || more > 0)
		put_metadata(out, state, commit, schema.data);
	foreach (lc, commit->marks)
	{
		const LakeMark *mark = lfirst(lc);

		appendStringInfoString(out, "{\"txn\":{\"appId\":");
		json_append_string(out, mark->app);
		appendStringInfo(out, ",\"version\":" INT64_FORMAT ",\"lastUpdated\":" INT64_FORMAT "}}\n", mark->version,
						 commit->now);
	}
	foreach (lc, lake_gone(state, commit))
		put_remove(out, lfirst(lc), commit->now);
	foreach (lc, commit->adds)
		put_add(out, lfirst(lc));
}

/* -- what may go -- */

static List *
delta_needed(LakeState *state, int64 since)
{
	List *paths = NIL;
	ListCell *lc;

	foreach (lc, state->removed)
	{
		const LakeEntry *entry = lfirst(lc);

		if (entry->modified >= since)
			paths = lappend(paths, entry->path);
	}
	return paths;
}

/* Without checkpoints the log is needed from its beginning on */
static List *
delta_spent(LakeState *state, int64 since)
{
	return NIL;
}

const LakeLogRoutine delta_log_routine = {FOLDER, delta_advance, delta_check, delta_write, delta_needed, delta_spent};
