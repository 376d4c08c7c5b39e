/*
 * import.h
 *		IMPORT FOREIGN SCHEMA: groups of files become tables.
 */
#ifndef FILES_IMPORT_H
#define FILES_IMPORT_H

#include "postgres.h"

#include "foreign/fdwapi.h"

extern List *import_schema(ImportForeignSchemaStmt *stmt, Oid serverid);

#endif /* FILES_IMPORT_H */
