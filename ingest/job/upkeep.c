/*
 * upkeep.c
 *		What nobody needs any more is deleted.
 *
 * In a process of its own, so that a lock that somebody holds for long, or a table that
 * holds much, keeps no job waiting.  The scheduler starts it every hour.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "ingest/base/attempt.h"
#include "ingest/base/home.h"
#include "ingest/base/sql.h"
#include "ingest/job/process.h"
#include "ingest/job/upkeep.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

extern PGDLLEXPORT void ingest_upkeep_main(Datum arg);

static int event_retention = 7 * 24 * 60; /* ingest.event_retention, minutes */
static int run_retention = 30 * 24 * 60;  /* ingest.run_retention, minutes */
/*
 * Read by prune itself: who may call that says nothing of what was written down about people, or of what
 * sources were
 */
static int audit_retention = 365 * 24 * 60;    /* ingest.audit_retention, minutes */
static int metadata_retention = 365 * 24 * 60; /* ingest.metadata_retention, minutes */

/* What an attempt does; a repository that was restored keeps all of it until it is told to go on */
static void
prune(void *arg)
{
	if (home_is_ours())
		repo_run("SELECT ingest_internal.prune_all($1 * interval '1 min', $2 * interval '1 min')",
				 arg_float8(event_retention), arg_float8(run_retention));
}

/* The process: once, and it ends */
void
ingest_upkeep_main(Datum arg)
{
	Oid database,
		role;
	Failure failure;
	bool there;

	process_enter(arg, &database, &role);
	process_signals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	SetConfigOption("lock_timeout", LOCK_TIMEOUT_OF_OURS, PGC_USERSET, PGC_S_SESSION);
	PortalContext = AllocSetContextCreate(TopMemoryContext, "ingest upkeep", ALLOCSET_DEFAULT_SIZES);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	there = process_finds_extension();
	PopActiveSnapshot();
	if (!there)
		proc_exit(0);
	pgstat_report_activity(STATE_RUNNING, "ingest: deleting what is old");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	sql_settings();
	if (!attempt_and_commit(prune, NULL, &failure))
		ereport(LOG, (errmsg("ingest: old data could not be deleted: %s", failure_text(&failure))));
	SPI_finish();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	proc_exit(0);
}

/* Ages in minutes */
void
upkeep_settings(void)
{
	DefineCustomIntVariable("ingest.event_retention",
							"How long events are kept, and longer for consumers that have not read them.", NULL,
							&event_retention, 7 * 24 * 60, 1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest.run_retention", "How long runs, their logs and profiles are kept.", NULL,
							&run_retention, 30 * 24 * 60, 1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("ingest.audit_retention", "How long the audit is kept.", NULL, &audit_retention,
							365 * 24 * 60, 1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"ingest.metadata_retention",
		"How long changes of metadata are kept, and columns and tables that are gone at their source.", NULL,
		&metadata_retention, 365 * 24 * 60, 1, INT_MAX, PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}
