/*
 * blob_write.c
 *		Files that are written to a container of Azure Blob Storage.
 *
 * A file is sent in blocks under its own name, and nobody sees it until the list of its blocks is committed.  Blocks that
 * are never committed are thrown away by Azure after a week.  Blocks and their list may be sent again, so an answer that
 * was lost does no harm; whether a file that must be new was put by us, its content tells, of which there is no other.
 */
#include "postgres.h"

#include "files_fdw/blob_root.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

#define BLOCK_BYTES (4 * 1024 * 1024)

typedef struct BlobNew
{
	RootNew file;
	StringInfoData rest; /* that is no whole block yet */
	int blocks;          /* that were sent */
} BlobNew;

static BlobStore *
store_of(Root *root)
{
	return ((BlobRoot *) root)->store;
}

/* All of one length */
static char *
block_id(int n)
{
	return blob_base64(psprintf("%09d", n), 9);
}

static void
send_block(BlobNew *f)
{
	BlobParam params[2] = {{"blockid", block_id(f->blocks)}, {"comp", "block"}};
	BlobCall *call = blob_write_start(store_of(f->file.root), "PUT", f->file.path, params, lengthof(params),
									  f->rest.data, f->rest.len, false);

	(void) blob_written(call);
	blob_end(call);
	f->blocks++;
	resetStringInfo(&f->rest);
}

static RootNew *
blob_create(Root *root, const char *path)
{
	BlobNew *f = palloc0(sizeof(BlobNew));

	f->file.root = root;
	f->file.path = pstrdup(path);
	initStringInfo(&f->rest);
	return &f->file;
}

static void
blob_write(RootNew *file, const char *data, size_t n)
{
	BlobNew *f = (BlobNew *) file;

	while (n > 0)
	{
		size_t some = Min(n, (size_t) (BLOCK_BYTES - f->rest.len));

		CHECK_FOR_INTERRUPTS();
		appendBinaryStringInfo(&f->rest, data, (int) some);
		if (f->rest.len == BLOCK_BYTES)
			send_block(f);
		data += some;
		n -= some;
	}
}

static void
blob_finish(RootNew *file)
{
	BlobNew *f = (BlobNew *) file;

	if (f->rest.len > 0)
		send_block(f);
	pfree(f->rest.data);
	f->rest.data = NULL;
}

/* Latest: as often as this is sent, since its answer was lost, the blocks are found */
static void
blob_show(RootNew *file)
{
	BlobNew *f = (BlobNew *) file;
	BlobParam params[1] = {{"comp", "blocklist"}};
	StringInfoData list;
	BlobCall *call;

	initStringInfo(&list);
	appendStringInfoString(&list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	for (int i = 0; i < f->blocks; i++)
		appendStringInfo(&list, "<Latest>%s</Latest>", block_id(i));
	appendStringInfoString(&list, "</BlockList>");
	call = blob_write_start(store_of(file->root), "PUT", file->path, params, lengthof(params), list.data, list.len,
							false);
	(void) blob_written(call);
	blob_end(call);
	pfree(list.data);
}

/* Nothing can be asked for while a transaction is rolled back: what is there files_vacuum() takes, or Azure */
static void
blob_discard(RootNew *file)
{
}

/* Is what stands there what we sent?  The answer to that may have been lost */
static bool
is_ours(Root *root, const char *path, const char *data, size_t n)
{
	const FileInfo *there = NULL;
	RootFile *file;
	char *text;
	bool same;
	ListCell *lc;

	foreach (lc, blob_all(root, pnstrdup(path, strrchr(path, '/') - path)))
	{
		if (strcmp(((FileInfo *) lfirst(lc))->path, path) == 0)
			there = lfirst(lc);
	}
	if (there == NULL || there->size != (int64) n)
		return false;
	file = root->routine->open(root, there);
	text = palloc(n);
	same = root->routine->read(file, text, n, 0) == n && memcmp(text, data, n) == 0;
	root->routine->close(file);
	pfree(text);
	return same;
}

static bool
blob_put_new(Root *root, const char *path, const char *data, size_t n)
{
	BlobCall *call = blob_write_start(store_of(root), "PUT", path, NULL, 0, data, n, true);
	bool done = blob_written(call);

	blob_end(call);
	return done || is_ours(root, path, data, n);
}

static void
blob_remove(Root *root, const char *path)
{
	BlobCall *call = blob_write_start(store_of(root), "DELETE", path, NULL, 0, "", 0, false);

	(void) blob_written(call);
	blob_end(call);
}

const RootWriteRoutine blob_write_routine = {blob_create, blob_write, blob_finish, blob_show,
											 blob_discard, blob_put_new, blob_remove, blob_all};
