/*
 * compile.c
 *		An operation into one statement.
 *
 * Each object is a row made by row_to_json(), each list one made by list(), see bound.c; jsonb
 * would be built and taken apart again.  Columns of a page are asked for only where
 * something names them, so that a role reads no column that it may not.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "ingest_api/bound.h"
#include "ingest_api/compile.h"
#include "ingest_api/graphql/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static char *row_items(Execution *x, Range *range, GType *type, List *selected);
static char *lineage_items(Execution *x, const char *object, GType *type, List *selected);

#define MOST_GIVEN (8 << 20)

/* -- names and values -- */

Range *
range_new(Execution *x, GEntry *entry)
{
	Range *range = palloc0(sizeof(Range));

	range->entry = entry;
	range->n = ++x->aliases;
	initStringInfo(&range->joins);
	return range;
}

char *
range_column(Range *range, const char *column)
{
	range->needed = list_append_unique(range->needed, makeString(pstrdup(column)));
	return psprintf("t%d.%s", range->n, quote_identifier(column));
}

char *
sql_parameter(Execution *x, Oid type, const char *text)
{
	Value *v = palloc0(sizeof(Value));

	x->given += text ? strlen(text) : 0;
	if (x->given > MOST_GIVEN)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("an operation may be given at most %d MB of "
																		"values, counted as often as they are used",
																		MOST_GIVEN >> 20)));
	v->type = type;
	v->text = text ? pstrdup(text) : NULL;
	x->values = lappend(x->values, v);
	return psprintf("$%d", list_length(x->values));
}

/* As in REST's pages: a constant, as long as it is one of few */
char *
sql_number(Execution *x, int64 number, bool usual)
{
	return usual ? psprintf(INT64_FORMAT, number) : sql_parameter(x, INT8OID, psprintf(INT64_FORMAT, number));
}

static const char *
text_of(Oid type, const Ast *value)
{
	StringInfoData out;
	Oid base = getBaseType(type);

	if (value->kind == AST_NULL)
		return NULL;
	if (base == JSONOID || base == JSONBOID || get_typtype(base) == TYPTYPE_COMPOSITE)
	{
		initStringInfo(&out);
		ast_json(&out, value);
		return out.data;
	}
	if (value->kind == AST_LIST || value->kind == AST_OBJECT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("this is not a value of %s", scalar_name(type))));
	return value->name;
}

/* As the array's own form; what is no list is a list of one */
static char *
array_text(Oid element, const Ast *value)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (const Ast *one = value->kind == AST_LIST ? value->value : value; one; one = value->kind == AST_LIST ? one->next : NULL)
	{
		const char *text = text_of(element, one);

		if (out.len > 1)
			appendStringInfoChar(&out, ',');
		if (text == NULL)
		{
			appendStringInfoString(&out, "NULL");
			continue;
		}
		appendStringInfoChar(&out, '"');
		for (; *text; text++)
		{
			if (*text == '"' || *text == '\\')
				appendStringInfoChar(&out, '\\');
			appendStringInfoChar(&out, *text);
		}
		appendStringInfoChar(&out, '"');
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}

char *
sql_given(Execution *x, Oid type, const Ast *value)
{
	Oid element = get_element_type(getBaseType(type));

	if (OidIsValid(element) && value->kind != AST_NULL)
		return sql_parameter(x, type, array_text(element, value));
	return sql_parameter(x, type, text_of(type, value));
}

char *
sql_shown(const char *expression, Oid type)
{
	Oid element = get_element_type(getBaseType(type));

	if (OidIsValid(element))
		return scalar_is_text(element) ? psprintf("(%s)::text[]", expression) : pstrdup(expression);
	return scalar_is_text(type) ? psprintf("(%s)::text", expression) : pstrdup(expression);
}

static void
add_item(StringInfo items, const char *sql, const char *name)
{
	appendStringInfo(items, "%s%s AS %s", items->len ? ", " : "", sql, quote_identifier(name));
}

static char *
type_name_sql(const GType *type)
{
	return psprintf("%s::text", quote_literal_cstr(type->name));
}

static char *
object_sql(const char *rows)
{
	return psprintf("(SELECT row_to_json(o.*) FROM (%s) o)", rows);
}

static char *
list_sql(const char *rows)
{
	return psprintf("(SELECT coalesce(ingest_api_internal.list(row_to_json(o.*)), '[]') FROM (%s) o)", rows);
}

static void
add_condition(StringInfo where, const char *condition)
{
	if (condition)
		appendStringInfo(where, "%s%s", where->len ? " AND " : " WHERE ", condition);
}

/* -- pages -- */

/* The statement's parts of a connection */
typedef struct Connection
{
	GPage page;
	Range *range;
	const Link *link;
	Range *parent;
	char *number;            /* the place of a row; NULL: nobody asks */
	char *size;              /* NULL likewise */
	StringInfoData laterals; /* rows as they are shown */
	StringInfoData counted;  /* what is made of all rows */
	StringInfoData items;    /* what is made of that */
} Connection;

/* Rows that belong to the parent and that the filter takes, under a name */
static void
add_membership(Execution *x, Connection *c, const char *name, StringInfo where)
{
	ListCell *here,
		*there;

	if (c->link)
		forboth(here, c->link->here, there, c->link->there)
			add_condition(where, psprintf("%s.%s = %s", name, quote_identifier(lfirst(there)), range_column(c->parent, lfirst(here))));
	add_condition(where, sql_filter(x, c->range->entry, name, c->page.filter));
}

static char *
columns_of(const Range *range, const char *name)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, range->needed)
		appendStringInfo(&out, "%s%s.%s", out.len ? ", " : "", name, quote_identifier(strVal(lfirst(cell))));
	return out.data;
}

/* One row more than the page has tells whether there are more */
static char *
page_sql(Execution *x, Connection *c)
{
	char *name = psprintf("b%d", c->range->n);
	char *columns = columns_of(c->range, name);
	StringInfoData where;
	char *rows;

	initStringInfo(&where);
	add_membership(x, c, name, &where);
	add_condition(&where, page_condition(x, &c->page, name));
	rows = psprintf("SELECT %s FROM %s %s%s%s LIMIT %s", columns, resource_relation(c->range->entry->resource), name, where.data, page_order(&c->page, name),
					sql_number(x, c->page.size + (c->number != NULL), true));
	if (c->page.offset > 0)
		rows = psprintf("%s OFFSET %s", rows, sql_number(x, c->page.offset, c->page.offset <= Max(c->page.size, 1) * 10));
	if (c->number == NULL && !c->page.backward)
		return rows;
	rows = psprintf("SELECT %s%srow_number() OVER () AS \"row number\" FROM (%s) %s", columns, columns[0] ? ", " : "", rows, name);
	return c->page.backward ? psprintf("SELECT %s%s%s.\"row number\" FROM (%s) %s ORDER BY %s.\"row number\" DESC", columns, columns[0] ? ", " : "", name, rows, name, name) : rows;
}

/* Without the row that is one too many */
static char *
within_page(const Connection *c)
{
	return c->number ? psprintf(" FILTER (WHERE %s <= %s)", c->number, c->size) : "";
}

static void
add_nodes(Execution *x, Connection *c, const GSelected *s)
{
	GType *row = g_named(s->field->type);
	char *items = row_items(x, c->range, row, select_below(x, row, s->asts));
	int n = ++x->aliases;

	appendStringInfo(&c->laterals, " CROSS JOIN LATERAL (SELECT %s) x%d", items, n);
	add_item(&c->counted, psprintf("coalesce(ingest_api_internal.list(row_to_json(x%d.*))%s, '[]')", n, within_page(c)), psprintf("x%d", n));
	add_item(&c->items, psprintf("a.x%d", n), s->name);
}

static void
add_edges(Execution *x, Connection *c, const GSelected *s)
{
	GType *edge = g_named(s->field->type);
	StringInfoData items;
	ListCell *cell;
	int n = ++x->aliases;

	initStringInfo(&items);
	foreach (cell, select_below(x, edge, s->asts))
	{
		const GSelected *one = lfirst(cell);

		if (one->field->role == ROLE_TYPENAME)
			add_item(&items, type_name_sql(edge), one->name);
		else if (strcmp(one->field->name, "cursor") == 0)
			add_item(&items, page_cursor(&c->page, c->range, c->number), one->name);
		else
		{
			GType *row = g_named(one->field->type);
			char *columns = row_items(x, c->range, row, select_below(x, row, one->asts));
			int k = ++x->aliases;

			appendStringInfo(&c->laterals, " CROSS JOIN LATERAL (SELECT %s) x%d", columns, k);
			add_item(&items, psprintf("row_to_json(x%d.*)", k), one->name);
		}
	}
	appendStringInfo(&c->laterals, " CROSS JOIN LATERAL (SELECT %s) x%d", items.data, n);
	add_item(&c->counted, psprintf("coalesce(ingest_api_internal.list(row_to_json(x%d.*))%s, '[]')", n, within_page(c)), psprintf("x%d", n));
	add_item(&c->items, psprintf("a.x%d", n), s->name);
}

/* Of the first or last row that is shown */
static char *
end_cursor(Connection *c, bool first)
{
	return psprintf("(array_agg(%s ORDER BY %s%s)%s)[1]", page_cursor(&c->page, c->range, c->number), c->number, first != c->page.backward ? "" : " DESC", within_page(c));
}

static const char *
truth(bool is)
{
	return is ? "true" : "false";
}

static void
add_page_info(Execution *x, Connection *c, const GSelected *s)
{
	GType *info = g_named(s->field->type);
	StringInfoData items;
	ListCell *cell;

	initStringInfo(&items);
	foreach (cell, select_below(x, info, s->asts))
	{
		const GSelected *one = lfirst(cell);
		const char *name = one->field->name;
		char *counted = psprintf("x%d", ++x->aliases);

		if (one->field->role == ROLE_TYPENAME)
			add_item(&items, type_name_sql(info), one->name);
		else if (strcmp(name, "startCursor") == 0 || strcmp(name, "endCursor") == 0)
		{
			add_item(&c->counted, end_cursor(c, name[0] == 's'), counted);
			add_item(&items, psprintf("a.%s", counted), one->name);
		}
		else if ((strcmp(name, "hasPreviousPage") == 0) == c->page.backward)
		{
			add_item(&c->counted, psprintf("count(*) > %s", c->size), counted);
			add_item(&items, psprintf("a.%s", counted), one->name);
		}
		else
			add_item(&items, truth(c->page.backward ? c->page.has_before : c->page.has_after), one->name);
	}
	add_item(&c->items, object_sql(psprintf("SELECT %s", items.data)), s->name);
}

static void
add_count(Execution *x, Connection *c, const GSelected *s)
{
	char *name = psprintf("c%d", ++x->aliases);
	StringInfoData where;

	initStringInfo(&where);
	add_membership(x, c, name, &where);
	add_item(&c->items, psprintf("(SELECT count(*) FROM %s %s%s)", resource_relation(c->range->entry->resource), name, where.data), s->name);
}

static bool
asks_for(List *selected, const char *name)
{
	ListCell *cell;

	foreach (cell, selected)
		if (strcmp(((GSelected *) lfirst(cell))->field->name, name) == 0)
			return true;
	return false;
}

static char *
connection_sql(Execution *x, const GSelected *s, Range *parent)
{
	GType *type = g_named(s->field->type);
	List *selected = select_below(x, type, s->asts);
	Connection c = {.link = s->field->link, .parent = parent};
	ListCell *cell;

	page_read(x, s->field->entry, linitial(s->asts), &c.page);
	c.range = range_new(x, s->field->entry);
	initStringInfo(&c.laterals);
	initStringInfo(&c.counted);
	initStringInfo(&c.items);
	if (asks_for(selected, "pageInfo") || (!c.page.keyed && asks_for(selected, "edges")))
	{
		c.number = psprintf("t%d.\"row number\"", c.range->n);
		c.size = sql_number(x, c.page.size, true);
	}
	foreach (cell, selected)
	{
		const GSelected *one = lfirst(cell);

		if (one->field->role == ROLE_TYPENAME)
			add_item(&c.items, type_name_sql(type), one->name);
		else if (strcmp(one->field->name, "nodes") == 0)
			add_nodes(x, &c, one);
		else if (strcmp(one->field->name, "edges") == 0)
			add_edges(x, &c, one);
		else if (strcmp(one->field->name, "pageInfo") == 0)
			add_page_info(x, &c, one);
		else
			add_count(x, &c, one);
	}
	/* nothing is counted over: not even of pageInfo is anything asked that rows tell */
	if (c.counted.len == 0)
		return object_sql(psprintf("SELECT %s", c.items.data));
	return object_sql(psprintf("SELECT %s FROM (SELECT %s FROM (%s) t%d%s%s) a", c.items.data, c.counted.data, page_sql(x, &c), c.range->n, c.range->joins.data, c.laterals.data));
}

/* -- rows -- */

/* One row of a resource, for which all of where holds */
static char *
one_row(Execution *x, Range *range, GType *type, List *asts, const char *where)
{
	char *items = row_items(x, range, type, select_below(x, type, asts));

	return psprintf("SELECT %s FROM %s t%d%s WHERE %s LIMIT 1", items, resource_relation(range->entry->resource), range->n, range->joins.data, where);
}

/* Joined, not asked for row by row: what many rows belong to is read once */
static char *
to_one(Execution *x, Range *range, const GSelected *s)
{
	Range *other = range_new(x, s->field->entry);
	StringInfoData where;
	ListCell *here,
		*there;
	int n = ++x->aliases;

	initStringInfo(&where);
	forboth(here, s->field->link->here, there, s->field->link->there)
		appendStringInfo(&where, "%st%d.%s = %s", where.len ? " AND " : "", other->n, quote_identifier(lfirst(there)), range_column(range, lfirst(here)));
	appendStringInfo(&range->joins, " LEFT JOIN LATERAL (SELECT row_to_json(o.*) AS j FROM (%s) o) x%d ON true", one_row(x, other, g_named(s->field->type), s->asts, where.data), n);
	return psprintf("x%d.j", n);
}

static char *
lineage_of_row(Execution *x, Range *range, const GSelected *s)
{
	GType *type = g_named(s->field->type);
	char *object = psprintf("(%s || '.' || %s)", range_column(range, "local_schema"), range_column(range, "local_name"));

	return psprintf("CASE WHEN %s IS NOT NULL THEN %s END", object, object_sql(psprintf("SELECT %s", lineage_items(x, object, type, select_below(x, type, s->asts)))));
}

/* Columns whose values can be large, with a comma before each but the first */
static char *
wide_columns(Range *range, List *selected)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, selected)
	{
		const GField *f = ((GSelected *) lfirst(cell))->field;

		if (f->role == ROLE_COLUMN && bound_is_wide(f->column->type))
			appendStringInfo(&out, "%s%s", out.len ? ", " : "", range_column(range, f->column->name));
	}
	return out.data;
}

/* The column; with the first that can be large all of them are looked at */
static char *
column_sql(Range *range, const GColumn *column, char **wide)
{
	char *sql = range_column(range, column->name);

	if (*wide && bound_is_wide(column->type))
	{
		sql = psprintf("ingest_api_internal.fits(%s)", *wide);
		*wide = NULL;
	}
	return sql_shown(sql, column->type);
}

static char *
row_items(Execution *x, Range *range, GType *type, List *selected)
{
	StringInfoData items;
	ListCell *cell;
	char *wide = wide_columns(range, selected);

	check_stack_depth();
	initStringInfo(&items);
	foreach (cell, selected)
	{
		const GSelected *s = lfirst(cell);
		char *sql = NULL;

		x->at = linitial(s->asts);
		switch (s->field->role)
		{
			case ROLE_TYPENAME:
				sql = type_name_sql(type);
				break;
			case ROLE_NODE_ID:
				sql = node_id_sql(range);
				break;
			case ROLE_COLUMN:
				sql = column_sql(range, s->field->column, &wide);
				break;
			case ROLE_ONE:
				sql = to_one(x, range, s);
				break;
			case ROLE_MANY:
				sql = connection_sql(x, s, range);
				break;
			case ROLE_LINEAGE:
				sql = lineage_of_row(x, range, s);
				break;
			default:
				elog(ERROR, "a row has no field %s", s->field->name);
		}
		add_item(&items, sql, s->name);
	}
	return items.data;
}

static char *
by_key(Execution *x, const GSelected *s)
{
	Range *range = range_new(x, s->field->entry);
	StringInfoData where;
	ListCell *cell;

	initStringInfo(&where);
	foreach (cell, s->field->arguments)
	{
		const GField *a = lfirst(cell);
		const Ast *value = argument_of(x, linitial(s->asts), a->name);

		appendStringInfo(&where, "%st%d.%s = %s", where.len ? " AND " : "", range->n, quote_identifier(a->column->name), sql_given(x, getBaseType(a->column->type), value));
	}
	return object_sql(one_row(x, range, g_named(s->field->type), s->asts, where.data));
}

/* Nothing, where it is the id of nothing */
static char *
node(Execution *x, const GSelected *s)
{
	const Ast *value = argument_of(x, linitial(s->asts), "nodeId");
	GEntry *entry;
	List *key = node_key(x, value->name, &entry);
	Range *range;
	StringInfoData where;
	ListCell *cell,
		*text;

	if (key == NIL)
		return "NULL::json";
	range = range_new(x, entry);
	initStringInfo(&where);
	forboth(cell, entry->resource->key, text, key)
	{
		Oid type = getBaseType(entry_column(entry, lfirst(cell))->type);

		appendStringInfo(&where, "%st%d.%s = %s", where.len ? " AND " : "", range->n, quote_identifier(lfirst(cell)), sql_parameter(x, type, lfirst(text)));
	}
	return object_sql(one_row(x, range, need_type(x->schema, entry->type_name), s->asts, where.data));
}

/* -- lineage -- */

static char *
steps(Execution *x, const char *object, const GSelected *s)
{
	GType *type = g_named(s->field->type);
	bool up = strcmp(s->field->name, "upstream") == 0;
	StringInfoData items;
	ListCell *cell;
	int n = ++x->aliases;

	initStringInfo(&items);
	foreach (cell, select_below(x, type, s->asts))
	{
		const GSelected *one = lfirst(cell);

		if (one->field->role == ROLE_TYPENAME)
			add_item(&items, type_name_sql(type), one->name);
		else if (one->field->role == ROLE_PLAIN)
			add_item(&items, psprintf("l%d.%s", n, one->field->name), one->name);
		else
		{
			GType *below = g_named(one->field->type);

			add_item(&items, object_sql(psprintf("SELECT %s", lineage_items(x, psprintf("l%d.object", n), below, select_below(x, below, one->asts)))), one->name);
		}
	}
	return list_sql(psprintf("SELECT %s FROM (SELECT DISTINCT kind, %s AS part, %s AS object FROM ingest_api.lineage(object => %s, direction => '%s', depth => 1) ORDER BY object, part, kind) l%d", items.data,
							 up ? "to_object" : "from_object", up ? "from_object" : "to_object", object, up ? "upstream" : "downstream", n));
}

static char *
lineage_items(Execution *x, const char *object, GType *type, List *selected)
{
	StringInfoData items;
	ListCell *cell;

	check_stack_depth();
	initStringInfo(&items);
	foreach (cell, selected)
	{
		const GSelected *s = lfirst(cell);

		x->at = linitial(s->asts);
		if (s->field->role == ROLE_TYPENAME)
			add_item(&items, type_name_sql(type), s->name);
		else if (strcmp(s->field->name, "object") == 0)
			add_item(&items, object, s->name);
		else
			add_item(&items, steps(x, object, s), s->name);
	}
	return items.data;
}

static char *
lineage(Execution *x, const GSelected *s)
{
	GType *type = g_named(s->field->type);
	char *object = sql_given(x, TEXTOID, argument_of(x, linitial(s->asts), "object"));

	return object_sql(psprintf("SELECT %s", lineage_items(x, object, type, select_below(x, type, s->asts))));
}

/* -- functions -- */

static char *
call_sql(Execution *x, const GSelected *s)
{
	StringInfoData given;
	ListCell *cell;

	initStringInfo(&given);
	foreach (cell, s->field->arguments)
	{
		const GField *a = lfirst(cell);
		const Ast *value = argument_of(x, linitial(s->asts), a->name);

		if (value)
			appendStringInfo(&given, "%s%s => %s", given.len ? ", " : "", quote_identifier(a->column->name), sql_given(x, a->column->type, value));
	}
	return psprintf("ingest_api.%s(%s)", quote_identifier(s->field->function->name), given.data);
}

static char *
function_rows(Execution *x, const GSelected *s, int n)
{
	GType *type = g_named(s->field->type);
	StringInfoData items;
	ListCell *cell;

	initStringInfo(&items);
	foreach (cell, select_below(x, type, s->asts))
	{
		const GSelected *one = lfirst(cell);

		if (one->field->role == ROLE_TYPENAME)
			add_item(&items, type_name_sql(type), one->name);
		else
			add_item(&items, sql_shown(psprintf("f%d.%s", n, quote_identifier(one->field->column->name)), one->field->column->type), one->name);
	}
	return psprintf("SELECT %s FROM %s f%d", items.data, call_sql(x, s), n);
}

static char *
function_sql(Execution *x, const GSelected *s)
{
	const GFunction *g = s->field->function;
	int n = ++x->aliases;
	char *value;

	if (g->row)
		return g->set ? list_sql(function_rows(x, s, n)) : object_sql(function_rows(x, s, n));
	value = g->result == VOIDOID ? "true" : sql_shown(psprintf("f%d.v", n), g->result);
	if (g->set)
		return psprintf("(SELECT coalesce(ingest_api_internal.list(to_json(%s)), '[]') FROM %s f%d(v))", value, call_sql(x, s), n);
	return psprintf("(SELECT %s FROM %s f%d(v))", value, call_sql(x, s), n);
}

/* -- the whole -- */

static char *
root_sql(Execution *x, const GSelected *s, GType *root)
{
	StringInfoData told;

	switch (s->field->role)
	{
		case ROLE_TYPENAME:
			return type_name_sql(root);
		case ROLE_SCHEMA:
		case ROLE_TYPE:
			initStringInfo(&told);
			meta_json(x, s, &told);
			return sql_parameter(x, JSONOID, told.data);
		case ROLE_CONNECTION:
			return connection_sql(x, s, NULL);
		case ROLE_BY_KEY:
			return by_key(x, s);
		case ROLE_NODE:
			return node(x, s);
		case ROLE_LINEAGE:
			return lineage(x, s);
		case ROLE_FUNCTION:
			return function_sql(x, s);
		default:
			elog(ERROR, "an operation has no field %s", s->field->name);
	}
	return NULL;
}

char *
graphql_compile(Execution *x, List *selected, GType *root)
{
	StringInfoData items;
	ListCell *cell;

	initStringInfo(&items);
	foreach (cell, selected)
	{
		const GSelected *s = lfirst(cell);

		x->at = linitial(s->asts);
		x->response = s->name;
		add_item(&items, root_sql(x, s, root), s->name);
	}
	x->response = list_length(selected) == 1 ? ((GSelected *) linitial(selected))->name : NULL;
	return psprintf("SELECT row_to_json(o.*)::text FROM (SELECT %s) o", items.data);
}
