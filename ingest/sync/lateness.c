/*
 * lateness.c
 *		How late rows come.
 *
 * A row that is stamped below the watermark and that the copy has not, or not so, became visible after the watermark
 * was taken.  How late these are is counted, and the overlap grows with it (sync_overlap).  Days do not tell, nor do
 * cursors that are no times.
 */
#include "postgres.h"

#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/sync/lateness.h"
#include "utils/builtins.h"

/* 1, 2, 4 … 4096 seconds; of what is later somebody set the stamp back, which no overlap is to reach */
#define STEPS 13
#define AT_MOST "4096 s"

#define COUNTS \
	"SELECT array_agg(n ORDER BY step) FROM (SELECT step, count(late) AS n FROM generate_series(1, %d) step " \
	"LEFT JOIN (SELECT ceil(log(2, greatest(extract(epoch FROM %s - s.%s), 1)))::integer + 1 AS late %s) l " \
	"ON late = step GROUP BY step) c HAVING sum(n) > 0"

void
lateness_note(const Sync *s, bool only_new)
{
	const Copy *copy = &s->copy;
	char *watermark, *below, *counts;

	if (s->watermark == NULL || copy->cursor == NULL || !copy->cursor_is_time || strcmp(copy->cursor_type, "date") == 0)
		return;
	watermark = psprintf("%s::%s", quote_literal_cstr(s->watermark), copy->cursor_type);
	below = psprintf("s.%s < %s AND s.%s >= %s - interval '" AT_MOST "'", copy->cursor, watermark, copy->cursor,
					 watermark);
	if (user_value(psprintf("SELECT 1 FROM %s s WHERE %s LIMIT 1", copy->stage, below)) == NULL)
		return;
	counts = user_value(
		psprintf(COUNTS, STEPS, watermark, copy->cursor,
				 merge_differing(copy, below, only_new ? psprintf(" AND o.%s IS NULL", copy->key[0]) : "")));
	if (counts)
		repo_run("SELECT ingest_internal.sync_note_lateness($1, $2::bigint[])", arg_int4(s->id), arg_text(counts));
}
