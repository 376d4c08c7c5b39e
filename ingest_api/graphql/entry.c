/*
 * entry.c
 *		What the schema is made of: resources with their columns and links, and functions.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_api/cache.h"
#include "ingest_api/compat.h"
#include "ingest_api/graphql/schema.h"
#include "ingest_api/statement.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* -- resources -- */

static Resource *
resource_named(List *all, const char *name)
{
	ListCell *cell;

	foreach (cell, all)
	{
		Resource *r = lfirst(cell);

		if (strcmp(r->name, name) == 0)
			return r;
	}
	return NULL;
}

static bool
is_free(List *taken, const char *name)
{
	ListCell *cell;

	foreach (cell, taken)
		if (strcmp(lfirst(cell), name) == 0)
			return false;
	return true;
}

static const char *const type_endings[] = {"", "Connection", "Edge", "Filter", "OrderBy"};

/* Its fields and its types, all or none of them */
static bool
take(GEntry *e, const char *field, List **fields, List **types)
{
	char *by_key = psprintf("%s_by_key", field),
		 *type = graphql_type_name(field);

	if (!is_free(*fields, field) || !is_free(*fields, by_key))
		return false;
	for (size_t i = 0; i < lengthof(type_endings); i++)
		if (!is_free(*types, psprintf("%s%s", type, type_endings[i])))
			return false;
	e->field = pstrdup(field);
	e->by_key = by_key;
	e->type_name = type;
	*fields = lappend(lappend(*fields, e->field), by_key);
	for (size_t i = 0; i < lengthof(type_endings); i++)
		*types = lappend(*types, psprintf("%s%s", type, type_endings[i]));
	return true;
}

/* Names that the schema has for itself */
void
taken_names(List **fields, List **types)
{
	static const char *const own[] = {"Query", "Mutation", "Subscription", "CloudEvent", "Node", "PageInfo", "LineageObject", "LineageStep"};

	*fields = list_make2("node", "lineage_object");
	*types = NIL;
	for (size_t i = 0; i < lengthof(own); i++)
		*types = lappend(*types, (char *) own[i]);
	for (int i = 0; scalar_names[i]; i++)
	{
		*types = lappend(*types, (char *) scalar_names[i]);
		*types = lappend(*types, psprintf("%sOperators", scalar_names[i]));
		*types = lappend(*types, psprintf("%sListOperators", scalar_names[i]));
	}
}

List *
entries_of(List *readable, bool exposed, List **fields, List **types)
{
	List *entries = NIL;
	ListCell *cell;

	foreach (cell, resource_names(exposed))
	{
		GEntry *e = palloc0(sizeof(GEntry));
		char *field;

		e->name = lfirst(cell);
		e->resource = resource_named(readable, e->name);
		field = graphql_name(e->name);
		for (int i = 0; !take(e, field, fields, types); i++)
		{
			List *taken = list_copy(*fields);

			e->moved = true;
			taken = lappend(taken, field);
			field = graphql_unique(field, psprintf("%s#%d", e->name, i), &taken);
		}
		entries = lappend(entries, e);
	}
	return entries;
}

GEntry *
entry_find(GSchema *schema, const char *resource)
{
	ListCell *cell;

	foreach (cell, schema->entries)
	{
		GEntry *e = lfirst(cell);

		if (strcmp(e->name, resource) == 0)
			return e->resource ? e : NULL;
	}
	return NULL;
}

GColumn *
entry_column(const GEntry *entry, const char *column)
{
	ListCell *cell;

	foreach (cell, entry->columns)
	{
		GColumn *c = lfirst(cell);

		if (strcmp(c->name, column) == 0)
			return c;
	}
	return NULL;
}

static bool
all_readable(const GEntry *entry, List *columns)
{
	ListCell *cell;

	foreach (cell, columns)
	{
		GColumn *c = entry_column(entry, lfirst(cell));

		if (c == NULL || !c->readable)
			return false;
	}
	return true;
}

static void
look_at_columns(GEntry *entry, Oid role)
{
	Oid relation = entry->resource->relation;
	Relation rel = table_open(relation, AccessShareLock);
	TupleDesc desc = RelationGetDescr(rel);
	bool all = pg_class_aclcheck(relation, role, ACL_SELECT) == ACLCHECK_OK;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);
		GColumn *c;

		if (a->attisdropped)
			continue;
		c = palloc0(sizeof(GColumn));
		c->name = pstrdup(NameStr(a->attname));
		c->field = graphql_unique(graphql_name(c->name), c->name, &entry->taken);
		c->type = a->atttypid;
		c->readable = all || pg_attribute_aclcheck(relation, a->attnum, role, ACL_SELECT) == ACLCHECK_OK;
		c->not_null = a->attnotnull && (rel->rd_rel->relkind == RELKIND_RELATION || rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE);
		c->relation = relation;
		c->number = a->attnum;
		entry->columns = lappend(entry->columns, c);
	}
	table_close(rel, NoLock);
}

/* customer_id leads to customer; the constraint's name is no word that one would say */
static char *
name_of_one(const Link *link)
{
	const char *column = linitial(link->here);
	size_t n = strlen(column);

	if (list_length(link->here) == 1 && n > 3 && strcmp(column + n - 3, "_id") == 0)
		return pnstrdup(column, n - 3);
	return link->name;
}

static void
look_at_links(GSchema *schema, GEntry *entry)
{
	ListCell *cell;

	if (!schema->linked)
		schema->links = resource_all_links();
	schema->linked = true;
	entry->linked = true;
	/* those to one first */
	for (int many = 0; many < 2; many++)
		foreach (cell, schema->links)
		{
			Link *link = lfirst(cell);
			GLink *g;
			char *name;

			if (strcmp(link->resource, entry->name) != 0 || link->many != (many == 1))
				continue;
			name = graphql_name(many ? link->other : name_of_one(link));
			if (!is_free(entry->taken, name))
				name = graphql_name(many ? psprintf("%s_by_%s", link->other, link->name) : link->name);
			g = palloc0(sizeof(GLink));
			g->link = link;
			g->field = graphql_unique(name, psprintf("%s %s", link->other, link->name), &entry->taken);
			entry->links = lappend(entry->links, g);
		}
}

void
entry_look(GSchema *schema, GEntry *entry)
{
	MemoryContext context;

	if (entry->looked)
		return;
	context = schema_make(schema);
	entry->looked = true;
	entry->taken = list_make5("nodeId", "lineage", "and", "or", "not");
	look_at_columns(entry, schema->role);
	entry->has_key = entry->resource->key != NIL && all_readable(entry, entry->resource->key);
	schema_made(schema, context);
}

/* Those whose columns the role may read at both ends */
List *
entry_links(GSchema *schema, GEntry *entry, List **others)
{
	List *links = NIL;
	ListCell *cell;

	*others = NIL;
	entry_look(schema, entry);
	if (!entry->linked)
	{
		MemoryContext context = schema_make(schema);

		look_at_links(schema, entry);
		schema_made(schema, context);
	}
	foreach (cell, entry->links)
	{
		GLink *g = lfirst(cell);
		GEntry *other = entry_find(schema, g->link->other);

		if (other == NULL || !all_readable(entry, g->link->here))
			continue;
		entry_look(schema, other);
		if (!all_readable(other, g->link->there))
			continue;
		links = lappend(links, g);
		*others = lappend(*others, other);
	}
	return links;
}

/* -- functions -- */

static GColumn *
new_column(const char *name, Oid type, List **taken)
{
	GColumn *c = palloc0(sizeof(GColumn));

	c->name = pstrdup(name);
	c->field = graphql_unique(graphql_name(name), name, taken);
	c->type = type;
	c->readable = true;
	return c;
}

static void
look_at_result(GFunction *g, HeapTuple tuple)
{
	TupleDesc desc = NULL;
	Oid type;
	List *taken = NIL;

	g->row = get_func_result_type(((Form_pg_proc) GETSTRUCT(tuple))->oid, &type, &desc) == TYPEFUNC_COMPOSITE;
	g->result = type;
	for (int i = 0; g->row && i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			g->columns = lappend(g->columns, new_column(NameStr(TupleDescAttr(desc, i)->attname), TupleDescAttr(desc, i)->atttypid, &taken));
}

/* False: it cannot be called by names */
static bool
look_at_function(GFunction *g, HeapTuple tuple)
{
	Form_pg_proc f = (Form_pg_proc) GETSTRUCT(tuple);
	Oid *types;
	char **names,
		*modes;
	int n = get_func_arg_info(tuple, &types, &names, &modes);
	int inputs = 0;
	List *taken = NIL;

	for (int i = 0; i < n; i++)
	{
		GColumn *c;

		if (modes && modes[i] != PROARGMODE_IN)
			continue;
		if (names == NULL || names[i][0] == '\0')
			return false;
		c = new_column(names[i], types[i], &taken);
		c->readable = inputs++ < f->pronargs - f->pronargdefaults;
		g->given = lappend(g->given, c);
	}
	g->set = f->proretset;
	look_at_result(g, tuple);
	return true;
}

static HeapTuple
function_named(Oid schema, const char *name, Oid role)
{
	CatCList *all = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	Oid found = InvalidOid;

	for (int i = 0; i < all->n_members; i++)
	{
		Form_pg_proc f = (Form_pg_proc) GETSTRUCT(&all->members[i]->tuple);

		if (f->pronamespace == schema && may_execute(f->oid, role))
			found = f->oid;
	}
	ReleaseSysCacheList(all);
	return OidIsValid(found) ? SearchSysCache1(PROCOID, ObjectIdGetDatum(found)) : NULL;
}

/* Names are given before rights are looked at */
List *
functions_of(Oid role, Scope scope, List **fields, List **types)
{
	static SPIPlanPtr plan = NULL;
	static const char *const sql = "SELECT method, function, description, coalesce(scope, CASE method WHEN 'GET' THEN 'read' ELSE 'operate' END), shown "
								   "FROM ingest_api_internal.route ORDER BY function";
	Oid schema = get_namespace_oid("ingest_api", false);
	List *functions = NIL;
	uint64 n;

	n = cache_read(&plan, sql, InvalidOid, (Datum) 0);
	for (uint64 i = 0; i < n; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		GFunction *g = palloc0(sizeof(GFunction));
		HeapTuple tuple;

		g->name = SPI_getvalue(row, desc, 2);
		g->field = graphql_unique(graphql_name(g->name), g->name, fields);
		g->writes = strcmp(SPI_getvalue(row, desc, 1), "GET") != 0;
		g->description = SPI_getvalue(row, desc, 3);
		g->shown = strcmp(SPI_getvalue(row, desc, 5), "t") == 0;
		g->type_name = graphql_unique(psprintf("%sResult", graphql_type_name(g->field)), g->name, types);
		tuple = scope_named(SPI_getvalue(row, desc, 4)) <= scope ? function_named(schema, g->name, role) : NULL;
		if (tuple == NULL)
			continue;
		if (look_at_function(g, tuple))
			functions = lappend(functions, g);
		ReleaseSysCache(tuple);
	}
	cache_was_read();
	return functions;
}
