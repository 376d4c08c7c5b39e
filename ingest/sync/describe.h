/*
 * describe.h
 *		What a copy and its columns are, in the source's words.
 */
#ifndef INGEST_DESCRIBE_H
#define INGEST_DESCRIBE_H

#include "postgres.h"

/* Comments that are not the user's follow the source's descriptions; as the copy's owner */
extern void describe_copy(int32 sync, const char *target);

#endif /* INGEST_DESCRIBE_H */
