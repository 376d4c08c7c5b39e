/*
 * zip.h
 *		Parts of a ZIP archive, read from wherever the file is, in pieces.
 */
#ifndef FILES_ZIP_H
#define FILES_ZIP_H

#include "postgres.h"

#include "common/attribute.h"
#include "files_fdw/root.h"

typedef struct ZipEntry
{
	char *name;
	int method;
	bool encrypted;
	uint32 crc;
	int64 packed; /* bytes in the file */
	int64 size;   /* bytes that they become */
	int64 offset; /* of its own header */
} ZipEntry;

typedef struct Zip
{
	RootFile *file;
	const char *path;
	int64 size;
	int64 bytes; /* that were read */
	int n;
	ZipEntry *entries;
} Zip;

typedef struct ZipStream ZipStream;

extern bool zip_is(const unsigned char *head, size_t n);
/* The directory at the file's end; all in the current memory context */
extern Zip *zip_open(RootFile *file, const char *path, int64 size);
/* Names are the same whatever their case; NULL: there is none */
extern const ZipEntry *zip_find(const Zip *zip, const char *name);
/* A part from its beginning, gone with the current memory context */
extern ZipStream *zip_stream(Zip *zip, const ZipEntry *entry);
/* Some of what follows, at least a byte; 0: it is at its end, and had the length and the checksum that it should */
extern size_t zip_read(ZipStream *s, char *to, size_t room);
extern void zip_read_bytes(Zip *zip, void *to, size_t n, int64 offset);
/* It is not what it should be: a sentence without its full stop.  part: where, or NULL */
pg_noreturn extern void zip_damaged(const Zip *zip, const char *part, const char *format, ...) pg_attribute_printf(3, 4);

#endif /* FILES_ZIP_H */
