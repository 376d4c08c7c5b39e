/*
 * data_text.c
 *		The data of an event as text, and texts as they are sent.
 *
 * jsonb_out() looks at each byte of a string and appends it by itself, which was a quarter of what reading an event
 * costs.  Here what needs no backslash is found eight bytes at a time and copied as a whole.
 */
#include "postgres.h"

#include <limits.h>

#include "catalog/namespace.h"
#include "ingest_delivery/data_text.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define EACH_BYTE (UINT64CONST(0x0101010101010101))
#define HIGH_BITS (UINT64CONST(0x8080808080808080))

/* Some byte of it is 0 */
#define HAS_ZERO(word) (((word) -EACH_BYTE) & ~(word) &HIGH_BITS)
/* Some byte of it is less than a blank */
#define HAS_CONTROL(word) (((word) -EACH_BYTE * 0x20) & ~(word) &HIGH_BITS)

static bool
is_plain(char c)
{
	return (unsigned char) c >= 0x20 && c != '"' && c != '\\';
}

/* How many bytes of a string stand in JSON as they are, up to the first that does not */
static int
plain_bytes(const char *text, int length)
{
	int n = 0;

	for (; n + (int) sizeof(uint64) <= length; n += sizeof(uint64))
	{
		uint64 word;

		memcpy(&word, text + n, sizeof(word));
		if (HAS_CONTROL(word) | HAS_ZERO(word ^ (EACH_BYTE * '"')) | HAS_ZERO(word ^ (EACH_BYTE * '\\')))
			break;
	}
	while (n < length && is_plain(text[n]))
		n++;
	return n;
}

static void
append_escaped(StringInfo out, char c)
{
	static const char short_forms[] = "\bb\ff\nn\rr\tt\"\"\\\\";

	for (const char *form = short_forms; *form; form += 2)
		if (c == form[0])
		{
			appendStringInfoChar(out, '\\');
			appendStringInfoChar(out, form[1]);
			return;
		}
	appendStringInfo(out, "\\u%04x", (unsigned char) c);
}

static void
append_string(StringInfo out, const char *text, int length)
{
	appendStringInfoChar(out, '"');
	for (int at = 0; at < length; at++)
	{
		int n = plain_bytes(text + at, length - at);

		appendBinaryStringInfo(out, text + at, n);
		at += n;
		if (at < length)
			append_escaped(out, text[at]);
	}
	appendStringInfoChar(out, '"');
}

static void
append_scalar(StringInfo out, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			appendStringInfoString(out, "null");
			break;
		case jbvBool:
			appendStringInfoString(out, value->val.boolean ? "true" : "false");
			break;
		case jbvNumeric:
			appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric))));
			break;
		case jbvString:
			append_string(out, value->val.string.val, value->val.string.len);
			break;
		default:
			elog(ERROR, "unexpected type of jsonb: %d", value->type);
	}
}

bool
append_jsonb(StringInfo out, Jsonb *jsonb, int most)
{
	int end = out->len + most;
	JsonbIterator *i = JsonbIteratorInit(&jsonb->root);
	JsonbIteratorToken token;
	JsonbValue value;
	bool is_first = true; /* of what it is in: nothing parts it from what stands before */

	while ((token = JsonbIteratorNext(&i, &value, false)) != WJB_DONE)
	{
		bool begins = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT;
		bool ends = token == WJB_END_ARRAY || token == WJB_END_OBJECT;

		/* a scalar is an array of one that is not written */
		if (JB_ROOT_IS_SCALAR(jsonb) && (begins || ends))
			continue;
		if (!is_first && !ends)
			appendStringInfoString(out, ", ");
		is_first = begins || token == WJB_KEY;
		/* a string of many megabytes is not even written */
		if (out->len > end || (!begins && !ends && value.type == jbvString && value.val.string.len > most))
			return false;
		if (begins || ends)
			appendStringInfoChar(out, token == WJB_BEGIN_ARRAY ? '[' : token == WJB_END_ARRAY  ? ']'
																   : token == WJB_BEGIN_OBJECT ? '{'
																							   : '}');
		else
			append_scalar(out, &value);
		if (token == WJB_KEY)
			appendStringInfoString(out, ": ");
	}
	return out->len <= end;
}

const char *
text_in_utf8(const char *text, size_t length, size_t *sent_length)
{
	int encoding = GetDatabaseEncoding();
	char *sent;
	Oid conversion;
	size_t room = length * MAX_CONVERSION_GROWTH + 1;

	*sent_length = length;
	if (encoding == PG_UTF8)
		return text;
	if (encoding == PG_SQL_ASCII)
		return pg_verify_mbstr(PG_UTF8, text, (int) length, true) ? text : NULL;
	conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(conversion))
		return NULL;
	sent = MemoryContextAllocHuge(CurrentMemoryContext, room);
	/* pg_server_to_any() would raise an error, and what stood behind this event would wait for ever */
	if (pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, (unsigned char *) text, (int) length, (unsigned char *) sent,
									  (int) Min(room, INT_MAX), true) < (int) length)
		return NULL;
	*sent_length = strlen(sent);
	return sent;
}
