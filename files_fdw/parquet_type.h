/*
 * parquet_type.h
 *		What the values of a Parquet column mean, which type of SQL that is, and how they are written as text.
 */
#ifndef FILES_PARQUET_TYPE_H
#define FILES_PARQUET_TYPE_H

#include "postgres.h"

#include "files_fdw/parquet_decode.h"
#include "files_fdw/parquet_meta.h"
#include "lib/stringinfo.h"

typedef enum ParquetMeaning
{
	MEAN_BOOL,
	MEAN_INT,
	MEAN_UNSIGNED,
	MEAN_FLOAT,
	MEAN_DOUBLE,
	MEAN_HALF,
	MEAN_DECIMAL,
	MEAN_TEXT,
	MEAN_JSON,
	MEAN_BYTES,
	MEAN_UUID,
	MEAN_DATE,
	MEAN_TIME,
	MEAN_TIMESTAMP,
	MEAN_TIMESTAMPTZ,
	MEAN_INT96,
	MEAN_INTERVAL,
	MEAN_NESTED
} ParquetMeaning;

/* Is a value what its type can have? */
typedef enum ValueState
{
	VALUE_FINE,
	VALUE_NULL,
	VALUE_LATER, /* it is converted when it is wanted */
	VALUE_RANGE,
	VALUE_TEXT, /* no text */
	VALUE_NANOS,
	VALUE_MOMENT
} ValueState;

/* A value, from wherever it is */
typedef struct ParquetValue
{
	int64 number; /* of integers, truths, moments */
	double real;
	Slice bytes;
} ParquetValue;

#define PARQUET_DECIMAL_BYTES 512 /* of a decimal: longer ones are none */

/* Of a column; of a leaf by itself, be it repeated */
extern ParquetMeaning parquet_meaning(const ParquetNode *node);
extern ParquetMeaning parquet_leaf_meaning(const ParquetNode *node);
/* The type that an import gives a column */
extern const char *parquet_sql_type(const ParquetNode *node);
/* How the file has it: INT64, DECIMAL(9,2) in INT32 … */
extern char *parquet_type_words(const ParquetNode *node);
extern void parquet_value_at(const ParquetNode *node, ParquetValues values, int i, ParquetValue *value);

/* Moments as PostgreSQL has them; nanoseconds are cut only if they may be */
extern ValueState parquet_date(const ParquetValue *value, int32 *date);
extern ValueState parquet_time(const ParquetNode *node, const ParquetValue *value, bool cut, int64 *time);
extern ValueState parquet_stamp(const ParquetNode *node, const ParquetValue *value, bool cut, int64 *stamp);
/* What stands in an unscaled decimal, if 64 bits hold it */
extern bool parquet_small_decimal(const ParquetNode *node, const ParquetValue *value, int64 *unscaled);
extern float parquet_half(const ParquetValue *value);
/* Nothing is lost: nanoseconds are written, too */
extern void parquet_value_text(const ParquetNode *node, const ParquetValue *value, StringInfo out);

#endif /* FILES_PARQUET_TYPE_H */
