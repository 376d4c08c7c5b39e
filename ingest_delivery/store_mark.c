/*
 * store_mark.c
 *		What happened to a sink's events is written down: how far it is, what waits, what is dead, how it does.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "ingest_delivery/alert.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/door.h"
#include "ingest_delivery/statement.h"
#include "ingest_delivery/store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define STATE_EVERY USECS_PER_SEC

/* How long a subject waits after its event was refused for the nth time; beyond the last it is given up */
static const int delays_s[] = {5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};

static void
write_blocked(Sink *sink, Parcel *item)
{
	static Statement block = {"SELECT ingest_delivery_internal.block($1, $2, $3, $4, $5 * interval '1 s', $6)", 6, {INT4OID, TEXTOID, INT4OID, INT8OID, FLOAT8OID, TEXTOID}};
	/* a tenth more or less, so that those who failed together do not return together */
	double delay = delays_s[item->tries] * (0.9 + 0.2 * pg_prng_double(&pg_global_prng_state));
	Datum values[6] = {Int32GetDatum(sink->id), CStringGetTextDatum(item->key), Int32GetDatum(item->event.era), Int64GetDatum(item->event.id), Float8GetDatum(delay),
					   CStringGetTextDatum(item->error ? item->error : "")};

	statement_run(&block, values, NULL);
}

static void
write_dead(Sink *sink, Parcel *item)
{
	static Statement bury = {"SELECT ingest_delivery_internal.bury($1, $2, $3, $4, $5, $6, $7)", 7, {INT4OID, TEXTOID, INT4OID, INT8OID, INT4OID, TEXTOID, TEXTOID}};
	static Statement hold = {"SELECT ingest_delivery_internal.hold($1, $2)", 2, {INT4OID, TEXTOID}};
	Datum values[7] = {Int32GetDatum(sink->id), CStringGetTextDatum(item->key), Int32GetDatum(item->event.era), Int64GetDatum(item->event.id), Int32GetDatum(item->status),
					   CStringGetTextDatum(item->error ? item->error : ""), item->answer ? CStringGetTextDatum(item->answer) : (Datum) 0};
	char nulls[7] = {' ', ' ', ' ', ' ', item->status ? ' ' : 'n', ' ', item->answer ? ' ' : 'n'};

	statement_run(&bury, values, nulls);
	if (sink->hold)
		statement_run(&hold, values, NULL);
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
	statement_run(&park, (Datum[4]){Int32GetDatum(sink->id), texts(keys, n), eras(of_eras, n), ids(of_ids, n)}, NULL);
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
		statement_run(&arrived, (Datum[4]){Int32GetDatum(sink->id), texts(keys, n), eras(of_eras, n), ids(of_ids, n)}, NULL);
		store_unblock(sink, keys, n);
	}
	/* of what was given up the subject may be free now */
	n = collect(&sink->again, DEAD, &keys, &of_eras, &of_ids);
	if (n > 0)
		store_unblock(sink, keys, n);
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
write_reminded(Sink *sink)
{
	static Statement reminded = {"SELECT ingest_delivery_internal.reminded($1, $2)", 2, {INT4OID, INT8ARRAYOID}};
	Datum *alerts = palloc(sizeof(Datum) * Max(list_length(sink->reminded), 1));
	int n = 0;
	ListCell *lc;

	foreach (lc, sink->reminded)
		alerts[n++] = Int64GetDatum(((Parcel *) lfirst(lc))->reminds);
	statement_run(&reminded, (Datum[2]){Int32GetDatum(sink->id), ids(alerts, n)}, NULL);
	foreach (lc, sink->reminded)
		item_free(lfirst(lc));
	list_free(sink->reminded);
	sink->reminded = NIL;
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

		statement_run(&attempted, values, nulls);
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
	statement_run(&note, (Datum[3]){Int32GetDatum(id), TimestampTzGetDatum(until), CStringGetTextDatum(error)}, NULL);
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
	statement_run(&note, values, nulls);
	if (sink->stop)
	{
		statement_run(&stop, (Datum[2]){Int32GetDatum(sink->id), CStringGetTextDatum(sink->stop)}, NULL);
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

	statement_run(&expired, (Datum[2]){Int32GetDatum(sink->id), Int64GetDatum(sink->expired)}, NULL);
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
		store_ask_next_due(sink);
	become_again(&saved);
	sink_pass(sink);
	if (sink->n_done > 0)
	{
		Datum values[2] = {CStringGetTextDatum(sink->consumer), Int64GetDatum(sink->done_id)};

		become_owner(sink->owner, &saved);
		statement_run(&ack, values, NULL);
		become_again(&saved);
		sink->n_done = 0;
	}
	sink->marked_at = now;
}
