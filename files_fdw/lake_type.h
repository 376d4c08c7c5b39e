/*
 * lake_type.h
 *		What a column of PostgreSQL's is in a lake, and its values there.
 *
 * A value is there what it is here, or an error: nothing is rounded, cut or made null.
 */
#ifndef FILES_LAKE_TYPE_H
#define FILES_LAKE_TYPE_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "files_fdw/parquet_column.h"
#include "files_fdw/table.h"
#include "fmgr.h"

typedef enum LakeKind
{
	LAKE_BOOL,
	LAKE_INT2,
	LAKE_INT4,
	LAKE_INT8,
	LAKE_FLOAT4,
	LAKE_FLOAT8,
	LAKE_DECIMAL,
	LAKE_TEXT,
	LAKE_BYTES,
	LAKE_DATE,
	LAKE_TIMESTAMP,
	LAKE_TIMESTAMPTZ,
	LAKE_UUID,
	LAKE_PRINTED /* as its type prints it: jsonb, enums, uuid as text */
} LakeKind;

typedef struct LakeColumn
{
	int att;          /* attnum - 1 */
	const char *name; /* in the lake, in the server's encoding */
	LakeKind kind;
	const char *delta; /* its type by Delta's name */
	FmgrInfo print;
	WrittenLeaf leaf;
} LakeColumn;

/* An error unless a lake can have such a column; delta: with the types that Delta has */
extern void lake_column(LakeColumn *c, const Table *t, const Form_pg_attribute a, bool delta);
/* Put a value that is not null; an error if the lake cannot hold it.  Memory is the current context's */
extern void lake_put(const LakeColumn *c, WrittenColumn *to, Datum value);
/* A value as folders and logs write it */
extern char *lake_text(const LakeColumn *c, Datum value);
/* A bound, as JSON has it, appended; false: it has none that all readers understand */
extern bool lake_bound_json(const LakeColumn *c, const ParquetBound *bound, bool above, StringInfo out);

#endif /* FILES_LAKE_TYPE_H */
