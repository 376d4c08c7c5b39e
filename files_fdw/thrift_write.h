/*
 * thrift_write.h
 *		Thrift's compact protocol, written: the metadata of Parquet.
 */
#ifndef FILES_THRIFT_WRITE_H
#define FILES_THRIFT_WRITE_H

#include "postgres.h"

#include "files_fdw/parquet.h"
#include "lib/stringinfo.h"

#define THRIFT_DEPTH 16

/* Fields of a struct are told by how much their number is above that of the one before */
typedef struct ThriftWriter
{
	StringInfo out;
	int depth;
	int last[THRIFT_DEPTH];
} ThriftWriter;

/* The struct itself is begun; thrift_end() ends it */
extern void thrift_begin(ThriftWriter *w, StringInfo out);
extern void thrift_end(ThriftWriter *w);
/* Numbers of fields must grow within a struct */
extern void thrift_bool(ThriftWriter *w, int field, bool value);
extern void thrift_i32(ThriftWriter *w, int field, int32 value);
extern void thrift_i64(ThriftWriter *w, int field, int64 value);
extern void thrift_bytes(ThriftWriter *w, int field, const char *data, size_t len);
extern void thrift_string(ThriftWriter *w, int field, const char *text);
/* A struct as a field, until thrift_end() */
extern void thrift_struct(ThriftWriter *w, int field);
/* A list as a field; so many items follow: structs by thrift_item() and thrift_end(), or numbers, or texts */
extern void thrift_list(ThriftWriter *w, int field, ThriftType type, int n);
extern void thrift_item(ThriftWriter *w);
extern void thrift_item_i32(ThriftWriter *w, int32 value);
extern void thrift_item_string(ThriftWriter *w, const char *text);

#endif /* FILES_THRIFT_WRITE_H */
