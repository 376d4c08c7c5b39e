/*
 * given.c
 *		What a client gives by name.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "ingest_api/given.h"
#include "ingest_api/grammar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

Given *
given_new(char *name, char *text)
{
	Given *g = palloc0(sizeof(Given));

	g->name = name;
	g->text = text;
	return g;
}

Given *
given_find(List *given, const char *name)
{
	ListCell *cell;

	foreach (cell, given)
	{
		Given *g = lfirst(cell);

		if (strcmp(g->name, name) == 0)
			return g;
	}
	return NULL;
}

static List *
add(List *all, Given *one)
{
	if (given_find(all, one->name))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%.60s\" is given twice", one->name)));
	return lappend(all, one);
}

List *
given_in_query(const char *query, List *path)
{
	List *all = path;

	while (query && *query)
	{
		size_t n = strcspn(query, "&");
		const char *is = memchr(query, '=', n);
		size_t name = is ? is - query : n;

		if (n > 0)
			all = add(all, given_new(url_decode(query, name, true), is ? url_decode(is + 1, n - name - 1, true) : pstrdup("")));
		query += n + (query[n] == '&');
	}
	return all;
}

List *
given_in_body(const char *body, List *path)
{
	List *all = path;
	Jsonb *object;
	JsonbIterator *i;
	JsonbIteratorToken token;
	JsonbValue v;

	if (body == NULL || body[strspn(body, " \t\r\n")] == '\0')
		return path;
	object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(body)));
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the body must be an object of arguments by "
																		 "name")));
	i = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&i, &v, true)) != WJB_DONE)
	{
		Given *g;

		if (token != WJB_KEY)
			continue;
		g = given_new(pnstrdup(v.val.string.val, v.val.string.len), NULL);
		(void) JsonbIteratorNext(&i, &g->value, true);
		all = add(all, g);
	}
	return all;
}

static char *
json_of(const JsonbValue *value)
{
	return JsonbToCString(NULL, &JsonbValueToJsonb((JsonbValue *) value)->root, 0);
}

static char *
text_of(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return NULL;
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		default:
			return json_of(value);
	}
}

/* Elements of a JSON array as PostgreSQL writes an array */
static char *
array_of(const JsonbValue *value)
{
	JsonbIterator *i;
	JsonbIteratorToken token;
	JsonbValue v;
	ArrayBuildState *state = initArrayResult(TEXTOID, CurrentMemoryContext, true);
	Oid output;
	bool varlena;

	i = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&i, &v, true)) != WJB_DONE)
	{
		char *text;

		if (token != WJB_ELEM)
			continue;
		text = text_of(&v);
		state = accumArrayResult(state, text ? CStringGetTextDatum(text) : (Datum) 0, text == NULL, TEXTOID, CurrentMemoryContext);
	}
	getTypeOutputInfo(TEXTARRAYOID, &output, &varlena);
	return OidOutputFunctionCall(output, makeArrayResult(state, CurrentMemoryContext));
}

char *
given_text(const Given *given, Oid type)
{
	if (given->text)
		return given->text;
	if (type == JSONOID || type == JSONBOID)
		return json_of(&given->value);
	if (given->value.type == jbvBinary && JsonContainerIsArray(given->value.val.binary.data) && OidIsValid(get_element_type(type)))
		return array_of(&given->value);
	return text_of(&given->value);
}

void
given_all_used(List *given, const char *known)
{
	ListCell *cell;

	foreach (cell, given)
	{
		Given *g = lfirst(cell);

		if (!g->used)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("there is nothing called \"%.60s\" that can be given here", g->name),
					 known[0] ? errhint("There are: %s.", known) : errhint("Nothing can be given here.")));
	}
}
