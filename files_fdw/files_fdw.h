/*
 * files_fdw.h
 *		What SQL functions share.
 */
#ifndef FILES_FDW_H
#define FILES_FDW_H

#include "postgres.h"

#include "files_fdw/root.h"
#include "foreign/foreign.h"
#include "nodes/parsenodes.h"

/* A server of ours that the caller may use */
extern ForeignServer *files_server(const char *name);
/* A foreign table of ours that the caller may read */
extern void check_files_table(Oid relid);
/* One of ours on which the caller has a right */
extern void check_files_table_for(Oid relid, AclMode right);

#endif /* FILES_FDW_H */
