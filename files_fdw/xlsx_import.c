/*
 * xlsx_import.c
 *		What an import finds in workbooks.
 */
#include "postgres.h"

#include "files_fdw/xlsx_import.h"
#include "files_fdw/xlsx_read.h"
#include "utils/memutils.h"

/* Bytes of rows that a dialect is found from */
#define MOST_SAMPLE (16 * 1024 * 1024)

#define SAMPLE_ROWS 300

bool
xlsx_is(Root *root, FileInfo *file)
{
	unsigned char head[BOOK_HEAD];
	RootFile *handle = root->routine->open(root, file);
	size_t n = root->routine->read(handle, head, sizeof(head), 0);

	root->routine->close(handle);
	return book_is(head, n);
}

static bool
has_rows(Book *book, const Sheet *sheet)
{
	TableOptions o;
	Row row = {0};

	table_defaults(&o);
	return xlsx_next(xlsx_rows_of(book, sheet, &o), &row);
}

List *
xlsx_sheets(Root *root, FileInfo *file, int *visible, int *hidden)
{
	MemoryContext result = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(result, "workbook", ALLOCSET_DEFAULT_SIZES);
	List *names = NIL;
	Book *book;
	ListCell *lc;

	MemoryContextSwitchTo(context);
	book = book_open(root->routine->open(root, file), file->path, file->size);
	foreach (lc, book->sheets)
	{
		const Sheet *sheet = lfirst(lc);
		MemoryContext of_sheet = AllocSetContextCreate(context, "worksheet", ALLOCSET_DEFAULT_SIZES);
		bool any;

		*visible += !sheet->hidden;
		MemoryContextSwitchTo(of_sheet);
		any = has_rows(book, sheet);
		MemoryContextSwitchTo(context);
		MemoryContextDelete(of_sheet);
		if (!any)
			continue;
		*hidden += sheet->hidden;
		MemoryContextSwitchTo(result);
		if (!sheet->hidden)
			names = lappend(names, pstrdup(sheet->name));
		MemoryContextSwitchTo(context);
	}
	MemoryContextSwitchTo(result);
	MemoryContextDelete(context);
	return names;
}

/* Rows of the sheet as far as they tell, from the first column that any of them uses */
static int
keep_rows(XlsxRows *r, SampleRow *rows, int most, int *first)
{
	Row row = {0};
	int width = 0;
	int n = 0;
	size_t bytes = 0;

	*first = MOST_COLUMNS_OF_SHEET;
	while (n < most && bytes < MOST_SAMPLE && xlsx_next(r, &row))
	{
		bytes += row.len;
		sample_row_keep(&rows[n], &row);
		for (int c = 0; c < rows[n].n; c++)
		{
			if (rows[n].lens[c] > 0)
			{
				*first = Min(*first, c);
				width = Max(width, c + 1);
			}
		}
		n++;
	}
	/* nothing but what is wrong */
	if (width == 0)
		return 0;
	for (int i = 0; i < n; i++)
		sample_row_cut(&rows[i], *first, width);
	return n;
}

void
xlsx_dialect(Root *root, FileInfo *file, const char *sheet, Dialect *d)
{
	SampleRow *rows = palloc0(sizeof(SampleRow) * SAMPLE_ROWS);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "workbook", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	XlsxRows *r;
	int first;
	int n;

	memset(d, 0, sizeof(Dialect));
	table_defaults(&d->o);
	d->o.format = FORMAT_XLSX;
	d->o.sheet = sheet ? pstrdup(sheet) : NULL;
	add_choice(&d->choices, "format", pstrdup("xlsx"), pstrdup("it is an archive with a workbook"), NULL);
	old = MemoryContextSwitchTo(context);
	r = xlsx_rows_new(root->routine->open(root, file), file, &d->o);
	MemoryContextSwitchTo(old);
	add_choice(&d->choices, "sheet", pstrdup(sheet ? sheet : "the only one"), pstrdup(sheet ? "by its name" : "whatever its name is"), NULL);
	n = keep_rows(r, rows, SAMPLE_ROWS, &first);
	MemoryContextDelete(context);
	d->no_rows = n == 0;
	if (n == 0)
		return;
	d->width = rows[0].n;
	dialect_of_rows(d, rows, n);
	if (!d->o.header && (first > 0 || d->o.skip > 0))
		d->o.range = range_print(first, d->o.skip > 0 ? d->o.skip + 1 : 1);
	else if (d->o.header && d->o.skip > 0)
		d->o.range = psprintf("%d", d->o.skip + 1);
	d->o.skip = 0;
}
