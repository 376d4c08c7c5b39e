/*
 * decode.h
 *		Pages of JSON into Datums, straight from the text.
 */
#ifndef NETSUITE_DECODE_H
#define NETSUITE_DECODE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "netsuite_fdw/page.h"
#include "pgtime.h"

#define MAX_KEYS 5

/* How a value's text becomes a Datum */
typedef enum ValueKind
{
	VALUE_INPUT, /* by the type's input function */
	VALUE_BOOL,
	VALUE_INT2,
	VALUE_INT4,
	VALUE_INT8,
	VALUE_NUMERIC,
	VALUE_TEXT,
	VALUE_DATE,       /* YYYY-MM-DD */
	VALUE_TIMESTAMP,  /* YYYY-MM-DD HH:MI:SS */
	VALUE_TIMESTAMPTZ /* the same, in the decoder's zone */
} ValueKind;

#define DIVIDES_NOTHING -1 /* no count */
#define COUNT_ALONE -2     /* a count that divides nothing */

typedef struct DecodeColumn
{
	char *name;  /* the key in a page's items, lower case */
	char *token; /* name as last seen, with the closing quote */
	int token_len;
	uint64 token_first; /* its first eight bytes, and which of them count */
	uint64 token_mask;
	ValueKind kind;
	Oid type;
	int32 typmod;
	FmgrInfo input;
	Oid ioparam;
	int target;        /* place in the row, or -1 */
	int key;           /* place in the key, or -1 */
	int divides;       /* target whose sum this count divides, or one of the following */
	bool midnight;     /* a date that becomes a timestamptz */
	const char *label; /* local column name, for messages */
} DecodeColumn;

typedef struct Decoder
{
	int ncolumns;
	DecodeColumn *columns;
	int ntargets;
	int nkeys;
	int64 key[MAX_KEYS]; /* of the row last read */
	bool key_seen[MAX_KEYS];
	const char *relation; /* for messages */
	pg_tz *zone;          /* of VALUE_TIMESTAMPTZ */
	bool zone_fixed;
	long zone_offset;           /* seconds east, if fixed */
	struct MonthOffset *months; /* offsets by month, otherwise */
	char *arena;                /* small values of one row */
	Size arena_used;
	bool tolerant;         /* a row that does not fit is all null rather than an error ... */
	int error_target;      /* ... and tells why here, or -1 */
	bool bad;              /* the row last read was one */
	bool strange;          /* some values are read by code that is not PostgreSQL's own */
	const ReplyPage *page; /* being read, for messages */
	const char *row;       /* the beginning of its row */
	const DecodeColumn *at;
	const char *value;
	int value_len;
} Decoder;

extern Decoder *decoder_new(int ncolumns, int ntargets, const char *relation, pg_tz *zone);
extern void decoder_column(Decoder *decoder, int i, const char *name, Oid type, int32 typmod,
						   int target, const char *label);
extern bool page_last_key(Decoder *decoder, ReplyPage *page, int64 *key);
extern const char *page_read_row(Decoder *decoder, const char *row, Datum *values, bool *nulls);
extern bool page_next(Decoder *decoder, ReplyPage *page, Datum *values, bool *nulls);
extern bool parse_seconds(const char *text, int len, Timestamp *result);
extern TimestampTz wall_moment(Timestamp wall, pg_tz *zone);

#endif /* NETSUITE_DECODE_H */
