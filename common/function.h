/*
 * function.h
 *		Functions that SQL calls.
 *
 * PostgreSQL asks for a function's record before its first call in a session.
 * That is the moment to see whether the library and the objects of the extension
 * are of one version: all that is called later may rely on it.
 */
#ifndef COMMON_FUNCTION_H
#define COMMON_FUNCTION_H

#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"

/* Are library and objects of one version?  Says so at this level if they are not. */
extern bool version_fits(int elevel);

#define SQL_FUNCTION_RECORD(name, check) \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	extern PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, name)(void); \
	const Pg_finfo_record *CppConcat(pg_finfo_, name)(void) \
	{ \
		static const Pg_finfo_record record = {1}; \
		check; \
		return &record; \
	} \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS)

/* PostgreSQL 15 does not export what it calls */
#define SQL_FUNCTION(name) SQL_FUNCTION_RECORD(name, (void) version_fits(ERROR))

/* What others' statements need, such as a dump: it looks by itself, or means the same in every version */
#define SQL_FUNCTION_OF_ANY_VERSION(name) SQL_FUNCTION_RECORD(name, (void) 0)

/* A function that gives rows begins: InitMaterializedSRF was SetSingleFuncCall in 15's first releases */
#if PG_VERSION_NUM >= 160000 || defined(MAT_SRF_USE_EXPECTED_DESC)
#define rows_begin(fcinfo) InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC)
#else
#define rows_begin(fcinfo) SetSingleFuncCall(fcinfo, SRF_SINGLE_USE_EXPECTED)
#endif

#endif /* COMMON_FUNCTION_H */
