/*
 * size.h
 *		How large foreign tables are believed to be: good to plan by, never relied on.
 */
#ifndef NETSUITE_SIZE_H
#define NETSUITE_SIZE_H

#include "postgres.h"

/* A whole table's rows, and where its leading key begins and ends */
typedef struct TableSize
{
	double rows; /* -1: unknown */
	int64 low;
	int64 high; /* below low: unknown */
} TableSize;

extern void size_remember_rows(Oid relid, double rows);
extern void size_remember_keys(Oid relid, int64 low, int64 high);
extern TableSize size_recall(Oid relid);
extern TableSize size_guess(Oid relid, int attnum);

#endif /* NETSUITE_SIZE_H */
