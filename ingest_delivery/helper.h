/*
 * helper.h
 *		A program beside the server that does what must not be done in it, one a process: it is begun when it is
 *		needed, spoken to in frames, and ended when it does not answer.
 *
 * Nothing here waits.  http_turn() returns when it has said something, and then it is to be listened to.
 */
#ifndef DELIVERY_HELPER_H
#define DELIVERY_HELPER_H

#include "postgres.h"

#include "common/frame.h"

typedef struct HelperUse
{
	const char *program; /* in the folder of the server's libraries */
	int ping;            /* kinds of frames: what is asked, with a number, and what answers it */
	int pong;
	/* What it is told first */
	void (*greet)(FrameBuffer *out);
	/* What it says; false: that is not understood.  Must not throw */
	bool (*hear)(Frame *frame);
	/* It has gone, for whatever reason; must not throw */
	void (*lost)(const char *why);
} HelperUse;

/* Where to write frames for it; it is begun if it does not run.  NULL: it cannot be, *why says so */
extern FrameBuffer *helper_out(const HelperUse *use, const char **why);
extern bool helper_runs(void);
/* What it said meanwhile goes to hear and lost */
extern void helper_listen(void);
/* What was written may go */
extern void helper_flush(void);
/* Something is waited for: it is asked whether it lives, and ended if it does not say so */
extern void helper_check(void);
extern void helper_end(void);

#endif /* DELIVERY_HELPER_H */
