/*
 * parquet_import.c
 *		What the footers of a group of Parquet files say of its columns.
 */
#include "postgres.h"

#include "files_fdw/parquet_codec.h"
#include "files_fdw/parquet_import.h"
#include "files_fdw/parquet_read.h"
#include "files_fdw/parquet_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

bool
parquet_is(Root *root, FileInfo *file)
{
	char head[PARQUET_MAGIC_LEN];
	RootFile *handle = root->routine->open(root, file);
	size_t n = root->routine->read(handle, head, sizeof(head), 0);

	root->routine->close(handle);
	return n == sizeof(head) && memcmp(head, PARQUET_MAGIC, PARQUET_MAGIC_LEN) == 0;
}

/* -- types that files differ in -- */

/* Digits before and behind the point of a type of exact numbers; false: it is none */
static bool
digits_of(const char *type, int *before, int *behind)
{
	int precision;

	*behind = 0;
	if (strcmp(type, "smallint") == 0)
		*before = 5;
	else if (strcmp(type, "integer") == 0)
		*before = 10;
	else if (strcmp(type, "bigint") == 0)
		*before = 19;
	else if (sscanf(type, "numeric(%d,%d)", &precision, behind) == 2)
		*before = precision - *behind;
	else
		return false;
	return true;
}

static bool
is_float(const char *type)
{
	return strcmp(type, "real") == 0 || strcmp(type, "double precision") == 0;
}

static bool
is_one_of(const char *type, const char *one, const char *other)
{
	return strcmp(type, one) == 0 || strcmp(type, other) == 0;
}

/* As types are called here, not as the catalogue spells them out */
static const char *
short_name(const char *type)
{
	static const char *const names[][2] = {
		{"timestamp without time zone", "timestamp"},
		{"timestamp with time zone", "timestamptz"},
		{"time without time zone", "time"},
	};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(type, names[i][0]) == 0)
			return names[i][1];
	}
	return type;
}

const char *
parquet_wider(const char *a, const char *b)
{
	int before[2] = {0, 0};
	int behind[2] = {0, 0};
	bool exact_a = digits_of(a, &before[0], &behind[0]);
	bool exact_b = digits_of(b, &before[1], &behind[1]);

	a = short_name(a);
	b = short_name(b);
	if (strcmp(a, b) == 0)
		return a;
	if (exact_a && exact_b)
	{
		if (strncmp(a, "numeric", 7) != 0 && strncmp(b, "numeric", 7) != 0)
			return before[0] > before[1] ? a : b;
		return psprintf("numeric(%d,%d)", Max(before[0], before[1]) + Max(behind[0], behind[1]),
						Max(behind[0], behind[1]));
	}
	if (is_float(a) && is_float(b))
		return "double precision";
	/* a double holds the integers of 32 bits */
	if ((is_float(a) && is_one_of(b, "integer", "smallint")) || (is_float(b) && is_one_of(a, "integer", "smallint")))
		return "double precision";
	if (is_one_of(a, "date", "timestamp") && is_one_of(b, "date", "timestamp"))
		return "timestamp";
	return NULL;
}

/* -- columns of all files -- */

static ParquetFound *
find(List *found, const char *name)
{
	ListCell *lc;

	foreach (lc, found)
	{
		if (strcmp(((ParquetFound *) lfirst(lc))->name, name) == 0)
			return lfirst(lc);
	}
	return NULL;
}

static void
differ(ParquetFound *f, const ParquetNode *node, const char *path)
{
	const char *type = parquet_sql_type(node);
	const char *wider = strcmp(f->type, "text") == 0 ? "text" : parquet_wider(f->type, type);

	if (strcmp(f->type, type) == 0 || (wider && strcmp(wider, f->type) == 0))
		return;
	f->evidence =
		psprintf("%s; but %s in file \"%s\"", f->evidence, parquet_type_words(node), path);
	if (wider == NULL)
		f->note = psprintf("files have it as %s and as %s", f->type, type);
	f->type = wider ? wider : "text";
}

static List *
add_columns(List *found, const ParquetMeta *meta, const char *path)
{
	const ParquetNode *root = &meta->nodes[0];
	const ParquetNode *node = root + 1;

	for (int k = 0; k < root->children; k++, node = &meta->nodes[node->end])
	{
		char *name = parquet_name(node);
		ParquetFound *f = find(found, name);

		if (f)
		{
			differ(f, node, path);
			continue;
		}
		f = palloc0(sizeof(ParquetFound));
		f->name = name;
		f->type = parquet_sql_type(node);
		f->evidence = parquet_type_words(node);
		found = lappend(found, f);
	}
	return found;
}

static void
add_choices(const ParquetSource *source, const ParquetMeta *meta, List **choices)
{
	int codec = -1;

	if (meta->ngroups > 0 && meta->nleaves > 0)
		codec = parquet_group_chunks(source, meta, 0)[0].codec;
	add_choice(choices, "format", pstrdup("parquet"), pstrdup("it begins and ends with PAR1"), NULL);
	add_choice(choices, "row groups", psprintf("%d", meta->ngroups),
			   psprintf("in file \"%s\", by %s", source->path, meta->created_by ? meta->created_by : "an unknown writer"),
			   NULL);
	if (codec >= 0)
		add_choice(choices, "codec",
				   pstrdup(parquet_codec_name(codec) ? parquet_codec_name(codec) : psprintf("%d", codec)),
				   pstrdup("of the first column"), NULL);
}

static List *
read_file(Root *root, FileInfo *file, List *found, bool first, Inference *i)
{
	MemoryContext result = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(result, "parquet footer", ALLOCSET_DEFAULT_SIZES);
	ParquetSource source = {.path = file->path, .size = file->size};
	ParquetMeta *meta;

	MemoryContextSwitchTo(context);
	source.file = root->routine->open(root, file);
	meta = parquet_meta_read(&source);
	MemoryContextSwitchTo(result);
	found = add_columns(found, meta, file->path);
	if (first)
		add_choices(&source, meta, &i->dialect.choices);
	i->rows += meta->rows;
	i->bytes += source.bytes;
	MemoryContextDelete(context);
	return found;
}

List *
parquet_infer(Root *root, FileGroup *group, Inference *i)
{
	FileInfo *newest = newest_file(group->files);
	List *found;
	ListCell *lc;

	memset(i, 0, sizeof(Inference));
	i->root = root;
	i->group = group;
	table_defaults(&i->dialect.o);
	i->dialect.o.format = FORMAT_PARQUET;
	found = read_file(root, newest, NIL, true, i);
	foreach (lc, group->files)
	{
		FileInfo *file = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (file->size == 0)
			i->empty++;
		else if (file != newest)
			found = read_file(root, file, found, false, i);
	}
	infer_keys(i);
	return found;
}
