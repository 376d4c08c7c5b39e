/*
 * reading.c
 *		The rows of heaps, block by block, into one sketch for each column.
 *
 * Values stay where they are: pages are pinned until those of a block have been
 * added.
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "ingest_profile/column.h"
#include "ingest_profile/progress.h"
#include "ingest_profile/reading.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

void
reading_begin(Reading *r, const ReadType *types, int n, MemoryContext context)
{
	memset(r, 0, sizeof(*r));
	r->n = n;
	r->columns = palloc0(n * sizeof(ReadColumn));
	r->most_pins = Max(1, Min(MOST_PINS, NBuffers / MaxBackends));
	r->block = AllocSetContextCreate(context, "profile block", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < n; i++)
	{
		r->columns[i].sketch = sketch_new(context, types[i].typid, types[i].collation);
		r->columns[i].values = palloc(BLOCK_VALUES * sizeof(Datum));
	}
}

/* Add what the block holds, and let its pages go */
static void
add_block(Reading *r)
{
	MemoryContext old = MemoryContextSwitchTo(r->block);

	for (int i = 0; i < r->n; i++)
	{
		ReadColumn *c = &r->columns[i];

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

/* All that the scan gives; it is ended */
void
reading_relation(Reading *r, Relation rel, const AttrNumber *attnums, TableScanDesc scan)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	int last = 0;

	for (int i = 0; i < r->n; i++)
	{
		r->columns[i].attnum = attnums[i];
		last = Max(last, attnums[i]);
	}
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		pin_page(r, slot);
		slot_getsomeattrs(slot, last);
		for (int i = 0; i < r->n; i++)
		{
			ReadColumn *c = &r->columns[i];

			c->values[c->n] = slot->tts_values[c->attnum - 1];
			c->n += !slot->tts_isnull[c->attnum - 1];
		}
		if (++r->in_block == BLOCK_VALUES)
			add_block(r);
	}
	add_block(r);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
}
