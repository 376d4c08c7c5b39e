/*
 * json_build.h
 *		A jsonb that is put together token by token: result, when it is whole, and what is open.
 */
#ifndef COMMON_JSON_BUILD_H
#define COMMON_JSON_BUILD_H

#include "postgres.h"

#include "utils/jsonb.h"

/* All zeroes in the beginning */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState JsonBuild;
#define json_build(build, token, value) pushJsonbValue(build, token, value)
#else
typedef struct JsonBuild
{
	JsonbValue *result;
	JsonbParseState *parseState;
} JsonBuild;
#define json_build(build, token, value) ((build)->result = pushJsonbValue(&(build)->parseState, token, value))
#endif

#endif /* COMMON_JSON_BUILD_H */
