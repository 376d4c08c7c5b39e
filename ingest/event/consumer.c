/*
 * consumer.c
 *		Consumers: what they read, and what they acknowledged.
 *
 * A consumer reads what lies between two snapshots: what the second sees and the first
 * does not is what committed between them, whenever it was written.  So an event of a
 * long transaction is neither skipped nor waited for (the technique is PgQ's).  Ids
 * order the events inside such a batch; the floor bounds where its ids can begin.
 *
 * docs/decisions/3-events-between-snapshots.md says why nothing is missed, and
 * test/model/ has the protocol as a model.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/executor.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/event/consumer.h"
#include "ingest/event/outbox.h"
#include "ingest/repository/access.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"
#include "utils/xid8.h"

SQL_FUNCTION(ingest_read_events);
SQL_FUNCTION(ingest_read_ahead);
SQL_FUNCTION(ingest_read_again);
SQL_FUNCTION(ingest_find_events);
SQL_FUNCTION(ingest_ack);
SQL_FUNCTION(ingest_event_horizon);
SQL_FUNCTION(ingest_event_wanted);

/* event_horizon(OUT id, OUT xid): what bounds the ids of transactions that are yet to come; NULL: nothing does */
Datum
ingest_event_horizon(PG_FUNCTION_ARGS)
{
	Horizon horizon = event_horizon();
	TupleDesc desc;
	Datum values[2] = {Int64GetDatum(horizon.id), FullTransactionIdGetDatum(horizon.xid)};
	bool nulls[2] = {!horizon.known, !horizon.known};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "event_horizon gives two columns");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* event_wanted(type, types): is it one of them, where a * at the end stands for any rest? */
Datum
ingest_event_wanted(PG_FUNCTION_ARGS)
{
	text *type = PG_GETARG_TEXT_PP(0);
	ArrayIterator types = array_create_iterator(PG_GETARG_ARRAYTYPE_P(1), 0, NULL);
	int length = VARSIZE_ANY_EXHDR(type);
	bool wanted = false;
	Datum item;
	bool isnull;

	while (!wanted && array_iterate(types, &item, &isnull))
	{
		text *pattern = isnull ? NULL : DatumGetTextPP(item);
		int n = pattern ? VARSIZE_ANY_EXHDR(pattern) : 0;
		bool open = n > 0 && VARDATA_ANY(pattern)[n - 1] == '*';

		if (pattern == NULL)
			continue;
		while (open && n > 0 && VARDATA_ANY(pattern)[n - 1] == '*')
			n--;
		wanted = (open ? n <= length : n == length) && memcmp(VARDATA_ANY(type), VARDATA_ANY(pattern), n) == 0;
	}
	array_free_iterator(types);
	PG_RETURN_BOOL(wanted);
}

/* -- where a consumer is -- */

ROW_SHAPE(position_shape, Position, FIELD(INT4, Position, era), FIELD(TEXT, Position, seen),
		  FIELD(TEXT, Position, open),
		  FIELD(INT8, Position, last_id), FIELD(INT8, Position, final_id), FIELD(INT4, Position, floor_era),
		  FIELD(INT8, Position, floor_id), FIELD(INT4, Position, next_era), FIELD(TEXT, Position, next_xid),
		  FIELD(INT8, Position, next_id), FIELD(INT8, Position, drawn_id), FIELD(TEXT, Position, types),
		  FIELD(OID, Position, owner));

/* Which eras belong to the same cluster */
void
position_place(Position *p, int32 now)
{
	char *last = NULL;

	if (p->era < now)
		last = repo_value("SELECT ingest_internal.last_era($1)", arg_int4(p->era));
	p->is_here = last == NULL;
	p->last_era = last ? to_int4(last) : now;
}

/* Locked until the transaction ends: two readers take turns */
static Position *
position_read(const char *consumer, int32 now)
{
	Position *p = repo_struct(position_shape, "SELECT * FROM ingest.subscription WHERE consumer = $1 FOR UPDATE",
							  arg_text(consumer));

	if (p == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no consumer \"%s\"", consumer),
						errhint("ingest.subscribe(%s) creates one, which gets all events from then on.",
								quote_literal_cstr(consumer))));
	if (!acts_for(GetUserId(), p->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("consumer \"%s\" belongs to another role", consumer)));
	position_place(p, now);
	return p;
}

/* In the transaction that read or acknowledged: with it, or not at all */
static void
position_write(const Position *p, const char *consumer, bool acknowledged)
{
	repo_run("SELECT ingest_internal.consumer_moves($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
			 arg_text(consumer), arg_int4(p->era), arg_text(p->seen), arg_text(p->open), arg_int8(p->last_id),
			 p->final_id ? arg_int8(p->final_id) : arg_null(INT8OID), arg_int4(p->floor_era), arg_int8(p->floor_id),
			 p->next_xid ? arg_int4(p->next_era) : arg_null(INT4OID), arg_text(p->next_xid),
			 p->next_xid ? arg_int8(p->next_id) : arg_null(INT8OID), arg_int8(p->drawn_id), arg_bool(acknowledged));
}

/* To the first event that can be in the batch after this one */
static void
position_rewind(Position *p)
{
	p->era = p->floor_era;
	p->last_id = 0;
	p->final_id = 0;
	p->moved = true;
}

/*
 * All of the open batch is acknowledged.  Once all transactions that had their ids when the next floor was noted have
 * ended, and are seen, it is the floor.
 */
static void
position_close(Position *p)
{
	p->seen = p->open;
	p->open = NULL;
	if (p->next_xid && to_bool(repo_value("SELECT $1::xid8 <= pg_snapshot_xmin($2::pg_snapshot)",
										  arg_text(p->next_xid), arg_text(p->seen))))
	{
		p->floor_era = p->next_era;
		p->floor_id = p->next_id;
		p->next_xid = NULL;
	}
	position_rewind(p);
}

/* A batch of what has committed since */
static void
position_open(Position *p, int32 now)
{
	Horizon horizon = event_horizon();

	if (p->next_xid == NULL && horizon.known)
	{
		p->next_era = now;
		p->next_id = horizon.id;
		p->next_xid = DatumGetCString(DirectFunctionCall1(xid8out, FullTransactionIdGetDatum(horizon.xid)));
	}
	p->open = repo_value("SELECT ingest_internal.event_snapshot()");
	if (p->carried)
		p->open = place_snapshot(p->open);
	p->moved = true;
}

/* To the events of the cluster that the repository came to after this one */
static void
position_emigrate(Position *p, int32 now)
{
	p->floor_era = p->last_era + 1;
	p->floor_id = 0;
	p->next_xid = NULL;
	p->seen = "3:3:"; /* of which nothing is seen */
	p->open = NULL;
	position_rewind(p);
	position_place(p, now);
}

/* -- reading -- */

/* An event that was found */
static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	Receiver *receiver = (Receiver *) self;
	bool isnull;

	receiver->last_id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	tuplestore_puttupleslot(receiver->store, slot);
	return true;
}

/* The columns are known */
void
receive_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

/* The store is the caller's */
void
receive_end(DestReceiver *self)
{
}

#define BATCH_ARGS 9

/* Planned once for the session: consumers ask again and again */
static SPIPlanPtr
batch_plan(void)
{
	static SPIPlanPtr plan = NULL;
	Oid types[BATCH_ARGS] = {INT4OID, INT8OID, PG_SNAPSHOTOID, PG_SNAPSHOTOID, TEXTARRAYOID,
							 BOOLOID, OIDOID, INT4ARRAYOID, INT8OID};
	const char *sql = "SELECT * FROM ingest_internal.event_batch($1, $2, $3, $4, $5, $6, $7, $8) ORDER BY id LIMIT $9";

	if (plan == NULL)
	{
		SPIPlanPtr new = SPI_prepare(sql, BATCH_ARGS, types);

		if (new == NULL || SPI_keepplan(new) != 0)
			elog(ERROR, "could not prepare the reading of events");
		plan = new;
	}
	return plan;
}

/* One argument of that plan */
static void
batch_argument(ParamListInfo params, int n, Oid type, Datum value, bool isnull)
{
	params->params[n] = (ParamExternData){.value = value, .isnull = isnull, .pflags = PARAM_FLAG_CONST, .ptype = type};
}

/* A snapshot that is kept as text, as SQL has it */
static Datum
snapshot_datum(const char *snapshot)
{
	return snapshot ? DirectFunctionCall1(pg_snapshot_in, CStringGetDatum(snapshot)) : (Datum) 0;
}

/*
 * Batches are read along the index, a part at a time: whatever statistics of a table that grows and shrinks say, to
 * collect and sort what is left of a batch for each part of it is never better.  Until sql_end.
 */
static void
batch_settings(void)
{
	static const char *const settings[][2] = {{"enable_seqscan", "off"},
											  {"enable_bitmapscan", "off"},
											  {"enable_sort", "off"},
											  {"plan_cache_mode", "force_generic_plan"}};

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
}

/* Events of the batch and of the position's era that come next; how many */
static uint64
position_events(const Position *p, int64 limit, Receiver *receiver)
{
	ParamListInfo params = makeParamList(BATCH_ARGS);
	SPIExecuteOptions options = {.params = params, .dest = &receiver->pub};
	int64 after = p->era == p->floor_era ? Max(p->last_id, p->floor_id) : p->last_id;
	Datum types = (Datum) 0;
	Identity saved;
	int code;

	if (p->types)
		types = OidFunctionCall3(F_ARRAY_IN, CStringGetDatum(p->types), ObjectIdGetDatum(TEXTOID), Int32GetDatum(-1));
	batch_argument(params, 0, INT4OID, Int32GetDatum(p->era), false);
	batch_argument(params, 1, INT8OID, Int64GetDatum(after), false);
	batch_argument(params, 2, PG_SNAPSHOTOID, snapshot_datum(p->seen), false);
	batch_argument(params, 3, PG_SNAPSHOTOID, snapshot_datum(p->open), p->open == NULL);
	batch_argument(params, 4, TEXTARRAYOID, types, p->types == NULL);
	/* who acts for owners that are gone acts for all */
	batch_argument(params, 5, BOOLOID, BoolGetDatum(acts_for(GetUserId(), InvalidOid)), false);
	batch_argument(params, 6, OIDOID, ObjectIdGetDatum(GetUserId()), false);
	batch_argument(params, 7, INT4ARRAYOID, my_sources(), false);
	batch_argument(params, 8, INT8OID, Int64GetDatum(limit), false);
	batch_settings();
	become_engine(&saved);
	code = SPI_execute_plan_extended(batch_plan(), &options);
	become_again(&saved);
	if (code < 0)
		elog(ERROR, "SPI returned %s for a batch of events", SPI_result_code_string(code));
	return SPI_processed;
}

/*
 * Finds the next events, moves the position there: false if there are none.  A batch may be of several eras, if a
 * standby was promoted meanwhile: one after the other, so that an id is that of one event.
 */
bool
position_find(Position *p, int32 now, int64 limit, Receiver *receiver)
{
	bool fresh = false;

	for (;;)
	{
		if (p->open || !p->is_here)
		{
			uint64 n = position_events(p, limit, receiver);

			if (n > 0)
			{
				if (n < limit && p->era == p->last_era && p->open)
				{
					p->moved = p->moved || p->final_id != receiver->last_id;
					p->final_id = receiver->last_id;
				}
				return true;
			}
			if (p->era < p->last_era)
			{
				p->era++;
				p->last_id = 0;
				p->moved = true;
				continue;
			}
			if (p->open)
				position_close(p);
			else
				position_emigrate(p, now);
			/* a batch of now that is empty: nothing has happened since */
			if (fresh)
				return false;
		}
		if (p->is_here)
		{
			position_open(p, now);
			fresh = true;
		}
	}
}

/*
 * What of the open batch lies behind an event that was read and not acknowledged: for who holds what lies between them.
 * Only what is acknowledged ends a batch, so that the next one begins when nothing is held any more; so it is with the
 * next era, since an id is acknowledged in the position's own.
 */
static bool
position_find_ahead(Position *p, int32 era, int64 id, int64 limit, Receiver *receiver)
{
	Position ahead = *p;
	char *state;
	uint64 n;

	/* somebody else moved it: what is held is acknowledged, or not, before it goes on */
	if (p->open == NULL || era != p->era || id < p->last_id)
		return false;
	/* even to another batch, in which there may be ids before this one */
	state = repo_value("SELECT ingest_internal.event_state($1, $2, $3, $4, $5)", arg_int4(p->era),
					   arg_int4(p->floor_era), arg_int8(id), arg_text(p->seen), arg_text(p->open));
	if (state == NULL || strcmp(state, "open") != 0)
		return false;
	ahead.last_id = id;
	n = position_events(&ahead, limit, receiver);
	if (n > 0 && n < limit && p->era == p->last_era)
	{
		p->moved = p->moved || p->final_id != receiver->last_id;
		p->final_id = receiver->last_id;
	}
	return n > 0;
}

/* The next events of a consumer; with an era, of its open batch those behind that event */
static void
read_events(FunctionCallInfo fcinfo, int32 era, int64 id)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char *consumer = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int32 limit = PG_GETARG_INT32(1);
	Receiver receiver = {.pub = {receive, receive_startup, receive_end, receive_end, DestNone}};
	Position *p;
	bool found;
	int32 now;
	int32 floor_era;
	int64 floor_id,
		drawn;
	int level;

	rows_begin(fcinfo);
	if (limit < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of events must be positive")));
	receiver.store = rsinfo->setResult;
	level = sql_begin();
	now = home_era();
	p = position_read(consumer, now);
	floor_era = p->floor_era;
	floor_id = p->floor_id;
	drawn = event_horizon().id;
	found = era > 0 ? position_find_ahead(p, era, id, limit, &receiver) : position_find(p, now, limit, &receiver);
	/* who found nothing moves on if there was something that was not for it, so that nobody keeps that for it */
	if (p->moved && (found || p->drawn_id != drawn || p->floor_era != floor_era || p->floor_id != floor_id))
	{
		p->drawn_id = drawn;
		position_write(p, consumer, false);
	}
	sql_end(level);
	/*
	 * What a crash could take back is not given to anybody, or its ids would be given again: who opened the batch
	 * wrote it down after its events had committed.  Who reads on in it has nothing to wait for: it was opened by
	 * somebody who found something, and so waited here.
	 */
	if (found && era == 0)
		XLogFlush(XactLastRecEnd);
}

/* read_events(consumer text, max_events integer) */
Datum
ingest_read_events(PG_FUNCTION_ARGS)
{
	read_events(fcinfo, 0, 0);
	return (Datum) 0;
}

/* read_ahead(consumer text, max_events integer, era integer, id bigint) */
Datum
ingest_read_ahead(PG_FUNCTION_ARGS)
{
	read_events(fcinfo, PG_GETARG_INT32(2), PG_GETARG_INT64(3));
	return (Datum) 0;
}

/* -- once more, whatever was acknowledged -- */

/* read_again(eras, ids) */
Datum
ingest_read_again(PG_FUNCTION_ARGS)
{
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_REPOSITORY,
			   "SELECT * FROM ingest_internal.read_again($1, $2, $3, $4, $5)",
			   SQL_ARGS(arg_bool(acts_for(GetUserId(), InvalidOid)), arg_oid(GetUserId()),
						arg_datum(INT4ARRAYOID, my_sources(), false),
						arg_datum(INT4ARRAYOID, PG_GETARG_DATUM(0), false),
						arg_datum(INT8ARRAYOID, PG_GETARG_DATUM(1), false)));
	sql_end(level);
	return (Datum) 0;
}

/* find_events(since, until, types) */
Datum
ingest_find_events(PG_FUNCTION_ARGS)
{
	int level;

	rows_begin(fcinfo);
	level = sql_begin();
	sql_result((ReturnSetInfo *) fcinfo->resultinfo, AS_REPOSITORY,
			   "SELECT * FROM ingest_internal.find_events($1, $2, $3, $4, $5, $6)",
			   SQL_ARGS(arg_bool(acts_for(GetUserId(), InvalidOid)), arg_oid(GetUserId()),
						arg_datum(INT4ARRAYOID, my_sources(), false),
						arg_datum(TIMESTAMPTZOID, PG_GETARG_DATUM(0), PG_ARGISNULL(0)),
						arg_datum(TIMESTAMPTZOID, PG_GETARG_DATUM(1), PG_ARGISNULL(1)),
						arg_datum(TEXTARRAYOID, PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2), PG_ARGISNULL(2))));
	sql_end(level);
	return (Datum) 0;
}

/* -- acknowledging -- */

/* ack(consumer text, id bigint): all events up to it, of those read */
Datum
ingest_ack(PG_FUNCTION_ARGS)
{
	char *consumer = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64 id = PG_GETARG_INT64(1);
	int level = sql_begin();
	Position *p = position_read(consumer, home_era());
	char *state = repo_value("SELECT ingest_internal.event_state($1, $2, $3, $4, $5)", arg_int4(p->era),
							 arg_int4(p->floor_era), arg_int8(id), arg_text(p->seen), arg_text(p->open));

	if ((p->open || !p->is_here) && state && strcmp(state, "open") == 0)
	{
		if (id > p->last_id)
		{
			p->last_id = id;
			if (p->open && id == p->final_id)
				position_close(p);
			position_write(p, consumer, true);
			sql_end(level);
			PG_RETURN_VOID();
		}
		state = "seen";
	}
	if (state && strcmp(state, "seen") == 0)
		ereport(NOTICE, (errmsg("consumer \"%s\" has acknowledged event %lld already", consumer, (long long) id)));
	else if (p->open == NULL && p->is_here)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("consumer \"%s\" has read nothing that could be acknowledged", consumer)));
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("consumer \"%s\" has not read an event %lld", consumer, (long long) id)));
	sql_end(level);
	PG_RETURN_VOID();
}
