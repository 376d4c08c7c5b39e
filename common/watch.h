/*
 * watch.h
 *		Sockets that the event loop waits for, besides the latch.
 *
 * http_turn() waits for all of them: those of libcurl, and others' who have entered them
 * and look at them when it returns.
 */
#ifndef COMMON_WATCH_H
#define COMMON_WATCH_H

#include "postgres.h"

#include "storage/latch.h"

/* What is waited for: to be readable, writeable, both; as libcurl numbers them */
#define WATCH_NOT 0
#define WATCH_IN 1
#define WATCH_OUT 2

/* Room for so many more; false: there is no memory.  Does not throw */
extern bool watch_reserve(int more);
/* of_curl: goes with watch_forget_curl.  False: there is no memory.  Does not throw */
extern bool watch_set(pgsocket fd, int what, bool of_curl);
extern void watch_forget_curl(void);
/* Waits; how many events there are */
extern int watch_wait(long timeout_ms, WaitEvent **happened);

#endif /* COMMON_WATCH_H */
