/*
 * outbox.c
 *		Events, written in the transaction of what they tell.
 *
 * Two things hold for whatever writes an event, and readers count on them: the event
 * has the id of its top transaction, and its own id is drawn after that one was given.
 *
 * Bulk writing is what ingest.emit is for, so an event is put into its table and its
 * index without the executor, unless the table has something that only the executor
 * knows how to do.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_database.h"
#include "catalog/pg_sequence.h"
#include "commands/dbcommands.h"
#include "commands/sequence.h"
#include "ingest/base/compat.h"
#include "ingest/base/home.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/event/alert.h"
#include "ingest/event/event.h"
#include "ingest/event/outbox.h"
#include "ingest/event/owner.h"
#include "ingest/event/publisher.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

SQL_FUNCTION(ingest_emit);
SQL_FUNCTION(ingest_announce);

/* -- CloudEvents' source -- */

static char *event_cluster = NULL; /* ingest.cluster_name */

/* /ingest/cluster/database, as it was last put together; NULL: something of it may have changed */
static char *source_prefix = NULL;

/* CloudEvents' source begins with other words from now on */
static void
forget_prefix(void)
{
	if (source_prefix)
		pfree(source_prefix);
	source_prefix = NULL;
}

/* A database may get another name */
static void
prefix_changed(Datum arg, int cache, uint32 hash)
{
	forget_prefix();
}

/* ingest.cluster_name is part of them */
static void
assign_cluster_name(const char *name, void *extra)
{
	forget_prefix();
}

char *
event_source_of(const char *source)
{
	static bool registered = false;
	MemoryContext old;

	if (!registered)
		CacheRegisterSyscacheCallback(DATABASEOID, prefix_changed, (Datum) 0);
	registered = true;
	if (source_prefix == NULL)
	{
		char *database = get_database_name(MyDatabaseId);
		char identifier[32];

		snprintf(identifier, sizeof(identifier), UINT64_FORMAT, GetSystemIdentifier());
		old = MemoryContextSwitchTo(TopMemoryContext);
		source_prefix =
			psprintf("/ingest/%s/%s", event_cluster && event_cluster[0] ? event_cluster : identifier, database);
		MemoryContextSwitchTo(old);
	}
	return source ? psprintf("%s/%s", source_prefix, source) : source_prefix;
}

/* -- the table -- */

/* Its columns, in this order */
typedef enum Column
{
	EVENT_ID,
	EVENT_ERA,
	EVENT_XID,
	EVENT_TYPE,
	EVENT_SOURCE,
	EVENT_SUBJECT,
	EVENT_TIME,
	EVENT_DATA,
	EVENT_SOURCE_ID,
	EVENT_OWNER,
	EVENT_COLUMNS
} Column;

static const Oid column_types[EVENT_COLUMNS] = {INT8OID, INT4OID, XID8OID, TEXTOID, TEXTOID,
												TEXTOID, TIMESTAMPTZOID, JSONBOID, INT4OID, OIDOID};

typedef struct Event
{
	Datum values[EVENT_COLUMNS];
	bool nulls[EVENT_COLUMNS];
} Event;

/* What was found out about it, until any of it changes */
static Oid outbox_table = InvalidOid;
static Oid outbox_sequence = InvalidOid;
static bool outbox_is_plain = false;

/* The table or its sequence changed: they are looked up again before the next event */
static void
forget_outbox(Datum arg, Oid relid)
{
	/* an index that comes or goes tells the table, too */
	if (relid == InvalidOid || relid == outbox_table || relid == outbox_sequence)
	{
		outbox_table = InvalidOid;
		event_owners_forget();
	}
}

/* An index that events can be put into without the executor: a btree of columns, not partial, not deferrable */
static bool
index_is_plain(Relation index)
{
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisready || form->indisexclusion)
		return false;
	if (!form->indimmediate || RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (form->indkey.values[i] <= 0)
			return false;
	}
	return true;
}

/* Is there nothing that an INSERT would do besides putting a row into the table and its indexes? */
static bool
table_is_plain(Relation rel)
{
	TupleDesc desc = RelationGetDescr(rel);
	List *indexes;
	ListCell *lc;
	bool plain = true;

	if (rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relam != HEAP_TABLE_AM_OID || rel->trigdesc ||
		rel->rd_rules || rel->rd_rel->relforcerowsecurity || desc->natts != EVENT_COLUMNS)
		return false;
	if (desc->constr && (desc->constr->num_check > 0 || desc->constr->has_generated_stored))
		return false;
	for (int i = 0; i < EVENT_COLUMNS; i++)
	{
		if (TupleDescAttr(desc, i)->atttypid != column_types[i])
			return false;
	}
	indexes = RelationGetIndexList(rel);
	foreach (lc, indexes)
	{
		Relation index = index_open(lfirst_oid(lc), RowExclusiveLock);

		plain = plain && index_is_plain(index);
		index_close(index, NoLock);
	}
	list_free(indexes);
	return plain;
}

/* Looks at it under a lock that keeps it as it is until the transaction ends */
static void
find_outbox(void)
{
	static bool registered = false;
	Oid schema = get_namespace_oid("ingest", false);
	Oid relid = get_relname_relid("event", schema);
	Relation rel;

	if (!registered)
		CacheRegisterRelcacheCallback(forget_outbox, (Datum) 0);
	registered = true;
	outbox_sequence = get_relname_relid("event_id_seq", schema);
	if (!OidIsValid(relid) || !OidIsValid(outbox_sequence))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table ingest.event or its sequence is gone"),
				 errhint("They come with CREATE EXTENSION ingest.")));
	rel = table_open(relid, RowExclusiveLock);
	outbox_is_plain = table_is_plain(rel);
	/* last: opening may have forgotten it */
	outbox_table = RelationGetRelid(rel);
	table_close(rel, NoLock);
}

bool
event_outbox_is_there(void)
{
	Oid schema = get_namespace_oid("ingest", true);

	return OidIsValid(schema) && OidIsValid(get_relname_relid("event", schema)) &&
		   OidIsValid(get_relname_relid("event_id_seq", schema));
}

/*
 * What bounds the ids of transactions to come: the sequence's last id and the oldest transaction that may still
 * draw one before it
 */
Horizon
event_horizon(void)
{
	Horizon horizon = {0};
	LOCAL_FCINFO(call, 1);
	HeapTuple tuple;
	Identity saved;
	Datum id;

	if (!OidIsValid(outbox_table))
		find_outbox();
	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(outbox_sequence));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for sequence %u", outbox_sequence);
	/* a session that keeps ids for later draws small ones late */
	horizon.known = ((Form_pg_sequence) GETSTRUCT(tuple))->seqcache == 1;
	ReleaseSysCache(tuple);
	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = ObjectIdGetDatum(outbox_sequence);
	call->args[0].isnull = false;
	become_engine(&saved);
	id = pg_sequence_last_value(call);
	become_again(&saved);
	/* NULL: none was drawn yet */
	horizon.id = call->isnull ? 0 : DatumGetInt64(id);
	horizon.xid = ReadNextFullTransactionId();
	return horizon;
}

/* The table, if it is plain */
static Relation
open_outbox(void)
{
	Relation rel = NULL;

	if (OidIsValid(outbox_table))
		rel = table_open(outbox_table, RowExclusiveLock);
	/* taking the lock may have brought the news that the table is another one */
	if (!OidIsValid(outbox_table))
	{
		if (rel)
			table_close(rel, NoLock);
		find_outbox();
		rel = table_open(outbox_table, NoLock);
	}
	if (outbox_is_plain)
		return rel;
	table_close(rel, NoLock);
	return NULL;
}

/* An INSERT without the executor: the row, then its entries in the indexes */
static void
insert_directly(Relation rel, Event *event)
{
	HeapTuple tuple;
	List *indexes;
	ListCell *lc;

	event->values[EVENT_ID] = Int64GetDatum(nextval_internal(outbox_sequence, false));
	tuple = heap_form_tuple(RelationGetDescr(rel), event->values, event->nulls);
	simple_heap_insert(rel, tuple);
	indexes = RelationGetIndexList(rel);
	foreach (lc, indexes)
	{
		Relation index = index_open(lfirst_oid(lc), RowExclusiveLock);
		Form_pg_index form = index->rd_index;
		Datum values[INDEX_MAX_KEYS];
		bool nulls[INDEX_MAX_KEYS];

		for (int i = 0; i < form->indnatts; i++)
		{
			values[i] = event->values[form->indkey.values[i] - 1];
			nulls[i] = event->nulls[form->indkey.values[i] - 1];
		}
		/* a btree asks for no more than this to be there */
		index_insert(index, values, nulls, &tuple->t_self, rel, form->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
					 false, NULL);
		index_close(index, NoLock);
	}
	list_free(indexes);
	heap_freetuple(tuple);
}

/* The slow way, where somebody gave the table triggers, or indexes that are not plain */
static void
insert_by_executor(Event *event)
{
	static Prepared insert = {"SELECT ingest_internal.event_add($1, $2, $3, $4, $5, $6, $7, $8, $9)",
							  EVENT_COLUMNS - 1,
							  {INT4OID, XID8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, JSONBOID, INT4OID, OIDOID}};
	char nulls[EVENT_COLUMNS];
	bool isnull;

	for (int i = EVENT_ERA; i < EVENT_COLUMNS; i++)
		nulls[i - 1] = event->nulls[i] ? 'n' : ' ';
	SPI_connect();
	prepared_run(&insert, event->values + EVENT_ERA, nulls, 0);
	event->values[EVENT_ID] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	SPI_finish();
}

/* -- writing -- */

/* Whom an event is for */
typedef struct Audience
{
	int32 source; /* 0: none */
	Oid owner;
} Audience;

ROW_SHAPE(audience_shape, Audience, FIELD_OF("id", INT4, Audience, source), FIELD(OID, Audience, owner));

void
event_expect(void)
{
	/* before ids are drawn */
	(void) GetTopFullTransactionId();
	publisher_expect(home_era());
}

/* An event, in this transaction: written at once where that is possible, since a batch writes one per row */
static void
emit(Datum type, Datum source, Datum subject, bool no_subject, Datum data, Audience audience)
{
	Event event = {0};
	Relation rel;

	PreventCommandIfReadOnly("ingest.emit()");
	PreventCommandIfParallelMode("ingest.emit()");
	event.values[EVENT_ERA] = Int32GetDatum(home_era());
	/* before the id is drawn: see Horizon */
	event.values[EVENT_XID] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	event.values[EVENT_TYPE] = type;
	event.values[EVENT_SOURCE] = source;
	event.values[EVENT_SUBJECT] = subject;
	event.nulls[EVENT_SUBJECT] = no_subject;
	event.values[EVENT_TIME] = TimestampTzGetDatum(GetCurrentTimestamp());
	event.values[EVENT_DATA] = data;
	event.values[EVENT_SOURCE_ID] = Int32GetDatum(audience.source);
	event.nulls[EVENT_SOURCE_ID] = audience.source == 0;
	event.values[EVENT_OWNER] = ObjectIdGetDatum(audience.owner);
	rel = open_outbox();
	if (rel)
	{
		insert_directly(rel, &event);
		table_close(rel, NoLock);
	}
	else
		insert_by_executor(&event);
	publisher_expect(DatumGetInt32(event.values[EVENT_ERA]));
}

/* Those of a source now; without one, the caller */
static Audience
audience_of(const char *source)
{
	Audience audience = {0, GetUserId()};
	Audience *of = NULL;

	if (source)
		of = repo_struct(audience_shape, "SELECT id, owner FROM ingest.data_source WHERE name = $1", arg_text(source));
	return of ? *of : audience;
}

/* The same of C strings */
static void
emit_to(Audience audience, const char *type, const char *source, const char *subject, const char *data)
{
	Datum json = DirectFunctionCall1(jsonb_in, CStringGetDatum(data));

	emit(CStringGetTextDatum(type), CStringGetTextDatum(event_source_of(source)),
		 subject ? CStringGetTextDatum(subject) : (Datum) 0, subject == NULL, json, audience);
	event_owner_know(audience.owner);
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

/* The types that only the engine writes begin so */
#define RESERVED "ingest."

/* emit(type text, subject text, data jsonb): an event of the user's own */
Datum
ingest_emit(PG_FUNCTION_ARGS)
{
	Audience caller = {0, GetUserId()};
	bool no_subject = PG_ARGISNULL(1);
	text *type;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("an event needs a type and data")));
	type = PG_GETARG_TEXT_PP(0);
	if (VARSIZE_ANY_EXHDR(type) >= strlen(RESERVED) && memcmp(VARDATA_ANY(type), RESERVED, strlen(RESERVED)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("event types that begin with \"%s\" are reserved for the engine", RESERVED),
				 errhint("Begin it with a name of your own, such as \"com.example.order.approved\".")));
	/* the era is asked for under the engine's settings, which cost more than the event: once per session */
	if (!home_era_is_known())
	{
		int level = sql_begin();

		(void) home_era();
		sql_end(level);
	}
	emit(PointerGetDatum(type), CStringGetTextDatum(event_source_of(NULL)),
		 no_subject ? (Datum) 0 : PointerGetDatum(PG_GETARG_TEXT_PP(1)), no_subject,
		 PointerGetDatum(PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(2))), caller);
	/* the role's first event here: as dear as the era, and as rare */
	if (!event_owner_is_known(caller.owner))
	{
		int level = sql_begin();

		event_owner_know(caller.owner);
		sql_end(level);
	}
	PG_RETURN_VOID();
}

/* announce(type, source, subject, data, owner): the engine's own events, from its SQL functions */
Datum
ingest_announce(PG_FUNCTION_ARGS)
{
	int level = sql_begin();
	char *source = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	Audience audience = audience_of(source);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("an event needs a type and data")));
	if (!PG_ARGISNULL(4))
		audience.owner = PG_GETARG_OID(4);
	emit(PG_GETARG_DATUM(0), CStringGetTextDatum(event_source_of(source)),
		 PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2), PG_ARGISNULL(2), PG_GETARG_DATUM(3), audience);
	event_owner_know(audience.owner);
	sql_end(level);
	PG_RETURN_VOID();
}

/* -- settings -- */

void
event_settings(void)
{
	DefineCustomStringVariable("ingest.cluster_name", "Name of this cluster in the source of its events.",
							   "Without one, the system identifier.", &event_cluster, "", PGC_SIGHUP, 0, NULL,
							   assign_cluster_name, NULL);
	publisher_settings();
	alert_settings();
}
