/*
 * stream.c
 *		Events from a place on: as a page of JSON, or as a piece of a stream.
 *
 * The place is the reader's, see ingest/event/place.c: nothing is kept here, so that any
 * gateway may ask on where another ended.  A stream is asked for as often as there may be
 * more; each time who asks is looked at anew.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/door.h"
#include "executor/spi.h"
#include "ingest_api/compile.h"
#include "ingest_api/given.h"
#include "ingest_api/grammar.h"
#include "ingest_api/render.h"
#include "ingest_api/resource.h"
#include "ingest_api/statement.h"
#include "ingest_api/stream.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"

#define EVENTS "events"
/* Those that one piece of a stream or page holds, unless something else is asked for */
#define PIECE 100

/* As CloudEvents; the columns of ingest.event that are not in one are not read */
static const char *const reading =
	"SELECT e.place, CASE WHEN e.id IS NOT NULL THEN ingest.cloud_event(ROW(e.id, e.era, NULL, e.type, e.source, e.subject, "
	"e.\"time\", e.data, NULL, 0)::ingest.event)::text END FROM ingest_internal.read_after($1, $2, $3) e";

/* -- what is asked for -- */

static bool
wants_stream(const Request *request)
{
	char *accept = request_header(request, "accept");

	return accept && strstr(accept, "text/event-stream") != NULL;
}

/* A, "B", with a backslash before what quotes would end at */
static char *
next_type(const char **at)
{
	StringInfoData out;
	bool quoted = **at == '"';

	initStringInfo(&out);
	*at += quoted;
	while (**at && (quoted ? **at != '"' : **at != ','))
	{
		*at += quoted && **at == '\\' && (*at)[1];
		appendStringInfoChar(&out, *(*at)++);
	}
	*at += quoted && **at == '"';
	if (**at != '\0' && **at != ',')
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("types of events are names with commas between")));
	return out.data;
}

/* SQL's text of an array */
static char *
types_of(const char *list)
{
	List *types = NIL;
	Datum *items;
	ListCell *cell;
	int n = 0;

	for (;; list++)
	{
		types = lappend(types, next_type(&list));
		if (*list == '\0')
			break;
	}
	items = palloc(sizeof(Datum) * list_length(types));
	foreach (cell, types)
		items[n++] = CStringGetTextDatum(lfirst(cell));
	return OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT)));
}

/* type=eq.a, type=in.(a,b), or types=a,b* */
static char *
given_types(List *given)
{
	Given *filter = given_find(given, "type"),
		  *types = given_find(given, "types");
	size_t n = filter ? strlen(filter->text) : 0;

	if (filter && types)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("types are said once, by type= or by types=")));
	if (types)
	{
		types->used = true;
		return types_of(types->text);
	}
	if (filter == NULL)
		return NULL;
	filter->used = true;
	if (strncmp(filter->text, "eq.", 3) == 0)
		return types_of(psprintf("\"%s\"", filter->text + 3));
	if (n > 4 && strncmp(filter->text, "in.(", 4) == 0 && filter->text[n - 1] == ')')
		return types_of(pnstrdup(filter->text + 4, n - 5));
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR), errmsg("of events that are read on and on types alone are asked for, by eq and in"),
			 errhint("type=in.(ingest.sync.completed,ingest.run.failed), or types=ingest.sync.*")));
	return NULL;
}

/* A reader that comes back says by the header where it was, and by the address where it began */
static char *
given_place(const Request *request, List *given)
{
	Given *after = given_find(given, "after");
	char *last = request_header(request, "last-event-id");

	if (after)
		after->used = true;
	if (last && last[0])
		return last;
	return after ? after->text : NULL;
}

static char *
given_limit(List *given)
{
	Given *limit = given_find(given, "limit");
	int32 n = PIECE;

	if (limit)
	{
		limit->used = true;
		n = pg_strtoint32(limit->text);
	}
	return psprintf("%d", Min(n, api_max_rows));
}

static Value *
value_new(Oid type, char *text)
{
	Value *v = palloc0(sizeof(Value));

	v->type = type;
	v->text = text;
	return v;
}

/* -- what comes -- */

/* The place behind all of it */
static char *
write_events(bool stream, StringInfo out)
{
	char *place = NULL;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		char *event = SPI_getvalue(row, SPI_tuptable->tupdesc, 2);

		place = SPI_getvalue(row, SPI_tuptable->tupdesc, 1);
		if (event == NULL)
			continue;
		if (stream)
			appendStringInfo(out, "id: %s\ndata: %s\n\n", place, event);
		else
			appendStringInfo(out, "%s%s", out->len > 1 ? ",\n " : "", event);
	}
	return place;
}

static void
answer_events(const Request *request, List *given, bool stream, Answer *answer)
{
	List *values = list_make3(value_new(TEXTOID, given_place(request, given)), value_new(TEXTARRAYOID, given_types(given)), value_new(INT4OID, given_limit(given)));
	StringInfoData body;
	MemoryContext context = CurrentMemoryContext;
	Identity saved;
	char *place;

	given_all_used(given, "after, limit, type, types");
	initStringInfo(&body);
	become(request->role, SECURITY_RESTRICTED_OPERATION, &saved);
	/* the first who asks where it is now writes down which cluster this is; nothing of a user's is run here */
	XactReadOnly = false;
	statement_run(reading, values, false);
	XactReadOnly = true;
	MemoryContextSwitchTo(context);
	if (!stream)
		appendStringInfoChar(&body, '[');
	place = write_events(stream, &body);
	if (!stream)
		appendStringInfoChar(&body, ']');
	become_again(&saved);
	answer_begin(answer, 200, stream ? "text/event-stream" : render_type(FORM_JSON));
	answer_header(answer, "Cache-Control", "no-store");
	if (place)
		answer_header(answer, "Last-Event-ID", place);
	if (stream)
		answer_header(answer, "X-Accel-Buffering", "no");
	answer->body = body;
}

bool
stream_answer(const Request *request, List *parts, Answer *answer)
{
	bool stream = wants_stream(request);
	List *given;

	if (list_length(parts) != 1 || strcmp(linitial(parts), EVENTS) != 0)
		return false;
	if (!stream && (request->query == NULL || strstr(request->query, "after=") == NULL))
		return false;
	given = given_in_query(request->query, NIL);
	if (!stream && given_find(given, "after") == NULL)
		return false;
	if (resource_find(EVENTS, request->role))
		answer_events(request, given, stream, answer);
	else
		answer_problem(answer, 404, "PGRST205", "there is no resource \"" EVENTS "\", or nothing of it may be read", NULL, "GET /v1 lists those that there are");
	return true;
}
