/*
 * import_verify.h
 *		Drop what an account does not have, find what nothing tells of.
 */
#ifndef NETSUITE_IMPORT_VERIFY_H
#define NETSUITE_IMPORT_VERIFY_H

#include "postgres.h"

#include "netsuite_fdw/client.h"
#include "netsuite_fdw/import_list.h"

extern void import_verify(Client *client, List *tables, MemoryContext context);
extern void import_look(Client *client, List *tables, MemoryContext context);

#endif /* NETSUITE_IMPORT_VERIFY_H */
