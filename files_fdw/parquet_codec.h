/*
 * parquet_codec.h
 *		How pages are packed.
 */
#ifndef FILES_PARQUET_CODEC_H
#define FILES_PARQUET_CODEC_H

#include "postgres.h"

#include "files_fdw/parquet.h"

/* Exactly so many bytes; what is wrong, or NULL */
extern const char *parquet_unpack(int codec, const uint8 *from, size_t n, uint8 *to, size_t size);
/* May so many bytes come of so many?  Before room is made for a claim */
extern bool parquet_can_unpack(int codec, const uint8 *from, size_t n, size_t size);
/* NULL: it is none that is read here */
extern const char *parquet_codec_name(int codec);

#endif /* FILES_PARQUET_CODEC_H */
