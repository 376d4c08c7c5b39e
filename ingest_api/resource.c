/*
 * resource.c
 *		What can be asked for.
 *
 * What there is is remembered; what of it a role may read is looked at each time.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "ingest_api/cache.h"
#include "ingest_api/compat.h"
#include "ingest_api/resource.h"
#include "ingest_api/statement.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

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

/* -- what there is, whoever may read it -- */

#define LONGEST_NAME 128

/* A resource, as it is remembered */
typedef struct Known
{
	char name[LONGEST_NAME];
	Resource *resource;
	List *links;
	bool linked; /* they are there */
} Known;

static Cache cache;
static HTAB *known;     /* Known */
static List *all;       /* Resource, by name */
static List *all_links; /* Link */
static bool whole,      /* those are there */
	whole_links;

static void
remember(void)
{
	static const Change changes[] = {CHANGE_CATALOGUE};
	HASHCTL control = {.keysize = LONGEST_NAME, .entrysize = sizeof(Known)};

	if (cache_holds(&cache, "resources", lengthof(changes), changes))
		return;
	control.hcxt = cache.memory;
	known = hash_create("resources", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	all = all_links = NIL;
	whole = whole_links = false;
}

/* A table's key is what it is called now.  By no function in SQL: it would be planned at each request */
#define RESOURCE \
	"SELECT name, relation::oid, coalesce((SELECT (SELECT array_agg(a.attname ORDER BY n.place) " \
	"FROM unnest(i.indkey::smallint[]) WITH ORDINALITY n (number, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n.number) " \
	"FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary), key), description, owner IS NOT NULL FROM ingest_api_internal.resource "

/* The row of the result */
static Known *
learn(uint64 row)
{
	HeapTuple tuple = SPI_tuptable->vals[row];
	TupleDesc desc = SPI_tuptable->tupdesc;
	MemoryContext context = MemoryContextSwitchTo(cache.memory);
	Resource *r = palloc0(sizeof(Resource));
	bool found,
		isnull;
	Known *k;

	r->name = SPI_getvalue(tuple, desc, 1);
	r->relation = DatumGetObjectId(SPI_getbinval(tuple, desc, 2, &isnull));
	r->key = names_at(row, 3);
	r->description = SPI_getvalue(tuple, desc, 4);
	r->exposed = DatumGetBool(SPI_getbinval(tuple, desc, 5, &isnull));
	cache_watch(r->relation);
	k = hash_search(known, r->name, HASH_ENTER, &found);
	if (!found)
	{
		k->links = NIL;
		k->linked = false;
		k->resource = r;
	}
	MemoryContextSwitchTo(context);
	return k;
}

/* NULL: there is none */
static Known *
know(const char *name)
{
	static SPIPlanPtr plan = NULL;
	Known *k;

	if (strlen(name) >= LONGEST_NAME)
		return NULL;
	remember();
	k = hash_search(known, name, HASH_FIND, NULL);
	if (k || whole)
		return k;
	if (cache_read(&plan, RESOURCE "WHERE name = $1", TEXTOID, CStringGetTextDatum(name)) > 0)
		k = learn(0);
	cache_was_read();
	return k;
}

static void
know_all(void)
{
	static SPIPlanPtr plan = NULL;
	uint64 n;
	MemoryContext context;

	remember();
	if (whole)
		return;
	n = cache_read(&plan, RESOURCE "ORDER BY name", InvalidOid, (Datum) 0);
	for (uint64 i = 0; i < n; i++)
	{
		Known *k = learn(i);

		context = MemoryContextSwitchTo(cache.memory);
		all = lappend(all, k->resource);
		MemoryContextSwitchTo(context);
	}
	whole = true;
	cache_was_read();
}

#define LINK "SELECT resource, link, other, many, here, there FROM ingest_api_internal.link "

/* To be remembered */
static List *
links_of_result(uint64 n)
{
	MemoryContext context = MemoryContextSwitchTo(cache.memory);
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
	MemoryContextSwitchTo(context);
	return links;
}

List *
resource_links(const Resource *resource)
{
	static SPIPlanPtr plan = NULL;
	Known *k = know(resource->name);

	if (k == NULL)
		return NIL;
	if (!k->linked)
	{
		k->links = links_of_result(cache_read(&plan, LINK "WHERE resource = $1 ORDER BY link, many", TEXTOID, CStringGetTextDatum(resource->name)));
		k->linked = true;
		cache_was_read();
	}
	return k->links;
}

List *
resource_all_links(void)
{
	static SPIPlanPtr plan = NULL;

	know_all();
	if (!whole_links)
	{
		all_links = links_of_result(cache_read(&plan, LINK "ORDER BY link, many", InvalidOid, (Datum) 0));
		whole_links = true;
		cache_was_read();
	}
	return all_links;
}

/* Whoever may read them */
List *
resource_names(bool exposed)
{
	List *names = NIL;
	ListCell *cell;

	know_all();
	foreach (cell, all)
		if (((Resource *) lfirst(cell))->exposed == exposed)
			names = lappend(names, ((Resource *) lfirst(cell))->name);
	return names;
}

/* -- what a role may read -- */

/* Something of it, where it lies: the whole, or a column */
static bool
may_read(Oid relation, Oid role)
{
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)) || !may_use_schema(get_rel_namespace(relation), role))
		return false;
	return pg_class_aclcheck(relation, role, ACL_SELECT) == ACLCHECK_OK || pg_attribute_aclcheck_all(relation, role, ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

Resource *
resource_find(const char *name, Oid role)
{
	Known *k = know(name);

	return k && may_read(k->resource->relation, role) ? k->resource : NULL;
}

List *
resource_all(Oid role)
{
	List *readable = NIL;
	ListCell *cell;

	know_all();
	foreach (cell, all)
		if (may_read(((Resource *) lfirst(cell))->relation, role))
			readable = lappend(readable, lfirst(cell));
	return readable;
}

char *
resource_relation(const Resource *resource)
{
	char *name = get_rel_name(resource->relation);
	char *schema = name ? get_namespace_name(get_rel_namespace(resource->relation)) : NULL;

	if (schema == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("%s is gone", resource->name)));
	return quote_qualified_identifier(schema, name);
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
