/*
 * rows_fuzz.c
 *		Fuzzer for the reader of JSON: the kind of document, the size of pieces, and the text.
 *
 * Rows do not depend on the pieces in which the text comes; in lines no byte but blanks belongs to no row.
 */
#include "postgres.h"

#include "files_fdw/json.h"
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
	size_t len;
	uint32 hash;
	int bad;
} Seen;

static int
read_rows(const TableOptions *o, const uint8_t *data, size_t size, size_t piece, bool learn, Seen *seen, int most)
{
	Input in = {data, size, 0, piece};
	Reader *r = reader_new(&in, (size_t) o->max_row_bytes);
	JsonRows *j = json_rows_new(r, o);
	Row row = {0};
	size_t behind = 0;
	int n = 0;

	j->learn = learn;
	j->ignore_extra = !learn;
	(void) json_rows_key(j, "a", 1);
	(void) json_rows_key(j, "id", 2);
	while (json_next(j, &row))
	{
		Seen *s = &seen[n];

		CHECK(n < most);
		CHECK(row.position >= (int64) behind && row.position + (int64) row.len <= (int64) size);
		CHECK(memcmp(row.text, data + row.position, row.len) == 0);
		for (size_t i = behind; j->lines && i < (size_t) row.position; i++)
			CHECK(strchr(" \t\r\n", data[i]) != NULL);
		behind = (size_t) row.position + row.len;
		memset(s, 0, sizeof(Seen));
		s->position = row.position;
		s->len = row.fatal ? 0 : row.len;
		s->bad = row.fault.sqlstate != 0;
		for (int i = 0; i < row.nfields && !s->bad; i++)
		{
			const Field *f = &row.fields[i];
			char *text;
			int len;

			if (f->flags & FIELD_MISSING)
				continue;
			CHECK(f->p >= row.text && f->p + f->len <= row.text + row.len);
			text = palloc(f->len + 1);
			len = (f->flags & FIELD_ESCAPED) ? json_unescape(f, text) : f->len;
			CHECK(len >= -1 && len <= f->len);
			s->hash = s->hash * 31 + (len < 0 ? 1 : hash_bytes((const unsigned char *) ((f->flags & FIELD_ESCAPED) ? text : f->p), len));
		}
		n++;
		if (row.fatal)
			break;
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const kinds[] = {"lines", "$", "$.a", "$.a.b"};
	TableOptions o = {.encoding = PG_UTF8, .max_row_bytes = 1 << 20};
	Seen *whole;
	Seen *pieces;
	size_t piece;
	bool learn;

	if (size < 2)
		return 0;
	o.records = kinds[data[0] & 3];
	learn = (data[0] & 4) != 0;
	piece = 1 + data[1] % 97;
	data += 2;
	size -= 2;
	whole = malloc(sizeof(Seen) * (size + 2));
	pieces = malloc(sizeof(Seen) * (size + 2));
	if (setjmp(failed) == 0)
	{
		int n = read_rows(&o, data, size, size + 1, learn, whole, (int) size + 2);

		CHECK(read_rows(&o, data, size, piece, learn, pieces, (int) size + 2) == n);
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
