/*
 * schema.c
 *		Types, made when they are looked at.
 *
 * A request looks at few of them; introspection, at all.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "ingest_api/api.h"
#include "ingest_api/graphql/schema.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

/* -- types -- */

MemoryContext
schema_make(GSchema *schema)
{
	schema->making++;
	return MemoryContextSwitchTo(schema->memory);
}

void
schema_made(GSchema *schema, MemoryContext context)
{
	MemoryContextSwitchTo(context);
	schema->making--;
}

GType *
type_new(GSchema *schema, GKind kind, const char *name, const char *description)
{
	MemoryContext context = schema_make(schema);
	GType *type = palloc0(sizeof(GType));

	type->kind = kind;
	type->name = pstrdup(name);
	type->description = description ? pstrdup(description) : NULL;
	type->schema = schema;
	schema->types = lappend(schema->types, type);
	schema_made(schema, context);
	return type;
}

static GType *
new_made(GSchema *schema, GKind kind, GOrigin origin, GEntry *entry, const char *name, const char *description)
{
	GType *type = type_new(schema, kind, name, description);

	type->origin = origin;
	type->entry = entry;
	return type;
}

static GType *
wrapped(GKind kind, GType *of)
{
	GType *type = palloc0(sizeof(GType));

	type->kind = kind;
	type->of = of;
	return type;
}

GType *
g_list(GType *of)
{
	return wrapped(G_LIST, of);
}

GType *
g_non_null(GType *of)
{
	return wrapped(G_NON_NULL, of);
}

GType *
g_named(GType *type)
{
	while (type && type->of)
		type = type->of;
	return type;
}

GType *
g_nullable(GType *type)
{
	return type && type->kind == G_NON_NULL ? type->of : type;
}

char *
g_print(const GType *type)
{
	switch (type->kind)
	{
		case G_LIST:
			return psprintf("[%s]", g_print(type->of));
		case G_NON_NULL:
			return psprintf("%s!", g_print(type->of));
		default:
			return pstrdup(type->name);
	}
}

bool
type_is_leaf(const GType *type)
{
	return type->kind == G_SCALAR || type->kind == G_ENUM;
}

bool
type_is_input(const GType *type)
{
	return type_is_leaf(type) || type->kind == G_INPUT;
}

bool
type_is_composite(const GType *type)
{
	return type->kind == G_OBJECT || type->kind == G_INTERFACE;
}

bool
type_includes(GType *type, GType *object)
{
	return type == object || (type->kind == G_INTERFACE && object->kind == G_OBJECT && list_member_ptr(object->interfaces, type));
}

/* -- fields -- */

GField *
field_new(const char *name, GType *type, GRole role, const char *description)
{
	GField *f = palloc0(sizeof(GField));

	f->name = name;
	f->type = type;
	f->role = role;
	f->description = description;
	return f;
}

GField *
field_give(GField *field, const char *name, GType *type, const char *description)
{
	GField *a = field_new(name, type, ROLE_PLAIN, description);

	field->arguments = lappend(field->arguments, a);
	return a;
}

GType *
need_type(GSchema *schema, const char *name)
{
	GType *type = schema_type(schema, name);

	if (type == NULL)
		elog(ERROR, "there is no type %s", name);
	return type;
}

/* Of a column or an argument */
static GType *
type_of_column(GSchema *schema, Oid type)
{
	Oid element = get_element_type(getBaseType(type));

	if (OidIsValid(element))
		return g_list(need_type(schema, scalar_name(element)));
	return need_type(schema, scalar_name(type));
}

static GField *
column_field(GSchema *schema, const GColumn *c)
{
	GField *f = field_new(c->field, type_of_column(schema, c->type), ROLE_COLUMN, NULL);

	f->column = c;
	return f;
}

/* -- the types of a resource -- */

static const char *
entry_description(const GEntry *e)
{
	return psprintf("%s (resource %s%s)", e->resource->description && e->resource->description[0] ? e->resource->description : e->name, e->name,
					e->moved ? "; another resource has the name that it would have" : "");
}

static GType *
row_type(GSchema *schema, GEntry *e)
{
	if (e->row == NULL)
	{
		entry_look(schema, e);
		e->row = new_made(schema, G_OBJECT, ORIGIN_ROW, e, e->type_name, entry_description(e));
		if (e->has_key)
		{
			MemoryContext context = schema_make(schema);

			e->row->interfaces = list_make1(need_type(schema, "Node"));
			schema_made(schema, context);
		}
	}
	return e->row;
}

static GType *
connection_type(GSchema *schema, GEntry *e)
{
	if (e->connection == NULL)
		e->connection = new_made(schema, G_OBJECT, ORIGIN_CONNECTION, e, psprintf("%sConnection", e->type_name), psprintf("a page of %s", e->name));
	return e->connection;
}

static GType *
edge_type(GSchema *schema, GEntry *e)
{
	if (e->edge == NULL)
		e->edge = new_made(schema, G_OBJECT, ORIGIN_EDGE, e, psprintf("%sEdge", e->type_name), psprintf("one of %s in a page", e->name));
	return e->edge;
}

static GType *
filter_type(GSchema *schema, GEntry *e)
{
	if (e->filter == NULL)
		e->filter = new_made(schema, G_INPUT, ORIGIN_FILTER, e, psprintf("%sFilter", e->type_name),
							 psprintf("conditions on %s, all of which must hold", e->name));
	return e->filter;
}

static bool
has_order(const GEntry *e)
{
	ListCell *cell;

	foreach (cell, e->columns)
	{
		const GColumn *c = lfirst(cell);

		if (c->readable && scalar_has_order(c->type))
			return true;
	}
	return false;
}

/* NULL: there is nothing to sort by */
static GType *
order_type(GSchema *schema, GEntry *e)
{
	entry_look(schema, e);
	if (e->order == NULL && has_order(e))
		e->order = new_made(schema, G_ENUM, ORIGIN_ORDER, e, psprintf("%sOrderBy", e->type_name), psprintf("what %s are sorted by; nulls are last, and with DESC first", e->name));
	return e->order;
}

static GField *
connection_field(GSchema *schema, const char *name, GEntry *e, GRole role)
{
	GType *number = need_type(schema, "Int"),
		  *text = need_type(schema, "String"),
		  *order = order_type(schema, e);
	GField *f = field_new(name, g_non_null(connection_type(schema, e)), role, entry_description(e));

	f->entry = e;
	field_give(f, "first", number,
			   psprintf("this many from the beginning; by default 100, at most %d", Min(api_max_rows, 1000)));
	field_give(f, "after", text, "after this cursor");
	field_give(f, "last", number, "this many from the end");
	field_give(f, "before", text, "before this cursor");
	field_give(f, "filter", filter_type(schema, e), "which of them");
	if (order)
		field_give(f, "orderBy", g_list(g_non_null(order)), "what to sort by; by default the key, which also follows "
															"what is given");
	return f;
}

static bool
knows_lineage(const GSchema *schema)
{
	ListCell *cell;

	foreach (cell, schema->functions)
		if (strcmp(((GFunction *) lfirst(cell))->name, "lineage") == 0)
			return true;
	return false;
}

static bool
entry_can(const GEntry *e, const char *column)
{
	const GColumn *c = entry_column(e, column);

	return c && c->readable;
}

static List *
row_fields(GSchema *schema, GEntry *e)
{
	List *fields = NIL,
		 *links,
		 *others;
	ListCell *cell,
		*other;

	if (e->has_key)
		fields = lappend(fields, field_new("nodeId", g_non_null(need_type(schema, "ID")), ROLE_NODE_ID,
										   "what identifies it; for node(nodeId:)"));
	foreach (cell, e->columns)
		if (((GColumn *) lfirst(cell))->readable)
			fields = lappend(fields, column_field(schema, lfirst(cell)));
	if (strcmp(e->name, "tables") == 0 && knows_lineage(schema) && entry_can(e, "local_schema") && entry_can(e, "local_name"))
		fields = lappend(fields, field_new("lineage", need_type(schema, "LineageObject"), ROLE_LINEAGE, "where its data come from and where they go"));
	links = entry_links(schema, e, &others);
	forboth(cell, links, other, others)
	{
		GLink *g = lfirst(cell);
		GEntry *o = lfirst(other);
		GField *f = g->link->many ? connection_field(schema, g->field, o, ROLE_MANY) : field_new(g->field, row_type(schema, o), ROLE_ONE, entry_description(o));

		f->link = g->link;
		f->entry = o;
		fields = lappend(fields, f);
	}
	return fields;
}

static List *
connection_fields(GSchema *schema, GEntry *e)
{
	GType *row = row_type(schema, e);

	return list_make4(field_new("nodes", g_non_null(g_list(g_non_null(row))), ROLE_PLAIN, "the rows"),
					  field_new("edges", g_non_null(g_list(g_non_null(edge_type(schema, e)))), ROLE_PLAIN, "the rows, each with its cursor"),
					  field_new("pageInfo", g_non_null(need_type(schema, "PageInfo")), ROLE_PLAIN, "whether there are more"),
					  field_new("totalCount", g_non_null(need_type(schema, "Int")), ROLE_PLAIN,
								"how many there are on all pages; counted only if asked for"));
}

static List *
edge_fields(GSchema *schema, GEntry *e)
{
	return list_make2(field_new("cursor", g_non_null(need_type(schema, "String")), ROLE_PLAIN, "for after and before"),
					  field_new("node", g_non_null(row_type(schema, e)), ROLE_PLAIN, "the row"));
}

/* -- filters -- */

/* NULL: it cannot be compared */
static GType *
operators_of(GSchema *schema, Oid type)
{
	Oid element = get_element_type(getBaseType(type));
	const char *name = OidIsValid(element) ? psprintf("%sListOperators", scalar_name(element)) : psprintf("%sOperators", scalar_name(type));

	return need_type(schema, name);
}

static GField *
filter_column(GSchema *schema, const GColumn *c)
{
	GField *f = field_new(c->field, operators_of(schema, c->type), ROLE_COLUMN, NULL);

	f->column = c;
	return f;
}

static List *
filter_fields(GSchema *schema, GEntry *e)
{
	GType *self = filter_type(schema, e);
	List *fields,
		*links,
		*others;
	ListCell *cell,
		*other;

	entry_look(schema, e);
	fields = list_make3(field_new("and", g_list(g_non_null(self)), ROLE_AND, "all of these"), field_new("or", g_list(g_non_null(self)), ROLE_OR, "one of these"),
						field_new("not", self, ROLE_NOT, "not this"));
	foreach (cell, e->columns)
	{
		const GColumn *c = lfirst(cell);

		if (c->readable)
			fields = lappend(fields, filter_column(schema, c));
	}
	links = entry_links(schema, e, &others);
	forboth(cell, links, other, others)
	{
		GLink *g = lfirst(cell);
		GField *f = field_new(g->field, filter_type(schema, lfirst(other)), ROLE_LINK, psprintf("there is one of %s for which this holds", g->link->other));

		f->link = g->link;
		f->entry = lfirst(other);
		fields = lappend(fields, f);
	}
	return fields;
}

static List *
order_values(GEntry *e)
{
	List *values = NIL;
	ListCell *cell;

	foreach (cell, e->columns)
	{
		const GColumn *c = lfirst(cell);

		for (int descending = 0; c->readable && scalar_has_order(c->type) && descending < 2; descending++)
		{
			GValue *v = palloc0(sizeof(GValue));

			v->name = psprintf("%s_%s", c->field, descending ? "DESC" : "ASC");
			v->column = c;
			v->descending = descending;
			values = lappend(values, v);
		}
	}
	return values;
}

/* Of a scalar, or of lists of it */
static List *
operator_fields(GSchema *schema, const char *name)
{
	const char *end = strstr(name, "ListOperators");
	GType *scalar = need_type(schema, pnstrdup(name, (end ? end : strstr(name, "Operators")) - name));
	bool document = strcmp(scalar->name, "JSON") == 0,
		 truth = strcmp(scalar->name, "Boolean") == 0,
		 text = strcmp(scalar->name, "String") == 0;
	GType *one = end ? g_list(scalar) : scalar;
	List *fields = list_make1(field_new("isNull", need_type(schema, "Boolean"), ROLE_PLAIN,
										"is null, or with false is not null"));

	fields = lappend(fields, field_new("eq", one, ROLE_PLAIN, "equals"));
	fields = lappend(fields, field_new("ne", one, ROLE_PLAIN, "differs, and is not null"));
	if (end || document)
	{
		fields = lappend(fields, field_new("contains", one, ROLE_PLAIN, "has all of this in it"));
		return lappend(fields, field_new("containedBy", one, ROLE_PLAIN, "all of it is in this"));
	}
	if (truth)
		return fields;
	fields = lappend(fields, field_new("in", g_list(g_non_null(scalar)), ROLE_PLAIN, "is one of these"));
	fields = lappend(fields, field_new("notIn", g_list(g_non_null(scalar)), ROLE_PLAIN, "is none of these, and not null"));
	fields = lappend(fields, field_new("lt", scalar, ROLE_PLAIN, "is less"));
	fields = lappend(fields, field_new("lte", scalar, ROLE_PLAIN, "is less or equal"));
	fields = lappend(fields, field_new("gt", scalar, ROLE_PLAIN, "is greater"));
	fields = lappend(fields, field_new("gte", scalar, ROLE_PLAIN, "is greater or equal"));
	if (text)
	{
		fields = lappend(fields, field_new("like", scalar, ROLE_PLAIN, "is like this pattern, in which % stands for any text and _ for one character"));
		fields = lappend(fields, field_new("ilike", scalar, ROLE_PLAIN, "the same, whatever the case of letters"));
	}
	return fields;
}

/* -- functions -- */

static GType *
result_type(GSchema *schema, GFunction *g)
{
	GType *type;

	if (g->row)
	{
		if (g->type == NULL)
		{
			g->type = new_made(schema, G_OBJECT, ORIGIN_RESULT, NULL, g->type_name, g->description);
			g->type->function = g;
		}
		type = g->type;
	}
	else if (g->result == VOIDOID)
		type = need_type(schema, "Boolean");
	else
		type = type_of_column(schema, g->result);
	if (g->set)
		type = g_list(g->row ? g_non_null(type) : type);
	/* what is done is done in whole or not at all */
	return g->set || g->row || g->writes ? g_non_null(type) : type;
}

static GField *
function_field(GSchema *schema, GFunction *g)
{
	GField *f = field_new(g->field, NULL, ROLE_FUNCTION, g->description);
	ListCell *cell;

	f->function = g;
	f->type = result_type(schema, g);
	foreach (cell, g->given)
	{
		GColumn *c = lfirst(cell);
		GType *type = type_of_column(schema, c->type);

		field_give(f, c->field, c->readable ? g_non_null(type) : type, NULL)->column = c;
	}
	return f;
}

static List *
function_fields(GSchema *schema, bool writes)
{
	List *fields = NIL;
	ListCell *cell;

	foreach (cell, schema->functions)
		if (((GFunction *) lfirst(cell))->writes == writes)
			fields = lappend(fields, function_field(schema, lfirst(cell)));
	return fields;
}

static List *
result_fields(GSchema *schema, const GFunction *g)
{
	List *fields = NIL;
	ListCell *cell;

	foreach (cell, g->columns)
		fields = lappend(fields, column_field(schema, lfirst(cell)));
	return fields;
}

/* -- the query -- */

static GField *
by_key_field(GSchema *schema, GEntry *e)
{
	GField *f = field_new(e->by_key, row_type(schema, e), ROLE_BY_KEY, psprintf("one of %s by its key", e->name));
	ListCell *cell;

	f->entry = e;
	foreach (cell, e->resource->key)
	{
		GColumn *c = entry_column(e, lfirst(cell));

		field_give(f, c->field, g_non_null(type_of_column(schema, c->type)), NULL)->column = c;
	}
	return f;
}

static List *
query_fields(GSchema *schema)
{
	GField *node = field_new("node", need_type(schema, "Node"), ROLE_NODE, "whatever has this nodeId");
	List *fields = NIL;
	ListCell *cell;

	foreach (cell, schema->entries)
	{
		GEntry *e = lfirst(cell);

		if (e->resource == NULL)
			continue;
		entry_look(schema, e);
		fields = lappend(fields, connection_field(schema, e->field, e, ROLE_CONNECTION));
		if (e->has_key)
			fields = lappend(fields, by_key_field(schema, e));
	}
	field_give(node, "nodeId", g_non_null(need_type(schema, "ID")), "as an earlier answer gave it");
	fields = lappend(fields, node);
	if (knows_lineage(schema))
	{
		GField *lineage = field_new("lineage_object", g_non_null(need_type(schema, "LineageObject")), ROLE_LINEAGE, "where data come from and where they go, step by step");

		field_give(lineage, "object", g_non_null(need_type(schema, "String")), "schema.table or schema.table.column");
		fields = lappend(fields, lineage);
	}
	return list_concat(fields, function_fields(schema, false));
}

/* A query looks at few fields: only the one that is asked for is made */
static GField *
query_field(GSchema *schema, const char *name)
{
	ListCell *cell;

	foreach (cell, schema->entries)
	{
		GEntry *e = lfirst(cell);

		if (e->resource == NULL)
			continue;
		if (strcmp(e->field, name) == 0)
			return connection_field(schema, e->field, e, ROLE_CONNECTION);
		if (strcmp(e->by_key, name) != 0)
			continue;
		entry_look(schema, e);
		return e->has_key ? by_key_field(schema, e) : NULL;
	}
	return NULL;
}

/* -- looking at types -- */

static List *
made_fields(GType *type)
{
	switch (type->origin)
	{
		case ORIGIN_QUERY:
			return query_fields(type->schema);
		case ORIGIN_MUTATION:
			return function_fields(type->schema, true);
		case ORIGIN_SUBSCRIPTION:
			return subscription_fields(type->schema);
		case ORIGIN_ROW:
			return row_fields(type->schema, type->entry);
		case ORIGIN_CONNECTION:
			return connection_fields(type->schema, type->entry);
		case ORIGIN_EDGE:
			return edge_fields(type->schema, type->entry);
		case ORIGIN_FILTER:
			return filter_fields(type->schema, type->entry);
		case ORIGIN_OPERATORS:
			return operator_fields(type->schema, type->name);
		case ORIGIN_RESULT:
			return result_fields(type->schema, type->function);
		case ORIGIN_ORDER:
		case ORIGIN_PLAIN:
			break;
	}
	return type->fields;
}

List *
type_fields(GType *type)
{
	check_stack_depth();
	if (!type->built)
	{
		MemoryContext context = schema_make(type->schema);

		type->built = true;
		type->fields = made_fields(type);
		schema_made(type->schema, context);
	}
	return type->fields;
}

List *
type_values(GType *type)
{
	if (type->origin == ORIGIN_ORDER && type->values == NIL)
	{
		MemoryContext context = schema_make(type->schema);

		type->values = order_values(type->entry);
		schema_made(type->schema, context);
	}
	return type->values;
}

static GField *
find_field(List *fields, const char *name)
{
	ListCell *cell;

	foreach (cell, fields)
	{
		GField *f = lfirst(cell);

		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

/* Of a row or a filter: columns are known before what belongs to them is looked for */
static GField *
plain_column(GType *type, const char *name)
{
	ListCell *cell;

	entry_look(type->schema, type->entry);
	foreach (cell, type->entry->columns)
	{
		GColumn *c = lfirst(cell);

		if (strcmp(c->field, name) == 0 && c->readable)
			return type->origin == ORIGIN_ROW ? column_field(type->schema, c) : filter_column(type->schema, c);
	}
	return NULL;
}

GField *
type_field(GType *type, const char *name)
{
	GSchema *schema = type->schema;

	if (type_is_composite(type) && strcmp(name, "__typename") == 0)
		return schema->typename;
	if (type == schema->query)
	{
		GField *f = NULL;

		if (strcmp(name, "__schema") == 0)
			return field_new("__schema", g_non_null(need_type(schema, "__Schema")), ROLE_SCHEMA, NULL);
		if (strcmp(name, "__type") == 0)
		{
			f = field_new("__type", need_type(schema, "__Type"), ROLE_TYPE, NULL);
			field_give(f, "name", g_non_null(need_type(schema, "String")), NULL);
			return f;
		}
		if (!type->built && (f = query_field(schema, name)) != NULL)
			return f;
	}
	if (!type->built && (type->origin == ORIGIN_ROW || type->origin == ORIGIN_FILTER))
	{
		GField *f = plain_column(type, name);

		if (f)
			return f;
	}
	return find_field(type_fields(type), name);
}

GField *
field_argument(const GField *field, const char *name)
{
	return find_field(field->arguments, name);
}

/* -- the schema -- */

static GType *
find_type(const GSchema *schema, const char *name)
{
	ListCell *cell;

	foreach (cell, schema->types)
	{
		GType *type = lfirst(cell);

		if (strcmp(type->name, name) == 0)
			return type;
	}
	return NULL;
}

/* Of an entry, if that is a name of it */
static GType *
entry_type(GSchema *schema, GEntry *e, const char *name)
{
	size_t n = strlen(e->type_name);

	if (strncmp(name, e->type_name, n) != 0)
		return NULL;
	if (name[n] == '\0')
		return row_type(schema, e);
	if (strcmp(name + n, "Connection") == 0)
		return connection_type(schema, e);
	if (strcmp(name + n, "Edge") == 0)
		return edge_type(schema, e);
	if (strcmp(name + n, "Filter") == 0)
		return filter_type(schema, e);
	if (strcmp(name + n, "OrderBy") == 0)
		return order_type(schema, e);
	return NULL;
}

GType *
schema_type(GSchema *schema, const char *name)
{
	GType *type = find_type(schema, name);
	ListCell *cell;

	if (type || schema->all)
		return type;
	foreach (cell, schema->entries)
	{
		GEntry *e = lfirst(cell);

		type = e->resource ? entry_type(schema, e, name) : NULL;
		if (type)
			return type;
	}
	foreach (cell, schema->functions)
	{
		GFunction *g = lfirst(cell);

		if (g->row && strcmp(g->type_name, name) == 0)
			return g_named(result_type(schema, g));
	}
	if (strncmp(name, "__", 2) == 0 && find_type(schema, "__Type") == NULL)
	{
		MemoryContext context = schema_make(schema);

		meta_types(schema);
		schema_made(schema, context);
		return find_type(schema, name);
	}
	return NULL;
}

/* All that can be come to from query, mutation and subscription */
static void
look_everywhere(GType *type)
{
	ListCell *cell,
		*argument;

	check_stack_depth();
	type = g_named(type);
	if (type->built)
		return;
	foreach (cell, type_fields(type))
	{
		GField *f = lfirst(cell);

		look_everywhere(f->type);
		foreach (argument, f->arguments)
			look_everywhere(((GField *) lfirst(argument))->type);
	}
	foreach (cell, type->interfaces)
		look_everywhere(lfirst(cell));
}

List *
schema_types(GSchema *schema)
{
	if (!schema->all)
	{
		(void) need_type(schema, "__Schema");
		look_everywhere(schema->query);
		if (schema->mutation)
			look_everywhere(schema->mutation);
		if (schema->subscription)
			look_everywhere(schema->subscription);
		schema->all = true;
	}
	return schema->types;
}

static void
add_own_types(GSchema *schema)
{
	GType *page,
		*object,
		*step,
		*text;

	for (int i = 0; scalar_names[i]; i++)
	{
		type_new(schema, G_SCALAR, scalar_names[i], scalar_description(scalar_names[i]))->built = true;
		for (int list = 0; list < 2; list++)
			new_made(schema, G_INPUT, ORIGIN_OPERATORS, NULL,
					 psprintf(list ? "%sListOperators" : "%sOperators", scalar_names[i]), "all conditions must hold");
	}
	text = need_type(schema, "String");
	type_new(schema, G_INTERFACE, "Node", "a row that has a nodeId")->fields =
		list_make1(field_new("nodeId", g_non_null(need_type(schema, "ID")), ROLE_NODE_ID, "what identifies it"));
	page = type_new(schema, G_OBJECT, "PageInfo", "whether there are more");
	page->fields = list_make4(field_new("hasNextPage", g_non_null(need_type(schema, "Boolean")), ROLE_PLAIN,
										"whether there is more after it; if last is asked for: whether before was "
										"given"),
							  field_new("hasPreviousPage", g_non_null(need_type(schema, "Boolean")), ROLE_PLAIN,
										"whether there is more before it; if first is asked for: whether after was "
										"given"),
							  field_new("startCursor", text, ROLE_PLAIN, "of its first row"), field_new("endCursor", text, ROLE_PLAIN, "of its last row"));
	object = type_new(schema, G_OBJECT, "LineageObject", "a relation or column that data come from or go to");
	step = type_new(schema, G_OBJECT, "LineageStep", "one step of data");
	object->fields = list_make3(field_new("object", g_non_null(text), ROLE_PLAIN, "schema.table or schema.table.column"),
								field_new("upstream", g_non_null(g_list(g_non_null(step))), ROLE_PLAIN, "what it comes from"),
								field_new("downstream", g_non_null(g_list(g_non_null(step))), ROLE_PLAIN, "what comes from it"));
	step->fields = list_make3(field_new("kind", g_non_null(text), ROLE_PLAIN, "import, sync, view, foreign key, or what set_lineage was told"),
							  field_new("part", g_non_null(text), ROLE_PLAIN, "the column of it by which, or it itself"),
							  field_new("object", g_non_null(object), ROLE_LINEAGE, "the other end"));
}

GSchema *
schema_new(Oid role, Scope scope)
{
	GSchema *schema = palloc0(sizeof(GSchema));
	List *readable = resource_all(role),
		 *fields,
		 *types;
	ListCell *cell;

	schema->memory = CurrentMemoryContext;
	schema->role = role;
	taken_names(&fields, &types);
	schema->entries = entries_of(readable, false, &fields, &types);
	schema->functions = functions_of(role, scope, &fields, &types);
	schema->entries = list_concat(schema->entries, entries_of(readable, true, &fields, &types));
	add_own_types(schema);
	schema->typename = field_new("__typename", g_non_null(need_type(schema, "String")), ROLE_TYPENAME, NULL);
	schema->query = new_made(schema, G_OBJECT, ORIGIN_QUERY, NULL, "Query", "what can be read");
	foreach (cell, schema->functions)
		if (((GFunction *) lfirst(cell))->writes)
		{
			schema->mutation = new_made(schema, G_OBJECT, ORIGIN_MUTATION, NULL, "Mutation", "what can be done");
			break;
		}
	subscription_types(schema);
	return schema;
}
