/*
 * plan.h
 *		Paths and costs; what a plan tells the executor.
 */
#ifndef NETSUITE_PLAN_H
#define NETSUITE_PLAN_H

#include "postgres.h"

#include "foreign/fdwapi.h"
#include "netsuite_fdw/cursor.h"

/* Items of ForeignScan.fdw_private */
enum PlanItem
{
	PLAN_SELECT,     /* pieces: SELECT ... FROM ... */
	PLAN_WHERE,      /* pieces or NIL */
	PLAN_GROUP,      /* pieces or NIL */
	PLAN_ORDER,      /* pieces or NIL */
	PLAN_KEYS,       /* list of String */
	PLAN_KEY_UNIQUE, /* Integer */
	PLAN_ORDERED,    /* Integer */
	PLAN_WANTED,     /* Integer, -1 for all */
	PLAN_COLUMNS,    /* list of lists, see ColumnItem */
	PLAN_HOLES,      /* list of lists, see HoleItem */
	PLAN_SERVER,     /* Integer: oid of the server */
	PLAN_RELATION,   /* String: name for messages */
	PLAN_REMEMBER,   /* Integer: oid of the table if the total is its row count, or 0 */
	PLAN_ERROR,      /* Integer: place in the row of the reason why it does not fit, or -1 */
	PLAN_ALL,        /* Integer: all rows will be read, as far as the planner knows */
	PLAN_DAYS,       /* Integer: the plan holds in session zones alone that have every day */
	PLAN_PROOF       /* of grouped scans: see ProofItem; NIL if nothing is to be proved */
};

/* Items of a column in PLAN_COLUMNS */
enum ColumnItem
{
	COLUMN_NAME, /* String: key in the reply */
	COLUMN_TYPE, /* Integer: oid */
	COLUMN_TYPMOD,
	COLUMN_TARGET,   /* place in the row, or -1 */
	COLUMN_KEY,      /* place in the key, or -1 */
	COLUMN_DIVIDES,  /* place of the sum, DIVIDES_NOTHING or COUNT_ALONE */
	COLUMN_MIDNIGHT, /* a date that becomes a timestamptz */
	COLUMN_LABEL     /* String: local name, for messages */
};

extern void plan_routine(FdwRoutine *routine);
extern bool table_keys(Oid relid, CursorSpec *spec, int *attnums);
extern char *table_from(Oid relid);

#endif /* NETSUITE_PLAN_H */
