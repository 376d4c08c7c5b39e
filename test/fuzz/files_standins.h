/*
 * files_standins.h
 *		What the readers of files use of PostgreSQL besides; and a file that is a text in memory.
 */
#ifndef FUZZ_FILES_STANDINS_H
#define FUZZ_FILES_STANDINS_H

#include <signal.h>
#include <strings.h>

#include "common/hashfn.h"
#include "files_fdw/input.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"
#include "test/fuzz/standins.h"
#include "test/fuzz/check.h"

volatile sig_atomic_t InterruptPending = false;

int
pg_vsnprintf(char *str, size_t count, const char *fmt, va_list args)
{
	return vsnprintf(str, count, fmt, args);
}

#undef snprintf
int
pg_snprintf(char *str, size_t count, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(str, count, fmt, args);
	va_end(args);
	return n;
}

int
double_to_shortest_decimal_buf(double f, char *result)
{
	return pg_snprintf(result, 32, "%.17g", f);
}

int
pg_strncasecmp(const char *a, const char *b, size_t n)
{
	return strncasecmp(a, b, n);
}

int
pg_strcasecmp(const char *a, const char *b)
{
	return strcasecmp(a, b);
}

unsigned char
pg_ascii_tolower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c | 32 : c;
}

void
ProcessInterrupts(void)
{
}

#undef qsort
void
pg_qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	qsort(base, n, size, compare);
}

void *
repalloc_huge(void *pointer, Size size)
{
	return repalloc(pointer, size);
}

uint32
hash_bytes(const unsigned char *k, int keylen)
{
	uint32 hash = 5381;

	for (int i = 0; i < keylen; i++)
		hash = hash * 33 + k[i];
	return hash;
}

int
pg_mbcliplen(const char *mbstr, int len, int limit)
{
	(void) mbstr;
	return Min(len, limit);
}

const char *
GetDatabaseEncodingName(void)
{
	return "UTF8";
}

unsigned char *
unicode_to_utf8(pg_wchar c, unsigned char *out)
{
	if (c < 0x80)
		out[0] = c;
	else if (c < 0x800)
	{
		out[0] = 0xc0 | (c >> 6);
		out[1] = 0x80 | (c & 0x3f);
	}
	else if (c < 0x10000)
	{
		out[0] = 0xe0 | (c >> 12);
		out[1] = 0x80 | ((c >> 6) & 0x3f);
		out[2] = 0x80 | (c & 0x3f);
	}
	else
	{
		out[0] = 0xf0 | (c >> 18);
		out[1] = 0x80 | ((c >> 12) & 0x3f);
		out[2] = 0x80 | ((c >> 6) & 0x3f);
		out[3] = 0x80 | (c & 0x3f);
	}
	return out;
}

int
pg_utf_mblen(const unsigned char *s)
{
	return *s < 0x80 ? 1 : *s < 0xe0 ? 2
					   : *s < 0xf0   ? 3
									 : 4;
}

void
resetStringInfo(StringInfo str)
{
	str->len = 0;
	str->data[0] = '\0';
}

int
pg_mblen(const char *s)
{
	return pg_utf_mblen((const unsigned char *) s);
}

int
pg_database_encoding_max_length(void)
{
	return 4;
}

void
pg_unicode_to_server(pg_wchar c, unsigned char *s)
{
	(void) c;
	s[0] = '?';
	s[1] = '\0';
}

void
escape_json(StringInfo buf, const char *str)
{
	appendStringInfoString(buf, str);
}

char *
unpack_sql_state(int sql_state)
{
	(void) sql_state;
	return "00000";
}

Datum
jsonb_in(FunctionCallInfo fcinfo)
{
	(void) fcinfo;
	return 0;
}

Datum
DirectFunctionCall1Coll(PGFunction func, Oid collation, Datum arg1)
{
	(void) func, (void) collation;
	return arg1;
}

#endif /* FUZZ_FILES_STANDINS_H */
