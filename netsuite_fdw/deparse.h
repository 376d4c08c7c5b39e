/*
 * deparse.h
 *		PostgreSQL expressions into SuiteQL.
 *
 * A text to send is a list of pieces: code (String), and holes for values that
 * are known only at execution (Integer: which of them).  Pieces are joined when
 * the query is sent, and never looked through: no data can be taken for code.
 */
#ifndef NETSUITE_DEPARSE_H
#define NETSUITE_DEPARSE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "netsuite_fdw/shippable.h"
#include "pgtime.h"

/* What is written in place of a hole, as a list */
enum HoleItem
{
	HOLE_FORM,     /* Integer: RemoteForm of what the value meets */
	HOLE_OPERATOR, /* String: "" for the value alone; = < ...; IN, NOT IN */
	HOLE_SUBJECT   /* pieces: what is compared with it */
};

/* A text that is being written, and the holes of all texts of a query */
typedef struct Deparse
{
	ShipContext *ship;
	StringInfo out; /* code behind the pieces */
	List *pieces;
	List *values; /* expressions, for fdw_exprs */
	List *holes;  /* what is written for each */
	bool days;    /* something holds in zones alone that have every day */
} Deparse;

/* The values of now */
typedef struct HoleValues
{
	List *holes;
	Datum *values;
	bool *nulls;
	Oid *types;
	pg_tz *zone; /* the account's */
} HoleValues;

extern void deparse_begin(Deparse *d);
extern List *deparse_end(Deparse *d);
extern void deparse_pieces(List *pieces, Deparse *d);
extern void deparse_condition(Node *expr, Deparse *d);
extern void deparse_value(Node *expr, Deparse *d);
extern void deparse_output(Node *expr, Deparse *d);
extern void deparse_aggregate(Aggref *agg, const char *name, Deparse *d);

extern List *code_piece(const char *code);
extern char *plain_code(List *pieces);
extern char *fill_pieces(List *pieces, const HoleValues *values);
extern int parameter_number(Node *expr);
extern char *show_pieces(List *pieces, List *holes, List *exprs, int *numbers, int *last);

#endif /* NETSUITE_DEPARSE_H */
