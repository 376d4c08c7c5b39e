/*
 * watch.c
 *		Sources that say when something may have changed.
 *
 * A hint, as NOTIFY is: what is true is what a run of the sync finds.  So nothing is lost when nobody listens.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/job/watch.h"
#include "ingest/repository/connector.h"
#include "ingest/sync/merge.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* Of one transaction, so that it holds back nobody's vacuum */
#define WAIT "5 s"
/* Of one job: then others may have the worker */
#define A_WHILE (50 * USECS_PER_SEC)

typedef struct Heard
{
	char *table_name; /* NULL: any */
} Heard;

ROW_SHAPE(heard_shape, Heard, FIELD(TEXT, Heard, table_name));

/* One wait, and what it gave goes into the queue */
static void
listen_once(void *arg)
{
	Source *source = source_by_name(arg);
	Strings tables = {0};
	bool any = false;
	int n;
	Heard *heard;
	char *ask;

	if (source->watch == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the connector of source \"%s\" cannot watch it", source->name)));
	ask = psprintf("SELECT w::text AS table_name FROM %s($1, interval '" WAIT "') w", source->watch);
	heard = user_structs(heard_shape, &n, ask, arg_name(source->server));
	for (int i = 0; i < n; i++)
	{
		any = any || heard[i].table_name == NULL;
		if (heard[i].table_name)
			strings_add(&tables, heard[i].table_name);
	}
	if (n > 0)
		repo_run("SELECT ingest_internal.watch_heard($1, $2)", arg_int4(source->id),
				 any ? arg_null(TEXTARRAYOID) : arg_texts(tables.items, tables.n));
}

bool
watch_for_a_while(const char *source, Failure *failure)
{
	TimestampTz end = GetCurrentTimestamp() + A_WHILE;

	while (GetCurrentTimestamp() < end)
	{
		TimestampTz began = GetCurrentTimestamp();

		CHECK_FOR_INTERRUPTS();
		if (!attempt_and_commit(listen_once, unconstify(char *, source), failure))
			return false;
		/* one that does not wait must not make a loop of it */
		if (GetCurrentTimestamp() < began + USECS_PER_SEC)
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 1000, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	return true;
}
