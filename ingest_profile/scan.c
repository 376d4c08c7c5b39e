/*
 * scan.c
 *		A table's rows, block by block, into one sketch for each column.
 *
 * It does for heaps what a statement of aggregates would do, without a call for
 * each value.  Values stay where they are: pages are pinned until those of a
 * block have been added.  What the executor would check is checked here, and
 * whatever is not a plain matter (row security, foreign partitions, somebody's
 * hook, rights that are missing) is left to the statement, which knows how to
 * answer or to refuse.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "ingest_profile/column.h"
#include "ingest_profile/progress.h"
#include "ingest_profile/scan.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#define MOST_PINS 16 /* half of the ring of buffers that reads of large tables go through */

/* One column while it is read */
typedef struct ScanColumn
{
	Sketch *sketch;
	AttrNumber attnum; /* in the relation that is being read */
	int n;
	Datum *values;
} ScanColumn;

typedef struct Reading
{
	int n;
	ScanColumn *columns;
	int64 rows;
	int in_block;
	int npins;
	int most_pins;
	Buffer pins[MOST_PINS];
	MemoryContext block; /* what a block's values need: reset with it */
} Reading;

/* -- whether -- */

static bool
may_read(Oid relation, const Profiled *p)
{
	if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < p->n; i++)
	{
		if (pg_attribute_aclcheck(relation, p->columns[i].position, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

/* Is a column there still as it was found, and stored? */
static bool
has_column(TupleDesc desc, const ProfiledColumn *c)
{
	Form_pg_attribute a;

	if (c->position > desc->natts)
		return false;
	a = TupleDescAttr(desc, c->position - 1);
#ifdef ATTRIBUTE_GENERATED_VIRTUAL
	if (a->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
		return false;
#endif
	return !a->attisdropped && strcmp(NameStr(a->attname), c->name) == 0;
}

/* A relation with rows of its own that can be read here, or one that has none */
static bool
is_readable(Relation rel)
{
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return true;
	return (rel->rd_rel->relkind == RELKIND_RELATION || rel->rd_rel->relkind == RELKIND_MATVIEW) &&
		   rel->rd_tableam == GetHeapamTableAmRoutine() && RelationIsPopulated(rel) && !RELATION_IS_OTHER_TEMP(rel);
}

/* Would a plan for so many pages have workers?  Then it is sooner done, if not with less work */
static bool
has_workers(Relation rel, double pages)
{
	int workers = -1;

	if (max_parallel_workers_per_gather == 0 || max_parallel_workers == 0)
		return false;
	if (rel->rd_rel->relkind == RELKIND_RELATION)
		workers = RelationGetParallelWorkers(rel, -1);
	return workers >= 0 ? workers > 0 : pages >= min_parallel_table_scan_size;
}

/* The relation's members, all locked, if all of them can be read here */
static List *
readable_members(Relation rel)
{
	List *oids = find_all_inheritors(RelationGetRelid(rel), AccessShareLock, NULL);
	bool readable = true;
	double pages = 0;
	ListCell *cell;

	foreach (cell, oids)
	{
		Relation member = try_relation_open(lfirst_oid(cell), NoLock);

		if (member == NULL)
			return NIL;
		readable = readable && is_readable(member);
		if (readable && RELKIND_HAS_STORAGE(member->rd_rel->relkind))
			pages += RelationGetNumberOfBlocks(member);
		relation_close(member, NoLock);
	}
	return readable && !has_workers(rel, pages) ? oids : NIL;
}

/* The relation and those that inherit from it; NIL if a statement has to read them */
static List *
members_of(Relation rel, const Profiled *p)
{
	Oid relation = RelationGetRelid(rel);

	/* somebody else wants to be asked as well */
	if (ExecutorCheckPerms_hook != NULL || check_enable_rls(relation, InvalidOid, true) != RLS_NONE || !may_read(relation, p))
		return NIL;
	for (int i = 0; i < p->n; i++)
	{
		if (!has_column(RelationGetDescr(rel), &p->columns[i]))
			return NIL;
	}
	return readable_members(rel);
}

/* -- reading -- */

/* Add what the block holds, and let its pages go */
static void
add_block(Reading *r)
{
	MemoryContext old = MemoryContextSwitchTo(r->block);

	for (int i = 0; i < r->n; i++)
	{
		ScanColumn *c = &r->columns[i];

		column_add(c->sketch, c->values, c->n);
		c->sketch->rows += r->in_block;
		c->sketch->nulls += r->in_block - c->n;
		c->n = 0;
		MemoryContextReset(r->block);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(old);
	while (r->npins > 0)
		ReleaseBuffer(r->pins[--r->npins]);
	/* the clock is looked at now and then */
	if ((r->rows ^ (r->rows + r->in_block)) & ~(int64) (PROGRESS_ROWS - 1))
		progress_report(r->rows + r->in_block);
	r->rows += r->in_block;
	r->in_block = 0;
}

/* The slot's page stays where it is until the block has been added */
static inline void
pin_page(Reading *r, TupleTableSlot *slot)
{
	Buffer buffer = ((BufferHeapTupleTableSlot *) slot)->buffer;

	if (r->npins > 0 && r->pins[r->npins - 1] == buffer)
		return;
	if (r->npins == r->most_pins)
		add_block(r);
	IncrBufferRefCount(buffer);
	r->pins[r->npins++] = buffer;
}

static void
read_relation(Reading *r, Relation rel)
{
	TableScanDesc desc = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	int last = 0;

	for (int i = 0; i < r->n; i++)
		last = Max(last, r->columns[i].attnum);
	while (table_scan_getnextslot(desc, ForwardScanDirection, slot))
	{
		pin_page(r, slot);
		slot_getsomeattrs(slot, last);
		for (int i = 0; i < r->n; i++)
		{
			ScanColumn *c = &r->columns[i];

			c->values[c->n] = slot->tts_values[c->attnum - 1];
			c->n += !slot->tts_isnull[c->attnum - 1];
		}
		if (++r->in_block == BLOCK_VALUES)
			add_block(r);
	}
	add_block(r);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(desc);
}

static void
begin(Reading *r, Relation rel, const Profiled *p, MemoryContext context)
{
	r->n = p->n;
	r->columns = palloc0(p->n * sizeof(ScanColumn));
	r->most_pins = Max(1, Min(MOST_PINS, NBuffers / MaxBackends));
	r->block = AllocSetContextCreate(context, "profile block", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < p->n; i++)
	{
		Form_pg_attribute a = TupleDescAttr(RelationGetDescr(rel), p->columns[i].position - 1);

		r->columns[i].sketch = sketch_new(context, a->atttypid, a->attcollation);
		r->columns[i].values = palloc(BLOCK_VALUES * sizeof(Datum));
	}
}

/* Members may have their columns in another order */
static void
place_columns(Reading *r, Relation rel, const Profiled *p, Oid relation)
{
	for (int i = 0; i < p->n; i++)
	{
		AttrNumber attnum = p->columns[i].position;

		if (RelationGetRelid(rel) != relation)
			attnum = get_attnum(RelationGetRelid(rel), p->columns[i].name);
		if (attnum <= 0)
			elog(ERROR, "column \"%s\" is not in a relation that inherits it", p->columns[i].name);
		r->columns[i].attnum = attnum;
	}
}

static void
read_members(Reading *r, List *oids, const Profiled *p, Oid relation)
{
	ListCell *cell;

	foreach (cell, oids)
	{
		Relation member = table_open(lfirst_oid(cell), NoLock);

		if (member->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		{
			place_columns(r, member, p, relation);
			read_relation(r, member);
		}
		table_close(member, NoLock);
	}
}

bool
scan_columns(Oid relation, Profiled *p, MemoryContext context)
{
	Relation rel = try_relation_open(relation, AccessShareLock);
	List *oids = rel ? members_of(rel, p) : NIL;
	MemoryContext work;
	MemoryContext old;
	Reading r = {0};

	if (oids != NIL)
	{
		work = AllocSetContextCreate(CurrentMemoryContext, "profile scan", ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(work);
		begin(&r, rel, p, work);
		read_members(&r, oids, p, relation);
		MemoryContextSwitchTo(context);
		for (int i = 0; i < r.n && r.rows > 0; i++)
			p->columns[i].stored = sketch_write(r.columns[i].sketch);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(work);
	}
	/* the lock stays until the transaction ends, as a statement's does */
	if (rel)
		relation_close(rel, NoLock);
	return oids != NIL;
}
