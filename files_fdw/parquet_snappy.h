/*
 * parquet_snappy.h
 *		Pages that are packed with snappy.
 */
#ifndef FILES_PARQUET_SNAPPY_H
#define FILES_PARQUET_SNAPPY_H

#include "postgres.h"

/* Unpack to just so many bytes; false: it is not valid, or of another size */
extern bool snappy_unpack(const uint8 *from, size_t n, uint8 *to, size_t size);

#endif /* FILES_PARQUET_SNAPPY_H */
