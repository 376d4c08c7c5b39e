/*
 * aggregate.c
 *		profile(anyelement) and profile_merge(profile_sketch).
 */
#include "postgres.h"

#include "fmgr.h"
#include "ingest_profile/column.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/progress.h"
#include "ingest_profile/sketch.h"
#include "utils/memutils.h"

SQL_FUNCTION(profile_transition);
SQL_FUNCTION(profile_combine);
SQL_FUNCTION(profile_serialize);
SQL_FUNCTION(profile_deserialize);
SQL_FUNCTION(profile_final);
SQL_FUNCTION(profile_merge_transition);

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this function is part of an aggregate and cannot be called by itself"),
				 errhint("Call profile() or profile_merge().")));
	return context;
}

static Sketch *
new_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = AllocSetContextCreate(aggregate_context(fcinfo), "profile", ALLOCSET_DEFAULT_SIZES);
	Oid typid = get_fn_expr_argtype(fcinfo->flinfo, 1);

	if (!OidIsValid(typid))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_DATATYPE),
				 errmsg("could not determine the type of the column to profile")));
	return sketch_new(context, typid, PG_GET_COLLATION());
}

Datum
profile_transition(PG_FUNCTION_ARGS)
{
	Sketch *s;

	if (PG_ARGISNULL(0))
		s = new_state(fcinfo);
	else
		s = (Sketch *) PG_GETARG_POINTER(0);
	s->rows++;
	if (unlikely((s->rows & (PROGRESS_ROWS - 1)) == 0))
		progress_report(s->rows);
	if (PG_ARGISNULL(1))
		s->nulls++;
	else
		column_hold(s, PG_GETARG_DATUM(1));
	PG_RETURN_POINTER(s);
}

Datum
profile_combine(PG_FUNCTION_ARGS)
{
	Sketch *from = PG_ARGISNULL(1) ? NULL : (Sketch *) PG_GETARG_POINTER(1);
	bytea *copy;

	if (from == NULL)
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
	{
		/* the other state is not ours to keep */
		MemoryContext context = AllocSetContextCreate(aggregate_context(fcinfo), "profile", ALLOCSET_DEFAULT_SIZES);

		copy = sketch_write_whole(from);
		PG_RETURN_POINTER(sketch_read_whole(VARDATA(copy), VARSIZE(copy) - VARHDRSZ, context));
	}
	sketch_merge((Sketch *) PG_GETARG_POINTER(0), from);
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

Datum
profile_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(sketch_write_whole((Sketch *) PG_GETARG_POINTER(0)));
}

Datum
profile_deserialize(PG_FUNCTION_ARGS)
{
	bytea *data = PG_GETARG_BYTEA_PP(0);

	PG_RETURN_POINTER(sketch_read_whole(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), CurrentMemoryContext));
}

Datum
profile_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(sketch_write((Sketch *) PG_GETARG_POINTER(0)));
}

Datum
profile_merge_transition(PG_FUNCTION_ARGS)
{
	bytea *data;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	data = (bytea *) pg_detoast_datum_packed((struct varlena *) PG_GETARG_POINTER(1));
	if (PG_ARGISNULL(0))
	{
		MemoryContext context = AllocSetContextCreate(aggregate_context(fcinfo), "profile", ALLOCSET_DEFAULT_SIZES);
		Sketch *first = sketch_read(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), context);

		/* it will be written in the form of now */
		sketch_require_current(first);
		PG_RETURN_POINTER(first);
	}
	sketch_merge((Sketch *) PG_GETARG_POINTER(0),
				 sketch_read(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), CurrentMemoryContext));
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
