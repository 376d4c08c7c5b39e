/*
 * sketch_fuzz.c
 *		Fuzzer for the stored form of ingest_profile's sketches: what may come from
 *		a client or out of a damaged file.  An input is a sketch without its head
 *		and checksum, which are added here.
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "fmgr.h"
#include "ingest_profile/sketch.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "port/pg_crc32c.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "test/fuzz/standins.h"

/* -- more stand-ins -- */

static pg_crc32c
crc32c(pg_crc32c crc, const void *data, size_t len)
{
	for (const unsigned char *p = data; len-- > 0; p++)
	{
		crc ^= *p;
		for (int k = 0; k < 8; k++)
			crc = crc & 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
	}
	return crc;
}

pg_crc32c (*pg_comp_crc32c)(pg_crc32c crc, const void *data, size_t len) = crc32c;

unsigned char *
pg_do_encoding_conversion(unsigned char *src, int len, int src_encoding, int dest_encoding)
{
	(void) src_encoding, (void) dest_encoding;
	return (unsigned char *) pnstrdup((char *) src, len);
}

bool
type_reads_safely(Oid typid)
{
	return OidIsValid(typid);
}

int
pg_mbcliplen(const char *mbstr, int len, int limit)
{
	(void) mbstr;
	return Min(len, limit);
}

int
pg_database_encoding_max_length(void)
{
	return 4;
}

int
pg_mbstrlen_with_len(const char *mbstr, int limit)
{
	(void) mbstr;
	return limit;
}

uint64
hex_encode(const char *src, size_t len, char *dst)
{
	for (size_t i = 0; i < len; i++)
		dst[2 * i] = dst[2 * i + 1] = src[i] & 1 ? '1' : '0';
	return 2 * len;
}

/* The type is never found, as in a database that does not have it */
bool
column_type_resolve(ColumnType *type, MemoryContext context)
{
	(void) type, (void) context;
	return false;
}

int64
key_of_double(double value)
{
	return (int64) value;
}

double
double_of_key(int64 key)
{
	return (double) key;
}

double
number_of_key(ValueClass class, int64 key)
{
	(void) class;
	return (double) key;
}

char *
text_of_key(const ColumnType *type, int64 key)
{
	return psprintf("%d " INT64_FORMAT, type->class, key);
}

int
decimal_text(int64 key, int scale, char *text)
{
	for (int i = 0; i < 9; i++)
		text[i] = (char) ('0' + (key + scale) % 7);
	return scale < 16 ? 9 : 0;
}

int
text_compare(const char *a, int alen, const char *b, int blen, Oid collation)
{
	int order = memcmp(a, b, Min(alen, blen));

	(void) collation;
	return order ? order : alen - blen;
}

/* No context is needed: memory is malloc's */
MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size minContextSize, Size initBlockSize, Size maxBlockSize)
{
	static int some;

	(void) parent, (void) name, (void) minContextSize, (void) initBlockSize, (void) maxBlockSize;
	return (MemoryContext) &some;
}

void
MemoryContextDelete(MemoryContext context)
{
	(void) context;
}

static void *
not_reached(void)
{
	fprintf(stderr, "what reads values was called\n");
	abort();
}

#define NOT_REACHED(result, name, arguments) \
	result name arguments \
	{ \
		return (result) (intptr_t) not_reached(); \
	}

NOT_REACHED(char *, column_type_output, (ColumnType * type, Datum value))
NOT_REACHED(struct varlena *, pg_detoast_datum, (struct varlena * d))
NOT_REACHED(struct varlena *, pg_detoast_datum_packed, (struct varlena * d))
NOT_REACHED(struct varlena *, detoast_attr_slice, (struct varlena * d, int32 offset, int32 length))
NOT_REACHED(Size, toast_raw_datum_size, (Datum value))
NOT_REACHED(int, bpchartruelen, (char *s, int len))
NOT_REACHED(Size, datumGetSize, (Datum value, bool typByVal, int typLen))
NOT_REACHED(Datum, datumCopy, (Datum value, bool typByVal, int typLen))
NOT_REACHED(int, ArrayGetNItems, (int ndim, const int *dims))
NOT_REACHED(Datum, OidInputFunctionCall, (Oid functionId, char *str, Oid typioparam, int32 typmod))
NOT_REACHED(Datum, FunctionCall2Coll, (FmgrInfo * flinfo, Oid collation, Datum arg1, Datum arg2))
NOT_REACHED(Datum, DirectFunctionCall1Coll, (PGFunction func, Oid collation, Datum arg1))
NOT_REACHED(Datum, DirectFunctionCall2Coll, (PGFunction func, Oid collation, Datum arg1, Datum arg2))
NOT_REACHED(Datum, DirectFunctionCall3Coll, (PGFunction func, Oid collation, Datum arg1, Datum arg2, Datum arg3))
NOT_REACHED(Datum, numeric_in, (FunctionCallInfo fcinfo))
NOT_REACHED(Datum, numeric_out, (FunctionCallInfo fcinfo))
NOT_REACHED(Datum, numeric_cmp, (FunctionCallInfo fcinfo))

void
column_type_init(ColumnType *type, Oid typid, Oid collation)
{
	(void) type, (void) typid, (void) collation;
	not_reached();
}

void
getTypeInputInfo(Oid type, Oid *typInput, Oid *typIOParam)
{
	(void) type, (void) typInput, (void) typIOParam;
	not_reached();
}

TextRange
text_range(const char *low, int low_len, const char *high, int high_len, Oid collation)
{
	(void) low, (void) low_len, (void) high, (void) high_len, (void) collation;
	not_reached();
	return (TextRange){0};
}

/* -- the target -- */

/* All that reading functions do with a sketch */
static void
use(Sketch *s)
{
	Distribution d = sketch_distribution(s);
	double error;

	(void) sketch_distinct(s, &error);
	(void) sketch_sample(s);
	(void) moments_central(&s->moments);
	(void) moments_sum_text(&s->moments);
	if (d.n > 0)
	{
		for (int i = 0; i <= 10; i++)
			(void) distribution_below(&d, distribution_quantile(&d, i / 10.0), true);
	}
	(void) extreme_text(&s->min, &s->type);
	(void) extreme_text(&s->longest, &s->type);
	for (int i = 0; i < s->set.n; i++)
		(void) sketch_entry_text(s, &s->set.entries[i]);
}

static void
try_version(const uint8_t *data, size_t size, char version)
{
	size_t whole = size + 7;
	char *bytes = malloc(whole);
	pg_crc32c crc;

	memcpy(bytes, "PS", 2);
	bytes[2] = version;
	memcpy(bytes + 3, data, size);
	crc = crc32c(0xFFFFFFFF, bytes, whole - 4) ^ 0xFFFFFFFF;
	for (int i = 0; i < 4; i++)
		bytes[whole - 4 + i] = (char) (crc >> (8 * i));
	pattern_setup();
	if (setjmp(failed) == 0)
	{
		Sketch *a = sketch_read(bytes, whole, NULL);
		Sketch *b = sketch_read(bytes, whole, NULL);
		bytea *again;

		use(a);
		sketch_merge(a, b);
		use(a);
		/* what is written can be read */
		again = sketch_write(a);
		use(sketch_read(VARDATA(again), VARSIZE(again) - VARHDRSZ, NULL));
	}
	forget_all();
	free(bytes);
}

/* The form of now, and those before: stored sketches are */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_version(data, size, 4);
	try_version(data, size, 3);
	try_version(data, size, 2);
	return 0;
}
