/*
 * piece.c
 *		One piece of a copy: read whole, or what was appended to it.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/event/event.h"
#include "ingest/repository/anomaly.h"
#include "ingest/sync/piece.h"
#include "ingest/sync/reading.h"
#include "ingest/sync/reconcile.h"
#include "ingest/sync/pseudonym.h"
#include "ingest/sync/unfit.h"
#include "utils/builtins.h"

/* So many rows of a piece may be bad, whatever their share */
#define BAD_AT_LEAST 10

PieceFault
piece_fault(const Failure *failure)
{
	switch (failure->sqlerrcode)
	{
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			return PIECE_WAITS;
		case ERRCODE_FDW_COLUMN_NAME_NOT_FOUND:
			return PIECE_DRIFTS;
		case ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION:
		case ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION:
		case ERRCODE_FDW_SCHEMA_NOT_FOUND:
			return PIECE_ENDS;
	}
	switch (ERRCODE_TO_CATEGORY(failure->sqlerrcode))
	{
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_TRANSACTION_ROLLBACK:
			return PIECE_ENDS;
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
			/* of names and rights here: of one piece only if its own right is missing */
			return failure->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && failure->origin == FROM_WRAPPER
					   ? PIECE_FAILED
					   : PIECE_ENDS;
		default:
			return PIECE_FAILED;
	}
}

/* The connector's digest of what stands before an extent; NULL: it has none, or cannot say */
static char *
prefix_of(const Sync *s, const Piece *piece, const char *extent)
{
	if (s->source->prefix == NULL || s->copy.position_column == NULL || extent == NULL)
		return NULL;
	return user_value(psprintf("SELECT %s($1::regclass, $2, $3::bigint)", s->source->prefix),
					  arg_relation(s->copy.foreign), arg_text(piece->piece), arg_text(extent));
}

/* Is what is here still there, and something behind it? */
static bool
only_grew(const Sync *s, const Piece *piece)
{
	char *now;

	if (piece->prefix == NULL || piece->read_extent == NULL || piece->extent == NULL ||
		to_int8(piece->extent) <= to_int8(piece->read_extent))
		return false;
	now = prefix_of(s, piece, piece->read_extent);
	return now && strcmp(now, piece->prefix) == 0;
}

/* Nothing of it is here, nobody asks what changes, and its rows can have no key of another's */
static bool
goes_straight(const Sync *s, const Piece *piece)
{
	const Copy *copy = &s->copy;

	if (piece->was_here || copy->history || copy->row_events || copy->has_triggers || copy->distributed ||
		copy->stages_gone || copy->touched)
		return false;
	for (int k = 0; k < copy->n_key; k++)
	{
		if (strcmp(copy->key_names[k], s->source->piece_column) == 0)
			return true;
	}
	return false;
}

/* What is read of it, and where to */
static int64
read_rows(Sync *s, Piece *piece, Reading *reading)
{
	Copy *copy = &s->copy;
	const char *into = piece->went_straight ? copy->target : copy->stage;
	char *part = piece->is_part ? psprintf(" AND %s >= %s", copy->position_column, piece->read_extent) : "";
	char *sql = psprintf("INSERT INTO %s (%s%s)%s SELECT %s%s FROM %s%s", into,
						 column_list(copy->columns, copy->n_columns, ""), copy->stages_gone ? ", ingest_gone" : "",
						 copy_overriding(copy), reading_list(s),
						 copy->stages_gone ? psprintf(", (%s) IS TRUE", s->deleted_when) : "",
						 reading_of_piece(s, piece->piece, piece->version, copy->stages_gone), part);

	reading->copy = copy;
	reading->piece = piece->piece;
	reading->version = piece->version;
	return reading_run(reading, sql);
}

/* A piece of which too much is bad is one that is not understood: better none of it than some */
static void
require_good(const Sync *s, const Piece *piece, const Reading *reading)
{
	int64 bad = reading->errors.n;

	if (bad > Max(BAD_AT_LEAST, (piece->rows + bad) * s->copy.reject_limit))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("too many rows of piece \"%s\" do not fit: %lld of %lld", piece->piece, (long long) bad,
						(long long) (piece->rows + bad)),
				 s->copy.has_secrets ? 0 : errdetail("The first: %s", reading->errors.items[0]),
				 errhint("Fix the piece or the options of its table, or raise the sync's reject_limit with "
						 "ingest.alter_sync.")));
}

/* One that gives nothing looks like one that was cut off: it empties the copy no more than a table that does */
static void
require_rows(Sync *s, const Piece *piece, const Reading *reading)
{
	const Copy *copy = &s->copy;
	int64 here;

	if (piece->rows > 0 || reading->errors.n > 0 || !piece->was_here || piece->is_part || copy->ignore_deletions)
		return;
	here = to_int8(user_value(psprintf("SELECT count(*) FROM %s t WHERE t.%s = %s AND %s", copy->target,
									   copy->piece_column, quote_literal_cstr(piece->piece), copy_living(copy, "t."))));
	if (!reconcile_may_go(s, here))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("piece \"%s\" no longer has rows: it had %lld, and losing that many is not likely",
						piece->piece,
						(long long) here),
				 errhint("If it is to be empty, set max_delete_share to 1 with ingest.alter_sync for the run after "
						 "ingest.retry_piece.")));
}

/* What was rejected of it before is looked at again with it */
static void
resolve(const Sync *s, const Piece *piece)
{
	repo_run("SELECT ingest_internal.sync_piece_resolve($1, $2, ARRAY[$3])", arg_int4(s->id),
			 arg_text(s->source->piece_column), arg_text(piece->piece));
}

void
piece_read(Sync *s, Piece *piece)
{
	Copy *copy = &s->copy;
	Reading reading = {0};
	char *before;

	piece->is_part = only_grew(s, piece);
	piece->went_straight = goes_straight(s, piece);
	before = prefix_of(s, piece, piece->extent);
	piece->rows = read_rows(s, piece, &reading);
	piece->rejected = reading.errors.n;
	piece->new_prefix = prefix_of(s, piece, piece->extent);
	/* a digest of what was written meanwhile would call it known */
	if (before && (piece->new_prefix == NULL || strcmp(before, piece->new_prefix) != 0))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("piece \"%s\" changed while it was read", piece->piece)));
	require_good(s, piece, &reading);
	require_rows(s, piece, &reading);
	if (piece->was_here && !piece->is_part)
		resolve(s, piece);
	reading_reject(&reading, true);
	copy->run->read += piece->rows;
	if (piece->went_straight)
	{
		copy->run->inserted += piece->rows;
		copy->rows_delta += piece->rows;
	}
	piece->is_read = true;
}

void
piece_done(const Sync *s, const Run *run, const Piece *piece)
{
	repo_run("SELECT ingest_internal.sync_piece_done($1, $2, $3, $4::bigint, $5, $6, $7, $8, $9)", arg_int4(s->id),
			 arg_text(piece->piece), arg_text(piece->version), arg_text(piece->extent), arg_text(piece->new_prefix),
			 arg_bool(piece->is_part), arg_int8(piece->rows), arg_int8(piece->rejected), arg_int8(run->id));
}

/* Told once for what it is now: tried again, it is still the same */
static void
tell_failed(Sync *s, Run *run, const Piece *piece, const Failure *failure, bool with_anomaly)
{
	char *summary = psprintf("piece \"%s\" of %s could not be read: %s", piece->piece, s->copy.foreign,
							 failure->message);
	StringInfoData json;

	/* of what it was before nobody needs to know any more */
	repo_run("SELECT ingest_internal.sync_pieces_mended($1, ARRAY[$2])", arg_int4(s->id), arg_text(piece->piece));
	json_open(&json);
	json_text(&json, "sync", s->name);
	json_int8(&json, "run", run->id);
	json_text(&json, "piece", piece->piece);
	json_text(&json, "version", piece->version);
	json_text(&json, "sqlstate", failure->sqlstate);
	json_text(&json, "reason", failure->message);
	event_emit("ingest.piece.failed", s->source->name, s->name, json_close(&json));
	if (!with_anomaly)
		return;
	json_open(&json);
	json_text(&json, "piece", piece->piece);
	json_text(&json, "sqlstate", failure->sqlstate);
	anomaly_raise(s, run, "piece", "warning", NULL, summary, json_close(&json));
}

void
piece_failed(Sync *s, Run *run, const Piece *piece, const Failure *failure, PieceFault fault, bool with_anomaly)
{
	bool is_news;

	if (fault == PIECE_WAITS)
	{
		run_log(run, "info", psprintf("piece \"%s\" is left for the next run: %s", piece->piece, failure->message),
				NULL);
		return;
	}
	is_news = to_bool(repo_value("SELECT ingest_internal.sync_piece_failed($1, $2, $3, $4, $5, $6)", arg_int4(s->id),
								 arg_text(piece->piece), arg_text(failure_text(failure)),
								 arg_text(failure->sqlstate), arg_bool(fault == PIECE_DRIFTS), arg_int8(run->id)));
	run_log(run, "warning", psprintf("piece \"%s\" could not be read: %s", piece->piece, failure_text(failure)), NULL);
	if (is_news && fault == PIECE_FAILED)
		tell_failed(s, run, piece, failure, with_anomaly);
}
