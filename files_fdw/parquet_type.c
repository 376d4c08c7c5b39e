/*
 * parquet_type.c
 *		What the values of a Parquet column mean, which type of SQL that is, and how they are written as text.
 */
#include "postgres.h"

#include <math.h>

#include "common/int.h"
#include "common/shortest_dec.h"
#include "miscadmin.h"

#include "files_fdw/parquet_type.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/timestamp.h"

#define MOST_PRECISION 1000 /* of PostgreSQL's numeric */

#define NANOS_OF_DAY INT64CONST(86400000000000)
#define UNIX_DAY_OF_JULIAN 2440588

static bool
is_decimal(const ParquetNode *node)
{
	if (node->precision < 1 || node->precision > MOST_PRECISION || node->scale < 0 || node->scale > node->precision)
		return false;
	return node->type == PARQUET_INT32 || node->type == PARQUET_INT64 || node->type == PARQUET_FIXED ||
		   node->type == PARQUET_BYTE_ARRAY;
}

/* A logical type that does not go with the physical one says nothing: then it is what it is stored as */
static bool
logical_meaning(const ParquetNode *node, ParquetMeaning *meaning)
{
	bool i32 = node->type == PARQUET_INT32;
	bool i64 = node->type == PARQUET_INT64;
	bool bytes = node->type == PARQUET_BYTE_ARRAY;
	bool unit = node->unit >= PARQUET_MILLIS && node->unit <= PARQUET_NANOS;

	switch (node->logical)
	{
		case PARQUET_L_STRING:
		case PARQUET_L_ENUM:
			*meaning = MEAN_TEXT;
			return bytes || node->type == PARQUET_FIXED;
		case PARQUET_L_JSON:
			*meaning = MEAN_JSON;
			return bytes;
		case PARQUET_L_DECIMAL:
			*meaning = MEAN_DECIMAL;
			return is_decimal(node);
		case PARQUET_L_DATE:
			*meaning = MEAN_DATE;
			return i32;
		case PARQUET_L_TIME:
			*meaning = MEAN_TIME;
			return unit && (node->unit == PARQUET_MILLIS ? i32 : i64);
		case PARQUET_L_TIMESTAMP:
			*meaning = node->utc ? MEAN_TIMESTAMPTZ : MEAN_TIMESTAMP;
			return unit && i64;
		case PARQUET_L_INTEGER:
			*meaning = node->is_unsigned ? MEAN_UNSIGNED : MEAN_INT;
			return node->bits == 64 ? i64 : i32 && (node->bits == 8 || node->bits == 16 || node->bits == 32);
		case PARQUET_L_UUID:
			*meaning = MEAN_UUID;
			return node->type == PARQUET_FIXED && node->length == 16;
		case PARQUET_L_FLOAT16:
			*meaning = MEAN_HALF;
			return node->type == PARQUET_FIXED && node->length == 2;
		default:
			*meaning = MEAN_INTERVAL;
			return node->converted == PARQUET_C_INTERVAL && node->type == PARQUET_FIXED && node->length == 12;
	}
}

ParquetMeaning
parquet_meaning(const ParquetNode *node)
{
	return node->type < 0 || node->repetition == PARQUET_REPEATED ? MEAN_NESTED : parquet_leaf_meaning(node);
}

ParquetMeaning
parquet_leaf_meaning(const ParquetNode *node)
{
	ParquetMeaning meaning;

	if (logical_meaning(node, &meaning))
		return meaning;
	switch (node->type)
	{
		case PARQUET_BOOLEAN:
			return MEAN_BOOL;
		case PARQUET_INT32:
		case PARQUET_INT64:
			return MEAN_INT;
		case PARQUET_INT96:
			return MEAN_INT96;
		case PARQUET_FLOAT:
			return MEAN_FLOAT;
		case PARQUET_DOUBLE:
			return MEAN_DOUBLE;
		default:
			return MEAN_BYTES;
	}
}

static int
bits_of(const ParquetNode *node)
{
	if (node->logical == PARQUET_L_INTEGER && (node->bits == 8 || node->bits == 16))
		return node->bits;
	return node->type == PARQUET_INT64 ? 64 : 32;
}

const char *
parquet_sql_type(const ParquetNode *node)
{
	int bits = bits_of(node);

	switch (parquet_meaning(node))
	{
		case MEAN_BOOL:
			return "boolean";
		case MEAN_INT:
			return bits == 64 ? "bigint" : bits == 32 ? "integer"
													  : "smallint";
		case MEAN_UNSIGNED:
			return bits == 64 ? "numeric(20,0)" : bits == 32 ? "bigint"
											  : bits == 16   ? "integer"
															 : "smallint";
		case MEAN_FLOAT:
		case MEAN_HALF:
			return "real";
		case MEAN_DOUBLE:
			return "double precision";
		case MEAN_DECIMAL:
			return psprintf("numeric(%d,%d)", node->precision, node->scale);
		case MEAN_BYTES:
			return node->logical == PARQUET_L_UNKNOWN ? "text" : "bytea";
		case MEAN_UUID:
			return "uuid";
		case MEAN_DATE:
			return "date";
		case MEAN_TIME:
			return "time";
		case MEAN_TIMESTAMP:
		case MEAN_INT96:
			return "timestamp";
		case MEAN_TIMESTAMPTZ:
			return "timestamptz";
		case MEAN_INTERVAL:
			return "interval";
		case MEAN_JSON:
		case MEAN_NESTED:
			return "jsonb";
		default:
			return "text";
	}
}

char *
parquet_type_words(const ParquetNode *node)
{
	static const char *const physical[] = {"BOOLEAN", "INT32", "INT64", "INT96",
										   "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
	static const char *const logical[] = {"", "STRING", "MAP", "LIST", "ENUM", "DECIMAL", "DATE", "TIME",
										  "TIMESTAMP", "", "INTEGER", "UNKNOWN", "JSON", "BSON", "UUID", "FLOAT16"};
	static const char *const units[] = {"", "milliseconds", "microseconds", "nanoseconds"};
	const char *word = node->logical > 0 && node->logical < lengthof(logical) ? logical[node->logical] : "";
	const char *stored = node->type < 0 ? "a group" : physical[node->type];

	if (node->logical == PARQUET_L_DECIMAL)
		return psprintf("%s(%d,%d) in %s", word, node->precision, node->scale, stored);
	if (node->logical == PARQUET_L_TIME || node->logical == PARQUET_L_TIMESTAMP)
		return psprintf("%s of %s%s in %s", word,
						node->unit > 0 && node->unit < lengthof(units) ? units[node->unit] : "unknown units",
						node->utc ? ", UTC" : "", stored);
	return *word ? psprintf("%s in %s", word, stored) : pstrdup(stored);
}

void
parquet_value_at(const ParquetNode *node, ParquetValues values, int i, ParquetValue *value)
{
	switch (node->type)
	{
		case PARQUET_BOOLEAN:
			value->number = values.truths[i];
			break;
		case PARQUET_INT32:
			value->number = values.i32[i];
			break;
		case PARQUET_INT64:
			value->number = values.i64[i];
			break;
		case PARQUET_FLOAT:
			value->real = values.floats[i];
			break;
		case PARQUET_DOUBLE:
			value->real = values.doubles[i];
			break;
		default:
			value->bytes = values.slices[i];
			break;
	}
}

/* -- moments -- */

ValueState
parquet_date(const ParquetValue *value, int32 *date)
{
	int64 days = value->number - PARQUET_EPOCH_DAYS;

	if (!IS_VALID_DATE(days))
		return VALUE_MOMENT;
	*date = (int32) days;
	return VALUE_FINE;
}

ValueState
parquet_time(const ParquetNode *node, const ParquetValue *value, bool cut, int64 *time)
{
	int64 n = value->number;

	if (n < 0 || n > (node->unit == PARQUET_MILLIS ? INT64CONST(86400000) : NANOS_OF_DAY))
		return VALUE_MOMENT;
	if (node->unit == PARQUET_NANOS && n % 1000 != 0 && !cut)
		return VALUE_NANOS;
	*time = node->unit == PARQUET_MILLIS ? n * 1000 : node->unit == PARQUET_NANOS ? n / 1000
																				  : n;
	return *time > USECS_PER_DAY ? VALUE_MOMENT : VALUE_FINE;
}

static uint64
little64(const char *p)
{
	uint64 n = 0;

	for (int i = 7; i >= 0; i--)
		n = n << 8 | (uint8) p[i];
	return n;
}

static uint32
little32(const char *p)
{
	uint32 n = 0;

	for (int i = 3; i >= 0; i--)
		n = n << 8 | (uint8) p[i];
	return n;
}

/* Microseconds since 1970 and what is finer; false: out of all range */
static bool
split_stamp(const ParquetNode *node, const ParquetValue *value, int64 *micros, int *nanos)
{
	int64 n = value->number;

	*nanos = 0;
	if (node->type == PARQUET_INT96)
	{
		int64 of_day = (int64) little64(value->bytes.p);
		int64 day = (int64) little32(value->bytes.p + 8) - UNIX_DAY_OF_JULIAN;

		if (of_day < 0 || of_day >= NANOS_OF_DAY || pg_mul_s64_overflow(day, USECS_PER_DAY, micros) ||
			pg_add_s64_overflow(*micros, of_day / 1000, micros))
			return false;
		*nanos = (int) (of_day % 1000);
		return true;
	}
	if (node->unit == PARQUET_MILLIS)
		return !pg_mul_s64_overflow(n, 1000, micros);
	*micros = n;
	if (node->unit == PARQUET_NANOS)
	{
		/* down, before 1970 as well */
		*nanos = (int) (n % 1000);
		*micros = n / 1000;
		if (*nanos < 0)
		{
			*nanos += 1000;
			(*micros)--;
		}
	}
	return true;
}

ValueState
parquet_stamp(const ParquetNode *node, const ParquetValue *value, bool cut, int64 *stamp)
{
	int64 micros;
	int nanos;

	if (!split_stamp(node, value, &micros, &nanos) || pg_sub_s64_overflow(micros, PARQUET_EPOCH_MICROS, stamp) ||
		!IS_VALID_TIMESTAMP(*stamp))
		return VALUE_MOMENT;
	return nanos != 0 && !cut ? VALUE_NANOS : VALUE_FINE;
}

/* -- numbers -- */

/* Big-endian, two's complement: what is before the last eight bytes is the sign alone */
bool
parquet_small_decimal(const ParquetNode *node, const ParquetValue *value, int64 *unscaled)
{
	const uint8 *p = (const uint8 *) value->bytes.p;
	uint32 len = value->bytes.len;
	uint64 n;

	if (node->type == PARQUET_INT32 || node->type == PARQUET_INT64)
	{
		*unscaled = value->number;
		return true;
	}
	if (len == 0)
	{
		*unscaled = 0;
		return true;
	}
	n = (p[0] & 0x80) ? ~UINT64CONST(0) : 0;
	for (uint32 i = 0; i < len; i++)
	{
		if (i + 8 < len && p[i] != ((p[0] & 0x80) ? 0xff : 0))
			return false;
		n = n << 8 | p[i];
	}
	*unscaled = (int64) n;
	return len <= 8 || ((p[0] ^ p[len - 8]) & 0x80) == 0;
}

float
parquet_half(const ParquetValue *value)
{
	uint32 half = (uint8) value->bytes.p[0] | (uint32) (uint8) value->bytes.p[1] << 8;
	int exponent = (int) (half >> 10) & 31;
	float fraction = (float) (half & 1023);
	float result;

	if (exponent == 31)
		result = fraction != 0 ? (float) get_float4_nan() : (float) get_float4_infinity();
	else if (exponent == 0)
		result = ldexpf(fraction, -24);
	else
		result = ldexpf(fraction + 1024, exponent - 25);
	return half & 0x8000 ? -result : result;
}

/* -- texts -- */

/* Digits of an unscaled decimal with its point */
static void
put_scaled(const char *digits, bool negative, int scale, StringInfo out)
{
	int n = (int) strlen(digits);

	if (negative)
		appendStringInfoChar(out, '-');
	if (n <= scale)
	{
		appendStringInfoString(out, scale > 0 ? "0." : "0");
		for (int i = n; i < scale; i++)
			appendStringInfoChar(out, '0');
		if (scale > 0)
			appendStringInfoString(out, digits);
		return;
	}
	appendBinaryStringInfo(out, digits, n - scale);
	if (scale > 0)
	{
		appendStringInfoChar(out, '.');
		appendStringInfoString(out, digits + n - scale);
	}
}

/* A decimal of any length: divided by a billion again and again */
static void
put_big_decimal(const ParquetNode *node, const ParquetValue *value, StringInfo out)
{
	const uint8 *p = (const uint8 *) value->bytes.p;
	int n = (int) value->bytes.len;
	bool negative = (p[0] & 0x80) != 0;
	uint8 *rest = palloc(n);
	int room = n * 3 + 12;
	char *digits = palloc(room);
	char *at = digits + room - 1;
	int first = 0;
	int carry = negative;

	for (int i = n - 1; i >= 0; i--)
	{
		int byte = negative ? (uint8) ~p[i] + carry : p[i];

		carry = negative && byte > 255;
		rest[i] = (uint8) byte;
	}
	*at = '\0';
	while (first < n)
	{
		uint64 left = 0;

		for (int i = first; i < n; i++)
		{
			left = left << 8 | rest[i];
			rest[i] = (uint8) (left / 1000000000);
			left %= 1000000000;
		}
		while (first < n && rest[first] == 0)
			first++;
		for (int i = 0; i < 9 && (first < n || left > 0); i++, left /= 10)
			*--at = (char) ('0' + left % 10);
	}
	if (*at == '\0')
		*--at = '0';
	put_scaled(at, negative, node->scale, out);
	pfree(rest);
	pfree(digits);
}

static void
put_hex(const Slice *s, StringInfo out)
{
	static const char hex[] = "0123456789abcdef";

	enlargeStringInfo(out, (int) s->len * 2 + 2);
	for (uint32 i = 0; i < s->len; i++)
	{
		appendStringInfoCharMacro(out, hex[(uint8) s->p[i] >> 4]);
		appendStringInfoCharMacro(out, hex[(uint8) s->p[i] & 15]);
	}
}

static void
put_decimal(const ParquetNode *node, const ParquetValue *value, StringInfo out)
{
	char digits[24];
	int64 unscaled;

	if (value->bytes.len > PARQUET_DECIMAL_BYTES && node->type >= PARQUET_BYTE_ARRAY)
	{
		put_hex(&value->bytes, out);
		return;
	}
	if (!parquet_small_decimal(node, value, &unscaled))
	{
		put_big_decimal(node, value, out);
		return;
	}
	snprintf(digits, sizeof(digits), UINT64_FORMAT, unscaled < 0 ? 0 - (uint64) unscaled : (uint64) unscaled);
	put_scaled(digits, unscaled < 0, node->scale, out);
}

static void
put_stamp(const ParquetNode *node, const ParquetValue *value, bool zone, StringInfo out)
{
	char text[MAXDATELEN + 1];
	int64 micros;
	int nanos;
	int64 stamp;
	struct pg_tm tm;
	fsec_t fsec;

	if (!split_stamp(node, value, &micros, &nanos))
		appendStringInfoString(out, "beyond all years");
	else if (pg_sub_s64_overflow(micros, PARQUET_EPOCH_MICROS, &stamp) || !IS_VALID_TIMESTAMP(stamp) ||
			 timestamp2tm(stamp, NULL, &tm, &fsec, NULL, NULL) != 0)
		appendStringInfo(out, INT64_FORMAT " microseconds since 1970", micros);
	else if (nanos != 0 && tm.tm_year > 0)
		appendStringInfo(out, "%04d-%02d-%02d %02d:%02d:%02d.%06d%03d%s", tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour,
						 tm.tm_min, tm.tm_sec, fsec, nanos, zone ? "+00" : "");
	else
	{
		EncodeDateTime(&tm, fsec, zone, 0, NULL, USE_ISO_DATES, text);
		appendStringInfoString(out, text);
	}
}

static void
put_date(const ParquetValue *value, StringInfo out)
{
	char text[MAXDATELEN + 1];
	struct pg_tm tm;
	int32 date;

	if (parquet_date(value, &date) != VALUE_FINE)
	{
		appendStringInfo(out, INT64_FORMAT " days since 1970", value->number);
		return;
	}
	j2date(date + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	EncodeDateOnly(&tm, USE_ISO_DATES, text);
	appendStringInfoString(out, text);
}

static void
put_time(const ParquetNode *node, const ParquetValue *value, StringInfo out)
{
	int64 time;
	int nanos = node->unit == PARQUET_NANOS ? (int) (value->number % 1000) : 0;
	int64 seconds;
	int micros;

	if (parquet_time(node, value, true, &time) != VALUE_FINE)
	{
		appendStringInfo(out, INT64_FORMAT, value->number);
		return;
	}
	seconds = time / USECS_PER_SEC;
	micros = (int) (time % USECS_PER_SEC);
	appendStringInfo(out, "%02d:%02d:%02d", (int) (seconds / 3600), (int) (seconds / 60 % 60), (int) (seconds % 60));
	if (nanos != 0)
		appendStringInfo(out, ".%06d%03d", micros, nanos);
	else if (micros != 0)
		appendStringInfo(out, ".%06d", micros);
}

static void
put_uuid(const Slice *s, StringInfo out)
{
	for (int i = 0; i < 16; i++)
		appendStringInfo(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", (uint8) s->p[i]);
}

static void
put_float(float f, StringInfo out)
{
	char text[64];

	if (isnan(f) || isinf(f))
		appendStringInfoString(out, isnan(f) ? "NaN" : f > 0 ? "Infinity"
															 : "-Infinity");
	else
	{
		float_to_shortest_decimal_buf(f, text);
		appendStringInfoString(out, text);
	}
}

static void
put_double(double d, StringInfo out)
{
	char text[64];

	if (isnan(d) || isinf(d))
		appendStringInfoString(out, isnan(d) ? "NaN" : d > 0 ? "Infinity"
															 : "-Infinity");
	else
	{
		double_to_shortest_decimal_buf(d, text);
		appendStringInfoString(out, text);
	}
}

void
parquet_value_text(const ParquetNode *node, const ParquetValue *value, StringInfo out)
{
	switch (parquet_leaf_meaning(node))
	{
		case MEAN_BOOL:
			appendStringInfoString(out, value->number ? "true" : "false");
			break;
		case MEAN_INT:
			appendStringInfo(out, INT64_FORMAT, value->number);
			break;
		case MEAN_UNSIGNED:
			if (node->type == PARQUET_INT32)
				appendStringInfo(out, "%u", (uint32) value->number);
			else
				appendStringInfo(out, UINT64_FORMAT, (uint64) value->number);
			break;
		case MEAN_FLOAT:
			put_float((float) value->real, out);
			break;
		case MEAN_HALF:
			put_float(parquet_half(value), out);
			break;
		case MEAN_DOUBLE:
			put_double(value->real, out);
			break;
		case MEAN_DECIMAL:
			put_decimal(node, value, out);
			break;
		case MEAN_UUID:
			put_uuid(&value->bytes, out);
			break;
		case MEAN_DATE:
			put_date(value, out);
			break;
		case MEAN_TIME:
			put_time(node, value, out);
			break;
		case MEAN_TIMESTAMP:
		case MEAN_INT96:
			put_stamp(node, value, false, out);
			break;
		case MEAN_TIMESTAMPTZ:
			put_stamp(node, value, true, out);
			break;
		case MEAN_INTERVAL:
			appendStringInfo(out, "%u months %u days %u milliseconds", little32(value->bytes.p),
							 little32(value->bytes.p + 4), little32(value->bytes.p + 8));
			break;
		case MEAN_BYTES:
			appendStringInfoString(out, "\\x");
			put_hex(&value->bytes, out);
			break;
		default:
			appendBinaryStringInfo(out, value->bytes.p, (int) value->bytes.len);
			break;
	}
}
