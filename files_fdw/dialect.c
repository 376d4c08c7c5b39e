/*
 * dialect.c
 *		How a file is written: its encoding, its format, its signs, its header.
 *
 * Every delimiter and quote that is in the beginning of a file is tried, by the reader that reads rows later.  The
 * best is by which most rows have the same number of fields, and most fields are something that is known: a number, a
 * date, a word.  Two that are nearly as good are no answer.
 */
#include "postgres.h"

#include "files_fdw/csv.h"
#include "files_fdw/dialect.h"
#include "files_fdw/fixed.h"
#include "files_fdw/guess.h"
#include "files_fdw/input.h"
#include "files_fdw/json.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#define SAMPLE_BYTES 262144
#define SAMPLE_ROWS 2000
#define MOST_WIDTH 512 /* widths that are counted apart */
#define NEAR 0.95      /* so near the best is no second best */
#define MOST_PREAMBLE 10
#define MOST_LINES 300 /* that tell where the table begins */

void
add_choice(List **choices, const char *name, char *value, char *evidence, char *runner_up)
{
	Choice *choice = palloc(sizeof(Choice));

	*choice = (Choice){name, value, evidence, runner_up};
	*choices = lappend(*choices, choice);
}

/* -- the sample -- */

/* The beginning of a file, unpacked, in an encoding; how much there is, and whether it is all */
static char *
read_sample(Root *root, FileInfo *file, FileEncoding encoding, size_t *len, bool *whole)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "files sample", ALLOCSET_DEFAULT_SIZES);
	char *text = palloc(SAMPLE_BYTES + 1);
	MemoryContext old = MemoryContextSwitchTo(context);
	Input *in = input_new(root->routine->open(root, file), file, COMPRESS_AUTO, encoding);
	size_t got;

	*len = 0;
	*whole = false;
	while (*len < SAMPLE_BYTES && !*whole)
	{
		got = input_read(in, text + *len, SAMPLE_BYTES - *len);
		*whole = got == 0;
		*len += got;
		/* of a conversion the last characters may not fit */
		if (SAMPLE_BYTES - *len < 64)
			break;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	text[*len] = '\0';
	return text;
}

/* UTF-16 has zeros in every other byte of what is ASCII */
static FileEncoding
wide_encoding(const unsigned char *p, size_t n)
{
	size_t zeros[2] = {0, 0};

	if (n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		return ENCODING_UTF16;
	for (size_t i = 0; i < Min(n, 4096); i++)
		zeros[i & 1] += p[i] == 0;
	if (zeros[1] * 10 > Min(n, 4096) * 2 && zeros[0] * 20 < zeros[1])
		return ENCODING_UTF16LE;
	if (zeros[0] * 10 > Min(n, 4096) * 2 && zeros[1] * 20 < zeros[0])
		return ENCODING_UTF16BE;
	return -1;
}

static void
find_encoding(Root *root, FileInfo *file, Dialect *d)
{
	size_t len;
	bool whole;
	char *raw = read_sample(root, file, PG_SQL_ASCII, &len, &whole);
	FileEncoding wide = wide_encoding((unsigned char *) raw, len);
	int valid;

	d->empty = len == 0;
	if (wide >= 0)
	{
		d->o.encoding = wide;
		add_choice(&d->choices, "encoding", pstrdup(encoding_name(wide)),
				   pstrdup(wide == ENCODING_UTF16 ? "a byte order mark" : "zeros in every other byte"), NULL);
		return;
	}
	valid = pg_encoding_verifymbstr(PG_UTF8, raw, (int) len);
	/* what the end of the sample cuts is no fault */
	if (valid == len || (!whole && len - valid < 4))
	{
		bool mark = len >= 3 && memcmp(raw, "\357\273\277", 3) == 0;
		bool ascii = true;

		for (size_t i = 0; i < len; i++)
			ascii &= (unsigned char) raw[i] < 128;
		d->o.encoding = PG_UTF8;
		add_choice(&d->choices, "encoding", pstrdup("UTF8"),
				   pstrdup(mark    ? "a byte order mark"
						   : ascii ? "nothing but ASCII so far"
								   : "all is valid"),
				   NULL);
		return;
	}
	d->o.encoding = PG_WIN1252;
	for (size_t i = 0; i < len; i++)
	{
		/* what windows-1252 has not */
		if (raw[i] != '\0' && strchr("\201\215\217\220\235", raw[i]) != NULL)
			d->o.encoding = PG_LATIN1;
	}
	add_choice(&d->choices, "encoding", pstrdup(pg_encoding_to_char(d->o.encoding)),
			   psprintf("not UTF-8: byte %02x at position %d; no file tells which single-byte encoding it is",
						(unsigned char) raw[valid], valid),
			   pstrdup("UTF8"));
}

/* -- what a cell is -- */

static bool
is_word_cell(const char *p, int len)
{
	int odd = 0;

	for (int i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) p[i];

		if (c == '\t' || c == ';' || c == '|' || c == '^' || c == '~' || c < ' ' || c == '"')
			return false;
		odd += strchr(",:{}[]<>=*\\", c) != NULL;
	}
	return odd == 0 || (odd * 8 < len && len > 12);
}

static bool
is_known_cell(Guess *g, const Field *field)
{
	*g = (Guess){.may = MAY_ALL & ~(MAY_BOOL | MAY_JSON), .all_eight = true};
	if (field->len == 0)
		return true;
	if (field->len > 200)
		return false;
	/* half of what stands in other quotes */
	if (!(field->flags & FIELD_QUOTED) &&
		(strchr("\"'", field->p[0]) != NULL || strchr("\"'", field->p[field->len - 1]) != NULL))
		return false;
	guess_add(g, field->p, field->len, 0, false, "", 0);
	return g->may != 0 || g->nwords > 0 || (field->flags & FIELD_QUOTED) || is_word_cell(field->p, field->len);
}

/* -- a try -- */

typedef struct Try
{
	char delimiter;
	char quote;
	char escape;
	bool lazy;
	int rows;
	int faults;
	int width;    /* of most rows */
	int alike;    /* rows that have it */
	double known; /* share of cells */
	double score;
	int quoted; /* fields */
} Try;

static void
make_try(const char *text, size_t len, const Dialect *d, Try *t)
{
	TableOptions o = d->o;
	Reader *r = reader_of_text(text, len);
	int widths[MOST_WIDTH + 1] = {0};
	int64 cells = 0;
	int64 known = 0;
	Row row = {0};
	Csv *csv;
	Guess *g = palloc0(sizeof(Guess));

	o.delimiter = t->delimiter;
	o.quote = t->quote;
	o.escape = t->escape;
	o.lazy_quotes = t->lazy;
	o.multiline = true;
	csv = csv_new(r, &o);
	reader_skip_mark(r);
	while (t->rows < SAMPLE_ROWS && csv_next(csv, &row))
	{
		t->rows++;
		if (row.fault.sqlstate != 0)
		{
			t->faults++;
			continue;
		}
		widths[Min(row.nfields, MOST_WIDTH)]++;
		for (int i = 0; i < Min(row.nfields, 64) && t->rows <= 300; i++)
		{
			cells++;
			known += is_known_cell(g, &row.fields[i]);
			t->quoted += (row.fields[i].flags & FIELD_QUOTED) != 0;
		}
	}
	for (int w = MOST_WIDTH; w > 0; w--)
	{
		/* rows before the table are fewer, and so are those behind it */
		if (widths[w] > t->alike)
		{
			t->alike = widths[w];
			t->width = w;
		}
	}
	t->known = cells > 0 ? (double) known / cells : 0;
	if (t->rows > 0 && t->width > 1)
	{
		/* sixty rows that differ are a table no more; three before a table of eight are */
		double alike = (double) t->alike / t->rows;

		t->score = alike * t->known * (t->width - 1) / t->width * (1 - (double) t->faults / t->rows);
		/* texts have them, whatever divides their fields */
		if (t->delimiter == ' ' || t->delimiter == ':')
			t->score *= 0.6;
	}
	else
		t->score = t->rows > 0 ? 0.02 * t->known : 0;
}

static const char *
sign_name(char c)
{
	return c == 0 ? "none" : c == '\t' ? "tab"
						 : c == ' '    ? "space"
									   : byte_print(c);
}

static char *
describe_try(const Try *t)
{
	return psprintf("%d of %d rows have %d fields, %d %% of which are numbers, dates or words", t->alike, t->rows,
					t->width, (int) (t->known * 100));
}

/* All quotes with a delimiter, the best of them */
static Try
best_of_delimiter(const char *text, size_t len, const Dialect *d, char delimiter)
{
	bool has_double = memchr(text, '"', len) != NULL;
	bool has_single = memchr(text, '\'', len) != NULL;
	bool backslash = strstr(text, "\\\"") != NULL || strstr(text, "\\'") != NULL;
	Try best = {.score = -1};

	for (int kind = 0; kind < 4; kind++)
	{
		for (int escaped = 0; escaped < 2; escaped++)
		{
			static const char quotes[] = {'"', '"', '\'', 0};
			Try t = {.delimiter = delimiter, .quote = quotes[kind], .escape = quotes[kind], .lazy = kind == 1};

			if ((kind == 1 && !has_double) || (kind == 2 && !has_single) || (kind == 3 && !has_double))
				continue;
			if (escaped && (!backslash || kind == 3))
				continue;
			if (escaped)
				t.escape = '\\';
			make_try(text, len, d, &t);
			/* an apostrophe is a quote only where it closes what it opens */
			if (kind == 2 && (t.quoted == 0 || t.faults > 0))
				continue;
			if (kind == 2)
				t.score *= 1.02;
			/* quotes that are data are the last resort */
			if (kind == 1)
				t.score *= 0.97;
			if (kind == 3)
				t.score *= 0.9;
			if (t.score > best.score * 1.0001)
				best = t;
		}
	}
	return best;
}

/* A line without its end and without quotes around it; which quote there was goes to *quote */
static const char *
bare_line(const char *p, const char *end, char newline, size_t *len, char *quote)
{
	const char *stop = memchr(p, newline, end - p);
	size_t n = (stop ? stop : end) - p;

	if (n > 0 && p[n - 1] == '\r')
		n--;
	if (n > 1 && (*p == '"' || *p == '\'') && p[n - 1] == *p)
	{
		*quote = *p++;
		n -= 2;
	}
	*len = n;
	return p;
}

/* Are lines, but for the first, each one number, date or time as a whole? */
static bool
lines_are_values(const char *text, size_t len, char newline, char *quote)
{
	const char *end = text + len;
	int lines = 0;
	int typed = 0;

	for (const char *p = text; p < end && lines < 300;)
	{
		const char *stop = memchr(p, newline, end - p);
		size_t n;
		const char *line = bare_line(p, end, newline, &n, quote);

		lines += n > 0;
		typed += n > 0 && n < 100 && cell_is_typed(line, (int) n);
		p = stop ? stop + 1 : end;
	}
	return typed > 0 && typed >= lines - 1;
}

/*
 * Is it one column after all?  Times have blanks and colons, and numbers commas; then the first line, a name, has
 * none.  And what one row alone has divides nothing: the others would be no part of the table.
 */
static bool
is_one_column(const char *text, size_t len, const Dialect *d, const Try *best, char *quote)
{
	char newline = d->o.cr ? '\r' : '\n';
	const char *stop = memchr(text, newline, len);
	bool in_first = memchr(text, best->delimiter, stop ? stop - text : len) != NULL;

	*quote = '"';
	if (best->width < 2)
		return false;
	if (best->alike < 2 && best->rows > 1)
		return true;
	return (best->delimiter == ' ' || best->delimiter == ':' || !in_first) &&
		   lines_are_values(text, len, newline, quote);
}

/* A delimiter that is not there */
static Try
one_column(const char *text, size_t len, const Dialect *d, char quote)
{
	static const char delimiters[] = {',', ';', '\t', '|', '\37'};
	Try t = {.quote = quote, .escape = quote};

	for (int i = 0; i < lengthof(delimiters); i++)
	{
		t.delimiter = delimiters[i];
		if (memchr(text, t.delimiter, len) == NULL)
			break;
	}
	make_try(text, len, d, &t);
	return t;
}

static void
find_signs(const char *text, size_t len, Dialect *d, Try *found)
{
	static const char delimiters[] = {',', ';', '\t', '|', '^', '~', '\1', '\37', ' ', ':'};
	Try best = {.score = -1};
	Try second = {.score = -1};
	char quote;

	for (int i = 0; i < lengthof(delimiters); i++)
	{
		Try t;

		if (delimiters[i] != ',' && memchr(text, delimiters[i], len) == NULL)
			continue;
		t = best_of_delimiter(text, len, d, delimiters[i]);
		if (t.score > best.score)
		{
			second = best;
			best = t;
		}
		else if (t.score > second.score)
			second = t;
	}
	if (is_one_column(text, len, d, &best, &quote))
	{
		second = best;
		best = one_column(text, len, d, quote);
	}
	*found = best;
	d->o.delimiter = best.delimiter;
	d->o.quote = best.quote;
	d->o.escape = best.escape;
	d->o.lazy_quotes = best.lazy;
	d->width = best.width;
	d->score = best.score;
	add_choice(&d->choices, "delimiter", pstrdup(sign_name(best.delimiter)), describe_try(&best),
			   second.score > 0 ? psprintf("%s: %s", sign_name(second.delimiter), describe_try(&second)) : NULL);
	add_choice(&d->choices, "quote", pstrdup(sign_name(best.quote)),
			   best.quoted > 0 ? psprintf("%d fields begin and end with it", best.quoted) : pstrdup("no field has one"),
			   NULL);
	if (best.escape != best.quote)
		add_choice(&d->choices, "escape", pstrdup(sign_name(best.escape)), pstrdup("a backslash precedes quotes"),
				   pstrdup(sign_name(best.quote)));
	if (best.lazy)
		add_choice(&d->choices, "lazy_quotes", pstrdup("on"),
				   pstrdup("quotes occur within fields that do not begin with one"), pstrdup("off"));
	if (best.width > 1 && second.width > 1 && second.score > best.score * NEAR)
		d->problem = psprintf("the delimiter may be %s (%s) or %s (%s)", sign_name(best.delimiter), describe_try(&best),
							  sign_name(second.delimiter), describe_try(&second));
}

/* -- where the table begins -- */

void
sample_row_keep(SampleRow *to, const Row *row)
{
	to->line = row->line;
	to->n = row->fault.sqlstate ? 0 : row->nfields;
	to->cells = palloc(sizeof(char *) * (to->n + 1));
	to->lens = palloc(sizeof(int) * (to->n + 1));
	for (int i = 0; i < to->n; i++)
	{
		to->cells[i] = pnstrdup(row->fields[i].p, row->fields[i].len);
		to->lens[i] = row->fields[i].len;
	}
}

void
sample_row_cut(SampleRow *row, int from, int to)
{
	char **cells = palloc(sizeof(char *) * (to - from + 1));
	int *lens = palloc0(sizeof(int) * (to - from + 1));

	for (int i = from; i < to; i++)
	{
		cells[i - from] = i < row->n ? row->cells[i] : "";
		lens[i - from] = i < row->n ? row->lens[i] : 0;
	}
	row->cells = cells;
	row->lens = lens;
	row->n = to - from;
}

static int
keep_lines(const char *text, size_t len, const Dialect *d, SampleRow *lines, int most)
{
	Reader *r = reader_of_text(text, len);
	Csv *csv = csv_new(r, &d->o);
	Row row = {0};
	int n = 0;

	csv->multiline = true;
	reader_skip_mark(r);
	while (n < most && csv_next(csv, &row))
		sample_row_keep(&lines[n++], &row);
	return n;
}

bool
cell_is_typed(const char *text, int len)
{
	Guess g = {.may = MAY_ALL & ~(MAY_BOOL | MAY_JSON), .all_eight = true};

	if (len == 0)
		return false;
	guess_add(&g, text, len, 0, false, "", 0);
	return g.may != 0;
}

/* A year of our time, as headers of time series have them */
static bool
is_year(const char *text, int len)
{
	return len == 4 && strspn(text, "0123456789") == 4 && (strncmp(text, "19", 2) == 0 || strncmp(text, "20", 2) == 0);
}

/* Does a column's first cell stand apart from those below it?  1: as a name, -1: as one of them, 0: it does not tell */
static int
judge_column(const SampleRow *lines, int first, int n, int column)
{
	int typed = 0;
	int filled = 0;
	int again = 0;
	int years = 0;
	const SampleRow *head = &lines[first];
	Guess one = {.may = MAY_ALL & ~(MAY_BOOL | MAY_JSON), .all_eight = true};
	Guess below = one;
	bool head_typed = cell_is_typed(head->cells[column], head->lens[column]);

	for (int i = first + 1; i < n; i++)
	{
		const char *cell = lines[i].n > column ? lines[i].cells[column] : "";

		if (*cell == '\0')
			continue;
		filled++;
		typed += cell_is_typed(cell, lines[i].lens[column]);
		years += is_year(cell, lines[i].lens[column]);
		again += strcmp(cell, head->cells[column]) == 0;
		guess_add(&below, cell, lines[i].lens[column], 0, false, "", 0);
	}
	if (head_typed)
	{
		/* a year above numbers, a date above numbers */
		guess_add(&one, head->cells[column], head->lens[column], 0, false, "", 0);
		if (filled > 2 && is_year(head->cells[column], head->lens[column]) && years * 2 < filled)
			return 1;
		return filled > 2 && below.may != 0 && (one.may & below.may) == 0 ? 1 : -1;
	}
	if (filled > 0 && typed * 10 >= filled * 7)
		return head->lens[column] > 0 ? 1 : 0;
	return again > 0 && filled > 1 ? -1 : 0;
}

/* Names are there, differ, and are no sentences */
static bool
could_be_names(const SampleRow *line)
{
	int empty = 0;

	for (int i = 0; i < line->n; i++)
	{
		empty += line->lens[i] == 0;
		if (line->lens[i] > 100 || cell_is_typed(line->cells[i], line->lens[i]))
			return false;
		for (int j = 0; j < i; j++)
		{
			if (line->lens[j] > 0 && strcmp(line->cells[i], line->cells[j]) == 0)
				return false;
		}
	}
	return empty == 0;
}

static void
find_header(Dialect *d, const SampleRow *lines, int n, int first)
{
	int sum = 0;
	int names = 0;

	if (first >= n)
		return;
	for (int c = 0; c < lines[first].n; c++)
	{
		int vote = judge_column(lines, first, n, c);

		sum += vote;
		names += vote > 0;
	}
	if (sum == 0)
		d->o.header = could_be_names(&lines[first]);
	else
		d->o.header = sum > 0;
	add_choice(&d->choices, "header", pstrdup(d->o.header ? "on" : "off"),
			   sum > 0       ? psprintf("%d cells of the first row are words above numbers or dates", names)
			   : sum < 0     ? pstrdup("cells of the first row are like those below")
			   : d->o.header ? pstrdup("cells of the first row are words that differ and do not occur again")
							 : pstrdup("the first row does not stand out"),
			   pstrdup(d->o.header ? "off" : "on"));
}

static int
filled_cells(const SampleRow *line)
{
	int n = 0;

	for (int i = 0; i < line->n; i++)
		n += line->lens[i] > 0;
	return n;
}

/* A title of a sheet: its first cell alone, or none, though rows behind it are full */
static bool
is_title(const SampleRow *lines, int n, int at)
{
	int full = 0;

	if (lines[at].n < 3 || filled_cells(&lines[at]) > 1 || (filled_cells(&lines[at]) == 1 && lines[at].lens[0] == 0))
		return false;
	for (int i = at + 1; i < Min(n, at + 20); i++)
		full += filled_cells(&lines[i]) > 2 || filled_cells(&lines[i]) == lines[i].n;
	return full > 0 && full * 2 >= Min(n, at + 20) - at - 1 - MOST_PREAMBLE / 2;
}

static uint32
may_be(const char *text, int len)
{
	Guess g = {.may = MAY_ALL & ~(MAY_BOOL | MAY_JSON), .all_eight = true};

	guess_add(&g, text, len, 0, false, "", 0);
	return g.may;
}

/* What the cells of a column all may be, from a row on */
static uint32
column_may_be(const SampleRow *lines, int first, int n, int column)
{
	Guess g = {.may = MAY_ALL & ~(MAY_BOOL | MAY_JSON), .all_eight = true};

	for (int i = first; i < n; i++)
		if (lines[i].n > column)
			guess_add(&g, lines[i].cells[column], lines[i].lens[column], 0, false, "", 0);
	return g.values > 0 ? g.may : 0;
}

/* Is a row before the table as the table's rows are, but for their number of fields?  Numbers stand where they have numbers */
static bool
is_like_rows(const SampleRow *row, const SampleRow *lines, int first, int n)
{
	int typed = 0;

	if (row->n < 2 || filled_cells(row) < 2)
		return false;
	for (int c = 0; c < row->n; c++)
	{
		uint32 below = column_may_be(lines, first, n, c);

		if (row->lens[c] == 0 || below == 0)
			continue;
		if ((may_be(row->cells[c], row->lens[c]) & below) == 0)
			return false;
		typed++;
	}
	return typed > 0;
}

/* What is left out as no part of the table may be rows of it: then somebody has to say so */
static void
doubt_beginning(Dialect *d, const SampleRow *lines, int n, int first)
{
	int from = first + (d->o.header ? 1 : 0);
	bool typed = false;

	for (int i = 0; i < first && d->problem == NULL; i++)
	{
		if (is_like_rows(&lines[i], lines, from, n))
			d->problem = psprintf("line " INT64_FORMAT " has %d fields, not %d, but is like the rows after it: option "
								  "skip must say how many lines are not part of the table",
								  lines[i].line, lines[i].n, d->width);
	}
	for (int c = 0; c < d->width && !typed; c++)
		typed = column_may_be(lines, from, n, c) != 0;
	/* words between blanks are one text rather */
	if (d->problem == NULL && d->o.delimiter == ' ' && !typed)
		d->problem = psprintf("the delimiter may be space (%d fields), or there is one column: option delimiter must say", d->width);
}

/* Rows that begin as comments do, and are as wide as the table is, may be rows of it */
static bool
any_like_comment(const SampleRow *lines, int n, int first, int width)
{
	for (int i = first; i < n; i++)
		if (lines[i].n == width && lines[i].cells[0][0] == '#')
			return true;
	return false;
}

/* Rows before the first that is as wide as most are no part of the table, if they are few */
void
dialect_of_rows(Dialect *d, const SampleRow *lines, int n)
{
	int first = 0;
	int comments = 0;

	while (first < n && (lines[first].n != d->width || is_title(lines, n, first)))
	{
		comments += lines[first].n > 0 && lines[first].cells[0][0] == '#';
		first++;
	}
	if (first == n)
		first = 0;
	if (first > MOST_PREAMBLE)
	{
		if (d->problem == NULL)
			d->problem = psprintf("%d rows stand before the first that has %d fields as most have: option skip must "
								  "say how many lines are not part of the table",
								  first, d->width);
		first = 0;
	}
	if (first > 0 && comments == first && format_has_lines(d->o.format) && !any_like_comment(lines, n, first, d->width))
	{
		d->o.comment = '#';
		add_choice(&d->choices, "comment", pstrdup("#"), psprintf("%d lines before the table begin with it", comments),
				   pstrdup("none"));
	}
	else if (first > 0)
	{
		d->o.skip = (int) lines[first].line - 1;
		add_choice(&d->choices, "skip", psprintf("%d", d->o.skip),
				   psprintf("%d rows before the first with %d fields have other numbers of them or are titles, "
							"the first: \"%s\"",
							first, d->width,
							lines[0].n > 0 ? shown_text(lines[0].cells[0], strlen(lines[0].cells[0]), 40) : ""),
				   pstrdup("0"));
	}
	find_header(d, lines, n, first);
	if (first > 0 && comments < first)
		doubt_beginning(d, lines, n, first);
}

/* -- JSON -- */

/* Can the sample be read so?  Rows that were; the last may be cut */
static int
json_rows_in(const char *text, size_t len, const char *records, bool whole)
{
	TableOptions o;
	Reader *r = reader_of_text(text, len);
	JsonRows *j;
	Row row = {0};
	int n = 0;

	table_defaults(&o);
	o.records = (char *) records;
	j = json_rows_new(r, &o);
	j->learn = true;
	reader_skip_mark(r);
	while (n < 100 && json_next(j, &row))
	{
		if (row.fault.sqlstate != 0)
			/* the end of the sample */
			return whole || r->at < r->len - Min(r->len, SAMPLE_BYTES / 2) ? -1 : n;
		n++;
	}
	return n;
}

/* The first array of objects in the members of a document, two levels deep */
static char *
find_array(const char *text, size_t len, bool whole)
{
	TableOptions o;
	JsonRows *j;
	Row row = {0};

	table_defaults(&o);
	o.records = "$";
	j = json_rows_new(reader_of_text(text, len), &o);
	j->learn = true;
	if (!whole || !json_next(j, &row) || row.fault.sqlstate != 0)
		return NULL;
	for (int i = 0; i < j->nkeys; i++)
	{
		const Field *f = &row.fields[i];
		char *path = psprintf("$.%s", j->keys[i].name);

		if ((f->flags & FIELD_RAW) && f->len > 2 && f->p[0] == '[' && f->p[1 + strspn(f->p + 1, " \t\r\n")] == '{' &&
			strchr(j->keys[i].name, '.') == NULL)
			return path;
		if ((f->flags & FIELD_RAW) && f->p[0] == '{')
		{
			char *deeper = find_array(pnstrdup(f->p, f->len), f->len, true);

			if (deeper)
				return psprintf("%s%s", path, deeper + 1);
		}
	}
	return NULL;
}

/* An array with nothing in it: rows may come, but nothing tells of their columns */
static bool
is_empty_array(const char *p)
{
	if (*p++ != '[')
		return false;
	p += strspn(p, " \t\r\n");
	return *p == ']' && p[1 + strspn(p + 1, " \t\r\n")] == '\0';
}

static bool
find_json(const char *text, size_t len, bool whole, Dialect *d)
{
	const char *p = text;
	const char *records = NULL;
	int n = 0;

	if (strncmp(p, "\357\273\277", 3) == 0)
		p += 3;
	p += strspn(p, " \t\r\n");
	if (whole && is_empty_array(p))
	{
		d->o.format = FORMAT_JSON;
		d->o.records = pstrdup("$");
		d->no_rows = true;
		add_choice(&d->choices, "format", pstrdup("json"), pstrdup("an empty array"), NULL);
		add_choice(&d->choices, "records", pstrdup("$"), pstrdup("the document is an array"), NULL);
		return true;
	}
	if (*p != '{' && *p != '[')
		return false;
	if (*p == '{' && (n = json_rows_in(text, len, "lines", whole)) > 0)
		records = "lines";
	if (records == NULL || (n == 1 && whole))
	{
		char *path = *p == '{' ? find_array(text, len, whole) : NULL;

		if (path != NULL)
		{
			records = path;
			n = json_rows_in(text, len, path, whole);
		}
		else if (records == NULL && (n = json_rows_in(text, len, "$", whole)) > 0)
			records = "$";
	}
	if (records == NULL || n <= 0)
		return false;
	d->o.format = FORMAT_JSON;
	d->o.records = pstrdup(records);
	add_choice(&d->choices, "format", pstrdup("json"), psprintf("%d objects could be read", n), NULL);
	add_choice(&d->choices, "records", pstrdup(records),
			   pstrdup(strcmp(records, "lines") == 0 ? "an object in each line"
													 : "an array of objects, or objects one after the other"),
			   NULL);
	return true;
}

/* -- lines of fixed width -- */

/* Does nothing divide fields, or but blanks, and not in all rows the same number of them? */
static bool
is_loose(const Try *best)
{
	return best->width < 2 || best->delimiter == ':' ||
		   (best->delimiter == ' ' && (best->alike < best->rows || best->faults > 0));
}

/* Then columns of blanks may; and choices are those that were there before */
static void
find_fixed(const char *text, size_t len, Dialect *d, List *choices)
{
	List *of_signs = d->choices;

	d->choices = choices;
	if (!fixed_find(text, len, d))
		d->choices = of_signs;
	else
		d->problem = NULL;
}

/* -- all -- */

void
dialect_of_text(const char *text, size_t len, bool whole, Dialect *d)
{
	SampleRow *lines;
	List *choices;
	Try best;
	char quote;

	if (find_json(text, len, whole, d))
		return;
	choices = list_copy(d->choices);
	add_choice(&d->choices, "format", pstrdup("csv"), pstrdup("it does not begin as JSON does"), NULL);
	d->o.cr = memchr(text, '\n', len) == NULL && memchr(text, '\r', len) != NULL;
	if (d->o.cr)
		add_choice(&d->choices, "record", pstrdup("cr"), pstrdup("there are carriage returns and no line feeds"),
				   pstrdup("lf"));
	/* of the last line only a part may be there */
	if (!whole)
	{
		size_t cut = len;

		while (cut > 0 && text[cut - 1] != (d->o.cr ? '\r' : '\n'))
			cut--;
		if (cut > 0)
			len = cut;
	}
	find_signs(text, len, d, &best);
	/* a time is one value, though all have their blank in the same place */
	if (is_loose(&best) && !lines_are_values(text, len, d->o.cr ? '\r' : '\n', &quote))
		find_fixed(text, len, d, choices);
	lines = palloc0(sizeof(SampleRow) * MOST_LINES);
	dialect_of_rows(d, lines, keep_lines(text, len, d, lines, MOST_LINES));
}

void
dialect_find(Root *root, FileInfo *file, Dialect *d)
{
	size_t len;
	bool whole;
	char *text;

	memset(d, 0, sizeof(Dialect));
	table_defaults(&d->o);
	find_encoding(root, file, d);
	text = read_sample(root, file, d->o.encoding, &len, &whole);
	if (len == 0)
	{
		d->empty = true;
		return;
	}
	dialect_of_text(text, len, whole, d);
}
