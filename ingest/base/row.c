/*
 * row.c
 *		Rows as structs: each column of an answer into the member of its name.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "ingest/base/row.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

/* Types of columns that a member can hold */
static bool
field_holds(FieldType field, Oid type)
{
	switch (field)
	{
		case FIELD_TEXT:
			return true;
		case FIELD_INT4:
			return type == INT4OID;
		case FIELD_INT8:
			return type == INT8OID || type == INT4OID;
		case FIELD_OID:
			return type == OIDOID || type == REGCLASSOID || type == REGROLEOID || type == REGTYPEOID ||
				   type == REGPROCEDUREOID;
		case FIELD_BOOL:
			return type == BOOLOID;
		case FIELD_FLOAT8:
			return type == FLOAT8OID;
		case FIELD_TEXTS:
			return type == TEXTARRAYOID || type == NAMEARRAYOID;
	}
	return false;
}

/* An array of names or texts of the repository, which has no nulls */
static Texts
texts_of(Datum array, Oid type)
{
	Texts texts;
	Datum *items;
	bool *nulls;

	deconstruct_array(DatumGetArrayTypeP(array), type == NAMEARRAYOID ? NAMEOID : TEXTOID,
					  type == NAMEARRAYOID ? NAMEDATALEN : -1, false,
					  type == NAMEARRAYOID ? TYPALIGN_CHAR : TYPALIGN_INT, &items, &nulls, &texts.n);
	texts.v = palloc(sizeof(char *) * Max(texts.n, 1));
	for (int i = 0; i < texts.n; i++)
	{
		if (nulls[i])
			elog(ERROR, "null among names of the repository");
		texts.v[i] = type == NAMEARRAYOID ? pstrdup(NameStr(*DatumGetName(items[i]))) : TextDatumGetCString(items[i]);
	}
	return texts;
}

/*
 * One column of a row into its place in the struct, found by its name and held against its type: an older SQL
 * side says so
 */
static void
field_read(const Field *field, HeapTuple tuple, TupleDesc desc, char *to)
{
	int column = SPI_fnumber(desc, field->column);
	Oid type;
	Datum value;
	bool isnull;

	if (column <= 0)
		elog(ERROR, "the engine's objects are of another version: no column \"%s\" in an answer of the repository",
			 field->column);
	type = TupleDescAttr(desc, column - 1)->atttypid;
	if (!field_holds(field->type, type))
		elog(ERROR,
			 "the engine's objects are of another version: column \"%s\" of an answer of the repository has type %u",
			 field->column, type);
	value = SPI_getbinval(tuple, desc, column, &isnull);
	if (isnull)
		return; /* the struct is zeroed */
	switch (field->type)
	{
		case FIELD_TEXT:
			*(char **) to = SPI_getvalue(tuple, desc, column);
			break;
		case FIELD_INT4:
			*(int32 *) to = DatumGetInt32(value);
			break;
		case FIELD_INT8:
			*(int64 *) to = type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
			break;
		case FIELD_OID:
			*(Oid *) to = DatumGetObjectId(value);
			break;
		case FIELD_BOOL:
			*(bool *) to = DatumGetBool(value);
			break;
		case FIELD_FLOAT8:
			*(float8 *) to = DatumGetFloat8(value);
			break;
		case FIELD_TEXTS:
			*(Texts *) to = texts_of(value, type);
			break;
	}
}

void
row_read(const RowShape *shape, SPITupleTable *table, uint64 row, void *to)
{
	memset(to, 0, shape->size);
	for (int i = 0; i < shape->n; i++)
		field_read(&shape->fields[i], table->vals[row], table->tupdesc, (char *) to + shape->fields[i].offset);
}

/* SPI's last answer, which is freed */
static void *
read_all(const RowShape *shape, int *n)
{
	char *structs = palloc(shape->size * Max(SPI_processed, 1));

	*n = SPI_processed;
	for (int i = 0; i < *n; i++)
		row_read(shape, SPI_tuptable, i, structs + i * shape->size);
	SPI_freetuptable(SPI_tuptable);
	return structs;
}

void *
sql_structs(SqlWho who, const RowShape *shape, int *n, const char *sql, int nargs, const SqlArg *args)
{
	bool pushed = !ActiveSnapshotSet();
	void *structs;

	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	sql_execute(who, sql, nargs, args);
	structs = read_all(shape, n);
	if (pushed)
		PopActiveSnapshot();
	return structs;
}

void *
prepared_structs(Prepared *prepared, Datum *values, const RowShape *shape, int *n)
{
	bool pushed = !ActiveSnapshotSet();
	void *structs;

	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	prepared_run(prepared, values, NULL, 0);
	structs = read_all(shape, n);
	if (pushed)
		PopActiveSnapshot();
	return structs;
}

void *
sql_struct(SqlWho who, const RowShape *shape, const char *sql, int nargs, const SqlArg *args)
{
	int n;
	void *structs = sql_structs(who, shape, &n, sql, nargs, args);

	return n > 0 ? structs : NULL;
}

void *
user_answer_of(const RowShape *shape, const char *sql, int nargs, const SqlArg *args)
{
	void *answer = sql_struct(AS_USER, shape, sql, nargs, args);

	if (answer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("the source gave no answer to a question that always has one"),
				 errdetail("The question: %s", sql)));
	return answer;
}
