/*
 * window.c
 *		Which part of a source an incremental run reads.
 *
 * Times are the source's, never ours.  Where it is known which transactions run there, the watermark does not pass what
 * they may write, however long they take.  A window begins before the watermark by the
 * overlap, for rows that became visible late; by what the clock there was set back
 * since; and by the hour that comes twice when summer time ends.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/sync/window.h"
#include "utils/builtins.h"

/* A stamp further ahead of our clock is no matter of zones: it cannot have come yet anywhere */
#define AHEAD_AT_MOST "26 hours"

/* A time without a zone is read in the source's */
static char *
zone_of(const Sync *sync)
{
	return sync->source->zone ? sync->source->zone : pstrdup("UTC");
}

/* Dates are whole days: the last one is not over */
static bool
is_date(const Sync *sync)
{
	return strcmp(sync->copy.cursor_type, "date") == 0;
}

/* A moment there as a value of the cursor's type */
static char *
as_cursor(const Sync *sync, const char *moment)
{
	if (strncmp(sync->copy.cursor_type, "timestamp", 9) == 0 && strstr(sync->copy.cursor_type, "with time zone"))
		return pstrdup(moment);
	return own_value(
		psprintf("SELECT (date_trunc('second', $1::timestamptz) AT TIME ZONE $2)::%s", sync->copy.cursor_type),
		arg_text(moment), arg_text(zone_of(sync)));
}

char *
window_moment(const Sync *sync, const char *watermark)
{
	if (watermark == NULL || !sync->copy.cursor_is_time)
		return NULL;
	if (strstr(sync->copy.cursor_type, "with time zone"))
		return pstrdup(watermark);
	return repo_value("SELECT $1::timestamp AT TIME ZONE $2", arg_text(watermark), arg_text(zone_of(sync)));
}

/* The greatest cursor there is now */
static char *
newest(const Sync *sync)
{
	return user_value(psprintf("SELECT max(%s) FROM %s", sync->copy.cursor, sync->copy.foreign));
}

/* -- what is under way at the source -- */

/* The time there, and the transactions that run then */
typedef struct Horizon
{
	char *clock;
	char *running; /* NULL: not known */
} Horizon;

ROW_SHAPE(horizon_shape, Horizon, FIELD(TEXT, Horizon, clock), FIELD(TEXT, Horizon, running));

bool
window_is_by_clock(const Sync *sync)
{
	return sync->source->clock && sync->now_there;
}

/* Where no clock tells, but the transactions that run at the source do */
static bool
has_horizon(const Sync *sync)
{
	return sync->source->horizon && sync->source->clock == NULL && sync->copy.cursor && !sync_is_full(sync);
}

/* In one statement, so that the clock and the transactions are of one moment */
static Horizon *
ask_horizon(const Sync *sync)
{
	return user_answer_of(&horizon_shape, psprintf("SELECT clock, running FROM %s($1)", sync->source->horizon),
						  SQL_ARGS(arg_name(sync->source->server)));
}

/*
 * Rows that are not seen yet belong to transactions that run: they are not stamped before these began, and have no
 * number from before they drew it.  So first the newest that is there, then the clock, then who is under way.
 */
void
window_clock(Sync *sync)
{
	sync->reach = sync->running = NULL;
	if (has_horizon(sync))
	{
		char *there = newest(sync);
		Horizon *horizon = ask_horizon(sync);

		sync->now_there = horizon->clock;
		sync->running = horizon->running;
		if (there && horizon->running)
			sync->reach =
				sync->copy.cursor_is_time ? window_earlier(sync, there, as_cursor(sync, horizon->clock)) : there;
	}
	else
		sync->now_there = source_clock(sync->source);
	sync->now_here = repo_value("SELECT clock_timestamp()");
}

void
window_mark(const Sync *sync)
{
	if (has_horizon(sync))
		repo_run("SELECT ingest_internal.sync_mark_running($1, $2::timestamptz, $3, $4::text[], $5)",
				 arg_int4(sync->id), arg_text(sync->now_here), arg_text(sync->reach), arg_text(sync->running),
				 arg_bool(!sync->copy.cursor_is_time));
}

void
window_settle(const Sync *sync)
{
	if (has_horizon(sync) && sync->running)
		repo_run("SELECT ingest_internal.sync_ran($1, $2::text[])", arg_int4(sync->id),
				 arg_text(ask_horizon(sync)->running));
}

void
window_load(const Sync *sync, const char *start)
{
	if (has_horizon(sync) && sync->running)
		repo_run("SELECT ingest_internal.sync_marks_loading($1, $2)", arg_int4(sync->id),
				 arg_bool(!sync->copy.cursor_is_time));
	else
		repo_run("SELECT ingest_internal.sync_marks_anew($1, clock_timestamp(), clock_timestamp(), $2)",
				 arg_int4(sync->id), arg_text(sync->copy.cursor_is_time ? NULL : start));
}

/* The newest cursor below which nothing is under way any more; NULL: not known yet */
static char *
settled(const Sync *sync)
{
	return repo_value("SELECT ingest_internal.sync_settled($1, $2::timestamptz, $3)", arg_int4(sync->id),
					  arg_text(sync->now_here), arg_bool(!sync->copy.cursor_is_time));
}

/* -- windows -- */

/* By more than an interval */
static bool
is_later(const char *moment, const char *than, const char *by)
{
	return to_bool(repo_value("SELECT $1::timestamptz > $2::timestamptz + $3::interval", arg_text(moment),
							  arg_text(than), arg_text(by)));
}

char *
window_earlier(const Sync *sync, const char *a, const char *b)
{
	/* as the owner: the type may be a domain, whose checks are code of somebody */
	return own_value(psprintf("SELECT least($1::%s, $2::%s)", sync->copy.cursor_type, sync->copy.cursor_type),
					 arg_text(a), arg_text(b));
}

/*
 * The watermark where the source has no clock: the newest cursor there, unless that has
 * not come yet.  A row that is stamped 2099 would hide all that is changed until then:
 * so the watermark stays below our own clock by the overlap, by which clocks may differ.
 */
static char *
watermark_without_clock(const Sync *sync, const char *newest, char **ahead)
{
	char *moment = window_moment(sync, newest);

	*ahead = NULL;
	if (moment == NULL || !is_later(moment, sync->now_here, "0"))
		return newest ? pstrdup(newest) : NULL;
	if (is_later(moment, sync->now_here, AHEAD_AT_MOST))
		*ahead = pstrdup(newest);
	return as_cursor(
		sync, repo_value("SELECT $1::timestamptz - $2::interval", arg_text(sync->now_here), arg_text(sync->overlap)));
}

/* The same where it is known what runs there: one that cannot have come yet there, else NULL */
static char *
far_ahead(const Sync *sync, const char *newest)
{
	char *moment = window_moment(sync, newest);

	return moment && is_later(moment, sync->now_there, AHEAD_AT_MOST) ? pstrdup(newest) : NULL;
}

char *
window_start(Sync *sync, char **ahead)
{
	*ahead = NULL;
	if (sync->copy.cursor == NULL)
		return NULL;
	if (window_is_by_clock(sync) && sync->copy.cursor_is_time)
		return as_cursor(sync, sync->now_there);
	if (sync->running)
	{
		*ahead = far_ahead(sync, newest(sync));
		return sync->reach;
	}
	return watermark_without_clock(sync, newest(sync), ahead);
}

/* One from before that rule, or of a clock of ours that was ahead, hides what changed since: nobody knows since when */
static bool
watermark_is_ahead(const Sync *sync)
{
	char *moment = window_is_by_clock(sync) ? NULL : window_moment(sync, sync->watermark);

	return moment && is_later(moment, sync->now_there ? sync->now_there : sync->now_here, "0");
}

/* How much earlier the clock there would have shown the last run's beginning than it did then */
typedef struct SetBack
{
	char *back; /* an interval */
	bool jumped;
} SetBack;

ROW_SHAPE(set_back_shape, SetBack, FIELD(TEXT, SetBack, back), FIELD(BOOL, SetBack, jumped));

static const SetBack not_set_back = {"0", false};

/* By what the source's clock and ours were at the runs before */
static SetBack
set_back(const Sync *sync)
{
	SetBack *found;

	if (sync->now_there == NULL)
		return not_set_back;
	found = repo_struct(set_back_shape,
						"SELECT * FROM ingest_internal.sync_clock_back($1, $2::timestamptz, $3::timestamptz)",
						arg_int4(sync->id), arg_text(sync->now_there), arg_text(sync->now_here));
	return found ? *found : not_set_back;
}

#define BEGIN_OF(type) "SELECT ingest_internal.sync_window_begin($1::" type ", $2::interval, $3::interval, $4)"

/* Of a watermark of the cursor, which is a time: the type is written here, since the engine runs it */
static const char *
begin_of_cursor(const Sync *sync)
{
	if (is_date(sync))
		return BEGIN_OF("date");
	return strstr(sync->copy.cursor_type, "with time zone") ? BEGIN_OF("timestamptz") : BEGIN_OF("timestamp");
}

/*
 * The clock there may have been ahead when the watermark was taken and right again
 * now, or right then and set back now: either way the offset shrank by as much as
 * rows may be stamped below the watermark.  statement: by the type of the watermark.
 */
static char *
beginning(Sync *sync, const char *watermark, const char *statement, bool *jumped)
{
	SetBack clock = set_back(sync);

	*jumped = clock.jumped;
	return repo_value(statement, arg_text(watermark), arg_text(sync->overlap), arg_text(clock.back),
					  arg_text(zone_of(sync)));
}

/*
 * A cursor that is no time.  Numbers are drawn in one order and committed in another, so that the newest that is there
 * says nothing of those below it.  Each run notes it, and the watermark follows when the overlap has passed: as with
 * times, what is committed later than that is found by the comparison of keys.
 */
static Window
window_of_numbers(const Sync *sync)
{
	Window window = {0};
	char *mark;

	window.low = sync->watermark;
	window.high = newest(sync);
	window.seen_at = repo_value("SELECT clock_timestamp()");
	window.inclusive = true;
	window.empty = window.high == NULL;
	if (window.empty)
		return window;
	window.set_back =
		sync->watermark &&
		to_bool(own_value(psprintf("SELECT $1::%s < $2::%s", sync->copy.cursor_type, sync->copy.cursor_type),
						  arg_text(window.high), arg_text(sync->watermark)));
	mark = settled(sync);
	window.watermark = window.set_back ? window.high : mark ? window_earlier(sync, mark, window.high)
															: sync->watermark;
	return window;
}

void
window_note(const Sync *sync, const Window *window)
{
	if (window->seen_at == NULL || window->empty)
		return;
	if (window->set_back)
		/* rows may have come anywhere below: keys are compared at once */
		repo_run("SELECT ingest_internal.sync_marks_anew($1, $2::timestamptz, '-infinity', $3)", arg_int4(sync->id),
				 arg_text(window->seen_at), arg_text(window->high));
	else if (sync->running == NULL)
		repo_run("SELECT ingest_internal.sync_mark($1, $2::timestamptz, $3::timestamptz, $4)", arg_int4(sync->id),
				 arg_text(sync->now_here), arg_text(window->seen_at), arg_text(window->high));
}

Window
window_next(Sync *sync)
{
	Window window = {0};

	if (!sync->copy.cursor_is_time)
		return window_of_numbers(sync);
	if (sync->watermark && !watermark_is_ahead(sync))
		window.low = beginning(sync, sync->watermark, begin_of_cursor(sync), &window.jumped);
	if (window_is_by_clock(sync))
	{
		window.watermark = as_cursor(sync, sync->now_there);
		/* a day is not over: rows of today are read, today and again */
		window.high = is_date(sync) ? NULL : window.watermark;
		return window;
	}
	/* no clock: up to the newest that is there, and from it again next time */
	window.high = newest(sync);
	if (sync->running)
	{
		char *mark = settled(sync);

		window.watermark = mark ? mark : sync->watermark;
		window.ahead = window.high ? far_ahead(sync, window.high) : NULL;
	}
	else
		window.watermark = watermark_without_clock(sync, window.high, &window.ahead);
	window.inclusive = true;
	window.empty = window.high == NULL;
	return window;
}

char *
window_low(Sync *sync)
{
	bool jumped = false;

	if (sync->watermark == NULL || !sync->copy.cursor_is_time)
		return NULL;
	return beginning(sync, sync->watermark, begin_of_cursor(sync), &jumped);
}

Window
window_open(Sync *sync)
{
	Window window = {0};

	window.low = window_low(sync);
	return window;
}

char *
window_condition(const Sync *sync, const Window *window)
{
	StringInfoData sql;

	initStringInfo(&sql);
	if (window->low)
		appendStringInfo(&sql, "%s >= %s::%s", sync->copy.cursor, quote_literal_cstr(window->low),
						 sync->copy.cursor_type);
	if (window->high)
		appendStringInfo(&sql, "%s%s %s %s::%s", sql.len > 0 ? " AND " : "", sync->copy.cursor,
						 window->inclusive ? "<=" : "<", quote_literal_cstr(window->high), sync->copy.cursor_type);
	return sql.data;
}

char *
window_deleted_low(Sync *sync)
{
	bool jumped = false;

	/* what was deleted before keys were compared is gone here, too: its entry may be about an earlier row of a key */
	char *from = sync->deleted_watermark;

	if (from == NULL)
		from = repo_value("SELECT coalesce(last_reconcile, '1970-01-02') FROM ingest.sync_state WHERE sync = $1",
						  arg_int4(sync->id));

	return beginning(sync, from, BEGIN_OF("timestamptz"), &jumped);
}
