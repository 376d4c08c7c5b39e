/*
 * deadline.h
 *		How long a job may take.
 */
#ifndef INGEST_DEADLINE_H
#define INGEST_DEADLINE_H

/* After its time, a job has this long to end, each time that it is told to */
#define DEADLINE_GRACE_MS 5000

/* What fails after so many milliseconds is told in these words */
extern void deadline_begin(int ms, const char *words);
extern void deadline_end(void);

#endif /* INGEST_DEADLINE_H */
