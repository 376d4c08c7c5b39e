/*
 * render.c
 *		Rows of a statement in the form that was asked for.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "executor/spi.h"
#include "ingest_api/render.h"
#include "ingest_api/statement.h"
#include "utils/builtins.h"

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
			 errmsg("none of the types that are accepted can be given"),
			 errhint("There are application/json, application/vnd.pgrst.object+json, application/x-ndjson and text/csv.")));
	return FORM_JSON;
}

static char *
rows_sql(const char *rows, Form form)
{
	switch (form)
	{
		case FORM_CSV:
			return (char *) rows;
		case FORM_NDJSON:
			return psprintf("SELECT pg_catalog.string_agg(pg_catalog.row_to_json(x)::text, E'\\n'), pg_catalog.count(*) FROM (%s) x", rows);
		case FORM_ONE:
		case FORM_JSON:
			break;
	}
	return psprintf("SELECT pg_catalog.json_agg(pg_catalog.row_to_json(x))::text, pg_catalog.count(*) FROM (%s) x", rows);
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

static int64
write_csv(StringInfo out)
{
	TupleDesc desc = SPI_tuptable->tupdesc;

	for (int c = 0; c < desc->natts; c++)
	{
		if (c > 0)
			appendStringInfoChar(out, ',');
		csv_field(out, NameStr(TupleDescAttr(desc, c)->attname));
	}
	for (uint64 r = 0; r < SPI_processed; r++)
	{
		appendStringInfoChar(out, '\n');
		for (int c = 1; c <= desc->natts; c++)
		{
			char *text = SPI_getvalue(SPI_tuptable->vals[r], desc, c);

			if (c > 1)
				appendStringInfoChar(out, ',');
			csv_field(out, text);
		}
	}
	return SPI_processed;
}

int64
render_rows(const char *sql, List *values, Form form, bool writes, StringInfo out)
{
	bool isnull;
	char *text;
	int64 n;

	statement_run(rows_sql(sql, form), values, writes);
	if (form == FORM_CSV)
		return write_csv(out);
	n = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (form == FORM_ONE && n == 1)
		/* without the brackets */
		appendBinaryStringInfo(out, text + 1, strlen(text) - 2);
	else
		appendStringInfoString(out, text ? text : form == FORM_JSON ? "[]"
																	: "");
	return n;
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
