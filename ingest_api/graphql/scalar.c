/*
 * scalar.c
 *		Scalars of GraphQL for types of SQL.
 *
 * Numbers that a client's floating point would round are text: BigInt and Decimal.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "ingest_api/graphql/schema.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

const char *const scalar_names[] = {"Int", "Float", "String", "Boolean", "ID", "BigInt", "Decimal", "Date", "DateTime", "UUID", "JSON", "Value", NULL};

const char *
scalar_description(const char *name)
{
	static const char *const known[][2] = {
		{"Int", "a whole number of 32 bits"},
		{"Float", "a number of double precision"},
		{"String", "text"},
		{"Boolean", "true or false"},
		{"ID", "what tells one from another; its text has no meaning"},
		{"BigInt", "a whole number of 64 bits, as text; given as a number or as text"},
		{"Decimal", "a number with all of its digits, as text; given as a number or as text"},
		{"Date", "a day: 2026-11-28"},
		{"DateTime", "a moment: 2026-11-28T22:00:00+00:00"},
		{"UUID", "a UUID"},
		{"JSON", "a document"},
		{"Value", "a value of a PostgreSQL type that GraphQL has no word for, in PostgreSQL's own form"},
	};

	for (size_t i = 0; i < lengthof(known); i++)
		if (strcmp(known[i][0], name) == 0)
			return known[i][1];
	return NULL;
}

/* Not of arrays: of their elements it is asked */
const char *
scalar_name(Oid type)
{
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
			return "Int";
		case INT8OID:
			return "BigInt";
		case NUMERICOID:
			return "Decimal";
		case FLOAT4OID:
		case FLOAT8OID:
			return "Float";
		case BOOLOID:
			return "Boolean";
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
			return "String";
		case DATEOID:
			return "Date";
		case TIMESTAMPTZOID:
			return "DateTime";
		case UUIDOID:
			return "UUID";
		case JSONOID:
		case JSONBOID:
			return "JSON";
	}
	return get_typtype(getBaseType(type)) == TYPTYPE_COMPOSITE ? "JSON" : "Value";
}

bool
scalar_is_text(Oid type)
{
	const char *name = scalar_name(type);

	return strcmp(name, "BigInt") == 0 || strcmp(name, "Decimal") == 0;
}

/* Operators are written by their symbols, which are looked for there alone */
static bool
is_of_system(Oid operator)
{
	HeapTuple tuple;
	bool is;

	if (!OidIsValid(operator))
		return false;
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	is = HeapTupleIsValid(tuple) && ((Form_pg_operator) GETSTRUCT(tuple))->oprnamespace == PG_CATALOG_NAMESPACE;
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return is;
}

bool
scalar_has_equality(Oid type)
{
	return is_of_system(lookup_type_cache(getBaseType(type), TYPECACHE_EQ_OPR)->eq_opr);
}

bool
scalar_has_order(Oid type)
{
	return is_of_system(lookup_type_cache(getBaseType(type), TYPECACHE_LT_OPR)->lt_opr);
}
