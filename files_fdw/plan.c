/*
 * plan.c
 *		Paths, costs and the plan of a scan.
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "files_fdw/compat.h"
#include "files_fdw/listing.h"
#include "files_fdw/plan.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/rel.h"

#define PACKED 4             /* bytes that one of a packed file stands for */
#define SPLIT_COST 1.0 / 400 /* of a byte, in operators */
#define VALUE_COST 8         /* of a value that is converted, in operators */

typedef struct RelInfo
{
	Table *table;
	double bytes;
	double values; /* columns that are converted */
	int files;
} RelInfo;

static Table *
table_of(PlannerInfo *root, Index rti, Oid relid)
{
	Relation relation = table_open(relid, NoLock);
	Table *t = table_open_fdw(relid, RelationGetDescr(relation), scan_user(root, rti));

	table_close(relation, NoLock);
	return t;
}

/* Columns that the query uses; of a whole row, all */
static List *
wanted_columns(RelOptInfo *rel, const Table *t)
{
	Bitmapset *attrs = NULL;
	List *wanted = NIL;
	ListCell *lc;
	bool all;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &attrs);
	foreach (lc, rel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, rel->relid, &attrs);
	all = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attrs);
	for (int i = 0; i < t->natts; i++)
	{
		if (!t->columns[i].dropped && (all || bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, attrs)))
			wanted = lappend(wanted, makeInteger(i + 1));
	}
	return wanted;
}

/* Files that the conditions leave, as far as they are known now */
static List *
planned_files(PlannerInfo *root, RelOptInfo *rel, Table *t)
{
	List *clauses = extract_actual_clauses(rel->baserestrictinfo, false);
	List *paths;

	if (named_files(t, rel->relid, clauses, root->glob->boundParams, &paths))
		return table_files_named(t, paths);
	return table_files(t);
}

static bool
looks_packed(const char *path)
{
	size_t n = strlen(path);

	return (n > 3 && pg_strcasecmp(path + n - 3, ".gz") == 0) || (n > 4 && pg_strcasecmp(path + n - 4, ".zst") == 0);
}

/* As many rows as ANALYZE found for so many bytes; else as their width lets guess */
static void
estimate(PlannerInfo *root, RelOptInfo *rel, RelInfo *info)
{
	double tuples;

	if (rel->pages > 0 && rel->tuples >= 0)
		tuples = clamp_row_est(rel->tuples / rel->pages * ceil(info->bytes / BLCKSZ));
	else
		tuples = clamp_row_est(info->bytes / (rel->reltarget->width > 0 ? Max(rel->reltarget->width, 8) : 40));
	rel->pages = (BlockNumber) Min(ceil(info->bytes / BLCKSZ), MaxBlockNumber);
	rel->tuples = tuples;
	rel->rows = clamp_row_est(tuples * clauselist_selectivity(root, rel->baserestrictinfo, 0, JOIN_INNER, NULL));
}

static void
filesGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	RelInfo *info = palloc0(sizeof(RelInfo));
	ListCell *lc;

	info->table = table_of(root, rel->relid, relid);
	foreach (lc, planned_files(root, rel, info->table))
	{
		const FileInfo *file = lfirst(lc);

		info->bytes += (double) file->size * (looks_packed(file->path) ? PACKED : 1);
		info->files++;
	}
	info->values = list_length(wanted_columns(rel, info->table));
	rel->fdw_private = info;
	estimate(root, rel, info);
}

static void
filesGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	RelInfo *info = rel->fdw_private;
	Cost disk = seq_page_cost * rel->pages;
	Cost cpu = info->bytes * SPLIT_COST * cpu_operator_cost +
			   rel->tuples *
				   (cpu_tuple_cost + info->values * VALUE_COST * cpu_operator_cost + rel->baserestrictcost.per_tuple);
	Cost startup = rel->baserestrictcost.startup + 10 * cpu_operator_cost * info->files;
	ForeignPath *path = make_scan_path(root, rel, rel->rows, startup, startup + disk + cpu);

	add_path(rel, (Path *) path);
	if (rel->consider_parallel && rel->lateral_relids == NULL)
	{
		int workers = compute_parallel_worker(rel, rel->pages, -1, max_parallel_workers_per_gather);
		double share = workers + (parallel_leader_participation ? Max(0, 1.0 - 0.3 * workers) : 0);

		if (workers <= 0)
			return;
		path = make_scan_path(root, rel, clamp_row_est(rel->rows / share), startup, startup + disk + cpu / share);
		path->path.parallel_aware = true;
		path->path.parallel_safe = true;
		path->path.parallel_workers = workers;
		add_partial_path(rel, (Path *) path);
	}
}

/* Do a view's conditions stand before those of whoever reads it? */
static bool
is_guarded(List *clauses)
{
	Index lowest = UINT_MAX;
	Index highest = 0;
	ListCell *lc;

	foreach (lc, clauses)
	{
		const RestrictInfo *info = lfirst_node(RestrictInfo, lc);

		lowest = Min(lowest, info->security_level);
		highest = Max(highest, info->security_level);
	}
	return highest > lowest && lowest != UINT_MAX;
}

static ForeignScan *
filesGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path, List *tlist, List *scan_clauses,
					Plan *outer)
{
	RelInfo *info = rel->fdw_private;
	List *private = list_make2(wanted_columns(rel, info->table), makeInteger(is_guarded(scan_clauses)));

	return make_foreignscan(tlist, extract_actual_clauses(scan_clauses, false), rel->relid, NIL, private, NIL, NIL,
							outer);
}

/*
 * Before 16 what the input function of a type that is not PostgreSQL's own says of a bad value is heard in a
 * subtransaction, which a worker cannot have.
 */
static bool
filesIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
#if PG_VERSION_NUM < 160000
	Table *t = table_of(root, rel->relid, rte->relid);
	bool strange = false;
	ListCell *lc;

	for (int i = 0; i < t->natts; i++)
		strange |= !t->columns[i].dropped && t->columns[i].converter.strange;
	foreach (lc, strange && t->error > 0 ? wanted_columns(rel, t) : NIL)
	{
		if (intVal(lfirst(lc)) == t->error)
			return false;
	}
#endif
	return true;
}

void
plan_routine(FdwRoutine *routine)
{
	routine->GetForeignRelSize = filesGetForeignRelSize;
	routine->GetForeignPaths = filesGetForeignPaths;
	routine->GetForeignPlan = filesGetForeignPlan;
	routine->IsForeignScanParallelSafe = filesIsForeignScanParallelSafe;
}
