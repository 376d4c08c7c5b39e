/*
 * statement.h
 *		Statements of requests: prepared once for a role, and run as it.
 */
#ifndef API_STATEMENT_H
#define API_STATEMENT_H

#include "postgres.h"

#include "executor/spi.h"
#include "nodes/pg_list.h"

/* A plan of the extension's own statements, made at its first use and kept */
extern SPIPlanPtr own_plan(SPIPlanPtr *plan, const char *sql, int n, Oid *types);
/* What it gives is in SPI_tuptable; values are compile.h's.  What does not say that it writes cannot */
extern void statement_run(const char *sql, List *values, bool writes);
/* The same, so many rows at a time: each time they are in SPI_tuptable, none at the end or where there are none */
extern void statement_in_parts(const char *sql, List *values, bool writes, int most, void (*take)(void *of), void *of);
extern int64 statement_number(const char *sql, List *values);
/* Rows that the planner expects below the count on top */
extern int64 statement_estimate(const char *sql, List *values);

#endif /* API_STATEMENT_H */
