/*
 * prove.c
 *		What a table's owner or a reply claims, asked again where rows do not add up.
 *
 * A key that repeats, is null or does not sort as a number would lose rows
 * between two pages, and so would a total that is wrong.  While totals and rows
 * agree nothing is asked.  Where they do not, the source counts: rows that were
 * deleted meanwhile are told from rows that a false claim passes over.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "netsuite_fdw/prove.h"
#include "netsuite_fdw/range.h"

/* -- words -- */

/* A key column by its own name: t.id is id */
static const char *
bare_name(const char *key)
{
	return strncmp(key, "t.", 2) == 0 ? key + 2 : key;
}

/* (transaction, id) */
static char *
key_names(const CursorSpec *spec)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < spec->nkeys; i++)
		appendStringInfo(&text, "%s%s", i == 0 ? "(" : ", ", bare_name(spec->keys[i]));
	appendStringInfoChar(&text, ')');
	return text.data;
}

/* (17, 3) */
static char *
key_values(const CursorSpec *spec, const int64 *key)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < spec->nkeys; i++)
		appendStringInfo(&text, "%s" INT64_FORMAT, i == 0 ? "(" : ", ", key[i]);
	appendStringInfoChar(&text, ')');
	return text.data;
}

static void refuse_key(const Claim *claim, const char *values) __attribute__((noreturn));

static void
refuse_key(const Claim *claim, const char *values)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_REPLY_HANDLE),
			 errmsg("key %s = %s of foreign table \"%s\" repeats", key_names(claim->spec), values,
					claim->relation),
			 errdetail("Paging by a key that repeats would lose rows."),
			 errhint("Set table option key to columns that are never null and together unique.")));
}

/* Two rows have this key */
void
refuse_repeated(const Claim *claim, const int64 *key)
{
	refuse_key(claim, key_values(claim->spec, key));
}

/* A row came behind one with a larger key */
void
refuse_disorder(const Claim *claim, const int64 *key, const int64 *before)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_REPLY_HANDLE),
			 errmsg("rows of foreign table \"%s\" are not returned in the order of their key %s",
					claim->relation, key_names(claim->spec)),
			 errdetail("%s came after %s.", key_values(claim->spec, key), key_values(claim->spec, before)),
			 errhint("Set table option key to columns that are numbers on the NetSuite side too.")));
}

/* Pages by offset do not fit together: rows moved */
void
refuse_change(const Claim *claim, int64 total, int64 now)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("rows of foreign table \"%s\" changed while they were read by offset",
					claim->relation),
			 errdetail("The query had " INT64_FORMAT " rows first and " INT64_FORMAT " now; rows may have been skipped or repeated.",
					   total, now),
			 errhint("Repeat the query, or set table option key to integer columns that identify a row.")));
}

/* The first rows of an order are others than they were */
void
refuse_again(const Claim *claim, int rows)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("rows of foreign table \"%s\" changed while they were read by offset",
					claim->relation),
			 errdetail("The first %d rows were requested again together with those after them, and are different now.",
					   rows),
			 errhint("Repeat the query.")));
}

/* A page by offset has other rows than it must have */
void
refuse_page(const Claim *claim, int came, int64 due, int64 offset, int64 total)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_REPLY_HANDLE),
			 errmsg("NetSuite's reply has %d rows of foreign table \"%s\" where " INT64_FORMAT " are due",
					came, claim->relation, due),
			 errdetail("The query has " INT64_FORMAT " rows; those from the " INT64_FORMAT "th on were asked for.",
					   total, offset + 1),
			 errhint("Set table option key to integer columns that identify a row.")));
}

/* More rows than NetSuite gives by offset */
void
refuse_size(const Claim *claim, int64 total)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
			 errmsg("the query on foreign table \"%s\" has " INT64_FORMAT " rows or more, which NetSuite cannot page without a key",
					claim->relation, total),
			 errdetail("One query yields at most %d rows in %d pages.", ROW_CAP, PAGE_CAP),
			 errhint("Set table option key to integer columns that identify a row, or narrow the WHERE clause.")));
}

/* Rows so large that pages of them are too small for their number */
void
refuse_large_rows(const Claim *claim, int large, int small)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
			 errmsg("rows of foreign table \"%s\" are too large to page without a key", claim->relation),
			 errdetail("A page of %d rows exceeds max_buffered, and of pages of %d NetSuite gives no more than %d.",
					   large, small, PAGE_CAP),
			 errhint("Raise server option max_buffered, or set table option key to integer columns that identify a row.")));
}

/* -- asking -- */

/* The first row of a query, as long as its request lives; NULL for none */
static Json *
first_row(const Claim *claim, const char *query, Request **request)
{
	Json *items;

	*request = request_new(claim->client, CurrentMemoryContext);
	request_query(*request, query, 1, 0);
	(*request)->stats = claim->stats;
	request_start(*request);
	request_wait(*request);
	items = json_member(request_json(*request), "items");
	return json_count(items) > 0 ? json_item(items, 0) : NULL;
}

static void
append_where(StringInfo query, const CursorSpec *spec, const char *condition)
{
	if (spec->where)
		appendStringInfo(query, " WHERE %s", spec->where);
	if (condition)
		appendStringInfo(query, "%s%s", spec->where ? " AND " : " WHERE ", condition);
}

/* How many rows the query has, under a condition more, as the source counts them */
int64
prove_count(const Claim *claim, const char *condition)
{
	CursorSpec spec = *claim->spec;
	StringInfoData query;
	int64 n;

	initStringInfo(&query);
	if (spec.from != NULL)
	{
		appendStringInfo(&query, "SELECT COUNT(*) AS n FROM %s", spec.from);
		append_where(&query, &spec, condition);
	}
	else
	{
		/* groups */
		spec.nkeys = 0;
		spec.order = NULL;
		appendStringInfo(&query, "SELECT COUNT(*) AS n FROM (%s) q", part_query(&spec, NULL));
	}
	n = client_count(claim->client, query.data, claim->stats);
	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_REPLY_HANDLE),
				 errmsg("NetSuite did not count the rows of foreign table \"%s\"", claim->relation)));
	pfree(query.data);
	return n;
}

/* A null in the key: ranges pass over it in silence */
void
prove_no_null_key(const Claim *claim)
{
	StringInfoData condition;
	int64 n;

	initStringInfo(&condition);
	for (int i = 0; i < claim->spec->nkeys; i++)
		appendStringInfo(&condition, "%s%s IS NULL", i == 0 ? "(" : " OR ", claim->spec->keys[i]);
	appendStringInfoChar(&condition, ')');
	n = prove_count(claim, condition.data);
	if (n > 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg(INT64_FORMAT " rows of foreign table \"%s\" have no value in its key %s", n,
						claim->relation, key_names(claim->spec)),
				 errhint("Set table option key to columns that are never null and together unique.")));
}

/* Does any key of the query's rows repeat? */
void
prove_unique_key(const Claim *claim)
{
	const CursorSpec *spec = claim->spec;
	StringInfoData query;
	StringInfoData values;
	Request *request;
	Json *row;

	initStringInfo(&query);
	initStringInfo(&values);
	for (int i = 0; i < spec->nkeys; i++)
		appendStringInfo(&query, "%s%s AS k%d", i == 0 ? "SELECT " : ", ", spec->keys[i], i + 1);
	appendStringInfo(&query, ", COUNT(*) AS n FROM %s", spec->from);
	append_where(&query, spec, NULL);
	for (int i = 0; i < spec->nkeys; i++)
		appendStringInfo(&query, "%s%s", i == 0 ? " GROUP BY " : ", ", spec->keys[i]);
	appendStringInfoString(&query, " HAVING COUNT(*) > 1");
	row = first_row(claim, query.data, &request);
	for (int i = 0; row != NULL && i < spec->nkeys; i++)
	{
		const char *value = json_text(row, psprintf("k%d", i + 1));

		appendStringInfo(&values, "%s%s", i == 0 ? "(" : ", ", value ? value : "null");
	}
	request_stop(request);
	if (row == NULL)
		return;
	appendStringInfoChar(&values, ')');
	refuse_key(claim, values.data);
}

/*
 * Rows between two keys, of which some came on one page: are there more of
 * them than that?  Then the last key repeats, or the order is not that of
 * numbers, or rows were added just now.
 */
void
prove_page(const Claim *claim, const int64 *lo, int nlo, const int64 *last, int64 came)
{
	int64 n = prove_count(claim, range_between(claim->spec, lo, nlo, last));

	if (n <= came)
		return;
	if (prove_count(claim, range_at(claim->spec, last)) > 1)
		refuse_repeated(claim, last);
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("rows of foreign table \"%s\" are missing between two pages", claim->relation),
			 errdetail(INT64_FORMAT " rows have a key %s up to %s, " INT64_FORMAT " of them came.", n,
					   key_names(claim->spec), key_values(claim->spec, last), came),
			 errhint("Repeat the query. If it fails again, set table option key to columns that are numbers on the NetSuite side too.")));
}
