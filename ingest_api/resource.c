/*
 * resource.c
 *		What can be asked for.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "ingest_api/compat.h"
#include "ingest_api/resource.h"
#include "ingest_api/statement.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* A plan of the engine's own statements, kept */
static uint64
ask(SPIPlanPtr *plan, const char *sql, const char *argument)
{
	Oid type = TEXTOID;
	Datum value = argument ? CStringGetTextDatum(argument) : (Datum) 0;
	int code;

	code = SPI_execute_plan(own_plan(plan, sql, argument ? 1 : 0, &type), &value, NULL, true, 0);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(code));
	return SPI_processed;
}

static List *
names_at(uint64 row, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
	List *names = NIL;
	Datum *items;
	int n;

	if (isnull)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(value), NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &items, NULL, &n);
	for (int i = 0; i < n; i++)
		names = lappend(names, pstrdup(NameStr(*DatumGetName(items[i]))));
	return names;
}

/* Something of it, where it lies: the whole, or a column */
static bool
may_read(Oid relation, Oid role)
{
	if (!may_use_schema(get_rel_namespace(relation), role))
		return false;
	return pg_class_aclcheck(relation, role, ACL_SELECT) == ACLCHECK_OK || pg_attribute_aclcheck_all(relation, role, ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

/* In the row of the result; NULL: it is gone, or not for the role */
static Resource *
resource_at(uint64 row, Oid role)
{
	bool isnull;
	Oid relation = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 2, &isnull));
	Resource *r;

	if (isnull || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)) || !may_read(relation, role))
		return NULL;
	r = palloc0(sizeof(Resource));
	r->name = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1);
	r->relation = relation;
	r->key = names_at(row, 3);
	r->description = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 4);
	return r;
}

/*
 * A table's key is what it is called now.  By no function in SQL: it would be planned at each request.  Where tables
 * inherit from it, theirs are among its rows, and nothing keeps their keys apart: it has none.
 */
#define RESOURCE \
	"SELECT name, relation::oid, CASE WHEN EXISTS (SELECT FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent WHERE p.oid = relation AND p.relkind = 'r') THEN '{}'::name[] ELSE coalesce((SELECT (SELECT array_agg(a.attname ORDER BY n.place) " \
	"FROM unnest(i.indkey::smallint[]) WITH ORDINALITY n (number, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n.number) " \
	"FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary), key) END, description FROM ingest_api_internal.resource "

Resource *
resource_find(const char *name, Oid role)
{
	static SPIPlanPtr plan = NULL;

	if (ask(&plan, RESOURCE "WHERE name = $1", name) == 0)
		return NULL;
	return resource_at(0, role);
}

List *
resource_all(Oid role)
{
	static SPIPlanPtr plan = NULL;
	List *all = NIL;
	uint64 n = ask(&plan, RESOURCE "ORDER BY name", NULL);

	for (uint64 i = 0; i < n; i++)
	{
		Resource *r = resource_at(i, role);

		if (r)
			all = lappend(all, r);
	}
	return all;
}

/* Whoever may read them */
List *
resource_names(bool exposed)
{
	static SPIPlanPtr plan = NULL;
	List *names = NIL;
	uint64 n = ask(&plan, "SELECT name FROM ingest_api_internal.resource WHERE (owner IS NOT NULL)::text = $1 ORDER BY name", exposed ? "true" : "false");

	for (uint64 i = 0; i < n; i++)
		names = lappend(names, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	return names;
}

#define LINK "SELECT resource, link, other, many, here, there FROM ingest_api_internal.link "

static List *
links_of_result(uint64 n)
{
	List *links = NIL;

	for (uint64 i = 0; i < n; i++)
	{
		Link *l = palloc0(sizeof(Link));
		bool isnull;

		l->resource = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		l->name = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		l->other = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3);
		l->many = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 4, &isnull));
		l->here = names_at(i, 5);
		l->there = names_at(i, 6);
		links = lappend(links, l);
	}
	return links;
}

List *
resource_links(const Resource *resource)
{
	static SPIPlanPtr plan = NULL;

	return links_of_result(ask(&plan, LINK "WHERE resource = $1 ORDER BY link, many", resource->name));
}

List *
resource_all_links(void)
{
	static SPIPlanPtr plan = NULL;

	return links_of_result(ask(&plan, LINK "ORDER BY link, many", NULL));
}

List *
resource_columns(const Resource *resource, Oid role)
{
	Relation relation = table_open(resource->relation, AccessShareLock);
	TupleDesc desc = RelationGetDescr(relation);
	bool all = pg_class_aclcheck(resource->relation, role, ACL_SELECT) == ACLCHECK_OK;
	List *names = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);

		if (!a->attisdropped && (all || pg_attribute_aclcheck(resource->relation, a->attnum, role, ACL_SELECT) == ACLCHECK_OK))
			names = lappend(names, pstrdup(NameStr(a->attname)));
	}
	table_close(relation, NoLock);
	return names;
}

char *
resource_document(Oid role)
{
	static SPIPlanPtr plan = NULL;
	Oid type = OIDOID;
	Datum value = ObjectIdGetDatum(role);

	if (SPI_execute_plan(own_plan(&plan, "SELECT ingest_api_internal.openapi($1)", 1, &type), &value, NULL, true, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "there is no document");
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}
