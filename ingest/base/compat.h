/*
 * compat.h
 *		What differs between PostgreSQL 15 and 19.
 */
#ifndef INGEST_COMPAT_H
#define INGEST_COMPAT_H

#include "postgres.h"

#include "common/function.h"
#include "fmgr.h"
#include "funcapi.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM >= 160000
#define names_of(text) stringToQualifiedNameList(text, NULL)
#else
#define names_of(text) stringToQualifiedNameList(text)
#endif

/* One function for all kinds of objects since 16 */
#if PG_VERSION_NUM >= 160000
#define database_ownercheck(oid, role) object_ownercheck(DatabaseRelationId, oid, role)
#define relation_ownercheck(oid, role) object_ownercheck(RelationRelationId, oid, role)
#define foreign_server_aclcheck(oid, role, mode) object_aclcheck(ForeignServerRelationId, oid, role, mode)
#define namespace_aclcheck(oid, role, mode) object_aclcheck(NamespaceRelationId, oid, role, mode)
#else
#define database_ownercheck(oid, role) pg_database_ownercheck(oid, role)
#define relation_ownercheck(oid, role) pg_class_ownercheck(oid, role)
#define foreign_server_aclcheck(oid, role, mode) pg_foreign_server_aclcheck(oid, role, mode)
#define namespace_aclcheck(oid, role, mode) pg_namespace_aclcheck(oid, role, mode)
#endif

#if PG_VERSION_NUM >= 170000
#define lock_held_by_me(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define lock_held_by_me(tag, mode) LockHeldByMe(tag, mode)
#endif

/* What indexes have to be told of a row that was put into their table */
#if PG_VERSION_NUM >= 190000
#define insert_index_entries(relation, slot, estate) ExecInsertIndexTuples(relation, estate, 0, slot, NIL, NULL)
#elif PG_VERSION_NUM >= 160000
#define insert_index_entries(relation, slot, estate) \
	ExecInsertIndexTuples(relation, slot, estate, false, false, NULL, NIL, false)
#else
#define insert_index_entries(relation, slot, estate) \
	ExecInsertIndexTuples(relation, slot, estate, false, false, NULL, NIL)
#endif

/* A macro since 17 */
#if PG_VERSION_NUM < 170000
#define AmBackgroundWorkerProcess() (MyBgworkerEntry != NULL)
#endif

/* Gone since 17, in which no snapshot is too old; places in events are */
#ifndef ERRCODE_SNAPSHOT_TOO_OLD
#define ERRCODE_SNAPSHOT_TOO_OLD MAKE_SQLSTATE('7', '2', '0', '0', '0')
#endif

#endif /* INGEST_COMPAT_H */
