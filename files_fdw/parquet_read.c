/*
 * parquet_read.c
 *		Rows of a Parquet file, for a foreign table.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "files_fdw/parquet_read.h"
#include "files_fdw/table.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "utils/memutils.h"

#define BLOCKS_BYTES (8 * 1024 * 1024) /* that are read ahead, of all columns */
#define MOST_BLOCK (1024 * 1024)
#define LEAST_BLOCK 65536

char *
parquet_name(const ParquetNode *node)
{
	char *name = pg_any_to_server(node->name, (int) strlen(node->name), PG_UTF8);

	/* that of the footer goes with it */
	return name == node->name ? pstrdup(name) : name;
}

/* -- which column is whose -- */

static void
map_columns(ParquetRows *r, const Table *t)
{
	const ParquetNode *root = &r->meta->nodes[0];
	const ParquetNode *node = root + 1;
	int found = 0;

	for (int k = 0; k < root->children; k++, node = &r->meta->nodes[node->end])
	{
		char *name = parquet_name(node);
		int i = table_column(t, name);

		if (i < 0)
		{
			if (!t->o.ignore_extra)
				ereport(ERROR, (errcode(ERRCODE_FDW_COLUMN_NAME_NOT_FOUND),
								errmsg("foreign table \"%s\" has no column for \"%s\" of file \"%s\"", t->name, name,
									   r->source.path),
								errhint("Import the table again, or set its option extra_columns to ignore.")));
			continue;
		}
		if (r->nodes[i] != NULL)
			ereport(ERROR, (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
							errmsg("file \"%s\" has two columns \"%s\"", r->source.path, name)));
		r->nodes[i] = node;
		found++;
	}
	if (root->children > 0 && found == 0)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("file \"%s\" has none of the columns of foreign table \"%s\"", r->source.path, t->name)));
}

/* Texts and numbers do not become lists, nor lists numbers */
static void
check_nested(const ParquetRows *r, const Table *t, int i)
{
	Oid type = t->columns[i].converter.base;

	if (parquet_meaning(r->nodes[i]) == MEAN_NESTED && type != JSONBOID && type != JSONOID && type != TEXTOID)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
						errmsg("column \"%s\" of foreign table \"%s\" must be of type jsonb",
							   t->columns[i].converter.name, t->name),
						errdetail("In file \"%s\" it is a list, a map or a struct.", r->source.path)));
}

ParquetRows *
parquet_rows_new(const Table *t, RootFile *file, const FileInfo *info, const Bitmapset *wanted)
{
	ParquetRows *r = palloc0(sizeof(ParquetRows));
	int n = 0;

	r->source = (ParquetSource){.file = file, .path = info->path, .size = info->size};
	r->natts = t->natts;
	r->nodes = palloc0(sizeof(ParquetNode *) * Max(t->natts, 1));
	r->columns = palloc0(sizeof(ParquetColumn *) * Max(t->natts, 1));
	r->group = -1;
	r->to = PG_INT64_MAX;
	/* nothing in it: no rows, as of other formats */
	if (info->size == 0)
		return r;
	r->meta = parquet_meta_read(&r->source);
	map_columns(r, t);
	for (int i = 0; i < t->natts; i++)
		n += r->nodes[i] != NULL && bms_is_member(i + 1, wanted);
	for (int i = 0; i < t->natts; i++)
	{
		if (r->nodes[i] == NULL || !bms_is_member(i + 1, wanted))
			continue;
		check_nested(r, t, i);
		r->columns[i] = column_new(&r->source, r->meta, r->nodes[i], &t->columns[i].converter,
								   Min(Max(BLOCKS_BYTES / n, LEAST_BLOCK), MOST_BLOCK));
	}
	return r;
}

void
parquet_rows_part(ParquetRows *r, int64 from, int64 to, int64 first)
{
	r->from = from;
	r->to = to;
	r->first = first;
	r->group = -1;
	r->row = r->end = 0;
}

/* -- rows -- */

/* Go to the next row group that may have rows which are wanted; false: there is none */
static bool
next_group(ParquetRows *r)
{
	while (++r->group < r->meta->ngroups)
	{
		const ParquetGroup *g = &r->meta->groups[r->group];
		MemoryContext context;
		MemoryContext old;
		ParquetChunk *chunks;
		int64 offset;
		bool any = true;

		CHECK_FOR_INTERRUPTS();
		if (g->rows == 0 || g->first + g->rows <= r->first)
			continue;
		context = AllocSetContextCreate(CurrentMemoryContext, "parquet row group", ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(context);
		offset = parquet_group_offset(&r->source, r->meta, r->group);
		if (offset >= r->from && offset < r->to)
		{
			chunks = parquet_group_chunks(&r->source, r->meta, r->group);
			any = prune_keeps(r->prunes, r->meta, r->nodes, r->natts, g, chunks);
			for (int i = 0; any && i < r->natts; i++)
			{
				if (r->columns[i])
				{
					MemoryContextSwitchTo(old);
					column_group(r->columns[i], r->group, chunks);
					MemoryContextSwitchTo(context);
				}
			}
			r->groups_read += any;
			r->groups_left_out += !any;
		}
		else
			any = false;
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		if (!any)
			continue;
		r->row = Max(g->first, r->first);
		r->end = g->first + g->rows;
		return true;
	}
	return false;
}

bool
parquet_rows_next(ParquetRows *r, Row *row)
{
	if (r->row == r->end && (r->meta == NULL || r->group >= r->meta->ngroups || !next_group(r)))
		return false;
	row->position = r->row++;
	return true;
}

char *
parquet_row_text(const ParquetRows *r, const Table *t, int64 row)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < r->natts; i++)
	{
		char *text = r->columns[i] ? column_text(r->columns[i], row) : NULL;

		if (text == NULL)
			continue;
		appendStringInfoString(&out, out.len > 1 ? ", " : "");
		escape_json(&out, t->columns[i].o.name);
		appendStringInfoString(&out, ": ");
		escape_json(&out, shown_text(text, strlen(text), 0));
	}
	appendStringInfoChar(&out, '}');
	return out.data;
}
