/*
 * alert.c
 *		What is wrong and waits for somebody: alerts.sql.
 */
#include "postgres.h"

#include "ingest/base/sql.h"
#include "ingest/event/alert.h"
#include "utils/guc.h"

static int waiting_alert = 15; /* ingest.waiting_alert, minutes */

void
alerts_look(void)
{
	repo_run("SELECT ingest_internal.alerts_look($1 * interval '1 min')", arg_float8(waiting_alert));
}

/* ingest.waiting_alert */
void
alert_settings(void)
{
	DefineCustomIntVariable("ingest.waiting_alert",
							"How long a job may be due without being begun before there is an alert.", NULL,
							&waiting_alert, 15, 1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}
