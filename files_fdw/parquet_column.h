/*
 * parquet_column.h
 *		A column of a group of rows that is being written: its values, its dictionary, its bounds.
 */
#ifndef FILES_PARQUET_COLUMN_H
#define FILES_PARQUET_COLUMN_H

#include "postgres.h"

#include "files_fdw/parquet.h"
#include "lib/stringinfo.h"

/* By which rule the values of a column are less or greater */
typedef enum ParquetOrder
{
	PARQUET_ORDER_NUMBER,  /* of the physical type */
	PARQUET_ORDER_BYTES,   /* unsigned bytes, one after the other */
	PARQUET_ORDER_DECIMAL, /* a number, the most significant byte first */
	PARQUET_ORDER_NONE
} ParquetOrder;

/* What a column is in the schema of a file */
typedef struct WrittenLeaf
{
	const char *name; /* UTF-8 */
	ParquetType type;
	int length;    /* of FIXED */
	int logical;   /* a ParquetLogical, or 0 */
	int converted; /* a ParquetConverted, or -1 */
	int precision; /* of a decimal */
	int scale;
	int bits; /* of an integer */
	bool utc; /* of a time */
	bool text;
	ParquetOrder order;
} WrittenLeaf;

#define PARQUET_BOUND_BYTES 64 /* longer ones are cut: down to what is less, up to what is greater */

typedef struct ParquetBound
{
	bool known;
	bool exact; /* a value that is there, not one beyond */
	int len;
	char data[PARQUET_BOUND_BYTES];
} ParquetBound;

/* Bounds of values are unknown where there are none, or where readers do not agree which is greater: with a NaN */
typedef struct ParquetBounds
{
	int64 rows;
	int64 nulls;
	ParquetBound min;
	ParquetBound max;
} ParquetBounds;

/* A growing buffer: an allocation may be larger than a StringInfo's */
typedef struct ParquetBuffer
{
	char *data;
	size_t len;
	size_t room;
	MemoryContext context;
} ParquetBuffer;

typedef struct WrittenColumn
{
	WrittenLeaf leaf;
	int width; /* of a value in plain form; 0: it differs, and its length stands before it; of a boolean one byte */
	int rows;
	int values;
	ParquetBuffer defined; /* a byte for each row: 0 where it is null */
	ParquetBuffer plain;   /* values, or those of the dictionary, one behind the other */
	bool coded;            /* values are numbers of the dictionary's */
	ParquetBuffer codes;   /* uint32 */
	int entries;
	ParquetBuffer starts; /* of the dictionary's values: uint32 */
	uint32 *slots;        /* hash table: number of an entry + 1 */
	int nslots;
	ParquetBounds all; /* of the whole file */
} WrittenColumn;

/* A page's values, ready to be packed */
typedef struct ParquetPageCut
{
	int first_row;
	int rows;
	int first_value;
	int values;
	size_t from; /* in plain form */
	size_t to;
} ParquetPageCut;

extern void parquet_buffer_grow(ParquetBuffer *b, size_t n);

static inline void
parquet_buffer_put(ParquetBuffer *b, const void *data, size_t n)
{
	if (b->len + n > b->room)
		parquet_buffer_grow(b, n);
	memcpy(b->data + b->len, data, n);
	b->len += n;
}

extern void parquet_column_init(WrittenColumn *c, const WrittenLeaf *leaf);
extern void parquet_column_reset(WrittenColumn *c);
extern size_t parquet_column_held(const WrittenColumn *c);

extern void parquet_put_null(WrittenColumn *c);
/* A value as it stands in plain form: of texts and bytes without its length */
extern void parquet_put(WrittenColumn *c, const void *value, size_t len);

/* What was put becomes final: coded or not, whichever is shorter, and its bounds */
extern void parquet_column_finish(WrittenColumn *c, ParquetBounds *bounds);
/* The next page; false: there is none.  Begin with zeros */
extern bool parquet_column_cut(const WrittenColumn *c, ParquetPageCut *cut);
/* A page's content: which rows are null, then values */
extern void parquet_column_page(const WrittenColumn *c, const ParquetPageCut *cut, ParquetBuffer *out);
/* Bounds of a file become those of one more group */
extern void parquet_bounds_add(ParquetBounds *all, const ParquetBounds *more, const WrittenLeaf *leaf);

#endif /* FILES_PARQUET_COLUMN_H */
