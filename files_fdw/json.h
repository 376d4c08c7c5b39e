/*
 * json.h
 *		Rows of JSON: an object in each line, or the objects of one array.
 */
#ifndef FILES_JSON_H
#define FILES_JSON_H

#include "postgres.h"

#include "files_fdw/reader.h"

#define JSON_DEPTH 256

typedef struct JsonKey
{
	char *name;
	int len;
	uint32 hash;
	int64 seen; /* the number of the last row that had it */
} JsonKey;

typedef struct JsonRows
{
	Reader *r;
	bool lines;
	char **path; /* from the document to its array */
	int npath;
	bool opened; /* the array has begun */
	bool array;  /* or objects one behind the other */
	bool first;  /* no element was read yet */
	bool finished;
	bool ignore_extra;
	bool learn; /* keys that are not known become known */
	JsonKey *keys;
	int nkeys;
	int room;
	int *table; /* of hashes: number of a key + 1 */
	int ntable;
	int64 row;
} JsonRows;

extern JsonRows *json_rows_new(Reader *r, const TableOptions *o);
/* Fields of rows are those of the keys, in this order */
extern int json_rows_key(JsonRows *j, const char *name, int len);
extern bool json_next(JsonRows *j, Row *row);
/* A string's text without its escapes, room for field->len bytes; -1: an escape is not a character of this database */
extern int json_unescape(const Field *field, char *to);
/* Has an object in a JSON text a member twice?  Then its name, palloc'd */
extern bool json_member_twice(const char *text, int len, char **name);
/* Is a text a path to an array: lines, $, $.a.b? */
extern bool json_is_records(const char *text);

#endif /* FILES_JSON_H */
