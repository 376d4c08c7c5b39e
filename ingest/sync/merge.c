/*
 * merge.c
 *		A batch of rows into the copy, its history and its events.
 *
 * Rows are compared as images (record_image_ne): a row is written if it is not the
 * same to the last bit, whatever its types' operators say, and only then.  One statement
 * compares, writes what differs and tells what each row was before and is now, from
 * which history and events are made.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "ingest/base/home.h"
#include "ingest/base/lock.h"
#include "ingest/base/row.h"
#include "ingest/event/event.h"
#include "ingest/sync/merge.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* So many rows may be rejected, whatever their share */
#define REJECTED_AT_LEAST 10
/* A stage of more rows is analyzed */
#define STAGE_ANALYZED 1000

void
strings_add(Strings *strings, const char *item)
{
	if (strings->n == strings->room)
	{
		strings->room = Max(64, strings->room * 2);
		strings->items = strings->items ? repalloc_huge(strings->items, sizeof(char *) * strings->room)
										: palloc(sizeof(char *) * strings->room);
	}
	strings->items[strings->n++] = pstrdup(item);
}

char *
column_list(char **columns, int n, const char *prefix)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < n; i++)
		appendStringInfo(&list, "%s%s%s", i > 0 ? ", " : "", prefix, columns[i]);
	return list.data;
}

char *
equality_of(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR);

	if (!OidIsValid(entry->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("type %s has no equality and cannot be part of a key", format_type_be(type))));
	return psprintf("OPERATOR(%s.%s)",
					quote_identifier(get_namespace_name(get_func_namespace(get_opcode(entry->eq_opr)))),
					get_opname(entry->eq_opr));
}

char *
key_match(const Copy *copy, const char *a, const char *b)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < copy->n_key; i++)
		appendStringInfo(&sql, "%s%s.%s %s %s.%s", i > 0 ? " AND " : "", a, copy->key[i], copy->key_equals[i], b,
						 copy->key[i]);
	return sql.data;
}

char *
key_not_in(const Copy *copy, const char *table)
{
	/* the table as a subquery, which Citus hands to its nodes; a table of one node does not join those of all */
	return psprintf("NOT EXISTS (SELECT FROM (SELECT %s FROM %s OFFSET 0) k WHERE %s)",
					column_list(copy->key, copy->n_key, ""), table, key_match(copy, "k", "t"));
}

static bool
is_key(const Copy *copy, const char *column)
{
	for (int i = 0; i < copy->n_key; i++)
	{
		if (strcmp(copy->key[i], column) == 0)
			return true;
	}
	return false;
}

char *
key_object(char **names, int n, const char *alias)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "jsonb_build_object(");
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, "%s%s::text, %s%s", i > 0 ? ", " : "", quote_literal_cstr(names[i]), alias,
						 quote_identifier(names[i]));
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

static char *
key_json(const Copy *copy, const char *alias)
{
	return key_object(copy->key_names, copy->n_key, alias);
}

/*
 * A row as JSON.  A version of history is the whole row: what the source no longer has and what the user added is in
 * the copy as well, and so in the copy as it was.
 */
static char *
row_json(const Copy *copy, const char *alias)
{
	if (copy->is_whole || strcmp(alias, "s.") == 0)
		return psprintf("to_jsonb(%.1s.*)", alias);
	if (copy->history)
		return psprintf("to_jsonb(%.1s.*) - '_deleted_at'", alias);
	return psprintf("(SELECT to_jsonb(ingest_row.*) FROM (SELECT %s) ingest_row)",
					column_list(copy->columns, copy->n_columns, alias));
}

static char *
cursor_time(const Copy *copy, const char *alias)
{
	return copy->cursor && copy->cursor_is_time ? psprintf("%s%s::timestamptz", alias, copy->cursor)
												: pstrdup("NULL::timestamptz");
}

/* -- the stage -- */

void
stage_drop(Copy *copy)
{
	user_drop(copy->stage_name);
}

void
stage_create(Copy *copy)
{
	stage_drop(copy);
	user_run(psprintf("CREATE TEMP TABLE %s ON COMMIT DELETE ROWS AS SELECT %s FROM %s WITH NO DATA",
					  strchr(copy->stage_name, '.') + 1, column_list(copy->columns, copy->n_columns, ""),
					  copy->target));
	copy->stage = copy->stage_name;
}

static void
reject(Copy *copy, const char *key, const char *content, const Failure *failure)
{
	StringInfoData json;

	repo_run("SELECT ingest_internal.sync_reject($1, $2, $3, $4, $5, $6)", arg_int4(copy->sync),
			 arg_int8(copy->run->id), arg_jsonb(key), arg_jsonb(content), arg_text(failure_text(failure)),
			 arg_text(failure->sqlstate));
	copy->run->rejected++;
	json_open(&json);
	json_text(&json, "sync", copy->name);
	json_int8(&json, "run", copy->run->id);
	json_raw(&json, "key", key);
	json_text(&json, "reason", failure->message);
	event_emit("ingest.row.rejected", copy->source, copy->name, json_close(&json));
}

int64
stage_fetch(Copy *copy, const char *where)
{
	char *list = column_list(copy->columns, copy->n_columns, "");
	int64 n;

	n = user_run(psprintf("INSERT INTO %s (%s) SELECT %s FROM %s%s%s", copy->stage, list, list, copy->foreign,
						  where[0] ? " WHERE " : "", where));
	copy->run->read += n;
	return n;
}

typedef struct Fetch
{
	Copy *copy;
	const char *where;
	int64 n;
} Fetch;

static void
fetch_once(void *arg)
{
	Fetch *fetch = arg;

	fetch->n = stage_fetch(fetch->copy, fetch->where);
}

static void
rethrow_unless_data(const Failure *failure)
{
	if (!failure_is_of_data(failure))
		failure_rethrow(failure);
}

typedef struct Bounds
{
	bool any;
	int64 low, high;
} Bounds;

ROW_SHAPE(bounds_shape, Bounds, FIELD(BOOL, Bounds, any), FIELD(INT8, Bounds, low), FIELD(INT8, Bounds, high));

/* The least and the greatest key of rows there, of a key that is an integer */
static Bounds
bounds_there(const Copy *copy, const char *where)
{
	char *sql = psprintf("SELECT low IS NOT NULL AS any, low::bigint, high::bigint FROM (SELECT min(%s) AS low, "
						 "max(%s) AS high FROM %s%s%s) b",
						 copy->key[0], copy->key[0], copy->foreign, where[0] ? " WHERE " : "", where);

	return *(Bounds *) sql_struct(AS_USER, &bounds_shape, sql, 0, NULL);
}

/* Halve a range of keys in which a row does not fit */
static int64
fetch_range(Copy *copy, const char *where, int64 low, int64 high)
{
	Fetch fetch = {copy, NULL, 0};
	int64 read = copy->run->read;
	Failure failure;
	int64 middle;

	CHECK_FOR_INTERRUPTS();
	fetch.where = psprintf("%s%s%s BETWEEN %lld AND %lld", where, where[0] ? " AND " : "", copy->key[0],
						   (long long) low, (long long) high);
	if (attempt(fetch_once, &fetch, &failure))
		return fetch.n;
	copy->run->read = read;
	rethrow_unless_data(&failure);
	if (low == high)
	{
		StringInfoData key;

		json_open(&key);
		json_int8(&key, copy->key_names[0], low);
		reject(copy, json_close(&key), NULL, &failure);
		merge_check_rejected(copy);
		return 0;
	}
	middle = low + (high - low) / 2;
	return fetch_range(copy, where, low, middle) + fetch_range(copy, where, middle + 1, high);
}

int64
stage_fetch_isolating(Copy *copy, const char *where)
{
	Fetch fetch = {copy, where, 0};
	int64 read = copy->run->read;
	Failure failure;
	Bounds bounds;

	if (attempt(fetch_once, &fetch, &failure))
		return fetch.n;
	copy->run->read = read;
	rethrow_unless_data(&failure);
	if (!copy->key_is_integer)
		failure_rethrow(&failure);
	bounds = bounds_there(copy, where);
	return bounds.any ? fetch_range(copy, where, bounds.low, bounds.high) : 0;
}

void
merge_check_rejected(Copy *copy)
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
					errhint("Mend the type or the constraint of %s, or raise the sync's reject_limit with "
							"ingest.alter_sync.",
							copy->target)));
}

/* -- counts -- */

static int128
to_int128(const char *text)
{
	int128 value = 0;
	bool negative = text && *text == '-';

	for (const char *p = text ? text + negative : ""; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

static char *
from_int128(int128 value)
{
	char digits[48];
	char *p = digits + sizeof(digits) - 1;
	bool negative = value < 0;

	*p = '\0';
	for (unsigned __int128 v = negative ? -(unsigned __int128) value : (unsigned __int128) value; v > 0 || *p == '\0';
		 v /= 10)
		*--p = '0' + (int) (v % 10);
	if (negative)
		*--p = '-';
	return pstrdup(p);
}

/* -- merging -- */

static bool
wants_diff(const Copy *copy)
{
	return copy->history || copy->row_events;
}

/* Columns of the copy that a row brings, except its key */
static char **
value_columns(const Copy *copy, int *n)
{
	char **values = palloc(sizeof(char *) * Max(copy->n_columns, 1));

	*n = 0;
	for (int i = 0; i < copy->n_columns; i++)
	{
		if (!is_key(copy, copy->columns[i]))
			values[(*n)++] = copy->columns[i];
	}
	return values;
}

static char *
differs(char **columns, int n, const char *a, const char *b)
{
	/* the function, since *<> of two ROWs is one of each pair of columns, and is so again on nodes of Citus */
	return psprintf("record_image_ne(ROW(%s), ROW(%s))", column_list(columns, n, a), column_list(columns, n, b));
}

/* The copy, as what is staged joins it; of one on many nodes only rows that may match */
static char *
joined_target(const Copy *copy)
{
	if (!copy->distributed)
		return copy->target;
	return psprintf("(SELECT * FROM %s t WHERE EXISTS (SELECT FROM (SELECT %s FROM %s OFFSET 0) k WHERE %s))",
					copy->target, column_list(copy->key, copy->n_key, ""), copy->stage, key_match(copy, "k", "t"));
}

/* operation, key, before, after, source_time */
static const Oid diff_types[] = {TEXTOID, JSONBOID, JSONBOID, JSONBOID, TIMESTAMPTZOID};
/* and of what a merge wrote: first column of the key, whether it is new, whether it was not among the living */
static const Oid written_types[] = {TEXTOID, JSONBOID, JSONBOID, JSONBOID, TIMESTAMPTZOID, TEXTOID, BOOLOID, BOOLOID};

/*
 * d: the staged rows that the copy has not, or not so.  Rows are compared before any is touched: one that is the same
 * is neither locked nor written.  Its columns are numbered, since any name may be one of the source's.
 */
static char *
differing_rows(const Copy *copy, char **values, int n_values)
{
	char *key = column_list(copy->key, copy->n_key, "");
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "d (");
	for (int i = 0; i < copy->n_columns; i++)
		appendStringInfo(&sql, "c%d, ", i);
	appendStringInfo(&sql, "here, living, before) AS MATERIALIZED (SELECT %s, o.%s IS NOT NULL, %s, %s FROM ",
					 column_list(copy->columns, copy->n_columns, "s."), copy->key[0],
					 copy->soft ? psprintf("o.%s IS NOT NULL AND o._deleted_at IS NULL", copy->key[0])
								: psprintf("o.%s IS NOT NULL", copy->key[0]),
					 wants_diff(copy) ? row_json(copy, "o.") : "NULL::jsonb");
	appendStringInfo(&sql, "(SELECT DISTINCT ON (%s) * FROM %s ORDER BY %s%s) s LEFT JOIN %s o ON %s WHERE o.%s IS NULL",
					 key, copy->stage, key, copy->cursor ? psprintf(", %s DESC NULLS LAST", copy->cursor) : "",
					 joined_target(copy), key_match(copy, "o", "s"), copy->key[0]);
	if (n_values > 0)
		appendStringInfo(&sql, " OR %s", differs(values, n_values, "o.", "s."));
	if (copy->soft)
		appendStringInfoString(&sql, " OR o._deleted_at IS NOT NULL");
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* What is asked of each row that was written; before: an expression for the row before */
static char *
returning(const Copy *copy, const char *operation, const char *before, const char *is_new, const char *came)
{
	if (!wants_diff(copy))
		return psprintf("RETURNING t.%s AS k, %s AS is_new, %s AS came", copy->key[0], is_new, came);
	return psprintf("RETURNING %s AS operation, %s AS key, %s AS before, %s AS after, %s AS source_time, t.%s::text AS "
					"k, %s AS is_new, %s AS came",
					operation, key_json(copy, "t."), before, row_json(copy, "t."), cursor_time(copy, "t."),
					copy->key[0], is_new, came);
}

/* Rows that are here in another form; operation: of one that was marked as deleted */
static char *
update_statement(const Copy *copy, const char *operation)
{
	StringInfoData sql;
	bool first = true;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s t SET ", copy->target);
	for (int i = 0; i < copy->n_columns; i++)
	{
		if (is_key(copy, copy->columns[i]))
			continue;
		appendStringInfo(&sql, "%s%s = d.c%d", first ? "" : ", ", copy->columns[i], i);
		first = false;
	}
	if (copy->soft)
		appendStringInfo(&sql, "%s_deleted_at = NULL", first ? "" : ", ");
	appendStringInfoString(&sql, " FROM d WHERE d.here");
	for (int k = 0; k < copy->n_key; k++)
	{
		for (int i = 0; i < copy->n_columns; i++)
		{
			if (copy->columns[i] == copy->key[k])
				appendStringInfo(&sql, " AND t.%s %s d.c%d", copy->key[k], copy->key_equals[k], i);
		}
	}
	appendStringInfo(&sql, " %s",
					 returning(copy, psprintf("CASE WHEN d.living THEN 'update' ELSE %s END", quote_literal_cstr(operation)),
							   "CASE WHEN d.living THEN d.before END", "false", "NOT d.living"));
	return sql.data;
}

static char *
insert_statement(const Copy *copy, const char *operation)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s AS t (%s) SELECT ", copy->target,
					 column_list(copy->columns, copy->n_columns, ""));
	for (int i = 0; i < copy->n_columns; i++)
		appendStringInfo(&sql, "%sc%d", i > 0 ? ", " : "", i);
	appendStringInfo(&sql, " FROM d WHERE NOT here %s",
					 returning(copy, psprintf("%s::text", quote_literal_cstr(operation)), "NULL::jsonb", "true", "true"));
	return sql.data;
}

/* Rows that were written one by one, whose keys are told to the children */
static void
count_touching(Copy *copy, const Rows *written)
{
	for (uint64 i = 0; i < written->n; i++)
	{
		char **row = written->v[i];
		bool is_new = to_bool(row[1]);

		strings_add(copy->touched, row[0]);
		copy->run->inserted += is_new;
		copy->run->updated += !is_new;
		if (!to_bool(row[2]))
			continue;
		copy->rows_delta++;
		if (copy->key_is_integer)
			copy->key_delta += to_int8(row[0]);
	}
}

/* The same of their numbers alone; the sum of keys is wider than a bigint */
static void
count_all(Copy *copy, const Rows *numbers)
{
	char **n = first_row(numbers);

	copy->run->inserted += to_int8(n[0]);
	copy->run->updated += to_int8(n[1]);
	copy->rows_delta += to_int8(n[2]);
	copy->key_delta += to_int128(n[3]);
}

/* What is asked of the rows that were written */
static char *
counting(const Copy *copy, const char *table)
{
	if (copy->touched)
		return psprintf("SELECT k::text, is_new, came FROM %s", table);
	return psprintf("SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new), "
					"count(*) FILTER (WHERE came), %s FROM %s",
					copy->key_is_integer ? "sum(k::numeric) FILTER (WHERE came)" : "NULL", table);
}

/* A WITH clause whose w are the rows that it writes */
static void
write_rows(Copy *copy, const char *with)
{
	Rows *answer;

	if (wants_diff(copy))
	{
		Stored *diff = sql_store(AS_USER, psprintf("%s SELECT * FROM w ORDER BY key", with), lengthof(written_types),
								 written_types);

		copy->diffs = lappend(copy->diffs, diff);
		answer = stored_rows(diff, counting(copy, "stored"), 0, NULL);
	}
	else
		answer = user_rows(psprintf("%s %s", with, counting(copy, "w")));
	if (copy->touched)
		count_touching(copy, answer);
	else
		count_all(copy, answer);
}

typedef struct Merge
{
	Copy *copy;
	const char *operation;
} Merge;

static void
merge_once(void *arg)
{
	Merge *merge = arg;
	Copy *copy = merge->copy;
	int n_values;
	char **values = value_columns(copy, &n_values);
	char *rows = differing_rows(copy, values, n_values);
	char *insert = insert_statement(copy, merge->operation);
	char *update = n_values > 0 || copy->soft ? update_statement(copy, merge->operation) : NULL;

	if (update && !copy->distributed)
		write_rows(copy, psprintf("WITH %s, u AS (%s), i AS (%s), w AS (SELECT * FROM u UNION ALL SELECT * FROM i)", rows,
								  update, insert));
	else
	{
		/* Citus writes by one statement at a time: after the first, what differs is what is not here */
		if (update)
			write_rows(copy, psprintf("WITH %s, w AS (%s)", rows, update));
		write_rows(copy, psprintf("WITH %s, w AS (%s)", rows, insert));
	}
	/* deferred constraints speak now, while it is known whose rows these are */
	user_run("SET CONSTRAINTS ALL IMMEDIATE");
}

/* What a merge that is undone must not have counted */
typedef struct Tally
{
	int64 inserted, updated, rows_delta;
	int128 key_delta;
	int n_diffs, n_touched;
} Tally;

static Tally
tally(const Copy *copy)
{
	Tally now = {copy->run->inserted, copy->run->updated, copy->rows_delta,
				 copy->key_delta, list_length(copy->diffs), copy->touched ? copy->touched->n : 0};

	return now;
}

static void
tally_again(Copy *copy, const Tally *before)
{
	copy->run->inserted = before->inserted;
	copy->run->updated = before->updated;
	copy->rows_delta = before->rows_delta;
	copy->key_delta = before->key_delta;
	for (int i = before->n_diffs; i < list_length(copy->diffs); i++)
		stored_end(list_nth(copy->diffs, i));
	copy->diffs = list_truncate(copy->diffs, before->n_diffs);
	if (copy->touched)
		copy->touched->n = before->n_touched;
}

/* A row that does not fit, as JSON */
typedef struct Unfit
{
	char *key, *content;
} Unfit;

ROW_SHAPE(unfit_shape, Unfit, FIELD(TEXT, Unfit, key), FIELD(TEXT, Unfit, content));

/* Halve a batch in which a row does not fit; the rows are in a numbered copy of the stage */
static void
merge_range(Copy *copy, const char *numbered, const char *operation, int64 low, int64 high)
{
	Merge merge = {copy, operation};
	char *list = column_list(copy->columns, copy->n_columns, "");
	Tally before = tally(copy);
	Failure failure;
	Unfit *unfit;

	CHECK_FOR_INTERRUPTS();
	user_run(psprintf("DELETE FROM %s", copy->stage));
	user_run(psprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE ingest_n BETWEEN %lld AND %lld", copy->stage, list,
					  list, numbered, (long long) low, (long long) high));
	if (attempt(merge_once, &merge, &failure))
		return;
	tally_again(copy, &before);
	rethrow_unless_data(&failure);
	if (low < high)
	{
		merge_range(copy, numbered, operation, low, low + (high - low) / 2);
		merge_range(copy, numbered, operation, low + (high - low) / 2 + 1, high);
		return;
	}
	unfit = sql_struct(
		AS_USER, &unfit_shape,
		psprintf("SELECT %s AS key, %s AS content FROM %s s", key_json(copy, "s."), row_json(copy, "s."), copy->stage),
		0, NULL);
	if (unfit)
		reject(copy, unfit->key, unfit->content, &failure);
	merge_check_rejected(copy);
}

/* Rows without a key cannot be told apart */
static void
reject_keyless(Copy *copy)
{
	StringInfoData condition;
	Unfit *unfit;
	int n;

	initStringInfo(&condition);
	for (int i = 0; i < copy->n_key; i++)
		appendStringInfo(&condition, "%ss.%s IS NULL", i > 0 ? " OR " : "", copy->key[i]);
	unfit = sql_structs(AS_USER, &unfit_shape, &n,
						psprintf("DELETE FROM %s s WHERE %s RETURNING %s AS key, %s AS content", copy->stage,
								 condition.data, key_json(copy, "s."), row_json(copy, "s.")),
						0, NULL);
	for (int i = 0; i < n; i++)
	{
		Failure failure = {ERRCODE_NOT_NULL_VIOLATION, "23502", "its key is null"};

		reject(copy, unfit[i].key, unfit[i].content, &failure);
	}
	if (n > 0)
		merge_check_rejected(copy);
}

/* Rows that were rejected before and fit now */
static void
resolve_rejected(Copy *copy)
{
	char *rejected =
		repo_value("SELECT ingest_internal.sync_rejected_keys($1, $2)", arg_int4(copy->sync), arg_int8(copy->run->id));
	char *fits;

	if (rejected == NULL)
		return;
	fits = user_value(psprintf("SELECT array_agg(ingest_key) FROM unnest($1::jsonb[]) ingest_key "
							   "WHERE EXISTS (SELECT FROM %s s WHERE %s @> ingest_key)",
							   copy->stage, key_json(copy, "s.")),
					  arg_text(rejected));
	if (fits)
		repo_run("SELECT ingest_internal.sync_resolve($1, $2, $3::jsonb[], NULL)", arg_int4(copy->sync),
				 arg_int8(copy->run->id), arg_text(fits));
}

/* How many rows there are and how many keys decides how they are joined; few need no thought */
static void
analyze_stage(Copy *copy)
{
	if (user_value(psprintf("SELECT 1 FROM %s OFFSET %d LIMIT 1", copy->stage, STAGE_ANALYZED)))
		user_run(psprintf("ANALYZE %s (%s)", copy->stage, column_list(copy->key, copy->n_key, "")));
}

void
merge_stage(Copy *copy, const char *operation)
{
	Merge merge = {copy, operation};
	Tally before = tally(copy);
	Failure failure;
	char *numbered;

	reject_keyless(copy);
	analyze_stage(copy);
	if (attempt(merge_once, &merge, &failure))
	{
		resolve_rejected(copy);
		return;
	}
	tally_again(copy, &before);
	rethrow_unless_data(&failure);
	numbered = psprintf("%s_n", copy->stage);
	user_run(psprintf("CREATE TEMP TABLE %s ON COMMIT DROP AS SELECT row_number() OVER () AS ingest_n, s.* FROM %s s",
					  strchr(numbered, '.') + 1, copy->stage));
	merge_range(copy, numbered, operation, 1, to_int8(user_value(psprintf("SELECT count(*) FROM %s", numbered))));
	/* the stage as it was, for what asks which rows are missing */
	user_run(psprintf("DELETE FROM %s", copy->stage));
	user_run(psprintf("INSERT INTO %s (%s) SELECT %s FROM %s", copy->stage,
					  column_list(copy->columns, copy->n_columns, ""), column_list(copy->columns, copy->n_columns, ""),
					  numbered));
	user_run(psprintf("DROP TABLE %s", numbered));
}

/* FROM and WHERE of the living rows t of the copy that join a list */
static char *
deleted_from(const Copy *copy, const char *using, const char *condition)
{
	return psprintf("FROM %s t%s%s WHERE %s%s", copy->target, using ? ", " : "", using ? using : "", condition,
					copy->soft ? " AND t._deleted_at IS NULL" : "");
}

/* First which, then away: Citus deletes by a list that is known, not by what a node has not */
static char *
delete_statement(const Copy *copy, const char *from, const char *when)
{
	char *gone = psprintf("WITH gone AS MATERIALIZED (SELECT %s, coalesce(%s, clock_timestamp()) AS ingest_gone_at %s)",
						  column_list(copy->key, copy->n_key, "t."), when ? when : "NULL", from);
	char *away = copy->soft ? psprintf("UPDATE %s t SET _deleted_at = g.ingest_gone_at FROM", copy->target)
							: psprintf("DELETE FROM %s t USING", copy->target);

	return psprintf("%s %s gone g WHERE %s RETURNING t.%s", gone, away, key_match(copy, "t", "g"), copy->key[0]);
}

int64
merge_delete(Copy *copy, const char *using, const char *condition, const char *when)
{
	char *from = deleted_from(copy, using, condition);
	Rows *keys;

	if (copy->ignore_deletions)
		return 0;
	if (wants_diff(copy))
		copy->diffs =
			lappend(copy->diffs, sql_store(AS_USER,
										   psprintf("SELECT 'delete'::text AS operation, %s AS key, %s AS before, "
													"NULL::jsonb AS after, (%s)::timestamptz AS source_time %s",
													key_json(copy, "t."), row_json(copy, "t."), when ? when : "NULL",
													from),
										   lengthof(diff_types), diff_types));
	keys = user_rows(delete_statement(copy, from, when));
	for (uint64 i = 0; i < keys->n; i++)
	{
		if (copy->touched)
			strings_add(copy->touched, keys->v[i][0]);
		if (copy->key_is_integer)
			copy->key_delta -= to_int8(keys->v[i][0]);
	}
	copy->rows_delta -= keys->n;
	copy->run->deleted += keys->n;
	return keys->n;
}

/* Rows that could not be read are not in the stage, and not gone for that */
bool
merge_may_judge_missing(const Copy *copy)
{
	return repo_value("SELECT 1 FROM ingest.rejected_row WHERE sync = $1 AND resolved_at IS NULL AND content IS NULL "
					  "LIMIT 1",
					  arg_int8(copy->sync)) == NULL;
}

int64
merge_delete_missing(Copy *copy, const char *scope)
{
	if (!merge_may_judge_missing(copy))
		return 0;
	return merge_delete(copy, NULL, psprintf("%s AND %s", scope, key_not_in(copy, copy->stage)), NULL);
}

/* -- history and events -- */

/* A partition for today and one for tomorrow */
static void
ensure_partitions(void)
{
	static char made[16];
	char *today = repo_value("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')");

	if (strcmp(made, today) == 0 && repo_value("SELECT to_regclass('ingest.change_' || $1)", arg_text(today)))
		return;
	transaction_lock(LOCK_PARTITION, 0);
	repo_run("SELECT ingest_internal.sync_make_partitions()");
	strlcpy(made, today, sizeof(made));
}

/* Rows of a Stored are read under the name "stored", which no function of the script can know */
#define INSERT_VERSIONS \
	"INSERT INTO ingest.change (sync, operation, key, before, after, source_time, run) " \
	"SELECT $1, operation, key, before, after, source_time, $2 FROM stored"
#define INSERT_ROW_EVENTS \
	"INSERT INTO ingest.event (era, xid, source_id, owner, type, source, subject, time, data) " \
	"SELECT $1, pg_current_xact_id(), o.source_id, o.owner, 'ingest.row.changed', $2, $3, clock_timestamp(), " \
	"ingest_internal.sync_row_event($3, $4, operation, key, before - $6::text[], after - $6::text[], source_time) " \
	"FROM stored, ingest_internal.sync_event_origin($5) o"

/* Did this transaction write versions? */
static bool versions_written;

/*
 * Versions are seen when their transaction is committed, and no transaction knows when that is.  So it notes a moment
 * before, as late as it can, and the next one a moment after: of what lies between nothing is said.
 */
static void
note_versions(const Copy *copy)
{
	repo_run("INSERT INTO ingest.change_commit (sync, seen_at, before_commit) VALUES ($1, now(), clock_timestamp()) "
			 "ON CONFLICT DO NOTHING",
			 arg_int4(copy->sync));
	versions_written = true;
}

/* Columns of the copy that are not the source's: versions have them, and events, which others read, have not */
static char *
own_columns(const Copy *copy)
{
	return repo_value("SELECT coalesce(array_agg(a.attname), '{}') FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum "
					  "> 0 AND NOT a.attisdropped AND quote_ident(a.attname) <> ALL ($2)",
					  arg_relation(copy->target), arg_texts(copy->columns, copy->n_columns));
}

/* Versions and events of the rows that differ, in the order in which they were written */
static void
flush_diff(Copy *copy, const Stored *diff)
{
	if (copy->history && stored_run(diff, INSERT_VERSIONS, SQL_ARGS(arg_int4(copy->sync), arg_int8(copy->run->id))) > 0)
		note_versions(copy);
	if (copy->row_events)
	{
		event_expect();
		stored_run(diff, INSERT_ROW_EVENTS,
				   SQL_ARGS(arg_int4(home_era()), arg_text(event_source_of(copy->source)), arg_text(copy->name),
							arg_int8(copy->run->id), arg_int4(copy->sync), arg_text(own_columns(copy))));
	}
}

void
merge_unsealed(void)
{
	versions_written = false;
}

char *
merge_seal(void)
{
	if (!versions_written)
		return NULL;
	repo_run("UPDATE ingest.change_commit SET before_commit = clock_timestamp() WHERE seen_at = now() AND after_commit "
			 "IS NULL");
	return repo_value("SELECT now()");
}

void
merge_settle(const char *seen_at)
{
	repo_run("UPDATE ingest.change_commit SET after_commit = clock_timestamp() WHERE seen_at = $1::timestamptz AND "
			 "after_commit IS NULL",
			 arg_text(seen_at));
}

void
merge_flush(Copy *copy)
{
	ListCell *lc;

	if (copy->rows_delta != 0 || copy->key_delta != 0)
		repo_run("UPDATE ingest.sync_state SET rows = rows + $2, key_sum = key_sum + $3::numeric WHERE sync = $1",
				 arg_int4(copy->sync), arg_int8(copy->rows_delta), arg_text(from_int128(copy->key_delta)));
	copy->rows_delta = 0;
	copy->key_delta = 0;
	if (copy->history && copy->diffs != NIL)
		ensure_partitions();
	foreach (lc, copy->diffs)
	{
		flush_diff(copy, lfirst(lc));
		stored_end(lfirst(lc));
	}
	copy->diffs = NIL;
}
