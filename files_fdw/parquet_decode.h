/*
 * parquet_decode.h
 *		Encodings of Parquet's values and levels.
 *
 * Decoders read from a page that is there whole, and give values in steps of as many as are asked for.  A fault stays,
 * as a reason that is not NULL.
 */
#ifndef FILES_PARQUET_DECODE_H
#define FILES_PARQUET_DECODE_H

#include "postgres.h"

#include "files_fdw/parquet.h"

/* Bytes somewhere in a page, in a dictionary or in a decoder's own memory */
typedef struct Slice
{
	const char *p;
	uint32 len;
} Slice;

/* Room for values, as the physical type has them */
typedef union ParquetValues
{
	uint8 *truths;
	int32 *i32;
	int64 *i64;
	float *floats;
	double *doubles;
	Slice *slices; /* BYTE_ARRAY, FIXED, INT96 */
	void *any;
} ParquetValues;

/* -- runs and packed bits -- */

typedef struct RleDecoder
{
	const uint8 *at;
	const uint8 *end;
	int width;
	uint32 value; /* of a run */
	uint32 run;   /* that are left of it */
	uint32 packed;
	const uint8 *bits;
	uint64 bit; /* of the next packed one, from bits on */
	const char *fault;
} RleDecoder;

extern void rle_begin(RleDecoder *d, const void *data, size_t n, int width);
extern void rle_read(RleDecoder *d, uint32 *out, int n);
/* Levels: at most so much */
extern void rle_read_levels(RleDecoder *d, uint8 *out, int n, int most);

/* -- differences -- */

typedef struct DeltaDecoder
{
	const uint8 *at;
	const uint8 *end;
	int block;
	int minis;
	int per_mini;
	int64 total; /* values there are */
	int64 left;
	uint64 value; /* the next one */
	uint64 min;
	const uint8 *widths;
	int mini;
	int mini_left;
	const uint8 *bits;
	uint64 bit;
	const char *fault;
} DeltaDecoder;

extern void delta_begin(DeltaDecoder *d, const void *data, size_t n);
extern void delta_read(DeltaDecoder *d, int64 *out, int n);
/* Go to the end: where what follows begins */
extern const uint8 *delta_end(DeltaDecoder *d, int64 most);

/* -- values -- */

typedef struct ValueDecoder
{
	int type;
	int length; /* of FIXED and INT96 */
	int encoding;
	const uint8 *at;
	const uint8 *end;
	uint64 bit; /* of plain truths */
	RleDecoder rle;
	DeltaDecoder delta;
	DeltaDecoder lengths;
	int64 count; /* of BYTE_STREAM_SPLIT: values there are, and those given */
	int64 given;
	uint8 *last; /* of DELTA_BYTE_ARRAY */
	size_t last_len;
	size_t last_room;
	/* memory of slices that are in no page, good until more are read */
	char *scratch;
	size_t scratch_room;
	size_t most; /* bytes in it, but for one value */
	const char *fault;
} ValueDecoder;

/* Does a type have an encoding at all, which is not of a dictionary? */
extern bool values_can_be(int type, int encoding);
/* A page has at most so many values.  Memory of an earlier one is used again. */
extern void values_begin(ValueDecoder *d, int type, int length, int encoding, const uint8 *data, size_t n, int64 most);
/* As many as there is room for, at least one; 0: see the fault */
extern int values_read(ValueDecoder *d, ParquetValues out, int n);

#endif /* FILES_PARQUET_DECODE_H */
