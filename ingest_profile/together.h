/*
 * together.h
 *		Several processes that read the same tables.
 */
#ifndef PROFILE_TOGETHER_H
#define PROFILE_TOGETHER_H

#include "postgres.h"

#include "ingest_profile/reading.h"
#include "utils/rel.h"

/* The columns of some relations, which are open */
typedef struct ReadPlan
{
	int n;
	ReadType *types;
	int nmembers;
	Relation *members;
	AttrNumber *attnums; /* n for each member */
} ReadPlan;

extern void read_together(Reading *r, const ReadPlan *plan, int workers, MemoryContext context);

#endif /* PROFILE_TOGETHER_H */
