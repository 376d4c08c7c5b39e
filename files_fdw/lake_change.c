/*
 * lake_change.c
 *		What a transaction writes to a lake: what is known of it until it is a version.
 */
#include "postgres.h"

#include "files_fdw/lake_change.h"
#include "files_fdw/lake_table.h"
#include "foreign/foreign.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

char *
lake_random_name(void)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, gen_random_uuid(NULL)));
}

int64
lake_now(void)
{
	return (GetCurrentTimestamp() + PARQUET_EPOCH_MICROS) / 1000;
}

static void
take_columns(LakeChange *change, TupleDesc desc)
{
	Table *t = change->table;

	change->columns = palloc0(sizeof(LakeColumn) * Max(desc->natts, 1));
	change->data = palloc0(sizeof(LakeColumn *) * Max(desc->natts, 1));
	change->leaves = palloc0(sizeof(WrittenLeaf) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		LakeColumn *c = &change->columns[change->ncolumns];

		if (t->columns[i].dropped ||
			(t->columns[i].o.kind != COLUMN_DATA && t->columns[i].o.kind != COLUMN_PARTITION))
			continue;
		lake_column(c, t, TupleDescAttr(desc, i), t->o.layout == LAYOUT_DELTA);
		change->ncolumns++;
		if (t->columns[i].o.kind == COLUMN_PARTITION)
			change->partitions = lappend(change->partitions, c);
		else
		{
			change->leaves[change->ndata] = c->leaf;
			change->data[change->ndata++] = c;
		}
	}
}

static ParquetCodec
codec_of(const TableOptions *o)
{
	return o->compression == COMPRESS_NONE   ? PARQUET_UNCOMPRESSED
		   : o->compression == COMPRESS_GZIP ? PARQUET_GZIP
											 : PARQUET_ZSTD;
}

void
lake_change_commit(const LakeChange *change, LakeCommit *commit)
{
	memset(commit, 0, sizeof(LakeCommit));
	commit->table = change->table->name;
	commit->columns = change->columns;
	commit->ncolumns = change->ncolumns;
	commit->partitions = change->partitions;
	commit->now = lake_now();
	commit->nonce = lake_random_name();
}

LakeChange *
lake_change_new(Relation relation, Oid userid)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "lake change", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	LakeChange *change = palloc0(sizeof(LakeChange));
	LakeCommit commit;

	change->relid = RelationGetRelid(relation);
	change->userid = userid;
	change->desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));
	change->options = copyObject(GetForeignTable(change->relid)->options);
	change->context = context;
	change->row = AllocSetContextCreate(context, "lake row", ALLOCSET_DEFAULT_SIZES);
	change->table = table_open_fdw(change->relid, RelationGetDescr(relation), userid);
	lake_check_may_write(change->table);
	take_columns(change, RelationGetDescr(relation));
	change->codec = codec_of(&change->table->o);
	change->log = lake_log(change->table);
	change->state = lake_state(change->table);
	lake_change_commit(change, &commit);
	change->log->check(change->state, &commit);
	MemoryContextSwitchTo(old);
	return change;
}

int
lake_change_gone(const LakeChange *change, LakeCommit *commit)
{
	int start = 0;
	ListCell *lc;

	foreach (lc, change->written)
	{
		const LakeWritten *w = lfirst(lc);

		if (w->truncate)
		{
			start = foreach_current_index(lc) + 1;
			commit->replaces = true;
		}
		commit->gone = list_concat(commit->gone, w->gone);
	}
	return start;
}
