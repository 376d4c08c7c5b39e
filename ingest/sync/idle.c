/*
 * idle.c
 *		Is there anything to do?
 *
 * Most runs find nothing.  A wrapper that can say so in one request saves the
 * questions for the clock, the feed of deletions and the window.  The watermark
 * then stays where it is, and the next run counts from there again: so it takes
 * no upper bound, no clock, and nothing can be passed over.
 *
 * If something is found, it is read without an upper bound, and the watermark
 * stays as well; the next run asks the clock and moves it.  But children of a
 * row whose second is not over would not be read again, so parents ask at once.
 *
 * A clock there that was set back would hide rows below the watermark.  So the
 * answer counts only while the clock there goes as it did when a window was
 * last read, and not longer than CLOCK_TRUSTED after that.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/sync/idle.h"
#include "ingest/sync/reconcile.h"
#include "ingest/sync/window.h"

#define CLOCK_TRUSTED "1 hour"
#define CLOCK_TOLERANCE "5 s" /* of whole seconds, and of the way: less than what is read again */

/* Could the answer be used? */
static bool
may_ask(const Sync *s)
{
	return s->source->changes && s->source->clock && strcmp(s->phase, "ready") == 0 && !s->reload && !sync_is_full(s) &&
		   s->watermark && s->copy.cursor_is_time && strstr(s->copy.cursor_type, "with time zone") &&
		   to_bool(repo_value("SELECT ingest_internal.sync_may_ask($1, $2::interval, $3::interval)", arg_int4(s->id),
							  arg_text(CLOCK_TRUSTED), arg_text(CLOCK_TOLERANCE)));
}

/* Does the clock there go as it did? */
static bool
clock_goes(const Sync *s, const char *here, const char *there)
{
	return to_bool(repo_value("SELECT ingest_internal.sync_clock_goes($1, $2::timestamptz, $3::timestamptz, "
							  "$4::interval)",
							  arg_int4(s->id), arg_text(here), arg_text(there), arg_text(CLOCK_TOLERANCE)));
}

/* What a wrapper's changes_function says: numbers that are null where it cannot */
typedef struct Changes
{
	bool knows_changed, knows_deleted;
	int64 changed, deleted;
	char *clock;
} Changes;

ROW_SHAPE(changes_shape, Changes,
		  FIELD(BOOL, Changes, knows_changed),
		  FIELD(BOOL, Changes, knows_deleted),
		  FIELD(INT8, Changes, changed),
		  FIELD(INT8, Changes, deleted),
		  FIELD(TEXT, Changes, clock));

/* NULL: the source said nothing that can be understood, so all is read */
static Changes *
ask(Sync *s, bool feed)
{
	char *sql = psprintf("SELECT changed IS NOT NULL AS knows_changed, deleted IS NOT NULL AS knows_deleted, "
						 "changed::bigint, "
						 "deleted::bigint, clock::timestamptz FROM %s($1::regclass, $2, $3::timestamptz, "
						 "$4::timestamptz)",
						 s->source->changes);
	int n;
	Changes *changes =
		user_structs(changes_shape, &n, sql, arg_text(s->copy.foreign), arg_name(s->cursor), arg_text(window_low(s)),
					 feed ? arg_text(window_deleted_low(s)) : arg_null(TEXTOID));

	return n == 1 ? changes : NULL;
}

/* One question instead of a run of queries; whatever is not certain counts as changed */
Idle
idle_ask(Sync *s, bool feed)
{
	Idle idle = {false, false, false};
	char *here;
	Changes *found;

	if (!may_ask(s) || reconcile_is_due(s))
		return idle;
	here = repo_value("SELECT clock_timestamp()");
	found = ask(s, feed);
	if (found == NULL || !found->knows_changed || (feed && !found->knows_deleted) || found->clock == NULL ||
		!clock_goes(s, here, found->clock))
		return idle;
	idle.changes = found->changed == 0;
	idle.deletions = !feed || found->deleted == 0;
	idle.known = (idle.changes && idle.deletions) || s->n_followers == 0;
	return idle;
}
