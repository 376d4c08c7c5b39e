/*
 * together.c
 *		Several processes that read the same tables.
 *
 * As in a parallel plan the processes take the blocks of a table in turns, in one
 * snapshot.  Each fills sketches of its own; then the others hand theirs over whole,
 * one message for each column, and they are merged into those of the one that began.
 */
#include "postgres.h"

#include <dlfcn.h>

#include "access/parallel.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/together.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define KEY_SHARED 1
#define KEY_QUEUES 2
#define KEY_SCAN 16 /* and one more for each member */
#define QUEUE_BYTES (64 * 1024)

/* What all of them know */
typedef struct Shared
{
	int n;
	int nmembers;
	char arrays[FLEXIBLE_ARRAY_MEMBER]; /* types, members, attnums */
} Shared;

extern PGDLLEXPORT void profile_read_share(dsm_segment *segment, shm_toc *toc);

static Size
shared_bytes(const ReadPlan *plan)
{
	return offsetof(Shared, arrays) + plan->n * sizeof(ReadType) + plan->nmembers * (sizeof(Oid) + plan->n * sizeof(AttrNumber));
}

static ReadType *
shared_types(Shared *shared)
{
	return (ReadType *) shared->arrays;
}

static Oid *
shared_members(Shared *shared)
{
	return (Oid *) (shared->arrays + shared->n * sizeof(ReadType));
}

static AttrNumber *
shared_attnums(Shared *shared, int member)
{
	return (AttrNumber *) (shared_members(shared) + shared->nmembers) + member * shared->n;
}

/* -- the others -- */

static void
read_shares(Reading *r, Shared *shared, shm_toc *toc)
{
	for (int i = 0; i < shared->nmembers; i++)
	{
		Relation rel = table_open(shared_members(shared)[i], AccessShareLock);

		reading_relation(r, rel, shared_attnums(shared, i), begin_shared_scan(rel, shm_toc_lookup(toc, KEY_SCAN + i, false)));
		table_close(rel, NoLock);
	}
}

void
profile_read_share(dsm_segment *segment, shm_toc *toc)
{
	Shared *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	shm_mq *queue = (shm_mq *) ((char *) shm_toc_lookup(toc, KEY_QUEUES, false) + ParallelWorkerNumber * QUEUE_BYTES);
	shm_mq_handle *out;
	Reading r;

	shm_mq_set_sender(queue, MyProc);
	out = shm_mq_attach(queue, segment, NULL);
	reading_begin(&r, shared_types(shared), shared->n, CurrentMemoryContext);
	read_shares(&r, shared, toc);
	/* one that found nothing left has nothing to tell */
	for (int i = 0; i < r.n && r.rows > 0; i++)
	{
		bytea *state = sketch_write_whole(r.columns[i].sketch);

		if (shm_mq_send(out, VARSIZE(state) - VARHDRSZ, VARDATA(state), false, true) != SHM_MQ_SUCCESS)
			break;
		pfree(state);
	}
	shm_mq_detach(out);
}

/* -- the one that begins -- */

/* The file that this is in, whatever it is called: the others are to load no second one */
static const char *
library_file(void)
{
	Dl_info info;

	if (dladdr((void *) profile_read_share, &info) == 0 || info.dli_fname == NULL)
		elog(ERROR, "the library of " EXTENSION_NAME " was not found");
	return info.dli_fname;
}

static ParallelContext *
prepare(const ReadPlan *plan, int workers)
{
	ParallelContext *pcxt = CreateParallelContext(library_file(), "profile_read_share", workers);
	Size bytes = shared_bytes(plan);
	Snapshot snapshot = GetActiveSnapshot();
	Shared *shared;
	char *queues;

	shm_toc_estimate_chunk(&pcxt->estimator, bytes);
	shm_toc_estimate_chunk(&pcxt->estimator, mul_size(QUEUE_BYTES, pcxt->nworkers));
	for (int i = 0; i < plan->nmembers; i++)
		shm_toc_estimate_chunk(&pcxt->estimator, table_parallelscan_estimate(plan->members[i], snapshot));
	shm_toc_estimate_keys(&pcxt->estimator, 2 + plan->nmembers);
	InitializeParallelDSM(pcxt);

	shared = shm_toc_allocate(pcxt->toc, bytes);
	shared->n = plan->n;
	shared->nmembers = plan->nmembers;
	memcpy(shared_types(shared), plan->types, plan->n * sizeof(ReadType));
	memcpy(shared_attnums(shared, 0), plan->attnums, plan->nmembers * plan->n * sizeof(AttrNumber));
	for (int i = 0; i < plan->nmembers; i++)
	{
		ParallelTableScanDesc scan = shm_toc_allocate(pcxt->toc, table_parallelscan_estimate(plan->members[i], snapshot));

		shared_members(shared)[i] = RelationGetRelid(plan->members[i]);
		table_parallelscan_initialize(plan->members[i], scan, snapshot);
		shm_toc_insert(pcxt->toc, KEY_SCAN + i, scan);
	}
	shm_toc_insert(pcxt->toc, KEY_SHARED, shared);
	queues = shm_toc_allocate(pcxt->toc, mul_size(QUEUE_BYTES, pcxt->nworkers));
	for (int i = 0; i < pcxt->nworkers; i++)
		shm_mq_set_receiver(shm_mq_create(queues + i * QUEUE_BYTES, QUEUE_BYTES), MyProc);
	shm_toc_insert(pcxt->toc, KEY_QUEUES, queues);
	return pcxt;
}

/* What one of the others has read; how many columns of it came */
static int
take_states(Reading *r, shm_mq_handle *in, MemoryContext scratch)
{
	MemoryContext old = MemoryContextSwitchTo(scratch);
	int n = 0;

	for (; n < r->n; n++)
	{
		Sketch *into = r->columns[n].sketch;
		Sketch *from;
		Size bytes;
		void *data;

		if (shm_mq_receive(in, &bytes, &data, false) != SHM_MQ_SUCCESS)
			break;
		from = sketch_read_whole(data, bytes, scratch);
		if (n == 0)
			r->rows += from->rows;
		sketch_merge(into, from);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	return n;
}

static void
gather(Reading *r, ParallelContext *pcxt, MemoryContext context)
{
	MemoryContext scratch = AllocSetContextCreate(context, "profile states", ALLOCSET_DEFAULT_SIZES);
	char *queues = shm_toc_lookup(pcxt->toc, KEY_QUEUES, false);
	bool torn = false;

	for (int i = 0; i < pcxt->nworkers_launched; i++)
	{
		shm_mq_handle *in = shm_mq_attach((shm_mq *) (queues + i * QUEUE_BYTES), pcxt->seg, pcxt->worker[i].bgwhandle);
		int n = take_states(r, in, scratch);

		torn = torn || (n > 0 && n < r->n);
		shm_mq_detach(in);
	}
	/* one that failed says why */
	WaitForParallelWorkersToFinish(pcxt);
	if (torn)
		elog(ERROR, "a parallel worker did not tell all that it had read");
}

/* Read what the plan says; the other processes end with the call */
void
read_together(Reading *r, const ReadPlan *plan, int workers, MemoryContext context)
{
	ParallelContext *pcxt;
	Shared *shared;

	EnterParallelMode();
	pcxt = prepare(plan, workers);
	LaunchParallelWorkers(pcxt);
	ereport(DEBUG1, (errmsg_internal("%d processes read the table together", pcxt->nworkers_launched + 1)));
	shared = shm_toc_lookup(pcxt->toc, KEY_SHARED, false);
	read_shares(r, shared, pcxt->toc);
	gather(r, pcxt, context);
	DestroyParallelContext(pcxt);
	ExitParallelMode();
}
