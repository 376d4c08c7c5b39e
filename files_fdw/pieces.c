/*
 * pieces.c
 *		Files as pieces of a table, for whoever keeps a copy: which there are, and whether one only grew.
 */
#include "postgres.h"

#include "access/table.h"
#include "common/cryptohash.h"
#include "common/function.h"
#include "common/sha2.h"
#include "files_fdw/files_fdw.h"
#include "files_fdw/listing.h"
#include "files_fdw/pattern.h"
#include "files_fdw/table.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(files_pieces);
SQL_FUNCTION(files_prefix);

#define VERIFY_FROM (64 * INT64CONST(1024) * 1024) /* smaller files are read again: that is as quick */
#define BLOCKS 16
#define BLOCK_BYTES 65536

static Table *
open_table(Oid relid)
{
	Relation relation;
	Table *t;

	check_files_table(relid);
	relation = table_open(relid, AccessShareLock);
	t = table_open_fdw(relid, RelationGetDescr(relation), GetUserId());
	table_close(relation, NoLock);
	return t;
}

/* Can rows that are appended to such a file be read alone? */
static bool
may_grow(const Table *t, int64 size)
{
	if (t->o.grows == 'n' || (t->o.grows == 'v' && size < VERIFY_FROM))
		return false;
	return encoding_is_ours(t->o.encoding) && t->o.compression <= COMPRESS_NONE &&
		   (format_has_lines(t->o.format) || (t->o.format == FORMAT_JSON && strcmp(t->o.records, "lines") == 0));
}

/* Where the next row would begin: at the end, if the last one has its own */
static bool
extent_of(Table *t, FileInfo *file, int64 *extent)
{
	MemoryContext context;
	MemoryContext old;
	RootFile *handle;
	char head[4];
	char last;
	bool grows;

	if (file->link || !may_grow(t, file->size) || file->size == 0)
		return false;
	context = AllocSetContextCreate(CurrentMemoryContext, "files extent", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	handle = t->root->routine->open(t->root, file);
	grows = t->root->routine->read(handle, head, sizeof(head), 0) > 0 &&
			compression_of((unsigned char *) head, sizeof(head)) == COMPRESS_NONE &&
			t->root->routine->read(handle, &last, 1, file->size - 1) == 1 && last == (t->o.cr ? '\r' : '\n');
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	*extent = file->size;
	return grows;
}

Datum
files_pieces(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Table *t = open_table(PG_GETARG_OID(0));
	TimestampTz now;
	ListCell *lc;

	(void) table_root(t);
	rows_begin(fcinfo);
	now = GetCurrentTimestamp();
	foreach (lc, table_files(t))
	{
		FileInfo *file = lfirst(lc);
		int64 extent = 0;
		bool grows = extent_of(t, file, &extent);
		/* what is stamped with a time to come will not be older for long: that is no reason to wait for ever */
		bool settled = now - file->modified >= t->o.settle || file->modified > now + USECS_PER_HOUR;
		Datum values[6] = {CStringGetTextDatum(file->path), CStringGetTextDatum(file->version), Int64GetDatum(extent),
						   Int64GetDatum(file->size), TimestampTzGetDatum(file->modified), BoolGetDatum(settled)};
		bool nulls[6] = {false, false, !grows, false, false, false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* -- what stands before a position -- */

static void
digest_range(pg_cryptohash_ctx *ctx, Root *root, RootFile *file, int64 from, int64 to)
{
	char *block = palloc(BLOCK_BYTES);

	while (from < to)
	{
		size_t n = root->routine->read(file, block, (size_t) Min(to - from, BLOCK_BYTES), from);

		CHECK_FOR_INTERRUPTS();
		if (n == 0 || pg_cryptohash_update(ctx, (uint8 *) block, n) < 0)
			break;
		from += (int64) n;
	}
	pfree(block);
}

/* All of it, or blocks spread over it, its end among them */
static void
digest_prefix(pg_cryptohash_ctx *ctx, const Table *t, RootFile *file, int64 extent)
{
	if (t->o.grows == 'f')
	{
		digest_range(ctx, t->root, file, 0, extent);
		return;
	}
	for (int i = 0; i < BLOCKS; i++)
	{
		int64 from = (extent - BLOCK_BYTES) / (BLOCKS - 1) * i;

		if (i == BLOCKS - 1)
			from = extent - BLOCK_BYTES;
		digest_range(ctx, t->root, file, from, from + BLOCK_BYTES);
	}
}

Datum
files_prefix(PG_FUNCTION_ARGS)
{
	Table *t = open_table(PG_GETARG_OID(0));
	char *path = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int64 extent = PG_GETARG_INT64(2);
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	char hex[PG_SHA256_DIGEST_LENGTH * 2 + 1];
	pg_cryptohash_ctx *ctx;
	RootFile *file;
	FileInfo info;
	List *files;

	(void) table_root(t);
	files = table_files_named(t, list_make1(path));
	if (files == NIL || ((FileInfo *) linitial(files))->link || extent <= 0 || !may_grow(t, extent))
		PG_RETURN_NULL();
	file = t->root->routine->open(t->root, linitial(files));
	t->root->routine->info(file, &info);
	if (info.size < extent)
		PG_RETURN_NULL();
	ctx = pg_cryptohash_create(PG_SHA256);
	if (ctx == NULL || pg_cryptohash_init(ctx) < 0)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	PG_TRY();
	{
		digest_prefix(ctx, t, file, extent);
		if (pg_cryptohash_final(ctx, digest, sizeof(digest)) < 0)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	PG_FINALLY();
	{
		pg_cryptohash_free(ctx);
	}
	PG_END_TRY();
	t->root->routine->close(file);
	hex[hex_encode((char *) digest, sizeof(digest), hex)] = '\0';
	/* a file that another one took the place of has not grown */
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s %s", info.birth ? info.birth : "", hex)));
}
