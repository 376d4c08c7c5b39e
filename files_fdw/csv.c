/*
 * csv.c
 *		Rows of CSV, whatever its dialect: strict, so that none is lost.
 *
 * Signs (delimiter, quote, escape, ends of lines) are found in blocks of 64 bytes at once, as bits of a word; then it
 * goes from sign to sign.  What is between them is not looked at.
 */
#include "postgres.h"

#include "files_fdw/csv.h"
#include "files_fdw/fixed.h"
#include "port/pg_bitutils.h"

#if defined(__SSE2__) && defined(__x86_64__) && !defined(NO_SIMD)
#include <emmintrin.h>
#define CSV_SSE2
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(NO_SIMD)
#include <arm_neon.h>
#define CSV_NEON
#endif

#define BLOCK 64
#define MOST_FIELDS 100000

Csv *
csv_new(Reader *r, const TableOptions *o)
{
	Csv *csv = palloc0(sizeof(Csv));

	csv->r = r;
	csv->delimiter = o->delimiter;
	csv->quote = o->quote;
	csv->escape = o->escape;
	csv->newline = o->cr ? '\r' : '\n';
	csv->comment = o->comment;
	csv->multiline = o->multiline;
	csv->lazy_quotes = o->lazy_quotes;
	csv->generation = -1;
	/* what no text has divides nothing */
	if (o->format == FORMAT_FIXED)
	{
		csv->delimiter = csv->quote = csv->escape = '\0';
		csv->fixed = o->columns;
	}
	return csv;
}

/* -- signs -- */

#if defined(CSV_SSE2)
static inline uint64
signs_of(const Csv *csv, const char *p)
{
	const __m128i delimiter = _mm_set1_epi8(csv->delimiter);
	const __m128i newline = _mm_set1_epi8('\n');
	const __m128i back = _mm_set1_epi8('\r');
	const __m128i quote = _mm_set1_epi8(csv->quote ? csv->quote : csv->delimiter);
	const __m128i escape = _mm_set1_epi8(csv->escape ? csv->escape : csv->delimiter);
	uint64 signs = 0;

	for (int i = 0; i < BLOCK; i += 16)
	{
		__m128i bytes = _mm_loadu_si128((const __m128i *) (p + i));
		__m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, delimiter), _mm_cmpeq_epi8(bytes, newline)),
									 _mm_or_si128(_mm_cmpeq_epi8(bytes, back), _mm_cmpeq_epi8(bytes, quote)));

		found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, escape));
		signs |= (uint64) (uint32) _mm_movemask_epi8(found) << i;
	}
	return signs;
}
#elif defined(CSV_NEON)
static inline uint64
signs_of(const Csv *csv, const char *p)
{
	static const uint8_t each[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	const uint8x16_t bits = vld1q_u8(each);
	uint64 signs = 0;

	for (int i = 0; i < BLOCK; i += 16)
	{
		uint8x16_t bytes = vld1q_u8((const uint8_t *) p + i);
		uint8x16_t found =
			vorrq_u8(vorrq_u8(vceqq_u8(bytes, vdupq_n_u8(csv->delimiter)), vceqq_u8(bytes, vdupq_n_u8('\n'))),
					 vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('\r')),
							  vceqq_u8(bytes, vdupq_n_u8(csv->quote ? csv->quote : csv->delimiter))));

		found =
			vandq_u8(vorrq_u8(found, vceqq_u8(bytes, vdupq_n_u8(csv->escape ? csv->escape : csv->delimiter))), bits);
		signs |= (uint64) vaddv_u8(vget_low_u8(found)) << i | (uint64) vaddv_u8(vget_high_u8(found)) << (i + 8);
	}
	return signs;
}
#else
static inline uint64
signs_of(const Csv *csv, const char *p)
{
	uint64 signs = 0;

	for (int i = 0; i < BLOCK; i++)
	{
		bool found = p[i] == csv->delimiter || p[i] == '\n' || p[i] == '\r' || (csv->quote && p[i] == csv->quote) ||
					 (csv->escape && p[i] == csv->escape);

		signs |= (uint64) found << i;
	}
	return signs;
}
#endif

/* Signs from an offset on are the next ones */
static void
look_from(Csv *csv, size_t at)
{
	csv->block = at;
	csv->signs = at < csv->r->len ? signs_of(csv, csv->r->buf + at) : 0;
	csv->generation = csv->r->generation;
}

/* Where the next sign is; the end of the text if there is none */
static inline size_t
next_sign(Csv *csv)
{
	size_t at;

	while (csv->signs == 0)
	{
		csv->block += BLOCK;
		if (csv->block >= csv->r->len)
		{
			csv->block = csv->r->len;
			return csv->r->len;
		}
		csv->signs = signs_of(csv, csv->r->buf + csv->block);
	}
	at = csv->block + pg_rightmost_one_pos64(csv->signs);
	csv->signs &= csv->signs - 1;
	return at;
}

/* The next sign from an offset on: what an escape stands before is none */
static inline size_t
next_sign_from(Csv *csv, size_t from)
{
	size_t at;

	do
		at = next_sign(csv);
	while (at < from && at < csv->r->len);
	return at;
}

/* -- one row -- */

typedef enum Outcome
{
	ROW_WHOLE,
	ROW_MORE, /* its end is not there yet */
	ROW_BAD   /* its end is looked for from csv->r->at on by the end of a line */
} Outcome;

/* What one look at the window has of a row */
typedef struct Look
{
	size_t start;
	size_t end;    /* of its text */
	size_t next;   /* of the row behind it */
	size_t fault;  /* where it is bad */
	size_t opened; /* the last quote that opened a field */
	bool unclosed; /* and was not closed */
	int n;
	int lines; /* ends of lines within quotes */
} Look;

static void
add_field(Csv *csv, Row *row, Look *look, size_t start, size_t end, int flags)
{
	if (look->n == row->room)
	{
		row->room = row->room ? 2 * row->room : 64;
		row->fields =
			row->fields ? repalloc_huge(row->fields, sizeof(Field) * row->room) : palloc(sizeof(Field) * row->room);
	}
	/* offsets for now: the window may move */
	row->fields[look->n].p = csv->r->buf + start;
	row->fields[look->n].len = (int) (end - start);
	row->fields[look->n].flags = flags;
	look->n++;
}

/* From the quote at start to the one that closes; its offset goes to *closed */
static Outcome
take_quoted(Csv *csv, Look *look, size_t start, size_t *closed, int *flags)
{
	const Reader *r = csv->r;
	size_t from = start + 1;

	*flags = FIELD_QUOTED;
	look->opened = start;
	for (;;)
	{
		size_t at = next_sign_from(csv, from);
		char c;

		if (at >= r->len)
			return r->end ? ROW_BAD : ROW_MORE;
		c = r->buf[at];
		from = at + 1;
		if (c == csv->escape && c != csv->quote)
		{
			if (from >= r->len && !r->end)
				return ROW_MORE;
			*flags |= FIELD_ESCAPED;
			from++;
		}
		else if (c == csv->quote)
		{
			if (from >= r->len && !r->end)
				return ROW_MORE;
			if (csv->escape != csv->quote || from >= r->len || r->buf[from] != csv->quote)
			{
				*closed = at;
				return ROW_WHOLE;
			}
			*flags |= FIELD_ESCAPED;
			from++;
		}
		else if (c == csv->newline)
		{
			if (!csv->multiline)
			{
				look->next = at;
				return ROW_BAD;
			}
			look->lines++;
		}
	}
}

/* An end of line at an offset: how many bytes; 0: there is none; -1: it takes one byte more to tell */
static inline int
line_end(const Csv *csv, size_t at)
{
	const Reader *r = csv->r;

	if (r->buf[at] == csv->newline)
		return 1;
	if (r->buf[at] != '\r')
		return 0;
	if (at + 1 >= r->len)
		return r->end ? 1 : -1;
	return r->buf[at + 1] == '\n' ? 2 : 0;
}

/* Field by field; the row begins at r->at */
static inline Outcome
look_at_row(Csv *csv, Row *row, Look *look)
{
	const Reader *r = csv->r;
	size_t start = look->start;

	look->n = look->lines = 0;
	for (;;)
	{
		size_t end;
		size_t at;
		int flags = 0;
		int n;

		if (start < r->len && r->buf[start] == csv->quote && csv->quote != 0)
		{
			Outcome outcome = take_quoted(csv, look, start, &end, &flags);

			if (outcome != ROW_WHOLE)
			{
				look->unclosed = outcome == ROW_BAD;
				return outcome;
			}
			start++;
			at = end + 1;
			if (at < r->len)
				(void) next_sign_from(csv, at);
		}
		else
		{
			at = next_sign_from(csv, start);
			for (;;)
			{
				/* an escape outside of quotes, where there are none */
				if (at < r->len && r->buf[at] == csv->escape && csv->quote == 0 && csv->escape != 0)
				{
					if (at + 1 >= r->len && !r->end)
						return ROW_MORE;
					flags |= FIELD_ESCAPED;
					at = next_sign_from(csv, at + 2);
				}
				else if (at < r->len && (r->buf[at] == csv->quote || r->buf[at] == csv->escape) &&
						 r->buf[at] != csv->delimiter && r->buf[at] != '\0' &&
						 (csv->lazy_quotes || r->buf[at] != csv->quote))
					at = next_sign_from(csv, at + 1);
				else
					break;
			}
			end = at;
		}
		if (at >= r->len)
		{
			if (!r->end)
				return ROW_MORE;
			add_field(csv, row, look, start, end, flags);
			look->end = look->next = r->len;
			return ROW_WHOLE;
		}
		if (r->buf[at] == csv->delimiter)
		{
			add_field(csv, row, look, start, end, flags);
			if (look->n > MOST_FIELDS)
			{
				look->fault = at;
				return ROW_BAD;
			}
			start = at + 1;
			continue;
		}
		n = line_end(csv, at);
		if (n < 0)
			return ROW_MORE;
		if (n == 0)
		{
			look->fault = at;
			return ROW_BAD;
		}
		/* the second sign of an end of line was looked at as well */
		if (n == 2)
			(void) next_sign_from(csv, at + 1);
		add_field(csv, row, look, start, end, flags);
		look->end = at;
		look->next = at + n;
		return ROW_WHOLE;
	}
}

/* -- what is wrong -- */

static int64
line_at(const Csv *csv, const Look *look, size_t at)
{
	int64 line = csv->r->line;

	if (line == 0)
		return 0;
	for (size_t i = look->start; i < at; i++)
		line += csv->r->buf[i] == csv->newline;
	return line;
}

static void
blame_quote(Csv *csv, Row *row, const Look *look)
{
	int64 line = line_at(csv, look, look->opened);
	char where[64];

	if (line > 0)
		snprintf(where, sizeof(where), "line " INT64_FORMAT, line);
	else
		snprintf(where, sizeof(where), "position " INT64_FORMAT, csv->r->base + (int64) look->opened);
	complain(&row->fault, ERRCODE_BAD_COPY_FILE_FORMAT, "a quote that opens in %s, field %d, is not closed%s", where,
			 look->n + 1, csv->multiline ? "" : " in its line (option multiline is off)");
	row->fault.value = csv->r->buf + look->opened;
	row->fault.len = (int) Min(look->end - look->opened, 200);
}

static void
blame(Csv *csv, Row *row, const Look *look)
{
	char c = csv->r->buf[look->fault];

	if (look->n > MOST_FIELDS)
		complain(&row->fault, ERRCODE_BAD_COPY_FILE_FORMAT, "a row has more than %d fields", MOST_FIELDS);
	else if (c == '\r')
		complain(&row->fault, ERRCODE_BAD_COPY_FILE_FORMAT, "there is a carriage return in field %d, outside of quotes",
				 look->n + 1);
	else if (c == '\n')
		complain(&row->fault, ERRCODE_BAD_COPY_FILE_FORMAT, "there is a line feed in field %d, outside of quotes",
				 look->n + 1);
	else if (look->fault > look->start && csv->quote != 0 && c != csv->quote)
		complain(&row->fault, ERRCODE_BAD_COPY_FILE_FORMAT, "something follows the quote that closes field %d",
				 look->n + 1);
	else
		complain(&row->fault, ERRCODE_BAD_COPY_FILE_FORMAT,
				 "there is a quote within field %d, which does not begin with one", look->n + 1);
	row->fault.value = csv->r->buf + look->fault;
	row->fault.len = (int) Min(Max(look->end, look->fault) - look->fault, 200);
}

/* A bad row ends with its line, whatever quotes there are; false: the line is not whole yet */
static bool
end_of_bad(Csv *csv, Look *look, size_t from)
{
	Reader *r = csv->r;
	const char *end = memchr(r->buf + from, csv->newline, r->len - from);

	if (end == NULL && !r->end)
		return false;
	look->end = end ? end - r->buf : r->len;
	look->next = end ? look->end + 1 : r->len;
	if (look->end > look->start && r->buf[look->end - 1] == '\r')
		look->end--;
	return true;
}

static void
blame_width(Csv *csv, Row *row, const Look *look)
{
	complain(&row->fault, ERRCODE_BAD_COPY_FILE_FORMAT, "the row has %d fields, not %d", look->n, csv->expected);
	row->fault.value = row->text;
	row->fault.len = (int) Min(row->len, 200);
}

/* -- rows -- */

/* A line without anything, or a comment: where the next begins; 0: it is a row.  -1: it is not whole yet. */
static ssize_t
passed_over(Csv *csv, size_t at)
{
	const Reader *r = csv->r;
	const char *end;
	int n;

	if (csv->comment != 0 && r->buf[at] == csv->comment)
	{
		end = memchr(r->buf + at, csv->newline, r->len - at);
		if (end == NULL)
			return r->end ? (ssize_t) r->len : -1;
		return end + 1 - r->buf;
	}
	if (csv->expected == 1)
		return 0;
	n = line_end(csv, at);
	return n < 0 ? -1 : n == 0 ? 0
							   : (ssize_t) (at + n);
}

static bool
begin_row(Csv *csv)
{
	Reader *r = csv->r;

	for (;;)
	{
		ssize_t next;

		if (csv->skipping && !reader_skip_lines(r, 1, csv->newline))
			return false;
		csv->skipping = false;
		if (r->at >= r->len && !reader_more(r))
			return false;
		next = passed_over(csv, r->at);
		if (next == 0)
			return true;
		if (next > 0)
		{
			r->at = next;
			r->line += r->line > 0;
			csv->generation = -1;
		}
		else if (r->len - r->at > r->most || !reader_more(r))
			return r->at < r->len;
	}
}

/* A row longer than may be: it is bad, and what follows its line is looked at */
static void
too_long(Csv *csv, Row *row, Look *look)
{
	Reader *r = csv->r;
	size_t shown = Min(r->len - look->start, 4096);

	complain(&row->fault, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "a row has more than max_row_bytes, %zu bytes%s", r->most,
			 look->opened > look->start || (csv->quote != 0 && r->buf[look->start] == csv->quote)
				 ? "; perhaps a quote is not closed"
				 : "");
	row->fault.value = r->buf + look->start;
	row->fault.len = 200;
	if (!end_of_bad(csv, look, look->start))
	{
		look->end = look->start + shown;
		look->next = r->len;
		csv->skipping = true;
	}
}

static void
finish_row(Csv *csv, Row *row, const Look *look)
{
	Reader *r = csv->r;
	size_t bad;

	row->position = r->base + (int64) look->start;
	row->line = r->line;
	row->text = r->buf + look->start;
	row->len = look->end - look->start;
	row->nfields = look->n;
	if (row->fault.sqlstate == 0 && csv->expected > 0 && look->n != csv->expected && csv->fixed == NULL)
		blame_width(csv, row, look);
	if (!reader_verify(r, look->end, &bad))
	{
		if (row->fault.sqlstate == 0)
		{
			complain_bytes(&row->fault, r->buf + bad, look->end - bad);
			row->fault.value = row->text;
			row->fault.len = (int) Min(row->len, 200);
		}
		/* what follows is looked at by itself */
		r->valid = look->next;
	}
	if (csv->fixed && row->fault.sqlstate == 0)
		fixed_cut(csv->fixed, row);
	csv->many_lines += look->lines > 0;
	if (r->line > 0)
		r->line += 1 + look->lines;
	r->at = look->next;
}

bool
csv_next(Csv *csv, Row *row)
{
	Reader *r = csv->r;
	Look look;

	row->fault.sqlstate = 0;
	row->fault.column = row->fault.value = NULL;
	if (!begin_row(csv))
		return false;
	for (;;)
	{
		Outcome outcome;

		if (csv->generation != r->generation)
			look_from(csv, r->at);
		look = (Look){.start = r->at};
		outcome = look_at_row(csv, row, &look);
		if (outcome == ROW_WHOLE)
		{
			if (look.end - look.start <= r->most)
				break;
			outcome = ROW_MORE;
		}
		if (outcome == ROW_MORE && r->len - r->at > r->most)
		{
			too_long(csv, row, &look);
			csv->generation = -1;
			break;
		}
		if (outcome == ROW_BAD)
		{
			bool quote = look.unclosed;
			/* an open quote may have taken in other rows: it is bad up to the end of the line that it is in */
			size_t from = quote ? look.opened : look.fault;

			if (csv->newline == '\n' && !quote && r->buf[from] == '\n')
				from++;
			if (end_of_bad(csv, &look, from))
			{
				if (quote)
					blame_quote(csv, row, &look);
				else
					blame(csv, row, &look);
				look.lines = 0;
				for (size_t i = look.start; i < look.end; i++)
					look.lines += r->buf[i] == csv->newline;
				csv->generation = -1;
				break;
			}
		}
		(void) reader_more(r);
		csv->generation = -1;
	}
	finish_row(csv, row, &look);
	return true;
}

int
csv_unescape(const Csv *csv, const Field *field, char *to)
{
	char *out = to;

	for (int i = 0; i < field->len; i++)
	{
		char c = field->p[i];

		if (c == csv->escape && i + 1 < field->len &&
			(csv->quote == 0 || field->p[i + 1] == csv->quote || field->p[i + 1] == csv->escape))
		{
			c = field->p[++i];
			/* as databases write texts without quotes */
			if (csv->quote == 0)
				c = c == 'n' ? '\n' : c == 't' ? '\t'
								  : c == 'r'   ? '\r'
											   : c;
		}
		*out++ = c;
	}
	return (int) (out - to);
}
