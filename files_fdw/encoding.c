/*
 * encoding.c
 *		Texts of files become texts of the database.
 *
 * UTF-16, which PostgreSQL does not know, becomes UTF-8 first.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "files_fdw/encoding.h"
#include "mb/pg_wchar.h"

struct Recoder
{
	FileEncoding from;
	bool swapped;  /* of UTF-16: the high byte first */
	bool started;  /* the mark was looked for */
	Oid proc;      /* from that encoding, or from UTF-8, to the database's; invalid: as it is */
	int proc_from; /* what it reads */
	char *utf8;    /* in between */
	size_t nutf8;
};

#define BETWEEN 32768

FileEncoding
encoding_by_name(const char *name)
{
	static const struct
	{
		const char *name;
		FileEncoding encoding;
	} wide[] = {
		{"utf-16", ENCODING_UTF16},
		{"utf16", ENCODING_UTF16},
		{"utf-16le", ENCODING_UTF16LE},
		{"utf16le", ENCODING_UTF16LE},
		{"utf-16be", ENCODING_UTF16BE},
		{"utf16be", ENCODING_UTF16BE},
	};

	for (int i = 0; i < lengthof(wide); i++)
	{
		if (pg_strcasecmp(name, wide[i].name) == 0)
			return wide[i].encoding;
	}
	return pg_char_to_encoding(name);
}

const char *
encoding_name(FileEncoding encoding)
{
	switch (encoding)
	{
		case ENCODING_UTF16:
			return "UTF-16";
		case ENCODING_UTF16LE:
			return "UTF-16LE";
		case ENCODING_UTF16BE:
			return "UTF-16BE";
		default:
			return pg_encoding_to_char(encoding);
	}
}

bool
encoding_is_ours(FileEncoding encoding)
{
	/* in a database without an encoding texts are bytes */
	return encoding == GetDatabaseEncoding() || (GetDatabaseEncoding() == PG_SQL_ASCII && encoding < ENCODING_UTF16) ||
		   encoding == PG_SQL_ASCII;
}

Recoder *
recoder_new(FileEncoding encoding)
{
	Recoder *r;

	if (encoding_is_ours(encoding))
		return NULL;
	r = palloc0(sizeof(Recoder));
	r->from = encoding;
	r->swapped = encoding == ENCODING_UTF16BE;
	r->proc_from = encoding >= ENCODING_UTF16 ? PG_UTF8 : encoding;
	if (r->proc_from != GetDatabaseEncoding() && GetDatabaseEncoding() != PG_SQL_ASCII)
	{
		r->proc = FindDefaultConversionProc(r->proc_from, GetDatabaseEncoding());
		if (!OidIsValid(r->proc))
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
							errmsg("there is no conversion from encoding \"%s\" to the database's, \"%s\"",
								   encoding_name(encoding), GetDatabaseEncodingName())));
	}
	if (encoding >= ENCODING_UTF16)
		r->utf8 = palloc(BETWEEN + 8);
	return r;
}

static unsigned
unit_at(const Recoder *r, const unsigned char *p)
{
	return r->swapped ? (unsigned) p[0] << 8 | p[1] : (unsigned) p[1] << 8 | p[0];
}

/* UTF-16 as UTF-8; NULs and halves of pairs alone are bad */
static size_t
from_utf16(Recoder *r, const char *from, size_t n, bool end, char *to, size_t room, size_t *taken, bool *bad)
{
	const unsigned char *p = (const unsigned char *) from;
	const unsigned char *stop = p + n;
	unsigned char *out = (unsigned char *) to;

	if (!r->started && n >= 2)
	{
		r->started = true;
		if (r->from == ENCODING_UTF16 && p[0] == 0xfe && p[1] == 0xff)
			r->swapped = true;
		if ((p[0] == 0xfe && p[1] == 0xff) || (p[0] == 0xff && p[1] == 0xfe))
			p += r->swapped == (p[0] == 0xfe) ? 2 : 0;
	}
	while (stop - p >= 2 && (char *) out - to + 4 <= room)
	{
		unsigned c = unit_at(r, p);
		int units = 1;

		if (c >= 0xd800 && c < 0xdc00)
		{
			unsigned low;

			if (stop - p < 4)
				break;
			low = unit_at(r, p + 2);
			if (low < 0xdc00 || low > 0xdfff)
				c = 0;
			else
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			units = 2;
		}
		else if (c >= 0xdc00 && c < 0xe000)
			c = 0;
		if (c == 0)
		{
			*bad = (char *) out == to;
			*taken = (char *) p - from + (*bad ? 2 : 0);
			return (char *) out - to;
		}
		p += 2 * units;
		(void) unicode_to_utf8((pg_wchar) c, out);
		out += pg_utf_mblen(out);
	}
	/* half a unit, or half a pair, at the end */
	if (end && p < stop && (char *) out == to)
	{
		*bad = true;
		p = stop;
	}
	*taken = (char *) p - from;
	return (char *) out - to;
}

/* By PostgreSQL's conversion: it takes what it can, and stops before what is not whole or not valid */
static size_t
by_conversion(Recoder *r, const char *from, size_t n, bool end, char *to, size_t room, size_t *taken, bool *bad)
{
	int whole = (int) Min(n, Min(room, BETWEEN) / MAX_CONVERSION_GROWTH);
	int done;

	done = pg_do_encoding_conversion_buf(r->proc, r->proc_from, GetDatabaseEncoding(), (unsigned char *) from, whole,
										 (unsigned char *) to, (int) room, true);
	*taken = done;
	/* nothing went: it is invalid, unless more may make it whole */
	if (done == 0 && whole > 0 && (end || whole >= MAX_MULTIBYTE_CHAR_LEN * 2))
	{
		*bad = true;
		*taken = 1;
	}
	return strlen(to);
}

size_t
recode(Recoder *r, const char *from, size_t n, bool end, char *to, size_t room, size_t *taken, bool *bad)
{
	size_t got;
	size_t used = 0;

	*bad = false;
	*taken = 0;
	if (r->utf8 == NULL)
		return by_conversion(r, from, n, end, to, room, taken, bad);
	if (!OidIsValid(r->proc))
		return from_utf16(r, from, n, end, to, room, taken, bad);
	/* what was left in between goes first */
	if (r->nutf8 == 0)
		r->nutf8 = from_utf16(r, from, n, end, r->utf8, BETWEEN, taken, bad);
	if (r->nutf8 == 0)
		return 0;
	got = by_conversion(r, r->utf8, r->nutf8, true, to, room, &used, bad);
	memmove(r->utf8, r->utf8 + used, r->nutf8 - used);
	r->nutf8 -= used;
	return got;
}

char *
recode_whole(Recoder *r, const char *p, size_t n, size_t *len)
{
	size_t room = n * 4 + 16;
	char *to = palloc(room);
	size_t done = 0;
	bool bad = false;

	*len = 0;
	while (done < n)
	{
		size_t taken;

		*len += recode(r, p + done, n - done, true, to + *len, room - *len, &taken, &bad);
		done += taken;
		if (bad || taken == 0)
		{
			pfree(to);
			return NULL;
		}
	}
	return to;
}
