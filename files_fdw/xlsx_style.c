/*
 * xlsx_style.c
 *		What number formats make of numbers: a day is a number whose style shows it as one.
 */
#include "postgres.h"

#include <ctype.h>

#include "files_fdw/xlsx_style.h"
#include "files_fdw/xml_part.h"

#define MOST_FORMATS 65536
#define MOST_STYLES 65536 /* Excel has 65,490 */

/* -- codes -- */

/* Behind what stands in brackets; [h], [mm], [s] are hours, minutes or seconds beyond a day's */
static const char *
pass_brackets(const char *p, bool *duration)
{
	const char *end = strchr(p, ']');
	size_t n = end ? (size_t) (end - p - 1) : 0;

	if (n > 0 && (strspn(p + 1, "hH") == n || strspn(p + 1, "mM") == n || strspn(p + 1, "sS") == n))
		*duration = true;
	return end ? end + 1 : p + 1;
}

static const char *
pass_quotes(const char *p)
{
	const char *end = strchr(p + 1, '"');

	return end ? end + 1 : p + strlen(p);
}

/* Words in a code that have letters of dates and are none: how numbers are written, forenoon */
static size_t
word_length(const char *p)
{
	static const char *const words[] = {"general", "am/pm", "a/p", "e+", "e-"};

	for (int i = 0; i < lengthof(words); i++)
	{
		if (pg_strncasecmp(p, words[i], strlen(words[i])) == 0)
			return strlen(words[i]);
	}
	return 0;
}

CellKind
kind_of_code(const char *code)
{
	bool date = false;
	bool time = false;
	bool month = false; /* or minutes */
	bool duration = false;

	/* how positive numbers are shown stands first */
	for (const char *p = code; *p != '\0' && *p != ';';)
	{
		size_t word = word_length(p);

		if (word > 0)
			p += word;
		else if (*p == '[')
			p = pass_brackets(p, &duration);
		else if (*p == '"')
			p = pass_quotes(p);
		else if ((*p == '\\' || *p == '_' || *p == '*') && p[1] != '\0')
			p += 2;
		else
		{
			int c = tolower((unsigned char) *p++);

			date |= c == 'y' || c == 'd' || c == 'e' || c == 'b' || c == 'g';
			time |= c == 'h' || c == 's';
			month |= c == 'm';
		}
	}
	if (duration)
		return CELL_DURATION;
	date |= month && !time;
	return date && time ? CELL_STAMP : date ? CELL_DATE
								   : time   ? CELL_TIME
											: CELL_NUMBER;
}

/* Formats that every workbook has, without a code; those of East Asia as well */
static CellKind
kind_of_number(int format)
{
	if ((format >= 14 && format <= 17) || (format >= 27 && format <= 31) || (format >= 34 && format <= 36) ||
		(format >= 50 && format <= 54) || format == 57 || format == 58)
		return CELL_DATE;
	if ((format >= 18 && format <= 21) || format == 32 || format == 33 || format == 45 || format == 47 || format == 55 ||
		format == 56)
		return CELL_TIME;
	return format == 22 ? CELL_STAMP : format == 46 ? CELL_DURATION
													: CELL_NUMBER;
}

/* -- the part -- */

typedef struct Reading
{
	Book *book;
	bool in_styles; /* of cells: there are such of styles, too */
	int nformats;
	int room;
	int kinds_room;
	struct Format
	{
		int number;
		CellKind kind;
	} * formats;
} Reading;

static CellKind
kind_of_format(const Reading *r, int number)
{
	for (int i = r->nformats - 1; i >= 0; i--)
	{
		if (r->formats[i].number == number)
			return r->formats[i].kind;
	}
	return kind_of_number(number);
}

static void
begin_element(XmlPart *part, void *arg, const char *name, const char **attributes)
{
	Reading *r = arg;
	const char *number = attribute_of(attributes, "numFmtId");

	if (strcmp(name, "cellXfs") == 0)
		r->in_styles = true;
	else if (strcmp(name, "numFmt") == 0 && !r->in_styles && number && attribute_of(attributes, "formatCode"))
	{
		if (r->nformats == MOST_FORMATS)
			part_fail(part, "it has more than %d formats of numbers", MOST_FORMATS);
		if (r->nformats == r->room)
		{
			r->room *= 2;
			r->formats = repalloc(r->formats, sizeof(struct Format) * r->room);
		}
		r->formats[r->nformats++] = (struct Format){atoi(number), kind_of_code(attribute_of(attributes, "formatCode"))};
	}
	else if (strcmp(name, "xf") == 0 && r->in_styles)
	{
		Book *book = r->book;

		if (book->nkinds == MOST_STYLES)
			part_fail(part, "it has more than %d styles of cells", MOST_STYLES);
		if (book->nkinds == r->kinds_room)
		{
			r->kinds_room *= 2;
			book->kinds = repalloc(book->kinds, r->kinds_room);
		}
		book->kinds[book->nkinds++] = (uint8) (number ? kind_of_format(r, atoi(number)) : CELL_NUMBER);
	}
}

static void
end_element(XmlPart *part, void *arg, const char *name)
{
	if (strcmp(name, "cellXfs") == 0)
		((Reading *) arg)->in_styles = false;
}

void
styles_read(Book *book)
{
	static const XmlHandlers handlers = {begin_element, end_element, NULL};
	Reading r = {.book = book, .room = 64, .kinds_room = 64};

	r.formats = palloc(sizeof(struct Format) * r.room);
	book->kinds = palloc(r.kinds_room);
	if (book->styles_part)
		part_read(part_open(book->zip, book->styles_part, &handlers, &r));
	pfree(r.formats);
}
