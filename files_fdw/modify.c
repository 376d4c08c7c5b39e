/*
 * modify.c
 *		INSERT, COPY, DELETE and TRUNCATE of foreign tables that are a lake's, and functions of lakes.
 *
 * Files are written once: DELETE takes whole ones away, and may ask for the columns of their folders alone.
 */
#include "postgres.h"

#include "access/table.h"
#include "common/function.h"
#include "executor/executor.h"
#include "files_fdw/compat.h"
#include "files_fdw/files_fdw.h"
#include "files_fdw/lake.h"
#include "files_fdw/lake_table.h"
#include "files_fdw/listing.h"
#include "files_fdw/modify.h"
#include "files_fdw/scan.h"
#include "nodes/execnodes.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

SQL_FUNCTION(files_mark);
SQL_FUNCTION(files_published);

/* -- statements -- */

static void
filesBeginForeignModify(ModifyTableState *node, ResultRelInfo *target, List *private, int subplan, int eflags)
{
	/* a DELETE that comes here has no rows */
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY || node->operation == CMD_DELETE)
		return;
	target->ri_FdwState = lake_change(target->ri_RelationDesc, modify_user(target, node->ps.state));
}

/* COPY, and rows that a partitioned table sends here */
static void
filesBeginForeignInsert(ModifyTableState *node, ResultRelInfo *target)
{
	target->ri_FdwState = lake_change(target->ri_RelationDesc, modify_user(target, node->ps.state));
}

static TupleTableSlot *
filesExecForeignInsert(EState *estate, ResultRelInfo *target, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	lake_insert(target->ri_FdwState, slot);
	return slot;
}

/* Of tables that are a lake's; whether the server lets it, who writes is told with words */
static int
filesIsForeignRelUpdatable(Relation relation)
{
	return lake_is_table(RelationGetRelid(relation)) ? 1 << CMD_INSERT | 1 << CMD_DELETE : 0;
}

/* -- DELETE -- */

/* What another part of the statement computes while it runs */
static bool
has_inner_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXEC;
	return expression_tree_walker(node, has_inner_param, context);
}

/* Is the plan one whose conditions the folders decide? */
static bool
filesPlanDirectModify(PlannerInfo *root, ModifyTable *plan, Index rti, int subplan)
{
	ForeignScan *scan = (ForeignScan *) outerPlan(plan);
	RangeTblEntry *rte = planner_rt_fetch(rti, root);
	Relation relation;
	Table *t;
	bool fits;

	if (plan->operation != CMD_DELETE || plan->returningLists != NIL || list_length(plan->resultRelations) > 1 ||
		!IsA(scan, ForeignScan) || scan->scan.scanrelid != rti || !lake_is_table(rte->relid))
		return false;
	relation = table_open(rte->relid, NoLock);
	t = table_open_fdw(rte->relid, RelationGetDescr(relation), GetUserId());
	fits = clauses_are_of_partitions(t, rti, scan->scan.plan.qual) &&
		   !has_inner_param((Node *) scan->scan.plan.qual, NULL);
	table_close(relation, NoLock);
	if (!fits)
		return false;
	scan->operation = CMD_DELETE;
	scan->resultRelation = rti;
	scan->fdw_private = list_make1(makeInteger(plan->canSetTag));
	return true;
}

/* Of one whose are not, which PostgreSQL would carry out row by row; nothing is to be done if no row can fit */
static List *
filesPlanForeignModify(PlannerInfo *root, ModifyTable *plan, Index rti, int subplan)
{
	Oid relid = planner_rt_fetch(rti, root)->relid;
	bool is_empty = IsA(outerPlan(plan), Result) && outerPlan(outerPlan(plan)) == NULL;

	if (plan->operation == CMD_DELETE && !is_empty && lake_is_table(relid))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot delete single rows of foreign table \"%s\"", get_rel_name(relid)),
						errdetail("Files of a lake are written once."),
						errhint("Use only columns with option partition in the condition, without RETURNING, "
								"subqueries and other tables; or TRUNCATE, and INSERT what is to be there.")));
	return NIL;
}

typedef struct Deleting
{
	ForeignScanState *node;
	RowMaker *maker;
	struct LakeChange *change;
} Deleting;

/* It lives as long as the statement: rows, of which there are none, are made in memory that goes with each */
static void
filesBeginDirectModify(ForeignScanState *node, int eflags)
{
	Relation relation = node->resultRelInfo->ri_RelationDesc;
	Oid userid = modify_user(node->resultRelInfo, node->ss.ps.state);
	Deleting *d;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	d = palloc0(sizeof(Deleting));
	d->node = node;
	d->maker = row_maker_new(table_open_fdw(RelationGetRelid(relation), RelationGetDescr(relation), userid), NULL, NULL);
	d->change = lake_change(relation, userid);
	node->fdw_state = d;
}

static bool
is_deleted(FileInfo *file, void *arg)
{
	Deleting *d = arg;

	return row_maker_fits(d->maker, d->node, file, d->node->ss.ps.qual);
}

static TupleTableSlot *
filesIterateDirectModify(ForeignScanState *node)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	Deleting *d = node->fdw_state;
	int64 rows = lake_delete(d->change, is_deleted, d);

	if (intVal(linitial(plan->fdw_private)) != 0)
		node->ss.ps.state->es_processed += rows;
	return ExecClearTuple(node->ss.ss_ScanTupleSlot);
}

/* What was deleted goes when the transaction commits */
static void
filesEndDirectModify(ForeignScanState *node)
{
}

/* Without it PostgreSQL takes no DELETE at all */
static TupleTableSlot *
filesExecForeignDelete(EState *estate, ResultRelInfo *target, TupleTableSlot *slot, TupleTableSlot *plan_slot)
{
	elog(ERROR, "a lake's rows are not deleted one by one");
	return NULL;
}

static void
filesExecForeignTruncate(List *relations, DropBehavior behavior, bool restart)
{
	ListCell *lc;

	foreach (lc, relations)
		lake_truncate(lake_change(lfirst(lc), GetUserId()));
}

void
modify_routine(FdwRoutine *routine)
{
	routine->BeginForeignModify = filesBeginForeignModify;
	routine->BeginForeignInsert = filesBeginForeignInsert;
	routine->ExecForeignInsert = filesExecForeignInsert;
	routine->IsForeignRelUpdatable = filesIsForeignRelUpdatable;
	routine->PlanDirectModify = filesPlanDirectModify;
	routine->PlanForeignModify = filesPlanForeignModify;
	routine->BeginDirectModify = filesBeginDirectModify;
	routine->IterateDirectModify = filesIterateDirectModify;
	routine->EndDirectModify = filesEndDirectModify;
	routine->ExecForeignDelete = filesExecForeignDelete;
	routine->ExecForeignTruncate = filesExecForeignTruncate;
}

/* -- functions -- */

/* The version that the transaction publishes says up to where somebody's rows are in the lake */
Datum
files_mark(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(0);
	Relation relation;
	AclResult acl;

	check_files_table_for(relid, ACL_INSERT);
	relation = table_open(relid, RowExclusiveLock);
	/* it may have been revoked before the lock was there */
	acl = pg_class_aclcheck(relid, GetUserId(), ACL_INSERT);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_TABLE, RelationGetRelationName(relation));
	PreventCommandIfReadOnly("files_mark()");
	lake_set_mark(lake_change(relation, GetUserId()), text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_INT64(2));
	table_close(relation, NoLock);
	PG_RETURN_VOID();
}

/* Up to where somebody's rows are in the lake, by its newest version */
Datum
files_published(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(0);
	Relation relation;
	int64 mark;

	check_files_table(relid);
	relation = table_open(relid, AccessShareLock);
	mark = lake_published(table_open_fdw(relid, RelationGetDescr(relation), GetUserId()),
						  text_to_cstring(PG_GETARG_TEXT_PP(1)));
	table_close(relation, AccessShareLock);
	if (mark < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(mark);
}
