/*
 * render.c
 *		Rows of a statement in the form that was asked for.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "executor/spi.h"
#include "ingest_api/bound.h"
#include "ingest_api/render.h"
#include "ingest_api/statement.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

const char *
render_type(Form form)
{
	static const char *const types[] = {"application/json; charset=utf-8", "application/vnd.pgrst.object+json; charset=utf-8", "application/x-ndjson; charset=utf-8", "text/csv; charset=utf-8"};

	return types[form];
}

static bool
mentions(const char *header, const char *word)
{
	return header && strstr(header, word) != NULL;
}

Form
render_form(const Request *request)
{
	char *accept = request_header(request, "accept");

	if (mentions(accept, "application/vnd.pgrst.object"))
		return FORM_ONE;
	if (mentions(accept, "application/x-ndjson"))
		return FORM_NDJSON;
	if (mentions(accept, "text/csv"))
		return FORM_CSV;
	if (accept == NULL || accept[0] == '\0' || mentions(accept, "*/*") || mentions(accept, "application/*") || mentions(accept, "application/json"))
		return FORM_JSON;
	ereport(ERROR,
			(errcode(ERRCODE_INDETERMINATE_DATATYPE),
			 errmsg("none of the accepted types is available"),
			 errhint("Available are application/json, application/vnd.pgrst.object+json, application/x-ndjson and "
					 "text/csv.")));
	return FORM_JSON;
}

/* Of pairs of a row and its place, where paged */
static char *
rows_sql(const char *rows, Form form, bool paged)
{
	return psprintf("SELECT ingest_api_internal.%s(%s)::text, pg_catalog.count(*)%s FROM (%s) x", form == FORM_NDJSON ? "lines" : "list", paged ? "x.j" : "pg_catalog.row_to_json(x.*)",
					paged ? ", (pg_catalog.array_agg(x.place))[pg_catalog.count(*)::int4]" : "", rows);
}

static void
csv_field(StringInfo out, const char *text)
{
	if (text == NULL)
		return;
	if (text[0] != '\0' && strpbrk(text, ",\"\r\n") == NULL)
	{
		appendStringInfoString(out, text);
		return;
	}
	appendStringInfoChar(out, '"');
	for (; *text; text++)
	{
		if (*text == '"')
			appendStringInfoChar(out, '"');
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, '"');
}

/* Rows at a time: each may be as large as an answer */
#define CSV_ROWS 1

typedef struct Csv
{
	StringInfo out;
	bool begun;
	bool paged; /* the last column is a place, and is not shown */
	int64 n;
	char *last;
	MemoryContext row;
} Csv;

static void
csv_row(Csv *csv, HeapTuple tuple, TupleDesc desc)
{
	int columns = desc->natts - csv->paged;
	MemoryContext before = MemoryContextSwitchTo(csv->row);

	appendStringInfoChar(csv->out, '\n');
	for (int c = 1; c <= columns; c++)
	{
		if (c > 1)
			appendStringInfoChar(csv->out, ',');
		csv_field(csv->out, SPI_getvalue(tuple, desc, c));
	}
	bound_check(csv->out->len);
	MemoryContextSwitchTo(before);
	MemoryContextReset(csv->row);
	if (csv->last)
		pfree(csv->last);
	if (csv->paged)
		csv->last = SPI_getvalue(tuple, desc, desc->natts);
	csv->n++;
}

static void
csv_part(void *of)
{
	Csv *csv = of;
	TupleDesc desc = SPI_tuptable->tupdesc;

	for (int c = 0; c < desc->natts - csv->paged && !csv->begun; c++)
	{
		if (c > 0)
			appendStringInfoChar(csv->out, ',');
		csv_field(csv->out, NameStr(TupleDescAttr(desc, c)->attname));
	}
	csv->begun = true;
	for (uint64 r = 0; r < SPI_processed; r++)
		csv_row(csv, SPI_tuptable->vals[r], desc);
}

static int64
write_csv(const char *sql, List *values, bool writes, bool paged, StringInfo out, char **last)
{
	Csv csv = {.out = out, .paged = paged, .row = AllocSetContextCreate(CurrentMemoryContext, "a row", ALLOCSET_DEFAULT_SIZES)};

	statement_in_parts(sql, values, writes, CSV_ROWS, csv_part, &csv);
	MemoryContextDelete(csv.row);
	*last = csv.last;
	return csv.n;
}

static int64
write_json(const char *sql, List *values, Form form, bool writes, bool paged, StringInfo out, char **last)
{
	bool isnull;
	char *text;
	int64 n;

	statement_run(sql, values, writes);
	n = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	*last = paged ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3) : NULL;
	if (form == FORM_ONE && n == 1)
		/* without the brackets */
		appendBinaryStringInfo(out, text + 1, strlen(text) - 2);
	else
		appendStringInfoString(out, text ? text : form == FORM_JSON ? "[]"
																	: "");
	return n;
}

int64
render_rows(const char *sql, List *values, Form form, bool writes, StringInfo out)
{
	char *last;

	if (form == FORM_CSV)
		return write_csv(sql, values, writes, false, out, &last);
	return write_json(rows_sql(sql, form, false), values, form, writes, false, out, &last);
}

int64
render_page(const Compiled *compiled, Form form, StringInfo out, char **last)
{
	if (form == FORM_CSV)
		return write_csv(compiled->rows, compiled->values, false, true, out, last);
	return write_json(rows_sql(compiled->paged, form, true), compiled->values, form, false, true, out, last);
}

void
render_tag(const Request *request, Answer *answer)
{
	uint64 hash = hash_bytes_extended((const unsigned char *) answer->body.data, answer->body.len, answer->status);
	char *tag = psprintf("\"%016llx\"", (unsigned long long) hash);
	char *known = request_header(request, "if-none-match");

	answer_header(answer, "ETag", tag);
	if (known && strstr(known, tag))
	{
		answer->status = 304;
		resetStringInfo(&answer->body);
	}
}
