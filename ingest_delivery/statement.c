/*
 * statement.c
 *		Statements of the worker that are prepared once, and what is read from their answers.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "ingest_delivery/statement.h"
#include "utils/array.h"

SPIPlanPtr
statement_plan(Statement *s)
{
	if (s->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(s->sql, s->n, s->types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare a statement: %s", SPI_result_code_string(SPI_result));
		s->plan = plan;
	}
	return s->plan;
}

uint64
statement_run(Statement *s, Datum *values, const char *nulls)
{
	int code = SPI_execute_plan(statement_plan(s), values, nulls, false, 0);

	if (code < 0)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(code));
	return SPI_processed;
}

/* A value of the row as text in the current memory context; NULL for null */
char *
text_at(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

int64
number_at(uint64 row, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	if (isnull)
		return 0;
	return SPI_gettypeid(SPI_tuptable->tupdesc, column) == INT8OID ? DatumGetInt64(value) : DatumGetInt32(value);
}

bool
truth_at(uint64 row, int column)
{
	bool isnull;

	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull)) && !isnull;
}

Datum
texts(Datum *items, int n)
{
	return PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT));
}

Datum
eras(Datum *items, int n)
{
	return PointerGetDatum(construct_array(items, n, INT4OID, 4, true, TYPALIGN_INT));
}

Datum
ids(Datum *items, int n)
{
	return PointerGetDatum(construct_array(items, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
