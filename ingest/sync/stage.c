/*
 * stage.c
 *		Rows that were read, before they are written.
 */
#include "postgres.h"

#include "ingest/base/attempt.h"
#include "ingest/base/row.h"
#include "ingest/base/sql.h"
#include "ingest/sync/pseudonym.h"
#include "ingest/sync/reading.h"
#include "ingest/sync/stage.h"
#include "ingest/sync/unfit.h"
#include "miscadmin.h"

/* A stage of more rows is analyzed */
#define STAGE_ANALYZED 1000

/* Its name is free again */
void
stage_drop(Copy *copy)
{
	user_drop(copy->stage_name);
}

/* As the copy has them, so that each value went through the type it will have */
void
stage_create(Copy *copy)
{
	stage_drop(copy);
	user_run(psprintf("CREATE TEMP TABLE %s ON COMMIT DELETE ROWS AS SELECT %s%s FROM %s WITH NO DATA",
					  strchr(copy->stage_name, '.') + 1, column_list(copy->columns, copy->n_columns, ""),
					  copy->stages_gone ? ", false AS ingest_gone" : "", copy->target));
	copy->stage = copy->stage_name;
}

/* -- reading from the source -- */

/* So often is read again what seems to have been cut short; rows that come and go meanwhile may look like that, too */
#define READINGS_AT_MOST 5

typedef struct Count
{
	int64 rows;
} Count;

ROW_SHAPE(count_shape, Count, FIELD(INT8, Count, rows));

/* How many rows an answer must have */
static int64
count_there(const Copy *copy, const char *where)
{
	Count *count = user_answer(&count_shape, psprintf("SELECT count(*) AS rows FROM %s%s%s", copy->there,
													  where[0] ? " WHERE " : "", where));

	return count->rows;
}

typedef struct WholeReading
{
	Copy *copy;
	const char *into, *list, *where;
	Reading noting;
	int64 n, left; /* rows that came, and that there are afterwards */
} WholeReading;

/* For attempt(): rows may have been deleted meanwhile */
static void
count_again(void *arg)
{
	WholeReading *r = arg;

	r->left = count_there(r->copy, r->where);
}

/*
 * There were more before, and there are more now, or nobody answers any more: a wrapper that takes a connection that
 * broke in the middle of what the source sent for the end of it, as mysql_fdw does.
 */
static void
read_whole(void *arg)
{
	WholeReading *r = arg;
	int64 before = r->copy->may_cut ? count_there(r->copy, r->where) : 0;
	Failure failure;

	r->n = reading_run(&r->noting, psprintf("INSERT INTO %s (%s)%s SELECT %s FROM %s%s%s", r->into, r->list,
											copy_overriding(r->copy), r->list, r->copy->read,
											r->where[0] ? " WHERE " : "", r->where));
	reading_reject(&r->noting, false);
	if (r->noting.errors.n > 0 && r->copy->run->id != 0)
		unfit_check(r->copy);
	if (r->n < before && (!attempt(count_again, r, &failure) || r->n < r->left))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("the source sent %lld of %lld rows of %s, and no error", (long long) r->n, (long long) before,
						r->copy->foreign),
				 errhint("Its connection broke in the middle. If that happens each time, look at its log.")));
}

int64
stage_read(Copy *copy, const char *into, const char *list, const char *where)
{
	WholeReading *whole = palloc0(sizeof(WholeReading));
	Failure first, failure;

	*whole = (WholeReading){copy, into, list, where, {.copy = copy}};
	if (!copy->may_cut)
	{
		read_whole(whole);
		return whole->n;
	}
	for (int tries = 1; !attempt(read_whole, whole, &failure); tries++)
	{
		if (tries == 1)
			first = failure;
		/* the connection may be of no use any more, which is no news */
		if (first.sqlerrcode != ERRCODE_FDW_ERROR || failure.sqlerrcode != ERRCODE_FDW_ERROR ||
			tries == READINGS_AT_MOST)
			failure_rethrow(&first);
		whole->noting.errors.n = whole->noting.keys.n = 0;
	}
	return whole->n;
}

int64
stage_fetch(Copy *copy, const char *where)
{
	int64 n = stage_read(copy, copy->stage, column_list(copy->columns, copy->n_columns, ""), where);

	copy->run->read += n;
	return n;
}

typedef struct Fetch
{
	Copy *copy;
	const char *where;
	int64 n;
} Fetch;

/* For attempt() */
static void
fetch_once(void *arg)
{
	Fetch *fetch = arg;

	fetch->n = stage_fetch(fetch->copy, fetch->where);
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
						 copy->key[0], copy->key[0], copy->there, where[0] ? " WHERE " : "", where);

	return *(Bounds *) user_answer(&bounds_shape, sql);
}

/* Halve a range of keys in which a row does not fit */
static int64
fetch_range(Copy *copy, const char *where, int64 low, int64 high)
{
	Fetch fetch = {copy, NULL, 0};
	int64 read = copy->run->read,
		  rejected = copy->run->rejected;
	Failure failure;
	int64 middle;

	CHECK_FOR_INTERRUPTS();
	fetch.where = psprintf("%s%s%s BETWEEN %lld AND %lld", where, where[0] ? " AND " : "", copy->key[0],
						   (long long) low, (long long) high);
	if (attempt(fetch_once, &fetch, &failure))
		return fetch.n;
	copy->run->read = read;
	copy->run->rejected = rejected;
	unfit_rethrow_unless_data(&failure);
	if (low == high)
	{
		StringInfoData key;

		json_open(&key);
		json_int8(&key, copy->key_names[0], low);
		unfit_reject(copy, json_close(&key), NULL, &failure);
		unfit_check(copy);
		return 0;
	}
	/* they may lie further apart than a bigint holds */
	middle = low + (int64) (((uint64) high - (uint64) low) / 2);
	return fetch_range(copy, where, low, middle) + fetch_range(copy, where, middle + 1, high);
}

/*
 * Is a range of keys read alone?  Then one that holds no row can be read, whatever is wrong elsewhere; else halving
 * would find fault with every row.
 */
static bool
reads_alone(Copy *copy, const char *where, const Bounds *bounds)
{
	int64 beyond = bounds->high < PG_INT64_MAX ? bounds->high + 1 : bounds->low - 1;
	Fetch fetch = {copy, NULL, 0};
	int64 read = copy->run->read,
		  rejected = copy->run->rejected;
	Failure failure;
	bool ok;

	if (bounds->high == PG_INT64_MAX && bounds->low == PG_INT64_MIN)
		return true;
	fetch.where = psprintf("%s%s%s BETWEEN %lld AND %lld", where, where[0] ? " AND " : "", copy->key[0],
						   (long long) beyond, (long long) beyond);
	ok = attempt(fetch_once, &fetch, &failure);
	if (!ok)
	{
		copy->run->read = read;
		copy->run->rejected = rejected;
		unfit_rethrow_unless_data(&failure);
	}
	return ok;
}

/* The error of a source that cannot be asked for a part of its rows: none of them is put aside for it */
static void
rethrow_of_all(Failure *failure)
{
	if (failure->error->hint == NULL)
		failure->error->hint = pstrdup("Its wrapper reads all rows to get any of them, so that the bad one cannot be "
									   "told from the others. Fix it at the source, or declare its column as text.");
	failure_rethrow(failure);
}

int64
stage_fetch_isolating(Copy *copy, const char *where)
{
	Fetch fetch = {copy, where, 0};
	int64 read = copy->run->read,
		  rejected = copy->run->rejected;
	Failure failure;
	Bounds bounds;

	if (attempt(fetch_once, &fetch, &failure))
		return fetch.n;
	copy->run->read = read;
	copy->run->rejected = rejected;
	unfit_rethrow_unless_data(&failure);
	if (!copy->key_is_integer)
		failure_rethrow(&failure);
	bounds = bounds_there(copy, where);
	if (bounds.any && !reads_alone(copy, where, &bounds))
		rethrow_of_all(&failure);
	return bounds.any ? fetch_range(copy, where, bounds.low, bounds.high) : 0;
}

/* How many rows there are and how many keys decides how they are joined; few need no thought */
void
stage_analyze(Copy *copy)
{
	copy->is_large = user_value(psprintf("SELECT 1 FROM %s OFFSET %d LIMIT 1", copy->stage, STAGE_ANALYZED)) != NULL;
	if (copy->is_large)
		user_run(psprintf("ANALYZE %s (%s)", copy->stage, column_list(copy->key, copy->n_key, "")));
}
