/*
 * delta_checkpoint.h
 *		Checkpoints of Delta Lake's log: _delta_log/N.checkpoint.parquet has what the versions up to N come to.
 */
#ifndef FILES_DELTA_CHECKPOINT_H
#define FILES_DELTA_CHECKPOINT_H

#include "postgres.h"

#include "files_fdw/lake_log.h"

/* The version of a checkpoint in one file; -1: it is none */
extern int64 delta_checkpoint_version(const char *path);
/* Its actions, each as a line of the log would have it */
extern void delta_checkpoint_read(LakeState *state, const FileInfo *file,
								  void (*take)(const char *line, size_t len, void *arg), void *arg);

#endif /* FILES_DELTA_CHECKPOINT_H */
