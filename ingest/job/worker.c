/*
 * worker.c
 *		A worker: does the jobs of one role, logged in as that role.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "ingest/base/sql.h"
#include "ingest/job/job.h"
#include "ingest/job/process.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

extern PGDLLEXPORT void ingest_worker_main(Datum arg);

/* A moment's wait saves starting another: 20 times 50 ms */
#define IDLE_ROUNDS 20
#define ROUND_MS 50L

/*
 * Logged in as the owner of the jobs that it does; it ends after a minute, when nothing is left, or when another
 * owner's turn has come
 */
void
ingest_worker_main(Datum arg)
{
	TimestampTz alive_since = GetCurrentTimestamp();
	Oid database,
		role;
	int idle = 0;

	process_enter(arg, &database, &role);
	process_signals();
	BackgroundWorkerInitializeConnectionByOid(database, role, 0);
	/* what RESET gives, so that no job changes it for the next */
	SetConfigOption("application_name", "ingest worker", PGC_USERSET, PGC_S_OVERRIDE);
	sql_bound_waits();
	PortalContext = AllocSetContextCreate(TopMemoryContext, "ingest worker", ALLOCSET_DEFAULT_SIZES);
	while (idle < IDLE_ROUNDS)
	{
		int64 done = 0;
		bool gives_way;

		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		if (!process_finds_extension())
			proc_exit(0);
		SPI_connect_ext(SPI_OPT_NONATOMIC);
		sql_settings();
		pgstat_report_activity(STATE_RUNNING, "ingest: working");
		gives_way = !engine_enabled || jobs_work_by_turns(alive_since, &done);
		SPI_finish();
		CommitTransactionCommand();
		MemoryContextReset(PortalContext);
		pgstat_report_stat(true);
		pgstat_report_activity(STATE_IDLE, NULL);
		if (gives_way)
			break;
		idle = done > 0 ? 0 : idle + 1;
		process_nap(ROUND_MS);
	}
	proc_exit(0);
}
