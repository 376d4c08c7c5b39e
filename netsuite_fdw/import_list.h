/*
 * import_list.h
 *		Tables and columns that an account may have.
 */
#ifndef NETSUITE_IMPORT_LIST_H
#define NETSUITE_IMPORT_LIST_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* A table that the account may have */
typedef struct ImportTable
{
	char *name;
	char *comment;
	char *key;     /* list of columns, or NULL */
	char *source;  /* dictionary, custom record or metadata catalogue */
	List *columns; /* of ImportColumn */
	bool custom;
	bool missing;  /* the account does not show it */
	bool answers;  /* the account was seen to answer queries of it */
	char *problem; /* in NetSuite's words */
} ImportTable;

typedef struct ImportColumn
{
	char *name; /* lower case */
	char type;  /* i n b d t s as in catalog.h */
	char *comment;
	bool custom;
	bool guessed;        /* the type is what a few values looked like */
	bool dropped;        /* not a SuiteQL column */
	const char *problem; /* in NetSuite's words, if it is there but fails, else NULL */
} ImportColumn;

extern ImportTable *import_find(List *tables, const char *name);
extern ImportTable *import_add(List **tables, const char *name, const char *comment,
							   const char *key, const char *source, bool custom);
extern ImportColumn *import_add_column(ImportTable *t, const char *mixed, char type, const char *comment,
									   bool custom);
extern char *import_lowered(const char *text);
extern bool import_is_name(const char *name);

#endif /* NETSUITE_IMPORT_LIST_H */
