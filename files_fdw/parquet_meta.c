/*
 * parquet_meta.c
 *		The footer of a Parquet file: its schema, its row groups, its columns' chunks.
 *
 * All numbers in it are claims.  What is kept is bounded by the footer's own bytes, and they by a limit; chunks are
 * read from it when their row group is.
 */
#include "postgres.h"

#include "common/int.h"
#include "common/attribute.h"
#include "files_fdw/parquet_meta.h"
#include "files_fdw/thrift_read.h"
#include "miscadmin.h"

#define MOST_FOOTER (256 * 1024 * 1024)
#define FIRST_READ 65536 /* of a file's end: mostly the whole footer */
#define MOST_LEAVES 20000
#define MOST_GROUPS 1000000
#define MOST_DEPTH 32
#define MOST_FIXED (1024 * 1024)

pg_noreturn static void
bad_footer(const ParquetSource *source, const ParquetMeta *meta, const ThriftReader *r)
{
	ParquetPlace place = {meta->end + (r->at - meta->footer), -1, NULL};

	parquet_damaged(source, &place, "%s", r->fault);
}

/* -- the bytes -- */

static void
read_footer(ParquetSource *source, ParquetMeta *meta)
{
	ParquetPlace place = {source->size, -1, NULL};
	size_t n = (size_t) Min(source->size, FIRST_READ);
	uint8 *tail;
	uint32 length;

	if (source->size < PARQUET_MAGIC_LEN + PARQUET_TAIL_LEN)
		parquet_damaged(source, &place, "it has " INT64_FORMAT " bytes, and no Parquet file has fewer than 12",
						source->size);
	tail = palloc(n);
	parquet_source_read(source, tail, n, source->size - (int64) n);
	if (memcmp(tail + n - PARQUET_MAGIC_LEN, PARQUET_MAGIC_ENCRYPTED, PARQUET_MAGIC_LEN) == 0)
		parquet_unsupported(source, &place, "its footer is encrypted");
	if (memcmp(tail + n - PARQUET_MAGIC_LEN, PARQUET_MAGIC, PARQUET_MAGIC_LEN) != 0)
		parquet_damaged(source, &place, "it does not end with PAR1: it was cut off, or is still being written");
	memcpy(&length, tail + n - PARQUET_TAIL_LEN, sizeof(length));
	length = le32toh(length);
	if ((int64) length > source->size - PARQUET_MAGIC_LEN - PARQUET_TAIL_LEN)
		parquet_damaged(source, &place, "its footer claims to have %u bytes, more than the file", length);
	if (length > MOST_FOOTER)
		parquet_unsupported(source, &place, "its footer has %u bytes, more than %d", length, MOST_FOOTER);
	meta->nfooter = length;
	meta->end = source->size - PARQUET_TAIL_LEN - (int64) length;
	meta->footer = palloc(Max(length, 1));
	if (length + PARQUET_TAIL_LEN <= n)
		memcpy(meta->footer, tail + n - PARQUET_TAIL_LEN - length, length);
	else
		parquet_source_read(source, meta->footer, length, meta->end);
	pfree(tail);
}

/* -- the schema -- */

static void
read_unit(ThriftReader *r, ParquetNode *node)
{
	ThriftField f = {0};

	while (thrift_field(r, &f))
	{
		node->unit = f.id;
		thrift_skip(r, f.type);
	}
}

/* What is in one of the logical types that have fields */
static void
read_logical_fields(ThriftReader *r, ParquetNode *node)
{
	ThriftField f = {0};

	while (thrift_field(r, &f))
	{
		if (node->logical == PARQUET_L_DECIMAL && f.id == PQ_DECIMAL_SCALE)
			node->scale = thrift_get_int32(r, &f);
		else if (node->logical == PARQUET_L_DECIMAL && f.id == PQ_DECIMAL_PRECISION)
			node->precision = thrift_get_int32(r, &f);
		else if ((node->logical == PARQUET_L_TIME || node->logical == PARQUET_L_TIMESTAMP) && f.id == PQ_TIME_UTC)
			node->utc = thrift_get_bool(r, &f);
		else if ((node->logical == PARQUET_L_TIME || node->logical == PARQUET_L_TIMESTAMP) && f.id == PQ_TIME_UNIT &&
				 thrift_is_struct(r, &f))
			read_unit(r, node);
		else if (node->logical == PARQUET_L_INTEGER && f.id == PQ_INTEGER_BITS)
			node->bits = (int) thrift_get_int(r, &f);
		else if (node->logical == PARQUET_L_INTEGER && f.id == PQ_INTEGER_SIGNED)
			node->is_unsigned = !thrift_get_bool(r, &f);
		else
			thrift_skip(r, f.type);
	}
}

static void
read_logical(ThriftReader *r, ParquetNode *node)
{
	ThriftField f = {0};

	while (thrift_field(r, &f))
	{
		node->logical = f.id;
		if (thrift_is_struct(r, &f))
			read_logical_fields(r, node);
	}
}

static void
read_element(ThriftReader *r, ParquetNode *node)
{
	ThriftField f = {0};
	const char *name = "";
	int len = 0;

	*node = (ParquetNode){.type = -1, .converted = -1, .leaf = -1};
	while (thrift_field(r, &f))
	{
		switch (f.id)
		{
			case PQ_SCHEMA_TYPE:
				node->type = thrift_get_int32(r, &f);
				break;
			case PQ_SCHEMA_TYPE_LENGTH:
				node->length = thrift_get_int32(r, &f);
				break;
			case PQ_SCHEMA_REPETITION:
				node->repetition = thrift_get_int32(r, &f);
				break;
			case PQ_SCHEMA_NAME:
				name = thrift_get_bytes(r, &f, &len);
				break;
			case PQ_SCHEMA_NUM_CHILDREN:
				node->children = thrift_get_int32(r, &f);
				break;
			case PQ_SCHEMA_CONVERTED:
				node->converted = thrift_get_int32(r, &f);
				break;
			case PQ_SCHEMA_SCALE:
				node->scale = thrift_get_int32(r, &f);
				break;
			case PQ_SCHEMA_PRECISION:
				node->precision = thrift_get_int32(r, &f);
				break;
			case PQ_SCHEMA_LOGICAL:
				if (thrift_is_struct(r, &f))
					read_logical(r, node);
				break;
			default:
				thrift_skip(r, f.type);
				break;
		}
	}
	if (r->fault == NULL && memchr(name, '\0', len) != NULL)
		r->fault = "the name of a column has a NUL";
	node->name = r->fault ? pstrdup("") : pnstrdup(name, len);
}

/* What older writers say by converted types becomes logical ones */
static void
settle_type(ParquetNode *node)
{
	if (node->logical != 0)
		return;
	switch (node->converted)
	{
		case PARQUET_C_UTF8:
			node->logical = PARQUET_L_STRING;
			break;
		case PARQUET_C_ENUM:
			node->logical = PARQUET_L_ENUM;
			break;
		case PARQUET_C_MAP:
		case PARQUET_C_MAP_KEY_VALUE:
			node->logical = PARQUET_L_MAP;
			break;
		case PARQUET_C_LIST:
			node->logical = PARQUET_L_LIST;
			break;
		case PARQUET_C_DECIMAL:
			node->logical = PARQUET_L_DECIMAL;
			break;
		case PARQUET_C_DATE:
			node->logical = PARQUET_L_DATE;
			break;
		case PARQUET_C_TIME_MILLIS:
		case PARQUET_C_TIME_MICROS:
		case PARQUET_C_TIMESTAMP_MILLIS:
		case PARQUET_C_TIMESTAMP_MICROS:
			node->logical = node->converted >= PARQUET_C_TIMESTAMP_MILLIS ? PARQUET_L_TIMESTAMP : PARQUET_L_TIME;
			node->unit = node->converted == PARQUET_C_TIME_MILLIS || node->converted == PARQUET_C_TIMESTAMP_MILLIS
							 ? PARQUET_MILLIS
							 : PARQUET_MICROS;
			node->utc = true;
			break;
		case PARQUET_C_JSON:
			node->logical = PARQUET_L_JSON;
			break;
		case PARQUET_C_BSON:
			node->logical = PARQUET_L_BSON;
			break;
		default:
			if (node->converted >= PARQUET_C_UINT_8 && node->converted <= PARQUET_C_INT_64)
			{
				node->logical = PARQUET_L_INTEGER;
				node->is_unsigned = node->converted <= PARQUET_C_UINT_64;
				node->bits = 8 << ((node->converted - PARQUET_C_UINT_8) & 3);
			}
			break;
	}
}

static const char *
node_problem(const ParquetNode *node)
{
	if (node->repetition < PARQUET_REQUIRED || node->repetition > PARQUET_REPEATED)
		return "a column is neither required nor optional nor repeated";
	if (node->children > 0)
		return NULL;
	if (node->type < PARQUET_BOOLEAN || node->type > PARQUET_FIXED)
		return "a column is of no known type";
	if (node->type == PARQUET_FIXED && (node->length < 1 || node->length > MOST_FIXED))
		return "values of a fixed length have none, or more than a megabyte";
	return NULL;
}

/* Levels, leaves and ends of the node at *next and all in it */
static const char *
settle_node(ParquetMeta *meta, int *next, int def, int rep, int depth)
{
	int number = (*next)++;
	ParquetNode *node = &meta->nodes[number];
	const char *problem;

	if (depth > MOST_DEPTH)
		return "its columns are nested too deeply";
	if (number > 0)
	{
		problem = node_problem(node);
		if (problem)
			return problem;
		def += node->repetition != PARQUET_REQUIRED;
		rep += node->repetition == PARQUET_REPEATED;
	}
	settle_type(node);
	node->def = def;
	node->rep = rep;
	node->leaf = meta->nleaves;
	if (node->children > 0 || number == 0)
	{
		node->type = -1;
		for (int i = 0; i < node->children; i++)
		{
			if (*next >= meta->nnodes)
				return "its schema has fewer columns than it claims";
			problem = settle_node(meta, next, def, rep, depth + 1);
			if (problem)
				return problem;
		}
	}
	else
		meta->leaves[meta->nleaves++] = number;
	node->leaves = meta->nleaves - node->leaf;
	node->end = *next;
	return NULL;
}

static void
read_schema(const ParquetSource *source, ThriftReader *r, const ThriftField *f, ParquetMeta *meta)
{
	int n = thrift_get_list(r, f, THRIFT_STRUCT);
	int next = 0;

	if (meta->nodes)
		r->fault = "it has two schemas";
	if (n > 3 * MOST_LEAVES)
		parquet_unsupported(source, &(ParquetPlace){meta->end, -1, NULL}, "it has %d columns, more than %d", n,
							MOST_LEAVES);
	meta->nodes = palloc0(sizeof(ParquetNode) * Max(n, 1));
	meta->leaves = palloc0(sizeof(int) * Max(n, 1));
	meta->nnodes = n;
	for (int i = 0; i < n && r->fault == NULL; i++)
		read_element(r, &meta->nodes[i]);
	if (r->fault)
		return;
	if (n == 0)
		r->fault = "its schema is empty";
	else
		r->fault = settle_node(meta, &next, 0, 0, 0);
	if (r->fault == NULL && next != n)
		r->fault = "its schema has more columns than it claims";
}

/* -- row groups -- */

static void
read_group(ThriftReader *r, ParquetMeta *meta, ParquetGroup *g)
{
	ThriftField f = {0};

	*g = (ParquetGroup){.offset = -1, .rows = -1};
	while (thrift_field(r, &f))
	{
		if (f.id == PQ_GROUP_COLUMNS)
		{
			g->columns = r->at;
			thrift_skip(r, f.type);
			if (f.type != THRIFT_LIST)
				r->fault = "a row group has no list of columns";
		}
		else if (f.id == PQ_GROUP_NUM_ROWS)
			g->rows = thrift_get_int(r, &f);
		else if (f.id == PQ_GROUP_OFFSET)
			g->offset = thrift_get_int(r, &f);
		else
			thrift_skip(r, f.type);
	}
	if (r->fault == NULL && (g->columns == NULL || g->rows < 0))
		r->fault = "a row group has no columns, or no number of rows";
}

static void
read_groups(ThriftReader *r, const ThriftField *f, ParquetMeta *meta)
{
	int64 rows = 0;

	meta->ngroups = thrift_get_list(r, f, THRIFT_STRUCT);
	if (meta->ngroups > MOST_GROUPS)
		r->fault = "it claims more than a million row groups";
	if (r->fault)
		return;
	meta->groups = palloc(sizeof(ParquetGroup) * Max(meta->ngroups, 1));
	for (int i = 0; i < meta->ngroups && r->fault == NULL; i++)
	{
		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		read_group(r, meta, &meta->groups[i]);
		meta->groups[i].first = rows;
		if (r->fault == NULL && pg_add_s64_overflow(rows, meta->groups[i].rows, &rows))
			r->fault = "its row groups have more rows than can be counted";
	}
	if (r->fault == NULL)
		meta->rows = rows;
}

/* For which leaves do min and max follow the order of the type? */
static void
read_orders(ThriftReader *r, const ThriftField *f, ParquetMeta *meta)
{
	int n = thrift_get_list(r, f, THRIFT_STRUCT);

	meta->ordered = palloc0(sizeof(bool) * Max(n, 1));
	for (int i = 0; i < n && r->fault == NULL; i++)
	{
		ThriftField order = {0};

		while (thrift_field(r, &order))
		{
			meta->ordered[i] = order.id == PQ_ORDER_BY_TYPE;
			thrift_skip(r, order.type);
		}
	}
	meta->nordered = n;
}

ParquetMeta *
parquet_meta_read(ParquetSource *source)
{
	ParquetMeta *meta = palloc0(sizeof(ParquetMeta));
	ThriftReader r;
	ThriftField f = {0};
	int64 claimed = -1;

	read_footer(source, meta);
	thrift_open(&r, meta->footer, meta->nfooter);
	while (thrift_field(&r, &f))
	{
		int len;
		const char *text;

		switch (f.id)
		{
			case PQ_FILE_SCHEMA:
				read_schema(source, &r, &f, meta);
				break;
			case PQ_FILE_NUM_ROWS:
				claimed = thrift_get_int(&r, &f);
				break;
			case PQ_FILE_ROW_GROUPS:
				read_groups(&r, &f, meta);
				break;
			case PQ_FILE_CREATED_BY:
				text = thrift_get_bytes(&r, &f, &len);
				meta->created_by = pnstrdup(text, len);
				break;
			case PQ_FILE_COLUMN_ORDERS:
				read_orders(&r, &f, meta);
				break;
			case PQ_FILE_ENCRYPTION:
				parquet_unsupported(source, &(ParquetPlace){meta->end, -1, NULL}, "its columns are encrypted");
			default:
				thrift_skip(&r, f.type);
				break;
		}
		if (r.fault)
			break;
	}
	if (r.fault == NULL && meta->nodes == NULL)
		r.fault = "its footer has no schema";
	if (meta->nordered != meta->nleaves)
		meta->ordered = NULL;
	if (r.fault == NULL && claimed != meta->rows)
		r.fault = "its row groups do not add up to the rows that the file claims";
	if (r.fault)
		bad_footer(source, meta, &r);
	if (meta->nleaves > MOST_LEAVES)
		parquet_unsupported(source, &(ParquetPlace){meta->end, -1, NULL}, "it has %d columns, more than %d",
							meta->nleaves, MOST_LEAVES);
	return meta;
}

/* -- chunks -- */

static void
read_stats(ThriftReader *r, ParquetStats *s)
{
	ThriftField f = {0};
	ParquetStats old = {0};

	s->nulls = -1;
	while (thrift_field(r, &f))
	{
		switch (f.id)
		{
			case PQ_STAT_OLD_MAX:
				old.max = thrift_get_bytes(r, &f, &old.max_len);
				break;
			case PQ_STAT_OLD_MIN:
				old.min = thrift_get_bytes(r, &f, &old.min_len);
				break;
			case PQ_STAT_MAX:
				s->max = thrift_get_bytes(r, &f, &s->max_len);
				break;
			case PQ_STAT_MIN:
				s->min = thrift_get_bytes(r, &f, &s->min_len);
				break;
			case PQ_STAT_NULL_COUNT:
				s->nulls = thrift_get_int(r, &f);
				break;
			default:
				thrift_skip(r, f.type);
				break;
		}
	}
	if (s->min == NULL && s->max == NULL && (old.min || old.max))
	{
		old.nulls = s->nulls;
		old.old = true;
		*s = old;
	}
}

static void
read_chunk_meta(ThriftReader *r, const ParquetNode *leaf, ParquetChunk *c)
{
	ThriftField f = {0};
	int64 data = -1;
	int64 dictionary = -1;
	int type = -1;

	while (thrift_field(r, &f))
	{
		switch (f.id)
		{
			case PQ_META_TYPE:
				type = thrift_get_int32(r, &f);
				break;
			case PQ_META_CODEC:
				c->codec = thrift_get_int32(r, &f);
				break;
			case PQ_META_NUM_VALUES:
				c->values = thrift_get_int(r, &f);
				break;
			case PQ_META_COMPRESSED:
				c->length = thrift_get_int(r, &f);
				break;
			case PQ_META_DATA_OFFSET:
				data = thrift_get_int(r, &f);
				break;
			case PQ_META_DICTIONARY_OFFSET:
				dictionary = thrift_get_int(r, &f);
				break;
			case PQ_META_STATISTICS:
				if (thrift_is_struct(r, &f))
					read_stats(r, &c->stats);
				break;
			default:
				thrift_skip(r, f.type);
				break;
		}
	}
	/* some writers say zero where there is none */
	c->start = dictionary > 0 && dictionary < data ? dictionary : data;
	if (r->fault == NULL && type != leaf->type)
		r->fault = "a column is of another type than its schema says";
}

/* The reader stands at a ColumnChunk */
static const char *
read_chunk(ThriftReader *r, const ParquetNode *leaf, ParquetChunk *c)
{
	ThriftField f = {0};
	const char *beyond = NULL;
	bool any = false;

	*c = (ParquetChunk){.values = -1, .length = -1, .start = -1, .codec = -1, .stats = {.nulls = -1}};
	while (thrift_field(r, &f))
	{
		if (f.id == PQ_CHUNK_META && thrift_is_struct(r, &f))
		{
			read_chunk_meta(r, leaf, c);
			any = true;
		}
		else
		{
			if (f.id == PQ_CHUNK_FILE_PATH)
				beyond = "its columns are in other files";
			if (f.id == PQ_CHUNK_CRYPTO || f.id == PQ_CHUNK_CRYPTO_META)
				beyond = "its columns are encrypted";
			thrift_skip(r, f.type);
		}
	}
	if (r->fault == NULL && beyond == NULL && !any)
		r->fault = "a column has no metadata";
	return beyond;
}

static void
check_chunk(const ParquetSource *source, const ParquetMeta *meta, int group, int leaf, const ParquetChunk *c)
{
	const ParquetNode *node = &meta->nodes[meta->leaves[leaf]];
	ParquetPlace place = {c->start, group, node->name};

	if (c->values == 0 && meta->groups[group].rows == 0)
		return;
	if (c->start < PARQUET_MAGIC_LEN || c->length < 0 || c->start > meta->end || c->length > meta->end - c->start)
		parquet_damaged(source, &place, "a column is said to be where no data can be");
	if (c->values < 0 || (node->rep == 0 && c->values != meta->groups[group].rows))
		parquet_damaged(source, &place,
						"a column claims " INT64_FORMAT " values, and its row group " INT64_FORMAT " rows", c->values,
						meta->groups[group].rows);
}

ParquetChunk *
parquet_group_chunks(const ParquetSource *source, const ParquetMeta *meta, int group)
{
	ParquetChunk *chunks = palloc(sizeof(ParquetChunk) * Max(meta->nleaves, 1));
	ThriftField list = {0, THRIFT_LIST};
	ThriftReader r;
	int n;

	thrift_open(&r, meta->footer, meta->nfooter);
	r.at = meta->groups[group].columns;
	n = thrift_get_list(&r, &list, THRIFT_STRUCT);
	if (r.fault == NULL && n != meta->nleaves)
		r.fault = "a row group has another number of columns than the schema";
	for (int i = 0; i < n && r.fault == NULL; i++)
	{
		const char *beyond = read_chunk(&r, &meta->nodes[meta->leaves[i]], &chunks[i]);

		if (beyond)
			parquet_unsupported(source, &(ParquetPlace){-1, group, meta->nodes[meta->leaves[i]].name}, "%s", beyond);
		if (r.fault == NULL)
			check_chunk(source, meta, group, i, &chunks[i]);
	}
	if (r.fault)
		bad_footer(source, meta, &r);
	return chunks;
}

int64
parquet_group_offset(const ParquetSource *source, const ParquetMeta *meta, int group)
{
	int64 offset = meta->groups[group].offset;

	/* by its first column, where the writer does not say */
	if (offset < 0 || offset > meta->end)
	{
		ParquetChunk *chunks;

		if (meta->nleaves == 0)
			return 0;
		chunks = parquet_group_chunks(source, meta, group);
		offset = chunks[0].start;
		pfree(chunks);
	}
	return offset;
}
