/*
 * schedule.h
 *		Jobs that are done again and again.
 */
#ifndef INGEST_SCHEDULE_H
#define INGEST_SCHEDULE_H

/* Put what is due into the queue, each in its own subtransaction: one whose schedule cannot be read stops no other */
extern void schedule_due(void);

#endif /* INGEST_SCHEDULE_H */
