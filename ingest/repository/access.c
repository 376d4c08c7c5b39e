/*
 * access.c
 *		Which sources a role sees.
 */
#include "postgres.h"

#include "funcapi.h"
#include "ingest/base/compat.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_my_sources);
SQL_FUNCTION(ingest_my_syncs);

/* As the repository's owner: policies on the tables ask these very functions */
static Datum
numbers(FunctionCallInfo fcinfo, const char *sql)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Rows *rows;
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	rows = repo_rows(sql, arg_datum(OIDOID, ObjectIdGetDatum(GetUserId()), false));
	for (uint64 i = 0; i < rows->n; i++)
	{
		Datum value = Int32GetDatum(atoi(rows->v[i][0]));
		bool isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	sql_end(level);
	return (Datum) 0;
}

/* a role that is gone has no members */
#define MINE \
	"(SELECT d.id FROM ingest.data_source d WHERE EXISTS (SELECT FROM pg_roles r WHERE r.rolname = d.owner AND pg_has_role($1, r.oid, 'USAGE')) " \
	"OR EXISTS (SELECT FROM ingest.source_grant g JOIN pg_roles r ON r.rolname = g.role WHERE g.source = d.id AND pg_has_role($1, r.oid, 'USAGE')))"

Datum
ingest_my_sources(PG_FUNCTION_ARGS)
{
	return numbers(fcinfo, "SELECT id FROM " MINE " x");
}

Datum
ingest_my_syncs(PG_FUNCTION_ARGS)
{
	return numbers(fcinfo, "SELECT s.id FROM ingest.sync s WHERE s.source IN " MINE);
}
