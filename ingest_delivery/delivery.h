/*
 * delivery.h
 *		What all files of the library know: its settings, and what differs between versions of PostgreSQL.
 */
#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H

#include "postgres.h"

#include "common/function.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

extern bool delivery_allow_http;       /* ingest_delivery.allow_http */
extern int delivery_unavailable_alert; /* ingest_delivery.unavailable_alert, seconds */
extern int delivery_behind_alert;      /* ingest_delivery.behind_alert, seconds */
extern int delivery_retention;         /* ingest_delivery.retention, minutes */

#if PG_VERSION_NUM >= 160000
#define server_aclcheck(oid, role, mode) object_aclcheck(ForeignServerRelationId, oid, role, mode)
#else
#define server_aclcheck(oid, role, mode) pg_foreign_server_aclcheck(oid, role, mode)
#endif

#endif /* DELIVERY_DELIVERY_H */
