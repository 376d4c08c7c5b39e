/*
 * bound.c
 *		How large an answer may become.
 *
 * Lists of rows are put together by an aggregate of our own, which looks at what it has,
 * and values that can be large are looked at before they are read: what a value takes is
 * known without.  So whoever asks for too much is told so while little of it is in memory.
 *
 * No list is longer than an answer may be.  Several at once, of one row or within one
 * another, are together no more than twice that: what is counted is what is there, until
 * its memory is given back, since a page that is sorted or skipped makes lists for rows
 * that are not in the answer.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "common/function.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ingest_api/api.h"
#include "ingest_api/bound.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

SQL_FUNCTION(ingest_api_fits);
SQL_FUNCTION(ingest_api_list_add);
SQL_FUNCTION(ingest_api_lines_add);
SQL_FUNCTION(ingest_api_list_end);
SQL_FUNCTION(ingest_api_lines_end);

/* Only of what is large enough to matter is a note made */
#define LARGE (64 * 1024)

static size_t alive = 0;

static void
too_large(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_ANSWER_TOO_LARGE),
			 errmsg("the answer would be larger than %d kB", api_max_response),
			 errhint("Ask for fewer rows, by limit= or first, or for fewer columns; ingest_api.max_response says how "
					 "large an answer may be.")));
}

static size_t
most(void)
{
	return (size_t) api_max_response * 1024;
}

void
bound_begin(void)
{
	alive = 0;
}

void
bound_check(size_t n)
{
	if (n > most())
		too_large();
}

/* -- what is there at once -- */

typedef struct Noted
{
	MemoryContextCallback gone;
	size_t n;
} Noted;

static void
forget(void *of)
{
	Noted *noted = of;

	alive -= Min(alive, noted->n);
}

/* Something large is in this memory */
static Noted *
note(MemoryContext context)
{
	Noted *noted = MemoryContextAllocZero(context, sizeof(Noted));

	noted->gone.func = forget;
	noted->gone.arg = noted;
	MemoryContextRegisterResetCallback(context, &noted->gone);
	return noted;
}

static void
grow(Noted *noted, size_t n)
{
	alive += n - noted->n;
	noted->n = n;
	if (alive > 2 * most())
		too_large();
}

bool
bound_is_wide(Oid type)
{
	return get_typlen(type) == -1 && get_typtype(type) != TYPTYPE_PSEUDO && type != NUMERICOID;
}

/* -- values -- */

/* fits(value, VARIADIC others): the value, if all of them together are not too much */
Datum
ingest_api_fits(PG_FUNCTION_ARGS)
{
	bool *wide = fcinfo->flinfo->fn_extra;
	size_t total = 0;

	if (wide == NULL)
	{
		wide = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(bool) * PG_NARGS());
		for (int i = 0; i < PG_NARGS(); i++)
		{
			Oid type = get_fn_expr_argtype(fcinfo->flinfo, i);

			wide[i] = OidIsValid(type) && get_typlen(type) == -1;
		}
		fcinfo->flinfo->fn_extra = wide;
	}
	for (int i = 0; i < PG_NARGS(); i++)
		if (wide[i] && !PG_ARGISNULL(i))
			total += toast_raw_datum_size(PG_GETARG_DATUM(i));
	bound_check(total);
	if (total > LARGE)
		grow(note(CurrentMemoryContext), total);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/* -- lists -- */

typedef struct Rows
{
	StringInfoData text;
	Noted *noted; /* NULL: there is little */
} Rows;

static Datum
add(FunctionCallInfo fcinfo, const char *begin, const char *between)
{
	Rows *rows = PG_ARGISNULL(0) ? NULL : (Rows *) PG_GETARG_POINTER(0);
	text *item = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);
	MemoryContext context,
		before;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("this is part of an aggregate")));
	before = MemoryContextSwitchTo(context);
	if (rows == NULL)
	{
		rows = palloc0(sizeof(Rows));
		initStringInfo(&rows->text);
		appendStringInfoString(&rows->text, begin);
	}
	else
		appendStringInfoString(&rows->text, between);
	bound_check(rows->text.len + (item ? VARSIZE_ANY_EXHDR(item) : 0));
	if (item)
		appendBinaryStringInfo(&rows->text, VARDATA_ANY(item), VARSIZE_ANY_EXHDR(item));
	else
		appendStringInfoString(&rows->text, "null");
	if (rows->noted == NULL && rows->text.len > LARGE)
		rows->noted = note(context);
	if (rows->noted)
		grow(rows->noted, rows->text.len);
	MemoryContextSwitchTo(before);
	PG_RETURN_POINTER(rows);
}

static Datum
end(FunctionCallInfo fcinfo, const char *close)
{
	Rows *rows = PG_ARGISNULL(0) ? NULL : (Rows *) PG_GETARG_POINTER(0);
	size_t n = strlen(close);
	text *out;

	if (rows == NULL)
		PG_RETURN_NULL();
	out = palloc(VARHDRSZ + rows->text.len + n);
	SET_VARSIZE(out, VARHDRSZ + rows->text.len + n);
	memcpy(VARDATA(out), rows->text.data, rows->text.len);
	memcpy(VARDATA(out) + rows->text.len, close, n);
	PG_RETURN_TEXT_P(out);
}

/* list(json): as json_agg() of documents */
Datum
ingest_api_list_add(PG_FUNCTION_ARGS)
{
	return add(fcinfo, "[", ", ");
}

Datum
ingest_api_list_end(PG_FUNCTION_ARGS)
{
	return end(fcinfo, "]");
}

/* lines(json): one below the other */
Datum
ingest_api_lines_add(PG_FUNCTION_ARGS)
{
	return add(fcinfo, "", "\n");
}

Datum
ingest_api_lines_end(PG_FUNCTION_ARGS)
{
	return end(fcinfo, "");
}
