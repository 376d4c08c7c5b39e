/*
 * suiteql.h
 *		SuiteQL that people write: is it well formed, and what is in it?
 */
#ifndef NETSUITE_SUITEQL_H
#define NETSUITE_SUITEQL_H

#include "postgres.h"

/* What a step through SuiteQL passes */
typedef enum SuiteqlPiece
{
	SUITEQL_COMMENT,
	SUITEQL_QUOTED, /* a text or a name */
	SUITEQL_SIGN    /* any other character */
} SuiteqlPiece;

extern const char *suiteql_next(const char *p, SuiteqlPiece *piece);
extern bool suiteql_is_ordered(const char *query);
extern bool suiteql_is_name(const char *text);
extern char *suiteql_plain(const char *text, bool statement, const char **problem);

#endif /* NETSUITE_SUITEQL_H */
