/*
 * rest.c
 *		Requests of REST: which resource, in which form, how many rows of how many.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/door.h"
#include "executor/spi.h"
#include "ingest_api/api.h"
#include "ingest_api/compile.h"
#include "ingest_api/grammar.h"
#include "ingest_api/keyset.h"
#include "ingest_api/render.h"
#include "ingest_api/resource.h"
#include "ingest_api/statement.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

typedef enum Counting
{
	NOT,
	EXACT,
	PLANNED,
	ESTIMATED
} Counting;

/* Beyond this many rows an estimate is the planner's */
#define COUNTED 10000

/* -- what is asked for -- */

static bool
mentions(const char *header, const char *word)
{
	return header && strstr(header, word) != NULL;
}

static Counting
counting_of(const Request *request)
{
	char *prefer = request_header(request, "prefer");

	return mentions(prefer, "count=exact") ? EXACT : mentions(prefer, "count=planned") ? PLANNED
												 : mentions(prefer, "count=estimated") ? ESTIMATED
																					   : NOT;
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

static Compiled *
compile_for(const Request *request, Level *level, const char *name, Answer *answer)
{
	Resource *resource = resource_find(name, request->role);

	if (resource == NULL)
		return NULL;
	/* so that what cannot be compiled counts for it, too */
	answer->route = psprintf("/v1/%s", name);
	return compile(level, resource, request->role, api_max_rows);
}

static void
not_there(Answer *answer, const char *name)
{
	answer_problem(answer, 404, "PGRST205", psprintf("there is no resource \"%.60s\", or nothing of it may be read", name), NULL, "GET /v1 lists those that there are");
}

/* What could end an address within a header is escaped */
static void
add_escaped(StringInfo out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr("<>\"", text[i]) || text[i] <= ' ' || text[i] > '~')
			appendStringInfo(out, "%%%02X", (unsigned char) text[i]);
		else
			appendStringInfoChar(out, text[i]);
}

/* However its name is written; with a point in it, it is a condition on a column that is called so */
static bool
is_mark(const char *parameter, size_t n)
{
	size_t name = Min(n, strcspn(parameter, "="));

	return strcmp(url_decode(parameter, name, true), "after") == 0 && strchr(url_decode(parameter + name, n - name, true), '.') == NULL;
}

/* The same address, with another mark */
static char *
address_behind(const Request *request, const char *mark)
{
	StringInfoData out;
	const char *at = request->query ? request->query : "";

	initStringInfo(&out);
	add_escaped(&out, request->path, strlen(request->path));
	appendStringInfoChar(&out, '?');
	while (*at)
	{
		size_t n = strcspn(at, "&");

		if (n > 0 && !is_mark(at, n))
		{
			add_escaped(&out, at, n);
			appendStringInfoChar(&out, '&');
		}
		at += n + (at[n] == '&');
	}
	appendStringInfo(&out, "after=%s", mark);
	return out.data;
}

/* Where the next page is; a page that is not full is the last one */
static void
add_next(const Request *request, const Compiled *compiled, int64 n, const char *last, Answer *answer)
{
	if (compiled->paged && last && n > 0 && n >= compiled->most)
		answer_header(answer, "Link", psprintf("<%s>; rel=\"next\"", address_behind(request, keyset_sign(last, compiled->purpose))));
}

static char *
content_range(const Level *level, int64 n, int64 total)
{
	char *all = total < 0 ? "*" : psprintf(INT64_FORMAT, total);

	/* behind a mark nobody has counted */
	if (n == 0 || (level->after && level->after[0]))
		return psprintf("*/%s", all);
	return psprintf(INT64_FORMAT "-" INT64_FORMAT "/%s", level->offset, level->offset + n - 1, all);
}

static void
answer_rows(const Request *request, Level *level, const char *name, Form form, bool by_key, Answer *answer)
{
	Counting counting = counting_of(request);
	Identity saved;
	Compiled *compiled;
	StringInfoData body;
	char *last = NULL;
	int64 n,
		total;

	compiled = compile_for(request, level, name, answer);
	if (compiled == NULL)
	{
		not_there(answer, name);
		return;
	}
	initStringInfo(&body);
	/* a session is everybody's in turn: nothing that runs here leaves a statement, a cursor or a table in it for the next one */
	become(request->role, SECURITY_RESTRICTED_OPERATION, &saved);
	total = count_rows(compiled, counting);
	n = compiled->paged ? render_page(compiled, form, &body, &last) : render_rows(compiled->rows, compiled->values, form, false, &body);
	become_again(&saved);
	if (by_key && n == 0)
	{
		answer_problem(answer, 404, "PGRST116", psprintf("there is no such row of %s, or it may not be read", name), NULL, NULL);
		return;
	}
	if (form == FORM_ONE && n != 1)
	{
		answer_problem(answer, 406, "PGRST116", "one row was asked for, and there is not exactly one",
					   psprintf("The result contains " INT64_FORMAT " rows", n), NULL);
		return;
	}
	if (total >= 0 && level->offset > total && level->offset > 0)
	{
		answer_problem(answer, 416, "PGRST103", "the offset is beyond the last row", psprintf("There are " INT64_FORMAT " rows.", total), NULL);
		answer_header(answer, "Content-Range", psprintf("*/" INT64_FORMAT, total));
		return;
	}
	answer_begin(answer, total > n && counting != NOT ? 206 : 200, render_type(form));
	answer->body = body;
	answer_header(answer, "Content-Range", content_range(level, n, total));
	add_next(request, compiled, n, last, answer);
	answer_header(answer, "Cache-Control", "no-cache, private");
	render_tag(request, answer);
}

/* The row of a key is one condition more */
static bool
add_key(const Request *request, Level *level, const char *name, const char *value)
{
	Resource *resource = resource_find(name, request->role);
	Condition *c = palloc0(sizeof(Condition));

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

/* Rows are read; parts: of the path, behind the version */
void
rest_answer(const Request *request, List *parts, Answer *answer)
{
	Form form = render_form(request);
	Level *level = grammar_parse(linitial(parts), request->query);

	if (list_length(parts) > 1 && level->after)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("parameter \"after\" is for lists")));
	if (list_length(parts) == 1)
		answer_rows(request, level, linitial(parts), form, false, answer);
	else if (list_length(parts) == 2 && add_key(request, level, linitial(parts), lsecond(parts)))
		answer_rows(request, level, linitial(parts), form == FORM_JSON ? FORM_ONE : form, true, answer);
	else
		not_there(answer, linitial(parts));
}
