/*
 * netsuite_fdw.h
 *		SQL functions of the extension share these.
 */
#ifndef NETSUITE_FDW_H
#define NETSUITE_FDW_H

#include "postgres.h"

#include "netsuite_fdw/client.h"

extern Oid server_by_name(const char *name);
extern Client *client_by_name(const char *server);

#endif /* NETSUITE_FDW_H */
