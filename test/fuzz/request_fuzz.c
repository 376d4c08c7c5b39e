/*
 * request_fuzz.c
 *		Fuzzes the gateway's reader of HTTP: any bytes, cut anywhere, give the same answer.
 *
 * What must hold of every input: no fault of memory (the sanitizers); a request that is
 * whole is no longer than its bytes and its slices lie within them; what was refused or
 * whole stays so when more bytes come; chunks give the same body however they are cut.
 */
#include "gateway/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/check.h"
#include "test/fuzz/replay.h"

static void
lies_within(Slice s, const char *bytes, size_t n)
{
	/* a path of the absolute form without one is a constant */
	if (s.at == NULL || slice_is(s, "/"))
		return;
	CHECK(s.at >= bytes && s.at + s.n <= bytes + n);
}

static void
check_request(const char *bytes, size_t n)
{
	Request whole,
		part;
	int status = request_parse(bytes, n, &whole);

	if (status == PARSE_DONE)
	{
		CHECK(whole.bytes <= n && whole.bytes <= MOST_HEADER_BYTES);
		CHECK(whole.path.n > 0 && !memchr(whole.path.at, 0, whole.path.n));
		CHECK(!(whole.chunked && whole.length > 0));
		CHECK(whole.length <= MOST_BODY);
		lies_within(whole.method, bytes, n);
		lies_within(whole.path, bytes, n);
		lies_within(whole.query, bytes, n);
		lies_within(whole.host, bytes, n);
		for (int i = 0; i < whole.n_headers; i++)
		{
			lies_within(whole.headers[i].name, bytes, n);
			CHECK(!memchr(whole.headers[i].value.at, '\n', whole.headers[i].value.n));
			CHECK(!memchr(whole.headers[i].value.at, '\r', whole.headers[i].value.n));
		}
	}
	/* whoever gets the bytes one by one decides as who gets them at once */
	for (size_t i = 0; i < n; i++)
	{
		int early = request_parse(bytes, i, &part);

		if (early == PARSE_MORE)
			continue;
		CHECK(early == status || status == 431 || status == 414);
		if (early == PARSE_DONE)
			CHECK(part.bytes == whole.bytes);
		break;
	}
}

/* Chunks, read in pieces of so many bytes; the length of the body, or minus the status */
static long
read_chunks(const char *bytes, size_t n, size_t piece, char *body)
{
	Chunks chunks = {0};
	size_t length = 0;

	for (size_t at = 0; at < n;)
	{
		size_t part = n - at < piece ? n - at : piece,
			   used,
			   data;
		char *copy = malloc(part);
		int status;

		memcpy(copy, bytes + at, part);
		status = chunks_read(&chunks, copy, part, &used, &data);
		CHECK(used <= part && data <= used);
		memcpy(body + length, copy, data);
		free(copy);
		length += data;
		at += used;
		if (status != PARSE_MORE)
			return status == PARSE_DONE ? (long) length : -(long) status;
		CHECK(used == part);
	}
	return -1;
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	char *bytes = malloc(n + 1),
		 *one = malloc(n + 1),
		 *many = malloc(n + 1);
	long length;

	memcpy(bytes, data, n);
	check_request(bytes, n);
	length = read_chunks(bytes, n, n ? n : 1, one);
	CHECK(read_chunks(bytes, n, 1, many) == length);
	CHECK(read_chunks(bytes, n, 7, many) == length);
	if (length > 0)
		CHECK(memcmp(one, many, length) == 0);
	free(bytes);
	free(one);
	free(many);
	return 0;
}
