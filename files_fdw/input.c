/*
 * input.c
 *		The text of a file: unpacked, and in the database's encoding.
 *
 * Blocks go from one step to the next: as they are in the file, unpacked, converted.  Each step has a buffer of
 * fixed size, so a bomb is read no faster than its rows are.
 */
#include "postgres.h"

#include <zlib.h>
#include <zstd.h>

#include "common/attribute.h"
#include "files_fdw/input.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define BLOCK 131072

struct Input
{
	RootFile *file;
	FileInfo info; /* what was listed, or at opening */
	int64 offset;  /* in the file, of what is read next */
	int64 bytes;   /* that were read */
	Compression compression;
	Recoder *recoder;
	/* packed bytes */
	char *packed;
	size_t packed_at;
	size_t packed_n;
	z_stream gzip;
	ZSTD_DStream *zstd;
	bool inside;   /* a member or frame has begun and not ended */
	bool unpacked; /* all of it */
	MemoryContextCallback callback;
	/* unpacked bytes that are to be converted */
	char *raw;
	size_t raw_at;
	size_t raw_n;
	bool raw_end;
};

static void
end_unpacking(void *arg)
{
	Input *in = arg;

	if (in->compression == COMPRESS_GZIP)
		(void) inflateEnd(&in->gzip);
	if (in->zstd != NULL)
		(void) ZSTD_freeDStream(in->zstd);
	in->zstd = NULL;
}

Compression
compression_of(const unsigned char *head, size_t n)
{
	if (n >= 2 && head[0] == 0x1f && head[1] == 0x8b)
		return COMPRESS_GZIP;
	if (n >= 4 && head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd)
		return COMPRESS_ZSTD;
	/* a skippable frame */
	if (n >= 4 && (head[0] & 0xf0) == 0x50 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18)
		return COMPRESS_ZSTD;
	return COMPRESS_NONE;
}

static void
begin_unpacking(Input *in)
{
	if (in->compression == COMPRESS_GZIP && inflateInit2(&in->gzip, 15 + 16) != Z_OK)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (in->compression == COMPRESS_ZSTD)
	{
		in->zstd = ZSTD_createDStream();
		if (in->zstd == NULL || ZSTD_isError(ZSTD_initDStream(in->zstd)))
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	in->packed = palloc(BLOCK);
	in->callback.func = end_unpacking;
	in->callback.arg = in;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &in->callback);
}

Input *
input_new(RootFile *file, const FileInfo *info, Compression compression, FileEncoding encoding)
{
	Input *in = palloc0(sizeof(Input));
	unsigned char head[4];
	size_t n;

	in->file = file;
	file->root->routine->info(file, &in->info);
	if (info != NULL && strcmp(info->version, in->info.version) != 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("file \"%s\" changed after it was listed", file->path)));
	n = file->root->routine->read(file, head, sizeof(head), 0);
	in->compression = compression == COMPRESS_AUTO ? compression_of(head, n) : compression;
	if (n == 0)
		in->compression = COMPRESS_NONE;
	if (in->compression != COMPRESS_NONE)
		begin_unpacking(in);
	in->recoder = recoder_new(encoding);
	if (in->recoder)
		in->raw = palloc(BLOCK);
	return in;
}

bool
input_is_plain(const Input *in)
{
	return in->compression == COMPRESS_NONE && in->recoder == NULL;
}

void
input_seek(Input *in, int64 offset)
{
	Assert(input_is_plain(in));
	in->offset = offset;
}

const char *
input_path(const Input *in)
{
	return in->file->path;
}

int64
input_bytes(const Input *in)
{
	return in->bytes;
}

/* As they are in the file, no more than it had when it was opened */
static size_t
read_file(Input *in, char *to, size_t room)
{
	size_t n = (size_t) Min((int64) room, in->info.size - in->offset);
	size_t got;

	if (in->offset >= in->info.size)
		return 0;
	got = in->file->root->routine->read(in->file, to, n, in->offset);
	if (got < n)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("file \"%s\" became shorter while it was read", in->file->path)));
	in->offset += (int64) got;
	in->bytes += (int64) got;
	return got;
}

pg_noreturn static void
damaged(Input *in, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("file \"%s\" is not valid %s", in->file->path, in->compression == COMPRESS_GZIP ? "gzip" : "zstd"),
			 errdetail_internal("%s, at byte " INT64_FORMAT " of " INT64_FORMAT ".", why,
								in->offset - (int64) (in->packed_n - in->packed_at), in->info.size)));
}

/* More packed bytes, if all were taken; false: there are none */
static bool
more_packed(Input *in)
{
	if (in->packed_at < in->packed_n)
		return true;
	in->packed_at = 0;
	in->packed_n = read_file(in, in->packed, BLOCK);
	return in->packed_n > 0;
}

/* Members one behind the other, as tools write them that append */
static size_t
read_gzip(Input *in, char *to, size_t room)
{
	in->gzip.next_out = (Bytef *) to;
	in->gzip.avail_out = (uInt) room;
	while (in->gzip.avail_out == room && !in->unpacked)
	{
		int code;

		CHECK_FOR_INTERRUPTS();
		if (!more_packed(in))
		{
			if (in->inside || in->info.size == 0)
				damaged(in, "It ends before its data do");
			in->unpacked = true;
			break;
		}
		if (!in->inside && inflateReset(&in->gzip) != Z_OK)
			damaged(in, "It cannot be read");
		in->inside = true;
		in->gzip.next_in = (Bytef *) in->packed + in->packed_at;
		in->gzip.avail_in = (uInt) (in->packed_n - in->packed_at);
		code = inflate(&in->gzip, Z_NO_FLUSH);
		in->packed_at = in->packed_n - in->gzip.avail_in;
		if (code == Z_STREAM_END)
			in->inside = false;
		else if (code == Z_MEM_ERROR)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		else if (code != Z_OK && code != Z_BUF_ERROR)
			damaged(in, in->gzip.msg ? psprintf("zlib says: %s", in->gzip.msg) : "It is damaged");
	}
	return room - in->gzip.avail_out;
}

static size_t
read_zstd(Input *in, char *to, size_t room)
{
	ZSTD_outBuffer out = {to, room, 0};

	while (out.pos == 0 && !in->unpacked)
	{
		ZSTD_inBuffer from;
		size_t code;
		bool any;

		CHECK_FOR_INTERRUPTS();
		any = more_packed(in);
		from = (ZSTD_inBuffer){in->packed, in->packed_n, in->packed_at};
		if (!any && !in->inside)
		{
			in->unpacked = true;
			break;
		}
		code = ZSTD_decompressStream(in->zstd, &out, &from);
		if (ZSTD_isError(code))
			damaged(in, psprintf("zstd says: %s", ZSTD_getErrorName(code)));
		in->packed_at = from.pos;
		in->inside = code != 0;
		if (!any && in->inside && out.pos == 0)
			damaged(in, "It ends before its data do");
	}
	return out.pos;
}

static size_t
read_unpacked(Input *in, char *to, size_t room)
{
	switch (in->compression)
	{
		case COMPRESS_GZIP:
			return read_gzip(in, to, room);
		case COMPRESS_ZSTD:
			return read_zstd(in, to, room);
		default:
			return read_file(in, to, room);
	}
}

/* Fill what is to be converted; what is left of a character stays in front */
static void
fill_raw(Input *in)
{
	size_t got;

	memmove(in->raw, in->raw + in->raw_at, in->raw_n - in->raw_at);
	in->raw_n -= in->raw_at;
	in->raw_at = 0;
	got = in->raw_n < BLOCK ? read_unpacked(in, in->raw + in->raw_n, BLOCK - in->raw_n) : 1;
	in->raw_end = got == 0;
	if (in->raw_n < BLOCK)
		in->raw_n += got;
}

/*
 * A byte that cannot be converted becomes a NUL, which no text may have: so it is the row's fault that has it, and
 * not the file's.
 */
size_t
input_read(Input *in, char *to, size_t room)
{
	if (in->recoder == NULL)
		return read_unpacked(in, to, room);
	for (;;)
	{
		size_t taken;
		bool bad;
		size_t got;

		if (!in->raw_end && in->raw_n - in->raw_at < BLOCK / 2)
			fill_raw(in);
		got =
			recode(in->recoder, in->raw + in->raw_at, in->raw_n - in->raw_at, in->raw_end, to, room - 1, &taken, &bad);
		in->raw_at += taken;
		if (bad)
		{
			to[0] = '\0';
			return 1;
		}
		if (got > 0)
			return got;
		if (in->raw_end && taken == 0)
			return 0;
		CHECK_FOR_INTERRUPTS();
	}
}

void
input_check_same(const Input *in)
{
	FileInfo now;

	in->file->root->routine->info(in->file, &now);
	if (strcmp(now.version, in->info.version) != 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("file \"%s\" changed while it was read", in->file->path)));
}
