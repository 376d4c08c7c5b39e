/*
 * buffer.c
 *		Bytes that grow.
 */
#include "gateway/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void __attribute__((noreturn))
no_memory(void)
{
	static const char said[] = "{\"level\":\"error\",\"message\":\"out of memory\"}\n";

	if (write(STDERR_FILENO, said, sizeof(said) - 1) < 0)
		_exit(3);
	_exit(2);
}

void *
need(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (p == NULL)
		no_memory();
	return p;
}

char *
need_copy(const char *text, size_t n)
{
	char *p = need(n + 1);

	memcpy(p, text, n);
	return p;
}

char *
buffer_room(Buffer *b, size_t more)
{
	if (b->n + more + 1 > b->size)
	{
		size_t size = b->size ? b->size : 512;

		while (size < b->n + more + 1)
			size *= 2;
		b->bytes = realloc(b->bytes, size);
		if (b->bytes == NULL)
			no_memory();
		b->size = size;
	}
	return b->bytes + b->n;
}

void
buffer_add(Buffer *b, const void *bytes, size_t n)
{
	char *to = buffer_room(b, n);

	if (n > 0)
		memcpy(to, bytes, n);
	b->n += n;
	b->bytes[b->n] = '\0';
}

void
buffer_print(Buffer *b, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return;
	buffer_room(b, n + 1);
	va_start(args, format);
	vsnprintf(b->bytes + b->n, n + 1, format, args);
	va_end(args);
	b->n += n;
}

/* How long a character of UTF-8 is; 0: it is none */
static size_t
character(const unsigned char *at, size_t n)
{
	size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
								   : (at[0] & 0xf0) == 0xe0          ? 3
								   : at[0] >= 0xf0 && at[0] < 0xf5   ? 4
																	 : 0;

	if (length == 0 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* overlong, surrogates, beyond Unicode */
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return length;
}

void
buffer_json(Buffer *b, const char *text, size_t n)
{
	buffer_add(b, "\"", 1);
	for (size_t i = 0; i < n;)
	{
		unsigned char c = text[i];
		size_t length = character((const unsigned char *) text + i, n - i);

		if (c == '"' || c == '\\')
			buffer_print(b, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buffer_print(b, "\\u%04x", c);
		else if (length == 0)
			buffer_add(b, "\xef\xbf\xbd", 3);
		else
			buffer_add(b, text + i, length);
		i += length ? length : 1;
	}
	buffer_add(b, "\"", 1);
}

void
buffer_drop(Buffer *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->bytes, b->bytes + n, b->n - n);
	b->n -= n;
}

void
buffer_free(Buffer *b)
{
	free(b->bytes);
	*b = (Buffer){0};
}
