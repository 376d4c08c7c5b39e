/*
 * cursor.c
 *		Read-ahead, order, what the account gives.
 *
 * With a key, the first page tells how many rows there are.  If more pages
 * follow, the rest of the key is cut into as many ranges as requests may run
 * at once, by the spacing seen so far.  Each range is read by keyset: the next
 * page begins behind the last key of the page before, so rows that come, go or
 * change between two pages can neither shift others nor be met twice, and
 * there is no limit of 100,000 rows.  A range that turns out larger than the
 * others is cut again when a slot is free, so skewed keys stay balanced.
 *
 * Without a key, pages are read by offset under a total order.  Rows that come
 * or go meanwhile are noticed by the changed total, and an answer too large
 * for NetSuite's paging is refused before its first row.
 *
 * No total, no hasMore and no declared key is believed where rows contradict it:
 * then the source is asked to count (prove.c).
 *
 * Two things work in some accounts only, and are tried by the first query that
 * gains from them: pages of LARGE_PAGE rows for a long read, FETCH FIRST for the
 * first few of many.  A refusal costs one request, and is remembered.  If more rows
 * are wanted than FETCH FIRST left, they are asked for behind the last key; or, by
 * offset, with the first few once more, which must be what they were.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "netsuite_fdw/again.h"
#include "netsuite_fdw/cursor.h"
#include "netsuite_fdw/prove.h"
#include "netsuite_fdw/range.h"
#include "netsuite_fdw/ready.h"
#include "netsuite_fdw/trait.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define LARGEST_VALUE 0x3fffffff /* PostgreSQL stores no longer text */
#define POLL_ROWS 64             /* look at the network after so many rows */
#define LARGE_PAGE 3000          /* rows; honoured by some accounts */
#define LONG_READ 10             /* pages still to read that make them worth a try */

struct Cursor
{
	MemoryContext context;
	Client *client;
	CursorSpec spec;
	Decoder *decoder;
	RequestStats *stats;
	dlist_head parts; /* in the order of their rows */
	dlist_head ready; /* in the order of arrival */
	dlist_head spare; /* pages whose memory waits for reuse */
	Ready *current;
	Ready *only; /* the whole answer, kept for a re-scan */
	Ready *head; /* the first few rows by offset, kept for when they come again */
	Again again; /* compares them */
	int in_flight;
	int64 buffered;    /* bytes of pages that wait */
	int64 page_bytes;  /* of the largest page so far */
	int first_rows;    /* of the first page */
	int64 total;       /* rows, by the first page; -1 before */
	int64 passed;      /* rows read */
	int64 asked;       /* rows that requests were sent for */
	int64 next_offset; /* all rows before it are asked for by some part */
	bool first_done;
	bool counted;               /* the total is not a reply's word, but the source's count */
	bool doubtful;              /* by offset, pages without a total: the count at the end decides */
	bool cut_short;             /* by FETCH FIRST: there may be more rows */
	bool read_on;               /* behind its last key: the page that is asked for tells how many */
	int64 first_last[MAX_KEYS]; /* key of the first page's last row */
	int64 low;                  /* of the leading key, by the first page of several */
	int64 high;                 /* the largest seen */
	MemoryContextCallback callback;
};

/* -- parts and pages -- */

static int
page_size(Cursor *c)
{
	return client_options(c->client)->page_size;
}

/* Keep the memory of a page for the next one */
static void
recycle(Cursor *c, Ready *r)
{
	ready_recycle(&c->spare, r, client_options(c->client)->max_buffered / 4);
}

/* A long read goes on in the largest pages that the account gives */
static void
choose_limit(Cursor *c, Part *part)
{
	Trait works;

	part->large = false;
	part->limit = Min(part->limit, page_size(c));
	if (part->large_refused || !c->first_done || c->spec.nkeys == 0 || c->spec.wanted > 0 || part->limit != page_size(c) ||
		page_size(c) >= LARGE_PAGE)
		return;
	works = trait_large_pages(c->client);
	if (works == TRAIT_UNKNOWN &&
		(c->total - c->passed < (int64) LONG_READ * page_size(c) || part->expected < LARGE_PAGE ||
		 parts_try_large(&c->parts)))
		return;
	if (works == TRAIT_NO)
		return;
	part->large = true;
	part->limit = LARGE_PAGE;
}

/* The first few of many: spare NetSuite the rest */
static void
choose_fetch(Cursor *c, Part *part)
{
	part->fetch = !part->fetch_refused && !c->first_done && part->skip == 0 && part->offset == 0 &&
				  c->spec.wanted > 0 && c->spec.wanted <= page_size(c) && part->limit == c->spec.wanted &&
				  trait_fetch_first(c->client) != TRAIT_NO;
}

static void
send(Cursor *c, Part *part)
{
	MemoryContext old = MemoryContextSwitchTo(c->context);
	Request *request = request_new(c->client, c->context);
	char *q;

	choose_limit(c, part);
	choose_fetch(c, part);
	q = part_query(&c->spec, part);
	part->reply = ready_new(&c->spare, c->context);
	part->reply->part = part;
	part->reply->offset = part->offset;
	part->recut = false;
	request_query(request, q, part->limit, part->offset);
	pfree(q);
	/* a single row may be as large as PostgreSQL can store */
	request->max_body = part->limit == 1 ? LARGEST_VALUE : client_options(c->client)->max_buffered;
	request->accept = ready_accept;
	request->accept_arg = part->reply;
	request->stats = c->stats;
	/* some accounts refuse what they do not have by a fault */
	request->impatient = part->large || part->fetch;
	part->request = request;
	c->asked += part->limit;
	c->in_flight++;
	request_start(request);
	MemoryContextSwitchTo(old);
}

/* -- what arrives -- */

static void
enqueue(Cursor *c, Part *part, Ready *r)
{
	part->unread++;
	c->buffered += r->page.text.len;
	c->page_bytes = Max(c->page_bytes, (int64) r->page.text.len);
	dlist_push_tail(&c->ready, &r->node);
}

static void
refuse_shared_key(Cursor *c, int limit)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
			 errmsg("more than %d rows of foreign table \"%s\" share the same leading key", limit,
					c->decoder->relation),
			 errhint("Set table option key to integer columns that identify a row.")));
}

/* What proofs are asked about */
static Claim
claim_of(Cursor *c)
{
	Claim claim = {.client = c->client, .spec = &c->spec, .relation = c->decoder->relation, .stats = c->stats};

	return claim;
}

/* A page without rows ends its range, unless it says otherwise and the source's count agrees */
static void
end_range(Cursor *c, Part *part, ReplyPage *page)
{
	Claim claim = claim_of(c);
	int64 n;

	part->finished = true;
	if (page->more != MORE_YES && page->total <= 0)
		return;
	n = prove_count(&claim, part_condition(&c->spec, part));
	if (n > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_REPLY_HANDLE),
				 errmsg("NetSuite's reply has no rows where foreign table \"%s\" has " INT64_FORMAT " more",
						c->decoder->relation, n)));
}

/* The total of rows behind the page before says whether the key hides any */
static void
check_edge(Cursor *c, Part *part, ReplyPage *page)
{
	Claim claim = claim_of(c);

	if (c->spec.key_unique && page->total >= 0 && page->total < part->left)
		prove_page(&claim, part->from, part->nfrom, part->lo, part->came);
}

/* A page of a range: where does the range go on? */
static void
arrived_by_key(Cursor *c, Part *part, Ready *r)
{
	ReplyPage *page = &r->page;
	Claim claim = claim_of(c);
	int64 last[MAX_KEYS];
	bool more = page_more_follow(page, part->limit, 0);

	r->hi = part->hi;
	r->has_hi = part->has_hi;
	memcpy(r->before, part->lo, sizeof(r->before));
	r->nbefore = part->nlo;
	check_edge(c, part, page);
	if (!page_last_key(c->decoder, page, last))
	{
		end_range(c, part, page);
		return;
	}
	if (part->nlo == 0)
		memcpy(c->first_last, last, sizeof(last));
	if (part->nlo > 0 && keys_compare(last, part->lo, part->nlo) < 0)
		refuse_disorder(&claim, last, part->lo);
	if (part->nlo == c->spec.nkeys && keys_compare(last, part->lo, part->nlo) == 0)
	{
		if (!part->again)
			refuse_repeated(&claim, last);
		/* these rows came before: whether others follow is for the source to say */
		if (more && prove_count(&claim, part_condition(&c->spec, part)) > page->nrows)
			refuse_shared_key(c, part->limit);
		more = false;
	}
	if (page->nrows > 1 && part->nlo > 0)
		part->spacing = ((double) last[0] - (double) part->lo[0]) / page->nrows;
	part->expected = Max(0, (double) page->total - page->nrows - part->given_away);
	part->given_away = 0;
	/* the first page may have been a small one */
	if (part->nlo == 0)
		part->limit = Max(part->limit, page_size(c));
	c->high = Max(c->high, last[0]);
	if (!more || (part->has_hi && last[0] > part->hi))
	{
		part->finished = true;
		return;
	}
	if (part->expected < 1)
		part->expected = 1;
	if (!c->spec.key_unique)
	{
		r->stop_at_last = true;
		memcpy(r->last, last, sizeof(last));
		part->again = true;
	}
	part->left = part->recut || page->total < page->nrows ? -1 : page->total - page->nrows;
	part->came = page->nrows;
	memcpy(part->from, part->lo, sizeof(part->from));
	part->nfrom = part->nlo;
	memcpy(part->lo, last, sizeof(last));
	part->nlo = c->spec.nkeys;
}

/* The spacing of the keys, from the first page alone */
static void
first_spacing(Cursor *c, Part *part, ReplyPage *page)
{
	int64 first[MAX_KEYS];
	ReplyPage copy = *page;

	/* the first row, read as if it were the last */
	copy.last_row = copy.items;
	if (page->nrows < 2 || !page_last_key(c->decoder, &copy, first))
		return;
	part->spacing = Max(((double) part->lo[0] - (double) first[0]) / (page->nrows - 1), 1e-9);
	c->low = first[0];
}

/*
 * A reply by offset that contradicts itself or its predecessors: the source's
 * own count takes the place of its totals.
 */
static void
count_instead(Cursor *c, Part *part, const ReplyPage *page)
{
	Claim claim = claim_of(c);
	int64 n = prove_count(&claim, NULL);

	if (page->nrows != part_rows_due(part, n))
	{
		if (c->first_done && n != c->total)
			refuse_change(&claim, c->total, n);
		refuse_page(&claim, page->nrows, part_rows_due(part, n), part->offset, n);
	}
	if (c->counted && n != c->total)
		refuse_change(&claim, c->total, n);
	c->total = n;
	c->counted = true;
}

static void
arrived_by_offset(Cursor *c, Part *part, Ready *r)
{
	ReplyPage *page = &r->page;
	Claim claim = claim_of(c);
	bool as_due;

	part->finished = true;
	if (!c->first_done)
	{
		c->total = page->total;
		if (!part_agrees(part, page))
			count_instead(c, part, page);
		/* who wants fewer rows may not come that far */
		if (!offsets_reach(c->total, page_size(c)) && (c->spec.wanted < 0 || c->spec.wanted > offset_cap(page_size(c))))
			refuse_size(&claim, c->total);
		return;
	}
	as_due = page->nrows == part_rows_due(part, c->total);
	if (c->counted && as_due)
		return;
	if (!c->counted && page->total >= 0 && page->total != c->total)
		refuse_change(&claim, c->total, page->total);
	c->doubtful |= page->total < 0;
	if (!as_due || (page->more == MORE_YES && part->offset + page->nrows >= c->total))
		count_instead(c, part, page);
}

static void
arrived(Cursor *c, Part *part)
{
	Ready *r = part->reply;
	bool first = !c->first_done && part->nlo == 0;

	request_stop(part->request);
	part->request = NULL;
	part->reply = NULL;
	c->in_flight--;
	/* what was refused with it and is answered without it cannot be read; a fault alone may pass */
	if (part->large_refused)
		trait_large_pages_tried(c->client, false);
	if (part->fetch_refused)
		trait_fetch_first_tried(c->client, false);
	part->large_refused = part->fetch_refused = false;
	if (part->large && (r->page.more == MORE_YES || r->page.nrows > page_size(c)))
		trait_large_pages_tried(c->client, r->page.nrows > page_size(c));
	if (part->fetch)
	{
		trait_fetch_first_tried(c->client, true);
		c->cut_short = r->page.nrows >= part->limit;
	}
	if (c->spec.nkeys > 0)
		arrived_by_key(c, part, r);
	else
		arrived_by_offset(c, part, r);
	enqueue(c, part, r);
	if (c->read_on)
	{
		c->total = r->page.total >= r->page.nrows ? c->first_rows + r->page.total : -1;
		c->read_on = false;
	}
	if (!first)
		return;
	if (c->spec.nkeys == 0 && c->spec.wanted > 0 && part->offset == 0 && c->head == NULL)
	{
		c->head = r;
		again_begin(&c->again, &r->page);
	}
	c->first_done = true;
	if (c->spec.nkeys > 0)
		c->total = r->page.total >= r->page.nrows ? r->page.total : -1;
	c->first_rows = r->page.nrows;
	if (c->spec.nkeys == 0 || part->finished)
	{
		if (c->total <= r->page.nrows && !part->has_hi)
			c->only = r;
		return;
	}
	first_spacing(c, part, &r->page);
	if (!c->spec.ordered && c->spec.wanted < 0 && !part->has_hi)
		parts_divide(&c->parts, part, client_allowed(c->client), c->context);
}

/* By offset there are PAGE_CAP pages, however few rows they have */
static void
check_pages(Cursor *c, const Part *part, int before, int64 end)
{
	Claim claim = claim_of(c);

	if (c->first_done)
		end = Min(end, c->total);
	if (end > (int64) PAGE_CAP * part->limit)
		refuse_large_rows(&claim, before, part->limit);
}

/* The reply would not fit: ask for fewer rows at once */
static void
too_large(Cursor *c, Part *part)
{
	int divisor = part->limit % 2 == 0 ? 2 : part->limit % 5 == 0 ? 5
																  : part->limit;
	Part *after = part;

	if (part->limit == 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of foreign table \"%s\" is too large to read", c->decoder->relation),
				 errdetail("NetSuite's reply of one row exceeds %d bytes.", LARGEST_VALUE)));
	request_stop(part->request);
	part->request = NULL;
	recycle(c, part->reply);
	part->reply = NULL;
	c->in_flight--;
	part->limit /= divisor;
	if (c->spec.nkeys > 0)
		return;
	check_pages(c, part, divisor * part->limit, part->offset + (int64) divisor * part->limit);
	for (int i = 1; i < divisor; i++)
	{
		Part *piece = part_new(c->context, part->limit);

		piece->offset = part->offset + (int64) i * part->limit;
		piece->skip = Min(Max(part->skip - i * part->limit, 0), part->limit);
		dlist_insert_after(&after->node, &piece->node);
		after = piece;
	}
	part->skip = Min(part->skip, part->limit);
}

/* Was a part refused because it asked for what not every account has?  Then ask for less. */
static bool
asked_too_much(Cursor *c, Part *part)
{
	Outcome outcome = part->request->outcome;

	if (!(part->large || part->fetch) || (outcome != OUTCOME_REFUSED && outcome != OUTCOME_FAILED))
		return false;
	if (part->large)
		part->limit = page_size(c);
	part->large_refused = part->large;
	part->fetch_refused = part->fetch;
	request_stop(part->request);
	part->request = NULL;
	recycle(c, part->reply);
	part->reply = NULL;
	c->in_flight--;
	return true;
}

/* Look at every request in flight */
static void
collect(Cursor *c)
{
	dlist_mutable_iter i;

	dlist_foreach_modify(i, &c->parts)
	{
		Part *part = dlist_container(Part, node, i.cur);

		if (part->request == NULL || !request_settled(part->request))
			continue;
		if (part->request->state == REQUEST_TOO_LARGE)
			too_large(c, part);
		else if (part->request->state == REQUEST_FAILED)
		{
			if (!asked_too_much(c, part))
				request_raise(part->request);
		}
		else
			arrived(c, part);
	}
}

/* -- what to send -- */

/* Is nothing on its way, and nothing here that may be read next?  Pages that wait for an earlier one do not count. */
static bool
starved(Cursor *c)
{
	if (c->in_flight > 0 || dlist_is_empty(&c->ready))
		return c->in_flight == 0;
	return c->spec.ordered && dlist_head_element(Part, node, &c->parts)->unread == 0;
}

/* May one more request be sent? */
static bool
room(Cursor *c)
{
	if (starved(c))
		return true;
	if (c->in_flight >= client_allowed(c->client))
		return false;
	/* no more than is wanted, as long as that may be true */
	if (c->spec.wanted > 0 && c->asked >= c->spec.wanted && c->passed < c->spec.wanted)
		return false;
	return c->buffered + (c->in_flight + 1) * c->page_bytes <=
		   client_options(c->client)->max_buffered;
}

/* A part that can be sent; in order, the foremost first */
static Part *
sendable(Cursor *c)
{
	dlist_iter i;

	dlist_foreach(i, &c->parts)
	{
		Part *part = dlist_container(Part, node, i.cur);

		if (part->request == NULL && !part->finished)
			return part;
	}
	return NULL;
}

/* The next page by offset.  Offsets count in whole pages, so one behind a short first page begins with its rows. */
static Part *
next_offset_part(Cursor *c)
{
	Part *part;

	if (c->spec.nkeys > 0 || !c->first_done || c->cut_short || c->next_offset >= Min(c->total, offset_cap(page_size(c))))
		return NULL;
	part = part_new(c->context, page_size(c));
	part->skip = c->next_offset % part->limit;
	part->offset = c->next_offset - part->skip;
	c->next_offset = part->offset + part->limit;
	dlist_push_tail(&c->parts, &part->node);
	return part;
}

/* May a read be divided before its first page is here? */
static bool
known_before(Cursor *c, const Part *first)
{
	return c->spec.nkeys > 0 && !c->spec.ordered && c->spec.wanted < 0 && first->skip == 0 &&
		   c->spec.guess.rows >= (double) LONG_READ * page_size(c);
}

static void
schedule(Cursor *c)
{
	while (room(c))
	{
		Part *part = sendable(c);

		if (part == NULL)
			part = next_offset_part(c);
		if (part == NULL && c->spec.nkeys > 0 && !c->spec.ordered && c->spec.wanted < 0 &&
			c->first_done &&
			parts_cut_largest(&c->parts, client_allowed(c->client) - c->in_flight, c->context))
			part = sendable(c);
		if (part == NULL)
			break;
		send(c, part);
		if (!c->first_done && part->nlo == 0 && !part->has_hi && known_before(c, part))
			parts_divide_ahead(&c->parts, part, &c->spec.guess, client_allowed(c->client), c->context);
	}
}

/* -- rows -- */

/* Is every part read to its end? */
static bool
exhausted(Cursor *c)
{
	dlist_iter i;

	if (!c->first_done || !dlist_is_empty(&c->ready))
		return false;
	dlist_foreach(i, &c->parts)
	{
		if (!dlist_container(Part, node, i.cur)->finished)
			return false;
	}
	return c->spec.nkeys > 0 || c->cut_short || c->next_offset >= Min(c->total, offset_cap(page_size(c)));
}

/* The next page to read, in the order of parts if order is wanted */
static Ready *
pick(Cursor *c)
{
	dlist_iter i;

	while (!dlist_is_empty(&c->parts))
	{
		Part *part = dlist_head_element(Part, node, &c->parts);

		if (!part->finished || part->unread > 0)
			break;
		dlist_delete(&part->node);
		pfree(part);
	}
	dlist_foreach(i, &c->ready)
	{
		Ready *r = dlist_container(Ready, node, i.cur);

		if (!c->spec.ordered || r->part == dlist_head_element(Part, node, &c->parts))
		{
			dlist_delete(&r->node);
			return r;
		}
	}
	return NULL;
}

/* Is a page kept when it has been read? */
static bool
is_kept(Cursor *c, const Ready *r)
{
	return r == c->only || r == c->head;
}

static void
leave_page(Cursor *c)
{
	Ready *r = c->current;

	c->current = NULL;
	c->buffered -= r->page.text.len;
	if (r->part)
		r->part->unread--;
	if (!is_kept(c, r))
		recycle(c, r);
}

static void
forget_pages(Cursor *c)
{
	if (c->current && !is_kept(c, c->current))
		recycle(c, c->current);
	c->current = NULL;
	while (!dlist_is_empty(&c->ready))
	{
		Ready *r = dlist_container(Ready, node, dlist_pop_head_node(&c->ready));

		if (!is_kept(c, r))
			recycle(c, r);
	}
	while (!dlist_is_empty(&c->parts))
	{
		Part *part = dlist_container(Part, node, dlist_pop_head_node(&c->parts));

		if (part->request)
		{
			request_stop(part->request);
			recycle(c, part->reply);
		}
		pfree(part);
	}
	c->in_flight = 0;
	c->buffered = 0;
	c->passed = c->asked = c->next_offset = 0;
}

/* Ask anew from the first row on, with a first page of limit rows; skip rows were read before */
static void
begin(Cursor *c, int limit, int skip)
{
	Part *part = part_new(c->context, limit);

	part->skip = skip;
	part->left = -1;
	c->passed = skip;
	c->next_offset = limit;
	c->first_done = c->counted = c->doubtful = false;
	c->total = -1;
	c->low = 0;
	c->high = PG_INT64_MIN;
	dlist_push_tail(&c->parts, &part->node);
}

/*
 * FETCH FIRST cut the answer short and yet more rows are wanted.  A key says where
 * they begin, whatever became of the rows before; by offset the first few come
 * again, and are held against those that were read.
 */
static void
read_on(Cursor *c)
{
	int read = c->first_rows;
	Part *part;

	if (c->only && c->only != c->head)
		recycle(c, c->only);
	c->only = NULL;
	c->cut_short = false;
	if (c->spec.nkeys == 0 || !c->spec.key_unique)
	{
		forget_pages(c);
		begin(c, page_size(c), read);
		return;
	}
	part = part_new(c->context, page_size(c));
	memcpy(part->lo, c->first_last, sizeof(part->lo));
	part->nlo = c->spec.nkeys;
	part->left = -1;
	c->total = -1;
	c->read_on = true;
	dlist_push_tail(&c->parts, &part->node);
}

/* Begin again: from memory if the answer was one page, else by asking anew */
void
cursor_rewind(Cursor *c)
{
	int limit = page_size(c);

	forget_pages(c);
	if (c->head != NULL && c->head != c->only)
	{
		recycle(c, c->head);
		c->head = NULL;
	}
	c->read_on = false;
	if (c->only != NULL)
	{
		page_rewind(&c->only->page);
		c->only->nbefore = 0;
		c->only->at = 0;
		c->only->part = NULL;
		c->current = c->only;
		c->buffered = c->only->page.text.len;
		c->next_offset = c->total;
		return;
	}
	c->cut_short = false;
	if (c->spec.wanted > 0)
		limit = (int) Min(c->spec.wanted, limit);
	begin(c, limit, 0);
}

/*
 * At the end of an answer of several pages: are all rows here that were promised?
 * Deletions make fewer of them, and so does a key that is null in some rows,
 * repeats, or does not sort as a number.
 */
static void
check_missing(Cursor *c)
{
	Claim claim = claim_of(c);
	int64 promised = c->total;

	if (c->only != NULL)
		return;
	if (c->spec.nkeys == 0)
	{
		int64 n = c->counted || c->doubtful ? prove_count(&claim, NULL) : c->total;

		/* the end of what NetSuite gives is not the end */
		if (!offsets_reach(c->total, page_size(c)))
			refuse_size(&claim, c->total);
		if (n != c->total)
			refuse_change(&claim, c->total, n);
		if (c->passed != c->total)
			refuse_change(&claim, c->total, c->passed);
		return;
	}
	/* no total, or one that stops at the cap */
	if (promised < 0 || (promised == ROW_CAP && c->passed > promised))
		promised = prove_count(&claim, NULL);
	if (c->passed >= promised)
		return;
	prove_no_null_key(&claim);
	if (!c->spec.key_unique)
		return;
	prove_unique_key(&claim);
	prove_page(&claim, NULL, 0, c->first_last, c->first_rows);
}

/* Wait for the next page; false at the end of the answer */
static bool
next_page(Cursor *c)
{
	for (;;)
	{
		TimestampTz start;

		CHECK_FOR_INTERRUPTS();
		collect(c);
		c->current = pick(c);
		if (c->current != NULL)
			return true;
		if (exhausted(c))
		{
			if (!c->cut_short)
			{
				check_missing(c);
				return false;
			}
			read_on(c);
		}
		schedule(c);
		start = GetCurrentTimestamp();
		client_turn(c->client, -1);
		c->stats->wait_us += GetCurrentTimestamp() - start;
	}
}

/* Does the row just read belong here, and is it where it must be? */
static bool
belongs(Cursor *c, Ready *r)
{
	Decoder *d = c->decoder;
	int order;

	if (r->has_hi && d->key[0] > r->hi)
		return false;
	if (r->stop_at_last && keys_compare(d->key, r->last, d->nkeys) == 0)
		return false;
	order = keys_compare(d->key, r->before, r->nbefore);
	if (order < 0 || (order == 0 && r->nbefore == d->nkeys && c->spec.key_unique))
	{
		Claim claim = claim_of(c);

		if (order == 0)
			refuse_repeated(&claim, d->key);
		refuse_disorder(&claim, d->key, r->before);
	}
	memcpy(r->before, d->key, sizeof(r->before));
	r->nbefore = d->nkeys;
	return true;
}

/* A row that was read before: if it was one of the first few, it must be what it was */
static void
pass_over(Cursor *c, const char *row)
{
	Claim claim = claim_of(c);

	if (c->head && !again_is(&c->again, c->current->offset + c->current->at - 1, row))
		refuse_again(&claim, c->head->page.nrows);
}

/* The next row; false at the end */
bool
cursor_next(Cursor *c, Datum *values, bool *nulls)
{
	for (;;)
	{
		const char *row;

		CHECK_FOR_INTERRUPTS();
		if (c->current == NULL && !next_page(c))
			return false;
		/* keep the network busy, once it seems that more rows will be read */
		if (c->passed % POLL_ROWS == POLL_ROWS - 1 && c->only == NULL &&
			(c->passed > page_size(c) / 2))
		{
			collect(c);
			schedule(c);
			client_turn(c->client, 0);
		}
		row = c->current->page.next;
		if (page_next(c->decoder, &c->current->page, values, nulls))
		{
			c->current->at++;
			if (c->spec.nkeys > 0 && !belongs(c, c->current))
			{
				leave_page(c);
				continue;
			}
			if (c->current->part && c->current->part->skip > 0)
			{
				pass_over(c, row);
				c->current->part->skip--;
				continue;
			}
			c->passed++;
			return true;
		}
		leave_page(c);
	}
}

/* -- opening and closing -- */

static void
free_pages(void *arg)
{
	Cursor *c = arg;
	dlist_iter i;

	dlist_foreach(i, &c->ready)
		ready_drop_text(&dlist_container(Ready, node, i.cur)->page.text);
	dlist_foreach(i, &c->spare)
		ready_drop_text(&dlist_container(Ready, node, i.cur)->page.text);
	dlist_foreach(i, &c->parts)
	{
		Part *part = dlist_container(Part, node, i.cur);

		if (part->reply)
			ready_drop_text(&part->reply->page.text);
	}
	if (c->current && !is_kept(c, c->current))
		ready_drop_text(&c->current->page.text);
	if (c->head && c->head != c->only)
		ready_drop_text(&c->head->page.text);
	if (c->only)
		ready_drop_text(&c->only->page.text);
}

/* Open a cursor in a context of its own below the current one */
Cursor *
cursor_open(Client *client, const CursorSpec *spec, Decoder *decoder, RequestStats *stats)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "netsuite cursor",
												  ALLOCSET_DEFAULT_SIZES);
	Cursor *c = MemoryContextAllocZero(context, sizeof(Cursor));

	c->context = context;
	c->client = client;
	c->spec = *spec;
	c->decoder = decoder;
	c->stats = stats;
	dlist_init(&c->parts);
	dlist_init(&c->ready);
	dlist_init(&c->spare);
	c->callback.func = free_pages;
	c->callback.arg = c;
	MemoryContextRegisterResetCallback(context, &c->callback);
	client_hold(client, context);
	cursor_rewind(c);
	return c;
}

void
cursor_close(Cursor *c)
{
	MemoryContextDelete(c->context);
}

/* Rows of the whole answer, or -1 if not known yet */
int64
cursor_total(Cursor *c)
{
	return c->cut_short ? -1 : c->total;
}

/* Between which values the leading key was, after an answer of several pages */
bool
cursor_ends(Cursor *c, int64 *low, int64 *high)
{
	*low = c->low;
	*high = c->high;
	return c->spec.nkeys > 0 && c->first_done && c->low < c->high;
}
