/*
 * sql.h
 *		Parts of the statement that answers an operation.
 *
 * What the document names was looked up, and is quoted; what it gives is a parameter.
 */
#ifndef GRAPHQL_SQL_H
#define GRAPHQL_SQL_H

#include "ingest_api/graphql/execute.h"

/* Rows of a resource in the statement, as t1, t2, … */
typedef struct Range
{
	GEntry *entry;
	int n;
	List *needed;         /* names of columns that are asked of it */
	StringInfoData joins; /* behind it in FROM */
} Range;

typedef struct Sorted
{
	const GColumn *column;
	bool descending;
} Sorted;

/* Which of the rows */
typedef struct GPage
{
	int64 size;
	bool backward;
	List *order; /* Sorted */
	bool keyed;  /* the order tells each row from each other */
	List *after; /* texts of the order's columns, NULL for null */
	List *before;
	bool has_after;
	bool has_before;
	int64 offset; /* where it is not keyed */
	const Ast *filter;
} GPage;

extern Range *range_new(Execution *x, GEntry *entry);
extern char *range_column(Range *range, const char *column);
extern char *sql_parameter(Execution *x, Oid type, const char *text);
/* What is given, as a parameter of the type */
extern char *sql_given(Execution *x, Oid type, const Ast *value);
/* usual: such numbers are few */
extern char *sql_number(Execution *x, int64 number, bool usual);
/* A value as answers hold it */
extern char *sql_shown(const char *expression, Oid type);

/* filter.c; rows are called name; NULL: nothing is said */
extern char *sql_filter(Execution *x, GEntry *entry, const char *name, const Ast *filter);
/* page.c */
extern void page_read(Execution *x, GEntry *entry, const Ast *field, GPage *page);
extern char *page_order(const GPage *page, const char *name);
/* NULL: all of them */
extern char *page_condition(Execution *x, const GPage *page, const char *name);
/* Of a row of range; number: the expression of its place */
extern char *page_cursor(const GPage *page, Range *range, const char *number);
/* The key of a row that this is the nodeId of, as texts; NULL: it is none of any resource */
extern List *node_key(Execution *x, const char *node_id, GEntry **entry);
extern char *node_id_sql(Range *range);

#endif /* GRAPHQL_SQL_H */
