/*
 * unfit.c
 *		Rows that do not fit into the copy.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/event/event.h"
#include "ingest/sync/unfit.h"

/* So many rows may be rejected, whatever their share */
#define REJECTED_AT_LEAST 10

void
unfit_reject(Copy *copy, const char *key, const char *content, const Failure *failure)
{
	StringInfoData json;

	copy->run->rejected++;
	if (!to_bool(repo_value("SELECT ingest_internal.sync_reject($1, $2, $3, $4, $5, $6)", arg_int4(copy->sync),
							arg_int8(copy->run->id), arg_jsonb(key), arg_jsonb(content),
							arg_text(failure_text(failure)), arg_text(failure->sqlstate))))
		return;
	json_open(&json);
	json_text(&json, "sync", copy->name);
	json_int8(&json, "run", copy->run->id);
	json_raw(&json, "key", key);
	json_text(&json, "reason", failure->message);
	event_emit("ingest.row.rejected", copy->source, copy->name, json_close(&json));
}

void
unfit_check(Copy *copy)
{
	int64 rejected = copy->run->total_rejected + copy->run->rejected;
	int64 read = copy->run->total_read + copy->run->read;
	char *last;

	if (rejected <= Max(REJECTED_AT_LEAST, read * copy->reject_limit))
		return;
	last = repo_value("SELECT ingest_internal.sync_last_rejected($1)", arg_int8(copy->run->id));
	ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
					errmsg("too many rows of \"%s\" do not fit: %lld of %lld", copy->name, (long long) rejected,
						   (long long) (read + rejected)),
					last ? errdetail("The last: %s", last) : 0,
					errhint("Fix the type or the constraint of %s, or raise the sync's reject_limit with "
							"ingest.alter_sync.",
							copy->target)));
}

/* A row that does not fit, as JSON */
typedef struct Unfit
{
	char *key, *content;
} Unfit;

ROW_SHAPE(unfit_shape, Unfit, FIELD(TEXT, Unfit, key), FIELD(TEXT, Unfit, content));

int
unfit_reject_all(Copy *copy, const char *select, const Failure *failure)
{
	int n;
	Unfit *unfit = sql_structs(AS_USER, &unfit_shape, &n, select, 0, NULL);

	for (int i = 0; i < n; i++)
		unfit_reject(copy, unfit[i].key, unfit[i].content, failure);
	if (n > 0)
		unfit_check(copy);
	return n;
}

void
unfit_rethrow_unless_data(const Failure *failure)
{
	if (!failure_is_of_data(failure))
		failure_rethrow(failure);
}
