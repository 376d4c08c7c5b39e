/*
 * listing.h
 *		Which of a table's files a query reads.
 */
#ifndef FILES_LISTING_H
#define FILES_LISTING_H

#include "postgres.h"

#include "files_fdw/table.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

/* All files of a table: of take 'latest' the newest one */
extern List *table_files(Table *t);
/* Of conditions those that a file alone decides, of its path, its version, its partitions */
extern List *file_clauses(const Table *t, Index relid, List *clauses);
/* Do conditions ask for columns of partitions alone? */
extern bool clauses_are_of_partitions(const Table *t, Index relid, List *clauses);
/* The paths that conditions ask for by = or = ANY with values that are known, as char *; false: any */
extern bool named_files(const Table *t, Index relid, List *clauses, ParamListInfo params, List **paths);
/* Files of these names */
extern List *table_files_named(Table *t, List *paths);
/* A constant, or a parameter of the statement that is known; NULL: neither */
extern Const *known_value(Node *node, ParamListInfo params);
/* Positions that conditions leave: from (inclusive) to (exclusive), of values that are known */
extern void position_bounds(const Table *t, Index relid, List *clauses, ParamListInfo params, int64 *from, int64 *to);

#endif /* FILES_LISTING_H */
