/*
 * connector.h
 *		Sources, and what their wrappers can do.
 */
#ifndef INGEST_CONNECTOR_H
#define INGEST_CONNECTOR_H

#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/base/sql.h"

typedef struct Source
{
	int32 id;
	char *name;
	char *server;
	Oid owner;
	char *owner_name; /* when it was last looked at */
	char *local_schema;
	Texts remote_schemas;
	char *include; /* array literal, or NULL */
	char *zone;    /* the server's option timezone, or NULL */
	char *custom_columns;
	bool paused;
	bool counts;  /* the source computes count(*) itself */
	bool may_cut; /* the wrapper may give fewer rows than there are, and no error */
	/* functions, qualified and quoted, or NULL */
	char *check;
	char *clock;
	char *tables;
	char *deleted;
	char *changes;
	char *horizon;
	char *pieces;
	char *prefix;
	char *watch;
	char *import_options;
	/* columns that foreign tables of the wrapper may have, not quoted, or NULL */
	char *piece_column, *position_column, *version_column, *error_column;
} Source;

/* An error unless the caller may act for the source's owner */
extern Source *source_by_name(const char *name);
extern Source *source_by_id(int32 id);

/* The source's own clock as text of a timestamptz, or NULL if its wrapper has none */
extern char *source_clock(const Source *source);
/* Does the wrapper of this server know IMPORT FOREIGN SCHEMA? */
extern bool server_imports(const char *name);

#endif /* INGEST_CONNECTOR_H */
