/*
 * lake_type.c
 *		What a column of PostgreSQL's is in a lake, and its values there.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/json.h"
#include "common/attribute.h"
#include "files_fdw/compat.h"
#include "files_fdw/lake_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define MOST_PRECISION 38
/* Years 1 to 9999, which are those that all readers know */
#define FIRST_DAY (-719162)
#define LAST_DAY 2932896
#define DELTA_TEXT 32 /* characters of a bound in a log */

/* -- columns -- */

pg_noreturn static void
no_such_column(const Table *t, const char *name, const char *why, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
					errmsg("column \"%s\" of foreign table \"%s\" cannot be written to a lake", name, t->name),
					errdetail("%s", why), errhint("%s", hint)));
}

static int
decimal_bytes(int precision)
{
	int n = 1;

	while (floor((8 * n - 1) * log10(2.0) + 1e-9) < precision)
		n++;
	return n;
}

static void
decimal_leaf(LakeColumn *c, const Table *t, int32 typmod)
{
	WrittenLeaf *leaf = &c->leaf;
	int scale;

	if (typmod < (int32) VARHDRSZ)
		no_such_column(t, c->name, "A lake's decimals have a precision and a scale.",
					   "Declare the column as numeric(38,10), or with as many digits after the point as its data "
					   "have.");
	leaf->precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	/* eleven bits with a sign since 15 */
	scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	if (scale < 0)
	{
		leaf->precision -= scale;
		scale = 0;
	}
	leaf->scale = scale;
	leaf->precision = Max(leaf->precision, scale);
	if (leaf->precision > MOST_PRECISION)
		no_such_column(t, c->name, "A lake's decimals have at most 38 digits.",
					   "Declare the column as numeric(38,10) or shorter, or as text.");
	leaf->logical = PARQUET_L_DECIMAL;
	leaf->converted = PARQUET_C_DECIMAL;
	leaf->type = leaf->precision <= 9 ? PARQUET_INT32 : leaf->precision <= 18 ? PARQUET_INT64
																			  : PARQUET_FIXED;
	if (leaf->type == PARQUET_FIXED)
	{
		leaf->length = decimal_bytes(leaf->precision);
		leaf->order = PARQUET_ORDER_DECIMAL;
	}
	c->kind = LAKE_DECIMAL;
	c->delta = psprintf("decimal(%d,%d)", leaf->precision, leaf->scale);
}

static void
plain_leaf(LakeColumn *c, LakeKind kind, ParquetType type, const char *delta)
{
	c->kind = kind;
	c->leaf.type = type;
	c->delta = delta;
}

static void
text_leaf(LakeColumn *c, LakeKind kind, int logical, int converted)
{
	plain_leaf(c, kind, PARQUET_BYTE_ARRAY, "string");
	c->leaf.logical = logical;
	c->leaf.converted = converted;
	c->leaf.order = PARQUET_ORDER_BYTES;
	c->leaf.text = true;
}

static void
time_leaf(LakeColumn *c, LakeKind kind, bool utc)
{
	plain_leaf(c, kind, PARQUET_INT64, utc ? "timestamp" : "timestamp_ntz");
	c->leaf.logical = PARQUET_L_TIMESTAMP;
	c->leaf.utc = utc;
	/* the old annotation meant instants, whatever it says: of local times some readers would take it for them */
	c->leaf.converted = utc ? PARQUET_C_TIMESTAMP_MICROS : -1;
}

static void
printed_leaf(LakeColumn *c, Oid type, int logical, int converted)
{
	Oid function;
	bool varlena;

	text_leaf(c, LAKE_PRINTED, logical, converted);
	getTypeOutputInfo(type, &function, &varlena);
	fmgr_info(function, &c->print);
}

static void
leaf_of(LakeColumn *c, const Table *t, Oid type, int32 typmod, bool delta)
{
	switch (type)
	{
		case BOOLOID:
			plain_leaf(c, LAKE_BOOL, PARQUET_BOOLEAN, "boolean");
			break;
		case INT2OID:
			plain_leaf(c, LAKE_INT2, PARQUET_INT32, "short");
			c->leaf.converted = PARQUET_C_INT_16;
			break;
		case INT4OID:
			plain_leaf(c, LAKE_INT4, PARQUET_INT32, "integer");
			break;
		case INT8OID:
			plain_leaf(c, LAKE_INT8, PARQUET_INT64, "long");
			break;
		case FLOAT4OID:
			plain_leaf(c, LAKE_FLOAT4, PARQUET_FLOAT, "float");
			break;
		case FLOAT8OID:
			plain_leaf(c, LAKE_FLOAT8, PARQUET_DOUBLE, "double");
			break;
		case NUMERICOID:
			decimal_leaf(c, t, typmod);
			break;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			text_leaf(c, LAKE_TEXT, PARQUET_L_STRING, PARQUET_C_UTF8);
			break;
		case BYTEAOID:
			plain_leaf(c, LAKE_BYTES, PARQUET_BYTE_ARRAY, "binary");
			c->leaf.order = PARQUET_ORDER_BYTES;
			break;
		case DATEOID:
			plain_leaf(c, LAKE_DATE, PARQUET_INT32, "date");
			c->leaf.logical = PARQUET_L_DATE;
			c->leaf.converted = PARQUET_C_DATE;
			break;
		case TIMESTAMPOID:
			time_leaf(c, LAKE_TIMESTAMP, false);
			break;
		case TIMESTAMPTZOID:
			time_leaf(c, LAKE_TIMESTAMPTZ, true);
			break;
		case UUIDOID:
			if (delta)
			{
				printed_leaf(c, type, PARQUET_L_STRING, PARQUET_C_UTF8);
				break;
			}
			plain_leaf(c, LAKE_UUID, PARQUET_FIXED, "string");
			c->leaf.length = UUID_LEN;
			c->leaf.logical = PARQUET_L_UUID;
			c->leaf.order = PARQUET_ORDER_BYTES;
			break;
		case JSONOID:
			text_leaf(c, LAKE_TEXT, delta ? PARQUET_L_STRING : PARQUET_L_JSON, delta ? PARQUET_C_UTF8 : PARQUET_C_JSON);
			break;
		case JSONBOID:
			printed_leaf(c, type, delta ? PARQUET_L_STRING : PARQUET_L_JSON, delta ? PARQUET_C_UTF8 : PARQUET_C_JSON);
			break;
		default:
			if (get_typtype(type) != TYPTYPE_ENUM)
				no_such_column(t, c->name, psprintf("Type %s has no counterpart in Parquet.", format_type_be(type)),
							   "Declare the column as text, and cast what is inserted.");
			printed_leaf(c, type, PARQUET_L_STRING, PARQUET_C_UTF8);
	}
}

void
lake_column(LakeColumn *c, const Table *t, const Form_pg_attribute a, bool delta)
{
	int32 typmod = a->atttypmod;
	Oid type = getBaseTypeAndTypmod(a->atttypid, &typmod);

	memset(c, 0, sizeof(LakeColumn));
	c->att = a->attnum - 1;
	c->name = t->columns[c->att].o.name;
	c->leaf.name = pg_server_to_any(c->name, (int) strlen(c->name), PG_UTF8);
	c->leaf.converted = -1;
	if (*c->name == '\0' || (delta && c->name[strcspn(c->name, " ,;{}()\n\t=")] != '\0'))
		no_such_column(t, c->name, "Its name is empty, or has a character that Delta's names cannot have: space , ; { "
								   "} ( ) =",
					   "Give it another one there by option name of the column.");
	leaf_of(c, t, type, typmod, delta);
}

/* -- values -- */

pg_noreturn static void
no_such_value(const LakeColumn *c, const char *value, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("value %s of column \"%s\" cannot be written to a lake", value, c->name),
					errdetail("%s", why)));
}

/* A numeric as a whole number of 10^-scale; false: it has more digits than that or than precision */
static bool
decimal_of(Numeric value, int precision, int scale, int128 *result)
{
	const char *data = VARDATA_ANY(value);
	int n = (int) VARSIZE_ANY_EXHDR(value);
	uint16 header;
	int16 digits[16];
	int16 weight;
	bool negative;
	int128 sum = 0;
	int128 limit = 1;
	int exponent;

	memcpy(&header, data, sizeof(header));
	if (header & 0x8000)
	{
		negative = (header & 0x2000) != 0;
		weight = (int16) ((header & 0x0040 ? ~0x003f : 0) | (header & 0x003f));
		data += 2;
		n = (n - 2) / 2;
	}
	else
	{
		negative = (header & 0xc000) == 0x4000;
		memcpy(&weight, data + 2, sizeof(weight));
		data += 4;
		n = (n - 4) / 2;
	}
	*result = 0;
	if (n > (int) lengthof(digits))
		return false;
	memcpy(digits, data, sizeof(int16) * n);
	while (n > 0 && digits[n - 1] == 0)
		n--;
	if (n == 0)
		return true;
	/* what the last digit, to the base 10000, stands for */
	exponent = 4 * (weight - n + 1) + scale;
	if (exponent < -3 || weight > 10 || exponent > MOST_PRECISION)
		return false;
	for (int i = 0; i < n - 1; i++)
		sum = sum * 10000 + digits[i];
	{
		int last = digits[n - 1];
		int unit = 10000;

		for (; exponent < 0; exponent++)
		{
			if (last % 10 != 0)
				return false;
			last /= 10;
			unit /= 10;
		}
		sum = sum * unit + last;
	}
	for (int i = 0; i < precision; i++)
		limit *= 10;
	for (; exponent > 0; exponent--)
	{
		if (sum >= limit)
			return false;
		sum *= 10;
	}
	if (sum >= limit)
		return false;
	*result = negative ? -sum : sum;
	return true;
}

static void
put_decimal(const LakeColumn *c, WrittenColumn *to, Datum value)
{
	Numeric number = DatumGetNumeric(value);
	int128 whole;

	if (numeric_is_nan(number) || numeric_is_inf(number) ||
		!decimal_of(number, c->leaf.precision, c->leaf.scale, &whole))
		no_such_value(c, DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number))),
					  psprintf("It does not fit decimal(%d,%d).", c->leaf.precision, c->leaf.scale));
	if (c->leaf.type == PARQUET_INT32)
	{
		int32 n = (int32) whole;

		parquet_put(to, &n, sizeof(n));
	}
	else if (c->leaf.type == PARQUET_INT64)
	{
		int64 n = (int64) whole;

		parquet_put(to, &n, sizeof(n));
	}
	else
	{
		char bytes[16];

		for (int i = c->leaf.length - 1; i >= 0; i--)
		{
			bytes[i] = (char) whole;
			whole >>= 8;
		}
		parquet_put(to, bytes, c->leaf.length);
	}
}

#define ONLY_YEARS "It must be within the years 1 to 9999, which are those that all readers of lakes know."

static void
put_date(const LakeColumn *c, WrittenColumn *to, Datum value)
{
	DateADT date = DatumGetDateADT(value);
	int32 days;

	if (DATE_NOT_FINITE(date) || date < FIRST_DAY - PARQUET_EPOCH_DAYS || date > LAST_DAY - PARQUET_EPOCH_DAYS)
		no_such_value(c, DatumGetCString(DirectFunctionCall1(date_out, value)), ONLY_YEARS);
	days = date + PARQUET_EPOCH_DAYS;
	parquet_put(to, &days, sizeof(days));
}

static void
put_time(const LakeColumn *c, WrittenColumn *to, Datum value)
{
	Timestamp time = DatumGetTimestamp(value);
	int64 micros;

	if (TIMESTAMP_NOT_FINITE(time) || time < (FIRST_DAY - (int64) PARQUET_EPOCH_DAYS) * USECS_PER_DAY ||
		time >= (LAST_DAY + 1 - (int64) PARQUET_EPOCH_DAYS) * USECS_PER_DAY)
		no_such_value(c,
					  DatumGetCString(c->leaf.utc ? DirectFunctionCall1(timestamptz_out, value)
												  : DirectFunctionCall1(timestamp_out, value)),
					  ONLY_YEARS);
	micros = time + PARQUET_EPOCH_MICROS;
	parquet_put(to, &micros, sizeof(micros));
}

static void
put_text(WrittenColumn *to, const char *text, size_t len)
{
	char *utf8 = pg_server_to_any(text, (int) len, PG_UTF8);

	parquet_put(to, utf8, utf8 == text ? len : strlen(utf8));
}

static void
put_varlena(const LakeColumn *c, WrittenColumn *to, Datum value)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(value);

	if (c->kind == LAKE_TEXT)
		put_text(to, VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
	else
		parquet_put(to, VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
}

void
lake_put(const LakeColumn *c, WrittenColumn *to, Datum value)
{
	char truth;
	int32 n;
	int64 m;
	float4 f;
	float8 d;
	char *text;

	switch (c->kind)
	{
		case LAKE_BOOL:
			truth = DatumGetBool(value);
			parquet_put(to, &truth, 1);
			break;
		case LAKE_INT2:
			n = DatumGetInt16(value);
			parquet_put(to, &n, sizeof(n));
			break;
		case LAKE_INT4:
			n = DatumGetInt32(value);
			parquet_put(to, &n, sizeof(n));
			break;
		case LAKE_INT8:
			m = DatumGetInt64(value);
			parquet_put(to, &m, sizeof(m));
			break;
		case LAKE_FLOAT4:
			f = DatumGetFloat4(value);
			parquet_put(to, &f, sizeof(f));
			break;
		case LAKE_FLOAT8:
			d = DatumGetFloat8(value);
			parquet_put(to, &d, sizeof(d));
			break;
		case LAKE_DECIMAL:
			put_decimal(c, to, value);
			break;
		case LAKE_DATE:
			put_date(c, to, value);
			break;
		case LAKE_TIMESTAMP:
		case LAKE_TIMESTAMPTZ:
			put_time(c, to, value);
			break;
		case LAKE_UUID:
			parquet_put(to, DatumGetUUIDP(value)->data, UUID_LEN);
			break;
		case LAKE_TEXT:
		case LAKE_BYTES:
			put_varlena(c, to, value);
			break;
		case LAKE_PRINTED:
			text = OutputFunctionCall((FmgrInfo *) &c->print, value);
			put_text(to, text, strlen(text));
			break;
	}
}

/* -- values as texts -- */

static char *
date_text(int32 days)
{
	int y;
	int m;
	int d;

	j2date(days - PARQUET_EPOCH_DAYS + POSTGRES_EPOCH_JDATE, &y, &m, &d);
	return psprintf("%04d-%02d-%02d", y, m, d);
}

char *
lake_text(const LakeColumn *c, Datum value)
{
	switch (c->kind)
	{
		case LAKE_BOOL:
			return pstrdup(DatumGetBool(value) ? "true" : "false");
		case LAKE_INT2:
			return psprintf("%d", (int) DatumGetInt16(value));
		case LAKE_INT4:
			return psprintf("%d", (int) DatumGetInt32(value));
		case LAKE_INT8:
			return psprintf(INT64_FORMAT, DatumGetInt64(value));
		case LAKE_DECIMAL:
			return DatumGetCString(DirectFunctionCall1(numeric_out, value));
		case LAKE_TEXT:
			return TextDatumGetCString(value);
		case LAKE_UUID:
			return DatumGetCString(DirectFunctionCall1(uuid_out, value));
		case LAKE_PRINTED:
			return OutputFunctionCall((FmgrInfo *) &c->print, value);
		case LAKE_DATE:
			if (DATE_NOT_FINITE(DatumGetDateADT(value)) ||
				DatumGetDateADT(value) < FIRST_DAY - PARQUET_EPOCH_DAYS ||
				DatumGetDateADT(value) > LAST_DAY - PARQUET_EPOCH_DAYS)
				no_such_value(c, DatumGetCString(DirectFunctionCall1(date_out, value)), ONLY_YEARS);
			return date_text(DatumGetDateADT(value) + PARQUET_EPOCH_DAYS);
		default:
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
							errmsg("column \"%s\" cannot divide a lake into folders", c->name),
							errdetail("Folders can be by booleans, whole numbers, numeric, date, text or uuid.")));
	}
}

/* -- bounds in a log -- */

static int128
bound_number(const LakeColumn *c, const ParquetBound *b)
{
	int32 n;
	int64 m;
	int128 whole;

	if (c->leaf.type == PARQUET_INT32)
	{
		memcpy(&n, b->data, sizeof(n));
		return n;
	}
	if (c->leaf.type == PARQUET_INT64)
	{
		memcpy(&m, b->data, sizeof(m));
		return m;
	}
	whole = (signed char) b->data[0];
	for (int i = 1; i < b->len; i++)
		whole = whole << 8 | (unsigned char) b->data[i];
	return whole;
}

/* 12345 with a scale of 2: 123.45 */
static void
append_decimal(StringInfo out, int128 number, int scale)
{
	char digits[64];
	int n = 0;
	bool negative = number < 0;

	do
	{
		int digit = (int) (number % 10);

		digits[n++] = (char) ('0' + (digit < 0 ? -digit : digit));
		number /= 10;
		if (scale > 0 && n == scale)
			digits[n++] = '.';
	} while (number != 0 || n <= scale + (scale > 0 ? 1 : 0));
	if (negative)
		appendStringInfoChar(out, '-');
	while (n > 0)
		appendStringInfoChar(out, digits[--n]);
}

static bool
append_double(StringInfo out, const LakeColumn *c, const ParquetBound *b)
{
	double d;
	float f;

	if (c->kind == LAKE_FLOAT4)
	{
		memcpy(&f, b->data, sizeof(f));
		d = f;
	}
	else
		memcpy(&d, b->data, sizeof(d));
	if (isinf(d))
		return false;
	if (d == 0)
		appendStringInfoString(out, signbit(d) ? "-0.0" : "0.0");
	else
		/* all digits, whatever extra_float_digits says */
		appendStringInfo(out, "%.17g", d);
	return true;
}

/* To the millisecond, as Delta has it: down for the least, up for the greatest */
static bool
append_time(StringInfo out, const LakeColumn *c, const ParquetBound *b, bool above)
{
	int64 micros;
	int64 millis;
	int64 days;
	int ms;

	memcpy(&micros, b->data, sizeof(micros));
	millis = micros / 1000 - (micros % 1000 < 0);
	if (above && micros % 1000 != 0)
		millis++;
	days = millis / 86400000 - (millis % 86400000 < 0);
	ms = (int) (millis - days * 86400000);
	if (days > LAST_DAY)
		return false;
	appendStringInfo(out, "\"%sT%02d:%02d:%02d.%03d%s\"", date_text((int32) days), ms / 3600000, ms / 60000 % 60,
					 ms / 1000 % 60, ms % 1000, c->leaf.utc ? "Z" : "");
	return true;
}

/* The first characters of a text; of the greatest the last one becomes greater */
static bool
append_text(StringInfo out, const ParquetBound *b, bool above)
{
	char text[PARQUET_BOUND_BYTES + 8];
	int n = 0;
	int characters = 0;
	int last = 0;

	while (n < b->len && characters < DELTA_TEXT)
	{
		last = n;
		n = Min(n + pg_utf_mblen((const unsigned char *) b->data + n), b->len);
		characters++;
	}
	memcpy(text, b->data, n);
	if (n < b->len && above)
	{
		pg_wchar c = utf8_to_unicode((unsigned char *) text + last) + 1;

		if (c > 0x10ffff)
			return false;
		if (c >= 0xd800 && c <= 0xdfff)
			c = 0xe000;
		unicode_to_utf8(c, (unsigned char *) text + last);
		n = last + pg_utf_mblen((unsigned char *) text + last);
	}
	text[n] = '\0';
	escape_json(out, text);
	return true;
}

bool
lake_bound_json(const LakeColumn *c, const ParquetBound *b, bool above, StringInfo out)
{
	int32 days;

	if (!b->known)
		return false;
	switch (c->kind)
	{
		case LAKE_INT2:
		case LAKE_INT4:
		case LAKE_INT8:
			append_decimal(out, bound_number(c, b), 0);
			return true;
		case LAKE_DECIMAL:
			append_decimal(out, bound_number(c, b), c->leaf.scale);
			return true;
		case LAKE_FLOAT4:
		case LAKE_FLOAT8:
			return append_double(out, c, b);
		case LAKE_DATE:
			memcpy(&days, b->data, sizeof(days));
			appendStringInfo(out, "\"%s\"", date_text(days));
			return true;
		case LAKE_TIMESTAMP:
		case LAKE_TIMESTAMPTZ:
			return append_time(out, c, b, above);
		case LAKE_TEXT:
		case LAKE_PRINTED:
			return append_text(out, b, above);
		default:
			return false;
	}
}
