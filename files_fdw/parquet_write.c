/*
 * parquet_write.c
 *		Files of Parquet, written: rows go in, bytes come out.
 *
 * Rows are held until a group of them is whole, by number or by bytes; then each column is given out in pages, packed
 * and with a checksum.  What is known of groups is kept for the footer.
 */
#include "postgres.h"

#include <zlib.h>
#include <zstd.h>

#include "files_fdw/parquet_write.h"
#include "files_fdw/thrift_write.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#define GROUP_ROWS 122880
#define GROUP_BYTES ((size_t) 64 * 1024 * 1024)
#define ZSTD_LEVEL 3
#define CREATED_BY "pg_ingest version " EXTENSION_VERSION " (build files_fdw)"

/* A column of a group that was given out */
typedef struct Chunk
{
	int64 dictionary; /* where its dictionary begins; -1: it has none */
	int64 data;
	int64 packed;
	int64 unpacked;
	ParquetBounds bounds;
} Chunk;

typedef struct Group
{
	int64 rows;
	Chunk *chunks;
} Group;

struct ParquetWriter
{
	MemoryContext context;
	MemoryContext page; /* reset with each column */
	ParquetSink sink;
	void *arg;
	ParquetCodec codec;
	ZSTD_CCtx *zstd;
	MemoryContextCallback callback;
	int n;
	WrittenColumn *columns;
	List *groups;
	int64 rows;
	int64 at; /* bytes that were given out */
};

static void
give_back(void *arg)
{
	ParquetWriter *w = arg;

	ZSTD_freeCCtx(w->zstd);
	w->zstd = NULL;
}

static void
put(ParquetWriter *w, const char *data, size_t n)
{
	w->sink(w->arg, data, n);
	w->at += (int64) n;
}

ParquetWriter *
parquet_writer_new(const WrittenLeaf *leaves, int n, ParquetCodec codec, ParquetSink sink, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "parquet writer", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ParquetWriter *w = palloc0(sizeof(ParquetWriter));

#ifdef WORDS_BIGENDIAN
	ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("Parquet cannot be written on big-endian machines")));
#endif
	w->context = context;
	w->page = AllocSetContextCreate(context, "parquet page", ALLOCSET_DEFAULT_SIZES);
	w->sink = sink;
	w->arg = arg;
	w->codec = codec;
	w->n = n;
	w->columns = palloc(sizeof(WrittenColumn) * Max(n, 1));
	for (int i = 0; i < n; i++)
		parquet_column_init(&w->columns[i], &leaves[i]);
	if (codec == PARQUET_ZSTD)
	{
		w->zstd = ZSTD_createCCtx();
		if (w->zstd == NULL)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		w->callback.func = give_back;
		w->callback.arg = w;
		MemoryContextRegisterResetCallback(context, &w->callback);
	}
	MemoryContextSwitchTo(old);
	put(w, PARQUET_MAGIC, PARQUET_MAGIC_LEN);
	return w;
}

WrittenColumn *
parquet_column(ParquetWriter *w, int i)
{
	return &w->columns[i];
}

size_t
parquet_held(const ParquetWriter *w)
{
	size_t held = 0;

	for (int i = 0; i < w->n; i++)
		held += parquet_column_held(&w->columns[i]);
	return held;
}

void
parquet_row_end(ParquetWriter *w)
{
	w->rows++;
	if (w->columns[0].rows >= GROUP_ROWS || ((w->columns[0].rows & 63) == 0 && parquet_held(w) >= GROUP_BYTES))
		parquet_flush(w);
}

/* -- pages -- */

static size_t
packed_room(ParquetCodec codec, size_t n)
{
	return codec == PARQUET_ZSTD ? ZSTD_compressBound(n) : compressBound(n) + 32;
}

static size_t
pack_zstd(ParquetWriter *w, const char *data, size_t n, char *to, size_t room)
{
	size_t got = ZSTD_compressCCtx(w->zstd, to, room, data, n, ZSTD_LEVEL);

	if (ZSTD_isError(got))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not pack a page of Parquet: %s", ZSTD_getErrorName(got))));
	return got;
}

static size_t
pack_gzip(const char *data, size_t n, char *to, size_t room)
{
	z_stream z = {0};

	/* 16 more: with gzip's header */
	if (deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	z.next_in = (Bytef *) data;
	z.avail_in = (uInt) n;
	z.next_out = (Bytef *) to;
	z.avail_out = (uInt) room;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
	{
		(void) deflateEnd(&z);
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not pack a page of Parquet")));
	}
	(void) deflateEnd(&z);
	return room - z.avail_out;
}

/* A page as it is sent: packed as the file's codec has it */
static const char *
packed(ParquetWriter *w, const char *data, size_t n, size_t *len)
{
	size_t room = packed_room(w->codec, n);
	char *to;

	*len = n;
	if (w->codec == PARQUET_UNCOMPRESSED)
		return data;
	if (n > PG_INT32_MAX - 1024)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("a value is too long for a page of Parquet")));
	to = MemoryContextAllocHuge(w->page, room);
	*len = w->codec == PARQUET_ZSTD ? pack_zstd(w, data, n, to, room) : pack_gzip(data, n, to, room);
	return to;
}

typedef struct PageKind
{
	ParquetPage type;
	int values;
	ParquetEncoding encoding;
} PageKind;

static void
put_page(ParquetWriter *w, Chunk *chunk, const PageKind *kind, const char *data, size_t n)
{
	StringInfoData header;
	ThriftWriter t;
	size_t len;
	const char *sent = packed(w, data, n, &len);
	uint32 crc = (uint32) crc32(0, (const Bytef *) sent, (uInt) len);

	initStringInfo(&header);
	thrift_begin(&t, &header);
	thrift_i32(&t, PQ_PAGE_TYPE, kind->type);
	thrift_i32(&t, PQ_PAGE_UNCOMPRESSED, (int32) n);
	thrift_i32(&t, PQ_PAGE_COMPRESSED, (int32) len);
	thrift_i32(&t, PQ_PAGE_CRC, (int32) crc);
	thrift_struct(&t, kind->type == PARQUET_DICTIONARY_PAGE ? PQ_PAGE_DICTIONARY : PQ_PAGE_DATA);
	thrift_i32(&t, PQ_DATA_NUM_VALUES, kind->values);
	thrift_i32(&t, PQ_DATA_ENCODING, kind->encoding);
	if (kind->type == PARQUET_DATA_PAGE)
	{
		thrift_i32(&t, PQ_DATA_DEFINITION, PARQUET_RLE);
		thrift_i32(&t, PQ_DATA_REPETITION, PARQUET_RLE);
	}
	thrift_end(&t);
	thrift_end(&t);
	put(w, header.data, header.len);
	put(w, sent, len);
	chunk->packed += (int64) (header.len + len);
	chunk->unpacked += (int64) (header.len + n);
}

static void
put_column(ParquetWriter *w, WrittenColumn *c, Chunk *chunk)
{
	MemoryContext old = MemoryContextSwitchTo(w->page);
	ParquetBuffer page = {.context = w->page};
	ParquetPageCut cut = {0};
	PageKind kind = {PARQUET_DATA_PAGE, 0, c->coded ? PARQUET_RLE_DICTIONARY : PARQUET_PLAIN};

	chunk->dictionary = -1;
	if (c->coded)
	{
		PageKind dictionary = {PARQUET_DICTIONARY_PAGE, c->entries, PARQUET_PLAIN};

		chunk->dictionary = w->at;
		put_page(w, chunk, &dictionary, c->plain.data, c->plain.len);
	}
	chunk->data = w->at;
	while (parquet_column_cut(c, &cut))
	{
		CHECK_FOR_INTERRUPTS();
		parquet_column_page(c, &cut, &page);
		kind.values = cut.rows;
		put_page(w, chunk, &kind, page.data, page.len);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(w->page);
}

void
parquet_flush(ParquetWriter *w)
{
	MemoryContext old = MemoryContextSwitchTo(w->context);
	Group *group;

	if (w->n == 0 || w->columns[0].rows == 0)
	{
		MemoryContextSwitchTo(old);
		return;
	}
	group = palloc(sizeof(Group));
	group->rows = w->columns[0].rows;
	group->chunks = palloc0(sizeof(Chunk) * w->n);
	for (int i = 0; i < w->n; i++)
	{
		WrittenColumn *c = &w->columns[i];
		Chunk *chunk = &group->chunks[i];

		parquet_column_finish(c, &chunk->bounds);
		parquet_bounds_add(&c->all, &chunk->bounds, &c->leaf);
		put_column(w, c, chunk);
		parquet_column_reset(c);
	}
	w->groups = lappend(w->groups, group);
	MemoryContextSwitchTo(old);
}

/* -- the footer -- */

static void
put_logical(ThriftWriter *t, const WrittenLeaf *leaf)
{
	if (leaf->logical == 0)
		return;
	thrift_struct(t, PQ_SCHEMA_LOGICAL);
	thrift_struct(t, leaf->logical);
	switch (leaf->logical)
	{
		case PARQUET_L_DECIMAL:
			thrift_i32(t, PQ_DECIMAL_SCALE, leaf->scale);
			thrift_i32(t, PQ_DECIMAL_PRECISION, leaf->precision);
			break;
		case PARQUET_L_TIMESTAMP:
			thrift_bool(t, PQ_TIME_UTC, leaf->utc);
			thrift_struct(t, PQ_TIME_UNIT);
			thrift_struct(t, PARQUET_MICROS);
			thrift_end(t);
			thrift_end(t);
			break;
		default:
			break;
	}
	thrift_end(t);
	thrift_end(t);
}

static void
put_schema(ParquetWriter *w, ThriftWriter *t)
{
	thrift_list(t, PQ_FILE_SCHEMA, THRIFT_STRUCT, w->n + 1);
	thrift_item(t);
	thrift_string(t, PQ_SCHEMA_NAME, "schema");
	thrift_i32(t, PQ_SCHEMA_NUM_CHILDREN, w->n);
	thrift_end(t);
	for (int i = 0; i < w->n; i++)
	{
		const WrittenLeaf *leaf = &w->columns[i].leaf;

		thrift_item(t);
		thrift_i32(t, PQ_SCHEMA_TYPE, leaf->type);
		if (leaf->type == PARQUET_FIXED)
			thrift_i32(t, PQ_SCHEMA_TYPE_LENGTH, leaf->length);
		thrift_i32(t, PQ_SCHEMA_REPETITION, PARQUET_OPTIONAL);
		thrift_string(t, PQ_SCHEMA_NAME, leaf->name);
		if (leaf->converted >= 0)
			thrift_i32(t, PQ_SCHEMA_CONVERTED, leaf->converted);
		if (leaf->logical == PARQUET_L_DECIMAL)
		{
			thrift_i32(t, PQ_SCHEMA_SCALE, leaf->scale);
			thrift_i32(t, PQ_SCHEMA_PRECISION, leaf->precision);
		}
		put_logical(t, leaf);
		thrift_end(t);
	}
}

static void
put_statistics(ThriftWriter *t, const ParquetBounds *b)
{
	thrift_struct(t, PQ_META_STATISTICS);
	thrift_i64(t, PQ_STAT_NULL_COUNT, b->nulls);
	if (b->max.known)
		thrift_bytes(t, PQ_STAT_MAX, b->max.data, b->max.len);
	if (b->min.known)
		thrift_bytes(t, PQ_STAT_MIN, b->min.data, b->min.len);
	if (b->max.known)
		thrift_bool(t, PQ_STAT_MAX_EXACT, b->max.exact);
	if (b->min.known)
		thrift_bool(t, PQ_STAT_MIN_EXACT, b->min.exact);
	thrift_end(t);
}

static void
put_chunk(ThriftWriter *t, const ParquetWriter *w, const WrittenLeaf *leaf, const Chunk *chunk)
{
	bool coded = chunk->dictionary >= 0;

	thrift_item(t);
	thrift_i64(t, PQ_CHUNK_FILE_OFFSET, 0);
	thrift_struct(t, PQ_CHUNK_META);
	thrift_i32(t, PQ_META_TYPE, leaf->type);
	thrift_list(t, PQ_META_ENCODINGS, THRIFT_I32, coded ? 3 : 2);
	thrift_item_i32(t, PARQUET_PLAIN);
	thrift_item_i32(t, PARQUET_RLE);
	if (coded)
		thrift_item_i32(t, PARQUET_RLE_DICTIONARY);
	thrift_list(t, PQ_META_PATH, THRIFT_BINARY, 1);
	thrift_item_string(t, leaf->name);
	thrift_i32(t, PQ_META_CODEC, w->codec);
	thrift_i64(t, PQ_META_NUM_VALUES, chunk->bounds.rows);
	thrift_i64(t, PQ_META_UNCOMPRESSED, chunk->unpacked);
	thrift_i64(t, PQ_META_COMPRESSED, chunk->packed);
	thrift_i64(t, PQ_META_DATA_OFFSET, chunk->data);
	if (coded)
		thrift_i64(t, PQ_META_DICTIONARY_OFFSET, chunk->dictionary);
	put_statistics(t, &chunk->bounds);
	thrift_end(t);
	thrift_end(t);
}

static void
put_group(ThriftWriter *t, const ParquetWriter *w, const Group *group)
{
	int64 unpacked = 0;
	int64 packed = 0;
	const Chunk *first = &group->chunks[0];

	thrift_item(t);
	thrift_list(t, PQ_GROUP_COLUMNS, THRIFT_STRUCT, w->n);
	for (int i = 0; i < w->n; i++)
	{
		put_chunk(t, w, &w->columns[i].leaf, &group->chunks[i]);
		unpacked += group->chunks[i].unpacked;
		packed += group->chunks[i].packed;
	}
	thrift_i64(t, PQ_GROUP_TOTAL_BYTES, unpacked);
	thrift_i64(t, PQ_GROUP_NUM_ROWS, group->rows);
	thrift_i64(t, PQ_GROUP_OFFSET, first->dictionary >= 0 ? first->dictionary : first->data);
	thrift_i64(t, PQ_GROUP_COMPRESSED, packed);
	thrift_end(t);
}

void
parquet_end(ParquetWriter *w)
{
	MemoryContext old;
	StringInfoData footer;
	ThriftWriter t;
	ListCell *lc;
	uint32 len;

	parquet_flush(w);
	old = MemoryContextSwitchTo(w->page);
	initStringInfo(&footer);
	thrift_begin(&t, &footer);
	thrift_i32(&t, PQ_FILE_VERSION, 1);
	put_schema(w, &t);
	thrift_i64(&t, PQ_FILE_NUM_ROWS, w->rows);
	thrift_list(&t, PQ_FILE_ROW_GROUPS, THRIFT_STRUCT, list_length(w->groups));
	foreach (lc, w->groups)
		put_group(&t, w, lfirst(lc));
	thrift_string(&t, PQ_FILE_CREATED_BY, CREATED_BY);
	/* bounds are by the order of each column's type */
	thrift_list(&t, PQ_FILE_COLUMN_ORDERS, THRIFT_STRUCT, w->n);
	for (int i = 0; i < w->n; i++)
	{
		thrift_item(&t);
		thrift_struct(&t, PQ_ORDER_BY_TYPE);
		thrift_end(&t);
		thrift_end(&t);
	}
	thrift_end(&t);
	len = (uint32) footer.len;
	put(w, footer.data, footer.len);
	put(w, (const char *) &len, sizeof(len));
	put(w, PARQUET_MAGIC, PARQUET_MAGIC_LEN);
	MemoryContextSwitchTo(old);
	MemoryContextReset(w->page);
}

void
parquet_free(ParquetWriter *w)
{
	MemoryContextDelete(w->context);
}

int64
parquet_rows(const ParquetWriter *w)
{
	return w->rows;
}

int64
parquet_bytes(const ParquetWriter *w)
{
	return w->at;
}

const ParquetBounds *
parquet_bounds(const ParquetWriter *w, int i)
{
	return &w->columns[i].all;
}
