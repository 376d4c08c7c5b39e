/*
 * window.h
 *		Which part of a source an incremental run reads.
 */
#ifndef INGEST_WINDOW_H
#define INGEST_WINDOW_H

#include "ingest/sync/sync.h"

typedef struct Window
{
	bool empty;
	char *low;  /* inclusive, as text of the cursor's type; NULL: open */
	char *high; /* exclusive with a clock, inclusive without; NULL: open */
	bool inclusive;
	char *watermark; /* what the watermark will be */
	bool jumped;     /* the clock there did not go as ours did */
	char *seen_at;   /* of a cursor that is no time: when high was the newest */
	bool set_back;   /* and it is less than it was */
	char *ahead;     /* without a clock: the newest cursor there, if that is a time that cannot have come yet */
} Window;

/* A watermark as a moment, where the cursor is a time; else NULL */
extern char *window_moment(const Sync *sync, const char *watermark);
/* Ask the source's clock, once per run, and what is under way there */
extern void window_clock(Sync *sync);
/* That is noted; then, in a later transaction, which of what was noted has ended.  Where nothing is known: nothing */
extern void window_mark(const Sync *sync);
extern void window_settle(const Sync *sync);
/* A load begins: what is under way now may commit rows that are older than its watermark and that it does not see */
extern void window_load(const Sync *sync, const char *start);
/* Is the time there that which all stamps are of?  Else it is no more than what they cannot be later than */
extern bool window_is_by_clock(const Sync *sync);
/* Where a first load's watermark begins: nothing older can come later; ahead: as in a window */
extern char *window_start(Sync *sync, char **ahead);
/* The lesser of two values of the cursor's type */
extern char *window_earlier(const Sync *sync, const char *a, const char *b);
extern Window window_next(Sync *sync);
/* What is noted of a window when it is read: of a cursor that is no time when it was the newest */
extern void window_note(const Sync *sync, const Window *window);
/* All since window_low, without a clock: the watermark is to stay */
extern Window window_open(Sync *sync);
extern char *window_condition(const Sync *sync, const Window *window);
/*
 * The beginning of the window, by the watermark alone: rows that came late are in it, an hour that came twice, but
 * not what a clock that was set back hides
 */
extern char *window_low(Sync *sync);
/* The beginning of the window of the feed of deletions */
extern char *window_deleted_low(Sync *sync);

#endif /* INGEST_WINDOW_H */
