/*
 * plan.h
 *		Paths, costs and the plan of a scan.
 */
#ifndef FILES_PLAN_H
#define FILES_PLAN_H

#include "postgres.h"

#include "foreign/fdwapi.h"

/* Items of fdw_private */
enum PlanItem
{
	PLAN_WANTED,  /* list of Integer: attnums that the query uses */
	PLAN_GUARDED, /* Integer: some conditions must not see what others keep from them: they are asked in their order */
	PLAN_ITEMS
};

extern void plan_routine(FdwRoutine *routine);

#endif /* FILES_PLAN_H */
