/*
 * ready.h
 *		Pages that have arrived and wait to be read.
 */
#ifndef NETSUITE_READY_H
#define NETSUITE_READY_H

#include "postgres.h"

#include "lib/ilist.h"
#include "netsuite_fdw/client.h"
#include "netsuite_fdw/range.h"

/* A page that has arrived */
typedef struct Ready
{
	dlist_node node;
	ReplyPage page;
	Part *part;
	int64 offset; /* asked for */
	int64 hi;     /* rows beyond belong to another part */
	bool has_hi;
	bool stop_at_last; /* rows that share the last key come again */
	int64 last[MAX_KEYS];
	int64 before[MAX_KEYS]; /* key of the row before */
	int nbefore;
	int64 at; /* rows read of it */
} Ready;

extern Ready *ready_new(dlist_head *spare, MemoryContext context);
extern void ready_drop_text(HttpBuffer *text);
extern void ready_recycle(dlist_head *spare, Ready *r, size_t most);
extern bool ready_accept(Request *request, void *arg, const char **why);

#endif /* NETSUITE_READY_H */
