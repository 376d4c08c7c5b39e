/*
 * compat.h
 *		What differs between PostgreSQL 15 and 19.
 */
#ifndef FILES_COMPAT_H
#define FILES_COMPAT_H

#include "postgres.h"

#include "catalog/pg_foreign_server.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/pathnode.h"
#include "parser/parsetree.h"
#include "utils/acl.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 160000
#define server_aclcheck(serverid, roleid) pg_foreign_server_aclcheck(serverid, roleid, ACL_USAGE)
#else
#define server_aclcheck(serverid, roleid) object_aclcheck(ForeignServerRelationId, serverid, roleid, ACL_USAGE)
#endif

/* Whose user mapping a scan takes: of a view, its owner's */
static inline Oid
scan_user(PlannerInfo *root, Index rti)
{
#if PG_VERSION_NUM >= 160000
	Oid role = root->simple_rel_array[rti] ? root->simple_rel_array[rti]->userid : InvalidOid;
#else
	Oid role = planner_rt_fetch(rti, root)->checkAsUser;
#endif

	return OidIsValid(role) ? role : GetUserId();
}

/* Whose rights a statement that writes has: of a view, its owner's */
static inline Oid
modify_user(ResultRelInfo *target, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	Oid role = ExecGetResultRelCheckAsUser(target, estate);
#else
	bool routed = target->ri_RangeTableIndex == 0 && target->ri_RootResultRelInfo != NULL;
	ResultRelInfo *top = routed ? target->ri_RootResultRelInfo : target;
	Oid role = top->ri_RangeTableIndex > 0 ? exec_rt_fetch(top->ri_RangeTableIndex, estate)->checkAsUser : InvalidOid;
#endif

	return OidIsValid(role) ? role : GetUserId();
}

/* Are texts of a collation in the order of their bytes? */
#if PG_VERSION_NUM >= 180000
#define collation_is_c(collation) (pg_newlocale_from_collation(collation)->collate_is_c)
#else
#define collation_is_c(collation) lc_collate_is_c(collation)
#endif

/* create_foreignscan_path took fdw_restrictinfo in 17 and disabled_nodes in 18 */
#if PG_VERSION_NUM >= 180000
#define make_scan_path(root, rel, rows, startup, total) \
	create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, NIL, (rel)->lateral_relids, NULL, NIL, NIL)
#elif PG_VERSION_NUM >= 170000
#define make_scan_path(root, rel, rows, startup, total) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, NIL, (rel)->lateral_relids, NULL, NIL, NIL)
#else
#define make_scan_path(root, rel, rows, startup, total) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, NIL, (rel)->lateral_relids, NULL, NIL)
#endif

#endif /* FILES_COMPAT_H */
