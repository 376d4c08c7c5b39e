/*
 * sample.c
 *		ANALYZE: a sample of all rows.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/vacuum.h"
#include "files_fdw/listing.h"
#include "files_fdw/scan.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sampling.h"

typedef struct Sample
{
	HeapTuple *rows;
	int wanted;
	int n;
	double seen;
	double skip;
	int64 bad;
	ReservoirStateData state;
} Sample;

/* Each row with the same chance, whatever their number turns out to be */
static void
sample_row(Sample *sample, TupleDesc desc, Datum *values, bool *nulls)
{
	if (sample->n < sample->wanted)
		sample->rows[sample->n++] = heap_form_tuple(desc, values, nulls);
	else
	{
		if (sample->skip < 0)
			sample->skip = reservoir_get_next_S(&sample->state, sample->seen, sample->wanted);
		if (sample->skip <= 0)
		{
			int k = (int) (sample->wanted * sampler_random_fract(&sample->state.randstate));

			heap_freetuple(sample->rows[k]);
			sample->rows[k] = heap_form_tuple(desc, values, nulls);
		}
		sample->skip--;
	}
	sample->seen++;
}

static void
sample_file(Sample *sample, RowMaker *m, FileInfo *file, TupleDesc desc, Datum *values, bool *nulls)
{
	row_maker_file(m, file);
	row_maker_open(m, file);
	while (file_scan_next(m->scan))
	{
#if PG_VERSION_NUM >= 180000
		vacuum_delay_point(true);
#else
		vacuum_delay_point();
#endif
		if (m->scan->row.fault.sqlstate != 0 && !m->soft)
		{
			if (m->scan->row.fatal)
				(void) row_maker_early(m, values, nulls);
			sample->bad++;
			continue;
		}
		if (row_maker_early(m, values, nulls))
			(void) row_maker_late(m, values, nulls);
		sample_row(sample, desc, values, nulls);
	}
	row_maker_close(m);
}

static int
files_acquire_sample(Relation relation, int elevel, HeapTuple *rows, int targrows, double *totalrows,
					 double *totaldeadrows)
{
	Sample sample = {.rows = rows, .wanted = targrows, .skip = -1};
	TupleDesc desc = RelationGetDescr(relation);
	Table *t = table_open_fdw(RelationGetRelid(relation), desc, GetUserId());
	Bitmapset *wanted = NULL;
	Datum *values = palloc0(sizeof(Datum) * (desc->natts + 1));
	bool *nulls = palloc0(sizeof(bool) * (desc->natts + 1));
	RowMaker *m;
	ListCell *lc;

	for (int i = 0; i < desc->natts; i++)
		wanted = bms_add_member(wanted, i + 1);
	m = row_maker_new(t, wanted, NULL);
	reservoir_init_selection_state(&sample.state, targrows);
	foreach (lc, table_files(t))
		sample_file(&sample, m, lfirst(lc), desc, values, nulls);
	ereport(elevel, (errmsg("\"%s\": table contains %.0f rows; %d rows in sample", RelationGetRelationName(relation),
							sample.seen, sample.n),
					 sample.bad > 0 ? errdetail(INT64_FORMAT " bad rows were left out.", sample.bad) : 0));
	*totalrows = sample.seen;
	*totaldeadrows = 0;
	return sample.n;
}

static bool
filesAnalyzeForeignTable(Relation relation, AcquireSampleRowsFunc *func, BlockNumber *totalpages)
{
	Table *t = table_open_fdw(RelationGetRelid(relation), RelationGetDescr(relation), GetUserId());
	double bytes = 0;
	ListCell *lc;

	foreach (lc, table_files(t))
		bytes += (double) ((FileInfo *) lfirst(lc))->size;
	*totalpages = (BlockNumber) Max(1, Min(bytes / BLCKSZ, MaxBlockNumber));
	*func = files_acquire_sample;
	return true;
}

void
sample_routine(FdwRoutine *routine)
{
	routine->AnalyzeForeignTable = filesAnalyzeForeignTable;
}
