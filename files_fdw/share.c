/*
 * share.c
 *		Several processes read the files of a table: who reads what.
 *
 * All have the same list; a number in shared memory says which part nobody has taken.
 */
#include "postgres.h"

#include "files_fdw/share.h"
#include "port/atomics.h"

struct Share
{
	pg_atomic_uint64 next;
	bool cut;
	int n;
	char data[FLEXIBLE_ARRAY_MEMBER]; /* size, modified, link, path, version of each */
};

#define FIXED (sizeof(int64) + sizeof(TimestampTz) + 1)

Size
share_size(List *files)
{
	Size size = sizeof(Share);
	ListCell *lc;

	foreach (lc, files)
	{
		const FileInfo *file = lfirst(lc);

		size = add_size(size, FIXED + strlen(file->path) + strlen(file->version) + 2);
	}
	return size;
}

static char *
put(char *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return to + n;
}

void
share_write(Share *share, List *files, bool cut)
{
	char *p = share->data;
	ListCell *lc;

	pg_atomic_init_u64(&share->next, 0);
	share->cut = cut;
	share->n = list_length(files);
	foreach (lc, files)
	{
		const FileInfo *file = lfirst(lc);
		char link = file->link;

		p = put(p, &file->size, sizeof(int64));
		p = put(p, &file->modified, sizeof(TimestampTz));
		p = put(p, &link, 1);
		p = put(p, file->path, strlen(file->path) + 1);
		p = put(p, file->version, strlen(file->version) + 1);
	}
}

List *
share_files(Share *share)
{
	const char *p = share->data;
	List *files = NIL;

	for (int i = 0; i < share->n; i++)
	{
		FileInfo *file = palloc(sizeof(FileInfo));

		memcpy(&file->size, p, sizeof(int64));
		p += sizeof(int64);
		memcpy(&file->modified, p, sizeof(TimestampTz));
		p += sizeof(TimestampTz);
		file->link = *p++ != 0;
		file->path = pstrdup(p);
		p += strlen(p) + 1;
		file->version = pstrdup(p);
		p += strlen(p) + 1;
		files = lappend(files, file);
	}
	return files;
}

bool
share_is_cut(const Share *share)
{
	return share->cut;
}

void
share_again(Share *share)
{
	pg_atomic_write_u64(&share->next, 0);
}

uint64
share_take(Share *share)
{
	return pg_atomic_fetch_add_u64(&share->next, 1);
}

int64
units_of(const FileInfo *file, bool cut)
{
	return cut ? Max(1, (file->size + CHUNK_BYTES - 1) / CHUNK_BYTES) : 1;
}
