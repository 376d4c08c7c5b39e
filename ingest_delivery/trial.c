/*
 * trial.c
 *		test_sink(): one event, sent now, in the session of who asks.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/http.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_delivery/address.h"
#include "ingest_delivery/delivery.h"
#include "ingest_delivery/door.h"
#include "ingest_delivery/outcome.h"
#include "ingest_delivery/store.h"
#include "ingest_delivery/turn.h"
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

static void
send_test(Sink *sink, HttpRequest *request)
{
	Event event = {0};
	Event *events[1] = {&event};
	Letter letter;

	event.id = GetCurrentTimestamp();
	event.type = "ingest.sink.test";
	event.source = "/ingest/test";
	event.subject = pg_server_to_any(sink->name, strlen(sink->name), PG_UTF8);
	event.version = "1";
	event.data = "{}";
	event.time = JsonEncodeDateTime(NULL, TimestampTzGetDatum(GetCurrentTimestamp()), TIMESTAMPTZOID, NULL);
	sink->settings.may_connect = address_forbidden;
	sink->settings.plain = delivery_allow_http;
	sink->settings.only_http1 = true;
	sink->settings.keep_body = KEPT_ANSWER;
	letter_write(&letter, sink->mode, events, 1);
	http_start_bytes(request, &sink->settings, "POST", sink->url, turn_headers(sink, &letter), letter.body, letter.length, MOST_ANSWER);
	while (request->state == HTTP_RUNNING)
		(void) http_turn(1000);
}

/* test_sink(sink text) → ok, status, answer, error, ms */
Datum
ingest_delivery_test_sink(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Sink *sink;
	HttpRequest *request;
	TimestampTz began;
	Datum values[5];
	bool nulls[5] = {false};
	char *answer;
	bool ok;

	rows_begin(fcinfo);
	sink = find(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	store_secrets(sink);
	request = http_request_new(sink->context);
	began = GetCurrentTimestamp();
	send_test(sink, request);
	ok = outcome_of(request) == ACCEPTED;
	answer = outcome_answer(request);
	values[0] = BoolGetDatum(ok);
	values[1] = Int32GetDatum(request->status);
	nulls[1] = request->status == 0;
	values[2] = answer ? CStringGetTextDatum(answer) : (Datum) 0;
	nulls[2] = answer == NULL;
	values[3] = ok ? (Datum) 0 : CStringGetTextDatum(outcome_text(request));
	nulls[3] = ok;
	values[4] = Float8GetDatum((GetCurrentTimestamp() - began) / 1000.0);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	sink_free(sink);
	return (Datum) 0;
}
