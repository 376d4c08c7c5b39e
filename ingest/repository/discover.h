/*
 * discover.h
 *		One table of a source, as a crawl comes across it.
 */
#ifndef INGEST_DISCOVER_H
#define INGEST_DISCOVER_H

#include "postgres.h"

#include "ingest/base/attempt.h"
#include "ingest/repository/connector.h"
#include "ingest/repository/run.h"

/* What the connector says of a table; NULL where it does not say */
typedef struct Listed
{
	char *schema; /* there; NULL: of whichever */
	char *table;
	char *key; /* names with commas between */
	char *cursor;
	char *parent;
	char *parent_column;
	char *description;
} Listed;

typedef struct Crawl
{
	const char *name;
	Source *source;
	Failure failure;
	char **left; /* tables that are still to be looked at */
	int n_left;
	Run *run;
	char *remote_schema;
	bool prefixed; /* local names begin with the remote schema's */
	char *scratch; /* the schema that imports go to, for the transaction, under a name that nobody can guess */
	Listed *listed;
	int n_listed;
	char **tables; /* to look at now; NULL: all that the import gives */
	int n_tables;
	char **asked; /* what the caller named */
	int n_asked;
	bool count_rows;
	int64 seen, discovered, changed;
	bool warned; /* something could not be followed */
	bool all;    /* whether tables that were not seen are gone */
} Crawl;

/* Where a foreign table is, or is to be */
typedef struct Place
{
	char *schema;
	char *name;
} Place;

/* What was listed of a table of the schema that is looked at */
extern bool discover_is_listed_here(const Crawl *c, const Listed *l);
extern void discover_warn(Crawl *c, const char *message);
/* One that is known is where somebody put it, a new one gets the table's usual name */
extern Place discover_place(const Crawl *c, int32 schema_id, const char *name, const char *usual);
/* Brings the foreign table to what was imported, or makes it; false: its name is taken by something else */
extern bool discover_follow(Crawl *c, const char *imported, const Place *place);
/* A foreign table that is in its place goes into the repository */
extern void discover_record(Crawl *c, int32 schema_id, const char *name, const Place *place);
/* What a crawl of everything did not see is gone */
extern void discover_gone(Crawl *c);

#endif /* INGEST_DISCOVER_H */
