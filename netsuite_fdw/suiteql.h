/*
 * suiteql.h
 *		SuiteQL that a table's owner writes: is it well formed?
 */
#ifndef NETSUITE_SUITEQL_H
#define NETSUITE_SUITEQL_H

#include "postgres.h"

extern bool suiteql_is_name(const char *text);
extern char *suiteql_plain(const char *text, bool statement, const char **problem);

#endif /* NETSUITE_SUITEQL_H */
