/*
 * catalog.h
 *		What we know of NetSuite's tables before asking.
 */
#ifndef NETSUITE_CATALOG_H
#define NETSUITE_CATALOG_H

#include "postgres.h"

typedef struct CatalogTable
{
	const char *name;
	const char *key;           /* columns that identify a row */
	const char *pages_by;      /* a unique integer column that pages better, or NULL */
	const char *changed;       /* column that tells that a row changed, or NULL */
	const char *records;       /* REST record types that live here, or NULL */
	const char *custom_prefix; /* of custom fields, or NULL */
	const char *comment;
	/* "name type, ..."; types: i bigint, n numeric, b boolean, d date, t datetime, s text */
	const char *columns;
	/* the table whose rows these belong to, and the column that names the row; or NULL */
	const char *parent;
	const char *parent_column;
} CatalogTable;

extern const CatalogTable *catalog_find(const char *name);
extern const CatalogTable *catalog_list(int *n);
extern char catalog_column(const CatalogTable *table, const char *name);
extern const CatalogTable *catalog_of_record(const char *record);

#endif /* NETSUITE_CATALOG_H */
