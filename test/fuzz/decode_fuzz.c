/*
 * decode_fuzz.c
 *		Fuzzer for what parses bytes from NetSuite: the page decoder, and the reader
 *		of documents.  Links them against small stand-ins for what they use of
 *		PostgreSQL; an ereport(ERROR) is a longjmp back here.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/json.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "netsuite_fdw/decode.h"
#include "netsuite_fdw/reason.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "test/fuzz/standins.h"

/* -- stand-ins -- */

volatile sig_atomic_t InterruptPending = false;
pg_tz *session_timezone = NULL;
const int day_tab[2][13] = {
	{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0},
	{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0}};

int
errcontext_msg(const char *fmt, ...)
{
	return fmt != NULL;
}

int
set_errcontext_domain(const char *domain)
{
	(void) domain;
	return 0;
}

static void
standard_error(void)
{
	errfinish(NULL, 0, NULL);
}

/* What makes a reason of an error needs a server; rows are read as for a query that does not ask */
const char *
reason_read_row(Decoder *decoder, const char *row, Datum *values, bool *nulls)
{
	return page_read_row(decoder, row, values, nulls);
}

/* Input functions: read every byte, as the real ones do */
Datum
InputFunctionCall(FmgrInfo *flinfo, char *str, Oid typioparam, int32 typmod)
{
	(void) flinfo, (void) typioparam, (void) typmod;
	if (strlen(str) == 7)
		standard_error();
	return (Datum) 0;
}

Datum
DirectFunctionCall1Coll(PGFunction func, Oid collation, Datum arg1)
{
	(void) func, (void) collation;
	return arg1;
}

Datum
DirectFunctionCall2Coll(PGFunction func, Oid collation, Datum arg1, Datum arg2)
{
	(void) func, (void) collation, (void) arg1, (void) arg2;
	return BoolGetDatum(true);
}

Datum
DirectFunctionCall3Coll(PGFunction func, Oid collation, Datum arg1, Datum arg2, Datum arg3)
{
	(void) func, (void) collation, (void) arg2, (void) arg3;
	return (Datum) strlen(DatumGetCString(arg1));
}

#define STAND_IN(name) \
	Datum name(FunctionCallInfo fcinfo) \
	{ \
		(void) fcinfo; \
		return 0; \
	}
extern Datum numeric_in(FunctionCallInfo);
extern Datum numeric_int8(FunctionCallInfo);
extern Datum numeric_eq(FunctionCallInfo);
extern Datum numeric_div(FunctionCallInfo);
extern Datum int8_numeric(FunctionCallInfo);
STAND_IN(numeric_in)
STAND_IN(numeric_int8)
STAND_IN(numeric_eq)
STAND_IN(numeric_div)
STAND_IN(int8_numeric)

/* A number is the length of its text here: those of five are none */
struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	return datum;
}

bool
numeric_is_nan(Numeric num)
{
	return (Datum) num == 5;
}

bool
numeric_is_inf(Numeric num)
{
	(void) num;
	return false;
}

char
func_volatile(Oid funcid)
{
	(void) funcid;
	return PROVOLATILE_IMMUTABLE;
}

void
getTypeInputInfo(Oid type, Oid *typInput, Oid *typIOParam)
{
	(void) type;
	*typInput = *typIOParam = InvalidOid;
}

void
fmgr_info(Oid functionId, FmgrInfo *finfo)
{
	(void) functionId, (void) finfo;
}

int
date2j(int y, int m, int d)
{
	return y * 372 + m * 31 + d;
}

void
j2date(int jd, int *year, int *month, int *day)
{
	*year = jd / 372;
	*month = jd / 31 % 12 + 1;
	*day = jd % 31 + 1;
}

int
timestamp2tm(Timestamp dt, int *tzp, struct pg_tm *tm, fsec_t *fsec, const char **tzn, pg_tz *attimezone)
{
	(void) dt, (void) tzp, (void) fsec, (void) tzn, (void) attimezone;
	memset(tm, 0, sizeof(*tm));
	return 0;
}

int
DetermineTimeZoneOffset(struct pg_tm *tm, pg_tz *tzp)
{
	(void) tm, (void) tzp;
	return 0;
}

pg_time_t
timestamptz_to_time_t(TimestampTz t)
{
	return t / USECS_PER_SEC;
}

int
pg_next_dst_boundary(const pg_time_t *timep, long int *before_gmtoff, int *before_isdst,
					 pg_time_t *boundary, long int *after_gmtoff, int *after_isdst, const pg_tz *tz)
{
	(void) timep, (void) before_gmtoff, (void) before_isdst, (void) boundary, (void) after_gmtoff,
		(void) after_isdst, (void) tz;
	return 0;
}

const char *
pg_get_timezone_name(pg_tz *tz)
{
	(void) tz;
	return "UTC";
}

bool
pg_get_timezone_offset(const pg_tz *tz, long int *gmtoff)
{
	(void) tz;
	*gmtoff = 0;
	return true;
}

bool
pg_verify_mbstr(int encoding, const char *mbstr, int len, bool noError)
{
	(void) encoding, (void) noError;
	if (utf8_valid((const unsigned char *) mbstr, len) != len)
		standard_error();
	return true;
}

int
pg_encoding_mbcliplen(int encoding, const char *mbstr, int len, int limit)
{
	(void) encoding, (void) mbstr;
	return len < limit ? len : limit;
}

char *
pg_any_to_server(const char *s, int len, int encoding)
{
	(void) len, (void) encoding;
	return (char *) s;
}

char *
pg_server_to_any(const char *s, int len, int encoding)
{
	(void) len, (void) encoding;
	return (char *) s;
}

int
pg_encoding_verifymbchar(int encoding, const char *mbstr, int len)
{
	int n = pg_utf_mblen((const unsigned char *) mbstr);

	(void) encoding;
	return n <= len && utf8_valid((const unsigned char *) mbstr, n) == n ? n : -1;
}

/* The server's encoding here is UTF-8: nothing is converted */
Oid
FindDefaultConversionProc(int32 for_encoding, int32 to_encoding)
{
	(void) for_encoding, (void) to_encoding;
	return InvalidOid;
}

int
pg_do_encoding_conversion_buf(Oid proc, int src_encoding, int dest_encoding, unsigned char *src, int srclen,
							  unsigned char *dest, int destlen, bool noError)
{
	(void) proc, (void) src_encoding, (void) dest_encoding, (void) src, (void) srclen, (void) dest, (void) destlen,
		(void) noError;
	return 0;
}

void
escape_json(StringInfo buf, const char *str)
{
	appendStringInfoChar(buf, '"');
	appendStringInfoString(buf, str);
	appendStringInfoChar(buf, '"');
}

unsigned char *
unicode_to_utf8(pg_wchar c, unsigned char *utf8string)
{
	if (c <= 0x7F)
		utf8string[0] = c;
	else if (c <= 0x7FF)
	{
		utf8string[0] = 0xC0 | ((c >> 6) & 0x1F);
		utf8string[1] = 0x80 | (c & 0x3F);
	}
	else if (c <= 0xFFFF)
	{
		utf8string[0] = 0xE0 | ((c >> 12) & 0x0F);
		utf8string[1] = 0x80 | ((c >> 6) & 0x3F);
		utf8string[2] = 0x80 | (c & 0x3F);
	}
	else
	{
		utf8string[0] = 0xF0 | ((c >> 18) & 0x07);
		utf8string[1] = 0x80 | ((c >> 12) & 0x3F);
		utf8string[2] = 0x80 | ((c >> 6) & 0x3F);
		utf8string[3] = 0x80 | (c & 0x3F);
	}
	return utf8string;
}

int
pg_utf_mblen(const unsigned char *s)
{
	return *s < 0x80 ? 1 : (*s & 0xe0) == 0xc0 ? 2
					   : (*s & 0xf0) == 0xe0   ? 3
											   : 4;
}

int
pg_strcasecmp(const char *s1, const char *s2)
{
	return strcasecmp(s1, s2);
}

int
pg_strncasecmp(const char *s1, const char *s2, size_t n)
{
	return strncasecmp(s1, s2, n);
}

void
ProcessInterrupts(void)
{
}

/* -- the targets -- */

/* Ask a value for all that it can be asked for */
static void
visit_value(const char *name, Json *value, void *arg)
{
	(void) arg;
	words_from_utf8(name, strlen(name));
	json_int(value);
	json_true(value);
	for (int i = 0; i < json_count(value); i++)
		json_item_words(value, i);
	json_visit(value, visit_value, NULL);
}

static void
read_document(const uint8_t *data, size_t size)
{
	/* exactly as large as it is, so that the sanitizer sees a step too far */
	char *text = keep(size);
	Json *document;
	ReplyPage page;

	memcpy(text, data, size);
	document = json_parse(CurrentMemoryContext, text, size);
	if (document == NULL)
		return;
	if (json_is_object(document))
		json_visit(document, visit_value, NULL);
	json_words(document, "name");
	json_print(document);
	json_remove(document, "links");
	json_text(document, "id");
	page_describe(&page, document, 1000, 0);
}

static void
decode_page(const uint8_t *data, size_t size)
{
	static const struct
	{
		const char *name;
		Oid type;
	} columns[] = {
		{"id", INT8OID}, {"name", TEXTOID}, {"amount", NUMERICOID}, {"isinactive", BOOLOID}, {"trandate", DATEOID}, {"changed", TIMESTAMPOID}, {"at", TIMESTAMPTZOID}, {"n", INT4OID}, {"doc", JSONBOID}, {"c4", INT2OID}};
	ReplyPage page;
	Decoder *decoder;
	Datum values[lengthof(columns)];
	bool nulls[lengthof(columns)];
	int64 key[MAX_KEYS];
	const char *why = NULL;

	memset(&page, 0, sizeof(page));
	/* exactly as large as http_text() makes it, so that the sanitizer sees a step too far */
	page.text.data = malloc(size + HTTP_TEXT_SLACK);
	memcpy(page.text.data, data, size);
	memset(page.text.data + size, 0, HTTP_TEXT_SLACK);
	page.text.len = size;
	if (setjmp(failed) == 0 && page_frame(&page, &why))
	{
		decoder = decoder_new(lengthof(columns), lengthof(columns), "fuzz", NULL);
		for (int i = 0; i < lengthof(columns); i++)
			decoder_column(decoder, i, columns[i].name, columns[i].type, -1, i, columns[i].name);
		decoder->nkeys = size % 2;
		decoder->columns[0].key = decoder->nkeys ? 0 : -1;
		if (page_last_key(decoder, &page, key))
		{
			while (page_next(decoder, &page, values, nulls))
				;
			page_rewind(&page);
			page_next(decoder, &page, values, nulls);
		}
	}
	error_context_stack = NULL;
	free(page.text.data);
	forget_all();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode_page(data, size);
	if (setjmp(failed) == 0)
		read_document(data, size);
	forget_all();
	return 0;
}
