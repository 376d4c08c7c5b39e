/*
 * page.h
 *		The frame of a reply.
 */
#ifndef NETSUITE_PAGE_H
#define NETSUITE_PAGE_H

#include "postgres.h"

#include "common/http.h"
#include "common/json.h"

/* Whether a reply says that more rows follow */
typedef enum ReplyMore
{
	MORE_UNKNOWN,
	MORE_YES,
	MORE_NO
} ReplyMore;

/* A page: the text of a reply, and where its rows are */
typedef struct ReplyPage
{
	HttpBuffer text;
	const char *items;     /* first byte after the bracket */
	const char *items_end; /* the closing bracket */
	const char *last_row;
	int nrows;
	int64 total;  /* totalResults; -1 if it is missing or no number */
	int64 offset; /* the same */
	ReplyMore more;
	bool valid_utf8;
	const char *next; /* where the next row is read */
} ReplyPage;

extern bool page_frame(ReplyPage *page, const char **why);
extern Json *page_describe(ReplyPage *page, Json *body, int limit, int64 offset);
extern void page_rewind(ReplyPage *page);

#endif /* NETSUITE_PAGE_H */
