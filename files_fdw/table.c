/*
 * table.c
 *		A foreign table: its columns, its files, and the rows of one file.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/attribute.h"
#include "files_fdw/fixed.h"
#include "files_fdw/lake_log.h"
#include "files_fdw/partition.h"
#include "files_fdw/table.h"
#include "foreign/fdwapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* -- columns -- */

static void
check_type(const Table *t, const Column *c, Oid type, Oid wanted, const char *word)
{
	if (type != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
				 errmsg("column \"%s\" of foreign table \"%s\" must be of type %s, since its option metadata is %s",
						c->converter.name, t->name, format_type_be(wanted), word)));
}

static void
check_metadata(const Table *t, const Column *c, Oid type)
{
	switch (c->o.kind)
	{
		case COLUMN_FILE:
			check_type(t, c, type, TEXTOID, "file");
			break;
		case COLUMN_VERSION:
			check_type(t, c, type, TEXTOID, "version");
			break;
		case COLUMN_POSITION:
			check_type(t, c, type, INT8OID, "position");
			break;
		case COLUMN_SIZE:
			check_type(t, c, type, INT8OID, "size");
			break;
		case COLUMN_LINE:
			check_type(t, c, type, INT8OID, "line");
			break;
		case COLUMN_MODIFIED:
			check_type(t, c, type, TIMESTAMPTZOID, "modified");
			break;
		case COLUMN_ERROR:
			check_type(t, c, type, JSONBOID, "error");
			break;
		default:
			break;
	}
}

Table *
table_open_fdw(Oid relid, TupleDesc desc, Oid userid)
{
	Table *t = palloc0(sizeof(Table));

	t->context = CurrentMemoryContext;
	t->relid = relid;
	t->userid = userid;
	t->name = get_rel_name(relid);
	t->serverid = GetForeignServerIdByRelId(relid);
	table_options(relid, &t->o);
	t->natts = desc->natts;
	t->columns = palloc0(sizeof(Column) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);
		Column *c = &t->columns[i];

		c->dropped = a->attisdropped;
		if (c->dropped)
			continue;
		column_options(relid, i + 1, NameStr(a->attname), &t->o, &c->o);
		converter_init(&c->converter, NameStr(a->attname), a->atttypid, a->atttypmod, &c->o.manner);
		check_metadata(t, c, a->atttypid);
		if (c->o.kind == COLUMN_ERROR)
			t->error = i + 1;
	}
	return t;
}

Root *
table_root(Table *t)
{
	if (t->root == NULL)
	{
		/* it stays open as long as the table is known, whoever asks first */
		MemoryContext old = MemoryContextSwitchTo(t->context);

		t->root = root_of(GetForeignServer(t->serverid), t->userid);
		MemoryContextSwitchTo(old);
	}
	return t->root;
}

bool
column_is_of_file(const Column *c)
{
	return c->o.kind == COLUMN_PARTITION || c->o.kind == COLUMN_FILE || c->o.kind == COLUMN_VERSION ||
		   c->o.kind == COLUMN_MODIFIED || c->o.kind == COLUMN_SIZE;
}

bool
column_of_file(const Column *c, const FileInfo *file, Arena *arena, Datum *value, bool *isnull, Complaint *complaint)
{
	char *text;

	*isnull = false;
	switch (c->o.kind)
	{
		case COLUMN_FILE:
			*value = CStringGetTextDatum(file->path);
			return true;
		case COLUMN_VERSION:
			*value = CStringGetTextDatum(file->version);
			return true;
		case COLUMN_MODIFIED:
			*value = TimestampTzGetDatum(file->modified);
			return true;
		case COLUMN_SIZE:
			*value = Int64GetDatum(file->size);
			return true;
		default:
			text = file->in_lake ? lake_value(file->values, c->o.name) : partition_value(file->path, c->o.name);
			*isnull = text == NULL;
			return *isnull || convert_text(&c->converter, text, (int) strlen(text), arena, value, complaint);
	}
}

/* -- which field is whose -- */

int
table_column(const Table *t, const char *name)
{
	for (int i = 0; i < t->natts; i++)
	{
		if (!t->columns[i].dropped && t->columns[i].o.kind == COLUMN_DATA && strcmp(t->columns[i].o.name, name) == 0)
			return i;
	}
	return -1;
}

/* What is within the spaces */
static char *
trimmed(char *name)
{
	size_t n;

	name += strspn(name, " \t\r\n");
	n = strlen(name);
	while (n > 0 && strchr(" \t\r\n", name[n - 1]) != NULL)
		name[--n] = '\0';
	return name;
}

/* csv: how to unescape, if there is anything to */
static void
names_of_row(const Csv *csv, const Row *row, const char *path, Header *header)
{
	if (row->fault.sqlstate != 0)
	{
		Place place = {path, row->position, row->line};

		complaint_raise(&row->fault, &place);
	}
	header->n = row->nfields;
	header->names = palloc(sizeof(char *) * row->nfields);
	for (int i = 0; i < row->nfields; i++)
	{
		char *name = palloc((size_t) row->fields[i].len + 1);
		int n = row->fields[i].len;

		if (row->fields[i].flags & FIELD_ESCAPED)
			n = csv_unescape(csv, &row->fields[i], name);
		else
			memcpy(name, row->fields[i].p, n);
		name[n] = '\0';
		header->names[i] = trimmed(name);
	}
}

void
header_read(Csv *csv, const char *path, Header *header)
{
	Row row = {0};

	csv->expected = 0;
	header->n = 0;
	if (csv_next(csv, &row))
		names_of_row(csv, &row, path, header);
}

void
header_of_sheet(XlsxRows *sheet, const char *path, Header *header)
{
	Row row = {0};

	header->n = 0;
	if (!xlsx_next(sheet, &row))
		return;
	xlsx_columns_named(sheet, &row);
	names_of_row(NULL, &row, path, header);
}

pg_noreturn static void
unknown_column(const FileScan *s, const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
					errmsg("foreign table \"%s\" has no column for \"%s\" of file \"%s\"", s->table->name, name,
						   s->file->path),
					errhint("Import the table again, or set its option extra_columns to ignore.")));
}

/* Columns may stand in another order in each file, and some be missing; none may be passed over */
static void
map_header(FileScan *s, const Header *header)
{
	int found = 0;

	for (int f = 0; f < header->n; f++)
	{
		int i;

		/* a column of a sheet without a name is none */
		if (s->sheet && *header->names[f] == '\0')
			continue;
		i = table_column(s->table, header->names[f]);
		if (i < 0)
		{
			if (!s->table->o.ignore_extra)
				unknown_column(s, header->names[f]);
			continue;
		}
		if (s->field_of[i] >= 0)
			ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
							errmsg("file \"%s\" has two columns \"%s\"", s->file->path, header->names[f])));
		s->field_of[i] = f;
		found++;
	}
	if (header->n > 0 && found == 0)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("file \"%s\" has none of the columns of foreign table \"%s\"", s->file->path, s->table->name)));
	if (s->csv)
		s->csv->expected = header->n;
}

static void
map_by_place(FileScan *s)
{
	int f = 0;

	for (int i = 0; i < s->table->natts; i++)
	{
		if (!s->table->columns[i].dropped && s->table->columns[i].o.kind == COLUMN_DATA)
			s->field_of[i] = f++;
	}
	if (s->sheet)
	{
		xlsx_columns_by_place(s->sheet, f);
		return;
	}
	s->csv->expected = f;
	if (s->csv->fixed && s->csv->fixed->n != f)
		ereport(ERROR, (errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
						errmsg("option columns of foreign table \"%s\" has %d places for %d columns", s->table->name,
							   s->csv->fixed->n, f)));
}

/* An error if the file is not what was listed */
static void
check_same(const FileScan *s, const char *what)
{
	FileInfo now;

	s->handle->root->routine->info(s->handle, &now);
	if (strcmp(now.version, s->file->version) != 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("file \"%s\" %s", s->file->path, what)));
}

static void
open_csv(FileScan *s)
{
	Table *t = s->table;

	reader_skip_mark(s->reader);
	s->csv = csv_new(s->reader, &t->o);
	if (!reader_skip_lines(s->reader, t->o.skip, s->csv->newline) && t->o.skip > 0)
	{
		/* nothing but what is skipped: of a whole table only an empty file has no header */
		if (s->file->size > 0 && t->o.header)
			ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
							errmsg("file \"%s\" has no header after the %d lines that option skip names",
								   s->file->path, t->o.skip)));
	}
	if (t->o.header)
	{
		Header header;

		header_read(s->csv, s->file->path, &header);
		map_header(s, &header);
	}
	else
		map_by_place(s);
	if (s->csv->expected == 0 && s->reader->at < s->reader->len)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
				 errmsg("foreign table \"%s\" has no columns for the fields of file \"%s\"", t->name, s->file->path)));
}

static void
open_json(FileScan *s)
{
	Table *t = s->table;

	reader_skip_mark(s->reader);
	s->json = json_rows_new(s->reader, &t->o);
	for (int i = 0; i < t->natts; i++)
	{
		if (t->columns[i].dropped || t->columns[i].o.kind != COLUMN_DATA)
			continue;
		s->field_of[i] = json_rows_key(s->json, t->columns[i].o.name, (int) strlen(t->columns[i].o.name));
	}
}

static void
open_parquet(FileScan *s)
{
	Table *t = s->table;

	check_same(s, "changed after it was listed");
	s->parquet = parquet_rows_new(t, s->handle, s->file, t->wanted);
	s->parquet->prunes = t->prunes;
	for (int i = 0; i < t->natts; i++)
	{
		if (s->parquet->nodes[i])
			s->field_of[i] = i;
	}
}

static void
open_sheet(FileScan *s)
{
	Table *t = s->table;
	Header header;

	check_same(s, "changed after it was listed");
	if (s->file->size == 0)
		return;
	s->sheet = xlsx_rows_new(s->handle, s->file, &t->o);
	if (!t->o.header)
	{
		map_by_place(s);
		return;
	}
	header_of_sheet(s->sheet, s->file->path, &header);
	map_header(s, &header);
}

FileScan *
file_scan_open(Table *t, FileInfo *file)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "files scan of a file", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	FileScan *s = palloc0(sizeof(FileScan));
	Root *root = table_root(t);

	s->table = t;
	s->file = file;
	s->context = context;
	s->stop = PG_INT64_MAX;
	s->handle = root->routine->open(root, file);
	s->field_of = palloc(sizeof(int) * Max(t->natts, 1));
	for (int i = 0; i < t->natts; i++)
		s->field_of[i] = -1;
	if (t->o.format == FORMAT_PARQUET || t->o.format == FORMAT_XLSX)
	{
		if (t->o.format == FORMAT_PARQUET)
			open_parquet(s);
		else
			open_sheet(s);
		MemoryContextSwitchTo(old);
		return s;
	}
	s->input = input_new(s->handle, file, t->o.compression, t->o.encoding);
	s->reader = reader_new(s->input, (size_t) t->o.max_row_bytes);
	if (format_has_lines(t->o.format))
		open_csv(s);
	else
		open_json(s);
	MemoryContextSwitchTo(old);
	return s;
}

void
file_scan_close(FileScan *s)
{
	MemoryContextDelete(s->context);
}

static bool
next_row(FileScan *s)
{
	if (s->parquet)
		return parquet_rows_next(s->parquet, &s->row);
	if (s->sheet)
		return xlsx_next(s->sheet, &s->row);
	if (s->csv)
		return csv_next(s->csv, &s->row);
	return s->json && json_next(s->json, &s->row);
}

bool
file_scan_next(FileScan *s)
{
	MemoryContext old;
	bool any;

	/* columns hold a thousand rows, and a row is its number */
	if (s->parquet && s->parquet->row < Min(s->parquet->end, s->stop))
	{
		s->row.position = s->parquet->row++;
		return true;
	}
	/* a window may grow, and fields be more */
	old = MemoryContextSwitchTo(s->context);
	any = next_row(s);
	MemoryContextSwitchTo(old);
	if (any && s->row.position < s->stop)
		return true;
	if (s->input == NULL)
		check_same(s, "changed while it was read");
	else
		input_check_same(s->input);
	return false;
}

void
file_scan_place(const FileScan *s, Place *place)
{
	*place = (Place){s->file->path, s->row.position, s->row.line};
}

bool
file_scan_can_seek(const FileScan *s)
{
	return s->input && input_is_plain(s->input) && (s->csv ? !s->table->o.multiline : s->json->lines);
}

/*
 * Where a line begins a row begins.  The byte before the position tells whether one begins just there.  What the
 * header and what is skipped take stays behind.
 */
void
file_scan_seek(FileScan *s, int64 position)
{
	int64 here = s->reader->base + (int64) s->reader->at;
	char newline = s->csv ? s->csv->newline : '\n';

	if (position <= here)
		return;
	reader_seek(s->reader, position - 1);
	(void) reader_skip_lines(s->reader, 1, newline);
	if (s->csv)
		s->csv->generation = -1;
}

void
file_scan_part(FileScan *s, int64 from, int64 to, int64 first)
{
	parquet_rows_part(s->parquet, from, to, first);
}

int64
file_scan_bytes(const FileScan *s)
{
	if (s->parquet)
		return s->parquet->source.bytes;
	if (s->sheet)
		return xlsx_bytes(s->sheet);
	return s->input ? input_bytes(s->input) : 0;
}
