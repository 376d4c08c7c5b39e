/*
 * lake.h
 *		What a transaction writes to a lake, and how it becomes one of its versions.
 *
 * Rows go into files that nobody sees.  Just before the transaction commits they are shown and the next version of the
 * folder's log is put, which has all of them or is not there.
 */
#ifndef FILES_LAKE_H
#define FILES_LAKE_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "files_fdw/root.h"
#include "utils/rel.h"

struct LakeChange; /* lake_change.h */

/* What this transaction writes to a table; an error where another one is written already, or may not be */
extern struct LakeChange *lake_change(Relation relation, Oid userid);
extern void lake_insert(struct LakeChange *change, TupleTableSlot *slot);
/* Files go whose folders fit: how many rows they had, as far as the log says */
extern int64 lake_delete(struct LakeChange *change, bool (*fits)(FileInfo *file, void *arg), void *arg);
/* All that is there goes */
extern void lake_truncate(struct LakeChange *change);
/* The version has the mark, which must be higher than the one that the log has */
extern void lake_set_mark(struct LakeChange *change, const char *app, int64 version);

#endif /* FILES_LAKE_H */
