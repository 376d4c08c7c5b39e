/*
 * zone.h
 *		The zone in which SuiteQL shows datetimes.
 */
#ifndef NETSUITE_ZONE_H
#define NETSUITE_ZONE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "netsuite_fdw/client.h"
#include "pgtime.h"

typedef enum Season
{
	SEASON_WINTER, /* around January */
	SEASON_SUMMER, /* around July */
	SEASONS
} Season;

/* What records that both services show tell of it */
typedef struct ZoneTrait
{
	bool settled; /* there is no more to be learnt in this session */
	bool seen[SEASONS];
	int offset_s[SEASONS]; /* of datetimes from UTC */
	TimestampTz at[SEASONS];
	char *problem; /* why a season could not be seen, or NULL */
} ZoneTrait;

extern pg_tz *trait_zone(Client *client);
extern pg_tz *zone_measured(Client *client, bool needed, const char **problem);
extern bool zone_agrees(Client *client, pg_tz *zone, const char **seen);

#endif /* NETSUITE_ZONE_H */
