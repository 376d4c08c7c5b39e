/*
 * reading.c
 *		What of a source's table is read, and what is kept from being read.
 *
 * All that reads the source reads it through one FROM clause: in it pseudonyms stand in the place of values, columns
 * that are excluded do not stand, and rows that mean a deletion are none.  Where the wrapper gives bad rows as rows,
 * a condition that is looked at here takes note of them: so they cost no second reading, and no good row goes with
 * them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "ingest/base/argument.h"
#include "ingest/base/compat.h"
#include "ingest/sync/pseudonym.h"
#include "ingest/sync/reading.h"
#include "ingest/sync/unfit.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

SQL_FUNCTION(ingest_takes_row);

/* So many bad rows of one statement are kept in memory */
#define BAD_ROWS_AT_MOST 100000

/* Of the statement that is running; only for as long */
static Reading *reading_now = NULL;

static bool
is_among(const Texts *names, const char *name)
{
	for (int i = 0; i < names->n; i++)
	{
		if (strcmp(names->v[i], name) == 0)
			return true;
	}
	return false;
}

/* -- columns -- */

static void
add_name(Texts *names, const char *name)
{
	names->v[names->n++] = pstrdup(name);
}

Texts
reading_left_out(const Texts *exclude, const Source *source, Oid foreign, const char *mode)
{
	Texts names = {0};

	names.v = palloc(sizeof(char *) * (exclude->n + 2));
	for (int i = 0; i < exclude->n; i++)
		add_name(&names, exclude->v[i]);
	if (source->version_column && strcmp(mode, "pieces") == 0)
		add_name(&names, source->version_column);
	if (source->error_column &&
		get_atttype(foreign, get_attnum(foreign, source->error_column)) == JSONBOID)
		add_name(&names, source->error_column);
	return names;
}

char *
reading_list(const Sync *s)
{
	const Copy *copy = &s->copy;
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < copy->n_columns; i++)
	{
		const char *sep = i > 0 ? ", " : "";

		if (is_among(&s->pseudonymise, copy->column_names[i]))
			appendStringInfo(&list, "%singest_internal.pseudonym(%d, %s) AS %s", sep, s->id, copy->columns[i],
							 copy->columns[i]);
		else
			appendStringInfo(&list, "%s%s", sep, copy->columns[i]);
	}
	return list.data;
}

/* A bad row has no values to ask for */
static char *
not_deleted(const Sync *s)
{
	if (s->deleted_when == NULL)
		return NULL;
	if (s->copy.error_column == NULL)
		return psprintf("(%s) IS NOT TRUE", s->deleted_when);
	return psprintf("(%s IS NOT NULL OR (%s) IS NOT TRUE)", s->copy.error_column, s->deleted_when);
}

/* The table under its own name, so that conditions mean the same, in a subquery where it is not read as it is */
static char *
from(const Sync *s, const char *good)
{
	char *living = not_deleted(s);

	return psprintf("(SELECT %s FROM %s WHERE %s%s%s) %s", reading_list(s), s->copy.foreign, good ? good : "true",
					living ? " AND " : "", living ? living : "", quote_identifier(s->foreign_table));
}

void
reading_prepare(Sync *s)
{
	Copy *copy = &s->copy;
	const char *error = copy->error_column;

	copy->compared = palloc(sizeof(char *) * Max(copy->n_columns, 1));
	copy->n_compared = 0;
	for (int i = 0; i < copy->n_columns; i++)
	{
		if (!is_among(&s->pseudonymise, copy->column_names[i]))
			copy->compared[copy->n_compared++] = copy->columns[i];
	}
	copy->there = copy->read = copy->foreign;
	if (s->pseudonymise.n == 0 && s->deleted_when == NULL && error == NULL)
		return;
	copy->there = from(s, error ? psprintf("%s IS NULL", error) : NULL);
	copy->read = from(s, error ? psprintf("CASE WHEN %s IS NULL THEN true ELSE ingest_internal.takes_row(%s, NULL, "
										  "NULL, NULL) END",
										  error, error)
							   : NULL);
}

/* Is a row of the piece and the version that were asked for?  Good ones are told without a call */
char *
reading_of_piece(const Sync *s, const char *piece, const char *version, bool with_deleted)
{
	const Copy *copy = &s->copy;
	char *literal = quote_literal_cstr(piece);
	char *living = with_deleted ? NULL : not_deleted(s);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "%s WHERE %s = %s AND CASE WHEN %s = %s", copy->foreign, copy->piece_column, literal,
					 copy->piece_column, literal);
	if (copy->error_column)
		appendStringInfo(&sql, " AND %s IS NULL", copy->error_column);
	if (copy->version_column)
		appendStringInfo(&sql, " AND %s = %s", copy->version_column, quote_literal_cstr(version));
	appendStringInfo(&sql, " THEN true ELSE ingest_internal.takes_row(%s, %s, %s, %s) END%s%s",
					 copy->error_column ? copy->error_column : "NULL",
					 copy->position_column
						 ? psprintf("pg_catalog.jsonb_build_object(%s::text, %s, %s::text, %s)",
									quote_literal_cstr(s->source->piece_column), copy->piece_column,
									quote_literal_cstr(s->source->position_column), copy->position_column)
						 : psprintf("pg_catalog.jsonb_build_object(%s::text, %s)",
									quote_literal_cstr(s->source->piece_column), copy->piece_column),
					 copy->piece_column, copy->version_column ? psprintf("%s::text", copy->version_column) : "NULL",
					 living ? " AND " : "", living ? living : "");
	return sql.data;
}

/* -- rows -- */

typedef struct Statement
{
	Reading *reading;
	const char *sql;
	int64 n;
} Statement;

/* What is noted of one that ran before must not be taken for this one's */
static void
run_noting(void *arg)
{
	Statement *statement = arg;
	Reading *before = reading_now;

	statement->reading->context = CurrentMemoryContext;
	reading_now = statement->reading;
	PG_TRY();
	{
		statement->n = user_run(statement->sql);
	}
	PG_FINALLY();
	{
		reading_now = before;
	}
	PG_END_TRY();
}

int64
reading_run(Reading *reading, const char *sql)
{
	Statement statement = {reading, sql, 0};

	secrets_guard(reading->copy, run_noting, &statement);
	return statement.n;
}

/* takes_row(error, key, piece, version) */
Datum
ingest_takes_row(PG_FUNCTION_ARGS)
{
	Reading *r = reading_now;
	MemoryContext old;

	if (r == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("ingest_internal.takes_row can only be used in the query of a run")));
	if (r->piece && (PG_ARGISNULL(2) || strcmp(text_to_cstring(PG_GETARG_TEXT_PP(2)), r->piece) != 0))
		ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
						errmsg("the source returned a row of another piece than the requested \"%s\"", r->piece)));
	if (r->copy->version_column && r->version &&
		(PG_ARGISNULL(3) || strcmp(text_to_cstring(PG_GETARG_TEXT_PP(3)), r->version) != 0))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("piece \"%s\" changed since it was listed", r->piece)));
	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(true);
	if (r->errors.n >= BAD_ROWS_AT_MOST)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("more than %d rows do not fit", BAD_ROWS_AT_MOST)));
	old = MemoryContextSwitchTo(r->context);
	strings_add(&r->errors, JsonbToCString(NULL, &PG_GETARG_JSONB_P(0)->root, 0));
	strings_add(&r->keys, PG_ARGISNULL(1) ? "" : JsonbToCString(NULL, &PG_GETARG_JSONB_P(1)->root, 0));
	MemoryContextSwitchTo(old);
	PG_RETURN_BOOL(false);
}

/* What a wrapper says of a bad row */
typedef struct Bad
{
	char *key;
	char *content;
	char *reason;
	char *sqlstate;
} Bad;

ROW_SHAPE(bad_shape, Bad, FIELD(TEXT, Bad, key), FIELD(TEXT, Bad, content), FIELD(TEXT, Bad, reason),
		  FIELD(TEXT, Bad, sqlstate));

void
reading_reject(const Reading *reading, bool with_content)
{
	Copy *copy = reading->copy;
	int n;
	Bad *bad;

	if (reading->errors.n == 0 || copy->run->id == 0)
		return;
	bad = repo_structs(bad_shape, &n, "SELECT * FROM ingest_internal.sync_bad_rows($1::jsonb[], $2, $3, $4, $5, $6)",
					   arg_text(array_literal(reading->errors.items, reading->errors.n)),
					   arg_texts(reading->keys.items, reading->keys.n), arg_bool(with_content),
					   arg_bool(copy->has_secrets), arg_relation(copy->foreign),
					   arg_texts(copy->key_names, copy->n_key));
	for (int i = 0; i < n; i++)
	{
		Failure failure = {ERRCODE_DATA_EXCEPTION, bad[i].sqlstate, bad[i].reason};

		unfit_reject(copy, bad[i].key, bad[i].content, &failure);
	}
}
