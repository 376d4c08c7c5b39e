/*
 * xlsx_cell.c
 *		Places of cells, and the texts that their numbers are.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "common/shortest_dec.h"
#include "files_fdw/xlsx_cell.h"
#include "utils/datetime.h"

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define MOST_EXPONENT 330 /* beyond it no double is */
#define MS_PER_DAY 86400000
#define LAST_DAY 2958465    /* 9999-12-31, from 1900 on */
#define LEAP_DAY 60         /* 1900-02-29, which the workbooks' calendar has and no other */
#define JULIAN_1900 2415019 /* of day 0, 1899-12-30, from day 61 on */
#define JULIAN_1904 2416481 /* of day 0, 1904-01-01 */

const SheetRange whole_sheet = {1, MOST_ROWS_OF_SHEET, 0, MOST_COLUMNS_OF_SHEET - 1, false};

/* -- places -- */

/* Letters, and digits; -1 and 0: there are none.  NULL: they are beyond what sheets have */
static const char *
read_corner(const char *p, int *column, int *row)
{
	int c = 0;
	int r = 0;

	for (; (*p | 32) >= 'a' && (*p | 32) <= 'z'; p++)
	{
		c = c * 26 + ((*p | 32) - 'a' + 1);
		if (c > MOST_COLUMNS_OF_SHEET)
			return NULL;
	}
	if (*p == '0')
		return NULL;
	for (; IS_DIGIT(*p); p++)
	{
		r = r * 10 + (*p - '0');
		if (r > MOST_ROWS_OF_SHEET)
			return NULL;
	}
	*column = c - 1;
	*row = r;
	return p;
}

bool
cell_place(const char *p, int *column, int *row)
{
	p = read_corner(p, column, row);
	return p && *p == '\0' && *column >= 0 && *row > 0;
}

char *
cell_name(int column, int64 row, char *to)
{
	char letters[4] = {0};
	int at = lengthof(letters) - 1;

	for (int c = column + 1; c > 0 && at > 0; c = (c - 1) / 26)
		letters[--at] = (char) ('A' + (c - 1) % 26);
	snprintf(to, 16, "%s" INT64_FORMAT, letters + at, row);
	return to;
}

bool
range_read(const char *text, SheetRange *range)
{
	int column;
	int row;
	const char *p = read_corner(text, &column, &row);

	*range = whole_sheet;
	if (p == NULL || (column < 0 && row == 0))
		return false;
	range->columns = column >= 0;
	range->first_column = Max(column, 0);
	range->first_row = Max(row, 1);
	if (*p == '\0')
		return true;
	p = *p == ':' ? read_corner(p + 1, &column, &row) : NULL;
	if (p == NULL || *p != '\0' || (column < 0 && row == 0) || (column >= 0 && !range->columns))
		return false;
	range->last_column = column >= 0 ? column : range->last_column;
	range->last_row = row > 0 ? row : range->last_row;
	return range->last_column >= range->first_column && range->last_row >= range->first_row;
}

char *
range_print(int column, int row)
{
	char name[16];

	return column > 0 ? pstrdup(cell_name(column, row, name)) : psprintf("%d", row);
}

/* -- numbers -- */

/* A number in its pieces */
typedef struct Written
{
	const char *digits; /* before and behind the point */
	int before;
	const char *behind;
	int nbehind;
	int exponent;
	bool negative;
} Written;

static bool
take_apart(const char *p, int len, Written *w)
{
	const char *end = p + len;
	bool minus;

	*w = (Written){.negative = len > 0 && *p == '-'};
	p += len > 0 && (*p == '-' || *p == '+');
	for (w->digits = p; p < end && IS_DIGIT(*p); p++)
		w->before++;
	if (p < end && *p == '.')
		p++;
	for (w->behind = p; p < end && IS_DIGIT(*p); p++)
		w->nbehind++;
	if (w->before + w->nbehind == 0)
		return false;
	if (p == end)
		return true;
	if (*p != 'e' && *p != 'E')
		return false;
	minus = ++p < end && *p == '-';
	p += p < end && (*p == '-' || *p == '+');
	if (p == end)
		return false;
	for (; p < end && IS_DIGIT(*p) && w->exponent <= MOST_EXPONENT; p++)
		w->exponent = w->exponent * 10 + (*p - '0');
	if (p < end || w->exponent > MOST_EXPONENT)
		return false;
	w->exponent = minus ? -w->exponent : w->exponent;
	return true;
}

static char
digit_at(const Written *w, int at)
{
	if (at < 0 || at >= w->before + w->nbehind)
		return '0';
	return at < w->before ? w->digits[at] : w->behind[at - w->before];
}

/*
 * A cell's number is a double.  Excel writes 17 digits of it where 19.99 was typed, 19.989999999999998; the fewest that
 * are that double again are what was meant, and what is shown.  Whole numbers of more digits than a double has were
 * written by others, who meant them.
 */
static bool
take_shortest(const char *p, int len, Written *w, char *shortest)
{
	char number[64];
	double d;

	if (w->before + w->nbehind <= DBL_DIG || (w->nbehind == 0 && w->exponent == 0) || len >= (int) sizeof(number))
		return true;
	memcpy(number, p, len);
	number[len] = '\0';
	d = strtod(number, NULL);
	return !isfinite(d) || take_apart(shortest, double_to_shortest_decimal_buf(d, shortest), w);
}

bool
number_text(const char *p, int len, StringInfo out)
{
	char shortest[DOUBLE_SHORTEST_DECIMAL_LEN];
	Written w;
	int point; /* digits before it */
	int from;

	if (!take_apart(p, len, &w) || !take_shortest(p, len, &w, shortest))
		return false;
	/* some write 1001.0 for 1001 */
	for (from = 0; from < w.nbehind && w.behind[from] == '0'; from++)
		;
	if (from == w.nbehind)
		w.nbehind = 0;
	point = w.before + w.exponent;
	if (w.negative)
		appendStringInfoChar(out, '-');
	for (from = Min(point, 0); from < point - 1 && digit_at(&w, from) == '0'; from++)
		;
	if (point <= 0)
		appendStringInfoChar(out, '0');
	for (; from < point; from++)
		appendStringInfoChar(out, digit_at(&w, from));
	if (w.before + w.nbehind > point)
		appendStringInfoChar(out, '.');
	for (; from < w.before + w.nbehind; from++)
		appendStringInfoChar(out, digit_at(&w, from));
	return true;
}

/* -- days -- */

/* False: there is no such day */
static bool
append_day(StringInfo out, int64 day, bool since_1904)
{
	int y, m, d;

	if (day < 0 || day > LAST_DAY - (since_1904 ? JULIAN_1904 - JULIAN_1900 : 0))
		return false;
	if (since_1904)
		day += JULIAN_1904;
	else if (day == 0 || day == LEAP_DAY)
		return false;
	else
		day += JULIAN_1900 + (day < LEAP_DAY);
	j2date((int) day, &y, &m, &d);
	appendStringInfo(out, "%04d-%02d-%02d", y, m, d);
	return true;
}

static void
append_time(StringInfo out, int64 ms)
{
	appendStringInfo(out, "%02d:%02d:%02d", (int) (ms / 3600000), (int) (ms / 60000 % 60), (int) (ms / 1000 % 60));
	if (ms % 1000 != 0)
		appendStringInfo(out, ".%03d", (int) (ms % 1000));
}

/* A double has no more of a time than its milliseconds, to which office programs round it as well */
bool
moment_text(CellKind kind, bool since_1904, const char *p, StringInfo out)
{
	double serial = strtod(p, NULL);
	int64 day;
	int64 ms;

	if (!(fabs(serial) <= LAST_DAY + 1))
		return false;
	if (kind == CELL_DURATION)
	{
		ms = llround(fabs(serial) * MS_PER_DAY);
		if (serial < 0)
			appendStringInfoChar(out, '-');
		append_time(out, ms);
		return true;
	}
	if (serial < 0)
		return false;
	day = (int64) floor(serial);
	ms = llround((serial - (double) day) * MS_PER_DAY);
	/* perhaps 24:00:00 */
	if (kind == CELL_TIME && day == 0)
	{
		append_time(out, ms);
		return true;
	}
	day += ms / MS_PER_DAY;
	ms %= MS_PER_DAY;
	if (!append_day(out, day, since_1904))
		return false;
	if (kind == CELL_DATE && ms == 0)
		return true;
	appendStringInfoChar(out, ' ');
	append_time(out, ms);
	return true;
}
