/*
 * read.h
 *		Functions that hidden_cast calls: what a cast does not read.
 */
#ifndef PROFILE_READ_H
#define PROFILE_READ_H

#include "postgres.h"

/* Their schema, quoted */
extern char *readers_schema(void);

#endif /* PROFILE_READ_H */
