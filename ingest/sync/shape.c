/*
 * shape.c
 *		The columns of a copy held against those of its source.
 *
 * A new column is added, a wider type followed, a column that went is kept.  All
 * else stops the sync, and no other, with an event that says what to do.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "ingest/base/attempt.h"
#include "ingest/event/event.h"
#include "ingest/sync/history.h"
#include "ingest/sync/shape.h"
#include "ingest/base/sql.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static int
integer_rank(Oid type)
{
	switch (type)
	{
		case INT2OID:
			return 1;
		case INT4OID:
			return 2;
		case INT8OID:
			return 3;
		default:
			return 0;
	}
}

bool
shape_widens(Oid from, int32 from_mod, Oid to, int32 to_mod)
{
	if (from == to)
	{
		if (to_mod == -1 || from_mod == to_mod)
			return true;
		if (from_mod == -1)
			return false;
		if (from == VARCHAROID)
			return to_mod >= from_mod;
		if (from == NUMERICOID)
		{
			int from_scale = (from_mod - VARHDRSZ) & 0x7ff,
				to_scale = (to_mod - VARHDRSZ) & 0x7ff;
			int from_whole = (((from_mod - VARHDRSZ) >> 16) & 0xffff) - from_scale,
				to_whole = (((to_mod - VARHDRSZ) >> 16) & 0xffff) - to_scale;

			return to_scale >= from_scale && to_whole >= from_whole;
		}
		return false;
	}
	if (to == TEXTOID || (to == VARCHAROID && to_mod == -1))
		return true;
	if (integer_rank(from) > 0)
	{
		return integer_rank(to) > integer_rank(from) || (to == NUMERICOID && to_mod == -1) ||
			   (to == FLOAT8OID && integer_rank(from) <= 2);
	}
	return from == FLOAT4OID && to == FLOAT8OID;
}

bool
shape_may_become(Oid from, int32 from_mod, Oid to, int32 to_mod)
{
	char category;
	bool preferred;

	/* text holds everything, but a number that became text is none any more */
	get_type_category_preferred(from, &category, &preferred);
	if (to == TEXTOID || to == VARCHAROID)
		return category == TYPCATEGORY_STRING && shape_widens(from, from_mod, to, to_mod);
	return shape_widens(from, from_mod, to, to_mod);
}

/* -- following -- */

static void
stop(Sync *sync, const char *reason, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND), /* a lasting failure of its own kind */
			 errmsg("sync \"%s\" stopped: %s", sync->name, reason),
			 errhint("%s Then SELECT ingest.resume_sync('%s').", hint, sync->name)));
}

static void
announce(Sync *sync, const char *change, const char *column, const char *before, const char *after)
{
	StringInfoData json;

	json_open(&json);
	json_text(&json, "sync", sync->name);
	json_text(&json, "target", sync->copy.target);
	json_text(&json, "column", column);
	json_text(&json, "before", before);
	json_text(&json, "after", after);
	json_int8(&json, "run", sync->copy.run->id);
	event_emit(psprintf("ingest.target.column.%s", change), sync->source->name, sync->name, json_close(&json));
	run_log(sync->copy.run, "info", psprintf("column %s of %s: %s", column, sync->copy.target, change), NULL);
}

/* What changed while a column was away left no trace here: everything is read again */
static bool
came_back(Sync *sync, const char *column)
{
	if (repo_run("UPDATE ingest.sync_state SET vanished = nullif(array_remove(vanished, $2), '{}'), reload = true WHERE sync = $1 AND $2 = ANY (vanished)", arg_int8(sync->id),
				 arg_text(column)) == 0)
		return false;
	run_log(sync->copy.run, "info", psprintf("column %s of %s came back: all rows are read again", column, sync->copy.foreign), NULL);
	return true;
}

void
shape_follow(Sync *sync)
{
	bool altered = false;
	Rows *rows = repo_rows(
		"SELECT coalesce(f.attname, t.attname), f.atttypid, f.atttypmod, format_type(f.atttypid, f.atttypmod), "
		"t.atttypid, t.atttypmod, format_type(t.atttypid, t.atttypmod), c.gone_at IS NOT NULL, "
		"(SELECT NOT attnotnull OR atthasdef OR attidentity <> '' OR attgenerated <> '' FROM pg_attribute a WHERE a.attrelid = t.attrelid AND a.attnum = t.attnum) "
		"FROM (SELECT * FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped) f "
		"FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = $2 AND attnum > 0 AND NOT attisdropped) t USING (attname) "
		"LEFT JOIN ingest.sync s ON s.id = $3 LEFT JOIN ingest.source_column c ON c.table_id = s.table_id AND c.name = attname "
		"ORDER BY f.attnum, t.attnum",
		arg_relation(sync->copy.foreign), arg_relation(sync->copy.target), arg_int8(sync->id));

	/* Citus alters tables and views in one transaction if it goes from node to node */
	if (sync->copy.distributed)
		user_run("SELECT set_config('citus.multi_shard_modify_mode', 'sequential', true)");
	for (uint64 i = 0; i < rows->n; i++)
	{
		char **v = rows->v[i];
		bool here = v[4] != NULL,
			 there = v[1] != NULL && !to_bool(v[7]);
		bool needed = sync->cursor && strcmp(sync->cursor, v[0]) == 0;

		for (int k = 0; k < sync->n_key; k++)
			needed = needed || strcmp(sync->key[k], v[0]) == 0;
		if (!there)
		{
			if (needed)
				stop(sync, psprintf("column \"%s\", of its key or its cursor, is gone at the source", v[0]),
					 "Crawl the source; if the table has another key or cursor now, name them with ingest.alter_sync.");
			if (here && to_bool(v[7]))
				repo_run("UPDATE ingest.sync_state SET vanished = array_append(vanished, $2) WHERE sync = $1 AND $2 <> ALL (coalesce(vanished, '{}'))", arg_int8(sync->id),
						 arg_text(v[0]));
			continue;
		}
		if (here && came_back(sync, v[0]))
			sync->reload = true;
		if (!here)
		{
			if (needed)
				stop(sync, psprintf("column \"%s\", of its key or its cursor, is gone from %s", v[0], sync->copy.target), "Put the column back.");
			user_run(psprintf("ALTER TABLE %s ADD COLUMN %s %s", sync->copy.target, quote_identifier(v[0]), v[3]));
			altered = true;
			if (repo_run("UPDATE ingest.sync_state SET unfilled = array_append(unfilled, $2) WHERE sync = $1 AND phase <> 'new'", arg_int8(sync->id), arg_text(v[0])) > 0)
				sync->unfilled = true;
			announce(sync, "added", v[0], NULL, v[3]);
			continue;
		}
		if (shape_widens(to_int4(v[1]), to_int4(v[2]), to_int4(v[4]), to_int4(v[5])))
			continue;
		if (!shape_may_become(to_int4(v[4]), to_int4(v[5]), to_int4(v[1]), to_int4(v[2])))
			stop(sync, psprintf("column \"%s\" is %s at the source and %s in %s: values may not fit", v[0], v[3], v[6], sync->copy.target),
				 psprintf("ALTER TABLE %s ALTER COLUMN %s to a type that holds both, such as text.", sync->copy.target, quote_identifier(v[0])));
		/* it is made of the copy's row type, which cannot change under it */
		if (sync->copy.history)
			user_drop(history_view(sync->target_schema, sync->target_table));
		altered = true;
		user_run(psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", sync->copy.target, quote_identifier(v[0]), v[3]));
		announce(sync, "widened", v[0], v[6], v[3]);
	}
	if (sync->copy.history && altered)
		(void) history_view_create(sync->name);
}

/* -- reading -- */

bool
shape_read(Sync *sync)
{
	Copy *copy = &sync->copy;
	/* kept over batches */
	MemoryContext old = MemoryContextSwitchTo(sync->context);
	Rows *rows = repo_rows(
		"SELECT t.attname, t.atttypid, format_type(t.atttypid, t.atttypmod), (t.atttypid, t.atttypmod, f.atttypid, f.atttypmod, t.attnum)::text "
		"FROM pg_attribute t JOIN pg_attribute f USING (attname) JOIN ingest.sync s ON s.id = $3 "
		"LEFT JOIN ingest.source_column c ON c.table_id = s.table_id AND c.name = t.attname "
		"WHERE t.attrelid = $2 AND t.attnum > 0 AND NOT t.attisdropped AND f.attrelid = $1 AND f.attnum > 0 AND NOT f.attisdropped "
		"AND c.gone_at IS NULL AND t.attgenerated = '' ORDER BY t.attnum",
		arg_relation(copy->foreign), arg_relation(copy->target), arg_int8(sync->id));
	StringInfoData shape;

	initStringInfo(&shape);
	for (uint64 i = 0; i < rows->n; i++)
		appendStringInfo(&shape, "%s %s\n", rows->v[i][0], rows->v[i][3]);
	if (sync->shape && strcmp(sync->shape, shape.data) == 0)
	{
		MemoryContextSwitchTo(old);
		return false;
	}
	sync->shape = shape.data;
	copy->n_columns = rows->n;
	copy->columns = palloc(sizeof(char *) * Max(rows->n, 1));
	copy->n_key = sync->n_key;
	copy->key_names = sync->key;
	copy->is_whole = rows->n == to_int8(own_value("SELECT count(*) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped", arg_text(copy->target)));
	copy->key = palloc0(sizeof(char *) * Max(sync->n_key, 1));
	copy->key_types = palloc0(sizeof(char *) * Max(sync->n_key, 1));
	copy->key_equals = palloc0(sizeof(char *) * Max(sync->n_key, 1));
	copy->cursor = NULL;
	for (uint64 i = 0; i < rows->n; i++)
	{
		char **v = rows->v[i];

		copy->columns[i] = pstrdup(quote_identifier(v[0]));
		for (int k = 0; k < sync->n_key; k++)
		{
			if (strcmp(sync->key[k], v[0]) != 0)
				continue;
			copy->key[k] = copy->columns[i];
			copy->key_types[k] = v[2];
			copy->key_equals[k] = equality_of(to_oid(v[1]));
			if (k == 0)
				copy->key_is_integer = integer_rank(to_oid(v[1])) > 0;
		}
		if (sync->cursor && strcmp(sync->cursor, v[0]) == 0)
		{
			copy->cursor = copy->columns[i];
			copy->cursor_type = v[2];
			copy->cursor_is_time = to_oid(v[1]) == TIMESTAMPTZOID || to_oid(v[1]) == TIMESTAMPOID || to_oid(v[1]) == DATEOID;
		}
	}
	for (int k = 0; k < sync->n_key; k++)
	{
		if (copy->key[k] == NULL)
			stop(sync, psprintf("column \"%s\" of its key is not in both %s and %s", sync->key[k], copy->foreign, copy->target),
				 "Crawl the source, or put the column back.");
	}
	if (sync->cursor && copy->cursor == NULL)
		stop(sync, psprintf("its cursor \"%s\" is not in both %s and %s", sync->cursor, copy->foreign, copy->target), "Crawl the source, or put the column back.");
	MemoryContextSwitchTo(old);
	return true;
}
