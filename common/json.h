/*
 * json.h
 *		Small JSON documents by json-c, tied to memory contexts.
 *
 * json-c's own header cannot be included beside PostgreSQL's: both declare
 * json_object.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/palloc.h"

typedef struct json_object Json;

typedef void (*JsonVisit)(const char *name, Json *value, void *arg);

/* All take NULL for a value that is not there; names are found in any case of letters */
extern Json *json_parse(MemoryContext context, const char *text, size_t len);
extern Json *json_member(Json *object, const char *name);
extern const char *json_text(Json *object, const char *name);
extern int json_count(Json *array);
extern Json *json_item(Json *array, int i);
extern int64 json_int(Json *value);
extern bool json_true(Json *value);
extern void json_visit(Json *object, JsonVisit visit, void *arg);
extern void json_remove(Json *object, const char *name);
extern const char *json_print(Json *value);
extern void json_append_string(StringInfo buffer, const char *text);

#endif /* COMMON_JSON_H */
