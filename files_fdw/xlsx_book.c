/*
 * xlsx_book.c
 *		A workbook: a package of parts that name each other.
 *
 * Texts that cells share are all kept, since any cell may have any of them; they may have MOST_STRINGS bytes.
 */
#include "postgres.h"

#include "files_fdw/xlsx_book.h"
#include "files_fdw/xlsx_style.h"
#include "files_fdw/xlsx_text.h"
#include "files_fdw/xml_part.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define MOST_SHEETS 10000
#define MOST_RELATIONS 100000
#define MOST_RELATION_BYTES (16 * 1024 * 1024)
#define MOST_SHEET_NAME 1024 /* Excel's have 31 characters at most */
#define MOST_STRINGS ((size_t) 256 * 1024 * 1024)
#define MOST_TEXT 1048576 /* bytes; Excel's cells have 32,767 characters at most */

/* -- which files are workbooks -- */

static const unsigned char compound_mark[BOOK_HEAD] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};

bool
book_is(const unsigned char *head, size_t n)
{
	return zip_is(head, n) || (n >= BOOK_HEAD && memcmp(head, compound_mark, BOOK_HEAD) == 0);
}

/* A workbook with a password is within a file of another kind, as old workbooks are: the one's directory names its parts */
static void
refuse_compound(RootFile *file, const char *path)
{
	static const char part[] = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e";
	unsigned char head[512];
	char block[4096];
	size_t n = file->root->routine->read(file, head, sizeof(head), 0);
	size_t got = 0;
	bool encrypted = false;

	if (n < BOOK_HEAD || memcmp(head, compound_mark, BOOK_HEAD) != 0)
		return;
	/* the first sector of the directory, and how large sectors are */
	if (n == sizeof(head) && (head[30] == 9 || head[30] == 12))
	{
		int64 sector = (int64) head[48] | (int64) head[49] << 8 | (int64) head[50] << 16 | (int64) head[51] << 24;

		got = file->root->routine->read(file, block, sizeof(block), (sector + 1) << head[30]);
	}
	for (size_t i = 0; i + sizeof(part) <= got && !encrypted; i++)
		encrypted = memcmp(block + i, part, sizeof(part)) == 0;
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("file \"%s\" cannot be read", path),
					encrypted ? errdetail("The workbook is encrypted with a password.")
							  : errdetail("It is a compound file: a workbook of Excel 97 to 2003, or another document."),
					encrypted ? errhint("Save it without the password.") : errhint("Save it as .xlsx.")));
}

/* -- parts that name others -- */

typedef struct Relation
{
	char *id;
	char *type; /* the last name of it */
	char *target;
} Relation;

typedef struct Relations
{
	const char *folder; /* of the part whose they are, with a slash, or empty */
	List *found;
	size_t bytes; /* of their names */
} Relations;

/* Where a target is: from the root, or from a folder; without . and .. */
static char *
resolve(const char *folder, const char *target)
{
	char *whole = *target == '/' ? pstrdup(target + 1) : psprintf("%s%s", folder, target);
	char *out = palloc0(strlen(whole) + 1);
	size_t n = 0;

	for (const char *p = whole; *p;)
	{
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.')
		{
			while (n > 0 && out[--n] != '/')
				;
		}
		else if (len > 0 && !(len == 1 && *p == '.'))
		{
			if (n > 0)
				out[n++] = '/';
			memcpy(out + n, p, len);
			n += len;
		}
		p += len;
		p += *p == '/';
	}
	out[n] = '\0';
	return out;
}

static void
begin_relation(XmlPart *part, void *arg, const char *name, const char **attributes)
{
	Relations *all = arg;
	const char *type = attribute_of(attributes, "Type");
	const char *target = attribute_of(attributes, "Target");
	const char *id = attribute_of(attributes, "Id");
	const char *mode = attribute_of(attributes, "TargetMode");
	Relation *r;

	if (strcmp(name, "Relationship") != 0 || type == NULL || target == NULL || id == NULL ||
		(mode && strcmp(mode, "External") == 0))
		return;
	if (list_length(all->found) == MOST_RELATIONS)
	{
		part_fail(part, "it names more than %d parts", MOST_RELATIONS);
		return;
	}
	all->bytes += strlen(id) + strlen(type) + strlen(target) + strlen(all->folder);
	if (all->bytes > MOST_RELATION_BYTES)
	{
		part_fail(part, "the names of its parts have more than %d bytes", MOST_RELATION_BYTES);
		return;
	}
	r = palloc(sizeof(Relation));
	r->id = pstrdup(id);
	r->type = pstrdup(strrchr(type, '/') ? strrchr(type, '/') + 1 : type);
	r->target = resolve(all->folder, target);
	all->found = lappend(all->found, r);
}

static void
end_nothing(XmlPart *part, void *arg, const char *name)
{
}

static const XmlHandlers of_relations = {begin_relation, end_nothing, NULL};

static Relation *
relation_of(List *relations, const char *id, const char *type)
{
	ListCell *lc;

	foreach (lc, relations)
	{
		Relation *r = lfirst(lc);

		if ((id && strcmp(r->id, id) == 0) || (type && strcmp(r->type, type) == 0))
			return r;
	}
	return NULL;
}

static char *
target_of(List *relations, const char *type)
{
	Relation *r = relation_of(relations, NULL, type);

	return r ? r->target : NULL;
}

/* -- the workbook -- */

typedef struct Opening
{
	Book *book;
	List *relations;
} Opening;

static void
add_sheet(XmlPart *part, Opening *o, const char **attributes)
{
	const char *name = attribute_of(attributes, "name");
	const char *id = attribute_of(attributes, "id");
	const char *state = attribute_of(attributes, "state");
	Relation *r = id ? relation_of(o->relations, id, NULL) : NULL;
	StringInfoData text;
	Sheet *sheet;

	if (name && strlen(name) > MOST_SHEET_NAME)
	{
		part_fail(part, "the name of a sheet has more than %d bytes", MOST_SHEET_NAME);
		return;
	}
	if (name == NULL || r == NULL)
	{
		part_fail(part, "a sheet has no name, or no part");
		return;
	}
	if (strcmp(r->type, "worksheet") != 0)
		return;
	if (list_length(o->book->sheets) == MOST_SHEETS)
	{
		part_fail(part, "it has more than %d sheets", MOST_SHEETS);
		return;
	}
	initStringInfo(&text);
	appendStringInfoString(&text, name);
	unescape_text(&text, 0);
	if (!recode_text(o->book->recoder, &text, 0))
	{
		part_fail(part, "a sheet's name has characters that the database's encoding does not have");
		return;
	}
	sheet = palloc(sizeof(Sheet));
	*sheet = (Sheet){text.data, r->target, state && strcmp(state, "visible") != 0};
	o->book->sheets = lappend(o->book->sheets, sheet);
}

static void
begin_book(XmlPart *part, void *arg, const char *name, const char **attributes)
{
	Opening *o = arg;

	if (strcmp(name, "workbookPr") == 0)
	{
		const char *value = attribute_of(attributes, "date1904");

		/* an extension's element may have the name, and not the attribute */
		if (value)
			o->book->since_1904 = strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
	}
	else if (strcmp(name, "sheet") == 0)
		add_sheet(part, o, attributes);
}

static const XmlHandlers of_book = {begin_book, end_nothing, NULL};

static char *
folder_of(const char *part)
{
	const char *end = strrchr(part, '/');

	return end ? pnstrdup(part, end + 1 - part) : pstrdup("");
}

static List *
read_relations(Zip *zip, const char *part)
{
	Relations all = {.folder = folder_of(part)};

	part_read(part_open(zip, psprintf("%s_rels/%s.rels", all.folder, part + strlen(all.folder)), &of_relations, &all));
	return all.found;
}

Book *
book_open(RootFile *file, const char *path, int64 size)
{
	Book *book = palloc0(sizeof(Book));
	Opening o = {.book = book};
	char *part;

	book->context = CurrentMemoryContext;
	refuse_compound(file, path);
	book->zip = zip_open(file, path, size);
	book->recoder = recoder_new(PG_UTF8);
	if (zip_find(book->zip, "_rels/.rels") == NULL)
		zip_damaged(book->zip, NULL, "it is an archive of other files");
	part = target_of(read_relations(book->zip, ""), "officeDocument");
	if (part == NULL)
		zip_damaged(book->zip, NULL, "it has no workbook");
	if (pg_strcasecmp(part, "xl/workbook.bin") == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("file \"%s\" cannot be read", path),
						errdetail("It is a binary workbook."), errhint("Save it as .xlsx.")));
	o.relations = read_relations(book->zip, part);
	part_read(part_open(book->zip, part, &of_book, &o));
	book->styles_part = target_of(o.relations, "styles");
	book->strings_part = target_of(o.relations, "sharedStrings");
	return book;
}

static char *
names_of_sheets(const Book *book)
{
	StringInfoData out;
	ListCell *lc;

	initStringInfo(&out);
	foreach (lc, book->sheets)
	{
		const Sheet *sheet = lfirst(lc);

		appendStringInfo(&out, "%s\"%s\"%s", out.len > 0 ? ", " : "", sheet->name, sheet->hidden ? " (hidden)" : "");
	}
	return out.data;
}

const Sheet *
book_sheet(const Book *book, const char *name)
{
	const Sheet *found = NULL;
	int n = 0;
	ListCell *lc;

	foreach (lc, book->sheets)
	{
		const Sheet *sheet = lfirst(lc);

		if (name ? strcmp(sheet->name, name) == 0 : !sheet->hidden)
		{
			found = sheet;
			n++;
		}
	}
	if (n == 1)
		return found;
	ereport(ERROR, (errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
					name ? errmsg("file \"%s\" has no sheet \"%s\"", book->zip->path, name)
						 : errmsg("file \"%s\" has %d sheets that are not hidden, not one", book->zip->path, n),
					errdetail("It has: %s.", names_of_sheets(book)),
					name ? 0 : errhint("Option sheet of the foreign table names one.")));
}

CellKind
book_kind(Book *book, int style)
{
	if (!book->styles_read)
	{
		MemoryContext old = MemoryContextSwitchTo(book->context);

		styles_read(book);
		book->styles_read = true;
		MemoryContextSwitchTo(old);
	}
	return style >= 0 && style < book->nkinds ? (CellKind) book->kinds[style] : CELL_NUMBER;
}

/* -- shared texts -- */

typedef struct Strings
{
	Book *book;
	RichText rich;
	StringInfoData text;
	bool inside;
} Strings;

static void
begin_string(XmlPart *part, void *arg, const char *name, const char **attributes)
{
	Strings *s = arg;

	if (strcmp(name, "si") == 0)
	{
		s->inside = true;
		resetStringInfo(&s->text);
		s->rich = (RichText){0};
	}
	else if (s->inside)
		rich_begin(&s->rich, name);
}

static void
text_of_string(XmlPart *part, void *arg, const char *text, int n)
{
	Strings *s = arg;

	if (!s->inside || !s->rich.open)
		return;
	if (s->text.len > MOST_TEXT)
		part_fail(part, "a text has more than %d bytes", MOST_TEXT);
	else
		appendBinaryStringInfo(&s->text, text, n);
}

static void
keep_string(XmlPart *part, Book *book, StringInfo text)
{
	size_t end = book->ends[book->nstrings];

	if (end + (size_t) text->len > MOST_STRINGS || (size_t) book->nstrings >= MOST_STRINGS / sizeof(size_t))
	{
		part_fail(part, "the texts that its cells share have more than %zu bytes", MOST_STRINGS);
		return;
	}
	if (book->nstrings + 2 > book->room)
	{
		book->room *= 2;
		book->ends = repalloc_huge(book->ends, sizeof(size_t) * book->room);
	}
	if (end + (size_t) text->len > book->size)
	{
		book->size = Max(book->size * 2, end + (size_t) text->len);
		book->strings = repalloc_huge(book->strings, book->size);
	}
	memcpy(book->strings + end, text->data, text->len);
	book->ends[++book->nstrings] = end + (size_t) text->len;
}

static void
end_string(XmlPart *part, void *arg, const char *name)
{
	Strings *s = arg;

	if (strcmp(name, "si") == 0)
	{
		s->inside = false;
		unescape_text(&s->text, 0);
		keep_string(part, s->book, &s->text);
	}
	else if (s->inside)
		rich_end(&s->rich, name);
}

static void
read_strings(Book *book)
{
	static const XmlHandlers handlers = {begin_string, end_string, text_of_string};
	Strings s = {.book = book};

	initStringInfo(&s.text);
	book->room = 1024;
	book->ends = palloc0(sizeof(size_t) * book->room);
	book->size = 65536;
	book->strings = palloc(book->size);
	if (book->strings_part)
		part_read(part_open(book->zip, book->strings_part, &handlers, &s));
	pfree(s.text.data);
}

bool
book_string(Book *book, int64 number, const char **text, size_t *len)
{
	if (!book->strings_read)
	{
		MemoryContext old = MemoryContextSwitchTo(book->context);

		read_strings(book);
		book->strings_read = true;
		MemoryContextSwitchTo(old);
	}
	if (number < 0 || number >= book->nstrings)
		return false;
	*text = book->strings + book->ends[number];
	*len = book->ends[number + 1] - book->ends[number];
	return true;
}
