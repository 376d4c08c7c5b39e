/*
 * extreme.c
 *		Keeping the least and the greatest value.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "ingest_profile/compat.h"
#include "ingest_profile/extreme.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/typcache.h"

/* A "char" by its text, which is an octal number beyond ASCII, and nothing for zero */
static int
char_of_text(const char *text, int len)
{
	if (len == 4)
		return (text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0');
	return len > 0 ? (unsigned char) text[0] : 0;
}

static int
compare(const Extreme *e, ColumnType *type, const Candidate *c)
{
	switch (type->class)
	{
		case CLASS_NUMERIC:
			/* equal as doubles, or nearly: the numerics decide */
			if (!e->known || !c->known || c->key - 64 > e->key || c->key < e->key - 64)
				return c->key < e->key ? -1 : c->key > e->key;
			return DatumGetInt32(DirectFunctionCall2(numeric_cmp, c->value, e->value));
		case CLASS_TEXT:
			if (type->is_cstring_like)
				return char_of_text(c->text, c->len) - char_of_text(e->text, e->len);
			return text_compare(c->text, Min(c->len, EXTREME_BYTES), e->text, e->len, type->collation);
		case CLASS_BYTES:
		{
			int len = Min(c->len, EXTREME_BYTES);
			int order = memcmp(c->text, e->text, Min(len, e->len));

			return order != 0 ? order : len - e->len;
		}
		case CLASS_OTHER:
			if (!e->known || !c->known)
				return 0;
			return DatumGetInt32(FunctionCall2Coll(&type->compare, type->collation, c->value, e->value));
		default:
			return c->key < e->key ? -1 : c->key > e->key;
	}
}

static void
forget(Extreme *e, const ColumnType *type)
{
	if (e->text)
		pfree(e->text);
	if (e->known && !type->typbyval)
		pfree(DatumGetPointer(e->value));
	memset(e, 0, sizeof(*e));
}

/* How many bytes of a value's text are kept */
static int
bytes_of(const ColumnType *type)
{
	return type->class == CLASS_NUMERIC ? EXTREME_DIGITS : EXTREME_BYTES;
}

/* Keep a text, of so many bytes at most */
static void
take_text_of(Extreme *e, MemoryContext context, int64 key, const char *text, int len, int most)
{
	if (e->text)
		pfree(e->text);
	e->set = true;
	e->key = key;
	e->cut = len > most;
	e->len = Min(len, most);
	e->text = MemoryContextAlloc(context, e->len + 1);
	memcpy(e->text, text, e->len);
	e->text[e->len] = '\0';
}

/* Keep a text that is shorter or longer than the one kept; or as long, if its bytes come first */
void
extreme_take_length(Extreme *e, MemoryContext context, int64 length, const char *text, int len, bool cut)
{
	if (e->set && length == e->key)
	{
		int kept = Min(Min(len, e->len), EXTREME_STORED);
		int order = memcmp(text, e->text, kept);

		if (order > 0 || (order == 0 && len >= e->len))
			return;
	}
	take_text_of(e, context, length, text, len, EXTREME_BYTES);
	e->cut = e->cut || cut;
}

static void
keep(Extreme *e, ColumnType *type, MemoryContext context, const Candidate *c)
{
	MemoryContext old;

	if (class_key_is_value(type->class))
	{
		e->set = true;
		e->key = c->key;
		return;
	}
	if (type->class == CLASS_TEXT || type->class == CLASS_BYTES)
	{
		take_text_of(e, context, c->key, c->text, c->len, EXTREME_BYTES);
		return;
	}
	forget(e, type);
	old = MemoryContextSwitchTo(context);
	e->set = true;
	e->key = c->key;
	e->value = datumCopy(c->value, type->typbyval, type->typlen);
	e->known = true;
	MemoryContextSwitchTo(old);
}

/* Keep a value if it is less (wanted < 0) or greater (wanted > 0) than what is kept, and tell if so */
bool
extreme_offer(Extreme *e, ColumnType *type, MemoryContext context, const Candidate *c, int wanted)
{
	if (!e->set && e->lost)
		return false;
	if (e->set && !(wanted < 0 ? compare(e, type, c) < 0 : compare(e, type, c) > 0))
		return false;
	keep(e, type, context, c);
	return true;
}

/* The value as text; NULL if there is none */
char *
extreme_text(const Extreme *e, ColumnType *type)
{
	if (!e->set)
		return NULL;
	if (class_key_is_value(type->class))
		return text_of_key(type, e->key);
	if (type->class == CLASS_BYTES)
	{
		int n = Min(e->len, EXTREME_STORED / 2 - 1);
		char *hex = palloc(2 * n + 3);

		hex[0] = '\\';
		hex[1] = 'x';
		hex[2 + hex_encode(e->text, n, hex + 2)] = '\0';
		return hex;
	}
	if (type->class == CLASS_TEXT)
	{
		int n = pg_mbcliplen(e->text, e->len, EXTREME_STORED);

		return e->cut || n < e->len ? psprintf("%.*s...", n, e->text) : pstrdup(e->text);
	}
	if (e->known)
		return column_type_output(type, e->value);
	if (e->text == NULL)
		return NULL;
	return e->cut ? psprintf("%s...", e->text) : pstrdup(e->text);
}

/* What came from a stored form has only its text: make a value of it if that can be.  Below domains: it was one's once */
static void
revive(Extreme *e, ColumnType *type, MemoryContext context)
{
	Oid input;
	Oid param;
	MemoryContext old;

	if (e->known || e->cut || e->text == NULL || !e->set || !column_type_resolve(type, context) || !type_reads_safely(type->base))
		return;
	getTypeInputInfo(type->base, &input, &param);
	old = MemoryContextSwitchTo(context);
	e->value = OidInputFunctionCall(input, e->text, param, -1);
	e->known = true;
	MemoryContextSwitchTo(old);
}

/* Two that nobody can compare, but that look the same */
static bool
same_text(const Extreme *a, const Extreme *b)
{
	return a->set && a->text != NULL && b->text != NULL && !a->cut && !b->cut && strcmp(a->text, b->text) == 0;
}

void
extreme_merge(Extreme *into, const Extreme *from, ColumnType *type, MemoryContext context, int wanted)
{
	Extreme other = *from;
	Candidate c;

	if (into->lost || (!from->set && !from->lost))
		return;
	if (from->lost)
	{
		forget(into, type);
		into->lost = true;
		return;
	}
	if (type->class == CLASS_NUMERIC || type->class == CLASS_OTHER)
	{
		revive(&other, type, context);
		revive(into, type, context);
		if (type->class == CLASS_OTHER && into->set && !(other.known && into->known) && !same_text(into, &other))
		{
			forget(into, type);
			into->lost = true;
			return;
		}
	}
	if (type->class == CLASS_TEXT && !type->resolved)
		(void) column_type_resolve(type, context);
	c = (Candidate){.known = other.known, .key = other.key, .value = other.value, .text = other.text, .len = other.len};
	if (type->class == CLASS_OTHER && into->set && !(into->known && other.known))
		return;
	if (into->set && !(wanted < 0 ? compare(into, type, &c) < 0 : compare(into, type, &c) > 0))
		return;
	if (class_key_is_value(type->class) || type->class == CLASS_TEXT || type->class == CLASS_BYTES || other.known)
	{
		keep(into, type, context, &c);
		into->cut = into->cut || other.cut;
	}
	else
	{
		/* a numeric too long to be stored whole; or the first of a type whose values are not read here */
		forget(into, type);
		take_text_of(into, context, other.key, other.text, other.len, bytes_of(type));
		into->cut = into->cut || other.cut;
	}
}

/* -- stored form -- */

/* A value as it is, for who knows the same types; of what came from a stored form only the text is known */
static void
write_datum(StringInfo out, const Extreme *e, const ColumnType *type)
{
	put_byte(out, (e->known ? 2 : 0) | (e->cut ? 1 : 0));
	if (!e->known)
		put_text(out, e->text, e->len);
	else if (type->typbyval)
		put_word(out, DatumGetUInt64(e->value), 8);
	else
		put_text(out, DatumGetPointer(e->value), datumGetSize(e->value, false, type->typlen));
}

static void
read_datum(Reader *in, Extreme *e, const ColumnType *type, MemoryContext context)
{
	unsigned marks = take_byte(in);
	const char *bytes;
	int len;

	e->cut = (marks & 1) != 0;
	e->known = (marks & 2) != 0;
	if (!e->known)
	{
		e->text = take_string(in, MaxAllocSize, context, &e->len);
		return;
	}
	if (type->typbyval)
	{
		e->value = UInt64GetDatum(take_word(in, 8));
		return;
	}
	bytes = take_text(in, MaxAllocSize, &len);
	e->value = PointerGetDatum(memcpy(MemoryContextAlloc(context, len), bytes, len));
}

void
extreme_write(StringInfo out, const Extreme *e, ColumnType *type, bool whole)
{
	put_byte(out, e->lost ? 2 : e->set);
	if (!e->set)
		return;
	put_signed(out, e->key);
	if (class_key_is_value(type->class))
		return;
	if (type->class == CLASS_TEXT || type->class == CLASS_BYTES)
	{
		int limit = whole ? EXTREME_BYTES : EXTREME_STORED;
		int n = type->class == CLASS_TEXT ? pg_mbcliplen(e->text, e->len, limit) : Min(e->len, limit);

		put_byte(out, e->cut || n < e->len);
		put_text(out, e->text, n);
	}
	else if (whole)
		write_datum(out, e, type);
	else
	{
		char *text = e->known ? column_type_output(type, e->value) : e->text;
		int len = (int) strlen(text);
		int n = pg_mbcliplen(text, len, bytes_of(type));

		put_byte(out, (!e->known && e->cut) || n < len);
		put_text(out, text, n);
	}
}

void
extreme_read(Reader *in, Extreme *e, ColumnType *type, MemoryContext context, bool whole)
{
	unsigned marks;

	memset(e, 0, sizeof(*e));
	marks = take_byte(in);
	e->set = marks == 1;
	e->lost = marks == 2;
	if (!e->set)
		return;
	e->key = take_signed(in);
	if (class_key_is_value(type->class))
		return;
	if (whole && type->class != CLASS_BYTES && type->class != CLASS_TEXT)
	{
		read_datum(in, e, type, context);
		return;
	}
	e->cut = take_byte(in) != 0;
	if (type->class == CLASS_BYTES)
	{
		const char *bytes = take_text(in, EXTREME_BYTES, &e->len);

		e->text = MemoryContextAlloc(context, e->len + 1);
		memcpy(e->text, bytes, e->len);
		e->text[e->len] = '\0';
	}
	else
		e->text = take_string(in, bytes_of(type), context, &e->len);
}
