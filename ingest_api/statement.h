/*
 * statement.h
 *		Statements of requests: prepared once for a role, and run as it.
 */
#ifndef API_STATEMENT_H
#define API_STATEMENT_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* What it gives is in SPI_tuptable; values are compile.h's */
extern void statement_run(const char *sql, List *values);
extern int64 statement_number(const char *sql, List *values);
/* Rows that the planner expects below the count on top */
extern int64 statement_estimate(const char *sql, List *values);

#endif /* API_STATEMENT_H */
