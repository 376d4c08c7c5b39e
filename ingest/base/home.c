/*
 * home.c
 *		Is this the database that the repository was made in?
 *
 * Transaction ids of another cluster do not compare with ours, so a repository that
 * comes to life elsewhere begins a new era of events when somebody says that it shall,
 * and owners and relations, which are numbers, are looked up again by their names.
 *
 * The cluster itself may go back: a standby that is promoted, or a backup that is
 * restored to a point in time, has not seen the last event ids that were given, and
 * gives them again.  It is on another timeline then, and that is another era as well,
 * without anybody's doing.  Transaction ids go on there, so earlier snapshots hold.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/tuplestore.h"

SQL_FUNCTION_OF_ANY_VERSION(ingest_at_home);
SQL_FUNCTION(ingest_era);
SQL_FUNCTION(ingest_enable);

static int32 known_era = 0;
static bool era_is_new = false; /* this transaction made it */
/* Also on a standby, where the era may rise when it is promoted, but the database stays the same */
static bool known_here = false;

/* Who was told an era by a transaction that did not commit asks again */
static void
home_forget(void)
{
	if (era_is_new)
	{
		known_era = 0;
		known_here = false;
	}
}

/* What an aborted transaction found out of the era is not so */
static void
home_at_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		home_forget();
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		era_is_new = false;
}

/* Nor what an aborted subtransaction did */
static void
home_at_savepoint(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		home_forget();
}

/* This transaction writes another era, which is known to all when it commits, and to nobody if it does not */
static void
home_makes_era(void)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(home_at_end, NULL);
		RegisterSubXactCallback(home_at_savepoint, NULL);
	}
	registered = true;
	known_era = 0;
	era_is_new = true;
}

/* The cluster's identifier, which has all 64 bits, so that no integer of SQL holds it */
static SqlArg
this_cluster(void)
{
	char identifier[32];

	snprintf(identifier, sizeof(identifier), UINT64_FORMAT, GetSystemIdentifier());
	return arg_datum(NUMERICOID,
					 DirectFunctionCall3(numeric_in, CStringGetDatum(identifier), ObjectIdGetDatum(InvalidOid),
										 Int32GetDatum(-1)),
					 false);
}

/* 0: in recovery, when nothing can be written */
static int32
this_timeline(void)
{
	return RecoveryInProgress() ? 0 : (int32) GetWALInsertionTimeLine();
}

typedef struct Installation
{
	bool here;
	int32 era;
	int32 timeline;
} Installation;

ROW_SHAPE(installation_shape, Installation, FIELD(BOOL, Installation, here), FIELD(INT4, Installation, era),
		  FIELD(INT4, Installation, timeline));

/* What the era is on this timeline; the same for everybody who asks, whether it is written down already or not */
static int32
era_of(const Installation *i, int32 timeline)
{
	if (timeline == 0 || timeline == i->timeline)
		return i->era;
	return i->era + Max(timeline - i->timeline, 1);
}

/* The era; 0: elsewhere; -1: nothing was done here yet */
static int32
look(void)
{
	int32 timeline;
	Installation *i;

	if (known_era > 0)
		return known_era;
	i = repo_struct(installation_shape, "SELECT * FROM ingest_internal.installed($1, $2)", this_cluster(),
					arg_oid(MyDatabaseId));
	if (i == NULL)
		return -1;
	if (!i->here)
		return 0;
	known_here = true;
	timeline = this_timeline();
	/* a session of a standby lives on when that is promoted, and must ask again */
	if (timeline != 0)
		known_era = era_of(i, timeline);
	/* whoever can writes it down, and nobody waits for that */
	if (timeline != 0 && timeline != i->timeline && !XactReadOnly && !IsolationUsesXactSnapshot() &&
		!IsInParallelMode())
		repo_run("SELECT ingest_internal.era_rises($1, $2, $3)", arg_int4(i->timeline), arg_int4(timeline),
				 arg_int4(known_era));
	return era_of(i, timeline);
}

bool
home_is_ours(void)
{
	return look() > 0;
}

bool
home_era_is_known(void)
{
	return known_era > 0;
}

bool
home_is_elsewhere(void)
{
	int level;
	bool elsewhere;

	if (known_here)
		return false;
	level = sql_begin();
	elsewhere = look() == 0;
	sql_end(level);
	return elsewhere;
}

/*
 * at_home(): also asked by event triggers, of which pg_upgrade's servers must hear nothing, nor who alters a table
 * between the installation of another version and ALTER EXTENSION: what is not followed then is within the hour
 */
Datum
ingest_at_home(PG_FUNCTION_ARGS)
{
	int level;
	bool ours;

	if (IsBinaryUpgrade || !version_fits(DEBUG1))
		PG_RETURN_BOOL(false);
	if (known_here)
		PG_RETURN_BOOL(true);
	level = sql_begin();
	ours = home_is_ours();
	sql_end(level);
	PG_RETURN_BOOL(ours);
}

int32
home_era(void)
{
	int32 era = look();

	if (era == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this repository was made in another cluster or database, and does nothing here yet"),
				 errdetail("It was restored or copied: what it does by itself would be done twice."),
				 errhint("An admin can enable it: SELECT * FROM ingest.enable().")));
	if (era < 0)
	{
		home_makes_era();
		repo_run("SELECT ingest_internal.install($1, $2, $3)", this_cluster(), arg_oid(MyDatabaseId),
				 arg_int4(this_timeline()));
		era = look();
	}
	return era;
}

/* era(): the era of this cluster */
Datum
ingest_era(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	int32 era = home_era();

	sql_end(level);
	PG_RETURN_INT32(era);
}

/* enable() → what, name, problem */
Datum
ingest_enable(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	home_makes_era();
	sql_result(rsinfo, AS_REPOSITORY, "SELECT * FROM ingest_internal.enable($1, $2, $3, $4)",
			   SQL_ARGS(arg_oid(GetUserId()), this_cluster(), arg_oid(MyDatabaseId), arg_int4(this_timeline())));
	sql_end(level);
	return (Datum) 0;
}
