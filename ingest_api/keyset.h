/*
 * keyset.h
 *		Where the next page begins: behind the row of these values, in this order.
 *
 * A page that begins behind a row and not behind a number of rows is moved by none that
 * comes or goes.
 */
#ifndef API_KEYSET_H
#define API_KEYSET_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* A column of the order, and what the row has there */
typedef struct KeyPart
{
	const char *sql;
	Oid type;          /* whose operators compare it */
	const char *given; /* SQL of the row's value; NULL: it is null */
	bool descending;
	bool nulls_first;
	bool not_null; /* it never is */
} KeyPart;

/* SQL: a row comes behind that of these parts, whose order tells each row from each other */
extern char *keyset_behind(List *parts);
/* Texts of a JSON array, NULL for null; NIL: it is none, or has something else in it */
extern List *keyset_texts(const char *json, int n);
/* What the address of a next page says: these texts, good for this purpose alone */
extern char *keyset_sign(const char *json, const char *purpose);
/* The texts; an error where it is not what was signed for the purpose */
extern List *keyset_verify(const char *cursor, const char *purpose);

#endif /* API_KEYSET_H */
