/*
 * event.c
 *		The outbox: events in the transaction of what they tell, NOTIFY, consumers.
 *
 * A consumer reads what lies between two snapshots: what the second sees and the
 * first did not is exactly what committed between them, whenever it was written.
 * So an event of a long transaction is neither skipped nor waited for (the
 * technique is PgQ's).  Ids order the events inside such a batch; floor_id bounds
 * where its ids can begin.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "commands/async.h"
#include "commands/dbcommands.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/event/event.h"
#include "ingest/repository/access.h"
#include "ingest/base/sql.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"
#include "utils/tuplestore.h"

#define CHANNEL "ingest"
/* names in a payload are cut to this, so that it always fits NOTIFY's 8000 bytes, escaped as it may be */
#define MAX_NAMED 1000

SQL_FUNCTION(ingest_emit);
SQL_FUNCTION(ingest_read_events);
SQL_FUNCTION(ingest_ack);

/* CloudEvents' source */
char *
event_source(const char *source)
{
	return psprintf("/ingest/%s%s%s", get_database_name(MyDatabaseId), source ? "/" : "", source ? source : "");
}

static void
append_cut(StringInfo payload, const char *key, const char *text)
{
	int len = text ? strlen(text) : 0;

	json_text(payload, key, text ? pnstrdup(text, pg_mbcliplen(text, len, MAX_NAMED)) : NULL);
}

/* Whom an event is for */
typedef struct Audience
{
	int32 source; /* 0: none */
	Oid owner;
} Audience;

static void
emit(Datum type, Datum source, Datum subject, bool no_subject, Datum data, Audience audience)
{
	static Prepared insert = {"INSERT INTO ingest.event (era, xid, type, source, subject, time, data, source_id, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
							  9,
							  {INT4OID, XID8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, JSONBOID, INT4OID, OIDOID}};
	int32 era = home_era();
	/* before the id is drawn: see floor_id */
	FullTransactionId xid = GetTopFullTransactionId();
	Datum values[9] = {Int32GetDatum(era), FullTransactionIdGetDatum(xid), type, source, subject, TimestampTzGetDatum(GetCurrentTimestamp()), data,
					   Int32GetDatum(audience.source), ObjectIdGetDatum(audience.owner)};
	char nulls[10] = "         ";
	StringInfoData payload;
	bool isnull;
	int64 id;

	if (no_subject)
		nulls[4] = 'n';
	if (audience.source == 0)
		nulls[7] = 'n';
	prepared_run(&insert, values, nulls, 0);
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);

	json_open(&payload);
	json_int8(&payload, "id", id);
	append_cut(&payload, "type", TextDatumGetCString(type));
	append_cut(&payload, "subject", no_subject ? NULL : TextDatumGetCString(subject));
	Async_Notify(CHANNEL, json_close(&payload));
	pfree(payload.data);
}

/* Those of a source now; without one, the caller */
static Audience
audience_of(const char *source)
{
	Audience audience = {0, GetUserId()};
	Rows *rows = source ? repo_rows("SELECT id, owner FROM ingest.data_source WHERE name = $1", arg_text(source)) : NULL;

	if (rows && rows->n > 0)
	{
		audience.source = to_int4(first_row(rows)[0]);
		audience.owner = to_oid(first_row(rows)[1]);
	}
	return audience;
}

static void
emit_to(Audience audience, const char *type, const char *source, const char *subject, const char *data)
{
	Datum json = DirectFunctionCall1(jsonb_in, CStringGetDatum(data));

	emit(CStringGetTextDatum(type), CStringGetTextDatum(event_source(source)),
		 subject ? CStringGetTextDatum(subject) : (Datum) 0, subject == NULL, json, audience);
}

void
event_emit(const char *type, const char *source, const char *subject, const char *data)
{
	emit_to(audience_of(source), type, source, subject, data);
}

void
event_emit_for(Oid owner, const char *type, const char *subject, const char *data)
{
	Audience audience = {0, owner};

	emit_to(audience, type, NULL, subject, data);
}

static bool known_home = false;

/* emit(type text, subject text, data jsonb): an event of the user's own */
Datum
ingest_emit(PG_FUNCTION_ARGS)
{
	text *type;
	int level;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("an event needs a type and data")));
	type = PG_GETARG_TEXT_PP(0);
	if (VARSIZE_ANY_EXHDR(type) >= 7 && memcmp(VARDATA_ANY(type), "ingest.", 7) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("types of events that begin with \"ingest.\" are the engine's"),
				 errhint("Begin it with a name of your own, as \"com.example.order.approved\".")));
	/* settings cost more than the event: the era's query needs them, once per session; the insert has nothing that a search_path could bend */
	if (!known_home)
	{
		level = sql_begin();
		(void) home_era();
		sql_end(level);
		known_home = true;
	}
	SPI_connect();
	emit(PG_GETARG_DATUM(0), CStringGetTextDatum(event_source(NULL)),
		 PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1), PG_ARGISNULL(1), PG_GETARG_DATUM(2), audience_of(NULL));
	SPI_finish();
	PG_RETURN_VOID();
}

/* -- consumers -- */

typedef struct Position
{
	int32 era;
	char *seen;
	char *open; /* NULL: nothing is being read */
	int64 last_id;
	int64 floor_id;
	char *next_xid;
	int64 next_id;
	char *types;
	bool moved; /* from what is stored */
} Position;

/* Where a consumer is, locked until the transaction ends: two readers take turns */
static void
position_read(Position *p, const char *consumer)
{
	Rows *rows = repo_rows("SELECT era, seen, open, last_id, floor_id, next_xid, next_id, types, "
						   "ingest_internal.acts_for($2, owner) FROM ingest.subscription WHERE consumer = $1 FOR UPDATE",
						   arg_text(consumer), arg_oid(GetUserId()));
	char **v;

	if (rows->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no consumer \"%s\"", consumer),
				 errhint("ingest.subscribe('%s') makes one, which gets all events from then on.", consumer)));
	v = first_row(rows);
	if (!to_bool(v[8]))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("consumer \"%s\" belongs to another role", consumer)));
	p->era = to_int4(v[0]);
	p->seen = v[1];
	p->open = v[2];
	p->last_id = to_int8(v[3]);
	p->floor_id = to_int8(v[4]);
	p->next_xid = v[5];
	p->next_id = to_int8(v[6]);
	p->types = v[7];
	p->moved = false;
}

static void
position_write(const Position *p, const char *consumer)
{
	repo_run("UPDATE ingest.subscription SET era = $2, seen = $3::pg_catalog.pg_snapshot, open = $4::pg_catalog.pg_snapshot, last_id = $5, "
			 "floor_id = $6, next_xid = $7::pg_catalog.xid8, next_id = $8 WHERE consumer = $1",
			 arg_text(consumer), arg_datum(INT4OID, Int32GetDatum(p->era), false), arg_text(p->seen), arg_text(p->open),
			 arg_int8(p->last_id), arg_int8(p->floor_id), arg_text(p->next_xid),
			 p->next_xid ? arg_int8(p->next_id) : arg_null(INT8OID));
}

/* All of the open batch is acknowledged: what lies behind it is next */
static void
position_next(Position *p, int32 era)
{
	Rows *now;

	p->moved = true;
	p->last_id = 0;
	if (p->era < era && p->open)
	{
		/* the rest of an era that is over: all of it has committed */
		p->seen = p->open;
		p->open = NULL;
		return;
	}
	if (p->era < era)
	{
		p->era++;
		p->seen = "3:3:";
		p->open = NULL;
		p->floor_id = 0;
		p->next_xid = NULL;
		return;
	}
	if (p->open)
		p->seen = p->open;
	/* the sequence is read before the snapshot is taken: whoever is not in it draws larger ids */
	now = repo_rows("SELECT s.last_value, pg_current_snapshot(), pg_snapshot_xmax(pg_current_snapshot()), "
					"$1::pg_catalog.xid8 <= pg_snapshot_xmin($2::pg_catalog.pg_snapshot) FROM ingest.event_id_seq s",
					arg_text(p->next_xid), arg_text(p->seen));
	if (to_bool(first_row(now)[3]))
		p->floor_id = p->next_id;
	if (p->next_xid == NULL || to_bool(first_row(now)[3]))
	{
		p->next_xid = first_row(now)[2];
		p->next_id = to_int8(first_row(now)[0]);
	}
	p->open = first_row(now)[1];
}

/* Types whose data hold values of rows, or errors that may quote them */
#define EVENTS_WITH_VALUES "'ingest.row.changed', 'ingest.row.rejected', 'ingest.anomaly.detected', 'ingest.run.failed', 'ingest.run.cancelled', 'ingest.job.dead', 'ingest.quality.failed', " \
						   "'ingest.source.checked', 'ingest.circuit.opened', 'ingest.sync.stopped'"
#define EVENT_COLUMNS "id, type, source, subject, time, data"

/* Rows of the open batch behind what is acknowledged, into SPI_tuptable */
static uint64
position_events(const Position *p, int32 era, int64 limit)
{
	Identity saved;
	Oid types[8] = {INT4OID, TEXTOID, TEXTOID, INT8OID, TEXTARRAYOID, INT8OID, OIDOID, INT4ARRAYOID};
	Datum values[8] = {Int32GetDatum(p->era), CStringGetTextDatum(p->seen),
					   p->open ? CStringGetTextDatum(p->open) : (Datum) 0,
					   Int64GetDatum(Max(p->last_id, p->floor_id)), (Datum) 0, Int64GetDatum(limit), ObjectIdGetDatum(GetUserId()),
					   my_sources()};
	char nulls[9] = "        ";
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT " EVENT_COLUMNS " FROM ingest.event WHERE era = $1 AND id > $4 "
						   "AND NOT pg_visible_in_snapshot(xid, $2::pg_catalog.pg_snapshot)");
	if (p->open)
		appendStringInfoString(&sql, " AND pg_visible_in_snapshot(xid, $3::pg_catalog.pg_snapshot)");
	else
		nulls[2] = 'n';
	if (p->types)
	{
		appendStringInfoString(&sql, " AND EXISTS (SELECT FROM unnest($5) t WHERE type = t OR t LIKE '%*' AND starts_with(type, rtrim(t, '*')))");
		values[4] = OidFunctionCall3(F_ARRAY_IN, CStringGetDatum(p->types), ObjectIdGetDatum(TEXTOID), Int32GetDatum(-1));
	}
	else
		nulls[4] = 'n';
	/* one's own, and of sources that were granted what has no values of rows */
	appendStringInfoString(&sql, " AND (ingest_internal.acts_for($7, owner) OR source_id = ANY ($8) AND type NOT IN (" EVENTS_WITH_VALUES "))");
	appendStringInfoString(&sql, " ORDER BY id LIMIT $6");

	become_engine(&saved);
	SPI_execute_with_args(sql.data, 8, types, values, nulls, false, 0);
	become_again(&saved);
	return SPI_processed;
}

/* read_events(consumer text, max_events integer) */
Datum
ingest_read_events(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char *consumer = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int32 limit = PG_GETARG_INT32(1);
	Position p;
	bool found = false;
	int32 era;
	int level;

	rows_begin(fcinfo);
	if (limit < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of events must be positive")));
	level = sql_begin();
	era = home_era();
	position_read(&p, consumer);
	for (bool fresh = false;;)
	{
		bool readable = p.open || p.era < era;

		if (readable && position_events(&p, era, limit) > 0)
		{
			found = true;
			for (uint64 i = 0; i < SPI_processed; i++)
				tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
			break;
		}
		/* a batch of now that is empty: nothing has happened since */
		if (readable && fresh && p.era == era)
		{
			p.seen = p.open;
			p.open = NULL;
			break;
		}
		position_next(&p, era);
		fresh = p.era == era && p.open != NULL;
	}
	if (p.moved && found)
		position_write(&p, consumer);
	sql_end(level);
	return (Datum) 0;
}

/* ack(consumer text, id bigint): all events up to it, of those read */
Datum
ingest_ack(PG_FUNCTION_ARGS)
{
	char *consumer = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64 id = PG_GETARG_INT64(1);
	int level = sql_begin();
	Position p;

	position_read(&p, consumer);
	if (p.open == NULL && p.era == home_era())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("consumer \"%s\" has read nothing that could be acknowledged", consumer)));
	if (id <= p.last_id)
	{
		ereport(NOTICE, (errmsg("consumer \"%s\" has acknowledged event %lld already", consumer, (long long) id)));
		sql_end(level);
		PG_RETURN_VOID();
	}
	if (!to_bool(repo_value("SELECT EXISTS (SELECT FROM ingest.event WHERE era = $1 AND id = $2 AND NOT pg_visible_in_snapshot(xid, $3::pg_catalog.pg_snapshot) "
							"AND ($4::text IS NULL OR pg_visible_in_snapshot(xid, $4::pg_catalog.pg_snapshot)))",
							arg_datum(INT4OID, Int32GetDatum(p.era), false), arg_int8(id), arg_text(p.seen), arg_text(p.open))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("consumer \"%s\" has not read an event %lld", consumer, (long long) id)));
	repo_run("UPDATE ingest.subscription SET last_id = $2, last_ack = now() WHERE consumer = $1", arg_text(consumer), arg_int8(id));
	sql_end(level);
	PG_RETURN_VOID();
}

/* announce(type, source, subject, data): the engine's own events, from its SQL functions */
SQL_FUNCTION(ingest_announce);

Datum
ingest_announce(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	char *source = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (PG_ARGISNULL(0) || PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("an event needs a type and data")));
	emit(PG_GETARG_DATUM(0), CStringGetTextDatum(event_source(source)), PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2), PG_ARGISNULL(2), PG_GETARG_DATUM(3), audience_of(source));
	sql_end(level);
	PG_RETURN_VOID();
}
