/*
 * lake_file.h
 *		The files of what a transaction writes to a lake, each of one folder.
 */
#ifndef FILES_LAKE_FILE_H
#define FILES_LAKE_FILE_H

#include "postgres.h"

#include "files_fdw/lake_change.h"

/*
 * The open file that a row belongs to, by values (of LakePair) of its folders' columns, and of this subtransaction:
 * what it wrote goes with it
 */
extern LakeWritten *lake_file_of(LakeChange *change, List *values);
/* The file has a row more.  It may be ended with it, or others sent on, so that they hold no more than is good */
extern void lake_file_row_end(LakeChange *change, LakeWritten *w);
/* Nothing more comes into the file */
extern void lake_file_end(LakeChange *change, LakeWritten *w);
/* It goes, as far as that can be while a transaction is rolled back */
extern void lake_file_discard(LakeWritten *w);

#endif /* FILES_LAKE_FILE_H */
