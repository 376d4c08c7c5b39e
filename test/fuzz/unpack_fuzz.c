/*
 * unpack_fuzz.c
 *		Fuzzer for packed files: what gzip or zstd make of any bytes, in large pieces and in small ones.
 */
#include "postgres.h"

#include "files_fdw/input.h"
#include "test/fuzz/files_standins.h"

#define MOST (1 << 20) /* of a bomb */

static const uint8_t *bytes;
static size_t nbytes;

static size_t
memory_read(RootFile *file, void *buffer, size_t n, int64 offset)
{
	size_t got = offset >= (int64) nbytes ? 0 : Min(n, nbytes - (size_t) offset);

	(void) file;
	memcpy(buffer, bytes + offset, got);
	return got;
}

static void
memory_info(RootFile *file, FileInfo *info)
{
	(void) file;
	*info = (FileInfo){.path = "x", .size = (int64) nbytes, .version = "1"};
}

static const RootRoutine routine = {.read = memory_read, .info = memory_info};
static Root root = {.routine = &routine, .server = "s", .where = "/"};
static RootFile file = {.root = &root, .path = "x"};

/* Callbacks of the context, which frees what the libraries hold */
static MemoryContextCallback *callback = NULL;

void
MemoryContextRegisterResetCallback(MemoryContext context, MemoryContextCallback *cb)
{
	(void) context;
	callback = cb;
}

Recoder *
recoder_new(FileEncoding encoding)
{
	(void) encoding;
	return NULL;
}

size_t
recode(Recoder *r, const char *from, size_t n, bool end, char *to, size_t room, size_t *taken, bool *bad)
{
	(void) r, (void) from, (void) n, (void) end, (void) to, (void) room, (void) taken, (void) bad;
	abort();
}

/* How much came, its hash, and whether it ended in an error */
static size_t
unpack(size_t piece, uint32 *hash, bool *broken)
{
	static char to[65536];
	volatile size_t total = 0;
	volatile uint32 sum = 0;

	*broken = true;
	if (setjmp(failed) == 0)
	{
		Input *in = input_new(&file, NULL, COMPRESS_AUTO, PG_UTF8);
		size_t n;

		while (total < MOST && (n = input_read(in, to, Min(piece, MOST - total))) > 0)
		{
			CHECK(n <= piece);
			for (size_t i = 0; i < n; i++)
				sum = sum * 31 + (unsigned char) to[i];
			total += n;
		}
		*broken = false;
	}
	if (callback)
		callback->func(callback->arg);
	callback = NULL;
	forget_all();
	*hash = sum;
	return total;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32 hashes[2];
	bool broken[2];
	size_t n;

	bytes = data;
	nbytes = size;
	n = unpack(65536, &hashes[0], &broken[0]);
	/* of what is damaged a part of the last piece may be missing */
	if (n < 65536)
	{
		size_t m = unpack(37, &hashes[1], &broken[1]);

		CHECK(broken[0] == broken[1]);
		CHECK(broken[0] || (m == n && hashes[0] == hashes[1]));
	}
	return 0;
}
