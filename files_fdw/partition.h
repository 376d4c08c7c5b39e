/*
 * partition.h
 *		Folders called key=value, as Hive has them.
 */
#ifndef FILES_PARTITION_H
#define FILES_PARTITION_H

#include "postgres.h"

#include "nodes/pg_list.h"

#define HIVE_NULL "__HIVE_DEFAULT_PARTITION__"

/* The value that a path has for a key; NULL: none, or Hive's own word for null */
extern char *partition_value(const char *path, const char *key);
/* All keys of a path, in their order */
extern List *partition_keys(const char *path);

#endif /* FILES_PARTITION_H */
