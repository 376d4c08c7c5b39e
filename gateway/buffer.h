/*
 * buffer.h
 *		Bytes that grow.  No memory is the end of the process: it holds no state.
 */
#ifndef GATEWAY_BUFFER_H
#define GATEWAY_BUFFER_H

#include <stddef.h>

typedef struct Buffer
{
	char *bytes;
	size_t n;
	size_t size;
} Buffer;

/* Room for so many more bytes behind what is there */
extern char *buffer_room(Buffer *b, size_t more);
extern void buffer_add(Buffer *b, const void *bytes, size_t n);
extern void buffer_print(Buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text as a JSON string, quoted; bytes that are no UTF-8 as U+FFFD */
extern void buffer_json(Buffer *b, const char *text, size_t n);
/* The first bytes go */
extern void buffer_drop(Buffer *b, size_t n);
extern void buffer_free(Buffer *b);

/* They do not return without memory */
extern void *need(size_t n);
extern char *need_copy(const char *text, size_t n);

#endif /* GATEWAY_BUFFER_H */
