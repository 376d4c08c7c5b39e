/*
 * compile.c
 *		A query into one statement.
 *
 * What the client names is looked up and quoted, what it gives as a value becomes a
 * parameter, and what is neither stands here as a constant.  Documents are built by
 * row_to_json() and json_agg(): jsonb would be built and taken apart again, which costs
 * three to fourteen times as much.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "ingest_api/bound.h"
#include "ingest_api/compile.h"
#include "ingest_api/keyset.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

typedef struct Compiler
{
	Oid role;
	List *values;
	int aliases;
} Compiler;

/* A relation in the statement */
typedef struct Range
{
	Resource *resource;
	int alias;
	List **needed; /* columns that were named: what a page of it gives */
} Range;

static char *rows_of(Compiler *c, Level *level, Resource *resource, const Link *link, int parent, int64 most, List **names, char **count);

/* -- names and values -- */

static char *
joined(List *names)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, names)
		appendStringInfo(&out, "%s%s", out.len ? ", " : "", (char *) lfirst(cell));
	return out.data;
}

static Oid
operator_schema(Oid operator)
{
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Oid schema = ((Form_pg_operator) GETSTRUCT(tuple))->oprnamespace;

	ReleaseSysCache(tuple);
	return schema;
}

char *
own_operator(Oid type, const char *name)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_BTREE_OPFAMILY);
	static const char *const names[] = {"<", "<=", "=", ">=", ">"};
	Oid found = InvalidOid;
	Oid schema;

	if (strcmp(name, "<>") == 0)
		found = OidIsValid(entry->eq_opr) ? get_negator(entry->eq_opr) : InvalidOid;
	else if (strcmp(name, "=") == 0)
		found = entry->eq_opr;
	else
		for (int i = 0; i < lengthof(names) && OidIsValid(entry->btree_opf); i++)
			if (strcmp(name, names[i]) == 0)
				found = get_opfamily_member(entry->btree_opf, entry->btree_opintype, entry->btree_opintype, i + 1);
	schema = OidIsValid(found) ? operator_schema(found) : PG_CATALOG_NAMESPACE;
	return schema == PG_CATALOG_NAMESPACE ? NULL : psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(schema)), get_opname(found));
}

static char *
parameter(Compiler *c, Oid type, const char *text)
{
	Value *v = palloc0(sizeof(Value));

	v->type = type;
	v->text = text ? pstrdup(text) : NULL;
	c->values = lappend(c->values, v);
	return psprintf("$%d", list_length(c->values));
}

/* Of what a column is compared with an error tells the column */
static char *
compared(Compiler *c, const Place *place, Oid type, const char *text)
{
	char *sql = parameter(c, type, text);

	((Value *) llast(c->values))->name = place->column;
	return sql;
}

/* Its type too */
static char *
column_name(Compiler *c, const Range *range, const char *column, Oid *type)
{
	AttrNumber attnum = strlen(column) < NAMEDATALEN ? get_attnum(range->resource->relation, column) : InvalidAttrNumber;

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s has no column \"%s\"", range->resource->name, column),
				 errhint("Its columns are %s.", joined(resource_columns(range->resource, c->role)))));
	*type = getBaseType(get_atttype(range->resource->relation, attnum));
	*range->needed = list_append_unique(*range->needed, makeString(pstrdup(column)));
	return psprintf("t%d.%s", range->alias, quote_identifier(column));
}

static bool
is_element(const char *step)
{
	const char *at = step[0] == '-' ? step + 1 : step;

	return *at && strlen(at) < 9 && strspn(at, "0123456789") == strlen(at);
}

static char *
place_sql(Compiler *c, const Range *range, const Place *place, Oid *type)
{
	StringInfoData out;
	ListCell *cell;
	char *column = column_name(c, range, place->column, type);

	if (place->steps == NIL)
		return column;
	if (*type != JSONOID && *type != JSONBOID)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("column \"%s\" of %s does not hold JSON",
																   place->column, range->resource->name)));
	initStringInfo(&out);
	appendStringInfo(&out, "(%s", column);
	foreach (cell, place->steps)
	{
		const char *step = lfirst(cell);
		bool last = lnext(place->steps, cell) == NULL;

		appendStringInfo(&out, " %s %s", last && place->as_text ? "->>" : "->", is_element(step) ? psprintf("(%s)", step) : quote_literal_cstr(step));
	}
	appendStringInfoChar(&out, ')');
	if (place->as_text)
		*type = TEXTOID;
	return out.data;
}

/* -- conditions -- */

typedef struct Operator
{
	const char *name;
	const char *sql;
	bool of_text; /* its left side is read as text, and * stands for % */
	bool quantified;
} Operator;

static const Operator operators[] = {
	{"eq", "=", false, true},
	{"neq", "<>", false, true},
	{"gt", ">", false, true},
	{"gte", ">=", false, true},
	{"lt", "<", false, true},
	{"lte", "<=", false, true},
	{"like", "LIKE", true, true},
	{"ilike", "ILIKE", true, true},
	{"match", "~", true, true},
	{"imatch", "~*", true, true},
	{"cs", "@>", false, false},
	{"cd", "<@", false, false},
	{"isdistinct", "IS DISTINCT FROM", false, false},
	{"is", NULL, false, false},
	{"in", NULL, false, false},
};

static const Operator *
operator_named(const char *name)
{
	for (size_t i = 0; i < lengthof(operators); i++)
		if (strcmp(operators[i].name, name) == 0)
			return &operators[i];
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("there is no operator \"%.40s\"", name),
			 errhint("The operators are eq, neq, gt, gte, lt, lte, like, ilike, match, imatch, is, isdistinct, in, cs "
					 "and cd, each also after not.")));
	return NULL;
}

/* As the array's own form */
static char *
array_text(List *values, bool patterns)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	foreach (cell, values)
	{
		if (out.len > 1)
			appendStringInfoChar(&out, ',');
		appendStringInfoChar(&out, '"');
		for (const char *at = lfirst(cell); *at; at++)
		{
			if (*at == '"' || *at == '\\')
				appendStringInfoChar(&out, '\\');
			appendStringInfoChar(&out, patterns && *at == '*' ? '%' : *at);
		}
		appendStringInfoChar(&out, '"');
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}

static char *
pattern(const char *text)
{
	char *p = pstrdup(text);

	for (char *at = p; *at; at++)
		if (*at == '*')
			*at = '%';
	return p;
}

static Oid
array_of(Oid type, const char *column)
{
	Oid array = get_array_type(type);

	if (!OidIsValid(array))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("column \"%s\" cannot be compared with several values", column)));
	return array;
}

static const char *
is_what(const char *value)
{
	static const char *const known[] = {"null", "true", "false", "unknown", "not_null"};
	static const char *const sql[] = {"IS NULL", "IS TRUE", "IS FALSE", "IS UNKNOWN", "IS NOT NULL"};

	for (size_t i = 0; i < lengthof(known); i++)
		if (pg_strcasecmp(value, known[i]) == 0)
			return sql[i];
	ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("is.%.40s cannot be asked", value), errhint("is takes null, not_null, true, false and unknown.")));
	return NULL;
}

static char *
comparison_sql(Compiler *c, const Range *range, const Condition *condition)
{
	const Operator *o = operator_named(condition->op);
	Oid type;
	char *left = place_sql(c, range, condition->place, &type);
	bool patterns = o->of_text && o->sql[0] != '~';
	bool distinct = strcmp(o->name, "isdistinct") == 0;
	const char *own,
		*sql;

	if (condition->quantifier && !o->quantified)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("operator %s takes neither any nor all", o->name)));
	if (o->sql == NULL && o->name[1] == 's')
		return psprintf("%s %s", left, is_what(condition->value));
	/* a document is compared as jsonb, whose equality is known */
	if (type == JSONOID)
	{
		left = psprintf("%s::jsonb", left);
		type = JSONBOID;
	}
	if (o->of_text && type != TEXTOID)
	{
		left = psprintf("%s::text", left);
		type = TEXTOID;
	}
	own = own_operator(type, o->sql == NULL || distinct ? "=" : o->sql);
	sql = own ? own : o->sql ? o->sql
							 : "=";
	if (o->sql == NULL)
		return psprintf("%s %s ANY (%s)", left, sql, compared(c, condition->place, array_of(type, condition->place->column), array_text(condition->values, false)));
	if (condition->quantifier)
		return psprintf("%s %s %s (%s)", left, sql, condition->quantifier[1] == 'n' ? "ANY" : "ALL",
						compared(c, condition->place, array_of(type, condition->place->column), array_text(condition->values, patterns)));
	/* a value is never null */
	if (own && distinct)
		return psprintf("(%s %s %s) IS NOT TRUE", left, own, compared(c, condition->place, type, condition->value));
	return psprintf("%s %s %s", left, sql, compared(c, condition->place, type, patterns ? pattern(condition->value) : condition->value));
}

static char *
condition_sql(Compiler *c, const Range *range, const Condition *condition)
{
	StringInfoData out;
	ListCell *cell;

	check_stack_depth();
	initStringInfo(&out);
	appendStringInfoString(&out, condition->negated ? "NOT (" : "(");
	if (condition->kind == CONDITION_COMPARE)
		appendStringInfoString(&out, comparison_sql(c, range, condition));
	else
		foreach (cell, condition->parts)
			appendStringInfo(&out, "%s%s", cell == list_head(condition->parts) ? "" : condition->kind == CONDITION_AND ? " AND "
																													   : " OR ",
							 condition_sql(c, range, lfirst(cell)));
	appendStringInfoChar(&out, ')');
	return out.data;
}

/* -- what is read -- */

/* Types that a value may be shown as */
static const char *
cast_type(const char *name)
{
	static const char *const known[][2] = {
		{"text", "text"},
		{"varchar", "text"},
		{"integer", "int4"},
		{"int", "int4"},
		{"int4", "int4"},
		{"bigint", "int8"},
		{"int8", "int8"},
		{"smallint", "int2"},
		{"numeric", "numeric"},
		{"float8", "float8"},
		{"real", "float4"},
		{"boolean", "bool"},
		{"bool", "bool"},
		{"date", "date"},
		{"timestamp", "timestamp"},
		{"timestamptz", "timestamptz"},
		{"interval", "interval"},
		{"json", "json"},
		{"jsonb", "jsonb"},
		{"uuid", "uuid"},
	};

	for (size_t i = 0; i < lengthof(known); i++)
		if (strcmp(known[i][0], name) == 0)
			return known[i][1];
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no type \"%.40s\" to show a value as", name), errhint("There are text, integer, bigint, numeric, float8, boolean, date, timestamp, timestamptz, interval, json, jsonb and uuid.")));
	return NULL;
}

/* What is selected: expressions and their names */
typedef struct Items
{
	List *sql;
	List *names;
	List *wide; /* numbers of those whose values can be large */
} Items;

static void
add_item(Items *items, const char *sql, const char *name)
{
	/* PostgreSQL would cut it, and two could become one */
	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("what is selected has a name of 1 to %d bytes, not \"%.80s\"", NAMEDATALEN - 1, name),
				 errhint("Give it another one before a colon: alias:name.")));
	items->sql = lappend(items->sql, pstrdup(sql));
	items->names = lappend(items->names, pstrdup(name));
}

static void
add_column(Items *items, const char *sql, Oid type, const char *name)
{
	if (bound_is_wide(type))
		items->wide = lappend_int(items->wide, list_length(items->sql));
	add_item(items, sql, name);
}

static void
add_items(Compiler *c, const Range *range, const Selected *item, Items *items)
{
	Oid type;
	char *sql;
	const char *name;
	ListCell *cell;

	if (item->place == NULL)
	{
		foreach (cell, resource_columns(range->resource, c->role))
		{
			sql = column_name(c, range, lfirst(cell), &type);
			add_column(items, sql, type, lfirst(cell));
		}
		return;
	}
	sql = place_sql(c, range, item->place, &type);
	name = item->alias ? item->alias : item->place->column;
	/* the last member that has a name */
	foreach (cell, item->alias ? NIL : item->place->steps)
		if (!is_element(lfirst(cell)))
			name = lfirst(cell);
	if (item->cast)
		add_item(items, psprintf("%s::pg_catalog.%s", bound_is_wide(type) ? psprintf("ingest_api_internal.fits(%s)", sql) : sql, cast_type(item->cast)), name);
	else
		add_column(items, sql, type, name);
}

/* As c1, c2, …, which shown_sql() takes */
static char *
raw_sql(const Items *items)
{
	StringInfoData out;
	ListCell *cell;
	int n = 0;

	initStringInfo(&out);
	foreach (cell, items->sql)
	{
		n++;
		appendStringInfo(&out, "%s%s AS c%d", n > 1 ? ", " : "", (char *) lfirst(cell), n);
	}
	return out.data;
}

/* With the first value of a row that can be large all of them are looked at; NULL: none can be */
static char *
looked_at(const Items *items, bool raw)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, items->wide)
		appendStringInfo(&out, "%s%s", out.len ? ", " : "", raw ? psprintf("p.c%d", lfirst_int(cell) + 1) : (char *) list_nth(items->sql, lfirst_int(cell)));
	return out.len ? psprintf("ingest_api_internal.fits(%s)", out.data) : NULL;
}

/* As they are called; raw: of rows p, which have them as raw_sql() says */
static char *
shown_sql(const Items *items, bool raw)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < list_length(items->sql); i++)
	{
		const char *sql = raw ? psprintf("p.c%d", i + 1) : list_nth(items->sql, i);

		if (items->wide != NIL && i == linitial_int(items->wide))
			sql = looked_at(items, raw);
		appendStringInfo(&out, "%s%s AS %s", i > 0 ? ", " : "", sql, quote_identifier(list_nth(items->names, i)));
	}
	return out.data;
}

/* -- what belongs to it -- */

static bool
names_link(const Link *l, const Level *level)
{
	if (strcmp(l->other, level->name) != 0 && strcmp(l->name, level->name) != 0 && !(list_length(l->here) == 1 && !l->many && strcmp(linitial(l->here), level->name) == 0))
		return false;
	if (level->hint == NULL || strcmp(level->hint, l->name) == 0)
		return true;
	return (list_length(l->here) == 1 && strcmp(linitial(l->here), level->hint) == 0) || (list_length(l->there) == 1 && strcmp(linitial(l->there), level->hint) == 0);
}

/* There is none of that name: those that there are, as far as the role may read them */
static void
refuse_link(Compiler *c, const Range *range, const Level *level, List *links)
{
	List *names = NIL;
	ListCell *cell;

	foreach (cell, links)
	{
		Link *l = lfirst(cell);

		if (!list_member(names, makeString(l->other)) && resource_find(l->other, c->role))
			names = lappend(names, makeString(l->other));
	}
	foreach (cell, names)
		lfirst(cell) = strVal(lfirst(cell));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("nothing called \"%.60s\" is related to %s", level->name, range->resource->name),
			 names ? errhint("Related to it are %s.", joined(names)) : 0));
}

static const Link *
find_link(Compiler *c, const Range *range, const Level *level, Resource **other)
{
	const Link *found = NULL;
	List *links = resource_links(range->resource);
	ListCell *cell;

	foreach (cell, links)
	{
		Link *l = lfirst(cell);
		Resource *r = names_link(l, level) ? resource_find(l->other, c->role) : NULL;

		if (r == NULL)
			continue;
		if (found)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("%s and %s are related in more than one way", range->resource->name, level->name),
					 errhint("Name the one that is meant: %s!%s(...) or %s!%s(...).", level->name, found->name,
							 level->name, l->name)));
		found = l;
		*other = r;
	}
	if (found == NULL)
		refuse_link(c, range, level, links);
	return found;
}

/*
 * One row by the key of a table: the limit keeps the planner from joining the whole table to a page of a few rows, which
 * it does where it takes an index to be on disk.  A view is joined, since to ask it row by row could be to make it as often
 */
static bool
is_found_by_key(const Resource *other, const Link *link)
{
	ListCell *key,
		*there;

	if (get_rel_relkind(other->relation) != RELKIND_RELATION || list_length(other->key) != list_length(link->there))
		return false;
	forboth(key, other->key, there, link->there) if (strcmp(lfirst(key), lfirst(there)) != 0) return false;
	return true;
}

static void
embed(Compiler *c, const Range *range, Level *level, Items *items, StringInfo joins)
{
	Resource *other = NULL;
	const Link *link = find_link(c, range, level, &other);
	List *inner = NIL;
	char *rows = rows_of(c, level, other, link, range->alias, link->many ? level->limit : is_found_by_key(other, link) ? 1
																													   : -1,
						 &inner, NULL);
	int alias = ++c->aliases;
	const char *name = level->alias ? level->alias : level->name;
	Oid type;
	ListCell *cell;

	foreach (cell, link->here)
		(void) column_name(c, range, lfirst(cell), &type);
	if (level->spread)
	{
		if (link->many)
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("...%s(...) takes one row, and of %s there are many", level->name, level->name)));
		appendStringInfo(joins, " %sJOIN LATERAL (%s) e%d ON true", level->inner ? "" : "LEFT ", rows, alias);
		foreach (cell, inner)
			add_item(items, psprintf("e%d.%s", alias, quote_identifier(lfirst(cell))), lfirst(cell));
		return;
	}
	if (!link->many)
		appendStringInfo(joins, " %sJOIN LATERAL (SELECT pg_catalog.row_to_json(x.*) AS j FROM (%s) x) e%d ON true", level->inner ? "" : "LEFT ", rows, alias);
	else if (level->inner)
		appendStringInfo(joins, " JOIN LATERAL (SELECT ingest_api_internal.list(pg_catalog.row_to_json(x.*)) AS j FROM (%s) x) e%d ON e%d.j IS NOT NULL", rows, alias, alias);
	else
		appendStringInfo(joins, " CROSS JOIN LATERAL (SELECT coalesce(ingest_api_internal.list(pg_catalog.row_to_json(x.*)), '[]') AS j FROM (%s) x) e%d", rows, alias);
	if (level->items != NIL || level->embedded != NIL)
		add_item(items, psprintf("e%d.j", alias), name);
}

/* -- one level -- */

static void
add_order(Compiler *c, const Range *range, List *order, StringInfo out)
{
	ListCell *cell;

	foreach (cell, order)
	{
		Order *o = lfirst(cell);
		Oid type;

		appendStringInfo(out, "%s%s%s%s", cell == list_head(order) ? " ORDER BY " : ", ", place_sql(c, range, o->place, &type),
						 o->descending ? " DESC" : "", o->nulls < 0 ? " NULLS FIRST" : o->nulls > 0 ? " NULLS LAST"
																									: "");
	}
}

static void
add_where(Compiler *c, const Range *range, const Level *level, const Link *link, int parent, StringInfo out)
{
	const char *word = " WHERE ";
	ListCell *a,
		*b;

	if (link)
		forboth(a, link->here, b, link->there)
		{
			Oid type;
			char *there = column_name(c, range, lfirst(b), &type);
			char *own = own_operator(type, "=");

			appendStringInfo(out, "%s%s %s t%d.%s", word, there, own ? own : "=", parent, quote_identifier(lfirst(a)));
			word = " AND ";
		}
	foreach (a, level->conditions)
	{
		appendStringInfo(out, "%s%s", word, condition_sql(c, range, lfirst(a)));
		word = " AND ";
	}
}

/* A foreign key is to the table itself: of those that inherit from it another row could have its key */
static const char *
table_of(const Resource *resource, const Link *link)
{
	bool only = link && !link->many && get_rel_relkind(resource->relation) == RELKIND_RELATION;

	return psprintf("%s%s", only ? "ONLY " : "", resource_relation(resource));
}

/* What is read of a level: its items, what they are joined with, and which rows */
static void
read_level(Compiler *c, const Range *range, Level *level, Items *items, StringInfo joins)
{
	ListCell *cell;

	memset(items, 0, sizeof(Items));
	initStringInfo(joins);
	foreach (cell, level->items)
		add_items(c, range, lfirst(cell), items);
	foreach (cell, level->embedded)
		embed(c, range, lfirst(cell), items, joins);
}

/* Constants, since pages are few sizes and mostly the first ones: for a number that is not known the planner plans for a tenth of all rows */
static void
add_page(Compiler *c, const Level *level, int64 most, StringInfo out)
{
	if (most >= 0)
		appendStringInfo(out, " LIMIT " INT64_FORMAT, most);
	if (level->offset > Max(most, 1) * 10)
		appendStringInfo(out, " OFFSET %s", parameter(c, INT8OID, psprintf(INT64_FORMAT, level->offset)));
	else if (level->offset > 0)
		appendStringInfo(out, " OFFSET " INT64_FORMAT, level->offset);
}

static char *
columns_of(const Range *range)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, *range->needed)
		appendStringInfo(&out, "%st%d.%s", out.len ? ", " : "", range->alias, quote_identifier(strVal(lfirst(cell))));
	return out.data;
}

/* Is which rows there are decided by what belongs to them? */
static bool
is_chosen_by_embedded(const Level *level)
{
	ListCell *cell;

	foreach (cell, level->embedded)
		if (((Level *) lfirst(cell))->inner)
			return true;
	return false;
}

static char *
rows_of(Compiler *c, Level *level, Resource *resource, const Link *link, int parent, int64 most, List **names, char **count)
{
	List *needed = NIL;
	Range range = {resource, ++c->aliases, &needed};
	Items items;
	StringInfoData joins,
		where,
		order,
		page;
	const char *table = table_of(resource, link);
	char *from;
	bool first,
		over;

	check_stack_depth();
	initStringInfo(&where);
	initStringInfo(&order);
	initStringInfo(&page);
	read_level(c, &range, level, &items, &joins);
	*names = items.names;
	add_order(c, &range, level->order, &order);
	add_page(c, level, most, &page);
	/* the page first: what belongs to rows that are not on it is not looked for */
	first = page.len > 0 && level->embedded != NIL && !is_chosen_by_embedded(level);
	from = first ? columns_of(&range) : NULL;
	add_where(c, &range, level, link, parent, &where);
	if (count)
		*count = psprintf("SELECT pg_catalog.count(*) FROM %s t%d%s%s", table, range.alias, joins.data, where.data);
	if (first)
		return psprintf("SELECT %s FROM (SELECT %s FROM %s t%d%s%s%s) t%d%s%s", shown_sql(&items, false), from, table, range.alias, where.data,
						order.data, page.data, range.alias, joins.data, order.data);
	from = psprintf("%s t%d%s%s%s%s", table, range.alias, joins.data, where.data, order.data, page.data);
	/* values of rows that are passed over are in nobody's way */
	over = level->offset > 0 && items.wide != NIL;
	return over ? psprintf("SELECT %s FROM (SELECT %s FROM %s) p", shown_sql(&items, true), raw_sql(&items), from) : psprintf("SELECT %s FROM %s", shown_sql(&items, false), from);
}

/* -- pages by marks -- */

static bool
sorts_by(List *order, const char *column)
{
	ListCell *cell;

	foreach (cell, order)
	{
		const Place *place = ((Order *) lfirst(cell))->place;

		if (place->steps == NIL && strcmp(place->column, column) == 0)
			return true;
	}
	return false;
}

/* The order, with what tells rows apart where it does not */
static List *
whole_order(Compiler *c, const Level *level, Resource *resource)
{
	List *order = list_copy(level->order);
	List *readable = resource_columns(resource, c->role);
	ListCell *cell,
		*known;

	if (resource->key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s has no key by which a next page could begin", resource->name),
				 errhint("Use offset= to skip a number of rows.")));
	foreach (cell, resource->key)
	{
		Order *o = palloc0(sizeof(Order));
		bool there = false;

		if (sorts_by(level->order, lfirst(cell)))
			continue;
		foreach (known, readable)
			there |= strcmp(lfirst(known), lfirst(cell)) == 0;
		if (!there)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("the key of %s, by which a next page begins, may not be read", resource->name),
					 errhint("Use offset= to skip a number of rows.")));
		o->place = palloc0(sizeof(Place));
		o->place->column = lfirst(cell);
		order = lappend(order, o);
	}
	return order;
}

static bool
is_never_null(const Range *range, const Place *place)
{
	HeapTuple tuple = place->steps == NIL ? SearchSysCacheAttName(range->resource->relation, place->column) : NULL;
	bool never = tuple && ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;

	if (tuple)
		ReleaseSysCache(tuple);
	return never;
}

/* The columns of the order, as o1, o2, … behind the items; texts: where to begin, NIL: with the first row */
static List *
key_parts(Compiler *c, const Range *range, List *order, List *texts)
{
	List *parts = NIL;
	ListCell *cell;
	int i = 0;

	foreach (cell, order)
	{
		const Order *o = lfirst(cell);
		KeyPart *k = palloc0(sizeof(KeyPart));

		k->sql = place_sql(c, range, o->place, &k->type);
		k->descending = o->descending;
		k->nulls_first = o->nulls < 0 || (o->nulls == 0 && o->descending);
		k->not_null = is_never_null(range, o->place);
		if (texts && list_nth(texts, i))
			k->given = parameter(c, k->type, list_nth(texts, i));
		parts = lappend(parts, k);
		i++;
	}
	return parts;
}

/* What a mark is good for.  The key may be another one by then, and a column of another type */
static char *
compile_purpose(Compiler *c, const Range *range, const Level *level, List *order)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	appendStringInfo(&out, "%u %s\n%s", c->role, range->resource->name, level->asked ? level->asked : "");
	foreach (cell, order)
	{
		Oid type;
		char *sql = place_sql(c, range, ((Order *) lfirst(cell))->place, &type);

		appendStringInfo(&out, "\n%s %u", sql, type);
	}
	return out.data;
}

static void
compile_page(Compiler *c, Level *level, Resource *resource, int64 most, Compiled *out)
{
	List *needed = NIL;
	Range range = {resource, ++c->aliases, &needed};
	List *order = whole_order(c, level, resource);
	char *purpose = compile_purpose(c, &range, level, order);
	List *texts = level->after[0] ? keyset_verify(level->after, purpose) : NIL;
	List *parts;
	Items items;
	StringInfoData rows,
		place,
		joins,
		where;
	char *shown,
		*mark,
		*from;
	int i = 0;
	ListCell *cell;

	if (level->after[0] && list_length(texts) != list_length(order))
		elog(ERROR, "a mark has %d values, and the order %d", list_length(texts), list_length(order));
	initStringInfo(&rows);
	initStringInfo(&place);
	initStringInfo(&where);
	read_level(c, &range, level, &items, &joins);
	add_where(c, &range, level, NULL, 0, &where);
	from = psprintf("%s t%d%s%s", resource_relation(resource), range.alias, joins.data, where.data);
	parts = key_parts(c, &range, order, texts);
	appendStringInfo(&rows, "SELECT %s", raw_sql(&items));
	foreach (cell, parts)
	{
		appendStringInfo(&rows, "%s%s AS o%d", items.sql != NIL || i > 0 ? ", " : "", ((KeyPart *) lfirst(cell))->sql, i + 1);
		appendStringInfo(&place, "%sp.o%d::text", i > 0 ? ", " : "", i + 1);
		i++;
	}
	appendStringInfo(&rows, " FROM %s", from);
	if (texts)
		appendStringInfo(&rows, "%s%s", level->conditions == NIL ? " WHERE " : " AND ", keyset_behind(parts));
	add_order(c, &range, order, &rows);
	add_page(c, level, most, &rows);
	shown = shown_sql(&items, true);
	/* what would be too long for an address is not kept whole: there is one of each row */
	mark = psprintf("pg_catalog.\"left\"(pg_catalog.json_build_array(%s)::text, %d)", place.data, KEYSET_LONGEST);
	out->count = psprintf("SELECT pg_catalog.count(*) FROM %s", from);
	out->rows = psprintf("SELECT %s%s%s AS place FROM (%s) p", shown, shown[0] ? ", " : "", mark, rows.data);
	out->paged = psprintf("SELECT pg_catalog.row_to_json(x.*) AS j, %s AS place FROM (%s) p CROSS JOIN LATERAL (SELECT %s) x", mark, rows.data, shown);
	out->names = items.names;
	out->purpose = purpose;
}

Compiled *
compile(Level *level, Resource *resource, Oid role, int64 most)
{
	Compiler c = {.role = role};
	Compiled *out = palloc0(sizeof(Compiled));

	if (level->limit >= 0 && level->limit < most)
		most = level->limit;
	out->most = most;
	if (level->after)
		compile_page(&c, level, resource, most, out);
	else
		out->rows = rows_of(&c, level, resource, NULL, 0, most, &out->names, &out->count);
	out->values = c.values;
	return out;
}
