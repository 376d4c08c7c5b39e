/*
 * store_read.c
 *		Events are read as the sink's owner, so that what he may not see, or no longer, is not sent: the next ones,
 *		those whose time has come again, alerts that are still open.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "ingest_delivery/alert.h"
#include "ingest_delivery/data_text.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/door.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/statement.h"
#include "ingest_delivery/store.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"
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

#define TOO_LARGE_FOR_SINK "it is larger than max_bytes of the sink"
#define NOT_IN_UTF8 "it has a character that UTF-8 does not have"

/* In UTF-8, without a NUL; text NULL: null */
typedef struct Piece
{
	const char *text;
	size_t length;
} Piece;

/* Behind the item itself */
static char *
put_piece(char **at, Piece from)
{
	char *here = *at;

	if (from.text == NULL)
		return NULL;
	memcpy(here, from.text, from.length);
	here[from.length] = '\0';
	*at += from.length + 1;
	return here;
}

static char *
put(char **at, const char *text)
{
	return put_piece(at, (Piece){text, text ? strlen(text) : 0});
}

static Piece
piece(const char *text, size_t length, const char **unfit)
{
	size_t sent_length;
	const char *sent = text_in_utf8(text, length, &sent_length);

	if (sent == NULL)
	{
		*unfit = NOT_IN_UTF8;
		return (Piece){"", 0};
	}
	return (Piece){sent, sent_length};
}

static char *
sent_form(const char *text, const char **unfit)
{
	Piece sent = text ? piece(text, strlen(text), unfit) : (Piece){NULL, 0};

	return unconstify(char *, sent.text);
}

/* What an event says of an alert; size grows by what it needs */
static char **
alert_at(Datum value, size_t *size, const char **unfit)
{
	char **fields;
	Datum *items;
	bool *nulls;
	int n;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &n);
	Assert(n == ALERT_FIELDS);
	fields = palloc0(sizeof(char *) * ALERT_FIELDS);
	for (int i = 0; i < n && i < ALERT_FIELDS; i++)
	{
		fields[i] = nulls[i] ? NULL : sent_form(TextDatumGetCString(items[i]), unfit);
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

/* Types that came lately, and what they are in ingest.event_type; of this transaction */
#define KEPT_VERSIONS 16

static struct
{
	int n;
	int next;
	char *types[KEPT_VERSIONS];
	char *versions[KEPT_VERSIONS];
} known_types;

static void
forget_versions(void)
{
	known_types.n = known_types.next = 0;
}

/* Of a type: SPI's answer is another one afterwards, none */
static char *
version_of(char *type)
{
	static Statement ask = {"SELECT version FROM ingest.event_type WHERE type = $1", 1, {TEXTOID}};
	Datum value;
	char *version;
	int i;

	for (i = 0; i < known_types.n; i++)
		if (strcmp(known_types.types[i], type) == 0)
			return known_types.versions[i];
	value = CStringGetTextDatum(type);
	version = statement_run(&ask, &value, NULL) > 0 ? text_at(0, 1) : "1";
	/* with many types it is asked for each event, and a transaction reads many */
	SPI_freetuptable(SPI_tuptable);
	i = known_types.next;
	if (i < known_types.n)
	{
		pfree(known_types.types[i]);
		pfree(known_types.versions[i]);
	}
	known_types.types[i] = MemoryContextStrdup(CurTransactionContext, type);
	known_types.versions[i] = MemoryContextStrdup(CurTransactionContext, version);
	known_types.next = (i + 1) % KEPT_VERSIONS;
	known_types.n = Max(known_types.n, i + 1);
	return known_types.versions[i];
}

/* As to_jsonb() writes it */
static char *
time_of(TimestampTz at)
{
	return JsonEncodeDateTime(palloc(MAXDATELEN + 1), TimestampTzGetDatum(at), TIMESTAMPTZOID, NULL);
}

/* The columns of an event that is read */
enum
{
	ERA,
	ID,
	TYPE,
	SOURCE,
	SUBJECT,
	DATA,
	WANTED,
	TIME,
	RUNS,
	ALERT,
	COLUMNS
};

typedef struct Row
{
	Datum values[COLUMNS];
	bool nulls[COLUMNS];
} Row;

static Piece
piece_at(const Row *row, int column, const char **unfit)
{
	text *value;

	if (row->nulls[column])
		return (Piece){NULL, 0};
	value = DatumGetTextPP(row->values[column]);
	return piece(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), unfit);
}

/* What is sent of an event; nothing of one that is too large, and NULL of one that is not told */
static Piece
data_of(const Sink *sink, const Row *row, const char **unfit)
{
	StringInfoData out;

	if (row->nulls[sink->runs_of ? RUNS : DATA])
		return (Piece){NULL, 0};
	if (sink->runs_of)
	{
		if (VARSIZE_ANY_EXHDR(DatumGetTextPP(row->values[RUNS])) <= sink->max_bytes)
			return piece_at(row, RUNS, unfit);
	}
	else
	{
		initStringInfo(&out);
		if (append_jsonb(&out, DatumGetJsonbP(row->values[DATA]), sink->max_bytes))
			return piece(out.data, out.len, unfit);
	}
	*unfit = TOO_LARGE_FOR_SINK;
	return (Piece){"", 0};
}

static Piece
key_of(const Sink *sink, const Row *row, const char *key)
{
	if (key == NULL)
		key = sink_key(sink->by_subject, DatumGetInt32(row->values[ERA]), DatumGetInt64(row->values[ID]),
					   row->nulls[SUBJECT] ? NULL : TextDatumGetCString(row->values[SUBJECT]));
	return (Piece){key, strlen(key)};
}

/* Is it wanted?  Then what it says of an alert, if it is of one; size grows by what that needs */
static bool
is_wanted(const Sink *sink, const Row *row, char ***alert, size_t *size, const char **unfit)
{
	*alert = NULL;
	if (row->nulls[WANTED] || !DatumGetBool(row->values[WANTED]))
		return false;
	if (!row->nulls[ALERT])
		*alert = alert_at(row->values[ALERT], size, unfit);
	/* what stems from a sink that sink does not tell */
	return *alert == NULL || (*alert)[ALERT_OBJECT] == NULL ||
		   strcmp((*alert)[ALERT_OBJECT], psprintf("sink %d", sink->id)) != 0;
}

/* key: of one that waited */
static Parcel *
item_at(Sink *sink, const Row *row, const char *key)
{
	enum
	{
		ITS_TYPE,
		ITS_SOURCE,
		ITS_SUBJECT,
		ITS_DATA,
		ITS_TIME,
		ITS_VERSION,
		PIECES
	};
	Piece pieces[PIECES] = {0};
	Piece own_key = key_of(sink, row, key);
	size_t size = own_key.length + 1;
	char **alert;
	char *at;
	Parcel *item;
	TimestampTz written_at = DatumGetTimestampTz(row->values[TIME]);
	const char *unfit = NULL;
	bool wanted = is_wanted(sink, row, &alert, &size, &unfit);

	if (wanted)
	{
		char *time = time_of(written_at);
		char *version = version_of(TextDatumGetCString(row->values[TYPE]));

		pieces[ITS_TYPE] = piece_at(row, TYPE, &unfit);
		pieces[ITS_SOURCE] = piece_at(row, SOURCE, &unfit);
		pieces[ITS_SUBJECT] = piece_at(row, SUBJECT, &unfit);
		pieces[ITS_DATA] = data_of(sink, row, &unfit);
		pieces[ITS_TIME] = (Piece){time, strlen(time)};
		pieces[ITS_VERSION] = piece(version, strlen(version), &unfit);
	}
	for (int i = 0; i < PIECES; i++)
		size += pieces[i].length + 1;
	item = MemoryContextAlloc(sink->context, sizeof(Parcel) + size);
	memset(item, 0, sizeof(Parcel));
	at = (char *) (item + 1);
	item->event.era = DatumGetInt32(row->values[ERA]);
	item->event.id = DatumGetInt64(row->values[ID]);
	item->event.type = put_piece(&at, pieces[ITS_TYPE]);
	item->event.source = put_piece(&at, pieces[ITS_SOURCE]);
	item->event.subject = put_piece(&at, pieces[ITS_SUBJECT]);
	item->event.time = put_piece(&at, pieces[ITS_TIME]);
	item->event.version = put_piece(&at, pieces[ITS_VERSION]);
	item->event.data = put_piece(&at, pieces[ITS_DATA]);
	item->event.alert = wanted ? keep_alert(&at, alert) : NULL;
	item->key = put_piece(&at, own_key);
	item->hash = sink->by_subject && item->key[0] == 's' ? sink_hash(item->key) : 0;
	item->bytes = size + ENVELOPE;
	/* what tells of nothing that the sink is sent is done with as well */
	item->state = wanted && item->event.data ? READY : ARRIVED;
	item->at = written_at;
	item->unfit = unfit;
	if (item->state == READY && sink->expires && item->at < expired_before())
	{
		item->state = ARRIVED;
		sink->expired++;
	}
	return item;
}

/* What is needed in between is passing's, which is emptied each time: one may be of many megabytes */
static Parcel *
item_of_tuple(Sink *sink, SPITupleTable *table, uint64 tuple, const char *key, MemoryContext passing)
{
	MemoryContext old = MemoryContextSwitchTo(passing);
	Row row;
	Parcel *item;

	Assert(table->tupdesc->natts == COLUMNS);
	heap_deform_tuple(table->vals[tuple], table->tupdesc, row.values, row.nulls);
	item = item_at(sink, &row, key);
	MemoryContextSwitchTo(old);
	MemoryContextReset(passing);
	return item;
}

static MemoryContext
new_passing(void)
{
	return AllocSetContextCreate(CurrentMemoryContext, "events as they are read", ALLOCSET_DEFAULT_SIZES);
}

/* As alert.h's fields are */
#define ALERT_COLUMNS(data) \
	"ARRAY[" data "->>'alert', " data "->>'kind', " data "->>'severity', " data "->>'object', " data "->>'subject', " data "->>'summary', " data "->>'source', " data "->>'since', " data "->>'count', " data "->>'acknowledged_by', " data "->>'closed_by']"

/* As Row has them; the runs are those of which it is sent something instead of events */
#define EVENT_COLUMNS "r.era, r.id, r.type, r.source, r.subject, r.data, ($2::jsonb IS NULL OR r.data @> $2)"
#define MORE_COLUMNS \
	", r.time, CASE WHEN $4::text IS NOT NULL THEN " \
	"ingest_delivery_internal.run_events($4, r.type, r.source, r.time, r.data) END, " \
	"CASE WHEN r.type LIKE 'ingest.alert.%' THEN " ALERT_COLUMNS("r.data") " END"

/* Of the runs that it is sent instead of events */
static Datum
namespace_of(const Sink *sink)
{
	return sink->runs_of ? CStringGetTextDatum(sink->runs_of) : (Datum) 0;
}

/* Until the window is as much as may be in memory; how many */
static int
read_events(Sink *sink, Portal portal, int limit)
{
	size_t before = sink->window_bytes;
	MemoryContext passing = new_passing();
	int n = 0;

	for (;;)
	{
		/* as many as they were large until now */
		size_t bytes = Max(sink->window_bytes - before, 1);
		int at_once = n == 0 ? FIRST_AT_ONCE : (int) Min(Max(MOST_BYTES / 4 * (size_t) n / bytes, 1), AT_ONCE);

		SPITupleTable *table;
		uint64 rows;

		SPI_cursor_fetch(portal, true, Min(at_once, limit));
		table = SPI_tuptable;
		rows = SPI_processed;
		if (rows == 0)
			return n;
		for (uint64 i = 0; i < rows; i++)
		{
			Parcel *item = item_of_tuple(sink, table, i, NULL, passing);

			n++;
			sink->last_era = item->event.era;
			sink->last_id = item->event.id;
			sink_add(sink, item);
			if (sink->window_bytes > MOST_BYTES)
				return n;
		}
		SPI_freetuptable(table);
		if (sink->kind->go_on)
			sink->kind->go_on();
	}
}

bool
store_has_room(const Sink *sink)
{
	return sink->window_bytes <= MOST_BYTES / 4 * 3;
}

/* How many events there may be in the window, by those that were read last */
static void
learn_limit(Sink *sink, int n, size_t bytes)
{
	if (sink->window_bytes > MOST_BYTES)
		sink->read_limit = sink->n_window;
	else
		sink->read_limit = Min(Max(sink->read_limit, sink->n_window) * 2,
							   Max(MOST_EVENTS, 4 * sink->batch_events * sink->max_in_flight));
	/* what is read beyond what may be in memory is read in vain */
	if (n > 0)
		sink->read_limit = Min(sink->read_limit, Max(AT_ONCE, MOST_BYTES / (bytes / n + 1)));
}

void
store_read(Sink *sink)
{
#define READ(from) "SELECT " EVENT_COLUMNS MORE_COLUMNS " FROM " from " r"
	static Statement read = {READ("ingest.read_events($1, $3)"), 4, {TEXTOID, JSONBOID, INT4OID, TEXTOID}};
	/* behind what the window holds, which is not acknowledged yet */
	static Statement ahead = {READ("ingest_internal.read_ahead($1, $3, $5, $6)"),
							  6,
							  {TEXTOID, JSONBOID, INT4OID, TEXTOID, INT4OID, INT8OID}};
	bool is_ahead = !dlist_is_empty(&sink->window);
	int limit = Max(sink->read_limit - sink->n_window, 1);
	Datum values[6] = {CStringGetTextDatum(sink->consumer), (Datum) 0, Int32GetDatum(limit), namespace_of(sink),
					   Int32GetDatum(sink->last_era), Int64GetDatum(sink->last_id)};
	char nulls[6] = {' ', sink->filter ? ' ' : 'n', ' ', sink->runs_of ? ' ' : 'n', ' ', ' '};
	TimestampTz began = GetCurrentTimestamp();
	size_t before = sink->window_bytes;
	Identity saved;
	Portal portal;
	int n;

	if (sink->filter)
		values[1] = DirectFunctionCall1(jsonb_in, CStringGetDatum(sink->filter));
	forget_versions();
	become_owner(sink->owner, &saved);
	portal = SPI_cursor_open(NULL, statement_plan(is_ahead ? &ahead : &read), values, nulls, false);
	if (portal == NULL)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(SPI_result));
	n = read_events(sink, portal, limit);
	SPI_cursor_close(portal);
	become_again(&saved);
	sink->exhausted = n < limit && sink->window_bytes <= MOST_BYTES;
	learn_limit(sink, n, sink->window_bytes - before);
	sink->read_at = GetCurrentTimestamp();
	sink->read_took = sink->read_at - began;
	sink->woken = sink->woken && !dlist_is_empty(&sink->window);
	sink_pass(sink);
}

/* -- alerts that are still open -- */

/* Columns: alert, fields, data; NULL: it cannot be told */
static Parcel *
reminder_at(Sink *sink, SPITupleTable *table, uint64 row)
{
	size_t size = 0;
	bool isnull;
	const char *unfit = NULL;
	char **alert = alert_at(SPI_getbinval(table->vals[row], table->tupdesc, 2, &isnull), &size, &unfit);
	char *data = sent_form(SPI_getvalue(table->vals[row], table->tupdesc, 3), &unfit);
	char *time = rfc3339(GetCurrentTimestamp());
	Parcel *item;
	char *at;

	if (unfit)
		return NULL;
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
	n = statement_run(&read, values, nulls);
	become_again(&saved);
	for (uint64 i = 0; i < n; i++)
	{
		Parcel *item = reminder_at(sink, SPI_tuptable, i);

		if (item)
			sink_add_reminder(sink, item);
	}
}

/* -- those that wait -- */

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
	uint64 n = statement_run(&list, values, NULL);

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
	MemoryContext passing = new_passing();
	size_t bytes = 0;
	bool isnull;
	int at = 0;

	for (int i = 0; i < due->n; i++)
		order[i] = i;
	qsort_arg(order, due->n, sizeof(int), compare_due, (void *) due);
	while (bytes <= MOST_BYTES)
	{
		SPITupleTable *table;
		uint64 rows;

		SPI_cursor_fetch(portal, true, FIRST_AT_ONCE);
		table = SPI_tuptable;
		rows = SPI_processed;
		for (uint64 row = 0; row < rows; row++)
		{
			int32 era = DatumGetInt32(SPI_getbinval(table->vals[row], table->tupdesc, 1, &isnull));
			int64 id = DatumGetInt64(SPI_getbinval(table->vals[row], table->tupdesc, 2, &isnull));

			for (; at < due->n && (DatumGetInt32(due->eras[order[at]]) != era || DatumGetInt64(due->ids[order[at]]) != id); at++)
				items[order[at]] = item_of_nothing(sink, due, order[at]);
			if (at == due->n)
				return items;
			items[order[at]] = item_of_tuple(sink, table, row, due->keys[order[at]], passing);
			bytes += items[order[at++]]->bytes;
		}
		if (rows == 0)
		{
			for (; at < due->n; at++)
				items[order[at]] = item_of_nothing(sink, due, order[at]);
			return items;
		}
		SPI_freetuptable(table);
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
	static Statement read = {"SELECT " EVENT_COLUMNS " AND EXISTS (SELECT FROM ingest.subscription s WHERE s.consumer = $5 AND (s.types IS NULL OR ingest_internal.event_wanted(r.type, s.types)))" MORE_COLUMNS
							 " FROM ingest_internal.read_again($1, $3) r",
							 5,
							 {INT4ARRAYOID, JSONBOID, INT8ARRAYOID, TEXTOID, TEXTOID}};
	Identity saved;
	Due due;
	Datum values[5] = {0};
	char nulls[5] = {' ', sink->filter ? ' ' : 'n', ' ', sink->runs_of ? ' ' : 'n', ' '};
	Portal portal;
	Parcel **items;

	become_engine(&saved);
	read_due(sink, &due);
	if (due.n_empty > 0)
		store_unblock(sink, due.empty, due.n_empty);
	if (due.n == 0)
		store_ask_next_due(sink);
	become_again(&saved);
	if (due.n == 0)
		return;
	values[0] = eras(due.eras, due.n);
	values[2] = ids(due.ids, due.n);
	values[3] = namespace_of(sink);
	values[4] = CStringGetTextDatum(sink->consumer);
	forget_versions();
	become_owner(sink->owner, &saved);
	if (sink->filter)
		values[1] = DirectFunctionCall1(jsonb_in, CStringGetDatum(sink->filter));
	portal = SPI_cursor_open(NULL, statement_plan(&read), values, nulls, false);
	if (portal == NULL)
		elog(ERROR, "SPI returned %s", SPI_result_code_string(SPI_result));
	items = fetch_due(sink, &due, portal);
	SPI_cursor_close(portal);
	become_again(&saved);
	add_due(sink, &due, items);
}
