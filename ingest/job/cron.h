/*
 * cron.h
 *		When a schedule is due.
 */
#ifndef INGEST_CRON_H
#define INGEST_CRON_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "pgtime.h"

typedef enum CronAnswer
{
	CRON_NO_SCHEDULE,
	CRON_NEVER, /* no such date exists */
	CRON_DUE
} CronAnswer;

/*
 * "CRON_TZ=zone " at the beginning of a schedule: what is behind it, and the zone, or the given one; an unknown
 * one is an error
 */
extern const char *cron_zone(const char *schedule, pg_tz **zone);
/*
 * "minute hour day month weekday", as cron has it, or @daily and the like: the first match after a moment, in a
 * zone's wall clock
 */
extern CronAnswer cron_next(const char *schedule, pg_tz *zone, TimestampTz after, TimestampTz *next);

#endif /* INGEST_CRON_H */
