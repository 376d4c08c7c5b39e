/*
 * compat.h
 *		What differs between PostgreSQL 15 and 19.
 */
#ifndef PROFILE_COMPAT_H
#define PROFILE_COMPAT_H

#include "postgres.h"

#include "common/function.h"
#include "fmgr.h"
#include "parser/parse_type.h"
#include "utils/pg_locale.h"
#include "utils/regproc.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* pg_locale.h: a function until 17, a field since 18 */
#if PG_VERSION_NUM >= 180000
#define collation_is_c(collation) (pg_newlocale_from_collation(collation)->collate_is_c)
#else
#define collation_is_c(collation) lc_collate_is_c(collation)
#endif

/* Soft errors came with 16 */
static inline bool
parse_type_or_null(const char *name, Oid *typid, int32 *typmod)
{
#if PG_VERSION_NUM >= 160000
	(void) parseTypeString(name, typid, typmod, NULL);
#else
	parseTypeString(name, typid, typmod, true);
#endif
	return OidIsValid(*typid);
}

#if PG_VERSION_NUM >= 160000
#define names_of(text) stringToQualifiedNameList(text, NULL)
#else
#define names_of(text) stringToQualifiedNameList(text)
#endif

/* With flags since 19 */
#if PG_VERSION_NUM >= 190000
#define begin_scan(relation, snapshot) table_beginscan(relation, snapshot, 0, NULL, SO_NONE)
#define begin_shared_scan(relation, shared) table_beginscan_parallel(relation, shared, SO_NONE)
#else
#define begin_scan(relation, snapshot) table_beginscan(relation, snapshot, 0, NULL)
#define begin_shared_scan(relation, shared) table_beginscan_parallel(relation, shared)
#endif

#endif /* PROFILE_COMPAT_H */
