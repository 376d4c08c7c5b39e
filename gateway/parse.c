/*
 * parse.c
 *		Bytes of HTTP/1.1 into a request, as RFC 9112 and RFC 9110 say, read strictly.
 */
#include "gateway/parse.h"

#include <string.h>

/* Sizes and extensions of chunks, and trailers: nobody sends much of these */
#define MOST_OVERHEAD (16 * 1024)
/* Digits of a chunk's size, leading zeros included */
#define MOST_CHUNK_DIGITS 8

/* -- bytes -- */

static bool
is_token(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool
is_in_value(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

bool
slice_is(Slice slice, const char *text)
{
	return slice.n == strlen(text) && memcmp(slice.at, text, slice.n) == 0;
}

bool
slice_is_like(Slice slice, const char *text)
{
	if (slice.n != strlen(text))
		return false;
	for (size_t i = 0; i < slice.n; i++)
		if (lower(slice.at[i]) != lower(text[i]))
			return false;
	return true;
}

static Slice
trimmed(const char *from, const char *to)
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	return (Slice){from, to - from};
}

bool
list_has(Slice list, const char *element)
{
	const char *at = list.at,
			   *end = list.at + list.n;

	while (at < end)
	{
		const char *comma = memchr(at, ',', end - at);
		const char *to = comma ? comma : end;

		if (slice_is_like(trimmed(at, to), element))
			return true;
		at = to + 1;
	}
	return false;
}

const Header *
request_header(const Request *request, const char *name)
{
	const Header *found = NULL;

	for (int i = 0; i < request->n_headers; i++)
	{
		if (!slice_is_like(request->headers[i].name, name))
			continue;
		if (found)
			return NULL;
		found = &request->headers[i];
	}
	return found;
}

/* -- the request line -- */

/* Letters, digits and what stands in names and addresses of hosts; neither a user nor a path */
static bool
is_authority(Slice s)
{
	for (size_t i = 0; i < s.n; i++)
	{
		unsigned char c = s.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-._~[]:", c))))
			return false;
	}
	return true;
}

/* Visible ASCII, no fragment, whole escapes, none of them NUL */
static bool
is_target(Slice s)
{
	for (size_t i = 0; i < s.n; i++)
	{
		unsigned char c = s.at[i];

		if (c <= ' ' || c >= 0x7f || c == '#' || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' || c == '`')
			return false;
		if (c == '%')
		{
			if (i + 2 >= s.n || hex_value(s.at[i + 1]) < 0 || hex_value(s.at[i + 2]) < 0)
				return false;
			if (s.at[i + 1] == '0' && s.at[i + 2] == '0')
				return false;
		}
	}
	return s.n > 0;
}

/* An absolute form holds the host; what remains is the path */
static bool
strip_authority(Slice *target, Slice *host)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (int i = 0; i < 2; i++)
	{
		size_t n = strlen(schemes[i]);
		const char *at,
			*end = target->at + target->n;

		if (target->n < n || !slice_is_like((Slice){target->at, n}, schemes[i]))
			continue;
		at = target->at + n;
		host->at = at;
		while (at < end && *at != '/' && *at != '?')
			at++;
		host->n = at - host->at;
		if (host->n == 0 || !is_authority(*host))
			return false;
		/* without a path it is the root's, and a query needs the slash before it */
		*target = at < end ? (Slice){at, end - at} : (Slice){"/", 1};
		return target->at[0] == '/';
	}
	return false;
}

static int
parse_target(Slice target, Request *r)
{
	const char *question;

	if (target.n > MOST_TARGET)
		return 414;
	if (slice_is(target, "*"))
	{
		if (!slice_is(r->method, "OPTIONS"))
			return 400;
		r->path = target;
		return PARSE_DONE;
	}
	if (!is_target(target))
		return 400;
	if (target.at[0] != '/' && !strip_authority(&target, &r->host))
		return 400;
	question = memchr(target.at, '?', target.n);
	r->path = (Slice){target.at, question ? (size_t) (question - target.at) : target.n};
	if (question)
		r->query = (Slice){question + 1, target.at + target.n - question - 1};
	return PARSE_DONE;
}

static int
parse_version(Slice version, Request *r)
{
	if (version.n != 8 || memcmp(version.at, "HTTP/", 5) != 0 || version.at[6] != '.')
		return 400;
	if (version.at[5] < '0' || version.at[5] > '9' || version.at[7] < '0' || version.at[7] > '9')
		return 400;
	if (version.at[5] != '1')
		return 505;
	/* a later minor version is answered as the highest that is known */
	r->minor = version.at[7] == '0' ? 0 : 1;
	return PARSE_DONE;
}

static int
parse_line(const char *at, const char *end, Request *r)
{
	const char *blank = memchr(at, ' ', end - at);
	const char *last;
	int status;

	if (blank == NULL)
		return 400;
	r->method = (Slice){at, blank - at};
	if (r->method.n == 0 || r->method.n > 32)
		return 400;
	for (size_t i = 0; i < r->method.n; i++)
		if (!is_token(r->method.at[i]))
			return 400;
	at = blank + 1;
	last = memchr(at, ' ', end - at);
	if (last == NULL)
		return 400;
	status = parse_version((Slice){last + 1, end - last - 1}, r);
	if (status != PARSE_DONE)
		return status;
	return parse_target((Slice){at, last - at}, r);
}

/* -- headers -- */

static int
parse_header(const char *at, const char *end, Request *r)
{
	const char *colon = memchr(at, ':', end - at);
	Header *h;

	/* a fold begins with a blank, which is not a token either */
	if (colon == NULL || colon == at)
		return 400;
	for (const char *c = at; c < colon; c++)
		if (!is_token(*c))
			return 400;
	for (const char *c = colon + 1; c < end; c++)
		if (!is_in_value(*c))
			return 400;
	if (r->n_headers == MOST_HEADERS)
		return 431;
	h = &r->headers[r->n_headers++];
	h->name = (Slice){at, colon - at};
	h->value = trimmed(colon + 1, end);
	return PARSE_DONE;
}

static int
count_of(const Request *r, const char *name)
{
	int n = 0;

	for (int i = 0; i < r->n_headers; i++)
		n += slice_is_like(r->headers[i].name, name);
	return n;
}

static int
parse_length(Slice value, Request *r)
{
	if (value.n == 0)
		return 400;
	for (size_t i = 0; i < value.n; i++)
	{
		if (value.at[i] < '0' || value.at[i] > '9')
			return 400;
		/* what is too much stays so */
		if (r->length <= MOST_BODY)
			r->length = r->length * 10 + (value.at[i] - '0');
	}
	return r->length > MOST_BODY ? 413 : PARSE_DONE;
}

/* How the body ends: the one question on which two readers must not differ */
static int
frame(Request *r)
{
	int lengths = count_of(r, "content-length"),
		encodings = count_of(r, "transfer-encoding");

	if (lengths > 1 || (lengths && encodings))
		return 400;
	if (encodings)
	{
		if (r->minor == 0)
			return 400;
		if (encodings > 1 || !slice_is_like(request_header(r, "transfer-encoding")->value, "chunked"))
			return 501;
		r->chunked = true;
	}
	return lengths ? parse_length(request_header(r, "content-length")->value, r) : PARSE_DONE;
}

/* The host that the request is for: one, and in the target it counts more */
static int
find_host(Request *r)
{
	int hosts = count_of(r, "host");
	Slice host;

	if (hosts > 1 || (hosts == 0 && r->minor > 0))
		return 400;
	if (hosts == 0)
		return PARSE_DONE;
	host = request_header(r, "host")->value;
	if (!is_authority(host))
		return 400;
	if (r->host.at == NULL)
		r->host = host;
	return PARSE_DONE;
}

static int
meaning(Request *r)
{
	const Header *expect;
	int status = find_host(r);

	if (status == PARSE_DONE)
		status = frame(r);
	if (status != PARSE_DONE)
		return status;
	r->keep_alive = r->minor > 0;
	for (int i = 0; i < r->n_headers; i++)
	{
		if (!slice_is_like(r->headers[i].name, "connection"))
			continue;
		if (list_has(r->headers[i].value, "close"))
			r->keep_alive = false;
	}
	if (count_of(r, "expect") > 0 && r->minor > 0)
	{
		expect = request_header(r, "expect");
		if (expect == NULL || !slice_is_like(expect->value, "100-continue"))
			return 417;
		r->expects_continue = true;
	}
	return PARSE_DONE;
}

/* -- the block -- */

/* The end of a line that is CR LF, and no CR or LF elsewhere; NULL: not there yet, or *bad */
static const char *
line_end(const char *at, const char *end, bool *bad)
{
	for (const char *c = at; c < end; c++)
	{
		if (*c == '\n')
			break;
		if (*c != '\r')
			continue;
		if (c + 1 == end)
			return NULL;
		if (c[1] != '\n')
			break;
		return c;
	}
	*bad = memchr(at, '\n', end - at) || memchr(at, '\r', end - at);
	return NULL;
}

int
request_parse(const char *bytes, size_t n, Request *r)
{
	const char *at = bytes,
			   *end = bytes + n;
	bool first = true,
		 bad = false;

	memset(r, 0, sizeof(Request));
	/* an empty line before a request is left over from the body of the one before */
	if (n >= 2 && at[0] == '\r' && at[1] == '\n')
		at += 2;
	for (;;)
	{
		const char *to = line_end(at, end, &bad);
		int status;

		if (to == NULL)
		{
			if (bad)
				return 400;
			if (first && end - at > MOST_TARGET + 64)
				return 414;
			return n > MOST_HEADER_BYTES ? 431 : PARSE_MORE;
		}
		if (to + 2 - bytes > MOST_HEADER_BYTES)
			return first ? 414 : 431;
		if (to == at && !first)
		{
			r->bytes = to + 2 - bytes;
			return meaning(r);
		}
		status = first ? parse_line(at, to, r) : parse_header(at, to, r);
		if (status != PARSE_DONE)
			return status;
		first = false;
		at = to + 2;
	}
}

/* -- chunks -- */

static int
read_size(Chunks *c, char byte)
{
	int digit = hex_value(byte);

	if (digit >= 0)
	{
		if (++c->digits > MOST_CHUNK_DIGITS)
			return 413;
		c->left = c->left * 16 + digit;
		return c->total + c->left > MOST_BODY ? 413 : PARSE_MORE;
	}
	if (c->digits == 0 || (byte != ';' && byte != '\r'))
		return 400;
	c->state = byte == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
	return PARSE_MORE;
}

/* Of sizes, extensions, line ends and trailers */
static int
read_byte(Chunks *c, char byte)
{
	if (++c->overhead > MOST_OVERHEAD)
		return c->state >= CHUNK_TRAILER ? 431 : 400;
	switch (c->state)
	{
		case CHUNK_SIZE:
			return read_size(c, byte);
		case CHUNK_EXTENSION:
			if (byte == '\r')
				c->state = CHUNK_SIZE_LF;
			else if (!is_in_value(byte))
				return 400;
			return PARSE_MORE;
		case CHUNK_SIZE_LF:
			c->state = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
			return byte == '\n' ? PARSE_MORE : 400;
		case CHUNK_DATA_CR:
			c->state = CHUNK_DATA_LF;
			return byte == '\r' ? PARSE_MORE : 400;
		case CHUNK_DATA_LF:
			c->state = CHUNK_SIZE;
			c->digits = 0;
			return byte == '\n' ? PARSE_MORE : 400;
		case CHUNK_TRAILER:
			c->state = byte == '\r' ? CHUNK_LAST_LF : CHUNK_TRAILER_NAME;
			return byte == '\r' || is_token(byte) ? PARSE_MORE : 400;
		case CHUNK_TRAILER_NAME:
			if (byte == ':')
				c->state = CHUNK_TRAILER_VALUE;
			return byte == ':' || is_token(byte) ? PARSE_MORE : 400;
		case CHUNK_TRAILER_VALUE:
			if (byte == '\r')
				c->state = CHUNK_TRAILER_LF;
			return byte == '\r' || is_in_value(byte) ? PARSE_MORE : 400;
		case CHUNK_TRAILER_LF:
			c->state = CHUNK_TRAILER;
			return byte == '\n' ? PARSE_MORE : 400;
		case CHUNK_LAST_LF:
			return byte == '\n' ? PARSE_DONE : 400;
		case CHUNK_DATA:
			break;
	}
	return 400;
}

int
chunks_read(Chunks *c, char *bytes, size_t n, size_t *used, size_t *data)
{
	size_t at = 0,
		   out = 0;
	int status = PARSE_MORE;

	while (at < n && status == PARSE_MORE)
	{
		if (c->state == CHUNK_DATA)
		{
			size_t part = c->left < n - at ? c->left : n - at;

			memmove(bytes + out, bytes + at, part);
			out += part;
			at += part;
			c->total += part;
			c->left -= part;
			if (c->left == 0)
				c->state = CHUNK_DATA_CR;
		}
		else
			status = read_byte(c, bytes[at++]);
	}
	*used = at;
	*data = out;
	return status;
}
