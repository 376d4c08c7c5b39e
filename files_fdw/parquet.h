/*
 * parquet.h
 *		Numbers of the Parquet format and of Thrift's compact protocol, in which its metadata is written.
 *
 * They are the format's own (parquet.thrift of Apache Parquet 2.x, thrift-compact-protocol.md), shared by whoever
 * writes and whoever reads.
 */
#ifndef FILES_PARQUET_H
#define FILES_PARQUET_H

#include "postgres.h"

/* Both ends of a file: the mark, and before the last one the length of the footer, four bytes */
#define PARQUET_MAGIC "PAR1"
#define PARQUET_MAGIC_ENCRYPTED "PARE"
#define PARQUET_MAGIC_LEN 4
#define PARQUET_TAIL_LEN 8

/* -- Thrift's compact protocol -- */

typedef enum ThriftType
{
	THRIFT_STOP = 0,
	THRIFT_TRUE = 1, /* of a field: the value itself; of a list's elements: a byte each */
	THRIFT_FALSE = 2,
	THRIFT_BYTE = 3,
	THRIFT_I16 = 4,
	THRIFT_I32 = 5,
	THRIFT_I64 = 6,
	THRIFT_DOUBLE = 7,
	THRIFT_BINARY = 8,
	THRIFT_LIST = 9,
	THRIFT_SET = 10,
	THRIFT_MAP = 11,
	THRIFT_STRUCT = 12,
	THRIFT_UUID = 13
} ThriftType;

/* -- Parquet's enumerations -- */

typedef enum ParquetType
{
	PARQUET_BOOLEAN = 0,
	PARQUET_INT32 = 1,
	PARQUET_INT64 = 2,
	PARQUET_INT96 = 3,
	PARQUET_FLOAT = 4,
	PARQUET_DOUBLE = 5,
	PARQUET_BYTE_ARRAY = 6,
	PARQUET_FIXED = 7 /* FIXED_LEN_BYTE_ARRAY */
} ParquetType;

/* Bytes of a value as PLAIN has it; 0: each has its own length, or is a bit */
static inline int
parquet_width(int type, int fixed)
{
	switch (type)
	{
		case PARQUET_INT32:
		case PARQUET_FLOAT:
			return 4;
		case PARQUET_INT64:
		case PARQUET_DOUBLE:
			return 8;
		case PARQUET_INT96:
			return 12;
		case PARQUET_FIXED:
			return fixed;
		default:
			return 0;
	}
}

typedef enum ParquetRepetition
{
	PARQUET_REQUIRED = 0,
	PARQUET_OPTIONAL = 1,
	PARQUET_REPEATED = 2
} ParquetRepetition;

/* What values meant before there were logical types */
typedef enum ParquetConverted
{
	PARQUET_C_UTF8 = 0,
	PARQUET_C_MAP = 1,
	PARQUET_C_MAP_KEY_VALUE = 2,
	PARQUET_C_LIST = 3,
	PARQUET_C_ENUM = 4,
	PARQUET_C_DECIMAL = 5,
	PARQUET_C_DATE = 6,
	PARQUET_C_TIME_MILLIS = 7,
	PARQUET_C_TIME_MICROS = 8,
	PARQUET_C_TIMESTAMP_MILLIS = 9,
	PARQUET_C_TIMESTAMP_MICROS = 10,
	PARQUET_C_UINT_8 = 11,
	PARQUET_C_UINT_16 = 12,
	PARQUET_C_UINT_32 = 13,
	PARQUET_C_UINT_64 = 14,
	PARQUET_C_INT_8 = 15,
	PARQUET_C_INT_16 = 16,
	PARQUET_C_INT_32 = 17,
	PARQUET_C_INT_64 = 18,
	PARQUET_C_JSON = 19,
	PARQUET_C_BSON = 20,
	PARQUET_C_INTERVAL = 21
} ParquetConverted;

/* Fields of the union LogicalType */
typedef enum ParquetLogical
{
	PARQUET_L_STRING = 1,
	PARQUET_L_MAP = 2,
	PARQUET_L_LIST = 3,
	PARQUET_L_ENUM = 4,
	PARQUET_L_DECIMAL = 5,
	PARQUET_L_DATE = 6,
	PARQUET_L_TIME = 7,
	PARQUET_L_TIMESTAMP = 8,
	PARQUET_L_INTEGER = 10,
	PARQUET_L_UNKNOWN = 11, /* nothing but nulls */
	PARQUET_L_JSON = 12,
	PARQUET_L_BSON = 13,
	PARQUET_L_UUID = 14,
	PARQUET_L_FLOAT16 = 15,
	PARQUET_L_VARIANT = 16
} ParquetLogical;

/* Fields of the union TimeUnit */
typedef enum ParquetUnit
{
	PARQUET_MILLIS = 1,
	PARQUET_MICROS = 2,
	PARQUET_NANOS = 3
} ParquetUnit;

typedef enum ParquetEncoding
{
	PARQUET_PLAIN = 0,
	PARQUET_PLAIN_DICTIONARY = 2, /* as version 1 calls RLE_DICTIONARY, and PLAIN of dictionaries */
	PARQUET_RLE = 3,
	PARQUET_BIT_PACKED = 4,
	PARQUET_DELTA_BINARY_PACKED = 5,
	PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
	PARQUET_DELTA_BYTE_ARRAY = 7,
	PARQUET_RLE_DICTIONARY = 8,
	PARQUET_BYTE_STREAM_SPLIT = 9
} ParquetEncoding;

typedef enum ParquetCodec
{
	PARQUET_UNCOMPRESSED = 0,
	PARQUET_SNAPPY = 1,
	PARQUET_GZIP = 2,
	PARQUET_LZO = 3,
	PARQUET_BROTLI = 4,
	PARQUET_LZ4_HADOOP = 5, /* with Hadoop's frames, mostly */
	PARQUET_ZSTD = 6,
	PARQUET_LZ4_RAW = 7
} ParquetCodec;

typedef enum ParquetPage
{
	PARQUET_DATA_PAGE = 0,
	PARQUET_INDEX_PAGE = 1,
	PARQUET_DICTIONARY_PAGE = 2,
	PARQUET_DATA_PAGE_V2 = 3
} ParquetPage;

/* -- numbers of fields, by struct -- */

typedef enum ParquetFileMetaData
{
	PQ_FILE_VERSION = 1,
	PQ_FILE_SCHEMA = 2,
	PQ_FILE_NUM_ROWS = 3,
	PQ_FILE_ROW_GROUPS = 4,
	PQ_FILE_KEY_VALUE = 5,
	PQ_FILE_CREATED_BY = 6,
	PQ_FILE_COLUMN_ORDERS = 7,
	PQ_FILE_ENCRYPTION = 8
} ParquetFileMetaData;

typedef enum ParquetSchemaElement
{
	PQ_SCHEMA_TYPE = 1,
	PQ_SCHEMA_TYPE_LENGTH = 2,
	PQ_SCHEMA_REPETITION = 3,
	PQ_SCHEMA_NAME = 4,
	PQ_SCHEMA_NUM_CHILDREN = 5,
	PQ_SCHEMA_CONVERTED = 6,
	PQ_SCHEMA_SCALE = 7,
	PQ_SCHEMA_PRECISION = 8,
	PQ_SCHEMA_FIELD_ID = 9,
	PQ_SCHEMA_LOGICAL = 10
} ParquetSchemaElement;

/* Of the logical types that have fields */
#define PQ_DECIMAL_SCALE 1
#define PQ_DECIMAL_PRECISION 2
#define PQ_TIME_UTC 1 /* of TimeType and TimestampType */
#define PQ_TIME_UNIT 2
#define PQ_INTEGER_BITS 1
#define PQ_INTEGER_SIGNED 2

typedef enum ParquetRowGroup
{
	PQ_GROUP_COLUMNS = 1,
	PQ_GROUP_TOTAL_BYTES = 2,
	PQ_GROUP_NUM_ROWS = 3,
	PQ_GROUP_SORTING = 4,
	PQ_GROUP_OFFSET = 5,
	PQ_GROUP_COMPRESSED = 6,
	PQ_GROUP_ORDINAL = 7
} ParquetRowGroup;

typedef enum ParquetColumnChunk
{
	PQ_CHUNK_FILE_PATH = 1,
	PQ_CHUNK_FILE_OFFSET = 2,
	PQ_CHUNK_META = 3,
	PQ_CHUNK_OFFSET_INDEX_OFFSET = 4,
	PQ_CHUNK_OFFSET_INDEX_LENGTH = 5,
	PQ_CHUNK_COLUMN_INDEX_OFFSET = 6,
	PQ_CHUNK_COLUMN_INDEX_LENGTH = 7,
	PQ_CHUNK_CRYPTO = 8,
	PQ_CHUNK_CRYPTO_META = 9
} ParquetColumnChunk;

typedef enum ParquetColumnMeta
{
	PQ_META_TYPE = 1,
	PQ_META_ENCODINGS = 2,
	PQ_META_PATH = 3,
	PQ_META_CODEC = 4,
	PQ_META_NUM_VALUES = 5,
	PQ_META_UNCOMPRESSED = 6,
	PQ_META_COMPRESSED = 7,
	PQ_META_KEY_VALUE = 8,
	PQ_META_DATA_OFFSET = 9,
	PQ_META_INDEX_OFFSET = 10,
	PQ_META_DICTIONARY_OFFSET = 11,
	PQ_META_STATISTICS = 12,
	PQ_META_ENCODING_STATS = 13,
	PQ_META_BLOOM_OFFSET = 14,
	PQ_META_BLOOM_LENGTH = 15,
	PQ_META_SIZE_STATISTICS = 16
} ParquetColumnMeta;

typedef enum ParquetStatistics
{
	PQ_STAT_OLD_MAX = 1, /* of an order that nobody agreed on: not to be trusted for texts and bytes */
	PQ_STAT_OLD_MIN = 2,
	PQ_STAT_NULL_COUNT = 3,
	PQ_STAT_DISTINCT = 4,
	PQ_STAT_MAX = 5,
	PQ_STAT_MIN = 6,
	PQ_STAT_MAX_EXACT = 7,
	PQ_STAT_MIN_EXACT = 8
} ParquetStatistics;

/* The union ColumnOrder */
#define PQ_ORDER_BY_TYPE 1

typedef enum ParquetPageHeader
{
	PQ_PAGE_TYPE = 1,
	PQ_PAGE_UNCOMPRESSED = 2,
	PQ_PAGE_COMPRESSED = 3,
	PQ_PAGE_CRC = 4,
	PQ_PAGE_DATA = 5,
	PQ_PAGE_INDEX = 6,
	PQ_PAGE_DICTIONARY = 7,
	PQ_PAGE_DATA_V2 = 8
} ParquetPageHeader;

typedef enum ParquetDataPageHeader
{
	PQ_DATA_NUM_VALUES = 1,
	PQ_DATA_ENCODING = 2,
	PQ_DATA_DEFINITION = 3,
	PQ_DATA_REPETITION = 4,
	PQ_DATA_STATISTICS = 5
} ParquetDataPageHeader;

typedef enum ParquetDataPageHeaderV2
{
	PQ_DATA2_NUM_VALUES = 1,
	PQ_DATA2_NUM_NULLS = 2,
	PQ_DATA2_NUM_ROWS = 3,
	PQ_DATA2_ENCODING = 4,
	PQ_DATA2_DEFINITION_LENGTH = 5,
	PQ_DATA2_REPETITION_LENGTH = 6,
	PQ_DATA2_COMPRESSED = 7,
	PQ_DATA2_STATISTICS = 8
} ParquetDataPageHeaderV2;

typedef enum ParquetDictionaryPageHeader
{
	PQ_DICTIONARY_NUM_VALUES = 1,
	PQ_DICTIONARY_ENCODING = 2,
	PQ_DICTIONARY_SORTED = 3
} ParquetDictionaryPageHeader;

/* -- times -- */

/* Parquet counts from 1970, PostgreSQL from 2000 */
#define PARQUET_EPOCH_DAYS 10957
#define PARQUET_EPOCH_MICROS (INT64CONST(10957) * INT64CONST(86400000000))

#endif /* FILES_PARQUET_H */
