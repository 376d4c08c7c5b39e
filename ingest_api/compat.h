/*
 * compat.h
 *		Differences between versions of PostgreSQL.
 */
#ifndef API_COMPAT_H
#define API_COMPAT_H

#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "utils/acl.h"

#if PG_VERSION_NUM >= 160000
#define may_use_schema(schema, role) (object_aclcheck(NamespaceRelationId, schema, role, ACL_USAGE) == ACLCHECK_OK)
#define may_execute(function, role) (object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK)
#else
#define may_use_schema(schema, role) (pg_namespace_aclcheck(schema, role, ACL_USAGE) == ACLCHECK_OK)
#define may_execute(function, role) (pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK)
#endif

/* What ingest says of places in events; gone since 17 */
#ifndef ERRCODE_SNAPSHOT_TOO_OLD
#define ERRCODE_SNAPSHOT_TOO_OLD MAKE_SQLSTATE('7', '2', '0', '0', '0')
#endif

/* Slots know processes by their numbers, and what is replicated has a state, since 19 */
#if PG_VERSION_NUM >= 190000
#define slot_is_mine(slot) ((slot)->active_proc == MyProcNumber)
#define has_replication_origin() (replorigin_xact_state.origin != InvalidReplOriginId)
#else
#define slot_is_mine(slot) ((slot)->active_pid == MyProcPid)
#define has_replication_origin() (replorigin_session_origin != InvalidRepOriginId)
#endif

#endif /* API_COMPAT_H */
