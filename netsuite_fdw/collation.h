/*
 * collation.h
 *		How text columns compare there.
 */
#ifndef NETSUITE_COLLATION_H
#define NETSUITE_COLLATION_H

#include "postgres.h"

#include "netsuite_fdw/client.h"
#include "nodes/pg_list.h"

/* What may be proved of a text column, each by its own question */
typedef enum TextTrait
{
	TEXT_EQUALITY, /* = tells apart what differs by a byte */
	TEXT_LIKE,     /* so does LIKE, which counts code points */
	TEXT_POINTS,   /* LIKE counts those at least, so that it finds all that it finds here */
	TEXT_ORDER     /* < and ORDER BY go by bytes */
} TextTrait;

extern bool collation_proves(Client *client, TextTrait trait, const char *from, List *columns,
							 List *likely);

#endif /* NETSUITE_COLLATION_H */
