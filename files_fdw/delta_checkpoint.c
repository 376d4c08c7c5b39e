/*
 * delta_checkpoint.c
 *		Checkpoints of Delta Lake's log.
 *
 * Each row has one action: of the columns add, remove, metaData, protocol and txn one is not null, and it is a struct
 * whose fields are those of the action's JSON.
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

static const char *const kinds[] = {"protocol", "metaData", "add", "remove", "txn"};

typedef struct Checkpoint
{
	ParquetSource source;
	ParquetMeta *meta;
	ParquetNest *nests[lengthof(kinds)]; /* NULL: it has none of the kind */
	MemoryContext row;
	void (*take)(const char *line, size_t len, void *arg);
	void *arg;
} Checkpoint;

int64
delta_checkpoint_version(const char *path)
{
	return lake_log_version_of(path, ".checkpoint.parquet");
}

static void
open_kinds(Checkpoint *c)
{
	const ParquetNode *root = &c->meta->nodes[0];
	const ParquetNode *node = root + 1;

	for (int k = 0; k < root->children; k++, node = &c->meta->nodes[node->end])
	{
		for (int i = 0; i < lengthof(kinds); i++)
		{
			if (strcmp(node->name, kinds[i]) == 0 && parquet_meaning(node) == MEAN_NESTED)
				c->nests[i] = nest_new(&c->source, c->meta, node, BLOCK_BYTES, true);
		}
	}
}

static void
take_row(Checkpoint *c, int64 row)
{
	for (int i = 0; i < lengthof(kinds); i++)
	{
		ParquetPlace place = {-1, -1, kinds[i]};
		Complaint complaint = {0};
		StringInfoData line;
		Datum value;
		bool isnull;
		char *utf8;

		if (c->nests[i] == NULL)
			continue;
		if (!nest_value(c->nests[i], row, &value, &isnull, &complaint))
			parquet_damaged(&c->source, &place, "%s", complaint.reason);
		if (isnull)
			continue;
		initStringInfo(&line);
		appendStringInfo(&line, "{\"%s\":", kinds[i]);
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
