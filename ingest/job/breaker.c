/*
 * breaker.c
 *		Circuit breakers: a source that fails is left alone for a while.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/event/event.h"
#include "ingest/job/breaker.h"

/* What changed of a breaker is told, and is an alert or its end; half open it is neither */
static void
breaker_event(const char *source, const char *state, const char *reason)
{
	StringInfoData json;

	json_open(&json);
	json_text(&json, "source", source);
	if (strcmp(state, "half_open") != 0)
		json_text(&json, "reason", reason);
	event_emit(psprintf("ingest.circuit.%s", state), source, source, json_close(&json));
	if (strcmp(state, "half_open") != 0)
		repo_run("SELECT ingest_internal.alert_circuit($1, $2, $3)", arg_text(source),
				 arg_bool(strcmp(state, "opened") == 0), arg_text(reason));
}

typedef struct Change
{
	char *name;
	char *was;
	char *state;
} Change;

ROW_SHAPE(change_shape, Change, FIELD(TEXT, Change, name), FIELD(TEXT, Change, was), FIELD(TEXT, Change, state));

void
breaker_note(int32 source, const Failure *failure)
{
	Change *change;

	/* what failed here says nothing of the source */
	if (source == 0 || (failure && !failure_is_of_source(failure)))
		return;
	change = repo_struct(change_shape, "SELECT * FROM ingest_internal.breaker_note($1, $2, $3)", arg_int4(source),
						 arg_bool(failure != NULL), arg_text(failure ? failure->message : NULL));
	if (change && strcmp(change->was, change->state) != 0)
		breaker_event(change->name, strcmp(change->state, "open") == 0 ? "opened" : "closed",
					  failure ? failure->message : NULL);
}

void
breakers_half_open(void)
{
	Rows *sources = repo_rows("SELECT ingest_internal.breakers_half_open()");

	for (uint64 i = 0; i < sources->n; i++)
		breaker_event(sources->v[i][0], "half_open", NULL);
}
