/*
 * json.c
 *		Rows of JSON: an object in each line, or the objects of one array.
 *
 * The grammar is checked of everything; texts, numbers and what is nested are left as they stand, for whoever wants
 * them.  An object whose end is not in the window is looked at again when there is more.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "files_fdw/json.h"
#include "mb/pg_wchar.h"

#if defined(__SSE2__) && defined(__x86_64__) && !defined(NO_SIMD)
#include <emmintrin.h>
#define JSON_SSE2
#endif

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_BLANK(c) ((c) == ' ' || (c) == '\t' || (c) == '\n' || (c) == '\r')

/* Where the reading of a text is */
typedef struct Look
{
	const char *p;
	const char *end;
	const char *wrong; /* what is wrong here; NULL: the text ended too early */
	bool short_;       /* it ended too early */
} Look;

bool
json_is_records(const char *text)
{
	if (strcmp(text, "lines") == 0)
		return true;
	if (*text != '$')
		return false;
	for (const char *p = text + 1; *p; p++)
	{
		size_t n = strcspn(p + 1, ".");

		if (*p != '.' || n == 0)
			return false;
		p += n;
	}
	return true;
}

JsonRows *
json_rows_new(Reader *r, const TableOptions *o)
{
	JsonRows *j = palloc0(sizeof(JsonRows));

	j->r = r;
	j->lines = strcmp(o->records, "lines") == 0;
	j->ignore_extra = o->ignore_extra;
	j->first = true;
	if (!j->lines)
	{
		const char *p = o->records + 1;

		j->path = palloc(sizeof(char *) * (strlen(p) + 1));
		for (; *p == '.'; p += 1 + strcspn(p + 1, "."))
			j->path[j->npath++] = pnstrdup(p + 1, strcspn(p + 1, "."));
	}
	return j;
}

/* -- keys -- */

static void
hash_again(JsonRows *j)
{
	if (j->table)
		pfree(j->table);
	j->ntable = Max(16, j->ntable * 2);
	j->table = palloc0(sizeof(int) * j->ntable);
	for (int i = 0; i < j->nkeys; i++)
	{
		uint32 at = j->keys[i].hash & (j->ntable - 1);

		while (j->table[at] != 0)
			at = (at + 1) & (j->ntable - 1);
		j->table[at] = i + 1;
	}
}

static int
find_key(const JsonRows *j, const char *name, int len, uint32 hash)
{
	if (j->ntable == 0)
		return -1;
	for (uint32 at = hash & (j->ntable - 1); j->table[at] != 0; at = (at + 1) & (j->ntable - 1))
	{
		const JsonKey *key = &j->keys[j->table[at] - 1];

		if (key->hash == hash && key->len == len && memcmp(key->name, name, len) == 0)
			return j->table[at] - 1;
	}
	return -1;
}

static uint32
hash_of(const char *name, int len)
{
	return hash_bytes((const unsigned char *) name, len);
}

int
json_rows_key(JsonRows *j, const char *name, int len)
{
	uint32 hash = hash_of(name, len);
	int found = find_key(j, name, len, hash);

	if (found >= 0)
		return found;
	if (j->nkeys == j->room)
	{
		j->room = Max(16, 2 * j->room);
		j->keys = j->keys ? repalloc_huge(j->keys, sizeof(JsonKey) * j->room) : palloc(sizeof(JsonKey) * j->room);
	}
	j->keys[j->nkeys] = (JsonKey){.name = pnstrdup(name, len), .len = len, .hash = hash};
	j->nkeys++;
	if (j->nkeys * 2 > j->ntable)
		hash_again(j);
	else
	{
		uint32 at = hash & (j->ntable - 1);

		while (j->table[at] != 0)
			at = (at + 1) & (j->ntable - 1);
		j->table[at] = j->nkeys;
	}
	return j->nkeys - 1;
}

/* -- the grammar -- */

/* The text ends here; whether that is wrong, who asked knows */
static bool
ended(Look *l)
{
	l->short_ = true;
	return false;
}

static bool
wrong(Look *l, const char *what)
{
	l->wrong = what;
	return false;
}

static void
skip_blanks(Look *l)
{
	while (l->p < l->end && IS_BLANK(*l->p))
		l->p++;
}

/* To the next quote, backslash or control character */
static inline const char *
plain_text_end(const char *p, const char *end)
{
#ifdef JSON_SSE2
	while (end - p >= 16)
	{
		__m128i bytes = _mm_loadu_si128((const __m128i *) p);
		__m128i found =
			_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
		int mask;

		found = _mm_or_si128(found, _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(31)), bytes));
		mask = _mm_movemask_epi8(found);
		if (mask != 0)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#endif
	while (p < end && *p != '"' && *p != '\\' && (unsigned char) *p >= ' ')
		p++;
	return p;
}

static bool
take_escape(Look *l)
{
	if (l->p + 1 >= l->end)
		return ended(l);
	if (l->p[1] == 'u')
	{
		for (int i = 2; i < 6; i++)
		{
			if (l->p + i >= l->end)
				return ended(l);
			if (!isxdigit((unsigned char) l->p[i]))
				return wrong(l, "an invalid escape");
		}
		l->p += 6;
		return true;
	}
	if (l->p[1] == '\0' || strchr("\"\\/bfnrt", l->p[1]) == NULL)
		return wrong(l, "an invalid escape");
	l->p += 2;
	return true;
}

/* At the quote; the field is what is within */
static bool
take_string(Look *l, Field *field)
{
	const char *start = ++l->p;

	field->flags = FIELD_QUOTED;
	for (;;)
	{
		l->p = plain_text_end(l->p, l->end);
		if (l->p >= l->end)
			return ended(l);
		if (*l->p == '"')
			break;
		if (*l->p != '\\')
			return wrong(l, "a control character in a text");
		field->flags |= FIELD_ESCAPED;
		if (!take_escape(l))
			return false;
	}
	field->p = start;
	field->len = (int) (l->p - start);
	l->p++;
	return true;
}

static bool
take_number(Look *l)
{
	const char *start = l->p;

	if (l->p < l->end && *l->p == '-')
		l->p++;
	if (l->p < l->end && *l->p == '0')
		l->p++;
	else
	{
		const char *first = l->p;

		while (l->p < l->end && IS_DIGIT(*l->p))
			l->p++;
		if (l->p == first && l->p < l->end)
			return wrong(l, start == first ? "something that is not a value" : "an invalid number");
	}
	if (l->p < l->end && *l->p == '.')
	{
		const char *first = ++l->p;

		while (l->p < l->end && IS_DIGIT(*l->p))
			l->p++;
		if (l->p == first && l->p < l->end)
			return wrong(l, "an invalid number");
	}
	if (l->p < l->end && (*l->p == 'e' || *l->p == 'E'))
	{
		const char *first;

		l->p++;
		if (l->p < l->end && (*l->p == '+' || *l->p == '-'))
			l->p++;
		first = l->p;
		while (l->p < l->end && IS_DIGIT(*l->p))
			l->p++;
		if (l->p == first && l->p < l->end)
			return wrong(l, "an invalid number");
	}
	/* more of it may follow */
	return l->p < l->end ? true : ended(l);
}

static bool
take_word(Look *l, const char *word)
{
	size_t n = strlen(word);

	if (l->end - l->p < (ptrdiff_t) n)
		return memcmp(l->p, word, l->end - l->p) == 0 ? ended(l) : wrong(l, "something that is not a value");
	if (memcmp(l->p, word, n) != 0)
		return wrong(l, "something that is not a value");
	l->p += n;
	return true;
}

static bool
take_scalar(Look *l, Field *field)
{
	const char *start = l->p;
	bool good;

	if (l->p >= l->end)
		return ended(l);
	switch (*l->p)
	{
		case '"':
			return take_string(l, field);
		case 't':
			good = take_word(l, "true");
			break;
		case 'f':
			good = take_word(l, "false");
			break;
		case 'n':
			good = take_word(l, "null");
			break;
		default:
			good = take_number(l);
			break;
	}
	if (!good)
		return false;
	field->p = start;
	field->len = (int) (l->p - start);
	field->flags = *start == 'n' ? FIELD_MISSING : FIELD_RAW;
	return true;
}

/* Behind a comma or at the beginning of an object: a name and its colon */
static bool
take_name(Look *l, Field *name)
{
	skip_blanks(l);
	if (l->p >= l->end)
		return ended(l);
	if (*l->p != '"')
		return wrong(l, "no name for a member");
	if (!take_string(l, name))
		return false;
	skip_blanks(l);
	if (l->p >= l->end)
		return ended(l);
	if (*l->p != ':')
		return wrong(l, "no colon after a name");
	l->p++;
	skip_blanks(l);
	return true;
}

/* An object or an array, of any depth up to the limit, without recursion */
static bool
take_nested(Look *l, Field *field)
{
	char open[JSON_DEPTH];
	int depth = 0;
	const char *start = l->p;
	Field ignored;

	for (;;)
	{
		bool object;

		/* here a value begins */
		if (l->p >= l->end)
			return ended(l);
		if (*l->p == '{' || *l->p == '[')
		{
			if (depth == JSON_DEPTH)
				return wrong(l, "objects or arrays nested too deep");
			object = *l->p++ == '{';
			open[depth++] = object ? '}' : ']';
			skip_blanks(l);
			if (l->p >= l->end)
				return ended(l);
			if (*l->p != open[depth - 1])
			{
				if (object && !take_name(l, &ignored))
					return false;
				continue;
			}
		}
		else if (!take_scalar(l, &ignored))
			return false;
		/* behind it: what closes, or a comma */
		for (;;)
		{
			skip_blanks(l);
			if (l->p >= l->end)
				return ended(l);
			if (*l->p != open[depth - 1])
				break;
			l->p++;
			if (--depth == 0)
			{
				field->p = start;
				field->len = (int) (l->p - start);
				field->flags = FIELD_RAW;
				return true;
			}
		}
		if (*l->p != ',')
			return wrong(l, "neither a comma nor the end of an object or array");
		l->p++;
		skip_blanks(l);
		if (open[depth - 1] == '}' && !take_name(l, &ignored))
			return false;
	}
}

static bool
take_value(Look *l, Field *field)
{
	if (l->p < l->end && (*l->p == '{' || *l->p == '['))
		return take_nested(l, field);
	return take_scalar(l, field);
}

/* -- a row -- */

/* Which key a name is; -1: none; -2: it is no text */
static int
key_of(JsonRows *j, const Field *name, int guess)
{
	char *text = (char *) name->p;
	int len = name->len;
	int key;

	if (guess < j->nkeys && j->keys[guess].len == len && memcmp(j->keys[guess].name, name->p, len) == 0)
		return guess;
	if (name->flags & FIELD_ESCAPED)
	{
		text = palloc(len + 1);
		len = json_unescape(name, text);
		if (len < 0)
			return -2;
	}
	key = find_key(j, text, len, hash_of(text, len));
	if (key < 0 && j->learn)
		key = json_rows_key(j, text, len);
	if (text != name->p)
		pfree(text);
	return key;
}

static void
make_fields(JsonRows *j, Row *row)
{
	if (j->nkeys > row->room || row->fields == NULL)
	{
		int had = row->fields == NULL ? 0 : row->room;

		row->room = Max(j->nkeys * 2, 16);
		row->fields =
			row->fields ? repalloc_huge(row->fields, sizeof(Field) * row->room) : palloc(sizeof(Field) * row->room);
		for (int i = had; i < row->room; i++)
			row->fields[i] = (Field){.flags = FIELD_MISSING};
	}
}

static bool
unknown_key(JsonRows *j, Row *row, const Field *name, int key)
{
	if (key == -2)
		return complain(&row->fault, ERRCODE_UNTRANSLATABLE_CHARACTER,
						"a name has a character that the database's encoding does not have");
	if (j->ignore_extra)
		return true;
	row->fatal = true;
	complain(&row->fault, ERRCODE_FDW_COLUMN_NAME_NOT_FOUND,
			 "the table has no column for member \"%s\" of the file's objects", shown_text(name->p, name->len, 100));
	return false;
}

/* The members of an object, whose brace is next; false: l tells, or the fault */
static bool
take_members(JsonRows *j, Look *l, Row *row)
{
	int guess = 0;

	l->p++;
	skip_blanks(l);
	if (l->p < l->end && *l->p == '}')
	{
		l->p++;
		return true;
	}
	for (;;)
	{
		Field name;
		Field value;
		int key;

		if (!take_name(l, &name) || !take_value(l, &value))
			return false;
		key = key_of(j, &name, guess);
		if (key < 0)
		{
			if (row->fault.sqlstate == 0)
				(void) unknown_key(j, row, &name, key);
		}
		else
		{
			guess = key + 1;
			make_fields(j, row);
			if (j->keys[key].seen == j->row && row->fault.sqlstate == 0)
			{
				complain(&row->fault, ERRCODE_DUPLICATE_JSON_OBJECT_KEY_VALUE, "member \"%s\" appears twice",
						 j->keys[key].name);
				row->fault.column = j->keys[key].name;
			}
			j->keys[key].seen = j->row;
			row->fields[key] = value;
		}
		skip_blanks(l);
		if (l->p >= l->end)
			return ended(l);
		if (*l->p == '}')
		{
			l->p++;
			return true;
		}
		if (*l->p != ',')
			return wrong(l, "neither a comma nor the end of the object");
		l->p++;
	}
}

/* Fields that the row does not have are missing */
static bool
take_object(JsonRows *j, Look *l, Row *row)
{
	if (l->p >= l->end)
		return ended(l);
	j->row++;
	row->fault = (Complaint){0};
	row->fatal = false;
	make_fields(j, row);
	if (*l->p != '{')
		return wrong(l, "a value that is not an object");
	if (!take_members(j, l, row))
		return false;
	for (int i = 0; i < j->nkeys; i++)
	{
		if (j->keys[i].seen != j->row)
			row->fields[i] = (Field){.flags = FIELD_MISSING};
	}
	row->nfields = j->nkeys;
	return true;
}

static void
blame(Row *row, const Look *l, const char *at)
{
	complain(&row->fault, ERRCODE_INVALID_TEXT_REPRESENTATION, "not valid JSON: %s",
			 l->wrong ? l->wrong : "it ends too early");
	row->fault.value = at;
	row->fault.len = (int) Min(l->end - at, 200);
}

static void
finish_row(JsonRows *j, Row *row, const char *start, const char *end, const char *next)
{
	Reader *r = j->r;
	size_t bad;

	row->position = r->base + (start - r->buf);
	row->line = r->line;
	row->text = start;
	row->len = end - start;
	if (!reader_verify(r, end - r->buf, &bad))
	{
		if (row->fault.sqlstate == 0)
		{
			complain_bytes(&row->fault, r->buf + bad, end - (r->buf + bad));
			row->fault.value = row->text;
			row->fault.len = (int) Min(row->len, 200);
		}
		r->valid = next - r->buf;
	}
	r->at = next - r->buf;
}

/* -- lines -- */

static bool
next_line(JsonRows *j, Row *row)
{
	Reader *r = j->r;
	const char *start;
	const char *end;
	Look l;

	for (;;)
	{
		if (r->at >= r->len && !reader_more(r))
			return false;
		start = r->buf + r->at;
		end = memchr(start, '\n', r->len - r->at);
		if (end == NULL && !r->end && r->len - r->at <= r->most)
		{
			(void) reader_more(r);
			continue;
		}
		if (end == NULL)
			end = r->buf + r->len;
		l = (Look){.p = start, .end = end};
		skip_blanks(&l);
		if (l.p < end)
			break;
		/* nothing in it */
		r->at = Min(end + 1 - r->buf, r->len);
		r->line += r->line > 0;
	}
	if (end - start > r->most)
	{
		row->fault = (Complaint){0};
		complain(&row->fault, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "a row has more than max_row_bytes, %zu bytes", r->most);
		/* where it ends is not known */
		row->fatal = true;
	}
	else if (!take_object(j, &l, row))
		blame(row, &l, l.wrong ? l.p : start);
	else
	{
		skip_blanks(&l);
		if (l.p < end && row->fault.sqlstate == 0)
			blame(row, &(Look){.p = l.p, .end = end, .wrong = "something after the object"}, l.p);
	}
	finish_row(j, row, start, end > start && end[-1] == '\r' ? end - 1 : end, Min(end + 1, r->buf + r->len));
	r->line += r->line > 0;
	return true;
}

/* -- an array -- */

static void
count_lines(Reader *r, const char *from, const char *to)
{
	if (r->line == 0)
		return;
	while ((from = memchr(from, '\n', to - from)) != NULL)
	{
		r->line++;
		from++;
	}
}

/* What was taken stays taken: the window goes on there */
static void
pass(JsonRows *j, const Look *l)
{
	count_lines(j->r, j->r->buf + j->r->at, l->p);
	j->r->at = l->p - j->r->buf;
}

static void
broken(JsonRows *j, Row *row, const Look *l)
{
	const char *at = l->wrong ? l->p : j->r->buf + j->r->at;

	blame(row, l, at);
	row->fatal = true;
	row->position = j->r->base + (at - j->r->buf);
	row->line = j->r->line;
	row->text = at;
	row->len = Min(l->end - at, 4096);
	j->finished = true;
}

/* More of the window, if what failed only ended too early; false: it is broken */
static bool
more_for(JsonRows *j, Row *row, const Look *l)
{
	if (l->wrong == NULL && !j->r->end && j->r->len - j->r->at <= j->r->most)
	{
		(void) reader_more(j->r);
		return true;
	}
	if (l->wrong == NULL && !j->r->end)
	{
		Look too_long = *l;

		too_long.wrong = "a value longer than max_row_bytes";
		broken(j, row, &too_long);
	}
	else
		broken(j, row, l);
	return false;
}

/* From the beginning of the document to where its array begins: past the members before, each a step of its own */
static bool
open_array(JsonRows *j, Row *row)
{
	int depth = 0;
	bool inside = false; /* a member was passed: a comma follows */

	for (;;)
	{
		Look l = {.p = j->r->buf + j->r->at, .end = j->r->buf + j->r->len};
		Field name;
		Field value;
		bool good;

		skip_blanks(&l);
		/* nothing at all is no document, and no row */
		if (l.p >= l.end && j->r->end && depth == 0 && !inside)
		{
			j->finished = true;
			return false;
		}
		if (l.p >= l.end)
			good = ended(&l);
		else if (depth == j->npath)
		{
			j->array = *l.p == '[';
			j->opened = true;
			l.p += j->array;
			pass(j, &l);
			return true;
		}
		else if (!inside && *l.p != '{')
			good = wrong(&l, "no object where the array should be in one");
		else if (inside && *l.p != ',')
			good = wrong(&l, *l.p == '}' ? "no member of the name that option records has" : "no comma");
		else
		{
			l.p++;
			good = take_name(&l, &name);
			if (good && name.len == (int) strlen(j->path[depth]) && memcmp(name.p, j->path[depth], name.len) == 0)
			{
				depth++;
				inside = false;
				pass(j, &l);
				continue;
			}
			good = good && take_value(&l, &value);
			if (good)
			{
				inside = true;
				pass(j, &l);
				continue;
			}
		}
		if (!good && !more_for(j, row, &l))
			return false;
	}
}

/* Behind the array: what closes the objects around it, and nothing more.  False: it is broken. */
static bool
close_array(JsonRows *j, Row *row)
{
	int depth = j->array ? j->npath : 0;

	for (;;)
	{
		Look l = {.p = j->r->buf + j->r->at, .end = j->r->buf + j->r->len};
		Field name;
		Field value;
		bool good;

		skip_blanks(&l);
		if (l.p >= l.end && depth == 0 && j->r->end)
		{
			j->finished = true;
			return true;
		}
		if (l.p >= l.end)
			good = ended(&l);
		else if (depth == 0)
			good = wrong(&l, "something after the document");
		else if (*l.p == '}')
		{
			l.p++;
			depth--;
			good = true;
		}
		else if (*l.p == ',')
		{
			l.p++;
			good = take_name(&l, &name) && take_value(&l, &value);
		}
		else
			good = wrong(&l, "neither a comma nor the end of an object");
		if (good)
			pass(j, &l);
		else if (depth == 0 && l.wrong == NULL && !j->r->end)
			(void) reader_more(j->r);
		else if (!more_for(j, row, &l))
			return false;
	}
}

static bool
next_element(JsonRows *j, Row *row)
{
	Reader *r = j->r;

	if (!j->opened)
	{
		row->fault = (Complaint){0};
		row->fatal = false;
		if (!open_array(j, row))
			return row->fault.sqlstate != 0;
	}
	for (;;)
	{
		Look l = {.p = r->buf + r->at, .end = r->buf + r->len};
		const char *start;
		const char *next;

		skip_blanks(&l);
		if (l.p >= l.end)
		{
			if (!j->array && r->end)
				return false;
			pass(j, &l);
			if (!reader_more(r) && j->array)
			{
				broken(j, row, &(Look){.p = r->buf + r->len, .end = r->buf + r->len});
				return true;
			}
			continue;
		}
		if (j->array && *l.p == ']')
		{
			l.p++;
			pass(j, &l);
			return !close_array(j, row);
		}
		if (j->array && !j->first)
		{
			if (*l.p != ',')
			{
				l.wrong = "neither a comma nor the end of the array";
				broken(j, row, &l);
				return true;
			}
			l.p++;
			skip_blanks(&l);
		}
		start = l.p;
		if (!take_object(j, &l, row))
		{
			/* the comma is looked at again */
			if (more_for(j, row, &l))
				continue;
			return true;
		}
		next = l.p;
		l.p = start;
		pass(j, &l);
		j->first = false;
		finish_row(j, row, start, next, next);
		count_lines(r, start, next);
		return true;
	}
}

bool
json_next(JsonRows *j, Row *row)
{
	row->fatal = false;
	if (j->lines)
		return next_line(j, row);
	return j->finished ? false : next_element(j, row);
}

/* -- texts -- */

static unsigned
hex4(const char *p)
{
	unsigned n = 0;

	for (int i = 0; i < 4; i++)
		n = n * 16 + (unsigned) (IS_DIGIT(p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	return n;
}

/* A character of Unicode in the database's encoding; its bytes, or -1 */
static int
put_character(unsigned c, char *to)
{
	if (c == 0)
		return -1;
	if (c < 0x80)
	{
		*to = (char) c;
		return 1;
	}
	if (GetDatabaseEncoding() == PG_UTF8)
	{
		(void) unicode_to_utf8((pg_wchar) c, (unsigned char *) to);
		return pg_utf_mblen((unsigned char *) to);
	}
	{
		unsigned char out[MAX_UNICODE_EQUIVALENT_STRING + 1];
		int n;

		pg_unicode_to_server(c, out);
		n = (int) strlen((char *) out);
		/* an escape takes six bytes or twelve: room enough */
		memcpy(to, out, n);
		return n;
	}
}

int
json_unescape(const Field *field, char *to)
{
	const char *p = field->p;
	const char *end = p + field->len;
	char *out = to;

	while (p < end)
	{
		unsigned c;
		int n;

		if (*p != '\\')
		{
			*out++ = *p++;
			continue;
		}
		p++;
		if (*p != 'u')
		{
			*out++ = *p == 'b' ? '\b' : *p == 'f' ? '\f'
									: *p == 'n'   ? '\n'
									: *p == 'r'   ? '\r'
									: *p == 't'   ? '\t'
												  : *p;
			p++;
			continue;
		}
		c = hex4(p + 1);
		p += 5;
		if (c >= 0xd800 && c < 0xdc00)
		{
			unsigned low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2) : 0;

			if (low < 0xdc00 || low > 0xdfff)
				return -1;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			p += 6;
		}
		else if (c >= 0xdc00 && c < 0xe000)
			return -1;
		n = put_character(c, out);
		if (n < 0)
			return -1;
		out += n;
	}
	return (int) (out - to);
}
