/*
 * json.c
 *		Small JSON documents: errors, tokens, metadata.  Pages of rows have a
 *		decoder of their own.
 */
#include "postgres.h"

#include <json-c/json.h>
#include <limits.h>

#include "common/json.h"
#include "utils/json.h"
#include "utils/memutils.h"

#define MAX_DEPTH 64

static void
put(void *arg)
{
	json_object_put(arg);
}

/* Parse a document that lives as long as context; NULL if it is no JSON */
Json *
json_parse(MemoryContext context, const char *text, size_t len)
{
	json_tokener *tokener;
	Json *result;
	MemoryContextCallback *callback;

	if (len > INT_MAX)
		return NULL;
	callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));
	tokener = json_tokener_new_ex(MAX_DEPTH);
	if (tokener == NULL)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
	result = json_tokener_parse_ex(tokener, text, (int) len);
	json_tokener_free(tokener);
	if (result == NULL)
		return NULL;
	callback->func = put;
	callback->arg = result;
	MemoryContextRegisterResetCallback(context, callback);
	return result;
}

/*
 * A member of an object, or NULL.  Services reserve the right to change the case
 * of names: a name in another case is found where none is spelt exactly so.
 */
Json *
json_member(Json *object, const char *name)
{
	Json *result = NULL;
	struct json_object_iterator i;
	struct json_object_iterator end;

	if (object == NULL || !json_object_is_type(object, json_type_object) ||
		json_object_object_get_ex(object, name, &result))
		return result;
	i = json_object_iter_begin(object);
	end = json_object_iter_end(object);
	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i))
	{
		if (pg_strcasecmp(json_object_iter_peek_name(&i), name) == 0)
			return json_object_iter_peek_value(&i);
	}
	return NULL;
}

/* A member as text, or NULL */
const char *
json_text(Json *object, const char *name)
{
	Json *member = json_member(object, name);

	return member == NULL ? NULL : json_object_get_string(member);
}

/* The length of an array; 0 for anything else */
int
json_count(Json *array)
{
	if (array == NULL || !json_object_is_type(array, json_type_array))
		return 0;
	return (int) json_object_array_length(array);
}

Json *
json_item(Json *array, int i)
{
	return json_object_array_get_idx(array, i);
}

int64
json_int(Json *value)
{
	return json_object_get_int64(value);
}

bool
json_true(Json *value)
{
	return json_object_get_boolean(value);
}

/* Visit the members of an object */
void
json_visit(Json *object, JsonVisit visit, void *arg)
{
	struct json_object_iterator i;
	struct json_object_iterator end;

	if (object == NULL || !json_object_is_type(object, json_type_object))
		return;
	i = json_object_iter_begin(object);
	end = json_object_iter_end(object);
	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i))
		visit(json_object_iter_peek_name(&i), json_object_iter_peek_value(&i), arg);
}

void
json_remove(Json *object, const char *name)
{
	json_object_object_del(object, name);
}

const char *
json_print(Json *value)
{
	return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
}

/* Append a JSON string literal */
void
json_append_string(StringInfo buffer, const char *text)
{
	escape_json(buffer, text);
}
