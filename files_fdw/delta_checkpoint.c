/*
 * delta_checkpoint.c
 *		Checkpoints of Delta Lake's log.
 *
 * Each row has one action: of the columns add, remove, metaData, protocol and txn one is not null, and it is a struct
 * whose fields are those of the action's JSON.  Of files only what is asked for is read: beside it writers keep
 * statistics and tags of any type, with values that PostgreSQL may not be able to hold.
 */
#include "postgres.h"

#include "files_fdw/delta_checkpoint.h"
#include "files_fdw/parquet_nest.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#define BLOCK_BYTES (1024 * 1024) /* that are read at once */
#define PART_DIGITS 10

typedef struct Kind
{
	const char *name;
	const char *const *members; /* that are asked for; NULL: all */
} Kind;

static const char *const of_add[] = {"path", "partitionValues", "size", "modificationTime", "stats", "deletionVector",
									 NULL};
static const char *const of_remove[] = {"path", "deletionTimestamp", NULL};
static const Kind kinds[] = {{"protocol"}, {"metaData"}, {"add", of_add}, {"remove", of_remove}, {"txn"}};

typedef struct Checkpoint
{
	ParquetSource source;
	ParquetMeta *meta;
	ParquetNest *nests[lengthof(kinds)]; /* NULL: it has none of the kind */
	MemoryContext row;
	void (*take)(const char *line, size_t len, void *arg);
	void *arg;
} Checkpoint;

/* -- which there are -- */

/* Of N.checkpoint.0000000001.0000000003.parquet, the first part of three; false: it is none in parts */
static bool
is_part(const char *path, int64 *version, int *part, int *parts)
{
	const char *slash = strrchr(path, '/');
	const char *mark = strstr(slash ? slash : path, ".checkpoint.");
	const char *ending = mark ? mark + strlen(".checkpoint.") : NULL;
	int end = 0;

	if (mark == NULL || sscanf(ending, "%10d.%10d.parquet%n", part, parts, &end) != 2 || end == 0 || ending[end] != '\0')
		return false;
	*version = lake_log_version_of(path, mark);
	return *version >= 0 && *part >= 1 && *part <= *parts && strspn(ending, "0123456789") == PART_DIGITS &&
		   strspn(ending + PART_DIGITS + 1, "0123456789") == PART_DIGITS;
}

/* All parts of a version, of which there are so many; NIL: one is not there */
static List *
all_parts(List *files, int64 version, int parts)
{
	List *found = NIL;
	ListCell *lc;

	foreach (lc, files)
	{
		int64 v;
		int part,
			of;

		if (is_part(((FileInfo *) lfirst(lc))->path, &v, &part, &of) && v == version && of == parts)
			found = lappend(found, lfirst(lc));
	}
	return list_length(found) == parts ? found : NIL;
}

List *
delta_checkpoint_newest(List *files, int64 *version)
{
	List *newest = NIL;
	ListCell *lc;

	*version = -1;
	foreach (lc, files)
	{
		FileInfo *file = lfirst(lc);
		int64 at = lake_log_version_of(file->path, ".checkpoint.parquet");
		List *found = NIL;
		int part,
			parts;

		if (at > *version)
			found = list_make1(file);
		else if (is_part(file->path, &at, &part, &parts) && part == 1 && at > *version)
			found = all_parts(files, at, parts);
		if (found == NIL)
			continue;
		newest = found;
		*version = at;
	}
	return newest;
}

/* -- what is in one -- */

static void
open_kinds(Checkpoint *c)
{
	const ParquetNode *root = &c->meta->nodes[0];
	const ParquetNode *node = root + 1;

	for (int k = 0; k < root->children; k++, node = &c->meta->nodes[node->end])
	{
		for (int i = 0; i < lengthof(kinds); i++)
		{
			ParquetNest *nest;

			if (strcmp(node->name, kinds[i].name) != 0 || parquet_meaning(node) != MEAN_NESTED)
				continue;
			nest = nest_new(&c->source, c->meta, node, BLOCK_BYTES, true);
			if (kinds[i].members == NULL || node->repetition == PARQUET_REPEATED || nest_take(nest, kinds[i].members))
				c->nests[i] = nest;
		}
	}
}

static void
take_row(Checkpoint *c, int64 row)
{
	for (int i = 0; i < lengthof(kinds); i++)
	{
		Place place = {.file = c->source.path, .position = row};
		Complaint complaint = {.column = kinds[i].name};
		StringInfoData line;
		Datum value;
		bool isnull;
		char *utf8;

		if (c->nests[i] == NULL)
			continue;
		if (!nest_value(c->nests[i], row, &value, &isnull, &complaint))
			complaint_raise(&complaint, &place);
		if (isnull)
			continue;
		initStringInfo(&line);
		appendStringInfo(&line, "{\"%s\":", kinds[i].name);
		(void) JsonbToCString(&line, &DatumGetJsonbP(value)->root, -1);
		appendStringInfoChar(&line, '}');
		utf8 = pg_server_to_any(line.data, line.len, PG_UTF8);
		c->take(utf8, strlen(utf8), c->arg);
	}
}

static void
take_group(Checkpoint *c, int group)
{
	const ParquetGroup *g = &c->meta->groups[group];
	const ParquetChunk *chunks = parquet_group_chunks(&c->source, c->meta, group);
	MemoryContext old;

	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (c->nests[i])
			nest_group(c->nests[i], group, chunks, g->first);
	}
	old = MemoryContextSwitchTo(c->row);
	for (int64 row = g->first; row < g->first + g->rows; row++)
	{
		CHECK_FOR_INTERRUPTS();
		take_row(c, row);
		MemoryContextReset(c->row);
	}
	MemoryContextSwitchTo(old);
}

void
delta_checkpoint_read(LakeState *state, const FileInfo *file, void (*take)(const char *line, size_t len, void *arg),
					  void *arg)
{
	RootFile *open = state->root->routine->open(state->root, file);
	Checkpoint c = {.source = {.file = open, .path = file->path, .size = file->size}, .take = take, .arg = arg};

	c.row = AllocSetContextCreate(CurrentMemoryContext, "delta checkpoint", ALLOCSET_DEFAULT_SIZES);
	c.meta = parquet_meta_read(&c.source);
	open_kinds(&c);
	for (int group = 0; group < c.meta->ngroups; group++)
		take_group(&c, group);
	MemoryContextDelete(c.row);
	state->root->routine->close(open);
}
