/*
 * modify.c
 *		INSERT, COPY and TRUNCATE of foreign tables that are a lake's, and functions of lakes.
 */
#include "postgres.h"

#include "access/table.h"
#include "common/function.h"
#include "executor/executor.h"
#include "files_fdw/compat.h"
#include "files_fdw/files_fdw.h"
#include "files_fdw/lake.h"
#include "files_fdw/modify.h"
#include "nodes/execnodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

SQL_FUNCTION(files_mark);
SQL_FUNCTION(files_published);

/* -- statements -- */

static void
filesBeginForeignModify(ModifyTableState *node, ResultRelInfo *target, List *private, int subplan, int eflags)
{
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
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
	return lake_is_table(RelationGetRelid(relation)) ? 1 << CMD_INSERT : 0;
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
