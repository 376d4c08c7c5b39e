/*
 * digits.h
 *		Do numbers keep all their digits there?
 */
#ifndef NETSUITE_DIGITS_H
#define NETSUITE_DIGITS_H

#include "postgres.h"

#include "netsuite_fdw/shippable.h"

/* Items of PLAN_PROOF, for sums that NetSuite makes of columns that may have any number of digits */
enum ProofItem
{
	PROOF_TARGET, /* Integer: place in the row of how many of a group's numbers are too long */
	PROOF_FROM,   /* String: the table, as it is asked about */
	PROOF_COLUMNS,
	PROOF_MEANS /* list of Integer: places in the row of averages */
};

extern bool is_within_type(Node *expr);
extern bool digits_fit(Node *expr, ShipContext *c);
extern bool digits_fit_sum(Aggref *agg, bool mean, ShipContext *c);
extern List *digits_columns(Node *expr, ShipContext *c);
extern char *digits_count_long(List *columns);
extern void digits_check(Client *client, List *proof, const char *relation, const Datum *values,
						 const bool *nulls);

#endif /* NETSUITE_DIGITS_H */
