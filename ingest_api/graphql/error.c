/*
 * error.c
 *		What is wrong, as answers say it.
 */
#include "postgres.h"

#include "ingest_api/graphql/execute.h"
#include "utils/json.h"

/* Beyond so many nothing new is learnt */
#define MOST_ERRORS 50

GError *
error_add(List **errors, const char *code, const char *rule, const Ast *where, const char *format, ...)
{
	GError *e = palloc0(sizeof(GError));
	StringInfoData text;
	va_list args;

	initStringInfo(&text);
	for (;;)
	{
		int more;

		va_start(args, format);
		more = appendStringInfoVA(&text, format, args);
		va_end(args);
		if (more == 0)
			break;
		enlargeStringInfo(&text, more);
	}
	e->message = text.data;
	e->code = code;
	e->rule = rule;
	e->line = where ? where->line : 0;
	e->column = where ? where->column : 0;
	if (list_length(*errors) < MOST_ERRORS)
		*errors = lappend(*errors, e);
	return e;
}

static void
member(StringInfo out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(out, ",\"%s\":", name);
	escape_json(out, value);
}

void
errors_json(StringInfo out, List *errors)
{
	ListCell *cell;

	appendStringInfoChar(out, '[');
	foreach (cell, errors)
	{
		const GError *e = lfirst(cell);

		if (cell != list_head(errors))
			appendStringInfoChar(out, ',');
		appendStringInfoString(out, "{\"message\":");
		escape_json(out, e->message);
		if (e->line > 0)
			appendStringInfo(out, ",\"locations\":[{\"line\":%d,\"column\":%d}]", e->line, e->column);
		if (e->path)
		{
			appendStringInfoString(out, ",\"path\":[");
			escape_json(out, e->path);
			appendStringInfoChar(out, ']');
		}
		appendStringInfoString(out, ",\"extensions\":{\"code\":");
		escape_json(out, e->code);
		member(out, "rule", e->rule);
		member(out, "hint", e->hint);
		appendStringInfoString(out, "}}");
	}
	appendStringInfoChar(out, ']');
}
