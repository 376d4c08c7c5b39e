/*
 * parse.h
 *		Bytes of HTTP/1.1 into a request: pure, without a copy, everything ambiguous refused.
 *
 * The whole header block is parsed at once, when its empty line is there.  What RFC 9112
 * lets a server read in two ways is an error here, since a proxy in front may have read
 * it the other way.
 */
#ifndef GATEWAY_PARSE_H
#define GATEWAY_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of the bytes that were parsed */
typedef struct Slice
{
	const char *at;
	size_t n;
} Slice;

typedef struct Header
{
	Slice name; /* as it came: compare with header_is() */
	Slice value;
} Header;

#define MOST_HEADERS 100
#define MOST_HEADER_BYTES (16 * 1024)
#define MOST_TARGET (8 * 1024)
#define MOST_BODY (1024 * 1024)

typedef struct Request
{
	Slice method;
	Slice path;  /* from the slash on, escapes as they came */
	Slice query; /* behind the question mark; NULL: none */
	Slice host;
	int minor; /* of HTTP/1 */
	int n_headers;
	Header headers[MOST_HEADERS];
	bool keep_alive;
	bool expects_continue;
	bool chunked;
	size_t length; /* of the body, where it is not chunked */
	size_t bytes;  /* of the header block */
} Request;

/* Instead of a status: more bytes are needed, or all is there */
#define PARSE_MORE 0
#define PARSE_DONE 1

/* PARSE_MORE, PARSE_DONE or the status of the refusal, in which case nothing behind it may be read */
extern int request_parse(const char *bytes, size_t n, Request *request);
/* The value of a header; NULL: there is none, or more than one where only one makes sense */
extern const Header *request_header(const Request *request, const char *name);
extern bool slice_is(Slice slice, const char *text);
/* Without regard to the case of ASCII letters */
extern bool slice_is_like(Slice slice, const char *text);
/* Is it an element of a list, as of the header Connection? */
extern bool list_has(Slice list, const char *element);

typedef enum ChunkState
{
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,
	CHUNK_TRAILER_NAME,
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF
} ChunkState;

typedef struct Chunks
{
	ChunkState state;
	int digits;      /* of the size, so far */
	size_t left;     /* of the chunk */
	size_t total;    /* of the body, so far */
	size_t overhead; /* of sizes, extensions and trailers, so far */
} Chunks;

/*
 * Reads chunks on, beginning with a zeroed state: moves their data to the front of the
 * bytes.  PARSE_MORE, PARSE_DONE or a status; used says how many bytes were read and
 * data how many of the body are at the front.
 */
extern int chunks_read(Chunks *chunks, char *bytes, size_t n, size_t *used, size_t *data);

#endif /* GATEWAY_PARSE_H */
