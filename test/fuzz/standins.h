/*
 * standins.h
 *		Small stand-ins for what the fuzzed files use of PostgreSQL.  Memory is
 *		malloc's, so that the sanitizers see every step too far; an ereport(ERROR)
 *		is a longjmp back to the target, which frees all with forget_all().
 *		With REPLAY a main() runs the files named, under any compiler's sanitizers.
 */
#ifndef FUZZ_STANDINS_H
#define FUZZ_STANDINS_H

#include <setjmp.h>
#include <stdio.h>

#undef vsnprintf
#undef printf
#undef fprintf

static jmp_buf failed;
static void **live = NULL;
static size_t nlive = 0;

MemoryContext CurrentMemoryContext = NULL;
ErrorContextCallback *error_context_stack = NULL;

/* Every block is remembered; its size stands before it */
static void *
keep(size_t size)
{
	size_t *block = malloc(sizeof(size_t) * 2 + size);

	block[0] = size;
	if ((nlive & (nlive - 1)) == 0)
		live = realloc(live, (nlive ? 2 * nlive : 1) * sizeof(void *));
	live[nlive++] = block;
	return block + 2;
}

static void
forget_all(void)
{
	while (nlive > 0)
		free(live[--nlive]);
}

void *
palloc(Size size)
{
	return keep(size);
}

void *
palloc0(Size size)
{
	return memset(keep(size), 0, size);
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	(void) context;
	return keep(size);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	(void) context;
	return palloc0(size);
}

void *
MemoryContextAllocHuge(MemoryContext context, Size size)
{
	(void) context;
	return keep(size);
}

void *
repalloc(void *pointer, Size size)
{
	size_t before = ((size_t *) pointer)[-2];

	return memcpy(keep(size), pointer, Min(before, size));
}

void
pfree(void *pointer)
{
	(void) pointer;
}

char *
pstrdup(const char *in)
{
	return strcpy(keep(strlen(in) + 1), in);
}

char *
pnstrdup(const char *in, Size len)
{
	char *out = keep(len + 1);

	memcpy(out, in, len);
	out[len] = '\0';
	return out;
}

char *
psprintf(const char *fmt, ...)
{
	char *out = keep(1024);
	va_list args;

	va_start(args, fmt);
	vsnprintf(out, 1024, fmt, args);
	va_end(args);
	return out;
}

bool
errstart(int elevel, const char *domain)
{
	(void) domain;
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	(void) filename, (void) lineno, (void) funcname;
	/* the context callbacks read the page as well */
	for (ErrorContextCallback *c = error_context_stack; c != NULL; c = c->previous)
		c->callback(c->arg);
	error_context_stack = NULL;
	longjmp(failed, 1);
}

int
errcode(int sqlerrcode)
{
	return sqlerrcode;
}

int
errmsg(const char *fmt, ...)
{
	return fmt != NULL;
}

int
errdetail(const char *fmt, ...)
{
	return fmt != NULL;
}

int
errdetail_internal(const char *fmt, ...)
{
	return fmt != NULL;
}

int
errhint(const char *fmt, ...)
{
	return fmt != NULL;
}

/* -- strings -- */

static void
make_room(StringInfo str, int more)
{
	if (str->len + more < str->maxlen)
		return;
	str->maxlen = 2 * (str->len + more) + 64;
	str->data = repalloc(str->data, str->maxlen);
}

void
initStringInfo(StringInfo str)
{
	str->data = keep(64);
	str->len = 0;
	str->maxlen = 64;
	str->data[0] = '\0';
}

#undef appendStringInfoChar
void
appendStringInfoChar(StringInfo str, char ch)
{
	make_room(str, 2);
	str->data[str->len++] = ch;
	str->data[str->len] = '\0';
}

/* Bytes became void in 16 */
#if PG_VERSION_NUM >= 160000
#define BYTES void
#else
#define BYTES char
#endif

void
appendBinaryStringInfo(StringInfo str, const BYTES *data, int len)
{
	make_room(str, len + 1);
	memcpy(str->data + str->len, data, len);
	str->len += len;
	str->data[str->len] = '\0';
}

void
appendStringInfoString(StringInfo str, const char *s)
{
	appendBinaryStringInfo(str, s, (int) strlen(s));
}

void
appendStringInfo(StringInfo str, const char *fmt, ...)
{
	va_list args;

	make_room(str, 1024);
	va_start(args, fmt);
	str->len += vsnprintf(str->data + str->len, 1024, fmt, args);
	va_end(args);
}

void
appendStringInfoSpaces(StringInfo str, int count)
{
	while (count-- > 0)
		appendStringInfoChar(str, ' ');
}

int
GetDatabaseEncoding(void)
{
	return PG_UTF8;
}

/* UTF-8, checked as PostgreSQL does */
static int
utf8_valid(const unsigned char *s, int len)
{
	int i = 0;

	while (i < len && s[i] != 0)
	{
		int n = s[i] < 0x80 ? 1 : (s[i] & 0xe0) == 0xc0 ? 2
							  : (s[i] & 0xf0) == 0xe0   ? 3
							  : (s[i] & 0xf8) == 0xf0   ? 4
														: 0;

		if (n == 0 || i + n > len)
			break;
		for (int k = 1; k < n; k++)
		{
			if ((s[i + k] & 0xc0) != 0x80)
				return i;
		}
		i += n;
	}
	return i;
}

int
pg_encoding_verifymbstr(int encoding, const char *mbstr, int len)
{
	(void) encoding;
	return utf8_valid((const unsigned char *) mbstr, len);
}

/* main() of a replay */
#include "test/fuzz/replay.h"

#endif /* FUZZ_STANDINS_H */
