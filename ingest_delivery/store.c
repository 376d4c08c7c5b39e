/*
 * store.c
 *		The worker's statements: what it asks of the database and writes down there.
 *
 * Events are read as the sink's owner, so that what he may not see, or no longer, is not
 * sent.  Everything else is done as the owner of the extension's tables.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "ingest_delivery/alert.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/door.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/store.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A window is bounded in events and in bytes */
#define MOST_EVENTS 1000
#define MOST_BYTES (8 * 1024 * 1024)
#define AT_ONCE 50
#define FIRST_AT_ONCE 8
/* What an event has besides its own attributes and data */
#define ENVELOPE 256
/* Of those that wait */
#define MOST_SUBJECTS 100
#define MOST_OF_SUBJECT 50
/* How long what a reference led to is used: what stands in vaults is kept for nine minutes more */
#define SECRETS_FOR USECS_PER_MINUTE
#define STATE_EVERY USECS_PER_SEC

#define MOST_ARGUMENTS 10

typedef struct Statement
{
	const char *sql;
	int n;
	Oid types[MOST_ARGUMENTS];
	SPIPlanPtr plan;
} Statement;

static SPIPlanPtr
plan_of(Statement *s)
{
	if (s->plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(s->sql, s->n, s->types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare a statement: %s", SPI_result_code_string(SPI_result));
		s->plan = plan;
	}
	return s->plan;
}

static uint64
run(Statement *s, Datum *values, const char *nulls)
{
	int code = SPI_execute_plan(plan_of(s), values, nulls, false, 0);

	if (code < 0)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(code));
	return SPI_processed;
}

/* -- transactions -- */

void
store_begin(const char *what)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, what);
}

void
store_end(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	/* or autovacuum never hears of what was written */
	(void) pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

bool
store_finds_extension(void)
{
	return OidIsValid(get_extension_oid("ingest_delivery", true)) && version_fits(LOG);
}

/*
 * What ALTER DATABASE … SET says holds for sessions that begin after it: is there anything new for the role that this
 * one is?  Everybody may ALTER ROLE … IN DATABASE … SET for himself, which is nothing to us.
 */
bool
store_settings_changed(void)
{
	static Statement statement = {"SELECT coalesce(string_agg(array_to_string(s.setconfig, E'\\n'), E'\\n' ORDER BY s.setdatabase, s.setrole), '') FROM pg_catalog.pg_db_role_setting s "
								  "WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())) "
								  "AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = session_user))"};
	static char *known = NULL;
	char *now;

	run(&statement, NULL, NULL);
	now = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (known == NULL)
		known = MemoryContextStrdup(TopMemoryContext, now);
	return strcmp(known, now) != 0;
}

/* -- answers -- */

/* A value of the row as text in the current memory context; NULL for null */
static char *
text_at(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

static int64
number_at(uint64 row, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	if (isnull)
		return 0;
	return SPI_gettypeid(SPI_tuptable->tupdesc, column) == INT8OID ? DatumGetInt64(value) : DatumGetInt32(value);
}

static bool
truth_at(uint64 row, int column)
{
	bool isnull;

	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull)) && !isnull;
}

static Datum
texts(Datum *items, int n)
{
	return PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
eras(Datum *items, int n)
{
	return PointerGetDatum(construct_array(items, n, INT4OID, 4, true, TYPALIGN_INT));
}

static Datum
ids(Datum *items, int n)
{
	return PointerGetDatum(construct_array(items, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* -- sinks -- */

static char *
kept(MemoryContext context, const char *text)
{
	return text ? MemoryContextStrdup(context, text) : NULL;
}

static Sink *
sink_at(uint64 row)
{
	/* until somebody takes it, it goes with the transaction */
	MemoryContext context = AllocSetContextCreate(CurTransactionContext, "sink", ALLOCSET_DEFAULT_SIZES);
	Sink *sink = MemoryContextAllocZero(context, sizeof(Sink));
	MemoryContext old;
	Datum value;
	bool isnull;

	sink->context = context;
	sink->id = number_at(row, 1);
	sink->name = kept(context, text_at(row, 2));
	sink->consumer = kept(context, text_at(row, 3));
	sink->kind = kind_named(text_at(row, 4));
	value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 5, &isnull);
	old = MemoryContextSwitchTo(context);
	sink->options = DatumGetJsonbPCopy(value);
	MemoryContextSwitchTo(old);
	sink->old_secret = kept(context, text_at(row, 6));
	sink->filter = kept(context, text_at(row, 7));
	sink->by_subject = truth_at(row, 8);
	sink->hold = truth_at(row, 9);
	sink->owner = strtoul(text_at(row, 10), NULL, 10);
	sink->active = truth_at(row, 11);
	sink->version = number_at(row, 12);
	sink->reading = number_at(row, 13);
	sink->expires = truth_at(row, 14);
	sink_load(sink);
	return sink;
}

void
store_sinks(dlist_head *sinks)
{
	static Statement follow = {"SELECT ingest_delivery_internal.follow(ingest_delivery_internal.home())"};
	static Statement list = {"SELECT * FROM ingest_delivery_internal.sinks()"};
	Identity saved;
	uint64 n;

	dlist_init(sinks);
	become_engine(&saved);
	run(&follow, NULL, NULL);
	n = run(&list, NULL, NULL);
	for (uint64 i = 0; i < n; i++)
		dlist_push_tail(sinks, &sink_at(i)->node);
	become_again(&saved);
}

static void
ask_next_due(Sink *sink)
{
	static Statement next = {"SELECT ingest_delivery_internal.next_due($1)", 1, {INT4OID}};
	Datum value = Int32GetDatum(sink->id);
	bool isnull;

	run(&next, &value, NULL);
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	sink->next_due = isnull ? DT_NOEND : DatumGetTimestampTz(value);
}

void
store_waiting(Sink *sink)
{
	static Statement waiting = {"SELECT key, refused FROM ingest_delivery_internal.waiting($1)", 1, {INT4OID}};
	Datum value = Int32GetDatum(sink->id);
	Identity saved;
	uint64 n;

	become_engine(&saved);
	n = run(&waiting, &value, NULL);
	for (uint64 i = 0; i < n; i++)
		sink_block(sink, text_at(i, 1), truth_at(i, 2));
	ask_next_due(sink);
	become_again(&saved);
}

void
store_secrets(Sink *sink)
{
	if (!sink->fetch && (!sink->ready || GetCurrentTimestamp() >= sink->resolved_at + SECRETS_FOR))
		sink_resolve(sink);
}

/* -- reading -- */

/* In UTF-8, behind the item itself */
static char *
put(char **at, const char *text)
{
	char *here = *at;
	size_t n;

	if (text == NULL)
		return NULL;
	n = strlen(text) + 1;
	memcpy(here, text, n);
	*at += n;
	return here;
}

static char *
sent_form(char *text)
{
	return text ? pg_server_to_any(text, strlen(text), PG_UTF8) : NULL;
}

/* What an event says of an alert, NULL if it is none of one; size grows by what it needs */
static char **
alert_at(SPITupleTable *table, uint64 row, int column, size_t *size)
{
	bool isnull;
	Datum value = SPI_getbinval(table->vals[row], table->tupdesc, column, &isnull);
	char **fields;
	Datum *items;
	bool *nulls;
	int n;

	if (isnull)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &n);
	Assert(n == ALERT_FIELDS);
	fields = palloc0(sizeof(char *) * ALERT_FIELDS);
	for (int i = 0; i < n && i < ALERT_FIELDS; i++)
	{
		fields[i] = nulls[i] ? NULL : sent_form(TextDatumGetCString(items[i]));
		*size += fields[i] ? strlen(fields[i]) + 1 : 0;
	}
	*size += MAXALIGN(sizeof(char *) * ALERT_FIELDS) + MAXIMUM_ALIGNOF;
	return fields;
}

static char **
keep_alert(char **at, char **fields)
{
	char **kept_fields = (char **) MAXALIGN(*at);

	if (fields == NULL)
		return NULL;
	*at = (char *) (kept_fields + ALERT_FIELDS);
	for (int i = 0; i < ALERT_FIELDS; i++)
		kept_fields[i] = put(at, fields[i]);
	return kept_fields;
}

/* What is older is of no use to a sink that says so; in minutes, ingest's setting */
static TimestampTz
expired_before(void)
{
	const char *minutes = GetConfigOption("ingest.event_retention", true, false);

	return GetCurrentTimestamp() - (minutes ? atoi(minutes) : 7 * 24 * 60) * USECS_PER_MINUTE;
}

void
store_expire(Sink *sink)
{
	sink->expired += sink_expire(sink, expired_before());
}

/* Columns: era, id, type, source, subject, time, version, data, wanted, at, is_large, alert; key: of one that waited */
static Parcel *
item_at(Sink *sink, SPITupleTable *table, uint64 row, const char *key)
{
	char *v[6];
	char **alert = NULL;
	size_t size = 0;
	char *subject = SPI_getvalue(table->vals[row], table->tupdesc, 5);
	char *own_key;
	char *at;
	Parcel *item;
	bool isnull;
	bool wanted = DatumGetBool(SPI_getbinval(table->vals[row], table->tupdesc, 9, &isnull));

	wanted = wanted && !isnull;
	if (wanted)
		alert = alert_at(table, row, 12, &size);
	/* what stems from a sink that sink does not tell */
	if (alert && alert[ALERT_OBJECT] && strcmp(alert[ALERT_OBJECT], psprintf("sink %d", sink->id)) == 0)
		wanted = false;
	for (int i = 0; i < 6; i++)
	{
		v[i] = wanted ? sent_form(SPI_getvalue(table->vals[row], table->tupdesc, i + 3)) : NULL;
		size += v[i] ? strlen(v[i]) + 1 : 0;
	}
	own_key = key ? pstrdup(key)
				  : sink_key(sink->by_subject, DatumGetInt32(SPI_getbinval(table->vals[row], table->tupdesc, 1, &isnull)),
							 DatumGetInt64(SPI_getbinval(table->vals[row], table->tupdesc, 2, &isnull)), subject);
	size += strlen(own_key) + 1;
	item = MemoryContextAllocZero(sink->context, sizeof(Parcel) + size);
	at = (char *) (item + 1);
	item->event.alert = NULL;
	item->event.era = DatumGetInt32(SPI_getbinval(table->vals[row], table->tupdesc, 1, &isnull));
	item->event.id = DatumGetInt64(SPI_getbinval(table->vals[row], table->tupdesc, 2, &isnull));
	item->event.type = put(&at, v[0]);
	item->event.source = put(&at, v[1]);
	item->event.subject = put(&at, v[2]);
	item->event.time = put(&at, v[3]);
	item->event.version = put(&at, v[4]);
	item->event.data = put(&at, v[5]);
	item->event.alert = wanted ? keep_alert(&at, alert) : NULL;
	item->key = put(&at, own_key);
	item->hash = sink->by_subject && own_key[0] == 's' ? sink_hash(own_key) : 0;
	item->bytes = size + ENVELOPE;
	/* what tells of nothing that the sink is sent is done with as well */
	item->state = wanted && item->event.data ? READY : ARRIVED;
	item->at = DatumGetTimestampTz(SPI_getbinval(table->vals[row], table->tupdesc, 10, &isnull));
	item->is_large = DatumGetBool(SPI_getbinval(table->vals[row], table->tupdesc, 11, &isnull));
	if (item->state == READY && sink->expires && item->at < expired_before())
	{
		item->state = ARRIVED;
		sink->expired++;
	}
	for (int i = 0; i < 6; i++)
		if (v[i])
			pfree(v[i]);
	return item;
}

/* As alert.h's fields are */
#define ALERT_COLUMNS(data) \
	"ARRAY[" data "->>'alert', " data "->>'kind', " data "->>'severity', " data "->>'object', " data "->>'subject', " data "->>'summary', " data "->>'source', " data "->>'since', " data "->>'count', " data "->>'acknowledged_by', " data "->>'closed_by']"

/* What is too large to be sent is not even brought here; OFFSET 0: its text is made once */
#define EVENT_COLUMNS \
	"r.era, r.id, r.type, r.source, r.subject, to_jsonb(r.time) #>> '{}', " \
	"coalesce((SELECT t.version FROM ingest.event_type t WHERE t.type = r.type), '1'), CASE WHEN octet_length(d.text) > $4 THEN '' ELSE d.text END, " \
	"($2::jsonb IS NULL OR r.data @> $2)"
#define MORE_COLUMNS ", r.time, octet_length(d.text) > $4, CASE WHEN r.type LIKE 'ingest.alert.%' THEN " ALERT_COLUMNS("r.data") " END"
#define TEXT_OF_DATA \
	" r CROSS JOIN LATERAL (SELECT CASE WHEN $5::text IS NULL THEN r.data::text " \
	"ELSE ingest_delivery_internal.run_events($5, r.type, r.source, r.time, r.data) END AS text OFFSET 0) d"

/* Of the runs that it is sent instead of events */
static Datum
namespace_of(const Sink *sink)
{
	return sink->runs_of ? CStringGetTextDatum(sink->runs_of) : (Datum) 0;
}

/* Until what was read is as much as may be in memory; how many */
static int
read_events(Sink *sink, Portal portal, size_t *bytes)
{
	int n = 0;

	for (;;)
	{
		/* as many as they were large until now */
		int at_once = n == 0 ? FIRST_AT_ONCE : (int) Min(Max(MOST_BYTES / 4 * (size_t) n / Max(*bytes, 1), 1), AT_ONCE);

		SPI_cursor_fetch(portal, true, Min(at_once, sink->read_limit));
		if (SPI_processed == 0)
			return n;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Parcel *item = item_at(sink, SPI_tuptable, i, NULL);

			n++;
			/* read again since what comes before it was not acknowledged yet */
			if (sink->has_last && (item->event.era < sink->last_era || (item->event.era == sink->last_era && item->event.id <= sink->last_id)))
			{
				item_free(item);
				continue;
			}
			sink->has_last = true;
			sink->last_era = item->event.era;
			sink->last_id = item->event.id;
			*bytes += item->bytes;
			sink_add(sink, item);
			if (*bytes > MOST_BYTES)
				return n;
		}
		SPI_freetuptable(SPI_tuptable);
	}
}

void
store_read(Sink *sink)
{
	static Statement read = {"SELECT " EVENT_COLUMNS MORE_COLUMNS " FROM ingest.read_events($1, $3)" TEXT_OF_DATA, 5, {TEXTOID, JSONBOID, INT4OID, INT4OID, TEXTOID}};
	Datum values[5] = {CStringGetTextDatum(sink->consumer), (Datum) 0, Int32GetDatum(sink->read_limit), Int32GetDatum(sink->max_bytes), namespace_of(sink)};
	char nulls[5] = {' ', sink->filter ? ' ' : 'n', ' ', ' ', sink->runs_of ? ' ' : 'n'};
	TimestampTz began = GetCurrentTimestamp();
	size_t bytes = 0;
	Identity saved;
	Portal portal;
	int n;

	/* the window is empty: the next batch may hold smaller ids */
	if (dlist_is_empty(&sink->window))
		sink->has_last = false;
	if (sink->filter)
		values[1] = DirectFunctionCall1(jsonb_in, CStringGetDatum(sink->filter));
	become_owner(sink->owner, &saved);
	portal = SPI_cursor_open(NULL, plan_of(&read), values, nulls, false);
	if (portal == NULL)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(SPI_result));
	n = read_events(sink, portal, &bytes);
	SPI_cursor_close(portal);
	become_again(&saved);
	sink->exhausted = n < sink->read_limit && bytes <= MOST_BYTES;
	if (bytes > MOST_BYTES)
		sink->read_limit = Max(n, 1);
	else
		sink->read_limit = Min(Max(sink->read_limit, n) * 2, Max(MOST_EVENTS, 4 * sink->batch_events * sink->max_in_flight));
	/* what is read beyond what may be in memory is read in vain */
	if (bytes > 0)
		sink->read_limit = Min(sink->read_limit, Max(AT_ONCE, MOST_BYTES / (bytes / n + 1)));
	sink->read_at = GetCurrentTimestamp();
	sink->read_took = sink->read_at - began;
	sink->woken = sink->woken && !dlist_is_empty(&sink->window);
	sink_pass(sink);
}

/* -- alerts that are still open -- */

/* Columns: alert, fields, data */
static Parcel *
reminder_at(Sink *sink, SPITupleTable *table, uint64 row)
{
	size_t size = 0;
	char **alert = alert_at(table, row, 2, &size);
	char *data = sent_form(SPI_getvalue(table->vals[row], table->tupdesc, 3));
	char *time = rfc3339(GetCurrentTimestamp());
	Parcel *item;
	char *at;
	bool isnull;

	size += strlen(data) + strlen(time) + 2;
	item = MemoryContextAllocZero(sink->context, sizeof(Parcel) + size);
	at = (char *) (item + 1);
	item->reminds = DatumGetInt64(SPI_getbinval(table->vals[row], table->tupdesc, 1, &isnull));
	item->event.alert = keep_alert(&at, alert);
	item->event.repeated = true;
	item->event.id = GetCurrentTimestamp();
	item->event.type = "ingest.alert.opened";
	item->event.source = sink->instance;
	item->event.subject = item->event.alert[ALERT_SUBJECT];
	item->event.version = "1";
	item->event.data = put(&at, data);
	item->event.time = put(&at, time);
	return item;
}

void
store_read_reminders(Sink *sink)
{
	static Statement read = {"SELECT o.alert, " ALERT_COLUMNS("o.data") ", o.data::text FROM ingest_internal.open_alert o "
																		"WHERE ($1 IS NULL OR o.data @> $1) AND o.data->>'object' <> 'sink ' || $2 "
																		"AND (SELECT s.types IS NULL OR ingest_internal.event_wanted('ingest.alert.opened', s.types) FROM ingest.subscription s WHERE s.consumer = $3) "
																		"AND ($4 OR NOT o.acknowledged AND coalesce((SELECT r.at FROM ingest_delivery.reminder r WHERE r.sink = $2 AND r.alert = o.alert), o.told_at) "
																		"<= now() - $5 * interval '1 s') ORDER BY o.alert LIMIT 1000",
							 5,
							 {JSONBOID, INT4OID, TEXTOID, BOOLOID, FLOAT8OID}};
	Datum values[5] = {(Datum) 0, Int32GetDatum(sink->id), CStringGetTextDatum(sink->consumer), BoolGetDatum(sink->repeats_all), Float8GetDatum((double) sink->repeat / USECS_PER_SEC)};
	char nulls[5] = {sink->filter ? ' ' : 'n', ' ', ' ', ' ', ' '};
	Identity saved;
	uint64 n;

	sink->remind_at = GetCurrentTimestamp() + (sink->repeats_all ? sink->repeat : Min(sink->repeat, USECS_PER_MINUTE));
	if (sink->filter)
		values[0] = DirectFunctionCall1(jsonb_in, CStringGetDatum(sink->filter));
	become_owner(sink->owner, &saved);
	n = run(&read, values, nulls);
	become_again(&saved);
	for (uint64 i = 0; i < n; i++)
		sink_add_reminder(sink, reminder_at(sink, SPI_tuptable, i));
}

static void
write_reminded(Sink *sink)
{
	static Statement reminded = {"SELECT ingest_delivery_internal.reminded($1, $2)", 2, {INT4OID, INT8ARRAYOID}};
	Datum *alerts = palloc(sizeof(Datum) * Max(list_length(sink->reminded), 1));
	int n = 0;
	ListCell *lc;

	foreach (lc, sink->reminded)
		alerts[n++] = Int64GetDatum(((Parcel *) lfirst(lc))->reminds);
	run(&reminded, (Datum[2]){Int32GetDatum(sink->id), ids(alerts, n)}, NULL);
	foreach (lc, sink->reminded)
		item_free(lfirst(lc));
	list_free(sink->reminded);
	sink->reminded = NIL;
}

/* -- how it does -- */

void
store_look(Sink *sink)
{
	static Statement ask = {"SELECT behind_for FROM ingest.consumer_status WHERE consumer = $1 AND behind > 0", 1, {TEXTOID}};
	static Statement tell = {"SELECT ingest_delivery_internal.is_behind($1, now() - $2)", 2, {INT4OID, INTERVALOID}};
	Datum consumer = CStringGetTextDatum(sink->consumer);
	Datum values[2] = {Int32GetDatum(sink->id), (Datum) 0};
	bool isnull = true;
	Identity saved;

	become_owner(sink->owner, &saved);
	if (run(&ask, &consumer, NULL) > 0)
		values[1] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	become_again(&saved);
	become_engine(&saved);
	run(&tell, values, isnull ? " n" : NULL);
	become_again(&saved);
}

void
store_alerts(void)
{
	static Statement look = {"SELECT ingest_delivery_internal.alerts_look($1 * interval '1 s', $2 * interval '1 s'), ingest_internal.service_lives()", 2, {FLOAT8OID, FLOAT8OID}};
	Identity saved;

	become_engine(&saved);
	run(&look, (Datum[2]){Float8GetDatum(delivery_unavailable_alert), Float8GetDatum(delivery_behind_alert)}, NULL);
	become_again(&saved);
}

/* Arrays of what due() gave: keys, tries, eras, ids */
typedef struct Due
{
	int n;
	char **keys;
	int *tries;
	Datum *eras;
	Datum *ids;
	int n_empty;
	Datum *empty; /* subjects of which nothing waits any more */
} Due;

static void
read_due(Sink *sink, Due *due)
{
	static Statement list = {"SELECT * FROM ingest_delivery_internal.due($1, $2, $3)", 3, {INT4OID, INT4OID, INT4OID}};
	Datum values[3] = {Int32GetDatum(sink->id), Int32GetDatum(MOST_SUBJECTS), Int32GetDatum(MOST_OF_SUBJECT)};
	uint64 n = run(&list, values, NULL);

	memset(due, 0, sizeof(Due));
	due->keys = palloc(sizeof(char *) * (n + 1));
	due->tries = palloc(sizeof(int) * (n + 1));
	due->eras = palloc(sizeof(Datum) * (n + 1));
	due->ids = palloc(sizeof(Datum) * (n + 1));
	due->empty = palloc(sizeof(Datum) * (n + 1));
	for (uint64 i = 0; i < n; i++)
	{
		if (text_at(i, 3) == NULL)
		{
			due->empty[due->n_empty++] = CStringGetTextDatum(text_at(i, 1));
			continue;
		}
		due->keys[due->n] = text_at(i, 1);
		due->tries[due->n] = number_at(i, 2);
		due->eras[due->n] = Int32GetDatum((int32) number_at(i, 3));
		due->ids[due->n++] = Int64GetDatum(number_at(i, 4));
	}
}

/* Those of which nothing waits go on */
static void
unblock(Sink *sink, Datum *keys, int n)
{
	static Statement statement = {"SELECT * FROM ingest_delivery_internal.unblock($1, $2)", 2, {INT4OID, TEXTARRAYOID}};
	Datum values[2] = {Int32GetDatum(sink->id), texts(keys, n)};
	uint64 freed = run(&statement, values, NULL);

	for (uint64 i = 0; i < freed; i++)
		sink_unblock(sink, text_at(i, 1));
}

/* By era and id, which is how events are read */
static int
compare_due(const void *a, const void *b, void *arg)
{
	const Due *due = arg;
	int i = *(const int *) a,
		k = *(const int *) b;

	if (DatumGetInt32(due->eras[i]) != DatumGetInt32(due->eras[k]))
		return DatumGetInt32(due->eras[i]) < DatumGetInt32(due->eras[k]) ? -1 : 1;
	if (DatumGetInt64(due->ids[i]) != DatumGetInt64(due->ids[k]))
		return DatumGetInt64(due->ids[i]) < DatumGetInt64(due->ids[k]) ? -1 : 1;
	return 0;
}

/* An event that is not there for the owner any more: only the entry goes */
static Parcel *
item_of_nothing(Sink *sink, const Due *due, int i)
{
	Parcel *item = MemoryContextAllocZero(sink->context, sizeof(Parcel) + strlen(due->keys[i]) + 1);

	item->key = strcpy((char *) (item + 1), due->keys[i]);
	item->event.era = DatumGetInt32(due->eras[i]);
	item->event.id = DatumGetInt64(due->ids[i]);
	item->state = ARRIVED;
	return item;
}

/*
 * What due names, as far as may be in memory: each item, or NULL where it is left for the next time.  What is left is
 * the end in the order of ids, so that of each subject the first ones are read.
 */
static Parcel **
fetch_due(Sink *sink, const Due *due, Portal portal)
{
	Parcel **items = palloc0(sizeof(Parcel *) * due->n);
	int *order = palloc(sizeof(int) * due->n);
	size_t bytes = 0;
	bool isnull;
	int at = 0;

	for (int i = 0; i < due->n; i++)
		order[i] = i;
	qsort_arg(order, due->n, sizeof(int), compare_due, (void *) due);
	while (bytes <= MOST_BYTES)
	{
		SPI_cursor_fetch(portal, true, FIRST_AT_ONCE);
		for (uint64 row = 0; row < SPI_processed; row++)
		{
			int32 era = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1, &isnull));
			int64 id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 2, &isnull));

			for (; at < due->n && (DatumGetInt32(due->eras[order[at]]) != era || DatumGetInt64(due->ids[order[at]]) != id); at++)
				items[order[at]] = item_of_nothing(sink, due, order[at]);
			if (at == due->n)
				return items;
			items[order[at]] = item_at(sink, SPI_tuptable, row, due->keys[order[at]]);
			bytes += items[order[at++]]->bytes;
		}
		if (SPI_processed == 0)
		{
			for (; at < due->n; at++)
				items[order[at]] = item_of_nothing(sink, due, order[at]);
			return items;
		}
		SPI_freetuptable(SPI_tuptable);
	}
	return items;
}

/* In the order of due */
static void
add_due(Sink *sink, const Due *due, Parcel **items)
{
	for (int i = 0; i < due->n; i++)
	{
		Parcel *item = items[i];

		if (item == NULL)
			continue;
		/* those behind the first were not tried yet */
		item->tries = i == 0 || strcmp(due->keys[i], due->keys[i - 1]) != 0 ? due->tries[i] : 0;
		if (item->state == ARRIVED)
		{
			item->again = true;
			dlist_push_tail(&sink->again, &item->node);
		}
		else
			sink_add_again(sink, item);
	}
}

void
store_read_again(Sink *sink)
{
	/* of what its types or its filter do not let through any more only the entry goes */
	static Statement read = {"SELECT " EVENT_COLUMNS " AND EXISTS (SELECT FROM ingest.subscription s WHERE s.consumer = $6 AND (s.types IS NULL OR ingest_internal.event_wanted(r.type, s.types)))" MORE_COLUMNS
							 " FROM ingest_internal.read_again($1, $3)" TEXT_OF_DATA,
							 6,
							 {INT4ARRAYOID, JSONBOID, INT8ARRAYOID, INT4OID, TEXTOID, TEXTOID}};
	Identity saved;
	Due due;
	Datum values[6] = {0};
	char nulls[6] = {' ', sink->filter ? ' ' : 'n', ' ', ' ', sink->runs_of ? ' ' : 'n', ' '};
	Portal portal;
	Parcel **items;

	become_engine(&saved);
	read_due(sink, &due);
	if (due.n_empty > 0)
		unblock(sink, due.empty, due.n_empty);
	if (due.n == 0)
		ask_next_due(sink);
	become_again(&saved);
	if (due.n == 0)
		return;
	values[0] = eras(due.eras, due.n);
	values[2] = ids(due.ids, due.n);
	values[3] = Int32GetDatum(sink->max_bytes);
	values[4] = namespace_of(sink);
	values[5] = CStringGetTextDatum(sink->consumer);
	become_owner(sink->owner, &saved);
	if (sink->filter)
		values[1] = DirectFunctionCall1(jsonb_in, CStringGetDatum(sink->filter));
	portal = SPI_cursor_open(NULL, plan_of(&read), values, nulls, false);
	if (portal == NULL)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(SPI_result));
	items = fetch_due(sink, &due, portal);
	SPI_cursor_close(portal);
	become_again(&saved);
	add_due(sink, &due, items);
}

/* -- what happened -- */

/* How long a subject waits after its event was refused for the how manieth time; beyond the last it is given up */
static const int delays_s[] = {5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};

static void
write_blocked(Sink *sink, Parcel *item)
{
	static Statement block = {"SELECT ingest_delivery_internal.block($1, $2, $3, $4, $5 * interval '1 s', $6)", 6, {INT4OID, TEXTOID, INT4OID, INT8OID, FLOAT8OID, TEXTOID}};
	/* a tenth more or less, so that those who failed together do not return together */
	double delay = delays_s[item->tries] * (0.9 + 0.2 * pg_prng_double(&pg_global_prng_state));
	Datum values[6] = {Int32GetDatum(sink->id), CStringGetTextDatum(item->key), Int32GetDatum(item->event.era), Int64GetDatum(item->event.id), Float8GetDatum(delay),
					   CStringGetTextDatum(item->error ? item->error : "")};

	run(&block, values, NULL);
}

static void
write_dead(Sink *sink, Parcel *item)
{
	static Statement bury = {"SELECT ingest_delivery_internal.bury($1, $2, $3, $4, $5, $6, $7)", 7, {INT4OID, TEXTOID, INT4OID, INT8OID, INT4OID, TEXTOID, TEXTOID}};
	static Statement hold = {"SELECT ingest_delivery_internal.hold($1, $2)", 2, {INT4OID, TEXTOID}};
	Datum values[7] = {Int32GetDatum(sink->id), CStringGetTextDatum(item->key), Int32GetDatum(item->event.era), Int64GetDatum(item->event.id), Int32GetDatum(item->status),
					   CStringGetTextDatum(item->error ? item->error : ""), item->answer ? CStringGetTextDatum(item->answer) : (Datum) 0};
	char nulls[7] = {' ', ' ', ' ', ' ', item->status ? ' ' : 'n', ' ', item->answer ? ' ' : 'n'};

	run(&bury, values, nulls);
	if (sink->hold)
		run(&hold, values, NULL);
	ereport(LOG,
			(errmsg("ingest_delivery: sink \"%s\" gave up event %d-%lld: %s", sink->name, item->event.era, (long long) item->event.id, item->error ? item->error : "")));
}

/* Items of a state, as arrays */
static int
collect(dlist_head *list, ParcelState state, Datum **keys, Datum **of_eras, Datum **of_ids)
{
	int n = 0;
	dlist_iter i;

	dlist_foreach(i, list)
		n += dlist_container(Parcel, node, i.cur)->state == state;
	*keys = palloc(sizeof(Datum) * Max(n, 1));
	*of_eras = palloc(sizeof(Datum) * Max(n, 1));
	*of_ids = palloc(sizeof(Datum) * Max(n, 1));
	n = 0;
	dlist_foreach(i, list)
	{
		Parcel *item = dlist_container(Parcel, node, i.cur);

		if (item->state != state)
			continue;
		(*keys)[n] = CStringGetTextDatum(item->key);
		(*of_eras)[n] = Int32GetDatum(item->event.era);
		(*of_ids)[n++] = Int64GetDatum(item->event.id);
	}
	return n;
}

/* Blocked and dead ones first, since others wait behind them; true if there were any */
static bool
write_refused(Sink *sink, dlist_head *list)
{
	bool any = false;
	dlist_iter i;

	dlist_foreach(i, list)
	{
		Parcel *item = dlist_container(Parcel, node, i.cur);

		if (item->state == BLOCKED)
			write_blocked(sink, item);
		else if (item->state == DEAD)
			write_dead(sink, item);
		else
			continue;
		if (!item->again)
			item->state = DONE;
		any = true;
	}
	return any;
}

static bool
write_window(Sink *sink)
{
	static Statement park = {"SELECT ingest_delivery_internal.park($1, $2, $3, $4)", 4, {INT4OID, TEXTARRAYOID, INT4ARRAYOID, INT8ARRAYOID}};
	bool any = write_refused(sink, &sink->window);
	Datum *keys,
		*of_eras,
		*of_ids;
	int n = collect(&sink->window, PARKED, &keys, &of_eras, &of_ids);
	dlist_iter i;

	if (n == 0)
		return any;
	run(&park, (Datum[4]){Int32GetDatum(sink->id), texts(keys, n), eras(of_eras, n), ids(of_ids, n)}, NULL);
	dlist_foreach(i, &sink->window)
	{
		Parcel *item = dlist_container(Parcel, node, i.cur);

		if (item->state == PARKED)
			item->state = DONE;
	}
	return true;
}

/* Those that are done with leave the list */
static bool
write_again(Sink *sink)
{
	static Statement arrived = {"SELECT ingest_delivery_internal.arrived($1, $2, $3, $4)", 4, {INT4OID, TEXTARRAYOID, INT4ARRAYOID, INT8ARRAYOID}};
	bool any = write_refused(sink, &sink->again);
	Datum *keys,
		*of_eras,
		*of_ids;
	int n = collect(&sink->again, ARRIVED, &keys, &of_eras, &of_ids);
	dlist_mutable_iter i;

	if (n > 0)
	{
		run(&arrived, (Datum[4]){Int32GetDatum(sink->id), texts(keys, n), eras(of_eras, n), ids(of_ids, n)}, NULL);
		unblock(sink, keys, n);
	}
	/* of what was given up the subject may be free now */
	n = collect(&sink->again, DEAD, &keys, &of_eras, &of_ids);
	if (n > 0)
		unblock(sink, keys, n);
	dlist_foreach_modify(i, &sink->again)
	{
		Parcel *item = dlist_container(Parcel, node, i.cur);

		if (item->state == READY || item->state == BEHIND || item->state == FLYING)
			continue;
		any = true;
		dlist_delete(&item->node);
		item_free(item);
	}
	return any;
}

static void
write_attempts(Sink *sink)
{
	static Statement attempted = {"SELECT ingest_delivery_internal.attempted($1, $2, $3, $4, $5, $6, $7, $8, $9)", 9, {INT4OID, TIMESTAMPTZOID, TEXTOID, INT4OID, BOOLOID, INT4OID, TEXTOID, TEXTOID, FLOAT8OID}};

	while (sink->attempts)
	{
		Attempt *a = sink->attempts;
		Datum values[9] = {Int32GetDatum(sink->id), TimestampTzGetDatum(a->at), CStringGetTextDatum(a->event), Int32GetDatum(a->events), BoolGetDatum(a->ok), Int32GetDatum(a->status),
						   a->error ? CStringGetTextDatum(a->error) : (Datum) 0, a->answer ? CStringGetTextDatum(a->answer) : (Datum) 0, Float8GetDatum(a->ms)};
		char nulls[9] = {' ', ' ', ' ', ' ', ' ', a->status ? ' ' : 'n', a->error ? ' ' : 'n', a->answer ? ' ' : 'n', ' '};

		run(&attempted, values, nulls);
		sink->attempts = a->next;
		if (a->error)
			pfree(a->error);
		if (a->answer)
			pfree(a->answer);
		pfree(a->event);
		pfree(a);
	}
}

void
store_fault(int32 id, const char *error, TimestampTz until)
{
	static Statement note = {"SELECT ingest_delivery_internal.note($1, 'open', $2, 1, 0, 0, NULL, $3)", 3, {INT4OID, TIMESTAMPTZOID, TEXTOID}};
	Identity saved;

	become_engine(&saved);
	run(&note, (Datum[3]){Int32GetDatum(id), TimestampTzGetDatum(until), CStringGetTextDatum(error)}, NULL);
	become_again(&saved);
}

static void
write_state(Sink *sink, TimestampTz now)
{
	static const char *const names[] = {[CLOSED] = "closed", [OPEN] = "open", [HALF_OPEN] = "half-open"};
	static Statement note = {"SELECT ingest_delivery_internal.note($1, $2, $3, $4, $5, $6, $7, $8)", 8, {INT4OID, TEXTOID, TIMESTAMPTZOID, INT4OID, INT8OID, FLOAT8OID, TIMESTAMPTZOID, TEXTOID}};
	static Statement stop = {"SELECT ingest_delivery_internal.stop($1, $2)", 2, {INT4OID, TEXTOID}};
	double seconds = (now - sink->state_at) / (double) USECS_PER_SEC;
	Datum values[8] = {Int32GetDatum(sink->id), CStringGetTextDatum(names[sink->breaker]), TimestampTzGetDatum(sink->open_until), Int32GetDatum(sink->failures), Int64GetDatum(sink->sent), (Datum) 0,
					   TimestampTzGetDatum(sink->last_sent_at), sink->last_error ? CStringGetTextDatum(sink->last_error) : (Datum) 0};
	char nulls[8] = {' ', ' ', sink->breaker == OPEN ? ' ' : 'n', ' ', ' ', ' ', sink->last_sent_at ? ' ' : 'n', sink->last_error ? ' ' : 'n'};

	sink->rate = sink->state_at == 0 ? 0 : 0.7 * sink->rate + 0.3 * (sink->sent / Max(seconds, 0.001));
	values[5] = Float8GetDatum(sink->rate);
	run(&note, values, nulls);
	if (sink->stop)
	{
		run(&stop, (Datum[2]){Int32GetDatum(sink->id), CStringGetTextDatum(sink->stop)}, NULL);
		sink->active = false;
		pfree(sink->stop);
		sink->stop = NULL;
	}
	if (sink->last_error)
		pfree(sink->last_error);
	sink->last_error = NULL;
	sink->sent = 0;
	sink->state_at = now;
	sink->state_changed = false;
}

static void
write_expired(Sink *sink)
{
	static Statement expired = {"SELECT ingest_delivery_internal.expired($1, $2)", 2, {INT4OID, INT8OID}};

	run(&expired, (Datum[2]){Int32GetDatum(sink->id), Int64GetDatum(sink->expired)}, NULL);
	ereport(LOG, (errmsg("ingest_delivery: sink \"%s\" passed over %lld events that were older than ingest.event_retention", sink->name, (long long) sink->expired)));
	sink->expired = 0;
}

void
store_mark(Sink *sink)
{
	static Statement ack = {"SELECT ingest.ack($1, $2)", 2, {TEXTOID, INT8OID}};
	TimestampTz now = GetCurrentTimestamp();
	Identity saved;
	bool waits;

	become_engine(&saved);
	waits = write_window(sink);
	waits = write_again(sink) || waits;
	write_attempts(sink);
	if (sink->reminded)
		write_reminded(sink);
	if (sink->expired > 0)
		write_expired(sink);
	if (sink->stop || ((sink->state_changed || sink->sent > 0) && now > sink->state_at + STATE_EVERY))
		write_state(sink, now);
	if (waits)
		ask_next_due(sink);
	become_again(&saved);
	sink_pass(sink);
	if (sink->n_done > 0)
	{
		Datum values[2] = {CStringGetTextDatum(sink->consumer), Int64GetDatum(sink->done_id)};

		become_owner(sink->owner, &saved);
		run(&ack, values, NULL);
		become_again(&saved);
		sink->n_done = 0;
	}
	sink->marked_at = now;
}

void
store_prune(void)
{
	static Statement prune = {"SELECT ingest_delivery_internal.prune($1 * interval '1 min')", 1, {FLOAT8OID}};
	Datum value = Float8GetDatum(delivery_retention);
	Identity saved;

	become_engine(&saved);
	run(&prune, &value, NULL);
	become_again(&saved);
}
