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

/* As CloudEvents; the columns of ingest.event that are not in one are not read */
static const char *const reading =
	"SELECT e.place, CASE WHEN e.id IS NOT NULL THEN ingest.cloud_event(ROW(e.id, e.era, NULL, e.type, e.source, e.subject, "
	"e.\"time\", e.data, NULL, 0)::ingest.event)::text END FROM ingest_internal.read_after($1, $2, $3) e";

/* -- what is asked for -- */

bool
stream_is_wanted(const Request *request)
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
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("types of events must be names separated by commas")));
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
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("types must be given only once, by type= or by types=")));
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
	int32 n = STREAM_PIECE;

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

/*
 * The place behind all of it.  Where all that there was is not for this reader, the place alone, as lines that are no
 * event to anybody: there may be more behind it, which who asks again for as long as something comes would not ask for.
 * What would be too much for an answer comes with the next one, which begins there.
 */
static char *
write_events(const StreamForm *form, StringInfo out)
{
	char *place = NULL;
	bool passed = false;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		char *event = SPI_getvalue(row, SPI_tuptable->tupdesc, 2);

		if (event && place && out->len + strlen(event) > (size_t) api_max_response * 1024)
			break;
		place = SPI_getvalue(row, SPI_tuptable->tupdesc, 1);
		if (event == NULL || event[0] == '\0')
			passed = passed || event;
		else if (form->page)
			appendStringInfo(out, "%s%s", out->len > 1 ? ",\n " : "", event);
		else
			appendStringInfo(out, "%sid: %s\ndata: %s%s%s\n\n", form->name, place, form->before, event, form->behind);
	}
	if (passed && out->len == 0)
		appendStringInfo(out, "id: %s\n:\n\n", place);
	return place;
}

char *
stream_read(Oid role, const char *sql, List *values, const StreamForm *form, StringInfo out)
{
	MemoryContext context = CurrentMemoryContext;
	Identity saved;
	char *place;

	become(role, SECURITY_RESTRICTED_OPERATION, &saved);
	/* the first who asks where it is now writes down which cluster this is; nothing of a user's is run here */
	XactReadOnly = false;
	statement_run(sql, values, false);
	XactReadOnly = true;
	MemoryContextSwitchTo(context);
	place = write_events(form, out);
	become_again(&saved);
	return place;
}

void
stream_head(Answer *answer, const char *place)
{
	answer_begin(answer, 200, "text/event-stream");
	answer_header(answer, "Cache-Control", "no-store");
	answer_header(answer, "X-Accel-Buffering", "no");
	if (place)
		answer_header(answer, "Last-Event-ID", place);
}

static void
answer_events(const Request *request, List *given, bool stream, Answer *answer)
{
	List *values = list_make3(value_new(TEXTOID, given_place(request, given)), value_new(TEXTARRAYOID, given_types(given)), value_new(INT4OID, given_limit(given)));
	StreamForm form = {.page = !stream, .name = "", .before = "", .behind = ""};
	StringInfoData body;
	char *place;

	given_all_used(given, "after, limit, type, types");
	answer->keeps = true;
	initStringInfo(&body);
	if (!stream)
		appendStringInfoChar(&body, '[');
	place = stream_read(request->role, reading, values, &form, &body);
	if (!stream)
		appendStringInfoChar(&body, ']');
	if (stream)
		stream_head(answer, place);
	else
	{
		answer_begin(answer, 200, render_type(FORM_JSON));
		answer_header(answer, "Cache-Control", "no-store");
		if (place)
			answer_header(answer, "Last-Event-ID", place);
	}
	answer->body = body;
}

bool
stream_answer(const Request *request, List *parts, Answer *answer)
{
	bool stream = stream_is_wanted(request);
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
