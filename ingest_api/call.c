/*
 * call.c
 *		Addresses that a function answers.
 *
 * A row of ingest_api_internal.route says which one.  The function is one of the schema
 * ingest_api and is run as the role, if it may; what it is given by name are parts of the
 * path, and beside these members of the query, or of the body where something is done.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/door.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "ingest_api/bound.h"
#include "ingest_api/cache.h"
#include "ingest_api/call.h"
#include "ingest_api/compile.h"
#include "ingest_api/given.h"
#include "ingest_api/once.h"
#include "ingest_api/render.h"
#include "ingest_api/statement.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define SCHEMA "ingest_api"

/* A row of the table, remembered */
typedef struct Route
{
	char *method;
	char *path;
	char *function;
	int status;
	bool writes;
	Scope scope;
	bool shown;
} Route;

static Cache cache;
static List *routes; /* Route */

/* -- the row -- */

/* Do the parts of the address fit?  What stands for {name} is given */
static bool
fits(const char *path, List *parts, List **given)
{
	const char *at = path;
	ListCell *cell;

	*given = NIL;
	foreach (cell, parts)
	{
		size_t n = strcspn(at, "/");
		char *part = lfirst(cell);

		if (n > 2 && at[0] == '{')
			*given = lappend(*given, given_new(pnstrdup(at + 1, n - 2), part));
		else if (strlen(part) != n || strncmp(part, at, n) != 0)
			return false;
		if ((at[n] == '/') != (lnext(parts, cell) != NULL))
			return false;
		at += n + (at[n] == '/');
	}
	return true;
}

static void
add_method(char **methods, const char *method)
{
	const char *words = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;

	*methods = *methods ? psprintf("%s, %s", *methods, words) : pstrdup(words);
}

static bool
is_method(const Request *request, const char *method)
{
	return strcmp(request->method, method) == 0 || (strcmp(method, "GET") == 0 && strcmp(request->method, "HEAD") == 0);
}

/* Those with words where others have {names} come first */
static List *
all_routes(void)
{
	static SPIPlanPtr plan = NULL;
	static const Change changes[] = {CHANGE_CATALOGUE};
	static const char *const sql = "SELECT method, path, function, status, coalesce(scope, CASE method WHEN 'GET' THEN 'read' ELSE 'operate' END), shown FROM ingest_api_internal.route "
								   "ORDER BY path COLLATE \"C\"";
	MemoryContext context;
	List *all = NIL;
	uint64 n;

	if (cache_holds(&cache, "routes", lengthof(changes), changes))
		return routes;
	routes = NIL;
	n = cache_read(&plan, sql, InvalidOid, (Datum) 0);
	context = MemoryContextSwitchTo(cache.memory);
	for (uint64 i = 0; i < n; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		Route *route = palloc0(sizeof(Route));
		bool isnull;

		route->method = SPI_getvalue(row, desc, 1);
		route->path = SPI_getvalue(row, desc, 2);
		route->function = SPI_getvalue(row, desc, 3);
		route->status = DatumGetInt32(SPI_getbinval(row, desc, 4, &isnull));
		route->writes = strcmp(route->method, "GET") != 0;
		route->scope = scope_named(SPI_getvalue(row, desc, 5));
		route->shown = DatumGetBool(SPI_getbinval(row, desc, 6, &isnull));
		all = lappend(all, route);
	}
	MemoryContextSwitchTo(context);
	cache_was_read();
	routes = all;
	return routes;
}

/* given: parts of the path, Given */
static const Route *
find(const Request *request, List *parts, char **methods, List **given)
{
	ListCell *cell;

	foreach (cell, all_routes())
	{
		const Route *route = lfirst(cell);

		if (!fits(route->path, parts, given))
			continue;
		if (is_method(request, route->method))
			return route;
		add_method(methods, route->method);
	}
	return NULL;
}

/* -- the function -- */

static HeapTuple
function_of(const char *name)
{
	Oid schema = get_namespace_oid(SCHEMA, false);
	CatCList *all = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	Oid found = InvalidOid;

	for (int i = 0; i < all->n_members; i++)
	{
		Form_pg_proc f = (Form_pg_proc) GETSTRUCT(&all->members[i]->tuple);

		if (f->pronamespace == schema)
			found = f->oid;
	}
	ReleaseSysCacheList(all);
	if (!OidIsValid(found))
		elog(ERROR, "there is no function %s.%s", SCHEMA, name);
	return SearchSysCache1(PROCOID, ObjectIdGetDatum(found));
}

/* name => $1, ... of what was given; an error where that is not what the function takes */
static char *
arguments_of(HeapTuple function, List *given, List **values)
{
	Form_pg_proc f = (Form_pg_proc) GETSTRUCT(function);
	Oid *types;
	char **names,
		*modes;
	int n = get_func_arg_info(function, &types, &names, &modes);
	int inputs = 0;
	StringInfoData out,
		known;

	initStringInfo(&out);
	initStringInfo(&known);
	for (int i = 0; i < n; i++)
	{
		Given *g;

		if (modes && modes[i] != PROARGMODE_IN)
			continue;
		appendStringInfo(&known, "%s%s", known.len ? ", " : "", names[i]);
		g = given_find(given, names[i]);
		if (g)
		{
			Value *v = palloc0(sizeof(Value));

			g->used = true;
			v->type = types[i];
			v->name = names[i];
			v->text = given_text(g, types[i]);
			/* a strict function would do nothing, and that would be answered as done */
			if (v->text == NULL && inputs < f->pronargs - f->pronargdefaults)
				ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("\"%s\" is null", names[i])));
			*values = lappend(*values, v);
			appendStringInfo(&out, "%s%s => $%d", out.len ? ", " : "", quote_identifier(names[i]), list_length(*values));
		}
		else if (inputs < f->pronargs - f->pronargdefaults)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%s\" is missing", names[i]),
							errhint("Its type is %s. GET /openapi.json describes what can be given here.",
									format_type_be(types[i]))));
		inputs++;
	}
	given_all_used(given, known.data);
	return out.data;
}

/* What it gives: rows, one of them, or a value, which stands for itself */
static char *
statement_of(HeapTuple function, List *given, List **values, Form *form)
{
	Form_pg_proc f = (Form_pg_proc) GETSTRUCT(function);
	char *call = psprintf("%s(%s)", quote_qualified_identifier(SCHEMA, NameStr(f->proname)), arguments_of(function, given, values));

	if (!f->proretset && *form == FORM_JSON)
		*form = FORM_ONE;
	return psprintf("SELECT * FROM %s", call);
}

static bool
is_value(HeapTuple function)
{
	Form_pg_proc f = (Form_pg_proc) GETSTRUCT(function);
	char kind = get_typtype(f->prorettype);

	return !f->proretset && kind != TYPTYPE_COMPOSITE && f->prorettype != RECORDOID;
}

/* The value itself as JSON; nothing for void */
static void
answer_value(HeapTuple function, List *given, bool writes, Answer *answer)
{
	Form_pg_proc f = (Form_pg_proc) GETSTRUCT(function);
	List *values = NIL;
	char *call = psprintf("%s(%s)", quote_qualified_identifier(SCHEMA, NameStr(f->proname)), arguments_of(function, given, &values));
	char *text;

	statement_run(psprintf(f->prorettype == JSONOID ? "SELECT %s::text" : "SELECT pg_catalog.to_json(%s)::text", f->prorettype == VOIDOID ? psprintf("(%s)::text", call) : call), values, writes);
	text = SPI_processed == 1 ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1) : NULL;
	bound_check(text ? strlen(text) : 0);
	if (f->prorettype == VOIDOID)
		answer->status = 204;
	else
		appendStringInfoString(&answer->body, text ? text : "null");
}

static void
answer_call(const Request *request, const Route *route, List *given, Answer *answer)
{
	HeapTuple function = function_of(route->function);
	Form form = render_form(request);
	List *values = NIL;
	Identity saved;

	answer_begin(answer, route->status, render_type(FORM_JSON));
	answer_header(answer, "Cache-Control", route->writes ? "no-store" : "no-cache, private");
	become(request->role, SECURITY_RESTRICTED_OPERATION, &saved);
	if (is_value(function))
		answer_value(function, given, route->writes, answer);
	else
	{
		char *sql = statement_of(function, given, &values, &form);
		StringInfoData body;
		int64 n;

		initStringInfo(&body);
		n = render_rows(sql, values, form, route->writes, &body);
		/* nothing is to stay of what found nothing */
		if (form == FORM_ONE && n != 1 && route->writes)
			ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is nothing of that name or number, or it may not be read")));
		if (form == FORM_ONE && n != 1)
			answer_problem(answer, 404, "PGRST116", "there is nothing of that name or number, or it may not be read", NULL, NULL);
		else
		{
			answer_begin(answer, route->status, render_type(form == FORM_ONE ? FORM_JSON : form));
			answer_header(answer, "Cache-Control", route->writes ? "no-store" : "no-cache, private");
			answer->body = body;
		}
	}
	become_again(&saved);
	ReleaseSysCache(function);
	if (!route->writes && answer->status == 200)
		render_tag(request, answer);
}

/* Something that is begun is looked at elsewhere: what is answered says where */
static void
add_location(Answer *answer)
{
	Jsonb *body = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(answer->body.data)));
	JsonbValue *location = JB_ROOT_IS_OBJECT(body) ? getKeyJsonValueFromContainer(&body->root, "location", strlen("location"), NULL) : NULL;

	if (location && location->type == jbvString)
		answer_header(answer, "Location", pnstrdup(location->val.string.val, location->val.string.len));
}

/* No form of a page sends this type, or another method than these, without asking first */
static bool
is_json(const Request *request)
{
	if (strcmp(request->method, "DELETE") == 0 && request_header(request, "content-type") == NULL)
		return true;
	return request_is_json(request);
}

/* In the transaction of the request, with what is kept of it */
static void
act(const Request *request, const Route *route, List *given, Answer *answer)
{
	if (RecoveryInProgress())
	{
		answer_problem(answer, 503, "25006", "this server is a standby, where nothing can be done",
					   NULL,
					   "Its primary can do it.");
		return;
	}
	XactReadOnly = false;
	if (once_known(request, answer))
		return;
	given = strcmp(request->method, "DELETE") == 0 ? given_in_query(request->query, given) : given_in_body(request->body, given);
	answer_call(request, route, given, answer);
	if (answer->status == 201 || answer->status == 202)
		add_location(answer);
	once_done(request, route->shown, answer);
}

/* -- functions by their names, as PostgREST has them -- */

/* As the engine; NULL: no function that reads is called so */
static Route *
function_route(const char *name)
{
	static SPIPlanPtr plan = NULL;
	static const char *const sql = "SELECT function, coalesce(scope, 'read') FROM ingest_api_internal.route WHERE method = 'GET' AND function = $1::name";
	Oid type = TEXTOID;
	Datum value = CStringGetTextDatum(name);
	Route *route;

	/* a longer one would be cut */
	if (strlen(name) >= NAMEDATALEN || SPI_execute_plan(own_plan(&plan, sql, 1, &type), &value, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		return NULL;
	route = palloc0(sizeof(Route));
	route->function = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	route->path = psprintf("rpc/%s", route->function);
	route->status = 200;
	route->scope = scope_named(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2));
	return route;
}

/* By GET with a query, or by POST with a body: nothing is done by it either way */
static void
answer_by_name(const Request *request, const char *name, Answer *answer)
{
	bool posted = strcmp(request->method, "POST") == 0;
	Identity saved;
	Route *route;

	become_engine(&saved);
	route = function_route(name);
	become_again(&saved);
	if (route == NULL)
	{
		answer_problem(answer, 404, "PGRST202", psprintf("there is no function \"%.60s\" that reads", name), NULL,
					   "GET /openapi.json describes those that there are, and actions have addresses of their own.");
		return;
	}
	answer->route = psprintf("/v1/%s", route->path);
	answer->called = true;
	if (!posted && !is_method(request, "GET"))
		answer_not_allowed(request, answer, "GET, HEAD, POST");
	else if (!request_may(request, route->scope, answer))
		return;
	else if (posted && !request_is_json(request))
		answer_problem(answer, 415, "PGRST107", "the arguments of a function must be posted as application/json",
					   NULL,
					   "Content-Type: application/json; {} if there is nothing to give.");
	else
		answer_call(request, route, posted ? given_in_body(request->body, NIL) : given_in_query(request->query, NIL), answer);
}

bool
call_answer(const Request *request, List *parts, Answer *answer, char **methods)
{
	List *given;
	const Route *route = find(request, parts, methods, &given);

	if (list_length(parts) == 2 && strcmp(linitial(parts), "rpc") == 0)
	{
		answer_by_name(request, lsecond(parts), answer);
		return true;
	}
	if (route == NULL)
		return false;
	answer->route = psprintf("/v1/%s", route->path);
	answer->acts = route->writes;
	/* what is looked for by the address, or in a query */
	answer->called = !route->writes || given != NIL;
	answer->collection = linitial(parts);
	if (!request_may(request, route->scope, answer))
		return true;
	if (route->writes && !is_json(request))
		answer_problem(answer, 415, "PGRST107", "actions must be requested as application/json",
					   NULL,
					   "Content-Type: application/json; {} if there is nothing to give.");
	else if (route->writes)
		act(request, route, given, answer);
	else
		answer_call(request, route, given_in_query(request->query, given), answer);
	return true;
}
