/*
 * likeness.h
 *		What is proved of the text columns of an expression.
 */
#ifndef NETSUITE_LIKENESS_H
#define NETSUITE_LIKENESS_H

#include "postgres.h"

#include "netsuite_fdw/collation.h"
#include "netsuite_fdw/shippable.h"

/* Of what the texts are that an expression yields, since that is how they compare there */
typedef enum TextSource
{
	TEXT_OF_COLUMNS,  /* by the collation of a column */
	TEXT_OF_DIGITS,   /* to_char's digits, which are the same under every rule */
	TEXT_OF_LITERALS, /* literals, perhaps beside digits: by a rule that nobody knows */
	TEXT_OF_FIXED     /* literals alone, which are of fixed length there */
} TextSource;

extern TextSource text_source(Node *expr, ShipContext *c);
extern bool text_branches_fit(Node *expr, ShipContext *c);
extern bool text_literals_differ(Node *expr, ShipContext *c);
extern bool text_proved(TextTrait trait, Node *expr, ShipContext *c);

#endif /* NETSUITE_LIKENESS_H */
