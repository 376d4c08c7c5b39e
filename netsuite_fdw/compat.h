/*
 * compat.h
 *		What differs between PostgreSQL 15 and 19.
 */
#ifndef NETSUITE_COMPAT_H
#define NETSUITE_COMPAT_H

#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_foreign_server.h"
#if PG_VERSION_NUM >= 190000
#include "nodes/miscnodes.h"
#endif
#include "optimizer/pathnode.h"
#include "utils/acl.h"

#if PG_VERSION_NUM < 160000
#define server_aclcheck(serverid, roleid) \
	pg_foreign_server_aclcheck(serverid, roleid, ACL_USAGE)
#else
#define server_aclcheck(serverid, roleid) \
	object_aclcheck(ForeignServerRelationId, serverid, roleid, ACL_USAGE)
#endif

/* the index of this backend's PGPROC */
#if PG_VERSION_NUM >= 170000
#define my_proc_number() MyProcNumber
#else
#define my_proc_number() (MyProc->pgprocno)
#endif

/* create_foreignscan_path took fdw_restrictinfo in 17 and disabled_nodes in 18 */
#if PG_VERSION_NUM >= 180000
#define make_scan_path(root, rel, rows, startup, total, keys, outer, fdw_private) \
	create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, keys, outer, NULL, NIL, fdw_private)
#define make_upper_path(root, rel, target, rows, startup, total, keys, fdw_private) \
	create_foreign_upper_path(root, rel, target, rows, 0, startup, total, keys, NULL, NIL, fdw_private)
#elif PG_VERSION_NUM >= 170000
#define make_scan_path(root, rel, rows, startup, total, keys, outer, fdw_private) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, keys, outer, NULL, NIL, fdw_private)
#define make_upper_path(root, rel, target, rows, startup, total, keys, fdw_private) \
	create_foreign_upper_path(root, rel, target, rows, startup, total, keys, NULL, NIL, fdw_private)
#else
#define make_scan_path(root, rel, rows, startup, total, keys, outer, fdw_private) \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, keys, outer, NULL, fdw_private)
#define make_upper_path(root, rel, target, rows, startup, total, keys, fdw_private) \
	create_foreign_upper_path(root, rel, target, rows, startup, total, keys, NULL, fdw_private)
#endif

/* pk_strategy became pk_cmptype in 18 */
#if PG_VERSION_NUM >= 180000
#define pathkey_descends(pk) ((pk)->pk_cmptype == COMPARE_GT)
#else
#define pathkey_descends(pk) ((pk)->pk_strategy == BTGreaterStrategyNumber)
#endif

/* With a place for volatile constraints since 19 */
#if PG_VERSION_NUM >= 190000
#define domain_has_constraints(type) DomainHasConstraints(type, NULL)
#else
#define domain_has_constraints(type) DomainHasConstraints(type)
#endif

/* One beyond what a timestamp can be is infinity, and no error */
#if PG_VERSION_NUM >= 190000
#define NO_ERROR ((Node *) &(ErrorSaveContext){T_ErrorSaveContext})
#define timestamp_of_date(date) date2timestamp_safe(date, NO_ERROR)
#define moment_of_date(date) date2timestamptz_safe(date, NO_ERROR)
#define moment_of_timestamp(timestamp) timestamp2timestamptz_safe(timestamp, NO_ERROR)
#else
#define timestamp_of_date(date) date2timestamp_opt_overflow(date, &(int){0})
#define moment_of_date(date) date2timestamptz_opt_overflow(date, &(int){0})
#define moment_of_timestamp(timestamp) timestamp2timestamptz_opt_overflow(timestamp, &(int){0})
#endif

#endif /* NETSUITE_COMPAT_H */
