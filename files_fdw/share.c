/*
 * share.c
 *		Several processes read the files of a table: who reads what.
 *
 * All have the same list; a number in shared memory says which part nobody has taken.
 */
#include "postgres.h"

#include "files_fdw/lake_log.h"
#include "files_fdw/share.h"
#include "lib/stringinfo.h"
#include "port/atomics.h"

struct Share
{
	pg_atomic_uint64 next;
	bool cut;
	int n;
	char data[FLEXIBLE_ARRAY_MEMBER]; /* what files_as_bytes makes of them */
};

static void
put_text(StringInfo out, const char *text)
{
	appendBinaryStringInfo(out, text, (int) strlen(text) + 1);
}

/* Size, modified, three flags, path, version; of a file of a lake also how many values it has, and these */
static void
files_as_bytes(StringInfo out, List *files)
{
	ListCell *lc;
	ListCell *lv;

	initStringInfo(out);
	foreach (lc, files)
	{
		const FileInfo *file = lfirst(lc);
		int n = list_length(file->values);

		appendBinaryStringInfo(out, (const char *) &file->size, sizeof(int64));
		appendBinaryStringInfo(out, (const char *) &file->modified, sizeof(TimestampTz));
		appendStringInfoChar(out, (char) (file->link | file->archived << 1 | file->in_lake << 2));
		put_text(out, file->path);
		put_text(out, file->version);
		appendBinaryStringInfo(out, (const char *) &n, sizeof(int));
		foreach (lv, file->values)
		{
			const LakePair *pair = lfirst(lv);

			put_text(out, pair->name);
			appendStringInfoChar(out, pair->value != NULL);
			put_text(out, pair->value ? pair->value : "");
		}
	}
}

static const char *
take(const char *from, void *to, size_t n)
{
	memcpy(to, from, n);
	return from + n;
}

static const char *
take_text(const char *from, char **text)
{
	*text = pstrdup(from);
	return from + strlen(from) + 1;
}

static const char *
take_file(const char *p, FileInfo *file)
{
	int n;

	p = take(p, &file->size, sizeof(int64));
	p = take(p, &file->modified, sizeof(TimestampTz));
	file->link = (*p & 1) != 0;
	file->archived = (*p & 2) != 0;
	file->in_lake = (*p++ & 4) != 0;
	p = take_text(p, &file->path);
	p = take_text(p, &file->version);
	p = take(p, &n, sizeof(int));
	while (n-- > 0)
	{
		LakePair *pair = palloc(sizeof(LakePair));
		bool known;

		p = take_text(p, &pair->name);
		known = *p++ != 0;
		p = take_text(p, &pair->value);
		if (!known)
			pair->value = NULL;
		file->values = lappend(file->values, pair);
	}
	return p;
}

Size
share_size(List *files)
{
	StringInfoData bytes;

	files_as_bytes(&bytes, files);
	return add_size(sizeof(Share), bytes.len);
}

void
share_write(Share *share, List *files, bool cut)
{
	StringInfoData bytes;

	files_as_bytes(&bytes, files);
	pg_atomic_init_u64(&share->next, 0);
	share->cut = cut;
	share->n = list_length(files);
	memcpy(share->data, bytes.data, bytes.len);
}

List *
share_files(Share *share)
{
	const char *p = share->data;
	List *files = NIL;

	for (int i = 0; i < share->n; i++)
	{
		FileInfo *file = palloc0(sizeof(FileInfo));

		p = take_file(p, file);
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
