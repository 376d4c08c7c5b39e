/*
 * verify.c
 *		A copy held against its source, every value of it.
 *
 * It reads the whole source, a slice of keys at a time, and writes nothing: who wants
 * what differs mended calls ingest.reload.
 */
#include "postgres.h"

#include "funcapi.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/base/door.h"
#include "ingest/repository/access.h"
#include "ingest/sync/batch.h"
#include "ingest/sync/pseudonym.h"
#include "ingest/sync/shape.h"
#include "ingest/sync/sync.h"
#include "ingest/sync/stage.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/tuplestore.h"

SQL_FUNCTION(ingest_verify);

#define SAMPLES_AT_MOST 1000
#define PIECES_AT_ONCE 500 /* that are read together */

typedef enum Finding
{
	FOUND_SAME,
	FOUND_DIFFERING,
	FOUND_ONLY_THERE,
	FOUND_ONLY_HERE,
	FOUND_NOT_READ_YET, /* stamped since the watermark */
	N_FINDINGS
} Finding;

static const char *const finding_names[N_FINDINGS] = {"same", "differing", "only there", "only here", "not read yet"};

typedef struct Verification
{
	Sync *s;
	int64 rows[N_FINDINGS];
	Strings keys[N_FINDINGS]; /* the first ones, as JSON */
	int samples;
} Verification;

/* Rows of a finding, and the keys of some */
typedef struct Found
{
	int32 finding;
	int64 rows;
	Texts keys;
} Found;

ROW_SHAPE(found_shape, Found, FIELD(INT4, Found, finding), FIELD(INT8, Found, rows), FIELD(TEXTS, Found, keys));

/* Rows there that came or changed since the last run are no fault of the copy's */
static char *
is_not_read_yet(const Sync *s)
{
	const Copy *copy = &s->copy;

	if (copy->cursor == NULL || s->watermark == NULL)
		return pstrdup("false");
	return psprintf("s.%s > %s::%s", copy->cursor, quote_literal_cstr(s->watermark), copy->cursor_type);
}

/* The staged rows beside those of the copy inside a condition on t: those that are not the same */
static char *
comparison(const Verification *v, const char *range)
{
	const Copy *copy = &v->s->copy;
	char *key = key_object(JSON_OBJECT, copy->key_names, copy->n_key, "s.");

	return psprintf("WITH d AS (SELECT CASE WHEN %s THEN %d WHEN t.%s IS NULL THEN %d ELSE %d END AS finding, "
					"%s AS key FROM %s s LEFT JOIN %s t ON %s AND %s "
					"WHERE t.%s IS NULL OR record_image_ne(ROW(%s), ROW(%s)) "
					"UNION ALL SELECT %d, %s FROM %s t WHERE %s AND %s AND %s) "
					"SELECT finding, count(*) AS rows, (array_agg(key::text))[:%d] AS keys FROM d GROUP BY finding",
					is_not_read_yet(v->s), FOUND_NOT_READ_YET, copy->key[0], FOUND_ONLY_THERE, FOUND_DIFFERING, key,
					copy->stage, copy->target, key_match(copy, "t", "s"), copy_living(copy, "t."), copy->key[0],
					column_list(copy->columns, copy->n_columns, "t."),
					column_list(copy->columns, copy->n_columns, "s."), FOUND_ONLY_HERE,
					key_object(JSON_OBJECT, copy->key_names, copy->n_key, "t."), copy->target, range,
					copy_living(copy, "t."), key_not_in(copy, copy->stage), v->samples);
}

/* Without a key rows are what they say: those that one has more often than the other */
static char *
comparison_keyless(const Copy *copy)
{
	char *list = column_list(copy->columns, copy->n_columns, "");
	const char *more = "SELECT %d AS finding, count(*) AS rows, '{}'::text[] AS keys "
					   "FROM (SELECT ROW(%s)::text FROM %s EXCEPT ALL SELECT ROW(%s)::text FROM %s) d";

	return psprintf("%s UNION ALL %s", psprintf(more, FOUND_ONLY_THERE, list, copy->stage, list, copy->target),
					psprintf(more, FOUND_ONLY_HERE, list, copy->target, list, copy->stage));
}

/* A part of the key at a time: neither side is held in memory */
static void
verify_slice(Verification *v, const char *range)
{
	Copy *copy = &v->s->copy;
	int64 read;
	int n;
	Found *found;

	CHECK_FOR_INTERRUPTS();
	user_run(psprintf("DELETE FROM %s", copy->stage));
	read = stage_fetch(copy, range);
	found = sql_structs(AS_USER, &found_shape, &n,
						copy->n_key > 0 ? comparison(v, range[0] ? psprintf("t.%s", range) : "true")
										: comparison_keyless(copy),
						0, NULL);
	v->rows[FOUND_SAME] += read;
	for (int i = 0; i < n; i++)
	{
		Finding finding = found[i].finding;

		v->rows[finding] += found[i].rows;
		if (finding != FOUND_ONLY_HERE)
			v->rows[FOUND_SAME] -= found[i].rows;
		for (int k = 0; k < found[i].keys.n && v->keys[finding].n < v->samples; k++)
			strings_add(&v->keys[finding], found[i].keys.v[k]);
	}
}

/* Pieces that are here, some at a time: of the others nothing is said, since they may not be readable */
static void
verify_pieces(Verification *v)
{
	Rows *done = repo_rows("SELECT piece FROM ingest.sync_piece WHERE sync = $1 AND state = 'done' ORDER BY 1",
						   arg_int4(v->s->id));
	Strings pieces = {0};

	for (uint64 i = 0; i < done->n; i++)
		strings_add(&pieces, done->v[i][0]);
	for (int i = 0; i < pieces.n; i += PIECES_AT_ONCE)
		verify_slice(v, batch_among(v->s->copy.piece_column, &pieces, i, Min(PIECES_AT_ONCE, pieces.n - i), "text"));
}

/* Slices of about a batch, between keys of the copy; the first and the last are open */
static void
verify_all(void *arg)
{
	Verification *v = arg;
	Copy *copy = &v->s->copy;
	char *low = NULL;

	if (sync_is_in_pieces(v->s))
	{
		verify_pieces(v);
		return;
	}
	while (copy->key_is_integer)
	{
		char *high = user_value(psprintf("SELECT t.%s FROM %s t WHERE %s ORDER BY t.%s OFFSET %lld LIMIT 1",
										 copy->key[0], copy->target,
										 low ? psprintf("t.%s > %s", copy->key[0], low) : "true",
										 copy->key[0], (long long) v->s->batch_rows));

		if (high == NULL)
			break;
		verify_slice(v, low ? psprintf("%s BETWEEN %s::bigint + 1 AND %s", copy->key[0], low, high)
							: psprintf("%s <= %s", copy->key[0], high));
		low = high;
	}
	verify_slice(v, low ? psprintf("%s > %s", copy->key[0], low) : "");
}

/* Keys only for whoever may read all of the copy */
static void
give(ReturnSetInfo *rsinfo, const Verification *v, Finding finding, bool with_keys)
{
	const Strings *keys = &v->keys[finding];
	StringInfoData json;
	Datum values[3];
	bool nulls[3] = {false, false, !with_keys || keys->n == 0};

	initStringInfo(&json);
	for (int i = 0; i < keys->n; i++)
		appendStringInfo(&json, "%s%s", i > 0 ? ", " : "[", keys->items[i]);
	appendStringInfoChar(&json, ']');
	values[0] = CStringGetTextDatum(finding_names[finding]);
	values[1] = Int64GetDatum(v->rows[finding]);
	values[2] = nulls[2] ? (Datum) 0 : DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* verify(sync, samples) → finding, rows, keys */
Datum
ingest_verify(PG_FUNCTION_ARGS)
{
	char *name = required_text(0);
	Verification v = {NULL};
	Run run = {0};
	StringInfoData counts;
	Identity caller;
	bool with_keys;
	int level;

	v.samples = DatumGetInt32(required(fcinfo, 1));
	if (v.samples < 0 || v.samples > SAMPLES_AT_MOST)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("samples must be a number of keys between 0 and %d", SAMPLES_AT_MOST)));
	rows_begin(fcinfo);
	level = sql_begin();
	v.s = sync_by_name(name);
	/* who acts for the owner need not be one who may see its rows */
	with_keys = all_readable(v.s->target_relation);
	become_owner(v.s->owner, &caller);
	v.s->copy.run = &run;
	(void) shape_read(v.s);
	stage_create(&v.s->copy);
	pseudonym_arm(v.s);
	secrets_guard(&v.s->copy, verify_all, &v);
	stage_drop(&v.s->copy);
	become_again(&caller);
	json_open(&counts);
	for (int i = 0; i < N_FINDINGS; i++)
	{
		give((ReturnSetInfo *) fcinfo->resultinfo, &v, i, with_keys);
		json_int8(&counts, finding_names[i], v.rows[i]);
	}
	audit("verify", name, NULL, json_close(&counts));
	sql_end(level);
	return (Datum) 0;
}
