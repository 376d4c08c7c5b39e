/*
 * observe.c
 *		Reading a datum: its hash, its key, its text, whatever its type.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/hash.h"
#include "ingest_profile/observe.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

static int64
microseconds_of_date(int32 date)
{
	if (date == PG_INT32_MIN)
		return PG_INT64_MIN;
	if (date == PG_INT32_MAX)
		return PG_INT64_MAX;
	/* what is no date comes from a damaged sketch only */
	return (int64) ((uint64) (int64) date * (uint64) USECS_PER_DAY);
}

uint64
sketch_hash_of_key(ValueClass class, int64 key)
{
	switch (class)
	{
		case CLASS_INTEGER:
			return hash_integer(key);
		case CLASS_FLOAT:
			return hash_double(key == PG_INT64_MAX ? get_float8_nan() : double_of_key(key));
		case CLASS_BOOLEAN:
			return hash_salted((uint64) key, SALT_BOOL);
		case CLASS_DATE:
			return hash_salted((uint64) microseconds_of_date((int32) key), SALT_INSTANT);
		case CLASS_TIME:
			return hash_salted((uint64) key, SALT_TIME);
		default:
			return hash_salted((uint64) key, SALT_INSTANT);
	}
}

/* A varlena, no more of it than GIANT_BYTES */
static struct varlena *
detoast_some(Datum value, int64 *full)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(value);

	/* a pointer to TOAST has a short header as well */
	if (!VARATT_IS_EXTERNAL(v) && (!VARATT_IS_EXTENDED(v) || VARATT_IS_SHORT(v)))
		*full = VARSIZE_ANY_EXHDR(v);
	else
	{
		*full = (int64) toast_raw_datum_size(value) - VARHDRSZ;
		if (*full > GIANT_BYTES)
			return detoast_attr_slice(v, 0, GIANT_BYTES);
		return pg_detoast_datum_packed(v);
	}
	return v;
}

static void
read_text(Sketch *s, Datum value, Observation *o)
{
	if (s->type.is_name)
	{
		o->text = NameStr(*DatumGetName(value));
		o->len = (int) strlen(o->text);
		o->full = o->len;
	}
	else if (s->type.is_cstring_like)
	{
		o->text = column_type_output(&s->type, value);
		o->len = (int) strlen(o->text);
		o->full = o->len;
	}
	else
	{
		struct varlena *v = detoast_some(value, &o->full);

		o->text = VARDATA_ANY(v);
		o->len = (int) VARSIZE_ANY_EXHDR(v);
		if (o->len > GIANT_BYTES || o->full > o->len)
			o->len = pg_mbcliplen(o->text, o->len, GIANT_BYTES);
	}
	/* a giant's end, and so its blanks, is not read */
	if (s->type.blank_padded && o->full == o->len)
	{
		o->len = bpchartruelen((char *) o->text, o->len);
		o->full = o->len;
	}
	o->hash = hash_text(o->text, o->len);
	if (unlikely(o->full > o->len))
		o->hash = hash_giant(o->hash, o->full);
}

static void
read_bytes(Datum value, Observation *o)
{
	struct varlena *v = detoast_some(value, &o->full);

	o->text = VARDATA_ANY(v);
	o->len = (int) Min(VARSIZE_ANY_EXHDR(v), GIANT_BYTES);
	o->length = o->full;
	o->hash = hash_binary(o->text, o->len);
	if (o->full > o->len)
		o->hash = hash_giant(o->hash, o->full);
}

static char *
text_of_uuid(const pg_uuid_t *uuid)
{
	static const char digits[] = "0123456789abcdef";
	char *text = palloc(37);
	char *p = text;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[uuid->data[i] >> 4];
		*p++ = digits[uuid->data[i] & 15];
	}
	*p = '\0';
	return text;
}

/* Of an array that is not read whole: its head tells; -1 if it does not */
static int64
elements_of(const char *data, int len)
{
	int32 head[3 + MAXDIM]; /* dimensions, offset, type, and how many there are of each */
	int n = Min(len / (int) sizeof(int32), (int) lengthof(head));

	memcpy(head, data, n * sizeof(int32));
	if (n < 3 || head[0] < 0 || head[0] > MAXDIM || n < 3 + head[0])
		return -1;
	return ArrayGetNItems(head[0], head + 3);
}

/* Any other type, by what it shows; of giants, by their beginning */
static void
read_other(Sketch *s, Datum value, Observation *o)
{
	o->value = value;
	if (s->type.typlen == -1)
	{
		struct varlena *v = (struct varlena *) DatumGetPointer(value);
		int64 length;

		if (toast_raw_datum_size(value) > GIANT_BYTES + VARHDRSZ)
		{
			read_bytes(value, o);
			length = s->type.is_array ? elements_of(o->text, o->len) : -1;
			o->text = psprintf("(" INT64_FORMAT " bytes)", o->full);
			o->len = (int) strlen(o->text);
			o->length = length;
			return;
		}
		o->value = PointerGetDatum(pg_detoast_datum(v));
	}
	o->text = s->type.base == UUIDOID ? text_of_uuid(DatumGetUUIDP(value)) : column_type_output(&s->type, o->value);
	o->len = (int) strlen(o->text);
	o->full = o->len;
	o->hash = hash_text(o->text, o->len);
	if (s->type.is_array)
	{
		ArrayType *array = DatumGetArrayTypeP(o->value);

		o->length = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	}
	else if (s->type.is_json)
		o->length = pg_mbstrlen_with_len(o->text, o->len);
}

/* A value that is not null: what is needed to look it up */
void
observe(Sketch *s, Datum value, Observation *o)
{
	o->full = o->len = 0;
	o->key = 0;
	o->value = value;
	o->text = NULL;
	o->length = -1;
	o->hash = 1;
	switch (s->type.class)
	{
		case CLASS_INTEGER:
			o->key = s->type.typlen == 8 ? DatumGetInt64(value) : s->type.typlen == 2  ? DatumGetInt16(value)
															  : s->type.base == OIDOID ? (int64) DatumGetObjectId(value)
																					   : DatumGetInt32(value);
			o->hash = hash_integer(o->key);
			break;
		case CLASS_FLOAT:
		{
			double x = s->type.typlen == 4 ? (double) DatumGetFloat4(value) : DatumGetFloat8(value);

			o->key = key_of_double(x);
			o->hash = hash_double(x);
			break;
		}
		case CLASS_NUMERIC:
			o->value = PointerGetDatum(pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value)));
			o->digits = numeric_digits((Numeric) DatumGetPointer(o->value));
			o->hash = digits_hash(&o->digits);
			break;
		case CLASS_BOOLEAN:
			o->key = DatumGetBool(value);
			o->hash = sketch_hash_of_key(CLASS_BOOLEAN, o->key);
			break;
		case CLASS_DATE:
			o->key = DatumGetDateADT(value);
			o->hash = sketch_hash_of_key(CLASS_DATE, o->key);
			break;
		case CLASS_TIMESTAMP:
		case CLASS_TIMESTAMPTZ:
			o->key = DatumGetTimestamp(value);
			o->hash = hash_salted((uint64) o->key, SALT_INSTANT);
			break;
		case CLASS_TIME:
			o->key = DatumGetTimeADT(value);
			o->hash = hash_salted((uint64) o->key, SALT_TIME);
			break;
		case CLASS_TEXT:
			read_text(s, value, o);
			break;
		case CLASS_BYTES:
			read_bytes(value, o);
			break;
		case CLASS_OTHER:
			read_other(s, value, o);
			break;
	}
}

/* What only a new value needs */
void
observe_more(Sketch *s, Observation *o)
{
	memset(&o->facts, 0, sizeof(o->facts));
	if (s->type.class == CLASS_NUMERIC)
		o->key = key_of_double(digits_to_double(&o->digits));
	else if (s->type.class == CLASS_TEXT)
	{
		o->facts = text_facts(s->patterns, o->text, o->len, o->hash);
		/* of giants only the beginning was counted */
		if (o->full > o->len && o->len > 0)
		{
			/* what its characters take behind that is not known */
			s->patterns->guessed = s->patterns->guessed || pg_database_encoding_max_length() > 1;
			o->facts.chars = (uint32) ((double) o->facts.chars * o->full / o->len);
		}
	}
	else if (o->length >= 0)
		o->facts.chars = (uint32) Min(o->length, PG_UINT32_MAX);
	else
		o->facts.flags = TEXT_UNMEASURED;
}

/* Text to keep of a value that is here now */
const char *
observed_text(Sketch *s, const Observation *o, int *len)
{
	*len = 0;
	switch (s->type.class)
	{
		case CLASS_NUMERIC:
		{
			char *text = DatumGetCString(DirectFunctionCall1(numeric_out, o->value));

			*len = (int) strlen(text);
			return text;
		}
		case CLASS_BYTES:
		{
			int n = Min(o->len, VALUE_BYTES / 2);
			char *hex = palloc(2 * n + 3);

			hex[0] = '\\';
			hex[1] = 'x';
			*len = 2 + (int) hex_encode(o->text, n, hex + 2);
			hex[*len] = '\0';
			return hex;
		}
		case CLASS_TEXT:
		case CLASS_OTHER:
			*len = o->len;
			return o->text;
		default:
			return NULL;
	}
}
