/*
 * progress.c
 *		How far profile_table() has come.
 */
#include "postgres.h"

#include "ingest_profile/progress.h"
#include "utils/timestamp.h"

#define REPORT_MS 5000

static char relation_name[NAMEDATALEN * 2 + 8];
static double expected;
static TimestampTz started;
static TimestampTz last;
static bool active = false;

void
progress_start(const char *relation, double rows_expected)
{
	strlcpy(relation_name, relation, sizeof(relation_name));
	expected = rows_expected;
	started = last = GetCurrentTimestamp();
	active = true;
}

void
progress_stop(void)
{
	active = false;
}

/* Called with the rows that this process has read */
void
progress_report(int64 rows)
{
	TimestampTz now;
	double seconds;

	if (!active)
		return;
	now = GetCurrentTimestamp();
	if (now - last < REPORT_MS * INT64CONST(1000))
		return;
	last = now;
	seconds = (double) (now - started) / USECS_PER_SEC;
	if (expected > rows)
		ereport(NOTICE,
				(errmsg("profile of %s: " INT64_FORMAT " rows read by this process after %.0f s, %.0f %% of about %.0f",
						relation_name, rows, seconds, 100.0 * (double) rows / expected, expected)));
	else
		ereport(NOTICE,
				(errmsg("profile of %s: " INT64_FORMAT " rows read by this process after %.0f s", relation_name, rows, seconds)));
}
