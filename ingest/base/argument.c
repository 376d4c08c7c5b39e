/*
 * argument.c
 *		Arguments of functions that may be called with NULL.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "ingest/base/argument.h"
#include "utils/syscache.h"

/* The name of an argument; NULL if the function is called by another way than its own */
static char *
argument_name(Oid function, int n)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid *types;
	char **names;
	char *modes;
	char *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	if (n < get_func_arg_info(tuple, &types, &names, &modes) && names)
		name = names[n];
	ReleaseSysCache(tuple);
	return name;
}

Datum
required(FunctionCallInfo fcinfo, int n)
{
	char *name;

	if (!PG_ARGISNULL(n))
		return PG_GETARG_DATUM(n);
	name = argument_name(fcinfo->flinfo->fn_oid, n);
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 name ? errmsg("%s must not be null", name) : errmsg("argument %d must not be null", n + 1)));
	return (Datum) 0;
}
