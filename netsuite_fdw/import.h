/*
 * import.h
 *		IMPORT FOREIGN SCHEMA, and the list of tables behind it.
 */
#ifndef NETSUITE_IMPORT_H
#define NETSUITE_IMPORT_H

#include "postgres.h"

#include "netsuite_fdw/client.h"
#include "netsuite_fdw/import_list.h"
#include "nodes/parsenodes.h"

extern List *import_tables(Client *client, bool custom);
extern List *import_schema(ImportForeignSchemaStmt *stmt, Oid serverid);

#endif /* NETSUITE_IMPORT_H */
