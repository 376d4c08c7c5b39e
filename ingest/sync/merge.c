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
#include "ingest/sync/unfit.h"
#include "ingest/sync/version.h"
#include "ingest/base/sql.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* Grown by doubling, beyond a gigabyte too */
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
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("type %s has no equality and cannot be part of a key", format_type_be(type))));
	return psprintf("OPERATOR(%s.%s)",
					quote_identifier(get_namespace_name(get_func_namespace(get_opcode(entry->eq_opr)))),
					get_opname(entry->eq_opr));
}

const char *
copy_living(const Copy *copy, const char *alias)
{
	return copy->soft ? psprintf("%s_deleted_at IS NULL", alias) : "true";
}

/* What the source says counts, where a column of the user's table draws its own values; Citus has no such columns */
const char *
copy_overriding(const Copy *copy)
{
	return copy->distributed ? "" : " OVERRIDING SYSTEM VALUE";
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

/* The key is never updated: a row with another one is another row */
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

/* As an object by name, since the order of a key's columns may change */
char *
key_object(const char *function, char **names, int n, const char *alias)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s(", function);
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, "%s%s::text, %s%s", i > 0 ? ", " : "", quote_literal_cstr(names[i]), alias,
						 quote_identifier(names[i]));
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* What history and events know a row by */
static char *
key_json(const Copy *copy, const char *alias)
{
	return key_object(copy->to_key, copy->key_names, copy->n_key, alias);
}

/*
 * A row as JSON.  A version of history is the whole row: what the source no longer has and what the user added is in
 * the copy as well, and so in the copy as it was.
 */
static char *
row_json(const Copy *copy, const char *alias)
{
	if (copy->is_whole || strcmp(alias, "s.") == 0)
		return psprintf("%s(%.1s.*)", copy->to_json, alias);
	if (copy->history)
		return psprintf("%s(%.1s.*) - '_deleted_at'", copy->to_json, alias);
	return psprintf("(SELECT %s(ingest_row.*) FROM (SELECT %s) ingest_row)", copy->to_json,
					column_list(copy->columns, copy->n_columns, alias));
}

/* When the source changed it, where it says so */
static char *
cursor_time(const Copy *copy, const char *alias)
{
	return copy->cursor && copy->cursor_is_time ? psprintf("%s%s::timestamptz", alias, copy->cursor)
												: pstrdup("NULL::timestamptz");
}

/* -- counts -- */

/* Sums of keys may be wider than a bigint */
static int128
to_int128(const char *text)
{
	int128 value = 0;
	bool negative = text && *text == '-';

	for (const char *p = text ? text + negative : ""; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

/* The most negative number has no positive one */
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

/* Whoever keeps or tells versions needs rows as they were */
static bool
wants_diff(const Copy *copy)
{
	return copy->history || copy->row_events;
}

/* Columns of the copy in which a row may differ from one with an equal key */
static char **
value_columns(const Copy *copy, int *n)
{
	char **values = palloc(sizeof(char *) * Max(copy->n_columns, 1));

	*n = 0;
	for (int i = 0; i < copy->n_columns; i++)
	{
		if (!is_key(copy, copy->columns[i]) || copy->spells_keys)
			values[(*n)++] = copy->columns[i];
	}
	return values;
}

/* By their images: equality calls 1.0 and 1.00, or texts of a loose collation, the same */
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

/* operation, key, before, after, source_time, first column of the key */
static const Oid deleted_types[] = {TEXTOID, JSONBOID, JSONBOID, JSONBOID, TIMESTAMPTZOID, TEXTOID};
/* and of what was written: whether it is new, whether it was not among the living */
static const Oid written_types[] = {TEXTOID, JSONBOID, JSONBOID, JSONBOID, TIMESTAMPTZOID, TEXTOID, BOOLOID, BOOLOID};

/*
 * FROM and WHERE of the staged rows s that the copy's o is not, or not so.  Of rows with one key the newest counts, and
 * of those the one that was read last.
 */
static char *
differing_from(const Copy *copy, const char *only)
{
	char *key = column_list(copy->key, copy->n_key, "");
	int n;
	char **values = value_columns(copy, &n);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(
		&sql,
		"FROM (SELECT DISTINCT ON (%s) * FROM %s ORDER BY %s%s, ctid DESC) s LEFT JOIN %s o ON %s WHERE (o.%s IS "
		"NULL",
		key, copy->stage, key, copy->cursor ? psprintf(", %s DESC NULLS LAST", copy->cursor) : "",
		joined_target(copy), key_match(copy, "o", "s"), copy->key[0]);
	if (n > 0)
		appendStringInfo(&sql, " OR %s", differs(values, n, "o.", "s."));
	if (copy->soft)
		appendStringInfoString(&sql, " OR o._deleted_at IS NOT NULL");
	appendStringInfo(&sql, ")%s", only ? only : "");
	return sql.data;
}

char *
merge_differing(const Copy *copy, const char *condition, const char *only)
{
	Copy some = *copy;

	some.stage = psprintf("(SELECT *, ctid FROM %s s WHERE %s) s", copy->stage, condition);
	return differing_from(&some, only);
}

/*
 * d: those rows.  They are compared before any is touched: one that is the same is neither locked nor written.  Its
 * columns are numbered, since any name may be one of the source's.  tid is the version that was compared.
 */
static char *
differing_rows(const Copy *copy, const char *only)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "d (");
	for (int i = 0; i < copy->n_columns; i++)
		appendStringInfo(&sql, "c%d, ", i);
	appendStringInfo(
		&sql,
		"here, living, before, old_key, tid, old) AS MATERIALIZED (SELECT %s, o.%s IS NOT NULL, %s, %s, %s, %s, "
		"%s %s)",
		column_list(copy->columns, copy->n_columns, "s."), copy->key[0],
		psprintf("o.%s IS NOT NULL AND %s", copy->key[0], copy_living(copy, "o.")),
		wants_diff(copy) ? row_json(copy, "o.") : "NULL::jsonb",
		copy->spells_keys ? key_json(copy, "o.") : "NULL::jsonb", copy->distributed ? "NULL::tid" : "o.ctid",
		copy->has_triggers ? psprintf("(o.*)::%s", copy->target) : "NULL::text", differing_from(copy, only));
	return sql.data;
}

/* d is of row t */
static char *
same_key_in_d(const Copy *copy)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int k = 0; k < copy->n_key; k++)
	{
		for (int i = 0; i < copy->n_columns; i++)
		{
			if (copy->columns[i] == copy->key[k])
				appendStringInfo(&sql, "%st.%s %s d.c%d", k > 0 ? " AND " : "", copy->key[k], copy->key_equals[k], i);
		}
	}
	return sql.data;
}

/*
 * d is of row t as it is now: somebody else may have written it since it was compared, and then it is to be compared
 * again.  Said by a function as well, since a condition on ctid alone is not looked at again when a row was waited for.
 */
static char *
same_row_in_d(const Copy *copy)
{
	if (copy->distributed)
		return same_key_in_d(copy);
	if (copy->partitioned)
		return psprintf("%s AND bttidcmp(t.ctid, d.tid) = 0", same_key_in_d(copy));
	return pstrdup("t.ctid = d.tid AND bttidcmp(t.ctid, d.tid) = 0");
}

/* Are the rows that were written looked at one by one? */
static bool
stores_written(const Copy *copy)
{
	return wants_diff(copy) || copy->has_triggers;
}

/* Rows s of the stage as JSON: key and content */
char *
merge_staged_rows(const Copy *copy)
{
	return psprintf("SELECT %s AS key, %s AS content FROM %s s", key_json(copy, "s."), row_json(copy, "s."),
					copy->stage);
}

#define WRITTEN "operation, key, before, after, source_time, k, is_new, came"

/*
 * What is asked of each row t that was written.  One that a trigger left as it was has no operation, and is neither new
 * nor not.
 */
static char *
written(const Copy *copy, const char *operation, const char *before, const char *old_key, const char *same,
		const char *is_new, const char *came)
{
	bool diff = wants_diff(copy);

	is_new = psprintf("CASE WHEN NOT %s THEN %s END AS is_new, %s AS came", same, is_new, came);
	if (!stores_written(copy))
		return psprintf("t.%s AS k, %s", copy->key[0], is_new);
	return psprintf(
		"CASE WHEN NOT %s THEN %s END AS operation, %s AS key, %s AS before, %s AS after, %s AS source_time, "
		"t.%s::text AS k, %s, %s AS old_key",
		same, operation, key_json(copy, "t."), diff ? before : "NULL::jsonb",
		diff ? row_json(copy, "t.") : "NULL::jsonb", cursor_time(copy, "t."), copy->key[0], is_new, old_key);
}

/* The same of a row that was here; operation: of one that was marked as deleted */
static char *
rewritten(const Copy *copy, const char *operation)
{
	return written(copy, psprintf("CASE WHEN d.living THEN 'update' ELSE %s END", quote_literal_cstr(operation)),
				   "CASE WHEN d.living THEN d.before END", "d.old_key",
				   copy->has_triggers ? "record_image_eq(d.old, t.*)" : "false", "false", "NOT d.living");
}

/* Rows that are here in another form */
static char *
update_statement(const Copy *copy, const char *operation)
{
	StringInfoData sql;
	bool first = true;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s t SET ", copy->target);
	for (int i = 0; i < copy->n_columns; i++)
	{
		if (is_key(copy, copy->columns[i]) && !copy->spells_keys)
			continue;
		appendStringInfo(&sql, "%s%s = d.c%d", first ? "" : ", ", copy->columns[i], i);
		first = false;
	}
	if (copy->soft)
		appendStringInfo(&sql, "%s_deleted_at = NULL", first ? "" : ", ");
	appendStringInfo(&sql, " FROM d WHERE d.here AND %s RETURNING %s", same_row_in_d(copy),
					 rewritten(copy, operation));
	return sql.data;
}

/* Columns of the copy that a statement may write and that are not the source's; NULL: none */
static char *
own_columns_list(const Copy *copy, const char *prefix)
{
	return own_value(
		"SELECT string_agg($3 || quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE "
		"a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND "
		"quote_ident(a.attname) <> ALL ($2) AND a.attname <> '_deleted_at'",
		arg_relation(copy->target), arg_texts(copy->columns, copy->n_columns), arg_text(prefix));
}

/* Columns of the staged row, by number: names of users may be anything */
static char *
new_values(const Copy *copy, const char *prefix)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < copy->n_columns; i++)
		appendStringInfo(&sql, "%s%sc%d", i > 0 ? ", " : "", prefix, i);
	return sql.data;
}

/*
 * The same rows taken out and put back: two may swap what only one may have, and an UPDATE looks at them one by one.
 * All are out before the first is put back, and what is the user's in them is kept.
 */
static char *
replace_statements(const Copy *copy, const char *operation)
{
	char *columns = column_list(copy->columns, copy->n_columns, "");
	char *own = own_columns_list(copy, "");
	char *kept = own_columns_list(copy, "(x.r).");

	return psprintf(
		"x AS (DELETE FROM %s t USING d WHERE d.here AND %s RETURNING (t.*)::%s AS r, d.*), "
		"n AS (INSERT INTO %s AS t (%s%s%s) OVERRIDING SYSTEM VALUE SELECT %s%s%s FROM x WHERE (SELECT count(*) "
		"FROM x) > 0 RETURNING (t.*)::%s AS r), u AS (SELECT %s FROM (SELECT (n.r).* FROM n) t JOIN d ON d.here AND "
		"%s)",
		copy->target, same_row_in_d(copy), copy->target, copy->target, columns, own ? ", " : "", own ? own : "",
		new_values(copy, "x."), own ? ", " : "", own ? kept : "", copy->target, rewritten(copy, operation),
		same_key_in_d(copy));
}

/* Rows that are not here yet */
static char *
insert_statement(const Copy *copy, const char *operation)
{
	return psprintf("INSERT INTO %s AS t (%s)%s SELECT %s FROM d WHERE NOT here RETURNING %s", copy->target,
					column_list(copy->columns, copy->n_columns, ""), copy_overriding(copy), new_values(copy, ""),
					written(copy, psprintf("%s::text", quote_literal_cstr(operation)), "NULL::jsonb", "NULL::jsonb",
							"false", "true", "true"));
}

/* Rows that were written one by one, whose keys are told to the children */
static void
count_touching(Copy *copy, const Rows *written)
{
	for (uint64 i = 0; i < written->n; i++)
	{
		char **row = written->v[i];
		bool is_new = to_bool(row[1]);

		if (row[1] == NULL)
			continue;
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

/* What is asked of the rows that were written; n: their number */
static char *
counting(const Copy *copy, const char *table, const char *n)
{
	if (copy->touched)
		return psprintf("SELECT k::text, is_new, came FROM %s", table);
	return psprintf("SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new), "
					"count(*) FILTER (WHERE came AND is_new IS NOT NULL), %s, %s FROM %s",
					copy->key_is_integer ? "sum(k::numeric) FILTER (WHERE came AND is_new IS NOT NULL)" : "NULL", n,
					table);
}

/* A row whose key is spelled otherwise is another one in history, which finds rows by how their keys are written */
#define RESPELLED \
	"SELECT y.* FROM w, LATERAL (SELECT w.operation, w.key, w.before, w.after, w.source_time, w.k, w.is_new, " \
	"w.came WHERE " \
	"w.operation IS DISTINCT FROM 'update' OR w.old_key = w.key UNION ALL SELECT v.* FROM (VALUES ('delete', " \
	"w.old_key, " \
	"w.before, NULL, w.source_time, NULL, NULL, false), ('insert', w.key, NULL, w.after, w.source_time, w.k, " \
	"w.is_new, " \
	"w.came)) v WHERE w.operation = 'update' AND w.old_key <> w.key) y (" WRITTEN ")"

/* Rows of d that were not written, as rows that were, without a key of their own */
static char *
not_written(const Copy *copy)
{
	StringInfoData key, names;

	if (!copy->has_triggers)
		return pstrdup("");
	initStringInfo(&key);
	initStringInfo(&names);
	for (int i = 0; i < copy->n_columns; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", copy->columns[i]);
	return psprintf(
		" UNION ALL SELECT NULL, NULL, %s, to_jsonb(s.*), NULL, NULL, NULL, NULL FROM (SELECT %s FROM d) s (%s) "
		"WHERE NOT EXISTS (SELECT FROM w WHERE w.key = %s)",
		key_json(copy, "s."), new_values(copy, ""), names.data, key_json(copy, "s."));
}

/*
 * What a trigger leaves out again does not fit.  The first time somebody else may have been in the way: those rows
 * alone are tried once more, since a trigger may have made others what differs as well.
 */
static void
look_at_left_out(Merge *merge, const Stored *written)
{
	Copy *copy = merge->copy;
	Failure failure = {ERRCODE_TRIGGERED_ACTION_EXCEPTION, "09000", "a trigger of the copy skips it"};
	Rows *rows =
		stored_rows(written, "SELECT before, after FROM stored WHERE key IS NULL AND before IS NOT NULL", 0, NULL);
	Strings keys = {0};

	for (uint64 i = 0; i < rows->n; i++)
	{
		strings_add(&keys, rows->v[i][0]);
		if (merge->is_last)
			unfit_reject(copy, rows->v[i][0], rows->v[i][1], &failure);
	}
	if (merge->is_last)
		unfit_check(copy);
	merge->only = psprintf(" AND %s = ANY (%s::jsonb[])", key_json(copy, "s."),
						   quote_literal_cstr(array_literal(keys.items, keys.n)));
}

/* Stored rows that differ, whose number is the last one's in the place of a key, less those that were written */
#define LEFT "(max(k) FILTER (WHERE key IS NULL))::bigint - count(k) FILTER (WHERE key IS NOT NULL)"

/* Rows as they were and are come back, for history and events */
static int64
write_and_store(Merge *merge, const char *with)
{
	Copy *copy = merge->copy;
	/* many are in the order of the copy, which costs nothing and is as good */
	char *sql = psprintf(
		"%s SELECT * FROM (%s UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, (SELECT count(*) FROM d)::text, "
		"NULL, NULL%s) z (" WRITTEN ")%s",
		with, copy->spells_keys ? RESPELLED : "SELECT " WRITTEN " FROM w", not_written(copy),
		copy->is_large ? "" : " ORDER BY key");
	Stored *written = sql_store(AS_USER, sql, lengthof(written_types), written_types);
	Rows *answer = stored_rows(written, counting(copy, "stored", LEFT), 0, NULL);
	int64 left;

	if (copy->touched)
	{
		count_touching(copy, answer);
		left = to_int8(rows_value(stored_rows(written, "SELECT " LEFT " FROM stored", 0, NULL)));
	}
	else
	{
		count_all(copy, answer);
		left = to_int8(answer->v[0][answer->columns - 1]);
	}
	if (left > 0 && copy->has_triggers)
		look_at_left_out(merge, written);
	if (wants_diff(copy))
		copy->diffs = lappend(copy->diffs, written);
	else
		stored_end(written);
	return left;
}

/* Where nobody wants versions only numbers come back */
static int64
write_and_count(Copy *copy, const char *with)
{
	Rows *answer;
	char **last;

	if (copy->touched)
	{
		answer = user_rows(psprintf("%s %s UNION ALL SELECT (SELECT count(*) FROM d)::text, NULL, NULL", with,
									counting(copy, "w", NULL)));
		count_touching(copy, answer);
		return to_int8(answer->v[answer->n - 1][0]) - (int64) (answer->n - 1);
	}
	answer = user_rows(
		psprintf("%s SELECT c.*, (SELECT count(*) FROM d) FROM (%s) c", with, counting(copy, "w", "count(*) AS n")));
	count_all(copy, answer);
	last = answer->v[0] + answer->columns - 1;
	return to_int8(last[0]) - to_int8(last[-1]);
}

/* A WITH clause whose w are the rows that it writes; how many of those that differ it did not write */
static int64
write_rows(Merge *merge, const char *with)
{
	return stores_written(merge->copy) ? write_and_store(merge, with) : write_and_count(merge->copy, with);
}

/* Rows of the stage that differ are written; how many were not, since somebody or something was in the way */
static int64
write_once(Merge *merge)
{
	Copy *copy = merge->copy;
	int n;
	char *rows = differing_rows(copy, merge->only);
	char *insert = insert_statement(copy, merge->operation);
	char *update;

	pfree(value_columns(copy, &n));
	if (n == 0 && !copy->soft)
		return write_rows(merge, psprintf("WITH %s, w AS (%s)", rows, insert));
	update = merge->replace ? replace_statements(copy, merge->operation)
							: psprintf("u AS (%s)", update_statement(copy, merge->operation));
	if (!copy->distributed)
		return write_rows(merge, psprintf("WITH %s, %s, i AS (%s), w AS (SELECT * FROM u UNION ALL SELECT * FROM i)",
										  rows, update, insert));
	/* Citus writes by one statement at a time: after the first, what differs is what is not here */
	(void) write_rows(merge, psprintf("WITH %s, %s, w AS (SELECT * FROM u)", rows, update));
	(void) write_rows(merge, psprintf("WITH %s, w AS (%s)", rows, insert));
	return 0;
}

/* Others who write the copy are waited for; a row that they change or delete meanwhile is compared again */
#define TRIES_AT_MOST 10
/* What is compared and what is told of it is at hand; as with building an index, more than for a query */
#define MERGE_MEMORY_KB (32 * 1024)

/* Until nothing is left that somebody else changed in between */
void
merge_write(Merge *merge)
{
	Copy *copy = merge->copy;
	int64 left, before = 0;

	int level = NewGUCNestLevel();

	(void) set_config_option("work_mem", psprintf("%d", Max(work_mem, MERGE_MEMORY_KB)), PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	merge->only = NULL;
	merge->is_last = false;
	for (int tries = 1; (left = write_once(merge)) > 0 && !merge->is_last; tries++)
	{
		/* what a trigger leaves out it leaves out again */
		merge->is_last = copy->has_triggers && left == before;
		before = left;
		if (tries == TRIES_AT_MOST)
			ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
							errmsg("%lld rows of %s are changed by another session whenever they are to be written",
								   (long long) left, copy->target)));
	}
	AtEOXact_GUC(true, level);
	/* deferred constraints speak now, while it is known whose rows these are */
	user_run("SET CONSTRAINTS ALL IMMEDIATE");
}

/* Two of a statement's relations have rows of d with the same key */
static char *
same_key_of_d(const Copy *copy, const char *a, const char *b)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int k = 0; k < copy->n_key; k++)
	{
		for (int i = 0; i < copy->n_columns; i++)
		{
			if (copy->columns[i] == copy->key[k])
				appendStringInfo(&sql, "%s%s.c%d %s %s.c%d", k > 0 ? " AND " : "", a, i, copy->key_equals[k], b, i);
		}
	}
	return sql.data;
}

void
merge_rehearse(const Copy *copy, const char *numbered, Stored *placed)
{
	static const Oid types[] = {INT8OID};
	char *columns = column_list(copy->columns, copy->n_columns, "");
	char *own = own_columns_list(copy, "");
	char *kept = own_columns_list(copy, "(x.r).");

	sql_store_into(
		placed, AS_USER,
		psprintf(
			"WITH %s, x AS (DELETE FROM %s t USING d WHERE d.here AND %s RETURNING (t.*)::%s AS r, d.*), n AS "
			"(INSERT INTO %s AS t (%s%s%s) OVERRIDING SYSTEM VALUE SELECT %s%s%s FROM d LEFT JOIN x ON %s WHERE "
			"(SELECT count(*) FROM x) >= 0 ON CONFLICT DO NOTHING RETURNING %s) SELECT q.ingest_n FROM %s q WHERE "
			"EXISTS (SELECT FROM n WHERE %s) UNION ALL SELECT NULL",
			differing_rows(copy, NULL), copy->target, same_row_in_d(copy), copy->target, copy->target, columns,
			own ? ", " : "", own ? own : "", new_values(copy, "d."), own ? ", " : "", own ? kept : "",
			same_key_of_d(copy, "x", "d"), column_list(copy->key, copy->n_key, "t."), numbered,
			key_match(copy, "n", "q")),
		lengthof(types), types);
}

/* What was counted before something that may be taken back */
MergeTally
merge_tally(const Copy *copy)
{
	MergeTally now = {copy->run->inserted,
					  copy->run->updated,
					  copy->run->deleted,
					  copy->run->rejected,
					  copy->rows_delta,
					  copy->key_delta,
					  list_length(copy->diffs),
					  copy->touched ? copy->touched->n : 0};

	return now;
}

/* A subtransaction that failed wrote nothing: neither do its numbers stay */
void
merge_tally_again(Copy *copy, const MergeTally *before)
{
	copy->run->inserted = before->inserted;
	copy->run->updated = before->updated;
	copy->run->deleted = before->deleted;
	copy->run->rejected = before->rejected;
	copy->rows_delta = before->rows_delta;
	copy->key_delta = before->key_delta;
	for (int i = before->n_diffs; i < list_length(copy->diffs); i++)
		stored_end(list_nth(copy->diffs, i));
	copy->diffs = list_truncate(copy->diffs, before->n_diffs);
	if (copy->touched)
		copy->touched->n = before->n_touched;
}

/* -- deleting -- */

/* Living rows t of the copy that join a list go, or are marked; what is given of each is what it was when it went */
static char *
delete_statement(const Copy *copy, const char *using, const char *condition, const char *when)
{
	char *gone_at = psprintf("coalesce(%s, clock_timestamp())", when);
	char *with = "";
	char *returning;

	condition = psprintf("%s AND %s", condition, copy_living(copy, "t."));
	if (copy->distributed)
	{
		/* first which, then away: Citus deletes by a list that is known, not by what a node has not */
		with = psprintf(
			"WITH g AS MATERIALIZED (SELECT %s, %s AS ingest_gone_at, %s AS ingest_when FROM %s t%s%s WHERE %s) ",
			column_list(copy->key, copy->n_key, "t."), gone_at, when, copy->target, using ? ", " : "",
			using ? using : "", condition);
		using = "g";
		condition = key_match(copy, "t", "g");
		gone_at = "g.ingest_gone_at";
		when = "g.ingest_when";
	}
	returning = wants_diff(copy)
					? psprintf("'delete'::text AS operation, %s AS key, %s AS before, NULL::jsonb AS after, %s AS "
							   "source_time, t.%s::text AS k",
							   key_json(copy, "t."), row_json(copy, "t."), when, copy->key[0])
					: psprintf("t.%s", copy->key[0]);
	if (copy->soft)
		return psprintf("%sUPDATE %s t SET _deleted_at = %s%s%s WHERE %s RETURNING %s", with, copy->target, gone_at,
						using ? " FROM " : "", using ? using : "", condition, returning);
	return psprintf("%sDELETE FROM %s t%s%s WHERE %s RETURNING %s", with, copy->target, using ? " USING " : "",
					using ? using : "", condition, returning);
}

int64
merge_delete_now(Copy *copy, const char *using, const char *condition, const char *when)
{
	char *sql;
	Rows *keys;

	sql = delete_statement(copy, using, condition, psprintf("(%s)::timestamptz", when ? when : "NULL"));
	if (wants_diff(copy))
	{
		Stored *deleted = sql_store(AS_USER, sql, lengthof(deleted_types), deleted_types);

		copy->diffs = lappend(copy->diffs, deleted);
		keys = stored_rows(deleted, "SELECT k FROM stored", 0, NULL);
	}
	else
		keys = user_rows(sql);
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

/*
 * Rows that could not be read are not in the stage, and not gone for that.  What is known of them is the first
 * column of their key; where it is not, no row is judged.
 */
char *
merge_readable(const Copy *copy)
{
	char *column = copy->n_key > 0 ? copy->key_names[0] : "";
	Rows *unread = repo_rows("SELECT DISTINCT key ->> $2 FROM ingest.rejected_row "
							 "WHERE sync = $1 AND resolved_at IS NULL AND content IS NULL",
							 arg_int8(copy->sync), arg_text(column));
	char **keys = palloc(sizeof(char *) * Max(unread->n, 1));

	if (unread->n == 0)
		return pstrdup("true");
	for (uint64 i = 0; i < unread->n; i++)
	{
		keys[i] = unread->v[i][0];
		if (keys[i] == NULL)
			return NULL;
	}
	return psprintf("t.%s::text <> ALL (%s::text[])", copy->key[0],
					quote_literal_cstr(array_literal(keys, unread->n)));
}

int64
merge_delete_missing(Copy *copy, const char *scope)
{
	char *readable = merge_readable(copy);

	if (readable == NULL)
		return 0;
	return merge_delete(copy, NULL, psprintf("%s AND %s AND %s", scope, readable, key_not_in(copy, copy->stage)), NULL);
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

#define INSERT_ROW_EVENTS \
	"INSERT INTO ingest.event (era, xid, source_id, owner, type, source, subject, time, data) " \
	"SELECT $1, pg_current_xact_id(), o.source_id, o.owner, 'ingest.row.changed', $2, $3, clock_timestamp(), " \
	"ingest_internal.sync_row_event($3, $4, operation, key, before - $6::text[], after - $6::text[], source_time) " \
	"FROM stored, ingest_internal.sync_event_origin($5) o WHERE operation IS NOT NULL"

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
	return repo_value(
		"SELECT coalesce(array_agg(a.attname), '{}') FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum "
		"> 0 AND NOT a.attisdropped AND quote_ident(a.attname) <> ALL ($2)",
		arg_relation(copy->target), arg_texts(copy->columns, copy->n_columns));
}

/* Versions and events of the rows that differ, in the order in which they were written */
static void
flush_diff(Copy *copy, const Stored *diff)
{
	if (copy->history && versions_write(diff, copy->sync, copy->run->id) > 0)
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
	repo_run("SELECT ingest_internal.sync_seal()");
	return repo_value("SELECT now()");
}

void
merge_settle(const char *seen_at)
{
	repo_run("SELECT ingest_internal.sync_settle($1::timestamptz)", arg_text(seen_at));
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
