/*
 * fixed_find.c
 *		Columns of blanks that all lines of a text have.
 *
 * Where a column's texts all begin at the same place, blanks behind it are its own, since a longer one may come; where
 * all end at the same place, those before it are.  What is nobody's stays so: whatever comes to stand there is an error.
 */
#include "postgres.h"

#include "files_fdw/csv.h"
#include "files_fdw/dialect.h"
#include "files_fdw/fixed.h"
#include "mb/pg_wchar.h"

#define MOST_WIDTH 4096 /* characters of a line */
#define MOST_LINES 2000
#define LEAST_LINES 5 /* of fewer lines blanks stand one below the other by chance */

/* What lines have at a character */
typedef struct FixedPlace
{
	bool filled;
	bool starts; /* something in some line, behind a blank or a beginning */
	bool ends;
} FixedPlace;

typedef struct Lines
{
	FixedPlace places[MOST_WIDTH + 1];
	int width; /* of the longest */
	int n;
} Lines;

static int
character(const char *p, const char *end)
{
	return (unsigned char) *p < 128 ? 1 : (int) Min(pg_mblen(p), end - p);
}

/* False: no fixed width has such a line */
static bool
add_line(Lines *lines, const char *p, const char *end)
{
	int at = 0;
	bool blank = true;

	for (; p < end; p += character(p, end), at++)
	{
		if (at == MOST_WIDTH || *p == '\t' || *p == '\0')
			return false;
		if (*p != ' ')
		{
			lines->places[at].filled = true;
			lines->places[at].starts |= blank;
		}
		else if (!blank)
			lines->places[at - 1].ends = true;
		blank = *p == ' ';
	}
	if (!blank)
		lines->places[at - 1].ends = true;
	lines->width = Max(lines->width, at);
	lines->n++;
	return true;
}

static bool
add_lines(Lines *lines, const char *text, size_t len, char newline)
{
	const char *end = text + len;

	if (len >= 3 && memcmp(text, "\357\273\277", 3) == 0)
		text += 3;
	while (text < end && lines->n < MOST_LINES)
	{
		const char *stop = memchr(text, newline, end - text);
		const char *last = stop ? stop : end;

		if (last > text && last[-1] == '\r')
			last--;
		if (last > text && !add_line(lines, text, last))
			return false;
		text = stop ? stop + 1 : end;
	}
	return lines->n >= LEAST_LINES;
}

/* A run of characters that are filled somewhere, and where its texts begin and end */
typedef struct Run
{
	int from;
	int to;
	bool left;  /* all begin where it does */
	bool right; /* all end where it does */
} Run;

static int
find_runs(const Lines *lines, Run *runs)
{
	int n = 0;

	for (int at = 0; at < lines->width; at++)
	{
		Run *r = &runs[n];

		if (!lines->places[at].filled)
			continue;
		*r = (Run){at, at, true, true};
		for (; at < lines->width && lines->places[at].filled; at++)
		{
			r->left &= at == r->from || !lines->places[at].starts;
			r->right &= !lines->places[at].ends || !lines->places[at + 1].filled;
		}
		r->to = at;
		n++;
	}
	return n;
}

/* Blanks between two runs are the one's whose texts may grow into them, if the other's may not */
static FixedColumns *
columns_of(const Run *runs, int n)
{
	FixedColumns *f = palloc0(offsetof(FixedColumns, columns) + sizeof(FixedColumn) * n);

	f->n = n;
	for (int i = 0; i < n; i++)
	{
		f->columns[i] = (FixedColumn){runs[i].from, runs[i].to};
		if (i == 0)
			continue;
		/* all of the sample may have ended in one place by chance: a gap into which both may grow is nobody's */
		if (runs[i - 1].left && !runs[i].right)
			f->columns[i - 1].to = runs[i].from;
		else if (runs[i].right && !runs[i - 1].left)
			f->columns[i].from = runs[i - 1].to;
	}
	f->columns[0].from = 0;
	f->columns[n - 1].to = FIXED_END;
	return f;
}

/* Has one of the columns numbers or dates in all lines but the first?  Words alone may be texts with blanks in them */
static bool
any_typed(const FixedColumns *f, const char *text, size_t len, const Dialect *d)
{
	TableOptions o = d->o;
	Row row = {0};
	int *typed = palloc0(sizeof(int) * f->n);
	int rows = 0;
	Csv *csv;

	o.format = FORMAT_FIXED;
	o.columns = (FixedColumns *) f;
	csv = csv_new(reader_of_text(text, len), &o);
	reader_skip_mark(csv->r);
	csv->expected = f->n;
	while (rows < MOST_LINES && csv_next(csv, &row))
	{
		if (row.fault.sqlstate == 0 && rows++ > 0)
		{
			for (int i = 0; i < f->n; i++)
				typed[i] += row.fields[i].len == 0 || cell_is_typed(row.fields[i].p, row.fields[i].len);
		}
	}
	for (int i = 0; i < f->n; i++)
	{
		if (rows > 1 && typed[i] == rows - 1)
			return true;
	}
	return false;
}

bool
fixed_find(const char *text, size_t len, Dialect *d)
{
	Lines *lines = palloc0(sizeof(Lines));
	Run *runs = palloc(sizeof(Run) * (MOST_WIDTH + 1));
	FixedColumns *f;
	int n;

	if (!add_lines(lines, text, len, d->o.cr ? '\r' : '\n'))
		return false;
	n = find_runs(lines, runs);
	if (n < 2)
		return false;
	f = columns_of(runs, n);
	if (!any_typed(f, text, len, d))
		return false;
	d->o.format = FORMAT_FIXED;
	d->o.columns = f;
	d->width = n;
	add_choice(&d->choices, "format", pstrdup("fixed"),
			   psprintf("%d columns of blanks in %d lines separate their contents", n - 1, lines->n), pstrdup("csv"));
	add_choice(&d->choices, "columns", fixed_print(f), pstrdup("where texts begin and end in all these lines"), NULL);
	return true;
}
