/*
 * range.h
 *		Parts of an answer: ranges of a key, or pages by offset.
 */
#ifndef NETSUITE_RANGE_H
#define NETSUITE_RANGE_H

#include "postgres.h"

#include "lib/ilist.h"
#include "netsuite_fdw/cursor.h"

#define ROW_CAP 100000 /* of one query, however it is paged */
#define PAGE_CAP 1000

/* A part of the answer: a range of the key, or one page by offset */
typedef struct Part
{
	dlist_node node;
	int64 lo[MAX_KEYS]; /* rows behind this key ... */
	int nlo;            /* ... of which so many columns count */
	bool again;         /* and at it: they share it, and were not all on the page before */
	int64 hi;           /* ... up to this leading column, if has_hi */
	bool has_hi;
	int64 offset;
	int skip;             /* rows still to pass over: they were read before */
	int limit;            /* rows per request */
	int64 left;           /* rows that its last page promised to follow; -1 for unknown */
	bool recut;           /* its end is no longer that of the request in flight */
	int64 from[MAX_KEYS]; /* where its last page began, */
	int nfrom;
	int came;            /* and how many rows it had */
	double expected;     /* rows believed to be left */
	double spacing;      /* leading key per row, as last seen */
	double given_away;   /* rows cut off while a request was in flight */
	Request *request;    /* in flight, or NULL */
	struct Ready *reply; /* where its page will be */
	bool finished;       /* all requested; pages may wait to be read */
	int unread;          /* pages that wait */
	bool large;          /* asked for LARGE_PAGE rows */
	bool fetch;          /* asked for FETCH FIRST */
	bool large_refused;  /* with LARGE_PAGE; asked again without */
	bool fetch_refused;  /* with FETCH FIRST; asked again without */
} Part;

extern Part *part_new(MemoryContext context, int limit);
extern char *part_condition(const CursorSpec *spec, const Part *part);
extern char *part_query(const CursorSpec *spec, const Part *part);
extern char *range_at(const CursorSpec *spec, const int64 *key);
extern char *range_between(const CursorSpec *spec, const int64 *lo, int nlo, const int64 *last);
extern int keys_compare(const int64 *a, const int64 *b, int n);
extern bool page_more_follow(const ReplyPage *page, int limit, int64 offset);
extern int64 offset_cap(int page_size);
extern bool offsets_reach(int64 total, int page_size);
extern int64 part_rows_due(const Part *part, int64 total);
extern bool part_agrees(const Part *part, const ReplyPage *page);
extern void parts_divide(dlist_head *parts, Part *first, int slots, MemoryContext context);
extern void parts_divide_ahead(dlist_head *parts, Part *first, const TableSize *guess, int slots, MemoryContext context);
extern bool parts_try_large(dlist_head *parts);
extern bool parts_cut_largest(dlist_head *parts, int slots, MemoryContext context);

#endif /* NETSUITE_RANGE_H */
