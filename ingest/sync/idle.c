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

#include "ingest/sync/idle.h"
#include "ingest/sync/reconcile.h"
#include "ingest/sync/window.h"

#define CLOCK_TRUSTED "1 hour"
#define CLOCK_TOLERANCE "5 s" /* of whole seconds, and of the way: less than what is read again */

/* Could the answer be used? */
static bool
may_ask(const Sync *s)
{
	return s->source->changes && s->source->clock && strcmp(s->phase, "ready") == 0 && !s->reload && strcmp(s->mode, "full") != 0 &&
		   s->watermark && s->copy.cursor_is_time && strstr(s->copy.cursor_type, "with time zone") &&
		   to_bool(repo_value("SELECT clock_offset IS NOT NULL AND clock_at > clock_timestamp() - interval '" CLOCK_TRUSTED "' AND clock_at <= clock_timestamp() "
							  "AND $2::interval >= '" CLOCK_TOLERANCE "' FROM ingest.sync_state WHERE sync = $1",
							  arg_int8(s->id), arg_text(s->overlap)));
}

/* Does the clock there go as it did? */
static bool
clock_goes(const Sync *s, const char *here, const char *there)
{
	return to_bool(repo_value("SELECT $2::timestamptz + clock_offset <= $3::timestamptz + interval '" CLOCK_TOLERANCE "' FROM ingest.sync_state WHERE sync = $1",
							  arg_int8(s->id), arg_text(here), arg_text(there)));
}

Idle
idle_ask(Sync *s, bool feed)
{
	Idle idle = {false, false, false};
	char *here;
	Rows *rows;
	char **v;

	if (!may_ask(s) || reconcile_is_due(s))
		return idle;
	here = repo_value("SELECT clock_timestamp()");
	rows = user_rows(psprintf("SELECT changed, deleted, clock FROM %s($1::regclass, $2, $3::timestamptz, $4::timestamptz)", s->source->changes),
					 arg_text(s->copy.foreign), arg_name(s->cursor), arg_text(window_low(s)),
					 feed ? arg_text(window_deleted_low(s)) : arg_null(TEXTOID));
	v = rows->n == 1 ? rows->v[0] : NULL;
	if (v == NULL || v[0] == NULL || (feed && v[1] == NULL) || v[2] == NULL || !clock_goes(s, here, v[2]))
		return idle;
	idle.changes = strcmp(v[0], "0") == 0;
	idle.deletions = !feed || strcmp(v[1], "0") == 0;
	idle.known = (idle.changes && idle.deletions) || s->n_children == 0;
	return idle;
}
