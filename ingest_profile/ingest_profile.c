/*
 * ingest_profile.c
 *		The module, and the type profile_sketch.
 */
#include "postgres.h"

#include "fmgr.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/pattern.h"
#include "ingest_profile/progress.h"
#include "ingest_profile/sketch.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

SQL_FUNCTION_OF_ANY_VERSION(profile_sketch_in);
SQL_FUNCTION_OF_ANY_VERSION(profile_sketch_out);
SQL_FUNCTION_OF_ANY_VERSION(profile_sketch_recv);
SQL_FUNCTION_OF_ANY_VERSION(profile_sketch_send);

void
_PG_init(void)
{
	pattern_setup();
	progress_setup();
}

/* Read it once, so that a damaged value never gets into a table */
static bytea *
checked(bytea *sketch)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "profile check", ALLOCSET_DEFAULT_SIZES);

	(void) sketch_read(VARDATA_ANY(sketch), VARSIZE_ANY_EXHDR(sketch), context);
	MemoryContextDelete(context);
	return sketch;
}

Datum
profile_sketch_in(PG_FUNCTION_ARGS)
{
	text *given = cstring_to_text(PG_GETARG_CSTRING(0));
	Datum bytes = DirectFunctionCall2(binary_decode, PointerGetDatum(given),
									  PointerGetDatum(cstring_to_text("base64")));

	PG_RETURN_BYTEA_P(checked(DatumGetByteaPP(bytes)));
}

/* base64, in one line */
Datum
profile_sketch_out(PG_FUNCTION_ARGS)
{
	char *encoded = text_to_cstring(DatumGetTextPP(
		DirectFunctionCall2(binary_encode, PG_GETARG_DATUM(0), PointerGetDatum(cstring_to_text("base64")))));
	char *to = encoded;

	for (char *from = encoded; *from; from++)
	{
		if (*from != '\n')
			*to++ = *from;
	}
	*to = '\0';
	PG_RETURN_CSTRING(encoded);
}

Datum
profile_sketch_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int len = in->len - in->cursor;
	bytea *sketch = palloc(len + VARHDRSZ);

	SET_VARSIZE(sketch, len + VARHDRSZ);
	pq_copymsgbytes(in, VARDATA(sketch), len);
	PG_RETURN_BYTEA_P(checked(sketch));
}

Datum
profile_sketch_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}
