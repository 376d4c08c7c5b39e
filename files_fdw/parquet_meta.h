/*
 * parquet_meta.h
 *		The footer of a Parquet file: its schema, its row groups, its columns' chunks.
 */
#ifndef FILES_PARQUET_META_H
#define FILES_PARQUET_META_H

#include "postgres.h"

#include "files_fdw/parquet.h"
#include "files_fdw/parquet_source.h"

/* Logical types besides those of parquet.h */
#define PARQUET_L_BSON 13
#define PARQUET_L_UUID 14
#define PARQUET_L_FLOAT16 15

/* An element of the schema; groups come before what is in them */
typedef struct ParquetNode
{
	char *name; /* as it is in the file: UTF-8 */
	int repetition;
	int type; /* -1: a group */
	int length;
	int converted; /* -1: none */
	int logical;   /* 0: none */
	int precision;
	int scale;
	bool utc;
	int unit;
	int bits;
	bool is_unsigned;
	int children;
	int end; /* number of the first node behind it */
	int def; /* the levels that its values have, the node's own included */
	int rep;
	int leaf; /* number of its first leaf */
	int leaves;
} ParquetNode;

typedef struct ParquetGroup
{
	const uint8 *columns; /* its list of chunks in the footer */
	int64 first;          /* number of its first row */
	int64 rows;
	int64 offset; /* where it begins in the file; -1: not said */
} ParquetGroup;

/* PLAIN values; NULL: unknown */
typedef struct ParquetStats
{
	const char *min;
	int min_len;
	const char *max;
	int max_len;
	bool old;    /* of the deprecated fields */
	int64 nulls; /* -1: unknown */
} ParquetStats;

typedef struct ParquetChunk
{
	int64 start;
	int64 length;
	int64 values; /* nulls among them */
	int codec;
	ParquetStats stats;
} ParquetChunk;

typedef struct ParquetMeta
{
	uint8 *footer;
	size_t nfooter;
	int64 end; /* of data: where the footer begins */
	ParquetNode *nodes;
	int nnodes;
	int *leaves; /* nodes by number of leaf */
	int nleaves;
	bool *ordered; /* by leaf: do min and max follow the type's order? */
	int nordered;
	int64 rows;
	ParquetGroup *groups;
	int ngroups;
	char *created_by;
} ParquetMeta;

extern ParquetMeta *parquet_meta_read(ParquetSource *source);
/* All chunks of a row group, by number of leaf */
extern ParquetChunk *parquet_group_chunks(const ParquetSource *source, const ParquetMeta *meta, int group);
/* Where a row group begins: a process reads it whose part of the file that is in */
extern int64 parquet_group_offset(const ParquetSource *source, const ParquetMeta *meta, int group);

#endif /* FILES_PARQUET_META_H */
