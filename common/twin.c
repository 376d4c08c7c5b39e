/*
 * twin.c
 *		Functions that users call, and those that do what they say.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/twin.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* The function of that schema with the caller before the arguments of this one */
static Oid
twin_of(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	oidvector *types;
	Oid all[FUNC_MAX_ARGS];
	Oid twin;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	if (proc->pronargs >= FUNC_MAX_ARGS)
		elog(ERROR, "function %u has too many arguments", function);
	all[0] = OIDOID;
	memcpy(all + 1, proc->proargtypes.values, sizeof(Oid) * proc->pronargs);
	types = buildoidvector(all, proc->pronargs + 1);
	twin = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, NameGetDatum(&proc->proname), PointerGetDatum(types),
						   ObjectIdGetDatum(get_namespace_oid(EXTENSION_NAME "_internal", true)));
	if (!OidIsValid(twin))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function " EXTENSION_NAME ".%s has no implementation", NameStr(proc->proname)),
				 errdetail("The library " EXTENSION_NAME " and the objects of the extension are of different versions."),
				 errhint("ALTER EXTENSION " EXTENSION_NAME " UPDATE.")));
	pfree(types);
	ReleaseSysCache(tuple);
	return twin;
}

void
twin_call(FunctionCallInfo fcinfo, FunctionCallInfo call)
{
	FmgrInfo *twin = fcinfo->flinfo->fn_extra;

	if (twin == NULL)
	{
		twin = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(FmgrInfo));
		fmgr_info_cxt(twin_of(fcinfo->flinfo->fn_oid), twin, fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = twin;
	}
	InitFunctionCallInfoData(*call, twin, fcinfo->nargs + 1, fcinfo->fncollation, fcinfo->context, fcinfo->resultinfo);
	call->args[0].value = ObjectIdGetDatum(GetUserId());
	call->args[0].isnull = false;
	memcpy(call->args + 1, fcinfo->args, sizeof(NullableDatum) * fcinfo->nargs);
}
