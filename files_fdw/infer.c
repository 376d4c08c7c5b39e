/*
 * infer.c
 *		What all rows of a group of files say of its columns.
 */
#include "postgres.h"

#include "files_fdw/infer.h"
#include "files_fdw/partition.h"
#include "files_fdw/table.h"
#include "files_fdw/xlsx_import.h"
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
	XlsxRows *sheet;
	int *columns; /* of its fields; -1: it is nobody's */
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
	guess_add(g, p, len, field->flags, f->csv == NULL, f->file->path, line);
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
	int names = 0;

	keep_columns(f, header->n);
	for (int c = 0; c < header->n; c++)
	{
		known += column_of(i, header->names[c]) >= 0;
		names += *header->names[c] != '\0' || f->csv;
	}
	if (i->n > 0 && known * 2 < Min(names, i->n))
		return false;
	for (int c = 0; c < header->n; c++)
	{
		int found = column_of(i, header->names[c]);

		if (f->sheet && *header->names[c] == '\0')
			f->columns[f->ncolumns++] = -1;
		else
			f->columns[f->ncolumns++] = found >= 0 ? found : new_column(i, header->names[c]);
	}
	if (f->csv)
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
	if (f->csv)
		f->csv->expected = i->dialect.width;
	else
		xlsx_columns_by_place(f->sheet, i->dialect.width);
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

/* Likewise of a workbook */
static bool
open_sheet(FileRead *f)
{
	Inference *i = f->i;
	Header header;

	if (f->file->size == 0)
	{
		i->empty++;
		return false;
	}
	f->sheet = xlsx_rows_new(i->root->routine->open(i->root, f->file), f->file, &i->dialect.o);
	if (!i->dialect.o.header)
		return map_places(f);
	header_of_sheet(f->sheet, f->file->path, &header);
	i->empty += header.n == 0;
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

static bool
next_row(FileRead *f, Row *row)
{
	if (f->sheet)
		return xlsx_next(f->sheet, row);
	return f->csv ? csv_next(f->csv, row) : json_next(f->json, row);
}

/* Is there an error in place of a value, that does not say by itself that there is none? */
static void
look_for_errors(Row *row)
{
	for (int c = 0; c < row->nfields && row->fault.sqlstate == 0; c++)
	{
		const Field *field = &row->fields[c];

		if (!(field->flags & FIELD_ERROR) || (field->len == 4 && memcmp(field->p, "#N/A", 4) == 0))
			continue;
		row->fault.value = field->p;
		row->fault.len = field->len;
		complain(&row->fault, ERRCODE_INVALID_TEXT_REPRESENTATION, "a cell has an error instead of a value");
	}
}

static void
read_rows(FileRead *f, int64 most)
{
	Inference *i = f->i;
	Row row = {0};

	while (f->rows < most && next_row(f, &row))
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
		{
			if (f->columns[c] >= 0)
				add_field(f, i->guesses[f->columns[c]], &row.fields[c], row.line);
		}
		if (f->sheet)
		{
			look_for_errors(&row);
			if (row.fault.sqlstate != 0)
				keep_bad(f, &row);
		}
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

	if (i->dialect.o.format != FORMAT_XLSX)
	{
		f.input = input_new(i->root->routine->open(i->root, file), file, COMPRESS_AUTO, i->dialect.o.encoding);
		f.reader = reader_new(f.input, DEFAULT_ROW_BYTES);
	}
	if (f.input ? open_rows(&f) : open_sheet(&f))
	{
		read_rows(&f, whole ? PG_INT64_MAX : BEGINNING_ROWS);
		i->cut += !whole;
	}
	else if (file->size > 0 && (f.csv || f.ncolumns > 0))
	{
		i->strange++;
		if (i->first_strange == NULL)
			i->first_strange = MemoryContextStrdup(GetMemoryChunkContext(i->guesses), file->path);
	}
	i->bytes += f.input ? input_bytes(f.input) : f.sheet ? xlsx_bytes(f.sheet)
														 : 0;
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
		/* of a sheet such a column is none */
		if (*header->names[a] == '\0')
		{
			if (i->dialect.o.format == FORMAT_XLSX)
				continue;
			return false;
		}
		for (int b = 0; b < a; b++)
		{
			if (strcmp(header->names[a], header->names[b]) == 0)
				return false;
		}
	}
	return true;
}

/* The header of a file, and what options pass over it; in the current memory context */
static void
read_header(Inference *i, FileInfo *file, Header *header, int *skip, char **range)
{
	const TableOptions *o = &i->dialect.o;
	RootFile *handle = i->root->routine->open(i->root, file);
	Reader *reader;
	Csv *csv;

	if (o->format == FORMAT_XLSX)
	{
		XlsxRows *sheet = xlsx_rows_new(handle, file, o);

		header_of_sheet(sheet, file->path, header);
		*range = xlsx_range_behind(sheet);
		return;
	}
	reader = reader_new(input_new(handle, file, COMPRESS_AUTO, o->encoding), DEFAULT_ROW_BYTES);
	reader_skip_mark(reader);
	csv = csv_new(reader, o);
	csv->multiline = true;
	(void) reader_skip_lines(reader, o->skip, csv->newline);
	header_read(csv, file->path, header);
	*skip = (int) reader->line - 1;
}

/* Without a header that serves: how many lines it has more to skip, and names from it all the same */
static void
settle_names(Inference *i, FileInfo *file)
{
	MemoryContext context;
	MemoryContext old;
	Dialect *d = &i->dialect;
	Header header;
	int skip = 0;
	char *range = NULL;

	if ((!format_has_lines(d->o.format) && d->o.format != FORMAT_XLSX) || !d->o.header)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "files header", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	read_header(i, file, &header, &skip, &range);
	MemoryContextSwitchTo(old);
	if (header.n > 0 && !names_serve(i, &header))
	{
		d->o.header = false;
		d->o.skip = skip;
		d->o.range = range ? pstrdup(range) : NULL;
		d->width = i->nnames = header.n;
		i->names = palloc(sizeof(char *) * header.n);
		for (int c = 0; c < header.n; c++)
			i->names[c] = pstrdup(header.names[c]);
		add_choice(&d->choices, "names", pstrdup("by place"),
				   psprintf("names of the header are empty or repeated: option header is off, and %s skips it",
							range ? "range" : "skip"),
				   NULL);
	}
	MemoryContextDelete(context);
}

/* The first file that has rows, whose dialect is that of all */
static FileInfo *
telling_file(Inference *i, List *files)
{
	FileInfo *found = NULL;
	ListCell *lc;

	foreach (lc, files)
	{
		Dialect d;

		if (((FileInfo *) lfirst(lc))->size > 0 && xlsx_is(i->root, lfirst(lc)))
			xlsx_dialect(i->root, lfirst(lc), i->group->sheet, &d);
		else
			dialect_find(i->root, lfirst(lc), &d);
		if (d.empty || (d.no_rows && found))
			continue;
		i->dialect = d;
		found = lfirst(lc);
		if (!d.no_rows)
			break;
	}
	if (found == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
						errmsg("files \"%s\" are all empty", i->group->pattern)));
	return found;
}

void
infer_group(Root *root, FileGroup *group, int64 budget, Inference *i)
{
	List *files = in_turn(group->files);

	memset(i, 0, sizeof(Inference));
	i->root = root;
	i->group = group;
	i->budget = budget;
	settle_names(i, telling_file(i, files));
	read_all(i, files);
	if (i->not_utf8)
	{
		/* what the sample did not show */
		i->dialect.o.encoding = PG_WIN1252;
		((Choice *) linitial(i->dialect.choices))->value = pstrdup("WIN1252");
		((Choice *) linitial(i->dialect.choices))->evidence =
			psprintf("%s is not valid UTF-8; no file tells which single-byte encoding it is", i->where_not_utf8);
		((Choice *) linitial(i->dialect.choices))->runner_up = pstrdup("UTF8");
		read_all(i, files);
	}
	infer_keys(i);
}
