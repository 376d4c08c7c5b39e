/*
 * range.c
 *		Where parts of an answer begin and end, how the key is cut into them, and
 *		what EXPLAIN says of it.
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "netsuite_fdw/range.h"

int
keys_compare(const int64 *a, const int64 *b, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

Part *
part_new(MemoryContext context, int limit)
{
	Part *part = MemoryContextAllocZero(context, sizeof(Part));

	part->limit = limit;
	return part;
}

/* -- SQL -- */

/* Rows behind a key, in lexicographic order: k1 >= a AND (k1 > a OR k2 > b); with again those at it as well */
static void
append_behind(StringInfo out, const CursorSpec *spec, const int64 *lo, int i, int n, bool again)
{
	const char *key = spec->keys[i];

	if (i == n - 1)
	{
		appendStringInfo(out, "%s %s " INT64_FORMAT, key, again ? ">=" : ">", lo[i]);
		return;
	}
	appendStringInfo(out, "%s >= " INT64_FORMAT " AND (%s > " INT64_FORMAT " OR ", key, lo[i],
					 key, lo[i]);
	if (i < n - 2)
		appendStringInfoChar(out, '(');
	append_behind(out, spec, lo, i + 1, n, again);
	if (i < n - 2)
		appendStringInfoChar(out, ')');
	appendStringInfoChar(out, ')');
}

/* The condition of rows with exactly this key */
char *
range_at(const CursorSpec *spec, const int64 *key)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < spec->nkeys; i++)
		appendStringInfo(&out, "%s%s = " INT64_FORMAT, i > 0 ? " AND " : "", spec->keys[i], key[i]);
	return out.data;
}

/* The condition of rows behind one key and up to another: all but those behind the other */
char *
range_between(const CursorSpec *spec, const int64 *lo, int nlo, const int64 *last)
{
	StringInfoData out;

	initStringInfo(&out);
	if (nlo > 0)
	{
		append_behind(&out, spec, lo, 0, nlo, false);
		appendStringInfoString(&out, " AND ");
	}
	appendStringInfoString(&out, "NOT (");
	append_behind(&out, spec, last, 0, spec->nkeys, false);
	appendStringInfoChar(&out, ')');
	return out.data;
}

static void
append_order(StringInfo out, const CursorSpec *spec)
{
	if (spec->nkeys > 0)
	{
		for (int i = 0; i < spec->nkeys; i++)
			appendStringInfo(out, "%s%s ASC", i == 0 ? " ORDER BY " : ", ", spec->keys[i]);
	}
	else if (spec->order)
		appendStringInfo(out, " ORDER BY %s", spec->order);
}

/* The condition of a part's rows; NULL if all are its */
char *
part_condition(const CursorSpec *spec, const Part *part)
{
	StringInfoData q;

	/* the first page is asked for without bounds: its total counts every row */
	if (part->nlo == 0)
		return NULL;
	initStringInfo(&q);
	append_behind(&q, spec, part->lo, 0, part->nlo, part->again);
	if (part->has_hi)
		appendStringInfo(&q, " AND %s <= " INT64_FORMAT, spec->keys[0], part->hi);
	return q.data;
}

/* The query of a part, or of all with NULL */
char *
part_query(const CursorSpec *spec, const Part *part)
{
	StringInfoData q;
	const char *condition = part ? part_condition(spec, part) : NULL;

	initStringInfo(&q);
	appendStringInfoString(&q, spec->select);
	if (spec->where)
		appendStringInfo(&q, " WHERE %s", spec->where);
	if (condition)
		appendStringInfo(&q, "%s%s", spec->where ? " AND " : " WHERE ", condition);
	if (spec->group)
		appendStringInfo(&q, " %s", spec->group);
	append_order(&q, spec);
	if (part != NULL && part->fetch)
		appendStringInfo(&q, " FETCH FIRST %d ROWS ONLY", part->limit);
	return q.data;
}

/* -- what a reply says of the rows to come -- */

/*
 * Do rows follow those of a page that has some?  Its total and hasMore must both
 * say no; if one of them is missing or contradicts the rows, the other one counts
 * and a full page is not the end; without either only an empty page is.
 */
bool
page_more_follow(const ReplyPage *page, int limit, int64 offset)
{
	int64 end = offset + page->nrows;

	if (page->more == MORE_YES || page->total > end)
		return true;
	if (page->more == MORE_NO && page->total == end)
		return false;
	if (page->more == MORE_NO || page->total == end)
		return page->nrows >= limit;
	return true;
}

/* So many rows NetSuite gives by offset, in pages of this size */
int64
offset_cap(int page_size)
{
	return Min((int64) ROW_CAP, (int64) PAGE_CAP * page_size);
}

/* Are that all?  A total of ROW_CAP may stand for more. */
bool
offsets_reach(int64 total, int page_size)
{
	return total <= offset_cap(page_size) && total != ROW_CAP;
}

/* The rows of a page by offset, out of so many, of which NetSuite gives the first ROW_CAP */
int64
part_rows_due(const Part *part, int64 total)
{
	return Max(0, Min(part->limit, Min(total, ROW_CAP) - part->offset));
}

/* Does a reply by offset agree with itself? */
bool
part_agrees(const Part *part, const ReplyPage *page)
{
	int64 end = part->offset + page->nrows;

	if (page->total < 0 || page->nrows != part_rows_due(part, page->total))
		return false;
	if (page->more == MORE_UNKNOWN)
		return page->total > end || page->nrows < part->limit;
	return (page->more == MORE_YES) == (page->total > end);
}

/* -- cutting the key into ranges -- */

/* Cut off what lies behind point, as a part that follows */
static void
cut(MemoryContext context, Part *part, int64 point, double rows)
{
	Part *rest = part_new(context, part->limit);

	rest->lo[0] = point;
	rest->nlo = 1;
	rest->hi = part->hi;
	rest->has_hi = part->has_hi;
	rest->expected = rows;
	rest->spacing = part->spacing;
	part->hi = point;
	part->has_hi = true;
	part->expected = Max(part->expected - rows, 0);
	if (part->request)
		part->given_away += rows;
	/* the next total is not that of the rows promised before */
	part->left = rest->left = -1;
	part->recut = true;
	dlist_insert_after(&part->node, &rest->node);
}

/* Where a part has so many rows behind its start, if the spacing holds */
static bool
point_after(Part *part, double rows, int64 *point)
{
	double spacing = part->spacing;
	double where;

	if (part->has_hi && part->expected > 0)
		spacing = ((double) part->hi - (double) part->lo[0]) / part->expected;
	where = (double) part->lo[0] + spacing * rows;
	if (where >= (double) PG_INT64_MAX || where <= (double) PG_INT64_MIN)
		return false;
	*point = (int64) where;
	return *point > part->lo[0] && (!part->has_hi || *point < part->hi);
}

/* The first page is here and more follow: one range for each slot */
void
parts_divide(dlist_head *parts, Part *first, int slots, MemoryContext context)
{
	double share = ceil(first->expected / slots / first->limit) * first->limit;
	double left = first->expected;
	Part *part = first;

	while (left > share && --slots > 0)
	{
		int64 point;

		if (!point_after(part, share, &point))
			break;
		left -= share;
		cut(context, part, point, left);
		part = dlist_container(Part, node, dlist_next_node(parts, &part->node));
	}
}

/*
 * The first page of a long read is on its way, and the table is known from
 * before: the other slots need not wait for it.  The guess may be wrong.  The
 * first page still asks for everything, and what lies beyond its range is left
 * to the others.
 */
void
parts_divide_ahead(dlist_head *parts, Part *first, const TableSize *guess, int slots, MemoryContext context)
{
	if (guess->high <= guess->low)
		return;
	first->lo[0] = guess->low;
	first->expected = guess->rows;
	first->spacing = ((double) guess->high - (double) guess->low) / guess->rows;
	parts_divide(parts, first, slots, context);
}

/* Are large pages being tried? */
bool
parts_try_large(dlist_head *parts)
{
	dlist_iter i;

	dlist_foreach(i, parts)
	{
		Part *part = dlist_container(Part, node, i.cur);

		if (part->large_refused || (part->request && part->large))
			return true;
	}
	return false;
}

/* Rows of a part that no request in flight will bring */
static double
unasked(Part *part)
{
	return part->finished ? 0 : part->expected - (part->request ? part->limit : 0);
}

/* Rows by which the end of so many may be misjudged: a few times what chance does to even keys */
static double
margin(double rows)
{
	return 2 * sqrt(Max(rows, 0));
}

/* Requests one after the other that so many servers need for some rows, with places misjudged */
static double
rounds(double rows, int servers, int limit)
{
	double n = 1;

	if (servers <= 0)
		return INFINITY;
	n = ceil(rows / servers / limit);
	return rows > servers * (n * limit - margin(n * limit)) ? n + 1 : n;
}

/*
 * Slots are free and nothing is to be sent: the largest part gives up its end.
 * All take even shares, so that they end together, but where the free ones are
 * as quick alone, the part only ends what is in flight.
 */
bool
parts_cut_largest(dlist_head *parts, int slots, MemoryContext context)
{
	Part *largest = NULL;
	dlist_iter i;
	int64 point;
	double rows;
	double share;

	dlist_foreach(i, parts)
	{
		Part *part = dlist_container(Part, node, i.cur);

		if (part->nlo > 0 && (largest == NULL || unasked(part) > unasked(largest)))
			largest = part;
	}
	if (largest == NULL || unasked(largest) < 1)
		return false;
	rows = unasked(largest);
	if (rounds(rows, slots, largest->limit) <= rounds(rows, slots + 1, largest->limit))
		share = rows / slots;
	else
		share = rows / (slots + 1);
	/* what is in flight ends before this point for certain */
	if (share >= rows)
		share = rows + margin(largest->limit);
	if (!point_after(largest, largest->expected - share, &point))
		return false;
	cut(context, largest, point, share);
	return true;
}

/* -- for EXPLAIN -- */

/* The query of the first page */
char *
cursor_first_query(const CursorSpec *spec)
{
	return part_query(spec, NULL);
}

/* How the answer is paged */
const char *
cursor_paging(const CursorSpec *spec, const ServerOptions *o)
{
	if (spec->wanted > 0 && spec->wanted <= o->page_size)
		return psprintf("one page of " INT64_FORMAT "%s", spec->wanted,
						o->fetch_first == DECLARED_NO ? "" : ", by FETCH FIRST if the account has it");
	if (spec->nkeys == 0)
	{
		if (spec->order == NULL)
			return "one row";
		return psprintf("by offset, pages of %d, up to %d at once, at most %d rows", o->page_size,
						o->max_concurrency, Min(ROW_CAP, PAGE_CAP * o->page_size));
	}
	if (spec->ordered)
		return psprintf("by key, pages of %d, in order", o->page_size);
	return psprintf("by key, pages of %d, up to %d ranges at once", o->page_size,
					o->max_concurrency);
}
