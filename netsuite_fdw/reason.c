/*
 * reason.c
 *		A row that does not fit becomes a row that says why.
 *
 * For scans that ask for it, and samples: one bad value must not keep the other
 * rows back.  All columns of such a row are null but the one that tells column,
 * value, reason and SQLSTATE, and the key by which the row can be found.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "netsuite_fdw/reason.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define SHOWN_CHARACTERS 1000 /* of a value and of a reason */

/*
 * Is a value to blame for an error?  Of those that were raised while a type's own
 * input read one all are, but for those of which the value knows nothing; types
 * that are not PostgreSQL's own may complain by an internal error.
 */
static bool
is_about_value(Decoder *d, int sqlerrcode)
{
	if (d->at == NULL || sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		return false;
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
			return true;
		case ERRCODE_FDW_ERROR:
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return false;
		case ERRCODE_INTERNAL_ERROR:
			return sqlerrcode == ERRCODE_INTERNAL_ERROR && d->at->type >= FirstGenbkiObjectId;
		default:
			return d->at->kind == VALUE_INPUT;
	}
}

/*
 * Read a row; the error that a value raised, or NULL.  Code that is not
 * PostgreSQL's own (an extension's type, the constraint of a domain) may hold
 * whatever it likes when it fails, which only the end of a subtransaction
 * takes from it.
 */
static ErrorData *
try_row(Decoder *d, const char *row, Datum *values, bool *nulls, const char **next)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool within = d->strange;
	ErrorData *volatile error = NULL;

	if (within)
	{
		BeginInternalSubTransaction(NULL);
		MemoryContextSwitchTo(context);
	}
	PG_TRY();
	{
		*next = page_read_row(d, row, values, nulls);
		if (within)
			ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (within)
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && !is_about_value(d, error->sqlerrcode))
		ReThrowError(error);
	return error;
}

/* Some text in the database's encoding, at most so many characters, as a JSON string */
static void
append_text(StringInfo out, const char *text)
{
	char *shown = pstrdup(text);

	shown[pg_mbcharcliplen(text, strlen(text), SHOWN_CHARACTERS)] = '\0';
	escape_json(out, shown);
	pfree(shown);
}

/* A value as it came; bytes that are no characters here become question marks */
static void
append_value(StringInfo out, const char *value, int len)
{
	StringInfoData text;
	bool utf8 = GetDatabaseEncoding() == PG_UTF8;

	initStringInfo(&text);
	len = Min(len, SHOWN_CHARACTERS * MAX_MULTIBYTE_CHAR_LEN);
	for (int i = 0; i < len;)
	{
		int n = value[i] == '\0' ? -1 : IS_HIGHBIT_SET(value[i]) && !utf8 ? -1
																		  : pg_encoding_verifymbchar(PG_UTF8, value + i, len - i);

		appendBinaryStringInfo(&text, n > 0 ? value + i : "?", Max(n, 1));
		i += n > 0 ? n : 1;
	}
	append_text(out, text.data);
	pfree(text.data);
}

static Datum
reason_datum(Decoder *d, const ErrorData *error, const DecodeColumn *at, const char *value, int len)
{
	StringInfoData text;
	const char *comma = "";
	Datum result;

	initStringInfo(&text);
	appendStringInfoString(&text, "{\"column\": ");
	escape_json(&text, at->label);
	appendStringInfoString(&text, ", \"value\": ");
	append_value(&text, value, len);
	appendStringInfoString(&text, ", \"reason\": ");
	append_text(&text, error->message);
	appendStringInfo(&text, ", \"sqlstate\": \"%s\"", unpack_sql_state(error->sqlerrcode));
	for (int i = 0; i < d->ncolumns; i++)
	{
		DecodeColumn *c = &d->columns[i];

		if (c->key < 0 || !d->key_seen[c->key])
			continue;
		appendStringInfoString(&text, *comma ? comma : ", \"key\": {");
		escape_json(&text, c->label);
		appendStringInfo(&text, ": " INT64_FORMAT, d->key[c->key]);
		comma = ", ";
	}
	appendStringInfoString(&text, *comma ? "}}" : "}");
	result = DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
	pfree(text.data);
	return result;
}

/* Read one row; one that does not fit is null but for the reason.  Returns past it. */
const char *
reason_read_row(Decoder *d, const char *row, Datum *values, bool *nulls)
{
	const char *next = NULL;
	ErrorData *error;
	const DecodeColumn *at;
	const char *value;
	int len;

	d->bad = false;
	/* no subtransaction begins in a parallel plan */
	if (d->strange && IsInParallelMode())
		return page_read_row(d, row, values, nulls);
	error = try_row(d, row, values, nulls, &next);
	if (error == NULL)
		return next;
	at = d->at;
	value = d->value;
	len = d->value_len;
	memset(nulls, true, sizeof(bool) * d->ntargets);
	/* once more for the key alone, by which pages go on: that must be readable */
	next = page_read_row(d, row, NULL, NULL);
	d->bad = true;
	if (d->error_target >= 0)
	{
		values[d->error_target] = reason_datum(d, error, at, value, len);
		nulls[d->error_target] = false;
	}
	FreeErrorData(error);
	return next;
}
