/*
 * cron.h
 *		When a schedule is due.
 */
#ifndef INGEST_CRON_H
#define INGEST_CRON_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* "minute hour day month weekday", as cron has it: the first match after a moment, in a zone's wall clock; false: it is no such thing */
extern bool cron_next(const char *schedule, TimestampTz after, TimestampTz *next);

#endif /* INGEST_CRON_H */
