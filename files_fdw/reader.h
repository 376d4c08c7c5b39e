/*
 * reader.h
 *		A window over the text of a file, and the row that stands in it.
 *
 * A format looks for the end of the next row in what is there; if there is none, the window grows.
 */
#ifndef FILES_READER_H
#define FILES_READER_H

#include "postgres.h"

#include "files_fdw/complaint.h"
#include "files_fdw/input.h"

#define READER_PAD 64 /* zeros behind the text: so much may be looked at at once */

typedef struct Reader
{
	Input *in;
	char *buf;
	size_t size;
	size_t len;     /* bytes there are */
	size_t at;      /* of the next row */
	size_t valid;   /* up to here the text is valid in the database's encoding */
	size_t most;    /* a row may have */
	int64 base;     /* position of buf[0] */
	int64 line;     /* of the next row; 0: unknown */
	bool end;       /* nothing follows */
	int generation; /* another one whenever bytes moved */
} Reader;

#define FIELD_QUOTED 1
#define FIELD_ESCAPED 2 /* there are escapes in it */
#define FIELD_MISSING 4
#define FIELD_RAW 8    /* of JSON: a number, a truth, a null, an object or an array as it stands */
#define FIELD_CELL 16  /* of a sheet: its text is what it is, in no quotes even where FIELD_QUOTED says that it is a text */
#define FIELD_ERROR 32 /* of a sheet: an error, or a day that there is not */

typedef struct Field
{
	const char *p;
	int len;
	int flags;
} Field;

typedef struct Row
{
	int64 position;
	int64 line;
	const char *text; /* whole, without its end */
	size_t len;
	Field *fields;
	int nfields;
	int room;        /* for fields */
	Complaint fault; /* sqlstate 0: it is good */
	bool fatal;      /* nothing behind it can be read: the file fails, not the row */
} Row;

extern Reader *reader_new(Input *in, size_t most);
/* Over a text that is there, all of it */
extern Reader *reader_of_text(const char *text, size_t len);
/* More text, behind what begins at r->at, which moves; false: there is none, and r->end */
extern bool reader_more(Reader *r);
/* Go to a position of a plain input */
extern void reader_seek(Reader *r, int64 position);
/* The text up to an offset must be valid; false: *bad is where it is not */
extern bool reader_verify(Reader *r, size_t upto, size_t *bad);
/* Skip a byte order mark at the very beginning */
extern void reader_skip_mark(Reader *r);
/* Skip so many lines; false if there are fewer */
extern bool reader_skip_lines(Reader *r, int n, char newline);
/* What is shown of a byte that is no text */
extern bool complain_bytes(Complaint *c, const char *p, size_t len);

#endif /* FILES_READER_H */
