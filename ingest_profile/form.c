/*
 * form.c
 *		The stored form of a sketch, and the whole one that processes hand to each other.
 *
 * Bytes in an order of their own, so that it is the same on every platform;
 * the type by its name, so that it can be read in another database; version
 * and checksum, so that what cannot be read is refused.
 *
 * The stored form takes at most 64 kB and leaves out what is rare.  The whole
 * one leaves out nothing, so that a plan does not show in the figures; it is
 * read by who works for the same statement and by nobody else.
 */
#include "postgres.h"

#include "ingest_profile/compat.h"
#include "ingest_profile/sketch.h"
#include "mb/pg_wchar.h"
#include "port/pg_crc32c.h"
#include "utils/memutils.h"

#define MAGIC0 'P'
#define MAGIC1 'S'
#define MAGIC1_WHOLE 'W'
/* 1: other hashes of numerics and bytes; 2: rounded sums of floats, 48 shapes at most, some of them estimates; 3: '' and '0' had one hash */
#define VERSION 4
#define HEAD_BYTES 3
#define CHECK_BYTES 4

/* A sketch stays below 64 kB: texts of values take what is left of it, and no more than so much */
#define MOST_BYTES 65000
#define EXACT_TEXT_BYTES 24576
#define COUNTER_TEXT_BYTES 12288

#define SINGLE_PRECISION 0x40 /* beside the class */

static pg_crc32c
checksum(const char *data, Size len)
{
	pg_crc32c crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, len);
	FIN_CRC32C(crc);
	return crc;
}

/* -- the set -- */

#define ENTRY_TEXT 1
#define ENTRY_CUT 2
#define ENTRY_SCALED 4

/* Is a numeric's text its key with so many decimals? */
static bool
find_scale(const Entry *e, int *scale)
{
	char text[DECIMAL_BYTES];
	const char *point;
	int len;

	*scale = e->scale;
	if (e->scaled)
		return true;
	if (e->value == NULL || e->cut)
		return false;
	point = memchr(e->value, '.', e->value_len);
	*scale = point ? e->value_len - (int) (point - e->value) - 1 : 0;
	len = decimal_text(e->key, *scale, text);
	return len == e->value_len && memcmp(text, e->value, len) == 0;
}

static void
write_entry(StringInfo out, const Sketch *s, const Entry *e, int64 less, bool with_value)
{
	int scale = 0;
	bool scaled = s->type.class == CLASS_NUMERIC && find_scale(e, &scale);

	if (class_key_is_value(s->type.class))
		put_signed(out, e->key);
	else
	{
		put_word(out, e->hash >> HASH_SHIFT, 6);
		if (s->type.class == CLASS_NUMERIC)
			put_signed(out, e->key);
	}
	put_count(out, e->count - less);
	if (s->kll)
		put_count(out, e->unranked);
	if (class_key_is_value(s->type.class))
		return;
	with_value = with_value && e->value != NULL && !scaled;
	put_byte(out, (with_value ? ENTRY_TEXT : 0) | (e->cut ? ENTRY_CUT : 0) | (scaled ? ENTRY_SCALED : 0));
	if (scaled)
		put_byte(out, scale);
	if (with_value)
		put_text(out, e->value, e->value_len);
}

/* What is stored of the set: all values while they are few, else the most frequent ones */
typedef struct StoredSet
{
	Entry **entries;
	int n;
	int64 less; /* so much less of each than was counted */
} StoredSet;

static StoredSet
choose_entries(Sketch *s, bool whole)
{
	StoredSet chosen = {0};
	int n;

	chosen.entries = set_ranked(&s->set, &n);
	chosen.n = n;
	if (!s->set.exact && !whole)
	{
		int64 noise = (s->rows - s->nulls) / 4000;

		chosen.n = 0;
		while (chosen.n < Min(n, SET_STORED) && chosen.entries[chosen.n]->count > Max(noise, 1))
			chosen.n++;
		if (chosen.n < n)
			chosen.less = chosen.entries[chosen.n]->count;
		while (chosen.n > 0 && chosen.entries[chosen.n - 1]->count <= chosen.less)
			chosen.n--;
		for (int i = chosen.n; i < n; i++)
			sketch_rank_entry(s, chosen.entries[i]);
	}
	return chosen;
}

/* Texts only of the most frequent values and of those with the least hashes, which make the sample, and while there is room */
static void
write_set(StringInfo out, const Sketch *s, const StoredSet *chosen, bool whole, int room)
{
	uint64 sampled = PG_UINT64_MAX;

	if (s->set.exact && !whole && s->type.class != CLASS_NUMERIC && chosen->n > SAMPLE_VALUES)
		sampled = (PG_UINT64_MAX / chosen->n) * SAMPLE_VALUES;
	put_byte(out, s->set.exact);
	put_count(out, Min(s->set.offset + chosen->less, s->rows));
	put_count(out, chosen->n);
	for (int i = 0; i < chosen->n; i++)
	{
		const Entry *e = chosen->entries[i];
		bool with_value = whole || (room >= e->value_len && (!s->set.exact || i < SAMPLE_VALUES || e->hash <= sampled));

		write_entry(out, s, e, chosen->less, with_value);
		room -= with_value ? e->value_len : 0;
	}
}

static void
read_entry(Reader *in, Sketch *s, bool exact)
{
	uint64 hash = 0;
	int64 key = 0;
	Entry *e;
	unsigned marks = 0;

	if (class_key_is_value(s->type.class))
	{
		key = take_signed(in);
		hash = sketch_hash_of_key(s->type.class, key);
	}
	else
	{
		hash = take_word(in, 6) << HASH_SHIFT;
		if (s->type.class == CLASS_NUMERIC)
			key = take_signed(in);
	}
	if (hash == 0 || set_find(&s->set, hash) != NULL || (e = set_insert(&s->set, hash)) == NULL)
		report_damage();
	e->key = key;
	e->count = take_rows(in);
	if (!exact && class_has_key(s->type.class))
		e->unranked = take_rows(in);
	if (class_key_is_value(s->type.class))
		return;
	marks = take_byte(in);
	if (marks & ENTRY_SCALED)
	{
		char text[DECIMAL_BYTES];

		e->scale = take_byte(in);
		e->scaled = true;
		if (s->type.class != CLASS_NUMERIC || decimal_text(e->key, e->scale, text) == 0)
			report_damage();
	}
	if (marks & ENTRY_TEXT)
	{
		int len;
		char *text = take_string(in, VALUE_BYTES, CurrentMemoryContext, &len);

		set_keep_value(&s->set, e, text, len);
	}
	e->cut = e->cut || (marks & ENTRY_CUT);
}

static void
read_set(Reader *in, Sketch *s, bool whole)
{
	bool exact = take_byte(in) != 0;
	int n;

	s->set.offset = take_rows(in);
	n = (int) take_count_to(in, exact ? SET_EXACT : whole ? SET_COUNTERS
														  : SET_STORED);
	for (int i = 0; i < n; i++)
		read_entry(in, s, exact);
	if (!exact)
		set_make_counters(&s->set);
}

/* How many values of the sample keep their text: as many as the search for a meaning looks at */
static int
texts_of(ValueClass class)
{
	switch (class)
	{
		case CLASS_TEXT:
		case CLASS_OTHER:
			return SAMPLE_VALUES;
		case CLASS_INTEGER:
		case CLASS_NUMERIC:
		case CLASS_FLOAT:
			return SAMPLE_VALUES / 2;
		default:
			return SAMPLE_VALUES / 8;
	}
}

/* -- all of it -- */

/* Everything but the set */
static void
write_parts(StringInfo out, Sketch *s, bool whole)
{
	const ColumnType *type = &s->type;

	put_byte(out, (s->hll ? 1 : 0) | (s->kll ? 2 : 0) | (s->patterns ? 4 : 0));
	if (s->hll)
	{
		hll_write(out, s->hll);
		sample_write(out, s->sample, whole ? SAMPLE_VALUES : texts_of(type->class), whole ? PG_INT32_MAX : SAMPLE_TEXT_BYTES);
	}
	if (s->kll)
		kll_write(out, s->kll);
	if (class_has_key(type->class))
		moments_write(out, &s->moments);
	if (s->patterns)
		patterns_write(out, s->patterns, whole);
	extreme_write(out, &s->min, &s->type, whole);
	extreme_write(out, &s->max, &s->type, whole);
	if (type->class == CLASS_TEXT)
	{
		extreme_write(out, &s->shortest, &s->type, whole);
		extreme_write(out, &s->longest, &s->type, whole);
	}
}

static bytea *
write_sketch(Sketch *s, bool whole)
{
	StringInfoData out;
	StringInfoData parts;
	StoredSet chosen;
	ColumnType *type = &s->type;
	int room;

	sketch_settle(s);
	chosen = choose_entries(s, whole);
	initStringInfo(&parts);
	write_parts(&parts, s, whole);
	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	put_byte(&out, MAGIC0);
	put_byte(&out, whole ? MAGIC1_WHOLE : MAGIC1);
	put_byte(&out, VERSION);
	put_byte(&out, type->class | (type->is_real ? SINGLE_PRECISION : 0));
	put_byte(&out, GetDatabaseEncoding());
	if (whole)
	{
		put_word(&out, type->declared, 4);
		put_word(&out, type->collation, 4);
	}
	put_text(&out, type->name, strlen(type->name));
	put_text(&out, type->collation_name, strlen(type->collation_name));
	put_count(&out, s->rows);
	put_count(&out, s->nulls);
	/* an entry without its text: hash, key, two counts, a mark, a length */
	room = MOST_BYTES - out.len - parts.len - chosen.n * (6 + (type->class == CLASS_NUMERIC ? 10 : 0) + 10);
	write_set(&out, s, &chosen, whole, Min(room, s->set.exact ? EXACT_TEXT_BYTES : COUNTER_TEXT_BYTES));
	appendBinaryStringInfo(&out, parts.data, parts.len);
	put_word(&out, checksum(out.data + VARHDRSZ, out.len - VARHDRSZ), CHECK_BYTES);
	SET_VARSIZE(out.data, out.len);
	pfree(parts.data);
	pfree(chosen.entries);
	return (bytea *) out.data;
}

bytea *
sketch_write(Sketch *s)
{
	return write_sketch(s, false);
}

/* For another process of the same statement, or another state of it */
bytea *
sketch_write_whole(Sketch *s)
{
	return write_sketch(s, true);
}

/* The version of the form */
static int
check_head(const char *data, Size len, bool whole)
{
	Reader tail;

	if (len < HEAD_BYTES + CHECK_BYTES || data[0] != MAGIC0 || data[1] != (whole ? MAGIC1_WHOLE : MAGIC1))
		report_damage();
	if ((unsigned char) data[2] > VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this profile_sketch was written by a later version of ingest_profile"),
				 errdetail("Its form is version %d; this one reads up to %d.", (unsigned char) data[2], VERSION),
				 errhint("Update the extension.")));
	if (data[2] == 0)
		report_damage();
	tail.at = (const unsigned char *) data + len - CHECK_BYTES;
	tail.end = tail.at + CHECK_BYTES;
	if (take_word(&tail, CHECK_BYTES) != checksum(data, len - CHECK_BYTES))
		report_damage();
	return data[2];
}

static void
read_parts(Reader *in, Sketch *s, int version, bool whole)
{
	unsigned parts;

	read_set(in, s, whole);
	parts = take_byte(in);
	if (((parts & 1) != 0) == s->set.exact || ((parts & 2) != 0) != (!s->set.exact && class_has_key(s->type.class)))
		report_damage();
	if (parts & 1)
	{
		s->hll = MemoryContextAlloc(s->context, sizeof(Hll));
		hll_read(in, s->hll);
		s->sample = sample_read(in, s->context, version);
	}
	if (parts & 2)
		s->kll = kll_read(in, s->context);
	if (class_has_key(s->type.class))
		moments_read(in, &s->moments, s->context, version);
	if (parts & 4)
		s->patterns = patterns_read(in, s->context, version);
	else if (s->type.class == CLASS_TEXT)
		report_damage();
	extreme_read(in, &s->min, &s->type, s->context, whole);
	extreme_read(in, &s->max, &s->type, s->context, whole);
	if (s->type.class == CLASS_TEXT)
	{
		extreme_read(in, &s->shortest, &s->type, s->context, whole);
		extreme_read(in, &s->longest, &s->type, s->context, whole);
	}
	if (in->at != in->end)
		report_damage();
}

/* Did the version that wrote it take different values for one? */
static bool
is_outdated(const Sketch *s, int version)
{
	switch (s->type.class)
	{
		case CLASS_NUMERIC:
		case CLASS_BYTES:
			return version < 2;
		case CLASS_TEXT:
		case CLASS_OTHER:
			return version < 4 && set_find(&s->set, hash_integer(0)) != NULL;
		default:
			return false;
	}
}

static Sketch *
read_sketch(const char *data, Size len, MemoryContext context, bool whole)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Sketch *s = palloc0(sizeof(Sketch));
	Reader in = {0};
	unsigned class;
	int version = check_head(data, len, whole);
	int n;

	in.at = (const unsigned char *) data + HEAD_BYTES;
	in.end = (const unsigned char *) data + len - CHECK_BYTES;
	in.encoding = PG_SQL_ASCII;
	s->context = context;
	class = take_byte(&in);
	s->type.is_real = version >= 3 && class == (CLASS_FLOAT | SINGLE_PRECISION);
	if (s->type.is_real)
		class = CLASS_FLOAT;
	if (class > CLASS_LAST)
		report_damage();
	s->type.class = class;
	in.encoding = take_byte(&in);
	if (!PG_VALID_BE_ENCODING(in.encoding))
		report_damage();
	if (whole)
	{
		Oid typid = (Oid) take_word(&in, 4);
		Oid collation = (Oid) take_word(&in, 4);

		/* of a stored sketch the type may be but a name as yet */
		if (OidIsValid(typid))
			column_type_init(&s->type, typid, collation);
	}
	s->type.name = take_string(&in, 1024, context, &n);
	s->type.collation_name = take_string(&in, 1024, context, &n);
	in.rows = MOST_ROWS;
	s->rows = take_rows(&in);
	/* an estimate by strides may exceed the rows */
	in.rows = Min(s->rows, MOST_ROWS / SHAPE_STRIDE) * SHAPE_STRIDE;
	s->nulls = take_count_to(&in, s->rows);
	set_init(&s->set, context);
	read_parts(&in, s, version, whole);
	s->outdated = is_outdated(s, version);
	MemoryContextSwitchTo(old);
	return s;
}

/* A stored sketch, as a live one in the context */
Sketch *
sketch_read(const char *data, Size len, MemoryContext context)
{
	return read_sketch(data, len, context, false);
}

/* What sketch_write_whole() wrote */
Sketch *
sketch_read_whole(const char *data, Size len, MemoryContext context)
{
	return read_sketch(data, len, context, true);
}

/* Before its hashes are held against those of another one */
void
sketch_require_current(const Sketch *s)
{
	if (s->outdated)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this profile_sketch of a column of type %s was written by an earlier version of ingest_profile", s->type.name),
				 errdetail("That version took some distinct values of the type for the same one."),
				 errhint("Profile the column again.")));
}

Sketch *
sketch_of_datum(Datum value)
{
	bytea *data = (bytea *) pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));

	return sketch_read(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), CurrentMemoryContext);
}
