/*
 * lake_file.c
 *		The files of what a transaction writes to a lake, each of one folder.
 */
#include "postgres.h"

#include "access/xact.h"
#include "files_fdw/lake_file.h"
#include "files_fdw/partition.h"
#include "utils/builtins.h"
#include "utils/json.h"

#define FILE_BYTES (INT64CONST(512) * 1024 * 1024) /* a longer file is ended, and another one begun */
#define MOST_OPEN 64                               /* files, each of other folders */
#define MOST_HELD ((size_t) 192 * 1024 * 1024)     /* bytes of rows in memory */
#define HELD_EVERY 256                             /* rows after which they are counted */
#define FOLDER_NAME 200                            /* bytes of key=value */

/* -- names -- */

/* A sign of a folder's name that no system minds */
static void
append_safe(StringInfo out, const char *text, bool first_too)
{
	for (const unsigned char *p = (const unsigned char *) text; *p; p++)
	{
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '-' ||
					 *p == '_' || *p == '.';

		if (plain && !(first_too && p == (const unsigned char *) text && (*p == '_' || *p == '.')))
			appendStringInfoChar(out, (char) *p);
		else
			appendStringInfo(out, "%%%02X", *p);
	}
}

static char *
folder_of(List *values)
{
	StringInfoData path;
	ListCell *lc;

	initStringInfo(&path);
	foreach (lc, values)
	{
		const LakePair *pair = lfirst(lc);
		int start = path.len;

		append_safe(&path, pair->name, true);
		appendStringInfoChar(&path, '=');
		if (pair->value == NULL)
			appendStringInfoString(&path, HIVE_NULL);
		else if (*pair->value == '\0' || strcmp(pair->value, HIVE_NULL) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("value \"%s\" of column \"%s\" cannot be that of a folder", pair->value, pair->name),
							errdetail("Readers of lakes take it for null.")));
		else
			append_safe(&path, pair->value, false);
		if (path.len - start > FOLDER_NAME)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("a value of column \"%s\" is too long for a folder's name", pair->name)));
		appendStringInfoChar(&path, '/');
	}
	return path.data;
}

/* -- files -- */

static void
sink(void *arg, const char *data, size_t n)
{
	RootNew *file = arg;

	file->root->write->write(file, data, n);
}

static void
append_bounds(const LakeChange *change, const LakeWritten *w, bool above, StringInfo out)
{
	bool any = false;

	for (int i = 0; i < change->ndata; i++)
	{
		const ParquetBounds *bounds = parquet_bounds(w->writer, i);
		StringInfoData bound;

		initStringInfo(&bound);
		if (!lake_bound_json(change->data[i], above ? &bounds->max : &bounds->min, above, &bound))
			continue;
		if (any)
			appendStringInfoChar(out, ',');
		escape_json(out, change->data[i]->leaf.name);
		appendStringInfo(out, ":%s", bound.data);
		any = true;
	}
}

/* What a log says of a file's values, UTF-8 */
static char *
stats_of(const LakeChange *change, const LakeWritten *w)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"numRecords\":" INT64_FORMAT ",\"minValues\":{", parquet_rows(w->writer));
	append_bounds(change, w, false, &out);
	appendStringInfoString(&out, "},\"maxValues\":{");
	append_bounds(change, w, true, &out);
	appendStringInfoString(&out, "},\"nullCount\":{");
	for (int i = 0; i < change->ndata; i++)
	{
		if (i > 0)
			appendStringInfoChar(&out, ',');
		escape_json(&out, change->data[i]->leaf.name);
		appendStringInfo(&out, ":" INT64_FORMAT, parquet_bounds(w->writer, i)->nulls);
	}
	appendStringInfoString(&out, "}}");
	return out.data;
}

void
lake_file_end(LakeChange *change, LakeWritten *w)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	LakeEntry *entry = palloc0(sizeof(LakeEntry));

	parquet_end(w->writer);
	w->file->root->write->finish(w->file);
	entry->path = w->path;
	entry->values = w->values;
	entry->rows = parquet_rows(w->writer);
	entry->size = parquet_bytes(w->writer);
	entry->modified = lake_now();
	entry->stats = stats_of(change, w);
	parquet_free(w->writer);
	w->writer = NULL;
	w->entry = entry;
	if (change->last == w)
		change->last = NULL;
	MemoryContextSwitchTo(old);
}

static int
count_open(const LakeChange *change, LakeWritten **oldest, LakeWritten **largest, size_t *held)
{
	int n = 0;
	size_t most = 0;
	ListCell *lc;

	*held = 0;
	*oldest = *largest = NULL;
	foreach (lc, change->written)
	{
		LakeWritten *w = lfirst(lc);
		size_t holds;

		if (w->writer == NULL)
			continue;
		n++;
		holds = parquet_held(w->writer);
		*held += holds;
		if (*largest == NULL || holds > most)
		{
			*largest = w;
			most = holds;
		}
		if (*oldest == NULL || w->used < (*oldest)->used)
			*oldest = w;
	}
	return n;
}

/* Rows of many folders are held at once, within bounds */
static void
keep_bounds(LakeChange *change)
{
	LakeWritten *oldest;
	LakeWritten *largest;
	size_t held;

	(void) count_open(change, &oldest, &largest, &held);
	if (held > MOST_HELD)
		parquet_flush(largest->writer);
}

static LakeWritten *
begin_file(LakeChange *change, List *values)
{
	static const char *const endings[] = {"parquet", NULL, "gz.parquet", NULL, NULL, NULL, "zstd.parquet"};
	MemoryContext old;
	LakeWritten *w;
	LakeWritten *oldest;
	LakeWritten *largest;
	size_t held;
	char *folder;

	if (count_open(change, &oldest, &largest, &held) >= MOST_OPEN)
		lake_file_end(change, oldest);
	folder = folder_of(values);
	old = MemoryContextSwitchTo(change->context);
	w = palloc0(sizeof(LakeWritten));
	w->sub = GetCurrentSubTransactionId();
	w->path = psprintf("%spart-%s.%s", folder, lake_random_name(), endings[change->codec]);
	{
		ListCell *lc;

		foreach (lc, values)
		{
			const LakePair *pair = lfirst(lc);
			LakePair *copy = palloc(sizeof(LakePair));

			copy->name = pstrdup(pair->name);
			copy->value = pair->value ? pstrdup(pair->value) : NULL;
			w->values = lappend(w->values, copy);
		}
	}
	/* it is known before it is there: whatever fails from here on, it goes */
	change->written = lappend(change->written, w);
	w->file = change->state->root->write->create(change->state->root,
												 psprintf("%s/%s", change->state->folder, w->path));
	w->writer = parquet_writer_new(change->leaves, change->ndata, change->codec, sink, w->file);
	MemoryContextSwitchTo(old);
	return w;
}

static bool
same_values(const List *a, const List *b)
{
	ListCell *x;
	ListCell *y;

	forboth(x, a, y, b)
	{
		const char *v = ((const LakePair *) lfirst(x))->value;
		const char *w = ((const LakePair *) lfirst(y))->value;

		if ((v == NULL) != (w == NULL) || (v && strcmp(v, w) != 0))
			return false;
	}
	return true;
}

LakeWritten *
lake_file_of(LakeChange *change, List *values)
{
	SubTransactionId sub = GetCurrentSubTransactionId();
	ListCell *lc;
	int start = 0;

	if (change->last && change->last->sub == sub && same_values(change->last->values, values))
		return change->last;
	foreach (lc, change->written)
	{
		if (((LakeWritten *) lfirst(lc))->truncate)
			start = foreach_current_index(lc) + 1;
	}
	for_each_from(lc, change->written, start)
	{
		LakeWritten *w = lfirst(lc);

		if (w->writer && w->sub == sub && same_values(w->values, values))
			return w;
	}
	return begin_file(change, values);
}

void
lake_file_row_end(LakeChange *change, LakeWritten *w)
{
	parquet_row_end(w->writer);
	w->used = ++change->rows;
	if (parquet_bytes(w->writer) >= FILE_BYTES)
		lake_file_end(change, w);
	if (change->rows % HELD_EVERY == 0 && change->partitions != NIL)
		keep_bounds(change);
}

void
lake_file_discard(LakeWritten *w)
{
	if (w->file)
		w->file->root->write->discard(w->file);
	w->file = NULL;
}
