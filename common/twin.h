/*
 * twin.h
 *		Functions that users call, and those that do what they say.
 *
 * Who may call the first runs the second, of the schema <extension>_internal, as
 * somebody with more rights; the caller is its first argument.
 */
#ifndef COMMON_TWIN_H
#define COMMON_TWIN_H

#include "postgres.h"

#include "fmgr.h"

/* call, a LOCAL_FCINFO of FUNC_MAX_ARGS arguments, becomes that of the twin, by who calls this one */
extern void twin_call(FunctionCallInfo fcinfo, FunctionCallInfo call);

#endif /* COMMON_TWIN_H */
