/*
 * modify.h
 *		INSERT, COPY, DELETE and TRUNCATE of foreign tables that are a lake's.
 */
#ifndef FILES_MODIFY_H
#define FILES_MODIFY_H

#include "postgres.h"

#include "foreign/fdwapi.h"

extern void modify_routine(FdwRoutine *routine);

#endif /* FILES_MODIFY_H */
