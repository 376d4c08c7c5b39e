/*
 * parquet_value.h
 *		Values of one column of a foreign table, from a Parquet file.
 *
 * They are made a thousand at a time where the file's type is the table's; what must be read as text, or is nested, is
 * made when its row is wanted.
 */
#ifndef FILES_PARQUET_VALUE_H
#define FILES_PARQUET_VALUE_H

#include "postgres.h"

#include "files_fdw/convert.h"
#include "files_fdw/encoding.h"
#include "files_fdw/parquet_leaf.h"
#include "files_fdw/parquet_type.h"

typedef struct ParquetNest ParquetNest;

typedef struct ParquetColumn
{
	const ParquetNode *node;
	const Converter *converter; /* as the column's options are, for texts */
	Converter plain;            /* as values are written here */
	ParquetMeaning meaning;
	bool direct;
	bool cut; /* nanoseconds */
	ParquetLeaf *leaf;
	ParquetNest *nest; /* of a nested column */
	Recoder *recoder;  /* of UTF-8 to another encoding of the database */
	MemoryContext context;
	MemoryContext batch;
	MemoryContext kept; /* values of a dictionary */
	Arena arena;
	/* rows from from to before to */
	int64 from;
	int64 to;
	Datum *values;
	uint8 *states; /* ValueState */
	uint8 worst;   /* of them */
	bool dense;    /* there are no nulls among them */
	int *slots;    /* which of the leaf's values it is, where there are */
	int64 end;     /* of the row group */
	char *room;    /* of values of a step that are pointers */
	size_t room_size;
	/* values before they are spread over rows */
	Datum *made;
	uint8 *made_states;
	/* a dictionary's values */
	Datum *words;
	uint8 *word_states;
	bool words_fine; /* all of them */
	int dictionary;  /* its number */
} ParquetColumn;

extern ParquetColumn *column_new(ParquetSource *source, const ParquetMeta *meta, const ParquetNode *node,
								 const Converter *converter, size_t block);
/* Go to a row group; chunks are those of its leaves */
extern void column_group(ParquetColumn *c, int group, const ParquetChunk *chunks);
/* Make the values of rows from one on */
extern void column_fill(ParquetColumn *c, int64 row);
/* What is not made at once; false: it is a bad value */
extern bool column_late(ParquetColumn *c, int64 row, bool soft, Datum *value, bool *isnull, Complaint *complaint);
/* Would the values of a chunk's statistics be ours, in our order?  Then they are made here.  They live in the current
 * memory context. */
extern bool column_stat(const ParquetNode *node, const Converter *converter, const char *p, int len, Datum *value);
/* The text of a good value of a row that was read, or NULL for null */
extern char *column_text(ParquetColumn *c, int64 row);

/* The value of a row, good or bad.  Rows are asked for in their order. */
static inline bool
column_value(ParquetColumn *c, int64 row, bool soft, Datum *value, bool *isnull, Complaint *complaint)
{
	int64 i;

	if (row >= c->to)
		column_fill(c, row);
	i = row - c->from;
	*value = c->values[i];
	*isnull = c->states[i] == VALUE_NULL;
	if (c->states[i] <= VALUE_NULL)
		return true;
	return column_late(c, row, soft, value, isnull, complaint);
}

#endif /* FILES_PARQUET_VALUE_H */
