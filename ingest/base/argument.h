/*
 * argument.h
 *		Arguments of functions that may be called with NULL.
 *
 * What must be there is taken with these, in functions that are not STRICT.
 */
#ifndef INGEST_ARGUMENT_H
#define INGEST_ARGUMENT_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

/* An argument's value; an error that names the argument if it is NULL */
extern Datum required(FunctionCallInfo fcinfo, int n);

#define required_text(n) text_to_cstring(DatumGetTextPP(required(fcinfo, n)))
#define required_bool(n) DatumGetBool(required(fcinfo, n))
#define required_int4(n) DatumGetInt32(required(fcinfo, n))
#define required_oid(n) DatumGetObjectId(required(fcinfo, n))
#define required_name(n) pstrdup(NameStr(*DatumGetName(required(fcinfo, n))))
#define text_or_null(n) (PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n)))
#define name_or_null(n) (PG_ARGISNULL(n) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(n))))

#endif /* INGEST_ARGUMENT_H */
