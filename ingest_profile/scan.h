/*
 * scan.h
 *		Reading a table's columns without a statement.
 */
#ifndef PROFILE_SCAN_H
#define PROFILE_SCAN_H

#include "postgres.h"

#include "ingest_profile/table.h"

/* Profile the columns of a relation as a statement would; false, and nothing done, if only a statement can */
extern bool scan_columns(Oid relation, Profiled *p, MemoryContext context);

#endif /* PROFILE_SCAN_H */
