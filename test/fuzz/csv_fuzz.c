/*
 * csv_fuzz.c
 *		Fuzzer for the reader of CSV: a dialect, the sizes of the pieces in which the text comes, and the text.
 *
 * Whatever the text: it is read to its end, no byte of it belongs to no row, and rows do not depend on the pieces.
 */
#include "postgres.h"

#include "files_fdw/csv.h"
#include "files_fdw/fixed.h"
#include "test/fuzz/files_standins.h"

/* -- a text that comes in pieces -- */

struct Input
{
	const uint8_t *data;
	size_t size;
	size_t at;
	size_t piece;
};

size_t
input_read(Input *in, char *to, size_t room)
{
	size_t n = Min(Min(in->size - in->at, in->piece), room);

	memcpy(to, in->data + in->at, n);
	in->at += n;
	return n;
}

void
input_seek(Input *in, int64 offset)
{
	in->at = (size_t) offset;
}

/* -- what must hold -- */

typedef struct Seen
{
	int64 position;
	int64 line;
	size_t len;
	int fields;
	uint32 hash; /* of fields, without their escapes */
	bool bad;
} Seen;

static TableOptions
dialect_of(const uint8_t *data)
{
	static const char delimiters[] = ",;\t|";
	TableOptions o = {.encoding = PG_UTF8, .max_row_bytes = 1 << 20};

	o.delimiter = delimiters[data[0] & 3];
	o.quote = (data[0] & 4) ? '\'' : (data[0] & 8) ? 0
												   : '"';
	o.escape = (data[0] & 16) ? '\\' : o.quote;
	o.cr = (data[0] & 96) == 96;
	o.comment = (data[0] & 128) ? '#' : 0;
	o.multiline = (data[1] & 1) == 0;
	o.lazy_quotes = (data[1] & 2) != 0;
	/* lines of fixed width */
	if (data[1] & 4)
	{
		static FixedColumns *columns;

		columns = columns ? columns : malloc(offsetof(FixedColumns, columns) + 3 * sizeof(FixedColumn));
		columns->ignore_extra = (data[1] & 8) != 0;
		columns->n = 1 + data[2] % 3;
		for (int i = 0; i < columns->n; i++)
			columns->columns[i] = (FixedColumn){i * 4, (data[1] & 16) && i == columns->n - 1 ? FIXED_END : i * 4 + 1 + data[2] % 4};
		o.format = FORMAT_FIXED;
		o.columns = columns;
		o.quote = o.escape = 0;
		o.multiline = false;
	}
	return o;
}

/* Between rows there are ends of lines, and comments */
static void
check_gap(const TableOptions *o, const uint8_t *data, size_t from, size_t to)
{
	bool comment = false;

	for (size_t i = from; i < to; i++)
	{
		bool end = data[i] == '\n' || data[i] == '\r';

		/* a comment ends with its line, whatever else is in it */
		if (data[i] == (o->cr ? '\r' : '\n'))
			comment = false;
		else if (o->comment != 0 && data[i] == o->comment)
			comment = true;
		CHECK(end || comment);
	}
}

static int
read_rows(const TableOptions *o, const uint8_t *data, size_t size, size_t piece, int expected, Seen *seen, int most)
{
	Input in = {data, size, 0, piece};
	Reader *r = reader_new(&in, (size_t) o->max_row_bytes);
	Csv *csv = csv_new(r, o);
	Row row = {0};
	size_t behind = 0;
	int n = 0;

	csv->expected = expected;
	while (csv_next(csv, &row))
	{
		Seen *s = &seen[n];

		CHECK(n < most);
		CHECK(row.position >= (int64) behind && row.position + (int64) row.len <= (int64) size);
		CHECK(memcmp(row.text, data + row.position, row.len) == 0);
		check_gap(o, data, behind, (size_t) row.position);
		behind = (size_t) row.position + row.len;
		*s = (Seen){row.position, row.line, row.len, row.nfields, 0, row.fault.sqlstate != 0};
		CHECK(s->bad || (o->columns ? row.nfields == o->columns->n : expected == 0 || row.nfields == expected));
		for (int i = 0; i < row.nfields && !s->bad; i++)
		{
			char *text = palloc(row.fields[i].len + 1);
			int len = csv_unescape(csv, &row.fields[i], text);

			CHECK(len >= 0 && len <= row.fields[i].len);
			s->hash = s->hash * 31 + hash_bytes((unsigned char *) text, len);
		}
		if (s->bad)
			s->fields = 0;
		n++;
	}
	check_gap(o, data, behind, size);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TableOptions o;
	Seen *whole;
	Seen *pieces;
	int expected;
	int n;
	size_t piece;

	if (size < 4)
		return 0;
	o = dialect_of(data);
	expected = data[2] % 5;
	piece = 1 + data[3] % 97;
	data += 4;
	size -= 4;
	whole = malloc(sizeof(Seen) * (size + 2));
	pieces = malloc(sizeof(Seen) * (size + 2));
	if (setjmp(failed) == 0)
	{
		n = read_rows(&o, data, size, size + 1, expected, whole, (int) size + 2);
		CHECK(read_rows(&o, data, size, piece, expected, pieces, (int) size + 2) == n);
		for (int i = 0; i < n; i++)
			CHECK(memcmp(&whole[i], &pieces[i], sizeof(Seen)) == 0);
	}
	else
		CHECK(false);
	forget_all();
	free(whole);
	free(pieces);
	return 0;
}
