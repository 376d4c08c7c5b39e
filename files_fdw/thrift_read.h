/*
 * thrift_read.h
 *		Thrift's compact protocol, read from bytes that nobody vouches for.
 *
 * A fault stays: nothing more is read then, and numbers are zero.  So whoever reads a struct looks once, at its end.
 */
#ifndef FILES_THRIFT_READ_H
#define FILES_THRIFT_READ_H

#include "postgres.h"

typedef struct ThriftReader
{
	const uint8 *start;
	const uint8 *at;
	const uint8 *end;
	int depth;
	bool cut;          /* it ended too early: more bytes might help */
	const char *fault; /* what is wrong, or NULL */
} ThriftReader;

/* The field of a struct that is read next; begins as zeros */
typedef struct ThriftField
{
	int id;
	int type; /* THRIFT_TRUE and THRIFT_FALSE are values themselves */
} ThriftField;

extern void thrift_open(ThriftReader *r, const void *data, size_t n);
/* The next field; false: the struct ends */
extern bool thrift_field(ThriftReader *r, ThriftField *field);
/* The value of a field, which must be of the kind */
extern int64 thrift_get_int(ThriftReader *r, const ThriftField *field);
extern int32 thrift_get_int32(ThriftReader *r, const ThriftField *field);
extern bool thrift_get_bool(ThriftReader *r, const ThriftField *field);
extern const char *thrift_get_bytes(ThriftReader *r, const ThriftField *field, int *len);
/* A list of elements of a type; how many there are, each of which has a byte at least */
extern int thrift_get_list(ThriftReader *r, const ThriftField *field, int type);
extern bool thrift_is_struct(ThriftReader *r, const ThriftField *field);
extern void thrift_skip(ThriftReader *r, int type);
/* An element of a list of binaries or structs has no field of its own */
extern const ThriftField thrift_struct_element;

#endif /* FILES_THRIFT_READ_H */
