/*
 * moment.h
 *		Dates and times as files have them, whatever the session's DateStyle.
 */
#ifndef FILES_MOMENT_H
#define FILES_MOMENT_H

#include "postgres.h"

#include "files_fdw/option.h"
#include "utils/date.h"
#include "utils/timestamp.h"

typedef enum MomentFault
{
	MOMENT_FINE,
	MOMENT_SYNTAX,
	MOMENT_RANGE,
	MOMENT_ZONE,   /* there is one, and the type has none */
	MOMENT_NO_ZONE /* there is none, and the type needs one */
} MomentFault;

extern MomentFault read_date(const char *p, int len, DateFields order, DateADT *result);
/* with_zone: of timestamptz; zone: of those that do not tell theirs, or NULL */
extern MomentFault read_timestamp(const char *p, int len, DateFields order, bool with_zone, pg_tz *zone,
								  Timestamp *result);
extern MomentFault read_time(const char *p, int len, TimeADT *result);

#endif /* FILES_MOMENT_H */
