/*
 * trial.c
 *		test_sink(): one event, sent now, in the session of who asks.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/azure.h"
#include "common/http.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/door.h"
#include "ingest_delivery/kind.h"
#include "ingest_delivery/outcome.h"
#include "ingest_delivery/store.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_delivery_test_sink);

/* The sink, if the caller may change it */
static Sink *
find(const char *name)
{
	Oid actor = GetUserId();
	Sink *found = NULL;
	dlist_head all;
	dlist_mutable_iter i;
	Identity saved;
	Oid types[2] = {OIDOID, TEXTOID};
	Datum values[2] = {ObjectIdGetDatum(actor), CStringGetTextDatum(name)};

	SPI_connect();
	become_engine(&saved);
	/* an error where it is not the caller's */
	if (SPI_execute_with_args("SELECT (ingest_delivery_internal.own_sink($1, $2)).id", 2, types, values, NULL, false, 0) < 0)
		elog(ERROR, "the sink could not be looked up");
	store_sinks(&all);
	become_again(&saved);
	SPI_finish();
	dlist_foreach_modify(i, &all)
	{
		Sink *sink = dlist_container(Sink, node, i.cur);

		if (strcmp(sink->name, name) == 0)
			found = sink;
		else
			sink_free(sink);
	}
	if (found == NULL)
		elog(ERROR, "the sink is gone");
	/* goes with the statement, whatever happens */
	MemoryContextSetParent(found->context, CurrentMemoryContext);
	return found;
}

/* Sends one event, and waits for what comes of it */
static Flight *
send_test(Sink *sink)
{
	Flight *flight = palloc0(sizeof(Flight));
	Parcel *item = palloc0(sizeof(Parcel));

	item->event.id = GetCurrentTimestamp();
	item->event.type = "ingest.sink.test";
	item->event.source = "/ingest/test";
	item->event.subject = pg_server_to_any(sink->name, strlen(sink->name), PG_UTF8);
	item->event.version = "1";
	item->event.data = "{}";
	item->event.time = JsonEncodeDateTime(NULL, TimestampTzGetDatum(GetCurrentTimestamp()), TIMESTAMPTZOID, NULL);
	flight->home = sink->context;
	flight->context = CurrentMemoryContext;
	flight->items = palloc(sizeof(Parcel *));
	flight->items[0] = item;
	flight->n = 1;
	sink->kind->send(sink, flight);
	while (!sink->kind->receive(sink, flight))
		(void) http_turn(1000);
	return flight;
}

/* test_sink(sink text) → ok, status, answer, error, ms, note */
Datum
ingest_delivery_test_sink(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Sink *sink;
	Answer *answer;
	TimestampTz began;
	Datum values[6];
	bool nulls[6] = {false};
	char *said;
	bool ok;

	rows_begin(fcinfo);
	sink = find(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	while (!sink->ready)
	{
		store_secrets(sink);
		while (sink_asks(sink))
			azure_wait_until(sink_asks_next(sink));
	}
	began = GetCurrentTimestamp();
	answer = &send_test(sink)->answer;
	ok = answer->verdict == ACCEPTED;
	said = sink_answer(sink, answer);
	values[0] = BoolGetDatum(ok);
	values[1] = Int32GetDatum(answer->status);
	nulls[1] = answer->status == 0;
	values[2] = said ? CStringGetTextDatum(said) : (Datum) 0;
	nulls[2] = said == NULL;
	values[3] = ok ? (Datum) 0 : CStringGetTextDatum(answer->error);
	nulls[3] = ok;
	values[4] = Float8GetDatum((GetCurrentTimestamp() - began) / 1000.0);
	values[5] = ok && sink->kind->note ? CStringGetTextDatum(sink->kind->note) : (Datum) 0;
	nulls[5] = values[5] == (Datum) 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	sink_free(sink);
	return (Datum) 0;
}
