/*
 * parquet_value.c
 *		Values of one column of a foreign table, from a Parquet file.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/stored_numeric.h"
#include "files_fdw/compat.h"
#include "files_fdw/parquet_value.h"
#include "files_fdw/parquet_nest.h"
#include "files_fdw/reader.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define STEP_BYTES 65536 /* of values that a decoder makes at once */
#define MOST_ROOM (256 * 1024)
#define BUILT_MOST INT64CONST(9999999999999999)
#define BUILT_SCALE 15

/* -- which values are made at once -- */

static bool
numeric_fits(const ParquetNode *node, int32 typmod)
{
	int precision;
	int scale;

	if (typmod < 0)
		return true;
	precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
	scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	return scale == node->scale && precision >= node->precision;
}

static bool
is_direct(const ParquetNode *node, ParquetMeaning meaning, const Converter *c)
{
	Oid type = c->type;
	bool any = c->typmod < 0;

	switch (meaning)
	{
		case MEAN_BOOL:
			return type == BOOLOID;
		case MEAN_INT:
		case MEAN_UNSIGNED:
			return type == INT2OID || type == INT4OID || type == INT8OID;
		case MEAN_FLOAT:
		case MEAN_HALF:
			return type == FLOAT4OID || type == FLOAT8OID;
		case MEAN_DOUBLE:
			return type == FLOAT8OID;
		case MEAN_DECIMAL:
			return type == NUMERICOID && numeric_fits(node, c->typmod);
		case MEAN_TEXT:
			return (type == TEXTOID || (type == VARCHAROID && any)) && !c->manner.force_null;
		case MEAN_BYTES:
			return type == BYTEAOID;
		case MEAN_UUID:
			return type == UUIDOID;
		case MEAN_DATE:
			return type == DATEOID;
		case MEAN_TIME:
			return type == TIMEOID && any;
		case MEAN_TIMESTAMP:
		case MEAN_INT96:
			return type == TIMESTAMPOID && any;
		case MEAN_TIMESTAMPTZ:
			return type == TIMESTAMPTZOID && any;
		case MEAN_INTERVAL:
			return type == INTERVALOID && any;
		default:
			return false;
	}
}

ParquetColumn *
column_new(ParquetSource *source, const ParquetMeta *meta, const ParquetNode *node, const Converter *converter,
		   size_t block)
{
	ParquetColumn *c = palloc0(sizeof(ParquetColumn));

	c->node = node;
	c->converter = converter;
	c->cut = converter->manner.cut_nanos;
	c->plain = *converter;
	c->plain.manner = (Manner){.decimal = '.', .zone = converter->manner.zone};
	c->plain.plain_numbers = true;
	c->meaning = parquet_meaning(node);
	/* bytes that nobody said to be text, in a column of texts */
	if (c->meaning == MEAN_BYTES && (converter->type == TEXTOID || converter->type == VARCHAROID))
		c->meaning = MEAN_TEXT;
	/* and sixteen of them in one of numbers that are drawn */
	else if (c->meaning == MEAN_BYTES && converter->type == UUIDOID && node->type == PARQUET_FIXED && node->length == 16)
		c->meaning = MEAN_UUID;
	c->direct = is_direct(node, c->meaning, converter);
	c->context = CurrentMemoryContext;
	c->batch = AllocSetContextCreate(c->context, "parquet values", ALLOCSET_DEFAULT_SIZES);
	c->kept = AllocSetContextCreate(c->context, "parquet dictionary", ALLOCSET_DEFAULT_SIZES);
	c->arena.hold = c->context;
	c->arena.context = AllocSetContextCreate(c->context, "parquet value", ALLOCSET_SMALL_SIZES);
	c->recoder = recoder_new(PG_UTF8);
	c->values = palloc0(sizeof(Datum) * LEAF_STEP);
	c->states = palloc0(LEAF_STEP);
	c->slots = palloc0(sizeof(int) * LEAF_STEP);
	c->made = palloc0(sizeof(Datum) * LEAF_STEP);
	c->made_states = palloc0(LEAF_STEP);
	c->dictionary = -1;
	if (c->meaning == MEAN_NESTED)
		c->nest = nest_new(source, meta, node, block, c->cut);
	else
		c->leaf = leaf_new(source, meta, node->leaf, block, STEP_BYTES);
	return c;
}

void
column_group(ParquetColumn *c, int group, const ParquetChunk *chunks)
{
	const ParquetGroup *g = c->nest ? NULL : &c->leaf->meta->groups[group];

	if (c->nest)
	{
		nest_group(c->nest, group, chunks, -1);
		c->from = c->to = 0;
		return;
	}
	leaf_group(c->leaf, group, &chunks[c->node->leaf]);
	c->from = c->to = g->first;
	c->end = g->first + g->rows;
}

/* -- making values -- */

/* Memory of values: of those of a step the one that the last step had */
static char *
room_for(ParquetColumn *c, size_t size, MemoryContext context)
{
	if (context != c->batch || size > MOST_ROOM)
		return MemoryContextAllocHuge(context, Max(size, 1));
	if (size > c->room_size || c->room == NULL)
	{
		if (c->room)
			pfree(c->room);
		c->room = NULL;
		c->room_size = Max(size, LEAF_STEP * sizeof(Datum));
		c->room = MemoryContextAlloc(c->context, c->room_size);
	}
	return c->room;
}

static void
make_integers(const ParquetColumn *c, ParquetValues v, int n, Datum *out, uint8 *states)
{
	bool narrow = c->node->type == PARQUET_INT32;
	bool is_unsigned = c->meaning == MEAN_UNSIGNED;
	Oid type = c->converter->type;

	if (type == INT8OID && !is_unsigned)
	{
		for (int i = 0; i < n; i++)
			out[i] = Int64GetDatum(narrow ? v.i32[i] : v.i64[i]);
		return;
	}
	if (type == INT4OID && narrow && !is_unsigned)
	{
		for (int i = 0; i < n; i++)
			out[i] = Int32GetDatum(v.i32[i]);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		int64 x = narrow ? (is_unsigned ? (int64) (uint32) v.i32[i] : v.i32[i]) : v.i64[i];
		bool fits = !is_unsigned || x >= 0;

		if (type == INT2OID)
			fits &= x >= PG_INT16_MIN && x <= PG_INT16_MAX;
		else if (type == INT4OID)
			fits &= x >= PG_INT32_MIN && x <= PG_INT32_MAX;
		out[i] = type == INT2OID ? Int16GetDatum((int16) x) : type == INT4OID ? Int32GetDatum((int32) x)
																			  : Int64GetDatum(x);
		states[i] = fits ? VALUE_FINE : VALUE_RANGE;
	}
}

static void
make_floats(const ParquetColumn *c, ParquetValues v, int n, Datum *out)
{
	bool wide = c->converter->type == FLOAT8OID;

	for (int i = 0; i < n; i++)
	{
		if (c->meaning == MEAN_DOUBLE)
			out[i] = Float8GetDatum(v.doubles[i]);
		else
		{
			ParquetValue value = {.bytes = c->meaning == MEAN_HALF ? v.slices[i] : (Slice){0}};
			float f = c->meaning == MEAN_HALF ? parquet_half(&value) : v.floats[i];

			out[i] = wide ? Float8GetDatum((double) f) : Float4GetDatum(f);
		}
	}
}

static uint64
ten_to(int n)
{
	uint64 power = 1;

	while (n-- > 0)
		power *= 10;
	return power;
}

/* The rare ones: of more digits than are built here */
static Datum
numeric_by_text(const ParquetNode *node, const ParquetValue *value)
{
	StringInfoData text;

	initStringInfo(&text);
	parquet_value_text(node, value, &text);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text.data), ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

static uint8
big_numeric(const ParquetNode *node, const ParquetValue *value, Datum *out)
{
	int64 unscaled;
	bool small;

	if (node->type >= PARQUET_BYTE_ARRAY && value->bytes.len > PARQUET_DECIMAL_BYTES)
		return VALUE_RANGE;
	small = parquet_small_decimal(node, value, &unscaled);
	if (small && node->precision <= 18 &&
		(unscaled < 0 ? 0 - (uint64) unscaled : (uint64) unscaled) >= ten_to(node->precision))
		return VALUE_RANGE;
	*out = numeric_by_text(node, value);
	if (!small || node->precision <= 19)
	{
		/* as many digits as it says, and no more */
		StringInfoData text;
		int digits = 0;
		bool begun = false;

		initStringInfo(&text);
		parquet_value_text(node, value, &text);
		for (const char *p = text.data; *p; p++)
		{
			begun |= *p >= '1' && *p <= '9';
			digits += begun && *p != '.';
		}
		if (digits > node->precision)
			return VALUE_RANGE;
	}
	return VALUE_FINE;
}

static void
make_numerics(ParquetColumn *c, ParquetValues v, int n, MemoryContext context, Datum *out, uint8 *states)
{
	const ParquetNode *node = c->node;
	size_t size = MAXALIGN(BUILT_SIZE);
	char *room = room_for(c, size * n, context);
	uint64 limit = node->scale > BUILT_SCALE ? 0
				   : node->precision < 16    ? ten_to(node->precision)
											 : (uint64) BUILT_MOST + 1;
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int i = 0; i < n; i++)
	{
		ParquetValue value;
		int64 unscaled;
		uint64 magnitude;
		bool small = true;

		if (node->type == PARQUET_INT32)
			unscaled = v.i32[i];
		else if (node->type == PARQUET_INT64)
			unscaled = v.i64[i];
		else
		{
			parquet_value_at(node, v, i, &value);
			small = parquet_small_decimal(node, &value, &unscaled);
		}
		magnitude = unscaled < 0 ? 0 - (uint64) unscaled : (uint64) unscaled;
		if (small && magnitude < limit)
			out[i] = build_numeric(room + size * i, magnitude, unscaled < 0, node->scale);
		else
		{
			parquet_value_at(node, v, i, &value);
			states[i] = big_numeric(node, &value, &out[i]);
		}
	}
	MemoryContextSwitchTo(old);
}

/* Eight bytes, none of which is NUL or beyond ASCII */
static inline bool
is_plain_word(uint64 word)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);

	return (((word - ones) | word) & (ones << 7)) == 0;
}

/* Mostly texts are ASCII, which is the same in all encodings of a server */
static inline bool
is_text(const char *p, uint32 len)
{
	uint32 i = 0;
	uint64 word = UINT64CONST(0x2020202020202020);

	for (; i + 8 <= len; i += 8)
	{
		memcpy(&word, p + i, 8);
		if (!is_plain_word(word))
			break;
	}
	if (i + 8 > len)
	{
		/* the last eight, or all that there are */
		if (len >= 8)
			memcpy(&word, p + len - 8, 8);
		else
			for (; i < len; i++)
				word = word << 8 | (uint8) p[i];
		if (is_plain_word(word))
			return true;
	}
	return pg_encoding_verifymbstr(GetDatabaseEncoding(), p, (int) len) == (int) len;
}

/* Do the lengths of values stand before them, in memory that is the leaf's and of which nobody will ask again? */
static bool
has_lengths(const ParquetColumn *c, MemoryContext context)
{
	return c->leaf && c->node->type == PARQUET_BYTE_ARRAY &&
		   (context == c->kept || c->leaf->decoder.encoding == PARQUET_PLAIN);
}

static size_t
bytes_of(const Slice *slices, int n)
{
	size_t size = 0;

	for (int i = 0; i < n; i++)
		size += MAXALIGN(slices[i].len + VARHDRSZ);
	return size;
}

/* The short head of a value takes the last byte of its length, and then the value is made where it stands */
static inline Datum
text_in_place(Slice slice)
{
	char *head = unconstify(char *, slice.p) - VARHDRSZ_SHORT;

	SET_VARSIZE_SHORT(head, slice.len + VARHDRSZ_SHORT);
	return PointerGetDatum(head);
}

static void
make_texts(ParquetColumn *c, ParquetValues v, int n, MemoryContext context, Datum *out, uint8 *states)
{
	bool bytes = c->meaning == MEAN_BYTES;
	bool in_place = has_lengths(c, context);
	char *room = NULL;

	if (c->recoder && !bytes)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		for (int i = 0; i < n; i++)
		{
			size_t len;
			char *text = recode_whole(c->recoder, v.slices[i].p, v.slices[i].len, &len);

			states[i] = text && memchr(text, '\0', len) == NULL ? VALUE_FINE : VALUE_TEXT;
			out[i] = text ? PointerGetDatum(cstring_to_text_with_len(text, (int) len)) : (Datum) 0;
			if (text)
				pfree(text);
		}
		MemoryContextSwitchTo(old);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		uint32 len = v.slices[i].len;

		if (!bytes && !is_text(v.slices[i].p, len))
			states[i] = VALUE_TEXT;
		if (in_place && len <= VARATT_SHORT_MAX - VARHDRSZ_SHORT)
		{
			out[i] = text_in_place(v.slices[i]);
			continue;
		}
		/* of all that are left */
		if (room == NULL)
			room = room_for(c, bytes_of(v.slices + i, n - i), context);
		SET_VARSIZE(room, len + VARHDRSZ);
		memcpy(VARDATA(room), v.slices[i].p, len);
		out[i] = PointerGetDatum(room);
		room += MAXALIGN(len + VARHDRSZ);
	}
}

static void
make_moments(const ParquetColumn *c, ParquetValues v, int n, Datum *out, uint8 *states)
{
	/* the usual one */
	if (c->meaning != MEAN_DATE && c->meaning != MEAN_TIME && c->node->type == PARQUET_INT64 &&
		c->node->unit == PARQUET_MICROS)
	{
		for (int i = 0; i < n; i++)
		{
			int64 stamp = (int64) ((uint64) v.i64[i] - (uint64) PARQUET_EPOCH_MICROS);

			out[i] = TimestampGetDatum(stamp);
			states[i] = IS_VALID_TIMESTAMP(stamp) && v.i64[i] >= stamp ? VALUE_FINE : VALUE_MOMENT;
		}
		return;
	}
	for (int i = 0; i < n; i++)
	{
		ParquetValue value;
		int32 date = 0;
		int64 moment = 0;

		parquet_value_at(c->node, v, i, &value);
		if (c->meaning == MEAN_DATE)
		{
			states[i] = parquet_date(&value, &date);
			out[i] = DateADTGetDatum(date);
			continue;
		}
		states[i] = c->meaning == MEAN_TIME ? parquet_time(c->node, &value, c->cut, &moment)
											: parquet_stamp(c->node, &value, c->cut, &moment);
		out[i] = Int64GetDatum(moment);
	}
}

static void
make_fixed(ParquetColumn *c, ParquetValues v, int n, MemoryContext context, Datum *out, uint8 *states)
{
	bool uuid = c->meaning == MEAN_UUID;
	size_t size = MAXALIGN(uuid ? UUID_LEN : sizeof(Interval));
	char *room = room_for(c, size * n, context);

	for (int i = 0; i < n; i++, room += size)
	{
		const char *p = v.slices[i].p;

		out[i] = PointerGetDatum(room);
		if (uuid)
			memcpy(room, p, UUID_LEN);
		else
		{
			Interval *interval = (Interval *) room;
			uint32 parts[3];

			memcpy(parts, p, sizeof(parts));
			for (int k = 0; k < 3; k++)
				parts[k] = le32toh(parts[k]);
			*interval = (Interval){(TimeOffset) parts[2] * 1000, (int32) parts[1], (int32) parts[0]};
			if (parts[0] > PG_INT32_MAX - 1 || parts[1] > PG_INT32_MAX - 1)
				states[i] = VALUE_RANGE;
		}
	}
}

static void
make_values(ParquetColumn *c, ParquetValues v, int n, MemoryContext context, Datum *out, uint8 *states)
{
	memset(states, VALUE_FINE, n);
	switch (c->meaning)
	{
		case MEAN_BOOL:
			for (int i = 0; i < n; i++)
				out[i] = BoolGetDatum(v.truths[i] != 0);
			break;
		case MEAN_INT:
		case MEAN_UNSIGNED:
			make_integers(c, v, n, out, states);
			break;
		case MEAN_FLOAT:
		case MEAN_HALF:
		case MEAN_DOUBLE:
			make_floats(c, v, n, out);
			break;
		case MEAN_DECIMAL:
			make_numerics(c, v, n, context, out, states);
			break;
		case MEAN_TEXT:
		case MEAN_BYTES:
			make_texts(c, v, n, context, out, states);
			break;
		case MEAN_UUID:
		case MEAN_INTERVAL:
			make_fixed(c, v, n, context, out, states);
			break;
		default:
			make_moments(c, v, n, out, states);
			break;
	}
}

static uint8
worst_of(const uint8 *states, int n)
{
	uint8 worst = VALUE_FINE;

	for (int i = 0; i < n; i++)
		worst = Max(worst, states[i]);
	return worst;
}

/* Each value of a dictionary is made once */
static void
make_dictionary(ParquetColumn *c)
{
	ParquetLeaf *l = c->leaf;
	MemoryContext old;

	if (c->dictionary == l->dictionaries)
		return;
	MemoryContextReset(c->kept);
	old = MemoryContextSwitchTo(c->kept);
	c->words = MemoryContextAllocHuge(c->kept, sizeof(Datum) * Max(l->ndictionary, 1));
	c->word_states = MemoryContextAllocHuge(c->kept, Max(l->ndictionary, 1));
	MemoryContextSwitchTo(old);
	make_values(c, l->dictionary, l->ndictionary, c->kept, c->words, c->word_states);
	c->words_fine = worst_of(c->word_states, l->ndictionary) == VALUE_FINE;
	c->dictionary = l->dictionaries;
}

/* The leaf's values are there; those of a dictionary are looked up */
static void
take_made(ParquetColumn *c, Datum *out, uint8 *states)
{
	const ParquetLeaf *l = c->leaf;
	const uint32 *index = l->index;
	const Datum *words;
	int n = l->nvalues;

	if (!l->by_index)
	{
		make_values(c, l->values, n, c->batch, out, states);
		return;
	}
	make_dictionary(c);
	words = c->words;
	for (int i = 0; i < n; i++)
		out[i] = words[index[i]];
	if (c->words_fine)
		memset(states, VALUE_FINE, n);
	else
		for (int i = 0; i < n; i++)
			states[i] = c->word_states[index[i]];
}

/* What the leaf gave, spread over rows some of which have none */
static void
spread(ParquetColumn *c)
{
	const uint8 *levels = c->leaf->def_levels;
	uint8 full = (uint8) c->node->def;
	uint8 none = c->plain.base != c->plain.type ? VALUE_LATER : VALUE_NULL;
	Datum *values = c->values;
	const Datum *made = c->made;
	uint8 *states = c->states;
	const uint8 *made_states = c->made_states;
	int *slots = c->slots;
	int n = c->leaf->n;
	int slot = 0;

	for (int i = 0; i < n; i++)
	{
		bool there = levels[i] == full;

		/* behind the last value there may be none, but room */
		values[i] = there ? made[slot] : (Datum) 0;
		states[i] = there ? made_states[slot] : none;
		slots[i] = there ? slot : -1;
		slot += there;
	}
}

void
column_fill(ParquetColumn *c, int64 row)
{
	ParquetLeaf *l = c->leaf;
	Datum *values;
	uint8 *states;

	/* of a nested column a row at a time */
	if (c->nest)
	{
		c->from = row;
		c->to = row + 1;
		c->states[0] = c->worst = VALUE_LATER;
		return;
	}
	if (row > c->to)
		leaf_skip(l, row - c->to);
	MemoryContextReset(c->batch);
	if (!leaf_next(l, (int) Min(c->end - row, LEAF_STEP)))
		leaf_damaged(l, "there are fewer values than rows");
	c->from = row;
	c->to = row + l->n;
	/* without nulls they stand where they belong */
	c->dense = l->nvalues == l->n;
	values = c->dense ? c->values : c->made;
	states = c->dense ? c->states : c->made_states;
	if (c->direct)
		take_made(c, values, states);
	else
	{
		memset(values, 0, sizeof(Datum) * l->nvalues);
		memset(states, VALUE_LATER, l->nvalues);
	}
	if (!c->dense)
		spread(c);
	c->worst = worst_of(c->states, l->n);
}

/* -- values one by one -- */

/* Which of the leaf's values a row has; -1: none */
static int
slot_of(const ParquetColumn *c, int64 row)
{
	return c->dense ? (int) (row - c->from) : c->slots[row - c->from];
}

static void
value_of(const ParquetColumn *c, int slot, ParquetValue *value)
{
	const ParquetLeaf *l = c->leaf;

	if (l->by_index)
		parquet_value_at(c->node, l->dictionary, (int) l->index[slot], value);
	else
		parquet_value_at(c->node, l->values, slot, value);
}

/* Its text; of texts that are none, their bytes */
static void
text_of(const ParquetColumn *c, const ParquetValue *value, StringInfo out)
{
	if (c->meaning == MEAN_TEXT)
		appendBinaryStringInfo(out, value->bytes.p, (int) value->bytes.len);
	else
		parquet_value_text(c->node, value, out);
}

static bool
say_why(const ParquetColumn *c, ValueState state, const ParquetValue *value, Complaint *complaint)
{
	MemoryContext old = MemoryContextSwitchTo(c->arena.context);
	StringInfoData text;

	initStringInfo(&text);
	text_of(c, value, &text);
	MemoryContextSwitchTo(old);
	complaint->column = c->converter->name;
	complaint->value = text.data;
	complaint->len = text.len;
	switch (state)
	{
		case VALUE_TEXT:
		{
			int good = c->recoder ? 0 : pg_encoding_verifymbstr(GetDatabaseEncoding(), text.data, text.len);

			if (c->recoder)
				return complain(complaint, ERRCODE_UNTRANSLATABLE_CHARACTER,
								"the text is not valid UTF-8, or has characters that encoding %s does not have",
								GetDatabaseEncodingName());
			return complain_bytes(complaint, text.data + good, text.len - good);
		}
		case VALUE_NANOS:
			return complain(complaint, ERRCODE_DATETIME_FIELD_OVERFLOW,
							"the time is finer than a microsecond (option nanos)");
		case VALUE_MOMENT:
			return complain(complaint, ERRCODE_DATETIME_FIELD_OVERFLOW, "value out of range for type %s",
							c->converter->type_name);
		default:
			return complain(complaint, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range for type %s",
							c->converter->type_name);
	}
}

/* By the text that the value has: a JSON text stands as it is */
static bool
by_text(ParquetColumn *c, const Converter *converter, const char *p, size_t len, bool soft, Datum *value, bool *isnull,
		Complaint *complaint)
{
	bool json = converter->base == JSONBOID || converter->base == JSONOID;
	Field field = {.p = len > 0 || !json ? p : " ", .len = len > 0 || !json ? (int) len : 1};

	field.flags = json ? FIELD_RAW : FIELD_QUOTED;
	arena_reset(&c->arena, len + 1, 2);
	return convert_field(converter, NULL, &field, &c->arena, soft, value, isnull, complaint);
}

static bool
late_flat(ParquetColumn *c, int slot, bool soft, Datum *value, bool *isnull, Complaint *complaint)
{
	bool text = c->meaning == MEAN_TEXT || c->meaning == MEAN_JSON;
	ParquetValue v;
	StringInfoData out;
	MemoryContext old;

	if (slot < 0)
	{
		Field field = {.p = "", .len = 0};

		/* a domain may not take it */
		return convert_field(&c->plain, NULL, &field, &c->arena, soft, value, isnull, complaint);
	}
	value_of(c, slot, &v);
	if (text && c->recoder == NULL)
	{
		if (!is_text(v.bytes.p, v.bytes.len))
			return say_why(c, VALUE_TEXT, &v, complaint);
		return by_text(c, c->converter, v.bytes.p, v.bytes.len, soft, value, isnull, complaint);
	}
	old = MemoryContextSwitchTo(c->arena.context);
	if (text)
	{
		size_t len;
		char *p = recode_whole(c->recoder, v.bytes.p, v.bytes.len, &len);

		MemoryContextSwitchTo(old);
		if (p == NULL || memchr(p, '\0', len) != NULL)
			return say_why(c, VALUE_TEXT, &v, complaint);
		return by_text(c, c->converter, p, len, soft, value, isnull, complaint);
	}
	initStringInfo(&out);
	parquet_value_text(c->node, &v, &out);
	MemoryContextSwitchTo(old);
	return by_text(c, &c->plain, out.data, out.len, soft, value, isnull, complaint);
}

static bool
late_nested(ParquetColumn *c, int64 row, bool soft, Datum *value, bool *isnull, Complaint *complaint)
{
	MemoryContext old = MemoryContextSwitchTo(c->arena.context);
	bool good = nest_value(c->nest, row, value, isnull, complaint);
	char *text;

	if (!good)
		complaint->column = c->converter->name;
	if (!good || (*isnull && c->plain.base == c->plain.type) || (c->converter->type == JSONBOID && !*isnull))
	{
		MemoryContextSwitchTo(old);
		return good;
	}
	if (*isnull)
	{
		Field field = {.p = "", .len = 0};

		MemoryContextSwitchTo(old);
		return convert_field(&c->plain, NULL, &field, &c->arena, soft, value, isnull, complaint);
	}
	text = JsonbToCString(NULL, &DatumGetJsonbP(*value)->root, -1);
	MemoryContextSwitchTo(old);
	return by_text(c, &c->plain, text, strlen(text), soft, value, isnull, complaint);
}

bool
column_late(ParquetColumn *c, int64 row, bool soft, Datum *value, bool *isnull, Complaint *complaint)
{
	ValueState state = c->states[row - c->from];
	ParquetValue v;

	/* the value of the row before goes */
	MemoryContextReset(c->arena.context);
	*isnull = false;
	if (c->nest)
		return late_nested(c, row, soft, value, isnull, complaint);
	if (state == VALUE_LATER)
		return late_flat(c, slot_of(c, row), soft, value, isnull, complaint);
	value_of(c, slot_of(c, row), &v);
	return say_why(c, state, &v, complaint);
}

char *
column_text(ParquetColumn *c, int64 row)
{
	StringInfoData out;
	ParquetValue v;
	int slot;

	if (c->nest)
		return NULL;
	/* nobody has asked for this column's value of the row yet */
	if (row >= c->to)
		column_fill(c, row);
	if (row < c->from || (slot = slot_of(c, row)) < 0)
		return NULL;
	value_of(c, slot, &v);
	initStringInfo(&out);
	text_of(c, &v, &out);
	return out.data;
}

/* -- statistics -- */

bool
column_stat(const ParquetNode *node, const Converter *converter, const char *p, int len, Datum *value)
{
	ParquetColumn c = {.node = node, .converter = converter, .cut = true, .meaning = parquet_meaning(node)};
	ValueDecoder d = {.most = STEP_BYTES};
	union
	{
		int64 number;
		Slice slice;
	} room;
	ParquetValues values = {.any = &room};
	uint8 state;

	if (!is_direct(node, c.meaning, converter))
		return false;
	if (node->type == PARQUET_BYTE_ARRAY)
		room.slice = (Slice){p, (uint32) len};
	else
	{
		values_begin(&d, node->type, node->length, PARQUET_PLAIN, (const uint8 *) p, len, 1);
		if (values_read(&d, values, 1) != 1 || d.at != d.end + (node->type == PARQUET_BOOLEAN ? -len : 0))
			return false;
	}
	make_values(&c, values, 1, CurrentMemoryContext, value, &state);
	return state == VALUE_FINE;
}
