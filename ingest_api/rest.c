/*
 * rest.c
 *		Requests of REST: which resource, in which form, how many rows of how many.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/door.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "ingest_api/api.h"
#include "ingest_api/compile.h"
#include "ingest_api/grammar.h"
#include "ingest_api/resource.h"
#include "ingest_api/statement.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

typedef enum Form
{
	JSON,
	ONE, /* object, not an array of one */
	NDJSON,
	CSV
} Form;

typedef enum Counting
{
	NOT,
	EXACT,
	PLANNED,
	ESTIMATED
} Counting;

/* Beyond this many rows an estimate is the planner's */
#define COUNTED 10000

static const char *const types[] = {"application/json; charset=utf-8", "application/vnd.pgrst.object+json; charset=utf-8", "application/x-ndjson; charset=utf-8", "text/csv; charset=utf-8"};

/* -- what is asked for -- */

static bool
mentions(const char *header, const char *word)
{
	return header && strstr(header, word) != NULL;
}

static Form
form_of(const Request *request)
{
	char *accept = request_header(request, "accept");

	if (mentions(accept, "application/vnd.pgrst.object"))
		return ONE;
	if (mentions(accept, "application/x-ndjson"))
		return NDJSON;
	if (mentions(accept, "text/csv"))
		return CSV;
	if (accept == NULL || accept[0] == '\0' || mentions(accept, "*/*") || mentions(accept, "application/*") || mentions(accept, "application/json"))
		return JSON;
	ereport(ERROR,
			(errcode(ERRCODE_INDETERMINATE_DATATYPE),
			 errmsg("none of the types that are accepted can be given"),
			 errhint("There are application/json, application/vnd.pgrst.object+json, application/x-ndjson and text/csv.")));
	return JSON;
}

static Counting
counting_of(const Request *request)
{
	char *prefer = request_header(request, "prefer");

	return mentions(prefer, "count=exact") ? EXACT : mentions(prefer, "count=planned") ? PLANNED
												 : mentions(prefer, "count=estimated") ? ESTIMATED
																					   : NOT;
}

/* -- the list of resources -- */

static List *
resources_of(const Request *request)
{
	Identity saved;
	List *all;

	become_engine(&saved);
	all = resource_all(request->role);
	become_again(&saved);
	return all;
}

static void
answer_index(const Request *request, Answer *answer)
{
	ListCell *cell;

	answer_begin(answer, 200, types[JSON]);
	appendStringInfoChar(&answer->body, '[');
	foreach (cell, resources_of(request))
	{
		Resource *r = lfirst(cell);

		appendStringInfo(&answer->body, "%s{\"name\":", answer->body.len > 1 ? ",\n " : "");
		escape_json(&answer->body, r->name);
		appendStringInfoString(&answer->body, ",\"path\":");
		escape_json(&answer->body, psprintf("/v1/%s", r->name));
		appendStringInfoString(&answer->body, ",\"description\":");
		escape_json(&answer->body, r->description ? r->description : "");
		appendStringInfoChar(&answer->body, '}');
	}
	appendStringInfoChar(&answer->body, ']');
}

static void
answer_document(const Request *request, Answer *answer)
{
	Identity saved;

	answer_begin(answer, 200, types[JSON]);
	answer_header(answer, "Cache-Control", "no-cache, private");
	become_engine(&saved);
	appendStringInfoString(&answer->body, resource_document(request->role));
	become_again(&saved);
}

/* -- rows -- */

/* Total rows without the limit; -1: nobody asked */
static int64
count_rows(const Compiled *compiled, Counting counting)
{
	int64 n;

	switch (counting)
	{
		case EXACT:
			return statement_number(compiled->count, compiled->values);
		case PLANNED:
			return statement_estimate(compiled->count, compiled->values);
		case ESTIMATED:
			n = statement_number(psprintf("SELECT pg_catalog.count(*) FROM (%s LIMIT %d) n", psprintf("SELECT 1 %s", strstr(compiled->count, " FROM ")), COUNTED + 1), compiled->values);
			return n <= COUNTED ? n : Max(statement_estimate(compiled->count, compiled->values), n);
		case NOT:
			break;
	}
	return -1;
}

static char *
rows_sql(const Compiled *compiled, Form form)
{
	switch (form)
	{
		case CSV:
			return compiled->rows;
		case NDJSON:
			return psprintf("SELECT pg_catalog.string_agg(pg_catalog.row_to_json(x)::text, E'\\n'), pg_catalog.count(*) FROM (%s) x", compiled->rows);
		case ONE:
		case JSON:
			break;
	}
	return psprintf("SELECT pg_catalog.json_agg(pg_catalog.row_to_json(x))::text, pg_catalog.count(*) FROM (%s) x", compiled->rows);
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

/* How many rows */
static int64
write_rows(const Compiled *compiled, Form form, StringInfo out)
{
	bool isnull;
	char *text;
	int64 n;

	statement_run(rows_sql(compiled, form), compiled->values);
	if (form == CSV)
		return write_csv(out);
	n = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (form == ONE && n == 1)
		/* without the brackets */
		appendBinaryStringInfo(out, text + 1, strlen(text) - 2);
	else
		appendStringInfoString(out, text ? text : form == JSON ? "[]"
															   : "");
	return n;
}

static char *
tag_of(const Answer *answer)
{
	uint64 hash = hash_bytes_extended((const unsigned char *) answer->body.data, answer->body.len, answer->status);

	return psprintf("\"%016llx\"", (unsigned long long) hash);
}

/* Compiled as the engine, which runs nothing of a user's */
static Compiled *
compile_for(const Request *request, Level *level, const char *name, bool *found)
{
	Identity saved;
	Resource *resource;
	Compiled *compiled = NULL;

	become_engine(&saved);
	resource = resource_find(name, request->role);
	*found = resource != NULL;
	if (resource)
		compiled = compile(level, resource, request->role, api_max_rows);
	become_again(&saved);
	return compiled;
}

static void
not_there(Answer *answer, const char *name)
{
	answer_problem(answer, 404, "PGRST205", psprintf("there is no resource \"%.60s\", or nothing of it may be read", name), NULL, "GET /v1 lists those that there are");
}

static void
answer_rows(const Request *request, Level *level, const char *name, Form form, bool by_key, Answer *answer)
{
	Counting counting = counting_of(request);
	Identity saved;
	Compiled *compiled;
	StringInfoData body;
	int64 n,
		total;
	bool found;
	char *known,
		*tag;

	compiled = compile_for(request, level, name, &found);
	if (!found)
	{
		not_there(answer, name);
		return;
	}
	initStringInfo(&body);
	become(request->role, 0, &saved);
	total = count_rows(compiled, counting);
	n = write_rows(compiled, form, &body);
	become_again(&saved);
	if (by_key && n == 0)
	{
		answer_problem(answer, 404, "PGRST116", psprintf("there is no such row of %s, or it may not be read", name), NULL, NULL);
		return;
	}
	if (form == ONE && n != 1)
	{
		answer_problem(answer, 406, "PGRST116", "one row was asked for, and there is not just one", psprintf("The result contains " INT64_FORMAT " rows", n), NULL);
		return;
	}
	if (total >= 0 && level->offset > total && level->offset > 0)
	{
		answer_problem(answer, 416, "PGRST103", "the offset is beyond the last row", psprintf("There are " INT64_FORMAT " rows.", total), NULL);
		answer_header(answer, "Content-Range", psprintf("*/" INT64_FORMAT, total));
		return;
	}
	answer_begin(answer, total > n && counting != NOT ? 206 : 200, types[form]);
	answer->body = body;
	answer_header(answer, "Content-Range",
				  psprintf("%s/%s", n == 0 ? "*" : psprintf(INT64_FORMAT "-" INT64_FORMAT, level->offset, level->offset + n - 1), total < 0 ? "*" : psprintf(INT64_FORMAT, total)));
	answer_header(answer, "Cache-Control", "no-cache, private");
	tag = tag_of(answer);
	answer_header(answer, "ETag", tag);
	known = request_header(request, "if-none-match");
	if (known && strstr(known, tag))
	{
		answer->status = 304;
		resetStringInfo(&answer->body);
	}
}

/* The row of a key is one condition more */
static bool
add_key(const Request *request, Level *level, const char *name, const char *value)
{
	Identity saved;
	Resource *resource;
	Condition *c = palloc0(sizeof(Condition));

	become_engine(&saved);
	resource = resource_find(name, request->role);
	become_again(&saved);
	if (resource == NULL || list_length(resource->key) != 1)
		return false;
	c->kind = CONDITION_COMPARE;
	c->place = palloc0(sizeof(Place));
	c->place->column = linitial(resource->key);
	c->op = "eq";
	c->value = pstrdup(value);
	level->conditions = lappend(level->conditions, c);
	return true;
}

/* -- which of these -- */

/* Decoded parts of the path, of which %2F does not make two */
static List *
parts_of(const char *path)
{
	List *parts = NIL;

	while (*path == '/')
	{
		size_t n = strcspn(++path, "/");

		if (n > 0 || path[n] == '/')
			parts = lappend(parts, url_decode(path, n, false));
		path += n;
	}
	return parts;
}

void
rest_answer(const Request *request, Answer *answer)
{
	List *parts = parts_of(request->path);
	char *profile = request_header(request, "accept-profile");
	Level *level;
	Form form;

	bool document = list_length(parts) == 1 && strcmp(linitial(parts), "openapi.json") == 0;

	if (parts == NIL || (strcmp(linitial(parts), "v1") != 0 && !document) || list_length(parts) > 3)
	{
		answer_problem(answer, 404, "PGRST125", "there is nothing at this address", NULL, "GET /v1 lists the resources");
		return;
	}
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
	{
		answer_problem(answer, 405, "PGRST117", "the method is not one of those that are allowed here", NULL, "Rows are read, by GET and HEAD; nothing is written.");
		answer_header(answer, "Allow", "GET, HEAD");
		return;
	}
	if (profile && strcmp(profile, "v1") != 0 && strcmp(profile, "ingest_api") != 0)
	{
		answer_problem(answer, 406, "PGRST106", "there is no other schema than v1", NULL, NULL);
		return;
	}
	if (document)
	{
		answer_document(request, answer);
		return;
	}
	if (list_length(parts) == 1)
	{
		answer_index(request, answer);
		return;
	}
	form = form_of(request);
	level = grammar_parse(lsecond(parts), request->query);
	if (list_length(parts) == 2)
	{
		answer_rows(request, level, lsecond(parts), form, false, answer);
		return;
	}
	if (!add_key(request, level, lsecond(parts), lthird(parts)))
		not_there(answer, lsecond(parts));
	else
		answer_rows(request, level, lsecond(parts), form == JSON ? ONE : form, true, answer);
}
