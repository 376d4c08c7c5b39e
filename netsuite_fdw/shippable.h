/*
 * shippable.h
 *		What means the same there.
 */
#ifndef NETSUITE_SHIPPABLE_H
#define NETSUITE_SHIPPABLE_H

#include "postgres.h"

#include "netsuite_fdw/client.h"
#include "netsuite_fdw/form.h"
#include "nodes/pathnodes.h"

/* How far a condition may be trusted to NetSuite */
typedef enum Ship
{
	SHIP_NO,
	SHIP_WEAK, /* true there wherever true here: check again here */
	SHIP_EXACT
} Ship;

typedef struct ShipContext
{
	PlannerInfo *root;
	Relids relids; /* the remote relation */
	Oid serverid;
	Oid userid;
	bool measure; /* may ask the account for its traits */
	bool adding;  /* within a sum, whose numbers are looked at when they come */
} ShipContext;

extern bool is_local_value(Node *expr, ShipContext *context);
extern RemoteForm ship_form(Node *expr, ShipContext *context);
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

extern bool is_arithmetic(const char *operator);
extern bool is_sum(Aggref *agg);
extern bool is_days_between(Node *expr, ShipContext *context);
extern bool is_column(Node *expr, ShipContext *context);
extern Oid column_relation(Var *var, ShipContext *context);
extern Call call_of(FuncExpr *call, const char **name);
extern bool call_needs_days(FuncExpr *call);
extern Node *call_date(FuncExpr *call);
extern const char *call_unit(FuncExpr *call);
extern const char *operator_name(Oid opno);
extern bool const_text(Node *expr, char **text);
extern char *like_superset(const char *pattern, bool *exact);

#endif /* NETSUITE_SHIPPABLE_H */
