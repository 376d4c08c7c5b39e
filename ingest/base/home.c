/*
 * home.c
 *		Is this the database that the repository was made in?
 *
 * Transaction ids of another cluster do not compare with ours, so a repository that
 * comes to life elsewhere begins a new era of events, and owners, who are numbers, are
 * looked up again by their names.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_era);
SQL_FUNCTION(ingest_enable);

static int32 known_era = 0;

static SqlArg
this_cluster(void)
{
	char identifier[32];

	snprintf(identifier, sizeof(identifier), UINT64_FORMAT, GetSystemIdentifier());
	return arg_datum(NUMERICOID, DirectFunctionCall3(numeric_in, CStringGetDatum(identifier), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)), false);
}

/* The era; 0: elsewhere; -1: nothing was done here yet */
static int32
look(void)
{
	Rows *rows;

	if (known_era > 0)
		return known_era;
	rows = repo_rows("SELECT CASE WHEN system_identifier = $1 AND database = $2 THEN era ELSE 0 END FROM ingest.installation", this_cluster(), arg_oid(MyDatabaseId));
	if (rows->n == 0)
		return -1;
	known_era = to_int4(first_row(rows)[0]);
	return known_era;
}

bool
home_is_ours(void)
{
	return look() > 0;
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
				 errhint("An admin says that it shall: SELECT * FROM ingest.enable().")));
	if (era < 0)
	{
		repo_run("INSERT INTO ingest.installation (system_identifier, database, era) VALUES ($1, $2, 1) ON CONFLICT DO NOTHING", this_cluster(), arg_oid(MyDatabaseId));
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
	known_era = 0;
	sql_result(rsinfo, AS_REPOSITORY, "SELECT * FROM ingest_internal.enable($1, $2, $3)", SQL_ARGS(arg_oid(GetUserId()), this_cluster(), arg_oid(MyDatabaseId)));
	sql_end(level);
	return (Datum) 0;
}
