/*
 * xlsx_read.c
 *		Rows of a sheet.
 *
 * The parser stops behind each row, so there is no more of a sheet in memory than one.  Cells come in their order, by
 * row and column; where they do not, the file is damaged, since which one counts nobody knows.
 */
#include "postgres.h"

#include "files_fdw/xlsx_read.h"
#include "files_fdw/xlsx_text.h"
#include "files_fdw/xml_part.h"
#include "miscadmin.h"

/* A cell as the file has it */
typedef struct RawCell
{
	int column;
	int style;
	char type; /* n, s, b, e, d, t: a text that stands there */
	bool filled;
	int from; /* in raw */
	int len;
} RawCell;

struct XlsxRows
{
	Book *book;
	XmlPart *part;
	SheetRange range;
	bool ignore_extra;
	int most;      /* bytes of a row */
	int first;     /* column of the first field */
	int width;     /* 0: not known yet */
	bool *unnamed; /* columns that are nobody's; or NULL */
	/* the row that is read */
	bool in_data;
	bool in_cell;
	bool in_value;
	bool too_long;
	RichText rich;
	int inline_depth; /* within <is> */
	int row;          /* its number; of the last one */
	int ncells;
	RawCell cells[MOST_COLUMNS_OF_SHEET];
	StringInfoData raw;
	StringInfoData text; /* of all cells, as they become fields */
};

/* -- what the file has -- */

static void
begin_row(XmlPart *part, XlsxRows *r, const char **attributes)
{
	const char *number = attribute_of(attributes, "r");
	int row = r->row + 1;

	if (number && (strspn(number, "0123456789") != strlen(number) || strlen(number) > 7 || (row = atoi(number)) == 0))
		row = MOST_ROWS_OF_SHEET + 1;
	if (row > MOST_ROWS_OF_SHEET)
		part_fail(part, "after row %d, a row has a number that no sheet has", r->row);
	else if (row <= r->row)
		part_fail(part, "row %d follows row %d", row, r->row);
	r->row = row;
	r->ncells = 0;
	r->too_long = false;
	resetStringInfo(&r->raw);
}

static char
cell_type(const char *type)
{
	static const char *const words[] = {"n", "s", "b", "e", "d", "str", "inlineStr"};
	static const char types[] = "nsbedtt";

	for (int i = 0; type && i < lengthof(words); i++)
	{
		if (strcmp(type, words[i]) == 0)
			return types[i];
	}
	return type ? '\0' : 'n';
}

static void
begin_cell(XmlPart *part, XlsxRows *r, const char **attributes)
{
	const char *place = attribute_of(attributes, "r");
	const char *style = attribute_of(attributes, "s");
	int last = r->ncells > 0 ? r->cells[r->ncells - 1].column : -1;
	int column = last + 1;
	int row = r->row;

	if (place && !cell_place(place, &column, &row))
		part_fail(part, "in row %d, a cell has a place that no sheet has", r->row);
	else if (row != r->row)
		part_fail(part, "row %d has a cell of row %d", r->row, row);
	else if (column <= last || column >= MOST_COLUMNS_OF_SHEET || r->ncells == MOST_COLUMNS_OF_SHEET)
		part_fail(part, "the cells of row %d are not in order", r->row);
	else
	{
		RawCell *cell = &r->cells[r->ncells++];

		*cell = (RawCell){.column = column, .style = style ? atoi(style) : 0, .from = r->raw.len, .type = cell_type(attribute_of(attributes, "t"))};
		if (cell->type == '\0')
			part_fail(part, "in row %d, a cell has an unknown type", r->row);
		r->in_cell = true;
		r->inline_depth = 0;
		r->rich = (RichText){0};
	}
}

static void
begin_element(XmlPart *part, void *arg, const char *name, const char **attributes)
{
	XlsxRows *r = arg;

	if (r->in_cell)
	{
		if (r->inline_depth > 0)
			rich_begin(&r->rich, name);
		else if (strcmp(name, "v") == 0)
			r->in_value = true;
		r->inline_depth += r->inline_depth > 0 || strcmp(name, "is") == 0;
		r->cells[r->ncells - 1].filled |= r->in_value || r->inline_depth > 0;
	}
	else if (r->in_data && strcmp(name, "c") == 0)
		begin_cell(part, r, attributes);
	else if (r->in_data && strcmp(name, "row") == 0)
		begin_row(part, r, attributes);
	else if (strcmp(name, "sheetData") == 0)
		r->in_data = true;
}

static void
end_element(XmlPart *part, void *arg, const char *name)
{
	XlsxRows *r = arg;

	if (r->inline_depth > 0)
	{
		rich_end(&r->rich, name);
		r->inline_depth--;
	}
	else if (r->in_value)
		r->in_value = false;
	else if (r->in_cell && strcmp(name, "c") == 0)
	{
		RawCell *cell = &r->cells[r->ncells - 1];

		r->in_cell = false;
		cell->len = r->raw.len - cell->from;
		appendStringInfoChar(&r->raw, '\0');
	}
	else if (r->in_data && !r->in_cell && strcmp(name, "row") == 0)
		part_pause(part);
	else if (strcmp(name, "sheetData") == 0)
		r->in_data = false;
}

static void
take_text(XmlPart *part, void *arg, const char *text, int n)
{
	XlsxRows *r = arg;

	if (!r->in_value && !r->rich.open)
		return;
	if (r->raw.len + n > r->most)
		r->too_long = true;
	else
		appendBinaryStringInfo(&r->raw, text, n);
}

/* -- what becomes of it -- */

static bool
blame(XlsxRows *r, Row *row, const RawCell *cell, int sqlstate, const char *words)
{
	char name[16];

	if (row->fault.sqlstate != 0)
		return false;
	row->fault.value = r->raw.data + cell->from;
	row->fault.len = Min(cell->len, 200);
	return complain(&row->fault, sqlstate, "cell %s %s", cell_name(cell->column, r->row, name), words);
}

/* A text that all cells share; one that is not there is no row's fault but the file's */
static void
append_shared(XlsxRows *r, const RawCell *cell, const char *number)
{
	char *end;
	int64 n = strtoi64(number, &end, 10);
	const char *text;
	size_t len;
	char name[16];

	if (*end != '\0' || end == number || !book_string(r->book, n, &text, &len))
		zip_damaged(r->book->zip, NULL, "cell %s has text number \"%.20s\", which does not exist",
					cell_name(cell->column, r->row, name), number);
	appendBinaryStringInfo(&r->text, text, (int) len);
}

/* The text of a cell goes behind those of others; what is known of it, as flags of a field */
static int
append_cell(XlsxRows *r, Row *row, const RawCell *cell)
{
	const char *raw = r->raw.data + cell->from;
	int from = r->text.len;
	CellKind kind;

	switch (cell->type)
	{
		case 's':
			append_shared(r, cell, raw);
			if (!recode_text(r->book->recoder, &r->text, from))
				(void) blame(r, row, cell, ERRCODE_UNTRANSLATABLE_CHARACTER, "has a NUL, or a character that the database's encoding does not have");
			return FIELD_QUOTED;
		case 't':
			appendBinaryStringInfo(&r->text, raw, cell->len);
			unescape_text(&r->text, from);
			if (!recode_text(r->book->recoder, &r->text, from))
				(void) blame(r, row, cell, ERRCODE_UNTRANSLATABLE_CHARACTER, "has a NUL, or a character that the database's encoding does not have");
			return FIELD_QUOTED;
		case 'b':
			if (strcmp(raw, "0") != 0 && strcmp(raw, "1") != 0)
				(void) blame(r, row, cell, ERRCODE_BAD_COPY_FILE_FORMAT, "should be a boolean");
			appendStringInfoString(&r->text, *raw == '1' ? "true" : "false");
			return FIELD_RAW;
		case 'e':
			appendStringInfoString(&r->text, raw);
			if (!recode_text(r->book->recoder, &r->text, from))
				(void) blame(r, row, cell, ERRCODE_BAD_COPY_FILE_FORMAT, "should be an error's name");
			return FIELD_ERROR;
		case 'd':
			appendStringInfoString(&r->text, raw);
			if (!recode_text(r->book->recoder, &r->text, from))
				(void) blame(r, row, cell, ERRCODE_BAD_COPY_FILE_FORMAT, "should be a date");
			return 0;
		default:
			break;
	}
	if (cell->len == 0)
		return FIELD_MISSING;
	if (!number_text(raw, cell->len, &r->text))
	{
		(void) blame(r, row, cell, ERRCODE_BAD_COPY_FILE_FORMAT, "should be a number");
		return 0;
	}
	kind = book_kind(r->book, cell->style);
	if (kind == CELL_NUMBER)
		return FIELD_RAW;
	r->text.len = from;
	r->text.data[from] = '\0';
	if (moment_text(kind, r->book->since_1904, raw, &r->text))
		return 0;
	r->text.len = from;
	appendStringInfoString(&r->text, raw);
	return FIELD_ERROR;
}

static bool
is_wanted(const XlsxRows *r, int column)
{
	return column >= r->range.first_column && column <= r->range.last_column;
}

/* A range that begins in a column and ends in none is the whole table: what stands left of it is none of its columns */
static bool
is_beside(const XlsxRows *r, const RawCell *cell)
{
	return r->range.columns && r->range.last_column == whole_sheet.last_column &&
		   cell->column < r->range.first_column && cell->len > 0 && !r->ignore_extra;
}

/* Is a column one of the table's? */
static bool
is_ours(const XlsxRows *r, int column)
{
	return column >= r->first && (r->width == 0 || column < r->first + r->width) &&
		   (r->unnamed == NULL || !r->unnamed[column - r->first]);
}

static void
make_room(Row *row, int n)
{
	if (row->room >= n)
		return;
	row->room = Max(n, 64);
	row->fields = row->fields ? repalloc(row->fields, sizeof(Field) * row->room) : palloc(sizeof(Field) * row->room);
}

/* Fields up to a column, those that nothing was said of missing */
static void
fields_up_to(Row *row, int n)
{
	make_room(row, n);
	for (; row->nfields < n; row->nfields++)
		row->fields[row->nfields] = (Field){NULL, 0, FIELD_MISSING};
}

/* False: nothing stands in it */
static bool
fill_row(XlsxRows *r, Row *row)
{
	bool any = false;

	row->nfields = 0;
	row->fault.sqlstate = 0;
	row->fault.column = row->fault.value = NULL;
	row->position = row->line = r->row;
	resetStringInfo(&r->text);
	for (int i = 0; i < r->ncells; i++)
	{
		const RawCell *cell = &r->cells[i];
		int from = r->text.len;
		int flags;

		if (cell->filled && is_beside(r, cell))
			(void) blame(r, row, cell, ERRCODE_BAD_COPY_FILE_FORMAT, "is in no column of the table");
		if (!cell->filled || !is_wanted(r, cell->column))
			continue;
		r->too_long |= r->text.len > r->most;
		if (r->too_long)
			break;
		flags = append_cell(r, row, cell);
		if (flags & FIELD_MISSING)
			continue;
		if (!is_ours(r, cell->column))
		{
			if (r->text.len > from && !r->ignore_extra)
				(void) blame(r, row, cell, ERRCODE_BAD_COPY_FILE_FORMAT, "is in no column of the table");
			r->text.len = from;
			continue;
		}
		any |= r->text.len > from;
		fields_up_to(row, cell->column - r->first + 1);
		/* offsets for now: the texts may move */
		row->fields[row->nfields - 1] = (Field){(const char *) (intptr_t) from, r->text.len - from, flags | FIELD_CELL};
		appendStringInfoChar(&r->text, '\t');
	}
	fields_up_to(row, r->width);
	for (int i = 0; i < row->nfields; i++)
		row->fields[i].p = r->text.data + (intptr_t) row->fields[i].p;
	row->text = r->text.data;
	row->len = (size_t) Max(r->text.len - 1, 0);
	if (r->too_long)
		complain(&row->fault, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "a row has more than max_row_bytes, %d bytes", r->most);
	return any || row->fault.sqlstate != 0;
}

bool
xlsx_next(XlsxRows *r, Row *row)
{
	while (part_more(r->part))
	{
		if (r->row > r->range.last_row)
			return false;
		if (r->row >= r->range.first_row && fill_row(r, row))
			return true;
	}
	return false;
}

/* -- which columns -- */

void
xlsx_columns(XlsxRows *r, int first, int n)
{
	r->first = first;
	r->width = n;
}

void
xlsx_columns_named(XlsxRows *r, Row *row)
{
	int first = 0;

	while (row->nfields > 0 && row->fields[row->nfields - 1].len == 0)
		row->nfields--;
	while (first < row->nfields && row->fields[first].len == 0)
		first++;
	row->nfields -= first;
	memmove(row->fields, row->fields + first, sizeof(Field) * row->nfields);
	xlsx_columns(r, r->first + first, row->nfields);
	r->unnamed = palloc0(sizeof(bool) * (row->nfields + 1));
	for (int i = 0; i < row->nfields; i++)
		r->unnamed[i] = strspn(row->fields[i].p, " \t\r\n") >= (size_t) row->fields[i].len;
}

void
xlsx_columns_by_place(XlsxRows *r, int n)
{
	xlsx_columns(r, r->range.first_column, n);
}

/* -- a sheet -- */

XlsxRows *
xlsx_rows_of(Book *book, const Sheet *sheet, const TableOptions *o)
{
	static const XmlHandlers handlers = {begin_element, end_element, take_text};
	XlsxRows *r = palloc0(sizeof(XlsxRows));

	r->book = book;
	r->range = whole_sheet;
	if (o->range)
		(void) range_read(o->range, &r->range);
	r->ignore_extra = o->ignore_extra;
	r->most = (int) o->max_row_bytes;
	initStringInfo(&r->raw);
	initStringInfo(&r->text);
	r->part = part_open(book->zip, sheet->part, &handlers, r);
	return r;
}

XlsxRows *
xlsx_rows_new(RootFile *file, const FileInfo *info, const TableOptions *o)
{
	Book *book = book_open(file, info->path, info->size);

	return xlsx_rows_of(book, book_sheet(book, o->sheet), o);
}

char *
xlsx_range_behind(const XlsxRows *r)
{
	return range_print(r->first, r->row + 1);
}

int64
xlsx_bytes(const XlsxRows *r)
{
	return r->book->zip->bytes;
}
