/*
 * version.h
 *		Versions of rows, written to ingest.change.
 */
#ifndef INGEST_VERSION_H
#define INGEST_VERSION_H

#include "postgres.h"

#include "ingest/base/sql.h"

/*
 * Of stored rows that begin with operation, key, before, after and source_time those that have an operation become
 * versions of a sync; how many.  The transaction sees them from the next statement on.
 */
extern int64 versions_write(const Stored *stored, int32 sync, int64 run);

#endif /* INGEST_VERSION_H */
