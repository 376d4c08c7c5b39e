/*
 * parquet_fuzz.c
 *		Fuzzer for the reader of Parquet: a file.
 *
 * Whatever it is: it is refused, or each column has the entries that its chunk claims, the same ones whether they are
 * read in large steps or in small ones, and passing over some leads to those behind them.
 */
#include "postgres.h"

#include "files_fdw/parquet_leaf.h"
#include "files_fdw/parquet_nest.h"
#include "files_fdw/parquet_value.h"
#include "test/fuzz/files_standins.h"
#include "test/fuzz/jsonb_standins.h"

#define MOST_ENTRIES 20000
#define MOST_LEAVES 8
#define MOST_GROUPS 3

/* -- a file that is in memory -- */

typedef struct MemoryFile
{
	RootFile file;
	const uint8_t *data;
	size_t size;
} MemoryFile;

static size_t
memory_read(RootFile *file, void *buffer, size_t n, int64 offset)
{
	MemoryFile *m = (MemoryFile *) file;

	CHECK(offset >= 0 && offset <= (int64) m->size && n <= m->size - (size_t) offset);
	memcpy(buffer, m->data + offset, n);
	return n;
}

/* The reader of texts is not used, but for what it says of bytes that are none */
size_t
input_read(Input *in, char *to, size_t room)
{
	(void) in, (void) to, (void) room;
	return 0;
}

void
input_seek(Input *in, int64 offset)
{
	(void) in, (void) offset;
}

/* -- what must hold -- */

/* Entries of a chunk, as numbers; how many, -1: there are too many to look at */
static int
read_entries(ParquetSource *source, const ParquetMeta *meta, int group, const ParquetChunk *chunk, int leaf, int step,
			 int skip, uint32 *seen)
{
	ParquetLeaf *l = leaf_new(source, meta, leaf, 512, 64);
	int n = 0;

	leaf_group(l, group, chunk);
	if (skip > 0)
		leaf_skip(l, skip);
	while (leaf_next(l, step))
	{
		int slot = 0;

		CHECK(l->n > 0 && l->n <= step && l->nvalues >= 0 && l->nvalues <= l->n);
		for (int i = 0; i < l->n; i++, n++)
		{
			ParquetValue value = {0};

			if (n >= MOST_ENTRIES)
				return -1;
			CHECK(l->def_levels[i] <= l->node->def && l->rep_levels[i] <= l->node->rep);
			seen[n] = l->def_levels[i] * 31 + l->rep_levels[i];
			if (l->def_levels[i] != l->node->def)
				continue;
			if (l->by_index)
				parquet_value_at(l->node, l->dictionary, (int) l->index[slot], &value);
			else
				parquet_value_at(l->node, l->values, slot, &value);
			slot++;
			seen[n] = seen[n] * 31 + hash_bytes((unsigned char *) value.bytes.p, (int) value.bytes.len);
			seen[n] = seen[n] * 31 + (uint32) value.number;
		}
		CHECK(slot == l->nvalues);
	}
	CHECK(skip + n == chunk->values);
	return n;
}

static void
read_leaf(ParquetSource *source, const ParquetMeta *meta, int group, const ParquetChunk *chunk, int leaf)
{
	static uint32 whole[MOST_ENTRIES];
	static uint32 steps[MOST_ENTRIES];
	int n = read_entries(source, meta, group, chunk, leaf, LEAF_STEP, 0, whole);

	if (n < 0)
		return;
	CHECK(read_entries(source, meta, group, chunk, leaf, 3, 0, steps) == n);
	CHECK(memcmp(whole, steps, sizeof(uint32) * n) == 0);
	if (n > 2 && meta->nodes[meta->leaves[leaf]].rep == 0)
	{
		CHECK(read_entries(source, meta, group, chunk, leaf, 7, n / 2, steps) == n - n / 2);
		CHECK(memcmp(whole + n / 2, steps, sizeof(uint32) * (n - n / 2)) == 0);
	}
}

static void
read_nested(ParquetSource *source, const ParquetMeta *meta, int group, const ParquetChunk *chunks)
{
	const ParquetNode *root = &meta->nodes[0];
	const ParquetNode *node = root + 1;

	for (int k = 0; k < root->children && k < MOST_LEAVES; k++, node = &meta->nodes[node->end])
	{
		const ParquetGroup *g = &meta->groups[group];
		ParquetNest *nest;

		if (parquet_meaning(node) != MEAN_NESTED || node->leaves > MOST_LEAVES || g->rows > MOST_ENTRIES)
			continue;
		nest = nest_new(source, meta, node, 512, false);
		nest_group(nest, group, chunks, 0);
		for (int64 row = g->first; row < g->first + g->rows; row += 1 + (row % 3 == 0))
		{
			Complaint complaint;
			Datum value;
			bool isnull;

			pushed = 0;
			(void) nest_value(nest, row, &value, &isnull, &complaint);
			CHECK(pushed == 0);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const RootRoutine routine = {.read = memory_read};
	Root root = {.routine = &routine, .server = "fuzz", .where = "/"};
	MemoryFile file = {{&root, "file"}, data, size};
	volatile int group = 0;
	volatile int leaf = 0;
	volatile bool nested = false;
	ParquetSource source = {.file = &file.file, .path = "file", .size = (int64) size};
	ParquetMeta *volatile meta = NULL;

	if (setjmp(failed) == 0)
		meta = parquet_meta_read(&source);
	/* what is wrong with one column does not keep the others from being looked at */
	for (; meta && group < Min(meta->ngroups, MOST_GROUPS); group++)
	{
		for (leaf = 0; leaf < Min(meta->nleaves, MOST_LEAVES); leaf++)
		{
			if (setjmp(failed) == 0)
				read_leaf(&source, meta, group, &parquet_group_chunks(&source, meta, group)[leaf], leaf);
		}
		if (setjmp(failed) == 0)
			read_nested(&source, meta, group, parquet_group_chunks(&source, meta, group));
	}
	forget_all();
	return 0;
}
