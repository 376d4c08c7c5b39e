/*
 * changes.c
 *		Did anything change or go since?  One request, for whoever asks often.
 *
 * Two counts in one statement.  Whoever asks may stay where he is if both are
 * nothing: that takes no clock and no promise of when either was counted, since
 * what comes later is counted the next time.  The time at which the reply was
 * sent tells only whether the clock there still goes as it went; a proxy may
 * have written it, so it is nothing to date rows by.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/function.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "netsuite_fdw/netsuite_fdw.h"
#include "netsuite_fdw/option.h"
#include "netsuite_fdw/plan.h"
#include "netsuite_fdw/trait.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

SQL_FUNCTION(netsuite_changes);

/* Clocks that are set back near a moment show it twice: the earlier of what they show */
#define NEAR (3 * USECS_PER_HOUR)

static int
west_of(TimestampTz moment, pg_tz *zone)
{
	struct pg_tm tm;
	fsec_t fsec;
	int west;

	if (TIMESTAMP_NOT_FINITE(moment) || timestamp2tm(moment, &west, &tm, &fsec, NULL, zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("a moment to count changes from must be finite and within the range of timestamps")));
	return west;
}

/* column >= the wall clock that the account showed at a moment, if in doubt an earlier one */
static void
append_since(StringInfo out, const char *column, TimestampTz moment, pg_tz *zone)
{
	int west = Max(west_of(moment, zone), west_of(moment + NEAR, zone));
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(moment - west * USECS_PER_SEC, NULL, &tm, &fsec, NULL, NULL) != 0 || tm.tm_year < 1 || tm.tm_year > 9999)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("a moment to count changes from must lie in the years 1 to 9999")));
	appendStringInfo(out, "%s >= TO_DATE('%04d-%02d-%02d %02d:%02d:%02d','YYYY-MM-DD HH24:MI:SS')", column,
					 tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* What a column of datetimes is called there */
static char *
cursor_column(Oid relid, const char *name)
{
	AttrNumber attnum = get_attnum(relid, name);
	bool is_expression;
	char *text;

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("foreign table \"%s\" has no column \"%s\"", get_rel_name(relid), name)));
	if (get_atttype(relid, attnum) != TIMESTAMPTZOID && get_atttype(relid, attnum) != TIMESTAMPOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of foreign table \"%s\" does not hold datetimes", name, get_rel_name(relid))));
	text = column_expression(relid, attnum, &is_expression);
	return is_expression ? psprintf("(%s)", text) : psprintf("t.%s", text);
}

/* The caller's client for a foreign table that he may read */
static Client *
client_of_table(Oid relid)
{
	AclResult acl;

	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a foreign table", get_rel_name(relid) ? get_rel_name(relid) : psprintf("%u", relid))));
	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_FOREIGN_TABLE, get_rel_name(relid));
	return client_by_name(GetForeignServer(GetForeignServerIdByRelId(relid))->servername);
}

/* The count of that name; an error if the reply does not hold it once, as a number */
static int64
count_of(Json *items, const char *what)
{
	const char *n = NULL;
	char *end;
	int64 result;

	for (int i = 0; i < json_count(items); i++)
	{
		Json *row = json_item(items, i);
		const char *name = json_text(row, "what");

		if (name != NULL && strcmp(name, what) == 0)
			n = n == NULL ? json_text(row, "n") : "twice";
	}
	result = n != NULL ? strtoll(n, &end, 10) : -1;
	if (result < 0 || end == n || *end != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_FDW_REPLY_HANDLE),
				 errmsg("NetSuite's reply does not contain the requested counts")));
	return result;
}

/* The question for both counts, or for the first alone */
static char *
question(Oid relid, const char *cursor, TimestampTz since, bool feed, TimestampTz deleted_since, pg_tz *zone)
{
	StringInfoData q;

	initStringInfo(&q);
	appendStringInfo(&q, "SELECT 'changed' AS what, COUNT(*) AS n FROM %s WHERE ", table_from(relid));
	append_since(&q, cursor_column(relid, cursor), since, zone);
	if (feed)
	{
		appendStringInfoString(&q, " UNION ALL SELECT 'deleted' AS what, COUNT(*) AS n FROM deletedrecord t WHERE ");
		append_since(&q, "t.deleteddate", deleted_since, zone);
	}
	return q.data;
}

/* changes(table, cursor, since, deleted_since or null) → changed, deleted, clock; nulls where the account refuses the question */
Datum
netsuite_changes(PG_FUNCTION_ARGS)
{
	bool feed = !PG_ARGISNULL(3);
	Datum values[3] = {0};
	bool nulls[3] = {true, true, true};
	Client *client;
	Request *request;
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	client = client_of_table(PG_GETARG_OID(0));
	client_hold(client, CurrentMemoryContext);
	request = request_new(client, CurrentMemoryContext);
	request_query(request,
				  question(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(1)), PG_GETARG_TIMESTAMPTZ(2), feed,
						   feed ? PG_GETARG_TIMESTAMPTZ(3) : 0, trait_zone(client)),
				  2, 0);
	request_start(request);
	if (!request_settle(request) && request->http->status != 400)
		request_raise(request);
	if (request->state == REQUEST_DONE)
	{
		Json *items = json_member(request_json(request), "items");

		values[0] = Int64GetDatum(count_of(items, "changed"));
		nulls[0] = false;
		if (feed)
			values[1] = Int64GetDatum(count_of(items, "deleted"));
		nulls[1] = !feed;
		if (request->http->date > 0)
			values[2] = TimestampTzGetDatum(time_t_to_timestamptz((pg_time_t) request->http->date));
		nulls[2] = request->http->date <= 0;
	}
	request_stop(request);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
