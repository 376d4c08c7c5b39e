/*
 * again.h
 *		Rows of a page that come again: are they what they were?
 */
#ifndef NETSUITE_AGAIN_H
#define NETSUITE_AGAIN_H

#include "postgres.h"

#include "netsuite_fdw/page.h"

typedef struct Again
{
	const ReplyPage *page; /* as it came first */
	const char *next;      /* the row that is to be compared next, */
	int64 at;              /* and its number */
} Again;

extern void again_begin(Again *a, const ReplyPage *page);
extern bool again_is(Again *a, int64 n, const char *row);

#endif /* NETSUITE_AGAIN_H */
