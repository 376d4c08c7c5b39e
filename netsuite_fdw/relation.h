/*
 * relation.h
 *		What planning a base relation and a grouped one share.
 */
#ifndef NETSUITE_RELATION_H
#define NETSUITE_RELATION_H

#include "postgres.h"

#include "netsuite_fdw/cursor.h"
#include "netsuite_fdw/deparse.h"
#include "netsuite_fdw/option.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

/* What the planner knows of a remote relation, base or grouped */
typedef struct RelInfo
{
	Oid relid;
	Oid serverid;
	Oid userid;
	ServerOptions *server;
	List *shipped; /* RestrictInfos certain there */
	List *weak;    /* sent, and checked again here */
	List *local;   /* checked here alone */
	double rows;
	int error;       /* the column that says why a row does not fit, if the query names it */
	CursorSpec keys; /* nkeys, keys, key_unique */
	int key_attnums[MAX_KEYS];
	/* of a grouped relation */
	struct RelInfo *input;
	RelOptInfo *input_rel;
	List *grouped_tlist;
	List *having; /* expressions certain there */
	List *having_local;
} RelInfo;

/* What a path adds: fdw_private of ForeignPath */
enum PathItem
{
	PATH_ORDER_KEY, /* Integer: rows in key order */
	PATH_PATHKEYS   /* list of PathKeys to sort by there, or NIL */
};

/* Collects the columns of a SELECT list and what becomes of them */
typedef struct Select
{
	List *text;    /* pieces */
	List *names;   /* taken so far */
	List *columns; /* PLAN_COLUMNS */
	List *order;   /* expressions, for a total order */
} Select;

extern ShipContext ship_context(PlannerInfo *root, RelOptInfo *rel, RelInfo *info, bool measure);
extern bool settle_weak(PlannerInfo *root, RelOptInfo *rel, RelInfo *info);
extern void cost(RelInfo *info, double fetched, bool sequential, Cost *startup, Cost *total);
extern Expr *sortable_member(PathKey *pk, ShipContext *c, List *tlist);
extern bool all_sortable(List *pathkeys, ShipContext *c, List *tlist);
extern List *deparse_where(List *clauses, Deparse *d);
extern List *deparse_order(List *pathkeys, RelInfo *info, Deparse *d);
extern List *join_order(List *wanted, List *total);
extern List *select_text(Select *s, RelInfo *info);
extern void select_column(Select *s, List *expression, const char *bare, const char *wish,
						  Oid type, int32 typmod, int target, int key, int divides, bool midnight,
						  const char *label);

extern void netsuiteGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage,
										 RelOptInfo *input_rel, RelOptInfo *output_rel,
										 void *extra);
extern ForeignScan *plan_grouped(PlannerInfo *root, RelInfo *info, ForeignPath *path, List *tlist,
								 Plan *outer_plan);

#endif /* NETSUITE_RELATION_H */
