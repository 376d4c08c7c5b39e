/*
 * json.h
 *		Small JSON documents: errors, tokens, metadata.  Pages of rows have a
 *		decoder of their own.
 *
 * What comes is UTF-8; what is given out is in the server's encoding.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/palloc.h"

typedef struct Json Json;

typedef void (*JsonVisit)(const char *name, Json *value, void *arg);
typedef void (*JsonHear)(const char *words, void *arg);

/*
 * All take NULL for a value that is not there; a JSON null is not there either, and
 * to json_text neither is an empty string: some sources write the one for the other.
 */
extern Json *json_parse(MemoryContext context, const char *text, size_t len);
extern Json *json_member(Json *object, const char *name);
extern const char *json_text(Json *object, const char *name);
extern const char *json_words(Json *object, const char *name);
extern int json_count(Json *array);
extern Json *json_item(Json *array, int i);
extern const char *json_item_words(Json *array, int i);
extern bool json_is_object(Json *value);
extern bool json_is_array(Json *value);
extern int64 json_int(Json *value);
extern bool json_true(Json *value);
extern void json_visit(Json *object, JsonVisit visit, void *arg);
extern void json_hear(Json *value, JsonHear hear, void *arg);
extern void json_remove(Json *object, const char *name);
extern char *json_print(Json *value);
extern void json_wipe(Json *value);
extern void json_append_string(StringInfo buffer, const char *text);
extern char *words_from_utf8(const char *text, size_t len);

#endif /* COMMON_JSON_H */
