/*
 * scan.h
 *		The executor's side of a foreign scan.
 */
#ifndef NETSUITE_SCAN_H
#define NETSUITE_SCAN_H

#include "postgres.h"

#include "foreign/fdwapi.h"

extern void scan_routine(FdwRoutine *routine);

#endif /* NETSUITE_SCAN_H */
