/*
 * parquet_leaf.h
 *		The chunk of one column in one row group, page by page, in steps of a thousand entries.
 */
#ifndef FILES_PARQUET_LEAF_H
#define FILES_PARQUET_LEAF_H

#include "postgres.h"

#include "common/attribute.h"
#include "files_fdw/parquet_decode.h"
#include "files_fdw/parquet_meta.h"

#define LEAF_STEP 1024

typedef struct ParquetLeaf
{
	ParquetSource *source;
	const ParquetMeta *meta;
	const ParquetNode *node;
	int group;
	ParquetChunk chunk;
	MemoryContext context;
	/* bytes of the file */
	uint8 *window;
	size_t window_room;
	size_t window_n;
	int64 window_at;
	size_t block; /* that are read at once */
	int64 at;     /* of the next page */
	int64 seen;   /* entries of pages that have begun */
	/* the page */
	int64 page_at;
	int64 page_left; /* entries that were not given */
	uint8 *unpacked;
	size_t unpacked_room;
	RleDecoder def;
	RleDecoder rep;
	RleDecoder indices;
	ValueDecoder decoder;
	bool by_index; /* its values are of the dictionary */
	/* the dictionary */
	ParquetValues dictionary;
	int ndictionary;
	uint8 *dictionary_bytes;
	int dictionaries; /* another number whenever it is another one */
	/* what was given last: entries, and those of them that are not null */
	int n;
	int nvalues;
	uint8 *def_levels;
	uint8 *rep_levels;
	ParquetValues values; /* or, by_index */
	uint32 *index;
	/* levels there are, of which some were given */
	uint8 *defs;
	uint8 *reps;
	int levels_at;
	int levels_n;
	ParquetValues room;
	uint32 *index_room;
} ParquetLeaf;

/* In the current memory context.  bytes: of values that are made at once, more or less. */
extern ParquetLeaf *leaf_new(ParquetSource *source, const ParquetMeta *meta, int leaf, size_t block, size_t bytes);
/* Go to a row group */
extern void leaf_group(ParquetLeaf *l, int group, const ParquetChunk *chunk);
/* The next entries, at most so many; false: there are none */
extern bool leaf_next(ParquetLeaf *l, int most);
/* Pass over entries of a column that is not repeated */
extern void leaf_skip(ParquetLeaf *l, int64 n);
/* Something is wrong with what the leaf stands at */
pg_noreturn extern void leaf_damaged(const ParquetLeaf *l, const char *why);

#endif /* FILES_PARQUET_LEAF_H */
