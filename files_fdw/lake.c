/*
 * lake.c
 *		What a transaction writes to a lake, and how it becomes one of its versions.
 *
 * The order is: files whole and on disk, files shown, version put, transaction committed.  Whoever is killed before the
 * version leaves files that no log names; between version and commit, a version whose transaction is not known here:
 * a mark in it tells whoever must know (files_published).
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "files_fdw/lake.h"
#include "files_fdw/parquet_write.h"
#include "files_fdw/partition.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define FILE_BYTES (INT64CONST(512) * 1024 * 1024) /* a longer file is ended, and another one begun */
#define MOST_OPEN 64                               /* files, each of other folders */
#define MOST_HELD ((size_t) 192 * 1024 * 1024)     /* bytes of rows in memory */
#define HELD_EVERY 256                             /* rows after which they are counted */
#define MOST_TRIES 1000                            /* of putting a version while others put theirs */
#define FOLDER_NAME 200                            /* bytes of key=value */

/* A file of one folder; or that all before it goes; or what goes of the version before */
typedef struct Written
{
	SubTransactionId sub;
	bool truncate;
	List *gone;       /* of LakeEntry, of the state */
	LakeEntry *entry; /* when it is whole */
	char *path;       /* from the lake's folder on */
	List *values;     /* of LakePair */
	RootNew *file;
	ParquetWriter *writer; /* while it is open */
	uint64 used;           /* when */
} Written;

typedef struct Mark
{
	SubTransactionId sub;
	LakeMark mark;
} Mark;

struct LakeChange
{
	Oid relid;
	Oid userid;
	MemoryContext context;
	MemoryContext row; /* reset with each */
	Table *table;
	LakeColumn *columns;
	int ncolumns;
	List *partitions; /* of LakeColumn * among them */
	LakeColumn **data;
	int ndata;
	WrittenLeaf *leaves;
	ParquetCodec codec;
	const LakeLogRoutine *log;
	LakeState *state;
	List *written; /* of Written, in their order */
	List *marks;
	List *touched; /* of SubTransactionId: who began to write */
	TupleDesc desc;
	List *options;
	Written *last;
	uint64 rows;
	bool begun;     /* a version was about to be put: whether it is there is not known */
	bool published; /* it is there */
};

static LakeChange *current = NULL;

/* -- names -- */

static char *
random_name(void)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, gen_random_uuid(NULL)));
}

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
folder_of(const LakeChange *change, List *values)
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
							errmsg("value \"%s\" of column \"%s\" cannot be a folder's", pair->value, pair->name),
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

static int64
now_millis(void)
{
	return (GetCurrentTimestamp() + PARQUET_EPOCH_MICROS) / 1000;
}

/* -- which table -- */

const LakeLogRoutine *
lake_log(const Table *t)
{
	return t->o.layout == LAYOUT_DELTA ? &delta_log_routine : &manifest_log_routine;
}

static bool
server_is_writable(ForeignServer *server)
{
	const char *word = server_option(server, "writable");
	bool writable = false;

	return word && parse_bool(word, &writable) && writable;
}

bool
lake_is_table(Oid relid)
{
	ListCell *lc;

	foreach (lc, GetForeignTable(relid)->options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, "layout") == 0)
			return true;
	}
	return false;
}

/* What the server's owner lends he must have himself, now */
void
lake_check_may_write(Table *t)
{
	ForeignServer *server = GetForeignServer(t->serverid);

	(void) table_root(t);
	if (t->o.layout == LAYOUT_NONE)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("foreign table \"%s\" is not one of a lake", t->name),
						errhint("Only tables with format 'parquet' and option layout are written.")));
	if (!server_is_writable(server))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("server \"%s\" is not writable", server->servername),
						errhint("Its owner can say: ALTER SERVER %s OPTIONS (ADD writable 'on').",
								quote_identifier(server->servername))));
	if (root_is_local(t->root) && !has_privs_of_role(server->owner, ROLE_PG_WRITE_SERVER_FILES))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to write files of server \"%s\"", server->servername),
						errdetail("Its owner is not a member of pg_write_server_files.")));
	if (t->root->write == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("files of server \"%s\" cannot be written", server->servername)));
}

static LakeState *
state_new(Table *t, MemoryContext context)
{
	LakeState *state = MemoryContextAllocZero(context, sizeof(LakeState));

	state->root = table_root(t);
	state->folder = MemoryContextStrdup(context, t->o.path);
	state->context = context;
	state->version = -1;
	lake_log(t)->advance(state);
	state->changes = state->schemas = 0;
	return state;
}

LakeState *
lake_state(Table *t)
{
	(void) table_root(t);
	if (t->root->write == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("the lake of foreign table \"%s\" cannot be read", t->name)));
	return state_new(t, CurrentMemoryContext);
}

int64
lake_published(Table *t, const char *app)
{
	return lake_mark(lake_state(t), app);
}

/* -- columns -- */

static void
take_columns(LakeChange *change, TupleDesc desc)
{
	Table *t = change->table;

	change->columns = palloc0(sizeof(LakeColumn) * Max(desc->natts, 1));
	change->data = palloc0(sizeof(LakeColumn *) * Max(desc->natts, 1));
	change->leaves = palloc0(sizeof(WrittenLeaf) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		LakeColumn *c = &change->columns[change->ncolumns];

		if (t->columns[i].dropped ||
			(t->columns[i].o.kind != COLUMN_DATA && t->columns[i].o.kind != COLUMN_PARTITION))
			continue;
		lake_column(c, t, TupleDescAttr(desc, i), t->o.layout == LAYOUT_DELTA);
		change->ncolumns++;
		if (t->columns[i].o.kind == COLUMN_PARTITION)
			change->partitions = lappend(change->partitions, c);
		else
		{
			change->leaves[change->ndata] = c->leaf;
			change->data[change->ndata++] = c;
		}
	}
}

static ParquetCodec
codec_of(const TableOptions *o)
{
	return o->compression == COMPRESS_NONE   ? PARQUET_UNCOMPRESSED
		   : o->compression == COMPRESS_GZIP ? PARQUET_GZIP
											 : PARQUET_ZSTD;
}

static void
commit_of(LakeChange *change, LakeCommit *commit)
{
	memset(commit, 0, sizeof(LakeCommit));
	commit->table = change->table->name;
	commit->columns = change->columns;
	commit->ncolumns = change->ncolumns;
	commit->partitions = change->partitions;
	commit->now = now_millis();
	commit->nonce = random_name();
}

static void on_transaction(XactEvent event, void *arg);
static void on_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg);

static LakeChange *
change_new(Relation relation, Oid userid)
{
	static bool registered = false;
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "lake change", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	LakeChange *change = palloc0(sizeof(LakeChange));
	LakeCommit commit;

	if (!registered)
	{
		RegisterXactCallback(on_transaction, NULL);
		RegisterSubXactCallback(on_subtransaction, NULL);
		registered = true;
	}
	change->relid = RelationGetRelid(relation);
	change->userid = userid;
	change->desc = CreateTupleDescCopyConstr(RelationGetDescr(relation));
	change->options = copyObject(GetForeignTable(change->relid)->options);
	change->context = context;
	change->row = AllocSetContextCreate(context, "lake row", ALLOCSET_DEFAULT_SIZES);
	change->table = table_open_fdw(change->relid, RelationGetDescr(relation), userid);
	lake_check_may_write(change->table);
	take_columns(change, RelationGetDescr(relation));
	change->codec = codec_of(&change->table->o);
	change->log = lake_log(change->table);
	change->state = state_new(change->table, context);
	commit_of(change, &commit);
	change->log->check(change->state, &commit);
	MemoryContextSwitchTo(old);
	current = change;
	return change;
}

/* Who is rolled back has not begun */
static void
touch(LakeChange *change)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);

	change->touched = list_append_unique_oid(change->touched, GetCurrentSubTransactionId());
	MemoryContextSwitchTo(old);
}

/* What is written first stands as the table was then */
static void
check_same_table(const LakeChange *change, Relation relation)
{
	if (!equalTupleDescs(change->desc, RelationGetDescr(relation)) ||
		!equal(change->options, GetForeignTable(change->relid)->options))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("foreign table \"%s\" was altered in a transaction that has written to it",
							   change->table->name),
						errhint("Commit before.")));
}

LakeChange *
lake_change(Relation relation, Oid userid)
{
	LakeChange *change = current;

	if (change == NULL)
	{
		change = change_new(relation, userid);
		touch(change);
		return change;
	}
	if (change->relid != RelationGetRelid(relation))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a transaction can write to one lake table only"),
						errdetail("It has written to \"%s\": versions of two tables cannot become visible together.",
								  change->table->name),
						errhint("Write to \"%s\" in a transaction of its own.", RelationGetRelationName(relation))));
	if (change->userid != userid)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a transaction can write to foreign table \"%s\" as one role only",
							   change->table->name)));
	check_same_table(change, relation);
	touch(change);
	return change;
}

/* -- files -- */

static void
sink(void *arg, const char *data, size_t n)
{
	RootNew *file = arg;

	file->root->write->write(file, data, n);
}

static void
append_bounds(const LakeChange *change, const Written *w, bool above, StringInfo out)
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
stats_of(const LakeChange *change, const Written *w)
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

/* Nothing more comes into the file */
static void
end_file(LakeChange *change, Written *w)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	LakeEntry *entry = palloc0(sizeof(LakeEntry));

	parquet_end(w->writer);
	w->file->root->write->finish(w->file);
	entry->path = w->path;
	entry->values = w->values;
	entry->rows = parquet_rows(w->writer);
	entry->size = parquet_bytes(w->writer);
	entry->modified = now_millis();
	entry->stats = stats_of(change, w);
	parquet_free(w->writer);
	w->writer = NULL;
	w->entry = entry;
	if (change->last == w)
		change->last = NULL;
	MemoryContextSwitchTo(old);
}

static int
count_open(const LakeChange *change, Written **oldest, Written **largest, size_t *held)
{
	int n = 0;
	size_t most = 0;
	ListCell *lc;

	*held = 0;
	*oldest = *largest = NULL;
	foreach (lc, change->written)
	{
		Written *w = lfirst(lc);
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
	Written *oldest;
	Written *largest;
	size_t held;

	(void) count_open(change, &oldest, &largest, &held);
	if (held > MOST_HELD)
		parquet_flush(largest->writer);
}

static Written *
begin_file(LakeChange *change, List *values)
{
	static const char *const endings[] = {"parquet", NULL, "gz.parquet", NULL, NULL, NULL, "zstd.parquet"};
	MemoryContext old;
	Written *w;
	Written *oldest;
	Written *largest;
	size_t held;
	char *folder;

	if (count_open(change, &oldest, &largest, &held) >= MOST_OPEN)
		end_file(change, oldest);
	folder = folder_of(change, values);
	old = MemoryContextSwitchTo(change->context);
	w = palloc0(sizeof(Written));
	w->sub = GetCurrentSubTransactionId();
	w->path = psprintf("%spart-%s.%s", folder, random_name(), endings[change->codec]);
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

/* The open file that a row belongs to, of this subtransaction: what it wrote goes with it */
static Written *
file_of(LakeChange *change, List *values)
{
	SubTransactionId sub = GetCurrentSubTransactionId();
	ListCell *lc;
	int start = 0;

	if (change->last && change->last->sub == sub && same_values(change->last->values, values))
		return change->last;
	foreach (lc, change->written)
	{
		if (((Written *) lfirst(lc))->truncate)
			start = foreach_current_index(lc) + 1;
	}
	for_each_from(lc, change->written, start)
	{
		Written *w = lfirst(lc);

		if (w->writer && w->sub == sub && same_values(w->values, values))
			return w;
	}
	return begin_file(change, values);
}

static List *
values_of(const LakeChange *change, TupleTableSlot *slot)
{
	List *values = NIL;
	ListCell *lc;

	foreach (lc, change->partitions)
	{
		const LakeColumn *c = lfirst(lc);
		LakePair *pair = palloc(sizeof(LakePair));

		pair->name = (char *) c->name;
		pair->value = slot->tts_isnull[c->att] ? NULL : lake_text(c, slot->tts_values[c->att]);
		values = lappend(values, pair);
	}
	return values;
}

/* Where files stand is theirs to say */
static void
check_metadata_null(const LakeChange *change, TupleTableSlot *slot)
{
	const Table *t = change->table;

	for (int i = 0; i < t->natts; i++)
	{
		if (!t->columns[i].dropped && t->columns[i].o.kind != COLUMN_DATA && t->columns[i].o.kind != COLUMN_PARTITION &&
			!slot->tts_isnull[i])
			ereport(ERROR, (errcode(ERRCODE_GENERATED_ALWAYS),
							errmsg("column \"%s\" of foreign table \"%s\" cannot be written",
								   t->columns[i].converter.name, t->name),
							errdetail("It has option metadata: files tell it.")));
	}
}

/* Which row it was that cannot be written */
static void
say_row(void *arg)
{
	LakeChange *change = arg;

	errcontext("row " UINT64_FORMAT " written to foreign table \"%s\"", change->rows + 1, change->table->name);
}

void
lake_insert(LakeChange *change, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(change->row);
	ErrorContextCallback callback = {.previous = error_context_stack, .callback = say_row, .arg = change};
	Written *w;

	error_context_stack = &callback;
	slot_getallattrs(slot);
	check_metadata_null(change, slot);
	w = file_of(change, values_of(change, slot));
	change->last = w;
	for (int i = 0; i < change->ndata; i++)
	{
		const LakeColumn *c = change->data[i];
		WrittenColumn *to = parquet_column(w->writer, i);

		if (slot->tts_isnull[c->att])
			parquet_put_null(to);
		else
			lake_put(c, to, slot->tts_values[c->att]);
	}
	parquet_row_end(w->writer);
	w->used = ++change->rows;
	if (parquet_bytes(w->writer) >= FILE_BYTES)
		end_file(change, w);
	if (change->rows % HELD_EVERY == 0 && change->partitions != NIL)
		keep_bounds(change);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	MemoryContextReset(change->row);
}

void
lake_truncate(LakeChange *change)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	Written *w = palloc0(sizeof(Written));
	LakeCommit commit;

	commit_of(change, &commit);
	commit.replaces = true;
	change->log->check(change->state, &commit);
	w->sub = GetCurrentSubTransactionId();
	w->truncate = true;
	change->written = lappend(change->written, w);
	change->last = NULL;
	MemoryContextSwitchTo(old);
}

/* What goes of the version before; which of what was written is the first that does not go with it */
static int
take_gone(const LakeChange *change, LakeCommit *commit)
{
	int start = 0;
	ListCell *lc;

	foreach (lc, change->written)
	{
		const Written *w = lfirst(lc);

		if (w->truncate)
		{
			start = foreach_current_index(lc) + 1;
			commit->replaces = true;
		}
		commit->gone = list_concat(commit->gone, w->gone);
	}
	return start;
}

/* As a scan sees the file, as far as its folder tells */
static FileInfo *
info_of(const LakeChange *change, const char *path, List *values)
{
	FileInfo *info = palloc0(sizeof(FileInfo));

	info->path = psprintf("%s/%s", change->state->folder, path);
	info->version = "";
	info->in_lake = true;
	info->values = values;
	return info;
}

/* What this transaction has written itself since the last TRUNCATE */
static void
check_not_ours(LakeChange *change, bool (*fits)(FileInfo *file, void *arg), void *arg)
{
	for (int i = list_length(change->written) - 1; i >= 0; i--)
	{
		const Written *w = list_nth(change->written, i);

		if (w->truncate)
			break;
		if (w->gone == NIL && fits(info_of(change, w->path, w->values), arg))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot delete rows of foreign table \"%s\" that this transaction has written",
								   change->table->name),
							errhint("DELETE before INSERT, or in a transaction of its own.")));
	}
}

int64
lake_delete(LakeChange *change, bool (*fits)(FileInfo *file, void *arg), void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	Written *w = palloc0(sizeof(Written));
	LakeCommit commit;
	int64 rows = 0;
	ListCell *lc;

	commit_of(change, &commit);
	take_gone(change, &commit);
	check_not_ours(change, fits, arg);
	foreach (lc, lake_kept(change->state, &commit))
	{
		LakeEntry *entry = lfirst(lc);

		if (!fits(info_of(change, entry->path, entry->values), arg))
			continue;
		w->gone = lappend(w->gone, entry);
		rows += Max(entry->rows, 0);
	}
	commit.gone = list_concat(commit.gone, w->gone);
	change->log->check(change->state, &commit);
	w->sub = GetCurrentSubTransactionId();
	if (w->gone != NIL)
		change->written = lappend(change->written, w);
	MemoryContextSwitchTo(old);
	return rows;
}

void
lake_set_mark(LakeChange *change, const char *app, int64 version)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	Mark *mark = palloc(sizeof(Mark));

	mark->sub = GetCurrentSubTransactionId();
	mark->mark.app = pstrdup(app);
	mark->mark.version = version;
	change->marks = lappend(change->marks, mark);
	MemoryContextSwitchTo(old);
}

/* -- the version -- */

/* What is to be part of it: all that was written, or what was written since the last TRUNCATE */
static void
take_written(LakeChange *change, LakeCommit *commit)
{
	ListCell *lc;

	for_each_from(lc, change->written, take_gone(change, commit))
	{
		Written *w = lfirst(lc);

		if (w->gone != NIL)
			continue;
		if (w->writer)
			end_file(change, w);
		commit->adds = lappend(commit->adds, w->entry);
	}
}

static void
discard(Written *w)
{
	if (w->file)
		w->file->root->write->discard(w->file);
	w->file = NULL;
}

static void
show_files(LakeChange *change)
{
	bool live = true;

	/* from the end on: what stands before a TRUNCATE is not shown */
	for (int i = list_length(change->written) - 1; i >= 0; i--)
	{
		Written *w = list_nth(change->written, i);

		if (w->truncate)
			live = false;
		else if (w->gone != NIL)
			continue;
		else if (live)
			w->file->root->write->show(w->file);
		else
			discard(w);
	}
}

static void
take_marks(LakeChange *change, LakeCommit *commit)
{
	ListCell *lc;

	foreach (lc, change->marks)
	{
		LakeMark *mark = &((Mark *) lfirst(lc))->mark;
		ListCell *other;

		/* of several of one name the last */
		foreach (other, commit->marks)
		{
			if (strcmp(((LakeMark *) lfirst(other))->app, mark->app) == 0)
				commit->marks = foreach_delete_current(commit->marks, other);
		}
		commit->marks = lappend(commit->marks, mark);
	}
}

/* Does what others published meanwhile leave room for ours? */
static void
check_meanwhile(LakeChange *change, const LakeCommit *commit)
{
	const LakeState *state = change->state;
	ListCell *lc;

	if ((commit->replaces || commit->gone != NIL) && state->changes > 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not replace the content of lake \"%s\"", state->folder),
						errdetail("Another writer has published version " INT64_FORMAT " meanwhile.", state->version),
						errhint("Try again.")));
	if (state->schemas > 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not write to lake \"%s\"", state->folder),
						errdetail("Another writer has changed its columns meanwhile."), errhint("Try again.")));
	change->log->check(state, commit);
	foreach (lc, commit->marks)
	{
		const LakeMark *mark = lfirst(lc);
		int64 there = lake_mark(state, mark->app);

		if (there >= mark->version)
			ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
							errmsg("lake \"%s\" has mark " INT64_FORMAT " of \"%s\" already", state->folder, there,
								   mark->app),
							errdetail("Nothing is published twice: the transaction's mark is " INT64_FORMAT ".",
									  mark->version),
							errhint("Begin with what comes behind it: files_published() tells the mark.")));
	}
}

/* One after the other tries with the next version; who comes late looks again what is there */
static void
put_version(LakeChange *change, LakeCommit *commit)
{
	LakeState *state = change->state;

	change->begun = false;
	for (int i = 0; i < MOST_TRIES; i++)
	{
		StringInfoData text;

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			change->log->advance(state);
		check_meanwhile(change, commit);
		initStringInfo(&text);
		change->log->write(state, commit, &text);
		change->begun = true;
		if (state->root->write->put_new(state->root, lake_log_path(state, change->log, state->version + 1), text.data,
										text.len))
		{
			change->published = true;
			return;
		}
		change->begun = false;
		pfree(text.data);
	}
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("could not write to lake \"%s\"", state->folder),
					errdetail("%d times another writer was faster.", MOST_TRIES), errhint("Try again.")));
}

static void
publish(LakeChange *change)
{
	MemoryContext old = MemoryContextSwitchTo(change->context);
	LakeCommit commit;

	commit_of(change, &commit);
	take_written(change, &commit);
	take_marks(change, &commit);
	/* a lake that is not there yet begins, with or without rows; else what changes nothing is no version */
	if ((change->state->version < 0 && change->touched != NIL) || commit.adds != NIL || commit.marks != NIL ||
		lake_gone(change->state, &commit) != NIL)
	{
		show_files(change);
		put_version(change, &commit);
	}
	MemoryContextSwitchTo(old);
}

/* -- the transaction's end -- */

/* What was written goes, but if a log may name it */
static void
give_up(LakeChange *change)
{
	ListCell *lc;

	if (change->published || change->begun)
		ereport(LOG, (errmsg("version " INT64_FORMAT " of lake \"%s\" %s, though its transaction is rolled back",
							 change->state->version + 1, change->state->folder,
							 change->published ? "is published" : "may be published")));
	else
	{
		foreach (lc, change->written)
			discard(lfirst(lc));
	}
}

static void
on_transaction(XactEvent event, void *arg)
{
	LakeChange *change = current;

	if (change == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			publish(change);
			break;
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot prepare a transaction that has written to lake table \"%s\"",
								   change->table->name),
							errdetail("Its version is published when the transaction commits, in this session.")));
			break;
		case XACT_EVENT_ABORT:
			give_up(change);
			current = NULL;
			break;
		case XACT_EVENT_COMMIT:
			current = NULL;
			break;
		default:
			break;
	}
}

/* Of a subtransaction that is rolled back nothing stays; else it is its parent's */
static void
on_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	LakeChange *change = current;
	ListCell *lc;

	if (change == NULL || (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB))
		return;
	if (list_member_oid(change->touched, mine))
	{
		MemoryContext old = MemoryContextSwitchTo(change->context);

		change->touched = list_delete_oid(change->touched, mine);
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			change->touched = list_append_unique_oid(change->touched, parent);
		MemoryContextSwitchTo(old);
	}
	foreach (lc, change->written)
	{
		Written *w = lfirst(lc);

		if (w->sub != mine)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			w->sub = parent;
		else
		{
			discard(w);
			if (w->writer)
				parquet_free(w->writer);
			if (change->last == w)
				change->last = NULL;
			change->written = foreach_delete_current(change->written, lc);
		}
	}
	foreach (lc, change->marks)
	{
		Mark *mark = lfirst(lc);

		if (mark->sub != mine)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			mark->sub = parent;
		else
			change->marks = foreach_delete_current(change->marks, lc);
	}
}

/* -- reading -- */

static int
by_path(const void *a, const void *b)
{
	return strcmp((const char *) a, (*(const FileInfo *const *) b)->path);
}

/* Of the server's own folders one file after the other is looked at; elsewhere all are listed, in the order of paths */
static FileInfo *
found_file(const LakeState *state, List *listed, const char *path)
{
	FileInfo **found;

	if (root_is_local(state->root))
		return state->root->routine->look(state->root, path);
	found = listed ? bsearch(path, listed->elements, list_length(listed), sizeof(ListCell), by_path) : NULL;
	return found ? *found : NULL;
}

/* What the log names must be there: a file less would be rows less */
List *
lake_files(Table *t)
{
	LakeState *state = lake_state(t);
	List *listed = root_is_local(state->root) ? NIL : state->root->write->all(state->root, state->folder);
	List *found = NIL;
	ListCell *lc;

	foreach (lc, state->entries)
	{
		const LakeEntry *entry = lfirst(lc);
		char *path = psprintf("%s/%s", state->folder, entry->path);
		FileInfo *info = found_file(state, listed, path);

		if (info == NULL)
			ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
							errmsg("file \"%s\" of server \"%s\" is gone", path, state->root->server),
							errdetail("Version " INT64_FORMAT " of the lake has it.", state->version)));
		info->values = entry->values;
		info->in_lake = true;
		found = lappend(found, info);
	}
	return found;
}
