/*
 * http_text.c
 *		The body of a reply as text, whether it came as gzip or not.
 */
#include "postgres.h"

#include <libdeflate.h>

#include "common/http.h"

static bool
reserve(HttpBuffer *buffer, size_t size)
{
	char *grown;

	if (size + HTTP_TEXT_SLACK <= buffer->capacity)
		return true;
	grown = realloc(buffer->data, size + HTTP_TEXT_SLACK);
	if (grown == NULL)
		return false;
	buffer->data = grown;
	buffer->capacity = size + HTTP_TEXT_SLACK;
	return true;
}

/*
 * The body of a reply as text, decompressed where it came as gzip.  Plain
 * bodies are copied.  The request's body is gone afterwards.
 */
HttpTextResult
http_text(HttpRequest *request, size_t limit, HttpBuffer *buffer)
{
	static struct libdeflate_decompressor *inflater = NULL;
	const unsigned char *tail;
	size_t size = request->body_len;
	enum libdeflate_result rc;

	buffer->len = 0;
	if (!request->gzipped)
	{
		if (size > limit)
			return HTTP_TEXT_TOO_LARGE;
		if (!reserve(buffer, size))
			return HTTP_TEXT_NO_MEMORY;
		if (size > 0)
			memcpy(buffer->data, request->body, size);
	}
	else
	{
		if (request->body_len < 18)
			return HTTP_TEXT_BROKEN;
		if (inflater == NULL && (inflater = libdeflate_alloc_decompressor()) == NULL)
			return HTTP_TEXT_NO_MEMORY;
		/* gzip ends with the size of what it holds */
		tail = (unsigned char *) request->body + request->body_len - 4;
		size = tail[0] | (size_t) tail[1] << 8 | (size_t) tail[2] << 16 | (size_t) tail[3] << 24;
		/* no honest encoder squeezes more than 1032 to 1 */
		if (size / 1032 > request->body_len)
			return HTTP_TEXT_BROKEN;
		if (size > limit)
			return HTTP_TEXT_TOO_LARGE;
		if (!reserve(buffer, size))
			return HTTP_TEXT_NO_MEMORY;
		rc = libdeflate_gzip_decompress(inflater, request->body, request->body_len,
										buffer->data, size, &size);
		if (rc != LIBDEFLATE_SUCCESS)
			return HTTP_TEXT_BROKEN;
	}
	memset(buffer->data + size, 0, HTTP_TEXT_SLACK);
	buffer->len = size;
	http_drop_body(request);
	return HTTP_TEXT_OK;
}
