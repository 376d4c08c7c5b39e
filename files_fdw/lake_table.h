/*
 * lake_table.h
 *		A foreign table as one of a lake: its log, who may write it, which files it has.
 */
#ifndef FILES_LAKE_TABLE_H
#define FILES_LAKE_TABLE_H

#include "postgres.h"

#include "files_fdw/lake_log.h"
#include "files_fdw/table.h"

/* Is the table one of a lake, which may be written? */
extern bool lake_is_table(Oid relid);
/* An error unless this role's statements may write it */
extern void lake_check_may_write(Table *t);
extern const LakeLogRoutine *lake_log(const Table *t);
/* The log that is there now; what it says later on is put where it is now, too: in the current memory context */
extern LakeState *lake_state(Table *t);
/* The highest mark that a table's log has; -1: none */
extern int64 lake_published(Table *t, const char *app);
/* The table's files of the newest version, as FileInfo */
extern List *lake_files(Table *t);

#endif /* FILES_LAKE_TABLE_H */
