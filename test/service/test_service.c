/*
 * test_service.c
 *		A service for the tests: writes down when it looks up, or dies as it is told.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/snapmgr.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void test_service_main(Datum arg);
extern PGDLLEXPORT void test_service_dies(Datum arg);
PG_FUNCTION_INFO_V1(test_service_version);

Datum
test_service_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(1);
}

/* An hour between two looks: whoever sees more of them woke it */
void
test_service_main(Datum arg)
{
	for (;;)
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		SPI_connect();
		PushActiveSnapshot(GetTransactionSnapshot());
		SPI_execute("INSERT INTO public.looked (pid) VALUES (pg_backend_pid())", false, 0);
		SPI_finish();
		PopActiveSnapshot();
		CommitTransactionCommand();
		pgstat_report_stat(true);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 3600 * 1000L, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
test_service_dies(Datum arg)
{
	ereport(FATAL, (errmsg("test service dies")));
}
