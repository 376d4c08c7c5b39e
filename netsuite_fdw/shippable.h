/*
 * shippable.h
 *		What means the same there.
 */
#ifndef NETSUITE_SHIPPABLE_H
#define NETSUITE_SHIPPABLE_H

#include "postgres.h"

#include "netsuite_fdw/client.h"
#include "nodes/pathnodes.h"

/* How far a condition may be trusted to NetSuite */
typedef enum Ship
{
	SHIP_NO,
	SHIP_WEAK, /* true there wherever true here: check again here */
	SHIP_EXACT
} Ship;

/* Types that NetSuite and PostgreSQL agree on */
typedef enum Family
{
	FAMILY_NONE,
	FAMILY_NUMBER, /* integers and numeric: exact decimals */
	FAMILY_BOOL,   /* T and F */
	FAMILY_TEXT,
	FAMILY_DATE,       /* whole days */
	FAMILY_TIMESTAMP,  /* whole seconds, wall clock */
	FAMILY_TIMESTAMPTZ /* whole seconds, in the account's zone */
} Family;

typedef struct ShipContext
{
	PlannerInfo *root;
	Relids relids; /* the remote relation */
	Oid serverid;
	Oid userid;
	bool measure; /* may ask the account for its traits */
} ShipContext;

extern Family family_of(Oid type, int32 typmod);
extern Family family_of_expr(Node *expr);
extern bool is_local_value(Node *expr, ShipContext *context);
extern bool ship_value(Node *expr, ShipContext *context);
extern bool ship_aggregate(Aggref *agg, ShipContext *context);
extern bool ship_grouping(Expr *expr, ShipContext *context);
extern Ship ship_condition(Node *expr, ShipContext *context);
extern bool ship_order(Node *expr, Oid collation, ShipContext *context);

/* Calls that have a form of their own there; deparse.c writes them */
typedef enum Call
{
	CALL_NONE,
	CALL_IDENTITY, /* casts that change nothing */
	CALL_NUMBER,   /* name(numbers) */
	CALL_DATE_TRUNC,
	CALL_EXTRACT,
	CALL_TO_CHAR
} Call;

extern Call call_of(FuncExpr *call, const char **name);
extern Node *call_date(FuncExpr *call);
extern const char *call_unit(FuncExpr *call);
extern const char *operator_name(Oid opno);
extern bool const_text(Node *expr, char **text);

#endif /* NETSUITE_SHIPPABLE_H */
