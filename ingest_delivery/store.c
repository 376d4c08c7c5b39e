/*
 * store.c
 *		The worker's statements: transactions, sinks, how they do.
 *
 * Everything that is not read as a sink's owner is done as the owner of the extension's tables.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "ingest_delivery/alert.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/door.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/statement.h"
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

/* How long what a reference led to is used: what stands in vaults is kept for nine minutes more */
#define SECRETS_FOR USECS_PER_MINUTE

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

	statement_run(&statement, NULL, NULL);
	now = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (known == NULL)
		known = MemoryContextStrdup(TopMemoryContext, now);
	return strcmp(known, now) != 0;
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
	statement_run(&follow, NULL, NULL);
	n = statement_run(&list, NULL, NULL);
	for (uint64 i = 0; i < n; i++)
		dlist_push_tail(sinks, &sink_at(i)->node);
	become_again(&saved);
}

void
store_ask_next_due(Sink *sink)
{
	static Statement next = {"SELECT ingest_delivery_internal.next_due($1)", 1, {INT4OID}};
	Datum value = Int32GetDatum(sink->id);
	bool isnull;

	statement_run(&next, &value, NULL);
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
	n = statement_run(&waiting, &value, NULL);
	for (uint64 i = 0; i < n; i++)
		sink_block(sink, text_at(i, 1), truth_at(i, 2));
	store_ask_next_due(sink);
	become_again(&saved);
}

void
store_secrets(Sink *sink)
{
	if (!sink->fetch && (!sink->ready || GetCurrentTimestamp() >= sink->resolved_at + SECRETS_FOR))
		sink_resolve(sink);
}

/* Those of which nothing waits go on */
void
store_unblock(Sink *sink, Datum *keys, int n)
{
	static Statement statement = {"SELECT * FROM ingest_delivery_internal.unblock($1, $2)", 2, {INT4OID, TEXTARRAYOID}};
	Datum values[2] = {Int32GetDatum(sink->id), texts(keys, n)};
	uint64 freed = statement_run(&statement, values, NULL);

	for (uint64 i = 0; i < freed; i++)
		sink_unblock(sink, text_at(i, 1));
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
	if (statement_run(&ask, &consumer, NULL) > 0)
		values[1] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	become_again(&saved);
	become_engine(&saved);
	statement_run(&tell, values, isnull ? " n" : NULL);
	become_again(&saved);
}

void
store_alerts(void)
{
	static Statement look = {"SELECT ingest_delivery_internal.alerts_look($1 * interval '1 s', $2 * interval '1 s'), ingest_internal.service_lives()", 2, {FLOAT8OID, FLOAT8OID}};
	Identity saved;

	become_engine(&saved);
	statement_run(&look, (Datum[2]){Float8GetDatum(delivery_unavailable_alert), Float8GetDatum(delivery_behind_alert)}, NULL);
	become_again(&saved);
}

void
store_prune(void)
{
	static Statement prune = {"SELECT ingest_delivery_internal.prune($1 * interval '1 min')", 1, {FLOAT8OID}};
	Datum value = Float8GetDatum(delivery_retention);
	Identity saved;

	become_engine(&saved);
	statement_run(&prune, &value, NULL);
	become_again(&saved);
}
