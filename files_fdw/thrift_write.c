/*
 * thrift_write.c
 *		Thrift's compact protocol, written: the metadata of Parquet.
 */
#include "postgres.h"

#include "files_fdw/thrift_write.h"

/* Seven bits in each byte, the least significant ones first */
static void
put_varint(ThriftWriter *w, uint64 value)
{
	while (value >= 0x80)
	{
		appendStringInfoCharMacro(w->out, (char) (value | 0x80));
		value >>= 7;
	}
	appendStringInfoCharMacro(w->out, (char) value);
}

/* Small numbers are short whatever their sign */
static void
put_zigzag(ThriftWriter *w, int64 value)
{
	put_varint(w, ((uint64) value << 1) ^ (uint64) (value >> 63));
}

static void
put_field(ThriftWriter *w, int field, ThriftType type)
{
	int delta = field - w->last[w->depth];

	Assert(delta > 0);
	if (delta <= 15)
		appendStringInfoCharMacro(w->out, (char) (delta << 4 | type));
	else
	{
		appendStringInfoCharMacro(w->out, (char) type);
		put_zigzag(w, field);
	}
	w->last[w->depth] = field;
}

static void
descend(ThriftWriter *w)
{
	Assert(w->depth + 1 < THRIFT_DEPTH);
	w->last[++w->depth] = 0;
}

void
thrift_begin(ThriftWriter *w, StringInfo out)
{
	w->out = out;
	w->depth = 0;
	w->last[0] = 0;
}

void
thrift_end(ThriftWriter *w)
{
	appendStringInfoCharMacro(w->out, THRIFT_STOP);
	w->depth--;
}

void
thrift_bool(ThriftWriter *w, int field, bool value)
{
	put_field(w, field, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void
thrift_i32(ThriftWriter *w, int field, int32 value)
{
	put_field(w, field, THRIFT_I32);
	put_zigzag(w, value);
}

void
thrift_i64(ThriftWriter *w, int field, int64 value)
{
	put_field(w, field, THRIFT_I64);
	put_zigzag(w, value);
}

void
thrift_bytes(ThriftWriter *w, int field, const char *data, size_t len)
{
	put_field(w, field, THRIFT_BINARY);
	put_varint(w, len);
	appendBinaryStringInfo(w->out, data, (int) len);
}

void
thrift_string(ThriftWriter *w, int field, const char *text)
{
	thrift_bytes(w, field, text, strlen(text));
}

void
thrift_struct(ThriftWriter *w, int field)
{
	put_field(w, field, THRIFT_STRUCT);
	descend(w);
}

void
thrift_list(ThriftWriter *w, int field, ThriftType type, int n)
{
	put_field(w, field, THRIFT_LIST);
	if (n < 15)
		appendStringInfoCharMacro(w->out, (char) (n << 4 | type));
	else
	{
		appendStringInfoCharMacro(w->out, (char) (0xf0 | type));
		put_varint(w, n);
	}
}

void
thrift_item(ThriftWriter *w)
{
	descend(w);
}

void
thrift_item_i32(ThriftWriter *w, int32 value)
{
	put_zigzag(w, value);
}

void
thrift_item_string(ThriftWriter *w, const char *text)
{
	size_t len = strlen(text);

	put_varint(w, len);
	appendBinaryStringInfo(w->out, text, (int) len);
}
