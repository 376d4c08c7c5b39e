/*
 * complaint.c
 *		What is wrong with a row, and where it stands.
 */
#include "postgres.h"

#include "files_fdw/complaint.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#define SHOWN_BYTES 80 /* of a value in a message */

bool
complain(Complaint *c, int sqlstate, const char *format, ...)
{
	va_list args;
	int n;

	c->sqlstate = sqlstate;
	va_start(args, format);
	n = vsnprintf(c->reason, sizeof(c->reason), format, args);
	va_end(args);
	/* cut at a character */
	if (n >= (int) sizeof(c->reason))
		c->reason[pg_mbcliplen(c->reason, sizeof(c->reason) - 1, sizeof(c->reason) - 1)] = '\0';
	return false;
}

char *
shown_text(const char *text, size_t len, size_t most)
{
	StringInfoData out;
	const char *end = text + len;

	initStringInfo(&out);
	for (const char *p = text; p < end;)
	{
		int n = pg_encoding_verifymbstr(GetDatabaseEncoding(), p, (int) Min(end - p, 65536));

		if (most > 0 && out.len + n > most)
		{
			n = pg_mbcliplen(p, n, (int) (most - out.len));
			appendBinaryStringInfo(&out, p, n);
			appendStringInfoString(&out, "...");
			break;
		}
		appendBinaryStringInfo(&out, p, n);
		p += n;
		/* what a window cuts is looked at again */
		if (n == 0)
		{
			appendStringInfo(&out, "\\x%02x", (unsigned char) *p);
			p++;
		}
	}
	return out.data;
}

char *
complaint_place(const Complaint *c, const Place *place)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "File \"%s\"", place->file);
	if (place->line > 0)
		appendStringInfo(&out, ", line " INT64_FORMAT, place->line);
	appendStringInfo(&out, ", position " INT64_FORMAT, place->position);
	if (c->column)
		appendStringInfo(&out, ", column \"%s\"", c->column);
	if (c->value)
		appendStringInfo(&out, ": \"%s\"", shown_text(c->value, c->len, SHOWN_BYTES));
	appendStringInfoChar(&out, '.');
	return out.data;
}

void
complaint_raise(const Complaint *c, const Place *place)
{
	ereport(ERROR,
			(errcode(c->sqlstate), errmsg("%s", c->reason), errdetail_internal("%s", complaint_place(c, place))));
}

static void
append_member(StringInfo out, const char *name, const char *text)
{
	appendStringInfo(out, "%s\"%s\": ", out->len > 1 ? ", " : "", name);
	escape_json(out, text);
}

Datum
complaint_json(const Complaint *c, const Place *place, const char *row, size_t len)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	append_member(&out, "reason", c->reason);
	append_member(&out, "sqlstate", unpack_sql_state(c->sqlstate));
	if (c->column)
		append_member(&out, "column", c->column);
	if (c->value)
		append_member(&out, "value", shown_text(c->value, c->len, 0));
	append_member(&out, "row", shown_text(row, len, 0));
	if (place->line > 0)
		appendStringInfo(&out, ", \"line\": " INT64_FORMAT, place->line);
	appendStringInfoChar(&out, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}
