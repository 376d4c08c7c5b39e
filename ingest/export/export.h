/*
 * export.h
 *		Tables that are kept in lakes.
 */
#ifndef INGEST_EXPORT_H
#define INGEST_EXPORT_H

#include "postgres.h"

#include "ingest/base/attempt.h"

/* In a procedure or a worker; false, and why, if it failed */
extern bool export_run(const char *name, Failure *failure);

#endif /* INGEST_EXPORT_H */
