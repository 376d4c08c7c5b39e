/*
 * again.c
 *		Rows of a page that come again: are they what they were?
 *
 * By offset, rows that are passed over tell nothing but their number; whether they
 * are those that were read, only their text can tell.  It is taken as it came:
 * where NetSuite writes the same row in another way, that is a change as well.
 */
#include "postgres.h"

#include "netsuite_fdw/again.h"
#include "netsuite_fdw/jsontext.h"

/* A page that may come again; it must stay as it is */
void
again_begin(Again *a, const ReplyPage *page)
{
	a->page = page;
	a->next = page->items;
	a->at = 0;
}

static const char *
row_behind(const char *row, const char *end)
{
	row = skip_space(skip_container(row, end));
	return *row == ',' ? skip_space(row + 1) : row;
}

/* Is the row with number n what it was?  True as well if it was not on the page. */
bool
again_is(Again *a, int64 n, const char *row)
{
	const char *end = a->page->items_end;

	if (n >= a->page->nrows)
		return true;
	if (n < a->at)
		again_begin(a, a->page);
	/* mostly it is the next one */
	for (; a->at < n; a->at++)
		a->next = row_behind(a->next, end);
	return strncmp(a->next, row, skip_container(a->next, end) - a->next) == 0;
}
