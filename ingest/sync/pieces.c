/*
 * pieces.c
 *		Copies of what comes in pieces, such as files.
 *
 * One listing is held against what the repository has of each piece, which is written in the transaction of its rows:
 * so nothing is forgotten, whatever its time of modification says, and a run that was killed is gone on with by the
 * next one.  One transaction is for several pieces, each read in a subtransaction: what is wrong with one leaves the
 * others alone.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/repository/anomaly.h"
#include "ingest/sync/held.h"
#include "ingest/sync/isolate.h"
#include "ingest/sync/piece.h"
#include "ingest/sync/pieces.h"
#include "ingest/sync/pseudonym.h"
#include "ingest/sync/reconcile.h"
#include "ingest/sync/stage.h"
#include "ingest/sync/unfit.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Of a transaction */
#define PIECES_AT_ONCE 500
#define BYTES_AT_ONCE (64 * 1024 * 1024)
/* So many may be gone, whatever their share */
#define GONE_AT_LEAST 10
/* So many of a run have an anomaly of their own; all have an event */
#define ANOMALIES_AT_MOST 20

typedef struct Pieces
{
	Batch *b;
	Piece *piece; /* those that are to be read */
	int n;
	int from, to;  /* those of this transaction */
	Strings gone;  /* those whose rows are to go */
	Failure drift; /* a piece that needs a crawl */
	Failure failure;
	int n_failed;  /* of this run */
	bool any_went; /* rows went, so that others' may take their keys */
} Pieces;

static Pieces *current; /* for batch_step(), which takes the batch alone */

/* -- listing -- */

static const Oid listed_types[] = {TEXTOID, TEXTOID, INT8OID, INT8OID, TIMESTAMPTZOID, BOOLOID};

/* One listing; a connector that lists what cannot be is not believed */
static Stored *
list_pieces(const Sync *s)
{
	Stored *listed = sql_store(
		AS_USER,
		psprintf("SELECT piece, version, extent, bytes, modified, coalesce(settled, true) AS settled FROM "
				 "%s(%s::regclass)",
				 s->source->pieces, quote_literal_cstr(s->copy.foreign)),
		lengthof(listed_types), listed_types);
	char *wrong = rows_value(stored_rows(
		listed, "SELECT coalesce((SELECT 'a piece without a name or a version' FROM stored WHERE piece IS NULL OR "
				"version IS NULL LIMIT 1), (SELECT 'piece ' || quote_ident(piece) || ' twice' FROM stored GROUP BY "
				"piece HAVING count(*) > 1 LIMIT 1), (SELECT 'a piece whose name has more than 2000 bytes' FROM stored "
				"WHERE octet_length(piece) > 2000 LIMIT 1))",
		0, NULL));

	if (wrong)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("%s lists %s", s->source->pieces, wrong)));
	return listed;
}

typedef struct Listing
{
	int64 listed; /* pieces */
	int64 known;  /* that were listed before */
	int64 gone;   /* of those */
	int64 new, other;
} Listing;

/* A piece p that is known and not what the listing l says */
#define IS_OTHER \
	"(p.state = 'gone' OR p.listed_version <> l.version OR p.settled <> l.settled AND p.state <> 'failed' OR " \
	"p.state = 'failed' AND p.next_try <= clock_timestamp() OR (p.listed_extent, p.bytes, p.modified) IS DISTINCT " \
	"FROM (l.extent, l.bytes, l.modified) AND p.state <> 'failed')"

#define COUNT_LISTED \
	"SELECT count(l.piece), count(*) FILTER (WHERE p.state <> 'gone'), count(*) FILTER (WHERE l.piece IS NULL AND " \
	"p.state <> 'gone'), count(*) FILTER (WHERE p.piece IS NULL), count(*) FILTER (WHERE l.piece IS NOT NULL AND " \
	"p.piece IS NOT NULL AND " IS_OTHER ") FROM (SELECT * FROM ingest.sync_piece WHERE sync = $1) p FULL JOIN " \
	"stored l ON l.piece = p.piece"

#define GONE_PIECES \
	"SELECT p.piece FROM ingest.sync_piece p WHERE p.sync = $1 AND p.state <> 'gone' AND NOT EXISTS (SELECT FROM " \
	"stored l WHERE l.piece = p.piece) ORDER BY 1"

/* What differs from what was listed before; one that was gone is there again as if it were new */
#define TAKE_LISTED \
	"UPDATE ingest.sync_piece p SET listed_version = l.version, listed_extent = l.extent, bytes = l.bytes, " \
	"modified = l.modified, settled = l.settled, state = CASE WHEN p.version = l.version THEN 'done' ELSE 'pending' " \
	"END, tries = CASE WHEN p.listed_version = l.version AND p.state <> 'gone' THEN p.tries ELSE 0 END, next_try = " \
	"NULL, error = NULL, sqlstate = NULL FROM stored l WHERE p.sync = $1 AND l.piece = p.piece AND " IS_OTHER

#define ADD_LISTED \
	"INSERT INTO ingest.sync_piece (sync, piece, listed_version, listed_extent, bytes, modified, settled) SELECT $1, " \
	"l.piece, l.version, l.extent, l.bytes, l.modified, l.settled FROM stored l WHERE NOT EXISTS (SELECT FROM " \
	"ingest.sync_piece p WHERE p.sync = $1 AND p.piece = l.piece)"

/* May so many pieces be gone?  An empty listing is seldom true */
static bool
may_go(Sync *s, const Listing *l)
{
	double share = l->known * s->max_delete_share;
	int64 limit = l->listed == 0 ? (int64) share : Max(GONE_AT_LEAST, (int64) share);
	StringInfoData json;

	if (l->gone <= limit)
		return true;
	s->braked = s->kept = true;
	json_open(&json);
	json_int8(&json, "listed", l->listed);
	json_int8(&json, "known", l->known);
	json_int8(&json, "gone", l->gone);
	json_raw(&json, "max_delete_share", psprintf("%g", s->max_delete_share));
	anomaly_raise(s, s->copy.run, "deletion", "error", NULL,
				  psprintf("%lld of %lld pieces of %s are no longer listed: that is more than is likely, and their "
						   "rows were not deleted",
						   (long long) l->gone, (long long) l->known, s->copy.target),
				  json_close(&json));
	return false;
}

/*
 * Pieces of rows that were here before pieces were, as if they had been listed and read: those that are not listed now
 * are gone, as others may be, and of the others rows are here that may not be there.
 */
static void
know_all(const Sync *s)
{
	static const Oid types[] = {TEXTOID};
	const Copy *copy = &s->copy;
	Stored *here = sql_store(AS_USER,
							 psprintf("SELECT DISTINCT t.%s::text AS piece FROM %s t WHERE t.%s IS NOT NULL AND %s",
									  copy->piece_column, copy->target, copy->piece_column, copy_living(copy, "t.")),
							 1, types);

	(void) stored_run(here,
					  "INSERT INTO ingest.sync_piece AS p (sync, piece, listed_version, settled, read_at) SELECT $1, "
					  "h.piece, '', false, clock_timestamp() FROM stored h ON CONFLICT (sync, piece) DO UPDATE SET "
					  "state = 'pending', read_at = excluded.read_at WHERE p.state = 'gone' OR p.read_at IS NULL",
					  SQL_ARGS(arg_int4(s->id)));
	stored_end(here);
}

/* One that is not listed is not there to be read, whatever is to be done with it, until it is listed again */
#define KEEP_UNLISTED \
	"UPDATE ingest.sync_piece p SET settled = false WHERE p.sync = $1 AND p.settled AND p.state <> 'gone' AND NOT " \
	"EXISTS (SELECT FROM stored l WHERE l.piece = p.piece)"

/* All that is listed, and what of it is to be done */
static void
compare_listing(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Stored *listed;
	Listing listing;
	Rows *counts;
	SqlArg sync[] = {arg_int4(s->id)};
	MemoryContext old;

	batch_enter(s, b->run);
	listed = list_pieces(s);
	if (s->reload || s->unfilled || strcmp(s->phase, "new") == 0)
	{
		repo_run("SELECT ingest_internal.sync_pieces_anew($1)", sync[0]);
		know_all(s);
	}
	else
		repo_run("SELECT ingest_internal.sync_pieces_grown_anew($1)", sync[0]);
	counts = stored_rows(listed, COUNT_LISTED, 1, sync);
	listing = (Listing){to_int8(counts->v[0][0]), to_int8(counts->v[0][1]), to_int8(counts->v[0][2]),
						to_int8(counts->v[0][3]), to_int8(counts->v[0][4])};
	old = MemoryContextSwitchTo(s->context);
	s->compared = true;
	memset(&current->gone, 0, sizeof(Strings));
	if (listing.gone > 0 && !may_go(s, &listing))
		(void) stored_run(listed, KEEP_UNLISTED, 1, sync);
	else if (listing.gone > 0)
	{
		Rows *gone = stored_rows(listed, GONE_PIECES, 1, sync);

		for (uint64 i = 0; i < gone->n; i++)
			strings_add(&current->gone, gone->v[i][0]);
	}
	MemoryContextSwitchTo(old);
	if (listing.other > 0)
		(void) stored_run(listed, TAKE_LISTED, 1, sync);
	if (listing.new > 0)
		(void) stored_run(listed, ADD_LISTED, 1, sync);
	stored_end(listed);
	batch_checkpoint(s, "phase = 'loading', reload = false, unfilled = NULL", 0, NULL);
	run_progress(b->run, "listed", -1);
}

ROW_SHAPE(piece_shape, Piece, FIELD(TEXT, Piece, piece), FIELD(TEXT, Piece, version), FIELD(TEXT, Piece, extent),
		  FIELD(INT8, Piece, bytes), FIELD(BOOL, Piece, was_here), FIELD(TEXT, Piece, read_extent),
		  FIELD(TEXT, Piece, prefix));

/* Those that are to be read, in their order */
static void
find_open(void *arg)
{
	Batch *b = arg;
	MemoryContext old = MemoryContextSwitchTo(b->s->context);

	current->piece = repo_structs(piece_shape, &current->n, "SELECT * FROM ingest_internal.sync_pieces_open($1)",
								  arg_int4(b->s->id));
	MemoryContextSwitchTo(old);
}

/* -- rows of several pieces -- */

/* Those of this transaction that were read, whole, and of which rows may be here */
static Strings
pieces_that(const Pieces *p, bool (*is)(const Piece *))
{
	Strings names = {0};

	for (int i = p->from; i < p->to; i++)
	{
		if (p->piece[i].is_read && is(&p->piece[i]))
			strings_add(&names, p->piece[i].piece);
	}
	return names;
}

static bool
is_replaced(const Piece *piece)
{
	return piece->was_here && !piece->is_part;
}

static bool
is_read(const Piece *piece)
{
	return true;
}

/* Do rows of two pieces never have one key? */
static bool
key_has_piece(const Sync *s)
{
	for (int k = 0; k < s->key.n; k++)
	{
		if (strcmp(s->key.v[k], s->source->piece_column) == 0)
			return true;
	}
	return false;
}

/* In which order rows of the stage came: by their piece, then by their place in it */
static char *
order_of_rows(const Sync *s, const Strings *names, const char *direction)
{
	const Copy *copy = &s->copy;
	bool has_position = false;

	for (int i = 0; i < copy->n_columns; i++)
		has_position = has_position || (copy->position_column && strcmp(copy->columns[i], copy->position_column) == 0);
	return psprintf("pg_catalog.array_position(%s, s.%s::text) %s, s.%s %s",
					batch_array(names, 0, names->n, "text"), copy->piece_column, direction,
					has_position ? copy->position_column : "ctid", direction);
}

/* Rows of the stage t whose key a row of the stage before or behind them has; of each key one is left */
static void
drop_others(Sync *s, const Strings *names, bool last)
{
	Copy *copy = &s->copy;
	char *key = column_list(copy->key, copy->n_key, "");
	char *table = psprintf("%s_k", copy->stage_name);

	user_drop(table);
	user_run(psprintf("CREATE TEMP TABLE %s ON COMMIT DROP AS SELECT s.ctid AS ingest_at, "
					  "pg_catalog.first_value(s.%s::text) "
					  "OVER w AS ingest_piece, pg_catalog.row_number() OVER w AS ingest_n FROM %s s WINDOW w AS "
					  "(PARTITION BY %s ORDER BY %s)",
					  strchr(table, '.') + 1, copy->piece_column, copy->stage, key,
					  order_of_rows(s, names, last ? "DESC" : "ASC")));
	user_run(psprintf("DELETE FROM %s WHERE ingest_n = 1", table));
	if (!last)
	{
		Failure failure = {ERRCODE_UNIQUE_VIOLATION, "23505"};
		Rows *others = user_rows(psprintf("SELECT DISTINCT ingest_piece FROM %s ORDER BY 1", table));

		for (uint64 i = 0; i < others->n; i++)
		{
			failure.message = psprintf("its key is also in piece \"%s\"", others->v[i][0]);
			(void) unfit_reject_all(copy,
									psprintf("%s JOIN %s k ON k.ingest_at = s.ctid WHERE k.ingest_piece = %s",
											 merge_staged_rows(copy), table, quote_literal_cstr(others->v[i][0])),
									&failure);
		}
	}
	user_run(psprintf("DELETE FROM %s s USING %s k WHERE k.ingest_at = s.ctid", copy->stage, table));
	user_run(psprintf("DROP TABLE %s", table));
}

/* Rows whose key a row of a piece that stays has: that one keeps it */
static void
reject_taken(Sync *s, const Strings *replaced)
{
	Copy *copy = &s->copy;
	Strings holding = {0};
	Rows *holders = user_rows(psprintf("SELECT DISTINCT t.%s::text FROM %s s JOIN %s t ON %s WHERE t.%s::text IS "
									   "DISTINCT FROM "
									   "s.%s::text AND t.%s::text <> ALL (%s) AND %s",
									   copy->piece_column, copy->stage, copy->target, key_match(copy, "t", "s"),
									   copy->piece_column, copy->piece_column, copy->piece_column,
									   batch_array(replaced, 0, replaced->n, "text"), copy_living(copy, "t.")));
	Failure failure = {ERRCODE_UNIQUE_VIOLATION, "23505"};

	for (uint64 i = 0; i < holders->n; i++)
	{
		if (holders->v[i][0] &&
			to_bool(repo_value("SELECT state <> 'gone' FROM ingest.sync_piece WHERE sync = $1 AND piece = $2",
							   arg_int4(s->id), arg_text(holders->v[i][0]))))
			strings_add(&holding, holders->v[i][0]);
	}
	for (int i = 0; i < holding.n; i++)
	{
		char *held = psprintf("EXISTS (SELECT FROM %s t WHERE %s AND t.%s::text = %s AND t.%s::text <> s.%s::text "
							  "AND %s)",
							  copy->target, key_match(copy, "t", "s"), copy->piece_column,
							  quote_literal_cstr(holding.items[i]), copy->piece_column, copy->piece_column,
							  copy_living(copy, "t."));

		failure.message = psprintf("its key is also in piece \"%s\"", holding.items[i]);
		if (unfit_reject_all(copy, psprintf("%s WHERE %s", merge_staged_rows(copy), held), &failure) > 0)
			user_run(psprintf("DELETE FROM %s s WHERE %s", copy->stage, held));
	}
}

static bool
has_doubles(const Sync *s)
{
	return user_value(psprintf("SELECT 1 FROM %s GROUP BY %s HAVING count(*) > 1 LIMIT 1", s->copy.stage,
							   column_list(s->copy.key, s->copy.n_key, ""))) != NULL;
}

/* Of files of changes the last word on a key holds; else the first row with it, and the others are rejected */
static void
settle_ties(Sync *s, const Strings *names, const Strings *replaced)
{
	if (s->key.n == 0)
		return;
	/* a place that comes twice is the connector's fault, and seldom */
	if (key_has_piece(s) && (s->copy.ignore_deletions || !has_doubles(s)))
		return;
	drop_others(s, names, s->copy.ignore_deletions);
	if (!s->copy.ignore_deletions && !key_has_piece(s))
		reject_taken(s, replaced);
}

/* Rows of the stage that say that they are deleted: gone, though what is missing is not */
static void
delete_said(Sync *s)
{
	Copy *copy = &s->copy;

	if (!copy->stages_gone)
		return;
	copy->ignore_deletions = false;
	merge_delete(copy,
				 psprintf("(SELECT %s FROM %s WHERE ingest_gone) d", column_list(copy->key, copy->n_key, ""),
						  copy->stage),
				 key_match(copy, "t", "d"), NULL);
	copy->ignore_deletions = true;
	user_run(psprintf("DELETE FROM %s WHERE ingest_gone", copy->stage));
}

/* What was staged of all pieces of this transaction */
static void
merge_pieces(Sync *s, const Pieces *p)
{
	Copy *copy = &s->copy;
	Strings names = pieces_that(p, is_read);
	Strings replaced = pieces_that(p, is_replaced);
	int64 before = copy->run->deleted;

	settle_ties(s, &names, &replaced);
	delete_said(s);
	if (s->key.n > 0)
		merge_stage(copy, s->generation > 0 ? "insert" : "load");
	if (replaced.n > 0)
		merge_delete(copy, NULL,
					 psprintf("t.%s AND %s", batch_among(copy->piece_column, &replaced, 0, replaced.n, "text"),
							  key_not_in(copy, copy->stage)),
					 NULL);
	current->any_went = current->any_went || copy->run->deleted > before || replaced.n > 0;
}

typedef struct Reads
{
	Sync *s;
	Piece *piece;
} Reads;

/* For attempt() */
static void
read_one(void *arg)
{
	Reads *r = arg;

	piece_read(r->s, r->piece);
}

/* One piece, whatever is wrong with it; what nobody could read ends the run */
static void
read_whatever(Sync *s, Run *run, Piece *piece)
{
	Reads reads = {s, piece};
	MergeTally before = merge_tally(&s->copy);
	int64 read = run->read;
	Failure failure;
	PieceFault fault;

	CHECK_FOR_INTERRUPTS();
	piece->is_read = false;
	if (attempt(read_one, &reads, &failure))
		return;
	merge_tally_again(&s->copy, &before);
	run->read = read;
	piece->is_read = false;
	/* straight in was a guess */
	if (piece->went_straight && failure_is_of_data(&failure))
	{
		piece->was_here = true;
		if (attempt(read_one, &reads, &failure))
			return;
		merge_tally_again(&s->copy, &before);
		run->read = read;
		piece->is_read = false;
	}
	secrets_hide(&s->copy, &failure);
	fault = piece_fault(&failure);
	if (fault == PIECE_ENDS)
		failure_rethrow(&failure);
	current->n_failed += fault == PIECE_FAILED;
	if (fault == PIECE_DRIFTS && current->drift.message == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(s->context);

		failure_copy(&current->drift, &failure);
		MemoryContextSwitchTo(old);
	}
	piece_failed(s, run, piece, &failure, fault, current->n_failed <= ANOMALIES_AT_MOST);
}

/* Several pieces: rows, what is known of each, history and events in one transaction */
static void
read_several(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Pieces *p = current;
	Strings touched = {0};
	Strings done;

	batch_enter(s, b->run);
	if (s->n_followers > 0)
		s->copy.touched = &touched;
	for (int i = p->from; i < p->to; i++)
		read_whatever(s, b->run, &p->piece[i]);
	merge_pieces(s, p);
	for (int i = p->from; i < p->to; i++)
	{
		if (p->piece[i].is_read)
			piece_done(s, b->run, &p->piece[i]);
	}
	done = pieces_that(p, is_read);
	repo_run("SELECT ingest_internal.sync_pieces_mended($1, $2)", arg_int4(s->id), arg_texts(done.items, done.n));
	batch_settle(b, &touched);
	batch_checkpoint(s, "phase = 'loading'", 0, NULL);
	run_progress(b->run, "pieces", -1);
}

/* One that could be read, and whose rows could not be written */
static void
note_failed(void *arg)
{
	Batch *b = arg;

	piece_failed(b->s, b->run, &current->piece[current->from], &current->failure, PIECE_FAILED,
				 ++current->n_failed <= ANOMALIES_AT_MOST);
	batch_checkpoint(b->s, "phase = phase", 0, NULL);
}

/* From one piece on, as many as make a transaction */
static int
end_of_batch(const Pieces *p, int from)
{
	int64 bytes = 0;
	int to = from;

	while (to < p->n && to - from < PIECES_AT_ONCE && (to == from || bytes + p->piece[to].bytes <= BYTES_AT_ONCE))
		bytes += p->piece[to++].bytes;
	return to;
}

/* If the rows of several cannot be written together, each is tried alone: it is known then whose fault it is */
static bool
read_range(Batch *b, int from, int to)
{
	PieceFault fault;

	current->from = from;
	current->to = to;
	if (batch_step(b, read_several))
		return true;
	fault = piece_fault(&b->failure);
	if (fault != PIECE_FAILED || !failure_is_of_data(&b->failure))
		return false;
	b->run->read = b->run->inserted = b->run->updated = b->run->deleted = b->run->rejected = 0;
	if (to - from == 1)
	{
		current->failure = b->failure;
		return batch_step(b, note_failed);
	}
	for (int i = from; i < to; i++)
	{
		if (!read_range(b, i, i + 1))
			return false;
	}
	return true;
}

/* All that are open, in their order */
static bool
read_open(Batch *b)
{
	if (!batch_step(b, find_open))
		return false;
	for (int from = 0, to; from < current->n; from = to)
	{
		to = end_of_batch(current, from);
		if (!read_range(b, from, to))
			return false;
	}
	return true;
}

/* -- pieces that are gone -- */

static void
delete_gone(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;
	Copy *copy = &s->copy;
	Strings *gone = &current->gone;
	Strings touched = {0};

	batch_enter(s, b->run);
	if (s->n_followers > 0)
		copy->touched = &touched;
	for (int i = 0; i < gone->n; i += PIECES_AT_ONCE)
	{
		int n = Min(PIECES_AT_ONCE, gone->n - i);

		CHECK_FOR_INTERRUPTS();
		merge_delete(copy, NULL, psprintf("t.%s", batch_among(copy->piece_column, gone, i, n, "text")), NULL);
	}
	repo_run("SELECT ingest_internal.sync_pieces_gone($1, $2, $3)", arg_int4(s->id), arg_texts(gone->items, gone->n),
			 arg_int8(b->run->id));
	repo_run("SELECT ingest_internal.sync_piece_resolve($1, $2, $3)", arg_int4(s->id),
			 arg_text(s->source->piece_column), arg_texts(gone->items, gone->n));
	repo_run("SELECT ingest_internal.sync_pieces_mended($1, $2)", arg_int4(s->id), arg_texts(gone->items, gone->n));
	batch_settle(b, &touched);
	batch_checkpoint(s, "phase = 'loading'", 0, NULL);
	run_progress(b->run, "gone pieces", -1);
	current->any_went = true;
}

/* Rows that had no place since another piece had their key may have one now: their pieces are read again, once */
static void
reopen_ties(void *arg)
{
	Batch *b = arg;

	repo_run("SELECT ingest_internal.sync_pieces_tied($1, $2)", arg_int4(b->s->id),
			 arg_text(b->s->source->piece_column));
	batch_checkpoint(b->s, "phase = phase", 0, NULL);
}

static bool
read_tied(Batch *b)
{
	if (!current->any_went || b->s->key.n == 0 || key_has_piece(b->s) || b->s->copy.ignore_deletions)
		return true;
	return batch_step(b, reopen_ties) && read_open(b);
}

/* -- a run -- */

static void
all_read(void *arg)
{
	Batch *b = arg;
	Sync *s = b->s;

	batch_enter(s, b->run);
	if (s->generation == 0 || repo_value("SELECT rows FROM ingest.sync_state WHERE sync = $1", arg_int4(s->id)) == NULL)
	{
		user_run(psprintf("ANALYZE %s", s->copy.target));
		reconcile_recount(s);
	}
	batch_checkpoint(s, "phase = 'ready', generation = greatest(generation, 1), watermark = NULL", 0, NULL);
	s->phase = "ready";
}

/* The table is to be crawled, as if nothing else had been read: it was, and is here */
static void
raise_drift(void *arg)
{
	failure_rethrow(&current->drift);
}

bool
pieces_run(Batch *b)
{
	Pieces *p = MemoryContextAllocZero(b->s->context, sizeof(Pieces));

	p->b = b;
	current = p;
	return batch_step(b, compare_listing) && (p->gone.n == 0 || batch_step(b, delete_gone)) && read_open(b) &&
		   read_tied(b) && batch_step(b, all_read) && (p->drift.message == NULL || batch_step(b, raise_drift));
}

void
pieces_reject_again(void *arg)
{
	Batch *b = arg;

	repo_run("SELECT ingest_internal.sync_pieces_rejected($1, $2)", arg_int4(b->s->id),
			 arg_text(b->s->source->piece_column));
	batch_checkpoint(b->s, "phase = phase", 0, NULL);
}

#define WOULD_DO \
	"SELECT w.what, count(*) FROM (SELECT CASE WHEN l.piece IS NULL THEN 'gone' WHEN NOT l.settled THEN " \
	"'not settled: left for later' WHEN p.piece IS NULL OR p.state = 'gone' THEN 'new: read' WHEN p.version = " \
	"l.version THEN " \
	"'unchanged' WHEN p.state = 'failed' AND p.listed_version = l.version AND p.next_try > clock_timestamp() THEN " \
	"'failed: tried again later' ELSE 'to be read' END AS what FROM (SELECT * FROM ingest.sync_piece WHERE sync = $1 " \
	"AND state <> 'gone') p FULL JOIN stored l ON l.piece = p.piece) w GROUP BY w.what ORDER BY w.what"

Rows *
pieces_explained(Sync *s)
{
	Stored *listed = list_pieces(s);
	Rows *kinds = stored_rows(listed, WOULD_DO, SQL_ARGS(arg_int4(s->id)));

	stored_end(listed);
	return kinds;
}
