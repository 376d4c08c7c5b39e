/*
 * progress.c
 *		How far profile_table() has come.
 */
#include "postgres.h"

#include "ingest_profile/progress.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

static int interval_ms = 5000;

static char relation_name[NAMEDATALEN * 2 + 8];
static double expected;
static TimestampTz started;
static TimestampTz last;
static bool active = false;

void
progress_setup(void)
{
	DefineCustomIntVariable("ingest_profile.progress_interval",
							"Time between two notices of how far a profile has come.",
							"0 turns them off.",
							&interval_ms, 5000, 0, 86400000, PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ingest_profile");
}

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
	if (interval_ms == 0 || now - last < interval_ms * INT64CONST(1000))
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
