/*
 * statement.h
 *		Statements of the worker that are prepared once, and what is read from their answers.
 */
#ifndef DELIVERY_STATEMENT_H
#define DELIVERY_STATEMENT_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"

#define MOST_ARGUMENTS 10

typedef struct Statement
{
	const char *sql;
	int n;
	Oid types[MOST_ARGUMENTS];
	SPIPlanPtr plan;
} Statement;

extern SPIPlanPtr statement_plan(Statement *s);
extern uint64 statement_run(Statement *s, Datum *values, const char *nulls);

/* Of the answer: a value as text in the current memory context, NULL for null; a number, 0 for null; null is false */
extern char *text_at(uint64 row, int column);
extern int64 number_at(uint64 row, int column);
extern bool truth_at(uint64 row, int column);

/* Arrays, as parameters */
extern Datum texts(Datum *items, int n);
extern Datum eras(Datum *items, int n);
extern Datum ids(Datum *items, int n);

#endif /* DELIVERY_STATEMENT_H */
