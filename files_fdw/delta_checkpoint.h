/*
 * delta_checkpoint.h
 *		Checkpoints of Delta Lake's log: _delta_log/N.checkpoint.parquet, or N.checkpoint.PART.PARTS.parquet, all of
 *		them, has what the versions up to N come to.
 */
#ifndef FILES_DELTA_CHECKPOINT_H
#define FILES_DELTA_CHECKPOINT_H

#include "postgres.h"

#include "files_fdw/lake_log.h"

/* The newest that is whole among the files of a log: its file, or its parts; NIL: there is none */
extern List *delta_checkpoint_newest(List *files, int64 *version);
/* Its actions, each as a line of the log would have it */
extern void delta_checkpoint_read(LakeState *state, const FileInfo *file,
								  void (*take)(const char *line, size_t len, void *arg), void *arg);

#endif /* FILES_DELTA_CHECKPOINT_H */
