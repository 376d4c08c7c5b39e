/*
 * create.h
 *		Making, changing and dropping syncs: what is asked of their settings.
 */
#ifndef INGEST_CREATE_H
#define INGEST_CREATE_H

#include "postgres.h"

/* Errors unless the foreign table has the columns, and the copy a unique index on the key */
extern void require_columns(Oid relid, const char *foreign, const char *cursor, char **key, int n_key);
extern void require_unique_key(const char *target, char **key, int n_key);

#endif /* INGEST_CREATE_H */
