/*
 * scan.c
 *		Which tables are profiled without a statement, and that they are.
 *
 * Heaps are read here as a statement of aggregates would read them, without a call
 * for each value, alone or together with other processes.  What the executor would check is checked here, and
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
#include "access/xact.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/scan.h"
#include "ingest_profile/together.h"
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

/* How many other processes a plan would have, for a table of so many pages */
static int
workers_for(Relation rel, const ReadPlan *plan)
{
	int most = Min(max_parallel_workers_per_gather, max_parallel_workers);
	int workers = -1;
	double pages = 0;

	if (most == 0 || IsInParallelMode())
		return 0;
	for (int i = 0; i < plan->nmembers; i++)
	{
		if (plan->members[i]->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
			return 0;
		pages += RelationGetNumberOfBlocks(plan->members[i]);
	}
	if (rel->rd_rel->relkind == RELKIND_RELATION)
		workers = RelationGetParallelWorkers(rel, -1);
	if (workers < 0)
	{
		double enough = Max(min_parallel_table_scan_size, 1);

		/* one more for three times as many */
		for (workers = 0; pages >= enough && workers < most; enough *= 3)
			workers++;
	}
	return Min(workers, most);
}

/* The relation's members, all locked, if all of them can be read here */
static List *
readable_members(Relation rel)
{
	List *oids = find_all_inheritors(RelationGetRelid(rel), AccessShareLock, NULL);
	bool readable = true;
	ListCell *cell;

	foreach (cell, oids)
	{
		Relation member = try_relation_open(lfirst_oid(cell), NoLock);

		if (member == NULL)
			return NIL;
		readable = readable && is_readable(member);
		relation_close(member, NoLock);
	}
	return readable ? oids : NIL;
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

/* Where the columns are in a member: they may have another order there */
static void
place_columns(AttrNumber *attnums, Relation rel, const Profiled *p, Oid relation)
{
	for (int i = 0; i < p->n; i++)
	{
		attnums[i] = p->columns[i].position;
		if (RelationGetRelid(rel) != relation)
			attnums[i] = get_attnum(RelationGetRelid(rel), p->columns[i].name);
		if (attnums[i] <= 0)
			elog(ERROR, "column \"%s\" is not in a relation that inherits it", p->columns[i].name);
	}
}

/* What is to be read; its relations are open until it has been */
static ReadPlan *
plan_reading(Relation rel, List *oids, const Profiled *p)
{
	ReadPlan *plan = palloc0(sizeof(ReadPlan));
	ListCell *cell;

	plan->n = p->n;
	plan->types = palloc(p->n * sizeof(ReadType));
	plan->members = palloc(list_length(oids) * sizeof(Relation));
	plan->attnums = palloc(list_length(oids) * p->n * sizeof(AttrNumber));
	for (int i = 0; i < p->n; i++)
	{
		Form_pg_attribute a = TupleDescAttr(RelationGetDescr(rel), p->columns[i].position - 1);

		plan->types[i] = (ReadType){a->atttypid, a->attcollation};
	}
	foreach (cell, oids)
	{
		Relation member = table_open(lfirst_oid(cell), NoLock);

		if (member->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		{
			table_close(member, NoLock);
			continue;
		}
		place_columns(plan->attnums + plan->nmembers * p->n, member, p, RelationGetRelid(rel));
		plan->members[plan->nmembers++] = member;
	}
	return plan;
}

static void
read_alone(Reading *r, const ReadPlan *plan)
{
	for (int i = 0; i < plan->nmembers; i++)
		reading_relation(r, plan->members[i], plan->attnums + i * plan->n, begin_scan(plan->members[i], GetActiveSnapshot()));
}

bool
scan_columns(Oid relation, Profiled *p, MemoryContext context)
{
	Relation rel = try_relation_open(relation, AccessShareLock);
	List *oids = rel ? members_of(rel, p) : NIL;
	MemoryContext work;
	MemoryContext old;
	ReadPlan *plan;
	Reading r;
	int workers;

	if (oids != NIL)
	{
		work = AllocSetContextCreate(CurrentMemoryContext, "profile scan", ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(work);
		plan = plan_reading(rel, oids, p);
		reading_begin(&r, plan->types, plan->n, work);
		workers = workers_for(rel, plan);
		if (workers > 0)
			read_together(&r, plan, workers, work);
		else
			read_alone(&r, plan);
		for (int i = 0; i < plan->nmembers; i++)
			table_close(plan->members[i], NoLock);
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
