/*
 * version.c
 *		Versions of rows, written to ingest.change.
 *
 * They go straight into the partition of their day, a thousand at a time, as COPY does it: through a statement they
 * took as long again as what they tell of.  A partition that somebody gave triggers or constraints
 * gets them by a statement.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/index.h"
#include "catalog/pg_type_d.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/sync/version.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/xid8.h"

#define VERSIONS_AT_ONCE 1000
#define ENTRY_COLUMNS 2

/* The columns of ingest.change */
enum
{
	C_SEQ,
	C_SYNC,
	C_OPERATION,
	C_KEY,
	C_BEFORE,
	C_AFTER,
	C_SOURCE_TIME,
	C_SEEN_AT,
	C_RUN,
	C_XID,
	N_COLUMNS
};

static const char *const column_names[N_COLUMNS] = {
	"seq", "sync", "operation", "key", "before", "after", "source_time", "seen_at", "run", "xid"};

/* Of what is stored: its first five columns */
enum
{
	S_OPERATION,
	S_KEY,
	S_BEFORE,
	S_AFTER,
	S_SOURCE_TIME,
	S_COLUMNS
};

/* The entry of a row in an index of numbers */
typedef struct Entry
{
	int64 values[ENTRY_COLUMNS];
	ItemPointerData row;
} Entry;

/* Entries are made in the order of their index, which they would else be all over */
typedef struct Later
{
	Entry *entries;
	int64 n, room;
} Later;

typedef struct Writing
{
	Relation day;
	AttrNumber attributes[N_COLUMNS];
	Oid sequence;
	EState *estate;
	ResultRelInfo *relation;
	BulkInsertState bulk;
	TupleTableSlot *slots[VERSIONS_AT_ONCE];
	int n;
	Later *later; /* of each index; NULL: entries are made with the rows */
	int64 written;
	/* the same in all of them */
	Datum sync, seen_at, run, xid;
} Writing;

/* The partition of the moment that all rows of this transaction are seen at */
static Oid
partition_of_now(Oid schema)
{
	char *name = repo_value("SELECT 'change_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')");

	return get_relname_relid(name, schema);
}

/* Is a row of the table as it is put there, without anything that would have to look at it? */
static bool
is_plain(Relation table)
{
	TupleConstr *constraints = RelationGetDescr(table)->constr;

	return table->rd_rel->relkind == RELKIND_RELATION && table->trigdesc == NULL &&
		   (constraints == NULL || (constraints->num_check == 0 && !constraints->has_generated_stored));
}

/* By name: a partition may have been attached with another order */
static bool
find_columns(Writing *w)
{
	for (int i = 0; i < N_COLUMNS; i++)
	{
		w->attributes[i] = get_attnum(RelationGetRelid(w->day), column_names[i]);
		if (w->attributes[i] == InvalidAttrNumber)
			return false;
	}
	return true;
}

/* Are all columns numbers, and do all rows have an entry? */
static bool
is_of_numbers(Relation index, const IndexInfo *info)
{
	if (info->ii_Unique || info->ii_ExclusionOps || info->ii_Predicate || !info->ii_ReadyForInserts ||
		info->ii_NumIndexAttrs > ENTRY_COLUMNS)
		return false;
	for (int i = 0; i < info->ii_NumIndexAttrs; i++)
	{
		Oid type = TupleDescAttr(RelationGetDescr(index), i)->atttypid;

		if (type != INT4OID && type != INT8OID && type != TIMESTAMPTZOID)
			return false;
	}
	return true;
}

/* Only of those that the engine makes */
static Later *
entries_later(const ResultRelInfo *relation)
{
	for (int i = 0; i < relation->ri_NumIndices; i++)
	{
		if (!is_of_numbers(relation->ri_IndexRelationDescs[i], relation->ri_IndexRelationInfo[i]))
			return NULL;
	}
	return palloc0(sizeof(Later) * Max(relation->ri_NumIndices, 1));
}

/* false: not by this way */
static bool
writing_begin(Writing *w, int32 sync, int64 run)
{
	Oid schema = get_namespace_oid("ingest", false);
	Oid partition = partition_of_now(schema);

	if (!OidIsValid(partition))
		return false;
	w->day = table_open(partition, RowExclusiveLock);
	if (!is_plain(w->day) || !find_columns(w))
	{
		table_close(w->day, NoLock);
		return false;
	}
	w->sequence = get_relname_relid("change_seq", schema);
	w->estate = CreateExecutorState();
	w->relation = makeNode(ResultRelInfo);
	InitResultRelInfo(w->relation, w->day, 1, NULL, 0);
	ExecOpenIndices(w->relation, false);
	w->later = entries_later(w->relation);
	w->bulk = GetBulkInsertState();
	w->sync = Int32GetDatum(sync);
	w->run = Int64GetDatum(run);
	w->seen_at = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	w->xid = FullTransactionIdGetDatum(GetTopFullTransactionId());
	return true;
}

/* Keys of the day's indexes are integers */
static int64
number_of(Datum value, Oid type)
{
	return type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
}

/* And back */
static Datum
datum_of(int64 number, Oid type)
{
	return type == INT4OID ? Int32GetDatum((int32) number) : Int64GetDatum(number);
}

/* Kept until the end: sorted, an index is filled in order */
static void
note_entries(Writing *w, TupleTableSlot *slot)
{
	GetPerTupleExprContext(w->estate)->ecxt_scantuple = slot;
	for (int i = 0; i < w->relation->ri_NumIndices; i++)
	{
		TupleDesc columns = RelationGetDescr(w->relation->ri_IndexRelationDescs[i]);
		Later *later = &w->later[i];
		Datum values[INDEX_MAX_KEYS];
		bool nulls[INDEX_MAX_KEYS];

		FormIndexDatum(w->relation->ri_IndexRelationInfo[i], slot, w->estate, values, nulls);
		if (later->n == later->room)
		{
			later->room = Max(VERSIONS_AT_ONCE, later->room * 2);
			later->entries = later->entries ? repalloc_huge(later->entries, sizeof(Entry) * later->room)
											: palloc(sizeof(Entry) * later->room);
		}
		for (int c = 0; c < columns->natts; c++)
			later->entries[later->n].values[c] = number_of(values[c], TupleDescAttr(columns, c)->atttypid);
		later->entries[later->n++].row = slot->tts_tid;
	}
}

/* As the index orders them, then by place */
static int
compare_entries(const void *a, const void *b)
{
	const Entry *x = a;
	const Entry *y = b;

	for (int c = 0; c < ENTRY_COLUMNS; c++)
	{
		if (x->values[c] != y->values[c])
			return x->values[c] < y->values[c] ? -1 : 1;
	}
	return ItemPointerCompare((ItemPointer) &x->row, (ItemPointer) &y->row);
}

/* All at once, in the order of the index */
static void
make_entries(Writing *w)
{
	for (int i = 0; w->later && i < w->relation->ri_NumIndices; i++)
	{
		Relation index = w->relation->ri_IndexRelationDescs[i];
		TupleDesc columns = RelationGetDescr(index);
		Later *later = &w->later[i];
		bool nulls[ENTRY_COLUMNS] = {false};

		qsort(later->entries, later->n, sizeof(Entry), compare_entries);
		for (int64 e = 0; e < later->n; e++)
		{
			Datum values[ENTRY_COLUMNS];

			for (int c = 0; c < columns->natts; c++)
				values[c] = datum_of(later->entries[e].values[c], TupleDescAttr(columns, c)->atttypid);
			(void) index_insert(index, values, nulls, &later->entries[e].row, w->day, UNIQUE_CHECK_NO, false,
								w->relation->ri_IndexRelationInfo[i]);
		}
	}
}

/* A thousand rows share a page lock and a record of WAL */
static void
writing_flush(Writing *w)
{
	if (w->n == 0)
		return;
	table_multi_insert(w->day, w->slots, w->n, GetCurrentCommandId(true), 0, w->bulk);
	for (int i = 0; i < w->n; i++)
	{
		if (w->later)
			note_entries(w, w->slots[i]);
		else if (w->relation->ri_NumIndices > 0)
			list_free(insert_index_entries(w->relation, w->slots[i], w->estate));
		ExecClearTuple(w->slots[i]);
	}
	ResetPerTupleExprContext(w->estate);
	w->written += w->n;
	w->n = 0;
}

/* By the place of the column in this partition */
static void
writing_put(Writing *w, int column, Datum value, bool isnull)
{
	TupleTableSlot *slot = w->slots[w->n];

	slot->tts_values[w->attributes[column] - 1] = value;
	slot->tts_isnull[w->attributes[column] - 1] = isnull;
}

/* A version of the tuplestore as a row of the day */
static void
writing_add(Writing *w, const TupleTableSlot *stored)
{
	static const int from[] = {C_OPERATION, C_KEY, C_BEFORE, C_AFTER, C_SOURCE_TIME};
	TupleTableSlot *slot;

	if (w->slots[w->n] == NULL)
		w->slots[w->n] = table_slot_create(w->day, NULL);
	slot = w->slots[w->n];
	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < S_COLUMNS; i++)
		writing_put(w, from[i], stored->tts_values[i], stored->tts_isnull[i]);
	writing_put(w, C_SEQ, Int64GetDatum(nextval_internal(w->sequence, false)), false);
	writing_put(w, C_SYNC, w->sync, false);
	writing_put(w, C_SEEN_AT, w->seen_at, false);
	writing_put(w, C_RUN, w->run, false);
	writing_put(w, C_XID, w->xid, false);
	ExecStoreVirtualTuple(slot);
	/* what is stored goes on to its next row */
	ExecMaterializeSlot(slot);
	if (++w->n == VERSIONS_AT_ONCE)
		writing_flush(w);
}

/* Nothing was in an index until now */
static void
writing_end(Writing *w)
{
	writing_flush(w);
	make_entries(w);
	for (int i = 0; i < VERSIONS_AT_ONCE && w->slots[i]; i++)
		ExecDropSingleTupleTableSlot(w->slots[i]);
	FreeBulkInsertState(w->bulk);
	ExecCloseIndices(w->relation);
	FreeExecutorState(w->estate);
	table_close(w->day, NoLock);
	CommandCounterIncrement();
}

/* Rows of a Stored are read under the name "stored", which no function of the script can know */
#define INSERT_VERSIONS \
	"INSERT INTO ingest.change (sync, operation, key, before, after, source_time, run) " \
	"SELECT $1, operation, key, before, after, source_time, $2 FROM stored WHERE operation IS NOT NULL"

/* Rows that only carry counts have no operation */
static void
write_all(Writing *w, const Stored *stored)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(stored->desc, &TTSOpsMinimalTuple);

	tuplestore_rescan(stored->rows);
	while (tuplestore_gettupleslot(stored->rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		if (!slot->tts_isnull[S_OPERATION])
			writing_add(w, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	writing_end(w);
}

int64
versions_write(const Stored *stored, int32 sync, int64 run)
{
	Writing *w = palloc0(sizeof(Writing));
	Identity caller;

	if (!writing_begin(w, sync, run))
		return stored_run(stored, INSERT_VERSIONS, SQL_ARGS(arg_int4(sync), arg_int8(run)));
	become_engine(&caller);
	write_all(w, stored);
	become_again(&caller);
	return w->written;
}
