/*
 * parquet_codec.c
 *		How pages are packed.
 */
#include "postgres.h"

#include <lz4.h>
#include <zlib.h>
#include <zstd.h>

#include "files_fdw/parquet_codec.h"
#include "files_fdw/parquet_snappy.h"

const char *
parquet_codec_name(int codec)
{
	switch (codec)
	{
		case PARQUET_UNCOMPRESSED:
			return "none";
		case PARQUET_SNAPPY:
			return "snappy";
		case PARQUET_GZIP:
			return "gzip";
		case PARQUET_LZ4_HADOOP:
			return "lz4";
		case PARQUET_ZSTD:
			return "zstd";
		case PARQUET_LZ4_RAW:
			return "lz4_raw";
		default:
			return NULL;
	}
}

/* The most that a byte becomes: 64 of a copy in three; a literal of 255; 258 in two bits; of zstd a frame of zeros */
bool
parquet_can_unpack(int codec, const uint8 *from, size_t n, size_t size)
{
	unsigned long long said;

	switch (codec)
	{
		case PARQUET_UNCOMPRESSED:
			return size == n;
		case PARQUET_SNAPPY:
			return size / 64 <= n;
		case PARQUET_LZ4_HADOOP:
		case PARQUET_LZ4_RAW:
			return size / 256 <= n;
		case PARQUET_GZIP:
			return size / 1100 <= n;
		case PARQUET_ZSTD:
			/* a frame may tell its size */
			said = ZSTD_getFrameContentSize(from, n);
			return said != ZSTD_CONTENTSIZE_ERROR && (said == ZSTD_CONTENTSIZE_UNKNOWN || said <= size);
		default:
			return true;
	}
}

static const char *
unpack_gzip(const uint8 *from, size_t n, uint8 *to, size_t size)
{
	z_stream z = {0};
	int code;

	/* zlib's own head is taken as well: some writers have it */
	if (inflateInit2(&z, 15 + 32) != Z_OK)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	z.next_in = (Bytef *) from;
	z.avail_in = (uInt) n;
	z.next_out = (Bytef *) to;
	z.avail_out = (uInt) size;
	do
	{
		code = inflate(&z, Z_FINISH);
	} while (code == Z_STREAM_END && z.avail_in > 0 && z.avail_out > 0 && inflateReset(&z) == Z_OK);
	(void) inflateEnd(&z);
	return code == Z_STREAM_END && z.avail_out == 0 ? NULL : "a page is not valid gzip of its size";
}

static const char *
unpack_lz4(const uint8 *from, size_t n, uint8 *to, size_t size)
{
	if (n > PG_INT32_MAX || size > PG_INT32_MAX ||
		LZ4_decompress_safe((const char *) from, (char *) to, (int) n, (int) size) != (int) size)
		return "a page is not valid lz4 of its size";
	return NULL;
}

static uint32
big_endian(const uint8 *p)
{
	return (uint32) p[0] << 24 | (uint32) p[1] << 16 | (uint32) p[2] << 8 | p[3];
}

/* Hadoop's frames: both sizes before each block; false: it is something else */
static bool
unpack_hadoop(const uint8 *from, size_t n, uint8 *to, size_t size)
{
	size_t done = 0;

	while (n > 0)
	{
		uint32 whole;
		uint32 packed;

		if (n < 8)
			return false;
		whole = big_endian(from);
		packed = big_endian(from + 4);
		from += 8;
		n -= 8;
		if (packed > n || whole > size - done || unpack_lz4(from, packed, to + done, whole) != NULL)
			return false;
		from += packed;
		n -= packed;
		done += whole;
	}
	return done == size;
}

static const char *
unpack_zstd(const uint8 *from, size_t n, uint8 *to, size_t size)
{
	size_t got = ZSTD_decompress(to, size, from, n);

	return !ZSTD_isError(got) && got == size ? NULL : "a page is not valid zstd of its size";
}

const char *
parquet_unpack(int codec, const uint8 *from, size_t n, uint8 *to, size_t size)
{
	switch (codec)
	{
		case PARQUET_SNAPPY:
			return snappy_unpack(from, n, to, size) ? NULL : "a page is not valid snappy of its size";
		case PARQUET_GZIP:
			return unpack_gzip(from, n, to, size);
		case PARQUET_ZSTD:
			return unpack_zstd(from, n, to, size);
		case PARQUET_LZ4_RAW:
			return unpack_lz4(from, n, to, size);
		case PARQUET_LZ4_HADOOP:
			return unpack_hadoop(from, n, to, size) ? NULL : unpack_lz4(from, n, to, size);
		default:
			return "a page is packed in an unknown way";
	}
}
