/*
 * vacuum.c
 *		Files of a lake's folder that nobody needs any more.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "common/function.h"
#include "common/hashfn.h"
#include "files_fdw/files_fdw.h"
#include "files_fdw/lake_table.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

SQL_FUNCTION(files_vacuum);

/* Paths that stay, as a set of texts */
static uint32
path_hash(const void *key, Size size)
{
	const char *path = *(const char *const *) key;

	return hash_bytes((const unsigned char *) path, (int) strlen(path));
}

static int
path_match(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static HTAB *
paths_new(void)
{
	HASHCTL ctl = {.keysize = sizeof(char *),
				   .entrysize = sizeof(char *),
				   .hash = path_hash,
				   .match = path_match,
				   .hcxt = CurrentMemoryContext};

	return hash_create("lake paths", 1024, &ctl, HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name);
	size_t m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

/* Is it a name that writers of lakes give: a part, or what was being written and never became one? */
static bool
is_written_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (strncmp(name, "part-", 5) == 0)
		return ends_with(name, ".parquet");
	if (strncmp(name, ".part-", 6) == 0)
		return ends_with(name, ".parquet.tmp");
	return name[0] == '.' && strspn(name + 1, "0123456789") == 20 && strncmp(name + 21, ".json.", 6) == 0 &&
		   ends_with(name, ".tmp");
}

typedef struct Swept
{
	int64 files;
	int64 bytes;
} Swept;

static void
sweep(Root *root, const FileInfo *file, Swept *swept)
{
	CHECK_FOR_INTERRUPTS();
	root->write->remove(root, file->path);
	swept->files++;
	swept->bytes += file->size;
}

static void
vacuum_lake(Table *t, TimestampTz since, Swept *swept)
{
	LakeState *state = lake_state(t);
	const LakeLogRoutine *log = lake_log(t);
	int64 since_millis = (since + PARQUET_EPOCH_MICROS) / 1000;
	HTAB *stay = paths_new();
	/* listed before the log is read once more: what is published meanwhile was shown before, and is young */
	List *files = state->root->write->all(state->root, state->folder);
	List *needed;
	ListCell *lc;

	log->advance(state);
	needed = log->needed(state, since_millis);
	foreach (lc, state->entries)
		(void) hash_search(stay, &((LakeEntry *) lfirst(lc))->path, HASH_ENTER, NULL);
	foreach (lc, needed)
		(void) hash_search(stay, &lfirst(lc), HASH_ENTER, NULL);
	foreach (lc, state->version < 0 ? NIL : files)
	{
		const FileInfo *file = lfirst(lc);
		const char *path = file->path + strlen(state->folder) + 1;

		if (file->modified < since && is_written_name(path) && !hash_search(stay, &path, HASH_FIND, NULL))
			sweep(state->root, file, swept);
	}
	foreach (lc, log->spent(state, since_millis))
		sweep(state->root, lfirst(lc), swept);
}

/* Removes what no version of the last days has */
Datum
files_vacuum(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(0);
	TupleDesc desc;
	Relation relation;
	Swept swept = {0};
	TimestampTz now = GetCurrentTimestamp();
	Datum then = DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(now), PG_GETARG_DATUM(1));
	TimestampTz since = DatumGetTimestampTz(then);
	Datum values[2];
	bool nulls[2] = {0};
	Table *t;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (TIMESTAMP_NOT_FINITE(since) || since > now - USECS_PER_HOUR)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("files of a lake stay for an hour at least"),
						errhint("Transactions that write, and readers of older versions, need them.")));
	check_files_table_for(relid, ACL_TRUNCATE);
	relation = table_open(relid, ShareUpdateExclusiveLock);
	t = table_open_fdw(relid, RelationGetDescr(relation), GetUserId());
	lake_check_may_write(t);
	vacuum_lake(t, since, &swept);
	table_close(relation, NoLock);
	values[0] = Int64GetDatum(swept.files);
	values[1] = Int64GetDatum(swept.bytes);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
