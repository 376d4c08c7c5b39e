/*
 * page.c
 *		Pages: how many rows, sorted by what, behind which.
 *
 * A cursor holds the values that its row is sorted by, so that rows that come and go
 * move no page.  Where the role may not read the key, or there is none, it holds the
 * row's number.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/base64.h"
#include "ingest_api/api.h"
#include "ingest_api/graphql/sql.h"
#include "ingest_api/keyset.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define USUAL_SIZE 100
#define MOST_SIZE 1000
#define MOST_SORTED 16

/* -- cursors -- */

static char *
cursor_sql(const char *members)
{
	return psprintf("translate(encode(convert_to(json_build_array(%s)::text, 'UTF8'), 'base64'), E'\\n', '')", members);
}

/* Its texts, NULL for null; NIL: it is none */
static List *
cursor_read(const char *text)
{
	int most = pg_b64_dec_len(strlen(text));
	char *json = palloc(most + 1);
	int n = pg_b64_decode(text, strlen(text), (void *) json, most);

	return keyset_texts(json, n);
}

/* What cursors of it begin with: that of another order is not taken for one of this */
static char *
order_name(GEntry *entry, const GPage *page)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	appendStringInfoString(&out, entry->name);
	foreach (cell, page->order)
		appendStringInfo(&out, "%s%s", ((Sorted *) lfirst(cell))->descending ? " -" : " ", ((Sorted *) lfirst(cell))->column->name);
	return out.data;
}

char *
page_cursor(const GPage *page, Range *range, const char *number)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	appendStringInfoString(&out, quote_literal_cstr(order_name(range->entry, page)));
	if (page->keyed)
		foreach (cell, page->order)
			appendStringInfo(&out, ", %s::text", range_column(range, ((Sorted *) lfirst(cell))->column->name));
	else
		appendStringInfo(&out, ", (%s + " INT64_FORMAT ")::text", number, page->offset);
	return cursor_sql(out.data);
}

static List *
read_cursor(GEntry *entry, const GPage *page, const Ast *value)
{
	List *texts = cursor_read(value->name);

	if (list_length(texts) != (page->keyed ? list_length(page->order) : 1) + 1 || linitial(texts) == NULL || strcmp(linitial(texts), order_name(entry, page)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this is not a cursor of %s in this order", entry->field),
				 errhint("Cursors come from edges and pageInfo of the same orderBy.")));
	return list_delete_first(texts);
}

/* -- nodes -- */

char *
node_id_sql(Range *range)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	appendStringInfoString(&out, quote_literal_cstr(range->entry->name));
	foreach (cell, range->entry->resource->key)
		appendStringInfo(&out, ", %s::text", range_column(range, lfirst(cell)));
	return cursor_sql(out.data);
}

List *
node_key(Execution *x, const char *node_id, GEntry **entry)
{
	List *texts = cursor_read(node_id);

	*entry = texts != NIL && linitial(texts) ? entry_find(x->schema, linitial(texts)) : NULL;
	if (*entry == NULL)
		return NIL;
	entry_look(x->schema, *entry);
	if (!(*entry)->has_key || list_length(texts) != list_length((*entry)->resource->key) + 1)
		return NIL;
	return list_delete_first(texts);
}

/* -- order -- */

static bool
is_sorted_by(const GPage *page, const char *column)
{
	ListCell *cell;

	foreach (cell, page->order)
		if (strcmp(((Sorted *) lfirst(cell))->column->name, column) == 0)
			return true;
	return false;
}

static void
sort_by(GPage *page, GEntry *entry, const char *column, bool descending)
{
	Sorted *s;

	if (is_sorted_by(page, column))
		return;
	s = palloc0(sizeof(Sorted));
	s->column = entry_column(entry, column);
	s->descending = descending;
	page->order = lappend(page->order, s);
}

static bool
key_has_order(const GEntry *entry)
{
	ListCell *cell;

	foreach (cell, entry->resource->key)
		if (!scalar_has_order(entry_column(entry, lfirst(cell))->type))
			return false;
	return true;
}

static void
sort_by_value(GPage *page, GEntry *entry, const char *name)
{
	ListCell *cell;

	foreach (cell, type_values(entry->order))
	{
		const GValue *v = lfirst(cell);

		if (strcmp(v->name, name) == 0)
			sort_by(page, entry, v->column->name, v->descending);
	}
}

static void
read_order(GEntry *entry, const Ast *order, GPage *page)
{
	ListCell *cell;

	if (order && order->kind != AST_NULL)
		for (const Ast *one = order->kind == AST_LIST ? order->value : order; one; one = one->next)
			sort_by_value(page, entry, one->name);
	if (list_length(page->order) > MOST_SORTED)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("rows can be sorted by at most %d columns",
																		MOST_SORTED)));
	page->keyed = entry->has_key && key_has_order(entry);
	foreach (cell, page->keyed ? entry->resource->key : NIL)
		sort_by(page, entry, lfirst(cell), false);
}

char *
page_order(const GPage *page, const char *name)
{
	StringInfoData out;
	ListCell *cell;

	initStringInfo(&out);
	foreach (cell, page->order)
	{
		const Sorted *s = lfirst(cell);

		appendStringInfo(&out, "%s%s.%s%s", out.len ? ", " : " ORDER BY ", name, quote_identifier(s->column->name), s->descending != page->backward ? " DESC" : "");
	}
	return out.data;
}

/* -- where a page begins -- */

/* Behind the row of these values, or before it.  Nulls are greater than all else */
static char *
beyond(Execution *x, const GPage *page, const char *name, List *texts, bool before)
{
	List *parts = NIL;
	ListCell *cell,
		*text;

	forboth(cell, page->order, text, texts)
	{
		const Sorted *s = lfirst(cell);
		KeyPart *k = palloc0(sizeof(KeyPart));

		k->sql = psprintf("%s.%s", name, quote_identifier(s->column->name));
		k->type = getBaseType(s->column->type);
		k->given = lfirst(text) ? sql_parameter(x, k->type, lfirst(text)) : NULL;
		k->descending = k->nulls_first = s->descending != before;
		k->not_null = s->column->not_null;
		parts = lappend(parts, k);
	}
	return keyset_behind(parts);
}

char *
page_condition(Execution *x, const GPage *page, const char *name)
{
	char *after = page->keyed && page->has_after ? beyond(x, page, name, page->after, false) : NULL;
	char *before = page->keyed && page->has_before ? beyond(x, page, name, page->before, true) : NULL;

	if (after && before)
		return psprintf("%s AND %s", after, before);
	return after ? after : before;
}

/* -- what is asked -- */

static bool
is_given(const Ast *value)
{
	return value && value->kind != AST_NULL;
}

static int64
read_size(const Ast *value)
{
	int64 size = pg_strtoint32(value->name);
	int most = Min(MOST_SIZE, api_max_rows);

	if (size < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a page cannot have fewer than 0 rows")));
	if (size > most)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a page has at most %d rows", most), errhint("pageInfo.endCursor is where the next one begins: after.")));
	return size;
}

void
page_read(Execution *x, GEntry *entry, const Ast *field, GPage *page)
{
	Ast *first = argument_of(x, field, "first"),
		*last = argument_of(x, field, "last"),
		*after = argument_of(x, field, "after"),
		*before = argument_of(x, field, "before");

	memset(page, 0, sizeof(GPage));
	page->filter = argument_of(x, field, "filter");
	read_order(entry, argument_of(x, field, "orderBy"), page);
	if (is_given(first) && is_given(last))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"first\" and \"last\" cannot be asked for "
																		 "together")));
	page->backward = is_given(last);
	page->size = is_given(first) ? read_size(first) : is_given(last) ? read_size(last)
																	 : Min(USUAL_SIZE, api_max_rows);
	page->has_after = is_given(after);
	page->has_before = is_given(before);
	if (page->has_after)
		page->after = read_cursor(entry, page, after);
	if (page->has_before)
		page->before = read_cursor(entry, page, before);
	if (page->keyed)
		return;
	if (page->backward || page->has_before)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s has no key that can be read: its pages "
																	   "only go forward",
																	   entry->field)));
	if (page->has_after)
		page->offset = pg_strtoint64(linitial(page->after));
	if (page->offset < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("this is not a cursor of %s", entry->field)));
}
