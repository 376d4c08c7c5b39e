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
#include "files_fdw/lake_log.h"
#include "files_fdw/table.h"
#include "utils/rel.h"

typedef struct LakeChange LakeChange;

/* What this transaction writes to a table; an error where another one is written already, or may not be */
extern LakeChange *lake_change(Relation relation, Oid userid);
extern void lake_insert(LakeChange *change, TupleTableSlot *slot);
/* Files go whose folders fit: how many rows they had, as far as the log says */
extern int64 lake_delete(LakeChange *change, bool (*fits)(FileInfo *file, void *arg), void *arg);
/* All that is there goes */
extern void lake_truncate(LakeChange *change);
/* The version has the mark, which must be higher than the one that the log has */
extern void lake_set_mark(LakeChange *change, const char *app, int64 version);
/* The highest mark that a table's log has; -1: none */
extern int64 lake_published(Table *t, const char *app);
/* The table's files of the newest version, as FileInfo */
extern List *lake_files(Table *t);
/* The log that is there now */
extern LakeState *lake_state(Table *t);
extern const LakeLogRoutine *lake_log(const Table *t);
/* Is the table one of a lake, which may be written? */
extern bool lake_is_table(Oid relid);
/* An error unless this role's statements may write it */
extern void lake_check_may_write(Table *t);

#endif /* FILES_LAKE_H */
