/*
 * parquet_leaf.c
 *		The chunk of one column in one row group, page by page, in steps of a thousand entries.
 *
 * A page is there whole while it is read, unpacked where it is packed.  Sizes in its head are claims: room is made for
 * what its chunk has, and for what its codec can make of that.
 */
#include "postgres.h"

#include <zlib.h>

#include "common/attribute.h"
#include "files_fdw/parquet_codec.h"
#include "files_fdw/parquet_leaf.h"
#include "files_fdw/thrift_read.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#ifndef MOST_PAGE
#define MOST_PAGE (256 * 1024 * 1024)
#endif
#define MOST_HEAD (1024 * 1024) /* of a page: statistics may be long */
#define HEAD_BYTES 256          /* that mostly are enough for it */

typedef struct PageHead
{
	int type;
	int64 size;   /* unpacked */
	int64 packed; /* in the file */
	bool has_crc;
	uint32 crc;
	int64 values;
	int encoding;
	int def_encoding;
	int rep_encoding;
	int64 nulls; /* version 2 */
	int64 def_bytes;
	int64 rep_bytes;
	bool is_packed;
} PageHead;

void
leaf_damaged(const ParquetLeaf *l, const char *why)
{
	ParquetPlace place = {l->page_at, l->group, l->node->name};

	parquet_damaged(l->source, &place, "%s", why);
}

pg_noreturn static void
unsupported(const ParquetLeaf *l, const char *what, int number)
{
	ParquetPlace place = {l->page_at, l->group, l->node->name};

	parquet_unsupported(l->source, &place, what, number);
}

static size_t
value_size(const ParquetNode *node)
{
	switch (node->type)
	{
		case PARQUET_BOOLEAN:
			return 1;
		case PARQUET_INT32:
		case PARQUET_FLOAT:
			return 4;
		case PARQUET_INT64:
		case PARQUET_DOUBLE:
			return 8;
		default:
			return sizeof(Slice);
	}
}

ParquetLeaf *
leaf_new(ParquetSource *source, const ParquetMeta *meta, int leaf, size_t block, size_t bytes)
{
	ParquetLeaf *l = palloc0(sizeof(ParquetLeaf));

	l->source = source;
	l->meta = meta;
	l->node = &meta->nodes[meta->leaves[leaf]];
	l->context = CurrentMemoryContext;
	l->block = block;
	l->decoder.most = bytes;
	l->defs = palloc(LEAF_STEP);
	l->reps = palloc0(LEAF_STEP);
	l->room.any = palloc(value_size(l->node) * LEAF_STEP);
	l->index_room = palloc(sizeof(uint32) * LEAF_STEP);
	return l;
}

void
leaf_group(ParquetLeaf *l, int group, const ParquetChunk *chunk)
{
	/* bytes that were seen may have been written over since, where values were made in their places */
	if (chunk->start < l->chunk.start + l->chunk.length)
		l->window_n = 0;
	l->group = group;
	l->chunk = *chunk;
	l->at = l->page_at = chunk->start;
	l->seen = l->page_left = 0;
	l->levels_at = l->levels_n = 0;
	l->ndictionary = 0;
	l->n = l->nvalues = 0;
	if (parquet_codec_name(chunk->codec) == NULL)
		unsupported(l, "a column is packed with codec %d (3 is LZO, 4 is Brotli)", chunk->codec);
}

/* -- bytes of the file -- */

static size_t
chunk_left(const ParquetLeaf *l, int64 at)
{
	return (size_t) (l->chunk.start + l->chunk.length - at);
}

/* So many bytes from a place in the chunk on; it has them */
static const uint8 *
see(ParquetLeaf *l, int64 at, size_t n)
{
	size_t have;
	size_t want;

	if (at >= l->window_at && at + (int64) n <= l->window_at + (int64) l->window_n)
		return l->window + (at - l->window_at);
	want = Min(Max(n, l->block), chunk_left(l, at));
	have = at >= l->window_at && at < l->window_at + (int64) l->window_n
			   ? (size_t) (l->window_at + (int64) l->window_n - at)
			   : 0;
	if (want > l->window_room || l->window == NULL)
	{
		uint8 *wider = MemoryContextAllocHuge(l->context, Max(want, 1));

		if (have > 0)
			memcpy(wider, l->window + (at - l->window_at), have);
		if (l->window)
			pfree(l->window);
		l->window = wider;
		l->window_room = want;
	}
	else if (have > 0)
		memmove(l->window, l->window + (at - l->window_at), have);
	l->window_at = at;
	l->window_n = have;
	parquet_source_read(l->source, l->window + have, want - have, at + (int64) have);
	l->window_n = want;
	return l->window;
}

/* -- heads of pages -- */

static void
read_data_head(ThriftReader *r, PageHead *h)
{
	ThriftField f = {0};

	while (thrift_field(r, &f))
	{
		switch (f.id)
		{
			case PQ_DATA_NUM_VALUES:
				h->values = thrift_get_int(r, &f);
				break;
			case PQ_DATA_ENCODING:
				h->encoding = thrift_get_int32(r, &f);
				break;
			case PQ_DATA_DEFINITION:
				h->def_encoding = thrift_get_int32(r, &f);
				break;
			case PQ_DATA_REPETITION:
				h->rep_encoding = thrift_get_int32(r, &f);
				break;
			default:
				thrift_skip(r, f.type);
				break;
		}
	}
}

static void
read_data2_head(ThriftReader *r, PageHead *h)
{
	ThriftField f = {0};

	h->is_packed = true;
	h->nulls = h->def_bytes = h->rep_bytes = -1;
	while (thrift_field(r, &f))
	{
		switch (f.id)
		{
			case PQ_DATA2_NUM_VALUES:
				h->values = thrift_get_int(r, &f);
				break;
			case PQ_DATA2_NUM_NULLS:
				h->nulls = thrift_get_int(r, &f);
				break;
			case PQ_DATA2_ENCODING:
				h->encoding = thrift_get_int32(r, &f);
				break;
			case PQ_DATA2_DEFINITION_LENGTH:
				h->def_bytes = thrift_get_int(r, &f);
				break;
			case PQ_DATA2_REPETITION_LENGTH:
				h->rep_bytes = thrift_get_int(r, &f);
				break;
			case PQ_DATA2_COMPRESSED:
				h->is_packed = thrift_get_bool(r, &f);
				break;
			default:
				thrift_skip(r, f.type);
				break;
		}
	}
}

static void
read_dictionary_head(ThriftReader *r, PageHead *h)
{
	ThriftField f = {0};

	while (thrift_field(r, &f))
	{
		if (f.id == PQ_DICTIONARY_NUM_VALUES)
			h->values = thrift_get_int(r, &f);
		else if (f.id == PQ_DICTIONARY_ENCODING)
			h->encoding = thrift_get_int32(r, &f);
		else
			thrift_skip(r, f.type);
	}
}

static void
read_head(ThriftReader *r, PageHead *h)
{
	ThriftField f = {0};

	*h = (PageHead){.type = -1, .size = -1, .packed = -1, .values = -1, .encoding = -1};
	h->def_encoding = h->rep_encoding = PARQUET_RLE;
	h->is_packed = true;
	while (thrift_field(r, &f))
	{
		switch (f.id)
		{
			case PQ_PAGE_TYPE:
				h->type = thrift_get_int32(r, &f);
				break;
			case PQ_PAGE_UNCOMPRESSED:
				h->size = thrift_get_int(r, &f);
				break;
			case PQ_PAGE_COMPRESSED:
				h->packed = thrift_get_int(r, &f);
				break;
			case PQ_PAGE_CRC:
				h->crc = (uint32) thrift_get_int(r, &f);
				h->has_crc = true;
				break;
			case PQ_PAGE_DATA:
				if (thrift_is_struct(r, &f))
					read_data_head(r, h);
				break;
			case PQ_PAGE_DICTIONARY:
				if (thrift_is_struct(r, &f))
					read_dictionary_head(r, h);
				break;
			case PQ_PAGE_DATA_V2:
				if (thrift_is_struct(r, &f))
					read_data2_head(r, h);
				break;
			default:
				thrift_skip(r, f.type);
				break;
		}
	}
}

/* The head of the next page; l->at goes behind it */
static void
next_head(ParquetLeaf *l, PageHead *h)
{
	size_t n = HEAD_BYTES;

	l->page_at = l->at;
	for (;; n *= 4)
	{
		ThriftReader r;
		size_t left = chunk_left(l, l->at);

		n = Min(n, left);
		thrift_open(&r, see(l, l->at, n), n);
		read_head(&r, h);
		if (r.fault == NULL)
		{
			l->at += r.at - r.start;
			break;
		}
		if (!r.cut || n == left || n >= MOST_HEAD)
			leaf_damaged(l, l->seen < l->chunk.values && left == 0 ? "there are fewer values than the column claims"
																   : r.fault);
	}
	if (h->packed < 0 || h->packed > (int64) chunk_left(l, l->at))
		leaf_damaged(l, "a page claims more bytes than its column has");
	if (h->size < 0 || h->values < 0 || h->values > PG_INT32_MAX)
		if (h->type != PARQUET_INDEX_PAGE)
			leaf_damaged(l, "a page claims no size, or no number of values");
	if (h->size > MOST_PAGE || h->packed > MOST_PAGE)
		unsupported(l, "a page has more than %d bytes", MOST_PAGE);
}

/* -- pages -- */

/* The bytes of a page, the first so many of which are not packed */
static const uint8 *
page_bytes(ParquetLeaf *l, const PageHead *h, size_t plain, uint8 **room, size_t *room_size)
{
	const uint8 *from = see(l, l->at, (size_t) h->packed);
	size_t n = (size_t) h->packed;
	size_t size = (size_t) h->size;
	const char *why;

	if (h->has_crc && (uint32) crc32(crc32(0, NULL, 0), from, (uInt) n) != h->crc)
		leaf_damaged(l, "the checksum of a page does not match");
	if (plain > n || plain > size)
		leaf_damaged(l, "levels have more bytes than their page");
	if (l->chunk.codec == PARQUET_UNCOMPRESSED || !h->is_packed)
	{
		if (n != size)
			leaf_damaged(l, "a page has different packed and unpacked sizes, though it is not packed");
		return from;
	}
	if (!parquet_can_unpack(l->chunk.codec, from + plain, n - plain, size - plain))
		leaf_damaged(l, "a page claims to unpack to more than is possible");
	if (size > *room_size || *room == NULL)
	{
		if (*room)
			pfree(*room);
		*room = NULL;
		*room = MemoryContextAllocHuge(l->context, Max(size, 1));
		*room_size = size;
	}
	if (plain > 0)
		memcpy(*room, from, plain);
	/* of nothing there may be nothing at all */
	if (size == plain && n == plain)
		return *room ? *room : from;
	why = parquet_unpack(l->chunk.codec, from + plain, n - plain, *room + plain, size - plain);
	if (why)
		leaf_damaged(l, why);
	return *room;
}

/* Room for its values: no more of them than its bytes can have */
static void
read_dictionary(ParquetLeaf *l, const PageHead *h)
{
	MemoryContext old = MemoryContextSwitchTo(l->context);
	size_t size = value_size(l->node);
	size_t least = l->node->type == PARQUET_BYTE_ARRAY ? 4
				   : l->node->type == PARQUET_FIXED    ? (size_t) l->node->length
				   : l->node->type == PARQUET_INT96    ? 12
				   : l->node->type == PARQUET_BOOLEAN  ? 0
													   : size;
	ValueDecoder d = {0};
	const uint8 *bytes;
	size_t room = 0;
	int done = 0;

	if (l->ndictionary > 0)
		leaf_damaged(l, "a column has two dictionaries");
	if (least == 0 || (h->encoding != PARQUET_PLAIN && h->encoding != PARQUET_PLAIN_DICTIONARY))
		unsupported(l, "a dictionary has encoding %d", h->encoding);
	if (h->values * (int64) least > h->size)
		leaf_damaged(l, "a dictionary claims more values than it has bytes");
	if (l->dictionary_bytes)
		pfree(l->dictionary_bytes);
	if (l->dictionary.any)
		pfree(l->dictionary.any);
	l->dictionary_bytes = NULL;
	l->dictionary.any = NULL;
	bytes = page_bytes(l, h, 0, &l->dictionary_bytes, &room);
	/* slices point into it, and the window moves */
	if (bytes != l->dictionary_bytes)
	{
		if (l->dictionary_bytes)
			pfree(l->dictionary_bytes);
		l->dictionary_bytes = MemoryContextAllocHuge(l->context, Max(h->size, 1));
		memcpy(l->dictionary_bytes, bytes, h->size);
	}
	l->dictionary.any = MemoryContextAllocHuge(l->context, size * Max(h->values, 1));
	values_begin(&d, l->node->type, l->node->length, PARQUET_PLAIN, l->dictionary_bytes, (size_t) h->size, h->values);
	while (done < h->values)
	{
		ParquetValues to = {.truths = l->dictionary.truths + size * done};
		int n = values_read(&d, to, (int) Min(h->values - done, 4096));

		CHECK_FOR_INTERRUPTS();
		if (n == 0)
			leaf_damaged(l, "a dictionary ends too early");
		done += n;
	}
	l->ndictionary = done;
	l->dictionaries++;
	MemoryContextSwitchTo(old);
}

static int
bits_of(int level)
{
	int bits = 0;

	for (; level > 0; level >>= 1)
		bits++;
	return bits;
}

/* Levels of version 1 stand before the values, each with its size */
static void
begin_levels(ParquetLeaf *l, RleDecoder *d, int most, int encoding, const uint8 **at, const uint8 *end)
{
	uint32 n;

	if (most == 0)
		return;
	if (encoding != PARQUET_RLE)
		unsupported(l, "levels have encoding %d", encoding);
	if (end - *at < 4)
		leaf_damaged(l, "levels end too early");
	n = (uint32) (*at)[0] | (uint32) (*at)[1] << 8 | (uint32) (*at)[2] << 16 | (uint32) (*at)[3] << 24;
	if (n > (size_t) (end - *at - 4))
		leaf_damaged(l, "levels have more bytes than their page");
	rle_begin(d, *at + 4, n, bits_of(most));
	*at += 4 + n;
}

static void
begin_values(ParquetLeaf *l, const PageHead *h, const uint8 *at, const uint8 *end)
{
	l->by_index = h->encoding == PARQUET_RLE_DICTIONARY || h->encoding == PARQUET_PLAIN_DICTIONARY;
	if (l->by_index)
	{
		/* a page of nulls may have nothing at all */
		rle_begin(&l->indices, at < end ? at + 1 : at, at < end ? end - at - 1 : 0, at < end ? *at : 0);
		return;
	}
	if (!values_can_be(l->node->type, h->encoding))
		unsupported(l, "values have encoding %d", h->encoding);
	/* a page of nulls may lack even the head of its differences */
	values_begin(&l->decoder, l->node->type, l->node->length, h->encoding, at, end - at, h->values);
}

static void
begin_page(ParquetLeaf *l, const PageHead *h)
{
	MemoryContext old = MemoryContextSwitchTo(l->context);
	const uint8 *at;
	const uint8 *end;

	if (h->type == PARQUET_DATA_PAGE)
	{
		at = page_bytes(l, h, 0, &l->unpacked, &l->unpacked_room);
		end = at + h->size;
		begin_levels(l, &l->rep, l->node->rep, h->rep_encoding, &at, end);
		begin_levels(l, &l->def, l->node->def, h->def_encoding, &at, end);
	}
	else
	{
		if (h->def_bytes < 0 || h->rep_bytes < 0 || h->def_bytes > h->size || h->rep_bytes > h->size - h->def_bytes)
			leaf_damaged(l, "levels have more bytes than their page");
		at = page_bytes(l, h, (size_t) (h->def_bytes + h->rep_bytes), &l->unpacked, &l->unpacked_room);
		end = at + h->size;
		rle_begin(&l->rep, at, h->rep_bytes, bits_of(l->node->rep));
		rle_begin(&l->def, at + h->rep_bytes, h->def_bytes, bits_of(l->node->def));
		at += h->rep_bytes + h->def_bytes;
	}
	begin_values(l, h, at, end);
	l->page_left = h->values;
	l->seen += h->values;
	l->levels_at = l->levels_n = 0;
	if (l->seen > l->chunk.values)
		leaf_damaged(l, "there are more values than the column claims");
	MemoryContextSwitchTo(old);
}

/* The next page that has values; false: the chunk ends.  At most so many entries of whole pages may be passed over. */
static bool
next_page(ParquetLeaf *l, int64 *pass)
{
	while (l->page_left == 0)
	{
		PageHead h;

		CHECK_FOR_INTERRUPTS();
		if (l->seen >= l->chunk.values)
			return false;
		next_head(l, &h);
		if (h.type == PARQUET_DICTIONARY_PAGE)
			read_dictionary(l, &h);
		else if (h.type == PARQUET_DATA_PAGE || h.type == PARQUET_DATA_PAGE_V2)
		{
			if (pass && h.values <= *pass && l->seen + h.values <= l->chunk.values)
			{
				*pass -= h.values;
				l->seen += h.values;
				l->levels_at = l->levels_n = 0;
			}
			else
				begin_page(l, &h);
		}
		else if (h.type != PARQUET_INDEX_PAGE)
			unsupported(l, "a page is of type %d", h.type);
		l->at += h.packed;
		if (pass && *pass == 0 && l->page_left == 0)
			return true;
	}
	return true;
}

/* -- entries -- */

static void
more_levels(ParquetLeaf *l, int n)
{
	l->levels_at = 0;
	l->levels_n = n;
	if (l->node->rep > 0)
		rle_read_levels(&l->rep, l->reps, n, l->node->rep);
	if (l->node->def > 0)
		rle_read_levels(&l->def, l->defs, n, l->node->def);
	else
		memset(l->defs, 0, n);
	if (l->node->rep > 0 && l->rep.fault)
		leaf_damaged(l, l->rep.fault);
	if (l->node->def > 0 && l->def.fault)
		leaf_damaged(l, l->def.fault);
}

static void
read_indices(ParquetLeaf *l)
{
	uint32 most = 0;

	rle_read(&l->indices, l->index_room, l->nvalues);
	if (l->indices.fault)
		leaf_damaged(l, l->indices.fault);
	for (int i = 0; i < l->nvalues; i++)
		most = Max(most, l->index_room[i]);
	if (l->nvalues > 0 && most >= (uint32) l->ndictionary)
		leaf_damaged(l, "a value is not in its column's dictionary");
	l->index = l->index_room;
}

/* As many as the decoder gives; entries behind them wait */
static void
read_values(ParquetLeaf *l)
{
	MemoryContext old = MemoryContextSwitchTo(l->context);
	int got = l->nvalues > 0 ? values_read(&l->decoder, l->room, l->nvalues) : 0;
	uint8 full = (uint8) l->node->def;

	MemoryContextSwitchTo(old);
	if (l->nvalues > 0 && got == 0)
		leaf_damaged(l, l->decoder.fault ? l->decoder.fault : "values end too early");
	l->values = l->room;
	if (got < l->nvalues)
	{
		int seen = 0;
		int i = 0;

		for (; seen < got; i++)
			seen += l->def_levels[i] == full;
		l->n = i;
		l->nvalues = got;
	}
}

/* How many levels are that one */
static int
count_level(const uint8 *levels, int n, uint8 level)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += levels[i] == level;
	return count;
}

bool
leaf_next(ParquetLeaf *l, int most)
{
	uint8 full = (uint8) l->node->def;

	if (!next_page(l, NULL))
	{
		l->n = l->nvalues = 0;
		return false;
	}
	if (l->levels_at == l->levels_n)
		more_levels(l, (int) Min(l->page_left, LEAF_STEP));
	l->def_levels = l->defs + l->levels_at;
	l->rep_levels = l->reps + l->levels_at;
	l->n = Min(l->levels_n - l->levels_at, most);
	l->nvalues = full == 0 ? l->n : count_level(l->def_levels, l->n, full);
	if (l->by_index)
		read_indices(l);
	else
		read_values(l);
	l->levels_at += l->n;
	l->page_left -= l->n;
	return true;
}

void
leaf_skip(ParquetLeaf *l, int64 n)
{
	while (n > 0)
	{
		if (l->page_left == 0)
		{
			if (!next_page(l, &n))
				leaf_damaged(l, "there are fewer values than the column claims");
			continue;
		}
		if (!leaf_next(l, (int) Min(n, LEAF_STEP)))
			leaf_damaged(l, "there are fewer values than the column claims");
		n -= l->n;
	}
}
