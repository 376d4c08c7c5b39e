/*
 * import.h
 *		IMPORT FOREIGN SCHEMA, and the list of tables behind it.
 */
#ifndef NETSUITE_IMPORT_H
#define NETSUITE_IMPORT_H

#include "postgres.h"

#include "netsuite_fdw/client.h"
#include "nodes/parsenodes.h"

/* A table that the account may have */
typedef struct ImportTable
{
	char *name;
	char *comment;
	char *key;     /* list of columns, or NULL */
	char *source;  /* dictionary, custom record or metadata catalogue */
	List *columns; /* of ImportColumn */
	bool custom;
	bool missing;  /* the role cannot see it */
	char *problem; /* in NetSuite's words */
} ImportTable;

typedef struct ImportColumn
{
	char *name; /* lower case */
	char type;  /* i n b d t s as in catalog.h */
	char *comment;
	bool custom;
	bool guessed; /* the type is what a few values looked like */
	bool dropped; /* not a SuiteQL column */
} ImportColumn;

extern List *import_tables(Client *client, bool custom);
extern List *import_schema(ImportForeignSchemaStmt *stmt, Oid serverid);

#endif /* NETSUITE_IMPORT_H */
