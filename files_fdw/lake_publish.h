/*
 * lake_publish.h
 *		How what a transaction has written becomes a version of a lake, or goes.
 */
#ifndef FILES_LAKE_PUBLISH_H
#define FILES_LAKE_PUBLISH_H

#include "postgres.h"

#include "files_fdw/lake_change.h"

/* The next version is there, with all that was written; else an error, and nothing of it is seen */
extern void lake_publish(LakeChange *change);
/* What was written goes, but if a log may name it */
extern void lake_give_up(LakeChange *change);

#endif /* FILES_LAKE_PUBLISH_H */
