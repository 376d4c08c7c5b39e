/*
 * shape.c
 *		The columns of a copy held against those of its source.
 *
 * A new column is added, a wider type followed, a column that went is kept.  All
 * else stops the sync, and no other, with an event that says what to do.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "catalog/pg_type.h"
#include "ingest/base/attempt.h"
#include "ingest/event/event.h"
#include "ingest/sync/history.h"
#include "ingest/sync/reading.h"
#include "ingest/sync/shape.h"
#include "ingest/base/sql.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* A wider one holds all of a narrower one */
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

/*
 * Is what is written of a value the value, whatever session writes it?  Bytes are written in one of two ways, money by
 * the locale, an object by the name that it has here.
 */
static bool
is_its_text(Oid type)
{
	Oid base = getBaseType(type);
	Oid element = get_element_type(base);

	if (!OidIsValid(element))
		element = get_multirange_range(base);
	if (!OidIsValid(element))
		element = get_range_subtype(base);
	if (OidIsValid(element))
		return is_its_text(element);
	switch (base)
	{
		case BYTEAOID:
		case MONEYOID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGCOLLATIONOID:
			return false;
		default:
			return get_typtype(base) != TYPTYPE_COMPOSITE;
	}
}

static bool
is_text(Oid type, int32 mod)
{
	return type == TEXTOID || (type == VARCHAROID && mod == -1);
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
	if (is_text(to, to_mod))
		return is_its_text(from);
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

/* The sync stops, others go on: the error says which */
static void
stop(Sync *sync, const char *reason, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND), /* a lasting failure of its own kind */
			 errmsg("sync \"%s\" stopped: %s", sync->name, reason),
			 errhint("%s Then SELECT ingest.resume(sync => %s).", hint, quote_literal_cstr(sync->name))));
}

/* An event and a line of the run: readers of the copy want to know */
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
	if (repo_value("SELECT ingest_internal.sync_came_back($1, $2)", arg_int4(sync->id), arg_text(column)) == NULL)
		return false;
	run_log(sync->copy.run, "info",
			psprintf("column %s of %s came back: all rows are read again", column, sync->copy.foreign), NULL);
	return true;
}

ROW_SHAPE(difference_shape, Difference,
		  FIELD(TEXT, Difference, column_name),
		  FIELD(BOOL, Difference, there),
		  FIELD(OID, Difference, type_there),
		  FIELD(INT4, Difference, mod_there),
		  FIELD(TEXT, Difference, definition_there),
		  FIELD(BOOL, Difference, here),
		  FIELD(OID, Difference, type_here),
		  FIELD(INT4, Difference, mod_here),
		  FIELD(TEXT, Difference, definition_here),
		  FIELD(BOOL, Difference, gone));

/* Columns as the source and the copy have them, by name */
Difference *
shape_differences(const Sync *sync, int *n)
{
	return repo_structs(difference_shape, n,
						"SELECT * FROM ingest_internal.sync_differences($1, $2, $3, $4::name[], $5::name[])",
						arg_relation(sync->copy.foreign), arg_relation(sync->copy.target), arg_int4(sync->id),
						arg_texts(sync->left_out.v, sync->left_out.n),
						arg_texts(sync->pseudonymise.v, sync->pseudonymise.n));
}

/* What becomes of a column */
ShapeVerdict
shape_judge(const Difference *d)
{
	if (!d->there || d->gone)
		return SHAPE_GONE;
	if (!d->here)
		return SHAPE_NEW;
	if (shape_widens(d->type_there, d->mod_there, d->type_here, d->mod_here))
		return SHAPE_FITS;
	return shape_may_become(d->type_here, d->mod_here, d->type_there, d->mod_there) ? SHAPE_WIDER : SHAPE_CLASH;
}

/* Is the column the sync's cursor, or one of its key? */
static bool
is_needed(const Sync *sync, const char *column)
{
	if (sync->cursor && strcmp(sync->cursor, column) == 0)
		return true;
	for (int k = 0; k < sync->key.n; k++)
	{
		if (strcmp(sync->key.v[k], column) == 0)
			return true;
	}
	return false;
}

/* It stays with its values, which nobody keeps current any more: written down */
static void
follow_gone(Sync *sync, const Difference *d)
{
	if (is_needed(sync, d->column_name))
		stop(sync, psprintf("column \"%s\", of its key or its cursor, is gone at the source", d->column_name),
			 "Crawl the source; if the table has another key or cursor now, name them with ingest.alter_sync.");
	if (d->here && d->gone)
		repo_run("SELECT ingest_internal.sync_vanished($1, $2)", arg_int4(sync->id), arg_text(d->column_name));
}

/* A cursor that was named anew: the copy never had it, and all rows are read again anyhow */
static bool
is_new_cursor(const Sync *sync, const char *column)
{
	for (int k = 0; k < sync->key.n; k++)
	{
		if (strcmp(sync->key.v[k], column) == 0)
			return false;
	}
	return sync->reload && sync->cursor && strcmp(sync->cursor, column) == 0;
}

/* Old rows get its values by a load of that column alone */
static void
follow_new(Sync *sync, const Difference *d)
{
	if (is_needed(sync, d->column_name) && !is_new_cursor(sync, d->column_name))
		stop(sync,
			 psprintf("column \"%s\", of its key or its cursor, is gone from %s", d->column_name, sync->copy.target),
			 "Put the column back.");
	user_run(psprintf("ALTER TABLE %s ADD COLUMN %s %s", sync->copy.target, quote_identifier(d->column_name),
					  d->definition_there));
	if (repo_value("SELECT ingest_internal.sync_came($1, $2)", arg_int4(sync->id), arg_text(d->column_name)) != NULL)
		sync->unfilled = true;
	announce(sync, "added", d->column_name, NULL, d->definition_there);
}

/* Values stay as they are, there is just more room */
static void
follow_wider(Sync *sync, const Difference *d)
{
	/* it is made of the copy's row type, which cannot change under it */
	if (sync->copy.history)
		user_drop(history_view(sync->target_schema, sync->target_table));
	user_run(psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", sync->copy.target, quote_identifier(d->column_name),
					  d->definition_there));
	announce(sync, "widened", d->column_name, d->definition_here, d->definition_there);
}

/* Text holds what is written of anything; but if that is something else now, all of it may be written otherwise */
static void
follow_written(Sync *sync, const Difference *d)
{
	const char *written = d->type_there == d->type_here ? NULL : d->definition_there;

	if (!is_text(d->type_here, d->mod_here) ||
		!to_bool(repo_value("SELECT ingest_internal.sync_note_written($1, $2, $3)", arg_int4(sync->id),
							arg_text(d->column_name), arg_text(written))))
		return;
	sync->reload = true;
	run_log(sync->copy.run, "info",
			psprintf("column %s of %s is %s now, which is kept as text: all rows are read again", d->column_name,
					 sync->copy.foreign, d->definition_there),
			NULL);
}

/* What holds both, if text does; else the type there */
static void
stop_at_clash(Sync *sync, const Difference *d)
{
	stop(sync,
		 psprintf("column \"%s\" is %s at the source and %s in %s: values may not fit", d->column_name,
				  d->definition_there, d->definition_here, sync->copy.target),
		 is_its_text(d->type_there)
			 ? psprintf("ALTER TABLE %s ALTER COLUMN %s to a type that holds both, such as text.", sync->copy.target,
						quote_identifier(d->column_name))
			 : psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s USING ..., or drop the column: the next run creates it "
						"again.",
						sync->copy.target, quote_identifier(d->column_name), d->definition_there));
}

void
shape_require_fit(const char *foreign, const char *target, const Texts *left_out, const Texts *hashed)
{
	int n;
	Difference *d = repo_structs(difference_shape, &n,
								 "SELECT * FROM ingest_internal.sync_differences($1, $2, 0, $3::name[], $4::name[])",
								 arg_relation(foreign), arg_relation(target), arg_texts(left_out->v, left_out->n),
								 arg_texts(hashed->v, hashed->n));

	for (int i = 0; i < n; i++)
	{
		if (shape_judge(&d[i]) == SHAPE_CLASH)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" is %s in %s and %s in %s: values may not fit", d[i].column_name,
							d[i].definition_there, foreign, d[i].definition_here, target),
					 errhint("Give the column the type of %s, or let the sync create the table.", foreign)));
	}
}

/* One that must not be copied may go on under a name that nobody was told */
static void
require_secrets(Sync *sync)
{
	char *lost;

	if (sync->exclude.n + sync->pseudonymise.n == 0)
		return;
	lost = repo_value("SELECT ingest_internal.sync_secret_lost($1, $2)", arg_relation(sync->copy.foreign),
					  arg_int4(sync->id));
	if (lost)
		stop(sync, psprintf("column \"%s\", which is excluded or pseudonymised, is gone at the source", lost),
			 "If it has another name now, name that with ingest.alter_sync(exclude => '{...}'), otherwise leave it out "
			 "there.");
}

void
shape_follow(Sync *sync)
{
	bool altered = false;
	int n;
	Difference *differences = shape_differences(sync, &n);

	require_secrets(sync);
	/* Citus alters tables and views in one transaction if it goes from node to node */
	if (sync->copy.distributed)
		user_run("SELECT set_config('citus.multi_shard_modify_mode', 'sequential', true)");
	for (int i = 0; i < n; i++)
	{
		const Difference *d = &differences[i];
		ShapeVerdict verdict = shape_judge(d);

		if (verdict != SHAPE_GONE && d->here && came_back(sync, d->column_name))
			sync->reload = true;
		switch (verdict)
		{
			case SHAPE_FITS:
				follow_written(sync, d);
				break;
			case SHAPE_GONE:
				follow_gone(sync, d);
				break;
			case SHAPE_NEW:
				follow_new(sync, d);
				altered = true;
				break;
			case SHAPE_WIDER:
				follow_wider(sync, d);
				altered = true;
				break;
			case SHAPE_CLASH:
				stop_at_clash(sync, d);
		}
	}
	if (sync->copy.history && altered)
		(void) history_view_create(sync->name);
}

/* -- reading -- */

/* A column that is in both tables; shape: all that a run would have to be told of if it changed */
typedef struct Shared
{
	char *column_name;
	Oid type;
	char *definition;
	char *shape;
} Shared;

ROW_SHAPE(shared_shape, Shared,
		  FIELD(TEXT, Shared, column_name),
		  FIELD(OID, Shared, type),
		  FIELD(TEXT, Shared, definition),
		  FIELD(TEXT, Shared, shape));

/* As text, to be compared with what a version was written in */
static char *
shape_of(const Shared *columns, int n)
{
	StringInfoData shape;

	initStringInfo(&shape);
	for (int i = 0; i < n; i++)
		appendStringInfo(&shape, "%s %s\n", columns[i].column_name, columns[i].shape);
	return shape.data;
}

/* Are values of a column of the copy that are equal the same to the last bit? */
static bool
is_spelled_one_way(Oid target, const char *column)
{
	HeapTuple tuple = SearchSysCacheAttName(target, column);
	Form_pg_attribute attribute;
	TypeCacheEntry *type;
	Oid type_id,
		collation,
		function;
	bool bare;

	if (!HeapTupleIsValid(tuple))
		return false;
	attribute = (Form_pg_attribute) GETSTRUCT(tuple);
	type_id = getBaseType(attribute->atttypid);
	collation = attribute->attcollation;
	/* without a length, blanks at its end are kept and do not count */
	bare = type_id == BPCHAROID && attribute->atttypmod < 0;
	ReleaseSysCache(tuple);
	type = lookup_type_cache(type_id, TYPECACHE_BTREE_OPFAMILY);
	function = OidIsValid(type->btree_opf)
				   ? get_opfamily_proc(type->btree_opf, type->btree_opintype, type->btree_opintype, BTEQUALIMAGE_PROC)
				   : InvalidOid;
	return !bare && OidIsValid(function) &&
		   DatumGetBool(OidFunctionCall1Coll(function, collation, ObjectIdGetDatum(type->btree_opintype)));
}

/* Which columns are those of the key and the cursor */
static void
find_needed(Sync *sync, const Shared *columns, int n)
{
	Copy *copy = &sync->copy;

	copy->n_key = sync->key.n;
	copy->key_names = sync->key.v;
	copy->key = palloc0(sizeof(char *) * Max(sync->key.n, 1));
	copy->key_types = palloc0(sizeof(char *) * Max(sync->key.n, 1));
	copy->key_equals = palloc0(sizeof(char *) * Max(sync->key.n, 1));
	copy->cursor = NULL;
	copy->spells_keys = false;
	for (int i = 0; i < n; i++)
	{
		const Shared *c = &columns[i];

		for (int k = 0; k < sync->key.n; k++)
		{
			if (strcmp(sync->key.v[k], c->column_name) != 0)
				continue;
			copy->key[k] = copy->columns[i];
			copy->key_types[k] = c->definition;
			copy->key_equals[k] = equality_of(c->type);
			/* nodes of Citus keep the column by which rows are distributed as it is */
			if (!copy->distributed && !is_spelled_one_way(sync->target_relation, c->column_name))
				copy->spells_keys = true;
			if (k == 0)
				copy->key_is_integer = integer_rank(c->type) > 0;
		}
		if (sync->cursor && strcmp(sync->cursor, c->column_name) == 0)
		{
			copy->cursor = copy->columns[i];
			copy->cursor_type = c->definition;
			copy->cursor_is_time = c->type == TIMESTAMPTZOID || c->type == TIMESTAMPOID || c->type == DATEOID;
		}
	}
}

/* Is a column in both tables? */
static bool
has_column(const Copy *copy, const char *name)
{
	for (int i = 0; i < copy->n_columns; i++)
	{
		if (strcmp(copy->column_names[i], name) == 0)
			return true;
	}
	return false;
}

/* Without key or cursor there is no way to go on */
static void
require_needed(Sync *sync)
{
	Copy *copy = &sync->copy;

	if (copy->n_columns == 0)
		stop(sync, psprintf("%s and %s have no column in common", copy->foreign, copy->target),
			 "Crawl the source, or put the columns back.");
	for (int k = 0; k < sync->key.n; k++)
	{
		if (copy->key[k] == NULL)
			stop(sync,
				 psprintf("column \"%s\" of its key is not in both %s and %s", sync->key.v[k], copy->foreign,
						  copy->target),
				 "Crawl the source, or put the column back.");
	}
	if (sync_is_in_pieces(sync) && (copy->piece_column == NULL || !has_column(copy, sync->source->piece_column)))
		stop(sync,
			 psprintf("the column that names the piece of a row is not in both %s and %s", copy->foreign,
					  copy->target),
			 "Put the column back.");
	if (sync->cursor && copy->cursor == NULL)
		stop(sync, psprintf("its cursor \"%s\" is not in both %s and %s", sync->cursor, copy->foreign, copy->target),
			 "Crawl the source, or put the column back.");
}

/* Living ones */
static int64
count_columns(const char *relation)
{
	return to_int8(own_value("SELECT count(*) FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT "
							 "attisdropped",
							 arg_relation(relation)));
}

/*
 * What makes JSON of rows and keys.  Nodes of Citus do not have the engine's own, which are quicker, and roles that may
 * not use the engine any more may not call them.
 */
static void
choose_json(Copy *copy)
{
	bool own = !copy->distributed &&
			   to_bool(own_value("SELECT has_schema_privilege('ingest_internal', 'USAGE') AND "
								 "has_function_privilege('ingest_internal.row_json(record)', 'EXECUTE') AND "
								 "has_function_privilege('ingest_internal.key_json(\"any\")', 'EXECUTE')"));

	copy->to_json = own ? "ingest_internal.row_json" : "pg_catalog.to_jsonb";
	copy->to_key = own ? "ingest_internal.key_json" : JSON_OBJECT;
}

bool
shape_has_triggers(const Sync *sync)
{
	return own_value("SELECT 1 FROM pg_trigger g "
					 "WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND g.tgtype & 3 = 3 AND "
					 "(g.tgrelid = $1 OR g.tgrelid IN (SELECT relid FROM pg_partition_tree($1))) LIMIT 1",
					 arg_oid(sync->target_relation)) != NULL;
}

bool
shape_read(Sync *sync)
{
	Copy *copy = &sync->copy;
	/* kept over batches */
	MemoryContext old = MemoryContextSwitchTo(sync->context);
	int n;
	/* by the names that the batch's statements use: its tables may have been made anew since the run began */
	Shared *columns = repo_structs(shared_shape, &n,
								   "SELECT * FROM ingest_internal.sync_columns($1, $2, $3, $4::name[])",
								   arg_relation(copy->foreign), arg_relation(copy->target), arg_int4(sync->id),
								   arg_texts(sync->left_out.v, sync->left_out.n));
	char *shape = shape_of(columns, n);

	if (sync->shape && strcmp(sync->shape, shape) == 0)
	{
		MemoryContextSwitchTo(old);
		return false;
	}
	sync->shape = shape;
	copy->n_columns = n;
	copy->columns = palloc(sizeof(char *) * Max(n, 1));
	copy->column_names = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		copy->columns[i] = pstrdup(quote_identifier(columns[i].column_name));
		copy->column_names[i] = columns[i].column_name;
	}
	copy->is_whole = n == count_columns(copy->target);
	choose_json(copy);
	copy->partitioned = get_rel_relkind(sync->target_relation) == RELKIND_PARTITIONED_TABLE;
	find_needed(sync, columns, n);
	require_needed(sync);
	reading_prepare(sync);
	MemoryContextSwitchTo(old);
	return true;
}
