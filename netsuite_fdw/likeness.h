/*
 * likeness.h
 *		What is proved of the text columns of an expression.
 */
#ifndef NETSUITE_LIKENESS_H
#define NETSUITE_LIKENESS_H

#include "postgres.h"

#include "netsuite_fdw/collation.h"
#include "netsuite_fdw/shippable.h"

extern bool text_proved(TextTrait trait, Node *expr, ShipContext *c);

#endif /* NETSUITE_LIKENESS_H */
