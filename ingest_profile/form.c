/*
 * form.c
 *		The stored form of a sketch.
 *
 * Bytes in an order of their own, so that it is the same on every platform;
 * the type by its name, so that it can be read in another database; version
 * and checksum, so that what cannot be read is refused.
 */
#include "postgres.h"

#include "ingest_profile/compat.h"
#include "ingest_profile/sketch.h"
#include "mb/pg_wchar.h"
#include "port/pg_crc32c.h"
#include "utils/memutils.h"

#define MAGIC0 'P'
#define MAGIC1 'S'
#define VERSION 2 /* 1: other hashes of numerics and bytes */
#define HEAD_BYTES 3
#define CHECK_BYTES 4

/* Texts of values in the stored form, so that a sketch stays below 64 kB */
#define EXACT_TEXT_BYTES 24576
#define COUNTER_TEXT_BYTES 12288

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

static void
write_entry(StringInfo out, const Sketch *s, const Entry *e, int64 less, bool with_value)
{
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
	with_value = with_value && e->value != NULL;
	put_byte(out, (with_value ? 1 : 0) | (e->cut ? 2 : 0));
	if (with_value)
		put_text(out, e->value, e->value_len);
}

/*
 * All values while they are few; texts only of the most frequent and of those
 * with the least hashes, which make the sample.  Else the most frequent ones.
 */
static void
write_set(StringInfo out, Sketch *s)
{
	int n;
	Entry **entries = set_ranked(&s->set, &n);
	int stored = n;
	int64 less = 0;
	uint64 sampled = PG_UINT64_MAX;
	int room = s->set.exact ? EXACT_TEXT_BYTES : COUNTER_TEXT_BYTES;

	if (s->set.exact)
	{
		if (n > SAMPLE_VALUES)
			sampled = (PG_UINT64_MAX / n) * SAMPLE_VALUES;
	}
	else
	{
		int64 noise = (s->rows - s->nulls) / 4000;

		stored = 0;
		while (stored < Min(n, SET_STORED) && entries[stored]->count > Max(noise, 1))
			stored++;
		if (stored < n)
			less = entries[stored]->count;
		while (stored > 0 && entries[stored - 1]->count <= less)
			stored--;
		for (int i = stored; i < n; i++)
			sketch_rank_entry(s, entries[i]);
	}
	put_byte(out, s->set.exact);
	put_count(out, s->set.offset + less);
	put_count(out, stored);
	for (int i = 0; i < stored; i++)
	{
		bool with_value = room > 0 && (!s->set.exact || i < SAMPLE_VALUES || entries[i]->hash <= sampled);

		write_entry(out, s, entries[i], less, with_value);
		room -= with_value ? entries[i]->value_len : 0;
	}
	pfree(entries);
}

static void
read_set(Reader *in, Sketch *s)
{
	bool exact = take_byte(in) != 0;
	int n;

	s->set.offset = take_rows(in);
	n = (int) take_count_to(in, exact ? SET_EXACT : SET_STORED);
	for (int i = 0; i < n; i++)
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
			continue;
		marks = take_byte(in);
		if (marks & 1)
		{
			int len;
			char *text = take_string(in, VALUE_BYTES, CurrentMemoryContext, &len);

			set_keep_value(&s->set, e, text, len);
		}
		e->cut = e->cut || (marks & 2);
	}
	if (!exact)
		set_relax(&s->set, NULL, NULL);
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

bytea *
sketch_write(Sketch *s)
{
	StringInfoData out;
	ColumnType *type = &s->type;

	sketch_settle(s);
	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	put_byte(&out, MAGIC0);
	put_byte(&out, MAGIC1);
	put_byte(&out, VERSION);
	put_byte(&out, type->class);
	put_byte(&out, GetDatabaseEncoding());
	put_text(&out, type->name, strlen(type->name));
	put_text(&out, type->collation_name, strlen(type->collation_name));
	put_count(&out, s->rows);
	put_count(&out, s->nulls);
	write_set(&out, s);
	put_byte(&out, (s->hll ? 1 : 0) | (s->kll ? 2 : 0) | (s->patterns ? 4 : 0));
	if (s->hll)
	{
		hll_write(&out, s->hll);
		sample_write(&out, s->sample, texts_of(type->class));
	}
	if (s->kll)
		kll_write(&out, s->kll);
	if (class_has_key(type->class))
		moments_write(&out, &s->moments);
	if (s->patterns)
		patterns_write(&out, s->patterns);
	extreme_write(&out, &s->min, type);
	extreme_write(&out, &s->max, type);
	if (type->class == CLASS_TEXT)
	{
		extreme_write(&out, &s->shortest, type);
		extreme_write(&out, &s->longest, type);
	}
	put_word(&out, checksum(out.data + VARHDRSZ, out.len - VARHDRSZ), CHECK_BYTES);
	SET_VARSIZE(out.data, out.len);
	return (bytea *) out.data;
}

/* The version of the form */
static int
check_head(const char *data, Size len)
{
	Reader tail;

	if (len < HEAD_BYTES + CHECK_BYTES || data[0] != MAGIC0 || data[1] != MAGIC1)
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
read_parts(Reader *in, Sketch *s)
{
	unsigned parts;

	read_set(in, s);
	parts = take_byte(in);
	if (((parts & 1) != 0) == s->set.exact || ((parts & 2) != 0) != (!s->set.exact && class_has_key(s->type.class)))
		report_damage();
	if (parts & 1)
	{
		s->hll = MemoryContextAlloc(s->context, sizeof(Hll));
		hll_read(in, s->hll);
		s->sample = sample_read(in, s->context);
	}
	if (parts & 2)
		s->kll = kll_read(in, s->context);
	if (class_has_key(s->type.class))
		moments_read(in, &s->moments, s->context);
	if (parts & 4)
		s->patterns = patterns_read(in, s->context);
	else if (s->type.class == CLASS_TEXT)
		report_damage();
	extreme_read(in, &s->min, &s->type, s->context);
	extreme_read(in, &s->max, &s->type, s->context);
	if (s->type.class == CLASS_TEXT)
	{
		extreme_read(in, &s->shortest, &s->type, s->context);
		extreme_read(in, &s->longest, &s->type, s->context);
	}
	if (in->at != in->end)
		report_damage();
}

/* A stored sketch, as a live one in the context */
Sketch *
sketch_read(const char *data, Size len, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Sketch *s = palloc0(sizeof(Sketch));
	Reader in = {0};
	unsigned class;
	int version = check_head(data, len);
	int n;

	in.at = (const unsigned char *) data + HEAD_BYTES;
	in.end = (const unsigned char *) data + len - CHECK_BYTES;
	in.encoding = PG_SQL_ASCII;
	s->context = context;
	class = take_byte(&in);
	if (class > CLASS_LAST)
		report_damage();
	s->type.class = class;
	s->outdated = version < 2 && (class == CLASS_NUMERIC || class == CLASS_BYTES);
	in.encoding = take_byte(&in);
	if (!PG_VALID_BE_ENCODING(in.encoding))
		report_damage();
	s->type.name = take_string(&in, 1024, context, &n);
	s->type.collation_name = take_string(&in, 1024, context, &n);
	in.rows = MOST_ROWS;
	s->rows = take_rows(&in);
	/* an estimate by strides may exceed the rows */
	in.rows = Min(s->rows, MOST_ROWS / SHAPE_STRIDE) * SHAPE_STRIDE;
	s->nulls = take_count_to(&in, s->rows);
	set_init(&s->set, context);
	read_parts(&in, s);
	MemoryContextSwitchTo(old);
	return s;
}

/* Before its hashes are held against those of another one */
void
sketch_require_current(const Sketch *s)
{
	if (s->outdated)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this profile_sketch of a column of type %s was written by an earlier version of ingest_profile", s->type.name),
				 errdetail("That version took some different values of the type for the same one."),
				 errhint("Profile the column again.")));
}

Sketch *
sketch_of_datum(Datum value)
{
	bytea *data = (bytea *) pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));

	return sketch_read(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), CurrentMemoryContext);
}
