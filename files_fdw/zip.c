/*
 * zip.c
 *		Parts of a ZIP archive.
 *
 * The directory at the end of the file says where parts are; it alone is believed.  Lengths are believed no further
 * than the file goes, and what is unpacked goes through a block of fixed size.
 */
#include "postgres.h"

#include <zlib.h>

#include "files_fdw/zip.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define BLOCK 65536
#define END_BYTES 22 /* of the record at the end, without its comment */
#define MOST_COMMENT 65535
#define LOCATOR_BYTES 20 /* of the one that says where the record for large files is */
#define END64_BYTES 56
#define ENTRY_BYTES 46
#define LOCAL_BYTES 30
#define MOST_DIRECTORY (32 * 1024 * 1024)
#define STORED 0
#define DEFLATED 8
#define ENCRYPTED 1 /* flag */
#define EXTRA_64 1  /* id of what an entry of a large file has besides */

struct ZipStream
{
	Zip *zip;
	const ZipEntry *entry;
	int64 at;   /* in the file */
	int64 left; /* packed bytes that were not read */
	int64 done; /* bytes that were given */
	uint32 crc;
	bool over;
	bool inflating;
	z_stream inflate;
	Bytef *block;
	MemoryContextCallback callback;
};

void
zip_damaged(const Zip *zip, const char *part, const char *format, ...)
{
	char words[256];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT), errmsg("file \"%s\" is not a valid workbook", zip->path),
					part ? errdetail("In its part \"%s\": %s.", part, words) : errdetail("%c%s.", pg_toupper((unsigned char) words[0]), words + 1),
					errhint("Compare it with its original, or save it again.")));
}

void
zip_read_bytes(Zip *zip, void *to, size_t n, int64 offset)
{
	size_t got;

	if (offset < 0 || offset > zip->size || (int64) n > zip->size - offset)
		zip_damaged(zip, NULL, "part of it should be after its end");
	got = zip->file->root->routine->read(zip->file, to, n, offset);
	zip->bytes += (int64) got;
	if (got < n)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("file \"%s\" became shorter while it was read", zip->path)));
}

/* -- numbers -- */

static uint64
number(const unsigned char *p, int n)
{
	uint64 value = 0;

	for (int i = n - 1; i >= 0; i--)
		value = value << 8 | p[i];
	return value;
}

static bool
has_mark(const unsigned char *p, int a, int b)
{
	return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b;
}

bool
zip_is(const unsigned char *head, size_t n)
{
	/* of an archive without parts its end is all there is */
	return n >= 4 && (has_mark(head, 3, 4) || has_mark(head, 5, 6));
}

/* -- the directory -- */

typedef struct Directory
{
	int64 offset;
	int64 bytes;
	int64 n;
} Directory;

/* Of archives beyond the numbers of the record at the end, whose offset is given */
static void
find_directory_64(Zip *zip, int64 end, Directory *d)
{
	unsigned char locator[LOCATOR_BYTES];
	unsigned char record[END64_BYTES];
	int64 at;

	if (end < LOCATOR_BYTES)
		zip_damaged(zip, NULL, "its directory cannot be found");
	zip_read_bytes(zip, locator, sizeof(locator), end - LOCATOR_BYTES);
	if (!has_mark(locator, 6, 7))
		zip_damaged(zip, NULL, "its directory cannot be found");
	at = (int64) number(locator + 8, 8);
	if (at < 0 || at > end - LOCATOR_BYTES - END64_BYTES)
		zip_damaged(zip, NULL, "its directory cannot be found");
	zip_read_bytes(zip, record, sizeof(record), at);
	if (!has_mark(record, 6, 6))
		zip_damaged(zip, NULL, "its directory cannot be found");
	*d = (Directory){.n = (int64) number(record + 32, 8), .bytes = (int64) number(record + 40, 8), .offset = (int64) number(record + 48, 8)};
}

static void
find_directory(Zip *zip, Directory *d)
{
	size_t n = (size_t) Min(zip->size, END_BYTES + MOST_COMMENT);
	unsigned char *tail = palloc(n);
	int64 end = -1;

	zip_read_bytes(zip, tail, n, zip->size - (int64) n);
	for (int64 at = (int64) n - END_BYTES; at >= 0 && end < 0; at--)
	{
		/* the comment behind it may have anything, the mark as well */
		if (has_mark(tail + at, 5, 6) && at + END_BYTES + (int64) number(tail + at + 20, 2) == (int64) n)
			end = at;
	}
	if (end < 0)
		zip_damaged(zip, NULL, "it is cut off, or was not written to its end: its directory cannot be found");
	*d = (Directory){.n = (int64) number(tail + end + 10, 2), .bytes = (int64) number(tail + end + 12, 4), .offset = (int64) number(tail + end + 16, 4)};
	end += zip->size - (int64) n;
	if (d->n == PG_UINT16_MAX || d->bytes == PG_UINT32_MAX || d->offset == PG_UINT32_MAX)
		find_directory_64(zip, end, d);
	if (d->bytes < 0 || d->bytes > MOST_DIRECTORY || d->offset < 0 || d->offset > end - d->bytes || d->n < 0 ||
		d->n > d->bytes / ENTRY_BYTES)
		zip_damaged(zip, NULL, "its directory is not where it should be");
	pfree(tail);
}

/* What does not fit into an entry's own numbers stands behind its name */
static void
take_extra(ZipEntry *entry, const unsigned char *p, const unsigned char *end)
{
	int64 *const places[] = {&entry->size, &entry->packed, &entry->offset};

	while (end - p >= 4)
	{
		const unsigned char *next = p + 4 + number(p + 2, 2);

		if (next > end)
			return;
		if (number(p, 2) == EXTRA_64)
		{
			p += 4;
			for (int i = 0; i < lengthof(places); i++)
			{
				if (*places[i] == PG_UINT32_MAX && next - p >= 8)
				{
					*places[i] = (int64) number(p, 8);
					p += 8;
				}
			}
		}
		p = next;
	}
}

/* Where the next one is; NULL: it is not as it should be */
static const unsigned char *
take_entry(ZipEntry *entry, const unsigned char *p, const unsigned char *end)
{
	size_t name;
	size_t extra;

	if (end - p < ENTRY_BYTES || !has_mark(p, 1, 2))
		return NULL;
	name = (size_t) number(p + 28, 2);
	extra = (size_t) number(p + 30, 2);
	if ((size_t) (end - p - ENTRY_BYTES) < name + extra + number(p + 32, 2))
		return NULL;
	*entry = (ZipEntry){.encrypted = (number(p + 8, 2) & ENCRYPTED) != 0,
						.method = (int) number(p + 10, 2),
						.crc = (uint32) number(p + 16, 4),
						.packed = (int64) number(p + 20, 4),
						.size = (int64) number(p + 24, 4),
						.offset = (int64) number(p + 42, 4),
						.name = pnstrdup((const char *) p + ENTRY_BYTES, name)};
	take_extra(entry, p + ENTRY_BYTES + name, p + ENTRY_BYTES + name + extra);
	for (char *c = entry->name; *c; c++)
		*c = *c == '\\' ? '/' : *c;
	return p + ENTRY_BYTES + name + extra + number(p + 32, 2);
}

Zip *
zip_open(RootFile *file, const char *path, int64 size)
{
	Zip *zip = palloc0(sizeof(Zip));
	Directory d;
	unsigned char *bytes;
	const unsigned char *p;

	*zip = (Zip){.file = file, .path = path, .size = size};
	find_directory(zip, &d);
	p = bytes = palloc((size_t) d.bytes + 1);
	zip_read_bytes(zip, bytes, (size_t) d.bytes, d.offset);
	zip->entries = palloc(sizeof(ZipEntry) * (d.n + 1));
	for (; zip->n < d.n; zip->n++)
	{
		p = take_entry(&zip->entries[zip->n], p, bytes + d.bytes);
		if (p == NULL)
			zip_damaged(zip, NULL, "its directory is damaged");
	}
	pfree(bytes);
	return zip;
}

const ZipEntry *
zip_find(const Zip *zip, const char *name)
{
	const ZipEntry *found = NULL;

	for (int i = 0; i < zip->n; i++)
	{
		if (pg_strcasecmp(zip->entries[i].name, name) != 0)
			continue;
		if (found)
			zip_damaged(zip, name, "it is there twice");
		found = &zip->entries[i];
	}
	return found;
}

/* -- a part -- */

static void
end_inflating(void *arg)
{
	ZipStream *s = arg;

	if (s->inflating)
		(void) inflateEnd(&s->inflate);
	s->inflating = false;
}

ZipStream *
zip_stream(Zip *zip, const ZipEntry *entry)
{
	ZipStream *s = palloc0(sizeof(ZipStream));
	unsigned char head[LOCAL_BYTES];

	if (entry->encrypted || (entry->method != STORED && entry->method != DEFLATED))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("file \"%s\" cannot be read", zip->path),
						entry->encrypted ? errdetail("Its part \"%s\" is encrypted.", entry->name)
										 : errdetail("Its part \"%s\" is packed by method %d.", entry->name, entry->method)));
	zip_read_bytes(zip, head, sizeof(head), entry->offset);
	if (!has_mark(head, 3, 4))
		zip_damaged(zip, entry->name, "it is not where the directory says");
	s->zip = zip;
	s->entry = entry;
	s->at = entry->offset + LOCAL_BYTES + (int64) number(head + 26, 2) + (int64) number(head + 28, 2);
	s->left = entry->packed;
	if (s->at > zip->size || s->left < 0 || s->left > zip->size - s->at)
		zip_damaged(zip, entry->name, "it extends beyond the end of the file");
	s->crc = (uint32) crc32(0, NULL, 0);
	s->block = palloc(BLOCK);
	if (entry->method == STORED)
		return s;
	if (inflateInit2(&s->inflate, -MAX_WBITS) != Z_OK)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	s->inflating = true;
	s->callback.func = end_inflating;
	s->callback.arg = s;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &s->callback);
	return s;
}

/* Packed bytes, as many as fit */
static size_t
read_packed(ZipStream *s, void *to, size_t room)
{
	size_t n = (size_t) Min((int64) room, s->left);

	zip_read_bytes(s->zip, to, n, s->at);
	s->at += (int64) n;
	s->left -= (int64) n;
	return n;
}

static size_t
read_deflated(ZipStream *s, char *to, size_t room)
{
	z_stream *z = &s->inflate;

	z->next_out = (Bytef *) to;
	z->avail_out = (uInt) room;
	while (z->avail_out == room && !s->over)
	{
		int code;

		CHECK_FOR_INTERRUPTS();
		if (z->avail_in == 0)
		{
			z->next_in = s->block;
			z->avail_in = (uInt) read_packed(s, s->block, BLOCK);
			if (z->avail_in == 0)
				zip_damaged(s->zip, s->entry->name, "it ends before its data do");
		}
		code = inflate(z, Z_NO_FLUSH);
		s->over = code == Z_STREAM_END;
		if (code == Z_MEM_ERROR)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
			zip_damaged(s->zip, s->entry->name, "zlib says: %s", z->msg ? z->msg : "it is damaged");
	}
	return room - z->avail_out;
}

size_t
zip_read(ZipStream *s, char *to, size_t room)
{
	size_t n = s->inflating ? read_deflated(s, to, Min(room, BLOCK)) : read_packed(s, to, room);

	s->crc = (uint32) crc32(s->crc, (const Bytef *) to, (uInt) n);
	s->done += (int64) n;
	if (s->done > s->entry->size)
		zip_damaged(s->zip, s->entry->name, "it has more bytes than the directory says");
	if (n == 0)
	{
		if (s->done < s->entry->size)
			zip_damaged(s->zip, s->entry->name, "it has fewer bytes than the directory says");
		if (s->crc != s->entry->crc)
			zip_damaged(s->zip, s->entry->name, "its checksum differs");
	}
	return n;
}
