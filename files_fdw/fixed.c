/*
 * fixed.c
 *		Lines whose fields stand in the same places.
 *
 * Blanks around a field fill it up.  A line may end early: then the blanks at its end were taken away, and columns
 * behind it are null.
 */
#include "postgres.h"

#include "files_fdw/fixed.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#define MOST_COLUMNS 1600
#define MOST_PLACE 10000000

/* -- option columns -- */

/* A place, from 1 on; false: none stands there */
static bool
read_place(const char **p, int *place)
{
	int64 n = 0;
	const char *start = *p;

	for (; **p >= '0' && **p <= '9' && n <= MOST_PLACE; (*p)++)
		n = n * 10 + (**p - '0');
	*place = (int) n;
	return *p > start && n > 0 && n <= MOST_PLACE;
}

static const char *
read_column(const char *p, FixedColumn *c)
{
	int place;

	p += strspn(p, " ");
	if (!read_place(&p, &place))
		return NULL;
	c->from = place - 1;
	c->to = place;
	p += strspn(p, " ");
	if (*p != '-')
		return p;
	p++;
	p += strspn(p, " ");
	c->to = FIXED_END;
	if (*p == ',' || *p == '\0')
		return p;
	if (!read_place(&p, &c->to) || c->to <= c->from)
		return NULL;
	return p + strspn(p, " ");
}

FixedColumns *
fixed_read(const char *text, const char **problem)
{
	FixedColumns *f;
	int n = 1;

	for (const char *p = text; *p; p++)
		n += *p == ',';
	*problem = "It has too many columns.";
	if (n > MOST_COLUMNS)
		return NULL;
	f = palloc0(offsetof(FixedColumns, columns) + sizeof(FixedColumn) * n);
	*problem = "It must be positions of columns, the first character being 1, such as: 1-8, 9-38, 41, 42-";
	for (const char *p = text;; p++)
	{
		FixedColumn *c = &f->columns[f->n++];

		p = read_column(p, c);
		if (p == NULL || (*p != ',' && *p != '\0'))
			return NULL;
		if (f->n > 1 && c->from < c[-1].to)
		{
			*problem = "Columns must follow one another.";
			return NULL;
		}
		if (*p == '\0')
			break;
	}
	*problem = NULL;
	return f;
}

char *
fixed_print(const FixedColumns *f)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < f->n; i++)
	{
		const FixedColumn *c = &f->columns[i];

		appendStringInfo(&out, "%s%d", i > 0 ? ", " : "", c->from + 1);
		if (c->to == FIXED_END)
			appendStringInfoChar(&out, '-');
		else if (c->to > c->from + 1)
			appendStringInfo(&out, "-%d", c->to);
	}
	return out.data;
}

/* -- rows -- */

/* A place in a line: bytes, and the characters before it */
typedef struct Walk
{
	const char *p;
	const char *end;
	int at;
} Walk;

/* On to a character, or to the end */
static void
walk_to(Walk *w, int to)
{
	if (pg_database_encoding_max_length() == 1)
	{
		int n = (int) Min(w->end - w->p, (int64) to - w->at);

		w->p += n;
		w->at += n;
		return;
	}
	while (w->at < to && w->p < w->end)
	{
		w->p += (unsigned char) *w->p < 128 ? 1 : pg_mblen(w->p);
		w->at++;
	}
	w->p = Min(w->p, w->end);
}

static void
take_field(const char *p, const char *end, Field *field)
{
	while (p < end && *p == ' ')
		p++;
	while (p < end && end[-1] == ' ')
		end--;
	*field = (Field){p, (int) (end - p), 0};
}

/* What stands between columns, or behind them, would be lost */
static bool
is_blank(const Walk *from, const Walk *to, Row *row)
{
	Field between;

	take_field(from->p, to->p, &between);
	if (between.len == 0)
		return true;
	row->fault.value = between.p;
	row->fault.len = Min(between.len, 200);
	return complain(&row->fault, ERRCODE_BAD_COPY_FILE_FORMAT, "there is something in characters %d to %d, where "
															   "there is no column",
					from->at + 1, to->at);
}

void
fixed_cut(const FixedColumns *f, Row *row)
{
	Walk w = {row->text, row->text + row->len, 0};
	Walk before;

	if (row->room < f->n)
	{
		row->room = f->n;
		row->fields = row->fields ? repalloc(row->fields, sizeof(Field) * f->n) : palloc(sizeof(Field) * f->n);
	}
	row->nfields = f->n;
	for (int i = 0; i < f->n; i++)
	{
		before = w;
		walk_to(&w, f->columns[i].from);
		if (!f->ignore_extra && !is_blank(&before, &w, row))
			return;
		before = w;
		walk_to(&w, f->columns[i].to);
		take_field(before.p, w.p, &row->fields[i]);
	}
	before = w;
	walk_to(&w, FIXED_END);
	if (!f->ignore_extra)
		(void) is_blank(&before, &w, row);
}
