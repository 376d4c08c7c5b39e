/*
 * infer.c
 *		What all rows of a group of files say of its columns.
 */
#include "postgres.h"

#include "files_fdw/infer.h"
#include "files_fdw/partition.h"
#include "files_fdw/table.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define BEGINNING_ROWS 1000 /* of files beyond the budget */
#define MOST_COLUMNS 1500

/* -- columns -- */

static int
column_of(Inference *i, const char *name)
{
	for (int c = 0; c < i->n; c++)
	{
		if (strcmp(i->guesses[c]->name, name) == 0)
			return c;
	}
	return -1;
}

static int
new_column(Inference *i, const char *name)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(i->guesses));

	if (i->n == MOST_COLUMNS)
		ereport(ERROR, (errcode(ERRCODE_TOO_MANY_COLUMNS),
						errmsg("files \"%s\" have more than %d columns", i->group->pattern, MOST_COLUMNS)));
	if (i->n == i->room)
	{
		i->room *= 2;
		i->guesses = repalloc(i->guesses, sizeof(Guess *) * i->room);
	}
	i->guesses[i->n] = guess_new(name);
	MemoryContextSwitchTo(old);
	return i->n++;
}

/* -- one file -- */

typedef struct FileRead
{
	Inference *i;
	FileInfo *file;
	Input *input;
	Reader *reader;
	Csv *csv;
	JsonRows *json;
	int *columns; /* of its fields */
	int ncolumns;
	char *scratch; /* for texts without their escapes */
	size_t nscratch;
	int64 rows;
	int64 bad;
} FileRead;

static void
keep_bad(FileRead *f, const Row *row)
{
	Inference *i = f->i;

	i->bad++;
	f->bad++;
	if (row->fault.sqlstate == ERRCODE_CHARACTER_NOT_IN_REPERTOIRE && i->dialect.o.encoding == PG_UTF8 && !i->not_utf8)
	{
		i->not_utf8 = true;
		i->where_not_utf8 = MemoryContextStrdup(GetMemoryChunkContext(i->guesses),
												psprintf("file \"%s\", line " INT64_FORMAT, f->file->path, row->line));
	}
	if (i->first_bad == NULL)
	{
		Place place = {f->file->path, row->position, row->line};

		i->first_bad = MemoryContextStrdup(GetMemoryChunkContext(i->guesses),
										   psprintf("%s. %s", row->fault.reason, complaint_place(&row->fault, &place)));
	}
}

static void
add_field(FileRead *f, Guess *g, const Field *field, int64 line)
{
	const char *p = field->p;
	int len = field->len;

	/* of a text nothing more is to be learned */
	if (g->may == 0 && len > 0 && !(field->flags & FIELD_MISSING))
	{
		g->values++;
		return;
	}
	if (field->flags & FIELD_ESCAPED)
	{
		if (f->nscratch < (size_t) len + 1)
		{
			f->nscratch = (size_t) len * 2 + 64;
			f->scratch = f->scratch ? repalloc_huge(f->scratch, f->nscratch) : palloc(f->nscratch);
		}
		len = f->csv ? csv_unescape(f->csv, field, f->scratch) : json_unescape(field, f->scratch);
		p = f->scratch;
		if (len < 0)
			return;
	}
	guess_add(g, p, len, field->flags, f->json != NULL, f->file->path, line);
}

static void
keep_columns(FileRead *f, int n)
{
	if (f->columns == NULL)
		f->columns = palloc(sizeof(int) * (n + 16));
	else
		f->columns = repalloc(f->columns, sizeof(int) * (n + 16));
}

/* Columns of a file with a header; false: it is another kind of file */
static bool
map_names(FileRead *f, const Header *header)
{
	Inference *i = f->i;
	int known = 0;

	keep_columns(f, header->n);
	for (int c = 0; c < header->n; c++)
		known += column_of(i, header->names[c]) >= 0;
	if (i->n > 0 && known * 2 < Min(header->n, i->n))
		return false;
	for (int c = 0; c < header->n; c++)
	{
		int found = column_of(i, header->names[c]);

		f->columns[f->ncolumns++] = found >= 0 ? found : new_column(i, header->names[c]);
	}
	f->csv->expected = header->n;
	return true;
}

static bool
map_places(FileRead *f)
{
	Inference *i = f->i;

	keep_columns(f, i->dialect.width);
	for (int c = 0; c < i->dialect.width; c++)
	{
		bool named = c < i->nnames && *i->names[c] != '\0' && column_of(i, i->names[c]) < 0;

		f->columns[f->ncolumns++] =
			c < i->n ? c : new_column(i, named ? i->names[c] : psprintf("column%d", c + 1));
	}
	f->csv->expected = i->dialect.width;
	return true;
}

/* False: nothing is in it, or something strange */
static bool
open_rows(FileRead *f)
{
	Inference *i = f->i;
	const TableOptions *o = &i->dialect.o;
	Header header;

	reader_skip_mark(f->reader);
	if (f->reader->len == f->reader->at && !reader_more(f->reader))
	{
		i->empty++;
		return false;
	}
	if (o->format == FORMAT_JSON)
	{
		f->json = json_rows_new(f->reader, o);
		f->json->learn = true;
		keep_columns(f, 0);
		return true;
	}
	f->csv = csv_new(f->reader, o);
	f->csv->multiline = true;
	if (!reader_skip_lines(f->reader, o->skip, f->csv->newline) && o->skip > 0)
		return false;
	if (!o->header)
		return map_places(f);
	header_read(f->csv, f->file->path, &header);
	return header.n > 0 && map_names(f, &header);
}

/* Members that were not seen before */
static void
map_keys(FileRead *f)
{
	while (f->ncolumns < f->json->nkeys)
	{
		const char *name = f->json->keys[f->ncolumns].name;
		int found = column_of(f->i, name);

		if (f->ncolumns % 16 == 0)
			keep_columns(f, f->ncolumns);
		f->columns[f->ncolumns++] = found >= 0 ? found : new_column(f->i, name);
	}
}

static void
read_rows(FileRead *f, int64 most)
{
	Inference *i = f->i;
	Row row = {0};

	while (f->rows < most && (f->csv ? csv_next(f->csv, &row) : json_next(f->json, &row)))
	{
		if ((++f->rows & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		if (row.fault.sqlstate != 0)
		{
			keep_bad(f, &row);
			if (row.fatal || i->not_utf8)
				break;
			continue;
		}
		if (f->json)
			map_keys(f);
		for (int c = 0; c < f->ncolumns; c++)
			add_field(f, i->guesses[f->columns[c]], &row.fields[c], row.line);
	}
	if (f->csv)
		i->many_lines |= f->csv->many_lines > 0;
	i->rows += f->rows;
}

static void
read_file(Inference *i, FileInfo *file)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "files inference of a file", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	FileRead f = {.i = i, .file = file};
	bool whole = i->bytes < i->budget;

	f.input = input_new(i->root->routine->open(i->root, file), file, COMPRESS_AUTO, i->dialect.o.encoding);
	f.reader = reader_new(f.input, DEFAULT_ROW_BYTES);
	if (open_rows(&f))
	{
		read_rows(&f, whole ? PG_INT64_MAX : BEGINNING_ROWS);
		i->cut += !whole;
	}
	else if (file->size > 0 && f.csv != NULL)
	{
		i->strange++;
		if (i->first_strange == NULL)
			i->first_strange = MemoryContextStrdup(GetMemoryChunkContext(i->guesses), file->path);
	}
	i->bytes += input_bytes(f.input);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* -- all files -- */

static int
by_age(const ListCell *a, const ListCell *b)
{
	const FileInfo *x = lfirst(a);
	const FileInfo *y = lfirst(b);

	return x->modified != y->modified ? (x->modified > y->modified ? -1 : 1) : strcmp(y->path, x->path);
}

/* The newest, then the oldest, then those between: what changed with time is seen first */
static List *
in_turn(List *files)
{
	List *sorted = list_copy(files);
	List *result;

	list_sort(sorted, by_age);
	if (list_length(sorted) < 3)
		return sorted;
	result = list_make2(linitial(sorted), llast(sorted));
	for (int k = 1; k < list_length(sorted) - 1; k++)
		result = lappend(result, list_nth(sorted, k));
	return result;
}

static void
read_all(Inference *i, List *files)
{
	ListCell *lc;

	i->room = 32;
	i->n = 0;
	i->guesses = palloc(sizeof(Guess *) * i->room);
	i->rows = i->bad = i->bytes = 0;
	i->first_bad = i->first_strange = NULL;
	i->cut = i->empty = i->strange = 0;
	i->many_lines = i->not_utf8 = false;
	foreach (lc, files)
	{
		CHECK_FOR_INTERRUPTS();
		read_file(i, lfirst(lc));
		if (i->not_utf8)
			return;
	}
}

void
infer_keys(Inference *i)
{
	ListCell *lc;
	int n = 0;

	i->keys = partition_keys(((FileInfo *) linitial(i->group->files))->path);
	i->key_guesses = palloc(sizeof(Guess *) * (list_length(i->keys) + 1));
	foreach (lc, i->keys)
	{
		ListCell *file;

		i->key_guesses[n] = guess_new(lfirst(lc));
		foreach (file, i->group->files)
		{
			char *value = partition_value(((FileInfo *) lfirst(file))->path, lfirst(lc));

			guess_add(i->key_guesses[n], value, value ? (int) strlen(value) : 0, value ? 0 : FIELD_MISSING, false,
					  ((FileInfo *) lfirst(file))->path, 0);
		}
		n++;
	}
}

/* Names that are empty or come twice cannot be found by name: columns are found by their place */
static bool
names_serve(const Inference *i, const Header *header)
{
	for (int a = 0; a < header->n; a++)
	{
		if (*header->names[a] == '\0')
			return false;
		for (int b = 0; b < a; b++)
		{
			if (strcmp(header->names[a], header->names[b]) == 0)
				return false;
		}
	}
	return true;
}

/* Without a header that serves: how many lines it has more to skip, and names from it all the same */
static void
settle_names(Inference *i, FileInfo *file)
{
	MemoryContext context;
	MemoryContext old;
	Dialect *d = &i->dialect;
	Header header;
	Reader *reader;
	Csv *csv;

	if (d->o.format != FORMAT_CSV || !d->o.header)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "files header", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	reader = reader_new(input_new(i->root->routine->open(i->root, file), file, COMPRESS_AUTO, d->o.encoding),
						DEFAULT_ROW_BYTES);
	reader_skip_mark(reader);
	csv = csv_new(reader, &d->o);
	csv->multiline = true;
	(void) reader_skip_lines(reader, d->o.skip, csv->newline);
	header_read(csv, file->path, &header);
	MemoryContextSwitchTo(old);
	if (header.n > 0 && !names_serve(i, &header))
	{
		d->o.header = false;
		d->o.skip = (int) reader->line - 1;
		d->width = i->nnames = header.n;
		i->names = palloc(sizeof(char *) * header.n);
		for (int c = 0; c < header.n; c++)
			i->names[c] = pstrdup(header.names[c]);
		add_choice(
			&d->choices, "names", pstrdup("by place"),
			pstrdup("names of the header are empty or come twice: option header is off, and skip passes over it"),
			NULL);
	}
	MemoryContextDelete(context);
}

void
infer_group(Root *root, FileGroup *group, int64 budget, Inference *i)
{
	List *files = in_turn(group->files);
	ListCell *lc;

	memset(i, 0, sizeof(Inference));
	i->root = root;
	i->group = group;
	i->budget = budget;
	foreach (lc, files)
	{
		dialect_find(root, lfirst(lc), &i->dialect);
		if (!i->dialect.empty)
			break;
	}
	if (i->dialect.empty)
		ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
						errmsg("files \"%s\" are all empty", group->pattern)));
	settle_names(i, lc ? lfirst(lc) : linitial(files));
	read_all(i, files);
	if (i->not_utf8)
	{
		/* what the sample did not show */
		i->dialect.o.encoding = PG_WIN1252;
		((Choice *) linitial(i->dialect.choices))->value = pstrdup("WIN1252");
		((Choice *) linitial(i->dialect.choices))->evidence =
			psprintf("%s is not valid UTF-8; which encoding of single bytes it is, no file tells", i->where_not_utf8);
		((Choice *) linitial(i->dialect.choices))->runner_up = pstrdup("UTF8");
		read_all(i, files);
	}
	infer_keys(i);
}
