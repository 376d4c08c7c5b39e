/*
 * reader.c
 *		A window over the text of a file.
 */
#include "postgres.h"

#include "files_fdw/reader.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#define FIRST_SIZE 262144

Reader *
reader_new(Input *in, size_t most)
{
	Reader *r = palloc0(sizeof(Reader));

	r->in = in;
	r->size = FIRST_SIZE;
	r->buf = palloc0(r->size + READER_PAD);
	r->most = most;
	r->line = 1;
	return r;
}

Reader *
reader_of_text(const char *text, size_t len)
{
	Reader *r = palloc0(sizeof(Reader));

	r->size = r->most = len;
	r->buf = palloc0(len + READER_PAD);
	memcpy(r->buf, text, len);
	r->len = len;
	r->line = 1;
	r->end = true;
	return r;
}

static void
move_to_front(Reader *r)
{
	memmove(r->buf, r->buf + r->at, r->len - r->at);
	r->base += (int64) r->at;
	r->valid = r->valid > r->at ? r->valid - r->at : 0;
	r->len -= r->at;
	r->at = 0;
	r->generation++;
}

bool
reader_more(Reader *r)
{
	size_t got = 0;

	if (r->end)
		return false;
	if (r->at > 0)
		move_to_front(r);
	if (r->len > r->size / 2)
	{
		r->size *= 2;
		r->buf = repalloc_huge(r->buf, r->size + READER_PAD);
		r->generation++;
	}
	/* as much as fits: a small piece is no reason to look for the end of a row again */
	while (r->len < r->size / 2 || got == 0)
	{
		size_t n = input_read(r->in, r->buf + r->len, r->size - r->len);

		if (n == 0)
		{
			r->end = true;
			break;
		}
		r->len += n;
		got += n;
	}
	memset(r->buf + r->len, 0, READER_PAD);
	return got > 0;
}

void
reader_seek(Reader *r, int64 position)
{
	input_seek(r->in, position);
	r->base = position;
	r->len = r->at = r->valid = 0;
	r->end = false;
	r->line = position == 0 ? 1 : 0;
	r->generation++;
}

/*
 * All that is there is looked at at once, behind what was already: mostly it is good, and then no row costs more than
 * a comparison.  A character that the end of the window cuts is looked at again when there is more.
 */
bool
reader_verify(Reader *r, size_t upto, size_t *bad)
{
	if (r->valid < r->at)
		r->valid = r->at;
	if (upto <= r->valid)
		return true;
	while (r->valid < r->len)
	{
		size_t n = Min(r->len - r->valid, (size_t) 1 << 28);
		int good = pg_encoding_verifymbstr(GetDatabaseEncoding(), r->buf + r->valid, (int) n);

		r->valid += good;
		if (good == 0 || good < n)
			break;
	}
	*bad = r->valid;
	return upto <= r->valid;
}

void
reader_skip_mark(Reader *r)
{
	if (r->base > 0 || r->at > 0)
		return;
	while (r->len < 3 && reader_more(r))
		;
	if (r->len >= 3 && GetDatabaseEncoding() == PG_UTF8 && memcmp(r->buf, "\357\273\277", 3) == 0)
		r->at = 3;
}

bool
reader_skip_lines(Reader *r, int n, char newline)
{
	for (int i = 0; i < n; i++)
	{
		const char *end;

		while ((end = memchr(r->buf + r->at, newline, r->len - r->at)) == NULL)
		{
			/* what is skipped need not stay */
			if (r->len - r->at > r->most)
				r->at = r->len;
			if (!reader_more(r))
			{
				r->at = r->len;
				return false;
			}
		}
		r->at = end + 1 - r->buf;
		r->line += r->line > 0;
	}
	return true;
}

bool
complain_bytes(Complaint *c, const char *p, size_t len)
{
	char hex[4 * 3 + 1] = "";

	if (len > 0 && *p == '\0')
		return complain(c, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
						"there is a NUL, or a byte that does not belong to the encoding of the file");
	for (size_t i = 0; i < Min(len, 4); i++)
		snprintf(hex + 3 * i, 4, "%02x%s", (unsigned char) p[i], i + 1 < Min(len, 4) ? " " : "");
	return complain(c, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"%s\": %s",
					GetDatabaseEncodingName(), hex);
}
