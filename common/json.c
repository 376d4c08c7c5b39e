/*
 * json.c
 *		A small reader of JSON.
 *
 * A document is a tree in one memory context.  Values stay as they came until
 * they are asked for, so no number loses a digit, and memory that is not to be
 * had is an error like any other: libraries at hand cut texts short instead.
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "catalog/namespace.h"
#include "common/json.h"
#include "mb/pg_wchar.h"
#include "utils/json.h"
#include "utils/memutils.h"

#define MAX_DEPTH 64

typedef enum JsonKind
{
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
} JsonKind;

struct Json
{
	JsonKind kind;
	int len; /* of text, in bytes; of an array or an object, in members */
	union
	{
		const char *text; /* a number or a string as it came, without quotes */
		Json *first;      /* members, in their order */
	};
	union
	{
		char *given;  /* what json_text gave out */
		Json *last;   /* of an object */
		Json **items; /* of an array */
	};
	char *name; /* as a member of an object, UTF-8 */
	Json *next;
	MemoryContext context; /* of the document */
};

/* Values are made by the block */
#define BLOCK 80

typedef struct Reader
{
	char *at;
	char *end;
	int depth;
	MemoryContext context;
	Json *block;
	int left; /* in block */
} Reader;

static Json *read_value(Reader *r);

/* -- texts -- */

static int
hex4(const char *p, const char *end)
{
	int code = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		int digit = p[i] >= '0' && p[i] <= '9'   ? p[i] - '0'
					: p[i] >= 'a' && p[i] <= 'f' ? p[i] - 'a' + 10
					: p[i] >= 'A' && p[i] <= 'F' ? p[i] - 'A' + 10
												 : -1;

		if (digit < 0)
			return -1;
		code = code * 16 + digit;
	}
	return code;
}

/* The character of a \uXXXX at p, perhaps of two; U+FFFD and *bad for what is none */
static pg_wchar
escaped_character(const char **p, const char *end, bool *bad)
{
	int code = hex4(*p, end);
	int low;

	if (code < 0)
	{
		*bad = true;
		return '?'; /* as short as what it stands for */
	}
	*p += 4;
	if (code >= 0xd800 && code <= 0xdbff && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' &&
		(low = hex4(*p + 2, end)) >= 0xdc00 && low <= 0xdfff)
	{
		*p += 6;
		return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	if (code > 0 && (code < 0xd800 || code > 0xdfff))
		return code;
	*bad = true;
	return 0xfffd;
}

/* A string without its escapes, as UTF-8; never longer than it came */
static char *
unescape(MemoryContext context, const char *text, int len, bool *bad)
{
	char *result = MemoryContextAllocHuge(context, (Size) len + 1);
	char *out = result;
	const char *end = text + len;

	while (text < end)
	{
		char c = *text++;

		if (c != '\\' || text == end)
		{
			*out++ = c;
			continue;
		}
		c = *text++;
		if (c == 'u')
		{
			unicode_to_utf8(escaped_character(&text, end, bad), (unsigned char *) out);
			out += pg_utf_mblen((unsigned char *) out);
			continue;
		}
		*out++ = c == 'n' ? '\n' : c == 't' ? '\t'
							   : c == 'r'   ? '\r'
							   : c == 'b'   ? '\b'
							   : c == 'f'   ? '\f'
											: c;
	}
	*out = '\0';
	return result;
}

/* Text for people, in the server's encoding: what that cannot show becomes a question mark */
char *
words_from_utf8(const char *text, size_t len)
{
	int encoding = GetDatabaseEncoding();
	StringInfoData out;
	Oid conversion;

	initStringInfo(&out);
	conversion = encoding == PG_UTF8 || encoding == PG_SQL_ASCII ? InvalidOid : FindDefaultConversionProc(PG_UTF8, encoding);
	for (const char *p = text, *end = text + len; p < end;)
	{
		unsigned char converted[MAX_CONVERSION_GROWTH * 4 + 1];
		int n = pg_utf_mblen((const unsigned char *) p);

		if (n > end - p || pg_encoding_verifymbchar(PG_UTF8, p, end - p) < 0)
		{
			appendStringInfoChar(&out, '?');
			p++;
			continue;
		}
		if ((*p & 0x80) == 0 || encoding == PG_UTF8)
			appendBinaryStringInfo(&out, p, n);
		else if (OidIsValid(conversion) &&
				 pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, (unsigned char *) p, n,
											   converted, sizeof(converted), true) == n)
			appendStringInfoString(&out, (char *) converted);
		else
			appendStringInfoChar(&out, '?');
		p += n;
	}
	return out.data;
}

/* -- reading -- */

static void
skip_blanks(Reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

/* Is this the next sign?  Then pass it. */
static bool
next_is(Reader *r, char sign)
{
	skip_blanks(r);
	if (r->at == r->end || *r->at != sign)
		return false;
	r->at++;
	return true;
}

static Json *
new_value(Reader *r, JsonKind kind)
{
	Json *value;

	if (r->left == 0)
	{
		r->block = MemoryContextAllocZero(r->context, BLOCK * sizeof(Json));
		r->left = BLOCK;
	}
	value = &r->block[BLOCK - r->left--];
	value->kind = kind;
	value->context = r->context;
	return value;
}

/* Behind the opening quote; false if the closing one is missing */
static bool
read_string(Reader *r, char **text, int *len)
{
	*text = r->at;
	for (; r->at < r->end; r->at++)
	{
		if (*r->at == '"')
		{
			*len = r->at++ - *text;
			return true;
		}
		if (*r->at == '\\' && ++r->at == r->end)
			break;
	}
	return false;
}

static void
append_member(Json *parent, Json *member)
{
	if (parent->first == NULL)
		parent->first = member;
	else
		parent->last->next = member;
	parent->last = member;
	parent->len++;
}

static Json *
read_array(Reader *r)
{
	Json *array = new_value(r, JSON_ARRAY);
	Json **items;
	int i = 0;

	if (!next_is(r, ']'))
	{
		do
		{
			Json *item = read_value(r);

			if (item == NULL)
				return NULL;
			append_member(array, item);
		} while (next_is(r, ','));
		if (!next_is(r, ']'))
			return NULL;
	}
	items = MemoryContextAllocHuge(r->context, (array->len + 1) * sizeof(Json *));
	for (Json *item = array->first; item != NULL; item = item->next)
		items[i++] = item;
	array->items = items;
	return array;
}

/* A name ends where its quote stood, unless there is something to unescape */
static char *
name_of(Reader *r, char *text, int len)
{
	bool bad = false;

	if (memchr(text, '\\', len) != NULL)
		return unescape(r->context, text, len, &bad);
	text[len] = '\0';
	return text;
}

static Json *
read_object(Reader *r)
{
	Json *object = new_value(r, JSON_OBJECT);

	if (next_is(r, '}'))
		return object;
	do
	{
		char *name;
		int len;
		Json *member;

		if (!next_is(r, '"') || !read_string(r, &name, &len) || !next_is(r, ':') ||
			(member = read_value(r)) == NULL)
			return NULL;
		member->name = name_of(r, name, len);
		append_member(object, member);
	} while (next_is(r, ','));
	return next_is(r, '}') ? object : NULL;
}

static Json *
read_number(Reader *r)
{
	Json *value = new_value(r, JSON_NUMBER);

	value->text = r->at;
	while (r->at < r->end && strchr("+-.0123456789eE", *r->at) != NULL)
		r->at++;
	value->len = r->at - value->text;
	return value->len > 0 ? value : NULL;
}

static bool
read_word(Reader *r, const char *word)
{
	int len = strlen(word);

	if (r->end - r->at < len || strncmp(r->at, word, len) != 0)
		return false;
	r->at += len;
	return true;
}

static Json *
read_value(Reader *r)
{
	Json *value;
	char *text;

	if (r->depth == MAX_DEPTH)
		return NULL;
	r->depth++;
	if (next_is(r, '{'))
		value = read_object(r);
	else if (next_is(r, '['))
		value = read_array(r);
	else if (next_is(r, '"'))
	{
		value = new_value(r, JSON_STRING);
		if (!read_string(r, &text, &value->len))
			return NULL;
		value->text = text;
	}
	else if (read_word(r, "null"))
		value = new_value(r, JSON_NULL);
	else if (read_word(r, "true"))
		value = new_value(r, JSON_TRUE);
	else if (read_word(r, "false"))
		value = new_value(r, JSON_FALSE);
	else
		value = read_number(r);
	r->depth--;
	return value;
}

/* A document that lives as long as context; NULL if it is no JSON */
Json *
json_parse(MemoryContext context, const char *text, size_t len)
{
	char *copy;
	Json *result;
	Reader r = {0};

	if (len > INT_MAX - 1 || pg_encoding_verifymbstr(PG_UTF8, text, (int) len) != (int) len)
		return NULL;
	copy = MemoryContextAllocHuge(context, len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	r.at = copy;
	r.end = copy + len;
	r.context = context;
	result = read_value(&r);
	skip_blanks(&r);
	return r.at == r.end ? result : NULL;
}

/* A document that held secrets: its texts are overwritten */
void
json_wipe(Json *value)
{
	if (value == NULL)
		return;
	if (value->kind == JSON_OBJECT || value->kind == JSON_ARRAY)
	{
		for (Json *member = value->first; member; member = member->next)
			json_wipe(member);
		return;
	}
	if (value->kind == JSON_STRING)
		explicit_bzero((char *) value->text, value->len);
	if (value->given)
		explicit_bzero(value->given, strlen(value->given));
}

/* -- looking -- */

static Json *
unless_null(Json *value)
{
	return value == NULL || value->kind == JSON_NULL ? NULL : value;
}

/* A member of an object; Oracle reserves the right to change the case of names */
Json *
json_member(Json *object, const char *name)
{
	Json *exact = NULL;
	Json *similar = NULL;

	if (object == NULL || object->kind != JSON_OBJECT)
		return NULL;
	for (Json *m = object->first; m != NULL; m = m->next)
	{
		if (strcmp(m->name, name) == 0)
			exact = m;
		else if (pg_strcasecmp(m->name, name) == 0)
			similar = m;
	}
	return unless_null(exact ? exact : similar);
}

/* A string without escapes, in the server's encoding */
static char *
text_of(Json *value, const char *name)
{
	bool bad = false;
	char *text = unescape(CurrentMemoryContext, value->text, value->len, &bad);

	if (bad)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("unsupported Unicode escape sequence"),
				 errdetail("Member \"%s\" holds a null character or half of a surrogate pair.", name)));
	return pg_any_to_server(text, strlen(text), PG_UTF8);
}

/* A member as text that lives as long as the document; NULL for none, which an empty one is too */
const char *
json_text(Json *object, const char *name)
{
	Json *member = json_member(object, name);
	bool keep = member != NULL && member->kind != JSON_ARRAY && member->kind != JSON_OBJECT;
	MemoryContext old;
	char *text;

	if (member == NULL || (member->kind == JSON_STRING && member->len == 0))
		return NULL;
	if (keep && member->given != NULL)
		return member->given;
	old = MemoryContextSwitchTo(member->context);
	text = member->kind == JSON_STRING ? text_of(member, name) : json_print(member);
	MemoryContextSwitchTo(old);
	if (keep)
		member->given = text;
	return text;
}

/* A text or a number, for people: whatever it holds, this is no error; NULL for other values */
static const char *
words_of(Json *value)
{
	char *text;
	bool bad = false;

	if (value == NULL || (value->kind != JSON_STRING && value->kind != JSON_NUMBER))
		return NULL;
	text = unescape(CurrentMemoryContext, value->text, value->len, &bad);
	return words_from_utf8(text, strlen(text));
}

const char *
json_words(Json *object, const char *name)
{
	return words_of(json_member(object, name));
}

const char *
json_item_words(Json *array, int i)
{
	return words_of(json_item(array, i));
}

bool
json_is_object(Json *value)
{
	return value != NULL && value->kind == JSON_OBJECT;
}

bool
json_is_array(Json *value)
{
	return value != NULL && value->kind == JSON_ARRAY;
}

/* The length of an array; 0 for anything else */
int
json_count(Json *array)
{
	return array == NULL || array->kind != JSON_ARRAY ? 0 : array->len;
}

Json *
json_item(Json *array, int i)
{
	return i < json_count(array) ? unless_null(array->items[i]) : NULL;
}

/* A whole number, also one that came as text; 0 for what is none */
int64
json_int(Json *value)
{
	double real;

	if (value == NULL || (value->kind != JSON_NUMBER && value->kind != JSON_STRING))
		return 0;
	/* what stands behind the text ends any number */
	real = strtod(value->text, NULL);
	if (fabs(real) < 9007199254740992.0)
		return (int64) real;
	return strtoll(value->text, NULL, 10);
}

/* True, "true", T, or a number other than 0 */
bool
json_true(Json *value)
{
	if (value == NULL)
		return false;
	if (value->kind == JSON_STRING)
		return (value->len == 1 && (*value->text == 'T' || *value->text == 't')) ||
			   (value->len == 4 && pg_strncasecmp(value->text, "true", 4) == 0);
	return value->kind == JSON_TRUE || (value->kind == JSON_NUMBER && json_int(value) != 0);
}

/* Visit the members of an object */
void
json_visit(Json *object, JsonVisit visit, void *arg)
{
	if (object == NULL || object->kind != JSON_OBJECT)
		return;
	for (Json *m = object->first; m != NULL; m = m->next)
		visit(pg_any_to_server(m->name, strlen(m->name), PG_UTF8), unless_null(m), arg);
}

/* Every text of a value, however deep, in its order; names are none */
void
json_hear(Json *value, JsonHear hear, void *arg)
{
	if (value == NULL)
		return;
	if (value->kind == JSON_STRING)
		hear(words_of(value), arg);
	for (int i = 0; i < json_count(value); i++)
		json_hear(json_item(value, i), hear, arg);
	if (value->kind == JSON_OBJECT)
	{
		for (Json *m = value->first; m != NULL; m = m->next)
			json_hear(m, hear, arg);
	}
}

void
json_remove(Json *object, const char *name)
{
	if (object == NULL || object->kind != JSON_OBJECT)
		return;
	for (Json **link = &object->first; *link != NULL;)
	{
		if (strcmp((*link)->name, name) == 0)
		{
			*link = (*link)->next;
			object->len--;
		}
		else
			link = &(*link)->next;
	}
}

/* -- writing -- */

/* JSON has neither .5 nor +5 nor 007 */
static void
print_number(StringInfo out, const Json *value)
{
	const char *p = value->text;
	const char *end = p + value->len;

	if (*p == '-')
		appendStringInfoChar(out, '-');
	if (*p == '-' || *p == '+')
		p++;
	while (end - p > 1 && p[0] == '0' && p[1] >= '0' && p[1] <= '9')
		p++;
	if (p < end && *p == '.')
		appendStringInfoChar(out, '0');
	appendBinaryStringInfo(out, p, end - p);
}

/* A string keeps its escapes; control characters, which need one, get it */
static void
print_string(StringInfo out, const char *text, int len)
{
	appendStringInfoChar(out, '"');
	for (int i = 0; i < len; i++)
	{
		if ((unsigned char) text[i] < ' ')
			appendStringInfo(out, "\\u%04x", text[i]);
		else
			appendStringInfoChar(out, text[i]);
	}
	appendStringInfoChar(out, '"');
}

static void
print_value(StringInfo out, const Json *value)
{
	switch (value->kind)
	{
		case JSON_NULL:
			appendStringInfoString(out, "null");
			break;
		case JSON_FALSE:
			appendStringInfoString(out, "false");
			break;
		case JSON_TRUE:
			appendStringInfoString(out, "true");
			break;
		case JSON_NUMBER:
			print_number(out, value);
			break;
		case JSON_STRING:
			print_string(out, value->text, value->len);
			break;
		case JSON_ARRAY:
		case JSON_OBJECT:
			appendStringInfoChar(out, value->kind == JSON_ARRAY ? '[' : '{');
			for (Json *m = value->first; m != NULL; m = m->next)
			{
				if (m != value->first)
					appendStringInfoChar(out, ',');
				if (value->kind == JSON_OBJECT)
				{
					escape_json(out, m->name);
					appendStringInfoChar(out, ':');
				}
				print_value(out, m);
			}
			appendStringInfoChar(out, value->kind == JSON_ARRAY ? ']' : '}');
			break;
	}
}

/* A value as JSON in the server's encoding, palloc'd */
char *
json_print(Json *value)
{
	StringInfoData out;

	initStringInfo(&out);
	if (value == NULL)
		appendStringInfoString(&out, "null");
	else
		print_value(&out, value);
	return pg_any_to_server(out.data, out.len, PG_UTF8);
}

/* Append a JSON string literal, in UTF-8, for text in the server's encoding */
void
json_append_string(StringInfo buffer, const char *text)
{
	escape_json(buffer, pg_server_to_any(text, strlen(text), PG_UTF8));
}
