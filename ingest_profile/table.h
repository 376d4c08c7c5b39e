/*
 * table.h
 *		Profiles of all columns of a relation or query, read once.
 */
#ifndef PROFILE_TABLE_H
#define PROFILE_TABLE_H

#include "postgres.h"

#include "fmgr.h"
#include "ingest_profile/sketch.h"
#include "utils/array.h"

typedef struct ProfiledColumn
{
	char *name;
	int position;
	Sketch *sketch;
	bytea *stored;
} ProfiledColumn;

typedef struct Profiled
{
	char *title; /* the relation's qualified name, or "query" */
	int n;
	ProfiledColumn *columns;
	bool sampled;
	bool reservoir; /* so many rows of a known number, not each by chance */
	double factor;  /* rows for each row that was read */
} Profiled;

/* What to read */
typedef struct ProfileRequest
{
	Oid relation;
	const char *query;  /* NULL: the relation */
	ArrayType *columns; /* NULL: all that the caller may read */
	int64 sample_rows;  /* 0: all */
	const char *where;  /* or NULL */
	const char *schema; /* where profile() is */
} ProfileRequest;

/* Runs within SPI; what is returned lives in the given context */
extern Profiled *profile_run(const ProfileRequest *request, MemoryContext context);
extern void profile_select(const char *sql);
extern void profile_select_row(const char *sql);

#endif /* PROFILE_TABLE_H */
