/*
 * thrift_read.c
 *		Thrift's compact protocol, read from bytes that nobody vouches for.
 */
#include "postgres.h"

#include "files_fdw/parquet.h"
#include "files_fdw/thrift_read.h"

#define MOST_DEPTH 32 /* of what is skipped: the format's own structs need a handful */

const ThriftField thrift_struct_element = {0, THRIFT_STRUCT};

static void
fail(ThriftReader *r, const char *why)
{
	if (r->fault == NULL)
		r->fault = why;
	r->at = r->end;
}

static void
fail_cut(ThriftReader *r)
{
	if (r->fault == NULL)
		r->cut = true;
	fail(r, "a part of its metadata ends too early");
}

void
thrift_open(ThriftReader *r, const void *data, size_t n)
{
	*r = (ThriftReader){.start = data, .at = data, .end = (const uint8 *) data + n};
}

static uint8
take_byte(ThriftReader *r)
{
	if (r->at < r->end)
		return *r->at++;
	fail_cut(r);
	return 0;
}

static uint64
take_varint(ThriftReader *r)
{
	uint64 value = 0;

	for (int shift = 0; shift < 70; shift += 7)
	{
		uint8 b = take_byte(r);

		if (shift < 64)
			value |= (uint64) (b & 0x7f) << shift;
		if ((b & 0x80) == 0)
			return r->fault ? 0 : value;
	}
	fail(r, "a number of its metadata is too long");
	return 0;
}

static int64
take_zigzag(ThriftReader *r)
{
	uint64 n = take_varint(r);

	return (int64) (n >> 1) ^ -(int64) (n & 1);
}

bool
thrift_field(ThriftReader *r, ThriftField *field)
{
	uint8 head = take_byte(r);
	int delta = head >> 4;

	field->type = head & 0x0f;
	if (r->fault || field->type == THRIFT_STOP)
		return false;
	if (field->type > THRIFT_UUID)
	{
		fail(r, "a field of its metadata is of no known type");
		return false;
	}
	if (delta > 0)
		field->id += delta;
	else
		field->id = (int16) take_zigzag(r);
	return r->fault == NULL;
}

int64
thrift_get_int(ThriftReader *r, const ThriftField *field)
{
	switch (field->type)
	{
		case THRIFT_BYTE:
			return (int8) take_byte(r);
		case THRIFT_I16:
		case THRIFT_I32:
		case THRIFT_I64:
			return take_zigzag(r);
		default:
			fail(r, "a field of its metadata is not a number");
			return 0;
	}
}

int32
thrift_get_int32(ThriftReader *r, const ThriftField *field)
{
	int64 n = thrift_get_int(r, field);

	if (n < PG_INT32_MIN || n > PG_INT32_MAX)
	{
		fail(r, "a number of its metadata is out of range");
		return 0;
	}
	return (int32) n;
}

bool
thrift_get_bool(ThriftReader *r, const ThriftField *field)
{
	if (field->type != THRIFT_TRUE && field->type != THRIFT_FALSE)
		fail(r, "a field of its metadata is not a boolean");
	return field->type == THRIFT_TRUE;
}

const char *
thrift_get_bytes(ThriftReader *r, const ThriftField *field, int *len)
{
	const char *result;
	uint64 n;

	*len = 0;
	if (field->type != THRIFT_BINARY)
	{
		fail(r, "a field of its metadata is not a text");
		return "";
	}
	n = take_varint(r);
	if (n > (uint64) (r->end - r->at))
	{
		fail_cut(r);
		return "";
	}
	result = (const char *) r->at;
	r->at += n;
	*len = (int) n;
	return result;
}

/* How many elements, and of which type */
static uint64
take_list(ThriftReader *r, int *type)
{
	uint8 head = take_byte(r);
	uint64 n = head >> 4;

	*type = head & 0x0f;
	if (n == 15)
		n = take_varint(r);
	if (n > (uint64) (r->end - r->at))
	{
		fail_cut(r);
		return 0;
	}
	return n;
}

int
thrift_get_list(ThriftReader *r, const ThriftField *field, int type)
{
	int found;
	uint64 n;

	if (field->type != THRIFT_LIST && field->type != THRIFT_SET)
	{
		fail(r, "a field of its metadata is not a list");
		return 0;
	}
	n = take_list(r, &found);
	if (n > 0 && found != type)
	{
		fail(r, "a list of its metadata has elements of another type");
		return 0;
	}
	if (n > PG_INT32_MAX)
	{
		fail(r, "a list of its metadata is too long");
		return 0;
	}
	return (int) n;
}

bool
thrift_is_struct(ThriftReader *r, const ThriftField *field)
{
	if (field->type != THRIFT_STRUCT)
		fail(r, "a field of its metadata is not a struct");
	return r->fault == NULL;
}

static void
skip_bytes(ThriftReader *r, uint64 n)
{
	if (n > (uint64) (r->end - r->at))
		fail_cut(r);
	else
		r->at += n;
}

static void
skip_list(ThriftReader *r)
{
	int type;
	uint64 n = take_list(r, &type);

	for (uint64 i = 0; i < n && r->fault == NULL; i++)
	{
		/* in a list a truth has a byte */
		if (type == THRIFT_TRUE || type == THRIFT_FALSE)
			(void) take_byte(r);
		else
			thrift_skip(r, type);
	}
}

static void
skip_map(ThriftReader *r)
{
	uint64 n = take_varint(r);
	uint8 types = n > 0 ? take_byte(r) : 0;

	for (uint64 i = 0; i < n && r->fault == NULL; i++)
	{
		for (int side = 0; side < 2; side++)
		{
			int type = side == 0 ? types >> 4 : types & 0x0f;

			if (type == THRIFT_TRUE || type == THRIFT_FALSE)
				(void) take_byte(r);
			else
				thrift_skip(r, type);
		}
	}
}

void
thrift_skip(ThriftReader *r, int type)
{
	ThriftField inner = {0};

	if (r->depth >= MOST_DEPTH)
	{
		fail(r, "its metadata is nested too deeply");
		return;
	}
	r->depth++;
	switch (type)
	{
		case THRIFT_TRUE:
		case THRIFT_FALSE:
			break;
		case THRIFT_BYTE:
			(void) take_byte(r);
			break;
		case THRIFT_I16:
		case THRIFT_I32:
		case THRIFT_I64:
			(void) take_varint(r);
			break;
		case THRIFT_DOUBLE:
			skip_bytes(r, 8);
			break;
		case THRIFT_UUID:
			skip_bytes(r, 16);
			break;
		case THRIFT_BINARY:
			skip_bytes(r, take_varint(r));
			break;
		case THRIFT_LIST:
		case THRIFT_SET:
			skip_list(r);
			break;
		case THRIFT_MAP:
			skip_map(r);
			break;
		case THRIFT_STRUCT:
			while (thrift_field(r, &inner))
				thrift_skip(r, inner.type);
			break;
		default:
			fail(r, "a part of its metadata is of no known type");
			break;
	}
	r->depth--;
}
